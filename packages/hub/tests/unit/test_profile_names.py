"""Settings that name a profile nobody offers are told with what there is."""

from hub_config.groups import GroupRules
from hub_config.settings import Settings, reading

OFFER = ("uv-lab-small", "uv-lab-large")


def test_every_setting_that_names_a_profile_is_judged() -> None:
    settings = Settings(
        default_profile="uv-lab",
        sudo_profiles="uv-lab-large, nope",
        gpu_profiles="gone",
        groups={"team": GroupRules(profiles=frozenset({"uv-lab-huge"}))},
    )
    told = reading.unknown_profiles(settings, OFFER)
    assert [sentence.split(",")[0] for sentence in told] == [
        "JHUB_DEFAULT_PROFILE names the profile 'uv-lab'",
        "JHUB_SUDO_PROFILES names the profile 'nope'",
        "JHUB_GPU_PROFILES names the profile 'gone'",
        "groups.team.profiles names the profile 'uv-lab-huge'",
    ]
    assert told[0].endswith("there are: uv-lab-large, uv-lab-small")


def test_known_profiles_and_an_empty_offer_are_no_fault() -> None:
    assert reading.unknown_profiles(Settings(default_profile="uv-lab-small"), OFFER) == []
    assert reading.unknown_profiles(Settings(default_profile="anything"), ()) == []
