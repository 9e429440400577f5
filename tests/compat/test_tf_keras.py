"""pyinit.compat.tf_keras: Keras 2's semantics, and a comparison with the real tf_keras."""

import copy
import inspect
import json
import pickle

import numpy as np
import pytest

import pyinit
from pyinit.compat import tf_keras
from pyinit.compat.tf_keras.registry import NAMES
from tests.support import beside_tensorflow as beside
from tests.support import same_bits

CLASSES = {
    name: getattr(tf_keras, name)
    for name in tf_keras.initializers.__all__
    if name[0].isupper() and name != "Initializer"
}
DRAWING = {
    name: cls for name, cls in CLASSES.items() if "seed" in inspect.signature(cls).parameters
}
WITH_PARTITIONS = [name for name in CLASSES if name not in ("Identity", "Orthogonal")]


@pytest.fixture(params=list(DRAWING))
def drawing(request):
    """Each random class in turn."""
    return DRAWING[request.param]


def test_all_classes_are_there():
    """Protects the 13 classes on Keras 2's page and the two others of tf_keras."""
    assert len(CLASSES) == 15
    assert len(DRAWING) == 11
    for name in tf_keras.__all__:
        if name != "initializers":
            assert getattr(tf_keras, name) is getattr(tf_keras.initializers, name)


@pytest.mark.filterwarnings("ignore:The initializer .* is unseeded")
def test_calls_repeat(drawing):
    """Protects tf_keras' behaviour: calls repeat their values, seeded or not."""
    for seed in (5, None):
        initializer = drawing(seed=seed)
        assert same_bits(initializer((4, 6)), initializer((4, 6)))
    assert same_bits(drawing(seed=5)((4, 6)), drawing(seed=5)((4, 6)))
    assert not same_bits(drawing()((4, 6)), drawing()((4, 6)))


def test_a_seed_generator_gives_new_values(drawing):
    """Protects the documented behaviour: new values at every call, one sequence for a seed."""
    sequences = [
        [initializer((4, 6)).tobytes() for _ in range(3)]
        for initializer in (drawing(seed=pyinit.SeedGenerator(5)) for _ in range(2))
    ]
    assert sequences[0] == sequences[1]
    assert len(set(sequences[0])) == 3


def test_an_unseeded_initializer_warns_when_used_twice(drawing):
    """Protects against weights that are unknowingly the same; a seed or one use is no mistake."""
    initializer = drawing()
    initializer((4, 6))
    with pytest.warns(UserWarning, match=f"The initializer {drawing.__name__} is unseeded"):
        initializer((4, 6))


@pytest.mark.parametrize("name", list(CLASSES))
def test_values_are_those_of_pyinit(name):
    """Protects the weights: those of pyinit's own class of the same name."""
    arguments = {"seed": 5} if name in DRAWING else {}
    ours, current = CLASSES[name](**arguments), getattr(pyinit, name)(**arguments)
    assert isinstance(ours, pyinit.Initializer)
    for dtype in (None, "float64"):
        assert same_bits(ours((4, 6), dtype), current((4, 6), dtype))


@pytest.mark.parametrize("name", WITH_PARTITIONS)
def test_partitions_are_slices_of_the_tensor(name):
    """Protects partition_shape and partition_offset, which defaults to the origin."""
    initializer = CLASSES[name](**({"seed": 5} if name in DRAWING else {}))
    full = initializer((8, 6))
    part = initializer((8, 6), partition_shape=(3, 4), partition_offset=(2, 1))
    assert same_bits(part, full[2:5, 1:5])
    assert same_bits(initializer((8, 6), partition_shape=[3, 4]), full[:3, :4])
    assert same_bits(initializer((8, 6), layout=None), full)


@pytest.mark.parametrize("name", ["Identity", "Orthogonal"])
def test_some_have_no_partitions(name):
    """Protects the two initializers that have no partitions in Keras 2."""
    for keyword in ("partition_shape", "partition_offset"):
        with pytest.raises(ValueError, match=f"Argument `{keyword}` must be left out"):
            CLASSES[name]()((4, 4), **{keyword: (2, 2)})


