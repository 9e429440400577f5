"""Builds the extension `pyinit.stream.native._kernel` (cffi's API mode, stable ABI).

setuptools runs this file for setup.py. Without a working compiler the installation goes on without
the extension, and NumPy draws.
"""

import sys

from cffi import FFI

HERE = "pyinit/stream/native"
FACTORIZATION = "pyinit/factorization"
HEADERS = (f"{HERE}/kernel.h", f"{FACTORIZATION}/qr.h")

FLAGS = {
    "unix": [
        "-O3",
        "-std=gnu11",
        # one rounding for each operation: the same bits everywhere
        "-ffp-contract=off",
        # what would keep loops from vectorizing and changes no value
        "-fno-math-errno",
        "-fno-trapping-math",
    ],
    "msvc": ["/O2", "/fp:precise"],
}

declarations = []
for path in HEADERS:
    with open(path, encoding="utf-8") as header:
        declarations += [line for line in header if not line.startswith("#")]

ffibuilder = FFI()
ffibuilder.cdef("".join(declarations))
ffibuilder.set_source(
    "pyinit.stream.native._kernel",
    '#include "kernel.h"\n#include "qr.h"',
    sources=[f"{HERE}/kernel.c", f"{FACTORIZATION}/qr.c"],
    include_dirs=[HERE, FACTORIZATION],
    depends=[
        *HEADERS,
        f"{HERE}/kernel_level.h",
        f"{HERE}/levels.h",
        f"{FACTORIZATION}/qr_level.h",
        "pyinit/stream/stream.h",
        "pyinit/stream/ieee754.h",
        "pyinit/stream/quantile_coefficients.h",
    ],
    extra_compile_args=FLAGS["msvc" if sys.platform == "win32" else "unix"],
    py_limited_api=True,
    optional=True,
)
