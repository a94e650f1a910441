"""What is attached to an image, in a registry without the referrers API (Distribution 2.8)."""

from collections.abc import Callable

import pytest
import requests

from jhub_docker.errors import ActionError
from jhub_docker.oci.layout import Descriptor, Layout
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_testing.registry import Registry

MakeImage = Callable[..., Descriptor]
BOM, NOTE = "application/vnd.cyclonedx+json", "application/vnd.test.note"


@pytest.fixture
def image(
    remote: Remote, repository: Reference, layout: Layout, make_image: MakeImage
) -> Reference:
    return remote.push(layout, make_image(b"a layer"), repository)


def test_the_registry_has_no_referrers_api(registry: Registry, image: Reference) -> None:
    """So what follows shows the fallback, a tag that lists them."""
    address = f"http://{registry.address}/v2/{image.repository}/referrers/{image.digest}"
    assert requests.get(address, timeout=5).status_code == 404


def test_what_is_attached_is_found_by_type(remote: Remote, image: Reference) -> None:
    assert remote.referrers(image) == []
    bom = remote.attach(image, BOM, "bom.json", b'{"a": 1}')
    note = remote.attach(image, NOTE, "note", b"x")
    assert {found.digest for found in remote.referrers(image)} == {bom.digest, note.digest}
    (found,) = remote.referrers(image, BOM)
    _, manifest = remote.manifest(image.at(found.digest))
    assert manifest["subject"]["digest"] == image.digest
    (layer,) = manifest["layers"]
    assert layer["annotations"] == {"org.opencontainers.image.title": "bom.json"}
    assert remote.document(image.at(found.digest)) == {"a": 1}


def test_attaching_again_changes_nothing(remote: Remote, image: Reference) -> None:
    bill = image, BOM, "bom.json", b"{}"
    assert remote.attach(*bill) == remote.attach(*bill)
    assert len(remote.referrers(image)) == 1


def test_an_attachment_cut_before_it_was_listed_is_listed_by_the_next_try(
    registry: Registry, remote: Remote, image: Reference
) -> None:
    note = remote.attach(image, NOTE, "note", b"x")
    lists = f"/manifests/sha256-{str(image.digest).removeprefix('sha256:')}"
    registry.gate.fail(lambda request: request.method == "PUT" and lists in request.target, "cut")
    bom = remote.attach(image, BOM, "bom.json", b"{}")
    assert {found.digest for found in remote.referrers(image)} == {note.digest, bom.digest}
    (listed,) = remote.referrers(image, BOM)
    assert listed.artifact_type == BOM


def test_so_does_one_whose_process_ended_there(
    registry: Registry, remote: Remote, image: Reference
) -> None:
    lists = f"/manifests/sha256-{str(image.digest).removeprefix('sha256:')}"
    registry.gate.fail(
        lambda request: request.method == "PUT" and lists in request.target, "cut", times=99
    )
    once = Remote(remote.access, pauses=())
    with pytest.raises(ActionError, match="broke"):
        once.attach(image, NOTE, "note", b"x")
    registry.gate.mend()
    note = once.attach(image, NOTE, "note", b"x")
    assert [found.digest for found in remote.referrers(image)] == [note.digest]


def test_nothing_is_attached_to_what_is_not_there(remote: Remote, repository: Reference) -> None:
    with pytest.raises(ActionError, match="is not in the registry"):
        remote.attach(repository.at("sha256:" + "0" * 64), NOTE, "note", b"x")
