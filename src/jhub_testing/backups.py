"""An operator who backs a platform up, and what the tests look at afterwards."""

from jhub_testing.operator import Operator
from jhub_testing.platforms import Platform

LISTING = (
    "cd /home-volume/{folder} && find . -printf '%p %y %m %U %G %l %n\\n' | sort"
    " && find . -type f -printf '%T@ %s ' -exec sha256sum {{}} + | sort"
)
"""Every file of a volume: name, kind, mode, owner, link, hard links; time, size and content."""


class Backups:
    """The operator of one platform."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.operator = Operator(platform)

    def invoke(self, *arguments: str, **variables: str) -> str:
        """Run a task that has to succeed; what it writes."""
        ended = self.operator.invoke(*arguments, **variables)
        said = f"{ended.stdout}{ended.stderr}"
        assert ended.returncode == 0, f"{arguments} ended with {ended.returncode}:\n{said}"
        return ended.stdout

    def refused(self, *arguments: str, code: int = 2, **variables: str) -> str:
        """Run a task that has to fail with this exit code; its message."""
        ended = self.operator.invoke(*arguments, **variables)
        said = f"{ended.stdout}{ended.stderr}"
        assert ended.returncode == code, f"{arguments} ended with {ended.returncode}:\n{said}"
        assert "Traceback" not in said
        return said

    def home(self, person: str) -> str:
        """The volume of somebody's home."""
        return f"{self.platform.environment['JHUB_USER_VOLUME_PREFIX']}{person}"

    def in_server(self, person: str, command: str) -> str:
        """What a command prints in a person's home, in their server."""
        (server,) = self.platform.servers(person)
        code, output = server.exec_run(["sh", "-c", command], user="nebula", workdir="/home/nebula")
        assert code == 0, output.decode()
        return str(output.decode())

    def in_volume(self, volume: str, command: str) -> str:
        """What a command prints that sees a volume at `/home-volume`, as root."""
        image = f"local/jupyterhub-hub:{self.platform.environment['JHUB_IMAGE_TAG']}"
        return self.platform.engine.run(
            image, ["sh", "-c", command], user="root", volumes={volume: {"bind": "/home-volume"}}
        )

    def files(self, volume: str, folder: str = ".") -> str:
        """Every file of a volume, or of a folder in it, with all that a backup has to keep."""
        return self.in_volume(volume, LISTING.format(folder=folder))
