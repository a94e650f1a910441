"""What members of a group share, and others do not: folders, variables, a secret.

Some groups are declared in the platform's `config.toml` (conftest.py), others are made here.
"""

import re
import subprocess
from collections.abc import Mapping
from http import HTTPStatus

import requests
from docker.models.containers import Container

from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import Platform
from jhub_testing.waiting import PATIENCE

PROFILE = "uv-marimo-small"
SECRET = "correct-horse-battery-staple"


def in_hub(platform: Platform, *command: str, given: str = "") -> None:
    """Run something in the hub's container with `given` on its standard input."""
    hub = platform.container("hub").name or ""
    subprocess.run(["docker", "exec", "-i", hub, *command], input=given, text=True, check=True)


def join(admin: Person, group: str, name: str) -> None:
    admin.hub.get("home")
    admin.hub.post(f"api/groups/{group}")
    assert admin.hub.post(f"api/groups/{group}/users", json={"users": [name]}).ok


def may(admin: Person, group: str, **properties: str) -> None:
    """As on the admin page."""
    assert admin.hub.put(f"api/groups/{group}/properties", json=properties).ok


def run(platform: Platform, name: str, script: str) -> tuple[int, str]:
    (container,) = platform.servers(name)
    assert isinstance(container, Container)
    # One stream: of two, the engine passes on first what it sees first.
    code, output = container.exec_run(["bash", "-c", f"exec 2>&1; {script}"])
    return code, output.decode()


NOTEBOOK = {
    "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Sales of May"}],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}

MARIMO = """import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo

    mo.md(f"It is {6 * 7}.")
    return
"""


def notebooks(platform: Platform, people: Mapping[str, Person]) -> None:
    """One is published by a line in a terminal; colleagues see it, and have copies of their own."""
    writer, lector = people["writer"], people["lector"]
    model = {"type": "notebook", "format": "json", "content": NOTEBOOK}
    assert writer.server.put("api/contents/report.ipynb", json=model).ok
    code, output = run(platform, "writer", "cd /home/nebula; publish report.ipynb")
    found = re.fullmatch(r"report.ipynb: /hub/published/([0-9a-f]{16})\n", output)
    assert found, output
    code, output = run(platform, "writer", "publish /home/nebula/nosuch.ipynb")
    assert (code, "There is no notebook nosuch.ipynb in your home." in output) == (1, True), output

    assert "report.ipynb" in lector.hub.get("published").text
    page = f"published/{found[1]}"
    assert "Published by writer" in lector.hub.get(page).text
    view = lector.hub.get(f"{page}/view")
    assert "Sales of May" in view.text
    assert view.headers["Content-Security-Policy"].startswith("sandbox allow-scripts; default-src")
    alone = lector.hub.get(f"{page}/view", headers={"Sec-Fetch-Dest": "document"})
    assert alone.url.endswith(page), "it is shown below a line that says whose it is"
    for _ in range(2):
        assert lector.fill(page, "action", action="copy").url.startswith(lector.server.url(""))
    link = "link/writer/lab/tree/report.ipynb"
    assert lector.hub.get(link).url.endswith(page), "what JupyterLab copies leads there"
    assert run(platform, "lector", "cd ~; ls *.ipynb") == (0, "report-1.ipynb\nreport.ipynb\n")
    assert "login" in requests.get(f"{platform.url}/hub/{page}/view", timeout=PATIENCE).url
    refused = lector.fill(page, "action", action="withdraw")
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert writer.fill("published", "action").url.endswith("/hub/published")
    assert lector.hub.get(page).status_code == HTTPStatus.NOT_FOUND
    assert "report.ipynb" in lector.hub.get(link).text
    assert "not published" in lector.hub.get(link).text

    model = {"type": "file", "format": "text", "content": MARIMO}
    assert writer.server.put("api/contents/sums.py", json=model).ok
    code, output = run(platform, "writer", "cd /home/nebula; publish sums.py")
    assert code == 0, output
    page = output.split()[-1].removeprefix("/hub/")
    assert "It is 42." in lector.hub.get(f"{page}/view").text, "marimo ran it"
    assert lector.fill(page, "action", action="copy").url.endswith("/marimo/?file=sums-1.py")


