"""What a person does with a server of an image, wherever it runs: the same on every runtime."""

from collections.abc import Callable

from jhub_docker.catalog.packages import ImageSpec
from jhub_testing import probes
from jhub_testing.person import Person
from jhub_testing.waiting import wait_until


def opens_its_page(person: Person, image: ImageSpec) -> None:
    """The server opens the image's page."""
    assert image.probe
    answer = person.server.get("")
    assert image.probe.rstrip("/") in answer.url, f"the server opens {answer.url}"
    probes.page(person.server, image.probe)


def works_behind_it(person: Person, image: ImageSpec) -> None:
    """What is behind the page does its work."""
    assert image.probe
    probes.works(person.server, image.probe)


def finds_files_again(person: Person, image: ImageSpec, is_gone: Callable[[], bool]) -> None:
    """A file is there after a stop, with another size; `is_gone` tells of the server."""
    body = {"type": "file", "format": "text", "content": "kept"}
    assert person.server.put("api/contents/kept.txt", json=body).ok
    person.stop()
    wait_until(is_gone, "the server to be gone")
    person.choose(f"{image.name}-medium")
    assert person.server.get("api/contents/kept.txt").json()["content"] == "kept"
