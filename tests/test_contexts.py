"""Build contexts: one content, one id, whatever checkout it is seen in, and laid out as hashed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jhub_docker import process
from jhub_docker.build import contexts
from jhub_docker.build.contexts import Context
from jhub_docker.catalog import ImageSpec
from jhub_docker.errors import ActionError, UsageError
from jhub_testing.little_checkouts import Checkout

Tree = dict[str, tuple[str, bytes]]
"""Files by path: `-`, `x` for one that is executable, or `l` for a link, and what is in them."""

NAMES = st.sampled_from(["a", "b.py", "c d", ".e", "f\u00e9", "g\nh", "deep", "with-ca"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
CONTENTS = st.sampled_from(
    [b"", b"one\n", b"two\n", b"one\r\n", b"#!/bin/sh\r\nx\n", b"\0\r\n", b"a\rb\r\n", b"\xff\xfe"]
)
LINKS = st.sampled_from([b"a", b"/opt/x", b"deep/a"])
FILES = st.one_of(st.tuples(st.sampled_from("-x"), CONTENTS), st.tuples(st.just("l"), LINKS))


def _apart(tree: Tree) -> bool:
    """Whether no path is a file here and a folder there."""
    return not any(other.startswith(f"{path}/") for path in tree for other in tree)


TREES = st.dictionaries(PATHS, FILES, max_size=5).filter(_apart)
quietly = settings(
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine draws slowly
)


@contextmanager
def folder(below: Path | None = None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=below) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for many trees: without one, each answer of git's takes an empty one made first."""
    return Checkout.make(tmp_path_factory.mktemp("trees") / "repository").root


@contextmanager
def mask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def write(packages: Path, tree: Tree, *, umask: int = 0o022, time: int = 10**9) -> ImageSpec:
    """Write a package `one` of these files."""
    with mask(umask):
        for path, (kind, content) in {"Dockerfile": ("-", b"FROM base\n"), **tree}.items():
            file = packages / "one" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if kind == "l":
                file.symlink_to(os.fsdecode(content))
            else:
                file.write_bytes(content)
                file.chmod((0o777 if kind == "x" else 0o666) & ~umask)
            os.utime(file, (time, time), follow_symlinks=False)
    return spec(packages)


def spec(packages: Path) -> ImageSpec:
    return ImageSpec(name="one", folder=packages / "one", base="debian")


def read(of: ImageSpec) -> Context:
    return contexts.read([of])["one"]


def laid_out(context: Context) -> dict[str, tuple[int, int, bytes]]:
    """Everything that BuildKit looks at: mode, time and content of files, folders and links."""
    found = {}
    with folder() as root, contexts.laid_out(root, {"one": context}) as places:
        for path in sorted(places["one"].rglob("*")):
            status = path.lstat()
            content = b""
            if path.is_symlink():
                content = os.fsencode(path.readlink())
            elif path.is_file():
                content = path.read_bytes()
            name = path.relative_to(places["one"]).as_posix()
            found[name] = (status.st_mode, status.st_mtime_ns, content)
    return found


@given(TREES, TREES, st.booleans())
@quietly
def test_the_id_is_equal_exactly_when_what_buildkit_gets_is(
    repository: Path, one: Tree, other: Tree, alike: bool
) -> None:
    if alike:  # but for one file, at most
        other = {**one, **dict(list(other.items())[:1])}
        other = other if _apart(other) else one
    with folder(repository) as first, folder(repository) as second:
        a, b = read(write(first, one)), read(write(second, other, umask=0o077, time=5))
        assert (a.hashes == b.hashes) == (laid_out(a) == laid_out(b))


@given(TREES, st.sampled_from([0o000, 0o022, 0o027, 0o077]), st.integers(0, 2**31))
@quietly
def test_umask_and_times_are_not_content(
    repository: Path, tree: Tree, umask: int, time: int
) -> None:
    with folder(repository) as first, folder(repository) as second:
        one, other = read(write(first, tree)), read(write(second, tree, umask=umask, time=time))
        assert one.hashes == other.hashes
        assert laid_out(one) == laid_out(other)
        assert {oct(mode)[-3:] for mode, _, _ in laid_out(other).values()} <= {"644", "755", "777"}


@given(TREES)
@settings(quietly, max_examples=12)
def test_clones_worktrees_and_archives_are_one_context(tree: Tree) -> None:
    with folder() as place:
        checkout = Checkout.make(place / "origin")
        (checkout.root / ".gitattributes").write_text("* text=auto eol=lf\n")
        here = read(write(checkout.root / "packages", tree))
        checkout.commit("All")
        checkout.git("worktree", "add", "-q", str(place / "worktree"))
        with mask(0o077):
            git(place, "clone", "-q", "origin", "private")
        git(place, "-c", "core.autocrlf=true", "clone", "-q", "origin", "windows")
        git(place / "origin", "archive", "--output=../all.tar", "HEAD")
        shutil.unpack_archive(place / "all.tar", place / "bare", filter="tar")
        copy = shutil.copytree(place / "origin", place / "foreign", symlinks=True)
        if os.geteuid() == 0:
            for file in (copy, *copy.rglob("*")):
                os.chown(file, 12345, 12345, follow_symlinks=False)
        for name in ("origin", "worktree", "private", "windows", "bare", "foreign"):
            found = read(spec(place / name / "packages"))
            assert found.hashes == here.hashes, name


