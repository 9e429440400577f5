"""`pyinit.jax.init()`: trees of abstract arrays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pyinit
import pyinit.jax
from pyinit.seeds import derive_seed
from tests.support import same_bits

KEY = jax.random.key(0)


def array(*shape, dtype="float32"):
    """Return an abstract array."""
    return jax.ShapeDtypeStruct(shape, dtype)


def drawn(initializer, name, shape, dtype="float32"):
    """Return the values of a weight of a tree that is drawn with the seed 42."""
    return pyinit.get(initializer).with_seed(derive_seed(42, name))(shape, dtype)


def test_dictionaries():
    """Protects trees without Flax: names, kinds, dtypes, scalars in lists."""
    tree = {
        "params": {
            "tokens": {"embedding": array(7, 4)},
            "layers": [{"kernel": array(4, 3), "bias": array(3, dtype="bfloat16")}],
            "norm": {"scale": array(3), "bias": array(3)},
        },
        "batch_stats": {"norm": {"mean": array(3), "var": array(3)}},
    }
    got = pyinit.jax.init(tree, seed=42)
    assert jax.tree.structure(got) == jax.tree.structure(tree)
    assert jax.tree.all(jax.tree.map(lambda leaf: isinstance(leaf, jax.Array), got))
    params = got["params"]
    for leaf, expected in (
        (params["tokens"]["embedding"], drawn("uniform", "tokens/embedding", (7, 4))),
        (params["layers"][0]["kernel"], drawn("glorot_uniform", "layers/0/kernel", (4, 3))),
        (params["layers"][0]["bias"], pyinit.Zeros()((3,), "bfloat16")),
        (params["norm"]["scale"], pyinit.Ones()((3,))),
        (params["norm"]["bias"], pyinit.Zeros()((3,))),
        (got["batch_stats"]["norm"]["mean"], pyinit.Zeros()((3,))),
        (got["batch_stats"]["norm"]["var"], pyinit.Ones()((3,))),
    ):
        assert same_bits(np.asarray(leaf), expected)
    # the collection is no part of a name, and a tree may be a part of another
    alone = pyinit.jax.init(tree["params"], seed=42)
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), alone, params))
    other = pyinit.jax.init({"tokens": tree["params"]["tokens"]}, seed=42)
    assert (other["tokens"]["embedding"] == params["tokens"]["embedding"]).all()


def test_initializers_by_kind():
    """Protects the four arguments and `parameters`."""
    tree = {
        "cell": {"hi": {"kernel": array(4, 4)}, "ii": {"kernel": array(3, 4)}},
        "dense": {"kernel": array(4, 4), "bias": array(4), "scale": array(4)},
        "embed": {"embedding": array(5, 4)},
    }
    plain = pyinit.jax.init(tree, seed=42)
    hidden = plain["cell"]["hi"]["kernel"]
    assert same_bits(np.asarray(hidden), drawn("orthogonal", "cell/hi/kernel", (4, 4)))
    got = pyinit.jax.init(
        tree,
        "he_normal",
        42,
        recurrent_initializer="lecun_uniform",
        embeddings_initializer=pyinit.RandomNormal(stddev=0.02),
        bias_initializer="ones",
        parameters={"*scale": "zeros", "dense/kernel": pyinit.HeUniform(1)},
    )
    for leaf, name, initializer in (
        (got["cell"]["hi"]["kernel"], "cell/hi/kernel", "lecun_uniform"),
        (got["cell"]["ii"]["kernel"], "cell/ii/kernel", "he_normal"),
        (got["dense"]["kernel"], "dense/kernel", "he_uniform"),
        (got["embed"]["embedding"], "embed/embedding", pyinit.RandomNormal(stddev=0.02)),
    ):
        assert same_bits(np.asarray(leaf), drawn(initializer, name, leaf.shape))
    assert (got["dense"]["bias"] == 1).all()
    assert (got["dense"]["scale"] == 0).all()
    he_normal = pyinit.jax.init(tree, "he_normal", 42)
    for name in ("cell/hi/kernel", "embed/embedding"):
        layer, _, leaf = name.rpartition("/")
        found = he_normal["cell"]["hi"] if layer == "cell/hi" else he_normal[layer]
        assert same_bits(np.asarray(found[leaf]), drawn("he_normal", name, found[leaf].shape))


def test_without_a_seed():
    """Protects an initializer's own seed, and fresh ones that differ by name."""
    tree = {"a": {"kernel": array(4, 3)}, "b": {"kernel": array(4, 3)}}
    got = pyinit.jax.init(tree, pyinit.HeNormal(5))
    for name in ("a", "b"):
        assert same_bits(np.asarray(got[name]["kernel"]), pyinit.HeNormal(5)((4, 3)))
    got = pyinit.jax.init(tree)
    assert not (got["a"]["kernel"] == got["b"]["kernel"]).any()
    generator = pyinit.SeedGenerator(5)
    got = pyinit.jax.init(tree, pyinit.HeNormal(generator))
    assert generator.state == (5, 2)
    for draw, name in enumerate("ab"):
        expected = np.asarray(pyinit.HeNormal(5).lazy((4, 3), draw=draw))
        assert same_bits(np.asarray(got[name]["kernel"]), expected)
    pyinit.set_random_seed(3)
    first = pyinit.jax.init(tree)
    pyinit.set_random_seed(3)
    again = pyinit.jax.init(tree)
    assert (first["a"]["kernel"] == again["a"]["kernel"]).all()


