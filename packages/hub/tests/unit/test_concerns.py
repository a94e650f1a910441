"""Each concern, applied to a bare Config; the texts are what one may rely on."""

from pathlib import Path

import pytest
from traitlets.config import Config

from hub_config.first_start import Places, make_secrets, read_secret
from hub_config.login.authenticator import ApprovalAuthenticator
from hub_config.spawning.container_spawner import UserContainerSpawner
from hub_config.spawning.profile_spawner import PlatformSpawner


def test_servers_survive_the_hub(applied: Config) -> None:
    assert applied.JupyterHub.cleanup_servers is False
    assert applied.JupyterHub.cleanup_proxy is False


def test_the_proxy_is_somebody_elses_process_with_our_token(
    applied: Config, places: Places
) -> None:
    assert applied.ConfigurableHTTPProxy.should_start is False
    assert applied.ConfigurableHTTPProxy.auth_token == read_secret(places.proxy_token)
    assert applied.ConfigurableHTTPProxy.api_url == "http://proxy-api:8001"


def test_the_proxy_finds_the_hub_and_is_found(applied: Config) -> None:
    start = (Path(__file__).parents[3] / "proxy" / "start-proxy").read_text()
    assert f"hub={applied.JupyterHub.hub_connect_url}\n" in start
    assert "--port=8000" in start
    assert applied.JupyterHub.bind_url.startswith("http://:8000")
    assert "--api-ip=proxy-api --api-port=8001" in start


def test_containers_reach_the_hub_by_name(applied: Config) -> None:
    assert applied.Spawner.hub_connect_url == "http://hub:8081"


def test_the_proxy_reaches_the_hub_on_a_network_that_no_server_takes_away(applied: Config) -> None:
    assert applied.JupyterHub.hub_connect_url == "http://hub-internal:8081"
    start_proxy = (Path(__file__).parents[3] / "proxy" / "start-proxy").read_text()
    assert "\nhub=http://hub-internal:8081\n" in start_proxy


def test_only_the_first_admin_is_an_admin(applied: Config) -> None:
    assert applied.JupyterHub.authenticator_class is ApprovalAuthenticator
    assert applied.Authenticator.admin_users == {"admin"}
    assert applied.ApprovalAuthenticator.signup == "approval"


def test_each_service_may_do_its_work_and_nothing_else(applied: Config) -> None:
    scopes = {role["name"]: role["scopes"] for role in applied.JupyterHub.load_roles}
    assert scopes == {
        "keeper": ["proxy", "custom:reconcile"],
        "lifetimes": ["read:users:activity", "delete:servers", "custom:homes:purge"],
    }
    commands = {one["name"]: one["command"] for one in applied.JupyterHub.services}
    assert "--idle-timeout=3600" in commands["lifetimes"]


@pytest.mark.parametrize("spawner", [PlatformSpawner, UserContainerSpawner])
def test_the_spawners_take_the_configuration(applied: Config, spawner: type) -> None:
    made = spawner(config=applied)
    for section in ("PlatformSpawner", "UserContainerSpawner", "Spawner"):
        if section in {cls.__name__ for cls in spawner.__mro__}:
            for name, value in applied[section].items():
                assert getattr(made, name) == value, name


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
