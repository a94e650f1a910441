"""What the audit log is told of requests and settings, and what commands and pages show of it."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hub_config import languages, rotation, tracing
from hub_config.__main__ import _TOLD
from hub_config.audit import chain, events, journal
from hub_config.audit.journal import Journal
from hub_config.first_start import Places, make_secrets, older, write_secret
from hub_config.settings import Settings
from hub_config.watch import changes, command, filters, kinds, pages, requests
from hub_config.watch.filters import Wanted

from .logged import DAY, edit, write

ROOT = Path(__file__).parents[4]


@pytest.fixture
def language() -> Iterator[str]:
    """German is read for the length of a test."""
    before = languages.current.set("de")
    yield "de"
    languages.current.reset(before)


def test_a_person_finds_what_they_did_and_what_was_done_to_them(log: Journal) -> None:
    entries = [
        {"who": "ann", "on": "ann", "what": "login"},
        {"who": "admin", "on": "ann", "what": "account.disable"},
        {"who": "admin", "on": "", "what": "group.add", "people": ["ann", "bob"]},
        {"who": "bob", "on": "bob", "what": "login"},
    ]
    log.append([{**log.entry(one["what"]), **one} for one in entries])
    wish = filters.wanted("ann", "", "", "")
    assert [one["what"] for one in filters.found(log.folder, wish)] == [
        "group.add",
        "account.disable",
        "login",
    ]
    one_kind = filters.wanted("ann", "account", "1d", "", now=DAY)
    assert [one["who"] for one in filters.found(log.folder, one_kind)] == ["admin"]
    assert not list(filters.found(log.folder, filters.wanted("", "", "2026-12-01", "")))


def test_ones_own_entries_tell_no_address_of_others() -> None:
    theirs = {"n": 1, "at": "2026-11-30T12:00:00.000+00:00", "who": "admin", "on": "ann"}
    assert pages.row({**theirs, "from": "192.0.2.7"}, whole=False)["from"] == ""
    assert pages.row({**theirs, "who": "ann", "from": "192.0.2.7"}, whole=False)["from"]


def test_the_page_has_all_kinds_in_the_readers_language(language: str) -> None:
    """Requests, forms' buttons, and what hub, operator and backups tell by themselves."""
    sources = [
        path.read_text("utf-8")
        for folder in ("packages/hub/src", "src/jhub_docker", "packages/backup/src")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".html")
    ]
    text = "\n".join(sources)
    said = {kind.what for kind in kinds.KINDS if "{" not in kind.what} | {chain.REMOVED}
    tells = r'(?:\btell|entry|telling)\((?:client, platform, )?"([a-z.-]+)"'
    said |= {*re.findall(tells, text), *re.findall(r'"what": "([a-z-]+\.[a-z-]+)"', text)}
    buttons = r'(?:act|change|form)\((?:\w+, )?"([a-z-]+)"|name="action" value="([a-z-]+)"'
    said |= {f"account.{one or other}" for one, other in re.findall(buttons, text)}
    said |= {*kinds.AREAS}
    assert len(said) > 60
    assert [one for one in sorted(said) if re.search(r"^[a-z]|\.", pages.in_words(one))] == []


def test_an_entry_is_in_the_readers_language_and_names_stay(language: str) -> None:
    row = pages.row(
        {
            "what": "server.stopped",
            "who": "service lifetimes",
            "on": "stop",
            "result": "refused (403)",
            "profile": "failed",
            "why": "The start was cancelled.",
        }
    )
    assert (row["kind"], row["who"], row["on"]) == ("Server: gestoppt", "Dienst lifetimes", "stop")
    assert (row["result"], row["what"]) == ("abgewiesen (403)", "server.stopped")
    assert row["more"] == "Profil: failed, Grund: Der Start wurde abgebrochen."
    languages.current.set(languages.ENGLISH)
    assert pages.row({"what": "server.stopped", "new_name": "eve"})["kind"] == "server.stopped"
    assert pages.row({"what": "server.stopped", "new_name": "eve"})["more"] == "new name: eve"


