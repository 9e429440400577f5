"""Write the golden vectors of a stream version, once, from the NumPy reference.

Every kernel, platform and language is compared with them as long as that version is supported. An
existing file is therefore never overwritten: any changed value requires a new version. The vectors
of an addition to the version are in a file of their own. Until it is released, it can be deleted
and written again; its digest is in pyinit/reproducibility/golden.py and tests/reproducibility.

Usage: python script/write_golden_vectors.py
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

os.environ["PYINIT_KERNEL"] = "reference"

import numpy as np

import pyinit
from pyinit.dtypes import FLOAT_DTYPES, NUMERIC_DTYPES
from pyinit.initializers.base import Initializer
from pyinit.reproducibility import golden
from pyinit.reproducibility.json_config import from_json_config, to_json_config

#: Larger tensors are stored as fingerprints.
MAX_WRITTEN_SIZE = 24
SEEDS = (0, 42, 2**31, 2**32 - 1, 2**32 + 5, 2**53 + 1, 2**64 - 1, -1, -(2**63))
DRAWS = (1, 7, 2**32 - 1)

#: All distributions, with the parameters that the initializers use.
DISTRIBUTIONS = (
    pyinit.RandomUniform(-0.3, 1.7, 1),
    pyinit.RandomNormal(0.1, 2.5, 1),
    pyinit.TruncatedNormal(-0.1, 0.7, 1),
)
RANDOM = (
    *DISTRIBUTIONS,
    pyinit.RandomUniform(0, 1, 1),
    pyinit.VarianceScaling(0.7, "fan_in", "truncated_normal", 1),
    pyinit.VarianceScaling(2, "fan_out", "untruncated_normal", 1),
    pyinit.VarianceScaling(1, "fan_avg", "uniform", 1),
    pyinit.VarianceScaling(1, "fan_in", "truncated_normal", 1, input_axes=[0], output_axes=[-1]),
    pyinit.GlorotNormal(1),
    pyinit.GlorotUniform(1),
    pyinit.HeNormal(1),
    pyinit.HeUniform(1),
    pyinit.LecunNormal(1),
    pyinit.LecunUniform(1),
)
#: Bounds on either side of the mean, beyond all values, in a tail, and close to each other.
BOUNDS = (
    (-1, 3),
    (0, math.inf),
    (-math.inf, 1),
    (-math.inf, math.inf),
    (4, 5),
    (0.5, 0.5 + 2**-20),
)
STFTS = (
    pyinit.STFT(),
    pyinit.STFT("imag", "hamming", "spectrum", periodic=True),
    pyinit.STFT("imag", None, None),
    pyinit.STFT("real", [0.5, 1, 2, 3, 3, 2, 1, 0.25], "density"),
)

Case = tuple[Initializer, int, tuple[int, ...], str, Any]


def version_1() -> Iterator[Case]:
    """Yield each vector's initializer, draw, shape, dtype and partition (shape and offset)."""
    for dtype in FLOAT_DTYPES:
        for initializer in RANDOM:
            for shape in ((3, 4), (65,), (3, 3, 16, 33), (257, 300)):
                if "input_axes" not in to_json_config(initializer)["config"] or len(shape) > 1:
                    yield initializer, 0, shape, dtype, None
        for initializer in (pyinit.Orthogonal(1, 1), pyinit.Orthogonal(1.1, 1)):
            for shape in ((3, 4), (4, 3), (1, 1), (5, 4, 3), (130, 50), (97, 180)):
                yield initializer, 0, shape, dtype, None
        for initializer in STFTS:
            for shape in ((8, 1, 3), (8, 1, 33)):
                yield initializer, 0, shape, dtype, None
        yield pyinit.STFT(), 0, (400, 1, 257), dtype, None
        for initializer in DISTRIBUTIONS:
            yield initializer, 0, (), dtype, None
            yield initializer, 0, (0, 3), dtype, None
            # the end of a tensor whose block indices exceed 32 bits
            yield initializer, 0, (2**40, 7), dtype, ((3, 7), (2**40 - 3, 0))
            yield initializer, 0, (70, 90), dtype, ((4, 3), (66, 13))
            yield initializer, 3, (1000, 1000), dtype, None
    for dtype in ("float32", "float64"):
        for initializer in (*DISTRIBUTIONS, pyinit.Orthogonal(1, 1)):
            shape = (2, 2) if isinstance(initializer, pyinit.Orthogonal) else (5,)
            for seed in SEEDS:
                yield initializer.with_seed(seed), 0, shape, dtype, None
            for draw in DRAWS:
                yield initializer.with_seed(42), draw, shape, dtype, None
    for dtype in NUMERIC_DTYPES:
        for initializer in (pyinit.Zeros(), pyinit.Ones(), pyinit.Identity(), pyinit.Constant(1)):
            yield initializer, 0, (2, 3), dtype, None
    for dtype in FLOAT_DTYPES:
        for value in (0.1, -1 / 3, 1e-7, float("inf")):
            yield pyinit.Constant(value), 0, (2,), dtype, None
        yield pyinit.Identity(1.1), 0, (4, 3), dtype, None


