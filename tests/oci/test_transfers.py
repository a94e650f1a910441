"""Pushes and pulls on a bad day: what passes is tried again, what is there is not sent again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jhub_docker.errors import ActionError
from jhub_docker.oci.layout import Descriptor, Layout
from jhub_docker.registry import remote as remotes
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_testing.gate import Request
from jhub_testing.registry import Registry

MakeImage = Callable[..., Descriptor]
LAYERS = [bytes([number]) * 400_000 for number in range(6)]


def upload_of(digest: str) -> Callable[[Request], bool]:
    return lambda request: request.method == "PUT" and request.digest == digest


def layers(layout: Layout, image: Descriptor) -> list[str]:
    """The digests of the layers of the one image in the index."""
    (found,) = layout.manifests(image)
    return [layer["digest"] for layer in found[1]["layers"]]


@pytest.fixture
def impatient(remote: Remote) -> Remote:
    """Tries once."""
    return Remote(remote.access, pauses=())


# Tests that count tries allow for one more at once: oras 1.2 crashes now and then over two faults.


def test_what_was_pushed_comes_back(
    remote: Remote, repository: Reference, layout: Layout, make_image: MakeImage, tmp_path: Path
) -> None:
    image = make_image(*LAYERS)
    pushed = remote.push(layout, image, repository)
    remote.tag(pushed, "1.2.0")
    other = Layout(tmp_path / "other")
    assert remote.pull(repository.tagged("1.2.0"), other) == image
    for digest in layers(layout, image):
        assert other.read(digest) == layout.read(digest)


def test_a_push_that_was_cut_goes_on(
    registry: Registry, impatient: Remote, repository: Reference, layout: Layout,
    make_image: MakeImage,
) -> None:  # fmt: skip
    image = make_image(*LAYERS)
    registry.gate.fail(upload_of(layers(layout, image)[-1]), "cut", times=9)
    with pytest.raises(ActionError, match=r"the connection to .* broke"):
        impatient.push(layout, image, repository)
    assert impatient.resolve(repository.at(image.digest)) is None, "half of it is published"
    arrived = registry.stored
    assert len(arrived & set(layers(layout, image))) >= 2, "it was cut before anything arrived"

    registry.gate.mend()
    registry.gate.forget()
    impatient.push(layout, image, repository)
    assert not set(registry.gate.uploads) & arrived, "blobs that were there were sent again"
    missing = sum(400_000 for digest in layers(layout, image) if digest not in arrived)
    assert 0 < registry.gate.sent < missing + 10_000


@pytest.mark.parametrize(("way", "times"), [("cut", 2), ("cut the answer", 1), ("503", 2), ("429", 1)])  # fmt: skip  # noqa: E501
def test_passing_faults_are_got_over(
    registry: Registry, remote: Remote, repository: Reference, layout: Layout,
    make_image: MakeImage, way: str, times: int,
) -> None:  # fmt: skip
    image = make_image(*LAYERS)
    registry.gate.fail(upload_of(layers(layout, image)[3]), way, times)  # type: ignore[arg-type]
    assert remote.push(layout, image, repository) == repository.at(image.digest)
    assert remote.resolve(repository.at(image.digest)) == image


def test_a_pull_that_was_cut_goes_on(
    registry: Registry, impatient: Remote, remote: Remote, repository: Reference, layout: Layout,
    make_image: MakeImage, tmp_path: Path,
) -> None:  # fmt: skip
    image = make_image(*LAYERS)
    pushed = remote.push(layout, image, repository)
    last = layers(layout, image)[-1]
    registry.gate.fail(lambda request: request.digest == last, "cut the answer", times=9)
    other = Layout(tmp_path / "other")
    with pytest.raises(ActionError, match="broke"):
        impatient.pull(pushed, other)
    assert not other.has(last), "half a blob is kept under its name"
    arrived = [digest for digest in layers(layout, image) if other.has(digest)]
    assert len(arrived) >= 2

    registry.gate.mend()
    registry.gate.forget()
    assert impatient.pull(pushed, other) == image
    assert not set(registry.gate.blobs) & set(arrived), "blobs that were there were fetched again"


def test_a_registry_in_lasting_trouble_is_given_up_in_words(
    registry: Registry, repository: Reference, remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.gate.fail(lambda request: True, "cut", times=100)
    with pytest.raises(ActionError, match=r"broke: look at the network.*oras said: "):
        remote.resolve(repository.tagged("1.2.0"))
    assert capsys.readouterr().err.count("again in 0.1 s") == 3


def test_where_nobody_listens_that_is_said_at_once(
    remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ActionError, match=r"nothing answers at 127\.0\.0\.1:1: "):
        remote.resolve(Reference.parse("127.0.0.1:1/team/uv-lab:1"))
    assert "again in" not in capsys.readouterr().err


def test_a_blob_that_is_cut_twice_is_the_only_one_sent_again(
    registry: Registry, remote: Remote, repository: Reference, layout: Layout,
    make_image: MakeImage, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    image = make_image(b"one layer" * 50_000)
    (layer,) = layers(layout, image)
    registry.gate.fail(upload_of(layer), "cut", times=2)
    remote.push(layout, image, repository)
    assert registry.gate.uploads.count(layer) == 3
    said = capsys.readouterr().err
    assert said.count("; again ") == 2


def test_pushing_again_sends_nothing(
    registry: Registry, remote: Remote, repository: Reference, layout: Layout,
    make_image: MakeImage, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    image = make_image(*LAYERS)
    remote.push(layout, image, repository)
    registry.gate.forget()
    remote.push(layout, image, repository)
    assert {request.method for request in registry.gate.requests} == {"HEAD"}
    first, _, again = capsys.readouterr().err.partition("done in")
    assert (first.count("Copied "), again.count("Copied ")) == (9, 0)


def test_a_registry_that_no_longer_answers_is_tried_again(
    registry: Registry, remote: Remote, repository: Reference, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(remotes, "REQUEST", 1.0)
    registry.gate.fail(lambda request: True, "stall")
    assert remote.resolve(repository.tagged("1.2.0")) is None
    assert "no end in 1 s: timed out; again in 0.1 s" in capsys.readouterr().err


def test_several_registries_at_once(
    registry: Registry, remote: Remote, layout: Layout, make_image: MakeImage, tmp_path: Path
) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    image = make_image(*LAYERS[:2])
    with Registry(folder) as second:
        places = [Reference.parse(f"{where.address}/uv-lab") for where in (registry, second)]
        pushed = [remote.push(layout, image, place) for place in places]
        assert [remote.resolve(place) for place in pushed] == [image, image]


def test_what_is_not_there_is_no_fault(
    registry: Registry, remote: Remote, repository: Reference
) -> None:
    assert remote.resolve(repository.tagged("1.2.0")) is None
    assert remote.tags(repository) == []
    assert len(registry.gate.requests) == 2, "what is missing was asked for again and again"
