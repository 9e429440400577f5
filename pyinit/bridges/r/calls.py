"""The functions that the R package calls through reticulate.

Arrays pass over the Arrow C data interface, through a transfer that R has allocated: see
`pyinit.bridges.r.arrow`. R has no 64-bit integers, so the `address` of a transfer is a decimal
string, sizes arrive as whole floats, and integers beyond 32 bits are returned as floats.
"""

from __future__ import annotations

import atexit
import ctypes
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pyinit.arguments import argument_error, as_dimensions, as_partition, as_shape
from pyinit.bridges.r import arrow
from pyinit.bridges.r.interrupts import handle_interrupts
from pyinit.bridges.r.r_code import r_code
from pyinit.bridges.r.r_types import MAX_WHOLE, beyond_r, in_r_type
from pyinit.dtypes import BOOL, FLOAT_DTYPES, NUMERIC_DTYPES, AnyArray, is_float
from pyinit.initializers.base import Initializer, is_drawn_lazily
from pyinit.initializers.constant import Constant
from pyinit.initializers.fans import compute_fans
from pyinit.initializers.lazy import LazyTensor
from pyinit.initializers.registry import CLASSES, deserialize, serialize
from pyinit.reproducibility import golden
from pyinit.reproducibility.fingerprint import fingerprint
from pyinit.runtime import devices
from pyinit.runtime.diagnostics import configuration
from pyinit.runtime.threads import expect_forks, set_num_threads
from pyinit.seeds import SeedGenerator, derive_seed, set_random_seed, take_draw
from pyinit.versions import STREAM_VERSION

__all__ = [
    "announce_exit",
    "configured",
    "construct",
    "construct_from",
    "construct_generator",
    "derived_seeds",
    "describe",
    "draw",
    "draw_of",
    "draw_vector",
    "expect_forks",
    "expected",
    "fans",
    "fingerprinted",
    "golden_vectors",
    "handle_interrupts",
    "initialize_model",
    "initializer_of",
    "integer",
    "integers",
    "next_draw",
    "other_arguments",
    "r_code",
    "receive_array",
    "receive_arrow",
    "seed_python",
    "self_tested",
    "send_array",
    "send_values",
    "serialized",
    "set_threads",
    "sizes",
    "summarized",
]

Sizes = Sequence[float]

_FLOAT64 = FLOAT_DTYPES["float64"]

#: The arguments of initializers that are integers.
_INTEGER_ARGUMENTS = ("seed", "input_axes", "output_axes", "batch_axes", "groups")
#: The smallest integer of 16 digits.
_LONG_SEED = 10**15


def announce_exit(flag_address: str) -> None:
    """Set a C int in R's memory to 1 when Python ends: no array can be released afterwards."""
    flag = ctypes.c_int.from_address(int(flag_address))
    atexit.register(setattr, flag, "value", 1)


def draw(
    initializer: Callable[..., Any],
    shape: Sizes,
    dtype: Any,
    partition_shape: Sizes | None,
    partition_offset: Sizes | None,
    device: Any,
    address: str,
) -> None:
    """Call an initializer and move the array to R, which becomes its sole owner.

    The array is in column-major order, in R's type for the dtype: see `pyinit.bridges.r.r_types`.

    Args:
        initializer: An initializer, or another callable with `(shape, dtype=None)`.
        shape: As in a call of the initializer, like the next four arguments.
        dtype: The dtype.
        partition_shape: The shape of the slice, or None.
        partition_offset: Where the slice starts, or None.
        device: The device, or None.
        address: The transfer to fill.

    Raises:
        ValueError: An argument is invalid, or R has no type for the values.
    """
    sizes = whole(shape), whole(partition_shape), whole(partition_offset)
    if is_drawn_lazily(initializer):
        out = _filled(initializer, *sizes, dtype, device)
    else:
        out = _called(initializer, *sizes, dtype, device)
    move_to_r(out, address)


def move_to_r(values: AnyArray, address: str) -> None:
    """Move an array in Fortran order to R: of float64, or of integers or bools.

    Raises:
        ValueError: R has no type for an integer.
    """
    is_bool = values.dtype == BOOL
    if values.dtype != np.float64:
        beyond = beyond_r(values)
        if beyond is not None:
            allowed = f"one whose values R can hold, from -2**53 to 2**53 (found {beyond})"
            raise argument_error("dtype", values.dtype.name, allowed)
        values = in_r_type(values)
    arrow.move_out(arrow.array_of(values, is_bool), int(address))


