"""Quick questions to a real engine, and what is said where none, or no client, answers."""

from pathlib import Path

import pytest

from jhub_docker.engine import quick
from jhub_docker.errors import ActionError
from jhub_testing.resources import Engine


def test_an_image_is_found_once_by_its_label_and_by_each_of_its_tags(
    engine: Engine, base: str
) -> None:
    label = f"{engine.name('label')}"
    container = engine.client.containers.create(base, labels=engine.labels)
    image = container.commit(engine.name("quick"), changes=[f"LABEL {label}=1"])
    container.remove()
    name = image.tags[0].rpartition(":")[0]
    image.tag(name, "again")
    found = quick.images(label)
    assert [one["Id"] for one in found] == [image.id]
    assert sorted(found[0]["RepoTags"]) == [f"{name}:again", f"{name}:latest"]
    again = quick.image(f"{name}:again")
    assert again is not None
    assert again["Id"] == image.id


def test_what_is_not_there_is_no_failure(engine: Engine) -> None:
    assert quick.images(engine.name("nobodys-label")) == []
    assert quick.image(f"{engine.name('nobodys')}:latest") is None


def test_an_engine_that_does_not_answer_has_no_version_and_is_no_empty_one(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert quick.server() is not None
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert quick.server() is None
    with pytest.raises(ActionError, match="docker image ls failed"):
        quick.images("any")
    with pytest.raises(ActionError, match="docker image inspect failed"):
        quick.image("any")


def test_a_missing_client_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert quick.server() is None
    with pytest.raises(ActionError, match=r"the program docker is needed here .*: install it"):
        quick.image("any")
