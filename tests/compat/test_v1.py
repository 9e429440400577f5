"""pyinit.compat.v1: TensorFlow 1's semantics, and a comparison with the real compat.v1."""

import copy
import inspect
import json
import pickle
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import pyinit
from pyinit.compat import tf_keras, v1
from tests.support import beside_tensorflow as beside
from tests.support import same_bits

KERAS = v1.keras.initializers

#: Our initializers, by their names below `tf.compat.v1`.
OURS = {
    **{name: getattr(v1, name) for name in v1.__all__ if name.endswith("_initializer")},
    **{f"initializers.{name}": getattr(v1.initializers, name) for name in v1.initializers.__all__},
    **{
        f"keras.initializers.{name}": getattr(KERAS, name)
        for name in KERAS.__all__
        if name not in ("Initializer", "get", "serialize", "deserialize")
    },
}
#: Each class or function under its first name only.
ONCE = {
    path: make
    for path, make in OURS.items()
    if path == next(p for p, m in OURS.items() if m is make)
}
DRAWING = {
    path: make for path, make in ONCE.items() if "seed" in inspect.signature(make).parameters
}

INFO = SimpleNamespace(full_shape=[8, 6], var_offset=[2, 0])


@pytest.fixture(autouse=True)
def _no_graph_level_seed():
    v1.set_random_seed(None)
    yield
    v1.set_random_seed(None)


@pytest.fixture(params=list(DRAWING))
def make(request):
    """Each random class in turn."""
    return DRAWING[request.param]


def test_a_seed_starts_a_sequence(make):
    """Protects seeds: new values at every call, one sequence for a seed."""
    first, again, other = make(seed=5), make(seed=5), make(seed=6)
    values = [first((4, 6)) for _ in range(3)]
    assert not same_bits(values[0], values[1])
    assert not same_bits(values[1], values[2])
    for value in values:
        assert same_bits(again((4, 6)), value)
        assert not same_bits(other((4, 6)), value)


def test_the_sequence_is_that_of_a_seed_generator():
    """Protects the stream: every call is one draw."""
    ours = v1.random_normal_initializer(seed=5)
    current = pyinit.RandomNormal(0, 1, pyinit.SeedGenerator(5))
    for _ in range(3):
        assert same_bits(ours((4, 6)), current((4, 6)))


def test_set_random_seed_makes_unseeded_ones_reproducible(make):
    """Protects set_random_seed: unseeded initializers are reproducible after it, and only then."""
    assert not same_bits(make()((4, 6)), make()((4, 6)))
    initializer = make()
    sequences = []
    for seed in (3, 3, 4):
        v1.set_random_seed(seed)
        sequences.append([i((4, 6)).tobytes() for i in (initializer, make(), initializer)])
    assert sequences[0] == sequences[1]
    assert len(set(sequences[0] + sequences[2])) == 6


def test_both_seeds_count(make):
    """Protects the combination of the graph's seed and the operation's, and the restart."""
    initializer = make(seed=5)
    free = initializer((4, 6))
    values = []
    for seed in (3, 3, 4):
        v1.set_random_seed(seed)
        values.append(initializer((4, 6)))
    assert same_bits(values[0], values[1])
    assert not same_bits(values[0], values[2])
    assert not same_bits(values[0], free)
    v1.set_random_seed(None)
    assert same_bits(initializer((4, 6)), free)


def test_set_random_seed_of_pyinit_reaches_unseeded_ones(make):
    """Protects the source of fresh seeds, which is that of all initializers."""
    values = []
    for _ in range(2):
        pyinit.set_random_seed(11)
        values.append(make()((4, 6)))
    assert same_bits(*values)


def test_migration_keeps_the_weights_of_the_first_call(make):
    """Protects migrate(): pyinit's own class, its arguments, and the weights."""
    initializer = make(seed=5)
    after = initializer.migrate()
    assert type(after) in pyinit.initializers.registry.CLASSES
    for shape in [(4, 6), (2, 3, 4)]:
        assert same_bits(make(seed=5)(shape), after(shape, dtype=initializer.dtype))
    assert same_bits(after((4, 6)), after((4, 6)))


