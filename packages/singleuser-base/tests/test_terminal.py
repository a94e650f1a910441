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


def test_a_terminals_greeting_is_in_its_persons_language(subject: Subject) -> None:
    said = subject.server.run(
        ["sh", "-c", "limits --brief; limits"], environment={"LANG": "de_AT.UTF-8"}
    )
    assert said.startswith("Dieser Server hat ")
    assert "belegt von" in said
    assert "memory" not in said


def test_a_person_chooses_language_and_time_zone_for_all_servers(subject: Subject) -> None:
    script = """
    export LANG=C.UTF-8
    for word in French de_AT deutsch en de-de.utf8 fr; do my-settings language $word; done
    my-settings timezone kolkata
    my-settings language Klingon 2>&1 || echo $?
    my-settings timezone Buenos_Aires 2>&1 || echo $?
    start-singleuser date -d 2026-07-05T00:00Z '+%A %H:%M %Z'
    start-singleuser my-settings
    start-singleuser my-settings language -
    my-settings timezone -
    start-singleuser date -d 2026-07-05T00:00Z '+%A %H:%M %Z'
    """
    later = "from the next start of a server on; now"
    chosen = ("fr_FR", "de_AT", "de_DE", "en_US", "de_DE", "fr_FR")
    assert subject.server.run(["bash", "-c", script]).splitlines() == [
        *(f"language: {one}.UTF-8 {later} C.UTF-8" for one in chosen),
        f"timezone: Asia/Kolkata {later} UTC",
        "my-settings: there is no language 'Klingon' here; expected one such as de_DE.UTF-8",
        "2",
        "my-settings: 'Buenos_Aires' can be more than one; expected one such as "
        "America/Argentina/Buenos_Aires, America/Buenos_Aires",
        "2",
        "dimanche 05:30 IST",
        *("language: fr_FR.UTF-8", "timezone: Asia/Kolkata"),
        f"language: C.UTF-8 {later} fr_FR.UTF-8",
        "timezone: UTC",
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
