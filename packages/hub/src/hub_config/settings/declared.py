"""Every setting of the hub, once. Adding one is adding a field in `platform` or `servers`.

Its variable, the places where `compose.yaml` and README.md name it, the trait it sets and what the
filter holds a hub to follow from the field (`declaration`, `generated`, `concerns`). Only what a
value does beyond setting one trait is elsewhere, in the module named after the concern.
"""

from typing import Any, Self

from pydantic import ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from hub_config import variables
from hub_config.groups import GroupRules
from hub_config.settings.declaration import listed, setting
from hub_config.settings.images import DeclaredImage
from hub_config.settings.platform import PlatformSettings
from hub_config.settings.providers import LdapServer, OidcProvider
from hub_config.settings.servers import ServerSettings


class Settings(ServerSettings, PlatformSettings, BaseSettings):
    """All settings of the hub, validated. By itself it reads nothing: `reading` does."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=False
    )

    # Tables, so in the file only.
    images: tuple[DeclaredImage, ...] = setting(
        (), "Images on offer before they are pulled.", table=True
    )
    oidc: OidcProvider | None = setting(None, "An OpenID Connect provider.", table=True)
    ldap: LdapServer | None = setting(None, "An LDAP server.", table=True)
    groups: dict[str, GroupRules] = setting(
        {}, "What members of JupyterHub's groups get.", table=True
    )

    @field_validator("images")
    @classmethod
    def _below_pull_from(
        cls, images: tuple[DeclaredImage, ...], info: ValidationInfo
    ) -> tuple[DeclaredImage, ...]:
        prefix = info.data.get("pull_from", "")
        for image in images:
            if not (prefix and image.reference.startswith(prefix)):
                raise ValueError(f"references that begin with JHUB_PULL_FROM, now {prefix!r}")
        return images

    @field_validator("oidc")
    @classmethod
    def _called_back_here(
        cls, provider: OidcProvider | None, info: ValidationInfo
    ) -> OidcProvider | None:
        public = info.data.get("public_url", "")
        if provider and public and not provider.callback_url.startswith(f"{public}hub/"):
            raise ValueError(f"a callback_url below JHUB_PUBLIC_URL, {public}hub/oauth_callback")
        return provider

    @field_validator("groups")
    @classmethod
    def _with_permitted_variables(
        cls, groups: dict[str, GroupRules], info: ValidationInfo
    ) -> dict[str, GroupRules]:
        patterns = info.data.get("group_variables", frozenset({"*"}))
        for rules in groups.values():
            for name in rules.environment:
                if not variables.permitted(name, patterns):
                    told = ", ".join(sorted(patterns))
                    raise ValueError(f"variables of JHUB_GROUP_VARIABLES, {told} (not {name})")
        return groups

    @property
    def enforced(self) -> Self:
        """What hub and filter both go by: these settings, where all that the filter does not
        enforce is at its default. Equal in both, whatever the hub's own file says.
        """
        mine = [one.name for one in listed(type(self)) if one.enforced_by == "filter"]
        return type(self)(**{name: getattr(self, name) for name in mine})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_others: Any,
        **_more: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Values are handed over by `reading`, and nothing is read beside that."""
        return (init_settings,)