def git(place: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(place), *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A package under git with a script, without attributes."""
    made = Checkout.make(tmp_path / "checkout")
    write(made.root / "packages", {"start": ("x", b"#!/bin/sh\n"), "old": ("-", b"x")})
    made.commit("All")
    return made


def of(checkout: Checkout) -> Context:
    return read(spec(checkout.root / "packages"))


def test_a_checkout_that_has_crlf_already_is_the_same_context(checkout: Checkout) -> None:
    before = of(checkout)
    for name in ("start", "Dockerfile"):
        file = checkout.root / "packages/one" / name
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert of(checkout).hashes == before.hashes
    assert laid_out(of(checkout))["start"][2] == b"#!/bin/sh\n"


@pytest.mark.parametrize("place", [".", "packages/one"])
def test_what_git_leaves_alone_keeps_its_crlf(checkout: Checkout, place: str) -> None:
    (checkout.root / place / ".gitattributes").write_text("*.csv -text\nb.csv text\n")
    for name in ("a.csv", "b.csv"):
        (checkout.root / "packages/one" / name).write_bytes(b"1,2\r\n")
    found = of(checkout)
    assert laid_out(found)["a.csv"][2] == b"1,2\r\n"
    assert laid_out(found)["b.csv"][2] == b"1,2\n"
    shutil.rmtree(checkout.root / ".git")
    assert of(checkout).hashes == found.hashes, "nor without git"


def test_attributes_are_read_as_git_reads_them_and_no_persons_own(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attributes = "[attr]raw -text\n/packages/one/data/** raw\n/packages/one/data/t/* !text\n"
    one = checkout.root / "packages/one"
    (checkout.root / ".gitattributes").write_text(attributes)
    (one / "data/t").mkdir(parents=True)
    (one / "in").mkdir()
    (one / "in/.gitattributes").write_text("kept eol=crlf\n")
    for name in ("data/kept", "data/t/text", "in/kept", "text"):
        (one / name).write_bytes(b"1\r\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "git").mkdir()
    (tmp_path / "git/attributes").write_text("text -text\n")
    found = {path: content for path, (_, _, content) in laid_out(of(checkout)).items()}
    assert found["data/kept"] == found["in/kept"] == b"1\r\n"
    assert found["data/t/text"] == found["text"] == b"1\n"


def test_rules_that_are_a_link_are_refused(checkout: Checkout) -> None:
    one, name = checkout.root / "packages/one", ".dockerignore"
    (checkout.root / "packages/shared").write_text("*\n")
    (one / name).unlink(missing_ok=True)
    (one / name).symlink_to("../shared")
    with pytest.raises(UsageError, match=rf"one: {name} is a link, .* put the file itself there"):
        of(checkout)
    checkout.commit("A link")  # where the file system has none, git writes its target into a file
    checkout.git("config", "core.symlinks", "false")
    (one / name).unlink()
    checkout.git("checkout", "-q", "--", ".")
    assert not (one / name).is_symlink()
    with pytest.raises(UsageError, match=rf"one: {name} is a link"):
        of(checkout)


def test_what_lies_about_is_in_no_context(checkout: Checkout) -> None:
    before = of(checkout).hashes
    shutil.copy(Path(__file__).parents[1] / ".gitignore", checkout.root / ".gitignore")
    for name in (".start.swp", ".DS_Store", "start~", "__pycache__/m.pyc", "deep/.DS_Store"):
        file = checkout.root / "packages/one" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x")
    assert of(checkout).hashes == before
    shutil.rmtree(checkout.root / ".git")
    assert of(checkout).hashes == before, "nor without git"


def test_buildkit_finds_no_rules_to_obey_once_more(checkout: Checkout) -> None:
    one = checkout.root / "packages/one"
    (one / ".dockerignore").write_text("start\n")
    (one / "Dockerfile.dockerignore").write_text("old\n")
    assert set(of(checkout).files) == {"Dockerfile", "old"}


def test_a_new_file_counts_before_git_knows_it(checkout: Checkout) -> None:
    (checkout.root / "packages/one/new").write_text("x")
    (checkout.root / "packages/one/old").unlink()
    assert set(of(checkout).files) == {"Dockerfile", "new", "start"}


def test_modes_and_links_come_from_git_where_the_file_system_has_none(checkout: Checkout) -> None:
    (checkout.root / "packages/one/link").symlink_to("start")
    checkout.commit("A link")
    before = of(checkout).hashes
    windows = checkout.root.parent / "windows"
    options = ["-c", "core.symlinks=false", "-c", "core.fileMode=false"]
    git(checkout.root.parent, "clone", "-q", *options, "checkout", "windows")
    for file in (windows / "packages/one").iterdir():
        assert not file.is_symlink()
        file.chmod(0o777)
    found = read(spec(windows / "packages"))
    assert found.hashes == before
    assert laid_out(found)["link"][2] == b"start"


def test_a_mode_that_was_changed_counts_before_it_is_committed(checkout: Checkout) -> None:
    (checkout.root / "packages/one/old").chmod(0o700)
    assert of(checkout).files["old"].kind == "755"


def test_gits_own_reading_of_its_settings_says_what_the_file_system_holds(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text("[core]\n\tfileMode = false\n")
    (checkout.root / "packages/one/old").chmod(0o755)
    assert of(checkout).files["old"].kind == "755", "the checkout's own setting wins"
    checkout.git("config", "core.fileMode", "no")
    assert of(checkout).files["old"].kind == "644"


def test_a_link_where_git_knows_a_folder_is_only_a_link(checkout: Checkout, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a").write_text("x")
    (elsewhere / "a").chmod(0o600)
    deep = checkout.root / "packages/one/deep"
    deep.mkdir()
    (deep / "a").write_text("x")
    checkout.commit("A folder")
    shutil.rmtree(deep)
    deep.symlink_to(elsewhere)
    found = of(checkout)
    assert set(found.files) == {"Dockerfile", "deep", "old", "start"}
    assert laid_out(found)["deep"][2] == os.fsencode(elsewhere)
    assert (elsewhere / "a").stat().st_mode & 0o777 == 0o600, "nothing is written through it"


@pytest.mark.parametrize("known", [False, True])
def test_a_package_that_is_a_repository_of_its_own_is_told(
    checkout: Checkout, tmp_path: Path, known: bool
) -> None:
    shutil.copytree(checkout.root / "packages/one", tmp_path / "own")
    own = Checkout(tmp_path / "own")
    own.git("init", "-q")
    own.commit("All")
    shutil.rmtree(checkout.root / "packages/one")
    checkout.commit("None")
    shutil.copytree(own.root, checkout.root / "packages/one")
    if known:  # as a submodule is
        checkout.commit("A repository")
    with pytest.raises(UsageError, match=r"packages/one is a git repository of its own"):
        of(checkout)


def test_a_hooks_variables_lead_nowhere_else(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = of(checkout).hashes
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert of(checkout).hashes == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda one: (one / "START").write_text(""), r"one: START and start differ in case only"),
        (
            lambda one: ((one / "Deep").mkdir(), (one / "Deep/a").write_text(""),
                         (one / "deep").mkdir(), (one / "deep/b").write_text("")),
            r"one: Deep and deep differ in case only",
        ),
        (lambda one: (one / "l").symlink_to("../two/f"), r"one: the link l leads to \.\./two/f, "),
        (lambda one: (one / os.fsdecode(b"\xff")).write_text(""), r"the name \\xff is no"),
        (lambda one: git(one, "clone", "-q", "../..", "in"), r"one: in/ is a git repository in"),
    ],
)  # fmt: skip
def test_what_no_context_can_hold_is_told(
    checkout: Checkout, change: Callable[[Path], object], told: str
) -> None:
    one = checkout.root / "packages/one"
    change(one)
    with pytest.raises(UsageError, match=told):
        of(checkout)
    (one / ".dockerignore").write_text("*\n!start\n")
    assert set(of(checkout).files) == {"Dockerfile", "start"}, "what is left out may be as it is"


def test_a_file_that_cannot_be_read_is_told(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refused)  # root, who runs tests, may read everything
    with pytest.raises(ActionError, match=r"one: Dockerfile cannot be read \(Permission denied\)"):
        of(checkout)


@pytest.mark.parametrize("change", [Path.unlink, lambda file: file.write_text("other")])
def test_what_is_built_is_what_was_hashed(
    checkout: Checkout, change: Callable[[Path], object]
) -> None:
    context = of(checkout)
    change(checkout.root / "packages/one/start")
    assert laid_out(context)["start"][2] == b"#!/bin/sh\n"


def test_builds_at_once_have_folders_of_their_own_and_a_killed_one_leaves_none(
    checkout: Checkout, tmp_path: Path
) -> None:
    place = tmp_path / contexts.FOLDER
    (place / "left-by-a-killed-one").mkdir(parents=True)
    os.utime(place / "left-by-a-killed-one", (0, 0))
    context = of(checkout)
    with contexts.laid_out(tmp_path, {"one": context}) as first:
        with contexts.laid_out(tmp_path, {"one": context}) as second:
            assert first["one"] != second["one"]
            assert {one["one"].parent for one in (first, second)} == set(place.iterdir())
        assert (first["one"] / "start").is_file()
    assert list(place.iterdir()) == []


def test_git_is_asked_for_all_packages_at_once(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = process.run

    def run(*command: str | Path, **options: Any) -> process.Ended:
        asked.append(command)
        return real(*command, **options)

    monkeypatch.setattr(process, "run", run)
    one = spec(checkout.root / "packages")
    contexts.read([one, ImageSpec(name="two", folder=one.folder, base="debian")])
    assert sum("ls-files" in command for command in asked) == 1
