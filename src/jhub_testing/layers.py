"""What is in the layers of an image, also in those a later layer hides.

`docker save` is read as a stream: every file of every layer passes by once and is judged by its
path and content. Nothing is written to disk.
"""

import base64
import hashlib
import io
import json
import os
import re
import ssl
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import certifi
from docker import DockerClient

if TYPE_CHECKING:
    from typing_extensions import Buffer  # collections.abc has it from Python 3.12

_CACHES = re.compile(
    r"""^(
        var/lib/apt/lists/(?!lock$|partial(/|$)|auxfiles(/|$)).+
      | var/cache/apt/.+\.(deb|bin)
      | (root|home/[^/]+)/\.(cache|npm|yarn|node-gyp|local/share/uv)/.+
      | (.*/)?_cacache/.+
      | (tmp|var/tmp|run/secrets|run/build-tools)/.+
      | (.*/)?uv/(archive-v\d+|simple-v\d+|wheels-v\d+)/.+
    )""",
    re.VERBOSE,
)
_SECRET_FILES = re.compile(
    r"(^|/)(\.netrc|\.pypirc|\.git-credentials|id_(rsa|ecdsa|ed25519)|\.docker/config\.json"
    r"|jupyterhub_cookie_secret)$|^run/secrets/."
)
_PRIVATE_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\r?\n(?:[A-Za-z0-9+/=]{40,}\r?\n){2,}"
)
_TEST_DATA = re.compile(r"(^|/)(tests?|testing|test_?data|fixtures?)/")
_LARGEST_READ = 256 * 1024 * 1024

KEPT = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "jhub-docker" / "layers"
"""Where findings are kept for all checkouts: as uv's and BuildKit's caches they go by content."""


@dataclass
class Findings:
    """What should not be in an image: paths, each with the reason where it is not the path.

    `places` says for each layer, the lowest first, where it has files: programs each by its path,
    all else by its folder.
    """

    caches: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    machine_ca: list[str] = field(default_factory=list)
    places: dict[str, list[str]] = field(default_factory=dict)

    def add(self, other: "Findings") -> None:
        """Take in what was found elsewhere."""
        self.caches += other.caches
        self.secrets += other.secrets
        self.machine_ca += other.machine_ca
        self.places |= other.places


