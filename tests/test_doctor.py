"""The doctor's judgements, each by facts, and what it says when there is nothing to look at."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from jhub_docker.doctor import judging, outside, tried
from jhub_docker.doctor.findings import CODES, WARNING, Examined, Finding
from jhub_docker.host import machine as host
from jhub_docker.platform import compose, configuration, entrance
from jhub_testing.operator import invoke

ROOT = Path(__file__).parents[1]
GB = 10**9
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PLATFORM = compose.from_config(
    Path(),
    {
        "name": "demo",
        "services": {
            "hub": {"image": "hub:1"},
            "proxy": {"ports": [{"published": "80", "host_ip": "127.0.0.1"}]},
        },
        "volumes": {},
        "networks": {},
    },
)


def test_what_a_container_prints_is_read_whatever_the_engine_logs_with(pretend: Any) -> None:
    """docker-py reads nothing of one that logs as an engine whose driver is `local` has it."""

    def printed(*_: Any, **given: Any) -> bytes | None:
        return b"[1]\n[2]" if given.get("log_config", {}).get("Type") == "json-file" else None

    client = pretend(MagicMock(**{"containers.run.side_effect": printed}))
    client.api.info.return_value = {}
    platform = MagicMock(images={"hub": "hub:1"}, hub_environment={}, hub_files={})
    assert configuration._by_hub(platform) == ["[2]"]
    client.containers.run.side_effect = lambda *_, **given: (printed(**given) or b"")[:3]
    assert tried.run(platform, "print([1])") == [1]


def service(name: str, ports: Iterable[tuple[str, str]] = (), **state: Any) -> dict[str, Any]:
    """A service's container as the engine shows it."""
    labels = {"project": "demo", "service": name, "container-number": "1"}
    return {
        "Id": f"id-{name}",
        "Name": f"/demo-{name}-1",
        "Image": f"sha-{name}",
        "RestartCount": 3,
        "State": {"Running": True, "Status": "running", "ExitCode": 0} | state,
        "Config": {
            "Image": f"{name}:1",
            "Labels": {f"com.docker.compose.{key}": value for key, value in labels.items()},
        },
        "HostConfig": {
            "PortBindings": {"8000/tcp": [{"HostIp": ip, "HostPort": port} for ip, port in ports]}
        },
    }


HUB, PROXY = service("hub"), service("proxy", [("127.0.0.1", "80")])


def codes(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(one.code, one.severity) for one in findings]


def test_a_platform_with_nothing_wrong_has_no_findings() -> None:
    there = [HUB, PROXY]
    assert not [*judging.services(PLATFORM, there, {}), *judging.ports(PLATFORM, there)]
    assert not judging.images(there, {"hub": "sha-hub", "proxy": "sha-proxy"})
    assert not judging.left_over([], [], {"differences": []})
    assert Examined().verdict == "Well: nothing found."


def test_warnings_do_not_fail_and_errors_do() -> None:
    warning = Finding("JD040", "no backup was ever made", WARNING)
    seen = Examined([warning], {"routes": "no guard runs"})
    assert seen.well
    assert seen.text().startswith("Well: 1 warning.\n")
    assert "Not looked at: routes (no guard runs)" in seen.text()
    seen = Examined([warning, warning, Finding("JD010", "it does not run")])
    assert not seen.well
    assert seen.text().startswith("Not well: 1 error and 2 warnings.\n\nJD010 error: ")
    assert CODES["JD010"].do in seen.text()


@pytest.mark.parametrize(("free", "expected"), [(4, "error"), (10, "warning"), (16, None)])
def test_a_disk_needs_room_and_soon_is_told(free: int, expected: str | None) -> None:
    space = {"room": free * GB, "inodes": 0, "free_inodes": 0}
    found = judging.disk("JD004", "the disk", space, 5.0)
    assert codes(found) == ([("JD004", expected)] if expected else [])


@pytest.mark.parametrize(
    ("inodes", "free", "expected"),
    [(1000, 5, "error"), (1000, 50, "warning"), (1000, 500, None), (0, 0, None)],
)
def test_inodes_run_out_where_they_are_counted(
    inodes: int, free: int, expected: str | None
) -> None:
    space = {"room": 100 * GB, "inodes": inodes, "free_inodes": free}
    found = judging.disk("JD005", "the disk", space, 1.0)
    assert codes(found) == ([("JD006", expected)] if expected else [])