def test_migration_follows_the_table():
    """Protects the table of TensorFlow's migration guide."""
    before = v1.variance_scaling_initializer(2.0, "fan_out", "normal", 7, "float64")
    assert before.get_config() == {
        "scale": 2.0,
        "mode": "fan_out",
        "distribution": "normal",
        "seed": 7,
        "dtype": "float64",
    }
    assert before.migrate().get_config() == {
        "scale": 2.0,
        "mode": "fan_out",
        "distribution": "truncated_normal",
        "seed": 7,
        "input_axes": None,
        "output_axes": None,
    }
    assert v1.uniform_unit_scaling_initializer(-3.0).migrate().scale == 9
    assert v1.glorot_uniform_initializer().migrate().get_config()["seed"] is None
    assert v1.random_uniform_initializer().migrate().maxval == 1
    assert type(v1.zeros_initializer().migrate()) is pyinit.Zeros
    assert type(v1.ones_initializer().migrate()) is pyinit.Ones
    assert type(v1.constant_initializer(2).migrate()) is pyinit.Constant
    assert v1.constant_initializer([1, 2]).migrate()((2,)).tolist() == [1, 2]
    assert v1.initializers.identity(3).migrate().gain == 3


@pytest.mark.parametrize("path", list(ONCE))
def test_partitions_are_slices_of_the_variable(path):
    """Protects partition_info: partitions are slices of the tensor of an unpartitioned call."""
    arguments = {"seed": 5} if path in DRAWING else {}
    if "constant" in path:
        arguments = {"value": list(range(20))}
    whole, parts = ONCE[path](**arguments), ONCE[path](**arguments)
    for _ in range(3):
        full = whole((8, 6))
        for first, length in [(0, 3), (3, 3), (6, 2)]:
            info = SimpleNamespace(full_shape=[8, 6], var_offset=[first, 0])
            part = parts([length, 6], partition_info=info)
            assert same_bits(part, full[first : first + length])
    assert same_bits(whole((6, 6)), parts((6, 6)))


def test_partitions_of_other_variables_are_other_draws():
    """Protects the end of a draw: another shape, a whole variable, a partition repeated."""
    initializer = v1.random_normal_initializer(seed=5)

    def part(full_shape, offset):
        info = SimpleNamespace(full_shape=full_shape, var_offset=offset)
        return initializer((2,), partition_info=info).tobytes()

    values = [
        part((4,), (0,)),
        part((6,), (2,)),
        part((6,), (2,)),
        initializer((6,))[2:4].tobytes(),
        part((6,), (2,)),
    ]
    assert len(set(values)) == 5


def test_dtypes():
    """Protects the default dtype of the constructor, and that of the call."""
    for dtype in ("float16", "bfloat16", "float64", np.float64, np.dtype("float16"), "half"):
        initializer = v1.random_normal_initializer(seed=5, dtype=dtype)
        values = initializer((3,))
        assert values.dtype == initializer.dtype
        assert initializer.get_config()["dtype"] == initializer.dtype.name
        assert initializer((3,), "float32").dtype == np.float32
    assert v1.zeros_initializer("bool")((2,)).tolist() == [False, False]
    # TensorFlow ignores this argument too
    assert v1.glorot_normal_initializer(dtype="float64").dtype == np.float32


def test_uniform_integers():
    """Protects integers from a uniform initializer: their range and their distribution."""
    initializer = v1.random_uniform_initializer(-3, 4, seed=5, dtype="int64")
    values = initializer((8, 600))
    assert values.dtype == np.int64
    assert sorted(set(values.ravel())) == list(range(-3, 4))
    counts = np.unique(values, return_counts=True)[1]
    assert beside.stats.chisquare(counts).pvalue > beside.ALPHA
    limits = v1.random_uniform_initializer(-(2**31), 2**31, seed=5, dtype="int32")((1000,))
    assert limits.min() < -(2**30)
    assert limits.max() > 2**30