def _filled(
    initializer: Initializer, shape: Any, partition: Any, offset: Any, dtype: Any, device: Any
) -> AnyArray:
    """Return the array that `draw` moves to R, filled by the initializer."""
    # checked before the tensor is made, which takes a draw
    if partition is not None or offset is not None:
        partition, offset = as_partition(as_shape(shape), partition, offset)
    devices.resolve(device, None)
    return _read(initializer.lazy(shape, dtype), partition, offset, device)


def _read(weights: LazyTensor, partition: Any, offset: Any, device: Any) -> AnyArray:
    """Return a partition of a lazy tensor in the layout and the dtype of R, on the host."""
    storage = storage_dtype(weights.dtype)
    values = weights.read(partition, offset, dtype=storage, order="F", device=device)
    if isinstance(values, np.ndarray):
        return values
    from pyinit.stream.gpu import arrays

    return arrays.to_host(values)


def _called(
    initializer: Callable[..., Any],
    shape: Any,
    partition: Any,
    offset: Any,
    dtype: Any,
    device: Any,
) -> AnyArray:
    """Return the array that `draw` moves to R, copied from the result of a call."""
    options = {"partition_shape": partition, "partition_offset": offset, "device": device}
    given = {name: value for name, value in options.items() if value is not None}
    values = initializer(shape, dtype, **given)
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(values, cupy.ndarray):
        values = values.get()
    values = np.asarray(values)
    expected = shape if partition is None else partition
    if values.shape != expected or values.dtype.name not in NUMERIC_DTYPES:
        allowed = f"one that returns an array of numbers or bools of shape {expected}"
        received = f"one of shape {values.shape} and dtype {values.dtype}"
        raise ValueError(f"Argument `initializer` must be {allowed}. Received: {received}")
    # by name, since another's initializer may return another byte order
    stored = np.float64 if values.dtype.name in FLOAT_DTYPES else values.dtype
    return values.astype(stored, order="F")


def storage_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype in which values of `dtype` are computed for R."""
    return _FLOAT64 if is_float(dtype) else dtype


def whole(sizes: Any) -> Any:
    """Convert sizes from R to a tuple of integers; None stays None."""
    return None if sizes is None else tuple(map(int, sizes))


def send_array(x: Any, address: str) -> tuple[list[float], bool]:
    """Move an array to R.

    Args:
        x: An array that `pyinit.bridges.r.arrow.exportable` accepts.
        address: The transfer to fill.

    Returns:
        The shape, and whether R and Python share the memory.

    Raises:
        TypeError: R has no type for the array.
        ValueError: R has no type for an integer.
    """
    array, shape, shared = arrow.exportable(x)
    arrow.move_out(array, int(address))
    return list(map(float, shape)), shared


def receive_array(address: str, shape: Sizes | None, logical: bool) -> AnyArray:
    """Take over an array from R.

    Args:
        address: The transfer that holds the array.
        shape: The dimensions of an R array; None for an Arrow array.
        logical: Whether its integers are R's logicals.

    Returns:
        A read-only view in Fortran order; for logicals and Arrow arrays of bools a copy.

    Raises:
        TypeError: An Arrow array is not of floats, integers or bools, or has nulls.
    """
    view = arrow.move_in(int(address))
    if shape is not None:
        view = view.reshape(whole(shape), order="F")
    return view.astype(np.bool_) if logical else view


def receive_arrow(address: str) -> Any:
    """Take over an Arrow array from R, as a pyarrow array."""
    return arrow.import_array(int(address))


def construct(
    class_name: str, config: Any, fresh_seed: float | None
) -> tuple[Handle, str, dict[str, Any]]:
    """Construct an initializer for R.

    Args:
        class_name: The name of its class.
        config: Its arguments by name. reticulate makes an empty list of an empty R list.
        fresh_seed: A seed that R has drawn, if the seed in `config` is None.

    Returns:
        A handle of the initializer, and its class name and configuration, see `describe()`.

    Raises:
        ValueError: An argument is invalid.
    """
    initializer = deserialize({"class_name": class_name, "config": config_from_r(dict(config))})
    if fresh_seed is not None:
        vars(initializer)["seed"] = int(fresh_seed)  # as a fresh seed: the configuration has None
    return (Handle(initializer), *description(initializer))


class Handle:
    """An initializer that R holds.

    It is not callable: reticulate makes an R function of a callable, which takes longer than
    everything else in `construct()`.

    Args:
        initializer: The initializer.
    """

    __slots__ = ("initializer",)

    def __init__(self, initializer: Any) -> None:
        self.initializer = initializer


def initializer_of(handle: Handle) -> Any:
    """Return the initializer of a handle."""
    return handle.initializer


def draw_of(handle: Handle, *arguments: Any) -> None:
    """Call `draw()` with the initializer of a handle."""
    draw(handle.initializer, *arguments)


def construct_from(config: dict[str, Any], custom_objects: dict[str, Any] | None) -> Initializer:
    """Return the initializer that a dictionary of `serialize()`, received from R, describes."""
    if isinstance(config.get("config"), dict):
        config = {**config, "config": config_from_r(config["config"])}
    return deserialize(config, custom_objects)


def construct_generator(
    seed: float | None, name: str | None, fresh_seed: float | None
) -> SeedGenerator:
    """Construct a seed generator for R; if `seed` is None, R has drawn `fresh_seed`."""
    generator = SeedGenerator(as_integers(seed), name)
    if fresh_seed is not None:
        vars(generator)["seed"] = int(fresh_seed)
    return generator


def describe(initializer: Any) -> tuple[str, dict[str, Any]] | None:
    """Return the class name and the configuration of an initializer; None if it is not pyinit's."""
    return description(initializer) if type(initializer) in CLASSES else None