def test_kept_arrays():
    """Protects arrays that the user sets: None keeps them, abstract or not."""
    given = jnp.arange(3.0)
    tree = {"table": given, "abstract": array(2), "dense": {"kernel": array(2, 2)}}
    got = pyinit.jax.init(tree, seed=1, parameters={"table": None, "abstract": None})
    assert got["table"] is given
    assert got["abstract"] is tree["abstract"]


def test_problems_are_listed():
    """Protects against a half-drawn tree: one error names all arrays, and no draw is taken."""
    tree = {
        "moe": {"w1": array(2, 3), "w2": array(2, 3)},
        "dense": {"kernel": array(4, 3, dtype="int32")},
        "stack": {"kernel": array(5, 4, 3), "bias": array(5, 3)},
        "name": "a string",
        "stats": {"mean": array(3)},
    }
    generator = pyinit.SeedGenerator(1)
    with pytest.raises(ValueError, match="Argument `tree` must be a tree of arrays that") as error:
        pyinit.jax.init(tree, pyinit.HeNormal(generator))
    message = str(error.value)
    for expected in (
        "moe/w1, moe/w2, stats/mean: its name is not one of Flax's layers; `parameters`",
        "dense/kernel: Argument `dtype` must be one of",
        "stack/kernel: the kernel of shape (5, 4, 3) is neither a matrix nor",
        "name: it is no array but an object of class str",
    ):
        assert expected in message, message
    assert generator.state == (1, 0)
    with pytest.raises(ValueError, match=r"has none that matches 'dense/kernal' \(similar: dense"):
        pyinit.jax.init({"dense": {"kernel": array(2, 2)}}, parameters={"dense/kernal": "ones"})
    for single in (array(2, 2), "a string", 3):
        with pytest.raises(TypeError, match=r"Argument `tree` must be a module of nnx, or"):
            pyinit.jax.init(single)
    with pytest.raises(ValueError, match="Argument `seed`"):
        pyinit.jax.init({"dense": {"kernel": array(2, 2)}}, seed=1.5)
    with pytest.raises(ValueError, match="takes no seed"):
        pyinit.jax.init({"dense": {"kernel": array(2, 2)}}, jax.nn.initializers.zeros, 1)
    same = {"a/b": {"kernel": array(2, 2)}, "a": {"b": {"kernel": array(2, 2)}}}
    with pytest.raises(ValueError, match="several arrays have this name"):
        pyinit.jax.init(same, seed=1)


