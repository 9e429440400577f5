"""The data model of a manifest: tensors, the initializers that draw them, and fingerprints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from pyinit.arguments import (
    Shape,
    argument_error,
    as_positive_integer,
    as_shape,
    is_instance,
    one_of,
)
from pyinit.dtypes import NUMERIC_DTYPES
from pyinit.html_tables import MAX_ROWS, record_table
from pyinit.initializers.base import Initializer
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.placement import ComposedTensor, Placement
from pyinit.seeds import as_seed


class ManifestError(ValueError):
    """The manifest or plan is invalid. The message says what is wrong, and where.

    Example:
        >>> import pyinit
        >>> try:
        ...     pyinit.create_manifest([{"name": "bias", "initializer": "zeros"}])
        ... except pyinit.ManifestError as error:
        ...     print(error)
        tensors[0] lacks the field 'shape'
    """


class DifferenceError(ValueError):
    """The weights differ from the expected ones.

    Raised by `create_manifest()` for a model without its initial weights, and by `materialize()` if
    the weights drawn here do not have the manifest's fingerprints.
    """


@dataclass(frozen=True)
class Segment:
    """A tensor, or some of its rows, drawn by one initializer.

    Args:
        initializer: One of pyinit's classes, with an integer seed if it takes one.
        draw: The draw of the seed.
        placement: The position of the drawn weight in the tensor.
    """

    initializer: Initializer
    draw: int = 0
    placement: Placement = field(default_factory=Placement)

    def lazy(self, shape: Shape, dtype: str) -> LazyTensor:
        """Return the weight that the segment draws for a tensor of that shape and dtype.

        Raises:
            ValueError: The initializer cannot draw it.
        """
        drawn = self.placement.drawn_shape(shape)
        return self.initializer.lazy(drawn, dtype, draw=self.draw)  # type: ignore[arg-type]


@dataclass(frozen=True)
class TensorSpec:
    """The specification of a tensor of a model.

    Args:
        name: The name, unique in the manifest.
        shape: The shape.
        dtype: The name of the dtype.
        segments: The segments; where two of them share rows, the later one overrides. Empty if
            only the fingerprint of the values is recorded, so that they cannot be drawn.
        fingerprint: The fingerprint; empty if not computed yet.
    """

    name: str
    shape: Shape
    dtype: str
    segments: tuple[Segment, ...]
    fingerprint: str = ""

    def __post_init__(self) -> None:
        for name in ("name", "dtype", "fingerprint"):
            if type(getattr(self, name)) is not str:
                raise argument_error(name, getattr(self, name), "a string")
        one_of("dtype", self.dtype, tuple(NUMERIC_DTYPES))
        if as_shape(self.shape) is not self.shape:
            raise argument_error("shape", self.shape, "a tuple of Python's integers")
        if not _is_tuple_of(self.segments, Segment):
            raise argument_error("segments", self.segments, "a tuple of segments")

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The NumPy dtype."""
        return NUMERIC_DTYPES[self.dtype]

    @property
    def nbytes(self) -> int:
        """The size of the values in bytes."""
        return math.prod(self.shape) * self.numpy_dtype.itemsize

    @property
    def has_initializer(self) -> bool:
        """Whether the tensor can be drawn; if not, only its fingerprint is recorded."""
        return bool(self.segments)

    @property
    def class_names(self) -> str:
        """The names of the initializers' classes, for display; empty if there are none."""
        return " and ".join(type(segment.initializer).__name__ for segment in self.segments)

    @cached_property
    def working_memory(self) -> int:
        """The memory needed to draw the tensor in bytes, excluding buffers of small chunks."""
        if not self.has_initializer:
            return 0
        weights = self.lazy()
        if weights.joint_size == 1:
            return weights.working_memory
        # one chunk is drawn while another is used
        elements = min(2 * weights.joint_size, weights.size)
        return weights.working_memory + elements * weights.dtype.itemsize

    @cached_property
    def operations(self) -> int:
        """The number of floating-point operations of values that are computed together."""
        # no such values without memory for them
        return self.lazy().operations if self.working_memory else 0

    def lazy(self) -> LazyTensor:
        """Return the tensor, composed of its segments, of which there must be at least one."""
        weights = [
            (segment.placement, segment.lazy(self.shape, self.dtype)) for segment in self.segments
        ]
        return ComposedTensor(self.shape, self.numpy_dtype, *weights)


