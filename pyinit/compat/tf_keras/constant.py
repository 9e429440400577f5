"""Keras 2's initializers without chance: Constant, Zeros, Ones, Identity."""

from __future__ import annotations

from typing import Any

from pyinit.compat.arguments import argument_errors
from pyinit.compat.tf_keras.base import Initializer
from pyinit.compat.values import ValuesOrConstant
from pyinit.dtypes import FLOAT_DTYPES
from pyinit.initializers import constant


class Constant(Initializer, ValuesOrConstant):
    """Fills a tensor with one value, or with as many as it has elements.

    Args:
        value: A number or bool, or a list, a tuple or an array of them, in C order.

    Raises:
        ValueError: An argument is not as described; in the call, there are fewer or more values
            than elements (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> tf_keras.Constant(3)((2, 2))
        array([[3., 3.],
               [3., 3.]], dtype=float32)

    Source: https://keras.io/2/api/layers/initializers/#constant-class
    """

    @argument_errors()
    def __init__(self, value: Any = 0) -> None:
        super().__init__(value)


class Zeros(Initializer, constant.Zeros):
    """Fills a tensor with zeros.

    Example:
        >>> from pyinit.compat import tf_keras
        >>> tf_keras.Zeros()((2,))
        array([0., 0.], dtype=float32)

    Source: https://keras.io/2/api/layers/initializers/#zeros-class
    """


class Ones(Initializer, constant.Ones):
    """Fills a tensor with ones.

    Example:
        >>> from pyinit.compat import tf_keras
        >>> tf_keras.Ones()((2,))
        array([1., 1.], dtype=float32)

    Source: https://keras.io/2/api/layers/initializers/#ones-class
    """


class Identity(Initializer, constant.Identity):
    """Fills a matrix with the identity, times a factor.

    Args:
        gain: The factor: a finite number.

    Raises:
        ValueError: An argument is not as described; in the call, `shape` is not of rank 2 (the
            error is a TypeError too).

    Example:
        >>> from pyinit.compat import tf_keras
        >>> tf_keras.Identity()((2, 3))
        array([[1., 0., 0.],
               [0., 1., 0.]], dtype=float32)

    Source: https://keras.io/2/api/layers/initializers/#identity-class
    """

    _dtypes = FLOAT_DTYPES
    _has_parts = False

    @argument_errors()
    def __init__(self, gain: float = 1.0) -> None:
        super().__init__(gain)
