"""Our seed generators are Keras' too, on the backend of this process."""

import copy
import json
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

import pyinit
import pyinit.keras
from pyinit.bridges.keras.seed_generators import use_in_keras
from pyinit.seeds import next_draw, take_draw
from tests.support import same_bits

BACKEND = keras.backend.backend()
GENERATORS = [pyinit.SeedGenerator, keras.random.SeedGenerator]
layers = keras.layers
array = keras.ops.convert_to_numpy


def words(generator) -> list[int]:
    """Return the seed and the next draw of a generator, as Keras holds them."""
    return [int(word) for word in array(generator.state)]


def drawn(seed: int, draw: int, shape=(3,)):
    return pyinit.RandomNormal(seed=seed).lazy(shape, draw=draw)[...]


class Noise(layers.Layer):
    """Adds noise that a pyinit initializer draws in `call()`."""

    def __init__(self, seed, **kwargs):
        super().__init__(**kwargs)
        self.generator = seed
        self.noise = pyinit.RandomNormal(seed=seed)

    def call(self, x):
        """Return `x` plus noise."""
        return x + keras.ops.convert_to_tensor(self.noise((3,), "float32"))


def test_keras_random_functions_draw_from_ours():
    """Protects `keras.random.normal(shape, seed=ours)`: the numbers of Keras' own generator."""
    ours, theirs = pyinit.SeedGenerator(7), keras.random.SeedGenerator(7)
    assert isinstance(ours, keras.random.SeedGenerator)
    for _ in range(2):
        values = [array(keras.random.normal((2, 3), seed=seed)) for seed in (ours, theirs)]
        assert same_bits(*values)
    assert words(ours) == words(theirs) == [7, 2]


@pytest.mark.parametrize("seed", [-5, 2**31 + 3, 2**64 - 1])
def test_keras_gets_the_lower_half_of_a_seed_and_we_keep_it_whole(seed):
    """Protects derived seeds, which have 64 bits, where Keras has 32."""
    generator = pyinit.SeedGenerator(seed)
    keras.random.uniform((2,), seed=generator)
    words_of_keras = np.array(array(generator.state)).astype(np.uint32).tolist()
    assert words_of_keras == [seed % 2**32, 1]
    assert same_bits(pyinit.RandomNormal(seed=generator)((3,)), drawn(seed, 1))


def test_a_generator_keeps_our_types_until_keras_uses_it():
    """Protects users of `state` and `next()` in a process that happens to have loaded Keras."""
    generator = pyinit.SeedGenerator(7)
    assert isinstance(generator, keras.random.SeedGenerator)
    assert type(generator) is pyinit.SeedGenerator
    assert generator.next() == (7, 0)
    pickle.dumps(generator)
    keras.saving.serialize_keras_object(generator)
    assert generator.state == (7, 1)
    with pytest.raises(ValueError, match="Argument `ordered` must be True"):
        generator.next(ordered=False)


def test_a_generator_that_keras_uses_has_the_types_of_keras():
    """Protects `generator.next(ordered=)` and `generator.state` in code written for Keras."""
    ours, theirs = (make(7) for make in GENERATORS)
    layer = layers.Layer()
    layer.seed_generator = ours
    assert isinstance(ours.state, keras.Variable)
    assert any(variable is ours.state for variable in layer.variables)
    for ordered in (True, False, True):
        assert same_bits(array(ours.next(ordered=ordered)), array(theirs.next(ordered=ordered)))
    assert words(ours) == words(theirs)
    assert ours.get_config() == {"seed": 7, "name": ours.name}


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: layers.Dropout(0.5, seed=seed),
        lambda seed: layers.SpatialDropout1D(0.5, seed=seed),
        lambda seed: layers.AlphaDropout(0.5, seed=seed),
        lambda seed: layers.GaussianDropout(0.5, seed=seed),
        lambda seed: layers.GaussianNoise(0.5, seed=seed),
        lambda seed: layers.LSTM(3, dropout=0.5, seed=seed),
        lambda seed: layers.GRU(3, recurrent_dropout=0.5, seed=seed),
        lambda seed: layers.MultiHeadAttention(2, 2, dropout=0.5, seed=seed),
    ],
)
def test_layers_take_a_generator_as_their_seed(make):
    """Protects `layer_dropout(rate = .5, seed = random_seed_generator(1))`: new masks each time."""
    generator = pyinit.SeedGenerator(1)
    layer = make(generator)
    x = np.ones((2, 5, 4), np.float32)
    inputs = (x, x) if isinstance(layer, layers.MultiHeadAttention) else (x,)
    first, second = (array(layer(*inputs, training=True)) for _ in range(2))
    assert not same_bits(first, second)
    assert any(variable is generator.state for variable in layer.variables)
    assert words(generator)[1] >= 2


