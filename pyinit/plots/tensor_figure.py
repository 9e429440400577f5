"""`plot()`: the values of an initializer as a histogram and as an image."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pyinit.dtypes import DTypeLike
from pyinit.initializers.whole import CalledTensor
from pyinit.plots.matplotlib_figure import BLUE, VERMILION, count_integers, new_figure, style_axes
from pyinit.plots.tensor_numbers import TensorNumbers, as_lazy, tensor_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase

_SIZE = (9.6, 4.4)
#: The largest number of bars with labels.
_MAX_LABELS = 6
#: The number of characters in a line of the title.
_LINE = 92


def plot(
    initializer: Any,
    shape: Collection[int] | None = None,
    dtype: DTypeLike | None = None,
    *,
    figure: Any = None,
) -> Figure:
    """Plot the values of an initializer: their histogram, and the tensor as an image.

    The histogram is drawn with the theoretical density, which is exact: uniform, normal, truncated
    normal, or, for an element of an orthogonal matrix, that of a coordinate of a point on a sphere.
    Values with a positive probability, such as those of `Identity`, are bars. If the distribution
    is unknown, as that of an array, the histogram is drawn alone.

    The last axis of the tensor counts the columns of the image, the others its rows. A kernel of a
    convolution over two or more axes is a grid of its (inputs, outputs) matrices. A tensor of any
    size can be plotted: the image shows at most 512 rows and columns from the origin, the histogram
    at most 2**20 values, evenly spaced, and only these are computed.

    Text and background have the colours of Matplotlib's `rcParams`, so style sheets such as
    `"dark_background"` apply. The figure is not one of pyplot's, and needs no display: a notebook
    shows it as the result of a cell, `figure.savefig("he.png")` writes it to a file. For pyplot's
    windows, pass `figure=plt.figure()`.

    Args:
        initializer: An initializer, anything else that `get()` accepts, or a lazy tensor. A seed
            generator's next draw is taken, as in a call.
        shape: The shape of the tensor. None means (256, 256), or the shape of an array or a lazy
            tensor.
        dtype: The dtype, as in a call; None means `floatx()`, or that of a lazy tensor.
        figure: The figure or subfigure of Matplotlib to draw in, which gets the constrained layout
            if it has none. None makes a new figure.

    Returns:
        The figure: a `matplotlib.figure.Figure`, or `figure`.

    Raises:
        ValueError: An argument is invalid, the tensor has no elements, or it has more than 2**24
            and is computed whole, as orthogonal matrices are.
        TypeError: `figure` is not one of Matplotlib.
        ImportError: Matplotlib is not installed.

    Example:
        >>> import pyinit
        >>> figure = pyinit.plot(pyinit.HeNormal(seed=1), (256, 128))
        >>> figure.axes[0].get_title("left")
        'mean 0.00032 (theory 0), standard deviation 0.0881 (theory 0.0884)'

    Source: the densities are those of the distributions on the page "The random stream"
    """
    target = new_figure(figure, _SIZE, "plot")
    name, weights = as_lazy(initializer, shape, dtype)
    numbers = tensor_numbers(weights)
    values, image = target.subplots(1, 2, width_ratios=[1.25, 1])
    target.suptitle(_title(name, numbers), x=0.01, ha="left", fontsize="medium")
    _draw_values(values, numbers)
    _draw_image(image, numbers, target)
    return target  # type: ignore[return-value]


def _title(name: str, numbers: TensorNumbers) -> str:
    weights = numbers.weights
    about = f"shape {weights.shape}, {weights.dtype.name}"
    # that of a call is the callable, which the name describes
    if not (name and isinstance(weights, CalledTensor)):
        about += f", {weights._summary()}"
    return "\n".join(line for text in (name, about) for line in textwrap.wrap(text, _LINE))


def _draw_values(axes: Axes, numbers: TensorNumbers) -> None:
    style_axes(axes)
    axes.set_title(_moments(numbers), fontsize="small", loc="left")
    axes.set_ylabel("density", fontsize="small")
    axes.set_xlabel("value", fontsize="small")
    if numbers.edges.size:
        _draw_histogram(axes, numbers)
    elif numbers.atoms:
        _draw_atoms(axes, numbers)
    else:
        axes.text(0.5, 0.5, "no finite values", ha="center", transform=axes.transAxes)


def _moments(numbers: TensorNumbers) -> str:
    mean, stddev = _rounded(numbers.mean, numbers.stddev), _rounded(numbers.stddev, 0)
    expected = numbers.expected_mean, numbers.expected_stddev
    if None not in expected and math.isfinite(numbers.mean):
        mean += f" (theory {expected[0]:.3g})"
        stddev += f" (theory {expected[1]:.3g})"
    text = f"mean {mean}, standard deviation {stddev}"
    return text + (f", {numbers.infinite} not finite" if numbers.infinite else "")


def _rounded(number: float, scale: float) -> str:
    """Format a number to three digits, or to two beyond those that are 0 relative to a scale."""
    small = math.isfinite(scale) and abs(number) < 1e-2 * scale
    return f"{number:.2g}" if small else f"{number:.3g}"


def _draw_histogram(axes: Axes, numbers: TensorNumbers) -> None:
    label = f"{numbers.count:,} value{'s' if numbers.count != 1 else ''}".replace(
        ",", "\N{NO-BREAK SPACE}"
    )
    if not numbers.is_whole:
        label += f" of {numbers.weights.size:,}".replace(",", "\N{NO-BREAK SPACE}")
    axes.stairs(numbers.heights, numbers.edges, fill=True, color=BLUE, alpha=0.75, label=label)
    x, y = numbers.curve
    highest = float(numbers.heights.max())
    if x.size:
        axes.plot(x, y, color=VERMILION, linewidth=2, label="theoretical density")
        highest = max(highest, min(float(y.max()), 1.5 * highest))
    # room for the legend
    axes.set_ylim(0, 1.25 * highest)
    axes.legend(loc="upper right", fontsize="small", frameon=False, ncols=2)
    shares = [
        f"{100 * atom.share:.3g}% of the values are {atom.value:.4g}" for atom in numbers.atoms
    ]
    if shares:
        axes.set_xlabel(f"value ({', '.join(shares)}: not shown)", fontsize="small")


def _draw_atoms(axes: Axes, numbers: TensorNumbers) -> None:
    places = np.arange(len(numbers.atoms))
    shares = [atom.share for atom in numbers.atoms]
    bars = axes.bar(places, shares, color=BLUE, alpha=0.75, width=0.6, label="share of the values")
    if len(shares) <= _MAX_LABELS:
        axes.bar_label(
            bars, [f"{100 * share:.4g}%" for share in shares], padding=8, fontsize="small"
        )
    expected = [math.nan if atom.expected is None else atom.expected for atom in numbers.atoms]
    if not all(map(math.isnan, expected)):
        axes.plot(
            places, expected, "D", color=VERMILION, markersize=6, label="theoretical probability"
        )
    axes.set_xticks(places, [f"{atom.value:.4g}" for atom in numbers.atoms])
    axes.set_xlim(-0.8, len(places) - 0.2)
    axes.set_ylim(0, 1.25 * max(shares))
    axes.set_ylabel("share", fontsize="small")
    axes.grid(visible=False, axis="x")
    handles, labels = axes.get_legend_handles_labels()
    # the bars before the markers
    axes.legend(
        handles[::-1], labels[::-1], loc="upper right", fontsize="small", frameon=False, ncols=2
    )


def _draw_image(axes: Axes, numbers: TensorNumbers, figure: FigureBase) -> None:
    image = numbers.image
    finite = image[np.isfinite(image)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if low < 0 < high:
        limit = max(-low, high)
        colours, low, high = "RdBu_r", -limit, limit
    else:
        colours = "cividis"
    # a row of values is a strip, rather than a line
    rows, columns = image.shape
    aspect: Literal["equal", "auto"] = "equal" if 1 / 4 < rows / columns < 4 else "auto"
    drawn = axes.imshow(image, cmap=colours, vmin=low, vmax=high, aspect=aspect)
    axes.set_title(_part(numbers), fontsize="small", loc="left")
    axes.set_ylabel(_axes_label("rows", numbers.row_axes), fontsize="small")
    axes.set_xlabel(_axes_label("columns", numbers.column_axes), fontsize="small")
    axes.tick_params(labelsize="small")
    for axis, length in ((axes.xaxis, columns), (axes.yaxis, rows)):
        count_integers(axis)
        if length == 1:
            axis.set_ticks([0])
    if low < high:
        bar = figure.colorbar(drawn, ax=axes, shrink=0.9, aspect=30)
        bar.ax.tick_params(labelsize="small")
        bar.outline.set_visible(False)


def _part(numbers: TensorNumbers) -> str:
    """Return the index of the part in the image."""
    shape = numbers.weights.shape
    if numbers.corner == shape:
        return "all values"
    slices = (
        ":" if length == full else f":{length}"
        for length, full in zip(numbers.corner, shape, strict=True)
    )
    return f"weights[{', '.join(slices)}]"


def _axes_label(name: str, axes: tuple[int, ...]) -> str:
    if not axes:
        return ""
    return f"{name} (ax{'es' if len(axes) > 1 else 'is'} {', '.join(map(str, axes))})"
