"""Pictures to compare with committed ones, which `python -m tests.support.pictures` writes.

Fonts differ between machines, so the pictures are drawn without texts, and each panel at a place
of its own.
"""

import io

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread, imsave
from matplotlib.testing.decorators import remove_ticks_and_titles

import pyinit
from tests.support import DATA

FOLDER = DATA / "pictures"

#: A function that draws each picture.
PICTURES = {
    "histogram": lambda: pyinit.plot(pyinit.HeNormal(seed=1), (24, 24)),
    "bars": lambda: pyinit.plot(pyinit.Identity(2), (12, 20)),
    "kernel": lambda: pyinit.plot(pyinit.DeltaOrthogonal(seed=1), (3, 3, 16, 16)),
    "signal": lambda: pyinit.plot_signal(
        ["he_normal", "glorot_normal", pyinit.RandomNormal(stddev=0.3)], depth=20, width=32
    ),
}


def pixels(figure: Figure) -> np.ndarray:
    """Draw a figure without texts; return its colours from 0 to 1."""
    remove_ticks_and_titles(figure)
    for legend in [*figure.legends, *(axes.get_legend() for axes in figure.axes)]:
        if legend is not None:
            legend.remove()
    # the layout depends on the version of Matplotlib
    figure.set_layout_engine("none")
    width = 1 / len(figure.axes)
    for index, axes in enumerate(figure.axes):
        axes.set_axes_locator(None)
        axes.set_box_aspect(None)
        axes.set_position((index * width + 0.02, 0.05, width - 0.04, 0.9))
        axes.set_title("", loc="left")
        axes.set_xlabel("")
        axes.set_ylabel("")
        for text in [*axes.texts]:
            text.remove()
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=40)
    file.seek(0)
    return imread(file)[..., :3]


def rms(first: np.ndarray, second: np.ndarray) -> float:
    """Return the root mean square of the differences of two pictures."""
    return float(np.sqrt(np.mean((first - second) ** 2)))


if __name__ == "__main__":
    for name, draw in PICTURES.items():
        imsave(FOLDER / f"{name}.png", pixels(draw()))
