"""Makes the secrets at first start and finds them again later. Nothing is ever printed or logged.

They are files of the hub's user alone (0600 in a 0700 folder) in the data volume. The proxy's token
has a volume of its own, so that the proxy's container sees no other secret, and so has what
Prometheus reads.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

DATA = Path("/srv/jupyterhub")
PROXY = Path("/srv/proxy")
METRICS = Path("/srv/metrics")
DESK = Path("/srv/desk")

GROUP_MAY_READ = 0o640
"""Prometheus and Grafana are somebody else, in the hub's group."""

DATABASE_FILE = "jupyterhub.sqlite"

Records = Path | str
"""Where the records are: the SQLite file, or PostgreSQL's URL."""


def address(database: Records) -> str:
    """As SQLAlchemy is told of it."""
    return database if isinstance(database, str) else f"sqlite:///{database}"


class _Below:
    """A path below one of the folders of `Places`."""

    def __init__(self, folder: str, path: str) -> None:
        self.folder, self.path = folder, path

    def __get__(self, places: "Places", _kind: type) -> Path:
        return Path(getattr(places, self.folder), self.path)


@dataclass(frozen=True)
class Places:
    """Where the hub keeps its state."""

    data: Path = DATA
    proxy: Path = PROXY
    metrics: Path = METRICS
    desk: Path = DESK
    db_url: str = ""

    secrets = _Below("data", "secrets")
    """The folder of the hub's own secrets."""
    group_secrets = _Below("data", "group-secrets")
    """The folder of groups' secrets; `groups` says what is in it."""
    cookie_secret = _Below("data", "secrets/cookie_secret")
    """Signs login cookies; 64 hexadecimal digits, as JupyterHub reads it."""
    crypt_key = _Below("data", "secrets/crypt_key")
    """Encrypts auth state in the database; 64 hexadecimal digits."""
    settings = _Below("data", "secrets/settings")
    """Settings that are secrets, a file each; `settings.kept` reads them."""
    admin_password = _Below("data", "secrets/admin_password")
    """The first admin's one-time password; the file is gone once it was changed."""
    proxy_token = _Below("proxy", "token")
    """With it the hub may change the proxy's routes."""
    metrics_token = _Below("metrics", "token")
    """With it Prometheus may read metrics, and nothing else."""
    grafana_password = _Below("metrics", "grafana-password")
    """What Grafana's user `admin` begins with."""
    backup_status = _Below("metrics", "backup/status.json")
    """How the last backup and drill went, as the service that makes them wrote it down."""
    branding = _Below("data", "branding")
    """What the hub serves as `static/branding/`: a link in the image leads here."""
    config_d = _Below("data", "config.d")
    """The operator's own Python, loaded after all settings."""
    report = _Below("data", "report.json")
    """What the hub found when it compared what runs with its database last."""
    audit = _Below("data", "audit")
    """The folder of the audit log."""
    published = _Below("data", "published")
    """Notebooks that people show to all others."""
    mark = _Below("proxy", "mark")
    """What tells that the database is an older copy; `reconcile.backwards` says how."""
    sizes = Path("/run/homes/sizes.json")
    """How large homes are, as the container `homes` measured them."""

    @property
    def records(self) -> Records:
        """The hub's database: PostgreSQL where there is a URL of one."""
        return self.db_url or self.data / DATABASE_FILE

    @property
    def database(self) -> str:
        """URL of the hub's database."""
        return address(self.records)


def make_secrets(places: Places) -> None:
    """Make the secrets that are missing; those that exist stay as they are."""
    places.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    places.secrets.chmod(0o700)
    for path in (places.cookie_secret, places.crypt_key, places.proxy_token):
        if not path.exists():
            write_secret(path, secrets.token_hex(32))
    places.metrics.mkdir(mode=0o750, parents=True, exist_ok=True)
    if not places.metrics_token.exists():
        write_secret(places.metrics_token, secrets.token_hex(32), GROUP_MAY_READ)


MOUNTED_SECRETS = Path("/run/secrets/jhub-docker")
"""Where Kubernetes mounts the chart's Secret, a file each, called as the hub's own are."""


def take_over(mounted: Path, places: Places) -> None:
    """Use the secrets that were mounted, which the proxy's pod has as well. One that was in use
    before is taken until it is dropped, as after a rotation.
    """
    names = {
        "cookie_secret": places.cookie_secret,
        "crypt_key": places.crypt_key,
        "proxy_token": places.proxy_token,
    }
    for name, path in names.items():
        if not (mounted / name).exists():
            continue
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        value = read_secret(mounted / name)
        if path.exists() and read_secret(path) != value:
            write_secret(older(path), "\n".join(read_all(path)))
        write_secret(path, value)


def write_secret(path: Path, value: str, mode: int = 0o600) -> None:
    """Write a file only its owner, or by `mode` its group, can read; whole once it has its name."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    os.fchmod(descriptor, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(value)
        file.flush()
        os.fsync(descriptor)
    unfinished.replace(path)
    # Its name, too: of two secrets that follow each other the first is needed for the second.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_secret(path: Path) -> str:
    """The secret in `path`, without white space around it."""
    return path.read_text(encoding="ascii").strip()


def older(path: Path) -> Path:
    """The file with the secrets that were in use before the one in `path`, a line each."""
    return path.with_name(f"{path.name}.older")


def read_all(path: Path) -> list[str]:
    """The secret in `path`, which is used, then the older ones, which are still taken."""
    lines = older(path).read_text(encoding="ascii").split() if older(path).exists() else []
    return list(dict.fromkeys([read_secret(path), *lines]))