@pytest.mark.parametrize("text", ["yesterday", "7 days", "2026-13-01"])
def test_a_time_that_is_none_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="expected is one such as 2026-11-30"):
        filters.time_of(text)


def test_a_day_that_is_the_end_belongs_to_it() -> None:
    assert filters.wanted("", "", "", "2026-11-30").until == "2026-12-01T00:00:00.000+00:00"
    assert filters.time_of("12h", DAY) == "2026-11-30T00:00:00.000+00:00"


def test_commands_write_show_and_verify(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATOR", "ann")
    folder = tmp_path / "audit"
    more = json.dumps({"volumes": 3})
    assert command.main(["write", "backup", "--result", "ok", "--more", more], folder) == 0
    assert command.main(["show", "--what", "backup"], folder) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["who"], shown["volumes"], shown["from"]) == ("operator ann", 3, "this machine")
    assert command.main(["verify"], folder) == 0
    noted = json.loads(capsys.readouterr().out)["last"]
    assert command.main(["verify", "--noted", noted], folder) == 0
    edit(journal.files(folder)[0], 1, lambda line: line.replace("backup", "nothing"))
    assert command.main(["verify"], folder) == 1
    assert "was changed" in capsys.readouterr().out
    assert command.main(["show", "--since", "once"], folder) == 2


def test_names_that_nobody_has_are_told(log: Journal, capsys: pytest.CaptureFixture[str]) -> None:
    write(log, "ann")
    for fine in (["--user", "ann"], ["--what", "log"], ["--what", "account.discard"]):
        assert command.main(["show", *fine], log.folder) == 0
    # What they did is longer ago than what is asked for.
    assert command.main(["show", "--user", "ann", "--since", "2026-12-01"], log.folder) == 0
    assert command.main(["show", "--user", "eve"], log.folder) == 2
    assert "nobody is called 'eve'" in capsys.readouterr().err
    for wrong in ("foo", "log.in"):
        assert command.main(["show", "--what", wrong], log.folder) == 2
        assert f"{wrong!r} is no kind of entry; their names begin with" in capsys.readouterr().err


def test_every_entry_that_is_told_begins_with_a_known_area() -> None:
    sources = Path(command.__file__).parents[1].rglob("*.py")
    text = "".join(one.read_text() for one in sources)
    told = re.findall(r'(?:events\.tell|\.entry)\(\s*"([a-z.-]+)"', text)
    assert {"hub.start", "server.stopped", "audit.lost"} <= set(told)
    for what in (*told, chain.REMOVED, *_TOLD.values(), "settings.change", "files.change"):
        assert what.partition(".")[0] in kinds.AREAS, what


def test_what_cannot_be_asked_for_is_said_and_no_fault() -> None:
    assert filters.wanted("", "", "", "9999-12-31").until.startswith("9999-12-31")
    early = {"since": "0001-01-01T00:00+10:00"}
    for wrong in (early, {"before": "9" * 5000}, {"before": "\u00b2"}):
        with pytest.raises(ValueError, match=r"no time|no number"):
            filters.wanted("", "", **{"since": "", "until": "", **wrong})


