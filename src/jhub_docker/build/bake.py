"""From a build plan to `docker buildx bake`, and from its event stream to results.

One call builds all that is out of date, siblings in parallel. The definition goes in on standard
input; nothing is written to the work tree.
"""

import base64
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
class Vertex:
    """One build step as BuildKit reports it; several targets can share it."""

    name: str
    targets: set[str] = field(default_factory=set)
    seconds: float = 0.0
    error: str = ""
    log: str = ""
    shown: bool = False


@dataclass
class Outcome:
    """What a bake did: by target the seconds its own steps took, and errors."""

    seconds: dict[str, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    message: str = ""
    succeeded: bool = True


class Progress:
    """Follows the event stream: announces steps as they start and end, keeps times and logs."""

    def __init__(self, targets: Sequence[str], show: Callable[[str], None]) -> None:
        """`targets` in plan order; a step shared by several is the first one's."""
        self.targets = list(targets)
        self.show = show
        self.vertices: dict[str, Vertex] = {}
        self.text: list[str] = []
        self._unread = ""

    def read(self, line: str) -> Mapping[str, Any] | None:
        """Take in a line, and with the last one of an event that; it is returned.

        An event is JSON, pretty-printed or on one line (buildx 0.13 and later). What is none comes
        when bake ends with an error.
        """
        if not self._unread and not line.startswith("{"):
            event = {"text": line}
        else:
            self._unread += line
            try:
                event = json.loads(self._unread)
            except json.JSONDecodeError:
                return None
        self._unread = ""
        self.feed(event)
        return event

    def feed(self, event: Mapping[str, Any]) -> None:
        """Take in one event of `--progress rawjson` (buildx 0.13, util/progress)."""
        if "text" in event:
            self.text.append(event["text"])
        for entry in event.get("vertexes") or ():
            self._vertex(entry)
        for entry in event.get("logs") or ():
            if vertex := self.vertices.get(entry["vertex"]):
                text = base64.b64decode(entry.get("data") or "").decode(errors="replace")
                vertex.log += text  # a line can come in several events

    def _vertex(self, entry: Mapping[str, Any]) -> None:
        vertex = self.vertices.setdefault(entry["digest"], Vertex(entry["name"]))
        target, _, what = entry["name"].removeprefix("[").partition("]")
        target = target.split(" ")[0]
        if target not in self.targets:
            if len(self.targets) != 1:
                return
            target, what = self.targets[0], entry["name"]
        vertex.targets.add(target)
        vertex.error = entry.get("error") or vertex.error
        if vertex.error.endswith("context canceled"):
            vertex.error = ""  # another target failed; this one did not
        started, completed = entry.get("started"), entry.get("completed")
        told = f"    {self._owner(vertex)}: "
        if started and completed:
            seconds = (_moment(completed) - _moment(started)).total_seconds()
            vertex.seconds = max(vertex.seconds, seconds)
            if vertex.shown and not vertex.error and seconds >= 1:
                self.show(f"{told}done in {seconds:.1f} s: {_one_line(what)}")
            vertex.shown = False
        elif started and not entry.get("cached") and not vertex.shown:
            vertex.shown = "internal" not in entry["name"] and " context " not in entry["name"]
            if vertex.shown:
                self.show(f"{told}{_one_line(what)}")

    def _owner(self, vertex: Vertex) -> str:
        return min(vertex.targets, key=self.targets.index)

    def outcome(self, *, succeeded: bool) -> Outcome:
        """The result once the stream has ended."""
        text = "\n".join(line for line in self.text if line.strip())
        found = Outcome(dict.fromkeys(self.targets, 0.0), {}, text, succeeded)
        for vertex in self.vertices.values():
            if not vertex.targets:
                continue
            owner = self._owner(vertex)
            found.seconds[owner] += vertex.seconds
            if vertex.error and not succeeded:  # such as a cache that could not be read
                log = "".join(f"\n      {line}" for line in vertex.log.splitlines()[-15:])
                found.errors[owner] = f"{_one_line(vertex.name)}\n    {vertex.error}{log}"
        return found


def run(bake: Mapping[str, Any], *, show: Callable[[str], None], log: IO[str]) -> Outcome:
    """Run the bake, showing progress with `show` and keeping every event in `log`."""
    progress = Progress(bake["group"]["default"]["targets"], show)

    def read(line: str) -> None:
        if (event := progress.read(line)) is not None:
            log.write(json.dumps(event) + "\n")

    ended = docker(
        *("buildx", "bake", "--builder", builder_name(), "--progress", "rawjson", "--file", "-"),
        given=json.dumps(bake),
        merged=True,
        on_line=read,
        # The file is ours, so bake need not ask whether it may read what it names (buildx 0.20).
        environment={"BUILDX_BAKE_ENTITLEMENTS_FS": "0"},
    )
    return progress.outcome(succeeded=ended.code == 0)


@contextmanager
def log(root: Path) -> Iterator[IO[str]]:
    """A log of this build's own, every event of it; old ones are removed."""
    folder = root / LOGS
    folder.mkdir(parents=True, exist_ok=True)
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    with (folder / f"build-{time}-{os.getpid()}.jsonl").open("x", encoding="utf-8") as file:
        for old in sorted(folder.glob("build-*.jsonl"))[:-KEPT]:
            old.unlink(missing_ok=True)
        yield file


def _moment(text: str) -> datetime:
    """A time as BuildKit and buildx write it: RFC 3339, with any zone and fraction."""
    return datetime.fromisoformat(text.upper())


def _one_line(text: str, width: int = 100) -> str:
    line = " ".join(text.replace("\\", " ").split())
    return line if len(line) <= width else line[: width - 1] + "…"
