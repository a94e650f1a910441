"""A platform on somebody's PostgreSQL, with a password and a replica: its disk fills up, then it is
gone for good and the replica takes over.
"""

import secrets
from collections.abc import Iterator
from functools import partial

import pytest
import requests
from docker.models.containers import Container

from jhub_docker.platform import public_images
from jhub_testing.operator import Operator
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import PATIENCE, wait_until

URL = (
    "postgresql+psycopg://jupyterhub@/jupyterhub?host=db1,db2&port=5432,5432"
    "&target_session_attrs=read-write"
)
PROGRAMS = 'set -eu; PATH="$PATH:$(echo /usr/lib/postgresql/*/bin)"; export PGDATA=/database/pg; '
SERVE = "exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp -c max_wal_size=32MB"
PRIMARY = f"""{PROGRAMS}
printf %s "$PGPASSWORD" >/tmp/password
initdb --username=jupyterhub --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --wal-segsize=1
echo 'host replication all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
echo 'CREATE DATABASE jupyterhub' | postgres --single -D "$PGDATA" postgres
{SERVE}
"""
REPLICA = f"""{PROGRAMS}
until pg_basebackup --host=db1 --username=jupyterhub --pgdata="$PGDATA" --write-recovery-conf \
    --wal-method=stream; do rm -rf "$PGDATA"; sleep 1; done
{SERVE}
"""
FILL = "cat /dev/zero >/database/filler; df --output=avail /database | tail -1"
FULL = "The hub's database has no room left on its disk"
AWAY = "The hub's database does not answer"


@pytest.fixture(scope="module")
def platform(engine: Engine, pytestconfig: pytest.Config) -> Iterator[Platform]:
    settings = {"JHUB_SIGNUP": "open"}
    with Platform(engine, pytestconfig.rootpath, "replica", settings=settings) as platform:
        yield platform


@pytest.fixture(scope="module")
def password() -> str:
    return f"{secrets.token_hex(8)}:\\{secrets.token_hex(8)}"


@pytest.fixture(scope="module")
def databases(engine: Engine, platform: Platform, password: str) -> Iterator[list[Container]]:
    """The primary, whose disk is small, and its replica."""
    image = public_images.image(platform.root, "postgres")
    made = []
    for alias, script in (("db1", PRIMARY), ("db2", REPLICA)):
        one = engine.client.containers.create(
            image,
            ["-c", script],
            entrypoint=["sh"],
            user="postgres",
            name=engine.name(alias),
            labels=engine.labels,
            environment={"PGPASSWORD": password},
            tmpfs={"/database": "size=160m,mode=1777"},
            init=True,
        )
        network = engine.client.networks.get(platform.environment["JHUB_NETWORK"])
        network.connect(one, aliases=[alias])
        one.start()
        made.append(one)
        wait_until(partial(ready, one), f"the database {alias}")
    yield made
    for one in made:
        engine.keep_log(one)
        engine.remove(one)


def ready(one: Container) -> bool:
    code, _ = one.exec_run(["sh", "-c", f"{PROGRAMS}pg_isready --host=/tmp"])
    return bool(code == 0)


def ask(one: Container, query: str) -> str:
    command = f'{PROGRAMS}psql -h /tmp -U jupyterhub -Atc "$0" jupyterhub'
    code, said = one.exec_run(["sh", "-c", command, query])
    assert code == 0, said.decode()
    return str(said.decode().strip())


def health(platform: Platform) -> requests.Response:
    return requests.get(f"{platform.url}/hub/health", timeout=PATIENCE)


def newcomer(platform: Platform) -> Person:
    """Somebody who signs up and logs in."""
    return Person(platform.url, f"p-{secrets.token_hex(4)}").join()


def test_a_full_disk_and_a_replica_that_takes_over(
    platform: Platform, databases: list[Container], password: str
) -> None:
    primary, replica = databases
    admin, operator = platform.first_admin(), Operator(platform)
    kept = operator.invoke("secrets.set", "JHUB_DB_PASSWORD", given=password)
    assert kept.returncode == 0, kept.stderr
    moved = operator.invoke("db.move", "--to", "postgres", JHUB_DB_URL=URL)
    assert moved.returncode == 0, moved.stderr
    platform.environment["JHUB_DB_URL"] = URL
    platform.wait_until_open()
    assert admin.is_logged_in()
    hub = platform.container("hub")
    shown = f"{hub.attrs}{hub.top(ps_args='-eo pid,args')}{hub.logs().decode()}{moved.stdout}"
    audit = hub.exec_run(["python", "-m", "hub_config", "audit", "show"]).output.decode()
    assert password not in shown + audit + moved.stderr

    ann = newcomer(platform)
    code, left = primary.exec_run(["sh", "-c", FILL])
    assert left.decode().split()[-1] == "0", left

    def refused() -> tuple[int, str] | None:
        names = [f"x-{secrets.token_hex(4)}" for _ in range(300)]
        answer = admin.hub.post("api/users", json={"usernames": names})
        return None if answer.ok else (answer.status_code, answer.text)

    status, told = wait_until(refused, "a change that finds no room")
    if status != 503:  # PostgreSQL ends itself where its log cannot be written
        assert (status, FULL in told) == (507, True), told
        assert ann.is_logged_in(), "what is only read wants no room"
    assert primary.exec_run(["rm", "/database/filler"]).exit_code == 0
    wait_until(lambda: health(platform).ok, "the hub to be well")
    newcomer(platform)

    count = ask(primary, "SELECT count(*) FROM users")
    wait_until(lambda: ask(replica, "SELECT count(*) FROM users") == count, "the replica")
    primary.kill()
    wait_until(lambda: health(platform).status_code == 503, "the hub to notice")
    assert AWAY in health(platform).json()["message"]
    code, said = replica.exec_run(["sh", "-c", f"{PROGRAMS}pg_ctl promote"])
    assert code == 0, said.decode()
    wait_until(lambda: health(platform).ok, "the hub to find the replica")
    assert ann.is_logged_in()
    newcomer(platform)
    hub.reload()
    assert (hub.status, hub.attrs["RestartCount"]) == ("running", 0)
