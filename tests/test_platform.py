"""What of the platform's handling needs no engine."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from urllib.parse import urlsplit

import pytest

from jhub_docker.build import bases
from jhub_docker.catalog import load
from jhub_docker.engine import quick
from jhub_docker.engine.address import engine_host
from jhub_docker.engine.lock import is_held, locked
from jhub_docker.errors import UsageError
from jhub_docker.platform import (
    chosen,
    compose,
    containers,
    entrance,
    moving,
    ports,
    refusals,
    starting,
)
from jhub_docker.platform.configuration import (
    TOOL_VARIABLES,
    unknown_profiles,
    wrong_names,
)
from jhub_docker.process import Ended

ROOT = Path(__file__).parents[1]
CONFIG: dict[str, Any] = {
    "name": "demo",
    "services": {
        "guard": {"image": "hub:1"},
        "proxy": {
            "image": "proxy:1",
            "ports": [{"published": "80", "host_ip": "127.0.0.1"}],
            "networks": {"net": {}},
        },
        "hub": {
            "image": "hub:1",
            "environment": {"JHUB_BASE_URL": "/team/", "JHUB_NB_UID": None},
            "volumes": [
                {"type": "volume", "source": "data", "target": "/srv/jupyterhub"},
                {"type": "bind", "source": "/x", "target": "/y"},
            ],
            "secrets": [{"source": "provider"}, {"source": "of-swarm"}],
            "networks": {"net": {}},
        },
    },
    "secrets": {"provider": {"file": "/etc/provider"}, "of-swarm": {"external": True}},
    "volumes": {"data": {"name": "demo_data"}},
    "networks": {"net": {"name": "demo-net"}},
}
PLATFORM = compose.from_config(Path(), CONFIG)


def container(**changes: Any) -> dict[str, Any]:
    """The hub's container as the engine shows it."""
    state = {"Running": True, "Status": "running", "ExitCode": 0} | changes.pop("state", {})
    labels = {"project": "demo", "service": "hub", "container-number": "1"}
    return {
        "Name": "/demo-hub-1",
        "State": state,
        "RestartCount": 0,
        "Config": {"Labels": {f"com.docker.compose.{k}": v for k, v in labels.items()}},
        "Mounts": [{"Type": "volume", "Name": "demo_data", "Destination": "/srv/jupyterhub"}],
        "NetworkSettings": {"Networks": {"demo-net": {}, "demo-net-ada": {}}},
    } | changes


def test_the_tools_own_variables_are_declared_once() -> None:
    """Each that the library reads, and no other."""
    sources = (ROOT / "src" / "jhub_docker").rglob("*.py")
    found = {
        name
        for source in sources
        for name in re.findall(r"\"(JHUB_[A-Z0-9_]*[A-Z0-9])\"", source.read_text("utf-8"))
    }
    compose = "".join(file.read_text("utf-8") for file in ROOT.glob("compose*.yaml"))
    settings = set(re.findall(r"JHUB_[A-Z0-9_]+", compose))
    tests = {"JHUB_TEST_WRITE_DOCS"}
    assert found - settings | tests == TOOL_VARIABLES


def test_a_variable_that_nobody_reads_from_the_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "packages").symlink_to(ROOT / "packages")
    (tmp_path / ".env").write_text("JHUB_DOCKER_LANE=trixie\n")
    told = ["JHUB_DOCKER_LANE is read from the environment alone, not from .env: export it"]
    assert wrong_names(tmp_path) == told
    monkeypatch.setenv("JHUB_DOCKER_LANE", "trixie")
    assert wrong_names(tmp_path) == []
    monkeypatch.setenv("JHUB_SINGING_KEY", "x")
    told = ["JHUB_SINGING_KEY is no setting; did you mean JHUB_SIGNING_KEY?"]
    assert wrong_names(tmp_path) == told


def test_a_bases_variable_is_known() -> None:
    catalog = load(ROOT / "packages")
    assert bases.variable(catalog["base-uv"]) == "JHUB_DOCKER_BASE_UV"
    assert bases.variable(catalog["caddy"]) == "", "JHUB_TLS_IMAGE names that"


