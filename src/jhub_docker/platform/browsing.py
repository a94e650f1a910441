"""Goes through the hub's pages as a browser does, in the hub's own container: no other place is
sure to reach the proxy. Sent there as text, so standard library and requests only.

    log-in   log in; prints as JSON where one comes to
    start    log in, start the first server there is room for, see its page; prints what was seen

Standard input is JSON: `address`, where people open the platform, `name` and `password`; for a
start `code`. Where accounts are another service's, the name and `value` of a `cookie` stand for
password and code. The proxy is asked by every name, those that belong to the outside too, and so
neither a name's address nor a certificate is needed. What speaks TLS before it is not part of this:
an upgrade leaves that alone.
"""

import html
import json
import re
import sys
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

PROXY = "http://proxy:8000"
SECONDS = 120
START_SECONDS = 300.0


class Inside(HTTPAdapter):
    """Asks the proxy, whatever the address, as what speaks TLS before it would."""

    def send(
        self, request: requests.PreparedRequest, *arguments: Any, **options: Any
    ) -> requests.Response:
        """Send it there; the answer is that of the address which was asked for."""
        asked, inside = urlsplit(request.url or ""), request.copy()
        inside.url = f"{PROXY}{asked.path}" + (f"?{asked.query}" if asked.query else "")
        inside.headers["Host"] = asked.netloc
        if asked.scheme == "https":
            inside.headers["X-Forwarded-Proto"] = "https"
        answer = super().send(inside, *arguments, **options)
        answer.url, answer.request = request.url or "", request
        return answer


def browser() -> requests.Session:
    """One that keeps cookies, and that no proxy of a network is in the way of."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, Inside())
    # Settings in config.toml may say https where the address does not.
    session.cookies.set_policy(DefaultCookiePolicy(secure_protocols=("http", "https")))
    return session


def log_in(session: requests.Session, address: str, name: str, password: str) -> requests.Response:
    """Log in; the page one comes to."""
    page = session.get(f"{address}hub/login", timeout=SECONDS)
    return _send(session, page, address, username=name, password=password)


def start(session: requests.Session, given: Mapping[str, Any]) -> str:
    """Log in, start a server and see its page; what was seen. Exits with what is not well."""
    address, name = given["address"], given["name"]
    if "cookie" in given:
        session.cookies.set(given["cookie"], given["value"], path=f"{urlsplit(address).path}hub/")
        page = session.get(f"{address}hub/home", timeout=SECONDS)
    else:
        page = log_in(session, address, name, given["password"])
    if page.url.endswith("/hub/login/code"):
        page = _send(session, page, address, code=given["code"])
    if not page.ok or not page.url.startswith(f"{address}hub/") or "/hub/login" in page.url:
        sys.exit(f"{name} cannot log in: {page.status_code} at {page.url}")
    form = session.get(f"{address}hub/spawn", timeout=SECONDS)
    profile = first_free(form.text)
    if not profile and 'name="profile"' in form.text:
        return f"{name} logged in; there is no room to start a server just now."
    action = re.search(r'<form\b[^>]*\baction="([^"]*/spawn[^"]*)"', form.text)
    if not form.ok or not profile or not action:
        sys.exit(f"{name} is offered no server: {form.status_code} at {form.url}")
    place = urljoin(form.url, html.unescape(action[1]))
    answer = session.post(place, data={"profile": profile}, timeout=START_SECONDS)
    if not answer.ok:
        sys.exit(f"a server of {profile} does not start")
    started = time.monotonic()
    _wait(session, f"{address}user/{name}/api", profile)
    seconds = time.monotonic() - started
    shown = session.get(f"{address}user/{name}/", timeout=START_SECONDS)
    own = f"{urlsplit(address).path}user/{name}/"
    if not shown.ok or not urlsplit(shown.url).path.startswith(own):
        sys.exit(f"{profile} shows no page: {shown.status_code} at {shown.url}")
    how = "was taken for somebody who logged in" if "cookie" in given else "logged in"
    return f"{name} {how}, and {profile} showed its page after {seconds:.1f} s."


def first_free(form: str) -> str:
    """The first profile that a form lets one choose; empty for none."""
    for field in map(html.unescape, re.findall(r"<input\b[^>]*>", form)):
        found = re.search(r'value="([^"]+)"', field)
        if found and 'name="profile"' in field and not re.search(r"\sdisabled\b", field):
            return found[1]
    return ""


def _wait(session: requests.Session, url: str, profile: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        # With a domain for each person the hub leads there.
        answer = session.get(url, timeout=SECONDS)
        try:
            if answer.ok and "version" in answer.json():
                return
        except ValueError:  # the hub's page, until the server is there
            pass
        time.sleep(0.25)
    sys.exit(f"a server of {profile} does not answer within {START_SECONDS:.0f} s")


def _send(
    session: requests.Session, page: requests.Response, address: str, **fields: str
) -> requests.Response:
    """Send a form of the log-in, back to where it came from."""
    token = re.search(r'name="_xsrf" value="([^"]+)"', page.text)
    where = page.url if page.url.startswith(address) else f"{address}hub/login"
    data = {"_xsrf": token[1] if token else "", **fields}
    return session.post(where, data=data, timeout=SECONDS)


def main(arguments: list[str]) -> None:
    """Do one of the two."""
    given = json.load(sys.stdin)
    try:
        with browser() as session:
            if arguments == ["start"]:
                print(json.dumps({"seen": start(session, given)}))
                return
            page = log_in(session, given["address"], given["name"], given["password"])
            print(json.dumps({"status": page.status_code, "url": page.url}))
    except requests.RequestException as error:
        sys.exit(f"{given['name']} gets no answer: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
