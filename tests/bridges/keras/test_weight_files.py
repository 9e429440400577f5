"""Keras' files of weights as targets of verify(), and as sources of manifests of values."""

import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import pyinit
import pyinit.keras
from pyinit.manifests.model import ManifestError
from tests.support.keras_models import MODELS

h5py = pytest.importorskip("h5py")
layers = keras.layers

pytestmark = pytest.mark.filterwarnings(
    # Keras: np.array() of a dataset
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


@keras.saving.register_keras_serializable(package="tests")
class Block(layers.Layer):
    """A layer with sublayers in a list and weights of its own, one of which is a sublayer's."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [layers.Dense(3, name="one"), layers.Dense(3, name="two")]

    def build(self, input_shape):
        """Makes the weights."""
        self.offset = self.add_weight((3,), "random_normal", name="offset")
        for block in self.blocks:
            block.build(input_shape)
        self.tied = self.blocks[1].kernel
        self.unnamed = self.add_weight((3,), "random_normal")

    def call(self, x):
        """The forward pass."""
        for block in self.blocks:
            x = block(x)
        return x + self.offset + self.unnamed

    def compute_output_shape(self, input_shape):
        """The shape does not change."""
        return input_shape


def nested() -> keras.Model:
    """Return a model of models, wrappers, shared layers and layers without weights."""
    inputs = keras.Input((4, 3))
    shared = layers.Dense(3, name="shared")
    inner = keras.Sequential(
        [keras.Input((4, 3)), layers.Dense(3, name="a"), layers.Dropout(0.1), shared], name="inner"
    )
    x = layers.SpectralNormalization(layers.Conv1D(3, 1, name="conv"), name="spectral")(inputs)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True, name="lstm"), name="both")(x)
    x = layers.Dense(3, name="narrow")(x)
    x = layers.MultiHeadAttention(1, 3, dropout=0.1, name="heads")(shared(inner(x)), x)
    x = Block(name="block")(layers.BatchNormalization(name="norm")(x))
    return keras.Model(inputs, x, name="nested")


ALL = {**{name: make for name, (make, _) in MODELS.items()}, "nested": nested}


@pytest.fixture(params=ALL)
def model(request) -> keras.Model:
    """Return a model with the weights of a seed."""
    made = ALL[request.param]()
    pyinit.keras.initialize(made, 42)
    return made


def save(model, folder) -> list:
    """Save a model in each format; return the paths."""
    model.save(folder / "model.keras")
    model.save_weights(folder / "model.weights.h5")
    return [folder / "model.keras", folder / "model.weights.h5"]


def test_saved_models_are_verified(model, tmp_path):
    """Protects the names of weights, which Keras' files only number within their layer."""
    pinned = pyinit.create_manifest(model, 42)
    of_values = pyinit.create_manifest(model, values=True)
    for path in save(model, tmp_path):
        for manifest in (pinned, of_values):
            found = pyinit.verify(manifest, path)
            assert found, found
            assert found.checked == len(of_values.tensors)


def test_manifests_of_saved_models(model, tmp_path):
    """Protects a manifest that was made from a file: it has the weights of the model."""
    of_values = pyinit.create_manifest(model, values=True)
    for path in save(model, tmp_path):
        of_file = pyinit.create_manifest(path, values=True)
        for target in (model, path, of_values, *save(model, tmp_path)):
            found = pyinit.verify(of_file, target)
            assert found, found
        assert pyinit.verify(of_values, of_file)


def test_each_difference_is_found(tmp_path):
    """Protects against weights that take the place of others."""
    model = nested()
    pinned = pyinit.create_manifest(model, values=True)
    names = {id(w): n for w, n in zip(unique_weights(model), pinned_names(pinned), strict=True)}
    for weight in unique_weights(model):
        before = keras.ops.convert_to_numpy(weight)
        weight.assign(before + 1)
        model.save_weights(tmp_path / "model.weights.h5")
        found = pyinit.verify(pinned, tmp_path / "model.weights.h5")
        assert [difference.name for difference in found.differences] == [names[id(weight)]]
        weight.assign(before)
    norm = model.get_layer("norm")
    norm.beta.assign(np.ones(3))
    norm.gamma.assign(np.zeros(3))
    [path, _] = save(model, tmp_path)
    found = pyinit.verify(pinned, path)
    assert [difference.name for difference in found.differences] == ["norm/gamma", "norm/beta"]


def unique_weights(model) -> list:
    from pyinit.bridges.keras.models import keras_weights

    return [w.variable for w in keras_weights("model", model) if w.generator is None]


def pinned_names(pinned) -> list[str]:
    return [tensor.name for tensor in pinned.tensors]


def test_other_layers_are_reported(tmp_path):
    """Protects against files of other models: their weights are missing or unknown."""

    def stack(*names):
        return keras.Sequential([keras.Input((2,)), *(layers.Dense(2, name=n) for n in names)])

    pinned = pyinit.create_manifest(stack("a", "b"), values=True)
    stack("a", "c").save(tmp_path / "other.keras")
    found = pyinit.verify(pinned, tmp_path / "other.keras")
    reasons = {difference.name: difference.reason for difference in found.differences}
    assert reasons.pop("a/kernel").startswith("the fingerprint is ")
    assert reasons == {
        "b/kernel": "it is missing",
        "b/bias": "it is missing",
        "c/vars/0": "it is not in the manifest",
        "c/vars/1": "it is not in the manifest",
    }


def test_the_optimizer_is_no_weight(tmp_path):
    """Protects trained models, whose files have the optimizer's variables too."""
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2, name="a")])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    pinned = pyinit.create_manifest(model, values=True)
    for path in save(model, tmp_path):
        assert "optimizer/vars/0" in contents(path)
        assert pyinit.verify(pinned, path)


