"""The welcome in the form of each interface. Pure.

Blocks of Python are cells where there are cells. Each stands for itself, without names of others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from string import Template
from textwrap import indent

INDENT = "    "
_PYTHON = re.compile(r"^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def parts(text: str) -> Iterator[tuple[bool, str]]:
    """Pieces of Markdown in turn: whether it is Python, and what it says."""
    for number, part in enumerate(_PYTHON.split(text)):
        if part.strip():
            yield number % 2 == 1, part.strip()


def jupyter(text: str) -> str:
    """A notebook of Jupyter's (nbformat 4.5)."""
    cells: list[dict[str, object]] = [
        {
            "id": f"welcome-{number}",
            "cell_type": "code" if is_code else "markdown",
            "metadata": {},
            "source": part,
            **({"execution_count": None, "outputs": []} if is_code else {}),
        }
        for number, (is_code, part) in enumerate(parts(text))
    ]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}}
    return json.dumps({**notebook, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def marimo(text: str) -> str:
    """A notebook of marimo's: Python whose cells are functions."""
    cells = ["@app.cell\ndef _():\n    import marimo as mo\n\n    return (mo,)\n"]
    for is_code, part in parts(text):
        if is_code:
            cells.append(f"@app.cell\ndef _():\n{indent(part, INDENT)}\n    return\n")
        else:
            shown = indent(f'mo.md(r"""\n{part}\n""")', INDENT)
            cells.append(f"@app.cell(hide_code=True)\ndef _(mo):\n{shown}\n    return\n")
    run = 'if __name__ == "__main__":\n    app.run()\n'
    return "\n\n".join(["import marimo\n\napp = marimo.App()\n", *cells, run])


def markdown(text: str) -> str:
    """As it is."""
    return text


@dataclass(frozen=True)
class Form:
    """What one interface gets: a file of this name, and what is its own in the text."""

    name: str
    write: Callable[[str], str]
    back: str
    project: str

    def page(self, text: str) -> str:
        """The file, of the text for all."""
        return self.write(Template(text).substitute(back=self.back, project=self.project))


FORMS = {
    "lab": Form(
        "Welcome.ipynb",
        jupyter,
        "*Hub Control Panel* in the menu *File* opens the hub.",
        "A notebook runs on it by *Project (pyproject.toml)* in the launcher.",
    ),
    "marimo": Form(
        "welcome.py",
        marimo,
        "*Hub* at the bottom of each page opens the hub.",
        "A notebook in its folder runs on it; elsewhere on the image with your own packages.",
    ),
    "vscode": Form(
        "README.md",
        markdown,
        "*Hub* at the left of the status bar opens the hub.",
        "VS Code runs it by *Python: Select Interpreter*, in the folder's `.venv`.\n\n"
        "## Run and debug\n"
        "VS Code does it by extensions of the image. Where it finds none, `image-extensions` in a "
        "terminal says which are missing and why, and an administrator can add them; "
        "`python -m pdb FILE` in a terminal debugs meanwhile, as does the beetle at the right of a "
        "notebook in JupyterLab.",
    ),
}
"""By the first part of the path that a server opens."""
