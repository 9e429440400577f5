"""A user's mistakes, one a line, with the errors that mypy and Pyright must report for it.

A comment `# E: <code of mypy> <rule of Pyright>` marks each of them.
"""

import numpy as np

import pyinit

# ---- constructors ----
pyinit.VarianceScaling(mode="fanin")  # E: arg-type reportArgumentType
pyinit.VarianceScaling(distribution="gauss")  # E: arg-type reportArgumentType
pyinit.VarianceScaling(scale="2")  # E: arg-type reportArgumentType
pyinit.VarianceScaling(input_axes=0)  # E: arg-type reportArgumentType
pyinit.HeNormal(seed="x")  # E: arg-type reportArgumentType
pyinit.HeNormal(seed=0.5)  # E: arg-type reportArgumentType
pyinit.HeNormal(1, sed=2)  # E: call-arg reportCallIssue
pyinit.RandomNormal(stddev=None)  # E: arg-type reportArgumentType
pyinit.STFT(side="left")  # E: arg-type reportArgumentType
pyinit.STFT(scaling="l2")  # E: arg-type reportArgumentType
pyinit.initializer_variance_scaling(mode="fanin")  # E: arg-type reportArgumentType
pyinit.initializer_he_normal(seed="x")  # E: arg-type reportArgumentType
pyinit.initializer_kaiming_normal(mode="fan_avg")  # E: arg-type reportArgumentType
pyinit.calculate_gain("gelu")  # E: arg-type reportArgumentType
pyinit.HeNormal(batch_axes="0")  # E: arg-type reportArgumentType
pyinit.HeNromal(1)  # E: attr-defined reportAttributeAccessIssue

# ---- calls ----
initializer = pyinit.HeNormal(1)
initializer(3)  # E: call-overload reportCallIssue
initializer((3, 4), "flaot32")  # E: call-overload reportCallIssue
initializer((3, 4), 32)  # E: call-overload reportCallIssue
initializer((3, 4), partition_shape=2)  # E: call-overload reportCallIssue
initializer((3, 4), np.float32, np.empty((3, 4)))  # E: call-overload reportCallIssue
initializer.with_seed("x")  # E: arg-type reportArgumentType

# ---- lazy tensors ----
weights = initializer.lazy((3, 4), "float32")
initializer.lazy((3, 4), "single")  # E: arg-type reportArgumentType
initializer.lazy(3)  # E: arg-type reportArgumentType
initializer.lazy((3, 4), draw="first")  # E: arg-type reportArgumentType
weights["kernel"]  # E: index reportArgumentType
weights.shape = (4, 3)  # E: misc reportAttributeAccessIssue
weights.values  # E: attr-defined reportAttributeAccessIssue

# ---- seeds and settings ----
pyinit.SeedGenerator("x")  # E: arg-type reportArgumentType
pyinit.set_floatx("int32")  # E: arg-type reportArgumentType
pyinit.set_random_seed("x")  # E: arg-type reportArgumentType
pyinit.derive_seed(42, 3)  # E: arg-type reportArgumentType

# ---- manifests ----
pyinit.create_manifest({}, seed="x")  # E: arg-type reportArgumentType
pyinit.materialize("manifest.json", "folder", format="npz")  # E: arg-type reportArgumentType
