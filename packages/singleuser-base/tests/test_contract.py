"""The contract of single-user images; run for each image that stands on this base.

This image alone has no server and so nothing to check: `pytest --image uv-lab` runs it.
"""

import pytest

from jhub_testing.contract import CHECKS, Check
from jhub_testing.subject import Subject


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check: Check, subject: Subject) -> None:
    assert subject.being_read  # while the others boot servers
    check(subject)
