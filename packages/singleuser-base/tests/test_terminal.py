"""What a person's first minutes in a terminal need: tools, git that knows them, their language."""

import shlex
from pathlib import PurePosixPath

from jhub_testing.singleuser import USER
from jhub_testing.subject import Subject

TOOLS = "git htop jq less nano rsync tmux tree unzip uv vim zip"


def test_the_tools_people_expect_are_there(subject: Subject) -> None:
    missing = f"for tool in {TOOLS}; do command -v $tool >/dev/null || echo $tool; done"
    assert subject.server.run(["sh", "-c", missing]) == ""


def test_a_first_commit_is_on_main_and_the_persons(subject: Subject) -> None:
    script = "cd $(mktemp -d); git init -q; git commit -q --allow-empty -m first; git log --format="
    said = subject.server.run(["sh", "-euc", f"{script}'%an %ae'; git branch --show-current"])
    assert said.splitlines() == [f"{USER} {USER}@jupyterhub.invalid", "main"]


def test_language_and_time_zone_are_honoured(subject: Subject) -> None:
    chosen = {"LANG": "de_DE.UTF-8", "TZ": "Europe/Berlin"}
    said = subject.server.run(["date", "-d", "2026-07-05T00:00Z", "+%A %H %Z"], environment=chosen)
    assert said.strip() == "Sonntag 02 CEST"


def test_a_person_chooses_language_and_time_zone_for_all_servers(subject: Subject) -> None:
    script = """
    my-settings language fr_FR.UTF-8; my-settings timezone Asia/Kolkata
    my-settings timezone Mars/Base 2>&1 || echo $?
    start-singleuser date -d 2026-07-05T00:00Z '+%A %H:%M %Z'
    start-singleuser my-settings
    my-settings language -; my-settings timezone -
    start-singleuser date -d 2026-07-05T00:00Z '+%A %H:%M %Z'
    """
    next_start = "From the next start of a server on."
    assert subject.server.run(["bash", "-c", script]).splitlines() == [
        *(next_start, next_start),
        "my-settings: there is no timezone 'Mars/Base' here; expected one such as Europe/Berlin",
        "2",
        "dimanche 05:30 IST",
        *("language: fr_FR.UTF-8", "timezone: Asia/Kolkata"),
        *(next_start, next_start),
        "Sunday 00:00 UTC",
    ]


def test_a_home_on_nfs_has_none_of_jupyters_databases(subject: Subject) -> None:
    """Whatever file system the home is on, `stat` says that it is NFS."""
    asks = {
        "python": "from nbformat.sign import TrustNotebookApp as App; app = App.instance();"
        "app.initialize([]); print(app.notary.db_file)",
        "ipython": "print(get_ipython().history_manager.hist_file)",
    }
    script = (
        "cd $(mktemp -d); printf '#!/bin/sh\\necho nfs\\n' >stat; chmod +x stat;"
        'PATH="$PWD:$PATH" start-singleuser sh -euc '
        + shlex.quote("; ".join(f"{name} -c {shlex.quote(ask)}" for name, ask in asks.items()))
    )
    said = subject.server.run(["sh", "-euc", script]).splitlines()[-2:]
    names = [PurePosixPath(line).name for line in said]
    assert names == ["nbsignatures.db", "history.sqlite"], said
    assert all(line.startswith("/tmp/jupyter-state") for line in said), said  # noqa: S108
