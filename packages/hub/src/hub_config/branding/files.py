"""Writes what pages show of the brand into a folder that is served as `static/branding/`."""

import shutil
from pathlib import Path

from hub_config.branding import stylesheet
from hub_config.errors import SettingsError
from hub_config.settings import Settings

STYLESHEET = "brand.css"

LOGOS = (".svg", ".png", ".jpg", ".jpeg", ".webp", ".gif")
"""Kinds of pictures browsers show; anything else in the data volume stays unserved."""

MAX_LOGO_BYTES = 2**20


def check(settings: Settings, data: Path) -> None:
    """Raises SettingsError when the logo names a file that cannot be shown.

    `data` is the data volume; where it has not been mounted there is nothing to look at.
    """
    path = logo_path(settings, data)
    if path is None:
        return
    wanted = f"a picture of at most 1 MiB ({', '.join(LOGOS)}) in the hub's data volume, or a URL"
    if not path.is_relative_to(data.resolve()) or path.suffix.lower() not in LOGOS:
        problem = "is no such file"
    elif not path.is_file():
        problem = "does not exist"
    elif path.stat().st_size > MAX_LOGO_BYTES:
        problem = f"has {path.stat().st_size} bytes"
    else:
        return
    raise SettingsError(f"JHUB_LOGO is {settings.logo!r} and {path} {problem}; allowed: {wanted}.")


def write(settings: Settings, data: Path, folder: Path) -> None:
    """Write the style sheet and copy the logo. Raises what `check` raises."""
    check(settings, data)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STYLESHEET).write_text(stylesheet.render(settings.brand_colour), encoding="utf-8")
    path = logo_path(settings, data)
    if path is not None:
        shutil.copyfile(path, folder / f"logo{path.suffix.lower()}")


def logo_path(settings: Settings, data: Path) -> Path | None:
    """The logo's file; None when there is none or it is a URL."""
    if not settings.logo or settings.logo.startswith("https://"):
        return None
    return (data / settings.logo).resolve()
