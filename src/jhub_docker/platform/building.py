"""Builds what a platform is started from, once its settings are judged as far as they can be."""

from pathlib import Path

from jhub_docker.build import builds
from jhub_docker.build.plan import Plan
from jhub_docker.catalog import load
from jhub_docker.catalog.identity import LABEL
from jhub_docker.engine import quick
from jhub_docker.errors import UsageError
from jhub_docker.platform import before, chosen, compose, public_images
from jhub_docker.platform.compose import HUB
from jhub_docker.platform.configuration import check_settings, wrong_names
from jhub_docker.progress import stage


def seen(root: Path) -> dict[str, str]:
    """The images of before (`before.seen`). Raises UsageError for what can be told to be wrong
    with the settings before anything is built.
    """
    if wrong := wrong_names(root):
        raise UsageError("\n".join(wrong))
    return before.seen(root)


def build(root: Path, base: str) -> list[builds.Result]:
    """Build what is out of date. Raises UsageError for settings that are wrong before anything is
    built: those that only a hub can judge which is still to be built come to light after that.
    """

    def judge(made: Plan) -> None:
        if not made.to_build:
            return  # nobody has to wait: what starts the platform judges them in a moment
        platform = chosen.read(root)
        there = quick.image(platform.images[HUB])
        labels = (there["Config"].get("Labels") or {}) if there else {}
        if labels.get(f"{LABEL}.build-id") == made[HUB].build_id:
            with stage("judging the settings"):
                check_settings(platform)

    return builds.build(root, packages(root), base=base, ready=judge)


def packages(root: Path) -> list[str]:
    """The packages whose images a platform is started from: all published ones, and those of the
    public images that its services run.
    """
    published = [spec.name for spec in load(root / "packages").published]
    return [*published, *public_images.needed(compose.read(root))]
