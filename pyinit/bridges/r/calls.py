"""What the R package calls, by way of reticulate.

reticulate carries the calls; arrays cross over the Arrow C data interface, through structs that R
has allocated. `addresses` is always those of the schema struct and of the array struct, in decimal:
R has no integers of 64 bits. Sizes arrive as floats for the same reason, checked to be whole.
"""

from __future__ import annotations

import atexit
import ctypes
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pyinit.arguments import argument_error, as_partition
from pyinit.bridges.r import arrow
from pyinit.dtypes import BOOL, FLOAT_DTYPES, NUMERIC_DTYPES, AnyArray
from pyinit.initializers.base import Initializer
from pyinit.initializers.fans import compute_fans
from pyinit.initializers.registry import CLASSES, deserialize, serialize
from pyinit.reproducibility import golden
from pyinit.reproducibility.fingerprint import fingerprint
from pyinit.runtime.diagnostics import configuration
from pyinit.runtime.threads import set_num_threads
from pyinit.seeds import SeedGenerator, derive_seed, set_random_seed
from pyinit.stream import STREAM_VERSION

Sizes = Sequence[float]

#: Integers up to this one are all float64 numbers, which is what R has for them.
_MAX_WHOLE = 2**53


def announce_exit(flag_address: str) -> None:
    """Sets a C int in R's memory to 1 when Python ends: no array can be released from then on."""
    flag = ctypes.c_int.from_address(int(flag_address))
    atexit.register(setattr, flag, "value", 1)


def draw(
    initializer: Callable[..., Any],
    shape: Sizes,
    dtype: Any,
    partition_shape: Sizes | None,
    partition_offset: Sizes | None,
    device: Any,
    addresses: Sequence[str],
) -> None:
    """Calls an initializer and moves what it gives to R.

    The array is in column-major order, and R is the only one to hold it. It is of float64 for a
    float dtype (the values are rounded to the dtype) and for integers beyond 32 bits, of int32 for
    narrower integers, and of bool.

    Args:
        initializer: An initializer, or another callable with `(shape, dtype=None)`; the next five
            arguments are as in its call.
        shape: See there.
        dtype: See there.
        partition_shape: See there.
        partition_offset: See there.
        device: See there.
        addresses: Where R has memory for the structs.

    Raises:
        ValueError: An argument is not as described there, or R cannot hold the values.
    """
    sizes = _whole(shape), _whole(partition_shape), _whole(partition_offset)
    if isinstance(initializer, Initializer) and not initializer._overrides_call:
        out = _filled(initializer, *sizes, dtype, device)
    else:
        out = _called(initializer, *sizes, dtype, device)
    if out.dtype.name not in FLOAT_DTYPES:
        out = _as_r_type(out)
    array, _, _ = arrow.exportable(out)
    arrow.move_out(array, *map(int, addresses))


def _filled(
    initializer: Initializer, shape: Any, part: Any, offset: Any, dtype: Any, device: Any
) -> AnyArray:
    """What `draw` moves to R, written there by the initializer."""
    weights = initializer.lazy(shape, dtype)
    if part is not None or offset is not None:
        part, offset = as_partition(weights.shape, part, offset)
    storage = np.dtype(np.float64) if weights.dtype.name in FLOAT_DTYPES else weights.dtype
    values = weights.read(part, offset, dtype=storage, order="F", device=device)
    if isinstance(values, np.ndarray):
        return values
    from pyinit.stream.gpu import arrays

    return arrays.to_host(values)


def _called(
    initializer: Callable[..., Any], shape: Any, part: Any, offset: Any, dtype: Any, device: Any
) -> AnyArray:
    """What `draw` moves to R, as a copy of what a call of the initializer returns."""
    options = {"partition_shape": part, "partition_offset": offset, "device": device}
    given = {name: value for name, value in options.items() if value is not None}
    values = initializer(shape, dtype, **given)
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(values, cupy.ndarray):
        values = values.get()
    values = np.asarray(values)
    expected = shape if part is None else part
    if values.shape != expected or values.dtype.name not in NUMERIC_DTYPES:
        allowed = f"one that returns an array of numbers or bools of shape {expected}"
        received = f"one of shape {values.shape} and dtype {values.dtype}"
        raise ValueError(f"Argument `initializer` must be {allowed}. Received: {received}")
    is_float = values.dtype.name in FLOAT_DTYPES
    return values.astype(np.float64 if is_float else values.dtype, order="F")


def _whole(sizes: Any) -> Any:
    return None if sizes is None else tuple(map(int, sizes))


def _as_r_type(values: AnyArray) -> AnyArray:
    """Integers or bools in the type that R has for them."""
    dtype = values.dtype
    if dtype == BOOL:
        return values
    narrow = np.can_cast(dtype, np.int32)
    low, high = (1 - 2**31, 2**31 - 1) if narrow else (-_MAX_WHOLE, _MAX_WHOLE)
    if values.size and (values.min() < low or values.max() > high):
        allowed = f"one whose values R can hold: they must be from {low} to {high}"
        raise argument_error("dtype", dtype.name, allowed)
    return values.astype(np.int32 if narrow else np.float64)


def send_array(x: Any, addresses: Sequence[str]) -> tuple[list[float], bool]:
    """Moves an array to R.

    Args:
        x: The array: see `pyinit.bridges.r.arrow.exportable`.
        addresses: Where R has memory for the structs.

    Returns:
        The shape, and whether R and Python share the memory.

    Raises:
        TypeError: It is not an array that R can take.
    """
    array, shape, shared = arrow.exportable(x)
    arrow.move_out(array, *map(int, addresses))
    return list(map(float, shape)), shared


