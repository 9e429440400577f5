"""Bad arguments: the error names the argument, the value received and the values allowed."""

import re

import numpy as np
import pytest

import pyinit
from tests.support import RANDOM

NAN, INF = float("nan"), float("inf")

#: (argument, call): each call is wrong in that one argument.
BAD_VALUES = [
    *[("scale", lambda v=v: pyinit.VarianceScaling(scale=v)) for v in (0, -1, NAN, INF, "1", None)],
    *[("scale", lambda v=v: pyinit.VarianceScaling(scale=v)) for v in (True, [1.0], 1j, 10**400)],
    *[("mode", lambda v=v: pyinit.VarianceScaling(mode=v)) for v in ("fan_out ", "FAN_IN", None)],
    *[("distribution", lambda v=v: pyinit.VarianceScaling(distribution=v)) for v in ("t", 3)],
    *[("input_axes", lambda v=v: pyinit.VarianceScaling(input_axes=v)) for v in (0, "01", [0.5])],
    *[("stddev", lambda v=v: pyinit.RandomNormal(stddev=v)) for v in (-0.1, NAN, "0.1", None)],
    *[("stddev", lambda v=v: pyinit.TruncatedNormal(stddev=v)) for v in (-0.1, INF)],
    *[("mean", lambda v=v: pyinit.RandomNormal(mean=v)) for v in (NAN, INF, "0", None, [0])],
    ("minval", lambda: pyinit.RandomUniform(1, 0)),
    *[("minval", lambda v=v: pyinit.RandomUniform(v, 1)) for v in (NAN, -INF, "0")],
    *[("maxval", lambda v=v: pyinit.RandomUniform(0, v)) for v in (NAN, INF, "1")],
    *[("gain", lambda v=v: pyinit.Orthogonal(v)) for v in (NAN, INF, "1", None)],
    *[("gain", lambda v=v: pyinit.Identity(v)) for v in (NAN, INF, "1", None)],
    *[("value", lambda v=v: pyinit.Constant(v)) for v in ("1", None, 1j, {1: 2}, ["a"])],
    *[("value", lambda v=v: pyinit.Constant(v)) for v in (np.array([1j]), [[1], [2, 3]], [None])],
    *[("side", lambda v=v: pyinit.STFT(v)) for v in ("left", None)],
    *[("window", lambda v=v: pyinit.STFT(window=v)) for v in ("hand", [[1.0]], ["a"], [NAN], 3.0)],
    ("scaling", lambda: pyinit.STFT(scaling="l2")),
    ("periodic", lambda: pyinit.STFT(periodic=1)),
    ("dtype", lambda: pyinit.set_floatx("int32")),
    ("dtype", lambda: pyinit.set_floatx(None)),
    *[("seed", lambda v=v: pyinit.set_random_seed(v)) for v in (-1, 2**32, 0.5, "1", None, True)],
    ("name", lambda: pyinit.SeedGenerator(1, name=3)),
    *[("shape", lambda v=v: pyinit.compute_fans(v)) for v in (3, (2, -1), "ab")],
    ("input_axes", lambda: pyinit.compute_fans((2, 3), [2], [0])),
    ("output_axes", lambda: pyinit.compute_fans((2, 3), [0], [-3])),
    ("input_axes", lambda: pyinit.compute_fans((2, 3), [0, -2], [1])),
    ("window", lambda: pyinit.STFT()((2, 1, 2))),
    ("window", lambda: pyinit.STFT(window=[0, 0], scaling="spectrum")((2, 1, 2))),
    ("gain", lambda: pyinit.Orthogonal(1e6, seed=1)((2, 2), "float16")),
    ("config", lambda: pyinit.SeedGenerator.from_config(None)),
    ("dtype", lambda: pyinit.Zeros()((2,), np.dtype(">f4"))),
    ("identifier", lambda: pyinit.get("he")),
    ("identifier", lambda: pyinit.get(3)),
    ("config", lambda: pyinit.deserialize({"class_name": "Dense", "config": {}})),
    ("config", lambda: pyinit.deserialize({"class_name": "Zeros", "config": []})),
    ("config", lambda: pyinit.deserialize("Zeros")),
    ("config", lambda: pyinit.HeNormal.from_config({"gain": 1})),
    ("config", lambda: pyinit.HeNormal.from_config("seed")),
    ("initializer", lambda: pyinit.serialize("zeros")),
    ("seed", lambda: pyinit.HeNormal({"class_name": "Dense", "config": {}})),
]

