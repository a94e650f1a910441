"""Guessing passwords gets slow, a killed hub forgets nothing, and the owner still gets in."""

import requests

from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import Platform
from jhub_testing.waiting import wait_until

ALLOWED = 10
"""The default of JHUB_ALLOWED_FAILED_LOGINS."""


def test_guesses_wait_across_a_kill_and_the_owner_gets_in(
    platform: Platform, make_person: MakePerson
) -> None:
    owner = make_person("target")
    guesser = Person(platform.url, "target", "a wrong guess")
    # Addresses that a visitor claims to have do not count; the proxy's does.
    answers: list[requests.Response] = []

    def is_slowed_down() -> bool:
        claimed = f"198.51.100.{len(answers) % 256}"
        guesser.session.headers.update({"X-Forwarded-For": claimed, "X-Real-IP": claimed})
        answers.append(guesser.log_in())
        return bool(answers[-1].status_code == requests.codes.too_many_requests)

    wait_until(is_slowed_down, "a guess that comes before the wait is over, which gets longer")
    free = [answer.status_code for answer in answers[:-1]]
    assert free == [requests.codes.forbidden] * len(free)
    assert len(free) >= ALLOWED
    assert "Too many failed attempts" in answers[-1].text
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 300

    before = failures(platform)
    platform.container("hub").kill()
    platform.container("hub").start()
    platform.wait_until_open()
    assert failures(platform) == before > 0

    owner.session.cookies.pop("jupyterhub-hub-login", None)
    assert not owner.is_logged_in()
    owner.log_in()
    assert owner.is_logged_in(), "a browser that is known has to wait for others' guesses"


def test_people_who_do_not_exist_get_the_same_answer(platform: Platform) -> None:
    known = Person(platform.url, "admin", "a wrong guess").log_in()
    unknown = Person(platform.url, "nobody-here", "a wrong guess").log_in()
    assert known.status_code == unknown.status_code == requests.codes.forbidden
    assert known.text.count("Invalid username or password") == 1
    assert unknown.text.count("Invalid username or password") == 1


def failures(platform: Platform) -> float:
    """What the hub's database counts in all."""
    code, output = platform.container("hub").exec_run(
        ["python", "-c", SUM], workdir="/srv/jupyterhub"
    )
    assert code == 0, output.decode()
    return round(float(output), 3)


SUM = """
import sqlite3
hub = sqlite3.connect("file:jupyterhub.sqlite?mode=ro", uri=True)
print(hub.execute("select sum(level) from platform_failed_logins").fetchone()[0])
"""
