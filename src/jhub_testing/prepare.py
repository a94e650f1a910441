"""`python -m jhub_testing.prepare [IMAGE...]`: make sure there is something to test.

An engine is set up where none answers, and the named images are built as far as they are out of
date; without images no engine is asked, and with JHUB_TEST_TAG, which names images that are there,
none is built. With `--browser` Debian's Chromium is installed where it is missing, with
`--registry` its registry, oras and cosign are unpacked below `.dev/tools/`, with `--restic-server`
restic's REST server, with `--acme-server` Pebble, with `--other-clock` libfaketime, and `--cluster`
ends where kubectl reaches none. This is what the test sessions run first; it is not a test.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from jhub_docker import host, process
from jhub_docker.build import builds
from jhub_docker.cli import tables
from jhub_docker.errors import ActionError, or_exit
from jhub_docker.host import programs as tools
from jhub_docker.nox import TEST_TAG
from jhub_docker.progress import say, stage
from jhub_testing import browser, registry
from jhub_testing.cluster import NODE
from jhub_testing.turns import Turns

ASK_CLUSTER = 60.0
"""Seconds in which a cluster has to answer."""

PROGRAMS: tuple[tools.Name, ...] = ("oras", "cosign")


def main(arguments: list[str]) -> int:
    """Prepare, and return the exit code."""
    parser = argparse.ArgumentParser(prog="prepare", description="Make ready what tests need.")
    parser.add_argument("images", nargs="*", help="packages whose images are to be built")
    parser.add_argument("--browser", action="store_true", help="install Chromium")
    parser.add_argument("--registry", action="store_true", help="get a registry, oras and cosign")
    parser.add_argument("--restic-server", action="store_true", help="get restic's REST server")
    parser.add_argument("--acme-server", action="store_true", help="get Let's Encrypt's Pebble")
    parser.add_argument("--cluster", action="store_true", help="ask kubectl for a cluster")
    parser.add_argument("--other-clock", action="store_true", help="get libfaketime")
    options = parser.parse_args(arguments)
    with or_exit():
        if options.images and TEST_TAG not in os.environ:
            build(options.images)
        if options.browser:
            install_browser()
        if options.registry:
            get_registry()
        if options.restic_server:
            tools.program("restic-rest-server")
        if options.acme_server:
            tools.program("pebble")
        if options.cluster:
            require_cluster()
        if options.other_clock:
            tools.program("libfaketime")
    return 0


def build(images: list[str]) -> None:
    """Build the images as far as they are out of date, on an engine set up where none answers."""
    with Turns.of(Path.cwd()).beside_others():
        host.require(assume_yes=True)
        results = builds.build(Path.cwd(), images)
    say(tables.builds(results))
    if told := builds.failed(results):
        raise ActionError(told)


def require_cluster() -> None:
    """Raise ActionError unless kubectl reaches a cluster. None is made here."""
    asked = process.run("kubectl", "version", "-o", "json", seconds=ASK_CLUSTER)
    if asked.code:
        raise ActionError(
            f"there is no cluster to install the chart on: {asked.tail(1)}. Name one in "
            "KUBECONFIG; CONTRIBUTING.md says what its nodes have to have"
        )
    if not os.environ.get(NODE):
        raise ActionError(
            f"{NODE} is not set: expected a command that runs on the cluster's node, as root, what "
            "follows it, such as `ssh root@node`"
        )


def install_browser() -> None:
    """Install Debian's Chromium, where it is missing and that is possible."""
    if any(shutil.which(name) for name in browser.NAMES):
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        browser.executable()  # says what to install
    with stage("installing Chromium from the distribution"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-q"],
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"],
        ):
            result = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
            if result.returncode:
                raise ActionError(
                    f"{command[1]} failed:\n{(result.stderr or result.stdout)[-800:]}"
                )


def get_registry() -> None:
    """Get a registry, and the programs that push to it and sign, where they are missing."""
    registry.executable()
    for name in PROGRAMS:
        tools.program(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
