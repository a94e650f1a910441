"""Checks of what the base alone decides: tried with one of the images on it, and not with each.

An image leaves them to its base when it has the base's configuration and puts nothing where they
look: what it adds is in `/opt`, under no name of the base's programs. One that installs packages of
the distribution, say, has the whole contract tried on itself.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from jhub_docker.build import warned
from jhub_docker.build.images import built, here
from jhub_testing.contract import home, process, tools
from jhub_testing.subject import Subject

OF_THE_BASE = frozenset(
    {
        process.not_healthy_when_it_does_not_answer,
        home.sudo_is_off,
        home.sudo_can_be_granted,
        tools.pip_trusts_the_operator,
        tools.uv_venv_and_pip_work,
        tools.without_the_bundle_the_peer_is_refused,
    }
)
"""They start no interface and ask nothing of the image's environment."""

_CONFIGURED = ("User", "Entrypoint", "Cmd", "Healthcheck", "WorkingDir", "Shell")
_HARMLESS = ("JUPYTER", "MARIMO_")
"""What variables may begin with that an image adds."""

_ADDED = (str(PurePosixPath(warned.FILE).parent.relative_to("/")),)
"""Where else an image may put files."""


@cache
def note(subject: Subject, package: str) -> Path | None:
    """The folder in which each check that passed with this base has a file.

    None where the image does not leave them to its base, the image of `package`.
    """
    layers = subject.image["RootFS"]["Layers"]
    for image_id in {one.image_id for one in built(here()).values() if one.package == package}:
        base = subject.engine.client.images.get(image_id).attrs
        height = len(base["RootFS"]["Layers"])
        if layers[:height] != base["RootFS"]["Layers"]:
            continue
        places = list(subject.findings.places.values())
        of_base, own = (
            {one for layer in part for one in layer} for part in (places[:height], places[height:])
        )
        if leaves_alone(own, of_base) and configured_alike(subject.config, base["Config"]):
            rules = b"".join(one.read_bytes() for one in sorted(Path(__file__).parent.glob("*.py")))
            name = hashlib.sha256(image_id.encode() + rules).hexdigest()
            return subject.engine.logs / "contract" / name
    return None


def leaves_alone(own: Iterable[str], of_base: Iterable[str]) -> bool:
    """Whether files in these places of an image's own layers touch nothing of its base. Pure."""
    programs = {
        PurePosixPath(one).name for one in of_base if one.rpartition("/")[0].endswith("bin")
    }

    def harmless(place: str) -> bool:
        folder, _, name = place.rpartition("/")
        if folder == "usr/local/bin":
            return name not in programs and not name.startswith(".wh.")
        if folder == "opt/venv/bin":  # the first of PATH
            return name not in programs or name.startswith("python")
        return place in _ADDED or (f"{place}/".startswith("opt/") and "jhub-docker" not in place)

    return all(map(harmless, own))


def configured_alike(own: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    """Whether an image starts as its base does, with harmless variables alone in addition. Pure."""
    added = set(own.get("Env") or ()) - set(base.get("Env") or ())
    return all(own.get(key) == base.get(key) for key in _CONFIGURED) and all(
        one.startswith(_HARMLESS) for one in added
    )
