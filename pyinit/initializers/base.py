"""The base class of all initializers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from operator import add
from typing import TYPE_CHECKING, Any, ClassVar, TypeGuard, TypeVar, overload

import numpy as np

from pyinit import hooks
from pyinit.arguments import (
    CheckedAttributes,
    Constructed,
    Shape,
    argument_error,
    as_partition,
    as_shape,
    constructed,
    has_attribute,
    is_instance,
)
from pyinit.dtypes import FLOAT_DTYPES, NUMERIC_DTYPES, AnyArray, DTypeLike, standardize_dtype
from pyinit.html_tables import property_table
from pyinit.initializers.fans import fans_of_shape
from pyinit.initializers.lazy import LazyTensor, check_out
from pyinit.initializers.summary import Spread, Summary
from pyinit.initializers.whole import CalledTensor
from pyinit.runtime import devices
from pyinit.seeds import TracedDrawError, as_draw

if TYPE_CHECKING:
    from typing_extensions import Self

Out = TypeVar("Out")

#: The types of most shapes, and of no dtype or key.
_SHAPE_TYPES = frozenset({tuple, list})


class PassesForKeras(CheckedAttributes):
    """The base class of objects that pass Keras' isinstance checks."""

    #: The libraries whose checks they pass: Keras 3 and Keras 2.
    _proxied_libraries: ClassVar[tuple[str, ...]] = ("keras", "tf_keras")

    # isinstance() falls back to this attribute; it lets ours pass for Keras' initializers
    @property  # type: ignore[misc]
    def __class__(self) -> type[Self]:
        return hooks.isinstance_proxy(type(self))

    def __reduce__(self) -> tuple[Any, ...]:
        # the default refuses objects whose __class__ is not their type
        return object.__new__, (type(self),), vars(self)


