"""Starts the platform, and brings it to other images with a way back.

Where the hub's image changes, what there is is kept first (`before`). Only the hub, its filter and
the guard are stopped: people's servers and the proxy, through which they are reached, go on. A hub
that does not come up is replaced by the one before, with the database of before. One that is
interrupted is told by its tags: the next `up` or `upgrade` goes on, `--rollback` goes back.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from docker.errors import DockerException
from requests.exceptions import RequestException

from jhub_docker import engine, table
from jhub_docker.asking import confirm
from jhub_docker.build import labels
from jhub_docker.engine import quick, restarts
from jhub_docker.engine.lock import locked
from jhub_docker.errors import ActionError, JhubDockerError, UsageError
from jhub_docker.platform import (
    before,
    canary,
    chosen,
    compose,
    containers,
    entrance,
    public_images,
    starting,
)
from jhub_docker.platform.before import State
from jhub_docker.platform.compose import HUB, PROXY, TLS, Platform
from jhub_docker.progress import say, stage

LOG = Path(".dev/logs/upgrade.log")
"""What the hub of an upgrade that went back has written."""

TRY = "./dev invoke upgrade tries it again."
AGAIN = "./dev invoke upgrade --rollback goes back to what was before."

Images = Mapping[str, str]


def up(root: Path, was: Images) -> str:
    """Start what does not run yet and wait until the hub answers; returns what to tell people.

    `was` are the images before they were built anew (`before.seen`). Raises as `bring_up`; where
    the hub's image changes, ActionError once what was before runs again.
    """
    with locked(compose.read(root).project):
        platform = _recovered(root)
        told: list[str] = []
        if before.state(platform) is State.UNDER_WAY or _changes(platform):
            notices = starting.require_startable(platform)
            for notice in notices:
                say(notice)
            told = _changed(platform, was, trial=False)
        else:
            notices = starting.bring_up(platform)
        if before.stays(chosen.read(root, again=True)):
            notices = [f"It stays at what was before an upgrade that went back. {TRY}", *notices]
        told = [
            f"JupyterHub is up: {platform.public_address}",
            *starting.first_login(platform),
            *told,
            *public_images.announce(platform),
            *entrance.told(platform),
            *entrance.unguarded(platform),
            *notices,
        ]
    if advice := restarts.hint(engine.api().info()):
        told.append(f"Hint: {advice}")
    return "\n".join(told)


def upgrade(
    root: Path, was: Images, *, wrong: Sequence[str], worries: Sequence[str], dry_run: bool
) -> str:
    """Bring the platform to the images that are there now; what to tell.

    `wrong` and `worries` are the doctor's: with anything wrong nothing is begun, and UsageError
    says so. Raises ActionError once what was before runs again.
    """
    with locked(compose.read(root).project):
        platform = _recovered(root, again=True, look_only=dry_run)
        under_way = before.state(platform) is State.UNDER_WAY
        changes = under_way or _changes(platform, also_first=True)
        notices = starting.require_startable(platform) if changes else []
        told = [*_plan(platform, was), *notices, *(f"Doctor: {one}" for one in worries)]
        if wrong:
            listed = "\n  ".join(wrong)
            raise UsageError(
                f"this is in the way of an upgrade, and nothing was begun:\n  {listed}"
            )
        if not changes and not containers.first(platform, HUB):
            raise UsageError("there is no platform yet: ./dev invoke up starts it")
        if not changes:
            return "There is nothing to upgrade: the platform runs what is there."
        if dry_run:
            return "\n".join([*told, "Nothing was changed."])
        say("\n".join(told))
        done = _changed(platform, was, trial=True)
        return "\n".join([*done, *public_images.announce(platform)])


def rollback(root: Path, *, assume_yes: bool) -> str:
    """Go back to what was before the last upgrade, after saying what is lost; what to tell."""
    with locked(compose.read(root).project):
        platform = chosen.read(root, again=True)
        state = before.state(platform)
        if state is State.GOING_BACK:
            return _went_back(platform, again=True)
        if not (kept := before.image(platform, before.BEFORE)):
            raise UsageError(
                "there is nothing to go back to: the engine has no images of before an upgrade of "
                f"{platform.project}"
            )
        hub = containers.first(platform, HUB)
        if hub and hub["Image"] == kept["Id"] and state is State.NONE:
            raise UsageError("the platform runs already what was before the last upgrade")
        lost = before.lost(platform)
        then = datetime.fromisoformat(lost["time"])
        confirm(
            f"This takes the platform back to {_shown(kept)}, as of {then:%Y-%m-%d %H:%M} UTC.\n"
            f"{losses(lost)}",
            assume_yes=assume_yes,
        )
        if state is State.NONE:
            before.begin(platform, hub["Image"] if hub else platform.images[HUB])
        return _went_back(platform)


def losses(lost: Mapping[str, Any]) -> str:
    """What going back loses, a line for each kind. Pure."""
    kinds = {
        "accounts made since (their homes stay, on the page Homes)": lost["made"],
        "accounts deleted since come back": lost["deleted"],
        "passwords changed since are the old ones": lost["passwords"],
        "changed since": lost["other"],
    }
    lines = [f"  {what}: {', '.join(names)}" for what, names in kinds.items() if names]
    return "\n".join(["This is lost:", *lines] if lines else ["No account was changed since."])


def _recovered(root: Path, *, again: bool = False, look_only: bool = False) -> Platform:
    """The platform, once an upgrade that was interrupted while it went back has gone back."""
    platform = chosen.read(root, again=again)
    if before.state(platform) is State.GOING_BACK and not look_only:
        say("An upgrade was interrupted while it went back: going on with that.")
        _go_back(platform, again=True)
        platform = chosen.read(root, again=again)
    return platform


def _changes(platform: Platform, *, also_first: bool = False) -> bool:
    """Whether the hub that is there, running or not, is of another image than it would get."""
    if not (hub := containers.first(platform, HUB)):
        return also_first and containers.has_volume(platform.data_volume)
    wanted = quick.image(platform.images[HUB])
    return bool(wanted and wanted["Id"] != hub["Image"])


def _changed(platform: Platform, was: Images, *, trial: bool) -> list[str]:
    """Keep what there is, start what is new, and with `trial` try it out; what to tell."""
    started = time.monotonic()
    under_way = before.state(platform) is State.UNDER_WAY
    if under_way:
        say("An upgrade was interrupted: going on with it.")
    else:
        with stage("keeping what there is"):
            hub = before.running(platform)
            before.keep(platform, {**was, **hub} if hub else {})
    before.begin(platform, platform.images[HUB])
    try:
        # An `up` replaces a proxy of another image too, as ever, and cuts connections by that.
        starting.start(platform, *(_but_the_proxy(platform) if trial else ()))
        seen = [canary.tried(platform)] if trial else []
    except (JhubDockerError, DockerException, RequestException, OSError) as error:
        say(f"The upgrade failed: {error}")
        _keep_log(platform)
        back = _went_back(platform)
        raise ActionError(f"the upgrade failed, and was taken back: {error}\n{back}") from None
    before.end(platform)
    seconds = time.monotonic() - started
    return [f"Upgraded in {seconds:.0f} s. {AGAIN}", *seen, *_proxy_stays(platform)]


def _went_back(platform: Platform, *, again: bool = False) -> str:
    """Go back, and say what runs. Raises ActionError when that does not come up either."""
    try:
        _go_back(platform, again=again)
    except (JhubDockerError, DockerException, OSError) as error:
        raise ActionError(
            f"what was before does not come up either: {error}\n./dev invoke up goes on with that"
        ) from None
    kept = before.image(platform, before.BEFORE)
    runs = f"{_shown(kept)} runs again with the database of before" if kept else "No hub runs"
    return (
        f"{runs}. The newer database is kept in the volume {platform.project}-before until the "
        f"next upgrade. {TRY}"
    )


def _go_back(platform: Platform, *, again: bool) -> None:
    before.refuse(platform)
    say("Going back to what was before.")
    platform.checked("stop", *platform.hubs)
    canary.clear(platform, home=False)
    images = before.lost(platform)["images"]
    before.put_back(platform, again=again)
    if images:
        before.tag_kept(platform, images)
        old = chosen.read(platform.root, tag=before.tag(before.BEFORE, platform.project))
        before.bring_over(old)
        starting.start(old, *_but_the_proxy(old))
    before.end(platform)


def _but_the_proxy(platform: Platform) -> tuple[str, ...]:
    """The services to start: a proxy that runs is left alone, whatever its image, and so is what
    speaks TLS, for everybody's connections go through them. Where they are to be published
    otherwise, such as under a domain, people could not come in, and so all are started."""
    entrance_ = [one for one in (PROXY, TLS) if one in platform.services]
    there = containers.inspected(platform, *entrance_)
    if not containers.are_open(platform, entrance_, there):
        return ()
    return tuple(one for one in platform.services if one not in entrance_)


def _proxy_stays(platform: Platform) -> list[str]:
    wanted, proxy = quick.image(platform.images[PROXY]), containers.first(platform, PROXY)
    if not proxy or (
        containers.published(proxy) == containers.to_publish(platform, PROXY)
        and (not wanted or proxy["Image"] == wanted["Id"])
    ):
        return []
    return [
        "The proxy goes on as it was, since a new one cuts everybody's connections for a moment: "
        "./dev invoke up replaces it when that suits."
    ]


def _plan(platform: Platform, was: Images) -> list[str]:
    """The images by their origin, before and after."""
    rows, tag = [], platform.hub_environment["JHUB_IMAGE_TAG"]
    for repository, identity in {**was, **before.running(platform)}.items():
        if then := quick.image(f"{repository}:{tag}"):
            old = quick.image(identity)
            rows.append((repository, _shown(old) if old else identity[:19], _shown(then)))
    return [table.render(("image", "now", "then"), rows)] if rows else []


def _shown(image: Mapping[str, Any]) -> str:
    """An image by where it comes from and by its id."""
    said = labels.origin(image["Config"].get("Labels") or {}, image.get("RepoDigests") or ())
    return f"{said or 'an image'} ({image['Id'][:19]})"


def _keep_log(platform: Platform) -> None:
    """Keep what a hub has written whose container goes."""
    if hub := containers.first(platform, HUB):
        with suppress(DockerException, OSError):
            (platform.root / LOG).parent.mkdir(parents=True, exist_ok=True)
            (platform.root / LOG).write_bytes(engine.api().logs(hub["Id"], timestamps=True))
            say(f"All that its hub wrote is in {LOG}.")
