"""The operator's tasks on a platform of its own: up, status, logs, down, config.check."""

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docker.errors import APIError
from docker.models.containers import Container

from jhub_docker.catalog.identity import LABEL
from jhub_docker.platform import left_over
from jhub_docker.platform.ports import free_port
from jhub_testing import hub_images
from jhub_testing.operator import Operator, begun
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import wait_until

OF_THE_MACHINE = {"JD003", "JD004", "JD006", "JD032", "JD040"}
"""What the doctor may find here that is not the platform's: disks, the engine, no backup."""


@pytest.fixture(scope="module")
def operator(engine: Engine, pytestconfig: pytest.Config) -> Iterator[Operator]:
    platform = Platform(engine, pytestconfig.rootpath, "tasks")
    engine.own_project(platform.project)
    yield Operator(platform)
    engine.remove_project(platform.project)


@pytest.fixture(scope="module")
def told(operator: Operator) -> str:
    """What the first `up` says on standard output."""
    result = operator.invoke("up", "--no-build")
    assert result.returncode == 0, result.stderr
    return result.stdout


def password(text: str) -> str:
    found = re.search(r"one-time password: (\S+)", text)
    assert found, text
    return found.group(1)


def test_up_tells_the_address_and_a_password_that_opens_it(told: str, operator: Operator) -> None:
    address = f"http://localhost:{operator.platform.port}/"
    assert f"JupyterHub is up: {address}" in told
    assert "It answers on this machine alone. JHUB_DOMAIN=" in told
    answer = Person(operator.platform.url, "admin", password(told)).log_in()
    assert answer.url.endswith("/hub/change-password")


def test_up_again_changes_nothing(told: str, operator: Operator) -> None:
    before = {
        service: operator.platform.container(service).id for service in operator.platform.services
    }
    again = operator.invoke("up", "--no-build")
    assert again.returncode == 0, again.stderr
    assert password(again.stdout) == password(told)
    assert {s: operator.platform.container(s).id for s in before} == before


def test_status_lists_hub_and_proxy(told: str, operator: Operator) -> None:
    said = json.loads(operator.invoke("status", "--json").stdout)
    assert {row["role"] for row in said["services"]} == set(operator.platform.services)
    assert all(row["state"].startswith("Up") for row in said["services"])
    assert (said["hub_says_nothing"], said["servers"]) == ("", [])
    assert said["platform"]["people"] == 1
    text = operator.invoke("status", "--sort", "memory").stdout
    assert "No server runs." in text
    assert "Proxy: answers" in text


def test_clean_takes_what_nobody_needs_and_nothing_else(told: str, operator: Operator) -> None:
    platform = operator.platform
    hub, drill = platform.container("hub"), left_over.drill_of(platform.project)
    copies = [f"jupyterhub.sqlite.2026-01-0{day}-000000" for day in (1, 2)]
    assert hub.exec_run(["touch", *copies]).exit_code == 0
    client, label = platform.engine.client, {f"{LABEL}.platform": drill}
    client.volumes.create(f"{drill}-data", labels={**platform.engine.labels, **label})
    arguments = ("clean", "--kind", "orphans", "--kind", "copies")

    listed = operator.invoke(*arguments, "--dry-run")
    assert listed.returncode == 0, listed.stderr
    assert [name in listed.stdout for name in (*copies, f"{drill}-data")] == [True, False, True]
    asked = operator.invoke(*arguments)
    assert (asked.returncode, "say --yes to go on" in asked.stderr) == (2, True)
    cleaned = operator.invoke(*arguments, "--yes")
    assert (cleaned.returncode, cleaned.stdout) == (0, "Removed 2 things.\n"), cleaned.stderr
    assert "There is nothing to clean." in operator.invoke(*arguments).stdout
    left = hub.exec_run(["sh", "-c", "ls jupyterhub.sqlite*"]).output.decode().split()
    assert (copies[1] in left, copies[0] in left, "jupyterhub.sqlite" in left) == (
        True,
        False,
        True,
    )
    # All kinds can be looked at, and only that: the engine is others' too.
    assert operator.invoke("clean", "--dry-run").returncode == 0


def test_the_one_time_password_is_in_no_log(told: str, operator: Operator) -> None:
    assert password(told) not in operator.invoke("logs").stdout


