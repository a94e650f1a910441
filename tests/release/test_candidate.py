"""What of a release that was begun is there to go on with."""

from jhub_docker.release import candidate
from jhub_docker.release.candidate import Candidate, Workplace
from jhub_testing.little_checkouts import Checkout


def test_a_release_of_another_branch_is_finished(checkout: Checkout) -> None:
    start = checkout.commit("begin")
    recorded = checkout.commit("Record thing 0.2.0")
    place = Workplace(checkout.root, "thing", "0.2.0")
    place.save(Candidate("thing", "0.2.0", start, start, 0, recorded=recorded))
    checkout.git("switch", "-q", "-c", "fix", start)
    assert candidate.unfinished(checkout.root, "thing") == []
    checkout.git("branch", "-D", "main")
    assert [one.version for _, one in candidate.unfinished(checkout.root, "thing")] == ["0.2.0"]
