"""When there is room for one more server, and what is said when there is none."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hub_config.groups import UserLimits
from hub_config.offer.cards import Person
from hub_config.offer.profiles import Profile
from hub_config.offer.room import (
    GB,
    Host,
    Promise,
    memory_available,
    obstacle,
    promise,
    room,
)
from hub_config.settings import Settings
from hub_config.told import Refusal

from .fake_engine import fake_counter

HOST = Host(memory=24 * GB, memory_available=20 * GB, cpus=2, disk_free=50 * 10**9)
ANYTHING = UserLimits()


def profile(memory: float = 2, cpus: float = 1, key: str = "uv-lab-small") -> Profile:
    return Profile(
        key=key,
        size="small",
        image="local/uv-lab:latest",
        image_title="JupyterLab",
        description="",
        port=8888,
        default_url="/lab",
        memory=int(memory * GB),
        cpu_guarantee=cpus,
    )


def running(*gigabytes: float) -> list[Promise]:
    return [Promise(int(one * GB), 1) for one in gigabytes]


def why(operator: Settings, *, host: Host = HOST, promised: Any = (), **wanted: Any) -> str:
    left = room(host, operator, promised)
    found = obstacle(profile(**wanted), [], ANYTHING, left)
    return found.sentence if found else ""


def test_promises_stay_within_the_machine_less_the_reserve() -> None:
    assert why(Settings(), promised=running(8, 8, 4), memory=3) == ""
    assert "needs 4 GB of memory, and 3 GB are free" in why(
        Settings(), promised=running(8, 8, 4), memory=4
    )


def test_what_others_on_the_machine_use_is_not_free() -> None:
    busy = Host(24 * GB, int(1.5 * GB), 2, 50 * 10**9)
    assert "1.5 GB are free" in why(Settings(), host=busy)


def test_servers_that_are_starting_have_their_memory_still_to_come() -> None:
    host = Host(24 * GB, 5 * GB, 2, 50 * 10**9)
    coming = [Promise(2 * GB, 1, starting=True)] * 2
    assert "1 GB are free" in why(Settings(), host=host, promised=coming)
    assert why(Settings(), host=host, promised=running(2, 2)) == ""


def test_overcommit_widens_what_may_be_promised() -> None:
    assert why(Settings(memory_overcommit=2), promised=running(*[2] * 19)) == ""
    assert why(Settings(memory_overcommit=2), promised=running(*[2] * 23)) != ""


def test_overcommit_makes_no_more_of_what_the_kernel_calls_available() -> None:
    host = Host(24 * GB, 3 * GB, 2, 50 * 10**9)
    assert "3 GB are free" in why(Settings(memory_overcommit=2), host=host, memory=4)


def test_what_never_fits_is_said_so() -> None:
    assert "this machine has 23 GB for servers" in why(Settings(), memory=32)


def test_cpus_are_shared_unless_the_operator_says_otherwise() -> None:
    assert why(Settings(), cpus=4) == ""
    assert "needs 4 CPUs, and 2 are free" in why(Settings(cpu_overcommit=1), cpus=4)
    assert why(Settings(cpu_overcommit=2), cpus=4) == ""


def test_a_full_disk_starts_nothing() -> None:
    full = Host(24 * GB, 20 * GB, 2, 10**9)
    assert "1.5 GB have to be freed" in why(Settings(min_free_disk_gb=2.5), host=full)


def test_the_number_of_servers_in_all() -> None:
    assert "As many servers run" in why(Settings(active_server_limit=2), promised=running(1, 1))
    assert why(Settings(active_server_limit=2), promised=running(1)) == ""


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (UserLimits(servers=1), "You may run one server at a time"),
        (UserLimits(memory_gb=3), "of the 3 GB your servers may have together 1 GB are left"),
        (UserLimits(cpus=1.5), "of the 1.5 your servers may have together 0.5 are left"),
        (UserLimits(servers=2, memory_gb=4, cpus=2), ""),
    ],
)
def test_limits_of_one_person(limits: UserLimits, told: str) -> None:
    found = obstacle(profile(), running(2), limits, room(HOST, Settings(), []))
    assert told in (found.sentence if found else "")
    assert found is None or found.status == 403


def test_twenty_at_once_are_not_all_given_the_last_two_gigabytes(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        counter = fake_counter(Settings(memory_reserve_gb=2), tmp_path, MemTotal=4 * GB, NCPU=2)
        asked = (counter.admit(profile(), Person((str(user), ""))) for user in range(20))
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(main())
    assert sum(isinstance(answer, Refusal) for answer in answers) == 19


async def test_a_server_started_again_does_not_stand_in_its_own_way(tmp_path: Path) -> None:
    operator = Settings(memory_reserve_gb=2, user_server_limit=1)
    counter = fake_counter(operator, tmp_path, MemTotal=4 * GB, NCPU=2)
    await counter.admit(profile(), Person(("1", "")))
    await counter.admit(profile(), Person(("1", "")))
    with pytest.raises(Refusal):
        await counter.admit(profile(), Person(("1", "second")))
    counter.promises.release(("1", ""))
    await counter.admit(profile(), Person(("1", "second")))


def test_a_promise_is_the_profiles_limit_and_guarantee() -> None:
    assert promise(profile(memory=8, cpus=4)) == Promise(8 * GB, 4, starting=True)


def test_available_memory_is_read_from_the_kernels_words() -> None:
    assert memory_available("MemTotal: 100 kB\nMemAvailable:   42 kB\n") == 42 * 1024