def a_server(writer: Person, lector: Person, stranger: Person) -> None:
    """Its person lets a colleague in, who finds it behind a link, and nobody else."""
    file, link = f"{writer.server.base}api/contents/report.ipynb", "link/writer/lab/tree/y.ipynb"
    assert writer.fill("sharing", "with", **{"server": "", "kind": "person", "with": "lector"}).ok
    there = f"/user/{writer.name}/lab/tree/y.ipynb"
    assert there in lector.hub.get(link).text
    assert there not in stranger.hub.get(link).text
    # Whoever's server it is, one is asked first whether it may know who one is.
    asked = {"form": "raw-scopes", "path": f"../user/{writer.name}/"}
    assert lector.fill(**asked).url.startswith(writer.server.base)
    found = lector.session.get(file, timeout=PATIENCE)
    assert (found.status_code, found.json()["name"]) == (HTTPStatus.OK, "report.ipynb")
    refused = stranger.session.get(file, timeout=PATIENCE)
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert lector.fill("sharing", "id", action="revoke").ok
    assert there not in lector.hub.get(link).text


def test_members_share_and_others_do_not(
    platform: Platform, admin: Person, make_person: MakePerson
) -> None:
    secret = ("python", "-m", "hub_config", "secret", "set", "team", "TEAM_TOKEN")
    in_hub(platform, *secret, given=SECRET)
    people = {name: make_person(name) for name in ("writer", "lector", "stranger")}
    join(admin, "team", "writer")
    join(admin, "readers", "lector")
    join(admin, "Sales Team", "writer")
    join(admin, "newcomers", "lector")
    may(admin, "newcomers", folder="none", reads="Sales Team", writes="everybody")
    for person in people.values():
        person.choose(PROFILE)

    code, output = run(
        platform, "writer", "cd /srv/shared/data; echo 1,2 >x.csv; cat ~/shared/data/x.csv"
    )
    assert (code, output) == (0, "1,2\n")
    assert run(platform, "lector", "cat ~/shared/data/x.csv") == (0, "1,2\n")
    code, output = run(platform, "lector", "touch /srv/shared/data/y")
    assert code != 0
    assert "Read-only" in output

    # Groups that no file names, made while the hub runs.
    code, output = run(
        platform,
        "writer",
        "cd ~/shared; stat -c '%a %G' 'Sales Team'; echo 3 >'Sales Team/y'; LC_ALL=C ls",
    )
    assert (code, output) == (0, "2777 users\nSales Team\ndata\neverybody\nteam\n")
    code, output = run(
        platform,
        "lector",
        "cd ~/shared; LC_ALL=C ls; cat 'Sales Team/y'; echo 4 >everybody/z; touch Sales*/z",
    )
    assert code != 0
    assert output.startswith("Sales Team\ndata\neverybody\nreaders\n3\ntouch: "), output
    assert run(platform, "stranger", "ls ~/shared; cat ~/shared/*/z") == (0, "everybody\n4\n")
    assert run(platform, "stranger", "touch ~/shared/everybody/z")[0] != 0

    assert run(platform, "stranger", "date +%Z; locale charmap; echo $LANG") == (
        0,
        "IST\nUTF-8\nen_GB.UTF-8\n",
    )

    shown = "echo $TEAM_URL $TEAM_TOKEN"
    assert run(platform, "writer", shown) == (0, f"https://team.example {SECRET}\n")
    for name in ("lector", "stranger"):
        assert run(platform, name, shown) == (0, "\n")

    notebooks(platform, people)
    a_server(people["writer"], people["lector"], people["stranger"])

    # The secret is in its own file and in the members' containers, nowhere else.
    found = subprocess.run(
        ["docker", "exec", platform.container("hub").name or "", "grep", "-rl", SECRET, "/srv"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout.split() == ["/srv/jupyterhub/group-secrets/team/TEAM_TOKEN"]
    assert SECRET not in platform.container("hub").logs().decode()
    assert SECRET not in platform.container("engine").logs().decode()
    # Who leaves a group loses its folder at the next start; a deleted one's folder is put aside.
    people["writer"].stop()
    assert admin.hub.delete("api/groups/team").ok
    assert admin.hub.change("DELETE", "api/groups/Sales Team/users", json={"users": ["writer"]}).ok
    people["writer"].choose(PROFILE)
    assert run(platform, "writer", "ls ~/shared") == (0, "everybody\n")
    assert f"{platform.project}-shared-team.1" in admin.hub.get("homes").text
    for person in people.values():
        person.stop()
