"""The benchmarks `spawn` and `memory`: one server at a time, ours and the peer's in turn."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.models.containers import Container

from jhub_bench import memory, peer_images, plans
from jhub_bench.figures import Figure
from jhub_bench.peer_hub import PeerHub
from jhub_bench.selection import COMPILED
from jhub_bench.visitor import Visitor
from jhub_docker.catalog import Catalog, ImageSpec
from jhub_docker.progress import say, stage
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine

SPAWN_TARGET = 0.35
MEMORY_TARGET = 0.75
MEMORY_RUNS = 2
"""A server's memory hardly differs from one start to the next."""

_PEER = (
    "the seed's configuration made to work (ProfilesSpawner over DockerSpawner, port and ip set), "
    "same dependencies by a plain `uv sync --locked`: no overrides, no settings, "
)
_PEERS = {False: _PEER + "no bytecode", True: _PEER + "bytecode compiled in the build"}


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: who asks for servers, and where their container is."""

    visitor: Visitor
    container: Callable[[], Container]

    def stop(self) -> None:
        """End the server at once; how long a tidy end takes is not measured here."""
        self.container().kill()
        self.visitor.stop()


@dataclass(frozen=True)
class Pair:
    """Ours and the peer's server of one image."""

    spec: ImageSpec
    profile: str
    page: str
    ours: Side
    peer: Side
    compiled: bool
    """Whether the peer's environment has bytecode."""

    def compared(self, benchmark: str, target: float | None) -> dict[str, Any]:
        """What figures of this pair say of their peer; only the plain one has a target to reach."""
        return {
            "benchmark": benchmark + (COMPILED if self.compiled else ""),
            "peer_name": _PEERS[self.compiled],
            "target": None if self.compiled else target,
        }


@contextmanager
def both(
    client: DockerClient, root: Path, catalog: Catalog, *, compiled: bool = False
) -> Iterator[list[Pair]]:
    """Start our platform and the peer's hub, each with one person for each image."""
    specs = catalog.singleuser
    with Engine(root / ".test-logs" / "bench") as engine:
        references = plans.references(client, catalog)
        images = peer_images.build_images(client, root, specs, references, compiled=compiled)
        platform = Platform(engine, root, settings={"JHUB_SIGNUP": "open"})
        keys = {spec.name: f"{spec.name}-{next(iter(spec.profiles))}" for spec in specs}
        hub_image = f"{catalog['hub'].repository}:{platform.environment['JHUB_IMAGE_TAG']}"
        small = next(iter(specs[0].profiles.values()))
        limits = {"mem_limit": small.mem_limit, "cpu_limit": small.cpu_limit}
        peer = PeerHub(
            engine, hub_image, {keys[name]: image for name, image in images.items()}, limits
        )
        with ExitStack() as stack:
            with stage("starting our platform and the peer's hub"):
                stack.enter_context(platform)
                stack.enter_context(peer)
            yield [
                _pair(platform, peer, spec, keys[spec.name], compiled=compiled) for spec in specs
            ]


def _pair(
    platform: Platform, peer: PeerHub, spec: ImageSpec, profile: str, *, compiled: bool
) -> Pair:
    name = spec.name.replace("-", "")  # spawners escape the hyphen
    ours, theirs = Visitor(platform.url, name), Visitor(peer.url, name)
    ours.sign_up()
    peer.home(name)
    for visitor in (ours, theirs):
        visitor.enter()
    return Pair(
        spec,
        profile,
        spec.probe or "/lab",
        Side(ours, lambda: platform.servers(name)[0]),
        Side(theirs, lambda: peer.server(name)),
        compiled,
    )


def spawn(pairs: list[Pair], runs: int) -> list[Figure]:
    """Seconds from the request for a server to its page, per image; the first start is not counted.

    That one fills the home volume and the page cache, on both sides.
    """
    figures = []
    for pair in pairs:
        times: dict[str, list[float]] = {"ours": [], "peer": []}
        with stage(f"spawn {pair.spec.name}: {runs} times each, in turn"):
            for run in range(runs + 1):
                for name, side in (("ours", pair.ours), ("peer", pair.peer)):
                    seconds = side.visitor.time_to_page(pair.profile, pair.page)
                    side.stop()
                    if run:
                        times[name].append(seconds)
            say(f"    ours {_listing(times['ours'])}; peer {_listing(times['peer'])}")
        figures.append(
            Figure(
                subject=f"{pair.spec.name} {pair.page}",
                unit="s",
                ours=tuple(times["ours"]),
                peer=tuple(times["peer"]),
                note="From POST to the page in the browser, one uncounted start before.",
                **pair.compared("spawn", SPAWN_TARGET),
            )
        )
    return figures


def idle_memory(pairs: list[Pair], runs: int) -> list[Figure]:
    """Memory of an idle server whose page was opened once, per image."""
    figures = []
    for pair in pairs:
        found: dict[str, list[memory.Resident]] = {"ours": [], "peer": []}
        with stage(f"memory {pair.spec.name}"):
            for _ in range(min(runs, MEMORY_RUNS)):
                for name, side in (("ours", pair.ours), ("peer", pair.peer)):
                    side.visitor.start(pair.profile)
                    side.visitor.open(pair.page)
                    container = side.container()
                    memory.wait_until_idle(container)
                    found[name].append(memory.resident(container))
                    side.stop()
        figures.append(
            Figure(
                subject=pair.spec.name,
                unit="MB",
                ours=tuple(value.pss for value in found["ours"]),
                peer=tuple(value.pss for value in found["peer"]),
                note=(
                    "Proportional set size of all processes of an idle server whose page was "
                    "opened once; resident set size below."
                ),
                details=(
                    ("resident set size, ours", found["ours"][-1].rss),
                    ("resident set size, peer", found["peer"][-1].rss),
                ),
                **pair.compared("memory", MEMORY_TARGET),
            )
        )
    return figures


def _listing(values: list[float]) -> str:
    return " ".join(f"{value:.2f}" for value in values)
