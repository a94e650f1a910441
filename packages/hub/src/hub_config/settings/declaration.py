"""How a setting is declared: all there is to say of it on the field itself. Pure.

A setting `idle_timeout` is read from the environment variable `JHUB_IDLE_TIMEOUT`, or else from
the key `idle_timeout` of the TOML file. What the filter before the engine or the firewall enforces
comes from the environment only: a file in the hub's own volume could be rewritten by a hub in the
wrong hands. So does what an operator's tasks go by, such as where the records are that a backup
keeps. What has a structure that one variable cannot hold is a table of the file.

What `compose.yaml` and README.md say follows from it (`tests/unit/test_settings_generated.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from pydantic_settings import BaseSettings

PREFIX = "JHUB_"

Enforcer = Literal["filter", "firewall", "tasks"]


class Declared(BaseModel):
    """Base of classes with settings: what is written below one is its meaning."""

    model_config = ConfigDict(use_attribute_docstrings=True)


def setting(
    default: Any,
    *,
    trait: str = "",
    enforced_by: Enforcer | None = None,
    table: bool = False,
    derived: bool = False,
) -> Any:
    """Declare a setting.

    `trait` is the one it sets as it is (`Class.name`), where that is all it does. One that is
    `derived` gets its default from its validator, which knows the settings before it.
    """
    about: JsonDict = {"trait": trait, "enforced_by": enforced_by, "table": table}
    return Field(default, json_schema_extra=about, validate_default=derived or None)


enforced = partial(setting, enforced_by="filter")
"""One that the filter before the engine enforces."""


@dataclass(frozen=True)
class Setting:
    """What is known of one setting."""

    name: str
    default: Any
    meaning: str
    trait: str
    enforced_by: Enforcer | None
    table: bool
    secret: bool

    @property
    def variable(self) -> str:
        """Its environment variable; a table has none."""
        return f"{PREFIX}{self.name.upper()}"

    @property
    def shown_default(self) -> str:
        """Its default as one writes it; empty for none."""
        if isinstance(self.default, frozenset):
            return ", ".join(sorted(self.default))
        return "" if self.default in ("", None, (), {}) else str(self.default)


def listed(settings: type[BaseSettings]) -> Iterator[Setting]:
    """All settings that a class declares, in order."""
    for name, field in settings.model_fields.items():
        about = field.json_schema_extra
        if not isinstance(about, dict):
            raise TypeError(f"{name} is not declared by setting()")
        yield Setting(
            name=name,
            default=field.get_default(call_default_factory=True),
            meaning=" ".join((field.description or "").split()),
            secret="SecretStr" in str(field.annotation),
            **about,  # type: ignore[arg-type]
        )
