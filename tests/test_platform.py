"""What of the platform's handling needs no engine."""

from jhub_docker.platform import unknown_variables

COMPOSE = "environment:\n  JHUB_IDLE_TIMEOUT:\nports: ${JHUB_PORT:-8000}\n"


def test_a_misspelt_variable_is_told_with_the_nearest() -> None:
    found = unknown_variables(["JHUB_IDLE_TIMOUT", "JHUB_PORT", "PATH"], COMPOSE)
    assert found == ["JHUB_IDLE_TIMOUT is no setting; did you mean JHUB_IDLE_TIMEOUT?"]


def test_the_tools_own_variables_are_known() -> None:
    assert unknown_variables(["JHUB_DOCKER_LANE", "JHUB_TEST_TAG"], COMPOSE) == []