def test_traced():
    """Protects trees that are drawn in compiled code, and trees of traced arrays."""
    tree = {"dense": {"kernel": array(4, 3), "bias": array(3)}}
    eager = pyinit.jax.init(tree, seed=42)
    traced = jax.jit(lambda: pyinit.jax.init(tree, seed=42))()
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), eager, traced))
    again = jax.jit(lambda tree: pyinit.jax.init(tree, seed=42))(eager)
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), eager, again))
    shapes = jax.eval_shape(lambda: pyinit.jax.init(tree, seed=42))
    assert shapes == tree


@pytest.mark.backends
def test_linen():
    """Protects models of linen: layers, attention, cells, statistics, names of Keras."""
    linen = pytest.importorskip("flax.linen")

    class Model(linen.Module):
        @linen.compact
        def __call__(self, inputs):
            x = linen.Dense(8, name="dense")(inputs)
            x = linen.BatchNorm(use_running_average=False)(x)
            x = linen.RNN(linen.OptimizedLSTMCell(8))(x)
            x = linen.RNN(linen.GRUCell(8))(x)
            x = linen.RNN(linen.SimpleCell(8))(x)
            x = linen.MultiHeadDotProductAttention(2)(x)
            x = linen.Conv(8, (3,))(x)
            return linen.PReLU()(linen.LayerNorm()(x))

    model, inputs = Model(), jnp.ones((2, 5, 4))
    abstract = jax.eval_shape(model.init, KEY, inputs)
    variables = pyinit.jax.init(abstract, seed=42)
    assert jax.tree.map(jnp.shape, variables) == jax.tree.map(lambda leaf: leaf.shape, abstract)
    model.apply(variables, inputs, mutable=["batch_stats"])
    params = variables["params"]
    attention = params["MultiHeadDotProductAttention_0"]
    for leaf, initializer, name in (
        (params["dense"], "glorot_uniform", "dense"),
        (params["Conv_0"], "glorot_uniform", "Conv_0"),
        (params["OptimizedLSTMCell_0"]["hf"], "orthogonal", "OptimizedLSTMCell_0/hf"),
        (params["OptimizedLSTMCell_0"]["if"], "glorot_uniform", "OptimizedLSTMCell_0/if"),
        (params["GRUCell_0"]["hn"], "orthogonal", "GRUCell_0/hn"),
        (params["GRUCell_0"]["in"], "glorot_uniform", "GRUCell_0/in"),
        (params["SimpleCell_0"]["h"], "orthogonal", "SimpleCell_0/h"),
    ):
        found = leaf["kernel"]
        assert same_bits(np.asarray(found), drawn(initializer, f"{name}/kernel", found.shape)), name
    # Flax draws the kernels of attention as matrices
    for name, shape in (("query", (8, 8)), ("out", (8, 8))):
        found = np.asarray(attention[name]["kernel"]).reshape(shape)
        seeded = f"MultiHeadDotProductAttention_0/{name}/kernel"
        assert same_bits(found, drawn("glorot_uniform", seeded, shape))
    assert (params["PReLU_0"]["negative_slope"] == np.float32(0.01)).all()
    assert (variables["batch_stats"]["BatchNorm_0"]["var"] == 1).all()


