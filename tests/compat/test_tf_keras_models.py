"""Models of the real tf_keras with our initializers: saved, loaded, copied, configured."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

import pyinit
from pyinit.compat import tf_keras, v1
from tests.support import SUPPORT, same_bits
from tests.support import beside_tensorflow as beside

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file"),
]

VALUES = np.arange(12, dtype="float32").reshape(4, 3)
#: A function that makes an initializer, by a name.
INITIALIZERS = {
    "compat": lambda: tf_keras.HeNormal(seed=5),
    "compat constant": lambda: tf_keras.Constant(2.5),
    "compat list": lambda: tf_keras.Constant(list(range(12))),
    "compat orthogonal": lambda: tf_keras.Orthogonal(gain=2.0, seed=5),
    "current": lambda: pyinit.HeNormal(seed=5),
    "current scaling": lambda: pyinit.VarianceScaling(2.0, "fan_out", "uniform", 5, [0], [1]),
    "current array": lambda: pyinit.Constant(VALUES),
    "v1": lambda: v1.variance_scaling_initializer(2.0, seed=5),
    "v1.keras": lambda: v1.keras.initializers.he_normal(seed=5),
}


@pytest.fixture(scope="module")
def keras2():
    """The real tf_keras."""
    return beside.import_them().tf_keras


@pytest.mark.parametrize("name", INITIALIZERS)
def test_models_keep_our_numbers(name, keras2, tmp_path):
    """Protects the weights of copies and of loaded models: ours, not TensorFlow's."""
    expected = INITIALIZERS[name]()((4, 3))
    model = keras2.Sequential(
        [
            keras2.layers.InputLayer((4,)),
            keras2.layers.Dense(3, kernel_initializer=INITIALIZERS[name]()),
        ]
    )
    assert same_bits(model.layers[0].kernel.numpy(), expected)
    copies = [
        keras2.models.clone_model(model),
        keras2.models.model_from_json(model.to_json()),
        keras2.Sequential.from_config(model.get_config()),
    ]
    for copied in copies:
        assert same_bits(copied.layers[0].kernel.numpy(), expected)
    for file in ("model.keras", "model.h5", "model"):
        model.save(tmp_path / file)
        copies.append(keras2.models.load_model(tmp_path / file))
    for copied in copies:
        initializer = copied.layers[0].kernel_initializer
        assert type(initializer) is type(INITIALIZERS[name]())
        assert same_bits(type(initializer).from_config(initializer.get_config())((4, 3)), expected)


def test_bidirectional_layers_draw_our_numbers(keras2):
    """Protects the backward layer, which tf_keras makes from the forward layer's configuration."""
    layer = keras2.layers.Bidirectional(
        keras2.layers.LSTM(
            2,
            kernel_initializer=tf_keras.HeNormal(5),
            recurrent_initializer=pyinit.Orthogonal(1.0, 5),
        )
    )
    layer.build((None, 5, 4))
    for half in (layer.forward_layer.cell, layer.backward_layer.cell):
        assert same_bits(half.kernel.numpy(), pyinit.HeNormal(5)((4, 8)))
        assert same_bits(half.recurrent_kernel.numpy(), pyinit.Orthogonal(1.0, 5)((2, 8)))


def test_tf_keras_does_not_warn(keras2):
    """Protects users from tf_keras' warning that an initializer may not be saved properly."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for make in INITIALIZERS.values():
            keras2.layers.Dense(3, kernel_initializer=make()).get_config()


def test_tf_keras_keeps_its_own_classes(keras2):
    """Protects other models: their names still mean TensorFlow's classes."""
    for identifier in ("he_normal", {"class_name": "HeNormal", "config": {"seed": 1}}):
        assert type(keras2.initializers.get(identifier)).__module__.startswith("tf_keras.")


@pytest.mark.parametrize("first", ["pyinit", "tf_keras"])
@pytest.mark.parametrize("file", ["model.keras", "model.h5", "model"])
def test_another_process_loads_them(file, first, keras2, tmp_path):
    """Protects loading where nothing but imports has happened, in either order."""
    model = keras2.Sequential(
        [
            keras2.layers.InputLayer((4,)),
            keras2.layers.Dense(
                3, kernel_initializer=tf_keras.HeNormal(5), bias_initializer=pyinit.Constant(2)
            ),
        ]
    )
    model.save(tmp_path / file)
    script = SUPPORT / "tf_keras_load.py"
    found = subprocess.run(
        [sys.executable, script, first, tmp_path / file], capture_output=True, text=True, check=True
    ).stdout
    assert found.split() == [
        "pyinit.compat.tf_keras.classes.HeNormal",
        "pyinit.initializers.constant.Constant",
    ]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("HeNormal", {}),
        ("HeNormal", {"seed": 1}),
        ("Orthogonal", {}),
        ("RandomUniform", {}),
        ("Zeros", {}),
    ],
)
def test_an_unseeded_initializer_warns_as_theirs(name, arguments, keras2):
    """Protects tf_keras' warning, for the same initializers and calls."""
    counts = []
    for module in (tf_keras, keras2.initializers):
        initializer = getattr(module, name)(**arguments)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(3):
                initializer((4, 4))
        counts.append([str(one.message).startswith(f"The initializer {name} is") for one in caught])
    assert counts[0] == counts[1]
    assert len(counts[0]) == (0 if arguments or name == "Zeros" else 2)
