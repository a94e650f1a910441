"""What of the platform's handling needs no engine."""

from pathlib import Path

from jhub_docker.platform import unknown_variables
from jhub_docker.platform.compose import from_config

COMPOSE = "environment:\n  JHUB_IDLE_TIMEOUT:\nports: ${JHUB_PORT:-8000}\n"


def test_a_misspelt_variable_is_told_with_the_nearest() -> None:
    found = unknown_variables(["JHUB_IDLE_TIMOUT", "JHUB_PORT", "PATH"], COMPOSE)
    assert found == ["JHUB_IDLE_TIMOUT is no setting; did you mean JHUB_IDLE_TIMEOUT?"]


def test_the_tools_own_variables_are_known() -> None:
    assert unknown_variables(["JHUB_DOCKER_LANE", "JHUB_TEST_TAG"], COMPOSE) == []


def test_services_are_what_compose_declares_with_the_hub_first() -> None:
    config = {
        "name": "demo",
        "services": {
            "guard": {},
            "proxy": {"ports": [{"published": "80", "host_ip": "127.0.0.1"}]},
            "hub": {
                "image": "local/hub",
                "environment": {"JHUB_BASE_URL": "/team/", "JHUB_NB_UID": None},
                "volumes": [{"source": "data", "target": "/srv/jupyterhub"}],
            },
        },
        "volumes": {"data": {"name": "demo_data"}},
    }
    platform = from_config(Path(), config)
    assert platform.services == ("hub", "proxy", "guard")
    assert platform.hub_environment == {"JHUB_BASE_URL": "/team/"}
    assert (platform.port, platform.data_volume) == (80, "demo_data")
