"""`python -m hub_config COMMAND`: what the image's entry point and the operator's tasks run.

    hub              run the hub, once the filter answers
    engine           run the filter between the hub and the Docker Engine
    guard            keep the host's firewall in place (needs the host's network and NET_ADMIN);
                     with --remove: take its rules away
    homes            measure homes (needs the engine's volumes and CAP_DAC_READ_SEARCH)
    check [INFO]     say whether settings and database can be used, start nothing; with what the
                     engine tells about itself (docker info, as JSON) also what has no effect there
    now [COLUMN]     print as JSON what goes on at this moment, asked of the hub that runs here,
                     sorted by a column
    usage [MONTH]    print what people and groups have used in a month such as 2026-11 (default:
                     this one), as JSON
    report           print what the hub found when it compared what runs with its database, as JSON
    copies           print as JSON the copies of the database that only older upgrades left; with
                     --remove NAME: remove that one
    secret           keep, remove or list groups' secrets
    secrets          rotate NAME: make one of the hub's own anew; --drop: forget the older ones
    move DATABASE    move all records to postgres (JHUB_DB_URL) or to sqlite, while no hub runs
    movable DATABASE say why there is nothing to move; fails where nothing can be
    copy             keep a copy of what is in PostgreSQL in the data volume, for a backup
    setting          keep or remove a setting that is a secret, as a file
    admin-password   print the first admin's one-time password while it is in use
    reset-admin      give the first admin a new one-time password, take the second factor away and
                     end all sessions, for the day both are lost and there is no other admin
    read-factors     print as JSON how many second factors the crypt key opens: for a drill
    audit            show, verify or write the audit log, also while the hub is down
    canary           begin or end NAME: somebody made up, who tries a new hub out for an upgrade
    add-people       make accounts for a list on standard input, a user name and perhaps an e-mail
                     address on each line, and print them with one-time passwords as CSV

Exit codes: 0 done; 1 the disk is full; 2 wrong settings or usage, or a newer hub's database; 3 the
one-time password was changed already; 4 there is none yet, since the hub never started.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import Any, NoReturn

from hub_config import DatabaseError, SettingsError, branding, disk, groups, require
from hub_config.first_start import Places, read_secret
from hub_config.offer import pulls
from hub_config.offer.compatibility import sift
from hub_config.offer.profiles import on_offer
from hub_config.settings import Settings, kept, reading
from hub_config.settings.reading import require_complete
from hub_config.spawning import options, services


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code. Any other program is run in its place."""
    code = run(arguments)
    told = _TOLD.get(" ".join(arguments[:2])) or _TOLD.get(" ".join(arguments[:1]))
    if told and code == 0:
        from hub_config.watch import command  # noqa: PLC0415  the guard wants nothing of it

        command.write(Places().audit, told, names=list(arguments[2:]))
    return code


_TOLD = {
    "secret set": "secret.set",
    "secret remove": "secret.remove",
    "secrets rotate": "secret.rotate",
    "move": "database.move",
    "setting set": "setting.set",
    "setting remove": "setting.remove",
    "reset-admin": "account.reset-admin",
    "add-people": "account.add",
    "admin-password": "account.read-admin-password",
}
"""What the operator's commands are called in the audit log once they are done."""


def _of(module: str) -> Any:
    """A module, imported where it is needed: the guard starts first, and wants no JupyterHub."""
    return import_module(f"hub_config.{module}")


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "check": lambda words: check(*words),
    "admin-password": lambda _: admin_password(own_places()),
    "report": lambda _: report(Places()),
    "now": lambda words: _of("now.asking").print_now(words),
    "copies": lambda words: copies(Places(), words),
    "usage": lambda words: _of("monitoring.usage").usage_command(own_places().records, words),
    "secret": lambda words: groups.secret_command(
        Places().group_secrets, words, lambda: usable_settings(Places()).group_variables
    ),
    "secrets": lambda words: _of("rotation").command(own_places(), words),
    "move": lambda words: _of("moving").command(own_places(), ["move", *words]),
    "movable": lambda words: _of("moving").command(own_places(), ["movable", *words]),
    "copy": lambda words: _of("moving").command(own_places(), ["copy", *words]),
    "setting": lambda words: kept.command(reading.secret_variables(), Places().settings, words),
    "reset-admin": lambda _: _of("login.newcomers").reset_admin(*usable()),
    "read-factors": lambda _: _of("login.newcomers").read_factors(*usable()),
    "add-people": lambda _: _of("login.newcomers").add_people(*usable()),
    "audit": lambda words: _of("watch.command").main(words, Places().audit),
    "canary": lambda words: _of("login.canary").command(*usable(), words),
    "hub": lambda words: _of("start").run_hub(*usable(), words),
    "engine": lambda _: run_engine(),
    "guard": lambda words: _of("runtime.guard").run_guard(
        beside(), only_remove="--remove" in words
    ),
    "homes": lambda _: _of("lifetimes.measuring").run(beside()),
}
"""What each command does with the words behind it; its exit code."""


def run_engine() -> NoReturn:
    """Become the filter between the hub and the engine. Does not return.

    It is a program of its own, so that it holds nothing of JupyterHub in memory.
    """
    os.execv(sys.executable, [sys.executable, "-m", "engine_filter"])  # noqa: S606