class Initializer(PassesForKeras):
    """The base class of all initializers.

    An initializer is called with a shape and returns a tensor of initial weights. The arguments of
    its constructor are attributes; setting one checks it as the constructor does. As in Keras, a
    subclass of your own overrides `__call__(shape, dtype=None)`, and `get_config()` if its
    constructor takes arguments.

    Example:
        >>> import numpy as np
        >>> import pyinit
        >>> class Halves(pyinit.Initializer):
        ...     def __call__(self, shape, dtype=None, **kwargs):
        ...         return np.full(shape, 0.5, dtype or pyinit.floatx())
        >>> Halves()((2,))
        array([0.5, 0.5], dtype=float32)

    Source: https://keras.io/api/layers/initializers/
    """

    #: The dtypes that the initializer can fill.
    _dtypes: ClassVar[dict[str, np.dtype[Any]]] = NUMERIC_DTYPES
    #: Whether the class overrides `__call__`, so that only a call gives its values.
    _overrides_call: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__call__" in vars(cls) and "_overrides_call" not in vars(cls):
            cls._overrides_call = True

    # an overload for each kind of result
    @overload
    def __call__(
        self,
        shape: Collection[int],
        dtype: DTypeLike | None = None,
        *,
        partition_shape: Collection[int] | None = None,
        partition_offset: Collection[int] | None = None,
    ) -> AnyArray: ...
    @overload
    def __call__(
        self,
        shape: Collection[int],
        dtype: DTypeLike | None = None,
        *,
        out: Out,
        device: str | None = None,
        partition_shape: Collection[int] | None = None,
        partition_offset: Collection[int] | None = None,
    ) -> Out: ...
    @overload
    def __call__(
        self,
        shape: Collection[int],
        dtype: DTypeLike | None = None,
        *,
        out: Any = None,
        device: str | None = None,
        partition_shape: Collection[int] | None = None,
        partition_offset: Collection[int] | None = None,
        layout: Any = None,
    ) -> Any: ...
    def __call__(
        self,
        shape: Collection[int],
        dtype: DTypeLike | None = None,
        *others: Any,
        out: Any = None,
        device: str | None = None,
        partition_shape: Collection[int] | None = None,
        partition_offset: Collection[int] | None = None,
        layout: Any = None,
    ) -> Any:
        """Return a tensor of initial weights.

        Args:
            shape: The shape of the (full) tensor: a sequence of non-negative integers.
            dtype: The name of the dtype, or a dtype of NumPy, TensorFlow, JAX or torch. None means
                the dtype of `out`, or else `floatx()`. Random initializers fill float16, bfloat16,
                float32 and float64; constant ones also integers and bool.
            out: The array to fill; nothing else is allocated. A NumPy array or a torch tensor on
                the CPU, of any strides, or an array on a GPU in C or Fortran order: CuPy's, a
                tensor of torch, or an object with DLPack or `__cuda_array_interface__`. A torch
                tensor may require gradients: as in `torch.nn.init`, the fill is not recorded. Of a
                DTensor, only the part of this process is filled.
            device: `"cpu"`, `"cuda"` (CuPy's current device) or `"cuda:1"` (that device). None
                means the device of `out`, or else `default_device()`.
            partition_shape: The shape of the partition to draw; None draws the full tensor.
            partition_offset: The start of the partition along each axis.
            layout: Shards the tensor over devices, each of which draws its own shard: a
                `jax.sharding.PartitionSpec` over the mesh in use (`jax.set_mesh`), a
                `jax.sharding.Sharding`, a `jax.experimental.layout.Format`, or a
                `keras.distribution.TensorLayout` of Keras' jax backend. A tensor of several
                processes needs a seed. Cannot be combined with the four arguments above.
            others: Not accepted. `pyinit.jax.initializer()` converts an initializer for callers
                that pass a key first, such as Flax.

        Returns:
            `out`, or a new NumPy array in C order: the full tensor, or exactly the slice
            `[partition_offset : partition_offset + partition_shape]` of it. On a GPU, a CuPy array,
            which is written asynchronously on the current stream. With a layout, a `jax.Array`. If
            the seed is a generator that Keras uses, traced code (tf.function, jax.jit) gets a
            tensor, which is drawn on the host when the code runs.

        Raises:
            ValueError: An argument is invalid.
            TypeError: `out` is neither a NumPy array, a torch tensor nor an array on a GPU, or the
                call is one of `(key, shape, dtype)`.
            ImportError: A GPU needs CuPy, which is not installed.
            RuntimeError: There is no CUDA driver or no GPU.
            MemoryError: There is not enough memory.
        """
        if others or (type(dtype) in _SHAPE_TYPES and type(shape) not in _SHAPE_TYPES):
            raise _call_error(self, 2 + len(others))
        if layout is not None:
            _check_alone(layout, (out, device, partition_shape, partition_offset))
            full, array_dtype = as_shape(shape), standardize_dtype(dtype, self._dtypes)
            # not lazy(), which would call an overridden __call__ again
            return hooks.draw_sharded(self, full, lambda: self._lazy(full, array_dtype), layout)
        is_array = out is None or is_instance(out, np.ndarray)
        parts = None if is_array else hooks.local_parts(out, self)
        memory = None if is_array or parts is not None else hooks.host_memory(out)
        if memory is not None:
            with memory as array:
                self(
                    shape,
                    dtype,
                    out=array,
                    device=device,
                    partition_shape=partition_shape,
                    partition_offset=partition_offset,
                )
            return out
        full = as_shape(shape)
        partition, offset = full, None
        if partition_shape is not None or partition_offset is not None:
            partition, offset = as_partition(full, partition_shape, partition_offset)
        if parts is not None:
            with parts as tensors:
                self._fill_parts(tensors, full, partition, offset, dtype, out, device)
            return out
        ordinal = devices.resolve(device, out)
        if ordinal is not None:
            return self._call_on_gpu(ordinal, full, partition, offset, dtype, out)
        # allocate first, so that a call that runs out of memory takes no draw
        if out is None:
            array_dtype = standardize_dtype(dtype, self._dtypes)
            array = np.empty(partition, array_dtype)
        else:
            array_dtype = self._dtype_for(out, dtype)
            array = check_out(out, array_dtype, partition)
        try:
            weights = self._lazy(full, array_dtype)
        except TracedDrawError as error:
            if out is not None or device is not None or offset is not None:
                raise
            return hooks.draw_traced(self, full, array_dtype, error)
        weights._fill(array, offset)
        return array if out is None else out

    def _dtype_for(self, out: Any, dtype: Any) -> np.dtype[Any]:
        """Return the dtype to draw in: the one asked for, or else that of `out`."""
        if dtype is not None or not has_attribute(out, "dtype"):
            return standardize_dtype(dtype, self._dtypes)
        try:
            return standardize_dtype(out.dtype, self._dtypes)
        except ValueError:
            allowed = ", ".join(map(repr, self._dtypes))
            raise ValueError(
                f"Argument `out` must be an array whose dtype is one of {allowed}. "
                f"Received: an array of dtype {out.dtype}"
            ) from None

    def _fill_parts(
        self,
        parts: list[tuple[Any, Shape]],
        full: Shape,
        partition: Shape,
        offset: Shape | None,
        dtype: Any,
        out: Any,
        device: str | None,
    ) -> None:
        """Fill the parts of a DTensor that this process holds."""
        array_dtype = self._dtype_for(out, dtype)
        if out.shape != partition or standardize_dtype(out.dtype, self._dtypes) != array_dtype:
            raise ValueError(
                f"Argument `out` must be a tensor of shape {partition} and dtype {array_dtype}. "
                f"Received: a DTensor of shape {tuple(out.shape)} and dtype {out.dtype}"
            )
        for tensor, _ in parts:
            devices.resolve(device, tensor)
        # a process without a part takes the draw of a seed generator too
        weights = self._lazy(full, array_dtype)
        for tensor, first in parts:
            start = first if offset is None else tuple(map(add, offset, first))
            weights.read_into(tensor, start)

    def _call_on_gpu(
        self,
        ordinal: int,
        full: Shape,
        partition: Shape,
        offset: Shape | None,
        dtype: Any,
        out: Any,
    ) -> Any:
        """Carry out a call on the GPU of that ordinal."""
        from pyinit.stream.gpu import arrays

        if out is None:
            array_dtype = standardize_dtype(dtype, self._dtypes)
            out = arrays.empty(partition, array_dtype, ordinal)
            with arrays.reporting_memory(ordinal):
                self._lazy(full, array_dtype)._fill_on_gpu(out, offset)
            return out
        with arrays.borrowed(out) as array, arrays.reporting_memory(ordinal):
            array_dtype = self._dtype_for(array, dtype)
            array = check_out(array, array_dtype, partition)
            self._lazy(full, array_dtype)._fill_on_gpu(array, offset)
        return out

    def lazy(
        self, shape: Collection[int], dtype: DTypeLike | None = None, *, draw: int | None = None
    ) -> LazyTensor:
        """Return the tensor of a call as a lazy tensor, which computes only what is read.

        The draw of a seed generator is taken here, after all arguments are checked, so a failing
        call takes none.

        Args:
            shape: The shape of the tensor: a sequence of non-negative integers.
            dtype: As in a call of the initializer; None means `floatx()`.
            draw: The draw of the seed to use, from 0 to 2**32 - 1, which leaves a seed generator
                unchanged. None takes the next draw of a seed generator, or draw 0 of an integer.

        Returns:
            A `LazyTensor`.

        Raises:
            ValueError: An argument is invalid.

        Example:
            >>> import pyinit
            >>> weights = pyinit.Orthogonal(seed=1).lazy((4, 3))
            >>> bool((weights[2:] == pyinit.Orthogonal(seed=1)((4, 3))[2:]).all())
            True
        """
        full = as_shape(shape)
        array_dtype = standardize_dtype(dtype, self._dtypes)
        draw_index = None if draw is None else as_draw(draw)
        if not self._overrides_call:
            return self._lazy(full, array_dtype, draw_index)
        if draw is not None:
            allowed = f"None for {type(self).__name__}, which overrides __call__"
            raise argument_error("draw", draw, allowed)
        return CalledTensor(full, array_dtype, self)

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        """Return the lazy tensor of a checked shape and dtype.

        Subclasses of this package override this method. They check the shape, compute parameters
        and take the draw last.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must override `__call__(shape, dtype=None)`."
        )

    def summary(self, shape: Collection[int]) -> Summary:
        """Return the fans and the distribution of the values for a shape.

        Takes no draw and computes no values.

        Args:
            shape: The shape of the tensor: a sequence of non-negative integers.

        Returns:
            A `Summary`.

        Raises:
            ValueError: `shape` is not one that the initializer can fill.

        Example:
            >>> import pyinit
            >>> summary = pyinit.GlorotUniform().summary((100, 50))
            >>> summary.fan_in, summary.fan_out, summary.distribution, summary.maxval
            (100, 50, 'uniform', 0.2)

        Source: https://keras.io/api/layers/initializers/
        """
        full = as_shape(shape)
        spread = None
        if not self._overrides_call:
            spread = self._lazy(full, FLOAT_DTYPES["float64"], 0)._spread()
        return Summary(full, *self._fans(full), **(spread or Spread(None))._asdict())

    def _fans(self, shape: Shape) -> tuple[int, int]:
        return fans_of_shape(shape, None, None, None)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as a JSON-serializable dictionary.

        Its keys are those of Keras' class of the same name.
        """
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Construct an initializer from a configuration of this class or Keras' class of that name.

        Args:
            config: The dictionary that `get_config()` returns. A `dtype`, as TensorFlow 1.13 to 2.0
                wrote it, is ignored: layers pass their own to each call.

        Raises:
            ValueError: A key of `config` is not an argument of the class.
        """
        return constructed_without_dtype(cls, config)

    def clone(self) -> Self:
        """Return a new initializer with the same arguments; an unseeded one gets a fresh seed."""
        return type(self).from_config(self.get_config())

    def __copy__(self) -> Self:
        # ten times faster than the way over pickles, for manifests of many tensors
        copied: Self = object.__new__(type(self))
        vars(copied).update(vars(self))
        return copied

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self._arguments().items())
        return f"{type(self).__name__}({arguments})"

    def _repr_html_(self) -> str:
        arguments = {name: repr(value) for name, value in self._arguments().items()}
        return property_table(type(self).__name__, arguments)

    def _arguments(self) -> dict[str, Any]:
        """Return the arguments that `repr` shows."""
        return self.get_config()


def constructed_without_dtype(
    constructor: Callable[..., Constructed], config: object
) -> Constructed:
    """Call a class or a function with the arguments in a configuration, except a dtype.

    Raises:
        ValueError: `config` is no dictionary, or a key of it is not an argument.
    """
    if (
        is_instance(config, dict)
        and "dtype" in config
        and "dtype" not in inspect.signature(constructor).parameters
    ):
        config = {name: value for name, value in config.items() if name != "dtype"}
    return constructed(constructor, config)


def _call_error(initializer: Initializer, given: int) -> TypeError:
    name = type(initializer).__name__
    return TypeError(
        f"{name} must be called with a shape and a dtype: initializer(shape, dtype=None). "
        f"Received: {given} positional arguments, as jax.nn.initializers take them: a key, a shape "
        "and a dtype. For Flax and other libraries on JAX, convert it: "
        f"kernel_init=pyinit.jax.initializer(pyinit.{name}())"
    )


def _check_alone(layout: object, others: tuple[object, ...]) -> None:
    if any(other is not None for other in others):
        allowed = "None if `out`, `device`, `partition_shape` or `partition_offset` is given"
        raise argument_error("layout", layout, allowed)


def is_drawn_lazily(initializer: object) -> TypeGuard[Initializer]:
    """Return whether an initializer is ours, without a `__call__` that changes its values."""
    return isinstance(initializer, Initializer) and not initializer._overrides_call