def test_constant_values():
    """Protects lists: C order, the last value repeated, an error for too many."""
    initializer = v1.constant_initializer([1, 2, 3])
    assert initializer((2, 2), "int32").tolist() == [[1, 2], [3, 3]]
    assert v1.constant_initializer(np.ones((2, 3)))((3, 2)).shape == (3, 2)
    assert v1.constant_initializer([[1.0, 2.0]], verify_shape=True)((1, 2)).tolist() == [[1, 2]]
    assert v1.constant_initializer([1])((0,)).size == 0
    assert json.loads(json.dumps(initializer.get_config())) == initializer.get_config()
    for bad in (lambda: initializer((2,)), lambda: initializer((3, 1), verify_shape=True)):
        with pytest.raises(ValueError, match="Argument `value` must"):
            bad()


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("scale", lambda: v1.variance_scaling_initializer(0)),
        ("mode", lambda: v1.variance_scaling_initializer(mode="in")),
        ("distribution", lambda: v1.variance_scaling_initializer(distribution="t")),
        ("seed", lambda: v1.variance_scaling_initializer(seed=0.5)),
        ("seed", lambda: v1.variance_scaling_initializer(seed=pyinit.SeedGenerator(1))),
        ("seed", lambda: v1.set_random_seed("1")),
        ("dtype", lambda: v1.random_normal_initializer(dtype=None)),
        ("dtype", lambda: v1.random_normal_initializer(dtype="int32")),
        ("dtype", lambda: v1.random_normal_initializer()((2,), "int32")),
        ("factor", lambda: v1.uniform_unit_scaling_initializer(0)),
        ("factor", lambda: v1.uniform_unit_scaling_initializer("1")),
        ("value", lambda: v1.constant_initializer("1")),
        ("value", lambda: v1.constant_initializer([1e39])((1,))),
        ("value", lambda: v1.constant_initializer([0.5])((1,), "int32")),
        ("value", lambda: v1.constant_initializer(["1"])),
        ("maxval", lambda: v1.random_uniform_initializer(0, dtype="int32")((2,))),
        ("minval", lambda: v1.random_uniform_initializer(0.0, 2, dtype="int32")((2,))),
        ("maxval", lambda: v1.random_uniform_initializer(0, 2**31 + 1, dtype="int32")((2,))),
        ("minval", lambda: v1.random_uniform_initializer(-(2**31) - 1, 0)((2,), "int32")),
        ("maxval", lambda: v1.random_uniform_initializer(0, 0, dtype="int32")((2,))),
        ("shape", lambda: v1.zeros_initializer()((2, -1))),
        ("shape", lambda: v1.initializers.identity()((2,))),
        ("partition_shape", lambda: v1.zeros_initializer()((9, 6), partition_info=INFO)),
        ("config", lambda: v1.zeros_initializer.from_config({"gain": 1})),
        ("dtype", lambda: v1.zeros_initializer.from_config({"dtype": "foo"})),
    ],
)
def test_bad_arguments_are_rejected(name, call):
    """Protects the messages, and except clauses for either exception."""
    for error in (ValueError, TypeError) if name != "seed" else (ValueError,):
        with pytest.raises(error, match=f"Argument `{name}` must .*Received: "):
            call()


def test_attribute_errors():
    """Protects the errors for arguments without a needed attribute."""
    with pytest.raises(AttributeError, match="Argument `distribution` must"):
        v1.variance_scaling_initializer(distribution=None)
    with pytest.raises(AttributeError, match="Argument `partition_info` must"):
        v1.zeros_initializer()((2,), partition_info=(2, 3))


def test_a_failed_call_takes_no_draw():
    """Protects the sequence of draws."""
    initializer = v1.random_normal_initializer(seed=5)
    with pytest.raises(ValueError, match="shape"):
        initializer((2, -1))
    assert same_bits(initializer((3,)), v1.random_normal_initializer(seed=5)((3,)))


@pytest.mark.parametrize("path", list(ONCE))
def test_copies_and_configs(path):
    """Protects copies, pickles and configs: the same arguments, the same weights."""
    initializer = ONCE[path](seed=5) if path in DRAWING else ONCE[path]()
    cls = type(initializer)
    copies = [
        copy.deepcopy(initializer),
        pickle.loads(pickle.dumps(initializer)),
        cls.from_config(json.loads(json.dumps(initializer.get_config()))),
    ]
    values = initializer((4, 6))
    for one in copies:
        assert repr(one) == repr(initializer)
        assert same_bits(one((4, 6)), values)


