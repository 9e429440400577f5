"""The base class of the initializers of `compat.v1`: what a call does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pyinit.arguments import Shape, as_dimensions, as_shape
from pyinit.compat.arguments import ArgumentError, argument_errors, as_dtype
from pyinit.compat.v1.seeds import DrawOnce, Draws
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray
from pyinit.initializers import base
from pyinit.seeds import as_seed

if TYPE_CHECKING:
    from typing_extensions import Self


class Initializer:
    """The base class of the initializers of `compat.v1`.

    Each of them is one of pyinit's current initializers behind TensorFlow 1's interface: a default
    dtype in the constructor, `partition_info` in the call, new values at every call.

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/keras/initializers/Initializer
    """

    #: The dtypes that the initializer can fill.
    _dtypes: ClassVar[dict[str, np.dtype[Any]]] = NUMERIC_DTYPES

    #: The argument of the constructor, where there is one.
    seed: Any = None

    def _setup(self, dtype: Any) -> None:
        """Checks the arguments of the constructor: the attributes, and the default `dtype`."""
        with argument_errors():
            self.dtype = as_dtype(dtype, self._dtypes)
            if self.seed is not None:
                as_seed("seed", self.seed, "an integer from -2**63 to 2**64 - 1, or None")
            self._current(self.seed)
        self._draws = Draws(self.seed)

    def _current(self, seed: Any) -> base.Initializer:
        """The current initializer with the arguments of this one, and with that seed."""
        raise NotImplementedError(
            f"{type(self).__name__} must override `__call__(shape, dtype=None)`."
        )

    def _filling(self, full_shape: Shape, seed: Any) -> base.Initializer:
        """What fills a variable of that shape."""
        return self._current(seed)

    def __call__(
        self, shape: Iterable[int], dtype: Any = None, partition_info: Any = None
    ) -> AnyArray:
        """Returns a tensor of initial weights, new ones at every call.

        Args:
            shape: The shape of the tensor, or of the part of a variable that is asked for.
            dtype: The dtype of TensorFlow or NumPy, or its name; None for the constructor's.
            partition_info: Says which part of a variable `shape` is, by its attributes
                `full_shape` and `var_offset`. The parts of one variable, asked for one after the
                other, are slices of one tensor: the one that the same call without partitions
                would have given. (TensorFlow draws each part anew.)

        Returns:
            A new NumPy array.

        Raises:
            ValueError: An argument is not as described (the error is a TypeError too).
            AttributeError: `partition_info` lacks one of the two.
        """
        with argument_errors():
            array_dtype = self.dtype if dtype is None else as_dtype(dtype, self._dtypes)
            part = full_shape = as_shape(shape)
            offset = None
            if partition_info is not None:
                full_shape, offset = place(partition_info)
            seed = DrawOnce(lambda: self._draws.take(full_shape, offset))
            return self._filling(full_shape, seed)(
                full_shape,
                array_dtype,
                device="cpu",
                partition_shape=part,
                partition_offset=(0,) * len(part) if offset is None else offset,
            )

    def migrate(self) -> base.Initializer:
        """The current initializer that takes the place of this one.

        | argument here | current one | note |
        |---|---|---|
        | `scale` | `scale` | |
        | `mode` | `mode` | |
        | `distribution` | `distribution` | `"normal"` becomes `"truncated_normal"` |
        | `seed` | `seed` | repeats its values at every call: those of the first call here |
        | `dtype` | `dtype` | of the call, not of the constructor |
        | `partition_info` (of the call) | `partition_shape`, `partition_offset` | of the call |

        The arguments of the other initializers keep their names and values as well, but for
        `factor` (`scale` is its square) and `verify_shape` (left out). The values are those of the
        first call unless `set_random_seed()` has set a seed, which the current initializers don't
        know.

        Example:
            >>> from pyinit.compat import v1
            >>> before = v1.variance_scaling_initializer(distribution="normal", seed=1)
            >>> after = before.migrate()
            >>> after
            VarianceScaling(scale=1.0, mode='fan_in', distribution='truncated_normal', seed=1)
            >>> bool((after((2, 3), dtype=before.dtype) == before((2, 3))).all())
            True

        Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/variance_scaling_initializer
        """
        return self._current(self.seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer, as a JSON-serializable dictionary.

        Its keys are those of TensorFlow's class of the same name.
        """
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An initializer with the arguments in `config`, ours or of TensorFlow's class.

        Args:
            config: What `get_config()` returns.

        Raises:
            TypeError: A key of `config` is not an argument of the class.
        """
        try:
            return cls(**config)
        except ArgumentError:
            raise
        except TypeError as error:
            raise ArgumentError(
                f"Argument `config` must hold arguments of {cls.__name__}. "
                f"Received: config={config!r} ({error})"
            ) from None

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def place(partition_info: Any) -> tuple[Shape, Shape]:
    """The full shape and the offset that a `partition_info` holds."""
    try:
        full_shape, offset = partition_info.full_shape, partition_info.var_offset
    except AttributeError:
        raise AttributeError(
            "Argument `partition_info` must have the attributes full_shape and var_offset. "
            f"Received: partition_info={partition_info!r}"
        ) from None
    return as_shape(full_shape), as_dimensions("var_offset", offset)
