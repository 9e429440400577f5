"""The lazy tensor, which everything else in this library reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from operator import add
from typing import Any, Literal

import numpy as np

from pyinit import hooks
from pyinit.arguments import (
    Shape,
    argument_error,
    as_dimensions,
    as_partition,
    as_positive_integer,
    is_instance,
    one_of,
)
from pyinit.dtypes import (
    FLOAT_DTYPES,
    NUMERIC_DTYPES,
    AnyArray,
    DTypeLike,
    is_float,
    standardize_dtype,
)
from pyinit.html_tables import property_table
from pyinit.initializers.chunking import chunk_partitions
from pyinit.initializers.indexing import Index, select
from pyinit.initializers.marginal import Marginal
from pyinit.initializers.summary import Spread
from pyinit.runtime import devices

_FLOAT64 = FLOAT_DTYPES["float64"]


class LazyTensor:
    """A fully determined tensor of initial weights, computed only where it is read.

    `initializer.lazy(shape, dtype)` makes one. It holds the distribution, the seed and the draw,
    which determine every value. Reading a slice computes only that slice, with the same values as
    in the whole tensor, on any thread, process or machine. A tensor whose elements depend on each
    other, such as an orthogonal matrix, is computed whole when first read, and kept; its
    `needs_whole` is True. Of a stack of such matrices, only those that are read are computed.

    It is immutable and hashable, and pickles to a few hundred bytes, unless its values are those of
    an array. It has the attributes and methods of a read-only array that Dask, JAX, Zarr and h5py
    expect: `shape`, `dtype`, `ndim`, basic indexing with integers, slices and Ellipsis,
    `numpy.asarray(weights)`, `len(weights)`.

    Example:
        >>> import pyinit
        >>> weights = pyinit.HeNormal(seed=1).lazy((50_000, 4096), "bfloat16")
        >>> weights
        LazyTensor(shape=(50000, 4096), dtype='bfloat16', truncated_normal, seed=1, draw=0)
        >>> weights.nbytes
        409600000
        >>> weights[1000:1010, ::2].shape
        (10, 2048)

    Source: https://data-apis.org/array-api/latest/API_specification/array_object.html
    """

    __slots__ = ("__weakref__", "_dtype", "_shape")

    def __init__(self, shape: Shape, dtype: np.dtype[Any]) -> None:
        self._shape = shape
        self._dtype = dtype

    # ---- for subclasses ----

    def _fill(self, out: AnyArray, offset: Shape | None = None, steps: Shape | None = None) -> None:
        """Fill `out` with the elements `offset + steps * position`.

        Args:
            out: A NumPy array of any strides, checked, of the rank of the tensor. Its storage dtype
                is the tensor's, or float64, which holds the values of every float dtype.
            offset: The first element; None means the origin.
            steps: The distance between elements along each axis; None means 1 for all.
        """
        raise NotImplementedError

    def _fill_on_gpu(self, out: Any, offset: Shape | None = None) -> None:
        """Fill a CuPy array in C or Fortran order with the partition that starts at `offset`.

        Values are computed on the CPU and copied. Subclasses that compute on the device override
        this.
        """
        from pyinit.stream.gpu import arrays

        values = np.empty(out.shape, out.dtype)
        self._fill(values, offset)
        arrays.from_host(out, values)

    def _parameters(self) -> tuple[Any, ...]:
        """Return the constructor's arguments after shape and dtype; they determine the values."""
        raise NotImplementedError

    def _spread(self) -> Spread | None:
        """Return the distribution of an element; None if the elements have different ones."""
        return None

    def _marginal(self) -> Marginal | None:
        """Return the distribution of the values of the whole tensor; None if it is unknown."""
        return None

    def _summary(self) -> str:
        """Describe the parameters, for `repr`."""
        raise NotImplementedError

    # ---- attributes of an array ----

    @property
    def shape(self) -> Shape:
        """The length of each axis."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self._dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        size = 1
        for length in self._shape:
            size *= length
        return size

    @property
    def nbytes(self) -> int:
        """The size of all values, in bytes."""
        return self.size * self._dtype.itemsize

    @property
    def needs_whole(self) -> bool:
        """Whether reading any partition computes the whole tensor, once per object."""
        return False

    @property
    def joint_size(self) -> int:
        """The number of consecutive elements that are computed together, in C order.

        1 if every element is computed on its own. Reading in chunks of a multiple of it costs no
        more than reading the whole tensor.
        """
        return 1

    @property
    def working_memory(self) -> int:
        """The memory that reading needs besides the result, in bytes.

        Excludes small, cache-sized temporaries.
        """
        return 0

    @property
    def operations(self) -> int:
        """The number of floating-point operations of all values together, besides a few for each.

        Above 0 if values are computed together, such as those of an orthogonal matrix.
        """
        return 0

    def __len__(self) -> int:
        if not self._shape:
            raise TypeError("len() of a lazy tensor without axes")
        return self._shape[0]

    # ---- reading ----

    def __getitem__(self, index: Index) -> Any:
        """Compute the selected elements.

        Args:
            index: Integers, slices with any step, and at most one Ellipsis, as NumPy's basic
                indexing.

        Returns:
            A new NumPy array in C order; a NumPy scalar if integers index every axis.

        Raises:
            IndexError: `index` is not a basic index, or is out of bounds.
        """
        shape, view, offset, steps = select(index, self._shape)
        out = np.empty(shape, self._dtype)
        # the Ellipsis makes this a view even without axes
        self._fill(out[(*view, ...)], offset, steps)
        entries = index if is_instance(index, tuple) else (index,)
        return out if shape or Ellipsis in entries else out[()]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> AnyArray:
        if copy is False:
            raise ValueError("A lazy tensor has no memory to share: copy=False is not possible")
        values: AnyArray = self[...]
        return values if dtype is None else values.astype(dtype, copy=False)

    def ravel(self, order: str = "C") -> AnyArray:
        """Return all values in one dimension, in C order (`"C"`) or Fortran order (`"F"`)."""
        values: AnyArray = self[...].ravel(one_of("order", order, ("C", "F")))
        return values

    def read(
        self,
        shape: Collection[int] | None = None,
        offset: Collection[int] | None = None,
        *,
        dtype: DTypeLike | None = None,
        order: Literal["C", "F"] = "C",
        device: str | None = "cpu",
    ) -> Any:
        """Return a partition as a new array.

        Args:
            shape: The shape of the partition; None means the whole tensor.
            offset: The start of the partition along each axis; None means the origin.
            dtype: The storage dtype. None means the tensor's own; float64 holds the values of any
                float dtype, rounded to the tensor's dtype.
            order: The memory order, `"C"` or `"F"`.
            device: `"cpu"`, `"cuda"`, `"cuda:1"`, or None for `default_device()`.

        Returns:
            A NumPy array; on a GPU a CuPy array, which is written asynchronously on the current
            stream.

        Raises:
            ValueError: An argument is invalid.
            ImportError: A GPU needs CuPy, which is not installed.
            RuntimeError: There is no CUDA driver or no GPU.
            MemoryError: There is not enough memory.
        """
        partition, first = self._partition(shape, offset)
        storage = self._storage(dtype)
        one_of("order", order, ("C", "F"))
        ordinal = devices.resolve(device, None)
        if ordinal is None:
            out = np.empty(partition, storage, order)
            self._fill(out, first)
            return out
        from pyinit.stream.gpu import arrays

        out = arrays.empty(partition, storage, ordinal, order)
        with arrays.reporting_memory(ordinal):
            self._fill_on_gpu(out, first)
        return out

    def read_into(self, out: Any, offset: Collection[int] | None = None) -> None:
        """Fill an array with the partition that starts at `offset`.

        Args:
            out: The array, whose shape is that of the partition: a NumPy array or a torch tensor on
                the CPU, of any strides, or an array on a GPU in C or Fortran order (CuPy's, a
                tensor of torch, or an object with DLPack or `__cuda_array_interface__`). Its dtype
                is the tensor's, or float64, which holds the values of any float dtype, rounded to
                the tensor's dtype. Of a DTensor, only the part of this process is filled.
            offset: The start of the partition along each axis; None means the origin.

        Raises:
            TypeError: `out` is neither a NumPy array, a torch tensor nor an array on a GPU.
            ValueError: `out` has another dtype or is read-only, or the partition lies outside the
                tensor.
        """
        is_array = is_instance(out, np.ndarray)
        parts = None if is_array else hooks.local_parts(out)
        if parts is not None:
            start = self._partition(out.shape, offset, "out.shape")[1]
            with parts as tensors:
                for tensor, first in tensors:
                    self.read_into(tensor, tuple(map(add, start, first)))
            return
        memory = None if is_array else hooks.host_memory(out)
        if memory is not None:
            with memory as array:
                self.read_into(array, offset)
            return
        ordinal = devices.resolve(None, out)
        if ordinal is None:
            array = check_out(out, self._dtype, widened=True)
            self._fill(array, self._partition(array.shape, offset, "out.shape")[1])
            return
        from pyinit.stream.gpu import arrays

        with arrays.borrowed(out) as array, arrays.reporting_memory(ordinal):
            array = check_out(array, self._dtype, widened=True)
            self._fill_on_gpu(array, self._partition(array.shape, offset, "out.shape")[1])

    def chunks(self, size: int | None = None) -> Iterator[tuple[tuple[slice, ...], AnyArray]]:
        """Read the tensor in chunks that are consecutive in C order.

        Args:
            size: The largest number of elements in a chunk; None means 2**20. Elements that are
                computed together are in one chunk, whatever its size.

        Returns:
            An iterator of (slices, values): `array[slices] = values` copies the tensor.

        Raises:
            ValueError: `size` is not a positive integer.

        Example:
            >>> import pyinit
            >>> weights = pyinit.Ones().lazy((4, 3))
            >>> [slices for slices, values in weights.chunks(6)]
            [(slice(0, 2, 1), slice(0, 3, 1)), (slice(2, 4, 1), slice(0, 3, 1))]
        """
        return map(self._chunk, self.partitions(size))

    def _chunk(self, partition: tuple[Shape, Shape]) -> tuple[tuple[slice, ...], AnyArray]:
        shape, offset = partition
        values = np.empty(shape, self._dtype)
        self._fill(values, offset)
        return slices_of(shape, offset), values

    def partitions(self, size: int | None = None) -> Iterator[tuple[Shape, Shape]]:
        """Return the shapes and offsets of the chunks, without computing values."""
        if size is not None:
            size = as_positive_integer("size", size, "None or a positive integer")
        return chunk_partitions(self._shape, size, self.joint_size)

    def _storage(self, dtype: DTypeLike | None) -> np.dtype[Any]:
        if dtype is None:
            return self._dtype
        is_widened = is_float(self._dtype)
        # the bridge to R asks for it at every draw
        if dtype is _FLOAT64 and is_widened:
            return _FLOAT64
        allowed = {self._dtype.name: self._dtype}
        if is_widened:
            allowed["float64"] = _FLOAT64
        return standardize_dtype(dtype, allowed)

    def _partition(
        self, shape: Collection[int] | None, offset: Collection[int] | None, name: str = "shape"
    ) -> tuple[Shape, Shape]:
        if shape is None and offset is None:
            return self._shape, (0,) * len(self._shape)
        partition = self._shape if shape is None else as_dimensions(name, shape)
        first = (0,) * len(self._shape) if offset is None else offset
        return as_partition(self._shape, partition, first, (name, "offset"))

    # ---- identity ----

    def _identity(self) -> tuple[Any, ...]:
        return (type(self), self._shape, self._dtype.name, *self._parameters())

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, LazyTensor):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self._shape, self._dtype.name, *self._parameters())

    def __copy__(self) -> LazyTensor:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> LazyTensor:
        return self

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        cls, *values = self._identity()
        return f"{cls.__module__}.{cls.__qualname__}", *values

    def __repr__(self) -> str:
        return f"LazyTensor(shape={self._shape}, dtype={self._dtype.name!r}, {self._summary()})"

    def _repr_html_(self) -> str:
        properties = {
            "shape": self._shape,
            "dtype": self._dtype.name,
            "bytes": f"{self.nbytes:,}",
            "values": self._summary(),
        }
        return property_table("LazyTensor", properties)


def _restored(cls: type[LazyTensor], shape: Shape, dtype: str, *parameters: Any) -> LazyTensor:
    """Construct a lazy tensor from its pickle."""
    return cls(shape, NUMERIC_DTYPES[dtype], *parameters)


def slices_of(shape: Shape, offset: Shape, steps: Shape | None = None) -> tuple[slice, ...]:
    """Return the index of a partition in the full tensor."""
    if steps is None:
        steps = (1,) * len(shape)
    return tuple(
        slice(first, first + length * step, step)
        for first, length, step in zip(offset, shape, steps, strict=True)
    )


def check_out(
    out: Any, dtype: np.dtype[Any], shape: Shape | None = None, *, widened: bool = False
) -> Any:
    """Return an array that can be filled with values of `dtype`.

    Args:
        out: An array of NumPy or CuPy.
        dtype: The dtype of the values.
        shape: The shape that the array must have; None for any.
        widened: Whether float64 storage of a narrower float dtype is allowed.

    Returns:
        `out`; of a subclass of NumPy's array, such as a matrix, the memory as an array of that
        class itself.

    Raises:
        TypeError: `out` is neither.
        ValueError: `out` has another shape or dtype, or is not writable and aligned.
    """
    is_array = is_instance(out, np.ndarray)
    on_gpu = not is_array and devices.device_of(out) is not None
    # the mask of a masked array would keep hiding filled values
    if not on_gpu and (not is_array or isinstance(out, np.ma.MaskedArray)):
        allowed = "a NumPy array, a torch tensor or an array on a GPU"
        raise argument_error("out", out, allowed, TypeError)
    if is_array and type(out) is not np.ndarray:
        out = np.asarray(out)
    widened = widened and is_float(dtype)
    is_stored = out.dtype == dtype or (widened and out.dtype == _FLOAT64)
    # CuPy's arrays are always writable and aligned; copies to them need contiguous ones
    is_writable = out.flags.forc if on_gpu else out.flags.behaved
    if not (is_writable and is_stored and (shape is None or out.shape == shape)):
        of_shape = "" if shape is None else f"shape {shape} and "
        or_float64 = " or float64" if widened else ""
        order = ", in C or Fortran order" if on_gpu else ""
        is_read_only = not on_gpu and not out.flags.writeable
        raise ValueError(
            f"Argument `out` must be a writable, aligned array of {of_shape}dtype {dtype}"
            f"{or_float64}{order}. Received: an array of shape {out.shape} and dtype {out.dtype}, "
            f"with strides {out.strides}, {'read-only' if is_read_only else 'writable'}"
        )
    return out
