"""Finds the settings: environment first, then a TOML file. Says what is wrong, starts nothing.

An empty variable counts as not set, so that `${JHUB_X:-}` in a Compose file does no harm. No value
of a secret, of a key that is not known or of a whole table is ever in a message.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

from hub_config.errors import SettingsError
from hub_config.settings.declaration import PREFIX, Setting, listed
from hub_config.settings.declared import Settings

CONFIG_VARIABLE = "JHUB_CONFIG"
"""Names the TOML file; where it is set, the file has to exist."""

DEFAULT_FILE = Path("/srv/jupyterhub/config.toml")

PROVIDERS = ("oidc", "ldap")
"""Tables that somebody may have written a secret into, under whatever name."""

ELSEWHERE = "name a file with the secret as secret_file, or set JHUB_PROVIDER_SECRET"

Some = TypeVar("Some", bound=Settings)


def read(environ: Mapping[str, str], default_file: Path | None = DEFAULT_FILE) -> Settings:
    """The settings in effect; raises SettingsError naming everything that is wrong, at once.

    Without a `default_file` no file is read at all, whatever the environment names.
    """
    return read_as(Settings, environ, default_file)


def read_as(kind: type[Some], environ: Mapping[str, str], default_file: Path | None) -> Some:
    """As `read`, for any class of settings."""
    known = {one.name: one for one in listed(kind)}
    variables = {one.variable: one for one in known.values() if not one.table}
    given = {
        key: value
        for key, value in environ.items()
        if key.startswith(PREFIX) and key != CONFIG_VARIABLE and value != ""
    }
    from_file, where = _from_file(kind, environ, default_file) if default_file else ({}, "")
    complaints = [
        f"{key} is not a setting{_suggestion(key, variables)}"
        for key in sorted(given.keys() - variables.keys())
    ]
    complaints += [
        f"{key} in {where} is not a setting{_suggestion(key, known)}"
        for key in sorted(from_file.keys() - known.keys())
    ]
    complaints += [
        f"{key} in {where} has no effect there, since the engine's filter or the firewall has to "
        f"know it and does not read what the hub could change; set {known[key].variable} instead"
        for key in sorted(from_file.keys() & known.keys())
        if known[key].enforced_by
    ]
    source = EnvSettingsSource(kind, env_prefix=PREFIX)
    source.env_vars = {key.lower(): value for key, value in given.items() if key in variables}
    from_environ = source()
    values = {key: value for key, value in from_file.items() if key in known} | from_environ
    try:
        settings = kind(**values)
    except ValidationError as error:
        complaints += [
            _explain(item, kind, known, from_environ, where)
            for item in error.errors(include_url=False)
        ]
        raise SettingsError("\n".join(complaints)) from None
    if complaints:
        raise SettingsError("\n".join(complaints))
    return settings


def _from_file(
    kind: type[Settings], environ: Mapping[str, str], default: Path
) -> tuple[dict[str, Any], str]:
    named = environ.get(CONFIG_VARIABLE)
    path = Path(named) if named else default
    try:
        if named and not path.exists():
            raise SettingsError(f"{CONFIG_VARIABLE}={named}: there is no such file")
        if path.is_dir():
            raise SettingsError(f"{path}: cannot be read: it is a folder")
        return TomlConfigSettingsSource(kind, path)(), str(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None


def _explain(
    item: Any,
    kind: type[Settings],
    known: Mapping[str, Setting],
    from_environ: Mapping[str, Any],
    where: str,
) -> str:
    """One sentence: setting, value where it may be shown, what is allowed."""
    name, path = str(item["loc"][0]), ".".join(str(part) for part in item["loc"])
    setting = known[name]
    label = setting.variable if name in from_environ else f"{path} in {where}"
    if item["type"] == "extra_forbidden":
        return f"{label} is not a setting{_instead(kind.model_fields[name], item['loc'])}"
    if item["type"] == "missing":
        return f"{label} is missing. ({setting.meaning})"
    wanted = item["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    wanted = wanted.partition(", unable to")[0]  # what Pydantic says of its own types
    shown = isinstance(item["input"], str | int | float) and not setting.secret
    if shown and name not in PROVIDERS:
        told = f"is {item['input']!r}; allowed: {wanted}"
    else:
        told = f"cannot be used; allowed: {wanted}"
    return f"{label} {told}. ({setting.meaning} Default: {setting.shown_default or 'empty'}.)"


def _instead(field: FieldInfo, loc: tuple[int | str, ...]) -> str:
    """What a key of a table that is not known may have been meant for."""
    key = str(loc[-1])
    if loc[0] in PROVIDERS and ("secret" in key or "password" in key):
        return f"; {ELSEWHERE}"
    return _suggestion(key, _model(field.annotation).model_fields)


def _model(annotation: Any) -> type[BaseModel]:
    """The model in an annotation such as `dict[str, Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        if inner not in (str, type(None), ...):
            return _model(inner)
    raise TypeError(annotation)


def _suggestion(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
