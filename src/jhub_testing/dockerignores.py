"""Files, and `.dockerignore` texts with what BuildKit sends of them.

`tests/engine/test_contexts.py` has BuildKit say it, so what stands here is what was seen.
"""

PATHS = (
    "a.py",
    "b.txt",
    "deep/a.py",
    "deep/b.txt",
    "deep/er/a.py",
    "deep/er/b.txt",
    "deep/er/c [1].md",
    "foo",
    "barfoo",
    "deep/foo/x",
    ".hidden/a.py",
    "src/app/__pycache__/m.pyc",
    "src/app/m.py",
)
"""The paths of the files in every case."""

_ALL = set(PATHS)
_PY = {path for path in PATHS if path.endswith(".py")}

CASES: dict[str, tuple[str, set[str]]] = {
    "nothing": ("", _ALL),
    "everything": ("*", set()),
    "everything, in two stars": ("**", set()),
    "an allow-list": ("*\n!a.py\n!deep/er\n", {"a.py", *(p for p in PATHS if "/er/" in p)}),
    "brought back below what is left out": ("*\n!**/*.py\n", _PY),
    "brought back below one folder": (
        "deep\n!deep/er/*.py\n",
        _ALL - {p for p in PATHS if p.startswith("deep/") and p != "deep/er/a.py"},
    ),
    "two stars and a slash": ("**/foo", _ALL - {"foo", "deep/foo/x"}),
    "a folder and all below": ("deep/**", {p for p in PATHS if not p.startswith("deep/")}),
    "in the middle": ("deep/**/a.py", _ALL - {"deep/a.py", "deep/er/a.py"}),
    "a star stays in its folder": ("*.py", _ALL - {"a.py"}),
    "a star for one folder": ("*/a.py", _ALL - {"deep/a.py", ".hidden/a.py"}),
    "a question mark": ("?.txt", _ALL - {"b.txt"}),
    "a leading slash": ("/a.py", _ALL - {"a.py"}),
    "a trailing slash": ("deep/", {p for p in PATHS if not p.startswith("deep/")}),
    "not tidy": ("./deep/../deep//er/", {p for p in PATHS if "/er/" not in p}),
    "the last word counts": ("*.py\n!a.py\na.py\n", _ALL - {"a.py"}),
    "left out again below what came back": ("*\n!src\n**/__pycache__\n", {"src/app/m.py"}),
    "comments, empty lines, CRLF, a mark of byte order": (
        "\ufeff# a\r\n\r\n*\r\n  !b.txt  \r\n #b.txt\r\n",
        {"b.txt"},
    ),
    "an exception with a space": ("*\n! a.py\n", {"a.py"}),
    "special signs of regular expressions": (
        "deep/er/c (1).md\na+py\n.hidden/a.py\n",
        _ALL - {".hidden/a.py"},
    ),
}
"""By what they show: the text, and the paths that are sent."""
