"""Finds the settings: environment first, then a TOML file. Says what is wrong, starts nothing.

An empty variable counts as not set, so that `${JHUB_X:-}` in a Compose file does no harm.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hub_config.errors import SettingsError
from hub_config.settings import ENVIRONMENT_ONLY, Settings, variable
from hub_config.settings import variables as known_variables

CONFIG_VARIABLE = "JHUB_CONFIG"
"""Names the TOML file; where it is set, the file has to exist."""

DEFAULT_FILE = Path("/srv/jupyterhub/config.toml")


def read(environ: Mapping[str, str], default_file: Path | None = DEFAULT_FILE) -> Settings:
    """The settings in effect; raises SettingsError naming everything that is wrong, at once.

    Without a `default_file` no file is read at all, whatever the environment names.
    """
    from_file, where = _from_file(environ, default_file) if default_file else ({}, "")
    variables = known_variables()
    from_environ = {
        key: value
        for key, value in environ.items()
        if key.startswith("JHUB_") and key != CONFIG_VARIABLE and value != ""
    }
    complaints = [
        f"{key} is not a setting{_suggestion(key, variables)}"
        for key in sorted(from_environ)
        if key not in variables
    ]
    complaints += [
        f"{key} in {where} is not a setting{_suggestion(key, Settings.model_fields)}"
        for key in sorted(from_file)
        if key not in Settings.model_fields
    ]
    complaints += [
        f"{key} in {where} has no effect there, since the engine's filter or the firewall has to "
        f"know it and does not read what the hub could change; set {variable(key)} instead"
        for key in sorted(ENVIRONMENT_ONLY & from_file.keys())
    ]
    values: dict[str, Any] = {k: v for k, v in from_file.items() if k in Settings.model_fields}
    values |= {variables[k]: v for k, v in from_environ.items() if k in variables}
    try:
        settings = Settings(**values)
    except ValidationError as error:
        from_environ_names = {variables[key] for key in from_environ if key in variables}
        complaints += [_explain(item, from_environ_names, where) for item in error.errors()]
        raise SettingsError("\n".join(complaints)) from None
    if complaints:
        raise SettingsError("\n".join(complaints))
    return settings


def _from_file(environ: Mapping[str, str], default: Path) -> tuple[dict[str, Any], str]:
    named = environ.get(CONFIG_VARIABLE)
    path = Path(named) if named else default
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), str(path)
    except FileNotFoundError:
        if not named:
            return {}, str(path)
        raise SettingsError(f"{CONFIG_VARIABLE}={named}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None


def _explain(item: Any, from_environ: set[str], where: str) -> str:
    """One sentence: setting, value, what is allowed."""
    name = str(item["loc"][0])
    path = ".".join(str(part) for part in item["loc"])
    label = variable(name) if name in from_environ else f"{path} in {where}"
    field = Settings.model_fields[name]
    wanted = item["msg"].removeprefix("Value error, ")
    value = field.get_default(call_default_factory=True)
    default = "empty" if value in ("", None, {}) else repr(value)
    return (
        f"{label} is {item['input']!r}; allowed: {wanted}. "
        f"({field.description} Default: {default}.)"
    )


def _suggestion(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
