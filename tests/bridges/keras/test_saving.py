"""Models with our initializers are saved, loaded and copied, on the backend of this process."""

import json
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import pyinit
import pyinit.keras
from pyinit.initializers.registry import CLASSES
from tests.support import same_bits
from tests.support.keras_models import IN_KERAS, MODELS, weights

layers = keras.layers
GENERATORS = [pyinit.SeedGenerator, keras.random.SeedGenerator]


def dense(seed, name: str) -> keras.layers.Dense:
    return layers.Dense(3, kernel_initializer=pyinit.HeNormal(seed), name=name)


def sharing(generator) -> keras.Model:
    """Return three layers whose initializers share a seed generator."""
    return keras.Sequential(
        [keras.Input((3,)), dense(generator, "a"), dense(generator, "b"), dense(generator, "c")]
    )


def seeds(model) -> list:
    return [layer.kernel_initializer.seed for layer in model.layers]


def initializers(model) -> list[dict]:
    """Return the configurations of all initializers of the model's layers."""
    return [
        {key: value for key, value in layer.get_config().items() if key.endswith("initializer")}
        for layer in model.layers
    ]


def test_arrays_are_saved(tmp_path):
    """Protects Constant with an array, saved and loaded, cloned, and read by Keras' own class."""
    kernel = np.arange(12, dtype="float32").reshape(4, 3)
    for initializer in (pyinit.Constant(kernel), pyinit.get(kernel)):
        model = keras.Sequential(
            [keras.Input((4,)), layers.Dense(3, kernel_initializer=initializer)]
        )
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        for again in (loaded, keras.models.clone_model(model)):
            assert type(again.layers[0].kernel_initializer) is pyinit.Constant
            assert same_bits(again.layers[0].kernel_initializer((4, 3)), kernel)
        theirs = keras.initializers.Constant.from_config(initializer.get_config())
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(theirs((4, 3))), kernel)
        assert same_bits(pyinit.Constant.from_config(theirs.get_config()).value, kernel)


def test_models_are_saved_without_the_bridge():
    """Protects a model saved where pyinit.keras was not imported: it names our class."""
    program = (
        "import keras, pyinit\n"
        "layer = keras.layers.Dense(3, kernel_initializer=pyinit.HeNormal(1))\n"
        "print(layer.get_config()['kernel_initializer']['registered_name'])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert found.split() == ["pyinit>HeNormal"]


@pytest.mark.parametrize("name", MODELS)
def test_saved_models_are_loaded(name, tmp_path):
    """Protects weights and initializers that are saved and loaded, or cloned."""
    make, inputs = MODELS[name]
    model = make()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for again in (loaded, keras.models.clone_model(model)):
        assert initializers(again) == initializers(model)
        # all seeds are integers, so a clone starts from the same weights
        for ours, theirs in zip(weights(again), weights(model), strict=True):
            assert same_bits(ours, theirs)
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(again(inputs())),
            keras.ops.convert_to_numpy(model(inputs())),
        )


