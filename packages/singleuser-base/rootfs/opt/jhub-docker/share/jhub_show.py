"""The backend of matplotlib where nothing else says one: a script in a terminal. It draws as Agg
does, and `plt.show()` says what to do, since there is no display. Notebooks have their own ones.
"""

import sys

from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

TOLD = (
    'plt.show(): there is no display here. plt.savefig("figure.png") writes the figure to a file, '
    "which a click in the list of files opens; in a notebook it is shown below its cell."
)


class FigureManager(FigureManagerBase):
    """Of a figure that nobody sees."""

    @classmethod
    def pyplot_show(cls, *, block: bool | None = None) -> None:
        """`plt.show()`."""
        print(TOLD, file=sys.stderr)


class FigureCanvas(FigureCanvasAgg):
    """Agg's, with the manager above."""

    manager_class = FigureManager
