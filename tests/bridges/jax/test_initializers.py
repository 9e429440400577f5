"""Initializers as JAX and Flax call them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pyinit
import pyinit.jax
from tests.support import same_bits

KEY = jax.random.key(42)
SHAPE = (5, 4)


@pytest.fixture
def float64_is_on():
    with jax.enable_x64(True):
        yield


def test_a_key_is_the_seed(random_class):
    """Protects the conversion of keys to seeds, which replace the initializer's own."""
    initialize = pyinit.jax.initializer(random_class(7))
    expected = random_class(42)(SHAPE)
    for key in (KEY, jax.random.PRNGKey(42), np.array([0, 42], np.uint32), 42, np.int64(42)):
        values = initialize(key, SHAPE)
        assert isinstance(values, jax.Array)
        assert same_bits(np.asarray(values), expected)
    key = jax.random.split(KEY)[0]
    high, low = (int(word) for word in jax.random.key_data(key))
    assert high
    expected = random_class(high * 2**32 + low)(SHAPE)
    assert same_bits(np.asarray(initialize(key, SHAPE)), expected)


def test_keys_of_another_kind():
    """Protects keys of four words: the first two are the seed."""
    initialize = pyinit.jax.initializer("he_normal")
    one, other = jax.random.split(jax.random.key(42, impl="rbg"))
    assert not (initialize(one, SHAPE) == initialize(other, SHAPE)).any()
    values = initialize(jax.random.key(42, impl="rbg"), SHAPE)
    assert same_bits(np.asarray(values), pyinit.HeNormal(42)(SHAPE))


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32, "float32"])
def test_dtypes(dtype):
    """Protects JAX's dtypes."""
    values = pyinit.jax.initializer(pyinit.HeNormal())(KEY, SHAPE, dtype)
    assert same_bits(np.asarray(values), pyinit.HeNormal(42)(SHAPE, dtype))


def test_float64_becomes_float32_by_default():
    """Protects JAX's rule that float64 becomes float32 unless it is enabled."""
    initialize = pyinit.jax.initializer(pyinit.HeNormal())
    assert initialize(KEY, SHAPE, "float64").dtype == jnp.float32


@pytest.mark.usefixtures("float64_is_on")
def test_float64():
    """Protects float64, traced or not."""
    initialize = pyinit.jax.initializer(pyinit.HeNormal())
    expected = pyinit.HeNormal(42)(SHAPE, "float64")
    assert same_bits(np.asarray(initialize(KEY, SHAPE, jnp.float64)), expected)
    compiled = jax.jit(lambda key: initialize(key, SHAPE, jnp.float64))
    assert same_bits(np.asarray(compiled(KEY)), expected)


@pytest.mark.parametrize("key", [KEY, jax.random.PRNGKey(42)], ids=["typed", "raw"])
def test_traced_keys(key):
    """Protects jit, vmap and eval_shape, in which Flax initializes models."""
    initialize = pyinit.jax.initializer(pyinit.HeNormal())

    def draw(key):
        return initialize(key, SHAPE)

    expected = np.asarray(draw(key))
    assert same_bits(np.asarray(jax.jit(draw)(key)), expected)
    shape = jax.eval_shape(draw, key)
    assert (shape.shape, shape.dtype) == (SHAPE, jnp.float32)
    keys = jax.random.split(key, 3)
    for one, values in zip(keys, jax.vmap(draw)(keys), strict=True):
        assert same_bits(np.asarray(values), np.asarray(draw(one)))


def test_integers_are_constants_of_compiled_code():
    """Protects an integer seed in a function that is compiled."""
    initialize = pyinit.jax.initializer(pyinit.HeNormal())
    values = jax.jit(lambda: initialize(42, SHAPE))()
    assert same_bits(np.asarray(values), pyinit.HeNormal(42)(SHAPE))


def test_memory_is_not_copied(monkeypatch):
    """Protects large weights from a copy."""
    from pyinit.bridges.jax import initializers as bridge

    addresses = []
    aligned = bridge._aligned

    def noting(shape, dtype):
        array = aligned(shape, dtype)
        addresses.append(array.ctypes.data)
        return array

    monkeypatch.setattr(bridge, "_aligned", noting)
    values = pyinit.jax.initializer(pyinit.HeNormal())(KEY, (300, 200), jnp.bfloat16)
    assert values.unsafe_buffer_pointer() == addresses[0]


def test_constant_initializers():
    """Protects initializers that take no seed, and integer dtypes."""
    values = pyinit.jax.initializer("ones")(KEY, (2,), jnp.int8)
    assert values.dtype == jnp.int8
    assert (values == 1).all()


def test_layouts():
    """Protects tensors that are sharded over devices."""
    mesh = jax.make_mesh((1,), ("model",))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("model"))
    initialize = pyinit.jax.initializer(pyinit.HeNormal())
    values = initialize(KEY, SHAPE, out_sharding=sharding)
    assert values.sharding == sharding
    assert same_bits(np.asarray(values), pyinit.HeNormal(42)(SHAPE))
    with pytest.raises(ValueError, match="Argument `out_sharding` must be None where"):
        jax.jit(lambda key: initialize(key, SHAPE, out_sharding=sharding))(KEY)


