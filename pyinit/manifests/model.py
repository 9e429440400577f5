"""What a manifest says: tensors, and what each of them is drawn by."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pyinit.arguments import Shape
from pyinit.dtypes import NUMERIC_DTYPES, AnyArray
from pyinit.initializers.base import Initializer
from pyinit.initializers.placement import Placement
from pyinit.reproducibility.chunks import draw_chunks


class ManifestError(ValueError):
    """A manifest or a plan that is refused; the message says what is wrong with it, and where."""


class DifferenceError(ValueError):
    """Weights that are not those that they should be."""


@dataclass(frozen=True)
class Segment:
    """What draws a tensor, or some rows of it.

    Args:
        initializer: One of our own classes, with an integer seed if it takes one; all of its calls
            give the same draw.
        draw: Which draw of the seed that is.
        placement: Where the weight that it draws stands in the tensor.
    """

    initializer: Initializer
    draw: int = 0
    placement: Placement = field(default_factory=Placement)


@dataclass(frozen=True)
class TensorSpec:
    """A tensor of a model.

    Args:
        name: Its name, unique in the manifest.
        shape: Its shape.
        dtype: The name of its dtype.
        segments: What draws it: where two of them share rows, the later one counts.
        fingerprint: Its fingerprint; empty where it is yet to be found.
    """

    name: str
    shape: Shape
    dtype: str
    segments: tuple[Segment, ...]
    fingerprint: str = ""

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The dtype, as NumPy's."""
        return NUMERIC_DTYPES[self.dtype]

    @property
    def nbytes(self) -> int:
        """How many bytes its values are."""
        return math.prod(self.shape) * self.numpy_dtype.itemsize

    @property
    def is_drawn_whole(self) -> bool:
        """Whether it is drawn all at once, since its values depend on each other."""
        return any(segment.initializer._parts_cost_all for segment in self.segments)

    @property
    def working_memory(self) -> int:
        """How many bytes drawing it takes, but for pieces of some megabytes."""
        needed = max(
            segment.initializer._working_memory(segment.placement.drawn_shape(self.shape))
            for segment in self.segments
        )
        if not self.is_drawn_whole:
            return needed
        # where blocks change places, they come from a copy
        copies = 2 if any(segment.placement.gates for segment in self.segments) else 1
        return needed + copies * self.nbytes

    def draw(self, use: Callable[[AnyArray], None]) -> None:
        """Draws the tensor in pieces, which `use` takes in C order."""
        draw_chunks(self.shape, self.numpy_dtype, self.fill, use, at_once=self.is_drawn_whole)

    def fill(self, out: AnyArray, offset: Shape) -> None:
        """Fills `out` with the part of the tensor that starts at `offset`."""
        for segment in self.segments:
            segment.placement.fill(segment.initializer, out, self.shape, offset)


@dataclass(frozen=True)
class Manifest:
    """What pins the initial weights of a model. `pyinit.create_manifest()` makes one.

    Args:
        stream_version: The version of the random stream that the weights are drawn from.
        tensors: The tensors, with fingerprints.
        seed: The seed of the whole model, of which those of the tensors were derived; None if there
            was none. Each tensor has its own seed all the same.
    """

    stream_version: int
    tensors: tuple[TensorSpec, ...]
    seed: int | None = None

    @property
    def nbytes(self) -> int:
        """How many bytes the values of all tensors are."""
        return sum(tensor.nbytes for tensor in self.tensors)

    def __repr__(self) -> str:
        count = f"{len(self.tensors)} tensor{'s' if len(self.tensors) != 1 else ''}"
        lines = [f"Manifest of {count}, {readable_size(self.nbytes)}:"]
        for tensor in self.tensors[:_MAX_LINES]:
            drawn_by = " and ".join(
                type(segment.initializer).__name__ for segment in tensor.segments
            )
            lines.append(f"  {tensor.name} {list(tensor.shape)} {tensor.dtype}, {drawn_by}")
        if len(self.tensors) > _MAX_LINES:
            lines.append(f"  ... ({len(self.tensors) - _MAX_LINES} more)")
        return "\n".join(lines)


_MAX_LINES = 20


def readable_size(nbytes: int) -> str:
    """A number of bytes, for people."""
    size, units = float(nbytes), iter(("bytes", "KiB", "MiB", "GiB", "TiB", "PiB"))
    unit = next(units)
    while size >= 1024 and unit != "PiB":
        size /= 1024
        unit = next(units)
    return f"{nbytes} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