def test_what_is_set_is_read_from_the_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JHUB_PORT", "1")
    (tmp_path / ".env").write_text("# JHUB_A=1\nJHUB_B=2\n export JHUB_C = 3\nJHUB_D: 4\n")
    found = {name for name in compose.variables_of(tmp_path) if name.startswith("JHUB_")}
    assert {"JHUB_PORT", "JHUB_B", "JHUB_C", "JHUB_D"} <= found
    assert "JHUB_A" not in found


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        ("Invalid hostPort: abc", "JHUB_HTTP_PORT is 'abc'; expected a port from 1 to 65535"),
        ("Invalid ip address: nowhere", "JHUB_BIND is 'nowhere'; expected an address"),
        (
            'service "homes" refers to undefined volume rel: invalid compose project',
            "JHUB_DOCKER_VOLUMES is 'rel'; expected a whole path",
        ),
        (
            "error decoding 'services[mlflow].mem_limit': invalid size: 'lots'",
            "JHUB_TRACKING_MEMORY is 'lots'; expected a size such as 8g",
        ),
        ("Invalid hostPort: 70000", "compose.yaml cannot be used with these variables: Invalid"),
    ],
)
def test_what_compose_cannot_use_is_told_by_its_variable(problem: str, told: str) -> None:
    said = {"JHUB_HTTP_PORT": "abc", "JHUB_BIND": "nowhere", "A_PORT": "70000"}
    said |= {"JHUB_DOCKER_VOLUMES": "rel", "JHUB_TRACKING_MEMORY": "lots"}
    assert refusals.sentence(problem, said).startswith(told)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"JHUB_DOCKER_SOCKET": "x"}, "JHUB_DOCKER_SOCKET is 'x'; expected a whole path"),
        ({"JHUB_RESTART": "often"}, "JHUB_RESTART is 'often'; expected unless-stopped, always"),
        ({"JHUB_RESTART": "on-failure:3", "JHUB_TLS_FILES": "/x", "A_SOCKET": "x"}, ""),
    ],
)
def test_what_compose_takes_for_something_else_is_told(said: dict[str, str], told: str) -> None:
    assert refusals.unheard(said)[: len(told) or None] == told


