"""Hubs of other releases: the hub's image with a line or two more, and tags as a build moves them.

A platform that is to be upgraded has a tag of its own for all it runs, so that no other platform on
the engine sees another image for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from jhub_testing.resources import Engine

HUB = "local/jupyterhub-hub"
OTHERS = ("local/jupyterhub-proxy", "local/uv-marimo", "local/jupyterhub-backup")
SOURCES = "/opt/hub/lib/hub/hub_config"

STEP = """
STEPS = (*STEPS, lambda connection: connection.execute(text("CREATE TABLE platform_next (x INT)")))
"""
"""A release whose tables are other ones, so that an older hub refuses its database."""

ENDS = """
_before = prepare
def prepare(session):
    _before(session)
    raise SystemExit("the last words of the next hub")
"""
"""Its hub ends, after it has brought the database up to date."""

STARTS_NOTHING = """
from hub_config.spawning.profile_spawner import PlatformSpawner
async def start(self):
    raise RuntimeError("no server in this release")
PlatformSpawner.start = start
"""
"""Its hub starts no server."""


def changed(engine: Engine, source: str, module: str, more: str) -> str:
    """An image like `source`, with `more` at the end of a module of the hub; its id."""
    program = (
        f'cd {SOURCES} && printf %s "$MORE" >> {module}.py'
        f" && rm -f $(dirname {module})/__pycache__/$(basename {module}).*"
    )
    made = engine.client.containers.create(
        source,
        ["-euc", program],
        entrypoint="sh",
        user="root",
        environment={"MORE": more},
        labels=engine.labels,
    )
    try:
        made.start()
        assert made.wait()["StatusCode"] == 0, made.logs().decode()
        was = engine.client.images.get(source).attrs["Config"]
        changes = [
            f"ENTRYPOINT {_words(was['Entrypoint'])}",
            f"CMD {_words(was['Cmd'])}",
            f"USER {was['User']}",
            "ENV MORE=",
            *(f'LABEL {key}="{value}"' for key, value in engine.labels.items()),
        ]
        image = made.commit(HUB, engine.name("changed"), changes=changes)
    finally:
        made.remove(force=True)
    return str(image.id)


def with_label(engine: Engine, reference: str, label: str) -> str:
    """Have the image that this names say something else of itself; the reference."""
    made = engine.client.containers.create(reference, labels=engine.labels)
    try:
        repository, _, tag = reference.rpartition(":")
        made.commit(repository, tag, changes=[f"LABEL {label}"])
    finally:
        made.remove(force=True)
    return reference


def _words(command: list[str]) -> str:
    return "[" + ",".join(f'"{word}"' for word in command) + "]"


@contextmanager
def tagged(engine: Engine, name: str, now: str) -> Iterator[str]:
    """A tag of its own on hub, proxy and what people start; gone at the end, with all like it."""
    for repository in (HUB, *OTHERS):
        engine.client.images.get(f"{repository}:{now}").tag(repository, name)
    try:
        yield name
    finally:
        for image in engine.client.images.list():
            for reference in image.tags:
                if reference.rpartition(":")[2] == name:
                    engine.client.images.remove(reference, noprune=True)