def beside() -> Settings:
    """The settings of a container beside the hub's, whose file is the hub's alone: what both have
    comes by environment.
    """
    return reading.read(os.environ, default_file=None)


def run(arguments: Sequence[str]) -> int:
    """Run one command and tell nobody; returns its exit code."""
    command, *words = arguments or [""]
    try:
        if command in COMMANDS:
            return COMMANDS[command](words)
        if command not in ("", "-h", "--help"):
            run_other(arguments)
        print(__doc__, file=sys.stderr)
    except SettingsError as error:
        print(f"Wrong settings:\n{error}", file=sys.stderr)
    except DatabaseError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        if error.errno not in disk.NO_ROOM:
            raise
        print(f"The disk is full: {error.filename or error} was not written.", file=sys.stderr)
        return 1
    return 2


def usable_settings(places: Places, *more: Callable[[Settings], object]) -> Settings:
    """The settings, with the files they name. Raises SettingsError with all that is wrong, which
    may be `more`.
    """
    settings = reading.read(os.environ)
    require(
        lambda: branding.check(settings, places.data),
        lambda: require_complete(settings),
        lambda: pulls.check_credentials(places.data),
        *(partial(one, settings) for one in more),
    )
    return settings


def of_settings(settings: Settings) -> Places:
    """Where the hub keeps its state by its settings; libpq finds the database's password then."""
    if settings.db_password:
        from hub_config import postgres  # noqa: PLC0415  the guard wants nothing of it

        postgres.use_password(settings.db_password.get_secret_value())
    return replace(Places(), db_url=settings.db_url)


def own_places() -> Places:
    """The same, by the settings there are."""
    return of_settings(reading.read(os.environ))


def usable() -> tuple[Settings, Places]:
    """Settings that can be used, and the places by them."""
    settings = usable_settings(Places())
    return settings, of_settings(settings)


def check(info: str = "{}") -> int:
    """Say that the settings can be used, and what of them this engine cannot do.

    `info` is what the engine says of itself, and under `Images` the images that it has (Engine
    API, SystemInfo and ImageList). Raises SettingsError for profiles that no image offers
    and for a file of config.d that fails, DatabaseError for a database of a newer hub.
    """
    facts = json.loads(info)
    images = facts.get("Images", ())

    def require_offered(settings: Settings) -> None:
        offer = on_offer(images, settings.image_tag, settings.images)
        if unknown := reading.unknown_profiles(settings, [profile.key for profile in offer]):
            raise SettingsError("\n".join(unknown))

    settings = usable_settings(Places(), require_offered)
    places = of_settings(settings)
    # Imported where they are needed, since they import JupyterHub.
    from hub_config import start  # noqa: PLC0415
    from hub_config.database import require_known_schema, steps_ahead  # noqa: PLC0415

    start.require_moved(places)
    if not places.db_url:  # there is no network here
        start.require_in_use(places)
        require_known_schema(places.records)
    own = start.check_own(settings, Places().config_d)
    print("The settings can be used.")
    if not places.db_url and (ahead := steps_ahead(places.records)):
        print(ahead)
    for path in own:
        print(f"Loaded last, after all settings: {path}")
    offer = on_offer(images, settings.image_tag, settings.images)
    for left_out in sift(offer, version("jupyterhub"), settings).left_out:
        print(left_out.for_admin)
    if facts and (unlimited := options.disk_limit_notice(settings.disk_limit_gb, facts)):
        print(unlimited)
    if facts:
        told = (*options.gpu_notices(offer, settings, facts), *services.notices(settings, facts))
        print("".join(f"{one}\n" for one in told), end="")
    return 0


def admin_password(places: Places) -> int:
    """Print the one-time password, or say why there is none."""
    if places.admin_password.exists():
        print(read_secret(places.admin_password))
        return 0
    from hub_config.database import is_there  # noqa: PLC0415  imports JupyterHub

    if not is_there(places.records):
        print("The hub has not started yet, so there is no password.", file=sys.stderr)
        return 4
    print("The one-time password was changed; it opens nothing any more.", file=sys.stderr)
    return 3


def report(places: Places) -> int:
    """Print the last report; 4 when the hub has not compared anything yet."""
    if not places.report.exists():
        print("The hub has not compared anything yet.", file=sys.stderr)
        return 4
    print(places.report.read_text(encoding="utf-8"))
    return 0


def copies(places: Places, arguments: Sequence[str]) -> int:
    """Print the copies that can go, or remove the one that is named; 2 for a name of none."""
    from hub_config.database import old_copies  # noqa: PLC0415  imports JupyterHub

    old = {copy.name: copy for copy in old_copies(places.data)}
    match arguments:
        case []:
            sizes = [{"name": name, "size": copy.stat().st_size} for name, copy in old.items()]
            print(json.dumps(sizes))
        case ["--remove", name] if name in old:
            old[name].unlink()
        case _:
            print(f"Expected --remove and one of: {', '.join(old) or 'none'}", file=sys.stderr)
            return 2
    return 0


def run_other(arguments: Sequence[str]) -> NoReturn:
    """Run another program, so that `docker run IMAGE python` does what one expects."""
    try:
        os.execvp(arguments[0], list(arguments))  # noqa: S606
    except OSError as error:
        print(f"{arguments[0]}: {error.strerror}\n\n{__doc__}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
