"""The base class of the initializers of `compat.v1`."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pyinit.arguments import Shape, argument_error, as_dimensions, as_shape
from pyinit.compat.arguments import argument_errors, as_dtype
from pyinit.compat.docstrings import derive_docstring
from pyinit.compat.v1.seeds import CallSeed, Draws
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray
from pyinit.initializers import base
from pyinit.seeds import as_seed

if TYPE_CHECKING:
    from typing_extensions import Self


class Initializer(base.PassesForKeras):
    """The base class of the initializers of `compat.v1`.

    Each wraps one of pyinit's own initializers in TensorFlow 1's interface: a default dtype in the
    constructor, `partition_info` in the call, new values at every call.

    Source: https://www.tensorflow.org/api_docs/python/tf/compat/v1/keras/initializers/Initializer
    """

    _proxied_libraries = ("tf_keras",)
    #: The name below `tf.compat.v1`. A class that sets it is one of TensorFlow's own.
    _name: ClassVar[str]
    #: pyinit's class with the same meaning.
    _counterpart: ClassVar[type[base.Initializer] | None] = None
    #: Descriptions that differ from the counterpart's docstring, by argument or exception.
    _notes: ClassVar[dict[str, str]] = {
        "seed": "An integer or None. Every call gives new values; a new initializer with the same "
        "seed starts the same sequence.",
        "dtype": "The default dtype of calls.",
    }
    #: The names of the constructor's arguments, which are attributes too.
    _arguments: ClassVar[tuple[str, ...]] = ()
    #: The dtypes that the initializer can fill.
    _dtypes: ClassVar[dict[str, np.dtype[Any]]] = NUMERIC_DTYPES

    _follow: ClassVar[dict[str, tuple[str, ...]]] = {"seed": ("_draws",)}

    #: The default dtype of calls.
    dtype: np.dtype[Any]
    #: The constructor's argument, if it has one.
    seed: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_name" not in vars(cls):
            return
        CLASSES[cls._name] = cls
        cls._arguments = tuple(inspect.signature(cls).parameters)
        if cls._counterpart is not None and "Args:" not in (vars(cls)["__doc__"] or ""):
            page = "https://www.tensorflow.org/api_docs/python/tf/compat/v1/"
            page += cls._name.replace(".", "/")
            name = f"v1.{cls._name}"
            cls.__doc__ = derive_docstring(cls, cls._counterpart, name, page, cls._notes)

    def _setup(self, dtype: Any) -> None:
        """Check the constructor's arguments: the attributes, and the default `dtype`."""
        with argument_errors():
            self.__dict__["dtype"] = as_dtype(dtype, self._dtypes)
            if self.seed is not None:
                as_seed("seed", self.seed, "an integer from -2**63 to 2**64 - 1, or None")
            self._replacement(self.seed)
        self._draws = Draws(self.seed)

    def _replacement(self, seed: Any) -> base.Initializer:
        """Return pyinit's own initializer with these arguments and that seed."""
        if self._counterpart is None:
            raise NotImplementedError(
                f"{type(self).__name__} must override `__call__(shape, dtype=None)`."
            )
        arguments = {name: getattr(self, name) for name in self._arguments if name != "dtype"}
        if "seed" in arguments:
            arguments["seed"] = seed
        return self._counterpart(**arguments)

    def _initializer_for(self, full_shape: Shape, seed: Any) -> base.Initializer:
        """Return the initializer that fills a variable of that shape."""
        return self._replacement(seed)

    def __call__(
        self, shape: Collection[int], dtype: Any = None, partition_info: Any = None
    ) -> AnyArray:
        """Return a tensor of initial weights: new values at every call.

        Args:
            shape: The shape of the variable, or of the partition to draw.
            dtype: A dtype of TensorFlow or NumPy, or its name; None for the constructor's.
            partition_info: Locates the partition in its variable, by its attributes `full_shape`
                and `var_offset`. Successive partitions of one variable are slices of one tensor,
                the one that a call without partitions would have given. (TensorFlow draws each
                partition independently.)

        Returns:
            A new NumPy array.

        Raises:
            ArgumentError: An argument is invalid.
            AttributeError: `partition_info` lacks one of the two attributes.
        """
        with argument_errors():
            array_dtype = self.dtype if dtype is None else as_dtype(dtype, self._dtypes)
            partition = full_shape = as_shape(shape)
            offset = None
            if partition_info is not None:
                full_shape, offset = read_partition(partition_info)
            seed = CallSeed(lambda: self._draws.take(full_shape, offset))
            values: AnyArray = self._initializer_for(full_shape, seed)(
                full_shape,
                array_dtype,
                device="cpu",
                partition_shape=partition,
                partition_offset=(0,) * len(partition) if offset is None else offset,
            )
            return values

    def migrate(self) -> base.Initializer:
        """Return the initializer of pyinit that replaces this one.

        | argument here | argument there | note |
        |---|---|---|
        | `scale` | `scale` | |
        | `mode` | `mode` | |
        | `distribution` | `distribution` | `"normal"` becomes `"truncated_normal"` |
        | `seed` | `seed` | every call gives the values of the first call here |
        | `dtype` | `dtype` | of the call, not of the constructor |
        | `partition_info` (of the call) | `partition_shape`, `partition_offset` | of the call |

        The arguments of the other initializers keep their names and values too, except `factor`
        (`scale` is its square) and `verify_shape` (dropped). The values are those of the first call
        here unless `set_random_seed()` has set a seed, which pyinit's own initializers ignore.

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
        return self._replacement(self.seed)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as a JSON-serializable dictionary.

        Its keys are those of TensorFlow's class of the same name.
        """
        config = {name: getattr(self, name) for name in self._arguments}
        return {**config, "dtype": self.dtype.name} if "dtype" in config else config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Construct an initializer from a configuration, ours or of TensorFlow's class.

        Args:
            config: The dictionary that `get_config()` returns.

        Raises:
            ArgumentError: A key of `config` is not an argument of the class.
        """
        with argument_errors():
            return base.constructed_without_dtype(cls, config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


#: The classes of `tf.compat.v1`, by the name below it.
CLASSES: dict[str, type[Initializer]] = {}


def read_partition(partition_info: Any) -> tuple[Shape, Shape]:
    """Return the full shape and the offset in a `partition_info`."""
    try:
        full_shape, offset = partition_info.full_shape, partition_info.var_offset
    except AttributeError:
        allowed = "an object with the attributes full_shape and var_offset"
        raise argument_error("partition_info", partition_info, allowed, AttributeError) from None
    return as_shape(full_shape), as_dimensions("var_offset", offset)