@dataclass(frozen=True)
class ManifestShard:
    """The place of a shard in the whole manifest.

    Args:
        index: The number of the shard, from 1.
        count: The number of shards.
        positions: The positions of its tensors in the whole manifest, in ascending order.
        plan: The digest of the whole manifest without fingerprints, by which shards of different
            models can be distinguished.
    """

    index: int
    count: int
    positions: tuple[int, ...]
    plan: str

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


@dataclass(frozen=True)
class Manifest:
    """A record of the initial weights of a model, as `pyinit.create_manifest()` returns them.

    Args:
        stream_version: The version of the random stream that the weights are drawn from.
        tensors: The tensors, with fingerprints.
        seed: The seed of the whole model, from which the seeds of the tensors are derived, or None.
            Every tensor also has its own seed.
        shard: None, or the place of these tensors in the whole manifest, if they are a shard of it.

    Raises:
        ValueError: An argument is of another type.

    Example:
        >>> import pyinit
        >>> plan = [{"name": "bias", "shape": [3], "initializer": "zeros"}]
        >>> manifest = pyinit.create_manifest(plan)
        >>> manifest.nbytes, manifest.tensors[0].dtype
        (12, 'float32')

    Source: the JSON Schema of manifests, printed by `pyinit schema`
    """

    stream_version: int
    tensors: tuple[TensorSpec, ...]
    seed: int | None = None
    shard: ManifestShard | None = None

    def __post_init__(self) -> None:
        version = as_positive_integer("stream_version", self.stream_version)
        object.__setattr__(self, "stream_version", version)
        if not _is_tuple_of(self.tensors, TensorSpec):
            raise argument_error("tensors", self.tensors, "a tuple of tensors of a manifest")
        if self.seed is not None:
            object.__setattr__(self, "seed", as_seed("seed", self.seed))
        if self.shard is not None and not is_instance(self.shard, ManifestShard):
            raise argument_error("shard", self.shard, "None or the shard of a manifest")

    @property
    def nbytes(self) -> int:
        """The total size of the values in bytes."""
        return sum(tensor.nbytes for tensor in self.tensors)

    def _title(self) -> str:
        count = f"{len(self.tensors)} tensor{'s' if len(self.tensors) != 1 else ''}"
        of = "Manifest of" if self.shard is None else f"Shard {self.shard} of a manifest:"
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"{of} {count}, {readable_size(self.nbytes)}{seed}"

    def _repr_html_(self) -> str:
        columns = ("name", "shape", "dtype", "initializer", "fingerprint")
        # as many as the table counts, formatting none of the rest
        records = [
            (
                tensor.name,
                list(tensor.shape),
                tensor.dtype,
                tensor.class_names or "fingerprint alone",
                tensor.fingerprint[:_SHOWN_DIGITS],
            )
            for tensor in self.tensors[:MAX_ROWS]
        ]
        return record_table(self._title(), columns, records, len(self.tensors))

    def __repr__(self) -> str:
        lines = []
        for tensor in self.tensors[:MAX_LINES]:
            how = tensor.class_names or "fingerprint alone"
            lines.append(f"{printable(tensor.name)} {list(tensor.shape)} {tensor.dtype}, {how}")
        return titled_list(self._title(), lines, len(self.tensors))


def _is_tuple_of(values: object, cls: type[Any]) -> bool:
    return type(values) is tuple and all(is_instance(value, cls) for value in values)


#: Maximum number of tensors, or of differences, in a representation.
MAX_LINES = 20
#: The number of digits of a fingerprint that tables show.
_SHOWN_DIGITS = 16
#: Maximum number of names in a list in a message.
_MAX_NAMES = 10


def readable_size(nbytes: int) -> str:
    """Format a number of bytes for humans."""
    size, units = float(nbytes), iter(("bytes", "KiB", "MiB", "GiB", "TiB", "PiB"))
    unit = next(units)
    while size >= 1024 and unit != "PiB":
        size /= 1024
        unit = next(units)
    return f"{nbytes} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


def printable(text: str) -> str:
    """Return untrusted text as it is, or escaped if it could control a terminal."""
    return text if text.isprintable() else ascii(text)


def escaped(text: str) -> str:
    """Return text with those of its characters escaped that could control a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def titled_list(title: str, lines: Sequence[str], count: int) -> str:
    """Return a title, the first lines of a list of `count`, and a line that counts the others."""
    if not count:
        return f"{title}."
    shown = [f"{title}:", *lines]
    if count > len(lines):
        shown.append(f"... ({count - len(lines)} more)")
    return "\n  ".join(shown)


def listed(names: Sequence[str]) -> str:
    """Join names for a message; of many, only the first."""
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
