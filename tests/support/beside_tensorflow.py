"""Helpers of the tests that compare with TensorFlow and tf_keras."""

import inspect
import math
import os
from types import SimpleNamespace

import numpy as np
from scipy import stats

#: Significance level of each comparison of two samples. Seeds are fixed, so that results repeat.
ALPHA = 1e-6

#: Shapes of dense and convolutional layers, and unusual ones.
SHAPES = [(300, 200), (3, 3, 16, 32), (5, 40, 60), (2, 3, 4, 5, 60), (1, 4000), (4000, 1), (7,), ()]

#: Arguments other than the defaults, by name.
OTHER_ARGUMENTS = {
    "scale": 2.5,
    "mode": "fan_avg",
    "distribution": "normal",
    "mean": 0.5,
    "stddev": 2.0,
    "minval": -3.0,
    "maxval": 4.0,
    "gain": 1.5,
    "value": 1.5,
    "seed": 7,
}

_NAN, _INF = float("nan"), float("inf")
#: Invalid arguments, by name.
BAD_ARGUMENTS = {
    "scale": [0, -1, _NAN, _INF, "1", None, [1.0], 1j],
    "mode": ["x", "FAN_IN", "fan_geo_avg", None, ["fan_in"]],
    "distribution": ["t", 3, None],
    "mean": [_NAN, "0", None, 1j],
    "stddev": [-0.1, _NAN, "0.1", None],
    "minval": [_NAN, "0", None],
    "maxval": [_NAN, "1"],
    "gain": [_NAN, "1", None, 1j],
    "value": ["1", None, 1j, {1: 2}],
    "seed": ["1", [1], (1, 2), 0.5],
    "unknown": [1],
}
#: Shapes that are invalid, or not of the rank that some initializers need.
BAD_SHAPES = [
    None, 3, "ab", (2, -1), (2, 1.0), (2, 2.5), (2, None), (2, "3"), (True, 2), [[2], [3]],
    (), (3,), (2, 3, 4),
]  # fmt: skip


def import_them() -> SimpleNamespace:
    """Import TensorFlow and tf_keras, so that compat.v1.keras is Keras 2."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf
    import tf_keras

    tf.get_logger().setLevel("ERROR")
    return SimpleNamespace(tf=tf, tf_keras=tf_keras, v1=tf.compat.v1)


def signature(function) -> list[tuple]:
    """Return names, kinds and defaults of the arguments, dtypes by name."""
    return [
        (p.name, p.kind, getattr(p.default, "name", p.default))
        for p in inspect.signature(function).parameters.values()
    ]


def initializers_of(module) -> dict[str, object]:
    """Return the classes and functions of a module that make an initializer, by name."""
    found = {}
    for name in dir(module):
        value = getattr(module, name)
        if name.startswith("_") or not callable(value):
            continue
        if isinstance(value, type):
            if callable(getattr(value, "get_config", None)):
                found[name] = value
        elif list(inspect.signature(value).parameters) == ["seed"]:
            found[name] = value
    return found


def error_of(make, *args, **kwargs) -> Exception | None:
    """Return the exception that making or calling an initializer raises, if any."""
    try:
        make()(*args, **kwargs)
    except Exception as error:
        return error
    return None


def assert_same_error(ours, theirs, *args, **kwargs) -> None:
    """Check that ours raises where theirs does: the same exception, with our message."""
    expected = error_of(theirs, *args, **kwargs)
    if expected is None:
        return
    # TensorFlow's kernels raise classes that only TensorFlow has
    is_builtin = type(expected).__module__ == "builtins"
    raised = error_of(ours, *args, **kwargs)
    assert isinstance(raised, type(expected) if is_builtin else ValueError), (expected, raised)
    # Python itself rejects an unknown argument
    assert "Received: " in str(raised) or "argument" in str(raised)


def same_distribution(first: np.ndarray, second: np.ndarray) -> bool:
    """Return whether two samples may come from one distribution (Kolmogorov-Smirnov test)."""
    return stats.ks_2samp(first.ravel(), second.ravel()).pvalue > ALPHA


def sample(call, shape) -> np.ndarray:
    """Return at least 4000 values from tensors of that shape, but of at most 600 tensors.

    Args:
        call: A function of the shape that returns a new tensor every time.
        shape: The shape.
    """
    count = min(600, -(-4000 // math.prod(shape)))
    return np.concatenate([np.asarray(call(shape), np.float64).ravel() for _ in range(count)])
