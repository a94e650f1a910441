"""Images broken on purpose: the check that is named for the fault has to fail.

And the sound image they are made from has to pass the same check, or the failure would prove
nothing.
"""

from collections.abc import Callable

import pytest

from jhub_testing.contract import named, process
from jhub_testing.layers import scan
from jhub_testing.subject import Subject

KEY = "\\n".join(["-----BEGIN PRIVATE KEY-----", *["A" * 64] * 4, "-----END PRIVATE KEY-----"])
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
    "no_secret_in_layers": (f"printf '{KEY}\\n' >/etc/key.pem", []),
    "no_cache_in_layers": ("mkdir -p /root/.cache/uv && echo x >/root/.cache/uv/wheel", []),
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
    "no_secret_in_layers",
    "no_cache_in_layers",
]


def test_sound_image_passes(broken: Broken) -> None:
    subject = broken()
    for name in SOUND:
        named(name)(subject)


def test_machine_ca_is_noticed(broken: Broken) -> None:
    # In two pieces, since the command is in the image's configuration, where it counts as well.
    subject = broken("echo 'needle in'' a layer' >/opt/ca.pem; rm /opt/ca.pem")
    found = scan(subject.engine.client, subject.reference, (b"needle in a layer",))
    assert not found.machine_ca, "removed within the same layer, so it is in none"
    subject = broken("echo 'needle in'' a layer' >/opt/ca.pem")
    found = scan(subject.engine.client, subject.reference, (b"needle in a layer",))
    assert found.machine_ca == ["opt/ca.pem"]
