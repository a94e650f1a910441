"""Jupyter Server's handler of static files, and what else its pages fetch, compressed."""

from __future__ import annotations

import mimetypes
import os.path
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import FileFindHandler
from tornado.routing import PathMatches, Rule
from tornado.web import GZipContentEncoding

from jhub_static import choice


def prepare(application: Any) -> None:
    """Have all static files of this server sent by `Sent`."""
    base = application.settings["base_url"]
    for name, what in vars(Sent).items():
        if not name.startswith("__"):
            setattr(FileFindHandler, name, what)
    if folder := _marimo():
        there = Existing(f"{base}marimo/assets/([^/]+)", folder)
        application.add_handlers(".*$", [Rule(there, MarimoFiles, {"path": [folder]})])

    class LabAnswers(GZipContentEncoding):
        """JupyterLab's settings are 170 kB of text for each page."""

        def __init__(self, request: Any) -> None:
            super().__init__(request)
            self._is_answer = request.path.startswith(f"{base}lab/api/")

        def transform_first_chunk(self, status: int, headers: Any, *chunk: Any) -> Any:
            """All else goes as it is."""
            if self._is_answer:
                return super().transform_first_chunk(status, headers, *chunk)
            self._gzipping = False
            return status, headers, chunk[0]

    application.add_transform(LabAnswers)


_validate, _headers = FileFindHandler.validate_absolute_path, FileFindHandler.set_headers


class Sent(FileFindHandler):
    """What FileFindHandler does from `prepare` on.

    Only files of the environment: beside a person's own `x.js`, `x.js.gz` may be anything.
    """

    _coding = ""
    _choices = False

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        """As tornado: the file to send, which is one of the compressed where one is accepted."""
        found: str | None = _validate(self, root, absolute_path)
        changes_it = type(self).get_content_size is not FileFindHandler.get_content_size
        if not found or changes_it or not found.startswith(f"{sys.prefix}/"):
            return found
        there = [name for name, ending in choice.CODINGS.items() if Path(found + ending).is_file()]
        self._choices = bool(there)
        if "Range" not in self.request.headers:
            for name in choice.accepted(self.request.headers.get("Accept-Encoding", "")):
                if name in there:
                    self._coding = name
                    return found + choice.CODINGS[name]
        return found

    def get_content_size(self) -> int:
        """In bytes; tornado remembers that of the file it looked at first."""
        return Path(self.absolute_path).stat().st_size

    def get_content_type(self) -> str:
        """Of the file that the compressed one was made from."""
        path = self.absolute_path.removesuffix(choice.CODINGS.get(self._coding, ""))
        return mimetypes.guess_type(path)[0] or "application/octet-stream"

    def set_headers(self) -> None:
        """With the coding, and how long it may be kept."""
        _headers(self)
        if self._choices:
            self.set_header("Vary", "Accept-Encoding")
        if self._coding:
            self.set_header("Content-Encoding", self._coding)
        name = self.absolute_path.removesuffix(choice.CODINGS.get(self._coding, ""))
        if name.startswith(f"{sys.prefix}/") and choice.is_hashed(Path(name).name):
            self.set_header("Cache-Control", choice.YEAR)


class Existing(PathMatches):
    """Paths of files that a folder has. The others are marimo's: a person may have another one."""

    def __init__(self, pattern: str, folder: str) -> None:
        super().__init__(pattern)
        self.folder = Path(folder)

    def match(self, request: Any) -> Any:
        """As tornado.routing.Matcher."""
        found = super().match(request)
        name = request.path.rpartition("/")[2]
        # Not Path's, which raises for a name that is too long to be one.
        return found if found is not None and os.path.isfile(self.folder / name) else None  # noqa: PTH113


class MarimoFiles(FileFindHandler):
    """marimo's own scripts and fonts, by the names that its pages have for them."""

    _static_paths: dict[str, str] = {}  # noqa: RUF012  the base's is by name alone


def _marimo() -> str:
    """Its folder; empty where there is none. Looked for, not imported."""
    spec = find_spec("marimo")
    folder = Path(spec.origin or "").parent / "_static" / "assets" if spec else Path("/nowhere")
    return str(folder) if folder.is_dir() else ""