def test_what_compose_refuses_for_no_variable_ends_with_all_it_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compose, "run", lambda *_, **__: Ended(1, err="yaml: line 3: no"))
    with pytest.raises(UsageError, match="yaml: line 3"):
        compose.read(tmp_path)


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("local/jupyterhub-proxy:gone", "build it with ./dev invoke build -i proxy, or correct J"),
        ("local/jupyterhub-tracking:gone", "build -i tracking, or correct JHUB_IMAGE_TAG"),
        ("local/mine", "no image local/mine; correct JHUB_PROXY_IMAGE"),
    ],
)
def test_an_image_that_is_missing_is_told_before_anything_starts(
    image: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = replace(PLATFORM, root=ROOT, images={"hub": "hub:1", "proxy": image})
    monkeypatch.setenv("JHUB_PROXY_IMAGE", "local/mine")
    monkeypatch.setattr(starting, "check_settings", lambda *_: [])
    monkeypatch.setattr(quick, "image", lambda name: None if name == image else {})
    with pytest.raises(UsageError, match=told):
        starting.require_startable(platform)


def test_services_are_what_compose_declares_with_the_hub_first() -> None:
    assert PLATFORM.services == ("hub", "proxy", "guard")
    assert PLATFORM.hub_environment == {"JHUB_BASE_URL": "/team/"}
    assert (PLATFORM.port, PLATFORM.data_volume) == (80, "demo_data")
    assert PLATFORM.networks == {"hub": {"demo-net"}, "proxy": {"demo-net"}, "guard": set()}


def test_a_platform_has_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose would go by one, labels by the other: data found by neither, or by the wrong one."""
    hub = CONFIG["services"]["hub"] | {"environment": {"JHUB_PLATFORM": "jhub-docker"}}
    config = json.dumps(CONFIG | {"services": CONFIG["services"] | {"hub": hub}}).encode()
    monkeypatch.setattr(compose, "run", lambda *_, **__: Ended(0, config))
    with pytest.raises(UsageError, match=r"COMPOSE_PROJECT_NAME is 'demo', and .* is 'jhub"):
        compose.read(tmp_path)


def test_the_profile_of_what_is_not_started_is_nobodys_to_choose() -> None:
    services = CONFIG["services"] | {"apart": {"image": "", "profiles": ["never"]}}
    config = CONFIG | {"services": services, "x-profiles": "never"}
    platform = compose.from_config(Path(), config)
    assert platform.profiles == frozenset()
    assert "COMPOSE_PROFILES has 'never'" in unknown_profiles(platform)[0]


def test_a_profile_that_is_none_is_told() -> None:
    known, chosen = frozenset(("backup", "mlflow")), frozenset(("", "bakcup", "mlflow"))
    told = ["COMPOSE_PROFILES has 'bakcup'; did you mean 'backup'? Known: backup, mlflow"]
    assert unknown_profiles(replace(PLATFORM, profiles=known, wanted=chosen)) == told


@pytest.mark.parametrize(("chosen", "started"), [("", False), ("a, b", True), ("*", True)])
def test_services_of_profiles_are_known_and_started_where_these_are_chosen(
    chosen: str, started: bool
) -> None:
    services = CONFIG["services"] | {"backup": {"image": "backup:1", "profiles": ["b"]}}
    config = CONFIG | {"services": services, "x-profiles": chosen}
    platform = compose.from_config(Path(), config)
    assert (platform.images["backup"], platform.profiles) == ("backup:1", frozenset("b"))
    assert ("backup" in platform.services, "hub" in platform.services) == (started, True)


@pytest.mark.parametrize(
    ("engine", "host"),
    [
        ("unix:///var/run/docker.sock", ""),
        ("unix:///run/user/1000/docker.sock", ""),
        ("tcp://127.0.0.1:2375", ""),
        ("tcp://build.example.org:2376", "build.example.org"),
        ("tcp://[2001:db8::1]:2376", "[2001:db8::1]"),
    ],
)
def test_the_address_is_on_the_engines_machine(
    engine: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine)
    assert PLATFORM.address == f"http://{host or 'localhost'}:80/team/"


@pytest.mark.parametrize(
    ("said", "public"),
    [
        ({"JHUB_PUBLIC_URL": "https://hub.example.org/"}, "https://hub.example.org/"),
        ({"JHUB_SUBDOMAIN_HOST": "https://hub.example.org"}, "https://hub.example.org/"),
        (
            {"JHUB_SUBDOMAIN_HOST": "http://hub.test:8000/", "JHUB_BASE_URL": "/team/"},
            "http://hub.test:8000/team/",
        ),
        ({"JHUB_BASE_URL": "/team/"}, "http://localhost:80/team/"),
    ],
)
def test_people_are_sent_to_the_address_that_the_settings_say(
    said: dict[str, str], public: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")
    assert replace(PLATFORM, hub_environment=said).public_address == public


def test_the_name_that_ssh_knows_is_asked_of_ssh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\necho user me\necho hostname "$2.example.org"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert engine_host("ssh://me@box") == "box.example.org"


def test_another_socket_than_the_default_is_the_one_that_is_mounted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quick, "server", lambda: {"Platform": {"Name": ""}})
    for where, path in (
        ("unix:///run/user/1000/docker.sock", "/run/user/1000/docker.sock"),
        ("unix:///var/run/docker.sock", None),
        ("ssh://me@box", None),
    ):
        monkeypatch.setenv("DOCKER_HOST", where)
        assert chosen.engine_socket() == path
    monkeypatch.setattr(quick, "server", lambda: {"Platform": {"Name": "Docker Desktop 4"}})
    monkeypatch.setenv("DOCKER_HOST", "unix:///Users/me/.docker/run/docker.sock")
    assert chosen.engine_socket() is None


class TestProxyImage:
    def name(self, running: dict[str, Any] | None, **names: str) -> str:
        built = {
            "Id": "sha256:1",
            "Config": {"Labels": {"io.jhub-docker.build-id": "abcdefabcdefabcdef"}},
            "RepoTags": ["proxy:1", "proxy:abcdefabcdef"],
        }
        return chosen.proxy_image(
            "proxy:1", built, running, lambda name: {"Id": names.get(name, "sha256:9")}
        )

    def test_one_that_runs_from_it_keeps_its_name(self) -> None:
        running = {"Image": "sha256:1", "Config": {"Image": "old"}}
        assert self.name(running, old="sha256:1") == "old"

    def test_a_name_that_means_another_image_by_now_does_not_stay(self) -> None:
        running = {"Image": "sha256:1", "Config": {"Image": "old"}}
        assert self.name(running) == "proxy:abcdefabcdef"

    def test_otherwise_it_is_the_build_id(self) -> None:
        assert self.name(None) == "proxy:abcdefabcdef"
        running = {"Image": "sha256:2", "Config": {"Image": "old"}}
        assert self.name(running, old="sha256:2") == "proxy:abcdefabcdef"


def test_a_second_platform_is_told_all_that_it_has_to_have_of_its_own(
    monkeypatch: pytest.MonkeyPatch, pretend: Any
) -> None:
    """Two hubs on one database would spoil it; what is one's own, or stands still, is fine."""
    first = {
        "Labels": {"com.docker.compose.project": "first"},
        "Mounts": [{"Type": "bind"}, {"Name": "demo_data"}],
        "NetworkSettings": {"Networks": {"demo-net": {}, "first_control": {}}},
    }
    own = {**first, "Labels": {"com.docker.compose.project": "demo"}}
    pretend(MagicMock()).api.containers.return_value = [first, own]
    assert containers.used_elsewhere(PLATFORM) == {"demo_data": "first", "demo-net": "first"}
    for name in ("check_settings", "require_same"):
        monkeypatch.setattr(starting, name, lambda *_: [])
    with pytest.raises(UsageError, match=r"runs with demo-net \(of first\), demo_data \(") as told:
        starting.require_startable(PLATFORM)
    # As the hub's README has them.
    readme = (ROOT / "packages/hub/README.md").read_text()
    wanted = re.findall("JHUB_[A-Z_]+", readme.partition("To run a second platform")[2])
    assert sorted(re.findall(r"^  (\w+)=demo|^  (JHUB_PORT)=81$", str(told.value), re.M)) == sorted(
        ("", one) if one == "JHUB_PORT" else (one, "") for one in wanted
    )


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({}, False),
        ({"state": {"Running": False, "Status": "exited"}}, False),
        ({"state": {"Running": False, "Status": "created"}}, True),
        ({"Name": "/0123_demo-hub-1", "state": {"Running": False, "Status": "exited"}}, True),
        ({"Name": "/0123_demo-hub-1"}, False),
    ],
)
def test_what_an_interrupted_start_left_is_known(changes: dict[str, Any], left: bool) -> None:
    assert containers.is_left_over(container(**changes)) is left


