"""marimo's launcher entry, and the stack that notebooks import; its page is in the contract."""

from jhub_testing import probes, slow_editor
from jhub_testing.marimo import MarimoSession
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


PROJECT = """
cd && uv init -q project && cd project && uv venv -q
packages=$(echo .venv/lib/python3.*/site-packages)
echo "ANSWER = 'the project'" >$packages/ours.py
echo "ANSWER = 'the project'" >$packages/numpy.py
printf 'import marimo\\n\\napp = marimo.App()\\n\\n\\n@app.cell\\ndef _():\\n    return\\n' >n.py
"""


def test_a_notebook_in_a_project_runs_on_it(subject: Subject) -> None:
    """On its packages before the image's, and on none of these beside marimo's own."""
    subject.server.run(["sh", "-euc", PROJECT])
    with MarimoSession(subject.server.client, "project/n.py") as notebook:
        asked = "import importlib.util as u, sys, ours, numpy; sorted({ours.ANSWER, numpy.ANSWER})"
        said = notebook.compute(f"{asked} + [sys.prefix, u.find_spec('polars') is None]")
    assert "the project" in said, said
    assert "/home/nebula/project/.venv" in said, said
    assert "true" in said.lower(), said
