"""A real LDAP server beside a platform, and a platform that leaves log-in to it.

The server is the distribution's slapd, which nobody has to install: it is unpacked below
`.dev/tools/`, and runs with its own libraries in a container of the hub's image.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import trustme

from jhub_docker.catalog.identity import LABEL
from jhub_docker.errors import ActionError
from jhub_docker.host.programs import FOLDER
from jhub_docker.progress import stage
from jhub_testing.archives import archive
from jhub_testing.platforms import Platform

PORT = 3389
PASSWORD = "correct horse 9"  # noqa: S105  of people who exist in a test only

_SLAPD = Path("usr/sbin/slapd")
_PLACE = "/srv/ldap"
_HUB_UID = 990
_SCHEMAS = ("core", "cosine", "inetorgperson")
_CONFIGURATION = "\n".join(
    [
        *(f"include {_PLACE}/{name}.schema" for name in _SCHEMAS),
        f"modulepath {_PLACE}",
        "moduleload back_mdb",
        f"TLSCertificateFile {_PLACE}/server.pem",
        f"TLSCertificateKeyFile {_PLACE}/server.key",
        "security simple_bind=128",  # no password without TLS
        "database mdb",
        'suffix "dc=example,dc=org"',
        "directory /tmp",
        "",
    ]
)
_PERSON = """
dn: uid={name},ou=people,dc=example,dc=org
objectClass: inetOrgPerson
cn: {name}
sn: {name}
userPassword: {password}
"""
_RUN = f"""
set -e
cd {_PLACE}
./ld.so --library-path . ./slapd -Tadd -f slapd.conf -l people.ldif
exec ./ld.so --library-path . ./slapd -f slapd.conf -d none -h ldap://0.0.0.0:{PORT}/
"""


class LdapPlatform(Platform):
    """Hub and proxy whose people are `ann` and the admin `bob`; `mallory` may not log in."""

    server = ""
    """The server's name on the platform's network, which its certificate is for."""

    def __enter__(self) -> "LdapPlatform":
        self.engine.own_project(self.project)
        self.compose("create")
        self.server = self.engine.name("ldap")
        authority = trustme.CA()
        self._start_server(authority)
        files = {"config.toml": self._config().encode(), "ldap.pem": authority.cert_pem.bytes()}
        own = archive(files, owner=_HUB_UID, mode=0o600)
        self.container("hub").put_archive("/srv/jupyterhub", own)
        super().__enter__()
        return self

    def is_open(self, page: str) -> bool:
        """Whether it asks for a password, and offers no account."""
        return super().is_open(page) and "signup" not in page

    def _start_server(self, authority: trustme.CA) -> None:
        certificate = authority.issue_cert(self.server)
        people = "".join(
            _PERSON.format(name=name, password=PASSWORD) for name in ("ann", "bob", "mallory")
        )
        root = "dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\n"
        root += "o: Example\ndc: example\n\ndn: ou=people,dc=example,dc=org\n"
        root += "objectClass: organizationalUnit\nou: people\n"
        files = {
            "slapd.conf": _CONFIGURATION.encode(),
            "people.ldif": (root + people).encode(),
            "server.pem": certificate.cert_chain_pems[0].bytes(),
            "server.key": certificate.private_key_pem.bytes(),
            **{name: path.read_bytes() for name, path in _programs(slapd()).items()},
        }
        made = self.engine.client.containers.create(
            self.container("hub").attrs["Config"]["Image"],
            ["-c", _RUN],
            entrypoint="sh",
            name=self.server,
            # With the platform's label it goes when the platform goes, before the network.
            labels={**self.engine.labels, f"{LABEL}.platform": self.project},
            network=self.environment["JHUB_NETWORK"],
            healthcheck={"test": ["NONE"]},
        )
        placed = {f"ldap/{name}": content for name, content in files.items()}
        made.put_archive("/srv", archive(placed, owner=_HUB_UID, mode=0o700))
        made.start()
        self.engine.watch(made)

    def _config(self) -> str:
        return f"""
authenticator = "ldap"
[ldap]
server_address = "{self.server}"
server_port = {PORT}
ca_certs_file = "/srv/jupyterhub/ldap.pem"
bind_dn_template = ["uid={{username}},ou=people,dc=example,dc=org"]
allowed_users = ["ann"]
admin_users = ["bob"]
"""


def slapd(folder: Path = FOLDER / "slapd") -> Path:
    """The root below which slapd is installed or unpacked. Raises ActionError with what to do."""
    if (Path("/") / _SLAPD).is_file():
        return Path("/")
    if not (folder / _SLAPD).is_file():
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise ActionError("slapd is needed and not there; install it (Debian: slapd)")
        with stage("getting slapd from the distribution"):
            _unpack(folder)
    return folder


def _unpack(folder: Path) -> None:
    """Unpack slapd and those of its libraries that the machine lacks; needs no root."""
    packages = folder / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    _run(
        *("apt-get", "install", "-q", "-y", "--download-only", "--no-install-recommends"),
        *("-o", f"Dir::Cache={packages}", "-o", f"Dir::Cache::Archives={packages}"),
        *("-o", "Debug::NoLocking=1", "slapd"),
    )
    for package in sorted(packages.glob("*.deb"), key=lambda deb: deb.name.startswith("slapd_")):
        _run("dpkg-deb", "-x", str(package), str(folder))
    shutil.rmtree(packages)


def _programs(root: Path) -> dict[str, Path]:
    """The server, its modules, schemas and all libraries, by the name they get."""
    modules = [*(root / "usr/lib/ldap").glob("back_mdb*.so*"), root / "usr/lib/ldap/back_mdb.la"]
    schemas = [root / f"etc/ldap/schema/{name}.schema" for name in _SCHEMAS]
    found = {path.name: path for path in (root / _SLAPD, *modules, *schemas) if path.is_file()}
    return {**_libraries(root), **found}


def _libraries(root: Path) -> dict[str, Path]:
    """The libraries as the loader finds them, and the loader as `ld.so`."""
    folders = [str(path) for path in (root / "usr/lib").glob("*-linux-gnu*")]
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(folders) if root != Path("/") else ""}
    programs = [root / _SLAPD, *(root / "usr/lib/ldap").glob("back_mdb*.so")]
    lines = _run("ldd", *map(str, programs), environment=environment).splitlines()
    return dict(_libraries_of(lines))


def _libraries_of(lines: list[str]) -> Iterator[tuple[str, Path]]:
    """From ldd(1): `name => path (address)`, and the loader as `path (address)`."""
    for line in lines:
        name, arrow, path = line.strip().partition(" => ")
        if arrow and path.startswith("/"):
            yield name, Path(path.rpartition(" (")[0])
        elif name.startswith("/") and "/ld-" in name:
            yield "ld.so", Path(name.rpartition(" (")[0])


def _run(*command: str, environment: dict[str, str] | None = None) -> str:
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise ActionError(f"{command[0]} could not get slapd:\n{result.stderr.strip()[-800:]}")
    return result.stdout