def test_an_augmentation_layer_takes_a_generator():
    """Protects layers whose pipeline may run on another backend: there a generator of Keras."""
    pytest.importorskip("tensorflow")
    layer = layers.RandomFlip(seed=pyinit.SeedGenerator(1))
    layer(np.ones((2, 4, 4, 1), np.float32), training=True)
    dataset = layer._get_seed_generator("tensorflow")
    assert isinstance(dataset, keras.random.SeedGenerator)


@pytest.mark.parametrize("make", GENERATORS)
def test_keras_and_our_initializers_share_a_generator(make):
    """Protects one generator for a whole model: no draw is taken twice."""
    generator = make(5)
    theirs = keras.initializers.HeNormal(seed=generator)
    theirs((2, 2))
    assert same_bits(pyinit.RandomNormal(seed=generator)((3,)), drawn(5, 1))
    theirs((2, 2))
    assert words(generator) == [5, 3]


def test_draws_before_keras_count():
    """Protects the order of draws when Keras meets a generator that has been used."""
    generator = pyinit.SeedGenerator(5)
    pyinit.RandomNormal(seed=generator)((3,))
    layers.Dropout(0.5, seed=generator)
    assert words(generator) == [5, 1]


def test_no_draw_is_taken_twice_while_keras_starts_to_use_a_generator():
    """Protects generators of several threads: one may wait for its draw while another builds."""
    generator = pyinit.SeedGenerator(5)
    with ThreadPoolExecutor(4) as pool:
        # the lock is held, as by use_in_keras(), until all threads wait for it
        with generator._lock:
            waiting = [pool.submit(take_draw, generator) for _ in range(4)]
            time.sleep(0.1)
            lock, generator.__dict__["_lock"] = generator._lock, threading.Lock()
            use_in_keras(generator)
            generator.__dict__["_lock"] = lock
        drawn_ids = [future.result() for future in waiting]
    assert sorted(drawn_ids) == [(5, draw) for draw in range(4)]
    assert words(generator) == [5, 4]


def test_copies_of_a_generator_that_keras_uses():
    """Protects users' subclasses with attributes of their own, and seeds set in Keras' variable."""

    class Labelled(pyinit.SeedGenerator):
        pass

    generator = Labelled(5)
    generator.label = "mine"
    model = keras.Sequential([keras.Input((3,)), layers.Dropout(0.5, seed=generator)])
    assert copy.copy(generator).label == "mine"
    unseeded = pyinit.SeedGenerator()
    model = keras.Sequential([keras.Input((3,)), layers.Dropout(0.5, seed=unseeded)])
    pyinit.keras.initialize(model, seed=42)
    for copied in (copy.copy(unseeded), pickle.loads(pickle.dumps(unseeded))):
        assert take_draw(copied) == next_draw(unseeded)


