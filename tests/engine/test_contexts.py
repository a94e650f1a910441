"""Build contexts against BuildKit itself: what it sends, and what checkouts become in an image."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from jhub_docker.build import bake, contexts, plan
from jhub_docker.build.contexts import Context
from jhub_docker.build.plan import Base, Plan
from jhub_docker.catalog import load
from jhub_docker.engine import builder_name, docker
from jhub_testing.dockerignores import CASES, PATHS
from jhub_testing.little_checkouts import Checkout
from jhub_testing.resources import Engine

Files = dict[str, tuple[int, int, bytes]]
"""What is in an image by path: mode, time in seconds, and content.

The time of a folder is left out: BuildKit has its own where it has the folder already.
"""

COPIED = "FROM scratch\nCOPY . /\n"


def unpacked(archive: bytes) -> Files:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            content = file.read() if file else member.linkname.encode()
            time = 0 if member.isdir() else int(member.mtime)
            found[member.name] = (member.mode, time, content)
    return found


def built(folder: Path, *options: str) -> Files:
    """The files of an image that a folder's Dockerfile makes, without loading it anywhere."""
    command = ("buildx", "build", "--builder", builder_name(), "--quiet")
    made = docker(*command, "--output", "type=tar,dest=-", *options, str(folder))
    assert made.code == 0, made.err
    return unpacked(made.raw)


@pytest.mark.parametrize(("text", "kept"), CASES.values(), ids=CASES)
def test_buildkit_reads_dockerignore_as_we_do(text: str, kept: set[str], tmp_path: Path) -> None:
    for path in PATHS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    (tmp_path / ".dockerignore").write_bytes(text.encode())
    (tmp_path / "Dockerfile").write_text(COPIED)
    files = {path for path, (_, _, content) in built(tmp_path).items() if content}
    assert files - {"Dockerfile", ".dockerignore"} == kept


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A package whose image has all that is in it, and a `.dockerignore` that is not simple."""
    made = Checkout.make(tmp_path / "checkout")
    one = made.package("one", version="1.0.0")
    (one / "Dockerfile").write_text(COPIED)
    (one / ".dockerignore").write_text("*\n!rootfs/**\n**/notes\n!**/*.py\n")
    for path, text in {
        "rootfs/usr/bin/start": "#!/bin/sh\necho x\n",
        "rootfs/notes": "n\n",
        "tests/test_one.py": "pass\n",
    }.items():
        (one / path).parent.mkdir(parents=True, exist_ok=True)
        (one / path).write_text(text)
    (one / "rootfs/usr/bin/start").chmod(0o755)
    (one / "rootfs/usr/bin/link").symlink_to("start")
    shutil.copy(Path(__file__).parents[2] / ".gitignore", made.root / ".gitignore")
    (made.root / ".gitattributes").write_text("* text=auto eol=lf\n")
    made.commit("All")
    return made


def planned(root: Path) -> Plan:
    catalog = load(root / "packages")
    found: dict[str, Context] = contexts.read(catalog.published)
    bases = {"debian": Base("debian:x", "sha256:1")}
    return plan.make(catalog, catalog.published, contexts=found, bases=bases, existing={})


def image(made: Plan, root: Path) -> Files:
    """What BuildKit makes of the plan's context."""
    with contexts.laid_out(root, {"one": made["one"].files}) as folders:
        return built(folders["one"])


def clone(place: Path, name: str, *options: str, umask: int = 0o022) -> Path:
    command = ["git", *options, "clone", "-q", "checkout", name]
    subprocess.run(command, cwd=place, check=True, umask=umask)
    return place / name


def test_all_checkouts_have_one_id_and_become_one_image(checkout: Checkout, tmp_path: Path) -> None:
    private = clone(tmp_path, "private", umask=0o077)
    windows = clone(tmp_path, "windows", "-c", "core.autocrlf=true")
    for file in (windows / "packages/one").rglob("*"):  # as before there was a .gitattributes
        if file.is_file() and not file.is_symlink():
            file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    lived_in = clone(tmp_path, "lived-in")
    for name in (".start.swp", ".DS_Store", "__pycache__/m.cpython-311.pyc", "start~"):
        stray = lived_in / "packages/one/rootfs/usr/bin" / name
        stray.parent.mkdir(exist_ok=True)
        stray.write_text("stray")
    made = planned(checkout.root)
    expected = image(made, checkout.root)
    start = expected["rootfs/usr/bin/start"]
    assert (start[0], start[2]) == (0o755, b"#!/bin/sh\necho x\n")
    assert expected["rootfs/usr/bin/link"][2] == b"start"
    assert expected["rootfs/usr"][0] == 0o755
    assert {path for path in expected if path.endswith(".py")} == {"tests/test_one.py"}
    assert "rootfs/notes" not in expected
    for root in (private, windows, lived_in):
        other = planned(root)
        assert other["one"].build_id == made["one"].build_id, root.name
        assert image(other, root) == expected, root.name


def test_a_change_of_the_same_size_reaches_buildkit(checkout: Checkout) -> None:
    before = planned(checkout.root)
    first = image(before, checkout.root)
    start = checkout.root / "packages/one/rootfs/usr/bin/start"
    start.write_text("#!/bin/sh\necho y\n")
    after = planned(checkout.root)
    second = image(after, checkout.root)
    assert before["one"].build_id != after["one"].build_id
    assert second["rootfs/usr/bin/start"][2] == b"#!/bin/sh\necho y\n"
    assert {p for p in first if first[p] != second[p]} == {"rootfs/usr/bin/start"}


TEXTS = ("a ${b} %{ if c } $${d} 100%", "back\\slash \\n \\${x}", "two\nlines\t'\"", "~} ${")


def test_any_declared_text_comes_through_bake_as_it_was_written(
    checkout: Checkout, engine: Engine, tmp_path: Path
) -> None:
    made = planned(checkout.root)
    labels = {f"text-{number}": text for number, text in enumerate(TEXTS)}
    reference = f"{engine.name('labels')}:latest"
    with contexts.laid_out(checkout.root, {"one": made["one"].files}) as folders:
        baked = bake.definition(
            made.steps, folders=folders, labels=labels, environment={}, ca_bundle=None
        )
        baked["target"]["one"] |= {"contexts": {}, "tags": [reference]}  # it stands on nothing
        with (tmp_path / "log").open("w") as log:
            outcome = bake.run(
                baked,
                show=lambda text: None,
                log=log,
            )
    assert outcome.succeeded, outcome.errors or outcome.message
    try:
        kept = engine.client.images.get(reference).labels
    finally:
        engine.client.images.remove(reference)
    assert {name: kept[name] for name in labels} == labels
