"""`up` and `down` with something in the way: twice at once, interrupted, a hub that cannot start, a
change that Compose would ignore, a volume that is held.

Engine, Compose and tasks are real. Of hub and proxy only what these see of them is there, so that
a start takes a second; the real ones are in integration/test_up_and_down.py.
"""

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from docker.errors import NotFound
from docker.models.containers import Container

from jhub_docker.build import marks
from jhub_docker.platform import chosen
from jhub_docker.platform.ports import free_port
from jhub_testing import pretended
from jhub_testing.operator import Operator, begun
from jhub_testing.platforms import Platform
from jhub_testing.pretended import REPOSITORIES
from jhub_testing.resources import Engine


@pytest.fixture(scope="module")
def tag(engine: Engine, base: str) -> str:
    """The tag of hub's and proxy's images."""
    return pretended.images(engine, base, engine.name("pretended"))


@pytest.fixture(scope="module")
def operator(engine: Engine, tag: str, pytestconfig: pytest.Config) -> Iterator[Operator]:
    settings = {"JHUB_IMAGE_TAG": tag}
    platform = Platform(engine, pytestconfig.rootpath, "disturbed", settings=settings)
    engine.own_project(platform.project)
    yield Operator(platform)
    engine.remove_project(platform.project)


def identities(platform: Platform) -> dict[str, str]:
    return {service: str(platform.container(service).id) for service in platform.services}


def own(platform: Platform, **changes: object) -> Container:
    """A container of the hub's image that only holds the data volume."""
    made: Container = platform.engine.client.containers.create(
        f"local/jupyterhub-hub:{platform.environment['JHUB_IMAGE_TAG']}",
        **{
            "command": ["holds"],
            "labels": platform.engine.labels,
            "volumes": {platform.environment["JHUB_DATA_VOLUME"]: {"bind": "/held"}},
            **changes,
        },
    )
    return made


