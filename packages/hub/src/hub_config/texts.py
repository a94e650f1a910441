"""The texts of templates as messages of `languages`.

JupyterHub's templates know no translations. So every text between tags, and every attribute that
is read out or shown, is a message by itself, in its templates as in ours: `Texts` makes calls of
gettext of them while Jinja reads a template. Text that a tag or a block of Jinja cuts is several.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Environment
from jinja2.ext import InternationalizationExtension
from jinja2.lexer import Token, TokenStream

from hub_config.languages import (
    LANGUAGES,
    current,
    gettext,
    ngettext,
    profile,
    said,
    script_texts,
    when,
)

_SHOWN = ("aria-label", "placeholder", "title", "alt", "data-ask", "data-label")
"""Attributes that people see or hear; of an `input` that sends a form its `value`, too."""

_TAG = re.compile(r"<(?:!--.*?(?:-->|\Z)|/?[a-zA-Z!][^<>]*(?:>|\Z)|/?[a-zA-Z])", re.DOTALL)
_WORDS = re.compile(r"[A-Za-z]{2}")
_ATTRIBUTE = re.compile(rf"(?:^|\s)({'|'.join(_SHOWN)})\s*=\s*(\"|')\Z")


_HEADING = re.compile(
    r"<h1[^>]*>(.*?)</h1>|ui\.(?:panel|entrance)\((.+?)(?:, (?:wide|base_url|hub_path).*?)?\) %\}",
    re.DOTALL,
)


def said_in_options(html: str) -> str:
    """JupyterHub makes the options of a choice itself (handlers/pages.py, TokenPageHandler)."""
    return re.sub(r"(?<=>)[^<]*(?=</option>)", lambda found: said(found[0]), html)


class Texts(InternationalizationExtension):
    """Makes messages of the texts in templates, with what they show as placeholders."""

    def __init__(self, environment: Environment) -> None:
        """Jinja makes one for each environment."""
        super().__init__(environment)
        self._install_callables(gettext, ngettext, newstyle=True)
        environment.filters |= {"said": said, "said_in_options": said_in_options}
        environment.filters |= {"profile": profile, "when": when}
        environment.globals |= {"language": current.get, "languages": LANGUAGES}
        environment.globals["script_texts"] = script_texts

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """JupyterHub's pages say that they are in English, and show times, of which its script
        (token.js) makes English, and what the hub said as it is.
        """
        source = source.replace('<html lang="en">', '<html lang="{{ language() }}">')
        # A page is called what its heading says: in tabs, in what was visited, to screen readers.
        heading = _HEADING.search(source)
        if heading and source.startswith("{% extends") and "block title" not in source:
            words = heading[1] or f"{{{{ {heading[2]} }}}}"
            brand = "{% if true %} &ndash; {{ brand.name }}{% endif %}"
            source += f"{{% block title %}}{words}{brand}{{% endblock %}}"
        options = "{{ token_expires_in_options_html |"
        source = source.replace(options, f"{options} said_in_options |")
        source = source.replace('class="time-col ', 'class="')
        time = r"\{\{ (\S+)\.isoformat\(\) \+ 'Z' \}\}"
        source = re.sub(time, r"{{ \1 | when(ago=true) }}", source)
        # Its dialogs are found by their titles, in English.
        source = source.replace("{{ title }}</h2>", "{{ title | said }}</h2>")
        descriptions = r"oauth_client\.description|(?:client|scope_info)\['description'\]"
        shown = rf"\{{\{{ (login_error|error_message|token\.note|{descriptions}) \}}\}}"
        return re.sub(shown, r"{{ \1 | said }}", source)

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Replace what is text."""
        page = _Page()
        for token in stream:
            if token.type == "data":
                page.data(token)
            elif token.type == "variable_begin":
                inner = []
                for one in stream:
                    if one.type == "variable_end":
                        break
                    inner.append(one)
                page.variable(token, inner)
            else:
                yield from page.flush()
                yield token
                if token.type == "block_begin":
                    # Up to the end of the block, nothing is text.
                    for one in stream:
                        yield one
                        if one.type == "block_end":
                            break
                continue
            yield from page.done()
        yield from page.flush()


