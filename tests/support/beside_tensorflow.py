"""What the tests beside TensorFlow and tf_keras share."""

import inspect
import math
import os
from types import SimpleNamespace

import numpy as np
from scipy import stats

#: The probability with which a right implementation would fail each single comparison of two
#: samples, for seeds chosen at random. (They are fixed: a test that passes keeps passing.)
ALPHA = 1e-6

#: Dense, convolutional and odd shapes.
SHAPES = [(300, 200), (3, 3, 16, 32), (5, 40, 60), (2, 3, 4, 5, 60), (1, 4000), (4000, 1), (7,), ()]


def import_them() -> SimpleNamespace:
    """TensorFlow and tf_keras; compat.v1 has Keras 2 then."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf
    import tf_keras

    tf.get_logger().setLevel("ERROR")
    return SimpleNamespace(tf=tf, tf_keras=tf_keras, v1=tf.compat.v1)


def signature(function) -> list[tuple]:
    """Names, kinds and defaults of the arguments; a dtype by its name."""
    return [
        (p.name, p.kind, getattr(p.default, "name", p.default))
        for p in inspect.signature(function).parameters.values()
    ]


def initializers_of(module) -> dict[str, object]:
    """What a module exports that makes an initializer, by name."""
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
    """The exception that making or calling an initializer raises."""
    try:
        make()(*args, **kwargs)
    except Exception as error:
        return error
    return None


def assert_same_error(ours, theirs, *args, **kwargs) -> None:
    """Where theirs refuses, ours does, with a message of ours and an exception that is theirs."""
    expected = error_of(theirs, *args, **kwargs)
    if expected is None:
        return
    # TensorFlow's kernels raise errors of their own
    own = type(expected).__module__ != "builtins"
    raised = error_of(ours, *args, **kwargs)
    assert isinstance(raised, ValueError if own else type(expected)), (expected, raised)
    # an argument that does not exist is for Python itself to refuse
    assert "Received: " in str(raised) or "argument" in str(raised)


def same_distribution(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two samples may come from one distribution (Kolmogorov and Smirnov)."""
    return stats.ks_2samp(first.ravel(), second.ravel()).pvalue > ALPHA


def sample(call, shape) -> np.ndarray:
    """4000 values or more of tensors of that shape, if 600 of them hold as many.

    Args:
        call: Gives a new tensor of the shape, every time.
        shape: The shape.
    """
    count = min(600, -(-4000 // math.prod(shape)))
    return np.concatenate([np.asarray(call(shape), np.float64).ravel() for _ in range(count)])
