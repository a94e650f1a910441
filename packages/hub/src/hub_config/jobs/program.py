"""What runs in the container of a job: `python -I -c <this file> '{"name": …, "file": …}'` for a
scheduled run, `{"app": …, "file": …}` for a published application.

It goes along with the start, so that any image will do and none has to be built anew for it: the
standard library only, but for notebooks, which nbclient of the image executes. What is kept of a
run is in the home, `~/runs/<name>/<date>/`: `log.txt`, the notebook with what its cells said and as
a page, and `result.json` when it is over.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

KEPT = 30
"""Folders of a job's runs; older ones are removed."""

LOOKS = 2
"""How often the hub asks whether a server answers before it takes it for running. A program that is
over sooner would look like a server that does not come up."""

PATIENCE = 600.0
"""Seconds to wait for them."""

LOG_BYTES = 5 * 2**20
"""An application's log is begun anew at a start when it is longer."""

MESSAGE_BYTES = 256 * 2**20
"""What a websocket's message may have, as in servers."""

WHOLE_PATHS = "--absolute-url"

WITH_PACKAGES = "/opt/jhub-docker/bin/with-my-packages"

looks = threading.Semaphore(0)


class Answer(BaseHTTPRequestHandler):
    """Tells hub and engine that this container is up."""

    def do_GET(self) -> None:
        """The same for every path."""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(b"A scheduled run is under way here.\n")
        if self.path.endswith("/api") and self.client_address[0] != "127.0.0.1":
            looks.release()

    def log_message(self, *_: object) -> None:
        """The log is the run's."""


def is_marimo(file: Path) -> bool:
    """Whether it is a marimo notebook. Raises OSError."""
    return file.suffix == ".py" and "marimo.App(" in file.read_text("utf-8", "replace")


def python() -> str:
    """The one that sees one's own packages, where there are some."""
    own = Path(os.environ.get("JHUB_PACKAGES", "/nowhere"), "bin/python")
    return str(own) if own.exists() else sys.executable


def marimo(*arguments: str) -> list[str]:
    """What runs marimo. Raises ValueError where neither image nor one's own packages have it."""
    lacks = "from importlib.util import find_spec; raise SystemExit(find_spec('marimo') is None)"
    if subprocess.run([python(), "-c", lacks], check=False).returncode:
        raise ValueError("This profile has no marimo: choose one with marimo or JupyterLab")
    return [WITH_PACKAGES, "marimo", *arguments]


def application(file: Path) -> list[str]:
    """What serves `file`, with `{port}` and `{base_url}` for where, after an option of the proxy's
    for those that know paths with all that comes before theirs. Raises ValueError, OSError.
    """
    name, port = str(file), "--port={port}"
    if is_marimo(file):
        command = marimo("run", name, "--headless", "--no-token", "--no-sandbox")
        return [WHOLE_PATHS, "--", *command, port, "--base-url={base_url}"]
    if file.suffix == ".ipynb":
        voila = [python(), "-m", "voila", name, port, "--no-browser", "--base_url={base_url}/"]
        return [WHOLE_PATHS, "--", *voila]
    if file.suffix == ".sh":
        return ["--", "env", "PORT={port}", "BASE_URL={base_url}", "bash", name]
    if file.suffix != ".py":
        raise ValueError(f"{file.name} is no notebook (.ipynb), .py or .sh")
    if re.search(r"^\s*(import|from) streamlit", file.read_text("utf-8", "replace"), re.MULTILINE):
        # The hub's log-in comes before its own checks.
        checks = ["--server.enableCORS=false", "--server.enableXsrfProtection=false"]
        server = [
            "--server.port={port}",
            "--server.headless=true",
            "--server.baseUrlPath={base_url}",
        ]
        quiet = "--browser.gatherUsageStats=false"
        streamlit = [python(), "-m", "streamlit", "run", name, *server, *checks, quiet]
        return [WHOLE_PATHS, "--", *streamlit]
    return ["--", python(), "-m", "uvicorn", f"{file.stem}:app", port, "--root-path={base_url}"]


def publish(app: str, file: str, *, public: bool) -> int:
    """Serve an application behind the hub's log-in until it ends; its log is in the home."""
    log = Path.home() / "apps" / app / "log.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.unlink()
    source = Path.home() / file
    proxy = [str(Path(sys.executable).with_name("jupyter-standaloneproxy")), "--timeout=120"]
    proxy += [f"--websocket-max-message-size={MESSAGE_BYTES}"]
    proxy += ["--activity-interval=0", *(["--no-authentication"] if public else [])]
    try:
        return followed([*proxy, *application(source)], source.parent, log)
    except (OSError, ValueError) as error:
        print(error)
        return 2


