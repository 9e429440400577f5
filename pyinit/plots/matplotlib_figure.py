"""What the figures share: the figure to draw in, colours, axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyinit.arguments import argument_error, is_instance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import FigureBase

#: Colours that remain distinct for colour-blind readers, on light and dark backgrounds: M. Okabe
#: and K. Ito, "Color Universal Design" (2008).
BLUE, ORANGE, GREEN, VERMILION = "#56B4E9", "#E69F00", "#009E73", "#D55E00"
SERIES = ("#0072B2", ORANGE, GREEN, "#CC79A7", VERMILION, BLUE)
MARKERS = "os^Dv<>"


def new_figure(figure: Any, size: tuple[float, float], caller: str) -> FigureBase:
    """Return the figure to draw in.

    Args:
        figure: A figure or a subfigure of Matplotlib, or None for a new figure.
        size: The width and the height of a new figure, in inches.
        caller: The name of the public function, for the message if Matplotlib is missing.

    Raises:
        TypeError: `figure` is neither.
        ImportError: Matplotlib is not installed.
    """
    try:
        from pyinit.plots.notebook_figure import FigureBase, NotebookFigure
    except ImportError as error:
        if error.name != "matplotlib":
            raise
        raise ImportError(
            f"pyinit.{caller}() needs Matplotlib, which is not installed: pip install matplotlib",
            name="matplotlib",
        ) from error
    if figure is None:
        return NotebookFigure(size)
    if not is_instance(figure, FigureBase):
        allowed = "a figure or a subfigure of Matplotlib, or None"
        raise argument_error("figure", figure, allowed, TypeError)
    # a figure or a subfigure: the attribute is the outermost figure
    root: Any = figure.figure
    if root.get_layout_engine() is None:
        root.set_layout_engine("constrained")
    return figure


def style_axes(axes: Axes) -> None:
    """Remove the upper and the right border, and put a light grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize="small")


def count_integers(axis: Axis) -> None:
    """Put the ticks of an axis at integers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
