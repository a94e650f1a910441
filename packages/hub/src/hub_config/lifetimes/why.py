"""Why a server counts as active, as its container told the hub, in words for its person.

The kinds are those of the images' server extension (jhub_activity, observer); the hub keeps the
last one with the running server, and is told again after a restart.
"""

KINDS = {
    "start": "it has just started",
    "input": "somebody is at one of its pages",
    "kernel": "a cell of a notebook runs",
    "terminal": "“{}” runs in a terminal",
    "background": "“{}” was left running without a terminal",
    "marimo": "a cell of a marimo notebook runs",
    "application": "{} serves somebody, or lets them wait",
    "download": "a download is under way",
    "computing": "a program computes",
    "unknown": "it cannot be told whether anything is going on",
}
"""What each kind means; `{}` is the name that came with it."""

NAME_LENGTH = 40


def words(reason: str) -> str:
    """The sentence for `kind` or `kind: name`; raises ValueError for an unknown kind."""
    kind, _, name = reason.partition(": ")
    if kind not in KINDS or not name.isprintable():
        raise ValueError(f"{kind!r} is no reason; expected one of {', '.join(KINDS)}")
    return KINDS[kind].format(name[:NAME_LENGTH])
