"""VS Code behind Jupyter Server's proxy, in every image that has code-server.

Extensions are the subject of uv-vscode's own tests.
"""

from jhub_testing import probes, slow_editor
from jhub_testing.subject import Subject
from jhub_testing.vscode import VsCodeTerminal


def test_page(subject: Subject) -> None:
    probes.page(subject.server.client, "/vscode/")


def test_socket_opens_and_shakes_hands(subject: Subject) -> None:
    probes.vscode_socket(subject.server.client)


def test_an_editor_is_shown_as_soon_as_it_answers(subject: Subject) -> None:
    slow_editor.is_shown(subject)


def test_launcher_entry(subject: Subject) -> None:
    assert "vscode" in probes.proxied(subject.server.client)


def test_a_terminal_and_the_interpreter_see_ones_own_packages(subject: Subject) -> None:
    own = subject.server.environment()["JHUB_PACKAGES"]
    with VsCodeTerminal(subject.server.client) as terminal:
        terminal.run("python -c 'import sys; print(\"on\", sys.prefix)'", f"on {own}")
    settings = subject.server.run(["cat", "/opt/code-server/settings.json"])
    assert '"${env:JHUB_PACKAGES}/bin/python"' in settings, settings
