"""The values of a DTensor that this process holds, for manifests."""

from __future__ import annotations

from typing import Any

from pyinit.bridges.torch.sharding import is_dtensor, local_regions, local_tensor, reason_not_local
from pyinit.dtypes import AnyArray
from pyinit.manifests.sources import LocalSource
from pyinit.runtime.host_arrays import host_array


def local_values(tensor: Any) -> AnyArray | LocalSource | None:
    """Return the values of a DTensor that this process holds.

    Returns:
        An array if these are all values of the tensor; None for any other object, and on the meta
        device.

    Raises:
        ValueError: The place of the values in the full tensor is unknown.
    """
    if not is_dtensor(tensor) or tensor.is_meta:
        return None
    reason = reason_not_local(tensor)
    if reason:
        raise ValueError(f"A sharded tensor cannot be compared: {reason}")
    values = host_array(local_tensor(tensor))
    regions = [(region.offset, values[region.local]) for region in local_regions(tensor)]
    if len(regions) == 1 and regions[0][1].shape == tensor.shape:
        return regions[0][1]
    return LocalSource(tuple(tensor.shape), values.dtype, regions)
