"""The environment of one's own packages: where it is, how it is made, what is in it.

pip sees the image's packages, since they are on its path. uv looks into the environment alone: for
it each package of the image gets an entry there (`*.dist-info`) that says it is installed, without
its files. So neither installs again what the image has, and both can put a newer version on top.
"""

from __future__ import annotations

import fcntl
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

IMAGE = Path("/opt/venv")
"""The image's environment, which only root can change."""

VISIBLE = Path(__file__).with_name("visible")
"""Modules for everybody: `python -m uv`, which `%uv` in a notebook runs, and what pip is told."""

FROM_IMAGE = "image"
"""The INSTALLER of an entry that stands for a package of the image."""

DESCRIBES = ("METADATA", "WHEEL", "entry_points.txt")
SERVER_PROGRAMS = ("jupyter", "pydoc")
"""Programs of the image that stay on the image's Python begin with these."""


@dataclass(frozen=True)
class Image:
    """The image's environment, as its pyvenv.cfg describes it."""

    folder: Path
    name: str
    python: str
    home: str

    @classmethod
    def read(cls, folder: Path = IMAGE) -> Image:
        """Raises OSError where there is none."""
        lines = (folder / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
        said = dict(line.split(" = ", 1) for line in lines if " = " in line)
        python = ".".join(said["version_info"].split(".")[:2])
        return cls(folder, said.get("prompt", "image"), python, said["home"])

    @property
    def packages(self) -> Path:
        """Its site-packages."""
        return self.folder / "lib" / f"python{self.python}" / "site-packages"


@dataclass(frozen=True)
class Own:
    """A person's environment for one image and one version of Python."""

    folder: Path
    image: Image

    @classmethod
    def here(cls, home: Path, image: Image) -> Own:
        """The one that this container uses."""
        return cls(home / ".my-packages" / f"{image.name}-{image.python}", image)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Its site-packages."""
        return self.folder / "lib" / f"python{self.image.python}" / "site-packages"

    @property
    def seen(self) -> Path:
        """Which packages of the image it was made for, or last brought up to."""
        return self.folder / "image-packages"

    @property
    def notice(self) -> Path:
        """What its person should know; not there when there is nothing."""
        return self.folder / "notice"

    @property
    def leads(self) -> Path:
        """What lets its Python see the image's packages."""
        return self.packages / "image.pth"

    def _leads(self) -> str:
        return f"{self.image.packages}\n{VISIBLE}\nimport jhub_pip\n"

    def names(self) -> dict[str, str]:
        """The packages one added: names and versions."""
        return dict(_added(self.packages))

    def from_image(self) -> set[str]:
        """The packages of the image that one has put nothing on top of."""
        image = {_name_of(entry) for entry in self.image.packages.glob("*.dist-info")}
        return image - self.names().keys()

    def is_current(self) -> bool:
        """Whether it is made, for the packages that the image has now, and nothing is missing: who
        removes a newer version that they had added removes the entry of the image's with it.
        """
        try:
            said = self.seen.read_text(encoding="utf-8", errors="replace")
            leads = self.leads.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        if (said, leads) != (_listing(self.image), self._leads()) or not self.python.exists():
            return False
        there = {_name_of(entry) for entry in self.packages.glob("*.dist-info")}
        return all(_name_of(entry) in there for entry in self.image.packages.glob("*.dist-info"))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """For whoever changes it: a kernel may start, and a person type, while the server starts.

        Raises OSError when the home cannot take it.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside it: inside, it would go with what is removed, and two would be alone.
        with self.folder.with_name(f"{self.folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def make(self) -> None:
        """Make it, or bring it up to the image's packages; what one added stays. Raises OSError."""
        with self.alone():
            if not self.is_current():
                self.fill()

    def fill(self) -> None:
        """Make it, for whoever is alone."""
        self.packages.mkdir(parents=True, exist_ok=True)
        programs = self.folder / "bin"
        programs.mkdir(exist_ok=True)
        for name in ("python", "python3", f"python{self.image.python}"):
            _link(Path(self.image.home) / f"python{self.image.python}", programs / name)
        (self.folder / "pyvenv.cfg").write_text(
            f"home = {self.image.home}\ninclude-system-site-packages = false\n"
            f"version = {self.image.python}\nprompt = my-packages\n",
            encoding="utf-8",
        )
        self.leads.write_text(self._leads(), encoding="utf-8")
        self._enter_image_packages()
        self._enter_image_programs()
        self.seen.write_text(_listing(self.image), encoding="utf-8")

    def _enter_image_packages(self) -> None:
        own = set(self.names())
        for entry in self.packages.glob("*.dist-info"):
            if _installer(entry) == FROM_IMAGE:
                shutil.rmtree(entry)
        for source in self.image.packages.glob("*.dist-info"):
            if _name_of(source) in own:
                continue
            entry = self.packages / source.name
            entry.mkdir(exist_ok=True)
            files = [name for name in DESCRIBES if (source / name).is_file()]
            for name in files:
                _link(source / name, entry / name)
            (entry / "INSTALLER").write_text(FROM_IMAGE, encoding="utf-8")
            lines = [f"{entry.name}/{name},,\n" for name in (*files, "INSTALLER", "RECORD")]
            (entry / "RECORD").write_text("".join(lines), encoding="utf-8")

    def _enter_image_programs(self) -> None:
        """Programs of the image that are written in Python see one's own packages too."""
        python = f"#!{self.image.folder}/bin/python".encode()
        for source in (self.image.folder / "bin").iterdir():
            target = self.folder / "bin" / source.name
            if source.is_symlink() or source.name.startswith(SERVER_PROGRAMS) or target.exists():
                continue
            with source.open("rb") as file:
                if file.read(len(python)) != python:
                    continue
            target.write_text(f'#!/bin/sh\nexec "${{0%/*}}/python" {source} "$@"\n', "utf-8")
            target.chmod(0o755)

    def others(self) -> list[Path]:
        """Those of the same image under other versions of Python that have packages in them."""
        version = re.compile(re.escape(self.image.name) + r"-\d+\.\d+")  # not `uv-lab-gpu`'s
        return sorted(
            folder
            for folder in self.folder.parent.glob("*")
            if version.fullmatch(folder.name)
            and folder != self.folder
            and any(_added_below(folder))
        )


def remove(folder: Path) -> bool:
    """Remove an environment, or the link that stands for it; return whether it is gone."""
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def added_in(folder: Path) -> dict[str, str]:
    """The packages one added to an environment of whatever Python."""
    return dict(_added_below(folder))


def _added_below(folder: Path) -> Iterator[tuple[str, str]]:
    for packages in folder.glob("lib/python*/site-packages"):
        yield from _added(packages)


def _added(packages: Path) -> Iterator[tuple[str, str]]:
    for entry in sorted(packages.glob("*.dist-info")):
        if _installer(entry) != FROM_IMAGE:
            name, _, version = entry.name.removesuffix(".dist-info").partition("-")
            yield normal(name), version


def _installer(entry: Path) -> str:
    try:
        return (entry / "INSTALLER").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _name_of(entry: Path) -> str:
    return normal(entry.name.removesuffix(".dist-info").partition("-")[0])


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _listing(image: Image) -> str:
    names = sorted(entry.name for entry in image.packages.glob("*.dist-info"))
    return "".join(f"{name}\n" for name in names)


def _link(target: Path, link: Path) -> None:
    """A link that leads to `target`, whatever was there."""
    if link.is_symlink() or link.exists():
        if link.is_symlink() and link.readlink() == target:
            return
        link.unlink()
    link.symlink_to(target)
