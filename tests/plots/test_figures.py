"""The figures of Matplotlib."""

import os
import pickle
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

import pyinit
from tests.support import ROOT
from tests.support.pictures import FOLDER, PICTURES, pixels, rms

#: The largest RMS of the differences from a committed picture, of colours from 0 to 1: versions of
#: Matplotlib place edges on different pixels.
TOLERANCE = 0.08


@pytest.mark.parametrize("name", PICTURES)
def test_pictures(name):
    """Protects the look of the figures."""
    expected = imread(FOLDER / f"{name}.png")[..., :3]
    drawn = pixels(PICTURES[name]())
    assert drawn.shape == expected.shape
    assert rms(drawn, expected) < TOLERANCE


def test_the_tolerance_finds_other_pictures():
    """Protects the test above: another seed gives another picture."""
    expected = imread(FOLDER / "histogram.png")[..., :3]
    other = pixels(pyinit.plot(pyinit.HeNormal(seed=2), (24, 24)))
    assert rms(other, expected) > 1.5 * TOLERANCE


def test_what_is_drawn():
    """Protects the numbers in the figure: histogram, density, image, title."""
    figure = pyinit.plot(pyinit.GlorotUniform(seed=1), (30, 20), "bfloat16")
    values, image = figure.axes[:2]
    (stairs,) = (patch for patch in values.patches if hasattr(patch, "get_data"))
    heights, edges, _ = stairs.get_data()
    assert np.sum(heights * np.diff(edges)) == pytest.approx(1)
    (curve,) = values.lines
    assert curve.get_ydata().max() == pytest.approx(1 / (2 * np.sqrt(6 / 50)), rel=1e-3)
    expected = pyinit.GlorotUniform(seed=1)((30, 20), "bfloat16").astype(np.float64)
    np.testing.assert_array_equal(image.images[0].get_array(), expected)
    title = figure.get_suptitle()
    assert title.splitlines() == [
        "GlorotUniform(seed=1)",
        "shape (30, 20), bfloat16, uniform, seed=1, draw=0",
    ]


class Halves(pyinit.Initializer):
    """An initializer of a user."""

    def __call__(self, shape, dtype=None, **options):
        """Return the values."""
        return np.full(shape, 0.5, dtype)


TITLES = {
    "name": (("zeros", (2,)), "Zeros()\nshape (2,), float32, value=0.0"),
    "lazy": ((pyinit.Ones().lazy((2,), "int8"),), "shape (2,), int8, value=1"),
    "array": ((np.ones(3),), "shape (3,), float32, given values"),
    "function": ((np.ones, (2,)), "ones\nshape (2,), float32"),
    "subclass": ((Halves(), (2,)), "Halves()\nshape (2,), float32"),
    "class": ((pyinit.Ones, (2,)), "Ones()\nshape (2,), float32, value=1.0"),
}


@pytest.mark.parametrize("name", TITLES)
def test_titles(name):
    """Protects the title, whatever is plotted."""
    arguments, title = TITLES[name]
    assert pyinit.plot(*arguments).get_suptitle() == title


def test_signals_that_explode_or_vanish_are_drawn():
    """Protects plots of bad initializers: zeros and infinities are left out, without a warning."""
    figure = pyinit.plot_signal(
        {"zeros": "zeros", "huge": pyinit.Constant(1e30)}, depth=30, width=4
    )
    zeros, huge = figure.axes[0].lines
    assert len(zeros.get_xdata()) == 1
    assert 1 < len(huge.get_xdata()) < 30
    figure.draw_without_rendering()


def test_the_legend_fits():
    """Protects plots of initializers with many arguments, of which the last was cut off."""
    long = [pyinit.VarianceScaling(k, "fan_avg", "untruncated_normal") for k in range(2, 32)]
    sizes = []
    for initializers, figure in (
        (["zeros", "ones", "orthogonal"], None),
        (long[:4], None),
        (long, None),
        (long[:4], Figure((9, 4)).subfigures(1, 2)[0]),
    ):
        drawn = pyinit.plot_signal(initializers, depth=2, width=4, figure=figure)
        drawn.get_figure(root=True).draw_without_rendering()
        (legend,) = drawn.legends
        extent, room = legend.get_window_extent(), drawn.get_window_extent()
        assert room.x0 <= extent.x0
        assert extent.x1 <= room.x1
        assert extent.height < 0.35 * room.height
        assert all(axes.get_window_extent().height > 0.3 * room.height for axes in drawn.axes)
        sizes.append(legend.get_texts()[0].get_fontsize())
    assert sizes[0] == sizes[1]
    assert max(sizes[2:]) < sizes[0]


def test_figures_of_the_caller():
    """Protects users who compose figures."""
    figure = Figure()
    assert pyinit.plot("zeros", (2, 2), figure=figure) is figure
    left, right = Figure().subfigures(1, 2)
    assert pyinit.plot_signal("he_normal", depth=2, width=4, figure=left) is left
    assert pyinit.plot("zeros", (2, 2), figure=right) is right
    for function in (pyinit.plot, pyinit.plot_signal):
        with pytest.raises(TypeError, match="`figure` must be a figure or a subfigure of Matplot"):
            function("he_normal", figure=plt)


def test_notebooks():
    """Protects notebooks, which show the figure, and processes that pickle it."""
    figure = pyinit.plot("zeros", (2, 2))
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert pickle.loads(pickle.dumps(figure)).axes[0].get_ylabel() == "share"


def test_styles():
    """Protects dark notebooks: text and background have the colours of Matplotlib's style."""
    with plt.style.context("dark_background"):
        figure = pyinit.plot("zeros", (2, 2))
    assert figure.get_facecolor()[:3] == (0, 0, 0)
    assert figure.axes[0].yaxis.label.get_color() == "white"


def run(code):
    """Run code in a new process without a display."""
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pyplot_is_left_alone():
    """Protects users of pyplot, and those without a display."""
    code = (
        "import io, sys, pyinit\n"
        "pyinit.plot('he_normal', (4, 4)).savefig(io.BytesIO())\n"
        "print('matplotlib.pyplot' in sys.modules)\n"
        "import matplotlib.pyplot as plt\n"
        "pyinit.plot('he_normal', (4, 4))\n"
        "print(plt.get_fignums())"
    )
    assert run(code).split() == ["False", "[]"]


def test_matplotlib_is_optional():
    """Protects users without Matplotlib: the error says how to install it."""
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(name, *others):\n"
        "        if name == 'matplotlib': raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Missing)\n"
        "import pyinit\n"
        "print(pyinit.signal_propagation('he_normal', depth=2, width=4).depth)\n"
        "for function in (pyinit.plot, pyinit.plot_signal):\n"
        "    try: function('he_normal')\n"
        "    except ImportError as error: print(error, error.name)"
    )
    assert run(code).splitlines() == [
        "2",
        *(
            f"pyinit.{name}() needs Matplotlib, which is not installed: pip install matplotlib "
            "matplotlib"
            for name in ("plot", "plot_signal")
        ),
    ]
