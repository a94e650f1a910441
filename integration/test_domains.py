"""A platform with a domain: TLS with a CA of its own, a domain per person, in a real browser with
local names; and an operator's own Python at the end.

Chromium takes every name below `localhost` for this machine (RFC 6761), and so do the tests.
"""

import json
import secrets
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser

from jhub_docker.doctor import outside
from jhub_docker.errors import ActionError
from jhub_docker.platform import canary, compose, entrance, public_images
from jhub_docker.platform.ports import free_port
from jhub_testing.browser import Window
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import PATIENCE, wait_until

DOMAIN = "hub.localhost"

ASK_THE_HUB = """async (url) => {
    try { return (await fetch(url, {credentials: "include"})).status; }
    catch (error) { return error.name; }
}"""


@pytest.fixture(scope="module", autouse=True)
def _names() -> Iterator[None]:
    """Names below `localhost` are this machine's, whatever its resolver knows."""
    asked = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        here = isinstance(host, str) and host.endswith(".localhost")
        return asked("127.0.0.1" if here else host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


@pytest.fixture(scope="module")
def own(engine: Engine, pytestconfig: pytest.Config) -> Iterator[Platform]:
    """A platform with TLS where each person's servers have a domain of their own."""
    platform = Platform(engine, pytestconfig.rootpath, "domains")
    platform.url = f"https://{DOMAIN}:{platform.port}"
    platform.environment |= {
        "JHUB_DOMAIN": DOMAIN,
        "JHUB_TLS": "internal",
        "JHUB_TLS_IMAGE": public_images.image(pytestconfig.rootpath, "caddy"),
        "JHUB_HTTPS_PORT": str(platform.port),
        "JHUB_HTTP_PORT": str(free_port()),
        "JHUB_SUBDOMAIN_HOST": platform.url,
        # Every server starts as root and drops to its person: the filter knows that as well.
        "JHUB_NB_UID": "1234",
    }
    with platform:
        yield platform


@pytest.fixture(scope="module")
def bundle(own: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of the platform's own CA, as an operator hands it to browsers."""
    found = own.compose("exec", "-T", "tls", "cat", entrance.ROOT_CERTIFICATE)
    file = tmp_path_factory.mktemp("ca") / "root.crt"
    file.write_text(found)
    return file


def test_caddy_alone_is_published_and_leads_to_https(own: Platform) -> None:
    published = [one for one in own.services if any(own.container(one).ports.values())]
    assert published == ["tls"]
    plain = f"http://{DOMAIN}:{own.environment['JHUB_HTTP_PORT']}/hub/login"
    answer = requests.get(plain, timeout=PATIENCE, allow_redirects=False)
    assert answer.headers["Location"] == f"{own.url}/hub/login"


def test_the_hub_sees_the_visitor_through_caddy_and_not_what_it_claims(
    own: Platform, bundle: Path
) -> None:
    code, said = own.container("hub").exec_run(["python", "-c", outside.TICKET])
    assert code == 0, said.decode()
    header, ticket = json.loads(said)
    url, context = entrance.health(own.url), ssl.create_default_context(cafile=str(bundle))
    plain = outside.visit(url, [f"{header}: {ticket}"], context)
    claimed = f"X-Forwarded-For: {outside.CLAIMED}"
    forged = outside.visit(url, [f"{header}: {ticket}", claimed], context)
    assert outside.judged(url, plain, forged) == []
    assert plain.hops == (plain.address,), "the visitor's, and nobody's in between"
    assert outside.visit(url, [f"{header}: 1.{ticket}"], context).wrong.endswith("status 403")


def test_an_upgrade_is_tried_out_behind_tls_too(own: Platform) -> None:
    told = canary.tried(compose.read(own.root, own.environment))
    assert "showed its page after" in told


def test_a_persons_servers_have_a_domain_of_their_own(
    own: Platform, browser: Browser, engine: Engine, bundle: Path
) -> None:
    address = own.url
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
    cookies = window.context.cookies()
    assert not [cookie["name"] for cookie in cookies if not cookie["secure"]]
    holders = {cookie["name"]: cookie["domain"] for cookie in cookies}
    assert holders["jupyterhub-hub-login"] == DOMAIN, "the hub's own, not the servers'"
    assert holders["jupyterhub-user-admin"] == f"admin.{DOMAIN}"
    window.open("/hub/home")
    link = window.see(page.get_by_role("link", name="Open Default server"))
    assert (link.get_attribute("href") or "").startswith(f"https://admin.{DOMAIN}:{own.port}/user/")

    assert status(own, bundle, f"admin.{DOMAIN}", "/user/admin/api") == 200, "the server's own page"
    assert status(own, bundle, DOMAIN, "/user/admin/api") != 200, "not below the hub's name"
    assert status(own, bundle, DOMAIN, "/hub/login") == 200
    window.stop()
    window.close()


def status(platform: Platform, bundle: Path, host: str, path: str) -> int:
    """What the published port answers to a request for this host."""
    answer = requests.get(
        f"https://{host}:{platform.port}{path}",
        verify=str(bundle),
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
