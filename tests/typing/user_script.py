"""A user's script that uses the types of pyinit; mypy and Pyright must accept all of it."""

from typing import Any

import numpy as np
import numpy.typing as npt

import pyinit
from pyinit import Initializer, LazyTensor
from pyinit.compat import ArgumentError, tf_keras, v1
from pyinit.compat.tf_keras import HeNormal, he_uniform


def make_initializers(seed: int) -> list[Initializer]:
    """Return initializers that take each kind of argument."""
    return [
        pyinit.HeNormal(seed),
        pyinit.HeNormal(seed=np.int64(3)),
        pyinit.HeNormal(pyinit.SeedGenerator(seed)),
        pyinit.HeNormal(),
        pyinit.VarianceScaling(2, mode="fan_avg", distribution="uniform", seed=seed),
        pyinit.VarianceScaling(mode="fan_in", distribution="untruncated_normal"),
        pyinit.VarianceScaling(input_axes=[0], output_axes=(1,)),
        pyinit.VarianceScaling(mode="fan_geo_avg", batch_axes=(0, -1)),
        pyinit.Orthogonal(seed=seed, batch_axes=0),
        pyinit.initializer_he_normal(seed, batch_axes=[0]),
        pyinit.initializer_kaiming_normal(0.1, "fan_out", "leaky_relu", seed),
        pyinit.initializer_xavier_uniform(gain=pyinit.calculate_gain("tanh"), seed=seed),
        pyinit.Constant(0.5),
        pyinit.TruncatedNormal(lower=-1, upper=float("inf"), seed=seed),
        pyinit.DeltaOrthogonal(gain=2, seed=seed),
        pyinit.Dirac(groups=2),
        pyinit.STFT(side="imag", window=np.hanning(8), scaling=None),
        pyinit.initializer_variance_scaling(scale=2, mode="fan_out", seed=seed),
        pyinit.initializer_random_uniform(-0.1, 0.1, seed=pyinit.random_seed_generator(seed)),
    ]


def draw(initializer: Initializer, out: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Call an initializer in each way."""
    initializer((3, 4))
    initializer([3, 4], "bfloat16")
    initializer((3, 4), np.float64)
    initializer((3, 4), dtype=np.dtype("float16"))
    initializer((3, 4), partition_shape=(1, 4), partition_offset=(2, 0))
    initializer((3, 4), device="cpu")
    filled: npt.NDArray[np.float32] = initializer(out.shape, out=out)
    return filled


def read(weights: LazyTensor, out: npt.NDArray[np.float32]) -> int:
    """Read a lazy tensor in each way; return its size in bytes."""
    row = weights[0]
    part = weights[1:3, ..., ::2]
    everything: npt.NDArray[Any] = np.asarray(weights)
    weights.read_into(out)
    for where, chunk in weights.chunks():
        everything[where] = chunk
    return weights.nbytes + len(weights) + weights.size + int(row.size) + int(part.ndim)


def keep(seed: int) -> list[Initializer]:
    """Use the names of TensorFlow and Keras 2."""
    before = v1.variance_scaling_initializer(2.0, "fan_avg", "NORMAL", seed, dtype="float64")
    before.from_config(before.get_config())((3, 4), partition_info=None)
    v1.initializers.he_normal(seed)((3, 4))
    v1.keras.initializers.RandomUniform(0, 10)((3, 4), "int32")
    try:
        first: HeNormal = tf_keras.initializers.he_normal(seed=seed)
    except ArgumentError:
        first = HeNormal()
    tf_keras.get("he_normal")((3, 4))
    tf_keras.serialize(first)["config"]
    second = tf_keras.VarianceScaling(scale=2.0, distribution="uniform")
    second((3, 4), partition_shape=(1, 4), partition_offset=(2, 0))
    return [before.migrate(), first, second, he_uniform(seed), tf_keras.Constant([1, 2])]


def load(path: str) -> bool:
    """Write, read, verify and materialize a manifest."""
    manifest = pyinit.create_manifest(
        {"seed": 42, "tensors": [{"name": "w", "shape": [2, 3], "initializer": "he_normal"}]}
    )
    pyinit.write_manifest(manifest, path)
    again: pyinit.Manifest = pyinit.read_manifest(path)
    names = [tensor.name.upper() for tensor in again.tensors]
    pyinit.materialize(again, "weights.safetensors", shard="1/2")
    found = pyinit.verify(again)
    return bool(found) and len(names) == 1


def main() -> None:
    """Use everything above."""
    pyinit.set_random_seed(7)
    pyinit.set_floatx("float32")
    dtype: str = pyinit.floatx()
    seed: int = pyinit.derive_seed(42, "dense/kernel")
    generator = pyinit.random_seed_generator(seed)
    generator.next()
    out = np.empty((3, 4), np.float32)
    for initializer in [*make_initializers(seed), *keep(seed)]:
        draw(initializer, out)
        read(initializer.lazy((3, 4), "float32"), out)
        initializer.clone().get_config()
    he_normal = pyinit.get("he_normal")
    he_normal((3, 4), "float32")
    he_normal.lazy((3, 4)).shape[0].bit_length()
    same: pyinit.HeNormal = pyinit.HeNormal(1).with_seed(2)
    fan_in, fan_out = pyinit.compute_fans((3, 4))
    print(dtype, same, fan_in, fan_out, pyinit.fingerprint(same, (3, 4)), load("manifest.json"))


if __name__ == "__main__":
    main()
