"""The home volume and the root file system: what may be written, and whose it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from jhub_testing import probes
from jhub_testing.singleuser import HOME, SingleUserContainer
from jhub_testing.subject import Subject
from jhub_testing.waiting import wait_until


def _writes(home: str = HOME) -> list[str]:
    return ["sh", "-c", f"echo kept >{home}/written && cat {home}/written"]


def _ids(server: SingleUserContainer) -> dict[str, set[str]]:
    """All uids and gids (real, effective, saved, file system) of the server process."""
    lines = server.of_server("status").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: set(fields[name].split()) for name in ("Uid", "Gid")}


def empty_home_works(subject: Subject) -> None:
    """A new volume as home: the server starts and the person can write."""
    assert subject.fresh.run(_writes()) == "kept\n"


def foreign_home_works(subject: Subject) -> None:
    """A home with other people's files: the server starts, leaves them alone, and writes."""
    volume = subject.foreign_home("1000:100")
    before = subject.owners(volume, "junk/deep/file", ".theirs", "junk")
    with subject.booted(home=volume) as server:
        assert server.run(_writes()) == "kept\n"
        assert server.client.get("api/contents/").status_code == 200
    after = subject.owners(volume, "junk/deep/file", ".theirs", "junk")
    assert after == before, f"the owners of other people's files were changed: {after}"


def home_of_another_uid_works(subject: Subject) -> None:
    """A home the person may not write: the server starts all the same."""
    with subject.booted(home=subject.foreign_home("4242:4242")) as server:
        assert server.client.get("api/status").status_code == 200


def nb_uid_is_honoured(subject: Subject) -> None:
    """Started as root with NB_UID and NB_GID the server runs as them; only the top is chowned."""
    volume = subject.foreign_home("0:0")
    environment = {"NB_UID": "4321", "NB_GID": "4322"}
    with subject.booted(home=volume, user="root", environment=environment) as server:
        assert _ids(server) == {"Uid": {"4321"}, "Gid": {"4322"}}
        assert server.run(_writes(), user="4321:4322") == "kept\n"
    owners = subject.owners(volume, ".", "junk", "junk/deep/file")
    assert owners == {".": "4321:4322", "junk": "0:0", "junk/deep/file": "4242:4242"}, (
        f"expected only the top of the home to change its owner: {owners}"
    )


@contextmanager
def _begun(subject: Subject, **options: Any) -> Iterator[SingleUserContainer]:
    """A container that was started as a server is, once it has come to what it runs in its place:
    what sudo may do then does not depend on that.
    """
    with subject.booted(ready=False, command=["sleep", "infinity"], **options) as server:
        command = partial(server.of_server, "comm")
        wait_until(lambda: command() == "sleep\n", "the start to be over", ignoring=AssertionError)
        yield server


def sudo_is_off(subject: Subject) -> None:
    """No sudo by default, also not for a server that was started as root."""
    asks: dict[str, Any] = {"command": ["sudo", "-n", "id", "-u"], "inherit": False}
    with _begun(subject, cap_drop=[], security_opt=[]) as server:  # as with plain `docker run`
        code, output = server.attempt(**asks)
        assert code != 0, f"sudo works without GRANT_SUDO: {output}"
    with _begun(subject, user="root") as server:
        code, output = server.attempt(**asks, user="1000:100")
        assert code != 0, f"sudo works in a server started as root without GRANT_SUDO: {output}"


def sudo_can_be_granted(subject: Subject) -> None:
    """Started as root with GRANT_SUDO=yes the person can become root; the server is not."""
    with _begun(subject, user="root", environment={"GRANT_SUDO": "yes"}) as server:
        asked = server.run(["sudo", "-n", "id", "-u"], user="1000:100", inherit=False)
        assert asked.strip() == "0"
        assert _ids(server) == {"Uid": {"1000"}, "Gid": {"100"}}


def read_only_root_works(subject: Subject) -> None:
    """With a read-only root file system, /tmp in memory and a home, the server works."""
    probes.page(subject.fresh.client, subject.probe)
    assert subject.fresh.run(_writes()) == "kept\n"


CHECKS = (
    empty_home_works,
    foreign_home_works,
    home_of_another_uid_works,
    nb_uid_is_honoured,
    sudo_is_off,
    sudo_can_be_granted,
    read_only_root_works,
)
