"""A marimo notebook that lies in a uv project runs on the project's environment.

marimo itself knows how, for notebooks that name an environment (`[tool.marimo.venv]`). Where the
project has no marimo it would put all of the image before the project's packages; here comes what
marimo needs behind them, and nothing else of the image.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

from jhub_packages.environment import FROM_IMAGE

KERNEL = ("marimo", "msgspec", "pyzmq")
"""What a kernel imports, by marimo's own account (`_session/_venv.py`)."""

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def environment_of(notebook: str | None, home: Path) -> Path | None:
    """The `.venv` of the nearest project above a notebook, if a kernel can run on it.

    Only in one's own home: to open a notebook in a folder of others must not run their programs.
    """
    if not notebook:
        return None
    above = list(Path(notebook).resolve().parents)
    home = home.resolve()
    if home not in above:
        return None
    for folder in above[: above.index(home) + 1]:
        if (folder / "pyproject.toml").is_file():
            environment = folder / ".venv"
            return environment if _serves(environment) else None
    return None


def _serves(environment: Path) -> bool:
    """Of marimo's Python, or with a marimo of its own."""
    own = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    libraries = [path.name for path in environment.glob("lib/python3.*")]
    has_marimo = any(environment.glob("lib/python3.*/site-packages/marimo/__init__.py"))
    return (environment / "bin/python").exists() and (own in libraries or has_marimo)


def needed(names: tuple[str, ...]) -> dict[str, Distribution]:
    """The distributions of these names and what they require, as far as they are installed."""
    found: dict[str, Distribution] = {}
    queue = list(names)
    while queue:
        name = queue.pop().lower()
        one = next(filter(_has_files, Distribution.discover(name=name)), None)
        if name in found or one is None:
            continue
        found[name] = one
        asked = (line for line in one.requires or () if "extra ==" not in line)
        queue += [match[0] for line in asked if (match := _NAME.match(line))]
    return found


def _has_files(one: Distribution) -> bool:
    """One's own environment has an entry for each package of the image, and nothing else of it."""
    return (one.read_text("INSTALLER") or "").strip() != FROM_IMAGE


def _files(one: Distribution) -> Iterator[Path]:
    """What it has in the folder of packages, by first names."""
    for top in {file.parts[0] for file in one.files or ()} - {"..", "__pycache__"}:
        yield Path(str(one.locate_file(top)))


def behind() -> str:
    """A folder for PYTHONPATH that lays what a kernel needs behind the project's own packages."""
    folder = Path(tempfile.mkdtemp(prefix="marimo-for-projects-"))
    packages = folder / "packages"
    packages.mkdir()
    for one in needed(KERNEL).values():
        for path in _files(one):
            if not (packages / path.name).exists():
                (packages / path.name).symlink_to(path)
    (folder / "sitecustomize.py").write_text(f"import sys; sys.path.append({str(packages)!r})\n")
    return str(folder)


def follow() -> None:
    """Have marimo do so from now on."""
    from marimo._config.manager import ScriptConfigReader  # noqa: PLC0415 - marimo's process
    from marimo._session.managers import ipc  # noqa: PLC0415

    read, construct = ScriptConfigReader.read, ipc.construct_kernel_env
    made: list[str] = []

    def with_project(self: Any) -> Any:
        found = read(self)
        environment = environment_of(self.filename, Path.home())
        return found if environment is None else {"venv": {"path": str(environment)}, **found}

    def with_path(base_env: dict[str, str], venv_python: str, **how: Any) -> Any:
        environment = Path(venv_python).parent.parent
        path = f"{environment / 'bin'}:{base_env.get('PATH', os.defpath)}"
        base = {**base_env, "PATH": path, "VIRTUAL_ENV": str(environment)}
        return construct(base, venv_python, **how)

    def laid_behind() -> str:
        if not made:
            made.append(behind())
        return made[0]

    ScriptConfigReader.read = with_project
    ipc.construct_kernel_env = with_path
    ipc.get_kernel_pythonpath = laid_behind
