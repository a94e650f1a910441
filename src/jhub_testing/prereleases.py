"""What the newest pre-releases of the hub's upstreams would break. Pure, without dependencies.

The `prereleases` session installs `requirements`, runs the hub's unit tests and shows `told`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

UPSTREAMS = ("jupyterhub", "dockerspawner", "wrapspawner", "jupyterhub-nativeauthenticator")
"""The packages whose private names the hub relies on."""

LOCKED_ONLY = "the_names_were_read"
"""How the names of tests go on that are about the locked versions, so they are left out."""

_NAMES = "test_upstream"
"""The files whose tests have a private name each."""

VERSIONS = f"from importlib.metadata import version; print(*map(version, {UPSTREAMS}))"
"""Run in the session's environment: the versions of the upstreams, in order."""


def requirements(pyproject: Path) -> list[str]:
    """The package's dependencies and those of its tests; of the upstreams anything from the locked
    version on, pre-releases included.
    """
    declared = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    wanted = [*declared["project"]["dependencies"], *declared["dependency-groups"]["test"]]
    # A bound that is a pre-release itself asks for pre-releases of this one package (uv's
    # documentation, Resolution, Pre-release handling).
    return [
        re.sub(r"==(.*)", r">=\1a0", one) if re.split(r"[=<>~!]", one)[0] in UPSTREAMS else one
        for one in wanted
    ]


@dataclass(frozen=True)
class Failure:
    """A test that failed: its file and name, and the first line of what it said."""

    file: str
    name: str
    said: str

    @property
    def is_a_name(self) -> bool:
        """Whether it says that a private name is gone."""
        return self.file == _NAMES

    def __str__(self) -> str:
        return f"{self.file} {self.name}: {self.said}"


def parts(tests: Path) -> dict[str, list[str]]:
    """What pytest is told for each part: the private names alone, for which hardly anything of the
    hub is imported, then everything else below `tests`.
    """
    names = [str(path) for path in sorted(tests.rglob(f"{_NAMES}.py"))]
    return {
        "names": [*names, "--noconftest", f"-k=not {LOCKED_ONLY}"],
        "tests": [
            str(tests),
            "--continue-on-collection-errors",
            *(f"--ignore={one}" for one in names),
        ],
    }


def failures(result: Path) -> Iterator[Failure]:
    """The failed tests of a JUnit report, and files that could not be collected."""
    if not result.exists():
        yield Failure("conftest", "", "nothing could be collected; pytest says above why")
        return
    for case in ElementTree.parse(result).iter("testcase"):  # noqa: S314 - pytest wrote it
        for outcome in (*case.findall("failure"), *case.findall("error")):
            said = (outcome.get("message") or "").strip().splitlines()
            # A file that cannot be imported has no class: its name is the module's.
            module = case.get("classname") or case.get("name") or ""
            name = case.get("name") or ""
            yield Failure(module.rpartition(".")[2], name, said[0] if said else "")


def told(pinned: Mapping[str, str], found: Mapping[str, str], failed: list[Failure]) -> str:
    """The report: which versions were tried, which names are gone, which tests fail."""
    lines = [
        f"{name} {version}" + ("" if version == pinned[name] else f", locked {pinned[name]}")
        for name, version in found.items()
    ]
    if found == pinned:
        lines.append("Nothing newer than what is locked.")
    gone = [one for one in failed if one.is_a_name]
    others = [one for one in failed if not one.is_a_name]
    for title, some in (("Private names that are gone", gone), ("Tests that fail", others)):
        lines += ["", f"{title}: {len(some)}", *(f"  {one}" for one in some)]
    return "\n".join(lines)


def pinned(lock: Path) -> dict[str, str]:
    """The versions of the upstreams in a `uv.lock`."""
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    return {one["name"]: one["version"] for one in packages if one["name"] in UPSTREAMS}
