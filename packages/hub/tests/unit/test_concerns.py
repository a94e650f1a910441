"""Each concern, applied to a bare Config; the texts are what one may rely on."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from nativeauthenticator import NativeAuthenticator
from sqlalchemy.orm import Session
from traitlets.config import Config

from hub_config import concerns
from hub_config.first_start import Places, make_secrets, read_secret
from hub_config.jobs.publisher import Publisher
from hub_config.login.authenticator import ApprovalAuthenticator
from hub_config.monitoring.watch import Watch
from hub_config.names import SHARES_OF_A_CPU
from hub_config.settings import Settings
from hub_config.settings.declaration import Setting, listed
from hub_config.spawning.container_spawner import UserContainerSpawner
from hub_config.spawning.pod_spawner import UserPodSpawner
from hub_config.spawning.profile_spawner import PlatformSpawner
from hub_config.spawning.server_spawner import UserServerSpawner


def test_servers_survive_the_hub(applied: Config) -> None:
    assert applied.JupyterHub.cleanup_servers is False
    assert applied.JupyterHub.cleanup_proxy is False


def test_the_proxy_is_somebody_elses_process_with_our_token(
    applied: Config, places: Places
) -> None:
    assert applied.ConfigurableHTTPProxy.should_start is False
    assert applied.ConfigurableHTTPProxy.auth_token == read_secret(places.proxy_token)
    assert applied.ConfigurableHTTPProxy.api_url == "http://proxy-api:8001"


def test_hub_and_filter_weigh_more_than_what_servers_compute() -> None:
    """The proxy has no such line: a change of its definition would end everybody's connections."""
    services = yaml.safe_load((Path(__file__).parents[4] / "compose.yaml").read_text())["services"]
    weights = {name: one["cpu_shares"] for name, one in services.items() if "cpu_shares" in one}
    assert set(weights) == {"hub", "standby", "engine"}
    assert min(weights.values()) >= 4 * SHARES_OF_A_CPU


def test_the_proxy_finds_the_hub_and_is_found(applied: Config) -> None:
    start = (Path(__file__).parents[3] / "proxy" / "start-proxy").read_text()
    assert f"hub={applied.JupyterHub.hub_connect_url}\n" in start
    assert "--port=8000" in start
    assert applied.JupyterHub.bind_url.startswith("http://:8000")
    assert "--api-ip=proxy-api --api-port=8001" in start
    assert "--metrics-ip=proxy-api --metrics-port=8002" in start


def test_containers_reach_the_hub_by_name(applied: Config) -> None:
    assert applied.Spawner.hub_connect_url == "http://hub:8081"


def test_the_proxy_reaches_the_hub_on_a_network_that_no_server_takes_away(applied: Config) -> None:
    assert applied.JupyterHub.hub_connect_url == "http://hub-internal:8081"
    start_proxy = (Path(__file__).parents[3] / "proxy" / "start-proxy").read_text()
    assert "\nhub=http://hub-internal:8081\n" in start_proxy


def test_only_the_first_admin_is_an_admin(applied: Config) -> None:
    assert applied.JupyterHub.authenticator_class is ApprovalAuthenticator
    assert applied.Authenticator.admin_users == {"admin"}
    assert applied.ApprovalAuthenticator.operator.admin_user == "admin"


def test_each_service_may_do_its_work_and_nothing_else(applied: Config) -> None:
    scopes = {role["name"]: role["scopes"] for role in applied.JupyterHub.load_roles}
    assert scopes == {
        "lifetimes": [
            *("proxy", "custom:reconcile"),
            *("read:users:activity", "delete:servers", "custom:homes:purge"),
        ],
        "canary": ["delete:users"],
        "prometheus": ["read:metrics"],
    }
    services = {one["name"]: one for one in applied.JupyterHub.services}
    assert services["canary"] == {"name": "canary"}, "it has a process or a token"
    assert services["lifetimes"]["environment"]["JUPYTERHUB_ACTIVITY_INTERVAL"] == "60"