def own_certificates(bundle: Path, public: Path | None = None) -> tuple[bytes, ...]:
    """What to look for to find this machine's own CAs: those that are not publicly trusted.

    `bundle` is the file of certificates the machine trusts; publicly trusted is what certifi and
    the distribution's own copy of Mozilla's list have. For each CA two needles: a line of its PEM
    form and a piece of its DER form.
    """
    folder = Path("/usr/share/ca-certificates/mozilla")
    known = set(_certificates((public or Path(certifi.where())).read_text()))
    for path in folder.glob("*.crt"):
        known.update(_certificates(path.read_text()))
    needles: list[bytes] = []
    for der in _certificates(bundle.read_text(errors="replace")):
        if der not in known:
            lines = ssl.DER_cert_to_PEM_cert(der).splitlines()
            needles += [lines[len(lines) // 2].encode(), der[len(der) // 2 :][:48]]
    return tuple(needles)


def _certificates(pem: str) -> Iterator[bytes]:
    blocks = r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----"
    for block in re.findall(blocks, pem, re.DOTALL):
        yield base64.b64decode(block)


def judge(path: str, content: bytes, needles: Iterable[bytes], findings: Findings) -> None:
    """Add to `findings` what is wrong with one file of a layer."""
    if _CACHES.match(path) and not path.rpartition("/")[2].startswith(".wh."):
        findings.caches.append(path)
    if _SECRET_FILES.search(path):
        findings.secrets.append(path)
    if (
        b"PRIVATE KEY-----" in content
        and not content.startswith((b"\x7fELF", b"!<arch>\n"))  # a library's self-test keys
        and not _TEST_DATA.search(path)
        and _PRIVATE_KEY.search(content)
    ):
        findings.secrets.append(f"{path} (a private key)")
    if any(needle in content for needle in needles):
        findings.machine_ca.append(path)


def scan(
    client: DockerClient, image: str, needles: tuple[bytes, ...] = (), kept: Path | None = None
) -> Findings:
    """Look through all layers of an image and through its configuration and history.

    With `kept`, a folder, what was found in a layer is kept there under the layer's digest: images
    share most of their layers, and with the same needles and the same rules (this file) the result
    is the same. An image all of which is known there is not saved again.
    """
    findings = Findings()
    rules = hashlib.sha256(b"\0".join([Path(__file__).read_bytes(), *needles])).hexdigest()

    def note(name: str) -> Path | None:
        digest = hashlib.sha256(f"{name} {rules}".encode()).hexdigest()
        return kept / f"{digest}.json" if kept and "sha256" in name else None

    def known(name: str) -> bool:
        if (file := note(name)) and file.exists():
            findings.add(Findings(**json.loads(file.read_text())))
            return True
        return False

    there = client.images.get(image).attrs
    whole = [f"blobs/{one.replace(':', '/')}" for one in (there["Id"], *there["RootFS"]["Layers"])]
    if all(map(known, whole)):
        findings.places = {name: findings.places.get(name, []) for name in whole[1:]}
        return findings
    findings = Findings()
    stream = _as_file(client.api.get_image(image))
    with tarfile.open(fileobj=stream, mode="r|") as saved:
        for member in saved:
            blob = saved.extractfile(member) if member.isfile() else None
            if blob is None or known(member.name):
                continue
            found = _scan_blob(member.name, blob, needles)
            findings.add(found)
            if file := note(member.name):
                file.parent.mkdir(parents=True, exist_ok=True)
                written = file.with_suffix(f".{os.getpid()}")  # sessions run beside each other
                written.write_text(json.dumps(asdict(found)))
                written.replace(file)
    order = findings.places.pop(_ORDER, [])
    findings.places = {name: findings.places.get(name, []) for name in order}
    return findings


_ORDER = "manifest.json"
"""What `docker save` lists the layers in."""


def _scan_blob(name: str, blob: IO[bytes], needles: tuple[bytes, ...]) -> Findings:
    findings = Findings()
    start = blob.read(512)
    if start[:1] in (b"{", b"["):
        text = start + blob.read()
        judge(f"<{name}>", text, needles, findings)
        _judge_configuration(text, findings)
        if name == _ORDER:
            findings.places[name] = json.loads(text)[0]["Layers"]
    elif start:
        findings.places[name] = _scan_layer(io.BytesIO(start), blob, needles, findings)
    return findings


def _place(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return path if folder.endswith("bin") or name.startswith(".wh.") else folder


def _scan_layer(
    start: IO[bytes], rest: IO[bytes], needles: tuple[bytes, ...], findings: Findings
) -> list[str]:
    """Judge a layer's files; returns where it has any."""

    def chunks() -> Iterator[bytes]:
        yield start.read()
        while chunk := rest.read(1 << 20):
            yield chunk

    stream = _as_file(chunks())
    try:
        layer = tarfile.open(fileobj=stream, mode="r|*")  # noqa: SIM115 - entered below
    except tarfile.ReadError:
        return []
    places = set()
    with layer:
        for member in layer:
            if not member.isdir():
                places.add(_place(member.name.removeprefix("./")))
            if member.isfile():
                file = layer.extractfile(member)
                content = file.read(_LARGEST_READ) if file else b""
                judge(member.name.removeprefix("./"), content, needles, findings)
    return sorted(places)


_SECRET_VARIABLE = re.compile(
    rb'"([A-Z_]*(?:TOKEN|PASSWORD|PASSWD|SECRET|API_KEY|PRIVATE_KEY)[A-Z_]*)=([^"]+)"'
)
_PROXY_PASSWORD = re.compile(rb"[a-z]+://[^/@\s\"]+:[^/@\s\"]+@")


def _judge_configuration(text: bytes, findings: Findings) -> None:
    for name, _ in _SECRET_VARIABLE.findall(text):
        findings.secrets.append(f"variable {name.decode()} in the image's configuration")
    if _PROXY_PASSWORD.search(text):
        findings.secrets.append("an address with a password in the image's configuration")


def _as_file(chunks: Iterable[bytes]) -> io.BufferedReader:
    """The engine's stream of byte strings as a file to read once."""
    return io.BufferedReader(_Chunks(chunks), 1 << 20)


class _Chunks(io.RawIOBase):
    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._rest = iter(chunks), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        view = memoryview(buffer)
        while not self._rest and (chunk := next(self._chunks, None)) is not None:
            self._rest = chunk
        count = min(len(view), len(self._rest))
        view[:count], self._rest = self._rest[:count], self._rest[count:]
        return count
