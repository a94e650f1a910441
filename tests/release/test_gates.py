"""What stands against a release, and that it is all said at once, each with what mends it."""

from pathlib import Path

import pytest

from jhub_docker.catalog import load
from jhub_docker.release import evidence, gates, outlook, status
from jhub_docker.release.record import keys
from jhub_docker.release.status import Status
from jhub_testing.little_checkouts import Checkout

from .test_status import bases

BUDGET = "budget = { size = 9, compressed = 3, layers = 1 }\n"


@pytest.fixture
def made(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """lab, a server, and the hub; nothing was released or tested."""
    server = 'port = 8888\nprobe = "/"\n[tool.jhub-docker.profiles.small]\nmem_limit = "1G"\n'
    checkout.package(
        "lab", locked={"jupyterhub": "6.1.1"}, own=BUDGET + server, direct=("jupyterhub",)
    )
    checkout.package("hub", locked={"jupyterhub": "6.1.1"}, own=BUDGET, direct=("jupyterhub",))
    checkout.commit("Begin")
    checkout.identify()
    monkeypatch.delenv("JHUB_DOCKER_LANE", raising=False)
    return checkout


def state(checkout: Checkout, image: str = "lab") -> Status:
    now = status.read(checkout.root / "packages", bases)
    return status.of(checkout.root, image, now, bases)


def build_ids(checkout: Checkout) -> dict[str, str]:
    now = status.read(checkout.root / "packages", bases)
    return {name: step.build_id for name, step in now.by_name.items()}


def prove(checkout: Checkout) -> None:
    checkout.prove(build_ids(checkout))


def said(checkout: Checkout, image: str = "lab") -> str:
    catalog = load(checkout.root / "packages")
    found = [
        *gates.checkout(checkout.root),
        *gates.tests(checkout.root, catalog, build_ids(checkout)),
        *gates.notes(catalog, state(checkout, image)),
        *gates.agreement(catalog, image),
        *gates.size(catalog, image),
        *gates.free_version(checkout.root, state(checkout, image)),
    ]
    return gates.told(found, image) if found else ""


def ignore_evidence(checkout: Checkout) -> None:
    (checkout.root / ".gitignore").write_text(".dev/\n")
    checkout.commit("Ignore")


def test_nothing_stands_against_a_release_that_is_ready(made: Checkout) -> None:
    ignore_evidence(made)
    prove(made)
    assert said(made) == ""


def test_everything_that_is_wrong_is_said_at_once(made: Checkout) -> None:
    folder = made.root / "packages/lab"
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n")
    made.package("hub", locked={"jupyterhub": "7.0.0"}, own=BUDGET)
    made.git("checkout", "-q", "--detach")
    text = said(made)
    for expected in (
        "not committed: packages/hub/uv.lock, packages/lab/CHANGELOG.md",
        "git switch main",
        "the integration tests have not passed with hub, lab as they are now",
        "./dev nox -s integration",
        "write under [Unreleased] in packages/lab/CHANGELOG.md",
        "the hub has JupyterHub 7.0.0",
    ):
        assert expected in text


def test_what_git_is_told_not_to_see_is_not_released_as_tested(made: Checkout) -> None:
    made.git("config", "status.showUntrackedFiles", "no")
    lab = made.root / "packages/lab"
    (lab / "new").write_text("")
    assert "not committed: packages/lab/new" in said(made)
    made.git("update-index", "--assume-unchanged", "packages/lab/Dockerfile")
    made.git("update-index", "--skip-worktree", "packages/lab/uv.lock")
    assert "not to look at packages/lab/Dockerfile, packages/lab/uv.lock" in said(made)


def test_a_missing_changelog_is_told(made: Checkout) -> None:
    (made.root / "packages/lab/CHANGELOG.md").unlink()
    catalog, found = load(made.root / "packages"), state(made)
    (failure,) = gates.notes(catalog, found)
    assert failure.startswith("there is no packages/lab/CHANGELOG.md")
    assert found.proposal
    assert "lab never released -> " in outlook.outline(catalog["lab"], found, found.proposal)


def test_what_is_missing_to_sign_is_told_with_what_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "elsewhere.key"
    monkeypatch.setenv(keys.KEY, str(private))
    monkeypatch.delenv(keys.PASSWORD, raising=False)
    without = gates.signing(tmp_path)
    assert [one.partition("-> ")[2].partition(",")[0] for one in without] == [
        "make one with ./dev invoke release.key",
        "commit the one that ./dev invoke release.key made",
    ]
    private.touch(mode=0o600)
    (tmp_path / keys.PUBLIC).write_text("-----BEGIN PUBLIC KEY-----")
    assert gates.signing(tmp_path) == []


def test_evidence_is_for_the_tests_of_now(made: Checkout) -> None:
    ignore_evidence(made)
    prove(made)
    (made.root / "integration").mkdir()
    (made.root / "integration/test_more.py").write_text("def test_more(): ...\n")
    made.commit("Test more")
    assert "the integration tests have not passed with hub, lab as they are now" in said(made)
    prove(made)
    assert said(made) == ""


def test_what_ran_together_is_shown_for_all_of_it(made: Checkout) -> None:
    ignore_evidence(made)
    prove(made)
    before = build_ids(made)
    (made.root / "packages/hub/Dockerfile").write_text("FROM base\nRUN true\n")
    made.commit("Change the hub")
    made.prove({"hub": "f" * 64, "lab": "f" * 64})
    assert "the integration tests have not passed with hub as they are now" in said(made)
    evidence.carry_over(made.root, "hub", before["hub"], build_ids(made)["hub"])
    assert said(made) == "", "the hub was released and nothing else of it changed"


def test_the_hub_waits_for_servers_of_another_version(made: Checkout) -> None:
    made.package("hub", locked={"jupyterhub": "7.0.0"})
    made.commit("Raise JupyterHub")
    assert "the hub has JupyterHub 7.0.0" in said(made, "hub")


def test_a_version_released_from_another_branch(made: Checkout) -> None:
    made.release("lab", "0.1.0", state(made).build_id)
    made.git("switch", "-q", "-c", "side")
    made.package("lab", version="0.1.0", locked={"jupyterhub": "6.1.1", "six": "1"})
    made.commit("Add six")
    made.release("lab", "0.2.0")
    made.git("switch", "-q", "main")
    made.package("lab", version="0.1.0", locked={"jupyterhub": "6.1.1", "seven": "1"})
    made.commit("Add seven")
    assert "lab-v0.2.0 was released from another branch" in said(made)


def test_another_minor_version_of_jupyterhub_goes_with_the_hub(made: Checkout) -> None:
    made.package("hub", locked={"jupyterhub": "6.2.0"}, own=BUDGET)
    assert gates.agreement(load(made.root / "packages"), "hub") == []


def test_an_image_without_a_budget_is_told_what_to_write(made: Checkout) -> None:
    made.package("hub", locked={"jupyterhub": "6.1.1"})
    (failure,) = gates.size(load(made.root / "packages"), "hub")
    assert "hub has no budget" in failure
    assert "packages/hub/pyproject.toml" in failure
