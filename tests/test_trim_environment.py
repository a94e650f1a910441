"""What `trim-environment` of build-tools takes out of an environment, and what it leaves."""

import subprocess
from pathlib import Path

import pytest

TRIM = Path(__file__).parents[1] / "packages/build-tools/trim-environment"


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("import json", False),
        ("from .tests import run", True),
        ("from part.tests.util import functions", True),
        ("import part.tests", True),
        ("from . import core, tests", True),
        ("def check():\n    from .tests import run", False),
        ("from other.tests import run", False),
    ],
)
def test_a_package_keeps_its_tests_only_where_it_imports_them(
    tmp_path: Path, code: str, kept: bool
) -> None:
    package = tmp_path / "lib/python3.11/site-packages/part"
    (package / "tests").mkdir(parents=True)
    (package / "__init__.py").write_text(code, encoding="utf-8")
    (package / "tests/test_part.py").write_text("from part.tests import it", encoding="utf-8")
    subprocess.run([TRIM, tmp_path], check=True)
    assert (package / "tests").is_dir() is kept
