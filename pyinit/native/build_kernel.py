"""Build the extension `pyinit.native._kernel` (cffi's API mode, stable ABI).

setuptools runs this file for setup.py. Without a working compiler, the package is installed without
the extension and uses the NumPy kernel.
"""

import sys
from pathlib import Path

from cffi import FFI

HERE = "pyinit/native"
HEADERS = [f"{HERE}/kernel.h", f"{HERE}/qr.h"]
SOURCES = [f"{HERE}/kernel.c", f"{HERE}/qr.c"]
if sys.platform != "win32":  # where no process forks
    HEADERS.append(f"{HERE}/gate.h")
    SOURCES.append(f"{HERE}/gate.c")

FLAGS = {
    "unix": [
        "-O3",
        "-pthread",
        "-std=gnu11",
        # round after each operation: the same bits everywhere
        "-ffp-contract=off",
        # errno and floating-point traps prevent vectorization; no value depends on them
        "-fno-math-errno",
        "-fno-trapping-math",
    ],
    "msvc": ["/O2", "/fp:precise"],
}

declarations = []
for path in HEADERS:
    with open(path, encoding="utf-8") as header:
        declarations += [line for line in header if not line.startswith("#")]

# constants of stream.h that the tests compare with those in Python
declarations += ["#define PYINIT_LANES ...\n", "#define PYINIT_TILE ...\n"]

ffibuilder = FFI()
ffibuilder.cdef("".join(declarations))
ffibuilder.set_source(
    "pyinit.native._kernel",
    "".join(f'#include "{Path(path).name}"\n' for path in [*HEADERS, "stream.h"]),
    sources=SOURCES,
    include_dirs=[HERE],
    depends=[
        *HEADERS,
        f"{HERE}/kernel_level.h",
        f"{HERE}/rows.h",
        f"{HERE}/isa_levels.h",
        f"{HERE}/processor.h",
        f"{HERE}/qr_level.h",
        f"{HERE}/stream.h",
        f"{HERE}/ieee754.h",
        f"{HERE}/quantile_coefficients.h",
    ],
    extra_compile_args=FLAGS["msvc" if sys.platform == "win32" else "unix"],
    extra_link_args=[] if sys.platform == "win32" else ["-pthread"],
    py_limited_api=True,
    optional=True,
)
