"""Kernels of convolutions that are zero except at the centre: DeltaOrthogonal and Dirac."""

from __future__ import annotations

from typing import Any

import numpy as np

from pyinit.arguments import Shape, argument_error, as_number, as_positive_integer
from pyinit.dtypes import AnyArray, as_scalar
from pyinit.initializers.base import Initializer
from pyinit.initializers.chunking import fill_constant
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.marginal import Marginal, sparse_marginal
from pyinit.initializers.orthogonal import OrthogonalTensor
from pyinit.initializers.random import RandomInitializer
from pyinit.seeds import Seed, take_draw

__all__ = ["DeltaOrthogonal", "Dirac"]


class CentreTensor(LazyTensor):
    """A lazy kernel of a convolution that is zero except for a matrix at one spatial position.

    Args:
        shape: The shape, (*kernel, inputs, outputs).
        dtype: The dtype.
        centre: The position of the matrix along the spatial axes.
        matrix: The matrix, of shape (inputs, outputs).
    """

    __slots__ = ("_centre", "_matrix")

    def __init__(
        self, shape: Shape, dtype: np.dtype[Any], centre: Shape, matrix: LazyTensor
    ) -> None:
        super().__init__(shape, dtype)
        self._centre = centre
        self._matrix = matrix

    @property
    def working_memory(self) -> int:
        """The memory that reading needs besides the result, in bytes."""
        return self._matrix.working_memory

    @property
    def operations(self) -> int:
        """The operations of the matrix."""
        return self._matrix.operations

    def _at_centre(self, offset: Shape, steps: Shape | None, shape: Shape) -> Shape | None:
        """Return the position of the matrix in a partition; None if it lies outside."""
        rank = len(self._centre)
        position = []
        for centre, first, step, length in zip(
            self._centre,
            offset[:rank],
            (1,) * rank if steps is None else steps[:rank],
            shape[:rank],
            strict=True,
        ):
            at, rest = divmod(centre - first, step)
            if rest or not 0 <= at < length:
                return None
            position.append(at)
        return tuple(position)

    def _fill(self, out: AnyArray, offset: Shape | None = None, steps: Shape | None = None) -> None:
        fill_constant(out, 0)
        first = offset or (0,) * self.ndim
        position = self._at_centre(first, steps, out.shape)
        if position is not None:
            self._matrix._fill(out[position], first[-2:], None if steps is None else steps[-2:])

    def _fill_on_gpu(self, out: Any, offset: Shape | None = None) -> None:
        from pyinit.stream.gpu import arrays

        arrays.fill_constant(out, np.zeros((), out.dtype))
        first = offset or (0,) * self.ndim
        position = self._at_centre(first, None, out.shape)
        if position is not None:
            self._matrix._fill_on_gpu(out[position], first[-2:])

    def _parameters(self) -> tuple[Any, ...]:
        return self._centre, self._matrix

    def _marginal(self) -> Marginal | None:
        matrix = self._matrix._marginal()
        if matrix is None or self._matrix.size == self.size:
            return matrix
        share = self._matrix.size / self.size
        probabilities: dict[float, float] = {0.0: 1 - share}
        for value, probability in matrix.atoms:
            probabilities[value] = probabilities.get(value, 0.0) + share * probability
        atoms = tuple(probabilities.items())
        return Marginal(atoms, matrix.density, matrix.span, is_uniform=False)

    def _summary(self) -> str:
        return f"{self._matrix._summary()} at {self._centre}"