def test_imports_are_one_way():
    """Protects imports: `import pyinit` skips compat, and compat needs no TensorFlow."""
    program = """
import sys
import pyinit
assert not [name for name in sys.modules if name.startswith("pyinit.compat")]
import pyinit.compat
assert issubclass(pyinit.compat.ArgumentError, (TypeError, ValueError))
import pyinit.compat.v1
assert not {"tensorflow", "keras", "tf_keras"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_base_class():
    """Protects the user's own subclasses."""
    with pytest.raises(NotImplementedError, match="must override"):
        KERAS.Initializer().migrate()
    assert KERAS.Initializer().get_config() == {}
    assert isinstance(KERAS.get("he_normal"), tf_keras.HeNormal)

    class Narrow(v1.random_normal_initializer):
        def __init__(self, width):
            super().__init__(stddev=width / 4, seed=5)

    narrow = Narrow(2)
    assert same_bits(narrow((3,)), v1.random_normal_initializer(stddev=0.5, seed=5)((3,)))
    assert list(narrow.get_config()) == ["mean", "stddev", "seed", "dtype"]


@pytest.fixture(scope="module")
def theirs():
    """TensorFlow, whose graph-level seed is unset afterwards."""
    them = beside.import_them()
    yield them
    them.v1.set_random_seed(None)


def at(root, path):
    """The object at a dotted path."""
    for name in path.split("."):
        root = getattr(root, name)
    return root


@pytest.mark.tensorflow
def test_no_initializer_is_missing(theirs):
    """Protects completeness: all names in their modules."""
    names = [name for name in dir(theirs.v1) if name.endswith("_initializer")]
    top = SimpleNamespace(**{name: getattr(theirs.v1, name) for name in names})
    for module, ours in [
        (top, v1),
        (theirs.v1.initializers, v1.initializers),
        (theirs.v1.keras.initializers, KERAS),
    ]:
        exported = beside.initializers_of(module)
        assert len(exported) >= 11
        assert [name for name in exported if not hasattr(ours, name)] == []
    # ours share a class where theirs do
    for path in OURS:
        for other in OURS:
            same = at(theirs.v1, path) is at(theirs.v1, other)
            assert (OURS[path] is OURS[other]) == same, (path, other)


@pytest.mark.tensorflow
@pytest.mark.parametrize("path", list(OURS))
def test_signatures_are_theirs(path, theirs):
    """Protects names, order and defaults of arguments, in constructors and calls."""
    cls, their_cls = OURS[path], at(theirs.v1, path)
    assert beside.signature(cls) == beside.signature(their_cls)
    assert beside.signature(type(cls()).__call__) == beside.signature(type(their_cls()).__call__)


#: Arguments other than the defaults, by name.
OTHER = {**beside.OTHER_ARGUMENTS, "factor": 1.5, "value": [1.0, 2.0], "dtype": "float64"}


@pytest.mark.tensorflow
@pytest.mark.parametrize("path", list(ONCE))
def test_configs_are_exchanged(path, theirs):
    """Protects configs, with default and with other arguments, in both directions."""
    make, their_make = ONCE[path], at(theirs.v1, path)
    known = inspect.signature(make).parameters
    for arguments in ({}, {name: value for name, value in OTHER.items() if name in known}):
        ours, them = make(**arguments), their_make(**arguments)
        assert ours.get_config() == them.get_config()
        assert type(them).from_config(ours.get_config()).get_config() == them.get_config()
        assert type(ours).from_config(them.get_config()).get_config() == ours.get_config()
        assert ours.dtype == them.dtype.as_numpy_dtype


BAD = {
    **beside.BAD_ARGUMENTS,
    "factor": [float("nan"), "1", None],
    "dtype": ["int32", "bool", "float128", "foo", None, 2.5, "complex64"],
}
#: TensorFlow rejects these; ours accepts bool for a whole number.
WIDER = [("constant_initializer", "dtype", "bool")]


