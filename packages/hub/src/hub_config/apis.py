"""The APIs of hub and proxy, as what stands beside them asks."""

import requests

PROXY_API = "http://proxy-api:8001"
"""The proxy's, on a network that only hub and proxy are attached to."""

PROXY_ROUTES = f"{PROXY_API}/api/routes"


def ask(method: str, url: str, token: str, seconds: float = 10.0) -> requests.Response:
    """Ask hub or proxy, with which neither a proxy nor a .netrc of the machine is concerned. Raises
    requests.RequestException, also for a refusal.
    """
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"token {token}"}
        answer = session.request(method, url, headers=headers, timeout=seconds)
    answer.raise_for_status()
    return answer
