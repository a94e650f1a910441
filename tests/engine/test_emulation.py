"""A real kernel emulates what it is told to, and no more once that is ended.

The kernel keeps registrations per user namespace (since Linux 6.7), so that this machine's are left
alone; the processor emulated here is a file's name.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from jhub_docker.host import emulation

PROGRAM = """
import subprocess, sys
from pathlib import Path
from jhub_docker.host import emulation

folder = Path(sys.argv[1])
program = folder / "program.jhubtest"
program.write_text("what the program is")
program.chmod(0o755)
emulation._NAMES["linux/test"] = "jhub-test"
emulation.DEFINITIONS = folder
(folder / "jhub-test.conf").write_text(f":jhub-test:E::jhubtest::{sys.argv[2]}:P\\n")
said = []
assert not (emulation.KERNEL / "jhub-test").exists()
emulation.start("linux/test", said.append, assume_yes=True)
(folder / "kernel").write_text((emulation.KERNEL / "jhub-test").read_text())
shown = subprocess.run([program], capture_output=True, text=True).stdout
assert shown.endswith("what the program is"), shown
emulation.start("linux/test", said.append, assume_yes=True)
emulation.stop("linux/test", said.append)
assert not (emulation.KERNEL / "jhub-test").exists()
emulation.stop("linux/test", said.append)
print("\\n".join(said))
"""


def test_the_kernel_runs_what_is_registered_until_it_is_stopped(tmp_path: Path) -> None:
    cat = shutil.which("cat")
    assert cat
    # This machine's own are hidden: written to from within a namespace, they would still change.
    hidden = f'mount -t tmpfs none {emulation.KERNEL} && exec "$@"'
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", hidden, "sh"]
    result = subprocess.run(
        [*inside, sys.executable, "-c", PROGRAM, str(tmp_path), cat],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert (
        "To be done as root: mount binfmt_misc at /proc/sys/fs/binfmt_misc; register it with the "
        "kernel, for this whole machine until it restarts." in result.stderr
    )
    assert result.stdout.splitlines() == [
        "linux/test is emulated now",
        "linux/test is emulated already",
        "linux/test is not emulated any more",
        "linux/test is not emulated",
    ]
    flags = next(
        line for line in (tmp_path / "kernel").read_text().splitlines() if line.startswith("flags")
    )
    assert "F" in flags, "a container does not have the interpreter"