def test_only_lines_with_a_name_are_read_for_it(
    log: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a person could have the hub read the whole log again and again."""
    write(log, "ann", 'b"ö', "carl")
    read: list[str] = []
    real = chain.parsed

    def parsed(text: str) -> chain.Record | None:
        read.append(text)
        return real(text)

    monkeypatch.setattr(chain, "parsed", parsed)
    wish = filters.wanted('b"ö', "", "", "")
    assert [one["on"] for one in filters.found(log.folder, wish)] == ['b"ö']
    assert len(read) == 1


def test_a_name_that_somebody_else_had_before_tells_nothing_of_them(log: Journal) -> None:
    write(log, "ann")
    renamed = log.entry("user.change", on="bob", new_name="ann")
    log.append([renamed])
    write(log, "ann")
    log.append([{**renamed, "result": "refused (403)"}])
    every, own = Wanted("ann"), Wanted("ann", own=True)
    assert [len(list(filters.found(log.folder, one))) for one in (every, own)] == [2, 1]
    made = datetime(2026, 11, 20, tzinfo=UTC)
    user = SimpleNamespace(name="ann", orm_user=SimpleNamespace(created=made.replace(tzinfo=None)))
    assert pages.began(user, None) == journal.stamp(made)
    account = SimpleNamespace(made=(made - timedelta(days=1)).timestamp())
    accounts = SimpleNamespace(find=lambda _: account)
    assert pages.began(user, accounts) == journal.stamp(made - timedelta(days=1))


@pytest.mark.parametrize(
    ("request_", "what", "parts"),
    [
        ("POST login", "login", {}),
        ("POST authorize/ann", "account.approve", {"on": "ann"}),
        ("POST accounts/ann/reset-password", "account.reset-password", {"on": "ann"}),
        ("POST spawn/ann/desk", "server.start", {"on": "ann", "server": "desk"}),
        ("DELETE api/users/ann/servers/desk", "server.stop", {"on": "ann", "server": "desk"}),
        ("DELETE api/groups/team/users", "group.remove", {"group": "team"}),
        ("POST api/users/a%20b/tokens", "token.make", {"on": "a b"}),
        ("GET api/oauth2/authorize", "server.access", {}),
        ("POST some/later/page", "request", {}),
    ],
)
def test_requests_have_a_name(request_: str, what: str, parts: dict[str, str]) -> None:
    method, _, path = request_.partition(" ")
    meant = kinds.meaning(method, path)
    assert meant is not None
    assert meant.what({}) == what
    assert {key: text for key, text in meant.parts.items() if key != "action"} == parts


@pytest.mark.parametrize(
    "request_",
    [
        *("GET home", "POST api/users/ann/activity", "POST api/proxy"),
        *("POST api/reconcile", "PUT api/lifetimes/ann/"),
    ],
)
def test_what_changes_nothing_is_not_told(request_: str) -> None:
    method, _, path = request_.partition(" ")
    assert kinds.meaning(method, path) is None


def test_a_form_cannot_name_a_kind_of_its_own() -> None:
    meant = kinds.meaning("POST", "homes")
    assert meant is not None
    assert meant.what({"action": "hand-back"}) == "home.hand-back"
    assert meant.what({"action": "a secret\n"}) == "home.unknown"


def test_settings_that_changed_are_told_and_secrets_by_name_only(tmp_path: Path) -> None:
    places = Places(tmp_path / "data", tmp_path / "proxy", tmp_path / "metrics")
    places.proxy.mkdir()
    make_secrets(places)
    before = Settings(idle_timeout=3600, provider_secret="hunter-2-secret")
    assert changes.at_start(before, places) == {}, "the first start has nothing to compare with"
    assert changes.at_start(before, places) == {}
    secret = places.group_secrets / "team" / "TEAM_KEY"
    secret.parent.mkdir(parents=True)
    write_secret(secret, "hunter-3-secret")
    after = Settings(idle_timeout=60, provider_secret="hunter-4-secret")
    told = changes.at_start(after, places)
    assert told == {
        "settings.change": {"idle_timeout": "3600 → 60", "provider_secret": "changed"},
        "files.change": {"group-secrets/team/TEAM_KEY": "new"},
    }
    assert "hunter" not in (places.audit / "settings.json").read_text()


def test_logs_as_json_say_for_which_request(capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.LogRecord("hub", logging.INFO, "", 0, "of %s", ("ann",), None)
    token = tracing.current.set(tracing.Visit("abcdef12"))
    try:
        told = json.loads(tracing.JsonFormatter().format(record))
    finally:
        tracing.current.reset(token)
    assert (told["message"], told["request"], told["level"]) == ("of ann", "abcdef12", "INFO")


def test_an_id_is_taken_over_or_made() -> None:
    assert tracing.request_id("0123456789abcdef") == "0123456789abcdef"
    for wrong in (None, "", "short", "with space 123", "x" * 65, "a\nbcdefghi"):
        assert len(tracing.request_id(wrong)) == 16


def test_a_form_that_is_no_text_is_told_all_the_same() -> None:
    """Tornado raises for it, and an entry that fails to be made would be a way around the log."""
    given = {"action": [b"\xff"], "x": [b"1"]}
    assert requests.sent(asked("people", b"x=%ff", given)) == {"action": "\ufffd", "x": "1"}


def asked(path: str, body: bytes, arguments: dict[str, list[bytes]], kind: str = "") -> Any:
    request = SimpleNamespace(
        body=body, path=f"/hub/{path}", headers={"Content-Type": kind}, arguments=arguments
    )
    return SimpleNamespace(request=request, hub=SimpleNamespace(base_url="/hub/"))


def test_a_request_is_read_as_whoever_answers_it_reads_it() -> None:
    """Else one could log in, or make an admin, without its entry saying whom."""
    assert requests.sent(asked("api/users/ann", b' \n{"admin": true}', {})) == {"admin": True}
    ann = {"username": [b"ann"]}
    hidden = asked("login", b'{"username": "bob"}', ann, "application/json")
    assert requests.sent(hidden) == {"username": "ann"}
    assert requests.sent(asked("api/users/ann", b'{"a":' * 100_000, ann)) == {"username": "ann"}


@pytest.mark.parametrize(
    ("request_", "status", "who", "fields", "told"),
    [
        ("GET audit/export", 200, "admin", {"what": "login"}, {"kind": "login"}),
        ("GET audit/export", 302, "", {}, None),
        ("GET logout", 302, "", {}, None),
        ("GET logout", 302, "ann", {}, {"on": "ann"}),
        ("POST spawn/ann", 403, "", {"profile": "made up"}, {"who": "somebody"}),
        ("PUT api/groups/a/properties", 200, "admin", {"writes": "b", "x": "c"}, {"writes": "b"}),
        ("PATCH api/proxy", 200, "admin", {}, {"method": "PATCH"}),
        (f"DELETE api/users/ann/tokens/{'c0ffee' * 5}", 404, "ann", {}, {"on": "ann"}),
    ],
)
def test_what_a_request_is_told_as(
    monkeypatch: pytest.MonkeyPatch,
    request_: str,
    status: int,
    who: str,
    fields: dict[str, str],
    told: dict[str, str] | None,
) -> None:
    said: list[dict[str, Any]] = []

    def tell(what: str, **more: Any) -> None:
        said.append({"what": what, **more})

    monkeypatch.setattr(events, "tell", tell)
    monkeypatch.setattr(requests, "is_known", lambda _, name: name == "ann")
    method, _, path = request_.partition(" ")
    arguments = {name: [value.encode()] for name, value in fields.items()}
    request = SimpleNamespace(
        method=method, path=f"/hub/{path}", body=b"", headers={}, arguments=arguments
    )
    handler: Any = SimpleNamespace(
        request=request,
        visit=tracing.Visit("request-1", who),
        hub=SimpleNamespace(base_url="/hub/"),
        get_status=lambda: status,
    )
    requests._tell(handler)
    assert len(said) == (told is not None)
    for one in said:
        assert (told or {}).items() <= one.items()
        assert not [word for word in ("made up", "c0ffee") if word in json.dumps(one)]


def test_a_crypt_key_made_anew_changes_no_setting(tmp_path: Path) -> None:
    places = Places(tmp_path / "data", tmp_path / "proxy", tmp_path / "metrics")
    places.proxy.mkdir()
    make_secrets(places)
    secret = places.group_secrets / "team" / "TEAM_KEY"
    secret.parent.mkdir(parents=True)
    write_secret(secret, "one")
    settings = Settings(provider_secret="hush")
    changes.at_start(settings, places)
    rotation.renew(places.crypt_key)
    write_secret(secret, "two")
    assert changes.at_start(settings, places) == {
        "files.change": {"group-secrets/team/TEAM_KEY": "changed"}
    }
    rotation.renew(places.crypt_key)
    assert changes.at_start(settings, places) == {}
    older(places.crypt_key).unlink()
    assert changes.at_start(settings, places) == {}