SEEDS = [0.5, 1.0, "1", True, False, NAN, np.bool_(True), np.float64(2), [1], 2**64, -(2**63) - 1]
BAD_SHAPES = [
    None, 3, "ab", (2, -1), (2, 1.0), (2, 2.5), (2, None), (2, "3"), (True, 2), [[2], [3]],
    (2**31, 2**31), (2**62, 4), {2: 3}, {2, 3}, np.array(5), (1,) * 65, (2**62, 0), (2**70, 0),
]  # fmt: skip


def message_of(name: str, call) -> str:
    """Return the message of the ValueError that the call must raise."""
    with pytest.raises(ValueError, match=f"Argument `{name}` must") as caught:
        call()
    message = str(caught.value)
    assert "Received: " in message
    return message


@pytest.mark.parametrize(("name", "call"), BAD_VALUES)
def test_bad_values_are_refused(name, call):
    """Protects every constructor and function from invalid values."""
    message_of(name, call)


class Scalar:
    """A scalar of a tensor library."""

    shape = ()
    dtype = np.dtype("float64")

    def __init__(self, value):
        self.value = value

    def __float__(self):
        return self.value


@pytest.mark.parametrize("make", [float, np.float32, np.array, Scalar])
def test_numbers_that_may_be_infinite_are_scalars_of_any_library(make):
    """Protects bounds and constants computed with tensors."""
    bounded = pyinit.TruncatedNormal(seed=1, lower=make(-INF), upper=make(INF))
    assert (bounded.lower, bounded.upper) == (-INF, INF)
    with pytest.raises(ValueError, match="Argument `lower` must be a number"):
        pyinit.TruncatedNormal(seed=1, lower=make(NAN))
    assert pyinit.Constant(make(INF)).value == INF
    assert np.isnan(pyinit.Constant(make(NAN)).value)


def test_an_unknown_dimension_is_named():
    """Protects users who pass the shape of a batch: the error says which dimension is unknown."""
    message = message_of("shape", lambda: pyinit.Zeros()((2, None, 3)))
    assert "(the dimension of axis 1, counted from 0, is None)" in message


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", [*RANDOM, "seed_generator"])
def test_bad_seeds_are_refused(name, seed):
    """Protects against seeds that would be rounded, wrapped or misread as a number."""
    make = RANDOM.get(name, pyinit.SeedGenerator)
    assert repr(seed) in message_of("seed", lambda: make(seed))


@pytest.mark.parametrize("shape", BAD_SHAPES)
@pytest.mark.parametrize("initializer", [pyinit.HeNormal(1), pyinit.Zeros(), pyinit.Identity()])
def test_bad_shapes_are_refused(initializer, shape):
    """Protects against shapes for which Keras returns an empty or a truncated array."""
    message_of("shape", lambda: initializer(shape))


@pytest.mark.parametrize("dtype", ["int32", "bool", "complex64", "float8", int, np.uint8, 3, [1]])
def test_random_initializers_fill_floats_only(random_class, dtype):
    """Protects against Keras' GlorotUniform()(shape, "int32"), which is all zeros."""
    message_of("dtype", lambda: random_class(1)((2, 2), dtype))


@pytest.mark.parametrize("dtype", ["complex64", "string", "object", "float128"])
def test_constants_fill_numbers_only(dtype):
    """Protects against dtypes that no weight has."""
    message_of("dtype", lambda: pyinit.Zeros()((2, 2), dtype))


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (0.5, "int32"),
        (-1, "uint8"),
        (256, "uint8"),
        (2, "bool"),
        (NAN, "int32"),
        (INF, "int64"),
        (1e6, "float16"),
        (1e39, "float32"),
        (2**63, "int64"),
    ],
)
def test_constants_must_fit_the_dtype(value, dtype):
    """Protects against a value that is silently rounded, wrapped or made infinite."""
    assert dtype in message_of("value", lambda: pyinit.Constant(value)((2,), dtype))
    if np.isfinite(value):
        message_of("gain", lambda: pyinit.Identity(value)((2, 2), dtype))


