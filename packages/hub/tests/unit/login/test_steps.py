"""What a log-in still lacks, in order."""

import pytest

from hub_config.login.sessions import Demands, Step, fingerprint, next_step


@pytest.mark.parametrize(
    ("code", "new_password", "enrolment", "code_given", "step"),
    [
        (False, False, False, False, Step.DONE),
        (True, False, False, False, Step.CODE),
        (True, False, False, True, Step.DONE),
        (True, True, False, False, Step.CODE),
        (True, True, False, True, Step.PASSWORD),
        (False, True, True, False, Step.PASSWORD),
        (False, False, True, False, Step.ENROL),
    ],
)
def test_the_first_step_not_done_is_next(
    code: bool, new_password: bool, enrolment: bool, code_given: bool, step: Step
) -> None:
    demands = Demands(code=code, new_password=new_password, enrolment=enrolment)
    assert next_step(demands, code_given=code_given) is step


def test_another_password_voids_a_login_under_way() -> None:
    assert fingerprint(b"$2b$one") != fingerprint(b"$2b$two")
    assert b"one" not in fingerprint(b"$2b$one").encode()
