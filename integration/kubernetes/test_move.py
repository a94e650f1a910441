"""A platform of one engine is moved to a cluster: every file, every password, a second factor."""

import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from bs4 import BeautifulSoup

from jhub_docker import catalog
from jhub_testing.cluster import ClusterPlatform
from jhub_testing.operator import Operator, begun
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import wait_until

ROOT = Path(__file__).parents[2]

FILES = r"""
cd /home/nebula && mkdir -p 'a folder/empty' .private && chmod 700 .private
head -c 20000000 /dev/urandom >large && truncate -s 50M holes && printf end >>holes
printf one >"a folder/$(printf 'odd \\ name\n')" && ln large 'a folder/the same'
ln -s nowhere broken && ln -s 'a folder' short && printf '#!/bin/sh\n' >run && chmod 751 run
mkdir closed && touch closed/file && chmod 555 closed
printf key >.private/key && chmod 600 .private/key && touch -d 2001-02-03 .private/key
python -c 'import os; os.setxattr("run", "user.seen", b"yes")'
printf 'for all' >/srv/shared/everybody/notes
"""

SEEN = r"""
cd /home/nebula && find * .private ! -path 'shared*' -printf '%p|%y|%m|%U|%G|%s|%l|%n|%Ts\n'
find * .private -type f -exec sha256sum {} + && sha256sum /srv/shared/everybody/notes
python -c 'import os; print(os.getxattr("run", "user.seen"))'
"""
"""What the person's own shell says of all that."""

WITH_POSTGRES = {
    "COMPOSE_PROFILES": "postgres",
    "JHUB_DB_URL": "postgresql+psycopg://jupyterhub@/jupyterhub?host=/run/postgresql",
}


@pytest.fixture(scope="module")
def source(engine: Engine) -> Iterator[Platform]:
    settings = {
        "JHUB_SIGNUP": "open",
        "JHUB_EVERYBODY_FOLDER": "read-write",
    }
    with Platform(engine, ROOT, "leaves", settings=settings) as platform:
        yield platform


@pytest.fixture(scope="module")
def target(source: Platform) -> Iterator[ClusterPlatform]:
    names = ("JHUB_USER_VOLUME_PREFIX", "JHUB_SHARED_VOLUME_PREFIX")
    settings = {name: source.environment[name] for name in names}
    settings |= {"JHUB_SIGNUP": "open", "JHUB_EVERYBODY_FOLDER": "read-write"}
    specs = catalog.load(ROOT / "packages")
    with ClusterPlatform(ROOT / "deploy" / "kubernetes", specs, settings) as platform:
        yield platform


def with_second_factor(person: Person) -> pyotp.TOTP:
    """Their app, of which the hub has seen one code."""
    page = BeautifulSoup(
        person.fill("second-factor", "password", password=person.password).text, "html.parser"
    )
    key = page.select_one("#totp-key")
    assert key, page
    app = pyotp.TOTP(key.get_text(strip=True))
    page_of_codes = person.fill("second-factor", "code", code=app.now())
    assert "recovery-codes" in page_of_codes.text
    return app


def goes_on_at(person: Person, url: str) -> Person:
    """The same browser, for which the platform's name leads to the cluster now."""
    moved = Person(url, person.name, person.password)
    for cookie in person.session.cookies:
        moved.session.cookies.set(cookie.name, cookie.value or "", path=cookie.path)
    return moved


def test_everything_comes_over(source: Platform, target: ClusterPlatform) -> None:
    admin = source.first_admin()
    ann, ben = (Person(source.url, name).join() for name in ("a.n-n", "ben"))
    app = with_second_factor(ann)
    ann.choose("uv-marimo-small")
    (server,) = source.servers(ann.name)
    code, said = server.exec_run(["sh", "-ec", FILES])
    assert code == 0, said.decode()
    code, said = server.exec_run(["sh", "-ec", SEEN])
    assert code == 0, said.decode()
    before = set(said.decode().splitlines())
    operator = Operator(source)
    move = ("k8s.move", "--namespace", target.namespace)

    refused = operator.invoke(*move, "--yes")
    assert (refused.returncode, "people work in" in refused.stderr) == (2, True), refused.stderr
    assert ann.server.get("api").ok
    refused = operator.invoke(*move, "--servers")
    assert (refused.returncode, "say --yes" in refused.stderr) == (2, True), refused.stderr
    assert admin.is_logged_in(), "the hub was stopped before anybody agreed"

    interrupted = begun(source, *move, "--servers", "--yes")
    home = source.environment["JHUB_USER_VOLUME_PREFIX"] + "a--2en--2dn"

    def copies_the_home() -> bool:
        assert interrupted.poll() is None, interrupted.communicate()
        return home in [one["metadata"]["name"] for one in target.items("pvc")]

    wait_until(copies_the_home, "the home's claim")
    os.killpg(interrupted.pid, signal.SIGKILL)
    interrupted.communicate()
    moved = operator.invoke(*move, "--yes")
    assert moved.returncode == 0, moved.stderr
    assert "each as it was" in moved.stdout
    assert "all compared" in moved.stdout
    assert "1 of 1 second factor can be read" in moved.stdout
    again = operator.invoke(*move, "--yes")
    assert (again.returncode, "moved there already" in again.stderr) == (2, True), again.stderr

    for person in (admin, ann, ben):
        assert goes_on_at(person, target.url).is_logged_in(), f"{person.name} has to log in again"
    for name in (admin, ben):
        other = Person(target.url, name.name, name.password)
        other.log_in()
        assert other.is_logged_in()
    there = Person(target.url, ann.name, ann.password)
    there.log_in()
    assert not there.is_logged_in(), "a password alone opened it"
    there.give_code(app.now())
    assert there.is_logged_in()
    there.choose("uv-marimo-small")
    (pod,) = target.servers(ann.name)
    inside = target.own("exec", pod["metadata"]["name"], "--", "sh", "-ec", SEEN)
    assert before - set(inside.splitlines()) == set()
    there.stop()
    comes_again_from_postgres(source, target, operator, move)


def comes_again_from_postgres(
    source: Platform, target: ClusterPlatform, operator: Operator, move: tuple[str, ...]
) -> None:
    """The way back, records in PostgreSQL there, somebody new, and all of it once more."""
    moved = operator.invoke("db.move", "--to", "postgres", **WITH_POSTGRES)
    assert moved.returncode == 0, moved.stderr
    source.environment.update(WITH_POSTGRES)
    cat = Person(source.url, f"cat{secrets.token_hex(2)}").join()
    moved = operator.invoke(*move, "--yes", "--replace")
    assert moved.returncode == 0, moved.stderr
    there = Person(target.url, cat.name, cat.password)
    there.log_in()
    assert there.is_logged_in()
    there.choose("uv-marimo-small")
