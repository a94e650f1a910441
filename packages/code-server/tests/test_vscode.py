"""VS Code behind Jupyter Server's proxy, in every image that has code-server.

Extensions are the subject of uv-vscode's own tests.
"""

import re

from jhub_testing import probes, slow_editor
from jhub_testing.subject import Subject
from jhub_testing.vscode import VsCodeTerminal


def test_page(subject: Subject) -> None:
    probes.page(subject.server.client, "/vscode/")


def test_socket_opens_and_shakes_hands(subject: Subject) -> None:
    probes.vscode_socket(subject.server.client)


def test_an_editor_is_shown_as_soon_as_it_answers(subject: Subject) -> None:
    slow_editor.is_shown(subject)


def test_a_gallery_out_of_reach_is_told_in_words(subject: Subject) -> None:
    page = probes.page(subject.server.client, "/vscode/")
    found = re.search(r"(stable|oss)-[0-9a-f]{40}", page)
    assert found, page[:300]
    texts = subject.server.client.get(f"vscode/{found[0]}/static/out/nls.messages.js")
    assert texts.ok, texts.url
    assert "install an extension from a .vsix file of your home" in texts.text
    assert "Error while fetching extensions" not in texts.text


def test_launcher_entry(subject: Subject) -> None:
    assert "vscode" in probes.proxied(subject.server.client)


def test_a_terminal_and_the_interpreter_see_ones_own_packages(subject: Subject) -> None:
    own = subject.server.environment()["JHUB_PACKAGES"]
    with VsCodeTerminal(subject.server.client) as terminal:
        terminal.run("python -c 'import sys; print(\"on\", sys.prefix)'", f"on {own}")
    settings = subject.server.run(["cat", "/opt/code-server/settings.json"])
    assert '"${env:JHUB_PACKAGES}/bin/python"' in settings, settings
