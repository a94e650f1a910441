"""Asks one address again and again until a line comes on standard input; prints the seconds.

A process of its own, so that the people of the benchmark do not hold up its clock.
"""

import json
import sys
import threading
import time

import requests

_PAUSE = 0.02
PATIENCE = 30


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
        time.sleep(_PAUSE)
    print(json.dumps(seconds))
    return 0


def _stop_on_a_line(stopped: threading.Event) -> None:
    sys.stdin.readline()
    stopped.set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
