"""GPUs: who asks for what, which are free, who gets which, and when one comes back."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hub_config import names
from hub_config.jobs.decisions import WAITS
from hub_config.offer.cards import Person, make_offer, render
from hub_config.offer.counter import Counter
from hub_config.offer.profiles import PROFILES_LABEL, Profile, bounded, of_image
from hub_config.offer.room import GB, Host, devices_found, room
from hub_config.offer.stock import Stock
from hub_config.runtime.interface import Container
from hub_config.settings import Settings
from hub_config.settings.gpus import NVIDIA, Gpus, entries, kind_of, known
from hub_config.settings.tables import Size
from hub_config.spawning.options import gpu_notices
from hub_config.told import Refusal

from .fake_engine import fake_counter

SLICE = "nvidia.com/mig-1g.10gb"
BOTH = {"nvidia.com/gpu=0": NVIDIA, "nvidia.com/gpu=1": NVIDIA, "nvidia.com/gpu=2:0": SLICE}
LISTED = f"nvidia.com/gpu=0, nvidia.com/gpu=1, nvidia.com/gpu=2:0 as {SLICE}"
PROFILE = Profile("lab-large", "large", "i:latest", "Lab", "", 8888, "", memory=GB, gpus=Gpus())


@pytest.mark.parametrize(
    ("listed", "found", "there"),
    [
        ("nvidia.com/gpu=1, nvidia.com/gpu=0", None, ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]),
        ("nvidia.com/gpu=*", None, []),
        (
            "nvidia.com/gpu=*",
            [f"nvidia.com/gpu={name}" for name in ("10", "2", "all", "GPU-0a")],
            ["nvidia.com/gpu=2", "nvidia.com/gpu=10"],
        ),
        ("nvidia.com/gpu=0, nvidia.com/gpu=1", ["nvidia.com/gpu=1"], ["nvidia.com/gpu=1"]),
        ("0, GPU-0a, nvidia.com/gpu=0", [], ["0", "GPU-0a"]),
        ("nvidia.com/gpu=*:*", ["nvidia.com/gpu=0", "nvidia.com/gpu=0:1"], ["nvidia.com/gpu=0:1"]),
        ("", ["nvidia.com/gpu=0"], []),
    ],
)
def test_what_there_is_to_give(listed: str, found: list[str] | None, there: list[str]) -> None:
    assert list(known(entries(listed), found)) == there


def test_a_device_counts_as_what_the_first_entry_says() -> None:
    listed = entries(f"nvidia.com/gpu=1:* as {SLICE}, nvidia.com/gpu=*:*, 3, vendor.example/npu=a")
    kinds = [kind_of(one, listed) for one in ("nvidia.com/gpu=1:0", "nvidia.com/gpu=0:0", "3")]
    assert kinds == [SLICE, NVIDIA, NVIDIA]
    assert kind_of("vendor.example/npu=a", listed) == "vendor.example/npu"
    assert kind_of("vendor.example/npu=b", listed) is None


def test_what_the_engine_says_it_has() -> None:
    cdi = {"Source": "cdi", "ID": "nvidia.com/gpu=0"}
    assert devices_found({"DiscoveredDevices": [cdi, {"Source": "x", "ID": "y"}]}) == {cdi["ID"]}
    assert devices_found({"CDISpecDirs": []}) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"gpu_devices": "nvidia.com/gpu=0 as gpu"},
        {"gpu_devices": "nvidia.com/gpu=0;1"},
        {"gpu_devices": "/dev/nvidia0"},
        {"gpu_profiles": "lab-large=0"},
        {"gpu_profiles": "lab-large=all"},
        {"gpu_profiles": "lab-large=1*gpu"},
        {"gpu_profiles": "lab-large, lab-large=1"},
    ],
)
def test_what_cannot_be_is_refused_with_the_settings(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"such as|each profile once"):
        Settings(**wrong)


def test_a_profile_asks_by_its_image_or_by_the_operator_who_wins() -> None:
    label = '{"name": "lab", "profiles": {"large": {"mem_limit": "2G", "gpus": 2}}}'
    (wish,) = of_image("i:latest", {PROFILES_LABEL: label})
    assert bounded(wish, Settings()).gpus == Gpus(count=2)
    told = Settings(gpu_profiles=f"lab-large = 1 * {SLICE}")
    assert bounded(wish, told).gpus == Gpus(count=1, kind=SLICE)
    assert bounded(wish, Settings(gpu_profiles="lab-large")).gpus is None, "it has all of them"
    for asked in (1, {"count": 1}, {"kind": NVIDIA}):
        assert Size(mem_limit="1G", gpus=asked).model_dump()["gpus"] == {"count": 1, "kind": NVIDIA}
    for wrong in (0, 65, True, "1", {"count": 1, "device": "0"}, {"kind": "cpu"}):
        with pytest.raises(ValidationError):
            Size(mem_limit="1G", gpus=wrong)


def test_the_first_free_ones_are_given_and_what_lacks_is_said() -> None:
    stock = Stock(BOTH, frozenset({"nvidia.com/gpu=0"}))
    assert stock.assign(Gpus()) == ("nvidia.com/gpu=1",)
    assert stock.assign(Gpus(kind=SLICE)) == ("nvidia.com/gpu=2:0",)
    assert stock.assign(None) == ()
    assert stock.lack(Gpus(count=2)) == "It needs 2 GPUs, and 1 of 2 are free."
    assert stock.lack(Gpus(count=3)) == "It needs 3 GPUs, and this machine has 2 for servers."
    assert [*stock.told()] == ["GPUs: 1 of 2 are free.", "mig-1g.10gb: 1 of 1 are free."]


MACHINE: Any = {"MemTotal": 64 * GB, "NCPU": 2, "Elsewhere": True}


def container(name: str, state: str, devices: str) -> Container:
    labels = {names.DEVICES: devices}
    return Container("1", name, name, "", state, devices=names.devices(labels))


def counter(tmp_path: Path, there: dict[str, Container], listed: str = LISTED) -> Counter:
    operator = Settings(gpu_devices=listed, memory_reserve_gb=0, min_free_disk_gb=0)
    return fake_counter(operator, tmp_path, there, **MACHINE)


def test_twenty_at_once_get_each_device_once_and_it_comes_back(tmp_path: Path) -> None:
    there = {"ann": container("ann", "exited", "nvidia.com/gpu=0")}
    one = counter(tmp_path, there)

    async def ask(count: int) -> list[Any]:
        asked = (one.admit(PROFILE, Person((str(user), ""))) for user in range(count))
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(ask(20))
    assert [a.devices for a in answers if isinstance(a, Profile)] == [("nvidia.com/gpu=1",)]
    refused = [a for a in answers if isinstance(a, Refusal)]
    assert len(refused) == 19
    assert "It needs 1 GPU, and 0 of 2 are free." in refused[0].jupyterhub_message
    assert (refused[0].reason, refused[0].status_code) == ("gpus", 503)
    assert refused[0].reason in WAITS, "a scheduled run waits for one"
    # Its container is gone, as after a stop or by reconciling: the device is free again.
    there.clear()
    again = asyncio.run(one.admit(PROFILE, Person(("bea", ""))))
    assert again.devices == ("nvidia.com/gpu=0",)


async def test_a_server_made_anew_may_have_its_own_device_again(tmp_path: Path) -> None:
    there = {"ann": container("ann", "running", "nvidia.com/gpu=0")}
    one = counter(tmp_path, there, "nvidia.com/gpu=0")
    assert (await one.admit(PROFILE, Person(("ann", "")))).devices == ("nvidia.com/gpu=0",)
    with pytest.raises(Refusal):
        await one.admit(PROFILE, Person(("ann", "second")))


async def test_on_kubernetes_the_cluster_assigns(tmp_path: Path) -> None:
    operator = Settings(runtime="kubernetes", memory_reserve_gb=0, min_free_disk_gb=0)
    one = fake_counter(operator, tmp_path, **MACHINE)
    assert (await one.admit(PROFILE, Person(("ann", "")))).devices == ()


def test_the_operator_is_told_of_profiles_that_can_never_start() -> None:
    cdi = {"DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}]}
    told = gpu_notices([PROFILE], Settings(gpu_devices="nvidia.com/gpu=*"), {})
    assert "lab-large cannot be started: It needs 1 GPU, and this machine has 0" in "".join(told)
    assert not [*gpu_notices([PROFILE], Settings(gpu_devices="nvidia.com/gpu=*"), cdi)]
    assert not [*gpu_notices([replace(PROFILE, gpus=None)], Settings(), {})]


def test_the_form_says_what_is_free_and_what_each_has() -> None:
    host = Host(64 * GB, 64 * GB, 2, 10**12, frozenset(BOTH))
    left = room(host, Settings(gpu_devices="nvidia.com/gpu=*"), [], frozenset(list(BOTH)[:1]))
    both = replace(PROFILE, key="lab-both", gpus=Gpus(count=2))
    form = render(make_offer([PROFILE, both], Person(), {}, left))
    assert "GPUs: 1 of 2 are free." in form
    assert "1 GB memory, 1 GPU<" in form
    assert "It needs 2 GPUs, and 1 of 2 are free." in form
