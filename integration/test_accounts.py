"""From a stranger to a person who is let in, through the published port."""

from jhub_docker.testing.person import Person
from jhub_docker.testing.platforms import Platform


def test_approval_comes_before_login(platform: Platform, admin: Person) -> None:
    person = Person(platform.url, "newcomer")
    assert "has to approve" in person.sign_up().text

    refused = person.log_in()
    assert refused.status_code == 403
    assert "not been authorized" in refused.text
    assert not person.is_logged_in()

    assert admin.approve("newcomer").ok
    person.log_in()
    assert person.is_logged_in()


def test_wrong_password_is_refused(platform: Platform, admin: Person) -> None:
    stranger = Person(platform.url, "admin", "not-the-password")
    assert stranger.log_in().status_code == 403
    assert not stranger.is_logged_in()


def test_nobody_signs_up_as_the_admin(platform: Platform, admin: Person) -> None:
    impostor = Person(platform.url, "admin")
    answer = impostor.sign_up()
    assert answer.status_code == 400
    assert "already in use" in answer.text
    impostor.log_in()
    assert not impostor.is_logged_in()


def test_one_time_password_works_once(platform: Platform, admin: Person) -> None:
    code, output = platform.container("hub").exec_run(
        ["python", "-m", "hub_config", "admin-password"]
    )
    assert code == 3, output


def test_only_the_proxy_is_published(platform: Platform) -> None:
    ports = platform.container("proxy").attrs["NetworkSettings"]["Ports"]
    assert [port for port, bound in ports.items() if bound] == ["8000/tcp"]
    hub = platform.container("hub").attrs["NetworkSettings"]["Ports"]
    assert not [port for port, bound in hub.items() if bound]