@pytest.mark.parametrize(
    ("name", "initializer", "dtype"),
    [
        ("stddev", pyinit.RandomNormal(0, 1e6, seed=1), "float16"),
        # One value in ten billion would be infinite.
        ("stddev", pyinit.RandomNormal(0, 10_300, seed=1), "float16"),
        ("stddev", pyinit.TruncatedNormal(1e4, 3e4, seed=1), "float16"),
        ("mean", pyinit.TruncatedNormal(1e39, 1, seed=1), "float32"),
        ("minval", pyinit.RandomUniform(-1e5, 0, seed=1), "float16"),
        ("maxval", pyinit.RandomUniform(0, 1e39, seed=1), "bfloat16"),
        ("maxval", pyinit.RandomUniform(-3e38, 3e38, seed=1), "float32"),
        ("scale", pyinit.VarianceScaling(1e300, seed=1), "float32"),
    ],
)
def test_parameters_must_fit_the_dtype(name, initializer, dtype):
    """Protects against weights that overflow a narrow dtype."""
    assert dtype in message_of(name, lambda: initializer((2, 2), dtype))


@pytest.mark.parametrize("shape", [(), (3,)])
def test_orthogonal_needs_a_matrix(shape):
    """Protects against ranks that Orthogonal does not support."""
    message_of("shape", lambda: pyinit.Orthogonal(seed=1)(shape))


@pytest.mark.parametrize("shape", [(), (3,), (2, 2, 2)])
def test_identity_needs_rank_two(shape):
    """Protects against ranks that Identity does not support."""
    message_of("shape", lambda: pyinit.Identity()(shape))


@pytest.mark.parametrize("shape", [(), (8, 9), (8, 2, 9), (8, 1, 1), (7, 1, 9)])
def test_stft_needs_its_own_shape(shape):
    """Protects against shapes for which Keras returns a kernel of another shape."""
    message_of("shape", lambda: pyinit.STFT(window=[1.0] * 8)(shape))


def readonly() -> np.ndarray:
    array = np.zeros((2, 3), np.float32)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((3, 2), np.float32),
        np.zeros((2, 3), np.float64),
        np.zeros((2, 3), np.int32),
        np.zeros((2, 3), ">f4"),
        np.zeros(25, np.uint8)[1:].view(np.float32).reshape(2, 3),
        readonly(),
    ],
)
def test_out_must_be_the_right_buffer(out):
    """Protects `out`: its shape, dtype, byte order, alignment and writability are checked."""
    before = out.copy()
    name = "dtype" if out.dtype == np.int32 else "out"
    with pytest.raises(ValueError, match=f"Argument `({name}|dtype|out)` must"):
        pyinit.HeNormal(1)((2, 3), "float32", out=out)
    assert (out == before).all()


@pytest.mark.parametrize("out", [[0.0, 0.0], np.ma.masked_array(np.zeros(2, np.float32), [1, 1])])
def test_out_must_be_an_array(out):
    """Protects against lists, which are never filled, and masks, which keep hiding the values."""
    with pytest.raises(TypeError, match="Argument `out` must be a NumPy array"):
        pyinit.HeNormal(1)((2,), out=out)


@pytest.mark.parametrize("dtype", ["int64", ">f4", "U1"])
def test_out_of_a_wrong_dtype_is_blamed_on_out(dtype):
    """Protects the message: the caller gave `out`, and no `dtype`."""
    with pytest.raises(ValueError, match=r"`out` must be .* 'float32', .* an array of dtype"):
        pyinit.HeNormal(1)((2, 2), out=np.empty((2, 2), dtype))


def test_messages_show_what_the_user_typed():
    """Protects against a message that shows a computed value."""
    message = message_of("scale", lambda: pyinit.VarianceScaling(1e80)((2, 2)))
    assert "Received: scale=1e+80" in message
    assert "Received: identifier=<class 'int'>" in message_of("identifier", lambda: pyinit.get(int))


@pytest.mark.parametrize("seed", [0.5, "x", True])
def test_seeds_set_later_are_checked(seed):
    """Protects the attribute `seed`, which users may set after the constructor has checked it."""
    initializer = pyinit.HeNormal(1)
    message_of("seed", lambda: setattr(initializer, "seed", seed))
    initializer.seed = np.int64(3)
    assert (initializer((2,)) == pyinit.HeNormal(3)((2,))).all()
    assert initializer.get_config()["seed"] == 3


@pytest.mark.parametrize(
    ("partition", "offset", "name"),
    [
        ((2, 2), None, "partition_offset"),
        (None, (0, 0), "partition_shape"),
        ((2,), (0, 0), "partition_shape"),
        ((2, 2), (0,), "partition_offset"),
        ((2, 2), (3, 0), "partition_offset"),
        ((5, 1), (0, 0), "partition_shape"),
        ((2, 2), (-1, 0), "partition_offset"),
        ((2, -2), (0, 0), "partition_shape"),
        ((2, 2.0), (0, 0), "partition_shape"),
    ],
)
def test_partitions_must_lie_inside(partition, offset, name):
    """Protects against a partition that exceeds the tensor."""
    call = {"partition_shape": partition, "partition_offset": offset}
    message_of(name, lambda: pyinit.HeNormal(1)((4, 4), **call))


