"""From a build plan to `docker buildx bake`, and from what it prints to results.

One call builds all that is out of date, siblings in parallel. The definition goes in on standard
input; nothing is written to the work tree.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from jhub_docker.build.plan import Step
from jhub_docker.engine import builder_name, docker

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "FTP_PROXY")
"""BuildKit's predefined arguments: it hands them to build steps and keeps them out of history."""

LOGS, KEPT = Path(".dev/logs"), 20
"""Where the logs of builds are, below the checkout, and how many."""

_CACHES = "BUILDKIT_CACHE_MOUNT_NS"
"""Another of them: cache mounts of one name are not those of another."""


def definition(
    steps: Iterable[Step],
    *,
    folders: Mapping[str, Path],
    labels: Mapping[str, str],
    environment: Mapping[str, str],
    ca_bundle: str | None,
    no_cache: Iterable[str] = (),
    platform: str = "",
    caches: str = "",
) -> dict[str, Any]:
    """The bake file (JSON form) that builds `steps`, for the builder's own platform by default.

    `folders` are the steps' contexts as they are laid out. `labels` go on every image; proxies are
    taken from `environment`, the machine's CA bundle is passed as the secret `ca-bundle`. Packages
    named in `no_cache` are built from nothing. With `caches`, a name, the caches that steps mount
    are those of that name.
    """
    proxies = {
        name: environment[name]
        for variable in PROXY_VARIABLES
        for name in (variable, variable.lower())
        if environment.get(name)
    }
    secrets = [f"id=ca-bundle,src={ca_bundle}"] if ca_bundle else []
    targets = {
        step.spec.name: {
            "context": str(folders[step.spec.name]),
            "contexts": dict(step.contexts),
            "labels": {**step.labels, **labels},
            "tags": [step.reference],
            "args": proxies | ({_CACHES: caches} if caches else {}),
            "secret": secrets,
            "no-cache": step.spec.name in no_cache,
            "output": ["type=docker"],
            **({"platforms": [platform]} if platform else {}),
        }
        for step in steps
    }
    return {"group": {"default": {"targets": list(targets)}}, "target": _literal(targets)}


def _literal(value: Any) -> Any:
    """The value with bake's templates taken literally: it reads `${` and `%{` in JSON too.

    Its escape is the doubled sign (HCL specification, "Template Literals").
    """
    if isinstance(value, str):
        return re.sub(r"([$%])(?=\{)", r"\1\1", value)
    if isinstance(value, list):
        return [_literal(one) for one in value]
    if isinstance(value, dict):
        return {key: _literal(one) for key, one in value.items()}
    return value


@dataclass
class Outcome:
    """What a bake did: by target the seconds its own steps took, and errors."""

    seconds: dict[str, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    message: str = ""
    succeeded: bool = True


@dataclass
class _Shown:
    """One build step as buildx prints it; of a target, or of none that is baked."""

    target: str
    what: str
    seconds: float = 0.0
    log: list[str] = field(default_factory=list)


class Progress:
    """Reads what buildx prints (`--progress plain`): announces steps that are not cached as they
    run and end, and adds up what they took and what failed. A step of several targets is the first
    one's.
    """

    def __init__(self, targets: Sequence[str], show: Callable[[str], None]) -> None:
        """`targets` in plan order."""
        self.targets, self.show = list(targets), show
        self.outcome = Outcome(dict.fromkeys(targets, 0.0))
        self._steps: dict[str, _Shown] = {}
        self._begun = ""

    def read(self, line: str) -> None:
        """Take in a line: `#8 [target 2/5] RUN make`, `#8 0.512 what it prints`, `#8 DONE 3.2s`."""
        number, _, said = line.partition(" ")
        if not re.fullmatch(r"#\d+", number):
            self.outcome.message += f"{line}\n" if line.strip() else ""
            return
        if self._begun and (number, said) != (self._begun, "CACHED"):
            self._tell(self._steps[self._begun], "")
        self._begun = ""
        step = self._steps.get(number)
        if step is None or said.startswith("["):
            target, what = self._split(said)
            if step is None:
                self._steps[number] = _Shown(target, what)
                told = target and "internal" not in said and " context " not in said
                self._begun = number if told else ""
            elif target and step.target:
                step.target = min(step.target, target, key=self.targets.index)
        elif not step.target:
            return
        elif done := re.fullmatch(r"DONE (\d+\.\d+)s", said):
            took = float(done[1])
            self.outcome.seconds[step.target] += took - step.seconds  # it can be said twice
            step.seconds = took
            if took >= 1:
                self._tell(step, f"done in {took:.1f} s: ")
        elif said.startswith("ERROR: "):
            log = "".join(f"\n      {one}" for one in step.log[-15:])
            error = said.removeprefix("ERROR: ")
            self.outcome.errors[step.target] = f"{_one_line(step.what)}\n    {error}{log}"
        elif printed := re.match(r"\d+\.\d+ ", said):
            step.log.append(said[printed.end() :])

    def _split(self, said: str) -> tuple[str, str]:
        """The target of a step and what it is; of one target alone the name is left out."""
        target = said.removeprefix("[").partition("]")[0].split(" ")[0]
        if target in self.targets:
            return target, said.partition("]")[2]
        return (self.targets[0] if len(self.targets) == 1 else ""), said

    def _tell(self, step: _Shown, words: str) -> None:
        self.show(f"    {step.target}: {words}{_one_line(step.what)}")


def run(bake: Mapping[str, Any], *, show: Callable[[str], None], log: IO[str]) -> Outcome:
    """Run the bake, showing progress with `show` and keeping all that is printed in `log`."""
    progress = Progress(bake["group"]["default"]["targets"], show)

    def read(line: str) -> None:
        log.write(f"{line}\n")
        progress.read(line)

    ended = docker(
        *("buildx", "bake", "--builder", builder_name(), "--progress", "plain", "--file", "-"),
        given=json.dumps(bake),
        merged=True,
        on_line=read,
        # The file is ours, so bake need not ask whether it may read what it names (buildx 0.20).
        environment={"BUILDX_BAKE_ENTITLEMENTS_FS": "0"},
    )
    progress.outcome.succeeded = ended.code == 0
    if progress.outcome.succeeded:  # else such as a cache that could not be read
        progress.outcome.errors.clear()
    return progress.outcome


@contextmanager
def log(root: Path) -> Iterator[IO[str]]:
    """A log of this build's own; old ones are removed."""
    folder = root / LOGS
    folder.mkdir(parents=True, exist_ok=True)
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    with (folder / f"build-{time}-{os.getpid()}.log").open("x", encoding="utf-8") as file:
        for old in sorted(folder.glob("build-*.log"))[:-KEPT]:
            old.unlink(missing_ok=True)
        yield file


def _one_line(text: str, width: int = 100) -> str:
    line = " ".join(text.replace("\\", " ").split())
    return line if len(line) <= width else line[: width - 1] + "…"