def version_1b() -> Iterator[Case]:
    """Yield the vectors of what was added to version 1."""
    for dtype in FLOAT_DTYPES:
        for lower, upper in BOUNDS:
            bounded = pyinit.TruncatedNormal(-0.1, 0.7, 1, lower, upper)
            for shape in ((3, 4), (65,), (3, 3, 16, 33), (257, 300), (0, 3), ()):
                yield bounded, 0, shape, dtype, None
            yield bounded, 0, (2**40, 7), dtype, ((3, 7), (2**40 - 3, 0))
            yield bounded.with_seed(-1), 2**32 - 1, (70, 90), dtype, ((4, 3), (66, 13))
        # values of bfloat16 and float16 below their least normal ones
        yield pyinit.TruncatedNormal(0, 2.0**-15, 1, -1, 1), 0, (24,), dtype, None
        if dtype != "float16":
            yield pyinit.TruncatedNormal(0, 2.0**-128, 1, -1, 1), 0, (24,), dtype, None
        for shape in ((3, 2, 4), (2, 5, 3, 3), (3, 3, 3, 40, 70)):
            yield pyinit.DeltaOrthogonal(1.1, 1), 0, shape, dtype, None
        yield pyinit.DeltaOrthogonal(1, 1), 3, (3, 3, 4, 4), dtype, ((1, 2, 2, 4), (1, 1, 1, 0))
    for dtype in NUMERIC_DTYPES:
        for groups, shape in ((1, (3, 2, 3)), (2, (2, 2, 2, 4)), (3, (1, 3, 2, 4, 6))):
            yield pyinit.Dirac(groups), 0, shape, dtype, None


def version_1c() -> Iterator[Case]:
    """Yield the vectors of stacks, and of the geometric mean of the fans."""
    for dtype in FLOAT_DTYPES:
        for distribution in ("truncated_normal", "untruncated_normal", "uniform"):
            geometric = pyinit.VarianceScaling(0.7, "fan_geo_avg", distribution, 1)
            for shape in ((), (7,), (3, 4), (3, 3, 16, 33)):
                yield geometric, 0, shape, dtype, None
        for initializer in (
            pyinit.VarianceScaling(2, "fan_out", "uniform", 1, batch_axes=[0]),
            pyinit.VarianceScaling(1, "fan_avg", "untruncated_normal", 1, [1], [2], [-1, 0]),
            pyinit.HeNormal(1, batch_axes=[1]),
            pyinit.GlorotUniform(1, batch_axes=[0, -1]),
        ):
            for shape in ((2, 3, 2, 2), (5, 40, 6, 30)):
                yield initializer, 0, shape, dtype, None
            yield initializer, 3, (5, 40, 6, 30), dtype, ((2, 3, 1, 4), (3, 30, 2, 20))
        for batch_axes in ([0], [-1], [1, 0], [0, 2]):
            stack = pyinit.Orthogonal(1.1, 1, batch_axes)
            for shape in ((2, 3, 2, 2), (2, 2, 3, 5), (3, 40, 6, 30)):
                yield stack, 0, shape, dtype, None
            partition = ((2, 3, 1, 4), (1, 30, 2, 20))
            yield stack.with_seed(-1), 2**32 - 1, (3, 40, 6, 30), dtype, partition


#: The vectors of each file.
CASES = {
    "golden_vectors_1.json": version_1,
    "golden_vectors_1b.json": version_1b,
    "golden_vectors_1c.json": version_1c,
}


def vector(initializer: Initializer, draw: int, shape: Any, dtype: str, partition: Any) -> Any:
    """Return one golden vector as stored in the file."""
    description = to_json_config(initializer)
    entry = {**description, "draw": draw, "shape": shape, "dtype": dtype}
    fields = {}
    if partition is not None:
        fields = {"partition_shape": partition[0], "partition_offset": partition[1]}
    weights = from_json_config(description).lazy(shape, dtype, draw=draw)
    values = weights.read(*(partition or ()))
    if values.size <= MAX_WRITTEN_SIZE:
        stored = {"values": [float(value).hex() for value in values.astype(np.float64).flat]}
    else:
        stored = {"fingerprint": pyinit.fingerprint(values)}
    return {**entry, **fields, **stored}


def write(path: Path, cases: Iterable[Case]) -> None:
    """Write the vectors of a file."""
    vectors = [vector(*case) for case in cases]
    lines = ",\n".join(json.dumps(entry, allow_nan=False) for entry in vectors)
    text = (
        '{"about": "Golden vectors of pyinit: values as hexadecimal floats in C order, or the '
        'fingerprint of a larger tensor. Never regenerated.",\n'
        f'"stream_version": {pyinit.STREAM_VERSION},\n"vectors": [\n{lines}\n]}}\n'
    )
    path.write_text(text, encoding="ascii", newline="\n")
    digest = hashlib.sha256(text.encode("ascii")).hexdigest()
    print(f"{len(vectors)} vectors in {path}, SHA-256 {digest}")


def main() -> int:
    """Write the files that do not exist yet."""
    missing = [name for name in golden.DIGESTS if not (golden.FOLDER / name).exists()]
    for name in missing:
        write(golden.FOLDER / name, CASES[name]())
    if missing:
        return 0
    print(
        f"All files exist in {golden.FOLDER}, and golden vectors are never overwritten. Any "
        "changed value requires a new version of the stream: see STREAM_VERSION.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
