"""Whether this machine's kernel runs programs of another processor, through an emulator.

The kernel hands them to what is registered for them (its Documentation/admin-guide/
binfmt-misc.rst), in every container too. Registering is the business of the distribution's package
of qemu, or of Docker Desktop.
"""

from pathlib import Path

KERNEL = Path("/proc/sys/fs/binfmt_misc")
"""Where the kernel keeps what is registered, once that file system is mounted."""

_MACHINES = {"linux/amd64": "3e00", "linux/arm64": "b700"}
"""What a program of the platform has in bytes 18 and 19 (elf(5): e_machine, little endian)."""


def emulates(platform: str) -> bool | None:
    """Whether this machine's kernel emulates the platform; None where that cannot be told."""
    if platform not in _MACHINES or not (KERNEL / "status").exists():
        return None
    entries = [one for one in KERNEL.iterdir() if one.name not in ("register", "status")]
    return any(is_for(platform, one.read_text(encoding="ascii")) for one in entries)


def is_for(platform: str, entry: str) -> bool:
    """Whether a registration, as the kernel shows it, takes the platform's programs."""
    lines = entry.splitlines()
    magic = next((line.split()[1] for line in lines if line.startswith("magic ")), "")
    return lines[:1] == ["enabled"] and magic[36:40] == _MACHINES[platform]
