"""Builds against a real engine: skipping, tags and labels, failures, and networks that inspect TLS.

Each test makes a small tree of packages of its own beside this repository's build tools and user
base, whose images are there already and stay as they are.
"""

import contextlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from docker import DockerClient
from docker.errors import ImageNotFound

from jhub_docker import engine
from jhub_docker.build import builds, marks, planning, warned
from jhub_docker.catalog import identity, load
from jhub_docker.platform.ports import free_port
from jhub_testing import layers
from jhub_testing.resources import Engine
from jhub_testing.tls_peer import PACKAGE, TlsPeer

ROOT = Path(__file__).parents[2]
Make = Callable[..., Path]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with the bases of this repository in it."""
    # Other tests import from these folders just then, and git is not here to leave that out.
    compiled = shutil.ignore_patterns("__pycache__")
    for spec in load(ROOT / "packages").closure(["singleuser-base"]):
        shutil.copytree(spec.folder, tmp_path / "packages" / spec.name, ignore=compiled)
    return tmp_path


@pytest.fixture
def client() -> DockerClient:
    return engine.client()


@pytest.fixture
def make(root: Path, client: DockerClient) -> Iterator[Make]:
    """Write a package with this Dockerfile; its images are removed at the end."""
    repositories, prefix = [], f"jhub-test/{secrets.token_hex(4)}"  # another session runs this too

    def package(name: str, dockerfile: str, base: str = "singleuser-base") -> Path:
        folder = root / "packages" / name
        folder.mkdir(exist_ok=True)
        repository = f"{prefix}-{name}"
        repositories.append(repository)
        (folder / "Dockerfile").write_text(dockerfile)
        (folder / ".dockerignore").write_text("*\n!Dockerfile\n")
        (folder / "pyproject.toml").write_text(
            f'[project]\nname = "{name}"\nversion = "4.5.6"\ndescription = "A test image."\n'
            'license = "MIT"\n'
            f'[tool.jhub-docker]\nbase = "{base}"\nuses = ["build-tools"]\n'
            f'image = "{repository}"\nenvironment = "/usr/local"\nprofiles = {{}}\n'
        )
        return folder

    yield package
    for repository in repositories:
        for image in client.api.images(name=repository):
            for tag in image.get("RepoTags") or ():
                with contextlib.suppress(ImageNotFound):
                    client.api.remove_image(tag, force=True)


def outcomes(results: list[builds.Result]) -> dict[str, str]:
    return {result.image: result.outcome for result in results}


def test_second_build_changes_nothing_and_tags_and_labels_are_complete(
    root: Path, client: DockerClient, make: Make
) -> None:
    make("one", "FROM base\nUSER root\nRUN ln -sf python3.11 /usr/local/bin/python\n")
    first = builds.build(root, ["one"])
    assert outcomes(first) == {"one": "built"}
    again = builds.build(root, ["one"])
    assert outcomes(again) == {"one": "unchanged"}
    tags = {tag.rpartition(":")[2] for tag in again[0].tags}
    assert tags == {"latest", marks.checkout_tag(root), "4.5.6", "python-3.11", first[0].build_id}
    labels = client.images.get(again[0].tags[0]).labels
    assert labels["org.opencontainers.image.version"] == "4.5.6"
    assert labels["org.opencontainers.image.licenses"] == "MIT"
    for name in ("title", "description", "created", "base.name", "base.digest"):
        assert labels[f"org.opencontainers.image.{name}"], name


def test_a_failing_image_is_named_and_its_siblings_are_kept(
    root: Path, client: DockerClient, make: Make
) -> None:
    make("good", "FROM base\nRUN true\n")
    make("bad", "FROM base\nRUN echo the reason >&2; exit 7\n")
    make("child-of-bad", "FROM base\nRUN true\n", base="bad")
    results = builds.build(root, ["good", "bad", "child-of-bad"])
    assert outcomes(results) == {"good": "built", "bad": "failed", "child-of-bad": "not built"}
    reason = next(result.reason for result in results if result.image == "bad")
    assert "exit code: 7" in reason
    assert "the reason" in reason
    good = next(result for result in results if result.image == "good")
    assert any(tag.endswith(":latest") for tag in good.tags)


def test_a_change_builds_that_image_alone(root: Path, client: DockerClient, make: Make) -> None:
    make("one", "FROM base\nRUN true\n")
    folder = make("two", "FROM base\nRUN true\n")
    builds.build(root, ["one", "two"])
    (folder / "Dockerfile").write_text("FROM base\nRUN true; true\n")
    assert outcomes(builds.build(root, ["one", "two"])) == {
        "one": "unchanged",
        "two": "built",
    }


def test_what_was_taken_out_of_the_engine_comes_back(
    root: Path, client: DockerClient, make: Make
) -> None:
    make("one", "FROM base\nRUN true\n")
    tags = sorted(builds.build(root, ["one"])[0].tags)
    client.images.remove(next(tag for tag in tags if tag.endswith(":latest")))
    again = builds.build(root, ["one"])[0]
    assert (again.outcome, sorted(again.tags)) == ("unchanged", tags)
    for tag in tags:
        client.images.remove(tag)
    again = builds.build(root, ["one"])[0]
    assert (again.outcome, sorted(again.tags)) == ("built", tags)


def test_declared_text_is_kept_as_written_and_warnings_of_steps_are_told_as_long_as_they_hold(
    root: Path, client: DockerClient, make: Make
) -> None:
    # BuildKit does not say again what a cached step said.
    new = secrets.token_hex(8)
    warned = (
        f"FROM base\nUSER root\nRUN --mount=from=build-tools,target=/run/build-tools : {new}"
        "; /run/build-tools/warn \"$(printf 'not all\\nis well')\"\n"
    )
    folder = make("one", warned)
    make("child", "FROM base\n", base="one")
    file = folder / "pyproject.toml"
    (result,) = builds.build(root, ["one"])
    assert (result.outcome, result.warnings) == ("built", ("not all is well",))

    text = 'Costs ${b} of "c" \\ \n %{ if d } 100%'
    file.write_text(file.read_text().replace('"A test image."', json.dumps(text)))
    made = builds.build(root, ["one", "child"])  # the layer is cached
    assert outcomes(made) == {"one": "built", "child": "built"}
    again = builds.build(root, ["one", "child"])
    assert outcomes(again) == {"one": "unchanged", "child": "unchanged"}
    assert {one.warnings for one in (*made, *again)} == {("not all is well",)}
    labels = client.images.get(made[0].tags[0]).labels
    assert labels["org.opencontainers.image.description"] == text
    assert labels["io.jhub-docker.warnings"] == "not all is well", "where the form finds it"

    (folder / "Dockerfile").write_text(f"{warned}RUN rm /usr/local/share/jhub-docker/warnings\n")
    mended = builds.build(root, ["one"])
    assert (mended[0].outcome, mended[0].warnings) == ("built", ())


def test_a_build_that_was_killed_before_it_said_what_is_missing_says_it_the_next_time(
    root: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was baked by then is found by its build id, and nothing is built again."""
    make(
        "one",
        "FROM base\nUSER root\nRUN --mount=from=build-tools,target=/run/build-tools"
        f" /run/build-tools/warn 'not all is well: {secrets.token_hex(8)}'\n",
    )
    with monkeypatch.context() as killed:
        killed.setattr(warned, "keep", MagicMock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            builds.build(root, ["one"])
    (result,) = builds.build(root, ["one"])
    assert (result.outcome, len(result.warnings)) == ("unchanged", 1)
    assert any(tag.endswith(":latest") for tag in result.tags)
    with monkeypatch.context() as watched:
        watched.setattr(warned, "keep", MagicMock(side_effect=AssertionError("asked again")))
        assert builds.build(root, ["one"]) == [result]


TOOLS = f"""\
FROM base
USER root
RUN --mount=from=build-tools,target=/run/build-tools --mount=type=secret,id=ca-bundle \\
    export HOME=/run/home && mkdir -p $HOME && cd $HOME \\
    && run=/run/build-tools/with-ca \\
    && $run curl -fsS INDEX -o /dev/null \\
    && $run git clone -q REPOSITORY \\
    && $run uv venv -q v && $run uv pip install -q -p v --no-cache --index-url INDEX {PACKAGE} \\
    && python3.11 -m venv p && $run p/bin/pip install -q --no-cache-dir --no-deps \\
        --disable-pip-version-check --index-url INDEX {PACKAGE} \\
    && $run python3.11 -c "import urllib.request as u; u.urlopen('INDEX')" \\
    && rm -rf $HOME
"""


def test_build_steps_trust_the_machines_bundle_and_leave_no_trace_of_it(
    root: Path,
    client: DockerClient,
    make: Make,
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = next(
        step
        for step in planning.for_platforms(root, ["singleuser-base"])[0].steps
        if step.spec.name == "singleuser-base"
    )
    # Build steps are on Docker's default network, where only the gateway's address is known.
    gateway = client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    peer = TlsPeer(engine, base.reference, "host", tmp_path, host=gateway, port=free_port())
    dockerfile = TOOLS.replace("INDEX", peer.index).replace("REPOSITORY", peer.repository)
    make("behind-tls", dockerfile)
    refused = builds.build(root, ["behind-tls"])
    assert outcomes(refused) == {"behind-tls": "failed"}, "the peer's CA must be unknown at first"
    assert "certificate" in refused[0].reason
    monkeypatch.setenv("JHUB_DOCKER_CA_BUNDLE", str(peer.bundle))
    built = builds.build(root, ["behind-tls"])
    assert outcomes(built) == {"behind-tls": "built"}, built[0].reason
    needles = layers.own_certificates(peer.bundle)
    assert needles
    found = layers.scan(client, built[0].tags[0], needles)
    assert found.machine_ca == []
    assert found.secrets == []


def test_proxy_variables_reach_build_steps_and_are_not_kept(
    root: Path, client: DockerClient, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:hidden-word@proxy.test:3128")
    make(
        "proxied",
        'FROM base\nRUN case "$HTTP_PROXY" in *word@proxy.test:3128) ;; *) exit 1; esac\n',
    )
    built = builds.build(root, ["proxied"])
    assert outcomes(built) == {"proxied": "built"}, built[0].reason
    reference = built[0].tags[0]
    kept = str(client.api.inspect_image(reference)) + str(client.api.history(reference))
    assert "hidden-word" not in kept


def test_build_ids_are_shown_short_and_kept_long(
    root: Path, client: DockerClient, make: Make
) -> None:
    make("one", "FROM base\n")
    result = builds.build(root, ["one"])[0]
    label = client.images.get(result.tags[0]).labels["io.jhub-docker.build-id"]
    assert identity.short(label) == result.build_id
    assert len(label) == 64
