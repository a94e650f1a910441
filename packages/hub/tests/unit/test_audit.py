"""The audit log by itself: its chain, its files, what a crash or a full disk does to it."""

import errno
import json
import logging
import os
import re
import resource
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hub_config import rotation, tracing
from hub_config.__main__ import _TOLD
from hub_config.audit import chain, events, journal
from hub_config.audit.chain import Link
from hub_config.audit.journal import Journal
from hub_config.first_start import Places, make_secrets, older, write_secret
from hub_config.settings import Settings
from hub_config.watch import changes, command, filters, kinds, pages, requests
from hub_config.watch.filters import Wanted

DAY = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = DAY

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(tmp_path: Path, clock: Clock) -> Journal:
    return Journal(tmp_path / "audit", days=30, now=clock)


def write(log: Journal, *names: str) -> None:
    for name in names:
        log.append([log.entry("login", on=name)])


def verdict(log: Journal, noted: Link | None = None) -> chain.Verdict:
    return chain.verify(journal.lines(log.folder), noted)


def edit(path: Path, number: int, change: Any) -> None:
    """Have `change` make another line of the one with this number, or none."""
    lines = path.read_text().splitlines(keepends=True)
    lines[number - 1] = change(lines[number - 1])
    path.write_text("".join(lines))


def test_lines_that_nobody_touched_are_sound(log: Journal) -> None:
    write(log, "ann", "bob", "carl")
    assert verdict(log).broken == ""
    assert verdict(log).lines == 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda line: line.replace("bob", "eve"), "line 2 of .* was changed"),
        (lambda line: "", "line 2 of .* does not follow number 1"),
        (lambda line: line + line, "line 3 of .* does not follow number 2"),
        (lambda line: "nothing\n", "line 2 of .* is no entry"),
    ],
    ids=["changed", "taken out", "put in", "overwritten"],
)
def test_the_first_broken_line_is_named(log: Journal, change: Any, told: str) -> None:
    write(log, "ann", "bob", "carl", "dora")
    (path,) = journal.files(log.folder)
    edit(path, 2, change)
    with pytest.raises(AssertionError, match=told):
        assert verdict(log).broken == "", verdict(log).broken


def test_a_line_that_was_made_anew_breaks_the_next_one(log: Journal) -> None:
    write(log, "ann", "bob", "carl")
    (path,) = journal.files(log.folder)
    after = chain.link(json.loads(path.read_text().splitlines()[0]))
    edit(path, 2, lambda _: chain.line({"what": "nothing"}, after)[0] + "\n")
    assert "line 3" in verdict(log).broken


def test_a_log_that_was_made_anew_or_cut_is_not_as_it_was_noted(log: Journal) -> None:
    write(log, "ann", "bob", "carl")
    noted = verdict(log).last
    write(log, "dora")
    assert verdict(log, noted).broken == ""
    (path,) = journal.files(log.folder)
    edit(path, 3, lambda _: "")
    edit(path, 3, lambda _: "")
    assert verdict(log).broken == "", "the chain alone cannot show that its end is missing"
    assert "number 3 is not as it was noted" in verdict(log, noted).broken


def test_the_chain_goes_on_from_day_to_day_and_after_old_files_are_gone(
    log: Journal, clock: Clock
) -> None:
    for _ in range(40):
        write(log, "ann")
        clock.now += timedelta(days=1)
    names = [path.name for path in journal.files(log.folder)]
    assert len(names) == 32, "thirty days, today, and the day that is not over"
    assert verdict(log).broken == ""
    journal.files(log.folder)[0].unlink()
    assert "those before it are missing" in verdict(log).broken


def test_all_files_together_have_a_size(
    log: Journal, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "FILE_BYTES", 2000)
    small = Journal(tmp_path / "audit", days=30, most_bytes=8000, now=clock)
    write(small, *(f"person{number}" for number in range(100)))
    assert sum(path.stat().st_size for path in journal.files(small.folder)) < 12_000
    assert {path.name[:16] for path in journal.files(small.folder)} == {"audit-2026-11-30"}
    assert verdict(small).broken == ""
    told = [one for one in journal.newest_first(small.folder) if one["what"] == chain.REMOVED]
    assert {one["why"] for one in told} == {"size"}


def test_a_clock_that_was_put_back_goes_on_in_the_newest_file(log: Journal, clock: Clock) -> None:
    write(log, "ann")
    clock.now -= timedelta(days=2)
    write(log, "bob")
    assert len(journal.files(log.folder)) == 1
    assert verdict(log).lines == 2


def test_a_line_that_a_crash_cut_off_is_taken_away_and_said(log: Journal) -> None:
    write(log, "ann", "bob")
    (path,) = journal.files(log.folder)
    with path.open("a") as file:
        file.write('{"n": 3, "what": "log')
    assert "21 bytes" in log.append([log.entry("login", on="carl")])
    assert verdict(log).broken == ""
    assert [one["what"] for one in journal.newest_first(log.folder)][:2] == [
        "login",
        "audit.healed",
    ]


