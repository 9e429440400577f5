"""Limits on what a manifest may ask for, checked before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyinit.arguments import as_positive_integer
from pyinit.manifests.model import ManifestError, TensorSpec, readable_size
from pyinit.reproducibility.json_config import MAX_ARRAY_SIZE, has_large_array
from pyinit.runtime.memory import usable_memory

#: Maximum number of tensors in a file: more do not fit into a manifest.
MAX_TENSORS = 200_000
#: Maximum length of a tensor's name.
MAX_NAME = 1024
#: The default of `max_bytes`: the maximum total size of the weights of a manifest.
MAX_BYTES = 2**40
#: The default of `max_operations`: about an hour of one core.
MAX_OPERATIONS = 2**48


@dataclass(frozen=True)
class Limits:
    """Limits that a user can raise.

    Args:
        max_bytes: The maximum total size of the weights, in bytes.
        max_operations: The maximum number of floating-point operations of values that are computed
            together, such as those of orthogonal matrices.
    """

    max_bytes: int = MAX_BYTES
    max_operations: int = MAX_OPERATIONS


def as_limits(max_bytes: object, max_operations: object) -> Limits:
    """Return the arguments of these names, which must be positive integers."""
    return Limits(
        as_positive_integer("max_bytes", max_bytes),
        as_positive_integer("max_operations", max_operations),
    )


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


def check_sizes(tensors: Iterable[TensorSpec], limits: Limits | None = None) -> None:
    """Check that this machine can draw the tensors, in bounded time.

    Args:
        tensors: The tensors.
        limits: The limits; None means that the total size is not limited.

    Raises:
        ManifestError: A limit is exceeded, one of the tensors needs more memory at once than there
            is, or is given by an array that is too large for a manifest.
    """
    nbytes = operations = 0
    memory = usable_memory()
    for tensor in tensors:
        nbytes += tensor.nbytes
        for segment in tensor.segments:
            if has_large_array(segment.initializer):
                raise ManifestError(
                    f"the tensor {tensor.name!a} is given by an array of more than "
                    f"{readable_size(MAX_ARRAY_SIZE)}, which a manifest cannot hold"
                )
        if tensor.working_memory:
            what = f"the tensor {tensor.name!a} of shape {list(tensor.shape)}"
            check_memory(what, tensor.working_memory, memory)
            operations += tensor.operations
    if limits is not None:
        check_total(nbytes, limits)
        check_operations(operations, limits.max_operations)


def check_total(nbytes: int, limits: Limits) -> None:
    """Check the total size of weights.

    Raises:
        ManifestError: It exceeds the limit.
    """
    if nbytes > limits.max_bytes:
        raise ManifestError(
            f"the total size of the weights is {readable_size(nbytes)}, more than the limit of "
            f"{readable_size(limits.max_bytes)}; raise it with `max_bytes`"
        )


def check_operations(operations: int, limit: int) -> None:
    """Check the number of operations of values that are computed together.

    Raises:
        ManifestError: It exceeds the limit.
    """
    if operations > limit:
        raise ManifestError(
            f"orthogonal matrices, and other values that are computed together, need "
            f"{operations:.2g} operations, more than the limit of {limit:.2g}; raise it with "
            "`max_operations`"
        )


class WorkLeft:
    """The work that is left for explanations of differences.

    Args:
        max_operations: The maximum number of operations.
    """

    def __init__(self, max_operations: int = MAX_OPERATIONS) -> None:
        self._left = max_operations

    def take(self, tensor: TensorSpec) -> None:
        """Check that a tensor can be drawn, and count its operations.

        Raises:
            ManifestError: It needs too much memory or too many operations.
        """
        check_sizes([tensor])
        check_operations(tensor.operations, self._left)
        # tensors with operations are compared on one thread
        self._left -= tensor.operations
