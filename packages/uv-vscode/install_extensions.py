"""Install the image's VS Code extensions as built-in ones of code-server, during the build.

From `.vsix` files in a folder, and for what these do not cover from the gallery. Not for people's
own extensions: those are installed from the editor and live in the home. It runs on the bare
Python of the base, so it uses the standard library alone.

Why built-in: code-server has one extensions folder, in the home, which a volume hides; what lies
beside its own extensions is always there, and an update a person installs takes precedence over it.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

BUILTIN = Path("/opt/code-server/lib/vscode/extensions")
REPORT = Path("/opt/code-server/image-extensions.txt")
WARN = "/run/build-tools/warn"
GALLERY_SECONDS = 300
LINE = re.compile(
    r"(?P<id>[\w-]+\.[\w-]+)(?:@(?P<version>[\w.+-]+))?\s+(?P<policy>required|optional)"
)


class ExtensionError(Exception):
    """An extension that cannot be installed; the message says which, why, and what to do."""


@dataclass(frozen=True)
class Wanted:
    """One line of the list. `id` is compared without regard to case, as the gallery does."""

    id: str
    version: str | None
    required: bool

    @property
    def spec(self) -> str:
        """What code-server and people call it: the id, with its version if one is pinned."""
        return f"{self.id}@{self.version}" if self.version else self.id


def parse_list(text: str) -> list[Wanted]:
    """Read the list; a line that is neither empty, a comment nor of the form is an error."""
    wanted = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise ExtensionError(
                f"extensions.txt, line {number}: {line!r} is not of the form "
                "PUBLISHER.NAME[@VERSION] required|optional"
            )
        wanted.append(Wanted(match["id"], match["version"], match["policy"] == "required"))
    return wanted


def unpack_vsix(vsix: Path, builtin: Path) -> tuple[str, str]:
    """Unpack `vsix` below `builtin`; return the extension's id and version.

    A .vsix is a zip archive with the extension under `extension/` (vsce, "Packaging Extensions").
    No gallery is asked, also not for extensions it depends on.
    """
    try:
        with zipfile.ZipFile(vsix) as archive:
            manifest = json.loads(archive.read("extension/package.json"))
            identity, version = f"{manifest['publisher']}.{manifest['name']}", manifest["version"]
            target = builtin / f"{identity.lower()}-{version}"
            for entry in archive.infolist():
                path = PurePosixPath(entry.filename)
                if entry.is_dir() or path.parts[0] != "extension":
                    continue
                if ".." in path.parts:
                    raise ExtensionError(f"{vsix.name}: {entry.filename} leaves its folder")
                file = target.joinpath(*path.parts[1:])
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(archive.read(entry))
                # The upper half of the attributes is the Unix mode, where the packer knew one.
                file.chmod(0o755 if (entry.external_attr >> 16) & 0o100 else 0o644)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ExtensionError(f"{vsix.name} is not a VS Code extension: {error}") from error
    return identity, version


def install_from_gallery(wanted: Wanted, builtin: Path) -> list[tuple[str, str]]:
    """Install `wanted` and what it depends on; return ids and versions of all that came."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["code-server", "--extensions-dir", folder, "--force"]
        command += ["--install-extension", wanted.spec]
        try:
            run = subprocess.run(
                command, capture_output=True, text=True, timeout=GALLERY_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ExtensionError(f"no answer within {GALLERY_SECONDS} s") from error
        manifests = sorted(Path(folder).glob("*/package.json"))
        found = []
        for manifest in manifests:
            data = json.loads(manifest.read_text(encoding="utf-8"))
            found.append((f"{data['publisher']}.{data['name']}", data["version"]))
        if wanted.id.lower() not in {identity.lower() for identity, _ in found}:
            said = [line for line in (run.stdout + run.stderr).splitlines() if line.strip()]
            raise ExtensionError(said[-1] if said else f"code-server ended with {run.returncode}")
        for manifest in manifests:
            shutil.copytree(manifest.parent, builtin / manifest.parent.name, dirs_exist_ok=True)
    return found


def install_all(wanted: list[Wanted], vsix_files: list[Path], builtin: Path) -> list[str]:
    """Install everything; return the lines of the report.

    Raises ExtensionError for a bad .vsix file, and when a required extension cannot be had.
    """
    report: dict[str, str] = {}
    for vsix in vsix_files:
        identity, version = unpack_vsix(vsix, builtin)
        report[identity.lower()] = f"installed {identity} {version} (from {vsix.name})"
    failed = []
    why: dict[str, list[str]] = {}
    for item in wanted:
        if item.id.lower() in report:
            continue
        try:
            for identity, version in install_from_gallery(item, builtin):
                report[identity.lower()] = f"installed {identity} {version} (from the gallery)"
        except ExtensionError as error:
            why.setdefault(str(error), []).append(item.spec)
            report[item.id.lower()] = f"missing   {item.spec}: {error}"
            if item.required:
                failed.append(item.spec)
    for error, specs in why.items():
        lack = f"extensions that VS Code would have: {', '.join(specs)} ({error})"
        subprocess.run([WARN, f"NOT INSTALLED: {lack}"], check=True)
    if failed:
        raise ExtensionError(
            f"required in extensions.txt, but not to be had: {', '.join(failed)}. Let the build "
            "reach the gallery, put their .vsix files into extensions/, or mark them optional"
        )
    return [report[key] for key in sorted(report)]


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--list", type=Path, required=True, help="the file extensions.txt")
    parser.add_argument("--vsix-folder", type=Path, required=True, help="folder of .vsix files")
    arguments = parser.parse_args()
    try:
        wanted = parse_list(arguments.list.read_text(encoding="utf-8"))
        lines = install_all(wanted, sorted(arguments.vsix_folder.glob("*.vsix")), BUILTIN)
    except ExtensionError as error:
        print(f"install_extensions: {error}", file=sys.stderr)
        return 1
    REPORT.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    missing = sum(line.startswith("missing") for line in lines)
    print(f"image extensions: {len(lines) - missing} installed, {missing} missing")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
