"""The benchmark `backup`: homes backed up and restored, beside `tar | zstd` of the same volumes.

Twenty people with 100 MB each, half of it text, and one with 50,000 small files: the first backup,
one after little has changed, and a restore. tar makes an archive of each volume in turn.
"""

import time
from collections.abc import Callable
from pathlib import Path

from jhub_bench.figures import Figure
from jhub_docker.host import programs as tools
from jhub_docker.progress import stage
from jhub_testing.backups import Backups
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine

PEOPLE, MEGABYTES = 20, 100
SMALL_FILES = 50_000
LABEL = "io.jhub-docker"

FILL = f"""
cd /home-volume; mkdir work
head -c {MEGABYTES * 500_000} /dev/urandom > work/data.bin
yes 'a line of text that is like others' | head -c {MEGABYTES * 500_000} > work/table.csv
"""
FILL_SMALL = f"""
cd /home-volume && python3 -c "
import pathlib
for number in range({SMALL_FILES}):
    place = pathlib.Path(f'tree/{{number // 250}}')
    place.mkdir(parents=True, exist_ok=True)
    (place / f'{{number}}.txt').write_text(f'file {{number}}' * 50)
"
"""
CHANGE = "head -c 200000 /dev/urandom > /home-volume/work.new"


def measure(root: Path) -> list[Figure]:
    """Each once: it is minutes of disk and CPU."""
    with Engine(root / ".test-logs" / "bench") as engine:
        place = root / ".bench" / f"repository-{engine.session}"
        settings = {"JHUB_BACKUP_TO": str(place)}
        platform = Platform(engine, root, "bench-backup", settings=settings)
        engine.own_project(platform.project)
        backups = Backups(platform)
        homes = [backups.home(f"person{number}") for number in range(PEOPLE)]
        small = backups.home("small")
        with stage("backup: making homes"):
            for home in (*homes, small):
                _make(backups, home)
        try:
            figures = [
                *_of(backups, f"{PEOPLE} people with {MEGABYTES} MB", homes, place),
                *_of(backups, f"{SMALL_FILES} small files", [small], place),
            ]
        finally:
            engine.run(
                f"local/jupyterhub-hub:{platform.environment['JHUB_IMAGE_TAG']}",
                ["sh", "-c", f"rm -rf /bench/{place.name}*"],
                user="root",
                volumes={str(place.parent): {"bind": "/bench"}},
            )
    return figures


def _make(backups: Backups, home: str) -> None:
    person = home.rpartition("-")[2]
    labels = {"platform": backups.platform.project, "user": person, "home": person}
    backups.platform.engine.client.volumes.create(
        home, labels={f"{LABEL}.{key}": value for key, value in labels.items()}
    )
    backups.in_volume(home, FILL_SMALL if person == "small" else FILL)


def _of(backups: Backups, what: str, homes: list[str], place: Path) -> list[Figure]:
    users = [f"--user={home.rpartition('-')[2]}" for home in homes]
    archives, zstd = place.with_name(f"{place.name}-tar"), tools.program("zstd")

    def tar(command: str) -> Callable[[], object]:
        def run() -> None:
            for home in homes:
                image = f"local/jupyterhub-hub:{backups.platform.environment['JHUB_IMAGE_TAG']}"
                backups.platform.engine.run(
                    image,
                    ["sh", "-c", command.format(file=f"/archives/{home}.tar.zst")],
                    user="root",
                    volumes={
                        home: {"bind": "/home-volume"},
                        str(archives): {"bind": "/archives"},
                        str(zstd): {"bind": "/usr/local/bin/zstd", "mode": "ro"},
                    },
                )

        return run

    pack = tar("tar -C /home-volume -cf - . | zstd -q -f -3 -T0 -o {file}")
    unpack = tar("rm -rf /home-volume/* && zstd -q -dc {file} | tar -C /home-volume -xpf -")
    figures = []

    def figure(name: str, ours: Callable[[], object], peer: Callable[[], object]) -> None:
        with stage(f"backup: {name}, {what}"):
            figures.append(
                Figure(
                    benchmark="backup",
                    subject=f"{name}, {what}",
                    unit="s",
                    ours=(_seconds(ours),),
                    peer=(_seconds(peer),),
                    peer_name="tar | zstd -3 of each volume, neither encrypted nor deduplicated",
                    note="Ours encrypts, keeps every version and reads a restore back.",
                )
            )

    figure("first", lambda: backups.invoke("backup", *users), pack)
    for home in homes:
        backups.in_volume(home, CHANGE)
    figure("second", lambda: backups.invoke("backup", *users), pack)
    figure("restore", lambda: backups.invoke("restore", *users, "--yes"), unpack)
    return figures


def _seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun
