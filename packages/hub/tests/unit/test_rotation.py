"""Secrets made anew: what was signed or sealed with the older one goes on until it is dropped."""

import os
import sqlite3
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
from cryptography.fernet import Fernet, InvalidToken
from tornado.web import create_signed_value, decode_signed_value

from hub_config import rotation
from hub_config.first_start import Places, make_secrets, older, read_all, read_secret, write_secret
from hub_config.rotation import cookie_keys


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(tmp_path / "data", tmp_path / "proxy", tmp_path / "metrics")
    made.proxy.mkdir()
    make_secrets(made)
    return made


def fernet(key: str) -> Fernet:
    return Fernet(urlsafe_b64encode(bytes.fromhex(key)))


def run(places: Places, *words: str) -> int:
    return rotation.command(places, words)


def test_a_cookie_goes_on_until_its_secret_is_dropped(places: Places) -> None:
    def signed() -> bytes:
        now = cookie_keys(read_all(places.cookie_secret))
        made: bytes = create_signed_value(
            now["cookie_secret"], "login", "ada", key_version=now["key_version"]
        )
        return made

    def taken(cookie: bytes) -> bool:
        secrets = cookie_keys(read_all(places.cookie_secret))["cookie_secret"]
        return decode_signed_value(secrets, "login", cookie) == b"ada"

    # From before there were numbers: JupyterHub alone has one plain secret.
    oldest = create_signed_value(bytes.fromhex(read_secret(places.cookie_secret)), "login", "ada")
    first = signed()
    assert taken(oldest)
    for _ in range(2):
        assert run(places, "rotate", "cookie-secret") == 0
    last = signed()
    assert [taken(one) for one in (oldest, first, last)] == [True, True, True]
    assert run(places, "rotate", "cookie-secret", "--drop") == 0
    assert [taken(one) for one in (oldest, first, last)] == [False, False, True]


