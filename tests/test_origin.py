"""What is said of where an image comes from."""

import pytest

from jhub_docker.build.labels import origin

BUILD = {"io.jhub-docker.build-id": "0123456789abcdef"}
DIRTY = {"org.opencontainers.image.revision": "c0ffee-dirty"}
RELEASE = {"io.jhub-docker.release": "1.2.0"}
DIGEST = "registry.example/team/uv-lab@sha256:fedcba9876543210"


@pytest.mark.parametrize(
    ("labels", "digests", "told"),
    [
        (BUILD | RELEASE, [DIGEST], "release 1.2.0, sha256:fedcba987654"),
        (BUILD | RELEASE, [], "release 1.2.0, not from a registry"),
        (BUILD, [], "local build 0123456789ab"),
        (BUILD | DIRTY, [], "local build 0123456789ab, uncommitted changes"),
        (BUILD, [DIGEST], "local build 0123456789ab"),
        ({}, [DIGEST], ""),
    ],
)
def test_release_or_local_build(labels: dict[str, str], digests: list[str], told: str) -> None:
    assert origin(labels, digests) == told
