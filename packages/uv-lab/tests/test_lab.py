"""JupyterLab's launcher, extensions and stack.

That its page opens and what is behind it works is in the contract; what VS Code has to do is in the
tests of code-server, which this image inherits.
"""

import pytest

from jhub_docker.host import machine
from jhub_testing import probes
from jhub_testing.kernel import Kernel
from jhub_testing.subject import Subject
from jhub_testing.waiting import PATIENCE, wait_until


def test_launcher_entries(subject: Subject) -> None:
    assert probes.proxied(subject.server.client) >= {"marimo", "vscode"}


@pytest.mark.parametrize("path", ["/lab", "/marimo/"])
def test_scripts_are_compressed_and_kept(path: str, subject: Subject) -> None:
    probes.static_files(subject.server.client, path)


def test_what_stands_for_plotlys_renderer_says_the_same_of_itself(subject: Subject) -> None:
    """`plotly-late.js` repeats what plotly's own extension declares."""
    folder = f"{subject.environment}/share/jupyter/labextensions/jupyterlab-plotly/static"
    script = f"cd {folder}; grep -o 'id:\"@jupyterlab/plotly.*defaultFor:[^}}]*' [0-9]*.js"
    declared = subject.server.run(["sh", "-euc", script])
    assert 'id:"@jupyterlab/plotly-extension:factory"' in declared, declared
    assert 'rank:2,dataType:"json"' in declared, declared
    assert 'extensions:[".plotly",".plotly.json"]' in declared, declared
    assert subject.server.run(["sh", "-euc", f"cd {folder}; grep -l Late remoteEntry.*.js"])


def test_lab_extensions_load(subject: Subject) -> None:
    listing = subject.server.run(["jupyter", "labextension", "list"])
    for name in ("@jupyter-widgets/jupyterlab-manager", "@jupyterlab/git", "jupyterlab-lsp"):
        assert name in listing, listing
    assert " X" not in listing, listing


PATIENCE_OF_THE_SERVER = """
import asyncio, sys
from jupyter_core.application import JupyterApp
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

app = JupyterApp.instance()  # whose configuration the file changes
app.load_config_file()
from jhub_proxy import sockets

def connection(*, request, **_):
    print(AsyncMappingKernelManager(config=app.config).kernel_info_timeout, request.request_timeout)
    sys.exit()

class Handler:
    unix_socket, _requested_subprotocols = None, []
    def proxy_request_headers(self):
        return {}

sockets.Connection = connection
asyncio.run(sockets._connect(Handler(), "ws://127.0.0.1:1/"))
"""


def test_kernels_and_sockets_have_minutes_to_come_up(subject: Subject) -> None:
    """On a busy machine they need more than Jupyter's one minute and Tornado's 20 seconds."""
    said = subject.server.run(["/opt/venv/bin/python", "-c", PATIENCE_OF_THE_SERVER])
    assert [float(one) for one in said.split()] == [PATIENCE, PATIENCE]


def test_widget_answers(subject: Subject) -> None:
    code = "import ipywidgets as w; s = w.IntSlider(value=3); s.comm.comm_id and s.value * 14"
    with Kernel(subject.server.client) as kernel:
        assert kernel.execute(code) == "42"


def test_language_server_answers(subject: Subject) -> None:
    status = subject.server.client.get("lsp/status").json()
    assert status["sessions"], f"no language server is offered: {status}"


def test_git_answers(subject: Subject) -> None:
    answer = subject.server.client.get("git/settings")
    assert answer.status_code == 200, f"jupyterlab-git: {answer.status_code} {answer.text[:300]}"
    assert answer.json()["gitVersion"], answer.text


def test_nbconvert_makes_html(subject: Subject) -> None:
    notebook = (
        '{"cells":[{"cell_type":"code","metadata":{},"source":"6*7","outputs":[],'
        '"execution_count":null}],"metadata":{},"nbformat":4,"nbformat_minor":4}'
    )
    script = f"cd; echo '{notebook}' >n.ipynb; jupyter nbconvert --execute --to html n.ipynb"
    server = subject.server
    server.run(["sh", "-euc", script])
    assert "<pre>42</pre>" in server.run(["sh", "-c", "cat ~/n.html"])