def command(file: Path, folder: Path) -> list[str]:
    """What runs `file`, with its results in `folder`. Raises ValueError."""
    if not file.is_file():
        raise ValueError(f"There is no file {file}")
    page = str(folder / f"{file.stem}.html")
    if file.suffix == ".ipynb":
        this = sys.orig_argv[sys.orig_argv.index("-c") + 1]
        copy = str(folder / file.name)
        return [sys.executable, "-I", "-c", this, "notebook", str(file), copy, page]
    if is_marimo(file):
        return marimo("export", "html", str(file), "-o", page, "--no-sandbox")
    if file.suffix == ".py":
        return [python(), "-u", str(file)]
    if file.suffix == ".sh":
        return ["bash", str(file)]
    raise ValueError(f"{file.name} is no notebook (.ipynb), .py or .sh")


def notebook(source: str, copy: str, page: str) -> int:
    """Execute a notebook and keep it with what its cells said, whatever becomes of it."""
    try:
        import nbformat  # noqa: PLC0415
        from nbclient import NotebookClient  # noqa: PLC0415
        from nbconvert import HTMLExporter  # noqa: PLC0415
    except ImportError as error:
        print(f"This profile cannot run notebooks ({error}): choose one with JupyterLab.")
        return 2
    try:
        found: Any = nbformat.read(source, as_version=4)
    except Exception as error:  # nbformat's own, and whatever its upgrades of old ones meet
        print(f"{source} cannot be read as a notebook: {error}")
        return 2
    place = {"metadata": {"path": str(Path(source).parent)}}
    code = 0
    try:
        NotebookClient(found, timeout=None, resources=place).execute()
    except Exception as error:  # whatever a cell or the kernel ends with is the run's end
        print(re.sub(r"\x1b\[[0-9;]*m", "", str(error)))  # no colours: it is sent as text, too
        code = 1
    nbformat.write(found, copy)
    Path(page).write_text(HTMLExporter().from_notebook_node(found)[0], encoding="utf-8")
    return code


def followed(arguments: list[str], folder: Path, log: Path) -> int:
    """Run a program in `folder`; what it says is in the log and on our own output. Its exit code,
    as a shell has it.
    """
    with log.open("ab") as kept:
        program = subprocess.Popen(
            arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output = program.stdout

        def copy() -> None:
            while output and (part := os.read(output.fileno(), 65536)):
                kept.write(part)
                kept.flush()
                sys.stdout.buffer.write(part)
                sys.stdout.buffer.flush()

        # A thread: what the program left running in the background may keep the pipe open.
        copying = threading.Thread(target=copy, daemon=True)
        copying.start()
        code = program.wait()
        copying.join(5)
    return 128 - code if code < 0 else code


def run(name: str, file: str, stamp: str) -> int:
    """One run, from its folder to its result."""
    home = Path.home()
    runs = home / "runs" / name
    folder = runs / stamp
    folder.mkdir(parents=True, exist_ok=True)
    log, source = folder / "log.txt", home / file
    latest = runs / "latest"
    if latest.is_symlink() or not latest.exists():
        latest.unlink(missing_ok=True)
        latest.symlink_to(stamp)
    try:
        code = followed(command(source, folder), source.parent, log)
    except (OSError, ValueError) as error:
        print(error)
        log.write_text(f"{error}\n", encoding="utf-8")
        code = 2
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    result = {"file": file, "started": stamp, "ended": ended, "exit_code": code}
    (folder / "result.json").write_text(json.dumps(result) + "\n", encoding="utf-8")
    whole = sorted(one.parent for one in runs.glob("*/result.json") if one.parent != latest)
    for old in whole[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return code


def main() -> int:
    """The run, the notebook of one, or the application."""
    if sys.argv[1] == "notebook":
        return notebook(*sys.argv[2:5])
    what = json.loads(sys.argv[1])
    # Ours is to note the end; tini tells the program itself.
    signal.signal(signal.SIGTERM, lambda *_: None)
    port = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"]).port or 80
    if "app" in what:
        return publish(**what)
    server = ThreadingHTTPServer(("0.0.0.0", port), Answer)  # noqa: S104  hub and proxy ask
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code = run(**what)
    for _ in range(LOOKS):
        looks.acquire(timeout=PATIENCE)
    return code


if __name__ == "__main__":
    sys.exit(main())