def contents(path) -> list[str]:
    """Return the paths of everything in the HDF5 file of a saved model."""
    found: list[str] = []
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            file.visit(found.append)
        return found
    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as member:
        with h5py.File(member) as file:
            file.visit(found.append)
        return found


@pytest.mark.parametrize("policy", ["float16", "bfloat16", "mixed_bfloat16"])
def test_dtypes(policy, tmp_path):
    """Protects narrow weights; Keras stores the bits of bfloat16."""
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2, dtype=policy, name="a")])
    pinned = pyinit.create_manifest(model, values=True)
    for path in save(model, tmp_path):
        assert pyinit.verify(pinned, path)
        dtypes = {tensor.dtype for tensor in pyinit.create_manifest(path, values=True).tensors}
        assert dtypes == {model.layers[0].kernel.dtype}


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_quantized_models(mode, tmp_path):
    """Protects quantized layers, which save their kernel first; LoRA is merged into it."""
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="a"), layers.Dense(4, name="b")]
    )
    model.quantize(mode)
    model.get_layer("b").enable_lora(2)
    pinned = pyinit.create_manifest(model, values=True)
    for path in save(model, tmp_path):
        found = pyinit.verify(pinned, path)
        missing = {d.name for d in found.differences if d.reason == "it is missing"}
        assert missing == {"b/lora_kernel_a", "b/lora_kernel_b"}
        assert not [d for d in found.differences if d.name.startswith("a/")]


def test_legacy_files(model, tmp_path):
    """Protects Keras' HDF5 format of whole models, also as Keras 2 wrote it."""
    pinned = pyinit.create_manifest(model, 42)
    of_values = pyinit.create_manifest(model, values=True)
    model.save(tmp_path / "model.h5")
    for manifest in (pinned, of_values, pyinit.create_manifest(tmp_path / "model.h5", values=True)):
        assert pyinit.verify(manifest, tmp_path / "model.h5")
    assert pyinit.verify(pyinit.create_manifest(tmp_path / "model.h5", values=True), model)


def test_files_of_keras_2(tmp_path):
    """Protects weights of old models: names end in :0, those of nested models lack its name."""
    arrays = {"a/kernel": np.ones((2, 3)), "inner/b/kernel": np.zeros((3, 2))}
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["layer_names"] = [b"a", b"inner", b"flatten"]
        for layer, name in (("a", "a/kernel"), ("inner", "b/kernel")):
            array = arrays[name if name in arrays else f"{layer}/{name}"]
            file.create_dataset(f"{layer}/{name}:0", data=array)
            file[layer].attrs["weight_names"] = [f"{name}:0".encode()]
        file.create_group("flatten").attrs["weight_names"] = []
    assert pyinit.verify(pyinit.create_manifest(arrays, values=True), tmp_path / "old.h5")
    with h5py.File(tmp_path / "old.h5", "a") as file:
        del file["a/a/kernel:0"]
    with pytest.raises(ManifestError, match="is not a readable HDF5 file"):
        pyinit.create_manifest(tmp_path / "old.h5", values=True)


def test_files_without_layer_names(tmp_path):
    """Protects files of the first Keras 3, which have the names of classes only."""
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2, name="dense")])
    model.save_weights(tmp_path / "old.weights.h5")
    with h5py.File(tmp_path / "old.weights.h5", "a") as file:
        del file["vars"]
        del file["layers/dense/vars"].attrs["name"]
    pinned = pyinit.create_manifest(model, values=True)
    assert pyinit.verify(pinned, tmp_path / "old.weights.h5")


def test_nothing_in_a_file_is_run(tmp_path):
    """Protects users who verify a file from someone else: Keras is not even imported."""
    path = tmp_path / "model.keras"
    inputs = keras.Input((2,))
    outputs = layers.Dense(2, name="a")(layers.Lambda(lambda x: x)(inputs))
    model = keras.Model(inputs, outputs)
    model.save(path)
    pyinit.write_manifest(pyinit.create_manifest(model, values=True), tmp_path / "m.json")
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, b"{" if name == "config.json" else data)
    code = (
        "import sys, pyinit\n"
        "assert pyinit.verify(sys.argv[1], sys.argv[2])\n"
        "assert not {'keras', 'pickle'} & set(sys.modules) - before"
    )
    code = "import sys, h5py, jsonschema; before = set(sys.modules)\n" + code
    subprocess.run([sys.executable, "-c", code, tmp_path / "m.json", path], check=True)


def test_other_archives_are_refused(tmp_path):
    """Protects against archives without weights, or with weights that only a pickle restores."""
    pinned = pyinit.create_manifest({"a": np.ones(2)}, values=True)
    for name, message in (("other.txt", "it has no model"), ("model.weights.npz", "pickled")):
        with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
            archive.writestr(name, b"text")
        with pytest.raises(ManifestError, match=message):
            pyinit.verify(pinned, tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("model.weights.h5", b"text")
    with pytest.raises(ManifestError, match="is not a readable HDF5 file"):
        pyinit.verify(pinned, tmp_path / "m.keras")
