"""Whether the chosen identity provider is described, and its secret. Starts and imports nothing."""

from pathlib import Path
from typing import TYPE_CHECKING

from hub_config.errors import SettingsError

if TYPE_CHECKING:
    from hub_config.settings import Settings


def require_complete(settings: "Settings") -> str:
    """The chosen provider's secret: client secret or bind password; empty where none is needed.

    Raises SettingsError when the provider's table, its secret or its CA is missing.
    """
    name = settings.authenticator
    if name == "native":
        return ""
    provider = settings.oidc if name == "oidc" else settings.ldap
    if provider is None:
        raise SettingsError(
            f"JHUB_AUTHENTICATOR is {name!r}; that wants a table [{name}] in config.toml, as "
            "packages/hub/README.md describes it"
        )
    if settings.ldap is provider:
        if (ca := settings.ldap.ca_certs_file) and not Path(ca).is_file():
            raise SettingsError(f"ca_certs_file of [ldap] is {ca!r}, and there is no such file")
        if not settings.ldap.lookup_dn:
            return ""
    if provider.secret_file:
        try:
            return Path(provider.secret_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"secret_file of [{name}] is {provider.secret_file!r} and cannot be read: {error}"
            ) from None
    if settings.provider_secret is not None:
        return settings.provider_secret.get_secret_value()
    raise SettingsError(
        f"JHUB_AUTHENTICATOR is {name!r} and its secret is missing: name a file as secret_file in "
        f"[{name}], or set JHUB_PROVIDER_SECRET"
    )