@pytest.mark.parametrize(
    ("initializer", "dtype"),
    [
        *(
            (cls(**({"seed": 5} if name in DRAWING else {})), "float16")
            for name, cls in CLASSES.items()
        ),
        (tf_keras.Constant(list(range(24))), "int32"),
        (tf_keras.RandomUniform(-9, 9, seed=5), "int64"),
    ],
    ids=repr,
)
def test_lazy_tensors_hold_the_values_of_the_call(initializer, dtype):
    """Protects lazy tensors: slices, float64 storage, pickles."""
    full, weights = initializer((4, 6), dtype), initializer.lazy((4, 6), dtype)
    assert same_bits(weights[...], full)
    assert same_bits(weights[::-1, 1:4:2], full[::-1, 1:4:2])
    assert pickle.loads(pickle.dumps(weights)) == weights
    if dtype == "float16":
        storage = np.empty((3, 2))
        weights.read_into(storage, (1, 2))
        assert same_bits(storage, full[1:, 2:4].astype(np.float64))


def test_dtypes():
    """Protects the default dtype, and integers from a uniform initializer."""
    pyinit.set_floatx("float64")
    assert tf_keras.HeNormal()((2, 2)).dtype == np.float64
    values = tf_keras.RandomUniform(-3, 4, seed=5)((1000,), "int32")
    assert sorted(set(values.tolist())) == list(range(-3, 4))
    assert tf_keras.RandomUniform(0, None).get_config()["maxval"] is None


def test_constant_values():
    """Protects lists and arrays with one value for each element."""
    assert tf_keras.Constant([1, 2, 3, 4])((2, 2)).tolist() == [[1, 2], [3, 4]]
    assert tf_keras.Constant(np.array([[5.0]]))((2, 2)).tolist() == [[5, 5], [5, 5]]
    for shape in [(3,), (5,)]:
        with pytest.raises(ValueError, match="Argument `value` must"):
            tf_keras.Constant([1, 2, 3, 4])(shape)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("scale", lambda: tf_keras.VarianceScaling(0)),
        ("mode", lambda: tf_keras.VarianceScaling(mode="in")),
        ("distribution", lambda: tf_keras.VarianceScaling(distribution="t")),
        ("seed", lambda: tf_keras.HeNormal("1")),
        ("gain", lambda: tf_keras.Orthogonal(None)),
        ("gain", lambda: tf_keras.Identity("1")),
        ("stddev", lambda: tf_keras.RandomNormal(stddev="1")),
        ("mean", lambda: tf_keras.TruncatedNormal(mean=None)),
        ("minval", lambda: tf_keras.RandomUniform()((2,), "int32")),
        ("value", lambda: tf_keras.Constant({1: 2})),
        ("dtype", lambda: tf_keras.HeNormal()((2, 2), "int32")),
        ("shape", lambda: tf_keras.Zeros()((2, -1))),
        ("layout", lambda: tf_keras.Zeros()((2,), layout="x")),
        ("partition_shape", lambda: tf_keras.Zeros()((2,), partition_shape=(3,))),
        ("config", lambda: tf_keras.HeNormal.from_config({"gain": 1})),
        ("config", lambda: tf_keras.deserialize({"config": {}})),
        ("config", lambda: tf_keras.get("he")),
        ("identifier", lambda: tf_keras.get(3)),
        ("initializer", lambda: tf_keras.serialize(pyinit.HeNormal())),
    ],
)
def test_bad_arguments_are_rejected(name, call):
    """Protects the messages, and except clauses for either exception."""
    for error in (ValueError, TypeError):
        with pytest.raises(error, match=f"Argument `{name}` must .*Received: "):
            call()


