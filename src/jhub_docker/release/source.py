"""The files of a package that a release changes, as text: its version in three places. Pure."""

import re
import tomllib

from jhub_docker.catalog.version import Version
from jhub_docker.errors import UsageError
from jhub_docker.locks import uv_lock

_PROJECT = re.compile(r'^(\[project\]\n(?:(?!\[).*\n)*?version *= *")[^"]*(")', re.MULTILINE)


def with_version(pyproject: str, version: Version) -> str:
    """A pyproject.toml whose project has this version."""
    changed = _PROJECT.sub(rf"\g<1>{version}\g<2>", pyproject, count=1)
    if tomllib.loads(changed).get("project", {}).get("version") != str(version):
        raise UsageError('pyproject.toml has no line version = "…" under [project]')
    return changed


def with_locked_version(lock: str, version: Version) -> str:
    """A uv.lock in which the project itself, the package from no index, has this version."""
    project = uv_lock.parse(lock).project
    if project is None:
        raise UsageError("uv.lock does not name its own project; refresh it with ./dev invoke lock")
    line = re.compile(rf'^(name = "{re.escape(project.name)}"\nversion = ")[^"]*(")', re.MULTILINE)
    changed = line.sub(rf"\g<1>{version}\g<2>", lock, count=1)
    if f'name = "{project.name}"\nversion = "{version}"\n' not in changed:
        raise UsageError(f"uv.lock does not name the version of {project.name}")
    return changed