@pytest.mark.parametrize("make", GENERATORS)
def test_traced_code_draws(make):
    """Protects an initializer called in `call()`: one new draw for each batch in predict()."""
    model = keras.Sequential([keras.Input((3,)), Noise(make(7))])
    x = np.zeros((1, 3), np.float32)
    values = [array(model(x))[0], *(model.predict(x, verbose=0)[0] for _ in range(3))]
    for draw, value in enumerate(values):
        assert same_bits(value, drawn(7, draw))


def test_a_generator_that_no_layer_has_is_met_in_traced_code():
    """Protects a generator that Keras meets while it traces: its variable outlives the trace."""
    generator = pyinit.SeedGenerator(7)
    generator.next()
    layer = layers.Lambda(lambda x: x + keras.random.normal((3,), seed=generator))
    model = keras.Sequential([keras.Input((3,)), layer])
    model.predict(np.zeros((1, 3), np.float32), verbose=0)
    # jax drops the updates of a variable that no layer has, as of Keras' own generators
    assert words(generator) == [7, 1] if BACKEND == "jax" else words(generator)[1] > 1


@pytest.mark.skipif(BACKEND != "tensorflow", reason="needs TensorFlow")
@pytest.mark.parametrize("make", GENERATORS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_tf_function_draws(make, dtype):
    """Protects initializers in tf.function: each run takes a draw."""
    import tensorflow as tf

    generator = make(7)
    initializer = pyinit.RandomNormal(seed=generator)
    draw = tf.function(lambda: initializer((3,), dtype), autograph=False)
    # a generator of ours is met here
    keras.random.normal((1,), seed=generator)
    for index in (1, 2):
        values = draw()
        assert values.shape == (3,)
        expected = pyinit.RandomNormal(seed=7).lazy((3,), dtype, draw=index)[...]
        assert same_bits(np.asarray(values), expected)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="needs TensorFlow")
def test_tf_function_meets_a_generator():
    """Protects a generator that Keras meets in tf.function, whose code AutoGraph converts."""
    import tensorflow as tf

    ours, theirs = (make(7) for make in GENERATORS)
    draws = [
        tf.function(lambda seed=seed: keras.random.normal((3,), seed=seed))
        for seed in (ours, theirs)
    ]
    for _ in range(2):
        assert same_bits(*(np.asarray(draw()) for draw in draws))
    assert words(ours) == [7, 2]


@pytest.mark.skipif(BACKEND != "jax", reason="needs JAX")
@pytest.mark.parametrize("make", GENERATORS)
def test_jax_jit_draws(make):
    """Protects initializers in jax.jit: the state is an argument and a result, as Keras does it."""
    import jax

    generator = make(7)
    initializer = pyinit.RandomNormal(seed=generator)
    # a generator of ours is met here
    keras.random.normal((1,), seed=generator)

    @jax.jit
    def draw(state):
        with keras.StatelessScope(state_mapping=[(generator.state, state)]) as scope:
            values = initializer((3,))
        return values, scope.get_current_value(generator.state)

    state = generator.state.value
    for index in (1, 2):
        values, state = draw(state)
        assert same_bits(np.asarray(values), drawn(7, index))


@pytest.mark.skipif(BACKEND not in ("jax", "tensorflow"), reason="needs a backend that traces")
def test_what_traced_code_cannot_draw_is_an_error():
    """Protects `lazy()` and `out=` in traced code: the error names the seed and what to do."""
    generator = keras.random.SeedGenerator(7)
    initializer = pyinit.RandomNormal(seed=generator)
    for call in (initializer.lazy, lambda shape: initializer(shape, out=np.empty(shape, "f4"))):
        model = keras.Sequential([layers.Lambda(lambda x, call=call: x + call((3,))[...])])
        with pytest.raises(Exception, match="Argument `seed` must be an integer in traced code"):
            model.predict(np.zeros((1, 3), np.float32), verbose=0)


