"""What is around a server while its isolation is tried: who listens where, and how it is reached.

Next to the platform's own containers there are a container in the host's network, standing for the
host's services, and one on a network of its own with a published port, standing for others.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docker.models.containers import Container

from jhub_docker.catalog.identity import LABEL
from jhub_docker.locks import uv_lock
from jhub_testing.isolation.cases import CASES, DENIED, REACHED
from jhub_testing.platforms import Platform
from jhub_testing.waiting import wait_until

HERE = resources.files("jhub_testing.isolation")
PORT = 8099
"""Where listeners inside containers listen; nothing of the platform does."""

SERVER, HUB_API, PROXY_PAGE, PROXY_API = 8888, 8081, 8000, 8001
METADATA = ("169.254.169.254", 80)

Probe = Sequence[Any]


@dataclass(frozen=True)
class Attempt:
    """What is tried for one case, and the same from where it must work."""

    probes: Sequence[Probe]
    control: Container
    control_probes: Sequence[Probe]


class World:
    """Everything a case needs, looked up anew each time: restarts move addresses."""

    def __init__(self, platform: Platform, root: Path) -> None:
        self.platform, self.engine = platform, platform.engine
        self.registry = _registry(root)
        self.host: Container
        self.stranger: Container
        self.host_port = self.published_port = 0

    def start(self) -> None:
        """Start the host's and the other network's listener."""
        client, labels = self.engine.client, self.engine.labels
        image = self.platform.container("hub").image
        assert image is not None
        listener = (HERE / "listener.py").read_text()
        self.host = client.containers.run(
            image.id,
            ["python", "-c", listener, "0", "metadata"],
            entrypoint="",
            user="root",
            name=self.engine.name("host"),
            labels=labels,
            network_mode="host",
            cap_add=["NET_ADMIN"],
            detach=True,
        )
        self.stranger = client.containers.run(
            image.id,
            ["python", "-c", listener, str(PORT)],
            entrypoint="",
            user="root",
            name=self.engine.name("stranger"),
            labels=labels,
            network=self.engine.network("stranger"),
            cap_add=["NET_ADMIN"],
            ports={PORT: None},
            detach=True,
        )
        for container in (self.host, self.stranger):
            self.engine.watch(container)
        self.host_port = wait_until(partial(_listens_on, self.host), "the host's listener")
        wait_until(partial(_listens_on, self.stranger), "the stranger's listener")
        self.stranger.reload()
        self.published_port = int(self.stranger.ports[f"{PORT}/tcp"][0]["HostPort"])

    def stop(self) -> None:
        """End both, in order, so that the host gets its borrowed address back."""
        for container in (self.host, self.stranger):
            container.stop(timeout=5)
            self.engine.remove(container)

    def listen_in(self, container: Container) -> None:
        """Let somebody listen in a container of the platform, on a port of no use to it."""
        listener = (HERE / "listener.py").read_text()
        container.exec_run(["python3", "-c", listener, str(PORT)], detach=True)

    def attempts(self, own: Container, second: Container, peer: Container) -> Mapping[str, Attempt]:
        """What `own` tries for each case, with the addresses as they are now; `second` is the same
        person's other server, `peer` another person's.
        """
        hub, proxy = self.platform.container("hub"), self.platform.container("proxy")
        stranger = self.stranger
        own_networks = [name for name, *_ in _places(own)]
        gateways = [gateway for one in (own, second, peer) for *_, gateway in _places(one)]
        machine = [*self._outwards(), *(gateway for *_, gateway in _places(stranger))]
        hub_elsewhere = [ip for name, ip, _ in _places(hub) if name not in own_networks]
        ipv6 = _tcp(self._ipv6(), self.host_port)
        link_local = _tcp([_link_local(peer)], PORT)
        proxy_api = _tcp([*_ips(proxy), "proxy", "proxy-api"], PROXY_API)
        home = self.platform.environment["JHUB_USER_VOLUME_PREFIX"]
        peer_home = home + peer.labels[f"{LABEL}.user"].replace("-", "_2d")
        sockets = ["file", "/var/run/docker.sock", "/run/engine/docker.sock"]
        return {
            "peer-ip": _alike(peer, [*_tcp(_ips(peer), SERVER), *_tcp(_ips(peer), PORT)]),
            "peer-name": _alike(peer, _tcp(_names(peer), SERVER)),
            "peer-ipv6": Attempt(link_local, peer, _tcp(["::1"], PORT)),
            "peer-arp": _alike(hub, [["link", ip] for ip in _ips(peer)]),
            "own-second": _alike(second, _tcp([*_ips(second), *_names(second)], SERVER)),
            "proxy-api": Attempt(proxy_api, hub, _tcp(["proxy-api"], PROXY_API)),
            "proxy-page": Attempt(
                _tcp([*_ips(proxy), "proxy"], PROXY_PAGE), hub, _tcp(["proxy-api"], PROXY_PAGE)
            ),
            "hub-port": _alike(hub, _tcp(_ips(hub), PORT)),
            "hub-elsewhere": _alike(hub, _tcp(hub_elsewhere, HUB_API)),
            "published": Attempt(
                _tcp([*gateways, *machine], self.published_port),
                stranger,
                _tcp(machine, self.published_port),
            ),
            "host": Attempt(
                _tcp([*gateways, *machine], self.host_port), stranger, _tcp(machine, self.host_port)
            ),
            "host-ipv6": Attempt(ipv6, self.host, ipv6),
            "docker-network": _alike(stranger, _tcp(_ips(stranger), PORT)),
            "metadata": _alike(stranger, [["tcp", *METADATA]]),
            "docker-socket": _alike(self.platform.container("engine"), [sockets]),
            "peer-home": _alike(peer, [["mount", peer_home]]),
            "database": _alike(hub, [["file", "/srv/jupyterhub/jupyterhub.sqlite"]]),
            "raw-socket": _alike(stranger, [["raw"]]),
            "address": Attempt(
                [["address", ip] for name, ip, _ in _places(proxy) if name in own_networks],
                stranger,
                [["address", "192.0.2.7"]],
            ),
            "device": _alike(stranger, [["device"]]),
            "hub-api": _alike(second, _tcp(["hub"], HUB_API)),
            "dns": _alike(stranger, [["name", self.registry]]),
            "registry": _alike(stranger, _tcp([self.registry], 443)),
        }

    def _outwards(self) -> list[str]:
        """The host's address towards the world. Nothing is sent to find it."""
        code = (
            "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
            "s.connect(('198.51.100.1', 9)); print(s.getsockname()[0])"
        )
        return [self.host.exec_run(["python3", "-c", code]).output.decode().strip()]

    def _ipv6(self) -> list[str]:
        """The host's IPv6 addresses but link-local ones, `::1` where it has no others."""
        table = self.host.exec_run(["cat", "/proc/net/if_inet6"]).output.decode()
        found = [line.split()[0] for line in table.splitlines() if line.split()[3] == "00"]
        return [":".join(a[i : i + 4] for i in range(0, 32, 4)) for a in found] or ["::1"]


