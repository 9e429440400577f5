"""The base class of Keras 2's initializers."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar

from pyinit.arguments import argument_error, as_shape
from pyinit.compat.arguments import argument_errors, as_dtype
from pyinit.compat.docstrings import derive_docstring
from pyinit.initializers import base
from pyinit.initializers.random import RandomInitializer

if TYPE_CHECKING:
    from typing_extensions import Self

_KEYWORDS = ("partition_shape", "partition_offset", "layout")


class Initializer(base.Initializer):
    """The base class of Keras 2's initializers.

    Your own subclass overrides `__call__(shape, dtype=None, **kwargs)`, and `get_config()` if its
    constructor takes arguments.

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

    #: pyinit's class with the same meaning. A class that sets it is one of tf_keras' own.
    _counterpart: ClassVar[type[base.Initializer]]
    #: Descriptions that differ from the counterpart's docstring, by argument or exception.
    _notes: ClassVar[dict[str, str]] = {}
    #: Whether a call takes `partition_shape` and `partition_offset`.
    _takes_partitions: ClassVar[bool] = True
    _was_called: bool = False
    #: The call checks arguments as TensorFlow does; its values are those of the counterpart.
    _overrides_call = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_counterpart" not in vars(cls):
            return
        CLASSES[cls.__name__] = cls
        if cls.__init__ is not object.__init__:
            cls.__init__ = argument_errors()(cls.__init__)  # type: ignore[method-assign]
        page = f"https://keras.io/2/api/layers/initializers/#{cls.__name__.lower()}-class"
        name = f"tf_keras.{cls.__name__}"
        cls.__doc__ = derive_docstring(cls, cls._counterpart, name, page, cls._notes)

    def __call__(self, shape: Collection[int], dtype: Any = None, **kwargs: Any) -> Any:
        """Return a tensor of initial weights.

        Args:
            shape: The shape of the (full) tensor.
            dtype: A dtype of TensorFlow or NumPy, or its name; None for `pyinit.floatx()`.
            **kwargs: `partition_shape` and `partition_offset` select a slice of the tensor; the
                offset defaults to the origin. (Keras draws other values for each partition, from
                the seed and the offset.) `layout` must be None.

        Returns:
            A new NumPy array: the tensor, or that slice of it.

        Raises:
            TypeError: A keyword is unknown.
            ArgumentError: An argument is invalid, or Identity or Orthogonal is asked for
                a partition.
        """
        unknown = [name for name in kwargs if name not in _KEYWORDS]
        if unknown:
            raise TypeError(
                f"Keyword arguments must be one of {', '.join(_KEYWORDS)}. Received: "
                + ", ".join(unknown)
            )
        with argument_errors():
            layout = kwargs.pop("layout", None)
            if layout is not None:
                raise argument_error("layout", layout, "None")
            if kwargs and not self._takes_partitions:
                name = next(iter(kwargs))
                raise argument_error(name, kwargs[name], f"left out for {type(self).__name__}")
            full_shape = as_shape(shape)
            if kwargs.get("partition_shape") is not None:
                kwargs.setdefault("partition_offset", (0,) * len(full_shape))
            if dtype is not None:
                dtype = as_dtype(dtype, self._dtypes)
            if kwargs.get("partition_offset") is None:
                self._warn_if_reused()
            return super().__call__(full_shape, dtype, device="cpu", **kwargs)

    def _warn_if_reused(self) -> None:
        """Warn at the second call of an initializer without a seed, as tf_keras does."""
        if not isinstance(self, RandomInitializer) or self.has_given_seed:
            return
        if self._was_called:
            warnings.warn(
                f"The initializer {type(self).__name__} is unseeded and being called multiple "
                "times: every call returns the same values. Give it a seed, or use a new "
                "initializer for each weight",
                stacklevel=3,
            )
        self._was_called = True

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Construct an initializer from a configuration.

        Args:
            config: The dictionary that `get_config()` returns, here or in tf_keras; or that of
                the same class in TensorFlow's `compat.v1`, whose `dtype` is dropped.

        Raises:
            AttributeError: `config` is not a dictionary.
            ArgumentError: A key of `config` is not an argument of the class.
        """
        if not isinstance(config, dict):
            allowed = "a dictionary, as get_config() returns it"
            raise argument_error("config", config, allowed, AttributeError)
        with argument_errors():
            return super().from_config(config)


#: The classes of `tf_keras.initializers`, by name.
CLASSES: dict[str, type[Initializer]] = {}
