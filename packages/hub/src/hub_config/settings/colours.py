"""Colours, and how well one is read on another, as WCAG 2.2 measures it. Pure."""

import re
from dataclasses import dataclass

AA = 4.5
"""Least contrast of text (WCAG 2.2, success criterion 1.4.3, level AA)."""


@dataclass(frozen=True)
class Colour:
    """An sRGB colour, each part from 0 to 255."""

    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @property
    def parts(self) -> str:
        """As the arguments of CSS's `rgb()`."""
        return f"{self.red}, {self.green}, {self.blue}"

    @property
    def luminance(self) -> float:
        """Relative luminance, 0 (black) to 1 (white) (WCAG 2.2, relative luminance)."""
        red, green, blue = (_linear(part / 255) for part in (self.red, self.green, self.blue))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def mixed(self, other: "Colour", share: float) -> "Colour":
        """This colour with `share` (0 to 1) of another one in it."""
        pairs = zip(
            (self.red, self.green, self.blue), (other.red, other.green, other.blue), strict=True
        )
        return Colour(*(round(mine + (theirs - mine) * share) for mine, theirs in pairs))


WHITE = Colour(255, 255, 255)
BLACK = Colour(0, 0, 0)

LIGHT = Colour(238, 240, 244)
"""The darkest of the pages' light backgrounds; `--quiet` in platform.css."""


def parse_colour(text: str) -> Colour:
    """A colour written `#rrggbb`. Raises ValueError for anything else."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError("a colour such as #1f5fa8")
    return Colour(*(int(text[at : at + 2], 16) for at in (1, 3, 5)))


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio, 1 (none) to 21 (WCAG 2.2, contrast ratio)."""
    lighter, darker = sorted((one.luminance, other.luminance), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def readable_on(background: Colour, colour: Colour) -> Colour:
    """`colour`, lightened in steps of 5 % as far as text in it needs on a dark `background`."""
    steps = (colour.mixed(WHITE, step / 20) for step in range(21))
    return next(step for step in steps if contrast(step, background) >= AA)


def checked_colour(text: str) -> str:
    """A colour that can be used for links and, with white text, for buttons.

    Raises ValueError with the measured contrast for one that is too light. White is lighter than
    `LIGHT`, so white text on the colour is read at least as well.
    """
    colour = parse_colour(text)
    measured = contrast(colour, LIGHT)
    if measured < AA:
        raise ValueError(
            f"a darker colour: the contrast of {colour} to the light page is {measured:.2f}:1, "
            f"and text needs {AA}:1 (WCAG AA)"
        )
    return str(colour)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