def test_a_checkout_runs_what_it_built_unless_told_otherwise(
    engine: Engine,
    tag: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    for file in pytestconfig.rootpath.glob("compose*.yaml"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "packages").symlink_to(pytestconfig.rootpath / "packages")
    monkeypatch.setenv("JHUB_PLATFORM", engine.name("checkout"))
    monkeypatch.delenv("JHUB_IMAGE_TAG", raising=False)
    hub, own = REPOSITORIES[0], marks.checkout_tag(tmp_path)
    assert chosen.read(tmp_path).images["hub"] == f"{hub}:latest"
    for repository in REPOSITORIES:
        engine.client.images.get(f"{repository}:{tag}").tag(repository, own)
    platform = chosen.read(tmp_path)
    assert platform.images["hub"] == f"{hub}:{own}"
    assert platform.hub_environment["JHUB_IMAGE_TAG"] == own
    monkeypatch.setenv("JHUB_IMAGE_TAG", tag)
    assert chosen.read(tmp_path).images["hub"] == f"{hub}:{tag}"


def test_two_at_once_start_one_platform(operator: Operator) -> None:
    both = [begun(operator.platform, "up", "--no-build") for _ in range(2)]
    ended = [one.communicate() for one in both]
    assert [one.returncode for one in both] == [0, 0], ended
    assert all("JupyterHub is up" in out for out, _ in ended)
    before = identities(operator.platform)
    assert operator.invoke("up", "--no-build").returncode == 0
    assert identities(operator.platform) == before


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_what_an_interrupted_up_began_the_next_one_finishes(
    operator: Operator, sent: signal.Signals
) -> None:
    changed = {"JHUB_BRAND_NAME": sent.name}
    with begun(operator.platform, "up", "--no-build", **changed) as interrupted:
        assert interrupted.stderr
        assert any("starting the platform" in line for line in interrupted.stderr)
        os.killpg(interrupted.pid, sent)
    assert interrupted.returncode != 0
    again = operator.invoke("up", "--no-build", **changed)
    assert again.returncode == 0, again.stderr
    assert (
        f"JHUB_BRAND_NAME={sent.name}" in operator.platform.container("hub").attrs["Config"]["Env"]
    )


def test_a_container_that_compose_made_and_never_started_is_in_nobodys_way(
    operator: Operator,
) -> None:
    """What is there when Compose is killed between removing the old hub and renaming the new."""
    hub = operator.platform.container("hub")
    name, labels = hub.name, hub.labels
    hub.remove(force=True)
    left = own(operator.platform, name=f"0123456789ab_{name}", labels=labels)
    taken = own(operator.platform, name=name, labels=labels)
    result = operator.invoke("up", "--no-build")
    assert result.returncode == 0, result.stderr
    assert operator.platform.container("hub").status == "running"
    for gone in (left, taken):
        with pytest.raises(NotFound):
            gone.reload()


def test_another_tag_leaves_the_proxy_alone(operator: Operator, tag: str) -> None:
    platform, client = operator.platform, operator.platform.engine.client
    before = identities(platform)
    for repository in REPOSITORIES:
        client.images.get(f"{repository}:{tag}").tag(repository, f"{tag}-another")
    result = operator.invoke("up", "--no-build", JHUB_IMAGE_TAG=f"{tag}-another")
    assert result.returncode == 0, result.stderr
    after = identities(platform)
    assert after["proxy"] == before["proxy"]
    assert after["hub"] != before["hub"], "it has the tag among its settings"
    assert operator.invoke("up", "--no-build").returncode == 0


@pytest.mark.parametrize("variable", ["JHUB_DATA_VOLUME", "JHUB_PROXY_VOLUME", "JHUB_NETWORK"])
def test_what_compose_would_not_change_is_refused(operator: Operator, variable: str) -> None:
    before = identities(operator.platform)
    result = operator.invoke("up", "--no-build", **{variable: "jhub-test-another"})
    assert result.returncode == 2, result.stdout
    assert "jhub-test-another" in result.stderr
    assert "`./dev invoke down` first" in result.stderr
    assert identities(operator.platform) == before


@pytest.mark.parametrize("variable", ["JHUB_PORT", "JHUB_HTTPS_PORT", "JHUB_HTTP_PORT"])
def test_a_port_that_somebody_has_is_refused_before_anything_is_touched(
    operator: Operator, variable: str
) -> None:
    before = identities(operator.platform)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        domain = {} if variable == "JHUB_PORT" else {"JHUB_DOMAIN": "hub.example.org"}
        free = {"JHUB_HTTPS_PORT": str(free_port()), "JHUB_HTTP_PORT": str(free_port())}
        chosen_ = {**(free if domain else {}), **domain, variable: port}
        result = operator.invoke("up", "--no-build", **chosen_)
    assert result.returncode == 2, result.stdout
    assert f"{variable} is {port}, and another program has it" in result.stderr
    assert identities(operator.platform) == before
    assert all(operator.platform.container(one).status == "running" for one in before)


def test_a_port_that_another_container_has_is_told_with_its_name(operator: Operator) -> None:
    port = str(free_port())
    holder = own(operator.platform, ports={"1/tcp": ("127.0.0.1", port)})
    holder.start()
    try:
        result = operator.invoke("up", "--no-build", JHUB_PORT=port)
    finally:
        holder.remove(force=True)
    assert (result.returncode, f"the container {holder.name} has it" in result.stderr) == (2, True)


def test_a_misspelt_variable_is_refused_and_the_tools_own_are_not(operator: Operator) -> None:
    wrong = operator.invoke("config.check", JHUB_IDLE_TIMOUT="60")
    assert (wrong.returncode, "did you mean JHUB_IDLE_TIMEOUT?" in wrong.stderr) == (2, True)
    fine = {"JHUB_SIGNING_KEY": "/x", "JHUB_REGISTRY_CA": "/x", "JHUB_REGISTRY_PLAIN_HTTP": "a:1"}
    assert operator.invoke("config.check", **fine).returncode == 0


def test_down_names_the_volume_that_stays_and_who_holds_it(operator: Operator) -> None:
    volume = operator.platform.environment["JHUB_DATA_VOLUME"]
    volumes = operator.platform.engine.client.volumes
    ended, running = own(operator.platform), own(operator.platform)
    key = volumes.create(
        operator.platform.environment["JHUB_BACKUP_VOLUME"],
        labels={"io.jhub-docker.backup": "key", **operator.platform.engine.labels},
    )
    running.start()
    try:
        result = operator.invoke("down", "--volumes", "--yes")
        assert result.returncode == 1
        assert f"{volume} ({running.name} still runs with it: stop it)" in result.stderr
        assert "deleted" not in result.stdout
        running.kill()
        result = operator.invoke("down", "--servers", "--volumes", "--yes")
        assert result.returncode == 0, result.stderr
        assert "All data was deleted" in result.stdout
        assert f"`docker volume rm {key.name}` deletes it" in result.stdout
        with pytest.raises(NotFound):
            volumes.get(volume)
    finally:
        for container in (ended, running):
            with suppress(NotFound):
                container.remove(force=True)
        key.remove()


def test_a_hub_that_cannot_start_is_told_at_once_and_does_not_go_on_trying(
    operator: Operator,
) -> None:
    platform = operator.platform
    volume = platform.environment["JHUB_DATA_VOLUME"]
    platform.engine.client.volumes.create(
        volume, labels={"io.jhub-docker.platform": platform.project}
    )
    platform.engine.run(
        f"{REPOSITORIES[0]}:{platform.environment['JHUB_IMAGE_TAG']}",
        ["touch", "/srv/jupyterhub/broken"],
        volumes={volume: {"bind": "/srv/jupyterhub"}},
    )
    result = operator.invoke("up", "--no-build")
    assert result.returncode == 1
    said = r"the hub cannot start( \(exit code 1\))?, and was stopped"
    assert re.search(said, result.stderr), result.stderr
    assert "the hub's last words" in result.stderr
    assert platform.container("hub").status == "exited"
    said = json.loads(operator.invoke("status", "--json").stdout)
    (hub,) = (row for row in said["services"] if row["role"] == "hub")
    assert hub["state"].startswith("Exited")
    assert "is not running" in said["hub_says_nothing"]