def test_what_is_sealed_gets_the_new_key_and_older_codes_end_with_the_older_one(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    before, file = read_secret(places.crypt_key), places.data / "jupyterhub.sqlite"
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE users (id INTEGER, encrypted_auth_state BLOB)")
        db.execute("CREATE TABLE platform_second_factors (account TEXT PRIMARY KEY, sealed BLOB)")
        db.execute("CREATE TABLE platform_recovery_codes (digest TEXT PRIMARY KEY, account TEXT)")
        db.execute(
            "INSERT INTO users VALUES (1, ?), (2, NULL)", (fernet(before).encrypt(b"state"),)
        )
        sealed = fernet(before).encrypt(b"secret")
        db.execute("INSERT INTO platform_second_factors VALUES ('ada', ?)", (sealed,))
        db.execute("INSERT INTO platform_recovery_codes VALUES ('one', 'ada'), ('two', 'ada')")
    rotation.reseal_once(places)
    assert run(places, "rotate", "crypt-key") == 0
    now = read_secret(places.crypt_key)
    assert read_all(places.crypt_key) == [now, before]
    assert run(places, "rotate", "crypt-key", "--drop") == 1
    assert "2 secrets in the database are not sealed with the new key" in capsys.readouterr().err
    for _ in range(2):  # the second start has nothing to do: a code made since is the new key's
        rotation.reseal_once(places)
        with sqlite3.connect(file) as db:
            db.execute("INSERT OR IGNORE INTO platform_recovery_codes VALUES ('three', 'ben')")
    with sqlite3.connect(file) as db:
        (auth_state,) = db.execute("SELECT encrypted_auth_state FROM users WHERE id = 1").fetchone()
        (sealed,) = db.execute("SELECT sealed FROM platform_second_factors").fetchone()
    assert [fernet(now).decrypt(one) for one in (auth_state, sealed)] == [b"state", b"secret"]
    with pytest.raises(InvalidToken):
        fernet(before).decrypt(sealed)
    assert run(places, "rotate", "crypt-key", "--drop") == 0
    assert "Recovery codes of 1 people ended" in capsys.readouterr().out
    assert read_all(places.crypt_key) == [now]
    with sqlite3.connect(file) as db:
        left = db.execute("SELECT digest FROM platform_recovery_codes").fetchall()
    assert left == [("three",)]


def test_a_rotation_that_was_cut_off_has_lost_nothing(places: Places) -> None:
    before = read_secret(places.crypt_key)
    write_secret(older(places.crypt_key), before)  # the first of its two steps
    assert read_all(places.crypt_key) == [before]
    rotation.reseal_once(places)
    rotation.renew(places.crypt_key)
    assert read_all(places.crypt_key)[1:] == [before]


def test_a_database_that_is_put_back_from_before_is_sealed_with_the_new_key(
    places: Places,
) -> None:
    """By an upgrade that is taken back, say, whose copy knows nothing of a rotation since."""
    before, file = read_secret(places.crypt_key), places.data / "jupyterhub.sqlite"
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE platform_second_factors (account TEXT PRIMARY KEY, sealed BLOB)")
        sealed = fernet(before).encrypt(b"secret")
        db.execute("INSERT INTO platform_second_factors VALUES ('ada', ?)", (sealed,))
    kept = file.read_bytes()
    rotation.renew(places.crypt_key)
    rotation.reseal_once(places)
    file.write_bytes(kept)
    rotation.reseal_once(places)
    assert run(places, "rotate", "crypt-key", "--drop") == 0
    with sqlite3.connect(file) as db:
        (sealed,) = db.execute("SELECT sealed FROM platform_second_factors").fetchone()
    assert fernet(read_secret(places.crypt_key)).decrypt(sealed) == b"secret"


def test_a_secret_is_on_the_disk_before_the_next_one_counts(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that loses its power in between would have the new key and an empty older one."""
    synced: set[int] = set()
    real, replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        real(descriptor)

    def replaced(path: Path, target: Path) -> Path:
        assert path.stat().st_ino in synced, path
        if target == places.crypt_key:
            assert places.secrets.stat().st_ino in synced, "the name of the older one"
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replaced)
    rotation.renew(places.crypt_key)
    assert older(places.crypt_key).exists()


def test_a_proxy_that_takes_no_new_token_keeps_the_one_it_has(places: Places) -> None:
    before = read_secret(places.proxy_token)
    with pytest.raises(rotation.RotationError, match="up"):
        rotation.renew_proxy_token(places.proxy_token, lambda _token: False)
    assert read_secret(places.proxy_token) == before
    asked: list[str] = []
    rotation.renew_proxy_token(places.proxy_token, lambda token: not asked.append(token))
    assert asked == [read_secret(places.proxy_token)] != [before]


def test_what_the_watchers_have_is_made_anew_and_they_can_still_read_it(places: Places) -> None:
    write_secret(places.grafana_password, "first", 0o640)
    before = read_secret(places.metrics_token)
    for name in ("metrics-token", "grafana-password"):
        assert run(places, "rotate", name) == 0
    assert read_secret(places.metrics_token) != before
    assert read_secret(places.grafana_password) != "first"
    for path in (places.metrics_token, places.grafana_password):
        assert path.stat().st_mode & 0o777 == 0o640
        assert not older(path).exists(), "nothing takes an older one"


def test_a_token_of_a_service_ends_with_the_hub_that_took_it(places: Places) -> None:
    """JupyterHub would take every token that its configuration ever had."""
    rotation.end_tokens_of_services(places)
    with sqlite3.connect(places.data / "jupyterhub.sqlite") as db:
        rotation.end_tokens_of_services(places)
        db.execute("CREATE TABLE api_tokens (id INTEGER, user_id INTEGER, service_id INTEGER)")
        db.execute("INSERT INTO api_tokens VALUES (1, 7, NULL), (2, NULL, 3), (3, NULL, 4)")
    rotation.end_tokens_of_services(places)
    with sqlite3.connect(places.data / "jupyterhub.sqlite") as db:
        assert db.execute("SELECT id FROM api_tokens").fetchall() == [(1,)]
