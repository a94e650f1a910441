"""Registries with a certificate nobody knows, in the clear, and told apart."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci.layout import Descriptor, Layout
from jhub_docker.registry.access import Access
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_testing.operator import invoke
from jhub_testing.registry import Registry

MakeImage = Callable[..., Descriptor]


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[Registry]:
    folder = tmp_path / "encrypted"
    folder.mkdir()
    with Registry(folder, tls=True) as running:
        yield running


@pytest.fixture
def place(encrypted: Registry) -> Reference:
    return Reference.parse(f"{encrypted.address}/team/uv-lab")


def test_the_ca_file_lets_a_connection_through(
    encrypted: Registry, place: Reference, layout: Layout, make_image: MakeImage
) -> None:
    access = Access.from_environment({"JHUB_REGISTRY_CA": str(encrypted.ca)})
    image = make_image(b"a layer")
    pushed = Remote(access).push(layout, image, place)
    assert Remote(access).resolve(pushed) == image


@pytest.fixture
def other_ca(tmp_path: Path) -> Path:
    """Of nobody here; with it registries on this machine are spoken to over TLS too."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    return tmp_path / "other.pem"


def test_without_it_one_is_told_what_to_name(place: Reference, other_ca: Path) -> None:
    with pytest.raises(ActionError, match="JHUB_REGISTRY_CA"):
        Remote(Access(other_ca)).resolve(place.tagged("1.2.0"))


def test_one_of_two_registries_can_be_in_the_clear(
    registry: Registry, encrypted: Registry, repository: Reference, place: Reference,
    layout: Layout, make_image: MakeImage,
) -> None:  # fmt: skip
    access = Access.from_environment(
        {
            "JHUB_REGISTRY_CA": str(encrypted.ca),
            "JHUB_REGISTRY_PLAIN_HTTP": f"other.example.org:5000, {registry.address}",
        }
    )
    remote = Remote(access, pauses=())
    image = make_image(b"a layer")
    for target in (repository, place):
        assert remote.resolve(remote.push(layout, image, target)) == image


def test_speaking_tls_to_a_plain_registry_is_told_apart(
    repository: Reference, other_ca: Path
) -> None:
    with pytest.raises(ActionError, match="JHUB_REGISTRY_PLAIN_HTTP"):
        Remote(Access(other_ca)).resolve(repository.tagged("1.2.0"))


def test_speaking_plainly_to_an_encrypted_registry_is_told_apart(place: Reference) -> None:
    with pytest.raises(ActionError, match="If it speaks TLS"):
        Remote(Access()).resolve(place.tagged("1.2.0"))


@pytest.mark.parametrize(
    ("registry", "plain"),
    [
        ("127.0.0.1:5000", True),
        ("localhost", True),
        ("[::1]:5000", True),
        ("registry.example.org", False),
        ("10.0.0.1:5000", False),
    ],
)
def test_only_this_machines_registries_are_plain_by_themselves(registry: str, plain: bool) -> None:
    assert Access().is_plain(registry) is plain
    assert Access(ca_file=Path("ca.pem")).is_plain(registry) is False
    assert Access(plain_registries=(registry,)).is_plain(registry) is True


def test_a_ca_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"JHUB_REGISTRY_CA names .*missing\.pem.*No such file"):
        Access.from_environment({"JHUB_REGISTRY_CA": str(tmp_path / "missing.pem")})


@pytest.mark.parametrize("text", ["", "no certificate\n", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_ca_file_without_certificates_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"ca\.pem, which cannot be used .no PEM certificates"):
        Access.from_environment({"JHUB_REGISTRY_CA": str(file)})


def test_a_task_says_it_in_one_sentence(tmp_path: Path) -> None:
    file, key = tmp_path / "ca.pem", tmp_path / "cosign.pub"
    file.write_text("no certificate\n")
    key.write_text("-----BEGIN PUBLIC KEY-----\n")
    command = ("release.verify", "127.0.0.1:1/x:1", "--key", str(key))
    found = invoke(*command, JHUB_REGISTRY_CA=str(file))
    assert (found.returncode, found.stdout) == (2, "")
    (line,) = found.stderr.splitlines()
    assert line.startswith(f"error: JHUB_REGISTRY_CA names {file}, which cannot be used")


def test_the_machines_own_cas_stay_trusted(
    encrypted: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = tmp_path / "machine.pem"
    machine.write_text("# the machine's\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(machine))
    bundle = Access(ca_file=encrypted.ca).bundle()
    assert bundle is not None
    assert bundle.read_text() == f"{encrypted.ca.read_text()}\n# the machine's\n"
    assert Access().bundle() is None
