"""The container as a process: who it runs as, how it starts, tells its health, and stops."""

from typing import Any

from jhub_testing import probes
from jhub_testing.subject import Subject
from jhub_testing.waiting import PATIENCE, wait_until

_KILLED = 137  # 128 + SIGKILL: what `docker stop` leaves when SIGTERM did not do

STOPS_WITHIN = PATIENCE
"""Seconds for a server that ends in a tenth of one, where it gets a CPU."""


def is_not_root(subject: Subject) -> None:
    """No process of the container is root's."""
    listing: dict[str, Any] = subject.server.container.top(ps_args="-eo uid,pid,args")
    uid = listing["Titles"].index("UID")
    root = [" ".join(row) for row in listing["Processes"] if row[uid].strip() == "0"]
    assert not root, f"these processes run as root: {root}"


def tini_is_pid_1(subject: Subject) -> None:
    """Process 1 is tini, which reaps orphans and passes signals on."""
    name = subject.server.run(["cat", "/proc/1/comm"], inherit=False).strip()
    assert name == "tini", f"process 1 is {name!r}, expected tini"


def sigterm_stops_it(subject: Subject) -> None:
    """SIGTERM ends the server, so that the engine need not kill it."""
    server = subject.fresh
    del subject.fresh
    server.container.stop(timeout=STOPS_WITHIN)
    code = server.container.wait()["StatusCode"]
    server.stop()
    assert code != _KILLED, "SIGTERM did not stop the server: the engine killed it"


def healthy_when_it_answers(subject: Subject) -> None:
    """The health check says healthy once the server answers under its prefix."""
    check = subject.config.get("Healthcheck") or {}
    assert check.get("Test", ["NONE"]) != ["NONE"], "the image has no health check"
    container = subject.server.container

    def healthy() -> bool:
        container.reload()
        return bool(container.attrs["State"]["Health"]["Status"] == "healthy")

    wait_until(healthy, "the health check to say healthy")


def not_healthy_when_it_does_not_answer(subject: Subject) -> None:
    """The health check fails while nothing, or something without the prefix, answers."""
    other = "import http.server as s; s.test(s.SimpleHTTPRequestHandler, port=8888)"
    command = ["/usr/local/bin/python3.11", "-c", other]
    with (
        subject.booted(ready=False, command=["sleep", "infinity"]) as nothing,
        subject.booted(ready=False, command=command) as pages,
    ):
        for what, server in {
            "nothing listens": nothing,
            "only pages outside the prefix are served": pages,
        }.items():

            def verdicts(container: Any = server.container) -> list[dict[str, Any]]:
                container.reload()
                return list(container.attrs["State"]["Health"]["Log"] or [])

            log = wait_until(verdicts, f"a health check while {what}")
            passed = [entry for entry in log if entry["ExitCode"] == 0]
            assert not passed, f"the health check passes while {what}: {passed}"


def starts_without_a_hub(subject: Subject) -> None:
    """`docker run -p 8888:8888 IMAGE` gives a server that asks for Jupyter's own token."""
    with subject.booted(alone=True, environment={"JUPYTER_TOKEN": "test"}) as server:
        assert server.client.get("api/status").status_code == 200
        anonymous = server.client.session.get(
            server.url("api/status"), headers={"Authorization": ""}
        )
        assert anonymous.status_code == 403, "the server lets in who has no token"


def has_no_database(subject: Subject) -> None:
    """The server imports neither the hub's tables nor what they are made with."""
    script = 'cat "/proc/$(pgrep -o -f /opt/jhub-docker/lib/jhub_start)/maps"'
    maps = subject.server.run(["sh", "-euc", script])
    assert "python" in maps, f"no memory map of the server: {maps[:300]}"
    assert "sqlalchemy" not in maps, "the server has imported SQLAlchemy"


def starts_its_editor_ahead(subject: Subject) -> None:
    """Where the page it opens is an editor's, that one runs before anybody opens it, and once."""
    path, editors = subject.probe, probes.proxied(subject.server.client)
    if path.strip("/") not in editors:
        return
    with subject.booted() as server:
        children = ["sh", "-c", 'pgrep -P "$(pgrep -o -f /opt/jhub-docker/lib/jhub_start)"']
        ahead = set(server.run(children).split())
        probes.page(server.client, path)
        # The server may run a program for a moment, then as well as now; an editor stays.
        wait_until(lambda: set(server.run(children).split()) <= ahead, f"{path} to be as begun")


def refuses_strangers(subject: Subject) -> None:
    """Without a token the hub knows, the server answers no API call."""
    server = subject.server
    assert server.client.get("api/status").status_code == 200
    for token in ("", "token wrong"):
        answer = server.client.session.get(
            server.url("api/status"), headers={"Authorization": token}, allow_redirects=False
        )
        assert answer.status_code in (302, 403), f"{answer.status_code} for {token!r}"


CHECKS = (
    is_not_root,
    tini_is_pid_1,
    healthy_when_it_answers,
    not_healthy_when_it_does_not_answer,
    has_no_database,
    starts_its_editor_ahead,
    refuses_strangers,
    starts_without_a_hub,
)
