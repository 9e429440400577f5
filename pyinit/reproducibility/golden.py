"""Golden vectors, which every kernel, platform and language must reproduce, and the self-test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pyinit.dtypes import AnyArray, DTypeName
from pyinit.initializers.base import Initializer
from pyinit.initializers.convolution import DeltaOrthogonal
from pyinit.initializers.orthogonal import Orthogonal
from pyinit.reproducibility.fingerprint import fingerprint
from pyinit.reproducibility.json_config import from_json_config
from pyinit.runtime import devices, kernel_choice
from pyinit.runtime.host_arrays import host_array
from pyinit.versions import STREAM_VERSION

#: The files of this version of the stream and their SHA-256 digests, in hexadecimal. Each file was
#: written once by script/write_golden_vectors.py. An addition has a file of its own.
DIGESTS = {
    "golden_vectors_1.json": "61afe1da9ddfe685f8170b4b5d50287bafb53f3ae15eaf2b769149cfe1ed2008",
    "golden_vectors_1b.json": "23ac3b263ef1b648dcae23aa82681edfd2dd7edbba8db19291cf17f08594194c",
    "golden_vectors_1c.json": "8228584007f9292e59fe33dbce06e9bedd3cb8c561804b3e2a4864dea5787c51",
}
#: The folder of the files.
FOLDER = Path(__file__).parent
#: The classes whose bits are the CPU's: a GPU factors the matrix in another order of operations.
ORTHOGONAL = frozenset({Orthogonal.__name__, DeltaOrthogonal.__name__})


@dataclass(frozen=True)
class Vector:
    """A tensor, or a partition of one, with its expected values.

    Args:
        class_name: The class of the initializer.
        config: Its configuration, as `to_json_config()` returns it.
        draw: The draw of the seed.
        shape: The shape of the full tensor.
        dtype: The name of the dtype.
        partition_shape: The shape of the partition; None for the full tensor.
        partition_offset: The offset of the partition.
        values: The values in C order, as hexadecimal floats; None for large tensors.
        fingerprint: The fingerprint, for large tensors.
    """

    class_name: str
    config: dict[str, Any]
    draw: int
    shape: list[int]
    dtype: DTypeName
    partition_shape: list[int] | None = None
    partition_offset: list[int] | None = None
    values: list[str] | None = None
    fingerprint: str | None = None

    def initializer(self) -> Initializer:
        """Return the initializer that draws the tensor."""
        return from_json_config({"class_name": self.class_name, "config": self.config})

    def drawn(self, device: str = "cpu") -> AnyArray:
        """Draw the tensor with this copy of pyinit."""
        weights = self.initializer().lazy(self.shape, self.dtype, draw=self.draw)
        values = weights.read(self.partition_shape, self.partition_offset, device=device)
        return host_array(values)

    def difference(self, drawn: AnyArray) -> str | None:
        """Return how drawn values differ from the expected ones; None if they do not."""
        if self.values is None:
            found = fingerprint(drawn)
            if found == self.fingerprint:
                return None
            return f"the fingerprint is {found}, not {self.fingerprint}"
        expected = np.array([float.fromhex(value) for value in self.values])
        found_values = drawn.astype(np.float64).reshape(-1)
        # compares bits, which distinguishes 0.0 and -0.0
        wrong = np.flatnonzero(expected.view(np.uint64) != found_values.view(np.uint64))
        if wrong.size == 0:
            return None
        first = int(wrong[0])
        return (
            f"{wrong.size} of {expected.size} values; the one at flat index {first} is "
            f"{float(found_values[first]).hex()}, not {self.values[first]}"
        )

    def __str__(self) -> str:
        arguments = ", ".join(f"{name}={value}" for name, value in self.config.items())
        draw = f", draw {self.draw}" if self.draw else ""
        partition = f", partition at {self.partition_offset}" if self.partition_offset else ""
        return f"{self.class_name}({arguments}), {self.shape}, {self.dtype}{draw}{partition}"


def read(folder: Path = FOLDER) -> list[Vector]:
    """Return the vectors of all files of this version of the stream.

    Args:
        folder: The folder of the files.

    Raises:
        ValueError: A file is missing, or is not the one of this version of the stream.
    """
    return [vector for name in DIGESTS for vector in read_file(folder / name)]


def read_file(path: Path) -> list[Vector]:
    """Return the vectors of one file.

    Raises:
        ValueError: The file is missing, or is not the one of this version of the stream.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ValueError(
            f"The golden vectors in {path} are missing. Install pyinit again."
        ) from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != DIGESTS[path.name]:
        raise ValueError(
            f"The golden vectors in {path} are not those of version {STREAM_VERSION} of the "
            f"stream: the file's SHA-256 digest is {digest}, not {DIGESTS[path.name]}. Install "
            "pyinit again."
        )
    return [Vector(**entry) for entry in json.loads(content)["vectors"]]


@dataclass(frozen=True)
class SelfTest:
    """The result of `self_test()`, true if there are no differences.

    Args:
        kernel: The kernel or device that was tested.
        checked: The number of vectors that were drawn.
        differences: Each differing vector and how it differs.
    """

    kernel: str
    checked: int
    differences: list[tuple[str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return not self.differences

    def __repr__(self) -> str:
        what = f"golden vectors of stream version {STREAM_VERSION} ({self.kernel})"
        if not self.differences:
            return f"Self-test passed: all {self.checked} {what}, to the last bit."
        lines = [f"\n  {name}: {how}" for name, how in self.differences]
        return f"Self-test FAILED: {len(lines)} of {self.checked} {what} differ:{''.join(lines)}"


def self_test(device: str = "cpu") -> SelfTest:
    """Check that this copy of pyinit reproduces the golden vectors, to the last bit.

    The golden vectors were written once, by the reference implementation. They cover every
    initializer and dtype, several seeds, draws and shapes, and partitions. The test takes about a
    second, somewhat longer without the native kernel.

    Args:
        device: `"cpu"`, or `"cuda"` or `"cuda:1"` for a GPU. The GPU test omits Orthogonal and
            DeltaOrthogonal, whose bits differ there.

    Returns:
        A `SelfTest`, true if there are no differences. When printed, it lists them.

    Raises:
        ValueError: `device` is invalid, or a file of the vectors is damaged or missing.
        ImportError: A GPU needs CuPy, which is not installed.
        RuntimeError: There is no driver or no device.

    Example:
        >>> import pyinit
        >>> bool(pyinit.self_test())
        True

    Source: `pyinit/reproducibility/golden_vectors_1.json`, `golden_vectors_1b.json` and
    `golden_vectors_1c.json`
    """
    return check(read(), device)


def check(vectors: list[Vector], device: str = "cpu") -> SelfTest:
    """Draw vectors and compare them with their expected values."""
    on_gpu = devices.find("device", device) is not None
    kernel = device if on_gpu else f"kernel {kernel_choice.choice()[0]}"
    tested = chosen(vectors, device)
    return SelfTest(kernel, len(tested), list(_differences(tested, device)))


def chosen(vectors: list[Vector], device: str) -> list[Vector]:
    """Return the vectors that a device must reproduce: on a GPU, all except orthogonal ones."""
    if devices.find("device", device) is None:
        return vectors
    return [vector for vector in vectors if vector.class_name not in ORTHOGONAL]


def _differences(vectors: list[Vector], device: str) -> Iterator[tuple[str, str]]:
    for vector in vectors:
        difference = vector.difference(vector.drawn(device))
        if difference is not None:
            yield str(vector), difference
