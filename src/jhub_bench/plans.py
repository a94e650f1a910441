"""Build plans as the benchmarks need them: everything from nothing, without building it."""

from docker import DockerClient

from jhub_docker.build import planning
from jhub_docker.build.plan import Plan
from jhub_docker.catalog import Catalog
from jhub_docker.errors import ActionError


def everything(client: DockerClient, catalog: Catalog) -> Plan:
    """The plan that builds all published images with all their parents, as on a new machine."""
    found = planning.look(catalog, catalog.published)
    return planning.make_plan(found, act=False, anew=True)


def references(client: DockerClient, catalog: Catalog) -> dict[str, str]:
    """The image of each package as it stands now, public bases included.

    Raises ActionError where the engine has a base no more, and with it nobody knows which it was.
    """
    made = everything(client, catalog)
    if missing := ", ".join(step.spec.name for step in made.steps if step.unknown):
        raise ActionError(f"the engine has no base of {missing}: run `./dev invoke build -i NAME`")
    found = {name: base.reference for name, base in made.bases.items()}
    return found | {step.spec.name: step.reference for step in made.steps}


def require_unchanged(client: DockerClient, catalog: Catalog) -> None:
    """Raise ActionError when some published image is out of date."""
    made = planning.make_plan(planning.look(catalog, catalog.published), act=False)
    if made.to_build:
        listing = ", ".join(f"{step.spec.name} ({step.reason})" for step in made.to_build)
        raise ActionError(
            f"not up to date: {listing}; the benchmarks measure finished images: run "
            "`./dev invoke build` and leave the checkout alone while they run"
        )