def description(initializer: Initializer) -> tuple[str, dict[str, Any]]:
    """Return the class name and the configuration of one of pyinit's initializers, for R.

    An array in it is None; `send_values()` moves it.
    """
    return type(initializer).__name__, for_r("config", _without_array(initializer))


def send_values(initializer: Constant, address: str) -> list[float]:
    """Move the array that is the value of a Constant to R; return its shape."""
    values: AnyArray = initializer.value
    move_to_r(values.astype(storage_dtype(values.dtype), order="F"), address)
    return list(map(float, values.shape))


def _without_array(initializer: Initializer) -> dict[str, Any]:
    if isinstance(initializer, Constant) and isinstance(initializer.value, np.ndarray):
        return {"value": None}
    return initializer.get_config()


def serialized(initializer: Initializer) -> Any:
    """Return the result of `serialize()` for R, with None for an array."""
    return for_r("config", {**serialize(initializer), "config": _without_array(initializer)})


def next_draw(generator: SeedGenerator) -> list[float | str]:
    """Take a generator's next draw: (seed, draw) as floats, a seed beyond 2**53 in decimal."""
    # not next(), which returns a tensor once Keras uses the generator
    drawn, draw = take_draw(generator)
    seed = generator.seed if drawn == generator.seed % 2**64 else drawn
    return [float(seed) if abs(seed) <= MAX_WHOLE else str(seed), float(draw)]


def derived_seeds(seed: float | int, names: Sequence[str]) -> list[str]:
    """Call `derive_seed()` with a seed from R for each name; return the results in decimal."""
    whole_seed = as_integers(seed)
    return [str(derive_seed(whole_seed, name)) for name in names]


def integer(digits: str) -> int:
    """Return the integer with these decimal digits."""
    return int(digits)


def integers(digits: Sequence[str]) -> list[int]:
    """Return the integers with these decimal digits."""
    return list(map(int, digits))


def sizes(name: str, value: Any) -> list[float]:
    """Return a shape that is a Python sequence, such as a `TensorShape`, for R."""
    return list(map(float, as_dimensions(name, value)))


def other_arguments(handle: Handle) -> dict[str, Any]:
    """Return the arguments of an initializer, for R, that its configuration leaves out.

    These have their defaults, or a special case of another class fixes them.
    """
    initializer = initializer_of(handle)
    config = initializer.get_config()
    public = {name: value for name, value in vars(initializer).items() if name[0] != "_"}
    return dict(for_r("config", {name: public[name] for name in public if name not in config}))


