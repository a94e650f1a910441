"""What an engine is started with, and what is said of one, so that its restart drops nobody."""

from pathlib import Path

from jhub_docker.engine import restarts


def test_containers_and_local_connections_survive_by_default() -> None:
    assert restarts.flags({}) == ("--live-restore", "--userland-proxy=false")


def test_what_the_owner_configured_is_not_said_twice() -> None:
    assert restarts.flags({"live-restore": False}) == ("--userland-proxy=false",)
    assert restarts.flags({"userland-proxy": True}) == ("--live-restore",)


def test_a_swarm_excludes_live_restore(tmp_path: Path) -> None:
    assert restarts.flags({}, swarm=True) == ("--userland-proxy=false",)
    assert not restarts.in_swarm(("--data-root", str(tmp_path)))
    (tmp_path / "swarm").mkdir()
    (tmp_path / "swarm" / "docker-state.json").write_text("{}")
    assert restarts.in_swarm(("--data-root", str(tmp_path)))


def test_a_configuration_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    file = tmp_path / "daemon.json"
    assert restarts.configuration(file) == {}
    file.write_text("{")
    assert restarts.configuration(file) == {}
    file.write_text('{"live-restore": true}')
    assert restarts.configuration(file) == {"live-restore": True}


def test_the_hint_says_what_to_do_only_where_something_can_be_done() -> None:
    def hint(**info: object) -> str:
        return restarts.hint(info) or ""

    assert hint(LiveRestoreEnabled=True) == ""
    assert hint(LiveRestoreEnabled=False, OperatingSystem="Docker Desktop") == ""
    assert '"live-restore": true' in hint(LiveRestoreEnabled=False)
    assert "swarm" in hint(LiveRestoreEnabled=False, Swarm={"LocalNodeState": "active"})
