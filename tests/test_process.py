"""Running programs: what they get, what is kept, how one that is missing or slow is told."""

import os
import sys
from pathlib import Path

import pytest

from jhub_docker import process
from jhub_docker.errors import ActionError

PYTHON = (sys.executable, "-c")


def test_output_and_messages_are_kept_apart() -> None:
    ended = process.run(*PYTHON, "import sys; print('a'); print('b', file=sys.stderr); sys.exit(3)")
    assert (ended.code, ended.out, ended.err) == (3, "a\n", "b\n")


def test_merged_they_are_in_their_order() -> None:
    program = "import os; [os.write(to, word) for to, word in ((1, b'1'), (2, b'2'), (1, b'3'))]"
    ended = process.run(*PYTHON, program, merged=True)
    assert (ended.out, ended.err) == ("123", "")


def test_a_program_gets_nothing_to_read_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()  # nobody ever writes to it
    with os.fdopen(read), os.fdopen(write):
        monkeypatch.setattr("sys.stdin", os.fdopen(os.dup(read)))
        assert process.run("cat").out == ""
    assert process.run("cat", given="word\n").out == "word\n"


def test_large_input_and_output_do_not_wait_for_each_other() -> None:
    text = "x" * 10_000_000
    assert process.run("cat", given=text).out == text


def test_bytes_stay_what_they_are() -> None:
    ended = process.run("printf", r"a\r\n\377\0")
    assert ended.raw == b"a\r\n\xff\0"
    assert ended.out == "a\r\n�\0"


def test_the_environment_is_changed_and_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAYS", "1")
    monkeypatch.setenv("GOES", "1")
    lines = process.run("env", environment={"GOES": None, "COMES": "1"}).out.splitlines()
    assert {"STAYS=1", "COMES=1"} <= set(lines)
    assert "GOES=1" not in lines


def test_lines_are_told_while_it_runs() -> None:
    seen: list[str] = []
    process.run(*PYTHON, "print('one'); print('two')", on_line=seen.append)
    assert seen == ["one", "two"]


def test_one_that_is_missing_is_a_sentence() -> None:
    with pytest.raises(process.MissingProgramError, match="no-such-program is needed here"):
        process.run("no-such-program")


def test_a_missing_folder_is_no_missing_program(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        process.run("true", cwd=tmp_path / "nowhere")


def test_one_that_takes_too_long_is_ended() -> None:
    ended = process.run("sleep", "600", seconds=0.1)
    assert ended.code == process.TIMED_OUT
    assert "no end in 0.1 s" in ended.err


def test_so_is_what_it_started_and_what_holds_its_output() -> None:
    ended = process.run("sh", "-c", "sleep 600 & echo begun; wait", seconds=0.5)
    assert ended.code == process.TIMED_OUT


def test_one_is_ended_when_whoever_listens_breaks() -> None:
    def interrupted(line: str) -> None:
        raise KeyboardInterrupt(line)

    program = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with pytest.raises(KeyboardInterrupt) as caught:
        process.run(*PYTHON, program, on_line=interrupted)
    with pytest.raises(ProcessLookupError):
        os.kill(int(str(caught.value)), 0)


def test_so_is_what_it_started_where_it_was_given_a_time(tmp_path: Path) -> None:
    os.mkfifo(held := tmp_path / "held")
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)

    def interrupted(line: str) -> None:
        raise KeyboardInterrupt(line)

    program = f"exec 3>'{held}'; sleep 600 & echo begun; wait"
    with os.fdopen(reader, "rb") as open_end:
        with pytest.raises(KeyboardInterrupt):
            process.run("sh", "-c", program, seconds=600, on_line=interrupted)
        assert open_end.read() == b"", "until nobody has it open any more"


def test_a_failure_says_what_the_program_said_last() -> None:
    with pytest.raises(ActionError, match=r"it cannot be made: no\.$"):
        process.checked(*PYTHON, "import sys; sys.exit('no.')", failed="it cannot be made")
    with pytest.raises(ActionError, match=r"^false failed: exit code 1$"):
        process.checked("false")


def test_what_is_shown_goes_to_our_own_output(capfd: pytest.CaptureFixture[str]) -> None:
    assert process.show("sh", "-c", "echo seen; exit 4") == 4
    assert capfd.readouterr().out == "seen\n"
    coloured = r"printf '\033[2K\033[31mred\033[39m\n'; printf '\033[1mto others\033[0m' >&2"
    assert process.show("sh", "-c", coloured, plain=True) == 0
    assert capfd.readouterr() == ("red\nto others", "")
