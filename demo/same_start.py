"""The same initial weights on every Keras backend: two small models and their training losses.

A convolutional classifier and a transformer learn scikit-learn's handwritten digits. For each
installed backend, a separate process builds them, draws all weights from one seed and trains on the
same batches in the same order. The initial weights must be the same bit for bit; the losses, saved
as a plot, then differ only by rounding. Takes one or two minutes on two cores.

    python -m pip install ".[keras]" jax tensorflow-cpu torch scikit-learn matplotlib
    python demo/same_start.py

Backends that are not installed are left out, and so is the plot without matplotlib. Keras' NumPy
backend does not train.
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
#: Keras' backends and the modules they need.
BACKENDS = {"numpy": "numpy", "jax": "jax", "torch": "torch", "tensorflow": "tensorflow"}
MODELS = ("convolutional", "transformer")
#: Silences TensorFlow, which Keras imports if it is installed.
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}


def convolutional() -> Any:
    """Build a convolutional classifier of 8 x 8 images."""
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
    """Build a classifier that reads an image as a sequence of 8 rows."""
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
    """Run both models on the backend of this process and write the results."""
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
        # not Adam: TensorFlow's gradients of an embedding are sparse, and Keras' Adam squares
        # sparse gradients before summing them
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
    """Save a plot of the losses of both models, one line per backend."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), MODELS, strict=True):
        for i, (backend, outcome) in enumerate(outcomes.items()):
            losses = outcome[name]["losses"]
            # thick lines below thin ones, so that coinciding lines stay visible
            axes.plot(losses, label=backend, linewidth=7 - 2.5 * i, alpha=0.8)
        axes.set(title=name, xlabel="epoch", ylabel="loss", yscale="log")
        axes.legend()
    figure.suptitle(f"scikit-learn's digits, all weights from seed {SEED}")
    figure.savefig(path, dpi=120)


def main() -> int:
    """Run all installed backends.

    Returns:
        The exit status: 1 if the initial weights differ, 2 without the data.
    """
    parser = argparse.ArgumentParser(description="The same initial weights on every Keras backend.")
    parser.add_argument("--epochs", type=int, default=10, help="number of epochs (default: 10)")
    parser.add_argument(
        "--plot",
        type=Path,
        default=Path("same_start.png"),
        help="file for the plot (default: same_start.png)",
    )
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.result:
        run_models(arguments.epochs, arguments.result)
        return 0

    if find_spec("sklearn") is None:
        print("The data set is part of scikit-learn, which is not installed.", file=sys.stderr)
        return 2
    outcomes = {}
    with tempfile.TemporaryDirectory() as folder:
        for backend, module in BACKENDS.items():
            if find_spec(module) is None:
                print(f"{backend}: not installed, left out")
                continue
            print(f"{backend}:" + (" initial weights only" if backend == "numpy" else ""))
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
        print("No plot: matplotlib is not installed.")
    elif trained:
        plot(trained, arguments.plot)
        print(f"Plot of the losses: {arguments.plot}")
    return 0 if alike else 1


if __name__ == "__main__":
    sys.exit(main())