def test_the_welcome_of_a_new_home_runs(subject: Subject) -> None:
    server = subject.server
    welcomed = ["test", "-s", "/home/nebula/Welcome.ipynb"]
    wait_until(lambda: not server.attempt(welcomed)[0], "the home to get its welcome")
    run = "cd; jupyter nbconvert --execute --stdout --to markdown Welcome.ipynb"
    said = server.run(["sh", "-euc", run])
    assert server.environment()["JHUB_PACKAGES"] in said, said
    assert server.environment()["JUPYTERHUB_SERVICE_PREFIX"] + "proxy/8000/" in said, said
    assert "Shared memory" in said, said


def test_the_menu_offers_the_formats_that_work(subject: Subject) -> None:
    offered = set(subject.server.client.get("api/nbconvert").json())
    assert offered >= {"html", "markdown", "notebook", "pdf", "script", "slides"}
    assert not offered & {"asciidoc", "latex", "qtpdf", "qtpng", "rst", "webpdf"}


REMOVES_ALL = ".then(it => it.text()).then(() => document.body.remove())</script>"


def test_a_notebook_is_printed_with_formulas_figures_and_chinese(subject: Subject) -> None:
    """What is on the paper shows by its fonts: formulas are set in one with serifs."""
    client = subject.server.client
    figure = {"data": [{"type": "bar", "x": [1], "y": [2]}], "layout": {"title": {"text": "चित्र"}}}
    shown = {"application/vnd.plotly.v1+json": figure, "text/html": "<script>draw()</script>"}
    output = {"output_type": "display_data", "metadata": {}, "data": shown}
    code = {"cell_type": "code", "source": "draw()", "outputs": [output], "execution_count": 1}
    # A stranger's notebook: one figure that nobody can draw, and a script that reads a file.
    odd = "vega-embed })({ no JSON<script>fetch('file:///etc/passwd')" + REMOVES_ALL
    strange = {**output, "data": {"text/html": odd}}
    code["outputs"] = [output, strange]
    text = {"cell_type": "markdown", "source": "# 报告\n\n$$\\int_0^\\infty e^{-x^2} dx$$"}
    cells = [{"metadata": {}, **text}, {"metadata": {}, **code}]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    body = {"type": "notebook", "content": notebook}
    assert client.put("api/contents/paper.ipynb", json=body).ok
    answer = client.get("nbconvert/pdf/paper.ipynb")
    assert answer.status_code == 200, answer.text[-500:]
    assert answer.content.startswith(b"%PDF-")
    assert b"WenQuanYiMicroHei" in answer.content, "no Chinese"
    assert b"DejaVuSerif" in answer.content, "no formula"
    assert b"FreeS" in answer.content, "no figure: its title alone is in Devanagari"


PROJECT_KERNEL = "pyproject_local_kernel"


def test_project_in_the_home_is_a_kernel(subject: Subject) -> None:
    """A uv project's own environment runs its notebooks, from the launcher's one entry for it.

    Adds a package from the real index, since that is what a project's kernel does.
    """
    with subject.booted(trust=machine.ca_bundle()) as server:
        kernels = server.client.get("api/kernelspecs").json()["kernelspecs"]
        assert set(kernels) == {"python3", PROJECT_KERNEL}, f"these are offered: {list(kernels)}"
        server.run(["sh", "-euc", "cd; uv init -q p; cd p; uv add -q ipykernel"])
        with Kernel(server.client, PROJECT_KERNEL, folder="p") as kernel:
            prefix = kernel.execute("import sys; print(sys.prefix)").strip()
    assert prefix.startswith("/home/nebula/"), f"the project's notebook runs in {prefix}"
