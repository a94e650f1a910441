"""What other files say of the settings, made from their declaration. Pure: text in, text out.

`JHUB_TEST_WRITE_DOCS=1 ./dev nox -s "unit(hub)"` writes them; without it a test compares.
"""

import re

from hub_config.settings.declaration import listed
from hub_config.settings.declared import Settings

BEGIN, END = "generated from hub_config.settings: begin", "generated from hub_config.settings: end"
"""Comments around what is made here."""


def table(kind: type[Settings] = Settings) -> str:
    """The rows of README.md."""
    rows = ["| variable | default | meaning | enforced by |", "| --- | --- | --- | --- |"]
    for one in listed(kind):
        if not one.table:
            default = f"`{one.shown_default}`" if one.shown_default else ""
            cells = (f"`{one.variable}`", default, one.meaning, one.enforced_by or "")
            rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows)


def compose_block(compose: str, kind: type[Settings] = Settings) -> str:
    """The variables that `compose.yaml` hands on.

    One that the file uses itself has its default there too, so that both always mean the same.
    """
    outside = replaced(compose, "")
    lines = []
    for one in listed(kind):
        if not one.table:
            used = re.search(rf"\$\{{{one.variable}\b", outside)
            value = f" ${{{one.variable}:-{one.shown_default}}}" if used else ""
            lines.append(f"  {one.variable}:{value}")
    return "\n".join(lines)


def replaced(text: str, content: str) -> str:
    """`text` with `content` between its two comments."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    first, last = rest.partition("\n")[0], rest[: rest.index(END)].rpartition("\n")[2]
    return f"{head}{begin}{first}\n{content}\n{last}{end}{tail}"
