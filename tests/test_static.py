"""Which of the compressed files is sent, and what is kept in a browser's cache."""

import pytest

from jhub_static import choice


@pytest.mark.parametrize(
    ("header", "codings"),
    [
        ("gzip, deflate, br, zstd", ["br", "gzip"]),
        ("gzip", ["gzip"]),
        ("br;q=0, gzip;q=0.5", ["gzip"]),
        ("*", ["br", "gzip"]),
        ("identity", []),
        ("", []),
    ],
)
def test_a_coding_is_sent_to_who_accepts_it(header: str, codings: list[str]) -> None:
    assert choice.accepted(header) == codings


@pytest.mark.parametrize(
    "name",
    [
        "jlab_core.8811dd2733d03721.js",
        "remoteEntry.81d1ef8dbe80ca6a8e6c.js",
        "0031b1860ea4ad75.woff",
        "cells-BRkCaSsh.js",
        "FiraMono-Bold-C6PDArdf.woff2",
        "index-Bcdzex-3.css",
    ],
)
def test_a_name_with_a_hash_is_kept(name: str) -> None:
    assert choice.is_hashed(name)


@pytest.mark.parametrize(
    "name",
    [
        "favicon.ico",
        "style.min.css",
        "index.html",
        "bootlogo.js",
        "favicon-notebook.ico",
        "third-party-licenses.json",
    ],
)
def test_a_name_without_one_is_asked_for_again(name: str) -> None:
    assert not choice.is_hashed(name)
