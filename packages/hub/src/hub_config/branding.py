"""The operator's own name, logo and colour: what pages see of them, and the files they load.

The style sheet and the logo are written into a folder that is served as `static/branding/`.
"""

from pathlib import Path, PurePosixPath

from hub_config import SettingsError, disk
from hub_config.settings import Settings
from hub_config.settings.colours import BLACK, LIGHT, Colour, parse_colour, readable_on

STYLESHEET = "brand.css"

LOGOS = (".svg", ".png", ".jpg", ".jpeg", ".webp", ".gif")
"""Kinds of pictures browsers show; anything else in the data volume stays unserved."""

MAX_LOGO_BYTES = 2**20

DARK = Colour(38, 46, 56)
"""The lightest of the dark backgrounds."""


def brand_of(settings: Settings) -> dict[str, str]:
    """The brand the settings describe, for pages. All of it is text, escaped where one shows it."""
    elsewhere = settings.logo.startswith("https://")
    suffix = PurePosixPath(settings.logo).suffix.lower()
    return {
        "name": settings.brand_name,
        # Below `static/`; empty when there is no logo or it is elsewhere.
        "logo_file": f"branding/logo{suffix}" if settings.logo and not elsewhere else "",
        "logo_url": settings.logo if elsewhere else "",
        "announcement": settings.announcement.strip(),
        "announcement_level": settings.announcement_level,
        "help_url": settings.help_url,
    }


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
    # On a full disk they stay as they were: a page in another colour is better than none.
    disk.write(folder / STYLESHEET, stylesheet(settings.brand_colour).encode())
    path = logo_path(settings, data)
    if path is not None:
        disk.write(folder / f"logo{path.suffix.lower()}", path.read_bytes())


def logo_path(settings: Settings, data: Path) -> Path | None:
    """The logo's file; None when there is none or it is a URL."""
    if not settings.logo or settings.logo.startswith("https://"):
        return None
    return (data / settings.logo).resolve()


def stylesheet(brand_colour: str) -> str:
    """The style sheet for a colour that was `checked`."""
    fill = parse_colour(brand_colour)
    return (
        f":root {{ --brand-fill: {fill}; --brand-fill-rgb: {fill.parts}; "
        f"--brand-fill-strong: {fill.mixed(BLACK, 0.2)}; }}\n"
        + _theme("light", fill, LIGHT)
        + _theme("dark", readable_on(DARK, fill), DARK)
    )


def _theme(name: str, text: Colour, quiet: Colour) -> str:
    selector = f'[data-bs-theme="{name}"]'
    if name == "light":
        selector = f":root, {selector}"
    return (
        f"{selector} {{ --brand-text: {text}; --brand-text-rgb: {text.parts}; "
        f"--quiet: {quiet}; }}\n"
    )