def initialize_model(model: Any, seed: float | int) -> None:
    """Call `pyinit.keras.initialize()` with a seed from R."""
    from pyinit.bridges.keras.models import initialize

    initialize(model, as_integers(seed))


def seed_python(seed: float) -> None:
    """Call `set_random_seed()` with a seed from R."""
    set_random_seed(as_integers(seed))


def set_threads(n: float | None) -> None:
    """Call `set_num_threads()` with a number from R."""
    set_num_threads(as_integers(n))


def configured() -> dict[str, str]:
    """Return the entries that `show_config()` prints."""
    return {name: str(value) for name, value in configuration().items()}


def fans(shape: Any, *axes: Any) -> list[float]:
    """Call `compute_fans()` with arguments from R; return floats."""
    found = compute_fans(as_integers(shape), *map(as_integers, axes))
    return [float(for_r("shape", units)) for units in found]


def summarized(handle: Handle, shape: Sizes) -> dict[str, Any]:
    """Return the summary of an initializer for a shape, for R."""
    summary = vars(initializer_of(handle).summary(whole(shape)))
    fans = {name: float(summary[name]) for name in ("fan_in", "fan_out")}
    return {**summary, **fans, "shape": list(map(float, shape))}


def fingerprinted(x: Any, shape: Sizes | None, dtype: Any) -> str:
    """Call `fingerprint()` with a shape from R."""
    return fingerprint(x, whole(shape), dtype)


def golden_vectors(folder: str, device: Any) -> list[golden.Vector]:
    """Read the golden vectors that the device must reproduce."""
    return golden.chosen(golden.read(Path(folder)), device)


def self_tested(vectors: list[golden.Vector], device: Any) -> dict[str, Any]:
    """Run Python's self-test and return its results for R."""
    found = golden.check(vectors, device)
    return {
        "kernel": found.kernel,
        "stream_version": float(STREAM_VERSION),
        "checked": float(found.checked),
        "differences": [list(difference) for difference in found.differences],
    }


def draw_vector(vector: golden.Vector, device: Any, address: str) -> None:
    """Draw a golden vector and move the array to R."""
    weights = vector.initializer().lazy(vector.shape, vector.dtype, draw=vector.draw)
    values = _read(weights, vector.partition_shape, vector.partition_offset, device)
    move_to_r(values, address)


def expected(vector: golden.Vector) -> dict[str, Any]:
    """Return the shape and dtype of a golden vector for R, and its values as hexadecimal floats."""
    sizes = (vector.shape, vector.partition_shape, vector.partition_offset)
    shape, partition, offset = (None if size is None else list(map(float, size)) for size in sizes)
    return {
        "name": str(vector),
        "shape": shape,
        "dtype": vector.dtype,
        "partition_shape": partition,
        "partition_offset": offset,
        "values": vector.values,
    }


def config_from_r(config: dict[str, Any]) -> dict[str, Any]:
    """Convert a configuration from R: integers where Python takes no floats."""
    return {
        name: as_integers(value) if name in _INTEGER_ARGUMENTS else value
        for name, value in config.items()
    }


def as_integers(value: Any) -> Any:
    """Convert whole floats to integers, also within lists and dictionaries."""
    if isinstance(value, list):
        return [as_integers(element) for element in value]
    if isinstance(value, dict):
        return {key: as_integers(element) for key, element in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def for_r(name: str, value: Any) -> Any:
    """Convert integers that reticulate does not convert exactly to floats.

    Seeds beyond 2**53 become decimal strings, as do those of more than 15 digits, to which R's text
    formats such as JSON round a number.
    """
    if isinstance(value, dict):
        return {key: for_r(key, element) for key, element in value.items()}
    if isinstance(value, list):
        return [for_r(name, element) for element in value]
    if not isinstance(value, int) or -(2**31) < value < 2**31:
        return value
    if name == "seed" and abs(value) >= _LONG_SEED:
        return str(value)
    if abs(value) <= MAX_WHOLE:
        return float(value)
    raise argument_error(name, value, "a whole number from -2**53 to 2**53 in R")
