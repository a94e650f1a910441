"""python3.11 -I jhub_welcome INTERFACE MARKER: gives HOME its welcome, and leaves MARKER.

Called by `start-singleuser` where MARKER is not there yet.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from jhub_welcome.forms import FORMS, Form


def give(form: Form, home: Path, marker: Path) -> None:
    """Write the welcome unless the home has something of its name. Raises OSError where it cannot.

    The marker is made first: rather no welcome than one that comes back.
    """
    text = Path(__file__).with_name("welcome.md").read_text("utf-8")
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch(exist_ok=False)
    target, unfinished = home / form.name, marker.with_suffix(".unfinished")
    if os.path.lexists(target):
        return
    try:
        unfinished.write_text(form.page(text), "utf-8")
        unfinished.rename(target)
    except OSError:
        unfinished.unlink(missing_ok=True)
        marker.unlink()  # the next start tries again
        raise


def main(interface: str, marker: str) -> None:
    """One sentence where it cannot be given: the server starts all the same."""
    form, home = FORMS.get(interface), Path(os.environ["HOME"])
    if form is None:
        return
    try:
        give(form, home, Path(marker))
    except OSError as error:
        print(f"start-singleuser: {home} gets no welcome: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
