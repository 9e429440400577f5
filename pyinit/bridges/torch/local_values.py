"""The values of a DTensor that this process holds, for manifests."""

from __future__ import annotations

from typing import Any

from pyinit.bridges.torch.sharding import (
    Region,
    is_dtensor,
    local_regions,
    local_tensor,
    reason_not_local,
)
from pyinit.dtypes import AnyArray
from pyinit.manifests.sources import LocalRegion, LocalSource
from pyinit.runtime.host_arrays import host_array


def local_values(name: str, tensor: Any) -> AnyArray | LocalSource | None:
    """Return the values of a DTensor that this process holds.

    Args:
        name: The name of the tensor, for messages.
        tensor: The DTensor.

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
        raise ValueError(f"The tensor {name} cannot be compared: {reason}")
    local, shape = local_tensor(tensor).detach(), tuple(tensor.shape)
    regions = local_regions(tensor)
    if [region.shape for region in regions] == [shape]:
        return host_array(local)
    dtype = host_array(local.reshape(-1)[:0]).dtype
    return LocalSource(shape, dtype, [_local_region(local, region) for region in regions])


def _local_region(local: Any, region: Region) -> LocalRegion:
    values = local[region.local]
    # a shard on a GPU is copied in chunks
    return LocalRegion(region.offset, region.shape, lambda slices: host_array(values[slices]))
