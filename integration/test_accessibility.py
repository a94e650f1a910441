"""Every page of the hub, judged by axe: WCAG 2.2 A and AA, light and dark, on a desk and a phone.

Pictures of each page are below `.test-logs/screenshots/`.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pyotp
import pytest

from jhub_testing.accessibility import judge
from jhub_testing.browser import DESKTOP, PHONE, Window
from jhub_testing.operator import Operator
from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import Platform
from jhub_testing.waiting import PATIENCE, wait_until

OpenWindow = Callable[[], Window]

OF_JUPYTERHUB = (
    '#react-admin-hook button[aria-controls$="-collapse"]',
    "#react-admin-hook td a",
    "#react-admin-hook ul.list-group",
)
"""What JupyterHub's admin page, a script of its own, draws and no template reaches: a button with a
picture and no name, a button inside a link, and a list whose children are no items."""


A_SERVER_WITH_A_NAME = """document.querySelector('main').insertAdjacentHTML('beforeend',
    '<div class="card"><p class="text-secondary">second</p></div>')"""
"""As JupyterHub's admin page shows it while somebody has one."""


@pytest.fixture(scope="module")
def stranger(open_window: OpenWindow) -> Iterator[Window]:
    window = open_window()
    yield window
    window.close()


@pytest.fixture(scope="module")
def person(make_person: MakePerson) -> Person:
    return make_person("reader")


@pytest.fixture(scope="module")
def reader(open_window: OpenWindow, person: Person) -> Iterator[Window]:
    window = open_window()
    window.sign_in(person.name, person.password)
    window.see(window.page.get_by_role("button", name="Logout"))
    yield window
    window.close()


@pytest.fixture(scope="module")
def administrator(open_window: OpenWindow, admin: Person) -> Iterator[Window]:
    window = open_window()
    window.sign_in(admin.name, admin.password)
    window.see(window.page.get_by_role("button", name="Logout"))
    yield window
    window.close()


@pytest.mark.parametrize(
    ("name", "path", "heading"),
    [
        ("login-german", "/hub/login?language=de", "Anmelden"),
        ("sign-up-german", "/hub/signup", "Registrieren"),
        ("login", "/hub/login?language=en", "Sign in"),
        ("sign-up", "/hub/signup", "Sign up"),
        ("not-found", "/hub/nosuch", "There is no such page"),
        ("server-gone", "/hub/error/503", "Your server does not answer"),
    ],
)
def test_page_of_a_stranger(stranger: Window, name: str, path: str, heading: str) -> None:
    stranger.open(path)
    stranger.see(stranger.page.get_by_role("heading", name=heading))
    assert stranger.page.title().startswith(f"{heading} \N{EN DASH} ")
    assert judge(stranger, name) == []


@pytest.mark.parametrize(
    ("name", "path", "heading"),
    [
        ("home-german", "/hub/home?language=de", "Ihre Server"),
        ("profiles-german", "/hub/spawn", "Wählen Sie, was starten soll"),
        ("home", "/hub/home?language=en", "Your servers"),
        ("profiles", "/hub/spawn", "Choose what to start"),
        ("runs", "/hub/runs", "Scheduled runs"),
        ("apps", "/hub/apps", "Applications"),
        ("tokens", "/hub/token", "Manage JupyterHub Tokens"),
        ("password", "/hub/change-password", "Change password"),
        ("second-factor", "/hub/second-factor", "Second factor"),
        ("what-happened", "/hub/audit/own", "What happened"),
        ("forbidden", "/hub/admin", "You may not do this"),
        ("not-running", "/user/reader/lab", "Your server is not running"),
    ],
)
def test_page_of_a_person(reader: Window, name: str, path: str, heading: str) -> None:
    reader.open(path)
    reader.see(reader.page.get_by_role("heading", name=heading))
    assert reader.page.title().startswith(f"{heading} \N{EN DASH} ")
    assert judge(reader, name) == []


@pytest.mark.parametrize(
    ("name", "path", "shown"),
    [
        ("people", "/hub/authorize", "reader"),
        ("homes", "/hub/homes", "Homes put aside"),
        ("audit", "/hub/audit?what=account.approve", "reader"),
        ("admin", "/hub/admin", "reader"),
        ("admin-groups", "/hub/admin#/groups", "New Group"),
    ],
)
def test_page_of_an_admin(administrator: Window, name: str, path: str, shown: str) -> None:
    administrator.open(path)
    administrator.see(administrator.page.get_by_role("main").get_by_text(shown))
    administrator.page.evaluate(A_SERVER_WITH_A_NAME)
    assert judge(administrator, name, OF_JUPYTERHUB) == []
    assert hidden_at_the_side(administrator) == []


