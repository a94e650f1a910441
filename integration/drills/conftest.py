"""An engine of its own, a platform on it, and people at work."""

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from jhub_testing.histories import History
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine

from .own_engine import GPUS, OwnEngine
from .people import People, Worker
from .scene import GPU_PROFILE, NAMES, Scene, small_disk

SEED, SECONDS = "JHUB_DRILLS_SEED", "JHUB_DRILLS_SECONDS"


@pytest.fixture(scope="session")
def seed() -> int:
    """All chance follows from it."""
    # What an operator calls would take the variables for settings.
    found = int(os.environ.pop(SEED, "") or secrets.randbelow(2**32))
    print(f"{SEED}={found}")
    return found


@pytest.fixture(scope="session")
def seconds() -> float:
    """How long things go wrong at random."""
    return float(os.environ.pop(SECONDS, "60"))


@pytest.fixture(scope="session")
def own_engine() -> Iterator[OwnEngine]:
    with OwnEngine() as own:
        yield own


@pytest.fixture(scope="session")
def engine(own_engine: OwnEngine, pytestconfig: pytest.Config) -> Iterator[Engine]:
    """Of this session, on that engine."""
    with Engine(pytestconfig.rootpath / ".test-logs") as engine:
        yield engine


@pytest.fixture(scope="session")
def scene(
    own_engine: OwnEngine,
    engine: Engine,
    seed: int,
    seconds: float,
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    """People at work; the first one's home is on a small disk."""
    folder, history = tmp_path_factory.mktemp("disks"), History()
    settings = {
        "JHUB_SIGNUP": "open",
        "JHUB_USER_SERVER_LIMIT": "2",
        # The data volume is small.
        "JHUB_MIN_FREE_DISK_GB": "0.01",
        "JHUB_GPU_PROFILES": f"{GPU_PROFILE}=1*{GPUS[0].partition('=')[0]}",
        "JHUB_GPU_DEVICES": ", ".join(GPUS),
        "JHUB_BACKUP_TO": str(folder / "backups"),
    }
    platform = Platform(engine, pytestconfig.rootpath, "drills", settings=settings)
    data, home = folder / "data", folder / "home"
    with ExitStack() as stack:
        platform.make_data_volume(
            stack.enter_context(small_disk(data, "size=80m,uid=990,gid=990,mode=0700"))
        )
        options = stack.enter_context(small_disk(home, "size=16m"))
        stack.enter_context(platform)
        workers = [Worker(platform.url, name, history, seed) for name in NAMES]
        people = People(workers, history)
        scene = Scene(own_engine, platform, platform.first_admin(), people, history, data, home)
        with ThreadPoolExecutor(len(workers)) as threads:
            list(threads.map(Worker.sign_up, workers))
        scene.move_home(workers[0], options)
        stack.enter_context(people)
        people.until_all_wrote()
        yield scene
