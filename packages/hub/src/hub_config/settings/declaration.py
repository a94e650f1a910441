"""How a setting is declared: all there is to say of it on the field itself.

A setting `idle_timeout` is read from the environment variable `JHUB_IDLE_TIMEOUT`, or else from
the key `idle_timeout` of the TOML file. What the filter before the engine or the firewall enforces
comes from the environment only: a file in the hub's own volume could be rewritten by a hub in the
wrong hands. What has a structure that one variable cannot hold is a table of the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field
from pydantic.config import JsonDict
from pydantic_settings import BaseSettings

PREFIX = "JHUB_"

Enforcer = Literal["filter", "firewall"]


def setting(
    default: Any,
    meaning: str,
    *,
    trait: str = "",
    enforced_by: Enforcer | None = None,
    table: bool = False,
) -> Any:
    """Declare a setting.

    `trait` is the one it sets as it is (`Class.name`), where that is all it does.
    """
    about: JsonDict = {"trait": trait, "enforced_by": enforced_by, "table": table}
    return Field(default, description=meaning, json_schema_extra=about)


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
            meaning=field.description or "",
            secret="SecretStr" in str(field.annotation),
            **about,  # type: ignore[arg-type]
        )