@pytest.mark.parametrize(("name", "value"), [("device", "gpu"), ("device", 0), ("layout", "x")])
def test_devices_and_layouts(name, value):
    """Protects against a device or a layout that is ignored."""
    message_of(name, lambda: pyinit.HeNormal(1)((4, 4), **{name: value}))


def test_failed_calls_take_no_draw():
    """Protects the sequence of draws of a seed generator."""
    generator = pyinit.SeedGenerator(1)
    initializer = pyinit.RandomNormal(0, 1e6, seed=generator)
    for shape, dtype in (((2, -1), None), ((2,), "int32"), ((2,), "float16")):
        with pytest.raises(ValueError, match="Argument"):
            initializer(shape, dtype)
    assert generator.state == (1, 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda big: pyinit.HeNormal(seed=big),
        lambda big: pyinit.Zeros()(big, dtype=big),
        lambda big: pyinit.Zeros()([*big, "x"]),
        lambda big: pyinit.Zeros()((2,), dtype="x" * 10**5),
        lambda big: pyinit.get("x" * 10**5),
        lambda big: pyinit.get({"class_name": "x" * 10**5, "config": {}}),
        lambda big: pyinit.HeNormal.from_config({"sed": big}),
        lambda big: pyinit.Constant([*big, None]),
        lambda big: pyinit.Zeros()((2,), out=big),
        lambda big: pyinit.create_manifest([big]),
        lambda big: pyinit.create_manifest([{"name": "x", "x" * 10**5: 1}]),
        lambda big: pyinit.verify(pyinit.create_manifest([]), big),
    ],
)
def test_messages_are_short(call):
    """Protects the screen: a long value is cut, and its length is shown."""
    with pytest.raises((ValueError, TypeError)) as raised:
        call([0] * 10**5)
    assert re.search(r"\(\d+ characters\)|\(a \w+ of length \d+\)$", str(raised.value))
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize(
    ("call", "nearest"),
    [
        (lambda: pyinit.get("he_normall"), "he_normal"),
        (lambda: pyinit.get("HENormal"), "HeNormal"),
        (
            lambda: pyinit.deserialize({"class_name": "Glorot_Uniform", "config": {}}),
            "glorot_uniform",
        ),
        (lambda: pyinit.HeNormal.from_config({"sead": 1}), "seed"),
        (
            lambda: pyinit.create_manifest(
                [{"name": "a", "shape": (2,), "initializer": "lecun_uniforme"}], 1
            ),
            "lecun_uniform",
        ),
        (lambda: pyinit.create_manifest([{"nam": "a"}], 1), "name"),
        (lambda: pyinit.get("initializer_he_normal"), "he_normal"),
    ],
)
def test_messages_name_what_was_meant(call, nearest):
    """Protects the hints: the nearest name rather than all of them."""
    with pytest.raises(ValueError, match=rf"\(did you mean '{nearest}'\?\)") as raised:
        call()
    assert len(str(raised.value)) < 300


def test_dtypes_have_tensorflows_names():
    """Protects the names half, float and double, which older configurations contain."""
    for name, dtype in [("half", "float16"), ("float", "float32"), ("double", "float64")]:
        assert pyinit.HeNormal(1)((2,), name).dtype == dtype
        assert pyinit.HeNormal(1).lazy((2,), name).dtype == dtype


@pytest.mark.parametrize(
    ("class_name", "config"),
    [
        ("Zeros", {}),
        ("Constant", {"value": 0.5}),
        ("RandomNormal", {"mean": 0.0, "stddev": 0.05, "seed": None}),
        ("Orthogonal", {"gain": 1.0, "seed": 3}),
        (
            "VarianceScaling",
            {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": 1},
        ),
        ("glorot_uniform", {"seed": None}),
    ],
)
def test_configurations_of_tensorflow_1_and_2_are_read(class_name, config):
    """Protects saved models: TensorFlow 1.13 to 2.0 wrote a dtype, which layers override."""
    written = {"class_name": class_name, "config": {**config, "dtype": "float64"}}
    initializer = pyinit.get(written)
    assert initializer.get_config() == {**initializer.get_config(), **config}
    assert initializer((2, 2)).dtype == "float32"
    assert written["config"]["dtype"] == "float64"
