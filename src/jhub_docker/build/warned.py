"""What build steps warned of that went on all the same: written by a step into the image itself.

BuildKit says what a step printed once and never again, so that an image which lacks something would
look sound from its second build on. What is in a layer is there as long as the layer is, whoever
built it. It is read when a build is done and put on the image as a label, where the hub's form and
the next build find it without starting anything.
"""

import tempfile
from pathlib import Path

from jhub_docker.build import images
from jhub_docker.build.plan import BuiltImage
from jhub_docker.catalog.identity import LABEL
from jhub_docker.engine import builder_name, docker

FILE = "/usr/local/share/jhub-docker/warnings"
"""Where steps write, one warning a line; `warn` of the package build-tools does."""

WARNINGS = f"{LABEL}.warnings"
"""The label with the same lines."""


def of(image: BuiltImage | None) -> tuple[str, ...]:
    """What the image says of itself."""
    return tuple((image.labels.get(WARNINGS, "") if image else "").splitlines())


def keep(reference: str) -> None:
    """Have an image that was just built say what its layers hold, in its label.

    The label is put on by a build without a step: the same layers, known under the same name.
    """
    said = "\n".join(_read(reference))
    image = images.find(reference)
    if image is None or image.labels.get(WARNINGS, "") == said:
        return
    docker(
        *("buildx", "build", "--builder", builder_name(), "--output", "type=docker"),
        *("--build-context", f"base=docker-image://{reference}", "--platform", image.platform),
        *("--label", f"{WARNINGS}={said}", "--tag", reference, "-"),
        given="FROM base\n",
    ).require(f"{reference} is built, but cannot be labelled")


def _read(reference: str) -> list[str]:
    """The lines of the file in an image, which is not started for it."""
    created = docker("container", "create", reference, "none")
    container = created.require(f"{reference} is built, but cannot be read")
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "warnings"
        try:
            ended = docker("container", "cp", f"{container}:{FILE}", str(copy))
        finally:
            docker("container", "rm", container)
        if "Could not find the file" in ended.err or copy.is_symlink():
            return []
        ended.require(f"{reference} is built, but cannot be read")
        text = copy.read_text(encoding="utf-8", errors="replace")
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
