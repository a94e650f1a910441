"""marimo's launcher entry, and the stack that notebooks import; its page is in the contract."""

import pytest

from jhub_testing import probes, slow_editor
from jhub_testing.subject import Subject


def test_an_editor_is_shown_as_soon_as_it_answers(subject: Subject) -> None:
    slow_editor.is_shown(subject)


def test_launcher_entry(subject: Subject) -> None:
    assert probes.proxied(subject.server.client) >= {"marimo"}


@pytest.mark.parametrize("module", ["altair", "duckdb", "marimo", "pandas", "plotly", "polars"])
def test_import(module: str, subject: Subject) -> None:
    subject.server.run([f"{subject.environment}/bin/python", "-c", f"import {module}"])


def test_sql_cell(subject: Subject) -> None:
    program = "import marimo as mo; print(mo.sql('select 41 + 1 as answer', output=False))"
    assert "42" in subject.server.run([f"{subject.environment}/bin/python", "-c", program])


def test_examples_run(subject: Subject) -> None:
    server = subject.server
    examples = server.run(["find", "/opt/examples", "-name", "*.py"]).split()
    assert examples, "the image has no examples"
    for example in examples:
        server.run([f"{subject.environment}/bin/python", example])
