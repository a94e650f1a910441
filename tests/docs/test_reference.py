"""docs/commands.md says of every task and session what they say of themselves, and docs/doctor.md
has what the doctor says of every code."""

import os
import re
from pathlib import Path

from jhub_docker.doctor.findings import CODES
from jhub_docker.doctor.fixing import FIXES
from jhub_testing import reference
from jhub_testing.isolation.cases import WRITE_VARIABLE

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_tasks_and_sessions_declare() -> None:
    page, expected = ROOT / "docs/commands.md", reference.page(ROOT)
    if os.environ.get(WRITE_VARIABLE):
        page.write_text(expected, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == expected, f"run {WRITE_VARIABLE}=1 ./dev nox -s docs"


def test_every_code_of_the_doctor_has_its_section_which_it_is_read_from() -> None:
    headings = re.findall(r"^## (\w+) ", (ROOT / "docs/doctor.md").read_text("utf-8"), re.MULTILINE)
    assert headings == sorted(CODES)
    assert {code for code, known in CODES.items() if known.fix} == FIXES.keys()


def test_every_code_can_be_found_and_no_other() -> None:
    sources = (ROOT / "src/jhub_docker/doctor").glob("*.py")
    used = {
        code
        for source in sources
        if source.name != "findings.py"
        for code in re.findall(r'"(JD\d{3})"', source.read_text("utf-8"))
    }
    assert used == set(CODES)
