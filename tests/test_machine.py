"""What builds learn of the machine: its CA bundle, and where the checkout comes from."""

import subprocess
from pathlib import Path

import pytest

from jhub_docker.errors import UsageError
from jhub_docker.host import machine
from jhub_docker.release import history


def test_the_projects_own_variable_wins(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.pem", tmp_path / "other.pem"
    mine.write_text("")
    other.write_text("")
    found = machine.ca_bundle({"JHUB_DOCKER_CA_BUNDLE": str(mine), "SSL_CERT_FILE": str(other)})
    assert found == str(mine)


def test_a_bundle_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"JHUB_DOCKER_CA_BUNDLE names .*none.pem"):
        machine.ca_bundle({"JHUB_DOCKER_CA_BUNDLE": str(tmp_path / "none.pem")})


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for command in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    return tmp_path


def test_revision_becomes_a_tag(checkout: Path) -> None:
    revision = machine.revision(checkout)
    assert revision is not None
    assert revision.tag == f"git-{revision.commit[:7]}"


def test_a_changed_file_that_git_knows_makes_a_revision_dirty(checkout: Path) -> None:
    clean = machine.revision(checkout)
    (checkout / "file").write_text("unknown to git")
    subprocess.run(["git", "-C", str(checkout), "tag", "v1"], check=True)
    assert machine.revision(checkout) == clean
    subprocess.run(["git", "-C", str(checkout), "add", "file"], check=True)
    dirty = machine.revision(checkout)
    assert clean is not None
    assert dirty == machine.Revision(clean.commit, dirty=True)
    assert dirty.tag.endswith("-dirty")


def test_a_hooks_variables_tell_no_other_revision(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = machine.revision(checkout)
    other = tmp_path_factory.mktemp("other")
    subprocess.run(["git", "-C", str(other), "init", "-q"], check=True)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert found is not None
    assert machine.revision(checkout) == found
    assert history.head(checkout) == found.commit


def test_no_revision_outside_git(tmp_path: Path) -> None:
    assert machine.revision(tmp_path) is None


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("git@example.org:team/hub.git", "https://example.org/team/hub"),
        ("https://me:password@example.org/team/hub", "https://example.org/team/hub"),
        ("/srv/git/hub", None),
    ],
)
def test_source_url_never_tells_a_password_or_a_path(
    checkout: Path, remote: str, url: str | None
) -> None:
    subprocess.run(["git", "-C", str(checkout), "remote", "add", "origin", remote], check=True)
    assert machine.source_url(checkout) == url
