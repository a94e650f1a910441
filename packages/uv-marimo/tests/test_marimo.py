"""marimo's launcher entry, and the stack that notebooks import; its page is in the contract."""

from jhub_testing import probes, slow_editor
from jhub_testing.subject import Subject
from jhub_testing.waiting import wait_until


def test_an_editor_is_shown_as_soon_as_it_answers(subject: Subject) -> None:
    slow_editor.is_shown(subject)


def test_launcher_entry(subject: Subject) -> None:
    assert probes.proxied(subject.server.client) >= {"marimo"}


STACK = (
    "altair, anywidget, duckdb, lxml.etree, marimo, matplotlib.pyplot, numpy, plotly.express",
    "psycopg, pyarrow.parquet, pymysql, sqlalchemy, tqdm, xlsxwriter",
    "pandas as p; p.DataFrame({'x': [1]}).to_excel('/tmp/x.xlsx'); p.read_excel('/tmp/x.xlsx')",
    "polars as p; assert p.read_excel('/tmp/x.xlsx').height == 1",
)


def test_stack(subject: Subject) -> None:
    program = "\n".join(f"import {line}" for line in STACK)
    subject.server.run([f"{subject.environment}/bin/python", "-c", program])


def test_scripts_are_compressed_and_kept(subject: Subject) -> None:
    probes.static_files(subject.server.client, "/marimo/")


def test_sql_cell(subject: Subject) -> None:
    program = "import marimo as mo; print(mo.sql('select 41 + 1 as answer', output=False))"
    assert "42" in subject.server.run([f"{subject.environment}/bin/python", "-c", program])


WELCOME = "/home/nebula/welcome.py"
WELCOMED = ["test", "-s", WELCOME]


def test_examples_and_the_welcome_run(subject: Subject) -> None:
    server = subject.server
    wait_until(lambda: not server.attempt(WELCOMED)[0], "the home to get its welcome")
    examples = server.run(["find", "/opt/examples", WELCOME, "-name", "*.py"]).split()
    assert examples, "the image has no examples"
    for example in examples:
        server.run([f"{subject.environment}/bin/python", example])
