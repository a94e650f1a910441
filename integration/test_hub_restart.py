"""The hub can go away: running servers answer all the while, and it finds them again."""

import subprocess

from jhub_docker.testing.kernel import Kernel
from jhub_docker.testing.person import MakePerson
from jhub_docker.testing.platforms import Platform
from jhub_docker.testing.waiting import wait_until


def test_servers_answer_during_a_restart(make_person: MakePerson, platform: Platform) -> None:
    person = make_person("patient").choose("uv-lab-small")
    (container,) = platform.servers("patient")
    with Kernel(person.server) as kernel:
        kernel.execute("count = 0")
        restart = subprocess.Popen(["docker", "restart", platform.container("hub").name or ""])
        answers = 0
        while restart.poll() is None:
            assert person.server.get("api").status_code == 200
            answers += 1
            assert kernel.execute("count += 1; count") == str(answers)
        assert restart.returncode == 0
        assert answers, "nothing was asked during the restart"
        platform.wait_until_open()
        assert kernel.execute("count") == str(answers)
    body = {"type": "file", "format": "text", "content": "kept"}
    assert person.server.put("api/contents/kept.txt", json=body).ok

    assert person.is_logged_in()
    user = wait_until(lambda: person.hub.get("api/users/patient").json(), 30, "the hub's API")
    assert user["server"], "the restarted hub does not know the running server"
    (after,) = platform.servers("patient")
    assert after.id == container.id, "the server was started anew"

    person.stop()
    assert not platform.servers("patient")
    person.choose("uv-lab-small")
    assert person.server.get("api/contents/kept.txt").json()["content"] == "kept"
