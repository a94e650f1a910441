"""Why an image is built or left: which inputs changed, and what nobody knows yet. Pure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jhub_docker.build.plan import BuiltImage, Step


def shown(step: "Step", *, build: bool, forced: bool) -> str:
    """What the plan says of a step, whose own reason is why it would be built."""
    if step.unknown:
        return not_known(step.unknown)
    if step.pulled:
        return "a registry has it"
    if step.existing is not None:
        return "forced" if forced else "unchanged"
    return step.reason if build else "not needed"


def changed(previous: "BuiltImage | None", inputs: Mapping[str, str]) -> str:
    """Why an image of these inputs is another one than the newest there is."""
    if previous is None:
        return "not built yet"
    return "changed: " + ", ".join(changed_inputs(previous.inputs, inputs))


def not_known(references: Sequence[str]) -> str:
    """The sentence for what stands on bases that are not known."""
    verb = "is" if len(references) == 1 else "are"
    return f"not known until {' and '.join(references)} {verb} pulled"


def changed_inputs(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Name the inputs that were changed, added or removed, e.g. `uv.lock`, `base singleuser-base`.

    When every input agrees, the images differ in what labels do not record: say so.
    """
    names = []
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            kind = "" if key in before and key in after else " (new)" if key in after else " (gone)"
            names.append(key.removeprefix("file ") + kind)
    return names or ["an input the previous image does not record"]