def test_other_exceptions():
    """Protects the errors for unknown keywords and for arguments without a needed attribute."""
    with pytest.raises(TypeError, match="Keyword arguments must be one of"):
        tf_keras.HeNormal()((2, 2), partition_info=None)
    with pytest.raises(AttributeError, match="Argument `config` must"):
        tf_keras.HeNormal.from_config("x")
    with pytest.raises(AttributeError, match="Argument `distribution` must"):
        tf_keras.VarianceScaling(distribution=3)


@pytest.mark.parametrize("name", list(CLASSES))
def test_copies_and_configs(name):
    """Protects copies, pickles, configs and serialized dictionaries."""
    initializer = CLASSES[name](**({"seed": 5} if name in DRAWING else {}))
    written = json.loads(json.dumps(tf_keras.serialize(initializer)))
    legacy = tf_keras.serialize(initializer, use_legacy_format=True)
    assert set(written) - set(legacy) == {"module", "registered_name"}
    for one in (
        copy.deepcopy(initializer),
        pickle.loads(pickle.dumps(initializer)),
        initializer.clone(),
        tf_keras.deserialize(written),
        tf_keras.get(legacy),
    ):
        assert type(one) is CLASSES[name]
        assert repr(one) == repr(initializer)
        assert same_bits(one((4, 6)), initializer((4, 6)))


def test_get_accepts_identifiers_of_layers():
    """Protects names, classes, callables, None, and the user's own classes."""

    class Halves(tf_keras.Constant):
        pass

    assert type(tf_keras.get("he_normal")) is tf_keras.HeNormal
    assert type(tf_keras.get(tf_keras.HeNormal)) is tf_keras.HeNormal
    assert tf_keras.get(len) is len
    assert tf_keras.get(None) is None
    assert tf_keras.serialize(None) is None
    own = tf_keras.deserialize(
        {"class_name": "Halves", "config": {"value": 0.5}}, {"Halves": Halves}
    )
    assert type(own) is Halves


def test_the_dtype_of_a_config_is_dropped():
    """Protects configs of compat.v1, and the caller's dictionary, which is not changed."""
    config = {"scale": 2.0, "mode": "fan_in", "distribution": "normal", "seed": 3}
    written = {**config, "dtype": "float64"}
    initializer = tf_keras.VarianceScaling.from_config(written)
    assert initializer.get_config() == {**config, "distribution": "truncated_normal"}
    assert written["dtype"] == "float64"


@pytest.fixture(scope="module")
def theirs():
    """tf_keras' initializers, and TensorFlow."""
    them = beside.import_them()
    them.initializers = them.tf_keras.initializers
    return them


@pytest.mark.tensorflow
def test_no_initializer_is_missing(theirs):
    """Protects completeness: all names in their module, and all aliases in their registry."""
    exported = beside.initializers_of(theirs.initializers)
    assert len(exported) == 31
    assert [name for name in dir(theirs.initializers) if name[0] != "_"] == sorted(
        tf_keras.initializers.__all__
    )
    for name, cls in exported.items():
        assert getattr(tf_keras, name).__name__ == cls.__name__
    from tf_keras.src.initializers import LOCAL

    known = {name: cls.__name__ for name, cls in LOCAL.ALL_OBJECTS.items()}
    known = {name: cls for name, cls in known.items() if cls != "Initializer"}
    assert {name: cls.__name__ for name, cls in NAMES.items()} == known


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", tf_keras.initializers.__all__)
def test_signatures_are_theirs(name, theirs):
    """Protects names, order and defaults of arguments, in constructors and calls."""
    ours, them = getattr(tf_keras, name), getattr(theirs.initializers, name)
    assert beside.signature(ours) == beside.signature(them)
    if isinstance(ours, type):
        assert beside.signature(ours.__call__) == beside.signature(them.__call__)
        assert beside.signature(ours.from_config) == beside.signature(them.from_config)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", list(CLASSES))
