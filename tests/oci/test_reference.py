"""References: what is read, and what is refused in words that help."""

import pytest

from jhub_docker.errors import UsageError
from jhub_docker.registry.reference import Reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("registry.example.org/team/uv-lab", "registry.example.org", "team/uv-lab", None, None),
        ("127.0.0.1:5000/uv-lab:1.2.0", "127.0.0.1:5000", "uv-lab", "1.2.0", None),
        ("localhost/uv-lab:latest", "localhost", "uv-lab", "latest", None),
        ("[::1]:5000/uv-lab", "[::1]:5000", "uv-lab", None, None),
        (f"ghcr.io/a/b__c/d-e@{DIGEST}", "ghcr.io", "a/b__c/d-e", None, DIGEST),
        (f"ghcr.io/a/b:1@{DIGEST}", "ghcr.io", "a/b", "1", DIGEST),
    ],
)
def test_a_reference_has_its_parts(
    text: str, registry: str, repository: str, tag: str | None, digest: str | None
) -> None:
    reference = Reference.parse(text)
    assert reference == Reference(registry, repository, tag, digest)
    assert str(reference) == text


@pytest.mark.parametrize(
    "text",
    [
        "uv-lab:1.2.0",
        "jhub-docker/uv-lab",
        "ghcr.io/Team/uv-lab",
        "ghcr.io/",
        "ghcr.io/team/uv-lab:",
        "ghcr.io/team/uv-lab:1.2+x",
        "ghcr.io/team/uv-lab@sha256:abc",
        "https://ghcr.io/team/uv-lab",
    ],
)
def test_a_wrong_reference_is_told_with_what_was_expected(text: str) -> None:
    with pytest.raises(UsageError, match=r"names no repository of a registry; expected such as"):
        Reference.parse(text)


def test_a_password_in_a_reference_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="docker login") as caught:
        Reference.parse("ann:hunter2@registry.example.org/team/uv-lab:1.2.0")
    assert "hunter2" not in str(caught.value)
