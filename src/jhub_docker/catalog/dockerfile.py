"""Whether a package's Dockerfile is there, and is built from nothing that is not declared."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from jhub_docker.errors import UsageError

_OPTIONS = re.compile(r"(--\S+\s+)*")
_ELSEWHERE = re.compile(r"(?:--|--mount=|,)from=([^,\s]+)")
"""What options take files from."""

_HEREDOC = re.compile(r"(?<!\S)\d*<<-?[\"']?(\w+)[\"']?(?!\S)")


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Dockerfile: the word in capitals, and what follows it on its lines.

    Comments and what is between `<<WORD` and `WORD` are in none.
    """
    whole, ends = "", list[str]()
    for line in text.splitlines():
        if ends:
            ends = ends[1:] if line.strip() == ends[0] else ends
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        whole += line.rstrip()
        if whole.endswith("\\"):
            whole = f"{whole[:-1]} "
            continue
        word, _, rest = whole.strip().partition(" ")
        ends = _HEREDOC.findall(rest) if word.upper() in ("RUN", "COPY", "ADD") else []
        yield word.upper(), rest.strip()
        whole = ""


def require(folder: Path, parents: Collection[str]) -> None:
    """Raise UsageError for a Dockerfile that is missing or begins with nothing, and for what it
    needs and the package does not declare.

    The builder would look for that in a public registry, and nobody would know what it found.
    """
    name, file = folder.name, folder / "Dockerfile"
    if not file.exists():
        raise UsageError(f"{name}: {file} is missing; every image package has one")
    declared, begun = {"base", "scratch", *parents}, False
    for word, rest in instructions(file.read_text(encoding="utf-8")):
        options = (_OPTIONS.match(rest) or [""])[0]
        stage, needed = "", [one for one in _ELSEWHERE.findall(options) if not one.isdigit()]
        if word == "FROM":  # FROM image AS stage
            image, _, stage, *_ = *rest[len(options) :].split(), "", "", ""
            needed, begun = [image], True
        elif word not in ("COPY", "RUN"):
            continue
        if unknown := [one for one in needed if one.lower() not in declared]:
            raise UsageError(
                f"{name}: its Dockerfile needs {unknown[0]}; expected `base`, a stage of its own, "
                "or a package named by `uses` in its pyproject.toml. A public image is a package "
                "that has `public.<lane>`, such as base-uv"
            )
        declared.add(stage.lower())
    if not begun:
        raise UsageError(f"{name}: its Dockerfile has no FROM; begin it with `FROM base`")
