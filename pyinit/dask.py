"""Dask: initializers as Dask arrays, whose blocks are drawn where they are computed.

Example:
    import pyinit.dask

    pyinit.dask.from_initializer(pyinit.HeNormal(seed=1), (100_000, 100_000), "bfloat16")
"""

from pyinit.bridges.frameworks import framework_required

with framework_required("dask", "Dask"):
    from pyinit.bridges.dask.arrays import from_initializer

__all__ = ["from_initializer"]