@pytest.mark.tensorflow
@pytest.mark.parametrize("path", list(ONCE))
def test_bad_arguments_raise_the_same_exceptions(path, theirs):
    """Protects except clauses: where TensorFlow raises, ours raises the same exception."""
    make, their_make = ONCE[path], at(theirs.v1, path)
    known = {**inspect.signature(make).parameters, "unknown": None}
    for name in known:
        for value in BAD.get(name, []):
            if (path, name, value) not in WIDER:
                arguments = {name: value}
                beside.assert_same_error(
                    lambda a=arguments: make(**a), lambda a=arguments: their_make(**a), (4, 4)
                )
    for shape in beside.BAD_SHAPES:
        beside.assert_same_error(make, their_make, shape)
    for dtype in BAD["dtype"]:
        if (path, "dtype", dtype) not in WIDER:
            beside.assert_same_error(make, their_make, (4, 4), dtype=dtype)
    beside.assert_same_error(make, their_make, (4, 4), unknown=1)
    beside.assert_same_error(make, their_make, (4, 4), partition_info="x")
    if isinstance(make, type):
        for config in ({"unknown": 1}, "x", None):
            beside.assert_same_error(
                lambda c=config: make.from_config(c),
                lambda c=config: their_make.from_config(c),
                (4, 4),
            )


@pytest.mark.tensorflow
@pytest.mark.parametrize("path", list(DRAWING))
def test_calls_repeat_as_theirs_do(path, theirs):
    """Protects the pattern of repeated values, in eager mode."""

    def run(root, make):
        initializers = make(seed=5), make(seed=5), make(), make()
        seen, pattern = {}, []
        for graph_seed in (3, 3, 4):
            root.set_random_seed(graph_seed)
            for one in initializers:
                for shape in ((4, 6), (4, 6)):
                    value = np.asarray(one(shape)).tobytes()
                    pattern.append(seen.setdefault(value, len(seen)))
                # without this, TensorFlow's second instance would continue the first one's sequence
                root.set_random_seed(graph_seed)
        return pattern

    assert run(v1, DRAWING[path]) == run(theirs.v1, at(theirs.v1, path))


@pytest.mark.tensorflow
def test_in_a_graph_a_new_instance_starts_the_sequence(theirs):
    """Protects the documented meaning of a seed, in graph mode, for which it was written."""
    tf = theirs.tf
    with tf.Graph().as_default(), theirs.v1.Session() as session:
        make = theirs.v1.variance_scaling_initializer
        one, other = make(seed=5)((3,)), make(seed=5)((3,))
        for _ in range(2):
            first, second = session.run([one, other])
            assert same_bits(first, second)


@pytest.mark.tensorflow
@pytest.mark.parametrize("shape", beside.SHAPES)
@pytest.mark.parametrize("path", [path for path in DRAWING if "orthogonal" not in path])
def test_distributions_are_theirs(path, shape, theirs):
    """Protects distribution and scale, by samples of both, for all kinds of fans."""
    theirs.v1.set_random_seed(17)
    ours = beside.sample(DRAWING[path](seed=18), shape)
    them = beside.sample(at(theirs.v1, path)(), shape)
    assert beside.same_distribution(ours, them)
    # the largest of 4000 uniform values misses the limit by 0.5 % or more with probability 2e-9
    if "uniform" in path.lower() and ours.size >= 4000:
        assert np.abs(ours).max() == pytest.approx(np.abs(them).max(), rel=0.005)


@pytest.mark.tensorflow
@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("distribution", ["normal", "untruncated_normal", "uniform"])
@pytest.mark.parametrize("shape", beside.SHAPES[:6])
def test_variance_scaling_is_theirs(mode, distribution, shape, theirs):
    """Protects every mode with every distribution."""
    arguments = {"scale": 2.5, "mode": mode, "distribution": distribution}
    theirs.v1.set_random_seed(19)
    ours = v1.variance_scaling_initializer(**arguments, seed=20)(shape)
    them = np.asarray(theirs.v1.variance_scaling_initializer(**arguments)(shape))
    assert beside.same_distribution(ours, them)


