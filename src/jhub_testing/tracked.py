"""A run that a server has tracked with MLflow: seen by its person, and by nobody else."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import requests
from playwright.sync_api import Browser

from jhub_testing.backups import Backups
from jhub_testing.browser import Window
from jhub_testing.person import Person
from jhub_testing.waiting import PATIENCE

LOG = """
import json, os, urllib.request

def ask(method, path, body):
    headers = {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]}
    headers["Content-Type"] = "application/json"
    url = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/" + path
    request = urllib.request.Request(url, body, headers, method=method)
    return json.loads(urllib.request.urlopen(request).read() or "{}")

def mlflow(path, **body):
    return ask("POST", "mlflow/" + path, json.dumps(body).encode())

number = mlflow("experiments/create", name="wine")["experiment_id"]
run = mlflow("runs/create", experiment_id=number, run_name="first-try", start_time=1)
info = run["run"]["info"]
mlflow("runs/log-metric", run_id=info["run_id"], key="accuracy", value=0.75, timestamp=1)
place = info["artifact_uri"].removeprefix("mlflow-artifacts:/")
ask("PUT", "mlflow-artifacts/artifacts/" + place + "/model.txt", b"weights of ada")
mlflow("runs/update", run_id=info["run_id"], status="FINISHED")
print(json.dumps([number, info["run_id"]]))
"""


@dataclass
class Tracked:
    """The run, and whose it is."""

    backups: Backups
    person: Person
    experiment: str
    run: str
    content: bytes = b"weights of ada"

    @classmethod
    def made(cls, backups: Backups, person: Person) -> "Tracked":
        """Tracked by a program in the person's server, with what every server is told."""
        said = backups.in_server(person.name, f"python -c '{LOG}'")
        return cls(backups, person, *json.loads(said.splitlines()[-1]))

    def get(self, path: str, person: Person | None = None) -> requests.Response:
        """What somebody's browser is shown below the own space."""
        url = f"{self.person.url}/services/mlflow/me/{path}"
        return (person or self.person).session.get(url, timeout=PATIENCE)

    def artefact(self) -> bytes:
        """The artefact, for its person."""
        return self.get(f"get-artifact?run_id={self.run}&path=model.txt").content

    def delete(self) -> None:
        """All of it, as an operator's slip might."""
        volume = f"{self.backups.platform.project}_tracking"
        self.backups.in_volume(volume, "rm -r /home-volume/*/artifacts /home-volume/*/mlflow.db")
        assert self.artefact() != self.content

    def is_seen(self, browser: Browser) -> None:
        """By its person, in a browser; the artefact is downloaded."""
        assert self.get("").ok  # logs in
        window = Window(browser, self.person.url, self.backups.platform.engine.logs / "screenshots")
        cookies = [
            {"name": one.name, "value": one.value or "", "url": f"{self.person.url}{one.path}"}
            for one in self.person.session.cookies
        ]
        window.context.add_cookies(cookies)  # type: ignore[arg-type]
        run = f"/services/mlflow/me/#/experiments/{self.experiment}/runs/{self.run}"
        window.open(run)
        window.see(window.page.get_by_text("accuracy"), "mlflow-run")
        window.open(f"{run}/artifacts")
        window.see(window.page.get_by_text("model.txt")).click()
        window.see(window.page.get_by_text(self.content.decode()), "mlflow-artefact")
        with window.page.expect_download(timeout=PATIENCE * 1000) as download:
            window.page.locator('button[data-component-id*="artifactview"]').first.click()
        assert Path(download.value.path()).read_bytes() == self.content
        window.close()

    def is_hidden_from(self, other: Person) -> None:
        """Whatever somebody else asks for; and what MLflow can be made to read is the kernel's
        business, since processes of two people are two users.
        """
        platform = self.backups.platform
        mlflow = f"{other.url}/services/mlflow"
        shown = self.get(f"get-artifact?run_id={self.run}&path=model.txt", other)
        assert (shown.status_code, self.content in shown.content) == (404, False)
        look = "cd /home-volume && stat -c '%n %u %a' *-*"
        spaces = self.backups.in_volume(f"{platform.project}_tracking", look).splitlines()
        (space, owner, mode), (_, stranger, _) = map(str.split, sorted(spaces))
        assert (mode, owner != stranger) == ("700", True), spaces
        for path in (f"{space}/", f"me/../{space}/", "group/staff/", f"group/{space}/"):
            found = other.session.get(f"{mlflow}/{path}", timeout=PATIENCE)
            assert found.status_code == HTTPStatus.NOT_FOUND, (path, found.status_code, found.text)
        nobody = requests.post(f"{mlflow}/me/api/2.0/mlflow/experiments/search", timeout=PATIENCE)
        assert nobody.status_code == HTTPStatus.FORBIDDEN
        server = platform.container("mlflow")
        processes = {line[1] for line in server.top(ps_args="-o pid,uid")["Processes"]}
        assert {owner, stranger} <= processes, "one of them runs as somebody else"
        for user, expected in ((owner, 0), (stranger, 1)):
            find = ["grep", "-rqs", self.content.decode(), f"/srv/tracking/{space}"]
            code, _ = server.exec_run(find, user=f"{user}:{user}")
            assert bool(code) == bool(expected), "the kernel lets the wrong one read it"
