"""Pages in people's languages: every text has its German, and what is shown in it stays."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polib
import pytest
from jinja2 import DictLoader, Environment, FileSystemLoader
from jupyterhub._data import DATA_FILES_PATH

from hub_config import languages
from hub_config.branding import brand_of
from hub_config.jobs import clock
from hub_config.languages import LANGUAGES, choose, said, when
from hub_config.runtime.records import why
from hub_config.settings import Settings
from hub_config.texts import Texts

PACKAGE = Path(__file__).parents[2] / "src" / "hub_config"
OTHERS = [code for code in LANGUAGES if code != languages.ENGLISH]

KEPT = ("accept-share", "admin", "login", "oauth", "page", "spawn", "stop_pending", "token")
"""JupyterHub's templates that ours only add to; of the others nothing is left."""

SPEAKING = (
    *("told", "disk", "offer/cards", "offer/room", "offer/stock"),
    *("lifetimes/homes", "lifetimes/why"),
    *("runtime/cluster", "spawning/pod_spawner", "spawning/parts", "spawning/servers"),
    *("reconcile/pages", "watch/filters", "runtime/records"),
    *("reconcile/desk", "jobs/forms", "jobs/pages", "jobs/rules", "now/rows"),
    "shares",
    *("published/shelf", "published/own_server", "published/pages"),
    *(f"login/{name}" for name in ("accounts", "credentials", "door", "newcomers", "pages")),
    *(f"login/{name}" for name in ("passwords", "people", "second_factor_page", "throttling")),
)
"""Modules whose sentences people read."""


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    before = languages.current.set(languages.ENGLISH)
    yield
    languages.current.reset(before)


def templates() -> Iterator[Path]:
    yield from sorted((PACKAGE / "templates").glob("*.html"))
    yield from (Path(DATA_FILES_PATH) / "templates" / f"{name}.html" for name in KEPT)


def messages() -> Iterator[str]:
    """Every text of a template, and of a script."""
    environment = Environment(extensions=[Texts], autoescape=True)
    for path in templates():
        for _, function, found in environment.extract_translations(path.read_text("utf-8")):
            several = found if isinstance(found, tuple) else (found,)
            yield from several[: 1 if function != "ngettext" else 2][:1]
    yield from languages.of_scripts()