def receive_array(addresses: Sequence[str], shape: Sizes, logical: bool) -> AnyArray:
    """Takes an array over from R.

    Args:
        addresses: Where the structs of R's array are.
        shape: Its dimensions.
        logical: Whether its integers are R's logicals.

    Returns:
        A read-only view in Fortran order; for logicals a copy, since R has them in 32 bits.
    """
    view = arrow.move_in(*map(int, addresses)).reshape(_whole(shape), order="F")
    return view.astype(np.bool_) if logical else view


def construct(class_name: str, /, **config: Any) -> Initializer:
    """The initializer of that class with the arguments in `config`, which came from R."""
    return deserialize({"class_name": class_name, "config": config_from_r(config)})


def construct_from(config: dict[str, Any], custom_objects: dict[str, Any] | None) -> Initializer:
    """The initializer that the dictionary of `serialize()` describes, which came from R."""
    if isinstance(config.get("config"), dict):
        config = {**config, "config": config_from_r(config["config"])}
    return deserialize(config, custom_objects)


def construct_generator(seed: float | None, name: str | None) -> SeedGenerator:
    """A seed generator with arguments that came from R."""
    return SeedGenerator(as_integers(seed), name)


def describe(initializer: Any) -> dict[str, Any] | None:
    """The class and configuration of an initializer for R, if it is one of our own classes."""
    if type(initializer) not in CLASSES:
        return None
    config = _for_r("config", initializer.get_config())
    return {"class_name": type(initializer).__name__, "config": config}


def serialized(initializer: Initializer) -> Any:
    """What `serialize()` returns, for R."""
    return _for_r("config", serialize(initializer))


def next_draw(generator: SeedGenerator) -> list[float | str]:
    """Takes a generator's next draw: (seed, draw) as floats; a seed that is none, in decimal."""
    seed, draw = generator.next()
    return [float(seed) if abs(seed) <= _MAX_WHOLE else str(seed), float(draw)]


def derived_seed(seed: float | int, name: Any) -> str:
    """`derive_seed()` with a seed that came from R, in decimal."""
    return str(derive_seed(as_integers(seed), name))


def integer(digits: str) -> int:
    """The integer that R has in decimal."""
    return int(digits)


def initialize_model(model: Any, seed: float | int) -> None:
    """`pyinit.keras.initialize()` with a seed that came from R."""
    from pyinit.bridges.keras.models import initialize

    initialize(model, as_integers(seed))


def seed_python(seed: float) -> None:
    """`set_random_seed()` with a seed that came from R."""
    set_random_seed(as_integers(seed))


def set_threads(n: float | None) -> None:
    """`set_num_threads()` with a number that came from R."""
    set_num_threads(as_integers(n))


def configured() -> dict[str, str]:
    """What `show_config()` prints."""
    return {name: str(value) for name, value in configuration().items()}


def fans(shape: Any, input_axes: Any, output_axes: Any) -> list[float]:
    """`compute_fans()` with arguments that came from R, as R doubles."""
    found = compute_fans(as_integers(shape), as_integers(input_axes), as_integers(output_axes))
    return [float(_for_r("shape", units)) for units in found]


def fingerprinted(x: Any, shape: Sizes | None, dtype: Any) -> str:
    """`fingerprint()` with a shape that came from R."""
    return fingerprint(x, _whole(shape), dtype)


def golden_vectors_name() -> str:
    """The name of the file of the golden vectors."""
    return golden.PATH.name


def golden_vectors(path: str, device: Any) -> list[golden.Vector]:
    """The golden vectors in a file that the device must draw."""
    return golden.chosen(golden.read(Path(path)), device)


def self_tested(vectors: list[golden.Vector], device: Any) -> dict[str, Any]:
    """What Python's self-test finds, for R."""
    found = golden.check(vectors, device)
    return {
        "kernel": found.kernel,
        "stream_version": float(STREAM_VERSION),
        "checked": float(found.checked),
        "differences": [list(difference) for difference in found.differences],
    }


def expected(vector: golden.Vector) -> dict[str, Any]:
    """How R draws a golden vector, and what it must be, in hexadecimal floats."""
    sizes = (vector.shape, vector.partition_shape, vector.partition_offset)
    shape, part, offset = (None if size is None else list(map(float, size)) for size in sizes)
    return {
        "name": str(vector),
        "shape": shape,
        "dtype": vector.dtype,
        "partition_shape": part,
        "partition_offset": offset,
        "values": vector.values,
    }


def config_from_r(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration with integers where Python takes no floats."""
    whole = ("seed", "input_axes", "output_axes")
    return {name: as_integers(value) if name in whole else value for name, value in config.items()}


def as_integers(value: Any) -> Any:
    """The number, or the list of numbers, with integers for floats that are whole."""
    if isinstance(value, list):
        return [as_integers(element) for element in value]
    if isinstance(value, dict):
        return {key: as_integers(element) for key, element in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _for_r(name: str, value: Any) -> Any:
    """`value` with floats for the integers that reticulate would not hand over exactly.

    A seed that no float is becomes a string in decimal.
    """
    if isinstance(value, dict):
        return {key: _for_r(key, element) for key, element in value.items()}
    if isinstance(value, list):
        return [_for_r(name, element) for element in value]
    if not isinstance(value, int) or -(2**31) < value < 2**31:
        return value
    if abs(value) <= _MAX_WHOLE:
        return float(value)
    if name == "seed":
        return str(value)
    raise argument_error(name, value, "a whole number from -2**53 to 2**53 in R")