@pytest.mark.parametrize(
    ("driver", "status", "expected"),
    [
        ("overlay2", [["Supports d_type", "true"]], None),
        ("overlayfs", None, None),
        ("overlay2", [["Supports d_type", "false"]], "error"),
        ("vfs", [], "warning"),
    ],
)
def test_storage_that_is_slow_or_loses_files_is_told(
    driver: str, status: list[list[str]] | None, expected: str | None
) -> None:
    found = judging.storage({"Driver": driver, "DriverStatus": status})
    assert codes(found) == ([("JD009", expected)] if expected else [])


def test_homes_with_a_disk_of_their_own_are_told_when_it_is_full() -> None:
    room = {"home-ada": [50, 100, 5, 100], "home-ben": [0, 100, 0, 0], "home-cy": [2, 100, 90, 100]}
    found = judging.homes(room)
    assert [(one.says.split()[2], one.severity) for one in found] == [
        ("home-ben", "error"),
        ("home-cy", "warning"),
    ]


def test_what_the_machine_trusts_is_named(tmp_path: Path) -> None:
    for name in ("network.crt", "README.txt"):
        (tmp_path / name).touch()
    own = host.own_certificates({"JHUB_DOCKER_CA_BUNDLE": "/x.pem"}, (tmp_path, tmp_path / "none"))
    assert own == ["/x.pem", str(tmp_path / "network.crt")]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, None), (1, None), (-5, "warning"), (300, "error")]
)
def test_clocks_may_differ_by_no_more_than_a_code_forgives(
    seconds: int, expected: str | None
) -> None:
    engine = NOW + timedelta(seconds=seconds)
    found = judging.clock(engine, NOW, NOW + timedelta(seconds=0.2))
    assert codes(found) == ([("JD008", expected)] if expected else [])


def test_with_a_domain_caddy_alone_is_meant_to_be_published() -> None:
    ports = {"tls": (("443/tcp", "127.0.0.1", "443"), ("80/tcp", "127.0.0.1", "80"))}
    platform = replace(PLATFORM, services=("hub", "proxy", "tls"), ports=ports)
    tls = service("tls")
    tls["HostConfig"]["PortBindings"] = {
        f"{port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}] for port in (80, 443)
    }
    assert not [*judging.ports(platform, [HUB, service("proxy"), tls])]
    (found,) = judging.ports(platform, [HUB, PROXY, tls])
    assert (found.code, found.says) == (
        "JD013",
        "proxy: 127.0.0.1:80 (8000/tcp) is published, and not meant to be",
    )


def test_a_platform_that_does_not_run_is_one_finding() -> None:
    ended = service("hub", Running=False, Status="exited")
    assert codes(judging.services(PLATFORM, [], {})) == [("JD010", "error")]
    assert codes(judging.services(PLATFORM, [ended], {})) == [("JD010", "error")]


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"Status": "restarting"}, "starts again and again (3 times)"),
        ({"Running": False, "Status": "exited", "ExitCode": 137, "OOMKilled": True}, "of memory"),
        ({"Health": {"Status": "unhealthy"}}, "is unhealthy"),
        ({"Paused": True}, "is paused"),
    ],
)
def test_a_service_that_ails_is_told_with_its_last_words(state: dict[str, Any], says: str) -> None:
    there = [service("hub", **state), PROXY]
    (found,) = judging.services(PLATFORM, there, {"hub": "no space left on device\n"})
    assert found.code == "JD011"
    assert says in found.says
    assert found.says.endswith("it said last:\nno space left on device")


def test_a_missing_service_is_told() -> None:
    (found,) = judging.services(PLATFORM, [HUB], {})
    assert found.says == "proxy is not there"


def test_another_image_than_this_checkouts_is_told() -> None:
    found = judging.images([HUB, PROXY], {"hub": "sha-newer"})  # the proxy's is not built here
    assert codes(found) == [("JD012", "warning")]
    assert found[0].says.startswith("hub runs hub:1")