#: What a new process runs first, by the package that it imports first.
FIRST = {
    "pyinit": """
import pyinit
initializer = pyinit.HeNormal(1)
assert initializer.__class__ is pyinit.HeNormal
import pyinit.keras
""",
    "keras": "",
}
LOAD = """
import sys
import keras
for path in sys.argv[1:]:
    try:
        layer = keras.saving.load_model(path).layers[0]
        print(type(layer.kernel_initializer).__module__, keras.ops.sum(layer.kernel))
    except TypeError as error:
        print(*str(error).split())
import pyinit
if "initializer" not in globals():
    initializer = pyinit.HeNormal(1)
for cls in (pyinit.VarianceScaling, keras.initializers.HeNormal):
    print(isinstance(initializer, cls))
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory) -> dict[str, list[str]]:
    """Load two models in new processes; return the lines that each process of `FIRST` prints.

    The first model has an integer seed, the second one a generator of ours.
    """
    folder = tmp_path_factory.mktemp("models")
    paths = folder / "integer.keras", folder / "generator.keras"
    keras.Sequential([keras.Input((3,)), dense(4, "a")]).save(paths[0])
    sharing(pyinit.SeedGenerator(9)).save(paths[1])
    lines = {}
    for package, code in FIRST.items():
        result = subprocess.run(
            [sys.executable, "-c", code + LOAD, *paths],
            capture_output=True,
            text=True,
            env={**os.environ, "KERAS_BACKEND": "numpy"},
            check=False,
        )
        assert result.returncode == 0, result.stderr
        lines[package] = result.stdout.splitlines()
    return lines


def test_a_new_process_loads_after_the_import(printed):
    """Protects loading in a new process; without the import, Keras uses its class of that name."""
    total = str(pyinit.HeNormal(4)((3, 3)).sum())
    ours = pyinit.HeNormal.__module__
    theirs = keras.initializers.HeNormal.__module__
    assert printed["pyinit"][0].split() == [ours, total]
    assert printed["keras"][0].split() == [theirs, total]


def test_a_missing_class_is_named(printed):
    """Protects the error where Keras has no class of that name: it shows what to import."""
    assert "Could not locate class 'SeedGenerator'" in printed["keras"][1]
    assert "'module': 'pyinit.keras'" in printed["keras"][1]
    assert printed["pyinit"][1].startswith(f"{pyinit.HeNormal.__module__} ")


def test_either_package_may_be_imported_first(printed):
    """Protects isinstance(), for initializers that are older than Keras' import too."""
    for package in FIRST:
        assert printed[package][2:] == ["True", "True"]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_keras_serializes_ours(cls):
    """Protects keras.initializers' serialize, deserialize and get on our objects."""
    initializer = cls()
    config = json.loads(json.dumps(keras.initializers.serialize(initializer)))
    assert config["registered_name"] == f"pyinit>{cls.__name__}"
    assert config["module"] == "pyinit.keras"
    for again in (
        keras.initializers.deserialize(config),
        keras.initializers.get(config),
        keras.saving.deserialize_keras_object(config),
        pyinit.deserialize(config),
        keras.initializers.deserialize(pyinit.serialize(initializer)),
    ):
        assert type(again) is cls
        assert again.get_config() == initializer.get_config()
    assert keras.initializers.get(initializer) is initializer
    assert type(keras.initializers.get(cls)) is cls


@pytest.mark.parametrize("cls", IN_KERAS, ids=lambda cls: cls.__name__)
def test_names_still_mean_keras_classes(cls):
    """Protects Keras: its own names and classes are unchanged."""
    theirs = getattr(keras.initializers, cls.__name__)
    by_name = {"class_name": cls.__name__, "config": theirs().get_config()}
    assert type(keras.initializers.get(by_name)) is theirs
    config = keras.initializers.serialize(theirs())
    assert config["registered_name"] is None
    assert type(keras.initializers.deserialize(config)) is theirs


def test_a_class_of_the_users_own_is_saved_as_such(tmp_path):
    """Protects subclasses that the user registers with Keras or passes on loading."""

    @keras.saving.register_keras_serializable(package="mine")
    class Registered(pyinit.HeNormal):
        pass

    class Given(pyinit.HeNormal):
        pass

    for cls, name, custom in (
        (Registered, "mine>Registered", {}),
        (Given, "Given", {"Given": Given}),
    ):
        layer = layers.Dense(3, kernel_initializer=cls(4))
        assert isinstance(layer.kernel_initializer, keras.initializers.HeNormal)
        config = keras.initializers.serialize(layer.kernel_initializer)
        assert (config["registered_name"], config["module"]) == (name, __name__)
        keras.Sequential([keras.Input((3,)), layer]).save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras", custom_objects=custom)
        assert type(loaded.layers[0].kernel_initializer) is cls