def sentences(module: str) -> Iterator[str]:
    """What a module says, with a number for each thing that it puts in."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))
    silent: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            silent |= {id(one.value) for one in node.body if isinstance(one, ast.Expr)}
        logs = isinstance(node, ast.Call) and re.search(
            r"\blog\b|print|Unicode|Bool|Int|[Ff]ield|SettingsError|ValueError",
            ast.unparse(node.func),
        )
        if logs or isinstance(node, ast.JoinedStr):
            silent |= {id(one) for one in ast.walk(node)} - ({id(node)} if not logs else set())
    for node in ast.walk(tree):
        text = ""
        if id(node) in silent:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = re.sub(r"\{\w*(:[^}]*)?\}", "7", node.value)
        elif isinstance(node, ast.JoinedStr):
            text = "".join(
                str(getattr(one, "value", "")) if isinstance(one, ast.Constant) else "7"
                for one in node.values
            )
        if re.fullmatch(r"(?s)[A-Z7].*[a-z] [a-z].*\.", text):
            yield text


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_in_the_catalogue(language: str) -> None:
    known = {one.msgid for one in polib.pofile(str(languages.path(language))) if one.translated()}
    assert sorted(set(messages()) - known) == []


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("module", SPEAKING)
def test_every_sentence_that_people_read_is_too(language: str, module: str) -> None:
    languages.current.set(language)
    assert [one for one in sentences(module) if said(one) == one] == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_a_text_shows_its_translation_shows_too(language: str) -> None:
    catalogue = polib.pofile(str(languages.path(language)))
    for one in catalogue:
        there = [one.msgstr, *one.msgstr_plural.values()] if one.msgid_plural else [one.msgstr]
        wanted = set(re.findall(r"%\(\w+\)s", one.msgid))
        for text in filter(None, there):
            assert set(re.findall(r"%\(\w+\)s", text)) == wanted, one.msgid
            assert not re.search(r"[<>]", text), "a translation has no markup"
    assert not catalogue.fuzzy_entries()
    assert len({one.msgid for one in catalogue}) == len(catalogue)


@pytest.mark.parametrize(
    ("accepts", "wish", "found"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "", "de"),
        ("fr,en;q=0.5,de;q=0.3", "", "en"),
        ("de;q=0", "", "en"),
        ("", "", "en"),
        ("x;q=y, DE", "", "de"),
        ("en", "de", "de"),
        ("de", "../x", "de"),
    ],
)
def test_the_browser_says_which_language_unless_somebody_chose(
    accepts: str, wish: str, found: str
) -> None:
    assert choose(accepts, wish) == found


def test_a_template_is_read_as_what_people_see_of_it() -> None:
    source = (
        '<html lang="en"><p title="Your server" data-x="Start">\n  Sign in\n</p>'
        "<script>if (a > 1) say('Sign in')</script>{# Help #}"
        '<a href="{{ x }}" aria-label="Open {{ title }}">Error {{ status_code }}</a> '
        "{{ said_by | said }}"
    )
    environment = Environment(
        loader=DictLoader({"page": source}), extensions=[Texts], autoescape=True
    )
    template = environment.get_template("page")
    given = {
        "x": "/",
        "title": "<b>",
        "status_code": 5,
        "said_by": "There is no person called <i>.",
    }
    for code in LANGUAGES:
        languages.current.set(code)
        page = template.render(**given)
        assert f'<html lang="{code}">' in page
        assert "say('Sign in')" in page
        assert "&lt;b&gt;" in page
        assert "<b>" not in page
        assert "&lt;i&gt;" in page
    assert '<p title="Ihr Server" data-x="Start">\n  Anmelden\n</p>' in page
    assert 'aria-label="&lt;b&gt; öffnen">Fehler 5</a> Es gibt keine Person namens' in page


@pytest.mark.parametrize(
    ("template", "given", "told"),
    [
        (
            "oauth.html",
            {
                "oauth_client": {"description": "Server at /user/ann/", "redirect_uri": "/x"},
                "scope_descriptions": [
                    {"scope": "", "description": "Identify the owner of the requesting entity."}
                ],
            },
            ["Server unter /user/ann/", "Wissen, wer Sie sind."],
        ),
        ("page.html", {}, ['id="error-dialog"', 'id="error-label">Fehler</h2>']),
    ],
)
def test_what_jupyterhub_says_on_its_pages_is_told_too(
    template: str, given: dict[str, Any], told: list[str]
) -> None:
    languages.current.set("de")
    theirs = FileSystemLoader(Path(DATA_FILES_PATH) / "templates")
    environment = Environment(loader=theirs, extensions=[Texts], autoescape=True)
    given = {**given, "brand": brand_of(Settings())}
    page = environment.get_template(template).render(static_url=lambda path, **_: path, **given)
    assert [one for one in told if one not in page] == []


def test_what_was_said_in_english_is_told_in_the_language_of_whoever_reads_it() -> None:
    memory = why(
        {"State": {"ExitCode": 137, "OOMKilled": True}, "HostConfig": {"Memory": 3 * 2**29}}
    )
    assert said(memory) == memory
    languages.current.set("de")
    assert said("Not known to any catalogue.") == "Not known to any catalogue."
    assert "mehr Speicher als die 1,5 GB seines Profils" in said(memory)
    for cron, zone, wanted in (
        ("61 2 * * *", "UTC", "ist keine Zeit von cron (Minute falsch); erwartet sind fünf"),
        ("whenever", "UTC", "(nicht fünf Felder)"),
        ("0 0 30 2 *", "UTC", "(Tag des Monats falsch)"),
        ("@daily", "Mars/Phobos", "'Mars/Phobos' ist keine Zeitzone"),
    ):
        with pytest.raises(ValueError, match=r"\.$") as refused:
            clock.following(cron, zone, datetime(2026, 1, 1))
        assert wanted in said(str(refused.value))
    away = said("You do not have permission to access Server at /user/bob/")
    assert away == "Für den Server unter /user/bob/ haben Sie keine Berechtigung."
    assert said("port 8050 serves somebody, or lets them wait").startswith("Port 8050 bedient")
    assert said("0.04") == "0,04"
    both = said("The start was cancelled. Nobody was added.")
    assert both == "Der Start wurde abgebrochen. Niemand wurde hinzugefügt."
    assert said(None) is None


def test_what_is_long_holds_nobody_up() -> None:
    """What was typed is in some sentences; a pattern with three gaps takes the cube of its length.
    This test ends late, if at all, without the bounds.
    """
    languages.current.set("de")
    for length in (500, 500_000):
        typed = "There is nobody else called " + "x of x, asked for by " * (length // 20) + "!"
        assert said(f"{typed} {typed}") == f"{typed} {typed}"
    many = "The start was cancelled. " * 200_000
    assert said(many).startswith("Der Start wurde abgebrochen. Der")
    assert said(many).endswith("The start was cancelled. ")


def test_times_are_the_platforms() -> None:
    time = datetime(2026, 11, 30, 8, 5, tzinfo=UTC).replace(tzinfo=None)
    assert when(time).striptags() == "2026-11-30 08:05 UTC"
    assert '<time datetime="2026-11-30T08:05:00Z" data-ago>' in when(time, ago=True)
    assert choose("fr", otherwise="de") == "de"
    languages.current.set("de")
    languages.use("Europe/Berlin", "de_DE.UTF-8")
    try:
        assert when(time).striptags() == "30.11.2026 09:05 CET"
    finally:
        languages.use("", "")


def test_what_people_know_a_profile_by_is_in_their_language() -> None:
    for title in ("JupyterLab with R, small", "My lab, v2, GPU", "uv-lab-small"):
        assert languages.profile(title) == title
    languages.current.set("de")
    assert languages.profile("JupyterLab with R, small") == "JupyterLab mit R, klein"
    for title in ("My lab, v2, GPU", "uv-lab-small"):
        assert languages.profile(title) == title


def test_options_that_jupyterhub_makes_are_said_too() -> None:
    languages.current.set("de")
    options = (
        '<option value="3600">1 Hour</option>\n<option selected="selected" value="">Never</option>'
    )
    found = Environment(extensions=[Texts], autoescape=True).from_string(
        "{{ token_expires_in_options_html | safe }}"
    )
    said = found.render(token_expires_in_options_html=options)
    assert said == options.replace("1 Hour", "1 Stunde").replace("Never", "Nie")
