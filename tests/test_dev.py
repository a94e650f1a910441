"""`./dev`, run as people run it, in a copied checkout with stand-ins for uv and the package index.

The stand-in uv makes the environment's folder and notes how it was called, so that the tests need
no network and see whether anything was done a second time.
"""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VERSION = re.search(r"^UV_VERSION=(\S+)", (ROOT / "dev").read_text(), re.MULTILINE)[1]  # type: ignore[index]
TOOLS = ["sh", "cat", "chmod", "cksum", "cut", "dirname", "env", "grep", "id", "mkdir", "mv", "rm"]
TOOLS += ["readlink", "sed", "sort"]

FAKE_UV = """\
#!/bin/sh
if [ "$1" = --version ]; then echo "uv {version} (stand-in)"; exit; fi
echo "$* [$UV_PROJECT_ENVIRONMENT] [$UV_SYSTEM_CERTS] [$SSL_CERT_FILE]" >>"{log}"
[ ! -e "{log}.fails" ] || {{ echo "the lock is out of date" >&2; exit 1; }}
mkdir -p .venv/bin
printf '#!/bin/sh\\necho ran "$@" in "$PWD"\\n' >.venv/bin/python
chmod +x .venv/bin/python
"""


class Checkout:
    """A copy of what `./dev` works on, and a PATH with nothing on it but what is put there."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a check out"
        self.bin = folder / "bin"
        self.calls = folder / "uv.log"
        self.root.mkdir()
        self.bin.mkdir()
        for name in ("dev", "pyproject.toml", "uv.lock"):
            shutil.copy(ROOT / name, self.root / name)
        for tool in TOOLS:
            if found := shutil.which(tool):
                (self.bin / tool).symlink_to(found)
        self.environment = {"PATH": str(self.bin), "HOME": str(folder)}

    def add(self, name: str, text: str) -> None:
        """Put a script on PATH."""
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def add_uv(self, version: str = VERSION) -> None:
        """Put a stand-in uv of that version on PATH."""
        self.add("uv", FAKE_UV.format(version=version, log=self.calls))

    def add_python(self) -> None:
        """Put the Python beneath the environment of this test on PATH."""
        python = Path(sys.base_prefix) / "bin" / "python3"
        self.add("python3", f'#!/bin/sh\nexec "{python}" "$@"\n')

    def synced(self) -> list[str]:
        """How the stand-in uv was called, but for questions of its version."""
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the copied ./dev from another directory."""
        return subprocess.run(
            [str(self.root / "dev"), *arguments],
            cwd=self.bin,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A copied checkout without uv and Python."""
    return Checkout(tmp_path)


def one_sentence(result: subprocess.CompletedProcess[str]) -> str:
    """The error, which must be the only line about failing and start with the program's name."""
    assert result.returncode != 0
    last = result.stderr.splitlines()[-1]
    assert last.startswith("dev: ")
    assert "Traceback" not in result.stderr
    return last


def test_without_arguments_it_tells_its_usage(checkout: Checkout) -> None:
    result = checkout.run()
    assert result.returncode == 2
    assert result.stderr.startswith("usage: ./dev COMMAND")
    assert checkout.run("--help").stdout == result.stderr


def test_a_command_runs_in_the_environment_at_the_root(checkout: Checkout) -> None:
    checkout.add_uv()
    result = checkout.run("python", "-c", "two words")
    assert result.stdout == f"ran -c two words in {checkout.root}\n"
    assert checkout.synced() == ["sync --quiet --locked [.venv] [true] []"]


def test_python_can_read_paths_with_umlauts_in_any_locale(checkout: Checkout) -> None:
    checkout.add_uv()
    checkout.run("python")
    (checkout.root / ".venv/bin/python").write_text('#!/bin/sh\necho "$LC_ALL"\n')
    shown = [checkout.run("python", LC_ALL=one).stdout.strip() for one in ("C", "POSIX", "de_AT")]
    assert shown == ["C.UTF-8", "C.UTF-8", "de_AT"]


def test_the_second_run_makes_nothing_anew(checkout: Checkout) -> None:
    checkout.add_uv()
    checkout.run("python")
    (checkout.bin / "uv").unlink()  # what is not called need not be there
    result = checkout.run("python")
    assert (result.returncode, result.stderr) == (0, "")
    assert len(checkout.synced()) == 1


@pytest.mark.parametrize("name", ["pyproject.toml", "uv.lock"])
def test_a_changed_declaration_makes_the_environment_anew(checkout: Checkout, name: str) -> None:
    checkout.add_uv()
    checkout.run("python")
    with (checkout.root / name).open("a") as file:
        file.write("\n# changed\n")
    checkout.run("python")
    assert len(checkout.synced()) == 2


def test_a_moved_checkout_gets_an_environment_of_its_own(checkout: Checkout) -> None:
    checkout.add_uv()
    checkout.run("python")
    (checkout.root / ".venv" / "of the old place").touch()
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    assert checkout.run("python").returncode == 0
    assert not (checkout.root / ".venv" / "of the old place").exists()


def test_a_failed_sync_is_tried_again(checkout: Checkout) -> None:
    checkout.add_uv()
    fails = checkout.calls.with_name("uv.log.fails")
    fails.touch()
    result = checkout.run("python")
    assert "could not make the tool environment" in one_sentence(result)
    assert "the lock is out of date" in result.stderr
    fails.unlink()
    assert checkout.run("python").returncode == 0


def test_the_callers_certificates_are_left_to_uv(checkout: Checkout) -> None:
    checkout.add_uv()
    checkout.run("python", SSL_CERT_FILE="/some/bundle")
    assert checkout.synced() == ["sync --quiet --locked [.venv] [] [/some/bundle]"]


def test_an_unknown_command_is_named(checkout: Checkout) -> None:
    checkout.add_uv()
    result = checkout.run("nosuch")
    assert result.returncode == 127
    assert "no command nosuch" in one_sentence(result)


def test_a_machine_without_python_and_uv_is_told_so(checkout: Checkout) -> None:
    assert "Python 3.11 or newer was not found" in one_sentence(checkout.run("python"))


def test_a_python_too_old_is_no_python(checkout: Checkout) -> None:
    checkout.add("python3", "#!/bin/sh\nexit 1\n")
    assert "Python 3.11 or newer was not found" in one_sentence(checkout.run("python"))


@pytest.mark.parametrize(
    ("version", "taken"), [("0.13.8", False), ("0.9.30", False), ("0.14.0", True), ("1.0.0", True)]
)
def test_only_a_uv_new_enough_is_taken(checkout: Checkout, version: str, taken: bool) -> None:
    checkout.add_uv(version)
    checkout.run("python")
    assert bool(checkout.synced()) is taken


def test_a_python_without_pip_and_venv_is_told_what_to_install(checkout: Checkout) -> None:
    checkout.add("python3", '#!/bin/sh\n[ "$1" != -m ]\n')
    said = one_sentence(checkout.run("python"))
    assert "neither pip nor a working venv" in said
    assert "python3-venv" in said


def test_no_index_in_reach_is_told_so(checkout: Checkout, tmp_path: Path) -> None:
    checkout.add_python()
    result = checkout.run("python", **index(tmp_path / "empty"))
    assert f"pip could not get uv {VERSION}" in one_sentence(result)


def test_uv_comes_from_the_index_with_the_published_hash(
    checkout: Checkout, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path / "index", FAKE_UV.format(version=VERSION, log=checkout.calls))
    script = checkout.root / "dev"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    script.write_text(re.sub(r"\b[0-9a-f]{64}\b", digest, script.read_text(), count=1))
    checkout.add_python()
    result = checkout.run("uv", "--version", **index(wheel.parent))
    assert result.stdout == f"uv {VERSION} (stand-in)\n", result.stderr
    # A lock that does not fit its declaration any more must not keep uv from making a new one.
    assert checkout.synced() == []


def test_another_uv_than_the_published_one_is_refused(checkout: Checkout, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "index", "#!/bin/sh\necho not the published one\n")
    checkout.add_python()
    result = checkout.run("python", **index(wheel.parent))
    assert "is not the published one" in one_sentence(result)
    assert not (checkout.root / ".dev" / f"uv-{VERSION}").exists()


def test_a_checkout_that_cannot_be_written_is_told_so(checkout: Checkout) -> None:
    checkout.add_uv()
    (checkout.root / ".dev").write_text("in the way")  # for root no folder is read-only
    assert "cannot write to" in one_sentence(checkout.run("python"))


def test_a_symbolic_link_leads_to_its_checkout(checkout: Checkout, tmp_path: Path) -> None:
    checkout.add_uv()
    (tmp_path / "bin" / "first").symlink_to("second")
    (tmp_path / "bin" / "second").symlink_to(checkout.root / "dev")
    command = [str(tmp_path / "bin" / "first"), "python"]
    result = subprocess.run(
        command, env=checkout.environment, capture_output=True, text=True, check=False
    )
    assert f"in {checkout.root}" in result.stdout, result.stderr


def test_a_copy_without_its_checkout_is_told_so(checkout: Checkout) -> None:
    (checkout.root / "uv.lock").unlink()
    assert "no pyproject.toml and uv.lock" in one_sentence(checkout.run("python"))


def index(folder: Path) -> dict[str, str]:
    """The variables that make pip look into this folder and nowhere else."""
    folder.mkdir(exist_ok=True)
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}


def make_wheel(folder: Path, script: str) -> Path:
    """A wheel of uv's name and pinned version whose only content is this script."""
    folder.mkdir()
    name = f"uv-{VERSION}"
    files = {
        f"{name}.data/scripts/uv": script,
        f"{name}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: uv\nVersion: {VERSION}\n",
        f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    wheel = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            record += f"{path},sha256={digest.decode().rstrip('=')},{len(text)}\n"
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, text)
        archive.writestr(f"{name}.dist-info/RECORD", f"{record}{name}.dist-info/RECORD,,\n")
    return wheel
