"""Groups' secrets as files: kept closed, replaced, listed without values."""

import io
import re
from importlib import import_module
from pathlib import Path

import pytest

from hub_config import SettingsError, __main__, groups
from hub_config.audit import journal
from hub_config.first_start import Places
from hub_config.settings import kept, reading


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "group-secrets"


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *words: str, value: str = "") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(value))
    return groups.secret_command(folder, words, may_set)


def may_set() -> frozenset[str]:
    return frozenset({"TOKEN", "TEAM_*"})


def test_a_secret_is_the_hubs_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, folder, "set", "The Team", "TOKEN", value="old\n") == 0
    assert run(monkeypatch, folder, "set", "The Team", "TOKEN", value="two\nlines\n") == 0
    assert groups.read_group(folder, "The Team") == {"TOKEN": "two\nlines"}
    assert groups.read_group(folder, "other") == {}
    (file,) = (path for path in folder.rglob("*") if path.is_file())
    assert file.stat().st_mode & 0o777 == 0o600
    assert {path.stat().st_mode & 0o777 for path in (folder, file.parent)} == {0o700}


def test_a_group_cannot_lead_out_of_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(monkeypatch, folder, "set", "../..", "TOKEN", value="x") == 0
    assert all(path.is_relative_to(folder) for path in folder.parent.rglob("TOKEN"))


def test_listing_tells_no_value(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, folder, "set", "team", "TOKEN", value="hush")
    assert run(monkeypatch, folder, "list") == 0
    assert capsys.readouterr().out == "team TOKEN\n"
    assert run(monkeypatch, folder, "remove", "team", "TOKEN") == 0
    assert run(monkeypatch, folder, "remove", "team", "TOKEN") == 1
    assert run(monkeypatch, folder, "remove", "team", "../../x") == 1


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["set", "team", "PATH"], "x"),
        (["set", "team", "API_TOKEN"], "x"),
        (["set", "team", "a/b"], "x"),
        (["set", "team", "TOKEN"], ""),
        (["set", "team", "TOKEN"], "\udcff"),
        (["set", "team", "TOKEN"], "a\0b"),
        (["set", "", "TOKEN"], "x"),
        (["set", "Ü" * 60, "TOKEN"], "x"),
        (["set", "team", "T" * 251], "x"),
        (["set", "team"], "x"),
        ([], ""),
    ],
)
def test_wrong_usage_says_what_is_right(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    value: str,
) -> None:
    assert run(monkeypatch, folder, *words, value=value) == 2
    assert capsys.readouterr().err
    assert not folder.exists()


def test_a_secret_that_is_no_text_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"pass\xff"), "utf-8"))
    assert groups.secret_command(folder, ["set", "team", "TOKEN"], may_set) == 2
    assert capsys.readouterr().err == "The value is not UTF-8.\n"


def test_a_group_whose_name_no_file_can_have_has_no_secrets(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "Fakultät für Elektrotechnik, Informationstechnik und Technische Informatik"
    assert groups.read_group(folder, long * 3) == {}
    assert run(monkeypatch, folder, "remove", long * 3, "TOKEN") == 1


def test_a_setting_that_is_a_secret_comes_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, config = "JHUB_PROVIDER_SECRET", tmp_path / "config.toml"

    def secret(**environ: str) -> str:
        found = reading.read(environ, config).provider_secret
        return found.get_secret_value() if found else ""

    assert secret() == ""
    monkeypatch.setattr("sys.stdin", io.StringIO("kept one\n"))
    folder = tmp_path / "secrets/settings"
    assert kept.command(reading.secret_variables(), folder, ["set", name]) == 0
    assert (folder / name).stat().st_mode & 0o777 == 0o600
    assert secret() == "kept one"
    named = tmp_path / "named"
    named.write_text("named one\n")
    assert secret(JHUB_PROVIDER_SECRET_FILE=str(named)) == "named one"
    assert secret(JHUB_PROVIDER_SECRET="said") == "said"
    with pytest.raises(SettingsError, match="both set"):
        secret(JHUB_PROVIDER_SECRET="said", JHUB_PROVIDER_SECRET_FILE=str(named))
    for wrong in (tmp_path / "none", tmp_path):
        with pytest.raises(SettingsError, match="JHUB_PROVIDER_SECRET_FILE is"):
            secret(JHUB_PROVIDER_SECRET_FILE=str(wrong))
    # Filter and firewall get the same variables, and see no file of the hub's.
    assert reading.read({f"{name}_FILE": "/none"}, None).provider_secret is None
    assert kept.command(reading.secret_variables(), folder, ["remove", name]) == 0
    assert kept.command(reading.secret_variables(), folder, ["remove", name]) == 1, "nothing to do"
    assert secret() == ""
    assert kept.command(reading.secret_variables(), folder, ["set", "JHUB_SIGNUP"]) == 2
    assert name in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("setting set JHUB_PROVIDER_SECRET", "setting.set"),
        ("setting remove JHUB_PROVIDER_SECRET", "setting.remove"),
        ("secrets rotate crypt-key --drop", "secret.rotate"),
        ("secret set team/KEY", "secret.set"),
    ],
)
def test_what_is_done_to_a_secret_is_in_the_audit_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, told: str
) -> None:
    monkeypatch.setattr(__main__, "run", lambda _: 0)
    monkeypatch.setattr(__main__, "Places", lambda: Places(tmp_path))
    assert __main__.main(words.split()) == 0
    (entry,) = journal.newest_first(tmp_path / "audit")
    assert (entry["what"], entry["names"]) == (told, words.split()[2:])


def test_an_error_says_nothing_of_what_is_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "JHUB_PROVIDER_SECRET").write_bytes(b"\xabcret")
    with pytest.raises(SettingsError, match="cannot be read: it is no text") as raised:
        kept.given(["JHUB_PROVIDER_SECRET"], {}, tmp_path)
    assert "ab" not in str(raised.value).partition(": cannot")[2]


def test_every_command_is_described_and_leads_somewhere() -> None:
    described = re.findall(r"^    ([a-z]\S+) ", __main__.__doc__ or "", re.M)
    assert sorted(described) == sorted(__main__.COMMANDS)
    source = Path(__main__.__file__).read_text()
    targets = re.findall(r'_of\("([\w.]+)"\)\.(\w+)\(', source)
    assert len(targets) > 10
    for module, name in targets:
        assert callable(getattr(import_module(f"hub_config.{module}"), name))
