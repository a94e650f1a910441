"""The backup's image as it stands; what it does with volumes is the business of `integration/`."""

import json

import pytest
from docker.errors import ContainerError

from jhub_testing.subject import Subject


def refused(subject: Subject, *command: str, **environment: str) -> tuple[int, str]:
    """The exit code and the sentence of a command that fails."""
    program = ["/opt/backup/bin/python", "-m", "jhub_backup", *command]
    with pytest.raises(ContainerError) as ended:
        subject.engine.run(
            subject.reference,
            ["sh", "-c", f"{' '.join(program)} >&2"],
            environment=environment,
            network_mode="none",
        )
    said = ended.value.stderr.decode()
    assert "Traceback" not in said
    return ended.value.exit_status, said


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"JHUB_BACKUP_SCHEDULE": "noon"}, "'noon'"),
        ({"JHUB_BACKUP_TO": "ftp://host"}, "'ftp://host'"),
        ({"JHUB_BACKUP_KEEP": "forever"}, "'forever'"),
    ],
)
def test_a_wrong_setting_is_named(subject: Subject, wrong: dict[str, str], word: str) -> None:
    right = {"JHUB_BACKUP_SCHEDULE": "02:30", "JHUB_BACKUP_TO": "/backup"}
    code, said = refused(subject, "schedule", **{**right, **wrong})
    assert code == 2
    assert word in json.loads(said)["error"]
    code, said = refused(subject, "check", "--scheduled", **{**right, **wrong})
    assert (code, word in said) == (3, True)


def test_there_is_no_key_before_the_first_backup(subject: Subject) -> None:
    code, said = refused(subject, "key")
    assert (code, "the first backup makes it" in said) == (1, True)


def test_an_unknown_command_shows_those_there_are(subject: Subject) -> None:
    code, said = refused(subject, "nope")
    assert code == 2
    assert "schedule" in said


def test_restic_is_there_and_nobody_can_change_the_program(subject: Subject) -> None:
    assert subject.engine.run(subject.reference, ["restic", "version"]).startswith("restic 0.")
    find = ["sh", "-c", "find /usr/local/bin /opt/backup ! -type l -perm /0022 -print"]
    assert subject.engine.run(subject.reference, find) == ""


def test_no_secret_cache_or_host_ca_in_any_layer(subject: Subject) -> None:
    assert subject.findings.secrets == []
    assert subject.findings.machine_ca == []
    assert subject.findings.caches == []
