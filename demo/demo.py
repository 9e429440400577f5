"""Draw the same weights in Python and in R, in separate processes, and compare the bits."""

import ast
import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

import pyinit


class Case(NamedTuple):
    """One tensor, with the code of both languages; the last expression is its value."""

    title: str
    python: str
    r: str


CASES = [
    Case(
        "Glorot uniform, the default of a dense layer",
        "initializer_glorot_uniform(seed=1)(shape=(3, 2))",
        "initializer_glorot_uniform(seed = 1)(shape = c(3, 2))",
    ),
    Case(
        "He normal, the kernel of a convolution",
        "initializer_he_normal(seed=1)(shape=(3, 3, 16, 32))",
        "initializer_he_normal(seed = 1)(shape = c(3, 3, 16, 32))",
    ),
    Case(
        "Variance scaling with all its arguments",
        "initializer_variance_scaling(\n"
        '    scale=2, mode="fan_out",\n'
        '    distribution="untruncated_normal", seed=1\n'
        ")(shape=(128, 64))",
        "initializer_variance_scaling(\n"
        '  scale = 2, mode = "fan_out",\n'
        '  distribution = "untruncated_normal", seed = 1\n'
        ")(shape = c(128, 64))",
    ),
    Case(
        "Orthogonal: the columns are orthonormal",
        "initializer_orthogonal(seed=1)(shape=(4, 2))",
        "initializer_orthogonal(seed = 1)(shape = c(4, 2))",
    ),
    Case(
        "bfloat16: the same weights, rounded",
        'initializer_glorot_uniform(seed=1)(\n    shape=(3, 2), dtype="bfloat16"\n)',
        'initializer_glorot_uniform(seed = 1)(\n  shape = c(3, 2), dtype = "bfloat16"\n)',
    ),
    Case(
        "A partition of a tensor of 40 GB, without the rest",
        "initializer_random_normal(seed=1)(\n"
        "    shape=(100000, 100000),\n"
        "    partition_shape=(2, 3), partition_offset=(99998, 50000)\n"
        ")",
        "initializer_random_normal(seed = 1)(\n"
        "  shape = c(100000, 100000),\n"
        "  partition_shape = c(2, 3), partition_offset = c(99998, 50000)\n"
        ")",
    ),
    Case(
        "A Keras layer that starts from these weights",
        "layer = keras.layers.Dense(\n"
        "    units=3, kernel_initializer=initializer_lecun_normal(seed=1)\n"
        ")\n"
        "layer.build((None, 2))\n"
        "layer.kernel.numpy()",
        'keras <- reticulate::import("keras", convert = FALSE)\n'
        "layer <- keras$layers$Dense(\n"
        "  units = 3L, kernel_initializer = initializer_lecun_normal(seed = 1)\n"
        ")\n"
        "layer$build(reticulate::tuple(NULL, 2L))\n"
        'do.call("rbind", reticulate::py_to_r(layer$kernel$numpy()$tolist()))',
    ),
]

#: Larger tensors are not printed in full.
MAX_PRINTED = 12


def draw_in_python(code: str) -> np.ndarray[Any, Any]:
    """Return the value of the last expression of `code`."""
    names = {**vars(pyinit), "keras": keras}
    *statements, last = ast.parse(code).body
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(statements, type_ignores=[]), "<demo>", "exec"), names)
    return np.asarray(eval(compile(ast.Expression(last.value), "<demo>", "eval"), names))


def draw_in_r(codes: list[str]) -> list[tuple[str, bytes]]:
    """Return for each of `codes` the values as R prints them, and as bytes in C order."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{number}.R") for number in range(len(codes))]
        for file, code in zip(files, codes, strict=True):
            file.write_text(code + "\n", encoding="utf-8")
        script = Path(__file__).with_name("demo.R")
        subprocess.run(["Rscript", script, str(MAX_PRINTED), *files], check=True)
        return [
            (file.with_suffix(".txt").read_text(), file.with_suffix(".f64").read_bytes())
            for file in files
        ]


def printed(values: np.ndarray[Any, Any]) -> str:
    """Format `values`: all of them if they are few."""
    values = values.astype(np.float64)
    if values.size <= MAX_PRINTED:
        return np.array2string(values, precision=7, floatmode="fixed")
    return " ".join(f"{value:.7f}" for value in values.flat[:5]) + f" ... ({values.size} values)"


def bold(text: str) -> str:
    """Return `text`, bold on a terminal."""
    is_plain = "NO_COLOR" in os.environ or not sys.stdout.isatty()
    return text if is_plain else f"\033[1m{text}\033[0m"


def compare(case: Case, values: np.ndarray[Any, Any], r_printed: str, r_bytes: bytes) -> bool:
    """Print the case in both languages and return whether the bits are equal."""
    python_bytes = np.ascontiguousarray(values, "<f8").tobytes()
    sides = [
        ("Python", case.python, printed(values), python_bytes),
        ("R", case.r, r_printed.rstrip("\n"), r_bytes),
    ]
    print(bold(case.title))
    for language, code, text, data in sides:
        lines = [*code.splitlines(), *text.splitlines()]
        print(f"  {language:<8}" + ("\n" + " " * 10).join(lines))
        print("  SHA-256 " + hashlib.sha256(data).hexdigest())
    equal = python_bytes == r_bytes
    verdict = f"All {values.size} values equal, bit for bit." if equal else "DIFFERENT"
    print(f"  {bold(verdict)}\n")
    return equal


def main() -> int:
    """Compare all cases and return the exit status."""
    print(
        "The same weights, drawn in two processes. R passes its doubles in files. The\n"
        "digests are those of the values as 64-bit floats in C order.\n\n"
        f"Python {platform.python_version()}, NumPy {np.__version__}, Keras {keras.__version__}",
        flush=True,
    )
    from_r = draw_in_r([case.r for case in CASES])
    equal = [
        compare(case, draw_in_python(case.python), *r)
        for case, r in zip(CASES, from_r, strict=True)
    ]
    if not all(equal):
        print(bold(f"{equal.count(False)} of {len(equal)} tensors differ between Python and R."))
        return 1
    print(bold(f"All {len(equal)} tensors are the same in Python and in R."))
    return 0


if __name__ == "__main__":
    sys.exit(main())