def hidden_at_the_side(window: Window) -> list[str]:
    """Buttons and links that one has to scroll sideways for on a phone, inside the page too."""
    window.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    hidden: list[str] = window.page.evaluate(
        "Array.from(document.querySelectorAll('main a, main button'))"
        ".filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.innerText)"
    )
    window.page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    return hidden


def test_a_rename_that_is_refused_says_why(administrator: Window) -> None:
    page = administrator.page
    administrator.open("/hub/admin")
    first_admin = page.get_by_role("row").filter(has=page.get_by_text("admin", exact=True)).first
    first_admin.get_by_role("button", name="Edit User").click()
    page.get_by_placeholder("updated username").fill("boss")
    page.get_by_placeholder("updated username").blur()
    page.get_by_role("button", name="Apply").click()
    administrator.see(page.get_by_role("alert").filter(has_text="JHUB_ADMIN_USER"))


def test_people_who_were_added(administrator: Window) -> None:
    page = administrator.page
    administrator.open("/hub/authorize")
    page.get_by_label("One person a line").fill("Wrong Name")
    page.get_by_role("button", name="Add these people").click()
    administrator.see(page.get_by_role("alert").filter(has_text="Line 1"))
    complaints = judge(administrator, "people-refused", OF_JUPYTERHUB)
    page.get_by_label("One person a line").fill("zadie, zadie@example.org\nzeno")
    page.get_by_role("button", name="Add these people").click()
    administrator.see(page.get_by_role("heading", name="2 people were added"))
    complaints += judge(administrator, "people-added", OF_JUPYTERHUB)
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as a table").click()
    assert download.value.suggested_filename == "people.csv"
    assert hidden_at_the_side(administrator) == []
    assert complaints == []


def test_waiting_for_approval(stranger: Window) -> None:
    page = stranger.page
    stranger.open("/hub/signup")
    page.get_by_label("Username").fill("patient")
    page.get_by_label("Password:", exact=True).fill("correct horse 9")
    page.get_by_label("Password again").fill("correct horse 9")
    # Two clicks, as on a slow line: the second must not answer that the name is in use by now.
    page.get_by_role("button", name="Sign up").evaluate(
        "button => { button.click(); setTimeout(() => button.click()) }"
    )
    stranger.see(page.get_by_role("status").filter(has_text="approve"))
    assert judge(stranger, "waiting-for-approval") == []


def test_a_second_factor_from_setting_it_up_to_the_next_log_in(
    open_window: OpenWindow, make_person: MakePerson
) -> None:
    person, window = make_person("twofold"), open_window()
    page = window.page
    window.sign_in(person.name, person.password)
    window.see(page.get_by_role("button", name="Logout"))
    window.open("/hub/second-factor")
    page.get_by_label("Your password").fill(person.password)
    page.get_by_role("button", name="Set up").click()
    key = window.see(page.locator("#totp-key")).inner_text()
    complaints = judge(window, "second-factor-enrolment")
    page.get_by_label("Code from your app").fill("000000")
    page.get_by_role("button", name="Confirm").click()
    window.see(page.get_by_role("alert"))
    page.get_by_label("Code from your app").fill(pyotp.TOTP(key).now())
    page.get_by_role("button", name="Confirm").dblclick()  # codes are shown once
    go_on = window.see(page.get_by_role("link", name="I have kept them"))
    complaints += judge(window, "recovery-codes")
    go_on.click()
    page.get_by_role("button", name="Logout").click()
    window.see(page.get_by_role("heading", name="Sign in"))
    window.sign_in(person.name, person.password)
    code = window.see(page.get_by_label("Code from your authenticator app"))
    code.fill("000000")
    page.get_by_role("button", name="Sign in").click()
    window.see(page.get_by_role("alert"))
    complaints += judge(window, "login-code")
    window.close()
    assert complaints == []


