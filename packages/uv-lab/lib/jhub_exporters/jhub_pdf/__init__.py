"""A notebook as PDF: nbconvert's page, printed by the image's own browser.

It takes the place of nbconvert's `pdf`, which needs TeX, and of `webpdf`, which needs Playwright
and a second Node. Formulas are set by the MathJax in the image: the internet is not asked.

Scripts of the notebook run, and it may be somebody else's: the page may load files, as it does
MathJax, and read none of them.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import jupyter_server_mathjax
from nbconvert.exporters import HTMLExporter
from traitlets import Int, default

from jhub_pdf.still import StillFigures

# On paper nobody scrolls a long line.
WRAPPED = "<style>pre { white-space: pre-wrap; overflow-wrap: anywhere }</style></head>"
MATHJAX = Path(jupyter_server_mathjax.__file__).parent / "static" / "MathJax.js"


class PrintedExporter(HTMLExporter):
    """Prints what the HTML exporter makes."""

    export_from_notebook = "PDF"
    output_mimetype = "application/pdf"

    seconds = Int(120, help="How long the browser may take.").tag(config=True)

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".pdf"

    @default("template_extension")
    def _template_extension_default(self) -> str:
        return ".html.j2"

    @default("template_name")
    def _template_name_default(self) -> str:
        return "webpdf"

    @default("mathjax_url")
    def _mathjax_url_default(self) -> str:
        return f"{MATHJAX.as_uri()}?config=TeX-AMS-MML_HTMLorMML-full,Safe"

    def __init__(self, config: Any = None, **kw: Any) -> None:
        super().__init__(config, **kw)
        # After all others: what a notebook shows is known once it was run.
        self.register_preprocessor(StillFigures(parent=self), enabled=True)

    def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> tuple[bytes, Any]:
        """Raises RuntimeError with the browser's last words when it prints nothing."""
        html, resources = super().from_notebook_node(nb, resources=resources, **kw)
        with tempfile.TemporaryDirectory() as folder:
            page, printed = Path(folder, "page.html"), Path(folder, "page.pdf")
            page.write_text(html.replace("</head>", WRAPPED, 1), encoding="utf-8")
            said = self._print(page, printed, folder)
            if not printed.is_file():
                raise RuntimeError(f"the browser printed nothing: {said[-500:]}")
            return printed.read_bytes(), resources

    def _print(self, page: Path, printed: Path, home: str) -> str:
        """Virtual time: the page's own waiting is skipped, and all that it loads is waited for."""
        command = [
            os.environ.get("BROWSER_PATH", "chromium-headless-shell"),
            # Containers have no user namespaces to build its sandbox of: the container is one.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={home}/profile",
            "--no-pdf-header-footer",
            "--virtual-time-budget=60000",
            f"--print-to-pdf={printed}",
            page.as_uri(),
        ]
        try:
            run = subprocess.run(
                command, capture_output=True, text=True, timeout=self.seconds, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(
                f"the browser took longer than {self.seconds} s to print the notebook"
            ) from error
        return run.stdout + run.stderr
