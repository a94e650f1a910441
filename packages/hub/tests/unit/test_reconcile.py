"""What differs between runtime and database, and what is done about it. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jupyterhub import orm
from sqlalchemy.orm import Session

from hub_config.reconcile.backwards import forward_again
from hub_config.reconcile.differences import (
    Kind,
    Known,
    KnownHome,
    differences,
    unknown,
    unused_networks,
)
from hub_config.runtime.interface import Container, Network, View, Volume

ANN = ("ann", "")


def container(**other: Any) -> Container:
    given: dict[str, Any] = {
        "id": "1",
        "name": "jupyter-ann",
        "user": "ann",
        "server": "",
        "state": "running",
        "database": "here",
        "networks": frozenset({"net-ann"}),
    }
    return Container(**given | other)


NETWORK = Network("net-ann", "ann", "")
HOME = Volume("home-ann", "ann", token="word", database="here", owner="1")
VIEW = View((container(),), (NETWORK,), (HOME,))
KNOWN: dict[str, Any] = {
    "database": "here",
    "active": frozenset({ANN}),
    "ready": frozenset({ANN}),
    "homes": {"home-ann": KnownHome("word", owner="ann")},
}
NONE: Mapping[str, Any] = {"active": frozenset(), "ready": frozenset()}


def found(view: View, **other: Any) -> list[tuple[str, str, str]]:
    known = Known(**KNOWN | other)
    return [(str(one.remedy), str(one.kind), one.name) for one in differences(view, known)]


def test_where_all_agree_nothing_is_done() -> None:
    assert found(VIEW) == []


@pytest.mark.parametrize(
    ("view", "known", "expected"),
    [
        # Containers.
        (VIEW, NONE, [("stop", "container", "jupyter-ann")]),
        (VIEW, {"ready": frozenset()}, []),
        (
            View((container(database="other"),), (NETWORK,), (HOME,)),
            NONE,
            [("report", "container", "jupyter-ann")],
        ),
        (
            View((container(database=""),), (NETWORK,), (HOME,)),
            NONE,
            [("report", "container", "jupyter-ann")],
        ),
        (
            View((container(state="paused"),), (NETWORK,), (HOME,)),
            {},
            [("report", "container", "jupyter-ann")],
        ),
        # Servers.
        (View((), (NETWORK,), (HOME,)), {}, [("stop", "server", "")]),
        (View((container(state="exited"),), (NETWORK,), (HOME,)), {}, [("stop", "server", "")]),
        (View((container(),), (), (HOME,)), {}, [("stop", "server", "jupyter-ann")]),
        (
            View((container(networks=frozenset()),), (NETWORK,), (HOME,)),
            {},
            [("stop", "server", "jupyter-ann")],
        ),
        # Networks.
        (View((), (NETWORK,), (HOME,)), NONE, []),
        (
            View((), (NETWORK,), (HOME,)),
            {**NONE, "unused": frozenset({"net-ann"})},
            [("remove", "network", "net-ann")],
        ),
        (
            View((container(),), (Network("net-ann", "ann", "", ("proxy",)),), (HOME,)),
            {},
            [("adopt", "network", "net-ann")],
        ),
        # Homes.
        (View(VIEW.containers, VIEW.networks, ()), {}, [("report", "home", "home-ann")]),
        (VIEW, {"homes": {}}, [("report", "home", "home-ann")]),
        (VIEW, {"homes": {"home-ann": KnownHome("another", owner="ann")}},
         [("report", "home", "home-ann")]),
        (VIEW, {"homes": {"home-ann": KnownHome("word", nobodys=True)}},
         [("adopt", "home", "home-ann")]),
        (View(VIEW.containers, VIEW.networks, ()),
         {"homes": {"home-ann": KnownHome("word", owner="ann", made=False)}}, []),
    ],
)  # fmt: skip
def test_each_difference_has_its_remedy(
    view: View, known: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    assert found(view, **known) == expected


def test_an_old_copy_of_the_database_ends_only_its_own_and_hands_out_nothing() -> None:
    """Since the copy was made, bob came and ann's home was made anew; cat and her home went."""
    bob = container(id="2", name="jupyter-bob", user="bob", networks=frozenset({"net-bob"}))
    foreign = container(id="3", name="jupyter-eve", user="eve", database="other")
    view = View(
        (bob, foreign),
        (Network("net-bob", "bob", ""), Network("net-cat", "cat", "")),
        (HOME, Volume("home-bob", "bob", token="new", database="here", owner="2")),
    )
    known = {
        "active": frozenset({("cat", "")}),
        "ready": frozenset({("cat", "")}),
        "homes": {
            "home-ann": KnownHome("old word", owner="ann"),
            "home-cat": KnownHome("word", owner="cat"),
        },
    }
    assert found(view, **known) == [
        ("stop", "container", "jupyter-bob"),
        ("report", "container", "jupyter-eve"),
        ("stop", "server", ""),
        ("report", "home", "home-ann"),
        ("report", "home", "home-bob"),
        ("report", "home", "home-cat"),
    ]


def test_what_starts_or_stops_is_left_alone() -> None:
    busy = {"ready": frozenset(), "unused": frozenset({"net-ann"})}
    for view in (View(), View((), (NETWORK,), (HOME,)), VIEW):
        assert [one for one in found(view, **busy) if one[1] != "home"] == []
        assert unused_networks(view, Known(**KNOWN | busy)) == frozenset()


def test_a_home_is_known_by_its_word_and_not_by_its_name() -> None:
    older = Volume("home-ann", "ann")
    for volume, token in ((HOME, ""), (older, "word")):
        known = Known(**KNOWN | {"homes": {"home-ann": KnownHome(token, owner="ann")}})
        assert unknown(View(volumes=(volume,)), known)[Kind.HOME] == [volume]
    known = Known(**KNOWN | {"homes": {"home-ann": KnownHome("", owner="ann")}})
    assert unknown(View(volumes=(older,)), known)[Kind.HOME] == []


def test_activity_from_the_future_is_brought_back_to_now(db: Session) -> None:
    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=10)
    user = orm.User(name="ann", last_activity=later)
    server = orm.Spawner(name="", user=user, started=later, last_activity=later)
    db.add_all([user, server])
    db.commit()
    forward_again(db)
    for time in (user.last_activity, server.last_activity, server.started):
        assert time < later - timedelta(hours=9)
