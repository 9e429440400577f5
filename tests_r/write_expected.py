"""Write arrays drawn by Python, for R to compare with its own: one row for each array.

The columns are the factory and its arguments, the arguments of the call, the number of draws, and
the values as doubles in Fortran order.

Usage: python write_expected.py FILE
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

import pyinit
from pyinit.dtypes import FLOAT_DTYPES

CASES = json.loads((Path(__file__).parents[1] / "tests" / "data" / "parity.json").read_text())
FACTORIES = CASES["factories"]
RANDOM = [name for name, arguments in FACTORIES.items() if "seed" in arguments]


def row(name, arguments, shape, draws=0, **call):
    """Return the row of a call, or with a seed generator, of the last of `draws` calls."""
    ours = dict(arguments)
    if draws:
        ours["seed"] = pyinit.random_seed_generator(ours["seed"])
    initializer = getattr(pyinit, name)(**ours)
    for _ in range(draws or 1):
        values = initializer(shape, **call)
    if "seed" in arguments:
        # R has no 64-bit integers
        arguments = {**arguments, "seed": float(arguments["seed"])}
    return {
        "factory": name,
        "arguments": json.dumps(arguments),
        "draws": draws,
        "shape": shape,
        "call": json.dumps(call),
        "dim": values.shape,
        "values": values.astype(np.float64).ravel(order="F"),
    }


def rows():
    """Yield the rows of all arrays."""
    for name, arguments in FACTORIES.items():
        for shape in CASES["shapes_of"].get(name, CASES["shapes"]):
            yield row(name, arguments, shape)
            for dtype in FLOAT_DTYPES:
                yield row(name, arguments, shape, dtype=dtype)
    for name in RANDOM:
        shape = CASES["shapes_of"].get(name, [[5, 3]])[0]
        for seed in CASES["seeds"]:
            yield row(name, {**FACTORIES[name], "seed": seed}, shape)
        for draws in (1, 3):
            yield row(name, FACTORIES[name], shape, draws)
    for name in ["initializer_ones", *RANDOM]:
        for partition in CASES["partitions"]:
            call = {"partition_shape": partition["shape"], "partition_offset": partition["offset"]}
            yield row(name, FACTORIES[name], CASES["partitioned_shape"], **call)


table = pa.Table.from_pylist(list(rows()))
with pa.OSFile(sys.argv[1], "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
    writer.write_table(table)