@pytest.mark.parametrize("make", GENERATORS)
def test_shared_generators_stay_shared(make, tmp_path):
    """Protects shared generators of both kinds in saved models, and their state."""
    generator = make(9, name="shared")
    model = sharing(generator)
    assert len({kernel.tobytes() for kernel in weights(model)[::2]}) == 3
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    first = seeds(loaded)[0]
    assert type(first) is make
    assert first is not generator
    assert all(seed is first for seed in seeds(loaded))
    assert [int(word) for word in keras.ops.convert_to_numpy(first.state)] == [9, 3]
    # the next draw continues the sequence
    assert same_bits(pyinit.HeNormal(first)((3, 3)), pyinit.HeNormal(generator)((3, 3)))
    # saving the loaded model loses nothing
    loaded.save(tmp_path / "again.keras")
    again = seeds(keras.saving.load_model(tmp_path / "again.keras"))
    assert all(seed is again[0] for seed in again)


def test_keras_initializers_share_a_generator_with_ours(tmp_path):
    """Protects Keras' generator, shared by both kinds of initializer."""
    generator = keras.random.SeedGenerator(9)
    theirs = layers.Dense(3, kernel_initializer=keras.initializers.HeNormal(generator))
    model = keras.Sequential(
        [keras.Input((3,)), dense(generator, "a"), theirs, dense(generator, "c")]
    )
    model.save(tmp_path / "model.keras")
    first, *others = seeds(keras.saving.load_model(tmp_path / "model.keras"))
    assert isinstance(first, keras.random.SeedGenerator)
    assert all(seed is first for seed in others)


def test_a_saved_generator_is_read_without_keras(tmp_path):
    """Protects pyinit.deserialize() on the configuration in the file."""
    sharing(pyinit.SeedGenerator(9, "shared")).save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        saved = json.loads(file.read("config.json"))["config"]["layers"][1]["config"]
    code = """
import json, sys, pyinit
initializer = pyinit.deserialize(json.loads(sys.argv[1]))
print(initializer.seed)
assert "keras" not in sys.modules
"""
    result = subprocess.run(
        [sys.executable, "-c", code, json.dumps(saved["kernel_initializer"])],
        capture_output=True,
        text=True,
    )
    assert result.stdout.strip() == "SeedGenerator(seed=9, name='shared')", result.stderr


@pytest.mark.parametrize("cls", IN_KERAS, ids=lambda cls: cls.__name__)
def test_configs_of_layers_are_exchanged(cls):
    """Protects a layer's config in which one class replaces the other."""
    theirs = getattr(keras.initializers, cls.__name__)
    for made, read in ((cls, theirs), (theirs, cls)):
        config = layers.Dense(3, kernel_initializer=made()).get_config()
        config["kernel_initializer"] = read.from_config(config["kernel_initializer"]["config"])
        assert type(layers.Dense.from_config(config).kernel_initializer) is read


def test_weights_are_loaded_into_another_model(tmp_path):
    """Protects weight files, which hold no initializers."""
    model = sharing(pyinit.SeedGenerator(9))
    model.save_weights(tmp_path / "model.weights.h5")
    plain = keras.Sequential([keras.Input((3,)), *(layers.Dense(3) for _ in range(3))])
    plain.load_weights(tmp_path / "model.weights.h5")
    for ours, theirs in zip(weights(model), weights(plain), strict=True):
        assert same_bits(ours, theirs)


