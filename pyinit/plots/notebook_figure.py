"""A figure of Matplotlib that notebooks show and pyplot does not know."""

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, FigureBase

__all__ = ["FigureBase", "NotebookFigure"]


class NotebookFigure(Figure):
    """A figure that a notebook shows as the result of a cell, also if pyplot is not imported.

    Args:
        size: The width and the height, in inches.
    """

    def __init__(self, size: tuple[float, float]) -> None:
        super().__init__(figsize=size, layout="constrained")
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()
