"""The form on which a person chooses a profile, as HTML. Pure; plain radio buttons, no script."""

from collections.abc import Sequence
from html import escape
from itertools import groupby

from hub_config.spawning.profiles import Profile

_STYLE = """<style>
.jhub-image { margin-bottom: 1.5rem }
.jhub-image legend { font-size: 1.25rem; margin-bottom: .25rem }
.jhub-sizes { display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)) }
.jhub-size { cursor: pointer; padding: .75rem 1rem; border: 1px solid var(--bs-border-color);
  border-radius: var(--bs-border-radius); display: flex; gap: .6rem; align-items: baseline }
.jhub-size:has(:checked) { border-color: var(--bs-primary);
  box-shadow: 0 0 0 1px var(--bs-primary) }
.jhub-size:focus-within { outline: 2px solid var(--bs-primary); outline-offset: 2px }
</style>"""


def render(profiles: Sequence[Profile], selected: str, nothing: str) -> str:
    """The form; `selected` is the key that is chosen when it opens, else the first profile is."""
    if not profiles:
        return f'<p class="alert alert-warning" role="alert">{escape(nothing)}</p>'
    keys = [profile.key for profile in profiles]
    chosen = selected if selected in keys else keys[0]
    groups = groupby(profiles, key=lambda profile: (profile.image_title, profile.description))
    return _STYLE + "".join(
        '<fieldset class="jhub-image">'
        f"<legend>{escape(title)}</legend>"
        f'<p class="text-body-secondary">{escape(description)}</p>'
        f'<div class="jhub-sizes">{"".join(_radio(p, p.key == chosen) for p in group)}</div>'
        "</fieldset>"
        for (title, description), group in groups
    )


def _radio(profile: Profile, checked: bool) -> str:
    mark = " checked" if checked else ""
    key = escape(profile.key, quote=True)
    return (
        '<label class="jhub-size">'
        f'<input type="radio" name="profile" value="{key}" required{mark}>'
        f"<span><strong>{escape(profile.size.capitalize())}</strong><br>"
        f"{escape(cpus(profile))}<br>{escape(memory(profile))}</span></label>"
    )


def cpus(profile: Profile) -> str:
    """The CPUs of a profile in words, e.g. `1-2 CPUs`."""
    least, most = profile.cpu_guarantee, profile.cpu_limit
    if most is None:
        return f"{least:g} or more CPUs" if least else "All CPUs when free"
    if least is None or least == most:
        return f"{most:g} CPU{'' if most == 1 else 's'}"
    return f"{least:g}–{most:g} CPUs"  # noqa: RUF001


def memory(profile: Profile) -> str:
    """The memory of a profile in words, e.g. `2 GB`."""
    return f"{profile.memory / 2**30:g} GB memory"
