"""What the cards say: what fits, what does not and why, and what was used last."""

from dataclasses import replace

from hub_config.groups import GroupRules
from hub_config.offer.cards import Offer, Person, make_offer, render
from hub_config.offer.profiles import Profile
from hub_config.offer.room import GB, Host, room
from hub_config.settings import Settings

SMALL = Profile(
    key="uv-lab-small",
    size="small",
    image="local/uv-lab:latest",
    image_title="JupyterLab",
    description="Notebooks & more",
    port=8888,
    default_url="/lab",
    memory=2 * GB,
    cpu_limit=2.0,
    cpu_guarantee=1.0,
)
LARGE = replace(
    SMALL, key="uv-lab-large", size="large", memory=8 * GB, cpu_limit=None, cpu_guarantee=4.0
)
MARIMO = replace(
    SMALL,
    key="uv-marimo-small",
    image="local/uv-marimo:latest",
    image_title="marimo",
    default_url="/marimo",
)
ROOM = room(Host(8 * GB, 6 * GB, 2, 10**12), Settings(), [])
RULES = {"analysts": GroupRules(profiles=frozenset({"uv-marimo-small"}))}


def offer(person: Person | None = None, preferred: str = "") -> Offer:
    return make_offer([SMALL, LARGE, MARIMO], person or Person(), RULES, ROOM, preferred)


def test_what_does_not_fit_says_why_and_is_not_what_is_chosen() -> None:
    small, large, _ = offer(preferred="uv-lab-large").choices
    assert small.fits
    assert small.chosen
    assert not large.fits
    assert not large.chosen
    assert large.allowed
    assert large.why_not == "It needs 8 GB of memory, and this machine has 7 GB for servers."


def test_a_profile_of_a_group_says_whose_it_is() -> None:
    marimo = offer().choices[2]
    assert not marimo.allowed
    assert marimo.why_not == "It is for members of analysts."
    assert offer(Person(groups=frozenset({"analysts"}))).choices[2].fits


def test_the_image_used_last_comes_first() -> None:
    cards = offer(Person(used=["gone", "uv-marimo-small", "uv-lab-small"])).cards
    assert [card.title for card in cards] == ["marimo", "JupyterLab"]
    assert [[one.last_used for one in card.choices].count(True) for card in cards] == [1, 0]
    assert cards[0].interface == "/marimo"


def test_the_preferred_profile_is_chosen_and_only_that() -> None:
    chosen = [c for c in offer(preferred="uv-lab-small").choices if c.chosen]
    assert [c.profile.key for c in chosen] == ["uv-lab-small"]
    chosen = [c for c in offer(preferred="no such").choices if c.chosen]
    assert [c.profile.key for c in chosen] == ["uv-lab-small"]


def test_what_is_free_and_a_word_about_few_cpus() -> None:
    assert offer().free == "6 GB of memory"
    assert "2 CPUs" in offer().cpu_note
    assert make_offer([SMALL], Person(), {}, ROOM).cpu_note == ""


def test_sizes_in_words() -> None:
    small, large, _ = offer().choices
    assert (small.cpus, small.memory) == ("1–2 CPUs", "2 GB memory")  # noqa: RUF001
    assert large.cpus == "4 or more CPUs"


def test_the_form_selects_one_and_escapes_what_labels_say() -> None:
    odd = replace(SMALL, key='"><script>', image_title="<b>")
    form = render(make_offer([SMALL, odd], Person(), {}, ROOM, "uv-lab-small"))
    assert "<script>" not in form
    assert "<b>" not in form
    assert form.count(" checked") == 1
    assert "Notebooks &amp; more" in form


def test_without_images_the_form_says_what_to_do() -> None:
    form = render(make_offer([], Person(), {}, ROOM))
    assert 'role="alert"' in form
    assert "invoke build" in form
