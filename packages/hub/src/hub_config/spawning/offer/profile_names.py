"""Profiles that settings name, held against those on offer. Pure."""

from collections.abc import Iterable, Iterator

from hub_config.settings import Settings


def unknown(settings: Settings, offer: Iterable[str]) -> list[str]:
    """A sentence for each profile that a setting names and no image offers.

    Where nothing is on offer yet, nothing can be judged.
    """
    known = sorted(offer)
    if not known:
        return []
    return [
        f"{where} names the profile {name!r}, which no image offers; there are: {', '.join(known)}"
        for where, name in _named(settings)
        if name not in known
    ]


def _named(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.default_profile:
        yield "JHUB_DEFAULT_PROFILE", settings.default_profile
    for where, names in (
        ("JHUB_SUDO_PROFILES", settings.sudo_profiles),
        ("JHUB_GPU_PROFILES", settings.gpu_profiles),
        *((f"groups.{group}.profiles", rule.profiles) for group, rule in settings.groups.items()),
    ):
        for name in sorted(names):
            yield where, name
