"""Key pairs: made once, kept from others and from git, their password never in an argument."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from jhub_docker.errors import ActionError, UsageError
from jhub_docker.release.record import keys
from jhub_docker.release.record.records import sign
from jhub_testing.little_releases import PASSWORD, Release


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    return folder


def test_a_pair_is_made_outside_the_checkout_and_never_overwritten(
    root: Path, tmp_path: Path
) -> None:
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config"), keys.PASSWORD: PASSWORD}
    private, public = keys.make_pair(root, environment)
    assert private == tmp_path / "config/jhub-docker/cosign.key"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert b"ENCRYPTED" in private.read_bytes()
    assert public == root / "cosign.pub"
    assert public.read_text().startswith("-----BEGIN PUBLIC KEY-----")
    assert keys.signing_key(environment).path == private
    assert keys.trusted(root) == public
    before = private.read_bytes(), public.read_bytes()
    for gone in (private, public):
        kept = gone.read_bytes()
        with pytest.raises(UsageError, match="is not overwritten"):
            keys.make_pair(root, environment)
        gone.unlink()
        with pytest.raises(UsageError, match="is not overwritten"):
            keys.make_pair(root, environment)
        gone.write_bytes(kept)
    assert (private.read_bytes(), public.read_bytes()) == before


def test_a_pair_that_could_not_be_made_is_in_nobodys_way(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cosign").write_text("#!/bin/sh\necho no cosign >&2\nexit 1\n")
    (tmp_path / "cosign").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config"), keys.PASSWORD: PASSWORD}
    for _ in range(2):
        with pytest.raises(ActionError, match="no cosign"):
            keys.make_pair(root, environment)


def test_a_path_in_the_checkout_is_no_good_place(root: Path, tmp_path: Path) -> None:
    environment = {keys.KEY: str(tmp_path / "checkout/cosign.key"), keys.PASSWORD: PASSWORD}
    with pytest.raises(UsageError, match="inside the checkout"):
        keys.make_pair(root, environment)
    assert not (root / "cosign.pub").exists()


def test_no_key_is_made_without_a_password(root: Path, tmp_path: Path) -> None:
    private = tmp_path / "elsewhere/cosign.key"
    environment = {keys.KEY: str(private), keys.PASSWORD: ""}
    with pytest.raises(UsageError, match="the password is empty"):
        keys.make_pair(root, environment)
    assert not private.parent.exists()


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cosign.key"
    environment = {keys.KEY: str(path), keys.PASSWORD: PASSWORD}
    with pytest.raises(UsageError, match=r"no signing key at .*invoke release\.key"):
        keys.signing_key(environment)
    path.write_text("key")
    path.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        keys.signing_key(environment)
    path.chmod(0o600)
    with pytest.raises(UsageError, match="COSIGN_PASSWORD"):
        keys.signing_key({keys.KEY: str(path)})


def test_no_secret_is_in_an_argument_or_shown(
    release: Release, recorded: Callable[[], str], capfd: pytest.CaptureFixture[str]
) -> None:
    sign(release.remote, release.image, release.records, release.key)
    assert "cosign attest" in recorded()
    shown = capfd.readouterr()
    for text in (recorded(), shown.out, shown.err, repr(release.key)):
        assert PASSWORD not in text
