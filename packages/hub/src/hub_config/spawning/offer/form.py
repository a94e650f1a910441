"""The form on which a person chooses a profile: `templates/profile-choice.html` fed by an Offer."""

from functools import cache

from jinja2 import Environment, PackageLoader, Template, select_autoescape

from hub_config.spawning.offer.cards import Offer


def render(offer: Offer) -> str:
    """The form's inside, as HTML; JupyterHub's page puts the form and its button around it."""
    return _template().render(offer=offer)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("hub_config"),
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("profile-choice.html")