def test_wrong_settings_are_told_without_starting_anything(told: str, operator: Operator) -> None:
    good = operator.invoke("config.check")
    assert good.returncode == 0, good.stderr
    mistakes = {"JHUB_IDLE_TIMEOUT": "soon", "JHUB_IDLE_TIMOUT": "60", "JHUB_BACKUP_KEEP": "x"}
    wrong = operator.invoke("config.check", JHUB_USER_VOLUME_PREFIX="-home", **mistakes)
    assert wrong.returncode == 2
    assert "JHUB_IDLE_TIMEOUT is 'soon'" in wrong.stderr
    assert "JHUB_IDLE_TIMOUT is no setting" in wrong.stderr
    assert "JHUB_USER_VOLUME_PREFIX is '-home'" in wrong.stderr
    assert "JHUB_BACKUP_KEEP has 'x'" in wrong.stderr
    also = operator.invoke("doctor", **mistakes)
    said = also.stdout + also.stderr
    assert [name in said for name in mistakes] == [True] * len(mistakes), also
    for task in (["up", "--no-build"], ["config.check"]):  # Compose names one, and reads no further
        wrong = operator.invoke(*task, JHUB_BIND="nowhere")
        assert (wrong.returncode, "JHUB_BIND is 'nowhere'" in wrong.stderr) == (2, True)
    files = {"JHUB_LOGO": "none.svg", "JHUB_AUTHENTICATOR": "ldap", "JHUB_DEFAULT_PROFILE": "none"}
    wrong = operator.invoke("config.check", **files)
    assert wrong.returncode == 2
    for words in ("none.svg", "wants a table [ldap]", "JHUB_DEFAULT_PROFILE names"):
        assert words in wrong.stderr


def image_of_hub(operator: Operator) -> str:
    return f"local/jupyterhub-hub:{operator.platform.environment['JHUB_IMAGE_TAG']}"


def nft(operator: Operator, *command: str) -> str:
    """What nft says of the host's rules."""
    return operator.platform.engine.run(
        image_of_hub(operator),
        ["nft", *command],
        user="root",
        network_mode="host",
        cap_drop=["ALL"],
        cap_add=["NET_ADMIN"],
    )


def rules(operator: Operator) -> str:
    """The host's table with rules of this platform; empty where there is none."""
    begin = f"table inet jhub_{operator.platform.project.replace('-', '_')}_"
    lines = nft(operator, "list", "tables").splitlines()
    return next((one.removeprefix("table ") for one in lines if one.startswith(begin)), "")


FACTOR = """
import sqlite3, sys
with sqlite3.connect("/srv/jupyterhub/jupyterhub.sqlite", timeout=60) as db:
    if sys.argv[1] == "add":
        row = "('nobody', x'00', 1, 0)"
        db.execute(f"INSERT INTO platform_second_factors VALUES {row}")
    else:
        db.execute("DELETE FROM platform_second_factors WHERE account = 'nobody'")
"""
"""A second factor that no key opens."""

BREAK = f"""
set -e
cd /srv/jupyterhub/secrets
chmod 644 crypt_key
mv cookie_secret moved
echo {"0f" * 32} > cookie_secret.older
chmod 600 cookie_secret.older
touch -d '40 days ago' cookie_secret.older
"""
MEND = "cd /srv/jupyterhub/secrets && mv moved cookie_secret && rm cookie_secret.older"


BUILDX = """#!/bin/sh
case "$1" in
docker-cli-plugin-metadata) echo '{"SchemaVersion":"0.1.0","Vendor":"a test","Version":"0.1.0"}' ;;
*) echo "github.com/docker/buildx v0.1.0 old" ;;
esac
"""
"""A plugin of the Docker client that is too old; a person's own goes before the machine's."""


DAMAGE = "head -c 65536 /dev/urandom | dd of=jupyterhub.sqlite bs=4096 seek=2 conv=notrunc"
"""What a disk may do to a database."""


def pause(container: Container) -> None:
    """Freeze a container; the engine refuses while a health check is about to run in it."""

    def paused() -> bool:
        container.pause()
        return True

    wait_until(paused, f"{container.name} to be frozen", ignoring=APIError)


