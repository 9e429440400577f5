"""A model of 10**12 parameters on 1,000 hosts, worked out from measured constants.

    python -m benchmarks.many_machines [--hosts 1000] [--draw-ns 0.9] [--hash-rate 1.4] ...
    python -m benchmarks.many_machines --measure

The first command prints the steps from the constants in many_machines.json, or from those given.
`--measure` measures the constants on this machine and writes them to that file, and the steps to
the page docs/many-machines.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import pyinit
from benchmarks.machine import describe
from benchmarks.memory import peak_of
from pyinit.manifests.shards import assign_shards

FILE = Path(__file__).with_suffix(".json")
PAGE = Path(__file__).parents[1] / "docs" / "many-machines.md"
#: What encloses the steps on the page.
MARKS = "<!-- steps: start -->\n", "<!-- steps: end -->\n"
HOSTS = 1000
DTYPE = "bfloat16"
ITEM_SIZE = 2
LAYERS, WIDTH, VOCABULARY = 128, 25_600, 128_000

#: A step, the arithmetic, the result.
Row = tuple[str, str, str]

#: The values that the library draws, hashes and writes at a time.
_CHUNK = 1 << 20
_RUNS = 200


@dataclass(frozen=True)
class Constants:
    """What is measured.

    Attributes:
        machine: The machine, in words.
        threads: Its number of threads.
        draw_ns: Nanoseconds to draw a normal bfloat16 value, with one thread.
        draw_all_ns: The same with all threads.
        hash_rate: SHA-256 of one thread, in GB/s.
        disk_rate: Writing a file, with fsync, in GB/s.
        manifest_bytes: Bytes of a tensor in a manifest.
        memory_mb: Memory to draw, hash and write a tensor in chunks, in MB.
    """

    machine: str
    threads: int
    draw_ns: float
    draw_all_ns: float
    hash_rate: float
    disk_rate: float
    manifest_bytes: float
    memory_mb: float


class Tensor(NamedTuple):
    """A tensor of the model."""

    name: str
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """The size in bytes."""
        return math.prod(self.shape) * ITEM_SIZE


def model(layers: int = LAYERS, width: int = WIDTH, vocabulary: int = VOCABULARY) -> list[Tensor]:
    """Return the tensors of a decoder: embedding, attention and feed-forward layers, norms."""
    return list(_tensors(layers, width, vocabulary))


def _tensors(layers: int, width: int, vocabulary: int) -> Iterator[Tensor]:
    yield Tensor("embedding.weight", (vocabulary, width))
    for layer in range(layers):
        for name in ("query", "key", "value", "output"):
            yield Tensor(f"layers.{layer}.attention.{name}.weight", (width, width))
        yield Tensor(f"layers.{layer}.mlp.up.weight", (4 * width, width))
        yield Tensor(f"layers.{layer}.mlp.down.weight", (width, 4 * width))
        for name in ("attention", "mlp"):
            yield Tensor(f"layers.{layer}.{name}_norm.weight", (width,))
    yield Tensor("norm.weight", (width,))


def plan(tensors: Sequence[Tensor]) -> dict[str, Any]:
    """Return the plan of a manifest."""
    normal = {"class_name": "RandomNormal", "config": {"stddev": 0.02}}
    return {
        "seed": 42,
        "dtype": DTYPE,
        "tensors": [
            {
                "name": tensor.name,
                "shape": tensor.shape,
                "initializer": normal if len(tensor.shape) > 1 else "ones",
            }
            for tensor in tensors
        ],
    }


def measure(folder: Path, size: int = 1 << 33, chunk: int = _CHUNK) -> Constants:
    """Measure the constants, with a file of `size` bytes and chunks of `chunk` values.

    The times of a chunk are those of the fastest of many; the file's is the median of three.
    """
    machine = describe()
    out = np.empty(chunk, pyinit.Zeros().lazy((), DTYPE).dtype)
    weights = pyinit.RandomNormal(stddev=0.02, seed=1).lazy(out.shape, DTYPE)
    draw_ns = []
    for threads in (1, machine["cpus"]):
        pyinit.set_num_threads(threads)
        draw_ns.append(_best(lambda: weights.read_into(out)) / out.size * 1e9)
    pyinit.set_num_threads(None)
    content = out.view(np.uint8).data
    hashing = _best(lambda: hashlib.sha256(content))

    def write() -> None:
        with tempfile.TemporaryFile(dir=folder) as file:
            for _ in range(max(1, size // content.nbytes)):
                file.write(content)
            file.flush()
            os.fsync(file.fileno())

    writing = statistics.median(_times(write, 3))
    small = model(layers=8, width=64, vocabulary=1000)
    manifest = pyinit.create_manifest(plan(small))
    with tempfile.TemporaryDirectory(dir=folder) as made:
        file = Path(made, "manifest.json")
        pyinit.write_manifest(manifest, file)
        manifest_bytes = file.stat().st_size / len(small)
        one = pyinit.create_manifest(plan([Tensor("weight", (16, chunk))]))
        memory = peak_of(lambda: pyinit.materialize(one, Path(made, "weight.safetensors")))
    return Constants(
        f"{machine['processor']}, {machine['cpus']} CPUs, load {machine['load']:.1f}",
        machine["cpus"],
        *(round(ns, 3) for ns in draw_ns),
        hash_rate=round(content.nbytes / hashing / 1e9, 3),
        disk_rate=round(max(1, size // content.nbytes) * content.nbytes / writing / 1e9, 3),
        manifest_bytes=round(manifest_bytes),
        memory_mb=round(memory / 1e6),
    )


def _best(call: Callable[[], object]) -> float:
    return min(_times(call, _RUNS))


def _times(call: Callable[[], object], runs: int) -> list[float]:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def read_constants() -> Constants:
    """Return the constants in the file."""
    return Constants(**json.loads(FILE.read_text(encoding="utf-8")))


def report(constants: Constants, hosts: int = HOSTS) -> str:
    """Return the steps as Markdown."""
    tensors = model()
    nbytes = sum(tensor.nbytes for tensor in tensors)
    values = nbytes // ITEM_SIZE
    shards = [
        sum(tensors[position].nbytes for position in shard)
        for shard in assign_shards(tensors, hosts)  # type: ignore[arg-type]
    ]
    lines = [
        f"Measured on: {constants.machine}.",
        "",
        "| step | arithmetic | result |",
        "|---|---|---|",
        *(
            f"| {' | '.join(row)} |"
            for row in (
                *_model_rows(len(tensors), values, nbytes),
                *_memory_rows(constants, values, hosts),
                *_file_rows(constants, nbytes / hosts / 1e9, max(shards) / 1e9),
                *_manifest_rows(constants, len(tensors), nbytes / 1e9, max(shards) / 1e9),
            )
        ),
    ]
    return "\n".join(lines)


def _model_rows(tensors: int, values: int, nbytes: int) -> Iterator[Row]:
    formula = f"{LAYERS} x 12 x {WIDTH:,}^2 + {VOCABULARY:,} x {WIDTH:,} + norms"
    yield "parameters", formula, f"{values:,}"
    yield "tensors", f"{LAYERS} x 8 + 2", f"{tensors:,}"
    yield f"bytes in {DTYPE}", f"{_power(values)} x {ITEM_SIZE}", f"{nbytes / 1e12:.2f} TB"


def _memory_rows(c: Constants, values: int, hosts: int) -> Iterator[Row]:
    yield "**in memory**, sharded evenly by a framework", "", ""
    each = values / hosts
    yield "parameters per host", f"{_power(values)} / {hosts:,}", _power(each)
    yield "memory per host", f"{_power(each)} x {ITEM_SIZE}", f"{each * ITEM_SIZE / 1e9:.2f} GB"
    for threads, ns in ((1, c.draw_ns), (c.threads, c.draw_all_ns)):
        of_threads = "one thread" if threads == 1 else f"{threads} threads"
        yield f"draw, {of_threads}", f"{_power(each)} x {ns:.2f} ns", _seconds(each * ns / 1e9)
    yield "communication", "", "none"
    all_values = f"{_power(values)} x {c.draw_all_ns:.2f} ns"
    time_of_all = _seconds(values * c.draw_all_ns / 1e9)
    yield "instead, if each host drew all tensors and kept its shards", all_values, time_of_all


def _file_rows(c: Constants, mean: float, largest: float) -> Iterator[Row]:
    yield "**to files**, whole tensors on each host", "", ""
    yield "mean size of a shard", "total / hosts", f"{mean:.2f} GB"
    yield "largest shard", "tensors are assigned by size", f"{largest:.2f} GB"
    draw = f"/ {ITEM_SIZE} x {c.draw_all_ns:.2f} ns"
    steps = {
        "drawing it": (draw, largest / ITEM_SIZE * c.draw_all_ns),
        "hashing it (SHA-256)": (f"/ {c.hash_rate:.2f} GB/s", largest / c.hash_rate),
        "writing it, with fsync": (f"/ {c.disk_rate:.2f} GB/s", largest / c.disk_rate),
    }
    for name, (formula, seconds) in steps.items():
        yield name, f"{largest:.2f} GB {formula}", _seconds(seconds)
    total = sum(seconds for _, seconds in steps.values())
    yield "the slowest host, if nothing overlapped", "sum", _seconds(total)
    yield "additional memory", "measured", f"{c.memory_mb:.0f} MB"


def _manifest_rows(c: Constants, tensors: int, size: float, largest: float) -> Iterator[Row]:
    yield "**the manifest**", "", ""
    nbytes = tensors * c.manifest_bytes
    yield "size", f"{tensors:,} x {c.manifest_bytes:.0f} bytes", f"{nbytes / 1e3:,.0f} kB"
    one_core = f"{size / 1e3:.2f} TB / {c.hash_rate:.2f} GB/s"
    yield "all fingerprints, on one core", one_core, _seconds(size / c.hash_rate)
    one_shard = f"{largest:.2f} GB / {c.hash_rate:.2f} GB/s"
    time_of_shard = _seconds(largest / c.hash_rate)
    yield "fingerprints of the largest shard, on its host", one_shard, time_of_shard


def _power(number: float) -> str:
    exponent = int(math.log10(number))
    return f"{number / 10**exponent:.2f} x 10^{exponent}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _positive(text: str, type_: Callable[[str], float] = float) -> Any:
    try:
        number = type_(text)
    except ValueError:
        number = 0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"not a positive number: {text!r}")
    return number


def divided(page: str) -> tuple[str, str, str]:
    """Return the text of the page before, in and after the steps, with the marks outside."""
    start = page.index(MARKS[0]) + len(MARKS[0])
    end = page.index(MARKS[1])
    return page[:start], page[start:end], page[end:]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the steps, or measure the constants."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_machines")
    parser.add_argument(
        "--hosts", type=partial(_positive, type_=int), default=HOSTS, help="default: %(default)s"
    )
    parser.add_argument(
        "--measure", action="store_true", help=f"write {FILE.name} and the steps on {PAGE.name}"
    )
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    for name in ("draw-ns", "draw-all-ns", "hash-rate", "disk-rate"):
        parser.add_argument(f"--{name}", type=_positive, help="instead of the measured constant")
    options = parser.parse_args(arguments)
    if options.measure:
        constants = measure(options.folder)
        FILE.write_text(json.dumps(asdict(constants), indent=1) + "\n", encoding="utf-8")
        before, _, after = divided(PAGE.read_text(encoding="utf-8"))
        PAGE.write_text(before + report(constants) + "\n" + after, encoding="utf-8")
    constants = read_constants()
    own = {
        name: getattr(options, name)
        for name in ("draw_ns", "draw_all_ns", "hash_rate", "disk_rate")
        if getattr(options, name) is not None
    }
    print(report(replace(constants, **own), options.hosts))


if __name__ == "__main__":
    main()
