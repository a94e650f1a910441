"""What is wrong with a setting, in a sentence for whoever set it. Pure."""

import difflib
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hub_config.settings.declaration import Setting

PROVIDERS = ("oidc", "ldap")
"""Tables that somebody may have written a secret into, under whatever name."""

UNTOLD = (*PROVIDERS, "db_url")
"""These, and an address that may have a password: what is wrong in them is never repeated."""

ELSEWHERE = "name a file as secret_file, or ./dev invoke secrets.set JHUB_PROVIDER_SECRET"


_WORDS = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid boolean": "true or false",
    "a valid string": "text in quotes",
    "a valid dictionary": "a table",
    "a valid list": 'a list such as ["one", "two"]',
    "a valid tuple": 'a list such as ["one", "two"]',
    "a valid frozenset": 'a list such as ["one", "two"]',
    "Dictionary should have at least 1 item after validation, not 0": "at least one entry",
    "greater than 0": "more than 0",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
}
"""What Pydantic allows, in words of people's."""


def explained(item: Any, field: FieldInfo, setting: Setting, where: str) -> str:
    """One sentence of Pydantic's finding: setting, value where it may be shown, what is allowed.

    `where` is the file it is from; empty for a variable.
    """
    name = str(item["loc"][0])
    path = ".".join(str(part) for part in item["loc"] if part != "[key]")
    label = f"{path} in {where}" if where else setting.variable
    if item["type"] == "extra_forbidden":
        return f"{label} is not a setting{_instead(field, item['loc'])}"
    if item["type"] == "missing":
        return f"{label} is missing. ({setting.meaning})"
    wanted = item["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    for of_its_own_types in (", unable to", " or instance of"):
        wanted = wanted.partition(of_its_own_types)[0]
    for theirs, ours in _WORDS.items():
        wanted = wanted.replace(theirs, ours)
    if setting.table and path == name and item["type"].endswith("_type"):
        wanted = f"tables [[{name}]]" if setting.default == () else f"a table [{name}]"
    shown = isinstance(item["input"], str | int | float) and not setting.secret
    if shown and name not in UNTOLD:
        told = f"is {item['input']!r}; allowed: {wanted}"
    else:
        told = f"cannot be used; allowed: {wanted}"
    return f"{label} {told}. ({setting.meaning} Default: {setting.shown_default or 'empty'}.)"


def _instead(field: FieldInfo, loc: tuple[int | str, ...]) -> str:
    """What a key of a table that is not known may have been meant for."""
    key = str(loc[-1])
    if loc[0] in PROVIDERS and ("secret" in key or "password" in key):
        return f"; {ELSEWHERE}"
    return suggestion(key, _model(field.annotation).model_fields)


def _model(annotation: Any) -> type[BaseModel]:
    """The model in an annotation such as `dict[str, Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        if inner not in (str, type(None), ...):
            return _model(inner)
    raise TypeError(annotation)


def suggestion(word: str, known: Iterable[str]) -> str:
    """What a word that is none may have been meant for, as the end of a sentence."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