def test_the_same_volumes_and_networks_are_fine() -> None:
    starting.require_same(PLATFORM, [container()])


def test_data_of_another_platform_is_said(monkeypatch: pytest.MonkeyPatch, pretend: Any) -> None:
    client, platform = pretend(MagicMock()), MagicMock(project="second", port=80)
    platform.services = ("hub",)
    platform.volumes = {"hub": {"/srv/jupyterhub": "data", "/srv/proxy": "proxy", "/x": "own"}}
    mine, theirs = ({"io.jhub-docker.platform": one} for one in ("second", "first"))
    client.api.volumes.return_value = {
        "Volumes": [
            {"Name": "data", "Labels": theirs},
            {"Name": "proxy", "Labels": None},
            {"Name": "own", "Labels": mine},
            {"Name": "home", "Labels": theirs},
        ]
    }
    for name in ("check_settings", "require_same"):
        monkeypatch.setattr(starting, name, lambda *_: [])
    monkeypatch.setattr(ports, "require_free", lambda *_: None)
    (said,) = starting.require_startable(platform)
    assert "data (of first). A platform of its own has" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"Mounts": [{"Type": "volume", "Name": "a", "Destination": "/srv/jupyterhub"}]},
            "the hub that is there has a instead of the volume demo_data",
        ),
        ({"NetworkSettings": {"Networks": {"other": {}}}}, "no network demo-net"),
    ],
)
def test_a_change_that_compose_would_ignore_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        starting.require_same(PLATFORM, [container(**changes)])


