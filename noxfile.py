# /// script
# requires-python = ">=3.11"
# dependencies = ["nox>=2026.10"]
# ///
"""What is verified, and how: each session in an environment of its own.

`./dev nox` runs everything the README promises, `./dev nox -t fast` what one runs before a
commit, `./dev nox -t engine` what needs an engine. Sessions only verify; what acts on the platform
is in tasks.py.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "src"))

from jhub_docker.catalog import load  # noqa: E402 - it has no dependencies of its own
from jhub_docker.errors import or_exit  # noqa: E402 - nor has this
from jhub_testing import prereleases as upstreams  # noqa: E402 - nor this

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True

EXTENSIONS = [
    "packages/uv-lab/lib/jhub_dask",
    "packages/uv-lab/lib/jhub_exporters/jhub_pdf",
    *(
        f"packages/singleuser-base/rootfs/opt/jhub-docker/lib/{name}"
        for name in (
            *("jhub_activity", "jhub_editors", "jhub_packages", "jhub_proxy"),
            *("jhub_start", "jhub_static", "jhub_welcome"),
        )
    ),
]
"""What the single-user images add to their servers: Python, but in no environment of its own."""

with or_exit():  # as `invoke` says it; without images there are no sessions
    CATALOG = load(ROOT / "packages")
IMAGES = [spec.name for spec in CATALOG.published]


def sync(session: nox.Session, *groups: str, project: str = ".", place: str = "") -> None:
    """Install the locked environment of `project` with the dependency groups the session needs.

    `place` is for sessions without one of their own, which never run at the same time and share it
    by that name: what they import is compiled once, and not for each image.
    """
    location = str(ROOT / ".nox" / place) if place else session.virtualenv.location
    session.run_install(
        "uv",
        "sync",
        "--quiet",
        "--locked",
        "--no-default-groups",
        f"--project={project}",
        *(f"--group={group}" for group in groups),
        env={"UV_PROJECT_ENVIRONMENT": location},
    )
    if place:
        session.env["PATH"] = f"{location}/bin{os.pathsep}{os.environ['PATH']}"


def run(session: nox.Session, program: str, *arguments: str) -> None:
    """Run a program of the environment that `sync` made."""
    shared = session.env.get("PATH")
    session.run((shared and shutil.which(program, path=shared)) or program, *arguments)


def pytest(session: nox.Session, *arguments: str, tests: str = "") -> None:
    """Run pytest, keeping how long each test took for `python -m jhub_testing.durations`.

    It runs `tests`, unless files or folders are named behind `--`.
    """
    record = f"--junitxml={ROOT / '.dev' / 'durations' / session.name}.xml"
    chosen = [] if any(map(is_place, session.posargs)) or not tests else [tests]
    run(session, "pytest", record, *arguments, *chosen, *session.posargs)


def is_place(argument: str) -> bool:
    """Whether an argument of pytest names files: a word that is one of `-k` has no slash."""
    place = argument.partition("::")[0]
    return "/" in place and not place.startswith("-") and (ROOT / place).exists()


def alone(session: nox.Session, tests: str) -> None:
    """Run pytest in namespaces of its own, for engines that reach no other on this machine."""
    apart = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    reaping = ("sh", "-c", '"$@"; exit $?', "sh")  # the first process of a namespace has to
    chosen = session.posargs or [tests]
    session.run(*apart, *reaping, "pytest", *chosen, external=True)


BESIDE = ("--numprocesses=2", "--dist=loadfile")
"""Files of tests in two processes: most of what they do is waiting."""


def tracked(*patterns: str) -> list[str]:
    """The files git knows or would take up that match one of the patterns."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in listing.stdout.splitlines() if (ROOT / line).is_file()]