def test_two_who_write_hold_one_chain(tmp_path: Path, clock: Clock) -> None:
    one, other = (Journal(tmp_path / "audit", now=clock) for _ in range(2))
    for name in "abcdef":
        write(one if name in "ace" else other, name)
    assert verdict(one).lines == 6
    assert verdict(one).broken == ""


def test_a_line_ends_somewhere(log: Journal) -> None:
    deep: Any = "x" * 1000
    for _ in range(30):
        deep = [deep] * 60
    for many in ([{"a": "b" * 1000}] * 1000, deep):
        log.append([log.entry("x", on="n" * 10_000, many=many)])
    (path,) = journal.files(log.folder)
    assert path.stat().st_size < 2 * 20_000
    assert verdict(log).broken == ""


def test_what_is_in_it_can_be_printed(log: Journal) -> None:
    log.append([log.entry("x", on="\x1b[2Jann\n", many={"\x07": ["\u202e"]})])
    (told,) = journal.newest_first(log.folder)
    assert (told["on"], told["many"]) == ("\ufffd[2Jann\ufffd", {"\ufffd": ["\ufffd"]})


def test_only_who_was_told_for_how_long_removes_anything(tmp_path: Path, clock: Clock) -> None:
    log = Journal(tmp_path / "audit", days=30, now=clock)
    write(log, "ann")
    clock.now += timedelta(days=400)
    write(Journal(tmp_path / "audit", now=clock), "operator")
    assert len(journal.files(log.folder)) == 2
    write(log, "bob")
    assert len(journal.files(log.folder)) == 1


def test_only_its_owner_can_read_it(log: Journal) -> None:
    write(log, "ann")
    assert log.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in log.folder.iterdir()} == {0o600}