def test_what_the_keeper_asks_for_begins_all_that_is_on(places: Places, db: Session) -> None:
    c = Config()
    concerns.apply(c, Settings(scheduled_runs=0), places)
    ((handler, given),) = [
        more for path, *more in c.JupyterHub.extra_handlers if path == "/api/reconcile"
    ]
    assert [type(one.__self__) for one in given["also"]] == [Watch, Publisher]
    asked: list[Any] = []

    async def look(of: Any) -> None:
        asked.append(of)

    begin = SimpleNamespace(begin=lambda _: asked.append("reconcile"))
    desk = SimpleNamespace(collect=lambda: asked.append("desk"))
    hub = {"db": db, "users": {}, "proxy": None, "set_status": lambda _: None}
    me: Any = SimpleNamespace(require=asked.append, reconciler=begin, desk=desk, also=[look], **hub)
    asyncio.run(handler.post(me))
    assert asked == ["custom:reconcile", "reconcile", "desk", me]


@pytest.mark.parametrize("spawner", [PlatformSpawner, UserContainerSpawner])
def test_the_spawners_take_the_configuration(applied: Config, spawner: type) -> None:
    made = spawner(config=applied)
    for section in ("PlatformSpawner", "UserContainerSpawner", "UserServerSpawner", "Spawner"):
        if section in {cls.__name__ for cls in spawner.__mro__}:
            for name, value in applied[section].items():
                assert getattr(made, name) == value, name


CLASSES = (
    JupyterHub,
    Authenticator,
    NativeAuthenticator,
    ApprovalAuthenticator,
    PlatformSpawner,
    UserServerSpawner,
    UserContainerSpawner,
    UserPodSpawner,
)


@pytest.mark.parametrize("one", [one for one in listed(Settings) if one.trait], ids=str)
def test_a_trait_that_a_setting_names_is_there(one: Setting) -> None:
    section, _, name = one.trait.partition(".")
    (found,) = [cls for cls in CLASSES if cls.__name__ == section]
    assert name in found.class_traits(config=True)


def test_an_empty_address_leaves_jupyterhubs_own_default(applied: Config) -> None:
    assert "public_url" not in applied.JupyterHub
    assert "subdomain_host" not in applied.JupyterHub


@pytest.mark.parametrize("base", ["/", "/team/"])
def test_a_domain_per_person_gives_the_hub_its_public_address(base: str, places: Places) -> None:
    c = Config()
    settings = Settings(base_url=base, subdomain_host="https://hub.example.org:8443")
    concerns.apply(c, settings, places)
    app = JupyterHub(config=c)
    assert app.public_url == f"https://hub.example.org:8443{base}"
    assert app.domain == "hub.example.org"
    assert app.hub_routespec == "/", "the hub answers for names that nobody's server has"
    packages = Path(__file__).parents[3]
    compose = yaml.safe_load((packages.parent / "compose.yaml").read_text())
    assert "JHUB_SUBDOMAIN_HOST" in compose["services"]["proxy"]["environment"]
    start = (packages / "proxy" / "start-proxy").read_text()
    assert '[ -z "${JHUB_SUBDOMAIN_HOST:-}" ] || set -- --host-routing "$@"' in start


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "https://hub.example.org/"),
        ({"base_url": "/team/", "https_port": 8443}, "https://hub.example.org:8443/team/"),
        ({"public_url": "https://hub.example.org:444"}, "https://hub.example.org:444/"),
        ({"tls": "internal", "subdomain_host": "https://hub.example.org"}, None),
    ],
)
def test_a_domain_gives_the_public_address_and_tells_the_door_of_caddy(
    given: dict[str, Any], address: str | None, places: Places
) -> None:
    c = Config()
    concerns.apply(c, Settings(domain="hub.example.org", **given), places)
    assert JupyterHub(config=c).public_url == (address or "https://hub.example.org/")
    assert c.ApprovalAuthenticator.operator.domain == "hub.example.org"
    assert c.JupyterHub.tornado_settings["cookie_options"] == {"secure": True}


def test_an_address_behind_a_reverse_proxy_is_the_hubs_own(places: Places) -> None:
    c = Config()
    concerns.apply(c, Settings(base_url="/t/", public_url="https://hub.example.org/t"), places)
    assert JupyterHub(config=c).public_url == "https://hub.example.org/t/"


def test_secrets_are_the_hubs_alone_and_stay(places: Places) -> None:
    paths = [places.cookie_secret, places.crypt_key, places.proxy_token]
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    assert places.secrets.stat().st_mode & 0o777 == 0o700
    before = [path.read_text() for path in paths]
    make_secrets(places)
    assert [path.read_text() for path in paths] == before
    assert len(set(before)) == len(before)


def test_the_configuration_file_stays_short() -> None:
    lines = (Path(__file__).parents[2] / "jupyterhub_config.py").read_text().splitlines()
    assert len(lines) < 50
