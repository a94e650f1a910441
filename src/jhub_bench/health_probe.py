"""Asks one address again and again until a line comes on standard input; prints the seconds.

A process of its own, so that the people of the benchmark do not hold up its clock.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

_PAUSE = 0.02
PATIENCE = 30


@contextmanager
def meanwhile(url: str) -> Iterator[list[float]]:
    """Ask the health endpoint of the hub of the platform at `url` while the block runs, once before
    it begins; the list has the seconds of each answer afterwards.
    """
    found: list[float] = []
    probe = subprocess.Popen(
        [sys.executable, "-m", "jhub_bench.health_probe", f"{url}/hub/health"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert probe.stdout is not None  # noqa: S101  a pipe, as said above
        probe.stdout.readline()
        yield found
    finally:
        output, _ = probe.communicate("stop\n")
    found += json.loads(output)


def main(address: str) -> int:
    """Print a JSON list of how long each answer took; returns 1 when an answer was not good."""
    stopped = threading.Event()
    threading.Thread(target=_stop_on_a_line, args=[stopped], daemon=True).start()
    session = requests.Session()
    session.trust_env = False
    seconds = []
    while not stopped.is_set():
        begun = time.perf_counter()
        if not session.get(address, timeout=PATIENCE).ok:
            return 1
        seconds.append(time.perf_counter() - begun)
        if len(seconds) == 1:
            print("begun", flush=True)
        time.sleep(_PAUSE)
    print(json.dumps(seconds))
    return 0


def _stop_on_a_line(stopped: threading.Event) -> None:
    sys.stdin.readline()
    stopped.set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
