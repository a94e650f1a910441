"""A platform and an engine for the rules of the filter: what there is, and how they are asked."""

import asyncio
import json
from typing import Any

import hostile_calls as hostile

from engine_filter.calls import Forward, MissingError, Record
from engine_filter.policy import Policy, from_settings
from engine_filter.routes import Verdict, judge
from hub_config.offer.profiles import PROFILES_LABEL, Profile
from hub_config.settings import Settings

WORLD = hostile.World()
AS_ROOT = hostile.World(nb_uid=1234)
"""The same platform where servers start as root (JHUB_NB_UID)."""
POLICIES = {world: from_settings(Settings(nb_uid=world.nb_uid)) for world in (WORLD, AS_ROOT)}
POLICY = POLICIES[WORLD]
OFFER = {
    "name": "uv-lab",
    "profiles": {"small": {"mem_limit": "1G", "cpu_limit": 1, "cpu_guarantee": 1}},
}
OURS = {"io.jhub-docker.platform": "jhub-docker"}
ANN = OURS | {"io.jhub-docker.user": "ann"}
MALLORY = OURS | {"io.jhub-docker.user": "mallory", "io.jhub-docker.server": ""}
HUB = OURS | {"com.docker.compose.service": "hub"}


class Engine:
    """An engine that has a few objects: the platform's, a person's and somebody else's."""

    driver = "overlay2"

    def __init__(self) -> None:
        self.things: dict[str, Record] = {
            "containers/jupyter-ann": {"Id": "a" * 64, "Config": {"Labels": ANN}},
            f"containers/{WORLD.hub}": {"Id": "b" * 64, "Config": {"Labels": HUB}},
            f"containers/{WORLD.other_container}": {"Id": "c" * 64, "Config": {"Labels": {}}},
            f"images/{WORLD.image}": {"Config": {"Labels": {PROFILES_LABEL: json.dumps(OFFER)}}},
            f"images/{WORLD.other_image}": {"Config": {"Labels": None}},
            f"networks/{WORLD.server_network}": {
                "Id": "d" * 64,
                "Labels": MALLORY,
                "IPAM": {"Config": [{"Subnet": hostile.subnet(WORLD)}]},
            },
            f"networks/{WORLD.other_network}": {"Id": "e" * 64, "Labels": {}},
            "networks/bridge": {"Id": "f" * 64, "Labels": {}},
            "networks/host": {"Id": "0" * 64, "Labels": {}},
            f"volumes/{WORLD.home}": {"Labels": MALLORY},
            f"volumes/{WORLD.data_volume}": {"Labels": OURS},
            f"volumes/{WORLD.other_volume}": {"Labels": {"io.jhub-docker.platform": "other"}},
        }

    async def info(self) -> Record:
        return {"Driver": self.driver, "DriverStatus": []}

    async def one(self, kind: str, name: str) -> Record:
        try:
            return self.things[f"{kind}/{name}"]
        except KeyError:
            raise MissingError(f"no {kind} {name}") from None


def ask(method: str, target: str, body: str = "", policy: Policy = POLICY) -> Verdict:
    return asyncio.run(judge(method, target, body.encode(), policy, lambda _version: Engine()))


def forwarded(method: str, target: str, body: Any = None, policy: Policy = POLICY) -> Forward:
    text = "" if body is None else json.dumps(body)
    decision = ask(method, target, text, policy).decision
    assert isinstance(decision, Forward)
    return decision


def create(policy: Policy = POLICY, **host_config: Any) -> dict[str, Any]:
    body = hostile.creation(WORLD)
    body["HostConfig"] |= host_config
    target = f"/v1.45/containers/create?name={WORLD.name}"
    passed = forwarded("POST", target, body, policy).body
    assert passed is not None
    return passed


PROFILE = Profile(
    key=WORLD.profile,
    size="small",
    image=WORLD.image,
    image_title="",
    description="",
    port=8888,
    default_url="",
    memory=hostile.GIB,
    cpu_limit=1,
    cpu_guarantee=1,
)

CASES = [(case, policy) for world, policy in POLICIES.items() for case in hostile.cases(world)]
NAMES = [
    f"{case.subject}: {case.title}{' (root)' if policy != POLICY else ''}" for case, policy in CASES
]
