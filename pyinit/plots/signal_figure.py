"""`plot_signal()`: the spread of activations and gradients by depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pyinit.dtypes import AnyArray
from pyinit.plots.matplotlib_figure import MARKERS, SERIES, count_integers, new_figure, style_axes
from pyinit.plots.signal_propagation import SignalPropagation, signal_propagation

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase
    from matplotlib.legend import Legend

_SIZE = (9.6, 4.4)
#: The range that is always shown.
_LOW, _HIGH = 0.1, 10.0
#: The range of the values that are drawn: beyond it, the margins of the axes overflow.
_SMALLEST, _LARGEST = 1e-250, 1e250


def plot_signal(
    initializers: Any,
    *,
    depth: int = 50,
    width: int = 256,
    activation: str = "relu",
    batch_size: int = 64,
    seed: int = 1,
    figure: Any = None,
) -> Figure:
    """Plot how a signal and its gradient spread through a stack of dense layers.

    Draws the numbers of `signal_propagation()`, which defines them: the standard deviation of the
    activations and of the gradients by depth, on a logarithmic scale. Values of 0, and others
    below 1e-250 or above 1e250, are left out.

    Args:
        initializers: An initializer, anything else that `get()` accepts, a list of these, or a
            dictionary of them by label. Seeds of their own are not used.
        depth: The number of layers: a positive integer.
        width: The number of units of each layer: a positive integer.
        activation: `"linear"`, `"relu"`, `"leaky_relu"` (of slope 0.2 below 0), `"elu"`, `"selu"`,
            `"silu"`, `"tanh"` or `"sigmoid"`, as in Keras.
        batch_size: The number of rows of the input: a positive integer.
        seed: An integer from -2**63 to 2**64 - 1.
        figure: The figure or subfigure of Matplotlib to draw in, which gets the constrained layout
            if it has none. None makes a new figure.

    Returns:
        The figure: a `matplotlib.figure.Figure`, or `figure`. See `plot()` for how to show it.

    Raises:
        ValueError: An argument is invalid, or an initializer cannot fill the shape of a kernel.
        TypeError: `figure` is not one of Matplotlib.
        ImportError: Matplotlib is not installed.

    Example:
        >>> import pyinit
        >>> figure = pyinit.plot_signal(["he_normal", "glorot_normal"], depth=10, width=64)
        >>> [axes.get_title("left") for axes in figure.axes]
        ['activations', 'gradients']

    Source: Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html; He et al. 2015,
    https://arxiv.org/abs/1502.01852
    """
    target = new_figure(figure, _SIZE, "plot_signal")
    found = signal_propagation(
        initializers,
        depth=depth,
        width=width,
        activation=activation,
        batch_size=batch_size,
        seed=seed,
    )
    axes = target.subplots(1, 2, sharex=True)
    _draw(axes[0], "activations", found, found.activations)
    _draw(axes[1], "gradients", found, found.gradients)
    axes[0].set_ylabel("standard deviation", fontsize="small")
    title = (
        f"{found.depth} dense layers of {found.width} units, {found.activation}, seed {found.seed}"
    )
    target.suptitle(title, x=0.01, ha="left", fontsize="medium")
    _draw_legend_below(target, *axes[0].get_legend_handles_labels())
    return target  # type: ignore[return-value]


def _draw_legend_below(target: FigureBase, handles: list[Artist], labels: list[str]) -> None:
    """Draw a legend that is at most as wide as the figure and a third as high.

    It has the number of columns with which its text is largest. Text that would have to be smaller
    than can be read is cut off.
    """
    room = target.get_window_extent()
    scales: dict[int, float] = {}
    for columns in (3, 2, 1):
        legend = _legend(target, handles, labels, columns, "small")
        extent = legend.get_window_extent()
        width = extent.width + 2 * (extent.x0 - room.x0)
        scales[columns] = min(room.width / width, room.height / 3 / extent.height)
        if scales[columns] >= 1:
            return
        legend.remove()
    columns, scale = max(scales.items(), key=lambda item: item[1])
    # 0.97, since the width of a text is not quite proportional to its size
    size = legend.prop.get_size_in_points() * max(0.6, 0.97 * scale)
    _legend(target, handles, labels, columns, size)


def _legend(
    target: FigureBase, handles: list[Artist], labels: list[str], columns: int, size: float | str
) -> Legend:
    return target.legend(
        handles,
        labels,
        loc="outside lower left",
        ncols=columns,
        fontsize=size,
        frameon=False,
    )


def _draw(axes: Axes, title: str, found: SignalPropagation, spreads: AnyArray) -> None:
    style_axes(axes)
    axes.set_yscale("log")
    axes.set_title(title, fontsize="small", loc="left")
    axes.set_xlabel("layer", fontsize="small")
    count_integers(axes.xaxis)
    layers = np.arange(found.depth + 1)
    for index, (label, spread) in enumerate(zip(found.labels, spreads, strict=True)):
        drawable = (spread > _SMALLEST) & (spread < _LARGEST)
        axes.plot(
            layers[drawable],
            spread[drawable],
            color=SERIES[index % len(SERIES)],
            marker=MARKERS[index % len(MARKERS)],
            markersize=4,
            markevery=(0, max(1, found.depth // 10)),
            linewidth=1.6,
            label=label,
        )
    # noise of some percent would look like a trend
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, _LOW), max(high, _HIGH))
