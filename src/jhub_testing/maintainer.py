"""A maintainer with a clone of this checkout, who types the commands of CONTRIBUTING.md."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from jhub_docker.release import evidence

_KEPT_OUT = re.compile(r"^(NOX_|PYTEST_|VIRTUAL_ENV|PYTHON|UV_PROJECT_ENVIRONMENT|JHUB_TEST_)")
"""Variables of the session that runs the tests, which a maintainer's shell does not have."""

PASSWORD = "a password for keys that live for one test run"  # noqa: S105 - of no other


@dataclass
class Maintainer:
    """A clone at `root`, commands in it, and the variables they see."""

    root: Path
    variables: Mapping[str, str]

    def invoke(self, *arguments: str, succeeds: bool = True) -> str:
        """What `./dev invoke …` writes, standard error too; its exit code is asserted."""
        code, said = self._run("invoke", *arguments)
        ended = f"./dev invoke {' '.join(arguments)} ended with {code}:\n"
        assert (code == 0) == succeeds, ended + _gist(said)
        return said

    def nox(self, *arguments: str) -> None:
        """Run sessions with `./dev nox …`; they have to pass."""
        code, said = self._run("nox", *arguments)
        assert code == 0, _gist(said)

    def try_to(self, *arguments: str) -> str:
        """What `./dev invoke …` writes, whether it succeeds or not."""
        return self._run("invoke", *arguments)[1]

    def allow(self, found: Iterable[tuple[str, str]]) -> None:
        """Live with known vulnerabilities, by package and name, until the day after tomorrow."""
        until = date.today() + timedelta(days=2)
        entries = "".join(
            f'[[allow]]\nid = "{name}"\npackage = "{package}"\n'
            f'reason = "Only seen by a test."\nexpires = {until.isoformat()}\n'
            for package, name in found
        )
        file = self.root / "audit-allow.toml"
        file.write_text(file.read_text() + entries)
        self.git("commit", "-q", "-a", "-m", "Allow what Debian has mended since the build")

    def _run(self, *arguments: str) -> tuple[int, str]:
        kept = {key: value for key, value in os.environ.items() if not _KEPT_OUT.match(key)}
        result = subprocess.run(
            ["./dev", *arguments],
            cwd=self.root,
            env={**kept, **self.variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return result.returncode, result.stdout

    def git(self, *arguments: str) -> str:
        """What git prints."""
        command = ["git", "-C", str(self.root), *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def prove(self) -> None:
        """Say that the integration tests passed with all images as they are.

        A whole integration run for each release would take longer than all other tests; that
        evidence comes from real sessions alone is tests/engine/test_evidence.py's subject.
        """
        text = self.invoke("release.status", "--json")
        statuses = json.loads(text[text.index("[\n") :])
        evidence.write(self.root, {one["image"]: one["build_id"] for one in statuses})


def _gist(said: str) -> str:
    """What went wrong in a test of its own, which comes before its logs, and the end."""
    wrong = re.findall(r"^(?:E  |>  ).*", said, flags=re.MULTILINE)
    return "\n".join([*wrong[:60], said[-3000:]])


def clone(source: Path, target: Path, variables: Mapping[str, str]) -> Maintainer:
    """Clone a checkout as it is, with what is not committed yet, and what its tools have got.

    The tools and the evidence of the checkout's own test sessions are taken over.
    """
    subprocess.run(["git", "clone", "-q", str(source), str(target)], check=True)
    made = Maintainer(target, variables)
    made.git("switch", "-q", "-C", "main")
    made.git("remote", "remove", "origin")
    made.git("config", "user.name", "A Maintainer")
    made.git("config", "user.email", "maintainer@example.org")
    listed = ["git", "-C", str(source), "ls-files", "-z", "-co", "--exclude-standard"]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    made.git("add", "--all")
    if made.git("status", "--porcelain"):
        made.git("commit", "-q", "-m", "What is not committed yet")
    for kept in ("tools", "evidence"):
        if (source / ".dev" / kept).is_dir():
            shutil.copytree(source / ".dev" / kept, target / ".dev" / kept)
    return made


def without(listing: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """A listing without some of its entries."""
    left_out = set(names)
    return {key: value for key, value in listing.items() if key not in left_out}