def test_configs_are_exchanged(name, theirs):
    """Protects configs and serialized dictionaries, in both directions."""
    cls, their_cls = CLASSES[name], getattr(theirs.initializers, name)
    known = inspect.signature(cls).parameters
    for arguments in (
        {},
        {name: value for name, value in beside.OTHER_ARGUMENTS.items() if name in known},
    ):
        ours, them = cls(**arguments), their_cls(**arguments)
        assert ours.get_config() == them.get_config()
        assert their_cls.from_config(ours.get_config()).get_config() == them.get_config()
        assert cls.from_config(them.get_config()).get_config() == ours.get_config()
        for legacy in (False, True):
            written = tf_keras.serialize(ours, legacy)
            assert written == theirs.initializers.serialize(them, legacy)
            read = theirs.initializers.deserialize(written, use_legacy_format=legacy)
            assert type(read) is their_cls
            assert type(tf_keras.deserialize(written)) is cls


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", list(CLASSES))
def test_configs_of_compat_v1_are_read(name, theirs):
    """Protects configs written by TensorFlow's compat.v1 classes, which tf_keras reads too."""
    module = theirs.v1.keras.initializers
    snake = next(alias for alias, cls in NAMES.items() if cls is CLASSES[name] and alias.islower())
    make = getattr(module, name, None) or getattr(module, snake)
    config = make().get_config()
    read = getattr(theirs.initializers, name).from_config(dict(config))
    assert CLASSES[name].from_config(config).get_config() == read.get_config()


BAD = {
    **beside.BAD_ARGUMENTS,
    "value": [*beside.BAD_ARGUMENTS["value"], [1, 2], [1.0] * 20],
    "seed": [*beside.BAD_ARGUMENTS["seed"], True, 2**64],
}
#: tf_keras rejects all of these; ours accepts bool for a whole number.
BAD_DTYPES = ["int32", "bool", "float128", "foo", 2.5, "complex64", "string"]
BAD_KEYWORDS = [
    {"unknown": 1},
    {"partition_info": None},
    {"partition_shape": (2, 2)},
    {"partition_offset": (2, 2)},
    {"partition_shape": (2, 2), "partition_offset": (2, 0)},
]


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", list(CLASSES))
def test_bad_arguments_raise_the_same_exceptions(name, theirs):
    """Protects except clauses: where tf_keras raises, ours raises the same exception."""
    cls, their_cls = CLASSES[name], getattr(theirs.initializers, name)
    for argument in [*inspect.signature(cls).parameters, "unknown"]:
        for value in BAD[argument]:
            beside.assert_same_error(
                lambda a=argument, v=value: cls(**{a: v}),
                lambda a=argument, v=value: their_cls(**{a: v}),
                (4, 4),
            )
    for shape in beside.BAD_SHAPES:
        beside.assert_same_error(cls, their_cls, shape)
    for dtype in BAD_DTYPES:
        if (name, dtype) != ("Constant", "bool"):
            beside.assert_same_error(cls, their_cls, (4, 4), dtype=dtype)
    for keywords in BAD_KEYWORDS:
        beside.assert_same_error(cls, their_cls, (4, 4), **keywords)
    for config in ({"unknown": 1}, "x", None):
        beside.assert_same_error(
            lambda c=config: cls.from_config(c), lambda c=config: their_cls.from_config(c), (4, 4)
        )


