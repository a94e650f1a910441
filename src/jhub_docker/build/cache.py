"""Images by build id in a registry: pulled instead of built, and pushed once they are built.

`PREFIX/<image>:<build-id>` is one place for one content; an arm64 image's ends with `-arm64`. Who
may write to the registry is trusted like who may write to this checkout.
"""

from collections.abc import Iterable
from typing import NamedTuple

from jhub_docker.build import images, plan
from jhub_docker.build.plan import BuiltImage, Plan, Step
from jhub_docker.catalog import PLATFORMS
from jhub_docker.catalog.identity import short, suffix
from jhub_docker.engine import quick
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.progress import say, stage
from jhub_docker.registry import faults
from jhub_docker.registry.reference import Reference


class Cache(NamedTuple):
    """Where images are looked for and where they are kept; empty for nowhere."""

    source: str = ""
    target: str = ""


NOWHERE = Cache()


def asked(source: str, target: str) -> Cache:
    """Check the values of `--cache-from` and `--cache-to`."""
    for flag, value in (("--cache-from", source), ("--cache-to", target)):
        if value:
            try:
                found = Reference.parse(value)
            except UsageError as error:
                raise UsageError(f"{flag}: {error}") from None
            if found.tag or found.digest:
                raise UsageError(
                    f"{flag} is {value!r}; expected where images are kept, such as "
                    "registry.example.org/team, without a tag"
                )
    return Cache(source, target)


def place(prefix: str, step: Step, platform: str) -> str:
    """Where an image of this build is in a registry.

    The platform is the image's own. On engines of two kinds it is once the own one and once not,
    so the tags of the engine would not do.
    """
    ending = "" if platform == PLATFORMS[0] else suffix(platform)
    return f"{prefix}/{step.spec.name}:{short(step.build_id)}{ending}"


def fetch(made: Plan, source: str, platform: str) -> Plan:
    """Pull what the plan would build and the registry has; the plan for the rest.

    An image that is found makes all that it alone was to be built from unnecessary. What was wished
    for by force is built in any case. A registry that does not answer costs nothing but a sentence.
    """
    for name in [step.spec.name for step in reversed(made.to_build)]:  # children before parents
        step = made[name]
        if step.build and not (made.forced and name in made.wanted):
            try:
                image = _pull(step, source, platform)
            except ActionError as error:
                say(f"    {source} cannot be asked ({error}); what it may have is built")
                break
            made = plan.having(made, {name: image}) if image else made
    return made


def keep(steps: Iterable[Step], target: str, platform: str) -> None:
    """Push the images by their build ids. Raises ActionError naming the first that cannot be."""
    for step in steps:
        name = place(target, step, platform)
        quick.tag(step.reference, name)
        try:
            with stage(f"pushing {name}"):
                quick.push(name)
        except ActionError as error:
            raise ActionError(
                f"{step.spec.name} is built, but {name} cannot be pushed ({error}): look at "
                "--cache-to, and at `docker login` for its registry"
            ) from None
        finally:
            if name != step.reference:  # its package can say that this is where it is
                quick.untag(name)


def _pull(step: Step, source: str, platform: str) -> BuiltImage | None:
    """Get an image under the name that a build would give it, if the registry has it.

    Raises ActionError where the registry cannot be asked.
    """
    name = place(source, step, platform)
    try:
        quick.pull(name)
    except ActionError as error:
        if faults.is_missing(str(error)):
            return None
        raise
    found = images.find(name)
    right = found and (found.build_id, found.platform) == (step.build_id, platform)
    if right:
        quick.tag(name, step.reference)
    if not right or name != step.reference:
        quick.untag(name)
    told = "is there, and not built" if right else "is not what its name says: not used"
    say(f"    {step.spec.name}: {name} {told}")
    return images.find(step.reference) if right else None
