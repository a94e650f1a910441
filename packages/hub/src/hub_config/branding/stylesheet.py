"""The operator's colour as a style sheet: readable in light and in dark. Pure."""

from hub_config.branding.colours import AA, BLACK, Colour, contrast, parse, readable_on

LIGHT = Colour(238, 240, 244)
"""The darkest of the light backgrounds; `--quiet` in platform.css."""

DARK = Colour(38, 46, 56)
"""The lightest of the dark backgrounds."""


def checked(text: str) -> str:
    """A colour that can be used for links and, with white text, for buttons.

    Raises ValueError with the measured contrast for one that is too light. White is lighter than
    `LIGHT`, so white text on the colour is read at least as well.
    """
    colour = parse(text)
    measured = contrast(colour, LIGHT)
    if measured < AA:
        raise ValueError(
            f"a darker colour: the contrast of {colour} to the light page is {measured:.2f}:1, "
            f"and text needs {AA}:1 (WCAG AA)"
        )
    return str(colour)


def render(brand_colour: str) -> str:
    """The style sheet for a colour that was `checked`."""
    fill = parse(brand_colour)
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
