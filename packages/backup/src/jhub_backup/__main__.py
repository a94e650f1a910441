"""`python -m jhub_backup COMMAND`: what the image runs.

    schedule   back up at the times of JHUB_BACKUP_SCHEDULE, as the Compose service does
    run        carry out the request on standard input, as JSON (jhub_docker.backup makes it)
    key        print the key of the backups
    setting    keep, remove or list credentials of a repository, as files beside the key
    check      judge the settings, those of the schedule with --scheduled; wrong ones end with 3
    health     whether the last backup succeeded
    work       the worker's part, which `run` and `schedule` start

Exit codes: 0 done; 1 failed; 2 wrong settings or request.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence

from jhub_backup import speech
from jhub_backup.errors import BackupError


def main(arguments: Sequence[str]) -> int:  # noqa: PLR0911  one per command
    """Run one command; returns its exit code."""
    # Imported where they are needed: the worker has no use for the engine's client.
    try:
        match list(arguments):
            case ["work"]:
                from jhub_backup import worker  # noqa: PLC0415

                speech.result(worker.main())
            case ["run"]:
                from jhub_backup import launcher  # noqa: PLC0415

                return launcher.run(json.load(sys.stdin))
            case ["schedule"]:
                from jhub_backup import schedule  # noqa: PLC0415

                schedule.serve(os.environ)
            case ["key"]:
                from jhub_backup.repository import STATE  # noqa: PLC0415

                if not (STATE / "password").exists():
                    raise BackupError("there is no key yet: the first backup makes it")
                print((STATE / "password").read_text("ascii"))
            case ["setting", *words]:
                from jhub_backup import credentials  # noqa: PLC0415

                return credentials.command(words)
            case ["check", *words]:
                from jhub_backup import schedule  # noqa: PLC0415

                return _checked(schedule.check, "--scheduled" in words)
            case ["health"]:
                from jhub_backup import schedule  # noqa: PLC0415

                wrong = schedule.health()
                print(wrong)
                return 1 if wrong else 0
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except BackupError as error:
        speech.error(str(error), error.code)
        return error.code
    except OSError as error:
        speech.error(f"{error.filename or 'the container'}: {error.strerror or error}", 1)
        return 1
    return 0


def _checked(check: Callable[..., None], scheduled: bool) -> int:
    """Whether the settings can be; an exit code of its own, since older images know no `check`."""
    try:
        check(os.environ, scheduled=scheduled)
    except BackupError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