def test_ports_are_where_the_settings_want_them_and_nowhere_else() -> None:
    there = [service("hub", [("", "8081")]), service("proxy", [("0.0.0.0", "80")])]  # noqa: S104
    assert [one.says for one in judging.ports(PLATFORM, there)] == [
        "hub: 0.0.0.0:8081 (8000/tcp) is published, and not meant to be",
        "proxy: 0.0.0.0:80 (8000/tcp) is published, and not meant to be",
        "proxy: 127.0.0.1:80 (8000/tcp) is not published",
    ]


@pytest.mark.parametrize(
    ("hub", "proxy", "says"),
    [
        ("", "", []),
        ("status 503", "", ["status 503; the proxy answers, the hub behind it does not"]),
        ("connection refused", "refused too", ["connection refused; nothing answers there"]),
    ],
)
def test_a_hub_that_is_silent_is_told_apart_from_a_proxy_that_is(
    monkeypatch: pytest.MonkeyPatch, hub: str, proxy: str, says: list[str]
) -> None:
    monkeypatch.setattr(entrance, "asked", lambda _, path="": (proxy if path else hub, ""))
    url = entrance.health(PLATFORM.address)
    assert [one.says for one in outside.answers(PLATFORM)] == [f"{url}: {one}" for one in says]


def test_versions_agree_by_their_first_number() -> None:
    offered = [("the image a:1", "6.0.2"), ("the image b:1", "5.4.0"), ("the server c", "")]
    found = judging.versions("6.1.1", offered)
    assert codes(found) == [("JD017", "warning")] * 2
    assert found[0].says == "the image b:1 has JupyterHub 5.4.0, the hub 6.1.1"


def test_nothing_that_runs_is_a_clear_answer(tmp_path: Path) -> None:
    """The task itself, on an engine that is not there."""
    result = invoke("doctor", "--json", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert (result.returncode, result.stderr) == (1, "")
    told = json.loads(result.stdout)
    assert told["verdict"] == "Not well: 1 error."
    assert [one["code"] for one in told["findings"]] == ["JD001"]


def test_every_code_is_broken_for_real_on_an_engine_or_a_platform() -> None:
    places = (ROOT / "integration", ROOT / "tests/engine")
    texts = [path.read_text("utf-8") for place in places for path in place.rglob("*.py")]
    lines = [line for text in texts for line in text.splitlines() if "OF_THE_MACHINE =" not in line]
    broken = {"JD001", *re.findall(r"JD\d{3}", "\n".join(lines))}  # JD001: the test above
    assert CODES.keys() == broken


def test_the_engine_is_asked_for_the_gpus_that_the_settings_give() -> None:
    variables = {
        "JHUB_GPU_PROFILES": "uv-lab-large, uv-vscode-large=1",
        "JHUB_GPU_DEVICES": "nvidia.com/gpu=0, nvidia.com/gpu=1:0 as nvidia.com/mig-1g.10gb, 7",
    }
    asked = {what: dict(wanted) for what, wanted in tried.gpu_requests(variables)}
    assert [one["DeviceIDs"] for one in asked.values()] == [
        [],
        ["nvidia.com/gpu=0", "nvidia.com/gpu=1:0"],
        ["7"],
    ]
    assert asked["uv-lab-large"]["Count"] == -1
    assert not list(tried.gpu_requests({"JHUB_GPU_PROFILES": "uv-lab-large=1"}))


def test_a_star_means_nothing_where_the_engine_does_not_say_what_it_has(pretend: Any) -> None:
    info = pretend(MagicMock()).api.info
    platform = replace(PLATFORM, hub_environment={"JHUB_GPU_DEVICES": "nvidia.com/gpu=*"})
    info.return_value = {}
    assert codes(tried.gpus(platform)) == [("JD051", WARNING)]
    info.return_value = {"DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}]}
    assert not codes(tried.gpus(platform))


def test_what_a_swarm_does_not_give_and_which_machine_does_not_answer() -> None:
    nodes = [
        {"Description": {"Hostname": name}, "Status": {"State": state}}
        for name, state in (("one", "ready"), ("two", "down"))
    ]
    said = Examined([], judging.of_swarm(nodes)).text()
    assert "GPUs by request, limits of disk and swap (a swarm has none of them" in said
    assert "the machine two (it does not answer" in said
    assert "the machine one" not in said