class _Page:
    """A template as it goes by. `run` is the text that is being collected: pieces of text, and what
    is shown between them.
    """

    def __init__(self) -> None:
        self.out: list[Token] = []
        self.run: list[str | tuple[Token, list[Token]]] = []
        self.line = 1
        self.tag = ""
        """The tag that is open, up to here; empty between tags."""
        self.quote = ""
        """Within an attribute that is shown: what ends it."""
        self.hidden = ""
        """Within script, style or pre: its name."""

    def done(self) -> Iterator[Token]:
        """What is settled."""
        settled, self.out = self.out, []
        return iter(settled)

    def flush(self) -> Iterator[Token]:
        """The same with what was collected: the text ends here."""
        self._end()
        return self.done()

    def data(self, token: Token) -> None:
        """A piece of the template itself."""
        self.line, text = token.lineno, token.value
        while text:
            text = self._tag(text) if self.tag else self._text(text)

    def variable(self, token: Token, inner: list[Token]) -> None:
        """Something that is shown."""
        if (not self.tag or self.quote) and not self.hidden:
            self.run.append((token, inner))
        else:
            self._shown(token, inner)
            if self.tag:
                self.tag += "{}"

    def _text(self, text: str) -> str:
        """Take what is up to the next tag; returns the rest."""
        if self.hidden:
            end = re.search(rf"</{self.hidden}", text)
            if not end:
                self._plain(text)
                return ""
            self._plain(text[: end.start()])
            self.hidden, text = "", text[end.start() :]
        begin = re.search(r"<(?=[a-zA-Z/!])", text)
        if not begin:
            self.run.append(text)
            return ""
        if begin.start():
            self.run.append(text[: begin.start()])
        self._end()
        self.tag = "<"
        self._plain("<")
        return text[begin.end() :]

    def _tag(self, text: str) -> str:
        """Take what is up to the tag's end, or to an attribute that is shown."""
        if self.quote:
            value, quote, rest = text.partition(self.quote)
            self.run.append(value)
            if not quote:
                return ""
            self._end()
            self._plain(quote)
            self.tag += quote
            self.quote = ""
            return rest
        ends = "-->" if self.tag.startswith("<!--") else ">"
        for place, one in enumerate(text):
            self.tag += one
            if self.tag.endswith(ends) and not self._quoted():
                self._plain(text[: place + 1])
                name = re.match(r"<(script|style|pre|code)\b", self.tag)
                self.hidden, self.tag = name[1] if name else "", ""
                return text[place + 1 :]
            if one in "\"'" and self._is_shown():
                self._plain(text[: place + 1])
                self.quote = one
                return text[place + 1 :]
        self._plain(text)
        return ""

    def _quoted(self) -> bool:
        return not self.tag.startswith("<!--") and self.tag.count('"') % 2 == 1

    def _is_shown(self) -> bool:
        if self.tag.count(self.tag[-1]) % 2 == 0:
            return False
        sends = re.match(r"<input\b.*type=.submit", self.tag, re.DOTALL)
        return bool(_ATTRIBUTE.search(self.tag) or (sends and re.search(r"\svalue=.\Z", self.tag)))

    def _end(self) -> None:
        """The text that was collected is whole: a message, if there are words in it."""
        run, self.run = self.run, []
        words = "".join(one for one in run if isinstance(one, str))
        if not _WORDS.search(re.sub(r"&\w+;", "", words)):
            for one in run:
                self._plain(one) if isinstance(one, str) else self._shown(*one)
            return
        message = ""
        shown: dict[str, list[Token]] = {}
        for one in run:
            if isinstance(one, str):
                message += one.replace("%", "%%")
            else:
                name = _name(one[1], shown)
                shown[name] = one[1]
                message += f"%({name})s"
        before = message[: len(message) - len(message.lstrip())]
        after = message[len(message.rstrip()) :]
        self._plain(before)
        self._call(" ".join(message.split()), shown)
        self._plain(after)

    def _call(self, message: str, shown: Mapping[str, list[Token]]) -> None:
        def token(kind: str, value: str) -> Token:
            return Token(self.line, kind, value)

        self.out += [token("variable_begin", "{{"), token("name", "gettext")]
        self.out += [token("lparen", "("), token("string", message)]
        for name, inner in shown.items():
            self.out += [token("comma", ","), token("name", name), token("assign", "=")]
            self.out += [token("lparen", "("), *inner, token("rparen", ")")]
        self.out += [token("rparen", ")"), token("variable_end", "}}")]

    def _shown(self, begin: Token, inner: list[Token]) -> None:
        self.out += [begin, *inner, Token(begin.lineno, "variable_end", "}}")]

    def _plain(self, text: str) -> None:
        if text:
            self.out.append(Token(self.line, "data", text))


def _name(inner: list[Token], taken: Mapping[str, Any]) -> str:
    """What a placeholder is called: the last name of a plain one, else a number."""
    names = [one.value for one in inner if one.type == "name"]
    plain = all(one.type in ("name", "dot") for one in inner)
    name = names[-1] if plain and names else f"p{len(taken) + 1}"
    return name if name not in taken else f"{name}{len(taken) + 1}"
