"""The platform's secrets, never their values."""

from jhub_docker.cli.task import later, platform_root, task, write

with later():
    from jhub_docker import secrets


@task(
    name="set",
    help={
        "name": "A setting such as JHUB_PROVIDER_SECRET, a backup's, or a group's: GROUP/NAME.",
        "remove": "Remove it.",
    },
)
def set_(name: str, remove: bool = False) -> None:
    """Keep a secret setting as a file in its volume; its value is asked for or read from stdin."""
    write(secrets.keep(platform_root(), name, remove=remove))


@task(
    help={
        "name": "cookie-secret, crypt-key, proxy-token, metrics-token, all (four), "
        "grafana-password, backup-key or admin-password.",
        "drop": "Forget the older ones, which are still taken.",
    }
)
def rotate(name: str, drop: bool = False, yes: bool = False) -> None:
    """Make one of the platform's own secrets anew; people stay logged in and connected."""
    write(secrets.rotate(platform_root(), name, drop=drop, assume_yes=yes))
