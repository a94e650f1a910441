"""A release of a little image in a real registry, with all its records, signed by cosign.

It is made once; each test gets the registry's files anew, to do with as it likes.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jhub_docker.catalog import load
from jhub_docker.host.programs import program
from jhub_docker.oci.layout import Descriptor, Layout
from jhub_docker.registry.access import Access
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release.record.keys import Key
from jhub_docker.release.record.provenance import Source
from jhub_docker.release.record.records import Records, make_records, sign
from jhub_testing.little_releases import (
    BUILD_ID,
    COMMIT,
    VERSION,
    Release,
    build,
    make_checkout,
    make_key,
)
from jhub_testing.registry import Registry


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    packages = make_checkout(tmp_path_factory.mktemp("checkout"))
    return Source(
        catalog=load(packages),
        image="uv-thing",
        commit=COMMIT,
        epoch=1_700_000_000,
        url="https://example.org/team/images",
        build_ids={"uv-thing": BUILD_ID, "parent": "0" * 64},
        lane="bookworm",
    )


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Key, Path]:
    """The maintainer's key pair."""
    return make_key(tmp_path_factory.mktemp("own") / "key")


@pytest.fixture(scope="session")
def strange(tmp_path_factory: pytest.TempPathFactory) -> tuple[Key, Path]:
    """Somebody else's."""
    return make_key(tmp_path_factory.mktemp("strange") / "key")


@pytest.fixture(scope="session")
def published(
    tmp_path_factory: pytest.TempPathFactory, source: Source, own: tuple[Key, Path]
) -> tuple[Path, Path, Descriptor, Records]:
    """The registry's files with the release in it, and the layout it is from."""
    folder = tmp_path_factory.mktemp("published")
    layout = Layout(folder / "layout")
    index = build(layout)
    records = make_records(layout, index, source)
    with Registry(folder) as registry:
        remote = Remote(Access())
        image = remote.push(layout, index, Reference.parse(f"{registry.address}/team/uv-thing"))
        sign(remote, image, records, own[0])
        remote.tag(image, VERSION)
    return folder / "blobs", folder / "layout", index, records


@pytest.fixture
def release(
    tmp_path: Path,
    published: tuple[Path, Path, Descriptor, Records],
    own: tuple[Key, Path],
) -> Iterator[Release]:
    storage, layout, index, records = published
    folder = tmp_path / "registry"
    shutil.copytree(storage, folder / "blobs")
    shutil.copytree(layout, tmp_path / "layout")
    with Registry(folder) as registry:
        image = Reference.parse(f"{registry.address}/team/uv-thing").at(index.digest)
        yield Release(
            Remote(Access(), pauses=()), Layout(tmp_path / "layout"), index, image, records,
            own[0], own[1], folder / "blobs",
        )  # fmt: skip


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """All arguments that the real cosign and oras are called with from now on."""
    log, folder = tmp_path / "arguments", tmp_path / "bin"
    folder.mkdir()
    log.touch()
    for name, real in (("cosign", program("cosign")), ("oras", program("oras"))):
        script = folder / name
        script.write_text(f'#!/bin/sh\necho "{name} $*" >>"{log}"\nexec "{real}" "$@"\n')
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return log.read_text
