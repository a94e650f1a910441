"""What is a secret, who can read it, and settings that are encrypted: with the real sops."""

import os
import subprocess
import sysconfig
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jhub_docker import secrets
from jhub_docker.backup import container as backups
from jhub_docker.doctor.redaction import is_secret
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.platform import audit_log, chosen, compose, containers, encrypted
from jhub_docker.process import Ended

RECIPIENT = "age1adyp6tgczvkjfxuyylpeyvy9g27ahc8at6lgruw6377yj6v0q56q0sy2kk"
KEY = "AGE-SECRET-KEY-15NQX7RWJZASY72LLGP3L8NL6NJYM5HWNKSSE66JWYZ4Y4GQ0653QU66S36"
"""Made for this test; it opens nothing else."""


@pytest.mark.parametrize(
    "name",
    ["JHUB_PROVIDER_SECRET", "RESTIC_REST_PASSWORD", "AWS_ACCESS_KEY_ID", "API_KEY", "HF_TOKEN"],
)
def test_a_secret_is_known_by_its_name(name: str) -> None:
    assert is_secret(name)
    assert not is_secret(f"{name}_FILE")


def test_what_is_no_secret_may_be_shown() -> None:
    names = ("JHUB_PORT", "JHUB_SECOND_FACTOR", "AWS_DEFAULT_REGION", "JHUB_BACKUP_KEEP")
    assert not [one for one in (*names, "JHUB_MINIMUM_PASSWORD_LENGTH") if is_secret(one)]


def test_every_secret_setting_of_compose_can_be_a_file() -> None:
    text = (Path(__file__).parents[1] / "compose.yaml").read_text("utf-8")
    names = {line.strip().partition(":")[0] for line in text.splitlines() if ":" in line}
    assert {one for one in names if is_secret(one)} == secrets.SERVES.keys()
    assert {f"{one}_FILE" for one in secrets.SERVES} <= names


@pytest.fixture
def encrypted_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose settings are encrypted with age; the key is in the environment."""
    monkeypatch.setenv("PATH", sysconfig.get_path("scripts"), prepend=os.pathsep)
    monkeypatch.setenv("SOPS_AGE_KEY", KEY)
    (tmp_path / "plain").write_text('JHUB_PORT=8123\nJHUB_PROVIDER_SECRET=hu=sh "x"\n')
    encrypt = ("sops", "--encrypt", "--input-type", "dotenv", "--output-type", "dotenv")
    made = subprocess.run(
        [*encrypt, "--age", RECIPIENT, str(tmp_path / "plain")],
        capture_output=True,
        text=True,
        check=True,
    )
    (tmp_path / ".env.sops").write_text(made.stdout)
    encrypted.variables.cache_clear()
    return tmp_path


def test_encrypted_settings_are_read_and_the_environment_wins(
    encrypted_env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "hu=sh" not in (encrypted_env / ".env.sops").read_text()
    monkeypatch.delenv("JHUB_PORT", raising=False)
    wanted = {"JHUB_PORT": "8123", "JHUB_PROVIDER_SECRET": 'hu=sh "x"'}
    assert encrypted.variables(encrypted_env) == wanted
    assert wanted.keys() <= compose.variables_of(encrypted_env).keys()
    monkeypatch.setenv("JHUB_PORT", "9000")
    encrypted.variables.cache_clear()
    assert "JHUB_PORT" not in encrypted.variables(encrypted_env)
    assert "JHUB_PROVIDER_SECRET" in compose.written(encrypted_env / ".env.sops")


def test_settings_that_cannot_be_opened_are_an_error_and_not_left_out(
    encrypted_env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOPS_AGE_KEY")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(encrypted_env))
    with pytest.raises(UsageError, match="sops cannot open"):
        encrypted.variables(encrypted_env)
    monkeypatch.setenv("PATH", str(encrypted_env))
    with pytest.raises(UsageError, match="sops is not on PATH"):
        encrypted.variables(encrypted_env)


def test_the_backups_own_are_told_to_the_audit_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub tells of what it does itself; these are another container's."""
    told: list[tuple[str, list[str]]] = []

    def tell(_platform: Any, what: str, *, names: list[str]) -> None:
        told.append((what, names))

    done = SimpleNamespace(code=0)
    platform = SimpleNamespace(
        project="demo", hub_environment={}, once=lambda *_, **__: done, root=tmp_path
    )
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(audit_log, "tell", tell)
    monkeypatch.setattr(chosen, "read", lambda *_: platform)
    monkeypatch.setattr(backups, "ask", lambda *_: None)
    secrets.keep(tmp_path, "RESTIC_REST_PASSWORD", remove=True)
    secrets.rotate(tmp_path, "backup-key", drop=False, assume_yes=True)
    assert told == [
        ("setting.remove", ["RESTIC_REST_PASSWORD"]),
        ("secret.rotate", ["backup-key"]),
    ]


def test_to_remove_what_is_not_kept_starts_no_hub_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "JHUB_DB_PASSWORD is not kept, so there is nothing to remove."
    platform = SimpleNamespace(project="demo", once=lambda *_, **__: Ended(1, err=said))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(chosen, "read", lambda *_: platform)
    with pytest.raises(ActionError, match="nothing to remove"):  # and no hub is asked for
        secrets.keep(tmp_path, "JHUB_DB_PASSWORD", remove=True)


def test_grafana_is_told_its_new_password_or_keeps_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the file that names its password only while it has no database."""
    done: list[str] = []

    def noted(answer: Ended) -> Any:
        def run(*words: str) -> Ended:
            done.append(words[-1])
            return answer

        return run

    platform: Any = SimpleNamespace(in_hub=noted(Ended(0)), compose=noted(Ended(0)))

    def there(*states: str) -> None:
        found = [{"State": state} for state in states]
        monkeypatch.setattr(containers, "of_service", lambda *_: found)

    there()
    assert "grafana-password is new" in secrets._renew_for_grafana(platform)
    there("exited")
    with pytest.raises(ActionError, match="Grafana does not run"):
        secrets._renew_for_grafana(platform)
    there("running")
    assert "grafana-password is new" in secrets._renew_for_grafana(platform)
    assert done == ["grafana-password", "grafana-password", secrets.TO_GRAFANA]
    platform.compose = noted(Ended(1, err="no such command"))
    with pytest.raises(ActionError, match="keeps its older password, try again: no such command"):
        secrets._renew_for_grafana(platform)
