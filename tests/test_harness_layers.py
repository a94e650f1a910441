"""What the layer scan takes for a cache, a secret or the machine's own CA."""

from pathlib import Path

import pytest
import trustme

from jhub_testing.layers import Findings, judge, own_certificates

KEY = b"-----BEGIN PRIVATE KEY-----\n" + b"A" * 64 + b"\n" + b"B" * 64 + b"\n"


def _judged(path: str, content: bytes = b"", needles: tuple[bytes, ...] = ()) -> Findings:
    findings = Findings()
    judge(path, content, needles, findings)
    return findings


@pytest.mark.parametrize(
    "path",
    [
        "var/lib/apt/lists/some_dists_main_binary-amd64_Packages",
        "var/cache/apt/archives/git.deb",
        "var/cache/apt/pkgcache.bin",
        "root/.cache/uv/archive-v0/x",
        "home/nebula/.cache/pip/x",
        "root/.npm/_cacache/index",
        "tmp/build.log",
        "run/secrets/ca-bundle",
    ],
)
def test_cache_is_found(path: str) -> None:
    assert _judged(path).caches == [path]


@pytest.mark.parametrize(
    "path", ["var/lib/apt/lists/lock", "opt/venv/bin/python", "usr/lib/tmpfiles.d/x", "etc/hosts"]
)
def test_other_files_are_no_cache(path: str) -> None:
    assert not _judged(path).caches


def test_private_key_is_found() -> None:
    assert _judged("etc/server.pem", KEY).secrets == ["etc/server.pem (a private key)"]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("opt/venv/lib/tornado/test/test.key", KEY),
        ("usr/lib/libgnutls.so.30", b"\x7fELF" + KEY),
        ("opt/venv/lib/ssh.py", b'HEADER = "-----BEGIN PRIVATE KEY-----"\n'),
    ],
)
def test_published_keys_and_mentions_are_no_secret(path: str, content: bytes) -> None:
    assert not _judged(path, content).secrets


@pytest.mark.parametrize("path", ["root/.netrc", "home/nebula/.git-credentials", "root/id_rsa"])
def test_credential_file_is_found(path: str) -> None:
    assert _judged(path).secrets == [path]


def test_own_ca_is_found_as_pem_and_der_and_public_ones_are_not(tmp_path: Path) -> None:
    mine, public = trustme.CA().cert_pem.bytes(), trustme.CA().cert_pem.bytes()
    bundle, known = tmp_path / "bundle.pem", tmp_path / "public.pem"
    bundle.write_bytes(mine + public)
    known.write_bytes(public)
    needles = own_certificates(bundle, known)
    assert len(needles) == 2
    assert _judged("etc/ssl/x.pem", b"# comment\n" + mine, needles).machine_ca
    assert not _judged("etc/ssl/x.pem", public, needles).machine_ca
