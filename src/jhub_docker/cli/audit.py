"""Known vulnerabilities of what is in the images."""

import json

from jhub_docker import host
from jhub_docker.catalog import load
from jhub_docker.cli.task import ROOT, later, task, write
from jhub_docker.errors import ActionError
from jhub_docker.progress import stage

with later():
    from jhub_docker.registry import reference, remote
    from jhub_docker.release.audit import gate, parts


@task(
    iterable=["image"],
    help={
        "image": "An image by its folder's name, or a reference in a registry; can be given "
        "several times (default: all published images).",
        "accept-unreached": "Do not fail because parts could not be checked.",
    },
)
def audit(image: list[str], accept_unreached: bool = False, json_: bool = False) -> None:
    """Look up known vulnerabilities of all parts of the images, and say what was not checked."""
    catalog = load(ROOT / "packages")
    references = [reference.Reference.parse_image(name) for name in image if "/" in name]
    chosen = catalog.select(name for name in image if "/" not in name)
    if references and len(references) == len(image):
        chosen = ()
    found = {}
    if chosen:
        host.require(set_up=False, needs=())
        for spec in chosen:
            with stage(f"reading what is in {spec.name}"):
                found[spec.name] = parts.in_engine(f"{spec.repository}:latest")
    for one in references:
        with stage(f"reading what is in {one}"):
            found[str(one)] = parts.in_registry(remote.Remote(), one)
    reports = gate.gate(ROOT, found)
    told = [one.to_json() for one in reports]
    texts = ("\n  ".join([f"{one.subject}:", *one.notes]) for one in reports)
    write(json.dumps(told, indent=2) if json_ else "\n".join(texts))
    refused = {one.subject: one.refusals(accept_unreached=accept_unreached) for one in reports}
    if lines := [f"{name}: {said}" for name, all_said in refused.items() for said in all_said]:
        raise ActionError("\n".join(lines))