@pytest.mark.parametrize(
    ("argument", "arguments"),
    [
        ("key", (1.5, SHAPE)),
        ("key", (None, SHAPE)),
        ("key", (jax.random.split(KEY), SHAPE)),
        ("key", (jax.random.split(jax.random.PRNGKey(1)), SHAPE)),
        ("key", (np.zeros(2), SHAPE)),
        ("key", (2**64, SHAPE)),
        ("shape", (KEY, (-1,))),
        ("dtype", (KEY, SHAPE, jnp.int32)),
    ],
)
def test_bad_arguments_are_refused(argument, arguments):
    """Protects the errors."""
    with pytest.raises(ValueError, match=f"Argument `{argument}` must be"):
        pyinit.jax.initializer(pyinit.HeNormal())(*arguments)


def test_traced_integers_are_refused():
    """Protects the errors of keys that are traced."""
    with pytest.raises(ValueError, match="Argument `key` must be"):
        jax.jit(lambda key: pyinit.jax.initializer("zeros")(key, SHAPE))(3)


def test_invalid_shapes_are_refused_while_tracing():
    """Protects the time of the error: when traced, not when run."""
    with pytest.raises(ValueError, match="rank 2 or more"):
        jax.eval_shape(lambda key: pyinit.jax.initializer("orthogonal")(key, (3,)), KEY)


def test_other_objects_are_refused():
    """Protects the errors of the factory."""
    for other in (None, lambda shape, dtype=None: np.zeros(shape)):
        with pytest.raises(TypeError, match="Argument `initializer` must be"):
            pyinit.jax.initializer(other)
    with pytest.raises(ValueError, match="Argument `identifier`"):
        pyinit.jax.initializer("nope")


@pytest.mark.backends
def test_flax():
    """Protects use in Flax: its kernels have Keras' layout, and its keys differ by layer."""
    linen, nnx = pytest.importorskip("flax.linen"), pytest.importorskip("flax.nnx")
    initialize = pyinit.jax.initializer(pyinit.HeNormal())
    calls = []

    def noting(key, shape, dtype=jnp.float32):
        calls.append((key, shape))
        return initialize(key, shape, dtype)

    model = linen.Sequential(
        [linen.Dense(8, kernel_init=noting), linen.Dense(8, kernel_init=noting)]
    )
    inputs = jnp.zeros((1, 8))
    weights = model.init(KEY, inputs)
    first, second = (layer["kernel"] for layer in weights["params"].values())
    assert not (first == second).any()
    key, shape = calls[0]
    assert same_bits(np.asarray(first), np.asarray(initialize(key, shape)))
    compiled = jax.jit(model.init)(KEY, inputs)
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), weights, compiled))
    attention = linen.MultiHeadDotProductAttention(2, kernel_init=initialize)
    jax.jit(attention.init)(KEY, jnp.zeros((1, 3, 8)))
    layer = nnx.Linear(4, 3, kernel_init=initialize, rngs=nnx.Rngs(0))
    assert (layer.kernel.get_value() != 0).all()


def test_classes_of_compat_are_accepted():
    """Protects users who move from Keras 2 to JAX: the key takes the place of the seed."""
    from pyinit.compat import tf_keras

    ours = pyinit.jax.initializer(tf_keras.HeNormal())
    assert same_bits(np.asarray(ours(7, (4, 3))), pyinit.HeNormal(7)((4, 3)))


def test_a_call_of_ones_own_is_refused():
    """Protects against values that a key does not determine."""

    class Doubled(pyinit.HeNormal):
        def __call__(self, shape, dtype=None, **kwargs):
            return 2 * super().__call__(shape, dtype, **kwargs)

    with pytest.raises(TypeError, match="Argument `initializer` must be an initializer of pyinit"):
        pyinit.jax.initializer(Doubled())


def test_arguments_are_those_of_jax():
    """Protects users of jax.nn.initializers: bounds and centres mean the same here."""
    key = jax.random.key(3)
    theirs = jax.nn.initializers.truncated_normal(0.5, lower=-1.0, upper=3.0)(key, (200_000,))
    bounded = pyinit.jax.initializer(pyinit.TruncatedNormal(0, 0.5, lower=-1, upper=3))
    ours = bounded(key, (200_000,))
    for statistic in (jnp.mean, jnp.std):
        assert abs(statistic(ours) - statistic(theirs)) < 0.005
    assert -0.5 <= ours.min() < -0.499
    assert 1.4 < ours.max() <= 1.5
    delta = pyinit.jax.initializer("delta_orthogonal")
    for shape in ((3, 2, 4), (2, 4, 3, 3), (5, 2, 1, 2, 2)):
        ours = delta(key, shape)
        theirs = jax.nn.initializers.delta_orthogonal()(key, shape)
        assert ((ours != 0) == (theirs != 0)).all()
