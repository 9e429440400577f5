"""The classes of `tf.compat.v1`.

The signatures are TensorFlow's. Docstrings are derived from those of pyinit's own classes, except
where they are written out.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

import numpy as np

import pyinit
from pyinit.arguments import Shape, argument_error, as_bool, as_number, as_shape
from pyinit.compat import tf_keras
from pyinit.compat.arguments import (
    MODE_NOTE,
    Mode,
    argument_errors,
    as_distribution,
    as_mode,
    scaling_arguments,
)
from pyinit.compat.v1.base import Initializer, read_partition
from pyinit.compat.values import UniformNumbers, ValuesOrConstant
from pyinit.dtypes import FLOAT_DTYPES, AnyArray


class Zeros(Initializer):
    _name = "zeros_initializer"
    _counterpart = pyinit.Zeros

    def __init__(self, dtype: Any = "float32") -> None:
        self._setup(dtype)


class Ones(Initializer):
    _name = "ones_initializer"
    _counterpart = pyinit.Ones

    def __init__(self, dtype: Any = "float32") -> None:
        self._setup(dtype)


class Constant(Initializer):
    """Initializer that generates tensors with a constant value, or with given values in C order.

    Args:
        value: A number or bool, or a list, tuple or array of them. If there are fewer values than
            elements, the last one fills the rest of the tensor.
        dtype: The default dtype of calls.
        verify_shape: Whether the value must have the shape of the variable.

    Raises:
        ArgumentError: An argument is invalid; in the call, there are more values than
            elements.

    Example:
        >>> from pyinit.compat import v1
        >>> v1.constant_initializer([1, 2, 3])((2, 2))
        array([[1., 2.],
               [3., 3.]], dtype=float32)

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/constant_initializer
    """

    _name = "constant_initializer"
    _counterpart = pyinit.Constant

    def __init__(self, value: Any = 0, dtype: Any = "float32", verify_shape: bool = False) -> None:
        self.value = value
        with argument_errors():
            self.verify_shape = as_bool("verify_shape", verify_shape)
        self._setup(dtype)

    def _replacement(self, seed: Any) -> pyinit.Initializer:
        constant = pyinit.Constant(self.value)
        if isinstance(constant.value, np.ndarray):
            return tf_keras.Constant(self.value)
        return constant

    def _initializer_for(self, full_shape: Any, seed: Any) -> pyinit.Initializer:
        return ValuesOrConstant(self.value, extend=True)

    def __call__(
        self,
        shape: Collection[int],
        dtype: Any = None,
        partition_info: Any = None,
        verify_shape: bool | None = None,
    ) -> AnyArray:
        """Return a tensor filled with the value.

        Args:
            shape: The shape of the variable, or of the partition to fill.
            dtype: A dtype of TensorFlow or NumPy, or its name; None for the constructor's.
            partition_info: Locates the partition in its variable. The value fills the whole
                variable, of which the partition is returned.
            verify_shape: As in the constructor; None for the constructor's.

        Returns:
            A new NumPy array.

        Raises:
            ArgumentError: An argument is invalid.
            AttributeError: `partition_info` lacks `full_shape` or `var_offset`.
        """
        with argument_errors():
            is_verified = self.verify_shape
            if verify_shape is not None:
                is_verified = as_bool("verify_shape", verify_shape)
            if is_verified:
                full = as_shape(shape)
                if partition_info is not None:
                    full, _ = read_partition(partition_info)
                if np.shape(self.value) != full:
                    allowed = f"of the shape of the variable, {full}"
                    raise argument_error("value", self.value, allowed)
        return super().__call__(shape, dtype, partition_info)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, except `verify_shape`."""
        return {"value": self.value, "dtype": self.dtype.name}


class Identity(Initializer):
    _name = "keras.initializers.Identity"
    _counterpart = pyinit.Identity
    _dtypes = FLOAT_DTYPES

    def __init__(self, gain: float = 1.0, dtype: Any = "float32") -> None:
        self.gain = gain
        self._setup(dtype)