def test_initializers_that_keras_lacks_are_saved(tmp_path):
    """Protects models with bounds of a truncated normal distribution, or with a kernel's centre."""
    initializers = [
        pyinit.TruncatedNormal(0.1, 0.2, 1, -1, 3),
        pyinit.TruncatedNormal(0.1, 0.2, 1, 0, float("inf")),
        pyinit.DeltaOrthogonal(1.5, 1),
        pyinit.Dirac(2),
    ]
    model = keras.Sequential(
        [
            keras.Input((8, 4)),
            *(
                layers.Conv1D(4, 3, padding="same", groups=groups, kernel_initializer=initializer)
                for groups, initializer in zip((1, 1, 1, 2), initializers, strict=True)
            ),
        ]
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for models in (loaded, keras.models.clone_model(model)):
        for layer, initializer in zip(models.layers, initializers, strict=True):
            again = layer.kernel_initializer
            assert type(again) is type(initializer)
            assert again.get_config() == initializer.get_config()
            assert same_bits(np.asarray(layer.kernel), initializer(layer.kernel.shape))


def test_keras_does_not_read_other_bounds():
    """Protects users who move to Keras: it reads the default bounds, and refuses others."""
    theirs = keras.initializers.TruncatedNormal
    plain = pyinit.TruncatedNormal(0.1, 0.2, 1)
    assert theirs.from_config(plain.get_config()).get_config() == plain.get_config()
    with pytest.raises(TypeError, match="lower"):
        theirs.from_config(pyinit.TruncatedNormal(lower=-1).get_config())


class Experts(keras.layers.Layer):
    """A user's layer with a stack of kernels."""

    def __init__(self, initializer, **kwargs):
        super().__init__(**kwargs)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape):
        """Create the stack."""
        shape = (3, input_shape[-1], 4)
        self.kernel = self.add_weight(shape=shape, initializer=self.initializer)

    def call(self, inputs):
        """Apply each kernel."""
        return keras.ops.einsum("bi,eio->beo", inputs, self.kernel)

    def get_config(self):
        """Return the arguments."""
        initializer = keras.initializers.serialize(self.initializer)
        return {**super().get_config(), "initializer": initializer}


@pytest.mark.parametrize(
    "initializer",
    [
        pyinit.HeNormal(3, batch_axes=0),
        pyinit.Orthogonal(2, 3, [0]),
        pyinit.VarianceScaling(2, "fan_geo_avg", seed=3),
        pyinit.initializer_kaiming_normal(seed=3),
    ],
    ids=repr,
)
def test_what_keras_does_not_know_is_saved(initializer, tmp_path):
    """Protects arguments that Keras' classes lack: our classes are saved and loaded."""
    model = keras.Sequential([keras.Input((5,)), Experts(initializer)])
    expected = initializer((3, 5, 4))
    assert same_bits(np.asarray(keras.ops.convert_to_numpy(model.layers[0].kernel)), expected)
    path = tmp_path / "model.keras"
    model.save(path)
    with keras.saving.custom_object_scope({"Experts": Experts}):
        again = keras.saving.load_model(path)
        cloned = keras.models.clone_model(model)
    for other in (again, cloned):
        layer = other.layers[0]
        assert type(layer.initializer) is type(initializer)
        assert layer.initializer.get_config() == initializer.get_config()
        assert same_bits(np.asarray(keras.ops.convert_to_numpy(layer.kernel)), expected)
    with keras.saving.custom_object_scope({"Experts": Experts}):
        pyinit.keras.initialize(model, seed=1)
        assert pyinit.verify(pyinit.create_manifest(model, seed=1), model)


def test_keras_names_what_its_classes_lack():
    """Protects the message if a configuration of ours is given to Keras' own class."""
    config = pyinit.VarianceScaling(2, "fan_geo_avg", seed=3).get_config()
    with pytest.raises(ValueError, match=r"mode.*fan_geo_avg"):
        keras.initializers.VarianceScaling.from_config(config)
    with pytest.raises(TypeError, match="batch_axes"):
        keras.initializers.Orthogonal.from_config(pyinit.Orthogonal(1, 3, 0).get_config())


def test_the_seed_of_a_generator_in_use_cannot_be_set():
    """Protects against a seed that Keras' variable, which determines the draws, would not have."""
    generator = pyinit.SeedGenerator(1)
    keras.layers.Dropout(0.5, seed=generator)
    with pytest.raises(AttributeError, match="cannot be set, since Keras uses it"):
        generator.seed = 5
