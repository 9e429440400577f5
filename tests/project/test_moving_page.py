"""docs/moving.md: each row names two initializers with the same distribution."""

import inspect
import math
import re
import shutil
import subprocess

import numpy as np
import pytest

import pyinit
from tests.support import ROOT, beside_tensorflow, needs_checkout, stream_page

pytestmark = needs_checkout

PAGE = (ROOT / "docs" / "moving.md").read_text()
SHAPE = (200, 300)
TITLES = ["torch", "torch layers", "jax", "keras 2", "tensorflow 1"]


def rows(title):
    """Return the expressions of the peer, Python and R, in the rows with an equivalent."""
    _, *found = stream_page.table_after(f"<!-- {title} -->", PAGE)
    assert found
    calls = [(peer, *cell.split("`<br>`")) for peer, cell, _ in found if cell]
    assert {len(call) for call in calls} == {3}
    return calls


def ours(expression, shape=SHAPE):
    """Draw with an initializer of the page; expressions without a seed get one."""
    initializer = eval(expression, {"pyinit": pyinit})
    if hasattr(initializer, "with_seed"):
        initializer = initializer.with_seed(1)
    return initializer(shape)


def check_same_distribution(theirs, expression):
    """Compare quantiles of 60,000 values from fixed seeds.

    The standard error of a difference is at most 0.02 standard deviations.
    """
    expected = ours(expression).astype(np.float64)
    theirs = np.asarray(theirs, np.float64)
    assert theirs.size == expected.size
    points = [0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1]
    if np.ptp(expected) > 0 and abs(expected).max() > 4 * expected.std():
        points = points[1:-1]  # not truncated: the extremes vary
    difference = np.quantile(theirs, points) - np.quantile(expected, points)
    assert abs(difference).max() <= 0.05 * expected.std() + 1e-7, expression
    assert theirs.std() == pytest.approx(expected.std(), rel=0.02, abs=1e-7)


@pytest.mark.backends
@pytest.mark.parametrize("row", rows("torch") + rows("torch layers"), ids=lambda row: row[0])
def test_torch(row):
    """Protects those who come from torch from other distributions."""
    torch = pytest.importorskip("torch")
    peer, expression, _ = row
    torch.manual_seed(1)
    if peer == "dirac_(w)":
        kernel = torch.nn.init.dirac_(torch.empty(8, 4, 3)).numpy()
        assert (ours(expression, (3, 4, 8)) == kernel.transpose(2, 1, 0)).all()
        return
    if peer.startswith("nn."):
        values = eval(peer, {"nn": torch.nn}).detach().numpy()
        if values.size > math.prod(SHAPE):
            values = values.ravel()[: math.prod(SHAPE)]
    else:
        # without weights to fill, the call fails
        values = eval(peer, {**vars(torch.nn.init), "w": torch.empty(SHAPE[::-1])}).numpy()
    check_same_distribution(np.resize(values, math.prod(SHAPE)), expression)


@pytest.mark.backends
def test_torch_has_no_other_initializers():
    """Protects the table from a new initializer of torch."""
    torch = pytest.importorskip("torch")
    table = PAGE[PAGE.index("<!-- torch -->") : PAGE.index("`calculate_gain()`")]
    public = {name for name in vars(torch.nn.init) if re.fullmatch(r"[a-z]\w*[a-z]_", name)}
    assert public == set(re.findall(r"`(\w+_)\(w", table))


@pytest.mark.backends
@pytest.mark.parametrize("row", rows("jax"), ids=lambda row: row[0])
def test_jax(row):
    """Protects those who come from JAX from other distributions."""
    jax = pytest.importorskip("jax")
    peer, expression, _ = row
    initializer = eval(peer, dict(vars(jax.nn.initializers)))
    if "delta" in peer:
        kernel = np.asarray(initializer(jax.random.key(1), (3, 3, 4, 8)))
        drawn = ours(expression, (3, 3, 4, 8))
        assert ((kernel != 0) == (drawn != 0)).all()
        return
    check_same_distribution(initializer(jax.random.key(1), SHAPE), expression)


@pytest.mark.backends
def test_jax_has_no_other_initializers():
    """Protects the table from a new initializer of JAX."""
    jax = pytest.importorskip("jax")
    table = PAGE[PAGE.index("<!-- jax -->") : PAGE.index("`batch_axis` is")]
    public = {name for name in dir(jax.nn.initializers) if name[0].islower()}
    assert public == set(re.findall(r"(?:^\| |also )`([a-z_]+)[(`]", table, re.M))


@pytest.mark.tensorflow
@pytest.mark.parametrize("title", TITLES[3:])
def test_tensorflow(title):
    """Protects those who come from Keras 2 and TensorFlow 1 from other distributions."""
    them = beside_tensorflow.import_them()
    names = them.tf_keras.initializers if title == "keras 2" else them.tf.compat.v1
    them.tf_keras.utils.set_random_seed(1)
    for peer, expression, _ in rows(title):
        check_same_distribution(
            np.asarray(eval(f"names.{peer}", {"names": names})(SHAPE)), expression
        )
    them.v1.set_random_seed(None)


def test_arguments_of_keras_2():
    """Protects the claim that Keras 2's classes have the same arguments and defaults."""
    from pyinit.compat import tf_keras

    listed = {peer.partition("(")[0] for peer, _, _ in rows("keras 2")}
    assert listed == {name for name in tf_keras.initializers.__all__ if name[0].isupper()} - {
        "Initializer"
    }
    for name in listed:
        old = inspect.signature(getattr(tf_keras, name)).parameters
        new = inspect.signature(getattr(pyinit, name)).parameters
        for argument, parameter in old.items():
            if parameter.kind != parameter.VAR_KEYWORD:
                assert new[argument].default == parameter.default, (name, argument)


@pytest.mark.r
def test_r():
    """Protects R users: R's column makes the initializer of Python's column."""
    if shutil.which("Rscript") is None:
        pytest.skip("needs R")
    every = [row for title in TITLES for row in rows(title)]
    shapes = [(3, 4, 8) if "dirac" in r or "delta" in r else SHAPE for _, _, r in every]
    code = "library(pyinit)\nset.seed(1)\n" + "".join(
        f's <- summary({r}, c{shape})\ncat(sprintf("%.12g", c(s$mean, s$stddev)), "\\n")\n'
        for (_, _, r), shape in zip(every, shapes, strict=True)
    )
    done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for (_, python, r), shape, line in zip(every, shapes, lines, strict=True):
        summary = eval(python, {"pyinit": pyinit}).summary(shape)
        expected = [v for v in (summary.mean, summary.stddev) if v is not None]
        assert [float(v) for v in line.split()] == pytest.approx(expected, rel=1e-9), r