class GroupedIdentityTensor(LazyTensor):
    """A lazy matrix of identity matrices side by side, one for each group of columns.

    Args:
        shape: The shape, of rank 2.
        dtype: The dtype.
        groups: The number of groups, which divides the number of columns.
    """

    __slots__ = ("_groups",)

    def __init__(self, shape: Shape, dtype: np.dtype[Any], groups: int) -> None:
        super().__init__(shape, dtype)
        self._groups = groups

    def _fill(self, out: AnyArray, offset: Shape | None = None, steps: Shape | None = None) -> None:
        fill_constant(out, 0)
        first, step = offset or (0, 0), steps or (1, 1)
        position = np.arange(out.shape[1])
        column = first[1] + step[1] * position
        row, rest = np.divmod(column % (self._shape[1] // self._groups) - first[0], step[0])
        is_inside = (rest == 0) & (row >= 0) & (row < out.shape[0])
        out[row[is_inside], position[is_inside]] = 1

    def _parameters(self) -> tuple[Any, ...]:
        return (self._groups,)

    def _marginal(self) -> Marginal:
        outputs = self._shape[1] // self._groups
        return sparse_marginal(1.0, min(self._shape[0], outputs) * self._groups, self.size)

    def _summary(self) -> str:
        return f"dirac, groups={self._groups}"


class DeltaOrthogonal(RandomInitializer):
    """Initializer that generates a convolution kernel with an orthogonal matrix at the centre.

    A kernel of shape (*kernel, inputs, outputs) is zero except at the spatial position
    `(k - 1) // 2` along each axis of length k. There it is the (inputs, outputs) matrix with
    orthonormal rows that `Orthogonal` generates for that shape from the same seed and draw. A
    convolution with stride 1 and padding "same" therefore preserves the norm of its input, which
    allows training very deep networks without residual connections or normalization.

    Reading a partition without the centre draws nothing.

    Args:
        gain: The factor of the matrix: a finite number.
        seed: An integer, a seed generator, or None for a fresh seed. With an integer or None, every
            call gives the same values; with a seed generator, every call gives new ones.

    Raises:
        ValueError: An argument is invalid; in the call, `shape` has a rank other than 3, 4 or 5, or
            more inputs than outputs.

    Example:
        >>> import numpy as np
        >>> import pyinit
        >>> kernel = pyinit.DeltaOrthogonal(seed=1)((3, 3, 4, 8), dtype="float64")
        >>> bool(np.allclose(kernel[1, 1] @ kernel[1, 1].T, np.eye(4)))
        True
        >>> int(np.count_nonzero(kernel))
        32

    Sources: Xiao et al. 2018, https://arxiv.org/abs/1806.05393;
    https://docs.jax.dev/en/latest/_autosummary/jax.nn.initializers.delta_orthogonal.html
    """

    gain: float

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        self.__dict__["gain"] = as_number("gain", gain)
        super().__init__(seed)

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        _check_rank(shape, type(self).__name__)
        if shape[-2] > shape[-1]:
            allowed = "(*kernel, inputs, outputs) with at most as many inputs as outputs"
            raise argument_error("shape", shape, allowed)
        as_scalar("gain", self.gain, dtype)  # raises if it is beyond the range of the dtype
        matrix = OrthogonalTensor(shape[-2:], dtype, self.gain, take_draw(self.seed, draw))
        return CentreTensor(shape, dtype, tuple((k - 1) // 2 for k in shape[:-2]), matrix)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"gain": self.gain, **super().get_config()}


class Dirac(Initializer):
    """Initializer that generates a convolution kernel that passes its input through.

    A kernel of shape (*kernel, inputs, outputs) is zero, except that at the spatial position
    `k // 2` along each axis of length k, input i of a group has the weight 1 for output i of that
    group. As many inputs as possible are preserved. These are the values of torch's
    `torch.nn.init.dirac_`, in Keras' order of axes.

    Args:
        groups: The number of groups of the convolution: a positive integer, which must divide the
            number of outputs. As in the kernels of Keras and torch, the inputs of the shape are
            those of one group.

    Raises:
        ValueError: `groups` is invalid; in the call, `shape` has a rank other than 3, 4 or 5, or
            a number of outputs that `groups` does not divide.

    Example:
        >>> import numpy as np
        >>> import pyinit
        >>> kernel = pyinit.Dirac()((3, 2, 2))
        >>> kernel[1]
        array([[1., 0.],
               [0., 1.]], dtype=float32)
        >>> int(np.count_nonzero(kernel))
        2

    Source: https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.dirac_
    """

    groups: int

    def __init__(self, groups: int = 1) -> None:
        self.__dict__["groups"] = as_positive_integer("groups", groups)

    def _lazy(self, shape: Shape, dtype: np.dtype[Any], draw: int | None = None) -> LazyTensor:
        _check_rank(shape, type(self).__name__)
        if shape[-1] % self.groups:
            allowed = f"(*kernel, inputs, outputs) with a multiple of groups={self.groups} outputs"
            raise argument_error("shape", shape, allowed)
        matrix = GroupedIdentityTensor(shape[-2:], dtype, self.groups)
        return CentreTensor(shape, dtype, tuple(k // 2 for k in shape[:-2]), matrix)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"groups": self.groups}


def _check_rank(shape: Shape, name: str) -> None:
    if not 3 <= len(shape) <= 5:
        raise argument_error("shape", shape, f"of rank 3, 4 or 5 for {name}")