@pytest.mark.tensorflow
def test_orthogonal_is_theirs(theirs):
    """Protects the distribution of orthogonal matrices, by an entry and the trace."""
    theirs.v1.set_random_seed(21)
    ours, them = (
        np.array([np.asarray(one((3, 3))) for _ in range(1500)])
        for one in (v1.orthogonal_initializer(seed=22), theirs.v1.orthogonal_initializer())
    )
    assert beside.same_distribution(ours[:, 0, 0], them[:, 0, 0])
    trace = [np.trace(matrices, axis1=1, axis2=2) for matrices in (ours, them)]
    assert beside.same_distribution(*trace)


@pytest.mark.tensorflow
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers_are_theirs(dtype, theirs):
    """Protects integers from a uniform initializer."""
    theirs.v1.set_random_seed(23)
    ours = v1.random_uniform_initializer(-3, 4, seed=24)((20000,), dtype)
    them = np.asarray(theirs.v1.random_uniform_initializer(-3, 4)((20000,), dtype))
    counts = [np.unique(values, return_counts=True) for values in (ours, them)]
    assert counts[0][0].tolist() == counts[1][0].tolist()
    table = np.array([count for _, count in counts])
    assert beside.stats.chi2_contingency(table).pvalue > beside.ALPHA


@pytest.mark.tensorflow
def test_constant_values_are_theirs(theirs):
    """Protects zeros, ones, identity and constants, with lists as in graph mode."""
    cases = [
        ("initializers.zeros", {}, (2, 3)),
        ("initializers.ones", {"dtype": "int32"}, (2, 3)),
        ("initializers.identity", {"gain": 2.5}, (3, 4)),
        ("initializers.constant", {"value": 2.5}, (2, 3)),
        ("initializers.constant", {"value": [1, 2, 3]}, (2, 3)),
        ("initializers.constant", {"value": np.arange(6.0)}, (2, 3)),
        ("initializers.constant", {"value": (7,)}, (2, 3)),
    ]
    with theirs.tf.Graph().as_default(), theirs.v1.Session() as session:
        for path, arguments, shape in cases:
            them = session.run(at(theirs.v1, path)(**arguments)(shape))
            assert same_bits(OURS[path](**arguments)(shape), them)
        for verify in (False, True):
            beside.assert_same_error(
                lambda v=verify: v1.constant_initializer([1, 2, 3], verify_shape=v),
                lambda v=verify: theirs.v1.constant_initializer([1, 2, 3], verify_shape=v),
                (2,),
            )


@pytest.mark.tensorflow
def test_dtypes_and_shapes_of_tensorflow(theirs):
    """Protects TensorFlow's shapes and dtypes as arguments, and variables from the result."""
    tf = theirs.tf
    for shape in (tf.TensorShape([2, 3]), tf.constant([2, 3]), [2, tf.constant(3)]):
        values = v1.random_normal_initializer(tf.constant(0.0), seed=5, dtype=tf.float64)(shape)
        assert (values.shape, values.dtype) == ((2, 3), np.float64)
    for unknown in (tf.TensorShape(None), tf.TensorShape([2, None])):
        with pytest.raises(ValueError, match="Argument `shape` must be"):
            v1.random_normal_initializer(seed=5)(unknown)
    for dtype in (tf.float16, tf.bfloat16, tf.float32, tf.float64):
        initializer = v1.variance_scaling_initializer(seed=5, dtype=dtype)
        variable = tf.Variable(initializer((2, 3)))
        assert variable.dtype == dtype == initializer.get_config()["dtype"]


@pytest.mark.tensorflow
def test_get_variable_accepts_ours(theirs):
    """Protects the use in TensorFlow 1, with a partitioner."""
    with theirs.tf.Graph().as_default(), theirs.v1.Session() as session:
        whole = theirs.v1.get_variable(
            "whole", (8, 6), initializer=v1.glorot_uniform_initializer(seed=5)
        )
        parts = theirs.v1.get_variable(
            "parts",
            (8, 6),
            initializer=v1.glorot_uniform_initializer(seed=5),
            partitioner=theirs.v1.fixed_size_partitioner(3),
        )
        assert len(list(parts)) == 3
        session.run(theirs.v1.global_variables_initializer())
        first, second = session.run([whole, parts.as_tensor()])
    assert same_bits(first, second)
    assert same_bits(first, pyinit.GlorotUniform(seed=5)((8, 6)))
