"""Somebody made up who tries the platform out as people do: through the proxy, log-in to page.

The hub makes and removes the account (hub_config/login/canary.py); what a server of that name left
in the engine is removed here.
"""

import hashlib
import html
import json
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urljoin

import requests
from docker import DockerClient

from jhub_docker.catalog.identity import LABEL
from jhub_docker.errors import ActionError
from jhub_docker.platform import containers
from jhub_docker.platform.compose import HUB, PYTHON, Platform
from jhub_docker.process import Ended
from jhub_docker.progress import stage

START_SECONDS = 300.0
SECONDS = 120

NOT_HERE = "JHUB_AUTHENTICATOR is"
"""How the hub says that accounts are another service's, so that none can be made up."""


def name(project: str) -> str:
    """What the canary of a platform is called: one that a kill left is found again."""
    return f"canary-{hashlib.sha256(project.encode()).hexdigest()[:8]}"


def tried(client: DockerClient, platform: Platform) -> str:
    """Log in, start the smallest server, see its page, remove all of it; what was seen.

    Raises ActionError with what is not as it should be.
    """
    own = name(platform.project)
    if not platform.direct:
        return "Nobody logged in and nothing was started: from here it is reached by name alone."
    with stage(f"trying it out as {own}"):
        ended = _canary(platform, "end", own)
        if NOT_HERE in ended.err:
            return "Nobody logged in and nothing was started: accounts are another service's."
        _require(ended)
        clear(client, platform)
        said = json.loads(_require(_canary(platform, "begin", own)))
        try:
            seen = _visit(client, platform, own, said["password"], said["code"])
        except requests.RequestException as error:
            raise ActionError(f"{own} gets no answer: {error}") from None
        finally:
            ended = _canary(platform, "end", own)
            clear(client, platform)
        _require(ended)
    return seen


def clear(client: DockerClient, platform: Platform) -> None:
    """Remove what is in the engine of a canary: server, network, home."""
    labels = [f"{LABEL}.platform={platform.project}", f"{LABEL}.user={name(platform.project)}"]
    wanted = {"label": labels}
    for one in client.api.containers(all=True, filters=wanted):
        containers.remove(client, one["Id"], stop=True)
    for network in client.api.networks(filters=wanted):
        for joined in client.api.inspect_network(network["Id"])["Containers"] or ():
            containers.unless_gone(
                client.api.disconnect_container_from_network, joined, network["Id"], force=True
            )
        containers.unless_gone(client.api.remove_network, network["Id"])
    for volume in client.api.volumes(filters=wanted)["Volumes"] or ():
        containers.unless_gone(client.api.remove_volume, volume["Name"])


def log_in(session: requests.Session, address: str, name: str, password: str) -> requests.Response:
    """Log in as a browser does; the page one comes to."""
    session.trust_env = False  # no proxy leads to this machine
    # Behind a proxy with TLS cookies are for https alone, and here nobody is in between.
    session.cookies.set_policy(DefaultCookiePolicy(secure_protocols=("http", "https")))
    page = session.get(f"{address}hub/login", timeout=SECONDS)
    return _send(session, page, address, username=name, password=password)


def smallest(offered: Mapping[str, float], form: str) -> str:
    """The profile with the least memory that a form lets one choose; empty for none.

    `offered` is memory by profile, as far as it is known.
    """
    fields = [html.unescape(one) for one in re.findall(r"<input\b[^>]*>", form)]
    free = [
        found[1]
        for field in fields
        if 'name="profile"' in field
        and not re.search(r"\sdisabled\b", field)
        and (found := re.search(r'value="([^"]+)"', field))
    ]
    return min(free, key=lambda key: offered.get(key, 2**62), default="")


def _visit(client: DockerClient, platform: Platform, own: str, password: str, code: str) -> str:
    subdomains = platform.hub_environment.get("JHUB_SUBDOMAIN_HOST")
    address = platform.public_address if subdomains else platform.address
    with requests.Session() as session:
        page = log_in(session, address, own, password)
        if page.url.endswith("/hub/login/code"):
            page = _send(session, page, address, code=code)
        if "/hub/login" in page.url or not page.ok:
            raise ActionError(f"{own} cannot log in: {page.status_code} at {page.url}")
        form = session.get(f"{address}hub/spawn", timeout=SECONDS)
        profile = smallest(_memory(client), form.text)
        if not profile and 'name="profile"' in form.text:
            return f"{own} logged in; there is no room to start a server just now."
        action = re.search(r'<form\b[^>]*\baction="([^"]*/spawn[^"]*)"', form.text)
        if not form.ok or not profile or not action:
            raise ActionError(f"{own} is offered no server: {form.status_code} at {form.url}")
        place = urljoin(form.url, html.unescape(action[1]))
        answer = session.post(place, data={"profile": profile}, timeout=START_SECONDS)
        if not answer.ok:
            raise ActionError(_why(platform, f"a server of {profile} does not start"))
        started = time.monotonic()
        _wait(session, platform, f"{address}user/{own}/api", profile)
        seconds = time.monotonic() - started
        shown = session.get(f"{address}user/{own}/", timeout=START_SECONDS)
        if not shown.ok or "/hub/" in shown.url:
            raise ActionError(f"{profile} shows no page: {shown.status_code} at {shown.url}")
    return f"{own} logged in, and {profile} showed its page after {seconds:.1f} s."


def _wait(session: requests.Session, platform: Platform, url: str, profile: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        answer = session.get(url, timeout=SECONDS, allow_redirects=False)
        if answer.status_code == HTTPStatus.OK and "version" in answer.text:
            return
        time.sleep(0.25)
    seconds = f"within {START_SECONDS:.0f} s"
    raise ActionError(_why(platform, f"a server of {profile} does not answer {seconds}"))


def _why(platform: Platform, problem: str) -> str:
    log = platform.compose("logs", "--no-color", "--no-log-prefix", "--tail", "10", HUB).out
    return f"{problem}; the hub said last:\n{log.strip()}"


def _send(
    session: requests.Session, page: requests.Response, address: str, **fields: str
) -> requests.Response:
    """Send a form of the log-in, back to where it came from."""
    token = re.search(r'name="_xsrf" value="([^"]+)"', page.text)
    where = page.url if page.url.startswith(address) else f"{address}hub/login"
    data = {"_xsrf": token[1] if token else "", **fields}
    return session.post(where, data=data, timeout=SECONDS)


def _memory(client: DockerClient) -> dict[str, float]:
    """Memory of the profiles that images declare, in bytes."""
    found = {}
    for one in client.api.images(filters={"label": f"{LABEL}.profiles"}):
        offer = json.loads(one["Labels"][f"{LABEL}.profiles"])
        for size, profile in offer["profiles"].items():
            if known := re.fullmatch(r"([\d.]+)([KMGT]?)", str(profile["mem_limit"])):
                power = " KMGT".index(known[2] or " ")
                found[f"{offer['name']}-{size}"] = float(known[1]) * 1024**power
    return found


def _canary(platform: Platform, *words: str) -> Ended:
    program = (PYTHON, "-m", "hub_config", "canary")
    return platform.compose("exec", "-T", HUB, *program, *words)


def _require(ended: Ended) -> str:
    if ended.code:
        raise ActionError(f"the hub's canary failed: {ended.tail(5)}")
    return ended.out
