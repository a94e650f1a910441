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
from jhub_docker.engine import transfers
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


def candidates(made: Plan, tried: Iterable[str], *, force: bool = False) -> list[Step]:
    """What to look for next: images to build on which nothing stands that is yet looked for.

    An image that is found makes all that it alone was to be built from unnecessary. With `force`
    those that were wished for are built in any case. Pure.
    """
    known = set(tried)
    open_ = [
        step
        for step in made.to_build
        if step.spec.name not in known and not (force and step.spec.name in made.wanted)
    ]
    below = {parent for step in open_ for parent in step.spec.parents}
    return [step for step in open_ if step.spec.name not in below]


def fetch(made: Plan, source: str, platform: str, *, force: bool = False) -> Plan:
    """Pull what the plan would build and the registry has; the plan for the rest.

    A registry that does not answer costs nothing but a sentence.
    """
    tried: set[str] = set()
    while steps := candidates(made, tried, force=force):
        tried |= {step.spec.name for step in steps}
        try:
            found = {step.spec.name: _pull(step, source, platform) for step in steps}
        except ActionError as error:
            say(f"    {source} cannot be asked ({error}); what it may have is built")
            return made
        made = plan.having(made, {name: image for name, image in found.items() if image})
    return made


def keep(steps: Iterable[Step], target: str, platform: str) -> None:
    """Push the images by their build ids. Raises ActionError naming the first that cannot be."""
    for step in steps:
        name = place(target, step, platform)
        own = name == step.reference  # its package says that this is where it is
        if not own:
            transfers.tag(step.reference, name)
        try:
            with stage(f"pushing {name}"):
                transfers.push(name)
        except ActionError as error:
            raise ActionError(
                f"{step.spec.name} is built, but {name} cannot be pushed ({error}): look at "
                "--cache-to, and at `docker login` for its registry"
            ) from None
        finally:
            if not own:
                transfers.untag(name)


def _pull(step: Step, source: str, platform: str) -> BuiltImage | None:
    """Get an image under the name that a build would give it, if the registry has it.

    Raises ActionError where the registry cannot be asked.
    """
    name = place(source, step, platform)
    try:
        transfers.pull(name)
    except ActionError as error:
        if faults.is_missing(str(error)):
            return None
        raise
    own = False
    try:
        image = images.find(name)
        if image is None:
            return None
        if (image.build_id, image.platform) != (step.build_id, platform):
            told = f"{image.build_id or 'no build'} for {image.platform}"
            say(f"    {name} is not what its name says ({told}): not used")
            return None
        own = name == step.reference
        if not own:
            transfers.tag(name, step.reference)
    finally:
        if not own:
            transfers.untag(name)
    say(f"    {step.spec.name}: {name} is there, and not built")
    return images.find(step.reference)
