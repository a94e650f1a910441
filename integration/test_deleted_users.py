"""Somebody is deleted: what goes, what is kept, and what a newcomer of the same name gets."""

from urllib.parse import urljoin

import requests
from bs4 import BeautifulSoup

from jhub_docker.catalog.identity import LABEL
from jhub_testing.client import Client
from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import Platform
from jhub_testing.waiting import PATIENCE, wait_until

NAME, PROFILE = "departed", "uv-marimo-small"
FILE = "api/contents/kept.txt"


def act_on_home(admin: Person, volume: str, action: str, **fields: str) -> requests.Response:
    """Fill in a form of the page of homes that are put aside."""
    page = admin.hub.get("homes")
    soup = BeautifulSoup(page.text, "html.parser")
    for form in soup.select(f'form:has(input[name="action"][value="{action}"])'):
        values = {str(one["name"]): str(one.get("value", "")) for one in form.select("input")}
        if values["volume"] == volume:
            url = urljoin(page.url, str(form["action"]))
            return admin.session.post(url, data=values | fields, timeout=PATIENCE)
    raise AssertionError(f"{volume} is not on the page of homes that are put aside")


def start_named(person: Person, name: str) -> None:
    person.hub.get("home")
    answer = person.hub.post(f"api/users/{NAME}/servers/{name}", json={"profile": PROFILE})
    assert answer.ok, answer.text

    def ready() -> bool:
        servers = person.hub.get(f"api/users/{NAME}").json()["servers"]
        return bool(servers[name]["ready"])

    wait_until(ready, f"the server {name}")


def delete(client: Client, path: str, **options: object) -> None:
    client.get("home")
    answer = client.change("DELETE", path, **options)
    assert answer.ok, f"{path}: {answer.status_code} {answer.text[:300]}"


def test_home_is_put_aside_and_handed_back(
    make_person: MakePerson, platform: Platform, admin: Person
) -> None:
    leaver = make_person(NAME).choose(PROFILE)
    body = {"type": "file", "format": "text", "content": "the leaver's"}
    assert leaver.server.put(FILE, json=body).ok
    for name in ("first", "second"):
        start_named(leaver, name)

    # A named server goes without the home, which is the person's.
    delete(leaver.hub, f"api/users/{NAME}/servers/first", json={"remove": True})
    assert leaver.server.get(FILE).ok
    assert NAME not in admin.hub.get("homes").text

    # The person goes, with what still runs.
    assert len(platform.servers(NAME)) == 2
    delete(admin.hub, f"api/users/{NAME}")
    assert platform.servers(NAME) == []
    labels = [f"{LABEL}.platform={platform.project}", f"{LABEL}.user={NAME}"]
    networks = platform.engine.client.networks
    wait_until(lambda: not networks.list(filters={"label": labels}), "no networks to be left")
    assert not leaver.is_logged_in()
    leaver.log_in()
    assert not leaver.is_logged_in(), "the account is still there"

    # A newcomer has to be approved, and finds an empty home.
    newcomer = make_person(NAME).choose(PROFILE)
    assert newcomer.server.get(FILE).status_code == 404
    newcomer.hub.get("home")
    assert newcomer.hub.post("api/homes/purge").status_code == 404
    assert newcomer.hub.get("homes").status_code == 403

    # The old home comes back, and the newcomer's is put aside in its place.
    old = f"{platform.environment['JHUB_USER_VOLUME_PREFIX']}{NAME}"
    refused = act_on_home(admin, old, "hand-back", person=NAME)
    assert "has to be stopped first" in refused.text
    newcomer.stop()
    assert act_on_home(admin, old, "hand-back", person=NAME).ok
    newcomer.choose(PROFILE)
    assert newcomer.server.get(FILE).json()["content"] == "the leaver's"

    # What is put aside can be removed before its time, but not by a slip.
    volumes = platform.engine.client.volumes
    aside = f"{old}.2"
    assert act_on_home(admin, aside, "remove", confirmation="yes").status_code == 400
    assert [one.name for one in volumes.list(filters={"name": aside})] == [aside]
    assert act_on_home(admin, aside, "remove", confirmation=aside).ok
    assert volumes.list(filters={"name": aside}) == []
