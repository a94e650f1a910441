"""A real OpenID Connect provider beside a platform, and a platform that leaves log-in to it.

The provider is `oidc-provider-mock`, Authlib's server with a page to log in on; it checks clients,
secrets, codes and tokens. It runs from the hub's image, with the test environment's pure Python
packages behind the hub's own, so that nothing else has to be built or pulled.
"""

import io
import tarfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import requests
from docker.models.containers import Container
from packaging.requirements import Requirement

from jhub_docker.catalog.identity import LABEL
from jhub_testing.archives import archive
from jhub_testing.platforms import Platform
from jhub_testing.waiting import ASK_AGAIN, PATIENCE, wait_until

PORT = 9400
_FOLDER = "/srv/packages"
_RUN = f"""
import runpy, sys
sys.path.append({_FOLDER!r})
sys.argv = ["oidc-provider-mock", "--host=0.0.0.0", "--port={PORT}", "--require-registration=true"]
runpy.run_module("oidc_provider_mock", run_name="__main__")
"""
_HUB_UID = 990


class OidcPlatform(Platform):
    """Hub and proxy whose people are those of the provider at `issuer`; `bob` is its admin."""

    issuer = ""
    client_secret = ""

    def __enter__(self) -> "OidcPlatform":
        self.engine.own_project(self.project)
        self.compose("create")
        provider = self._start_provider()
        address = provider.attrs["NetworkSettings"]["Networks"][self.environment["JHUB_NETWORK"]]
        self.issuer = f"http://{address['IPAddress']}:{PORT}"
        wait_until(self._provider_answers, "the provider", ignoring=requests.RequestException)
        config = self._config(self._register())
        files = {"config.toml": config.encode(), "oidc_secret": self.client_secret.encode()}
        self.container("hub").put_archive(
            "/srv/jupyterhub", archive(files, owner=_HUB_UID, mode=0o600)
        )
        super().__enter__()
        return self

    def is_open(self, page: str) -> bool:
        """Whether it has a link to the provider; it asks for no password."""
        return "our directory" in page

    def _start_provider(self) -> Container:
        image = self.container("hub").attrs["Config"]["Image"]
        provider: Container = self.engine.client.containers.create(
            image,
            ["-c", _RUN],
            entrypoint="/opt/hub/bin/python",
            name=self.engine.name("oidc"),
            # With the platform's label it goes when the platform goes, before the network.
            labels={**self.engine.labels, f"{LABEL}.platform": self.project},
            network=self.environment["JHUB_NETWORK"],
            environment={"AUTHLIB_INSECURE_TRANSPORT": "1"},
            healthcheck={"test": ["NONE"]},
        )
        provider.put_archive("/srv", _packages())
        provider.start()
        self.engine.watch(provider)
        provider.reload()
        return provider

    def _provider_answers(self) -> bool:
        return requests.get(f"{self.issuer}/.well-known/openid-configuration", timeout=ASK_AGAIN).ok

    def _register(self) -> str:
        """Register the platform as a client (RFC 7591); keeps its secret, returns its id."""
        asked = {
            "redirect_uris": [f"{self.url}/hub/oauth_callback"],
            "token_endpoint_auth_method": "client_secret_basic",
        }
        answer = requests.post(f"{self.issuer}/oauth2/clients", json=asked, timeout=PATIENCE)
        assert answer.ok, answer.text
        client = answer.json()
        self.client_secret = str(client["client_secret"])
        return str(client["client_id"])

    def _config(self, client_id: str) -> str:
        found = requests.get(
            f"{self.issuer}/.well-known/openid-configuration", timeout=PATIENCE
        ).json()
        return f"""
authenticator = "oidc"
[oidc]
client_id = "{client_id}"
secret_file = "/srv/jupyterhub/oidc_secret"
authorize_url = "{found["authorization_endpoint"]}"
token_url = "{found["token_endpoint"]}"
userdata_url = "{found["userinfo_endpoint"]}"
callback_url = "{self.url}/hub/oauth_callback"
username_claim = "sub"
login_service = "our directory"
allowed_users = ["ann"]
admin_users = ["bob"]
"""


def _packages() -> bytes:
    """The provider and what it needs that is pure Python, below `packages/`."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for found in _closure("oidc-provider-mock", {}).values():
            files = found.files or []
            if any(file.suffix == ".so" for file in files):
                continue  # the hub has these itself
            for file in files:
                path = Path(str(file.locate()))
                if ".." not in file.parts and file.suffix != ".pyc" and path.is_file():
                    archive.add(path, f"packages/{file}")
    return target.getvalue()


def _closure(name: str, seen: dict[str, Distribution]) -> dict[str, Distribution]:
    try:
        found = distribution(name)
    except PackageNotFoundError:  # for another platform or Python
        return seen
    if found.name not in seen:
        seen[found.name] = found
        for line in found.requires or []:
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                _closure(wanted.name, seen)
    return seen
