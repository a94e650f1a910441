"""Steps of `start-singleuser` where something is odd; all of it is tested with servers."""

import subprocess
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parents[1] / "packages/singleuser-base/rootfs/usr/local/bin"
FUNCTIONS = (PROGRAMS / "start-singleuser").read_text().partition("[ -s ")[0]
"""All but what it does with them."""


def step(home: Path, call: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f"{FUNCTIONS}\n{call}\necho started"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_full_home_is_no_reason_not_to_start(tmp_path: Path) -> None:
    full = 'cp() { mkdir "$3"; echo "cp: No space left" >&2; return 1; }; '
    examples = FUNCTIONS.partition("give_examples")[2].replace("/opt/examples", str(tmp_path / "e"))
    (tmp_path / "e").mkdir()
    home = tmp_path / "home"
    home.mkdir()
    run = step(home, f"give_examples{examples}\n{full}give_examples")
    assert run.stdout == "started\n", run.stderr
    assert not (home / "examples").exists(), "half of them would stay for ever"
    again = step(home, f"give_examples{examples}\ngive_examples")
    assert again.stdout == "started\n"
    assert (home / "examples").is_dir()


def test_runtime_files_are_elsewhere_when_the_home_takes_no_more(tmp_path: Path) -> None:
    """/dev/full is a disk without room: Jupyter Server would end with a traceback."""
    look = f'runtime={tmp_path}; can_write "$runtime" || runtime_elsewhere'
    roomy = step(tmp_path, f"{look}; echo ${{JUPYTER_RUNTIME_DIR-there}}")
    assert roomy.stdout.split() == ["there", "started"]
    assert list(tmp_path.iterdir()) == []
    full = f'ln -s /dev/full {tmp_path}/.can-write.$$; {look}; rmdir "$JUPYTER_RUNTIME_DIR"'
    run = step(tmp_path, full)
    assert run.stdout == "started\n"
    assert f"the disk of {tmp_path} is full" in run.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("system", "local"), [("nfs", True), ("smb2", True), ("ext2/ext3", False)])
def test_databases_are_off_a_home_on_a_network(tmp_path: Path, system: str, local: bool) -> None:
    """The other half, that Jupyter's programs go by it, is tried in each image."""
    look = f"stat() {{ echo {system}; }}; state_elsewhere; echo ${{JHUB_LOCAL_STATE-home}}"
    clean = 'if [ -n "${JHUB_LOCAL_STATE-}" ]; then rmdir "$JHUB_LOCAL_STATE"; fi'
    where, started = step(tmp_path, f"{look}; {clean}").stdout.split()
    assert started == "started"
    assert where.startswith("/tmp/jupyter-state") is local  # noqa: S108


@pytest.mark.parametrize(
    ("language", "timezone", "shown"),
    [
        ("C.UTF-8\n", "UTC\n", "C.UTF-8 UTC"),
        ("xx_XX.UTF-8", "../../etc/passwd", "platform platform"),
        ("C", "/etc/passwd", "platform platform"),
        ("", "", "platform platform"),
    ],
)
def test_ones_own_language_and_zone_come_first_where_there_are_such(
    tmp_path: Path, language: str, timezone: str, shown: str
) -> None:
    folder = tmp_path / ".config/jhub-docker"
    folder.mkdir(parents=True)
    (folder / "language").write_text(language)
    (folder / "timezone").write_text(timezone)
    given = {"LANG": "platform", "TZ": "platform"}
    look = "own_settings; echo $LANG $TZ"
    assert step(tmp_path, look, **given).stdout == f"{shown}\nstarted\n"
    (folder / "language").unlink()
    (folder / "language").mkdir()
    assert step(tmp_path, look, **given).stdout.endswith("started\n")


@pytest.mark.parametrize("name", ["ann", 'a"b', "a#b;c", "ann@example.org", "a\\b"])
def test_git_knows_whoever_the_hub_lets_in(tmp_path: Path, name: str) -> None:
    """A file it cannot read would end every command of git."""
    for user in ("who was here before", name, name):
        assert step(tmp_path, "introduce_to_git", JUPYTERHUB_USER=user).stderr == ""
    file = tmp_path / ".local/share/jhub-docker/gitconfig"
    said = subprocess.run(
        ["git", "config", "--file", str(file), "--list"], capture_output=True, text=True, check=True
    )
    address = name if "@" in name else f"{name}@jupyterhub.invalid"
    assert sorted(said.stdout.splitlines()) == [f"user.email={address}", f"user.name={name}"]
