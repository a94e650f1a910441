"""A domain per person, in a real browser with local names, and an operator's own Python at the end.

Chromium takes every name below `localhost` for this machine (RFC 6761).
"""

import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser

from jhub_docker.errors import ActionError
from jhub_testing.browser import Window
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import PATIENCE, wait_until

DOMAIN = "hub.localhost"

ASK_THE_HUB = """async (url) => {
    try { return (await fetch(url, {credentials: "include"})).status; }
    catch (error) { return error.name; }
}"""


@pytest.fixture(scope="module")
def own(engine: Engine, pytestconfig: pytest.Config) -> Iterator[Platform]:
    """A platform where each person's servers have a domain of their own."""
    platform = Platform(engine, pytestconfig.rootpath, "domains")
    address = f"http://{DOMAIN}:{platform.port}"
    platform.environment |= {
        "JHUB_PUBLIC_URL": f"{address}/",
        "JHUB_SUBDOMAIN_HOST": address,
        # Every server starts as root and drops to its person: the filter knows that as well.
        "JHUB_NB_UID": "1234",
    }
    with platform:
        yield platform


def test_a_persons_servers_have_a_domain_of_their_own(
    own: Platform, browser: Browser, engine: Engine
) -> None:
    address = own.environment["JHUB_SUBDOMAIN_HOST"]
    window = Window(browser, address, engine.logs / "screenshots" / "domains")
    page = window.page
    window.sign_in("admin", own.one_time_password())
    password = secrets.token_urlsafe(12)
    window.see(page.get_by_label("New password:")).fill(password)
    page.get_by_label("New password again:").fill(password)
    page.get_by_role("button", name="Change password").click()
    window.see(page.get_by_role("button", name="Start"))
    window.start("marimo")
    window.see(page.get_by_text("Welcome", exact=False).or_(page.get_by_role("tree")), "domain")
    assert urlsplit(page.url).hostname == f"admin.{DOMAIN}", page.url
    assert urlsplit(page.url).path.startswith("/user/admin/")

    # What runs in a server's page is of another origin than the hub, and cannot ask it anything.
    assert page.evaluate(ASK_THE_HUB, f"{address}/hub/api/user") == "TypeError"
    holders = {cookie["name"]: cookie["domain"] for cookie in window.context.cookies()}
    assert holders["jupyterhub-hub-login"] == DOMAIN, "the hub's own, not the servers'"
    assert holders["jupyterhub-user-admin"] == f"admin.{DOMAIN}"
    window.open("/hub/home")
    link = window.see(page.get_by_role("link", name="Open Default server"))
    assert (link.get_attribute("href") or "").startswith(f"http://admin.{DOMAIN}:{own.port}/user/")

    assert status(own, f"admin.{DOMAIN}", "/user/admin/api") == 200, "the server's own page"
    assert status(own, DOMAIN, "/user/admin/api") != 200, "not below the hub's name"
    assert status(own, DOMAIN, "/hub/login") == 200
    window.stop()
    window.close()


def status(platform: Platform, host: str, path: str) -> int:
    """What the published port answers to a request for this host."""
    answer = requests.get(
        f"{platform.url}{path}",
        headers={"Host": f"{host}:{platform.port}"},
        timeout=PATIENCE,
        allow_redirects=False,
    )
    return answer.status_code


MINE = """c.JupyterHub.template_vars["announcement"] = "from my own Python"
c.Spawner.environment["TEAM_URL"] = "https://team.example"
"""


def keep(platform: Platform, name: str, text: str) -> None:
    """Put a file into config.d, as an operator would."""
    script = f"mkdir -p config.d && cat > config.d/{name}"
    platform.compose("exec", "-T", "hub", "sh", "-c", script, given=text)


def test_an_operators_own_python_is_loaded_last_and_named(own: Platform) -> None:
    keep(own, "10-mine.py", MINE)
    check = ("exec", "-T", "hub", "python", "-m", "hub_config", "check")
    assert "/srv/jupyterhub/config.d/10-mine.py" in own.compose(*check)
    own.compose("restart", "hub")
    own.wait_until_open()
    told = b"Loaded last, after all settings: /srv/jupyterhub/config.d/10-mine.py"
    wait_until(lambda: told in own.container("hub").logs(), "the hub to say what it loaded")

    keep(own, "20-broken.py", "x = 1\nc.JupyterHub.port = nowhere\n")
    broken = r"config.d/20-broken.py, line 2: NameError: name 'nowhere' is not defined"
    with pytest.raises(ActionError, match=broken) as caught:
        own.compose(*check)
    assert "ended with 2" in str(caught.value)
    assert "Traceback" not in str(caught.value).partition("hub-1:")[0]
    own.compose("restart", "hub")

    def ended_with_the_sentence() -> bool:
        lines = own.container("hub").logs(tail=20).decode()
        return "config.d/20-broken.py, line 2: NameError" in lines

    wait_until(ended_with_the_sentence, "the hub to say what is wrong")
    own.compose("run", "--rm", "--no-deps", "-T", "hub", "rm", "config.d/20-broken.py")
    own.wait_until_open()
