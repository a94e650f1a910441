"""my-packages: one's own packages on top of the image's. See `my-packages --help`."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable, Container, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from jhub_packages import kept, uv_pip
from jhub_packages.environment import Image, Own, added_in, normal, remove

COMMANDS: dict[str, Callable[[Own], int]] = {}


def command(function: Callable[[Own], int]) -> Callable[[Own], int]:
    """Make a function one of the commands; its docstring is its help."""
    COMMANDS[function.__name__] = function
    return function


@command
def show(own: Own) -> int:
    """List what you added, and where it is (the default)."""
    print(f"Your own packages for this image: {own.folder}")
    for name, version in own.names().items():
        print(f"  {name} {version}")
    if not own.names():
        print("  none; `pip install NAME` or `uv pip install NAME` adds one")
    _print_notice(own)
    return 0


@command
def reset(own: Own) -> int:
    """Remove all of it: the image as it came. Restart kernels and notebooks afterwards."""
    with own.alone():
        for folder in (own.folder, *own.others()):
            if not remove(folder):
                print(
                    f"my-packages: {folder} cannot be removed as a whole: files in it are "
                    "somebody else's, or in use. Stop what runs, give them to yourself (`ls -lR` "
                    "shows whose they are), and type `my-packages reset` again",
                    file=sys.stderr,
                )
                return 1
        own.fill()
    print("Removed. Restart what runs: kernels, notebooks, terminals.")
    return 0


@command
def move(own: Own) -> int:
    """Install here what you added under another Python, and remove it there."""
    for folder in own.others():
        names = sorted(added_in(folder))
        print(f"{folder.name}: {', '.join(names)}")
        pip = [uv_pip.UV, "pip", "install", "--python", str(own.python), *names]
        if subprocess.run(pip, check=False).returncode:
            print(
                f"my-packages: not all of it can be had for Python {own.image.python}; it stays in "
                f"{folder}. Install what you need of it by name, then remove that folder",
                file=sys.stderr,
            )
            return 1
        remove(folder)
    return refresh(own)


@command
def refresh(own: Own) -> int:
    """Make the environment if it is not there, and bring it up to this image."""
    if not own.is_current():
        own.make()
    notice = _notice(own)
    if notice:
        own.notice.write_text(notice + "\n", encoding="utf-8")
    else:
        own.notice.unlink(missing_ok=True)
    return 0


def _notice(own: Own) -> str:
    said = [
        f"You added {', '.join(sorted(added_in(folder)))} under another Python than this image's "
        f"{own.image.python}, so they cannot be used here. `my-packages move` in a terminal "
        "installs them for it, `my-packages reset` forgets them."
        for folder in own.others()
    ]
    if own.names():
        check = [uv_pip.UV, "pip", "check", "--offline", "--python", str(own.python)]
        run = subprocess.run(check, capture_output=True, text=True, check=False)
        at_odds = about(run.stderr.splitlines(), own.names())
        if at_odds:
            said.append(
                "Your own packages and this image's are at odds: "
                + " ".join(f"{line}." for line in at_odds[:5])
                + " Install a version that fits, or `my-packages reset`."
            )
    return "\n".join(said)


def about(lines: Iterable[str], names: Container[str]) -> list[str]:
    """Those of the lines of `uv pip check` that name one of the packages.

    The image leaves out what its own packages ask for and never use.
    """
    found = []
    for line in lines:
        named = re.findall(r"`([\w.-]+)", line)
        if line.startswith("The package") and any(normal(name) in names for name in named):
            found.append(line.rstrip("."))
    return found


def _print_notice(own: Own) -> None:
    refresh(own)
    if own.notice.exists():
        print(own.notice.read_text(encoding="utf-8").strip())


def uv(own: Own, given: list[str]) -> None:
    """Become uv, on one's own packages where no other environment is meant."""
    ours = uv_pip.arguments(given, os.environ, Path.cwd(), own.folder)
    if ours is not None or str(own.python) in given:
        if told := kept.complaint(given, own):
            sys.exit(f"uv: {told}")
        try:
            if not own.is_current():
                own.make()
        except OSError as error:
            sys.exit(f"uv: your packages cannot be kept in {own.folder}: {error.strerror}")
    os.execv(uv_pip.UV, [uv_pip.UV, *(given if ours is None else ours)])  # noqa: S606


def main() -> int:
    """Do what the command line says; return the exit code."""
    try:
        image = Image.read()
    except OSError:
        image = None
    home = Path(os.environ.get("HOME", "/home/nebula"))
    if sys.argv[1:2] == ["uv"]:
        if image is None:
            os.execv(uv_pip.UV, [uv_pip.UV, *sys.argv[2:]])  # noqa: S606
        uv(Own.here(home, image), sys.argv[2:])
    if sys.argv[1:2] == ["serve"] and len(sys.argv) == 3:
        from jhub_packages.page import serve  # noqa: PLC0415

        serve(sys.argv[2])
    parser = argparse.ArgumentParser(
        prog="my-packages",
        description="Your own packages, on top of the image's. Add one with `pip install NAME`, "
        "`uv pip install NAME`, or `%pip install NAME` in a notebook.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, function in COMMANDS.items():
        summary = (function.__doc__ or "").strip()
        commands.add_parser(name, help=summary, description=summary)
    chosen = parser.parse_args().command or "show"
    if image is None:
        print("my-packages: this image has no environment at /opt/venv", file=sys.stderr)
        return 1
    try:
        return COMMANDS[chosen](Own.here(home, image))
    except OSError as error:
        print(f"my-packages: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
