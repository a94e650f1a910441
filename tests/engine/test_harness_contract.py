"""Images broken on purpose: the check that is named for the fault has to fail.

And the sound image they are made from has to pass the same check, or the failure would prove
nothing.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from jhub_testing.archives import Files, archive
from jhub_testing.contract import named, process
from jhub_testing.layers import scan
from jhub_testing.resources import Engine
from jhub_testing.subject import Subject

KEY = "\n".join(["-----BEGIN PRIVATE KEY-----", *["A" * 64] * 4, "-----END PRIVATE KEY-----", ""])
Broken = Callable[..., Subject]

IGNORING = {"on_sigterm": "signal.SIG_IGN"}
DIES_ON_READ_ONLY = {"first": "open('/opt/state', 'w').close()"}
NEEDS_HOME = {"first": "open('/home/nebula/.theirs').close()"}

FAULTS = {
    "is_not_root": ("true", ["USER root", 'ENTRYPOINT ["tini","--"]']),
    "tini_is_pid_1": ("true", ['ENTRYPOINT ["/usr/local/bin/start-singleuser"]']),
    "healthy_when_it_answers": ("true", ["HEALTHCHECK NONE"]),
    "not_healthy_when_it_does_not_answer": ("true", ['HEALTHCHECK --interval=1s CMD ["true"]']),
    "sudo_is_off": ("echo 'ALL ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/zz", []),
    "environment_is_not_writable": ("mkdir -p /opt/venv && chmod 777 /opt/venv", []),
    "no_uv_variables": ("true", ["ENV UV_PROJECT_ENVIRONMENT=/opt/venv"]),
    "node_trusts_the_operator": ("sed -i 's/NODE_EXTRA_CA_CERTS=/NO=/' %s", []),
    "curl_git_and_python_trust_the_operator": ("sed -i 's/GIT_SSL_CAINFO=/NO=/' %s", []),
    "nb_uid_is_honoured": ("sed -i 's/chown /chown -R /' %s", []),
    "sudo_can_be_granted": ("sed -i 's/GRANT_SUDO:-/GRANT_NOTHING:-/' %s", []),
}
"""By the check that has to notice: what is done to the image, and to its configuration."""

START = "/usr/local/bin/start-singleuser"


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_noticed_by_its_check(name: str, broken: Broken) -> None:
    script, changes = FAULTS[name]
    with pytest.raises(AssertionError):
        named(name)(broken(script.replace("%s", START), *changes))


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("sigterm_stops_it", IGNORING),
        ("foreign_home_works", NEEDS_HOME),
        ("home_of_another_uid_works", NEEDS_HOME),
        ("read_only_root_works", DIES_ON_READ_ONLY),
    ],
)
def test_bad_server_is_noticed(
    name: str, fault: dict[str, str], broken: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STOPS_WITHIN", 3)  # it never would
    with pytest.raises(AssertionError):
        named(name)(broken("chmod 777 /opt", **fault))


SOUND = [
    "is_not_root",
    "tini_is_pid_1",
    "healthy_when_it_answers",
    "not_healthy_when_it_does_not_answer",
    "sigterm_stops_it",
    "empty_home_works",
    "nb_uid_is_honoured",
    "sudo_is_off",
    "sudo_can_be_granted",
    "curl_git_and_python_trust_the_operator",
    "node_trusts_the_operator",
    "environment_is_not_writable",
    "no_uv_variables",
]


def test_sound_image_passes(broken: Broken) -> None:
    subject = broken()
    for name in SOUND:
        named(name)(subject)


@pytest.fixture
def of_files(engine: Engine, tmp_path: Path) -> Callable[[Files], Subject]:
    """Makes an image of these files: what is in a layer can be seen without more."""

    def make(files: Files) -> Subject:
        labels = [f'LABEL {key}="{value}"' for key, value in engine.labels.items()]
        name, made = engine.name("files"), archive(files)
        engine.client.api.import_image_from_data(made, name, "1", changes=labels)
        return Subject(engine, f"{name}:1", tmp_path, with_hub=False)

    return make


@pytest.mark.parametrize(
    ("name", "place"),
    [("no_secret_in_layers", "etc/key.pem"), ("no_cache_in_layers", "root/.cache/uv/wheel")],
)
def test_what_is_in_a_layer_is_noticed(
    name: str, place: str, of_files: Callable[[Files], Subject]
) -> None:
    named(name)(of_files({"usr/share/doc/key": b"no key"}))
    with pytest.raises(AssertionError):
        named(name)(of_files({place: KEY.encode()}))


def test_machine_ca_is_noticed(of_files: Callable[[Files], Subject]) -> None:
    for words, places in ((b"a needle in a layer", ["opt/ca.pem"]), (b"nothing", [])):
        subject = of_files({"opt/ca.pem": words})
        found = scan(subject.engine.client, subject.reference, (b"needle in a layer",))
        assert found.machine_ca == places
