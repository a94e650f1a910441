"""Who is asked, and what becomes of it where nobody can be."""

import io

import pytest

from jhub_docker.asking import confirm
from jhub_docker.errors import ActionError, UsageError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def ask(*, assume_yes: bool = False, adds: bool = False) -> None:
    confirm("It goes.", "Let it?", "it stays", assume_yes=assume_yes, adds=adds)


@pytest.mark.parametrize("answer", ["y\n", "Yes\n"])
def test_a_yes_goes_on(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    ask()


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_anything_else_is_a_no_also_the_end_of_input(
    monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    with pytest.raises(ActionError, match="it stays"):
        ask(adds=True)


def test_without_a_terminal_what_takes_something_away_needs_a_yes_beforehand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(UsageError, match=r"It goes\.\n.*say --yes"):
        ask()
    ask(assume_yes=True)


def test_without_a_terminal_what_only_adds_is_said_and_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ask(adds=True)
    assert "It goes.\nThere is no terminal" in capsys.readouterr().err
