"""Fingerprints: SHA-256 digests of tensors in a canonical form."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Collection
from typing import Any

import numpy as np

from pyinit.arguments import Shape, argument_error, as_shape, is_instance
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray, cast, standardize_dtype
from pyinit.initializers.base import Initializer
from pyinit.initializers.chunking import chunk_partitions
from pyinit.initializers.lazy import LazyTensor, slices_of
from pyinit.reproducibility.chunks import for_each_chunk
from pyinit.runtime.host_arrays import host_array
from pyinit.versions import STREAM_VERSION


class Digest:
    """The running digest of a tensor, computed from its values in C order.

    Args:
        shape: The shape of the tensor.
        dtype: The dtype of the tensor.
    """

    def __init__(self, shape: Shape, dtype: np.dtype[Any]) -> None:
        lengths = ",".join(map(str, shape))
        header = f"pyinit fingerprint 1\0{STREAM_VERSION}\0{dtype.name}\0{lengths}\0"
        self._hash = hashlib.sha256(header.encode("ascii"))

    def update(self, values: AnyArray) -> None:
        """Add the next values in C order, in an array of any shape."""
        self._hash.update(little_endian(values))

    def hexdigest(self) -> str:
        """Return the fingerprint: 64 hexadecimal digits."""
        return self._hash.hexdigest()


def little_endian(values: AnyArray) -> memoryview:
    """Return the little-endian bytes of values in C order."""
    flat: AnyArray = np.ascontiguousarray(values).reshape(-1)
    if sys.byteorder == "big":
        flat = flat.view(f"u{flat.itemsize}").byteswap()
    return flat.view(np.uint8).data


def fingerprint(x: Any, shape: Collection[int] | None = None, dtype: Any = None) -> str:
    """Return the SHA-256 digest of a tensor of initial weights, or of an existing array.

    Two tensors have the same fingerprint if and only if they have the same shape, dtype and values,
    to the last bit (0.0 and -0.0 differ), on any machine and in any language. The digest
    covers the bytes that the page "The random stream" of the documentation specifies.

    A tensor is drawn in chunks on the CPU, so it may be larger than memory. Orthogonal matrices are
    drawn whole.

    Args:
        x: An initializer, a lazy tensor, an array of NumPy, CuPy, JAX, torch or TensorFlow, or a
            Keras variable.
        shape: For an initializer, the shape of the tensor to draw. Otherwise None or the shape of
            `x`.
        dtype: For an initializer, the dtype of the tensor to draw; None means `floatx()`.
            Otherwise the dtype to convert the values to, which must represent them exactly; None
            means the dtype of `x`.

    Returns:
        64 hexadecimal digits. For an initializer with a seed generator, this takes a draw, as a
        call does.

    Raises:
        TypeError: `x` is none of these.
        ValueError: `shape` or `dtype` is invalid.

    Example:
        >>> import pyinit
        >>> initializer = pyinit.HeNormal(seed=1)
        >>> drawn = pyinit.fingerprint(initializer, (4, 3))
        >>> drawn[:16]
        '236c9e232ba1f4fd'
        >>> pyinit.fingerprint(initializer((4, 3))) == drawn
        True

    Source: FIPS 180-4, https://csrc.nist.gov/pubs/fips/180-4/upd1/final
    """
    if is_instance(x, Initializer):
        if shape is None:
            raise argument_error("shape", shape, "given for an initializer")
        return _of_lazy(x.lazy(shape, dtype))
    values = x if is_instance(x, LazyTensor) else host_array(x)
    if shape is not None and as_shape(shape) != values.shape:
        raise argument_error("shape", shape, f"None or the shape of `x`, {values.shape}")
    if isinstance(values, LazyTensor):
        return _of_lazy(values, dtype)
    return _of_array(values, dtype)


def _of_lazy(weights: LazyTensor, dtype: Any = None) -> str:
    target = weights.dtype if dtype is None else standardize_dtype(dtype, NUMERIC_DTYPES)
    digest = Digest(weights.shape, target)
    for_each_chunk(weights, lambda chunk: digest.update(_exactly(chunk, target)))
    return digest.hexdigest()


def _of_array(values: AnyArray, dtype: Any) -> str:
    # any byte order is accepted
    native = values.dtype.newbyteorder("=")
    if native not in NUMERIC_DTYPES.values():
        allowed = f"an array of one of the dtypes {', '.join(NUMERIC_DTYPES)}"
        raise argument_error("x", values, allowed)
    target = native if dtype is None else standardize_dtype(dtype, NUMERIC_DTYPES)
    digest = Digest(values.shape, target)
    for shape, offset in chunk_partitions(values.shape):
        chunk = values[slices_of(shape, offset)]
        digest.update(_exactly(chunk.astype(native, copy=False), target))
    return digest.hexdigest()


def _exactly(values: AnyArray, dtype: np.dtype[Any]) -> AnyArray:
    """Convert values to a dtype that represents them exactly."""
    if values.dtype == dtype:
        return values
    converted, same = cast(values, dtype)
    if not same.all():
        example = values[~same][0]
        raise argument_error(
            "dtype", dtype.name, f"one that represents the values exactly, unlike {example}"
        )
    return converted
