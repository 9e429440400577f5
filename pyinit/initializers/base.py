"""The base class: what a call of every initializer does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pyinit import hooks
from pyinit.arguments import Shape, argument_error, as_partition, as_shape
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray, standardize_dtype
from pyinit.runtime import devices

if TYPE_CHECKING:
    from typing_extensions import Self


class Initializer:
    """The base class of all initializers.

    An initializer is called with a shape and returns a tensor of initial weights. A subclass of
    your own overrides `__call__(shape, dtype=None)`, and `get_config()` if its constructor takes
    arguments, as in Keras.

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
    #: Whether a part of a tensor takes as long, and as much memory, as all of it.
    _parts_cost_all: ClassVar[bool] = False

    def __call__(
        self,
        shape: Iterable[int],
        dtype: Any = None,
        *,
        out: AnyArray | None = None,
        device: str | None = None,
        partition_shape: Iterable[int] | None = None,
        partition_offset: Iterable[int] | None = None,
        layout: Any = None,
    ) -> AnyArray:
        """Returns a tensor of initial weights.

        Args:
            shape: The shape of the (full) tensor: a sequence of non-negative integers.
            dtype: The name of the dtype, or a dtype of NumPy, TensorFlow, JAX or torch. None means
                the dtype of `out`, or else `floatx()`. The random initializers fill float16,
                bfloat16, float32 and float64, the constant ones integers and bool too.
            out: The array to fill, in C or Fortran order; nothing else is allocated then. It is a
                NumPy array, or one on a GPU: CuPy's, a tensor of torch, or any other object with
                DLPack or `__cuda_array_interface__`.
            device: `"cpu"`, `"cuda"` (CuPy's current device) or `"cuda:1"` (that one). None means
                the device of `out`, or else `default_device()`.
            partition_shape: The shape of the part that is asked for, if not the full tensor.
            partition_offset: Where that part starts, along each axis.
            layout: How to shard the tensor over devices: a `jax.sharding.Sharding`, or a
                `keras.distribution.TensorLayout` of Keras' jax backend; goes with none of the four
                arguments above. Each device's part is drawn on its own.

        Returns:
            `out`, or a new NumPy array in C order: the full tensor, or exactly the slice
            `[partition_offset : partition_offset + partition_shape]` of it. On a GPU, a CuPy array,
            whose values the current stream will have written. With a layout, a `jax.Array`.

        Raises:
            ValueError: An argument is not as described.
            TypeError: `out` is not a NumPy array or one on a GPU.
            ImportError: A GPU needs CuPy, which is not installed.
            RuntimeError: There is no driver or no device.
            MemoryError: There is too little memory.
        """
        if layout is not None:
            _check_alone(layout, (out, device, partition_shape, partition_offset))
            return hooks.draw_sharded(self, shape, dtype, layout)  # type: ignore[no-any-return]
        full, part, offset = self._check(shape, partition_shape, partition_offset)
        number = devices.chosen(device, out)
        if number is not None:
            drawn: AnyArray = self._call_on_gpu(number, full, part, offset, dtype, out)
            return drawn
        if out is None:
            array_dtype = standardize_dtype(dtype, self._dtypes)
            out = np.empty(part, array_dtype)
        else:
            array_dtype = self._check_out(out, part, dtype)
        self._fill(out, array_dtype, full, offset)
        return out

    def _check(
        self,
        shape: object,
        partition_shape: object,
        partition_offset: object,
    ) -> tuple[Shape, Shape, Shape]:
        """The full shape, the shape of the part that is asked for, and where the part starts."""
        full = as_shape(shape)
        if partition_shape is None and partition_offset is None:
            part, offset = full, (0,) * len(full)
        else:
            part, offset = as_partition(full, partition_shape, partition_offset)
        self._check_shape(full)
        return full, part, offset

    def _call_on_gpu(
        self, number: int, full: Shape, part: Shape, offset: Shape, dtype: Any, out: Any
    ) -> Any:
        """What a call returns on the GPU of that number."""
        from pyinit.stream.gpu import arrays

        if out is None:
            array_dtype = standardize_dtype(dtype, self._dtypes)
            out = arrays.empty(part, array_dtype, number)
            with arrays.reporting_memory(number):
                self._fill_on_gpu(out, array_dtype, full, offset)
        else:
            with arrays.borrowed(out) as array, arrays.reporting_memory(number):
                array_dtype = self._check_buffer(array, part, dtype)
                self._fill_on_gpu(array, array_dtype, full, offset)
        return out

    def _drawn_on_gpu(
        self,
        number: int,
        full: Shape,
        part: Shape,
        offset: Shape,
        dtype: np.dtype[Any],
        held: np.dtype[Any],
    ) -> AnyArray:
        """A part drawn on the GPU of that number and copied to the CPU's memory.

        The array is in Fortran order and of `held`: `dtype`, or float64 that holds its values.
        """
        from pyinit.stream.gpu import arrays

        out = arrays.empty(part, held, number, "F")
        with arrays.reporting_memory(number):
            self._fill_on_gpu(out, dtype, full, offset)
            return arrays.to_host(out)

    def _check_shape(self, shape: Shape) -> None:
        """Raises a ValueError if the initializer cannot serve a tensor of that shape."""

    def _check_out(self, out: AnyArray, part: Shape, dtype: Any) -> np.dtype[Any]:
        """The dtype to fill `out` with, once it is known to be a buffer for the part."""
        # a mask would go on hiding what was drawn
        if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
            allowed = "a NumPy array or one on a GPU"
            raise TypeError(f"Argument `out` must be {allowed}. Received: out={out!r}")
        return self._check_buffer(out, part, dtype)

    def _check_buffer(self, out: Any, part: Shape, dtype: Any) -> np.dtype[Any]:
        """The dtype to fill an array of NumPy or CuPy with."""
        array_dtype = standardize_dtype(out.dtype if dtype is None else dtype, self._dtypes)
        flags = out.flags
        # all of CuPy's arrays are writable, and have no such flags
        writable = getattr(flags, "writeable", True)
        sound = writable and flags.forc and getattr(flags, "aligned", True)
        if out.shape != part or out.dtype != array_dtype or not sound:
            raise ValueError(
                f"Argument `out` must be a writable, aligned array of shape {part} and dtype "
                f"{array_dtype}, in C or Fortran order. Received: an array of shape "
                f"{out.shape} and dtype {out.dtype}, with strides {out.strides}, "
                f"{'writable' if writable else 'read-only'}"
            )
        return array_dtype

    def _fill(self, out: AnyArray, dtype: np.dtype[Any], full_shape: Shape, offset: Shape) -> None:
        """Fills `out` with the part at `offset` of the tensor of `full_shape`.

        All arguments are checked already; `out` may have any strides, and be of float64 when
        `dtype` is a narrower one whose values it is to hold.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must override `__call__(shape, dtype=None)`."
        )

    def _fill_on_gpu(
        self, out: Any, dtype: np.dtype[Any], full_shape: Shape, offset: Shape
    ) -> None:
        """As `_fill()`, for a CuPy array in C or Fortran order.

        Here the values come from the CPU's memory; who computes them on the device overrides it.
        """
        from pyinit.stream.gpu import arrays

        values = np.empty(out.shape, out.dtype)
        self._fill(values, dtype, full_shape, offset)
        arrays.from_host(out, values)

    def _working_memory(self, full_shape: Shape) -> int:
        """How many bytes `_fill()` needs besides `out`, for a part of a tensor of that shape.

        What stays within a cache does not count.
        """
        return 0

    def _of_one_draw(self) -> Initializer:
        """An initializer all of whose calls give parts of one tensor: what the next call draws."""
        return self

    def get_config(self) -> dict[str, Any]:
        """The arguments that construct such an initializer, as a JSON-serializable dictionary.

        Its keys are those of Keras' class of the same name.
        """
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An initializer with the arguments in `config`, ours or of Keras' class of that name.

        Args:
            config: What `get_config()` returns.

        Raises:
            ValueError: A key of `config` is not an argument of the class.
        """
        if not isinstance(config, dict):
            raise argument_error("config", config, "a dictionary, as get_config() returns it")
        try:
            return cls(**config)
        except TypeError as error:
            raise ValueError(
                f"Argument `config` must hold arguments of {cls.__name__}. "
                f"Received: config={config!r} ({error})"
            ) from None

    def clone(self) -> Self:
        """A new initializer with the same arguments (a fresh seed if none was given)."""
        return type(self).from_config(self.get_config())

    # What isinstance() asks where the type alone does not answer: see hooks.py.
    @property  # type: ignore[misc]
    def __class__(self) -> type[Self]:
        return hooks.isinstance_proxy(type(self))

    def __reduce__(self) -> tuple[Any, ...]:
        # the default refuses objects whose __class__ is not their type
        return object.__new__, (type(self),), vars(self)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self._arguments().items())
        return f"{type(self).__name__}({arguments})"

    def _arguments(self) -> dict[str, Any]:
        """The arguments to show in `repr`."""
        return self.get_config()


def _check_alone(layout: object, others: tuple[object, ...]) -> None:
    if any(other is not None for other in others):
        allowed = "None where `out`, `device`, `partition_shape` or `partition_offset` is given"
        raise argument_error("layout", layout, allowed)
