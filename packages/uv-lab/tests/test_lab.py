"""JupyterLab's launcher, extensions and stack.

That its page opens and what is behind it works is in the contract; what VS Code has to do is in the
tests of code-server, which this image inherits.
"""

from jhub_docker.host import machine
from jhub_testing import probes
from jhub_testing.kernel import Kernel
from jhub_testing.subject import Subject


def test_launcher_entries(subject: Subject) -> None:
    assert probes.proxied(subject.server.client) >= {"marimo", "vscode"}


def test_lab_extensions_load(subject: Subject) -> None:
    listing = subject.server.run(["jupyter", "labextension", "list"])
    for name in ("@jupyter-widgets/jupyterlab-manager", "@jupyterlab/git", "jupyterlab-lsp"):
        assert name in listing, listing
    assert " X" not in listing, listing


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


PROJECT_KERNEL = "pyproject_local_kernel"

STACK = (
    "altair",
    "duckdb",
    "ipywidgets",
    "matplotlib.pyplot",
    "numpy",
    "pandas",
    "plotly.express",
    "polars",
    "pyarrow.parquet",
    "scipy.stats",
    "seaborn",
    "sklearn.linear_model",
    "sqlalchemy",
    "statsmodels.api",
)


def test_stack_imports_in_a_kernel(subject: Subject) -> None:
    with Kernel(subject.server.client) as kernel:
        for module in STACK:
            kernel.execute(f"import {module}")


def test_project_in_the_home_is_a_kernel(subject: Subject) -> None:
    """A uv project's own environment runs its notebooks, from the launcher's one entry for it.

    Adds a package from the real index, since that is what a project's kernel does.
    """
    with subject.booted(trust=machine.ca_bundle()) as server:
        kernels = server.client.get("api/kernelspecs").json()["kernelspecs"]
        assert PROJECT_KERNEL in kernels, f"only these kernels are offered: {list(kernels)}"
        server.run(["sh", "-euc", "cd; uv init -q p; cd p; uv add -q ipykernel"])
        with Kernel(server.client, PROJECT_KERNEL, folder="p") as kernel:
            prefix = kernel.execute("import sys; print(sys.prefix)").strip()
    assert prefix.startswith("/home/nebula/"), f"the project's notebook runs in {prefix}"