@pytest.mark.skipif(BACKEND == "numpy", reason="the numpy backend does not train")
def test_training_draws_from_a_shared_generator():
    """Protects fit(): the draws of all layers are counted in the one variable."""
    generator = pyinit.SeedGenerator(3)
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dropout(0.5, seed=generator), layers.Dense(1), Noise1(generator)]
    )
    model.compile("sgd", "mse")
    before = words(generator)[1]
    model.fit(np.ones((8, 4)), np.ones((8, 1)), batch_size=4, epochs=2, verbose=0)
    assert words(generator)[1] == before + 8


class Noise1(Noise):
    """Noise for one unit."""

    def call(self, x):
        """Return `x` plus noise."""
        return x + keras.ops.convert_to_tensor(self.noise((1,), "float32"))


def test_a_saved_model_shares_its_generator_again(tmp_path):
    """Protects layers, our initializers and Keras' own that share a generator, saved and loaded."""
    generator = pyinit.SeedGenerator(3)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dropout(0.5, seed=generator),
            layers.Dense(3, kernel_initializer=pyinit.HeNormal(seed=generator)),
            layers.GaussianNoise(0.5, seed=generator),
        ]
    )
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    loaded.save(path)
    for again in (loaded, keras.saving.load_model(path)):
        dropout, dense, noise = again.layers
        assert dropout.seed_generator is noise.seed_generator is dense.kernel_initializer.seed
        assert words(dropout.seed_generator)[0] == 3
        x = np.ones((2, 4), np.float32)
        np.testing.assert_array_equal(array(again(x)), array(model(x)))
        assert not same_bits(array(again(x, training=True)), array(again(x, training=True)))


def test_configurations_and_clones_of_layers():
    """Protects `from_config(get_config())`, JSON and clone_model of a layer with a generator."""
    layer = layers.Dropout(0.5, seed=pyinit.SeedGenerator(3))
    again = layers.Dropout.from_config(layer.get_config())
    assert words(again.seed_generator)[0] == 3
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    assert words(keras.saving.deserialize_keras_object(config).seed_generator) == [3, 0]
    clone = keras.models.clone_model(keras.Sequential([keras.Input((4,)), layer]))
    assert words(clone.layers[0].seed_generator)[0] == 3


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))]
)
def test_copies_are_ours_and_keep_the_draw(copied):
    """Protects pickles, which a process without Keras may read."""
    generator = pyinit.SeedGenerator(2**40, name="weights")
    keras.random.normal((2,), seed=generator)
    again = copied(generator)
    assert type(again) is pyinit.SeedGenerator
    assert again.state == (2**40, 1)
    assert again.get_config() == generator.get_config()


def test_threads_never_share_a_draw():
    """Protects the lock: Keras' own generator has none."""
    generator = pyinit.SeedGenerator(1)
    layers.Dropout(0.5, seed=generator)
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(lambda _: int(array(generator.next())[1]), range(200)))
    assert sorted(states) == list(range(200))


def test_subclasses_of_ours_stay_subclasses():
    """Protects users' own generators."""

    class Mine(pyinit.SeedGenerator):
        pass

    generator = Mine(4)
    keras.random.normal((2,), seed=generator)
    assert isinstance(generator, Mine)
    assert words(generator) == [4, 1]


def test_invalid_seeds_are_still_errors_of_keras():
    """Protects Keras' class, which takes integers and otherwise only ours."""
    for seed in ("1", {"class_name": "SeedGenerator"}, keras.random.SeedGenerator(1)):
        with pytest.raises(ValueError, match="must be an integer"):
            keras.random.SeedGenerator(seed)


LATE = """
import pyinit
generator = pyinit.SeedGenerator(7)
generator.next()
import keras
layer = keras.layers.Dropout(0.5, seed=generator)
assert layer.seed_generator is generator
assert [int(word) for word in keras.ops.convert_to_numpy(generator.state)] == [7, 1]
"""


def test_keras_may_be_imported_later():
    """Protects either order of the imports."""
    subprocess.run([sys.executable, "-c", LATE], check=True)
