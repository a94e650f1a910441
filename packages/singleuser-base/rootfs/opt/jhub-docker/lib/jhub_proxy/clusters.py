"""Pages of Dask's gateway: those of one's own clusters, and nothing else of it.

The gateway shows a cluster's pages to whoever knows its name, and whose cluster it is decides what
they are. Behind this server they are pages of its own address, and get its cookies: with a link to
another's they could do whatever the person who follows it can.
"""

from __future__ import annotations

import asyncio
import os
import re
from urllib.parse import unquote, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

HOST = "dask-gateway"
SECONDS = 20.0
TOLD = "What Dask's gateway shows here is your own clusters' pages alone"

_PAGE = re.compile(r"/clusters/([0-9a-f]{32})(?:/.*)?")
_own: set[str] = set()
"""Clusters that the gateway said are this person's: they never become another's."""


async def permits(url: str) -> bool:
    """Whether to ask for this address: what is not the gateway's, or a page of an own cluster."""
    asked = urlsplit(url)
    if asked.hostname != HOST:
        return True
    gateway = os.environ.get("DASK_GATEWAY__ADDRESS", "").rstrip("/")
    page = _PAGE.fullmatch(asked.path)
    # `..` could be another page by the time it is there.
    if not page or ".." in unquote(asked.path) or urlsplit(gateway).netloc != asked.netloc:
        return False
    name = page[1]
    if name not in _own and await asyncio.to_thread(_is_own, f"{gateway}/api/v1/clusters/{name}"):
        _own.add(name)
    return name in _own


def _is_own(url: str) -> bool:
    """Whether the gateway tells the person of this server about the cluster."""
    token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
    request = Request(url, headers={"Authorization": f"jupyterhub {token}"})  # noqa: S310
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=SECONDS):
            return True
    except OSError:  # all that urllib raises for an answer, or for none
        return False
