"""Leaves out the doctests of bridges whose framework is not installed."""

from importlib.util import find_spec

collect_ignore = [
    path
    for framework in ("dask", "jax", "keras", "torch")
    if find_spec(framework) is None
    for path in (f"pyinit/{framework}.py", f"pyinit/bridges/{framework}")
]