@pytest.mark.backends
def test_nnx():
    """Protects modules and states of nnx: layers, random keys, the module itself."""
    nnx = pytest.importorskip("flax.nnx")

    class Model(nnx.Module):
        def __init__(self, rngs):
            self.embed = nnx.Embed(7, 4, rngs=rngs)
            self.layers = nnx.List([nnx.Linear(4, 4, rngs=rngs) for _ in range(2)])
            self.cell = nnx.LSTMCell(4, 4, rngs=rngs)
            self.gru = nnx.GRUCell(4, 4, rngs=rngs)
            self.general = nnx.LinearGeneral((2, 3), (5, 4), axis=(-2, -1), rngs=rngs)
            self.attention = nnx.MultiHeadAttention(2, 4, dropout_rate=0.5, decode=False, rngs=rngs)
            self.norm = nnx.BatchNorm(4, rngs=rngs)
            self.dropout = nnx.Dropout(0.5, rngs=rngs)

        def __call__(self, tokens):
            x = self.embed(tokens)
            for layer in self.layers:
                x = layer(x)
            return self.dropout(self.norm(self.attention(x, deterministic=False)))

    abstract = nnx.eval_shape(lambda: Model(nnx.Rngs(0)))
    model = pyinit.jax.init(abstract, seed=42)
    assert isinstance(model, Model)
    for layer, initializer, name in (
        (model.layers[1], "glorot_uniform", "layers/1"),
        (model.cell.hf, "orthogonal", "cell/hf"),
        (model.cell.if_, "glorot_uniform", "cell/if_"),
        (model.gru.dense_h, "orthogonal", "gru/dense_h"),
    ):
        found = layer.kernel.get_value()
        assert same_bits(np.asarray(found), drawn(initializer, f"{name}/kernel", found.shape)), name
    general = np.asarray(model.general.kernel.get_value()).reshape(6, 20)
    assert same_bits(general, drawn("glorot_uniform", "general/kernel", (6, 20)))
    # keys of jax.random start from the seed of their names, and their counters at zero
    rngs = model.dropout.rngs
    seed = derive_seed(42, "dropout/rngs/key") % 2**31
    assert rngs.key.get_value() == jax.random.key(seed)
    assert rngs.count.get_value() == 0
    first = model(jnp.array([[1, 2, 3]]))
    again = pyinit.jax.init(abstract, seed=42)(jnp.array([[1, 2, 3]]))
    assert (first == again).all()
    # a state, and a dictionary, have the same names
    _, state = nnx.split(abstract)
    dictionary = nnx.to_pure_dict(state)
    for tree in (state, dictionary):
        tree["general"]["kernel"] = tree["layers"][0]["kernel"]
        tree["general"].pop("bias")
        got = pyinit.jax.init(tree, seed=42)
        kernel = got["layers"][1]["kernel"]
        kernel = kernel if tree is dictionary else kernel.get_value()
        assert (kernel == model.layers[1].kernel.get_value()).all()
    with pytest.raises(ValueError, match=r"general/kernel: the kernel of shape \(2, 3, 5, 4\)"):
        pyinit.jax.init(nnx.split(abstract)[1], seed=42)


@pytest.mark.backends
def test_stacked_layers_of_nnx():
    """Protects layers that nnx.vmap stacks: an error first, then each layer with its own fans."""
    nnx = pytest.importorskip("flax.nnx")

    @nnx.split_rngs(splits=3)
    @nnx.vmap
    def make(rngs):
        return nnx.Sequential(nnx.Linear(4, 8, rngs=rngs), nnx.Dropout(0.5, rngs=rngs))

    abstract = nnx.eval_shape(lambda: make(nnx.Rngs(0)))
    with pytest.raises(ValueError, match="takes an initializer with batch_axes"):
        pyinit.jax.init(abstract, seed=1)
    stacked = pyinit.HeNormal(batch_axes=0)
    model = pyinit.jax.init(abstract, seed=42, parameters={"*kernel": stacked})
    kernel = np.asarray(model.layers[0].kernel.get_value())
    assert same_bits(kernel, drawn(stacked, "layers/0/kernel", (3, 4, 8)))
    keys = model.layers[1].rngs.key.get_value()
    assert keys.shape == (3,)
    assert len(np.unique(jax.random.key_data(keys), axis=0)) == 3


@pytest.mark.backends
def test_names_are_those_of_keras():
    """Protects equal starts in Keras and Flax: layers of the same names have the same weights."""
    keras, linen = pytest.importorskip("keras"), pytest.importorskip("flax.linen")
    import pyinit.keras

    class Model(linen.Module):
        @linen.compact
        def __call__(self, inputs):
            return linen.Dense(3, name="second")(linen.Dense(8, name="first")(inputs))

    layers = [keras.layers.Dense(8, name="first"), keras.layers.Dense(3, name="second")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    pyinit.keras.initialize(model, 42)
    ours = pyinit.jax.init(jax.eval_shape(Model().init, KEY, jnp.zeros((1, 4))), seed=42)
    for layer in layers:
        kernel = keras.ops.convert_to_numpy(layer.kernel)
        assert same_bits(np.asarray(ours["params"][layer.name]["kernel"]), kernel)
