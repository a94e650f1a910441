"""Known vulnerabilities of what is in the images."""

import json
from dataclasses import replace

from jhub_docker import host
from jhub_docker.catalog import load
from jhub_docker.cli.task import ROOT, task, write
from jhub_docker.errors import ActionError
from jhub_docker.progress import stage


@task(
    iterable=["image"],
    help={
        "image": "An image by its folder's name, or a reference in a registry; can be given "
        "several times (default: all published images).",
        "severity": "Fail from this severity on: low, medium, high or critical (default: the rule "
        "in pyproject.toml).",
        "accept-unreached": "Do not fail because parts could not be checked.",
    },
)
def audit(
    image: list[str],
    severity: str = "",
    accept_unreached: bool = False,
    json_: bool = False,
) -> None:
    """Look up known vulnerabilities of all parts of the images, and say what was not checked."""
    # What only an audit needs is not loaded by every other task.
    from jhub_docker.registry.reference import Reference  # noqa: PLC0415
    from jhub_docker.registry.remote import Remote  # noqa: PLC0415
    from jhub_docker.release.audit import findings, gate, parts  # noqa: PLC0415
    from jhub_docker.release.audit import rules as maintainers  # noqa: PLC0415

    catalog = load(ROOT / "packages")
    references = [Reference.parse_image(name) for name in image if "/" in name]
    chosen = catalog.select(name for name in image if "/" not in name)
    if references and len(references) == len(image):
        chosen = ()
    rules = maintainers.policy(ROOT, accept_unreached=accept_unreached)
    if severity:
        rules = replace(rules, severity=findings.named(severity, "--severity"))
    found = {}
    if chosen:
        host.require(set_up=False, needs=())
        for spec in chosen:
            with stage(f"reading what is in {spec.name}"):
                found[spec.name] = parts.in_engine(f"{spec.repository}:latest")
    for reference in references:
        with stage(f"reading what is in {reference}"):
            found[str(reference)] = parts.in_registry(Remote.from_environment(), reference)
    reports = gate.gate(ROOT, found, rules)
    if json_:
        write(json.dumps([one.to_json() for one in reports], indent=2))
    else:
        write("\n\n\n".join(one.text() for one in reports))
    if refused := [f"{one.subject}: {said}" for one in reports for said in one.refusals]:
        raise ActionError("\n".join(refused))