class RandomUniform(Initializer):
    _name = "random_uniform_initializer"
    _counterpart = UniformNumbers
    _dtypes = UniformNumbers._dtypes

    def __init__(
        self,
        minval: float = 0.0,
        maxval: float | None = None,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.minval = minval
        self.maxval = maxval
        self.seed = seed
        self._setup(dtype)

    def _replacement(self, seed: Any) -> pyinit.Initializer:
        return pyinit.RandomUniform(self.minval, 1 if self.maxval is None else self.maxval, seed)

    def _initializer_for(self, full_shape: Shape, seed: Any) -> pyinit.Initializer:
        return UniformNumbers(self.minval, self.maxval, seed)


class _Normal(Initializer):
    """The base class of the normal distributions."""

    _dtypes = FLOAT_DTYPES

    def __init__(
        self,
        mean: float = 0.0,
        stddev: float = 1.0,
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed
        self._setup(dtype)


class RandomNormal(_Normal):
    _name = "random_normal_initializer"
    _counterpart = pyinit.RandomNormal


class TruncatedNormal(_Normal):
    _name = "truncated_normal_initializer"
    _counterpart = pyinit.TruncatedNormal


class UniformUnitScaling(Initializer):
    """Initializer that draws from a uniform distribution scaled by the number of inputs.

    The values lie in [-limit, limit) with `limit = factor * sqrt(3 / n)`, where n is the product of
    all dimensions but the last. Unlike in `VarianceScaling`, n is 1 for a vector.

    Args:
        factor: A number whose square is positive and finite.
        seed: An integer or None. Every call gives new values; a new initializer with the same seed
            starts the same sequence.
        dtype: The default dtype of calls.

    Raises:
        ArgumentError: An argument is invalid.

    Example:
        >>> from pyinit.compat import v1
        >>> values = v1.uniform_unit_scaling_initializer(seed=1)((3, 1000))
        >>> bool(abs(values).max() <= 1)
        True

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/uniform_unit_scaling_initializer
    """

    _name = "uniform_unit_scaling_initializer"
    _counterpart = pyinit.VarianceScaling
    _dtypes = FLOAT_DTYPES

    def __init__(
        self, factor: float = 1.0, seed: int | None = None, dtype: Any = "float32"
    ) -> None:
        self.factor = factor
        self.seed = seed
        self._setup(dtype)

    def _scaling(self, seed: Any, input_axes: list[int] | None) -> pyinit.VarianceScaling:
        allowed = "a number whose square is positive and finite"
        factor = float(as_number("factor", self.factor, allowed))
        if not 0 < factor * factor < float("inf"):
            raise argument_error("factor", self.factor, allowed)
        output_axes = None if input_axes is None else [-1]
        return pyinit.VarianceScaling(
            factor * factor, "fan_in", "uniform", seed, input_axes, output_axes
        )

    def _replacement(self, seed: Any) -> pyinit.Initializer:
        return self._scaling(seed, None)

    def _initializer_for(self, full_shape: Shape, seed: Any) -> pyinit.Initializer:
        # for a vector, VarianceScaling would count its length as inputs
        return self._scaling(seed, [] if len(full_shape) == 1 else None)


class VarianceScaling(Initializer):
    _name = "variance_scaling_initializer"
    _counterpart: ClassVar[type[pyinit.VarianceScaling]] = pyinit.VarianceScaling
    _dtypes = FLOAT_DTYPES
    _notes: ClassVar = {
        **Initializer._notes,
        "AttributeError": "`distribution` is not a string.",
        "mode": MODE_NOTE,
    }

    def __init__(
        self,
        scale: float = 1.0,
        mode: Mode = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.scale = scale
        with argument_errors():
            self.mode = as_mode(mode)
        self.distribution = as_distribution(distribution)
        self.seed = seed
        self._setup(dtype)


class FixedVarianceScaling(VarianceScaling):
    """VarianceScaling with the scale, mode and distribution of its counterpart."""

    _notes = Initializer._notes

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(*scaling_arguments(self._counterpart), seed)


class _Glorot(FixedVarianceScaling):
    """The base class of the two Glorot initializers, which have a `dtype`."""

    _notes: ClassVar = {
        **Initializer._notes,
        "dtype": "Ignored, as in TensorFlow: calls without a dtype give float32.",
    }

    def __init__(self, seed: int | None = None, dtype: Any = "float32") -> None:
        super().__init__(seed)


class GlorotUniform(_Glorot):
    _name = "glorot_uniform_initializer"
    _counterpart = pyinit.GlorotUniform


class GlorotNormal(_Glorot):
    _name = "glorot_normal_initializer"
    _counterpart = pyinit.GlorotNormal


class Orthogonal(Initializer):
    """Initializer that generates an orthogonal matrix.

    A tensor of shape (d1, ..., dk, n) is an (m, n) matrix, m = d1 ... dk. It has orthonormal
    columns if m >= n, else orthonormal rows.
    """

    _name = "orthogonal_initializer"
    _counterpart = pyinit.Orthogonal
    _dtypes = FLOAT_DTYPES

    def __init__(self, gain: float = 1.0, seed: int | None = None, dtype: Any = "float32") -> None:
        self.gain = gain
        self.seed = seed
        self._setup(dtype)


def he_normal(seed: int | None = None) -> VarianceScaling:
    """Return the He (Kaiming) normal initializer, as a `VarianceScaling`."""
    return VarianceScaling(*scaling_arguments(pyinit.HeNormal), seed)


def he_uniform(seed: int | None = None) -> VarianceScaling:
    """Return the He (Kaiming) uniform initializer, as a `VarianceScaling`."""
    return VarianceScaling(*scaling_arguments(pyinit.HeUniform), seed)


def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """Return the LeCun normal initializer, as a `VarianceScaling`."""
    return VarianceScaling(*scaling_arguments(pyinit.LecunNormal), seed)


def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """Return the LeCun uniform initializer, as a `VarianceScaling`."""
    return VarianceScaling(*scaling_arguments(pyinit.LecunUniform), seed)
