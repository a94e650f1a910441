"""What Python in VS Code finds: the image's packages, by the interpreter of one's own."""

from jhub_testing.subject import Subject
from jhub_testing.waiting import wait_until

STACK = (
    "debugpy, duckdb, ipykernel, ipywidgets, lxml.etree, matplotlib.pyplot, numpy, polars, psycopg,"
    " pyarrow.parquet, pytest, sqlalchemy, tqdm"
)


def test_stack(subject: Subject) -> None:
    own = subject.server.environment()["JHUB_PACKAGES"]
    subject.server.run(["my-packages", "refresh"])
    excel = "pandas as p; p.DataFrame({'x': [1]}).to_excel('/tmp/x.xlsx')"
    program = f"import {STACK}; import {excel}; import sys; print(sys.prefix)"
    assert subject.server.run([f"{own}/bin/python", "-c", program]).strip() == own


def test_a_new_home_has_a_welcome(subject: Subject) -> None:
    welcomed = ["grep", "-q", "my-packages reset", "/home/nebula/README.md"]
    wait_until(lambda: not subject.server.attempt(welcomed)[0], "the home to get its welcome")
