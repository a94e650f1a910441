"""One grammar for all tasks: letters, images, numbers, help; and wrong usage ends with 2."""

import errno
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from docker.errors import APIError
from requests.exceptions import ConnectionError as NoConnection

from jhub_docker.cli.program import LETTERS, asked_for_help, with_images
from jhub_docker.errors import ActionError, UsageError, foreseeable
from jhub_testing import reference
from jhub_testing.operator import invoke

ROOT = Path(__file__).parents[1]
CONTEXTS = {
    str(name): context
    for context in reference.tasks(ROOT).to_contexts()
    for name in (context.name, *context.aliases)
}


def test_a_letter_is_one_flags_whatever_the_task() -> None:
    meanings = defaultdict(set)
    for context in CONTEXTS.values():
        for argument in context.args.values():
            name = argument.names[0].strip("-_")
            for letter in argument.nicknames:
                meanings[letter].add(name)
            assert argument.nicknames == tuple(LETTERS.get(name, "")), f"{context.name} --{name}"
    assert {letter: {name} for name, letter in LETTERS.items()} == meanings


def test_every_flag_says_what_it_means_however_often_it_is_asked() -> None:
    collection = reference.tasks(ROOT)
    for _ in range(2):
        for context in collection.to_contexts():
            for argument in context.args.values():
                assert argument.help, f"{context.name} --{argument.name}"
    assert "Build the named images even when nothing changed" in invoke("build", "--help").stdout


def test_a_terminal_whose_encoding_has_not_all_signs_shows_the_rest() -> None:
    ended = invoke("release.verify", "--help", PYTHONIOENCODING="ascii")
    assert "@sha256:?" in " ".join(ended.stdout.split()), ended.stderr


def test_what_is_an_image_is_called_so_everywhere() -> None:
    for context in CONTEXTS.values():
        for argument in context.args.values():
            told = argument.help or ""
            if told.startswith(("An image", "The image", "A released image")):
                assert argument.names == ("image", "i"), context.name


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("build uv-lab", "build --image uv-lab"),
        ("build uv-lab uv-vscode --force", "build --image uv-lab --image uv-vscode --force"),
        ("build -b pull uv-lab", "build -b pull --image uv-lab"),
        ("build --base=pull uv-lab", "build --base=pull --image uv-lab"),
        ("build -i uv-lab up", "build -i uv-lab up"),
        ("test uv-lab status", "test --image uv-lab status"),
        ("release uv-lab --bump minor", "release uv-lab --bump minor"),
        ("logs -s hub", "logs -s hub"),
        ("logs ann --since 1h", "logs --service ann --since 1h"),
    ],
)
def test_an_image_needs_no_flag(typed: str, read: str) -> None:
    assert with_images(typed.split(), CONTEXTS) == read.split()


@pytest.mark.parametrize("typed", ["bench --runs x", "bench -r x", "logs --tail=x", "logs -t -3"])
def test_what_is_no_number_is_told_with_its_flag(typed: str) -> None:
    flag = typed.split()[1].partition("=")[0]
    with pytest.raises(UsageError, match=f"{flag} is '.*'; expected a whole number"):
        with_images(typed.split(), CONTEXTS)


@pytest.mark.parametrize(
    ("typed", "task"),
    [
        ("build", ""),
        ("build --help", "build"),
        ("release.yank uv-lab --help", "release.yank"),
        ("release -h", "release"),
        ("build status --help", "status"),
    ],
)
def test_help_is_told_whatever_else_is_missing(typed: str, task: str) -> None:
    assert asked_for_help(typed.split(), CONTEXTS) == task


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nope", "there is no task or flag 'nope'"),
        ("biuld", "did you mean 'build'?"),
        ("build --nope", "there is no task or flag '--nope'"),
        ("status --wach", "did you mean '--watch'?"),
        ("up --nobuild", "did you mean '--no-build'?"),
        ("logs ann --sinse=1h", "did you mean '--since'?"),
        ("build --base", "--base needs a value"),
        ("bench --runs x", "--runs is 'x'"),
        ("build --base nope", "--base is 'nope'"),
        ("build nope", "there is no image called 'nope'"),
        ("build --plan -i", "-i needs a value"),
        ("build --plan --image --json", "--image needs a value"),
        ("build --plan=no", "--plan takes no value"),
        ("release", "error: release needs 'image'"),
        ("release.yank", "'image' (The image by its folder's name), 'version' (The r"),
        ("secrets.set", "secrets.set needs 'name' (A setting such as JHUB_PROVIDER_SECRET, "),
        ("--list nope", "there are no tasks below 'nope'"),
        ("--help nope", "there is no task or flag 'nope'"),
    ],
)
def test_wrong_usage_is_a_sentence_and_ends_with_2(typed: str, said: str) -> None:
    result = invoke(*typed.split())
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/x/.dev"), "/x/.dev: Permission"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device: make room"),
        (NoConnection("connection refused"), "connection refused"),
        (APIError("conflict"), "the Docker Engine refused: conflict"),
    ],
)
def test_what_system_and_engine_refuse_is_a_sentence(error: Exception, said: str) -> None:
    known = foreseeable(error)
    assert isinstance(known, ActionError)
    assert said in str(known)


def test_text_in_another_encoding_is_told_by_its_line() -> None:
    with pytest.raises(UnicodeDecodeError) as raised:
        "one\nf\xfcr\nthree".encode("latin-1").decode("utf-8")
    known = foreseeable(raised.value)
    assert isinstance(known, UsageError)
    assert "in its line 'f\ufffdr': save it as UTF-8" in str(known)


def test_a_bug_keeps_its_traceback() -> None:
    assert foreseeable(KeyError("x")) is None


TASKS = """
import signal, time
from invoke.collection import Collection
from jhub_docker.cli.program import take_over
from jhub_docker.cli.task import task
@task()
def go():
    open(".", "w")
@task()
def wait():
    try:
        print("begun", flush=True)
        signal.pause()
    finally:
        print("ending", flush=True)
        input()
        print("cleaned up", flush=True)
namespace = Collection(go, wait)
take_over()
"""


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_interrupted_takes_away_what_it_made_though_it_is_told_twice(
    tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "invoke", "wait"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as task:
        assert task.stdout
        assert task.stdout.readline() == "begun\n"
        task.send_signal(sent)
        assert task.stdout.readline() == "ending\n"
        task.send_signal(sent)
        said, errors = task.communicate("\n")
    assert (task.returncode, said) == (code, "cleaned up\n"), errors
    assert "Traceback" not in errors


def test_a_folder_of_somebody_else_is_a_sentence(tmp_path: Path) -> None:
    """The whole way: an error of the system in a task's body, through Invoke's own program."""
    (tmp_path / "tasks.py").write_text(TASKS)
    result = invoke("go", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: .: Is a directory")
    assert result.stderr.count("\n") == 1
