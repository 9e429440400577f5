"""Limits on what a manifest may ask for, checked before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterable

from pyinit.arguments import argument_error, as_index
from pyinit.manifests.model import ManifestError, TensorSpec, readable_size
from pyinit.reproducibility.json_config import MAX_ARRAY_SIZE, has_large_array
from pyinit.runtime.memory import usable_memory

#: The default of `max_bytes`: the maximum total size of the weights of a manifest.
MAX_BYTES = 2**40


def as_max_bytes(max_bytes: object) -> int:
    """Return `max_bytes` as a positive integer."""
    limit = as_index(max_bytes)
    if limit is None or limit < 1:
        raise argument_error("max_bytes", max_bytes, "a positive integer")
    return limit


def check_memory(what: str, nbytes: int, memory: int | None = None) -> None:
    """Check that a number of bytes fits in memory.

    Args:
        what: What needs it, for the message.
        nbytes: The number of bytes.
        memory: The size of the memory; None means that of this machine.

    Raises:
        ManifestError: It does not fit.
    """
    memory = usable_memory() if memory is None else memory
    if memory is not None and nbytes > memory:
        raise ManifestError(
            f"{what} needs {readable_size(nbytes)} of memory at once, but this machine has "
            f"{readable_size(memory)}"
        )


def check_sizes(tensors: Iterable[TensorSpec], max_bytes: int = MAX_BYTES) -> None:
    """Check that this machine can draw the tensors, in bounded time.

    Raises:
        ManifestError: The total size exceeds `max_bytes`, one of the tensors needs more memory at
            once than there is, or is given by an array that is too large for a manifest.
    """
    total, memory = 0, usable_memory()
    for tensor in tensors:
        total += tensor.nbytes
        for segment in tensor.segments:
            if has_large_array(segment.initializer):
                raise ManifestError(
                    f"the tensor {tensor.name!a} is given by an array of more than "
                    f"{readable_size(MAX_ARRAY_SIZE)}, which a manifest cannot hold"
                )
        if tensor.working_memory:
            what = f"the tensor {tensor.name!a} of shape {list(tensor.shape)}"
            check_memory(what, tensor.working_memory, memory)
    if total > max_bytes:
        raise ManifestError(
            f"the total size of the weights is {readable_size(total)}, more than the limit of "
            f"{readable_size(max_bytes)}; raise it with `max_bytes`"
        )
