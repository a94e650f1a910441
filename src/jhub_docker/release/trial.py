"""What a built image has to pass before it is released: its budget, its audit, its own tests."""

from jhub_docker import nox
from jhub_docker.build import builders, marks
from jhub_docker.catalog import ImageSpec, ledger
from jhub_docker.catalog.fields import Budget
from jhub_docker.errors import ActionError
from jhub_docker.oci.engine import load
from jhub_docker.oci.layout import Layout
from jhub_docker.progress import say, stage
from jhub_docker.release import budget
from jhub_docker.release.artifact import descriptor
from jhub_docker.release.audit.gate import gate
from jhub_docker.release.candidate import Candidate, Workplace
from jhub_docker.release.record.bom import packages
from jhub_docker.release.record.records import BILL
from jhub_docker.table import counted


def judge(
    place: Workplace, one: Candidate, spec: ImageSpec, *, accept_unreached: bool = False
) -> list[str]:
    """Hold size, layers and known vulnerabilities against the rules of the image's work tree.

    Returns the audit's notes, which belong to the release. Raises ActionError with everything that
    is against it.
    """
    allowed = spec.budget or Budget(0, 0, 0)  # a gate saw that there is one
    last = next(iter(ledger.read(place.root / "packages" / one.image).values()), None)
    for line in budget.report(allowed, one, last):
        say(f"    {line}")
    above = budget.exceeded(allowed, one)
    against = [f"{line}; make it smaller, or raise `budget` with a reason" for line in above]
    parts = [
        part["purl"]
        for documents in place.load_records().values()
        for part in packages(documents.get(BILL, {}))
    ]
    with stage(f"looking up known vulnerabilities of {counted(len(parts), 'part')} of {spec.name}"):
        (report,) = gate(place.tree, {spec.name: parts})
    for note in report.notes:
        say(f"    {note}")
    if against := [*against, *report.refusals(accept_unreached=accept_unreached)]:
        listing = "\n".join(f"  - {one}" for one in against)
        raise ActionError(f"{spec.name} may not be released as it is:\n{listing}")
    return report.notes


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
