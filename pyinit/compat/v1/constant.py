"""Initializers of `compat.v1` without chance: Constant, Zeros, Ones, Identity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from pyinit.arguments import argument_error, as_shape
from pyinit.compat import tf_keras
from pyinit.compat.arguments import argument_errors
from pyinit.compat.v1.base import Initializer, place
from pyinit.compat.values import ValuesOrConstant
from pyinit.dtypes import FLOAT_DTYPES, AnyArray
from pyinit.initializers import base, constant


class Zeros(Initializer):
    """Fills a tensor with zeros.

    Args:
        dtype: The dtype of a call that gives none.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> v1.zeros_initializer()((2,))
        array([0., 0.], dtype=float32)

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/zeros_initializer
    """

    def __init__(self, dtype: Any = "float32") -> None:
        self._setup(dtype)

    def _current(self, seed: Any) -> base.Initializer:
        return constant.Zeros()

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {"dtype": self.dtype.name}


class Ones(Initializer):
    """Fills a tensor with ones.

    Args:
        dtype: The dtype of a call that gives none.

    Raises:
        ValueError: An argument is not as described (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> v1.ones_initializer(dtype="int32")((2,))
        array([1, 1], dtype=int32)

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/ones_initializer
    """

    def __init__(self, dtype: Any = "float32") -> None:
        self._setup(dtype)

    def _current(self, seed: Any) -> base.Initializer:
        return constant.Ones()

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {"dtype": self.dtype.name}


class Constant(Initializer):
    """Fills a tensor with one value, or with the given ones.

    Args:
        value: A number or bool, or a list, a tuple or an array of them, which fill the tensor in C
            order; the last of too few fills the rest.
        dtype: The dtype of a call that gives none.
        verify_shape: Whether the value must have the shape of the variable.

    Raises:
        ValueError: An argument is not as described; in the call, there are more values than
            elements (the error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> v1.constant_initializer([1, 2, 3])((2, 2))
        array([[1., 2.],
               [3., 3.]], dtype=float32)

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/constant_initializer
    """

    def __init__(self, value: Any = 0, dtype: Any = "float32", verify_shape: bool = False) -> None:
        self.value = value
        self._verify_shape = verify_shape
        self._setup(dtype)

    def _current(self, seed: Any) -> base.Initializer:
        if np.ndim(self.value):
            return tf_keras.Constant(self.value)
        return constant.Constant(self.value)

    def _filling(self, full_shape: Any, seed: Any) -> base.Initializer:
        return ValuesOrConstant(self.value, extend=True)

    def __call__(
        self,
        shape: Iterable[int],
        dtype: Any = None,
        partition_info: Any = None,
        verify_shape: bool | None = None,
    ) -> AnyArray:
        """Returns a tensor filled with the value.

        Args:
            shape: The shape of the tensor, or of the part of a variable that is asked for.
            dtype: The dtype of TensorFlow or NumPy, or its name; None for the constructor's.
            partition_info: Says which part of a variable `shape` is; the value is that of the
                variable.
            verify_shape: As in the constructor; None for what was said there.

        Returns:
            A new NumPy array.

        Raises:
            ValueError: An argument is not as described (the error is a TypeError too).
            AttributeError: `partition_info` lacks `full_shape` or `var_offset`.
        """
        if self._verify_shape if verify_shape is None else verify_shape:
            with argument_errors():
                full = as_shape(shape) if partition_info is None else place(partition_info)[0]
                if np.shape(self.value) != full:
                    raise argument_error(
                        "value", self.value, f"of the shape of the variable, {full}"
                    )
        return super().__call__(shape, dtype, partition_info)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer (but for `verify_shape`)."""
        return {"value": self.value, "dtype": self.dtype.name}


class Identity(Initializer):
    """Fills a matrix with the identity, times a factor.

    Args:
        gain: The factor: a finite number.
        dtype: The dtype of a call that gives none: a float one.

    Raises:
        ValueError: An argument is not as described; in the call, the variable is no matrix (the
            error is a TypeError too).

    Example:
        >>> from pyinit.compat import v1
        >>> v1.initializers.identity(gain=2)((2, 3))
        array([[2., 0., 0.],
               [0., 2., 0.]], dtype=float32)

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/keras/initializers/Identity
    """

    _dtypes = FLOAT_DTYPES

    def __init__(self, gain: float = 1.0, dtype: Any = "float32") -> None:
        self.gain = gain
        self._setup(dtype)

    def _current(self, seed: Any) -> base.Initializer:
        return constant.Identity(self.gain)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer."""
        return {"gain": self.gain, "dtype": self.dtype.name}