def test_a_disk_that_gets_full_in_the_middle_of_a_line_leaves_nothing_of_it(
    log: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a buffer still held was written after all, when the file was closed."""
    write(log, "ann")
    (path,) = journal.files(log.folder)
    size = path.stat().st_size
    limits, truncate = resource.getrlimit(resource.RLIMIT_FSIZE), os.ftruncate

    def truncated(descriptor: int, length: int) -> None:
        truncate(descriptor, length)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)  # there is room again

    monkeypatch.setattr(os, "ftruncate", truncated)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * size - 50, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            write(log, "bob")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.stat().st_size == size
    write(log, "bob")
    assert verdict(log).broken == ""


def test_a_file_that_cannot_be_removed_has_nothing_written_twice(
    log: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(log, "ann")
    clock.now += timedelta(days=40)
    write(log, "bob")

    def refused(_: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refused)
    write(log, "carl")
    assert verdict(log).broken == ""


def test_a_number_that_json_does_not_have_is_no_way_around_who_reads_it(log: Journal) -> None:
    log.append([log.entry("x", remove=float("nan"), many=[float("inf")])])
    ((_, line),) = journal.lines(log.folder)

    def none_there(found: str) -> None:
        raise AssertionError(found)

    assert json.loads(line, parse_constant=none_there)["remove"] == "nan"
    assert verdict(log).broken == ""


# -- the recorder -------------------------------------------------------------------------------


@pytest.fixture
def recorder(log: Journal, monkeypatch: pytest.MonkeyPatch) -> Iterator[events.Recorder]:
    monkeypatch.setattr(events, "_recorder", None)
    monkeypatch.setattr(events, "AGAIN", 0.05)
    made = events.begin(log)
    yield made
    made.close()


def test_what_is_told_says_by_whose_request(log: Journal, recorder: events.Recorder) -> None:
    visit = tracing.Visit("request-1", "ann", "192.0.2.7")
    token = tracing.current.set(visit)
    try:
        events.tell("server.start", on="ann")
        visit.open = False  # answered; what goes on in its context is the hub's own
        events.tell("server.stopped", on="ann")
        cause = tracing.cause.set("bob")
        events.tell("server.stopped", on="ann")
        tracing.cause.reset(cause)
    finally:
        tracing.current.reset(token)
    recorder.flush()
    last, own, first = journal.newest_first(log.folder)
    assert (first["who"], first["from"], first["request"]) == ("ann", "192.0.2.7", "request-1")
    assert own["who"] == "hub"
    assert "from" not in own
    assert (last["who"], last["request"]) == ("bob", "request-1")


def test_a_refusal_that_comes_again_is_counted(log: Journal, recorder: events.Recorder) -> None:
    for _ in range(500):
        events.tell("login", result="throttled (429)", who="somebody")
    events.tell("login", result="throttled (429)", who="somebody", on="ann")
    recorder.flush()
    found = list(journal.newest_first(log.folder))
    assert sorted((one["on"], one.get("times", 1)) for one in found) == [
        ("", 1),
        ("", 499),
        ("ann", 1),
    ]


def test_whoever_makes_up_requests_pushes_nothing_out(
    log: Journal, recorder: events.Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "WINDOW", 3600.0)
    for number in range(400):
        address = {"from": f"2001:db8:0:{number:x}::/64"}
        about = {"what": f"second-factor.{number}", "on": f"x{number}", "who": "ann", **address}
        events.tell(**about, result="refused (403)")
        events.tell("login", who=events.NOBODY, result="refused (403)", **address)
        events.tell("logout", who=events.NOBODY)
        events.tell("token.make", who="ben", on="ben", expires_in=number, **address)
        events.tell("account.approve", who="admin", on=f"person{number}")
        events.tell("server.started", who=f"pupil{number}", result="failed (full)")
    recorder.flush(60)
    found = list(journal.newest_first(log.folder))
    told = [one for one in found if one["what"] not in ("account.approve", "server.started")]
    assert len(found) - len(told) == 800, "what others do is told one by one"
    assert len(told) < 2 * (events.EACH + events.ALL + 4) + events.EACH
    of_ann = [one for one in told if one["who"] == "ann"]
    assert {one["what"] for one in of_ann if one["what"].startswith("audit")} == {events.OTHERS}
    assert sum(one.get("times", 1) for one in of_ann) == 400
    assert sum(one.get("times", 1) for one in told if one["who"] == "ben") == 400


def test_a_full_disk_keeps_nobody_waiting_and_loses_nothing(
    log: Journal,
    recorder: events.Recorder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    real = os.fdatasync

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    with caplog.at_level(logging.WARNING):
        for number in range(5):
            events.tell("login", on=f"person{number}")
        recorder.flush(0.5)
        assert recorder.trouble == "No space left on device"
        assert not list(journal.newest_first(log.folder)), "half of it would break the chain"
        monkeypatch.setattr(os, "fdatasync", real)
        recorder.flush()
    assert [one["on"] for one in journal.newest_first(log.folder)] == [
        f"person{number}" for number in reversed(range(5))
    ]
    assert verdict(log).broken == ""
    assert recorder.trouble == ""
    assert "cannot be written" in caplog.text


def test_an_entry_that_cannot_be_written_holds_up_no_other(
    log: Journal, recorder: events.Recorder
) -> None:
    events.tell("login", on="ann", number=10**5000)
    events.tell("login", on="bob")
    recorder.flush()
    found = list(journal.newest_first(log.folder))
    assert [one["on"] for one in found] == ["bob", "ann"]
    assert verdict(log).broken == ""


def test_what_does_not_fit_into_memory_is_counted(
    log: Journal, recorder: events.Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_WAITING", 3)
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda _: os.truncate("/nowhere", 0))
    for number in range(5):
        events.tell("login", on=f"person{number}")
    recorder.flush(0.5)
    monkeypatch.setattr(os, "fdatasync", real)
    recorder.flush()
    newest = next(journal.newest_first(log.folder))
    assert (newest["what"], newest["entries"]) == ("audit.lost", 2)


# -- what is shown and asked --------------------------------------------------------------------


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


@pytest.mark.parametrize("text", ["yesterday", "7 days", "2026-13-01"])
def test_a_time_that_is_none_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="expected is one such as 2026-11-30"):
        filters.time_of(text)


def test_a_day_that_is_the_end_belongs_to_it() -> None:
    assert filters.wanted("", "", "", "2026-11-30").until == "2026-12-01T00:00:00.000+00:00"
    assert filters.time_of("12h", DAY) == "2026-11-30T00:00:00.000+00:00"


def test_commands_write_show_and_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "audit"
    more = json.dumps({"volumes": 3})
    assert command.main(["write", "backup", "--result", "ok", "--more", more], folder) == 0
    assert command.main(["show", "--what", "backup"], folder) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["who"], shown["volumes"], shown["from"]) == ("operator", 3, "this machine")
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


# -- what requests mean -------------------------------------------------------------------------


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
    "request_", ["GET home", "POST api/users/ann/activity", "POST api/reconcile", "POST api/proxy"]
)
def test_what_changes_nothing_is_not_told(request_: str) -> None:
    method, _, path = request_.partition(" ")
    assert kinds.meaning(method, path) is None


def test_a_form_cannot_name_a_kind_of_its_own() -> None:
    meant = kinds.meaning("POST", "homes")
    assert meant is not None
    assert meant.what({"action": "hand-back"}) == "home.hand-back"
    assert meant.what({"action": "a secret\n"}) == "home.unknown"


# -- what was set anew --------------------------------------------------------------------------


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
