"""The random stream: the value of every element of every tensor.

`fill` is the only entry point: fill this buffer with that region. Initializers, above it, know
nothing of kernels; kernels, below it, know nothing of tensors.
"""

from __future__ import annotations

import numpy as np

from pyinit.dtypes import AnyArray
from pyinit.stream.distributions import Distribution, rounded_distribution
from pyinit.stream.kernels import kernel
from pyinit.stream.regions import Region, index_strides

__all__ = ["Distribution", "Region", "fill", "index_strides", "rounded_distribution"]


def fill(out: AnyArray, region: Region) -> None:
    """Fill a buffer with a region of the stream.

    Args:
        out: A NumPy array, or a CuPy array on a GPU, of any strides. Its storage dtype is the
            region's dtype, or float64, which holds the values of every float dtype.
        region: The elements to draw; its rank is that of `out`.
    """
    if isinstance(out, np.ndarray):
        kernel()(out, region)
        return
    from pyinit.stream import gpu

    gpu.fill(out, region)
