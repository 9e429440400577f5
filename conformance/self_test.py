"""Self-test of one Python, printed as JSON: `python -m conformance.self_test`."""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

import pyinit

#: Shape of the factored matrix, large enough for OpenBLAS to use several threads.
FACTORED = (600, 400)
#: Names of OpenBLAS' function in old and new wheels of NumPy.
_OPENBLAS_CONFIG = tuple(
    f"{prefix}openblas_get_config{suffix}" for prefix in ("scipy_", "") for suffix in ("64_", "")
)


def findings(with_blas: bool) -> dict[str, Any]:
    """Return the self-test's result and the versions; with BLAS, our factorization's digest too."""
    found = pyinit.self_test()
    result: dict[str, Any] = {
        "checked": found.checked,
        "differences": [f"{name}: {how}" for name, how in found.differences],
        "kernel": found.kernel,
        "numpy": np.__version__,
        "ml_dtypes": ml_dtypes.__version__,
    }
    if with_blas:
        orthogonal = pyinit.Orthogonal(seed=1)
        result["orthogonal"] = pyinit.fingerprint(orthogonal, FACTORED, "float64")
        result["blas"] = openblas()
    return result


def numpy_factorization() -> dict[str, str]:
    """Return the digest of NumPy's own factorization of one matrix."""
    normal = pyinit.RandomNormal(seed=1)(FACTORED, "float64")
    q, r = np.linalg.qr(normal)
    return {"qr": hashlib.sha256(q.tobytes() + r.tobytes()).hexdigest()}


def openblas() -> list[str]:
    """Return the words of OpenBLAS' configuration: name, version, ..., processor, ..."""
    for file in Path(np.__file__).parents[1].glob("numpy.libs/*openblas*"):
        library = ctypes.CDLL(str(file))
        for name in _OPENBLAS_CONFIG:
            with suppress(AttributeError):
                function = library[name]
                function.restype = ctypes.c_char_p
                text: bytes = function()
                return text.decode().split()
    return []


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the findings, or the fingerprint of a large orthogonal matrix, as JSON."""
    parser = argparse.ArgumentParser(prog="python -m conformance.self_test")
    parser.add_argument("--blas", action="store_true")
    parser.add_argument("--qr", action="store_true")
    parser.add_argument("--orthogonal", type=int, nargs=2, metavar=("ROWS", "COLUMNS"))
    options = parser.parse_args(arguments)
    if options.orthogonal:
        initializer = pyinit.Orthogonal(seed=1)
        print(json.dumps(pyinit.fingerprint(initializer, options.orthogonal, "float64")))
    else:
        print(json.dumps(numpy_factorization() if options.qr else findings(options.blas)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
