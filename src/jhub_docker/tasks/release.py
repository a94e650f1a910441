"""Releasing one image, and what two releases differ in.

Modules that only a release needs are imported in the task's body: every other task would wait for
them too.
"""

import json

from invoke.context import Context

from jhub_docker import bases, engine
from jhub_docker.catalog import Catalog
from jhub_docker.plan import Base
from jhub_docker.progress import say
from jhub_docker.tasks.task import ROOT, task, write


@task(
    iterable=["image"],
    help={
        "image": "An image by its folder's name; can be given several times (default: all).",
        "json_": "Write it as JSON.",
    },
)
def status(context: Context, image: list[str], json_: bool = False) -> None:
    """Say which images have to be released and why: what changed since, the next version."""
    # Only releases need it.
    from jhub_docker.release import report, status  # noqa: PLC0415

    client = engine.require(say, set_up=False, needs=())

    def resolve(catalog: Catalog) -> dict[str, Base]:
        return bases.resolve(client, catalog, catalog.published, "auto", bases.lane(), act=False)

    now = status.read(ROOT / "packages", resolve)
    chosen = now.catalog.select(image)
    found = [status.of(ROOT, spec.name, now, resolve) for spec in chosen]
    write(json.dumps(report.as_data(found), indent=2) if json_ else report.status(found))