def try_all(
    server: Container, attempts: Mapping[str, Attempt], *, as_root: bool = False
) -> dict[str, str]:
    """Each case's outcome from inside `server`, all at once, with the controls beside it.

    With `as_root` its person tries it with sudo. An outcome that is neither wholly denied nor
    wholly reached tells what was seen.
    """
    groups: dict[Container, list[Sequence[Probe]]] = {}
    for attempt in attempts.values():
        groups.setdefault(attempt.control, []).append(attempt.control_probes)
    with ThreadPoolExecutor() as threads:
        controls = {one: threads.submit(_try, one, probes) for one, probes in groups.items()}
        mine = [attempt.probes for attempt in attempts.values()]
        tried = _try(server, mine, sudo=as_root)
        checked = {one: iter(done.result()) for one, done in controls.items()}
    outcomes = {}
    for (key, attempt), seen in zip(attempts.items(), tried, strict=True):
        control = next(checked[attempt.control])
        outcomes[key] = _outcome(seen)
        if _outcome(control) != REACHED:
            outcomes[key] += f" (but where it should be reached: {control})"
    return outcomes


def reached(container: Container, *probes: Probe) -> list[bool]:
    """Which of these are reached from inside a container."""
    return [was for was, _ in _try(container, [probes])[0]]


def unexpected(outcomes: Mapping[str, str]) -> dict[str, str]:
    """The cases that went otherwise than they should."""
    wanted = {case.key: case.expected for case in CASES}
    assert set(outcomes) == set(wanted), "a case was not tried"
    return {key: seen for key, seen in outcomes.items() if seen != wanted[key]}


def _outcome(seen: Sequence[tuple[bool, str]]) -> str:
    reached = {one for one, _ in seen}
    if len(reached) != 1:
        return f"partly: {seen}"
    return REACHED if reached.pop() else DENIED


def _try(
    container: Container, groups: Sequence[Sequence[Probe]], *, sudo: bool = False
) -> list[list[tuple[bool, str]]]:
    """Run all groups' probes in one call; the results in groups again."""
    flat = [probe for group in groups for probe in group]
    command = ["python3", "-c", (HERE / "probe.py").read_text(), json.dumps(flat)]
    if sudo:
        command = ["sudo", "-n", *command]
    code, output = container.exec_run(command, user="nebula" if sudo else "", demux=True)
    assert code == 0, f"{container.name}: {(output[1] or b'').decode()}"
    results = iter(json.loads(output[0]))
    return [[tuple(next(results)) for _ in group] for group in groups]


def _registry(root: Path) -> str:
    """The host name of the Python registry that the locks name."""
    packages = uv_lock.read(root / uv_lock.NAME).packages
    urls = (package["source"].get("registry", "") for package in packages)
    return next(str(host) for url in urls if (host := urlsplit(url).hostname))


def _listens_on(container: Container) -> int:
    """The port it says it listens on; 0 before."""
    words = container.logs().split()
    return int(words[-1]) if b"listening" in words else 0


def _alike(control: Container, probes: Sequence[Probe]) -> Attempt:
    """The same probes from the control as from the server."""
    return Attempt(probes, control, probes)


def _tcp(addresses: Sequence[str], port: int) -> list[Probe]:
    return [["tcp", address, port] for address in addresses]


def _places(container: Container) -> list[tuple[str, str, str]]:
    """Name, IPv4 address and gateway of each network a container is on, as they are now."""
    container.reload()
    networks: Mapping[str, Any] = container.attrs["NetworkSettings"]["Networks"]
    return [(name, one["IPAddress"], one["Gateway"]) for name, one in networks.items()]


def _ips(container: Container) -> list[str]:
    return [ip for _, ip, _ in _places(container)]


def _names(container: Container) -> list[str]:
    """What Docker's DNS calls a container on its network."""
    return [str(container.name), str(container.id)[:12]]


def _link_local(container: Container) -> str:
    """The IPv6 address a container would have by itself (RFC 4291, appendix A)."""
    (network,) = container.attrs["NetworkSettings"]["Networks"].values()
    mac = bytes.fromhex(network["MacAddress"].replace(":", ""))
    eui = bytes([mac[0] ^ 2, *mac[1:3], 0xFF, 0xFE, *mac[3:]]).hex()
    return "fe80::" + ":".join(eui[i : i + 4] for i in range(0, 16, 4)) + "%eth0"