@pytest.mark.tensorflow
@pytest.mark.filterwarnings("ignore:The initializer .* is unseeded")
@pytest.mark.parametrize("name", list(DRAWING))
def test_calls_repeat_as_theirs_do(name, theirs):
    """Protects the pattern of repeated values, in eager mode."""

    def run(cls):
        initializers = cls(seed=5), cls(seed=5), cls(seed=6), cls(), cls()
        seen = {}
        return [
            seen.setdefault(np.asarray(one((4, 6))).tobytes(), len(seen))
            for one in initializers
            for _ in range(2)
        ]

    ours = run(DRAWING[name])
    assert ours == run(getattr(theirs.initializers, name)) == [0, 0, 0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.tensorflow
@pytest.mark.parametrize("shape", beside.SHAPES)
@pytest.mark.parametrize("name", [name for name in DRAWING if name != "Orthogonal"])
def test_distributions_are_theirs(name, shape, theirs):
    """Protects distribution and scale, by samples of both, for all kinds of fans."""
    cls, their_cls = DRAWING[name], getattr(theirs.initializers, name)
    seeds = iter(range(10**6))
    ours = beside.sample(cls(seed=pyinit.SeedGenerator(18)), shape)
    them = beside.sample(lambda shape: their_cls(seed=next(seeds))(shape), shape)
    assert beside.same_distribution(ours, them)
    # the largest of 4000 uniform values misses the limit by 0.5 % or more with probability 2e-9
    if "Uniform" in name and ours.size >= 4000:
        assert np.abs(ours).max() == pytest.approx(np.abs(them).max(), rel=0.005)


@pytest.mark.tensorflow
@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("distribution", ["normal", "untruncated_normal", "uniform"])
@pytest.mark.parametrize("shape", beside.SHAPES[:6])
def test_variance_scaling_is_theirs(mode, distribution, shape, theirs):
    """Protects every mode with every distribution."""
    arguments = {"scale": 2.5, "mode": mode, "distribution": distribution}
    ours = tf_keras.VarianceScaling(**arguments, seed=20)(shape)
    them = np.asarray(theirs.initializers.VarianceScaling(**arguments, seed=21)(shape))
    assert beside.same_distribution(ours, them)


@pytest.mark.tensorflow
def test_orthogonal_is_theirs(theirs):
    """Protects the distribution of orthogonal matrices, by an entry and the trace."""
    ours, them = (
        np.array([np.asarray(cls(seed=seed)((3, 3))) for seed in range(first, first + 1000)])
        for cls, first in ((tf_keras.Orthogonal, 0), (theirs.initializers.Orthogonal, 5000))
    )
    assert beside.same_distribution(ours[:, 0, 0], them[:, 0, 0])
    trace = [np.trace(matrices, axis1=1, axis2=2) for matrices in (ours, them)]
    assert beside.same_distribution(*trace)


@pytest.mark.tensorflow
def test_constant_values_are_theirs(theirs):
    """Protects zeros, ones, identity and constants."""
    for name, arguments, dtype in [
        ("Zeros", {}, None),
        ("Ones", {}, "int32"),
        ("Ones", {}, "bool"),
        ("Identity", {"gain": 2.5}, "float64"),
        ("Constant", {"value": 2.5}, None),
        ("Constant", {"value": list(range(12))}, "bfloat16"),
        ("Constant", {"value": [7]}, "int8"),
    ]:
        them = np.asarray(getattr(theirs.initializers, name)(**arguments)((3, 4), dtype=dtype))
        assert same_bits(CLASSES[name](**arguments)((3, 4), dtype=dtype), them)


@pytest.mark.tensorflow
def test_a_layer_accepts_ours(theirs):
    """Protects the use in Keras 2: a layer's weights, and the partitions of a variable."""
    tf = theirs.tf
    layer = theirs.tf_keras.layers.Dense(
        3, kernel_initializer=tf_keras.HeNormal(seed=5), bias_initializer=tf_keras.Constant(2)
    )
    layer.build((None, 4))
    assert same_bits(layer.kernel.numpy(), pyinit.HeNormal(seed=5)((4, 3)))
    assert layer.bias.numpy().tolist() == [2, 2, 2]
    initializer = tf_keras.RandomNormal(seed=5)
    parts = [
        initializer(
            tf.TensorShape([8, 6]),
            tf.bfloat16,
            partition_shape=tf.TensorShape([4, 6]),
            partition_offset=(first, 0),
        )
        for first in (0, 4)
    ]
    assert same_bits(np.concatenate(parts), initializer((8, 6), "bfloat16"))
