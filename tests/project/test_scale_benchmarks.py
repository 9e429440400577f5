"""The benchmarks about large tensors, Dask and many machines; times are not asserted."""

import argparse
from dataclasses import replace

import numpy as np
import pytest

import pyinit
from benchmarks import dask_blocks, disk, many_machines
from tests.support import same_bits

SIZE = 3 << 20


def test_a_tensor_to_disk(capsys, tmp_path):
    """Protects the table: every method is measured, and no file is left behind."""
    disk.main(["--size", "1MB", "--folder", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert [line[:26].strip() for line in lines[3:]] == [*disk.METHODS, disk.BASELINE]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_files_have_the_values(dtype, tmp_path):
    """Protects the comparison: each method writes the tensor, none a shortcut."""
    weights = disk.tensor_of(SIZE, dtype)
    expected = np.asarray(weights)
    disk.write_npy(weights, tmp_path / "weights.npy")
    assert same_bits(np.load(tmp_path / "weights.npy"), expected)
    disk.write_zarr(weights, tmp_path / "weights.zarr")
    zarr = pytest.importorskip("zarr")
    stored = zarr.open_array(tmp_path / "weights.zarr", mode="r")
    assert same_bits(np.asarray(stored[...]), expected)
    disk.record(weights, tmp_path / "manifest.json")
    disk.write_safetensors(weights, tmp_path / "weights", tmp_path / "manifest.json")
    assert pyinit.verify(tmp_path / "manifest.json", tmp_path / "weights.safetensors")
    disk.write_bytes(weights, tmp_path / "bytes")
    assert (tmp_path / "bytes").stat().st_size == weights.nbytes


def test_sizes():
    """Protects the sizes that users type."""
    assert disk.parse_size("20GB") == 20 * 10**9
    assert disk.parse_size("1.5 MiB") == 3 << 19
    for text in ("GB", "20XB", "-1", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="not a size"):
            disk.parse_size(text)


def test_blocks_of_dask(capsys):
    """Protects the tables: every array, with every scheduler."""
    dask_blocks.main(["--blocks", "4", "--rounds", "1", "--side", "16", "--no-cluster"])
    output = capsys.readouterr().out
    for name in dask_blocks.ARRAYS:
        assert output.count(name) == 2


def test_the_steps_on_the_page():
    """Protects the numbers on the page: they are those of the measured constants."""
    _, steps, _ = many_machines.divided(many_machines.PAGE.read_text())
    assert steps == many_machines.report(many_machines.read_constants()) + "\n"


def test_constants_of_the_reader(capsys):
    """Protects readers who put in their own constants."""
    many_machines.main(["--hosts", "64", "--disk-rate", "2", "--draw-all-ns", "1"])
    output = capsys.readouterr().out
    assert "1.01 x 10^12 / 64 | 1.58 x 10^10" in output
    assert "1.58 x 10^10 x 1.00 ns | 15.78 s" in output
    assert " GB / 2.00 GB/s |" in output
    for option in ("--hosts", "--hash-rate"):
        for value in ("0", "-1", "many"):
            with pytest.raises(SystemExit):
                many_machines.main([option, value])


def test_the_model():
    """Protects the arithmetic: the formula on the page is the sum of the tensors."""
    tensors = many_machines.model()
    values = sum(tensor.nbytes for tensor in tensors) // many_machines.ITEM_SIZE
    norms = (2 * 128 + 1) * 25_600
    assert values == 128 * 12 * 25_600**2 + 128_000 * 25_600 + norms
    assert len(tensors) == 128 * 8 + 2
    assert len({tensor.name for tensor in tensors}) == len(tensors)


def test_constants_are_measured(tmp_path, monkeypatch):
    """Protects the measurement, here of small draws and files."""
    # of a busy disk, the rate may be 0 when rounded
    monkeypatch.setattr(many_machines.os, "fsync", lambda _: None)
    constants = many_machines.measure(tmp_path, size=1 << 20, chunk=1 << 18)
    for name in ("draw_ns", "draw_all_ns", "hash_rate", "disk_rate", "manifest_bytes"):
        assert getattr(constants, name) > 0
    assert constants.machine in many_machines.report(replace(constants, memory_mb=1.0))
    assert not list(tmp_path.iterdir())