@contextmanager
def broken(operator: Operator) -> Iterator[None]:
    """The platform with much of it broken; what `doctor --fix` mends stays so."""
    platform, client = operator.platform, operator.platform.engine.client
    hub, image = platform.container("hub"), image_of_hub(operator)
    labels = {f"{LABEL}.platform": platform.project}
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,nr_inodes=20"}
    home = client.volumes.create(
        f"{platform.environment['JHUB_USER_VOLUME_PREFIX']}full", driver_opts=options, labels=labels
    )
    # While it is mounted, what is in it stays.
    fill = "cat /dev/zero > /home/full; touch /home/ready; while :; do read -t 9 x; done"
    holder = client.containers.create(
        image,
        ["bash", "-c", fill],
        entrypoint="",
        user="root",
        volumes={home.name: {"bind": "/home"}},
        labels=platform.engine.labels,
        stdin_open=True,
    )
    drill = left_over.drill_of(platform.project)
    client.networks.create(f"{drill}-net", labels={f"{LABEL}.platform": drill})
    try:
        holder.start()
        ready = ["test", "-e", "/home/ready"]
        wait_until(lambda: holder.exec_run(ready).exit_code == 0, "a home that is full")
        for command in (["sh", "-c", BREAK], ["python", "-c", FACTOR, "add"]):
            code, output = hub.exec_run(command)
            assert code == 0, output.decode()
        pause(platform.container("guard"))
        nft(operator, "delete", "table", *rules(operator).split())
        yield
    finally:
        hub.exec_run(["sh", "-c", MEND])
        hub.exec_run(["python", "-c", FACTOR, "remove"])
        holder.remove(force=True)
        home.remove()


def test_the_doctor_finds_what_is_broken_and_mends_what_it_can(
    told: str, operator: Operator, tmp_path: Path
) -> None:
    plugin = tmp_path / "cli-plugins/docker-buildx"
    plugin.parent.mkdir()
    plugin.write_text(BUILDX)
    plugin.chmod(0o755)
    guard, port = operator.platform.container("guard"), str(free_port())
    with broken(operator):
        ended = operator.invoke(
            "doctor",
            "--json",
            DOCKER_CONFIG=str(tmp_path),
            JHUB_IDLE_TIMEOUT="soon",
            JHUB_PORT=port,
            JHUB_PUBLIC_URL="http://127.0.0.1:1/",
            JHUB_GPU_PROFILES="uv-lab-small",
            JHUB_BACKUP_TO="/nowhere",
            JHUB_DOCKER_MIN_FREE_GB="1000000",
            JHUB_DOCKER_CA_BUNDLE="/own/ca.pem",
            JHUB_PROXY_IMAGE=image_of_hub(operator),
        )
    assert ended.returncode == 1, ended.stderr
    seen = json.loads(ended.stdout)
    findings = {one["code"]: one["says"] for one in seen["findings"]}
    assert findings.keys() - OF_THE_MACHINE == {
        *("JD002", "JD011", "JD012", "JD013", "JD014", "JD018", "JD019", "JD020", "JD022"),
        *("JD023", "JD024", "JD029", "JD031", "JD041", "JD050", "JD051"),
    }
    assert "JD004" in findings
    assert "this machine has /own/ca.pem" in findings["JD032"]
    assert findings["JD011"].startswith("guard is paused")
    assert "JHUB_IDLE_TIMEOUT is 'soon'" in findings["JD020"]
    assert "secrets/crypt_key" in findings["JD023"]
    assert "of the host" in findings["JD050"]
    assert seen["not_looked_at"] == {"whether addresses overlap with routes": "no guard runs"}
    # The rules come back before the doctor looks again.
    guard.unpause()
    wait_until(lambda: rules(operator), "the firewall")
    pause(guard)
    refused = operator.invoke("doctor", "--fix")
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
    mended = operator.invoke("doctor", "--fix", "--yes", "--json")
    assert re.findall(r"^  (JD\d+)", mended.stderr, re.MULTILINE) == ["JD011", "JD023", "JD018"]
    sound = json.loads(mended.stdout)
    assert not [one for one in sound["findings"] if one["code"] not in OF_THE_MACHINE]
    assert not sound["not_looked_at"]