HOLDER = """
import sys
from jhub_docker.engine.lock import is_held, locked
with locked("demo"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_waits_for_the_first_and_takes_over_from_one_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as first:
        assert first.stdout
        assert first.stdout.readline() == b"held\n"
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as second:
            assert second.stdout
            assert second.stderr
            waits = f"restore of demo is at work (process {first.pid}): waiting"
            assert waits in second.stderr.readline().decode()
            first.kill()
            assert second.stdout.readline() == b"held\n"
            assert is_held("demo")
            second.kill()
    with locked("demo"):
        pass
    assert not is_held("demo")


TLS_SERVICES: dict[str, Any] = {
    "proxy": {"image": "proxy:1"},
    "tls": {
        "image": "docker.io/library/caddy:2.11",
        "ports": [
            {"target": 8443, "published": "8443", "host_ip": "10.0.0.5"},
            {"target": 80, "published": "80", "host_ip": "10.0.0.5"},
        ],
    },
    "hub": {
        "image": "hub:1",
        "environment": {"JHUB_DOMAIN": "hub.example.org", "JHUB_TLS": "internal"},
    },
}
TLS = compose.from_config(Path(), CONFIG | {"services": TLS_SERVICES})


class TestEntrance:
    def test_with_a_domain_it_is_found_there_and_asked_from_within(self) -> None:
        assert TLS.address == TLS.public_address == "https://hub.example.org:8443/"
        assert not TLS.direct
        assert TLS.ports["tls"] == (("8443/tcp", "10.0.0.5", "8443"), ("80/tcp", "10.0.0.5", "80"))
        assert not TLS.ports["proxy"]
        usual = replace(TLS, port=443)
        assert usual.address == "https://hub.example.org/"

    def test_what_speaks_tls_is_told_and_whose_certificate_browsers_want(self) -> None:
        by, certificate = entrance.told(TLS)
        assert by == "TLS by Caddy from docker.io/library/caddy:2.11."
        assert certificate.endswith(entrance.SHOW_ROOT)
        other = replace(TLS, images={"tls": "local/caddy:0123456789ab"})
        assert "a stand-in: the public image cannot be pulled" in entrance.told(other)[0]

    @pytest.mark.parametrize(
        ("bind", "said", "told"),
        [
            ("127.0.0.1", {}, "It answers on this machine alone. JHUB_DOMAIN="),
            ("0.0.0.0", {}, "Warning: plain HTTP on 0.0.0.0, where passwords"),  # noqa: S104
            ("127.0.0.1", {"JHUB_PUBLIC_URL": "https://hub.example.org/"}, ""),
        ],
    )
    def test_without_one_it_is_told_how_to_open_it(
        self, bind: str, said: dict[str, str], told: str
    ) -> None:
        lines = entrance.told(replace(PLATFORM, bind=bind, hub_environment=said))
        assert [line[: len(told)] for line in lines] == ([told] if told else [])

    def test_whose_port_is_taken_is_told_by_its_variable(self) -> None:
        docker = "Bind for 0.0.0.0:{} failed: port is already allocated"
        watched = replace(TLS, ports={**TLS.ports, "prometheus": (("9090/tcp", "", "9090"),)})
        assert ports.refusal(watched, docker.format(80)) == (
            "JHUB_HTTP_PORT is 80, and another container has it: set JHUB_HTTP_PORT to a free one"
        )
        listen = "listen tcp4 10.0.0.5:8443: bind: address already in use"
        assert "JHUB_HTTPS_PORT is 8443, and another program" in ports.refusal(watched, listen)
        assert "JHUB_PROMETHEUS_PORT to" in ports.refusal(watched, docker.format(9090))
        assert "set JHUB_PORT to" in ports.refusal(PLATFORM, docker.format(1))
        assert ports.refusal(PLATFORM, "no such image") == ""

    def test_what_its_own_service_has_is_fine_and_another_address_is_tried(self) -> None:
        def tls(state: str, ip: str) -> dict[str, Any]:
            bound = {f"{port}/tcp": [{"HostIp": ip, "HostPort": port}] for port in ("8443", "80")}
            labels = {"com.docker.compose.service": "tls"}
            return {
                "State": {"Running": state == "running"},
                "Config": {"Labels": labels},
                "HostConfig": {"PortBindings": bound},
            }

        both = [("10.0.0.5", "80"), ("10.0.0.5", "8443")]
        assert ports.to_try(TLS, [tls("running", "10.0.0.5")]) == []
        assert ports.to_try(TLS, [tls("running", "10.0.0.6")]) == [("10.0.0.5",)] * 2
        assert ports.to_try(TLS, [tls("exited", "10.0.0.5")]) == both
        assert ports.to_try(TLS, []) == both

    def test_what_else_an_engine_cannot_publish_is_told_by_its_variable(self) -> None:
        problem = "listen tcp4 10.0.0.5:80: bind: cannot assign requested address"
        assert ports.refusal(TLS, problem).startswith("JHUB_BIND is '10.0.0.5'; expected")
        both = replace(TLS, ports={"tls": (("1/tcp", "", "443"), ("2/tcp", "", "443"))})
        said = ports.refusal(both, "Bind for 0.0.0.0:443 failed: port is already allocated")
        assert said.startswith("JHUB_HTTPS_PORT and JHUB_HTTP_PORT are both 443")

    def test_an_ipv6_address_is_written_as_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")
        assert urlsplit(replace(PLATFORM, bind="2001:db8::1").address).hostname == "2001:db8::1"

    def test_on_the_loopback_of_another_machine_it_is_asked_from_within(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")
        assert PLATFORM.direct
        monkeypatch.setenv("DOCKER_HOST", "tcp://build.example.org:2376")
        assert not PLATFORM.direct
        assert replace(PLATFORM, bind="0.0.0.0").direct  # noqa: S104


def test_without_an_address_of_postgres_nothing_is_moved_and_nobody_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chosen, "read", lambda _: PLATFORM)
    with pytest.raises(UsageError, match="JHUB_DB_URL is not set"):
        moving.move(ROOT, "postgres", replace=True, assume_yes=False)


def test_files_that_an_override_gives_the_hub_are_there_when_its_settings_are_judged() -> None:
    assert PLATFORM.hub_files == {"/y": "/x", "/run/secrets/provider": "/etc/provider"}


def test_of_two_hubs_the_one_that_leads_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    services = CONFIG["services"] | {"standby": {"image": "hub:1"}}
    pair = compose.from_config(Path(), CONFIG | {"services": services})
    said = {"hub": "http://127.0.0.1:8081/hub/health"}

    def exec_(_self: object, *arguments: str, **_options: object) -> Ended:
        return Ended(0, said.get(arguments[2], "").encode())

    monkeypatch.setattr(compose.Platform, "compose", exec_)
    assert (PLATFORM.hubs, PLATFORM.leader()) == (("hub",), "hub")
    assert (pair.hubs, pair.leader()) == (("hub", "standby"), "hub")
    for other in ({"hub": "file:///tmp/waiting"}, {}):  # it waits, or does not run
        said = other
        assert pair.leader() == "standby"


def test_a_free_port_is_none_that_somebody_gets_by_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "range"
    given.write_text("22000\t60999\n")
    monkeypatch.setattr(ports, "GIVEN_AWAY", given)
    assert all(20_000 <= ports.free_port() < 22_000 for _ in range(20))
    given.write_text("1024\t60999\n")
    assert ports.free_port() >= 1024
