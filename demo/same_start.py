"""The same start on every backend of Keras: two small models, trained on each, and their losses.

A convolutional classifier and a transformer read scikit-learn's handwritten digits. On each backend
that is installed, a process of its own builds them, draws all their weights from one seed and
trains them on the same batches in the same order. The weights that they start from must be the
same to the last bit; the losses, of which a plot is saved, then differ only by how each backend
rounds. Takes a minute or two on two cores.

    python -m pip install ".[keras]" jax tensorflow-cpu torch scikit-learn matplotlib
    python demo/same_start.py

Of the three backends that train, those that are not installed are left out; so is the plot without
matplotlib.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SEED = 42
#: Keras' backends, by the module that each of them needs. The numpy one does not train.
BACKENDS = {"numpy": "numpy", "jax": "jax", "torch": "torch", "tensorflow": "tensorflow"}
MODELS = ("convolutional", "transformer")
#: Keeps TensorFlow, which Keras imports where it is there, from telling what it runs on.
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}


def convolutional() -> Any:
    """A classifier of 8 x 8 images."""
    import keras
    from keras import layers

    import pyinit

    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu", kernel_initializer=pyinit.HeNormal(), name="a"),
            layers.Conv2D(32, 3, activation="relu", kernel_initializer=pyinit.HeNormal(), name="b"),
            layers.Flatten(),
            layers.Dense(10, kernel_initializer=pyinit.GlorotUniform(), name="scores"),
        ]
    )


def transformer() -> Any:
    """A classifier that reads an image as a sequence of its 8 rows."""
    import keras
    from keras import layers

    import pyinit

    rows = keras.Input((8, 8, 1))
    x = layers.Reshape((8, 8))(rows)
    x = layers.Dense(32, kernel_initializer=pyinit.GlorotUniform(), name="embedding")(x)
    position = keras.ops.cumsum(keras.ops.ones_like(rows[:, :, 0, 0], dtype="int32"), axis=1) - 1
    x = x + layers.Embedding(
        8, 32, embeddings_initializer=pyinit.RandomNormal(0, 0.1), name="positions"
    )(position)
    attention = layers.MultiHeadAttention(
        4, 8, kernel_initializer=pyinit.GlorotUniform(), name="attention"
    )
    x = layers.LayerNormalization(name="norm_1")(x + attention(x, x))
    hidden = layers.Dense(
        64, activation="gelu", kernel_initializer=pyinit.HeNormal(), name="hidden"
    )(x)
    x = x + layers.Dense(32, kernel_initializer=pyinit.Orthogonal(), name="back")(hidden)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization(name="norm_2")(x))
    scores = layers.Dense(10, kernel_initializer=pyinit.GlorotUniform(), name="scores")(x)
    return keras.Model(rows, scores)


def run_models(epochs: int, result: Path) -> None:
    """Runs both models on the backend of this process and writes what came of it."""
    import keras
    import numpy as np
    from sklearn.datasets import load_digits

    import pyinit.keras

    backend = keras.backend.backend()
    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    x = (digits.images[order, :, :, None] / 16).astype("float32")
    y = digits.target[order]
    outcome: dict[str, dict[str, Any]] = {}
    for name in MODELS:
        model = globals()[name]()
        pyinit.keras.initialize(model, seed=SEED)
        start = hashlib.sha256()
        for weight in model.weights:
            start.update(keras.ops.convert_to_numpy(weight).tobytes())
        outcome[name] = {"start": start.hexdigest(), "losses": []}
        if backend == "numpy":
            continue
        # not Adam: TensorFlow's gradients of an embedding are sparse, and Keras' Adam takes the
        # squares of such ones before it sums them
        model.compile(
            optimizer=keras.optimizers.SGD(0.03, momentum=0.9),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        outcome[name]["losses"].append(float(model.evaluate(x, y, batch_size=256, verbose=0)))
        for epoch in range(1, epochs + 1):
            model.fit(x, y, batch_size=64, shuffle=False, verbose=0)
            loss = float(model.evaluate(x, y, batch_size=256, verbose=0))
            outcome[name]["losses"].append(loss)
            print(f"\r  {name}: epoch {epoch} of {epochs}, loss {loss:.4f} ", end="", flush=True)
        print()
    result.write_text(json.dumps(outcome))


def plot(outcomes: dict[str, Any], path: Path) -> None:
    """Saves the losses of both models, one line for each backend."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), MODELS, strict=True):
        for i, (backend, outcome) in enumerate(outcomes.items()):
            losses = outcome[name]["losses"]
            # thick below, thin above, so that lines on top of each other all show
            axes.plot(losses, label=backend, linewidth=7 - 2.5 * i, alpha=0.8)
        axes.set(title=name, xlabel="epoch", ylabel="loss", yscale="log")
        axes.legend()
    figure.suptitle(f"scikit-learn's digits, all weights from seed {SEED}")
    figure.savefig(path, dpi=120)


def main() -> int:
    """Runs all backends that are installed.

    Returns:
        The exit status: 1 if they do not start alike, 2 if there is no data.
    """
    parser = argparse.ArgumentParser(description="The same start on every backend of Keras.")
    parser.add_argument("--epochs", type=int, default=10, help="how long to train (default: 10)")
    parser.add_argument(
        "--plot", type=Path, default=Path("same_start.png"), help="where to save the plot"
    )
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.result:
        run_models(arguments.epochs, arguments.result)
        return 0

    if find_spec("sklearn") is None:
        print("The data come with scikit-learn, which is not installed.", file=sys.stderr)
        return 2
    outcomes = {}
    with tempfile.TemporaryDirectory() as folder:
        for backend, module in BACKENDS.items():
            if find_spec(module) is None:
                print(f"{backend}: not installed, left out")
                continue
            print(
                f"{backend}:" + (" starts only, as it does not train" if backend == "numpy" else "")
            )
            result = Path(folder, backend)
            command = [sys.executable, __file__, "--result", result, "--epochs", arguments.epochs]
            environment = {**os.environ, **QUIET, "KERAS_BACKEND": backend}
            subprocess.run([str(part) for part in command], env=environment, check=True)
            outcomes[backend] = json.loads(result.read_text())

    alike = True
    print()
    for name in MODELS:
        starts = {outcome[name]["start"] for outcome in outcomes.values()}
        alike = alike and len(starts) == 1
        same = "the same on" if len(starts) == 1 else "NOT the same on"
        print(f"{name}: the initial weights are {same} {', '.join(outcomes)}")
        print("  SHA-256 " + ", ".join(sorted(starts)))
    trained = {backend: outcome for backend, outcome in outcomes.items() if backend != "numpy"}
    if trained and find_spec("matplotlib") is None:
        print("No plot, as matplotlib is not installed.")
    elif trained:
        plot(trained, arguments.plot)
        print(f"The losses are in {arguments.plot}")
    return 0 if alike else 1


if __name__ == "__main__":
    sys.exit(main())
