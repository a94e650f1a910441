"""marimo: the page, the sockets behind it, and the stack that notebooks import."""

import pytest

from jhub_testing import probes, slow_editor
from jhub_testing.subject import Subject


@pytest.mark.parametrize(
    "probe", [probes.marimo_socket, probes.marimo_terminal], ids=lambda probe: probe.__name__
)
def test_socket(probe: probes.Probe, subject: Subject) -> None:
    probe(subject.server.client)


def test_page(subject: Subject) -> None:
    probes.page(subject.server.client, "/marimo")


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
