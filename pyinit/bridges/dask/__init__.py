"""Dask: initializers as Dask arrays."""
