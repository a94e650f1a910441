"""What processes of people, of the hub and of the filter may do, as the kernel tells it."""

import pytest
from docker.models.containers import Container

from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import SUDO_PROFILE, Platform
from jhub_testing.waiting import wait_until

SUDO_CAPABILITIES = {
    *("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"),
    *("AUDIT_WRITE", "FSETID"),
}
NUMBERS = {
    *enumerate(["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL"]),
    *enumerate(["SETGID", "SETUID"], start=6),
    (29, "AUDIT_WRITE"),
}
"""Bits of capabilities (linux/capability.h) as far as they are expected anywhere."""


def shell(container: Container, script: str, user: str = "") -> str:
    """What a script prints in a container, its messages included."""
    # One stream: of two, the engine passes on first what it sees first.
    whole = ["sh", "-c", f"exec 2>&1; {script}"]
    return str(container.exec_run(whole, user=user).output.decode().strip())


def status(container: Container, pid: str = "1") -> dict[str, str]:
    """/proc/PID/status of a process in the container (proc(5))."""
    lines = shell(container, f"cat /proc/{pid}/status").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def capabilities(mask: str) -> set[str]:
    """The names of a mask's bits."""
    names = dict(NUMBERS)
    bits = {bit for bit in range(64) if int(mask, 16) >> bit & 1}
    return {names.get(bit, str(bit)) for bit in bits}


@pytest.fixture(scope="module")
def person(make_person: MakePerson) -> Person:
    return make_person("hardened").choose("uv-lab-small")


@pytest.fixture(scope="module")
def server(person: Person, platform: Platform) -> Container:
    (container,) = platform.servers(person.name)
    return container


def test_a_server_has_no_capability_and_can_gain_none(server: Container) -> None:
    for line in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert capabilities(status(server)[line]) == set(), line
    assert status(server)["NoNewPrivs"] == "1"
    assert status(server)["Seccomp"] == "2"
    assert status(server)["Uid"].split() == ["1000"] * 4
    assert shell(server, "sudo -n id -u").splitlines()[-1:] != ["0"]


def test_a_server_has_limits_on_everything_it_shares(server: Container) -> None:
    config = server.attrs["HostConfig"]
    assert config["Memory"] == config["MemorySwap"] == 2 * 2**30
    assert config["ShmSize"] == 2**30
    fill = "head -c 200M /dev/zero >/dev/shm/shared && stat -c %s /dev/shm/shared; rm /dev/shm/*"
    assert shell(server, fill) == str(200 * 2**20)
    assert config["PidsLimit"] == 4096
    assert config["CpuQuota"] == 2 * config["CpuPeriod"]
    assert config["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-size": "10m", "max-file": "3"},
    }
    pids = shell(server, "cat /sys/fs/cgroup/pids/pids.max || cat /sys/fs/cgroup/pids.max")
    assert pids.splitlines()[-1] == "4096"
    assert shell(server, "ulimit -c") == "0"


def test_a_server_sees_nothing_of_the_host(server: Container, platform: Platform) -> None:
    config = server.attrs["HostConfig"]
    home, shared = (platform.environment[f"JHUB_{one}_VOLUME_PREFIX"] for one in ("USER", "SHARED"))
    everybodys = f"{shared}everybody:/srv/shared/everybody:ro"
    assert sorted(config["Binds"]) == sorted([f"{home}hardened:/home/nebula:rw", everybodys])
    assert not config["Privileged"]
    assert not config["Devices"]
    assert not config["DeviceRequests"]
    modes = [config[name] for name in ("PidMode", "UTSMode", "UsernsMode")]
    assert modes == ["", "", ""]
    assert config["IpcMode"] == "private"
    assert shell(server, "ls /var/run/docker.sock /run/engine 2>/dev/null") == ""


def test_sudo_works_where_granted_with_few_capabilities(
    make_person: MakePerson, platform: Platform
) -> None:
    person = make_person("installer").choose(SUDO_PROFILE)
    (container,) = platform.servers("installer")
    assert shell(container, "sudo -n id -u", "nebula") == "0"
    mask = status(container, "self")["CapBnd"]
    assert capabilities(mask) == SUDO_CAPABILITIES
    kept = "sudo -n install -o nobody -m 4755 /bin/true /opt/tool && stat -c %U:%a /opt/tool"
    assert shell(container, kept, "nebula") == "nobody:4755"
    assert "not permitted" in shell(container, "sudo -n mknod /opt/null c 1 3", "nebula")
    left_behind = "sudo -n install -m 4755 /usr/bin/id /home/nebula/id"
    as_whom = "/home/nebula/id --user"
    assert shell(container, f"{left_behind} && {as_whom}", "nebula") == "0"
    person.stop()
    person.choose("uv-marimo-small")
    (container,) = platform.servers("installer")
    assert shell(container, as_whom, "nebula") == "1000", "root's program works without sudo"
    person.stop()


def test_hub_is_nobody_and_has_no_socket_of_the_engine(platform: Platform) -> None:
    hub = platform.container("hub")
    for line in ("CapPrm", "CapEff", "CapBnd"):
        assert capabilities(status(hub)[line]) == set(), line
    assert set(shell(hub, "stat -c %u /proc/[0-9]*").split()) == {"990"}
    sources = [mount.get("Source", "") for mount in hub.attrs["Mounts"]]
    assert not [source for source in sources if source.endswith("docker.sock")]
    ask = "import docker; docker.from_env().containers.list(filters={'label': 'x'})"
    assert shell(hub, f'DOCKER_HOST=unix:///run/engine/docker.sock python -c "{ask}"') == ""
    refused = "import docker; docker.from_env().containers.run('local/uv-lab', privileged=True)"
    told = shell(hub, f'DOCKER_HOST=unix:///run/engine/docker.sock python -c "{refused}"')
    assert "engine filter: " in told


def test_a_restarted_filter_breaks_nothing(person: Person, platform: Platform) -> None:
    container = platform.container("engine")
    before = container.attrs["State"]["Pid"]
    # The form was there a moment ago, so the hub knows what is on offer and asks before the start.
    assert "second" in person.hub.get(f"spawn/{person.name}/second").url
    container.kill()
    start = f"api/users/{person.name}/servers/second"
    answer = person.hub.post(start, json={"profile": "uv-lab-small"})
    assert answer.status_code == 503, answer.text
    assert "cannot reach the Docker Engine at the moment" in answer.json()["message"]
    assert person.server.get("api").ok

    def page_says_so() -> bool:
        page = person.hub.get(f"spawn/{person.name}/second")
        told = "cannot reach the Docker Engine at the moment" in page.text
        return page.status_code == 503 and told

    wait_until(page_says_so, "the form to be as old as it may be")
    container.start()

    def healthy() -> bool:
        container.reload()
        return bool(container.attrs["State"]["Health"]["Status"] == "healthy")

    wait_until(healthy, "the filter")
    assert container.attrs["State"]["Pid"] != before
    person.stop()
    assert not platform.servers(person.name)


def test_its_refusals_are_in_its_log(platform: Platform) -> None:
    engine = platform.container("engine")
    wait_until(lambda: b"Refused POST" in engine.logs(), "a refusal in the log")
