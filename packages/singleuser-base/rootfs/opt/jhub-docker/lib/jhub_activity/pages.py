"""Puts one script into the pages people look at: it notices input, and shows the warning.

Every interface sends its pages through Jupyter Server, so this is the one place for JupyterLab, VS
Code, marimo and what a person puts behind the server. Files a person opens are left as they are.
"""

from __future__ import annotations

import re
from typing import Any

PATH = "jhub-activity/"
_HEAD = re.compile(rb"<head(\s[^>]*)?>", re.IGNORECASE)

LOOKED_AT = 2**16
"""Bytes of a page within which its `<head>` is."""


def add_script(application: Any) -> None:
    """Let every page of `application` load the script."""
    base = application.settings["base_url"]
    tag = f'<script src="{base}{PATH}page.js"></script>'.encode()

    class Transform(PageScript):
        script = tag
        files = f"{base}files/"

    application.add_transform(Transform)


class PageScript:
    """A Tornado output transform (tornado.web, OutputTransform); one is made for each request."""

    script = b""
    files = "/files/"

    def __init__(self, request: Any) -> None:
        accepts = request.headers.get("Accept", "")
        self._is_page = (
            request.method == "GET"
            and "text/html" in accepts
            and not request.path.startswith(self.files)
        )
        self._looking = 0
        if self._is_page:
            # A compressed page could not be added to, and this one travels within the container.
            request.headers.pop("Accept-Encoding", None)

    def transform_first_chunk(
        self, status: int, headers: Any, chunk: bytes, finishing: bool
    ) -> tuple[int, Any, bytes]:
        """Add the script behind `<head>` when this is a page for people."""
        if self._is_page and status == 200 and _is_plain_page(headers):
            self._looking = LOOKED_AT
            longer = self.transform_chunk(chunk, finishing)
            if "Content-Length" in headers and self._looking and not finishing:
                # Passed on as it comes, and where `<head>` is has not come yet.
                del headers["Content-Length"]
            elif "Content-Length" in headers:
                length = int(headers["Content-Length"]) + len(longer) - len(chunk)
                headers["Content-Length"] = str(length)
            chunk = longer
        return status, headers, chunk

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        """Add it to the first of the pieces that has `<head>`; the rest goes as it is."""
        if self._looking > 0:
            longer = _HEAD.sub(lambda head: head[0] + self.script, chunk, count=1)
            self._looking = 0 if longer != chunk else max(0, self._looking - len(chunk))
            return longer
        return chunk


def _is_plain_page(headers: Any) -> bool:
    return (
        headers.get("Content-Type", "").startswith("text/html")
        and not headers.get("Content-Encoding")
        and not headers.get("Content-Disposition")
        and "sandbox" not in headers.get("Content-Security-Policy", "")
    )
