"""Interactive figures as pictures: what a page would draw with a script, paper cannot."""

from __future__ import annotations

import json
from typing import Any

from nbconvert.preprocessors import Preprocessor

PLOTLY = "application/vnd.plotly."
VEGA_LITE = "application/vnd.vegalite."


def plotly(figure: Any) -> str:
    """A figure as plotly's own renderer draws it, in the image's browser."""
    from plotly.io import to_image  # noqa: PLC0415

    drawn: bytes = to_image(figure, format="svg", validate=False)
    return drawn.decode()


def vega_lite(chart: Any) -> str:
    """A chart of altair."""
    from vl_convert import vegalite_to_svg  # noqa: PLC0415

    drawn: str = vegalite_to_svg(chart)
    return drawn


def picture(data: Any) -> str | None:
    """An output as SVG, None when it needs none. `data` is its MIME bundle."""
    if any(kind.startswith("image/") for kind in data):
        return None
    for kind in data:
        if kind.startswith(PLOTLY):
            return plotly(data[kind])
        if kind.startswith(VEGA_LITE):
            return vega_lite(data[kind])
    # altair as it comes: a page that fetches vega-embed and hands it the chart.
    html = "".join(data.get("text/html", ""))
    _, called, chart = html.partition("})({")
    if "vega-embed" in html and called:
        return vega_lite(json.JSONDecoder().raw_decode("{" + chart)[0])
    return None


class StillFigures(Preprocessor):
    """Gives each output that only a script could show its picture instead."""

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """One cell; nbconvert works on a copy of the notebook."""
        for output in cell.get("outputs", ()):
            try:
                drawn = picture(output.get("data", {}))
            except Exception as error:  # one figure that cannot be drawn is no reason for no paper
                self.log.warning("A figure of cell %s is not drawn: %s", index + 1, error)
                continue
            if drawn is not None:
                output["data"]["image/svg+xml"] = drawn
                output["data"].pop("text/html", None)
        return cell, resources