def is_shell(path: str) -> bool:
    """Whether a file begins as a shell script does."""
    with (ROOT / path).open("rb") as file:
        return file.readline().strip() in (b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash")


@nox.session(tags=["fast"])
def lint(session: nox.Session) -> None:
    """Ruff on Python, ShellCheck on shell scripts, hadolint on Dockerfiles."""
    sync(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("shellcheck", *[path for path in tracked() if is_shell(path)])
    session.run("hadolint", "--config", ".hadolint.yaml", *tracked("packages/*/Dockerfile"))


@nox.session(tags=["fast"])
@nox.parametrize("part", ["library", "hub"], ids=["library", "hub"])
def typecheck(session: nox.Session, part: str) -> None:
    """Mypy in strict mode on the library, the tasks, the tests and the hub's configuration."""
    if part == "library":
        sync(session, "typecheck", "dev")
        here = ("src", "tasks.py", "noxfile.py", "tests", "integration")
        own = (*here, "packages/backup/src", "packages/gateways/src")
        session.run("mypy", *own, *EXTENSIONS)
    else:
        sync(session, "typecheck", project="packages/hub")
        session.run("mypy", "--config-file=packages/hub/pyproject.toml", "packages/hub/src")


@nox.session(tags=["fast"])
@nox.parametrize("part", ["library", "hub"], ids=["library", "hub"])
def unit(session: nox.Session, part: str) -> None:
    """Unit tests of the library and of the hub's configuration; no engine, seconds."""
    if part == "library":
        sync(session, "test", "dev", "kubernetes")
        session.run("python", "-m", "jhub_testing.prepare", "--registry")
        pytest(session, *BESIDE, "--ignore=tests/engine", "--ignore=tests/docs", tests="tests")
    else:
        sync(session, "test", project="packages/hub")
        pytest(session, tests="packages/hub/tests/unit")


@nox.session(tags=["fast"])
def locks(session: nox.Session) -> None:
    """Every lock file fits its declaration, and what it pins can be installed on each platform."""
    sync(session, "dev")
    session.run("python", "-m", "jhub_docker.locks", external=False)


@nox.session(tags=["fast"])
def docs(session: nox.Session) -> None:
    """The documentation names what exists, its commands can be typed, and it is built as a site."""
    sync(session, "test", "dev", "docs")
    pytest(session, tests="tests/docs")
    place = ROOT / ".dev" / "docs"
    shutil.rmtree(place, ignore_errors=True)
    for name in tracked("*.md", "docs/images/*", "docs/site.yml"):
        (place / "pages" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, place / "pages" / name)
    (place / "pages/docs/site.yml").rename(place / "site.yml")
    session.run("zensical", "build", "--strict", "--config-file", str(place / "site.yml"))


@nox.session(tags=["engine"], venv_backend="none")
@nox.parametrize("image", IMAGES, ids=IMAGES)
def image_tests(session: nox.Session, image: str) -> None:
    """Boot one image and test it: its contract, its pages and the sockets behind them."""
    sync(session, "test", place="engine")
    run(session, "python", "-m", "jhub_testing.prepare", image)
    pytest(session, f"--image={image}")


@nox.session(tags=["engine"], venv_backend="none")
def harness(session: nox.Session) -> None:
    """Deliberately broken images must fail, each with the check that is meant for it."""
    sync(session, "test", "dev", place="maintaining")
    wanted = ("--registry", "--other-clock", "singleuser-base")
    run(session, "python", "-m", "jhub_testing.prepare", *wanted)
    pytest(session, *BESIDE, tests="tests/engine")


@nox.session(tags=["engine"], venv_backend="none")
def integration(session: nox.Session) -> None:
    """A person's whole path through the published port, for all images, in a real browser too."""
    sync(session, "test", place="engine")
    wanted = ("--browser", "--registry", *IMAGES, "caddy", "postgres", "tracking")
    run(session, "python", "-m", "jhub_testing.prepare", *wanted)
    # In the order of names: by xdist's own, files with one test come last, the longest of all too.
    # In three processes, since this session has the engine to itself.
    order = ("--numprocesses=3", "--no-loadscope-reorder")
    pytest(session, *BESIDE, *order, tests="integration")


@nox.session(tags=["engine"], venv_backend="none")
def releases(session: nox.Session) -> None:
    """A real image released by a maintainer's commands into a real registry, and verified."""
    sync(session, "test", "dev", place="maintaining")
    run(session, "python", "-m", "jhub_testing.prepare", "--registry", "backup")
    pytest(session, tests="integration/release")


@nox.session(default=False)
def operations(session: nox.Session) -> None:
    """An operator's bad days, minutes each: backups on them, and alerts that are made true."""
    sync(session, "test", "operations")
    watching = ("prometheus", "alertmanager", "postgres")
    servers = ("--restic-server", "--acme-server")
    session.run("python", "-m", "jhub_testing.prepare", *servers, *IMAGES, *watching)
    pytest(session, tests="integration/operations")


@nox.session(default=False)
def drills(session: nox.Session) -> None:
    """Things break under people at work (docs/drills.md): root, minutes, an engine of its own."""
    sync(session, "test")
    images = ("hub", "proxy", "backup", "uv-marimo")
    session.run("python", "-m", "jhub_testing.prepare", "--other-clock", *images)
    alone(session, "integration/drills")


@nox.session(default=False)
def swarm(session: nox.Session) -> None:
    """Three engines as a swarm (docs/swarm.md): a person's path, nodes lost; root, minutes."""
    sync(session, "test")
    session.run("python", "-m", "jhub_testing.prepare", "hub", "proxy", "registry", "uv-marimo")
    alone(session, "integration/swarm")


@nox.session(default=False)
def kubernetes(session: nox.Session) -> None:
    """The chart on a real cluster, kubectl's: a person's path, and what may go wrong on it."""
    sync(session, "test", "kubernetes")
    session.run("python", "-m", "jhub_testing.prepare", "--cluster")
    pytest(session, tests="integration/kubernetes")


@nox.session(default=False)
def prereleases(session: nox.Session) -> None:
    """The hub's unit tests with the newest pre-releases of JupyterHub and its spawners."""
    hub = ROOT / "packages" / "hub"
    session.install("--upgrade", *upstreams.requirements(hub / "pyproject.toml"))
    session.install("--no-deps", "--editable", str(hub))
    versions = str(session.run("python", "-c", upstreams.VERSIONS, silent=True)).split()
    failed: list[upstreams.Failure] = []
    for place, options in upstreams.parts(hub / "tests" / "unit").items():
        result = ROOT / ".dev" / f"prereleases-{place}.xml"
        result.unlink(missing_ok=True)
        session.run(
            "pytest",
            *options,
            "--tb=short",
            f"--junitxml={result}",
            *session.posargs,
            success_codes=range(6),
        )
        failed += upstreams.failures(result)
    found = dict(zip(upstreams.UPSTREAMS, versions, strict=True))
    session.log(upstreams.told(upstreams.pinned(hub / "uv.lock"), found, failed))
    if failed:
        session.error(f"{len(failed)} failures; .dev/prereleases-*.xml has them")


if __name__ == "__main__":
    nox.main()
