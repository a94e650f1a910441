"""run.py kernel|marimo [ARGUMENT...]: a program that sees one's own packages, and starts without.

Where something in them keeps the program from being imported, it is started on the image's Python
alone, and says so.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

BROKEN = "JHUB_PACKAGES_BROKEN"
IMAGE_PYTHON = "/opt/venv/bin/python"
NEEDS = {
    "kernel": ("ipykernel.kernelapp",),
    "marimo": ("marimo._cli.cli", "marimo._server.start", "uvicorn", "marimo._runtime.runtime"),
}


def notices() -> list[str]:
    """What the person should know now."""
    said = []
    if why := os.environ.get(BROKEN):
        said.append(
            f"Your own packages keep this from starting ({why}), so it runs without them. "
            "`my-packages` in a terminal lists them, `my-packages reset` removes them."
        )
    try:
        notice = Path(os.environ.get("JHUB_PACKAGES", "/nowhere"), "notice")
        said.append(notice.read_text(encoding="utf-8").strip())
    except OSError:
        pass
    return said


def main() -> None:
    """Import what the program needs, or start again without one's own packages; then run it."""
    if not sys.flags.safe_path:
        sys.path.pop(0)  # this file's folder
    program = sys.argv.pop(1)
    try:
        for module in NEEDS[program]:
            import_module(module)
    except (Exception, SystemExit) as error:
        if os.environ.get(BROKEN):
            raise
        os.environ[BROKEN] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        os.execv(IMAGE_PYTHON, [IMAGE_PYTHON, __file__, program, *sys.argv[1:]])  # noqa: S606
    globals()[f"run_{program}"]()


def run_kernel() -> None:
    """As ipykernel_launcher; the first cell that runs shows what the person should know."""
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415

    app = IPKernelApp.instance()
    app.initialize()
    said = notices()
    if said and app.shell is not None:
        events = app.shell.events

        def tell(*_: Any) -> None:
            events.unregister("pre_run_cell", tell)
            print("\n".join(said), file=sys.stderr)

        events.register("pre_run_cell", tell)
    app.start()


def run_marimo() -> None:
    """As the command `marimo`."""
    from marimo._cli.cli import main as command  # noqa: PLC0415

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from jhub_packages import projects  # noqa: PLC0415

    sys.path.pop(0)  # notebooks do not see it
    projects.follow()
    for line in notices():
        print(line, file=sys.stderr)
    command(prog_name="marimo")


if __name__ == "__main__":
    main()
