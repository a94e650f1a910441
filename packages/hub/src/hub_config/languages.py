"""Pages in the language of whoever reads them: which that is, and what is said in it.

What Python says (refusals, errors, reasons that are kept in English beside a server) is translated
where it is shown, by `| said`: a catalogue's message with placeholders is a pattern too. So nothing
that speaks has to know of languages, and JupyterHub's own sentences are translated like ours.
What templates say is `texts`' business.

A catalogue is `locale/<language>/LC_MESSAGES/hub.po`, read when it is first needed.
"""

import re
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import polib
from markupsafe import Markup

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "de": "Deutsch"}
"""By their codes (BCP 47), as they call themselves."""

current: ContextVar[str] = ContextVar("language", default=ENGLISH)
"""The language of the request that is being answered."""

COOKIE = "language"


def choose(accepts: str, wish: str = "", otherwise: str = ENGLISH) -> str:
    """The language for somebody whose browser says `accepts` (RFC 9110, Accept-Language); `wish` is
    what they chose themselves, `otherwise` the platform's.
    """
    if wish in LANGUAGES:
        return wish
    ranked = []
    for place, one in enumerate(accepts.split(",")):
        name, _, quality = one.strip().partition(";q=")
        code = name.partition("-")[0].lower()
        try:
            rank = float(quality or 1)
        except ValueError:
            continue
        if code in LANGUAGES and rank > 0:
            ranked.append((-rank, place, code))
    return min(ranked)[2] if ranked else otherwise


class _Platform:
    """What the operator has set, for the whole hub."""

    zone: tzinfo = ZoneInfo("UTC")
    language = ENGLISH


_platform = _Platform()


def use(zone: str, locale: str) -> None:
    """Times are shown in this zone from now on, pages in this locale's language by default."""
    _platform.zone = ZoneInfo(zone or "UTC")
    language = locale.partition("_")[0]
    _platform.language = language if language in LANGUAGES else ENGLISH


def begin(handler: Any) -> None:
    """A request begins: its answer is in the language of who asks. `?language=de`, the link below
    each page, is a choice that this browser keeps.
    """
    wish = handler.get_query_argument("language", "")
    if wish in LANGUAGES:
        path = handler.hub.base_url
        handler.set_cookie(COOKIE, wish, path=path, expires_days=365, samesite="Lax")
    else:
        wish = handler.get_cookie(COOKIE, "")
    accepts = handler.request.headers.get("Accept-Language", "")
    current.set(choose(accepts, wish, _platform.language))


def path(language: str) -> Any:
    """Where a catalogue is."""
    return files("hub_config") / "locale" / language / "LC_MESSAGES" / "hub.po"


@dataclass(frozen=True)
class Catalogue:
    """The messages of a language; `patterns` are those with placeholders."""

    texts: NullTranslations
    patterns: tuple[tuple[re.Pattern[str], str], ...] = ()


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue; English has none, being what messages are written in."""
    if language == ENGLISH:
        return Catalogue(NullTranslations())
    messages = polib.pofile(path(language).read_text("utf-8"))
    known = [(one.msgid, one.msgstr) for one in messages if one.msgstr]
    patterns = [(pattern(said), text) for said, text in known if "%(" in said]
    # The one that says most by itself first: of two that fit it is the one that was meant.
    patterns.sort(key=lambda one: -len(re.sub(r"\(\?P.*?\)", "", one[0].pattern)))
    return Catalogue(GNUTranslations(BytesIO(messages.to_binary())), tuple(patterns))


_IN_A_SCRIPT = re.compile(r"""\btr\("([^"]+)\"""")


@cache
def of_scripts() -> frozenset[str]:
    """The messages that scripts ask for: `tr("…")`."""
    package = files("hub_config")
    parts = [*(package / "static").iterdir(), *(package / "templates").iterdir()]
    sources = (one.read_text("utf-8") for one in parts if one.name.endswith((".js", ".html")))
    return frozenset(found for source in sources for found in _IN_A_SCRIPT.findall(source))


def script_texts() -> dict[str, str]:
    """What scripts say, in the language of the request."""
    return {one: gettext(one) for one in sorted(of_scripts()) if gettext(one) != one}


_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def pattern(message: str) -> re.Pattern[str]:
    """What fits a message that was filled in, with what ends before a sentence does."""
    parts = _PLACEHOLDER.split(message)
    found = "".join(
        rf"(?P<{part}>(?:(?!\. [A-Z]).)+?)" if place % 2 else re.escape(part.replace("%%", "%"))
        for place, part in enumerate(parts)
    )
    return re.compile(found, re.DOTALL)


def gettext(message: str) -> str:
    """The message in the language of the request."""
    return catalogue(current.get()).texts.gettext(message) if message else ""


def ngettext(one: str, many: str, count: int) -> str:
    """The same for a number of things."""
    return catalogue(current.get()).texts.ngettext(one, many, count)


_SENTENCES = re.compile(r"(?<=[.!?:])\s+(?=[\W]?[A-Z])")


LONGEST, MOST = 1000, 10
"""Characters of a sentence and sentences of a text that are looked up: what a person typed, or a
server wrote, is in some of them, and to find a pattern in that takes time by the cube of it."""


def said(sentence: Any) -> Any:
    """What some part of the hub said, in the language of the request; several sentences are looked
    up together, then each. What no catalogue knows stays as it is.
    """
    text = str(sentence) if sentence is not None else ""
    if current.get() == ENGLISH or not text.strip():
        return sentence
    if (whole := _said(text)) is not None:
        return whole
    parts = _SENTENCES.split(text, maxsplit=MOST)
    return " ".join(_said(part) or part for part in parts) if len(parts) > 1 else sentence


def _said(text: str, depth: int = 0) -> str | None:
    if re.fullmatch(r"\d+\.\d+", text):
        return _inner(text, depth)
    known = catalogue(current.get())
    if (found := known.texts.gettext(text)) != text:
        return found
    for one, wanted in known.patterns if len(text) <= LONGEST else ():
        if fits := one.fullmatch(text):
            parts = fits.groupdict().items()
            return wanted % {name: _inner(value, depth + 1) for name, value in parts}
    return None


DEEPEST = 3


def _inner(value: str, depth: int) -> str:
    """What stands in a placeholder: a sentence itself, or with a number as the language has it."""
    if " " in value and depth < DEEPEST and (inner := _said(value, depth)) is not None:
        return inner
    return re.sub(r"(?<![\d.])(\d+)\.(\d+)(?![\d.])", rf"\1{gettext('.')}\2", value)


def when(time: datetime | None, zone: tzinfo | None = None, *, ago: bool = False) -> Markup:
    """A time, UTC where it has no zone, as people of that zone (else the platform's) and language
    write it. Scripts show it in their browser's own zone (static/forms.js), with `ago` how long ago
    it was. In an attribute it is wanted without its tag: `| when | striptags`.
    """
    if time is None:
        return Markup()
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    here = aware.astimezone(zone or _platform.zone)
    words = here.strftime(gettext("%Y-%m-%d %H:%M")) + f" {here.tzname()}"
    at = aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    data = Markup(" data-ago") if ago else ""
    return Markup('<time datetime="{}"{}>{}</time>').format(at, data, words)


def profile(title: str) -> str:
    """What people know a profile by, `JupyterLab, small`, with image and size in their language."""
    image, comma, size = title.rpartition(", ")
    known = size.capitalize()
    found = gettext(known)
    return f"{gettext(image)}{comma}{size if found == known else found.lower()}"
