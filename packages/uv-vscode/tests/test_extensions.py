"""The image's extensions: where they come from, that a home cannot hide them, what is reported.

Everything here runs without a network, so no gallery is asked. What VS Code does in a browser is
not the subject.
"""

import importlib.util
import json
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from docker.errors import ContainerError

from jhub_docker.build import warned
from jhub_docker.catalog import Catalog
from jhub_testing.singleuser import HOME
from jhub_testing.subject import Subject

PACKAGE = Path(__file__).parents[1]
WARN = PACKAGE.parent / "build-tools/warn"
DOCKERFILE = """\
FROM {image}
USER root
COPY . /tmp/context
RUN python3.11 /tmp/context/install_extensions.py --list /tmp/context/extensions.txt \\
    --vsix-folder /tmp/context/extensions
USER nebula
"""


def write_vsix(file: Path, name: str, version: str = "1.2.3") -> None:
    """Make the smallest extension that VS Code accepts, of the publisher `jhub-test`."""
    manifest = {
        "name": name,
        "publisher": "jhub-test",
        "version": version,
        "engines": {"vscode": "^1.80.0"},
        "contributes": {"commands": [{"command": f"{name}.hello", "title": "Hello"}]},
    }
    identity = f'<Identity Language="en-US" Id="{name}" Version="{version}" Publisher="jhub-test"/>'
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("extension/package.json", json.dumps(manifest))
        archive.writestr(
            "extension.vsixmanifest",
            '<PackageManifest Version="2.0.0" '
            'xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">'
            f"<Metadata>{identity}</Metadata><Assets/></PackageManifest>",
        )


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A build context with the image's own install script, an empty list and no .vsix file."""
    tmp_path.chmod(0o755)
    shutil.copy(PACKAGE / "install_extensions.py", tmp_path)
    (tmp_path / "extensions.txt").touch()
    (tmp_path / "extensions").mkdir()
    return tmp_path


@pytest.fixture
def image(subject: Subject, context: Path) -> Iterator[str]:
    """An image made from the one under test, with an extension made on the spot."""
    write_vsix(context / "extensions" / "sample.vsix", "sample")
    (context / "Dockerfile").write_text(DOCKERFILE.format(image=subject.reference))
    built, _ = subject.engine.client.images.build(
        path=str(context), labels=subject.engine.labels, network_mode="none", rm=True, forcerm=True
    )
    assert built.id
    yield built.id
    subject.engine.client.images.remove(built.id, force=True)


def install(subject: Subject, context: Path) -> str:
    """Run the install script on the image under test and return the report it leaves."""
    script = (
        "python3.11 /context/install_extensions.py --list /context/extensions.txt"
        " --vsix-folder /context/extensions && image-extensions"
        f" && {{ cat {warned.FILE} || true; }}"
    )
    return subject.engine.run(
        subject.reference,
        ["sh", "-c", script],
        user="root",
        network_mode="none",
        volumes={
            str(context): {"bind": "/context", "mode": "ro"},
            str(WARN): {"bind": "/run/build-tools/warn", "mode": "ro"},
        },
    )


def test_extension_is_listed_with_an_empty_home_volume(subject: Subject, image: str) -> None:
    home = {subject.engine.volume("empty"): {"bind": HOME, "mode": "rw,nocopy"}}
    own = ["chown", "1000:100", HOME]
    subject.engine.run(image, own, user="root", network_mode="none", volumes=home)
    script = "image-extensions; code-server --locate-extension jhub-test.sample"
    output = subject.engine.run(image, ["sh", "-c", script], network_mode="none", volumes=home)
    listed = output.splitlines()
    assert "installed jhub-test.sample 1.2.3 (from sample.vsix)" in listed
    assert listed[-1] == "/opt/code-server/lib/vscode/extensions/jhub-test.sample-1.2.3"


def test_own_extensions_go_to_the_home_and_hide_none(
    subject: Subject, image: str, context: Path
) -> None:
    write_vsix(context / "own.vsix", "own")
    script = (
        "code-server --install-extension /context/own.vsix >/dev/null"
        " && code-server --list-extensions --show-versions"
        " && code-server --locate-extension jhub-test.sample"
    )
    mounts = {str(context): {"bind": "/context", "mode": "ro"}}
    output = subject.engine.run(image, ["sh", "-c", script], network_mode="none", volumes=mounts)
    lines = output.splitlines()
    assert "jhub-test.own@1.2.3" in lines
    assert "/opt/code-server/lib/vscode/extensions/jhub-test.sample-1.2.3" in lines


def test_extensions_belong_to_root(subject: Subject, image: str) -> None:
    folder = "/opt/code-server/lib/vscode/extensions"
    command = ["find", folder, "!", "-user", "root", "-o", "-perm", "/o+w", "!", "-type", "l"]
    assert subject.engine.run(image, command, network_mode="none") == ""


def test_vsix_file_stands_in_for_the_gallery(subject: Subject, context: Path) -> None:
    write_vsix(context / "extensions" / "any-name.vsix", "listed")
    (context / "extensions.txt").write_text("jhub-test.Listed@1.2.3 required\n")
    assert "installed jhub-test.listed 1.2.3 (from any-name.vsix)" in install(subject, context)


def test_missing_optional_extension_is_reported(subject: Subject, context: Path) -> None:
    (context / "extensions.txt").write_text("jhub-test.absent@1.0.0 optional\n")
    said = install(subject, context)
    assert "\nmissing   jhub-test.absent@1.0.0: " in said
    told = "\nNOT INSTALLED: extensions that VS Code would have: jhub-test.absent@1.0.0 ("
    assert told in said, "the build and the form read it"


def test_what_the_image_lacks_is_counted_for_a_tag(subject: Subject, catalog: Catalog) -> None:
    image = subject.image["Id"]
    count = subject.engine.run(image, list(catalog["uv-vscode"].tags["missing-extensions"]))
    listed = subject.engine.run(image, ["image-extensions"]).splitlines()
    missing = len([line for line in listed if line.startswith("missing")])
    assert int(count) == missing
    told = subject.config["Labels"].get(warned.WARNINGS, "")
    assert sum(line.split()[1].rstrip(":") in told for line in listed) == missing, told


def test_missing_required_extension_fails_the_build(subject: Subject, context: Path) -> None:
    (context / "extensions.txt").write_text("jhub-test.absent required\n")
    with pytest.raises(ContainerError, match=r"required in extensions\.txt.*jhub-test.absent"):
        install(subject, context)


def test_file_that_is_no_extension_fails_the_build(subject: Subject, context: Path) -> None:
    (context / "extensions" / "broken.vsix").write_bytes(b"not a zip archive")
    with pytest.raises(ContainerError, match=r"broken\.vsix is not a VS Code extension"):
        install(subject, context)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The install script as a module."""
    spec = importlib.util.spec_from_file_location(
        "install_extensions", PACKAGE / "install_extensions.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # where dataclasses look annotations up
    spec.loader.exec_module(module)
    return module


def test_committed_list_is_readable_and_pinned(script: ModuleType) -> None:
    wanted = script.parse_list((PACKAGE / "extensions.txt").read_text())
    assert [item.id for item in wanted if item.version is None] == []
    assert "ms-python.python" in {item.id for item in wanted}


@pytest.mark.parametrize("line", ["ms-python.python", "python required", "a.b@1 perhaps", "a.b @1"])
def test_bad_line_is_named(script: ModuleType, line: str) -> None:
    with pytest.raises(script.ExtensionError, match=r"extensions\.txt, line 2"):
        script.parse_list(f"# comment\n{line}\n")
