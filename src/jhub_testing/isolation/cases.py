"""The cases of the isolation matrix, and the table of what happened. Pure.

Adding a case is adding a line here and saying in `world` what is tried for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

WRITE_VARIABLE = "JHUB_TEST_WRITE_DOCS"
"""Set, the run writes docs/isolation.md instead of comparing it."""

DENIED, REACHED = "denied", "reached"


@dataclass(frozen=True)
class Case:
    """Something a server tries to reach; the table shows `title`."""

    key: str
    title: str
    expected: str


CASES = (
    Case("peer-ip", "another person's server, by IP", DENIED),
    Case("peer-name", "another person's server, by its name", DENIED),
    Case("peer-ipv6", "another person's server, by IPv6", DENIED),
    Case("peer-arp", "another person's server, on the same link (ARP)", DENIED),
    Case("own-second", "one's own second server, by IP and name", DENIED),
    Case("proxy-api", "the proxy's API, at every address of the proxy", DENIED),
    Case("proxy-page", "the proxy's page, at every address of the proxy", DENIED),
    Case("hub-port", "the hub, another port, at every address of the hub", DENIED),
    Case("hub-elsewhere", "the hub's API, at its addresses on other networks", DENIED),
    Case("published", "a port published on the host, at gateways and the host's addresses", DENIED),
    Case("host", "a service of the host, at gateways and the host's addresses", DENIED),
    Case("host-ipv6", "a service of the host, by IPv6", DENIED),
    Case("docker-network", "a container on another Docker network", DENIED),
    Case("metadata", "the metadata address 169.254.169.254", DENIED),
    Case("docker-socket", "the Docker Engine's socket, and the filter's", DENIED),
    Case("peer-home", "another person's home volume", DENIED),
    Case("database", "the hub's database", DENIED),
    Case("raw-socket", "a raw socket", DENIED),
    Case("address", "another address on its own network, such as the proxy's", DENIED),
    Case("device", "a device node of its own making", DENIED),
    Case("hub-api", "the hub's API on its own network", REACHED),
    Case("dns", "names on the internet (DNS)", REACHED),
    Case("registry", "a package registry on the internet", REACHED),
)

BEFORE = "at first"
AS_ROOT = "at first, as root (sudo)"
"""Tried by root in a server whose profile has sudo."""

EVENTS = (
    "engine restarted",  # when the others' tests are still short ones
    "server restarted",
    "hub restarted",
    "hub recreated",
    "proxy recreated",
    "firewall's container killed",
)
"""After each of these, in this order, all cases are tried again."""

Outcome = Mapping[str, str]
"""What happened, by the case's key."""

PREAMBLE = """# What a person's server can reach

Tried from inside a running server, again after each of the events; written by
`integration/test_isolation.py`, which fails when something else happens. For every "denied" an
attempt from a place that may reach it shows in the same moment that the target is alive.
"""

BELOW = """
## With sudo

The second column is what root tries in a server whose profile has sudo (`JHUB_SUDO_PROFILES`); it
reaches the same. What differs is inside the container, and in what the person may write to:

- `no-new-privileges` is off, so set-id programs work there, and root has eight capabilities
  ([the list](../packages/hub/README.md#what-a-server-may-do)): enough to install packages and to
  own any file. It has none to open raw sockets, to give itself another address, to change routes,
  to mount, to make device nodes, to load modules or to trace others' processes, and gets none.
- Root owns every file of the home and of shared folders the person may write to, whoever made it,
  and may leave set-id programs there. In servers without sudo those gain nothing; in another
  member's server with sudo they run as its root, which that member may be anyway.
- Memory, processes, CPUs and networks are as ever; `JHUB_READ_ONLY_ROOT` does not apply.
- Its user id is that of the host's root, unless the engine remaps users (`userns-remap`, a setting
  of the whole engine). A hole in the kernel is worth more to root than to anybody else.

## Private networks around the host

A machine on a private network that the host is connected to is reached, since databases and file
servers often are such machines. With `JHUB_BLOCK_PRIVATE_NETWORKS=true` it is not, unless
`JHUB_ALLOWED_DESTINATIONS` names it; the hub's API stays reached. The same test tries it with a
machine at the end of a cable of its own.
"""


def table(outcomes: Mapping[str, Outcome]) -> str:
    """The page docs/isolation.md for the outcomes of each event, `BEFORE` included."""
    head = ["From a server to", *outcomes]
    rows = [[case.title, *(seen[case.key] for seen in outcomes.values())] for case in CASES]
    lines = [head, ["---"] * len(head), *rows]
    return PREAMBLE + "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n" + BELOW


def expected(events: Iterable[str] = (BEFORE, AS_ROOT, *EVENTS)) -> str:
    """The page when everything is as it should be."""
    wanted = {case.key: case.expected for case in CASES}
    return table(dict.fromkeys(events, wanted))
