"""What of a release that was begun is there to go on with."""

from jhub_docker.release import candidate
from jhub_docker.release.candidate import Candidate, Workplace
from jhub_testing.little_checkouts import Checkout


def begun(start: str, recorded: str = "") -> Candidate:
    return Candidate(image="thing", version="0.2.0", start=start, commit=start, recorded=recorded)


def test_a_release_of_another_branch_is_finished(checkout: Checkout) -> None:
    start = checkout.commit("begin")
    recorded = checkout.commit("Record thing 0.2.0")
    place = Workplace(checkout.root, "thing", "0.2.0")
    place.save(begun(start, recorded))
    checkout.git("switch", "-q", "-c", "fix", start)
    assert candidate.unfinished(checkout.root, "thing") == []
    checkout.git("branch", "-D", "main")
    assert [one.version for _, one in candidate.unfinished(checkout.root, "thing")] == ["0.2.0"]


def test_records_are_kept_in_their_order(checkout: Checkout) -> None:
    """The index's come first, since its signature is the last thing written."""
    place = Workplace(checkout.root, "thing", "0.2.0")
    place.save(begun(""))
    place.keep_records({"sha256:f": {"p": {}}, "sha256:0": {"b": {"a": 1}}})
    assert list(place.load_records()) == ["sha256:f", "sha256:0"]
