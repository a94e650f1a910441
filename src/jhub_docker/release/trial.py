"""What a built image has to pass before it is released: its budget, its audit, its own tests."""

from collections.abc import Mapping
from typing import Any

from jhub_docker import nox
from jhub_docker.build import builders, marks
from jhub_docker.catalog import ImageSpec, ledger
from jhub_docker.catalog.fields import Budget
from jhub_docker.catalog.ledger import Entry
from jhub_docker.errors import ActionError
from jhub_docker.oci.content import layers, unpacked
from jhub_docker.oci.engine import load
from jhub_docker.oci.layout import CHUNK, Descriptor, Layout
from jhub_docker.progress import say, stage
from jhub_docker.release.artifact import descriptor
from jhub_docker.release.audit.gate import gate
from jhub_docker.release.candidate import Candidate, Workplace
from jhub_docker.release.record.bom import packages
from jhub_docker.release.record.records import BILL
from jhub_docker.table import counted

MB = 10**6


def measure(layout: Layout, manifest: Mapping[str, Any], base_layers: int) -> tuple[int, int, int]:
    """What an exported image adds to its base, whose layers are its lowest `base_layers`.

    That is bytes as they are, bytes compressed, and layers.
    """
    own = layers(manifest)[base_layers:]
    compressed = sum(layer.size for layer in own)
    return sum(_unpacked(layout, layer) for layer in own), compressed, len(own)


def exceeded(budget: Budget, made: Entry) -> list[str]:
    """In what a release is above its budget and the tolerance, each in words. Pure."""
    found = []
    for what in ("size", "compressed"):
        size, allowed = getattr(made, what), getattr(budget, what)
        if size > allowed * MB * (100 + budget.tolerance) / 100:
            found.append(
                f"{what}: {size / MB:,.0f} MB, allowed {allowed:,} MB and {budget.tolerance} %"
            )
    if made.layers > budget.layers:
        found.append(f"layers: {made.layers}, allowed {budget.layers}")
    return found


def report(budget: Budget, made: Entry, before: Entry | None) -> list[str]:
    """The sizes beside the budget and those of the release before. Pure."""
    lines = [
        f"{what}: {getattr(made, what) / MB:,.1f} MB of {getattr(budget, what):,} MB, "
        f"{(getattr(made, what) - getattr(before, what, 0)) / MB:+,.1f} MB since the last release"
        for what in ("size", "compressed")
    ]
    return [*lines, f"layers: {made.layers} of {budget.layers}"]


def _unpacked(layout: Layout, layer: Descriptor) -> int:
    """The bytes of a layer's tar archive."""
    with unpacked(layout, layer) as stream:
        return sum(len(chunk) for chunk in iter(lambda: stream.read(CHUNK), b""))


def judge(
    place: Workplace, one: Candidate, spec: ImageSpec, *, accept_unreached: bool = False
) -> list[str]:
    """Hold size, layers and known vulnerabilities against the rules of the image's work tree.

    Returns the audit's notes, which belong to the release. Raises ActionError with everything that
    is against it.
    """
    allowed = spec.budget or Budget(0, 0, 0)  # a gate saw that there is one
    last = next(iter(ledger.read(place.root / "packages" / one.image).values()), None)
    for line in report(allowed, one, last):
        say(f"    {line}")
    above = exceeded(allowed, one)
    against = [f"{line}; make it smaller, or raise `budget` with a reason" for line in above]
    parts = [
        part["purl"]
        for documents in place.load_records().values()
        for part in packages(documents.get(BILL, {}))
    ]
    with stage(f"looking up known vulnerabilities of {counted(len(parts), 'part')} of {spec.name}"):
        (audit,) = gate(place.tree, {spec.name: parts})
    for note in audit.notes:
        say(f"    {note}")
    if against := [*against, *audit.refusals(accept_unreached=accept_unreached)]:
        listing = "\n".join(f"  - {one}" for one in against)
        raise ActionError(f"{spec.name} may not be released as it is:\n{listing}")
    return audit.notes


def test(place: Workplace, one: Candidate, spec: ImageSpec) -> None:
    """Run the image's tests, as the work tree has them, on the very digest that was exported.

    Of several platforms that is the engine's own. It is loaded under a tag of its own that goes
    again; nothing that people run is touched. Raises ActionError when a test fails.
    """
    layout = Layout(place.layout)
    own = builders.own_platform()
    made = (image for image, _ in layout.manifests(descriptor(layout, one.digest)))
    image = next((image for image in made if image.platform.startswith(own)), None)
    if image is None:
        raise ActionError(f"{one.digest} has no image for {own} to be tested here")
    tag = f"candidate-{spec.version}"
    reference = f"{spec.repository}:{tag}"
    with stage(f"loading {image.digest[:19]} as {reference}"):
        load(layout, image, reference)
    try:
        nox.run(place.tree, [f"image_tests({spec.name})"], {nox.TEST_TAG: tag})
    finally:
        for told in marks.remove([reference]):  # the tests' last container is on its way out
            say(f"    {told}")
