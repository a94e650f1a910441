"""Name, logo and colour: what is refused, and that people can read what is accepted."""

from pathlib import Path

import pytest

from hub_config import SettingsError, branding
from hub_config.branding import brand_of
from hub_config.first_start import Places
from hub_config.settings import Settings
from hub_config.settings.colours import (
    AA,
    BLACK,
    LIGHT,
    WHITE,
    Colour,
    checked_colour,
    contrast,
    parse_colour,
    readable_on,
)
from hub_config.settings.reading import read


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast(WHITE, BLACK) == pytest.approx(21)
    assert contrast(WHITE, WHITE) == 1
    # The best-known pair: the lightest grey that passes AA on white.
    assert contrast(parse_colour("#767676"), WHITE) == pytest.approx(4.54, abs=0.005)
    assert contrast(parse_colour("#777777"), WHITE) < AA


@pytest.mark.parametrize("colour", ["#1f5fa8", "#000000", "#7a1fa0", "#0b6b3a", "#b3161b"])
def test_an_accepted_colour_is_read_in_light_and_dark(colour: str) -> None:
    sheet = branding.stylesheet(checked_colour(colour))
    assert contrast(parse_colour(colour), LIGHT) >= AA
    assert contrast(parse_colour(colour), WHITE) >= AA, "white text on a button"
    dark = readable_on(branding.DARK, parse_colour(colour))
    assert contrast(dark, branding.DARK) >= AA
    assert f"--brand-text: {dark};" in sheet


def test_a_colour_too_light_is_refused_with_what_was_measured(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        read({"JHUB_BRAND_COLOUR": "#ffcc00"}, tmp_path / "none.toml")
    message = str(refused.value)
    assert "JHUB_BRAND_COLOUR is '#ffcc00'" in message
    assert "1.33:1" in message
    assert "4.5:1" in message


@pytest.mark.parametrize("text", ["blue", "#fff", "#12345g", "#1f5fa8; } body { display: none"])
def test_only_colours_get_into_the_style_sheet(text: str) -> None:
    with pytest.raises(ValueError, match="a colour such as"):
        parse_colour(text)


def test_a_colour_is_written_as_it_is_read() -> None:
    assert str(parse_colour("#0A0b0C")) == "#0a0b0c"
    assert parse_colour("#010203") == Colour(1, 2, 3)


def test_the_logo_of_the_data_volume_is_served_under_one_name(places: Places) -> None:
    (places.data / "our mark.SVG").write_text("<svg/>")
    settings = Settings(logo="our mark.SVG")
    branding.write(settings, places.data, places.branding)
    assert (places.branding / "logo.svg").read_text() == "<svg/>"
    assert brand_of(settings)["logo_file"] == "branding/logo.svg"
    assert "--brand-fill: #1f5fa8" in (places.branding / branding.STYLESHEET).read_text()


@pytest.mark.parametrize(
    "logo", ["missing.png", "secrets/cookie_secret", "../../etc/passwd", "/etc/hostname", "a.html"]
)
def test_a_logo_that_is_no_picture_of_ours_is_refused(places: Places, logo: str) -> None:
    (places.data / "a.html").write_text("")
    with pytest.raises(SettingsError, match="JHUB_LOGO is"):
        branding.write(Settings(logo=logo), places.data, places.branding)


def test_a_logo_from_elsewhere_is_linked_not_looked_for(places: Places) -> None:
    settings = Settings(logo="https://example.org/logo.svg")
    branding.check(settings, places.data)
    assert brand_of(settings)["logo_url"] == "https://example.org/logo.svg"
    assert brand_of(settings)["logo_file"] == ""


def test_a_link_of_script_is_no_help() -> None:
    with pytest.raises(ValueError, match="https://"):
        Settings(help_url="javascript:alert(1)")
