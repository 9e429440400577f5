"""The base class of Keras 2's initializers: what a call does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from pyinit.arguments import argument_error, as_shape
from pyinit.compat.arguments import argument_errors, as_dtype
from pyinit.dtypes import AnyArray
from pyinit.initializers import base

if TYPE_CHECKING:
    from typing_extensions import Self

_KEYWORDS = ("partition_shape", "partition_offset", "layout")


class Initializer(base.Initializer):
    """The base class of Keras 2's initializers.

    A subclass of your own overrides `__call__(shape, dtype=None, **kwargs)`, and `get_config()` if
    its constructor takes arguments.

    Example:
        >>> import numpy as np
        >>> from pyinit.compat import tf_keras
        >>> class Halves(tf_keras.Initializer):
        ...     def __call__(self, shape, dtype=None, **kwargs):
        ...         return np.full(shape, 0.5, dtype or "float32")
        >>> Halves()((2,))
        array([0.5, 0.5], dtype=float32)

    Source: https://keras.io/2/api/layers/initializers/
    """

    #: Whether a part of the tensor can be asked for.
    _has_parts: ClassVar[bool] = True

    def __call__(self, shape: Iterable[int], dtype: Any = None, **kwargs: Any) -> AnyArray:
        """Returns a tensor of initial weights.

        Args:
            shape: The shape of the (full) tensor.
            dtype: The dtype of TensorFlow or NumPy, or its name; None for `pyinit.floatx()`.
            **kwargs: `partition_shape` and `partition_offset` say which part of the tensor is
                asked for, and give exactly that slice of it. (Keras draws each part anew, from
                the seed and the offset.) An offset left out is the origin. `layout` must be None.

        Returns:
            A new NumPy array.

        Raises:
            TypeError: There are other keywords.
            ValueError: An argument is not as described; Identity and Orthogonal have no parts
                (the error is a TypeError too).
        """
        unknown = [name for name in kwargs if name not in _KEYWORDS]
        if unknown:
            raise TypeError(
                f"Keyword arguments must be of {', '.join(_KEYWORDS)}. Received: "
                + ", ".join(unknown)
            )
        with argument_errors():
            layout = kwargs.pop("layout", None)
            if layout is not None:
                raise argument_error("layout", layout, "None")
            if kwargs and not self._has_parts:
                name = next(iter(kwargs))
                raise argument_error(name, kwargs[name], f"left out for {type(self).__name__}")
            full_shape = as_shape(shape)
            if kwargs.get("partition_shape") is not None:
                kwargs.setdefault("partition_offset", (0,) * len(full_shape))
            if dtype is not None:
                dtype = as_dtype(dtype, self._dtypes)
            return super().__call__(full_shape, dtype, device="cpu", **kwargs)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An initializer with the arguments in `config`.

        Args:
            config: What `get_config()` returns, here or in tf_keras; or what it returns for the
                class in TensorFlow's `compat.v1`, whose `dtype` is left out.

        Raises:
            AttributeError: `config` is not a dictionary.
            TypeError: A key of `config` is not an argument of the class.
        """
        if not isinstance(config, dict):
            raise AttributeError(
                "Argument `config` must be a dictionary, as get_config() returns it. "
                f"Received: config={config!r}"
            )
        with argument_errors():
            return super().from_config({k: v for k, v in config.items() if k != "dtype"})
