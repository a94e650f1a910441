"""A person in front of the platform: one browser's cookies, forms filled in as they are found."""

import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin

import requests
from bs4 import BeautifulSoup, Tag

from jhub_testing.client import Client
from jhub_testing.waiting import PATIENCE, DeadlineReachedError, wait_until


def words(page: requests.Response) -> str:
    """What a page of the hub's says, without what is around it on all of them."""
    soup = BeautifulSoup(page.text, "html.parser")
    return " ".join((soup.find("main") or soup).get_text(" ").split())[:1500]


class Person:
    """Someone with a name, a password and cookies; `url` is the platform's published address."""

    def __init__(self, url: str, name: str, password: str | None = None) -> None:
        self.url, self.name = url, name
        self.password = password or secrets.token_urlsafe(12)
        self.session = requests.Session()
        self.session.trust_env = False
        self.hub = Client(f"{url}/hub/", session=self.session)
        self.server = Client(f"{url}/user/{name}/", session=self.session)

    def fill(self, path: str, form: str, **fields: str) -> requests.Response:
        """Open a hub page, fill in the form that has a field called `form`, and send it."""
        page = self.hub.get(path)
        soup = BeautifulSoup(page.text, "html.parser")
        field = soup.select_one(f'[name="{form}"]')
        assert isinstance(field, Tag), f"{page.url} ({page.status_code}) has no field {form!r}"
        found = field.find_parent("form")
        assert isinstance(found, Tag), f"the field {form!r} of {page.url} is in no form"
        hidden: dict[str, Any] = {}
        for entry in found.find_all("input", {"type": "hidden", "name": True}):
            hidden.setdefault(str(entry["name"]), []).append(str(entry.get("value", "")))
        action = urljoin(page.url, str(found.get("action") or page.url))
        return self.session.post(action, data={**hidden, **fields}, timeout=PATIENCE)

    def sign_up(self, **more: str) -> requests.Response:
        """Ask for an account; `more` is what else the form asks for."""
        return self.fill(
            "signup",
            "signup_password",
            username=self.name,
            signup_password=self.password,
            signup_password_confirmation=self.password,
            **more,
        )

    def log_in(self) -> requests.Response:
        """Log in with name and password."""
        return self.fill("login", "password", username=self.name, password=self.password)

    def join(self, admin: "Person | None" = None) -> "Person":
        """Sign up, be approved where `admin` has to, and log in."""
        answer = self.sign_up()
        assert answer.ok, f"{self.name} signs up: {answer.status_code} {words(answer)}"
        if admin is not None:
            assert admin.approve(self.name).ok
        self.log_in()
        assert self.is_logged_in()
        return self

    def is_logged_in(self) -> bool:
        """Whether the hub shows this person their own page."""
        answer = self.hub.get("home", allow_redirects=False)
        return answer.status_code == HTTPStatus.OK

    def change_password(self, new: str) -> requests.Response:
        """Replace the password by a new one."""
        answer = self.fill(
            "change-password",
            "new_password",
            old_password=self.password,
            new_password=new,
            new_password_confirmation=new,
        )
        if answer.ok:
            self.password = new
        return answer

    def approve(self, name: str) -> requests.Response:
        """As an admin: press the button that approves `name`."""
        return self.press(name, "Approve")

    def press(self, name: str, label: str) -> requests.Response:
        """As an admin: press the button called `label` in the row of `name` on the page People."""
        page = BeautifulSoup(self.hub.get("authorize").text, "html.parser")
        row = page.find("tr", id=name)
        assert isinstance(row, Tag), f"{name} is not in the list of people"
        button = next((b for b in row.find_all("button") if b.get_text(strip=True) == label), None)
        assert button is not None, f"the row of {name} has no button {label!r}"
        form = button.find_parent("form")
        assert isinstance(form, Tag), f"the button {label!r} of {name} is in no form"
        fields = {str(entry["name"]): str(entry["value"]) for entry in form.find_all("input")}
        return self.session.post(
            urljoin(self.url, str(form["action"])), data=fields, timeout=PATIENCE
        )

    def give_code(self, code: str) -> requests.Response:
        """Type a code of the second factor, after name and password."""
        return self.fill("login/code", "code", code=code)

    def offered(self) -> list[str]:
        """The profiles the hub offers on its form, in order."""
        page = BeautifulSoup(self.hub.get("spawn").text, "html.parser")
        return [str(choice["value"]) for choice in page.find_all("input", {"name": "profile"})]

    def choose(self, profile: str) -> "Person":
        """Choose a profile on the form and wait until the server answers."""
        answer = self.fill("spawn", "profile", profile=profile)
        assert answer.ok, f"{profile}: {answer.status_code} at {answer.url}: {words(answer)}"
        self.wait_until_served()
        return self

    def wait_until_served(self) -> None:
        """Wait until one's own server answers through the platform's port."""

        def answers() -> bool:
            answer = self.server.get("api", allow_redirects=False)
            return answer.status_code == HTTPStatus.OK and "version" in answer.json()

        try:
            wait_until(answers, f"the server of {self.name}")
        except DeadlineReachedError as error:
            said = words(self.hub.get(f"spawn-pending/{self.name}"))
            raise DeadlineReachedError(f"{error}; the hub says: {said}") from None
        # Cookies for the server come from a visit that the hub sends back from.
        page = self.server.get("")
        assert page.ok, f"{page.url}: {page.status_code}: {page.text[:300]}"

    def start_by_api(self, options: dict[str, Any], called: str = "") -> requests.Response:
        """Ask the hub's API for a server with these options; for a further one by its name."""
        self.hub.get("home")
        server = f"servers/{called}" if called else "server"
        return self.hub.post(f"api/users/{self.name}/{server}", json=options)

    def stop(self) -> None:
        """Stop one's server and wait until the hub says it is gone."""
        self.hub.get("home")
        answer = self.hub.delete(f"api/users/{self.name}/server")
        assert answer.ok, f"stopping: {answer.status_code} {answer.text[:300]}"

        def gone() -> bool:
            user = self.hub.get(f"api/users/{self.name}").json()
            return user["server"] is None and user["pending"] is None

        wait_until(gone, f"the server of {self.name} to be stopped")


MakePerson = Callable[[str], Person]
"""Makes a person of that name who was approved and has logged in."""
