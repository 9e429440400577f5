"""Prints, as JSON, what Python draws for the cases of tests/data/explorer.json."""

import json
from pathlib import Path

import numpy as np

import pyinit

TABLE = json.loads((Path(__file__).parents[1] / "data" / "explorer.json").read_text())


def numbers_of(case):
    """Return the numbers that the explorer shows for a case."""
    initializer = getattr(pyinit, case["class"])(**case["arguments"])
    weights = initializer.lazy(case["shape"], case["dtype"])
    values = np.asarray(weights).astype(np.float64)
    spread = weights._spread()
    summary = initializer.summary(case["shape"])
    measured = None
    if values.size:
        measured = [values.mean(), values.std(), values.min(), values.max()]
    return {
        "fragment": case["fragment"],
        "fingerprint": pyinit.fingerprint(weights),
        "fans": [summary.fan_in, summary.fan_out],
        "distribution": None if spread is None else spread.distribution,
        "moments": None if spread is None else list(map(str, spread[1:])),
        "measured": None if measured is None else list(map(str, measured)),
        "first": [str(value) for value in values.reshape(-1)[:6].tolist()],
    }


def signal_of(case):
    """Return the spreads by depth that the explorer shows for a case."""
    initializers = [getattr(pyinit, name)(**arguments) for name, arguments in case["initializers"]]
    found = pyinit.signal_propagation(initializers, **case["settings"])
    return {
        "fragment": case["fragment"],
        "names": [name for name, _ in case["initializers"]],
        "activations": found.activations.tolist(),
        "gradients": found.gradients.tolist(),
    }


if __name__ == "__main__":
    print(
        json.dumps(
            {
                "cases": [numbers_of(case) for case in TABLE["cases"]],
                "signals": [signal_of(case) for case in TABLE["signals"]],
            }
        )
    )