def test_a_refused_choice_says_what_there_is(reader: Window) -> None:
    reader.open("/hub/spawn")
    choice = reader.see(reader.page.get_by_role("radio").first)
    choice.evaluate("radio => radio.value = 'no-such-profile'")
    choice.check()
    reader.page.get_by_role("button", name="Start").click()
    refusal = reader.see(reader.page.get_by_text("There is no such profile")).inner_text()
    assert "each small, medium or large" in refusal
    assert "uv-" not in refusal
    assert judge(reader, "refused") == []


def test_progress_and_a_running_server(reader: Window) -> None:
    """The news of the start are held back, so that the page stays long enough to be judged.

    They are let go only when the page is left: told that the server is ready, it would go there,
    also away from a page that was asked for in the same moment.
    """
    held_back = re.compile(r"/progress")
    reader.page.route(held_back, lambda _: None)
    reader.start("marimo")
    reader.see(reader.page.get_by_role("heading", name="Your server is starting"))
    assert reader.page.get_by_role("progressbar", name="Start of your server").count() == 1
    complaints = judge(reader, "progress")
    reader.open("/hub/home")
    reader.page.unroute(held_back)
    reader.see(reader.page.get_by_text(re.compile("Running|Starting")))
    complaints += judge(reader, "home-running")
    assert complaints == []


def test_now_stays_true_by_itself_and_sorts(
    administrator: Window, reader: Window, person: Person, platform: Platform
) -> None:
    """The server of the test before appears, with figures that only a second look can give, and
    with its home, which a container of the profile `homes` measures.
    """
    root = platform.engine.client.info()["DockerRootDir"]
    platform.environment["JHUB_DOCKER_VOLUMES"] = f"{root}/volumes"
    platform.compose("--profile", "homes", "up", "--detach", "--wait", "--no-deps", "homes")
    wait_until(lambda: "Your files take" in person.hub.get("home").text, "the home's size")
    page = administrator.page
    again = re.compile("/hub/now/table")
    with page.expect_response(again, timeout=PATIENCE * 1000):
        administrator.open("/hub/now")
    row = page.get_by_role("row").filter(has=page.get_by_role("cell", name="reader", exact=True))
    administrator.see(row.filter(has_text=re.compile(r"\d\.\d\d.* MB of 2\.0 GB")))
    page.get_by_role("link", name="Memory").click()
    administrator.see(page.get_by_role("columnheader", name="Memory").and_(
        page.locator('[aria-sort="descending"]')
    ))  # fmt: skip
    complaints = judge(administrator, "now")
    reader.open("/hub/home")
    reader.see(reader.page.get_by_text(re.compile(r"Uses memory \d+ MB of 2\.0 GB")))
    assert judge(reader, "home-usage") + complaints == []

    def measured() -> dict[str, Any] | None:
        """An engine that is slow to answer is not waited for."""
        said = json.loads(Operator(platform).invoke("status", "--json", "--sort", "cpu").stdout)
        (server,) = (one for one in said["servers"] if one["person"] == "reader")
        return None if server["cpu"] is None else server

    server = wait_until(measured, "figures of the server")
    assert server["memory_limit"] == 2 * 2**30 > server["memory"] > 2**20
    assert server["address"].startswith("10.")
    assert server["home"] > 0


def test_the_form_is_filled_in_by_keyboard_alone(reader: Window) -> None:
    """Tab to the chosen profile, an arrow to the next one; the page's first stop skips the menu."""
    page = reader.page
    reader.open("/hub/spawn/reader/keys?display_name=keys")
    reader.see(page.get_by_role("radio", checked=True))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.value")
    page.keyboard.press("ArrowDown")
    second = page.evaluate("document.querySelector('input[name=profile]:checked').value")
    assert first
    assert second != first


def test_the_judge_finds_what_is_planted(stranger: Window) -> None:
    """Grey on white, a field without a label, and a box wider than a phone."""
    stranger.page.set_content(
        '<html lang="en"><title>Planted</title><main><p style="color: #aaa">Grey words</p>'
        '<input><div style="width: 900px">Wide</div></main></html>'
    )
    found = {(complaint.look, complaint.rule) for complaint in judge(stranger, "planted")}
    for scheme in ("light", "dark"):
        for rule in ("color-contrast", "label", "reflow"):
            assert (f"planted-phone-{scheme}", rule) in found
        assert (f"planted-desktop-{scheme}", "reflow") not in found
