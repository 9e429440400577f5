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


def test_integers_in_compiled_code():
    """Protects an integer seed in a function that is compiled: its values are no constants."""
    initialize = pyinit.jax.initializer(pyinit.HeNormal())
    compiled = jax.jit(lambda: initialize(42, (300, 200))).lower().compile()
    assert same_bits(np.asarray(compiled()), pyinit.HeNormal(42)((300, 200)))
    assert compiled.memory_analysis().generated_code_size_in_bytes < 100_000
    assert len(compiled.as_text()) < 100_000


def test_memory_is_not_copied(monkeypatch):
    """Protects large weights from a copy."""
    from pyinit.bridges.jax import sharding as bridge

    addresses = []
    aligned = bridge.aligned

    def noting(shape, dtype):
        array = aligned(shape, dtype)
        addresses.append(array.ctypes.data)
        return array

    monkeypatch.setattr(bridge, "aligned", noting)
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
    traced = jax.jit(lambda key: initialize(key, SHAPE, out_sharding=sharding))(KEY)
    assert same_bits(np.asarray(traced), pyinit.HeNormal(42)(SHAPE))


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
    with pytest.raises(ValueError, match="Argument `initializer`"):
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


KEY_FIRST = {
    "all positional": lambda init: init(KEY, SHAPE, jnp.float32),
    "without a dtype": lambda init: init(KEY, SHAPE),
    "a raw key": lambda init: init(jax.random.PRNGKey(42), SHAPE),
    "a raw key and a list": lambda init: init(jax.random.PRNGKey(42), [5, 4], jnp.float32),
    "an integer": lambda init: init(42, SHAPE, "float32"),
    "traced": lambda init: jax.jit(lambda key: init(key, SHAPE, jnp.float32))(KEY),
    "shapes only": lambda init: jax.eval_shape(lambda key: init(key, SHAPE, jnp.float32), KEY),
}


@pytest.mark.parametrize("call", KEY_FIRST)
@pytest.mark.parametrize("initializer", [pyinit.HeNormal(1), pyinit.Zeros()])
def test_initializers_that_are_not_converted_say_so(initializer, call):
    """Protects users who pass one of pyinit's initializers where JAX's form is called."""
    name = type(initializer).__name__
    with pytest.raises(TypeError, match=rf"pyinit\.jax\.initializer\(pyinit\.{name}\(\)\)"):
        KEY_FIRST[call](initializer)
    assert KEY_FIRST[call](pyinit.jax.initializer(initializer)).shape == SHAPE


@pytest.mark.backends
def test_flax_names_the_conversion():
    """Protects users of linen and nnx: the error of `kernel_init` says what to write."""
    linen, nnx = pytest.importorskip("flax.linen"), pytest.importorskip("flax.nnx")
    inputs = jnp.zeros((1, 8))
    given = pyinit.HeNormal()
    dense = linen.Dense(3, kernel_init=given)
    conv = linen.Conv(3, (2, 2), kernel_init=given)
    for call in (
        lambda: dense.init(KEY, inputs),
        lambda: jax.jit(dense.init)(KEY, inputs),
        lambda: linen.Dense(3, bias_init=pyinit.Zeros()).init(KEY, inputs),
        lambda: linen.Embed(3, 4, embedding_init=given).init(KEY, jnp.zeros(2, int)),
        lambda: conv.init(KEY, jnp.zeros((1, 4, 4, 2))),
        lambda: nnx.Linear(4, 3, kernel_init=given, rngs=nnx.Rngs(0)),
        lambda: nnx.Conv(2, 3, (2, 2), kernel_init=given, rngs=nnx.Rngs(0)),
        lambda: nnx.Embed(3, 4, embedding_init=given, rngs=nnx.Rngs(0)),
    ):
        with pytest.raises(TypeError, match=r"kernel_init=pyinit\.jax\.initializer\("):
            call()


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg", "fan_geo_avg"])
@pytest.mark.parametrize(
    ("shape", "ours", "theirs"),
    [
        ((16, 40, 90), {"batch_axes": 0}, {"batch_axis": 0}),
        ((4, 5, 40, 90), {"batch_axes": (0, 1)}, {"batch_axis": (0, 1)}),
        ((40, 90, 16), {"batch_axes": -1}, {"in_axis": 0, "out_axis": 1, "batch_axis": 2}),
        (
            (16, 20, 30, 10),
            {"batch_axes": 0, "input_axes": [1], "output_axes": [2, 3]},
            {"in_axis": 1, "out_axis": (2, 3), "batch_axis": 0},
        ),
    ],
)
def test_stacks_have_the_scale_of_jax(mode, shape, ours, theirs):
    """Protects the meaning of `batch_axes` and of the modes: JAX's initializers agree."""
    initializer = pyinit.VarianceScaling(2.0, mode, "uniform", 1, **ours)
    expected = jax.nn.initializers.variance_scaling(2.0, mode, "uniform", **theirs)
    limits = [
        float(jnp.abs(values).max())
        for values in (pyinit.jax.initializer(initializer)(KEY, shape), expected(KEY, shape))
    ]
    # the largest of 50,000 uniform values
    assert abs(limits[0] / limits[1] - 1) < 1e-3


@pytest.mark.backends
def test_stacks_in_flax():
    """Protects experts and stacked layers in Flax, traced and sharded."""
    linen = pytest.importorskip("flax.linen")

    class Experts(linen.Module):
        @linen.compact
        def __call__(self, inputs):
            q_init = pyinit.jax.initializer(pyinit.Orthogonal(batch_axes=0))
            he_init = pyinit.jax.initializer(pyinit.HeNormal(batch_axes=0))
            up = self.param("up", he_init, (4, inputs.shape[-1], 64))
            down = self.param("down", q_init, (4, 64, inputs.shape[-1]))
            return jnp.einsum("bi,eih,eho->beo", inputs, up, down)

    inputs = jnp.zeros((1, 32))
    weights = Experts().init(KEY, inputs)["params"]
    traced = jax.jit(Experts().init)(KEY, inputs)["params"]
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), weights, traced))
    assert abs(float(weights["up"].std()) / (2 / 32) ** 0.5 - 1) < 0.05
    for member in np.asarray(weights["down"]):
        np.testing.assert_allclose(member.T @ member, np.eye(32), atol=1e-5)
    mesh = jax.make_mesh((1,), ("experts",))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("experts"))
    stack = pyinit.Orthogonal(batch_axes=0)
    sharded = pyinit.jax.initializer(stack)(KEY, (4, 6, 5), out_sharding=sharding)
    assert same_bits(np.asarray(sharded), stack.with_seed(42)((4, 6, 5)))