def test_an_interrupted_doctor_leaves_nothing_and_the_next_takes_what_a_killed_one_left(
    told: str, operator: Operator, engine: Engine
) -> None:
    name = f"{operator.platform.project}-doctor"
    labels = {f"{LABEL}.doctor": operator.platform.project, **engine.labels}
    of_a_doctor = {"label": f"{LABEL}.doctor={operator.platform.project}"}
    left = engine.client.networks.create(f"{name}-left", labels=labels)
    # Somebody's, who calls a platform so.
    others = engine.client.networks.create(
        name, labels={f"{LABEL}.platform": name, **engine.labels}
    )
    with begun(operator.platform, "doctor") as doctor:
        assert doctor.stderr
        heard = []
        for line in doctor.stderr:
            heard.append(line)
            if "what servers reach" in line:
                break
        wait_until(
            lambda: engine.client.networks.list(filters=of_a_doctor) or doctor.poll() is not None,
            "the network of a doctor",
        )
        os.killpg(doctor.pid, signal.SIGINT)
        _, errors = doctor.communicate()
    assert doctor.returncode == 130, errors
    assert f"the network {left.name}, which another doctor left, is removed" in "".join(heard)
    assert not engine.client.networks.list(filters=of_a_doctor)
    assert not engine.client.containers.list(all=True, filters=of_a_doctor)
    others.remove()


def test_an_upgrade_is_tried_out_and_nothing_of_that_stays(
    told: str, operator: Operator, engine: Engine
) -> None:
    platform, now = operator.platform, operator.platform.environment["JHUB_IMAGE_TAG"]
    another = hub_images.changed(engine, f"{hub_images.HUB}:{now}", "names", "# another release")
    with hub_images.tagged(engine, engine.name("another"), now) as tag:
        engine.client.images.get(another).tag(hub_images.HUB, tag)
        proxy = platform.container("proxy").id
        upgraded = operator.invoke("upgrade", "--no-build", JHUB_IMAGE_TAG=tag)
        assert upgraded.returncode == 0, upgraded.stderr
        assert "Upgraded in" in upgraded.stdout
        assert "uv-marimo-small showed its page after" in upgraded.stdout
        assert platform.container("hub").attrs["Image"] == another
        assert platform.container("proxy").id == proxy
        own = [f"{LABEL}.platform={platform.project}", f"{LABEL}.user"]
        for kind in (engine.client.containers, engine.client.networks, engine.client.volumes):
            assert not kind.list(filters={"label": own})
        others = hub_images.with_label(
            engine, f"local/uv-marimo:{tag}", f"{LABEL}.jupyterhub=5.4.0"
        )
        seen = json.loads(operator.invoke("doctor", "--json", JHUB_IMAGE_TAG=tag).stdout)
        (said,) = [one["says"] for one in seen["findings"] if one["code"] == "JD017"]
        assert said.startswith(f"the image {others} has JupyterHub 5.4.0, the hub 6.")
        back = operator.invoke("upgrade", "--rollback", "--yes", JHUB_IMAGE_TAG=tag)
        assert back.returncode == 0, back.stderr
    again = operator.invoke("up", "--no-build")
    assert password(again.stdout) == password(told), again.stderr


def test_down_with_volumes_wants_a_yes(told: str, operator: Operator) -> None:
    result = operator.invoke("down", "--volumes")
    assert result.returncode == 2
    assert operator.platform.environment["JHUB_DATA_VOLUME"] in result.stderr
    assert operator.platform.container("hub").status == "running"


def test_down_keeps_the_data_and_with_volumes_deletes_it(told: str, operator: Operator) -> None:
    label = {"label": f"io.jhub-docker.platform={operator.platform.project}"}
    volumes = operator.platform.engine.client.volumes
    wait_until(lambda: rules(operator), "the firewall")
    assert "All data is kept" in operator.invoke("down").stdout
    assert not rules(operator), "no server is left that the rules could be for"
    kept = {volume.name for volume in volumes.list(filters=label)}
    assert operator.platform.environment["JHUB_DATA_VOLUME"] in kept
    ended = json.loads(operator.invoke("doctor", "--json").stdout)
    assert {one["code"] for one in ended["findings"]} >= {"JD010", "JD040"}
    again = operator.invoke("up", "--no-build")
    assert password(again.stdout) == password(told), "the same database, so the same password"
    assert operator.platform.container("hub").exec_run(["sh", "-c", DAMAGE]).exit_code == 0
    damaged = json.loads(operator.invoke("doctor", "--json").stdout)
    assert "JD030" in {one["code"] for one in damaged["findings"]}
    gone = operator.invoke("down", "--volumes", "--yes")
    assert "All data was deleted" in gone.stdout, gone.stderr
    assert volumes.list(filters=label) == []
    before = f":before-{operator.platform.project}"
    images = operator.platform.engine.client.images.list()
    assert not [name for image in images for name in image.tags if name.endswith(before)]
