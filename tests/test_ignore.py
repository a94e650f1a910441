"""`.dockerignore` read as BuildKit reads it; tests/engine/test_contexts.py asks BuildKit itself."""

import pytest

from jhub_docker.build.ignore import Ignore
from jhub_docker.errors import UsageError
from jhub_testing.dockerignores import CASES, PATHS


@pytest.mark.parametrize(("text", "kept"), CASES.values(), ids=CASES)
def test_files_are_left_out_as_buildkit_leaves_them_out(text: str, kept: set[str]) -> None:
    ignore = Ignore(text)
    assert {path for path in PATHS if not ignore.leaves_out(path)} == kept


@pytest.mark.parametrize("line", ["!", "a[b]", "a\\", "! ", "**foo"])
def test_what_not_all_builders_read_alike_is_refused(line: str) -> None:
    with pytest.raises(UsageError, match=r"box/\.dockerignore: the pattern .* cannot be read"):
        Ignore(f"*\n{line}\n", "box/.dockerignore")
