"""Images of a few megabytes for tests of starts: one is in a registry alone, one is here, one ends,
one is silent, one is of another JupyterHub. Whoever pushes to that registry or pulls has to log in.
"""

import base64
import io
import json
import secrets
import tarfile
from dataclasses import dataclass

from jhub_docker.catalog.identity import LABEL, RELEASE
from jhub_testing import stub_servers
from jhub_testing.registry import Registry
from jhub_testing.resources import Engine

OLD_HUB = "5.4.0"

ENDING = ["sh", "-c", "echo 'the notebook is <gone>'; exit 3"]
SILENT = ["perl", "-e", '$| = 1; print "the data are <gone>\\n"; sleep']
"""It never answers, so the test can end it when it likes."""

COMMANDS = {
    "fetched": stub_servers.SERVER,
    "here": stub_servers.answering_after(1),
    "broken": ENDING,
    "silent": SILENT,
    "old": stub_servers.SERVER,
}

_ENTRY = """
[[images]]
reference = "{reference}"
jupyterhub = "6.1.1"
name = "{name}"
profiles.small = {{ mem_limit = "1G" }}
"""
_GIANT = 'profiles.giant = { mem_limit = "900T" }\n'
"""What no machine has; of `fetched`."""

PULLER, PASSWORD = "puller", secrets.token_urlsafe(12)
"""The registry's account: whoever pushes and pulls has to log in."""


def encoded(password: str) -> str:
    """As in Docker's configuration."""
    return base64.b64encode(f"{PULLER}:{password}".encode()).decode()


LOGIN = encoded(PASSWORD)


@dataclass(frozen=True)
class Images:
    """What the little images' references begin with, and the digest of the one to be pulled."""

    prefix: str
    digest: str

    @property
    def config(self) -> str:
        """What `config.toml` says of them."""

        def entry(name: str) -> str:
            fetched = name == "fetched"
            reference = f"{self.prefix}{name}:1" + (f"@{self.digest}" if fetched else "")
            return _ENTRY.format(reference=reference, name=name) + (_GIANT if fetched else "")

        return "".join(map(entry, COMMANDS))


def make(engine: Engine, registry: Registry) -> Images:
    """Little images: `fetched`, a release, answers and is in the registry only; `here` takes a
    second to answer; `broken` ends, and has the tag of `fetched` there; `silent` never answers;
    `old` is of another JupyterHub.
    """
    prefix = f"{registry.address}/team/"
    perl = stub_servers.system(engine)
    for name, command in COMMANDS.items():
        offer = {"name": name, "profiles": {"small": {"mem_limit": "1G"}}}
        labels = {
            f"{LABEL}.profiles": json.dumps(offer),
            f"{LABEL}.jupyterhub": OLD_HUB if name == "old" else "6.1.1",
            **({RELEASE: "1.2.0"} if name == "fetched" else {}),
        }
        told = engine.client.api.import_image_from_data(
            _with_filler(perl),
            repository=prefix + name,
            tag="1",
            changes=[
                *(f"LABEL {key}='{value}'" for key, value in (labels | engine.labels).items()),
                f"CMD {json.dumps(command)}",
            ],
        )
        assert "errorDetail" not in told, told
    _push(engine, f"{prefix}fetched")
    (digest,) = engine.client.images.get(f"{prefix}fetched:1").attrs["RepoDigests"]
    engine.client.images.remove(f"{prefix}fetched:1")
    engine.client.images.get(f"{prefix}broken:1").tag(f"{prefix}fetched", "1")
    _push(engine, f"{prefix}fetched")
    engine.client.images.remove(f"{prefix}fetched:1")
    return Images(prefix, digest.rpartition("@")[2])


def _push(engine: Engine, repository: str) -> None:
    login = {"username": PULLER, "password": PASSWORD}
    pushed = engine.client.images.push(repository, "1", auth_config=login)
    assert "error" not in pushed, pushed


def _with_filler(system: bytes) -> bytes:
    """The archive with some megabytes that nothing else has and that cannot be compressed."""
    archive = io.BytesIO()
    with (
        tarfile.open(fileobj=archive, mode="w") as made,
        tarfile.open(fileobj=io.BytesIO(system)) as given,
    ):
        for member in given.getmembers():
            made.addfile(member, given.extractfile(member))
        filler = tarfile.TarInfo("filler")
        filler.size = 4 * 10**6
        made.addfile(filler, io.BytesIO(secrets.token_bytes(filler.size)))
    return archive.getvalue()
