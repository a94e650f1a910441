"""The command `limits` of the single-user images, on control groups of either version or none."""

import subprocess
from pathlib import Path

import pytest

COMMAND = Path(__file__).parents[1] / "packages/singleuser-base/rootfs/usr/local/bin/limits"


def limits(tmp_path: Path, files: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    script = COMMAND.read_text().replace("root=/sys/fs/cgroup", f"root={tmp_path}")
    return subprocess.run(
        ["sh", "-c", script, "limits", *words],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", [[], ["--brief"]])
def test_without_control_groups_nothing_is_limited(tmp_path: Path, words: list[str]) -> None:
    """Each terminal says it, so an error would greet people."""
    run = limits(tmp_path, {}, *words)
    assert (run.returncode, run.stderr) == (0, "")
    assert "all" in run.stdout
    assert limits(tmp_path, {}, "cpus").returncode == 1


def test_files_kept_at_hand_count_as_free_however_many(tmp_path: Path) -> None:
    """mawk's %d ends at 2 GB."""
    gigabyte = 2**30
    second = {
        "cpu.max": "150000 100000\n",
        "memory.max": f"{16 * gigabyte}\n",
        "memory.current": f"{10 * gigabyte}\n",
        "memory.stat": f"anon 1\ninactive_file {9 * gigabyte}\n",
    }
    run = limits(tmp_path, second)
    assert "1.0 GB in use of 16.0 GB" in run.stdout
    assert limits(tmp_path, second, "cpus").stdout == "2\n"
