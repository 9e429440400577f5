"""Keras' weight initializers with one random stream: the same bits in Python and in R.

>>> import pyinit
>>> initializer = pyinit.initializer_variance_scaling(scale=2, seed=1)
>>> initializer
VarianceScaling(scale=2, mode='fan_in', distribution='truncated_normal', seed=1)
>>> values = initializer(shape=(2, 2))
>>> values.shape, values.dtype
((2, 2), dtype('float32'))

The modules `pyinit.keras`, `pyinit.torch`, `pyinit.jax`, `pyinit.dask` and `pyinit.rpy2` are
imported when they are first accessed.
"""

from typing import TYPE_CHECKING, Any

from pyinit import bridges
from pyinit.dtypes import floatx, set_floatx
from pyinit.initializers import *
from pyinit.reproducibility.fingerprint import fingerprint
from pyinit.runtime.devices import default_device, set_default_device
from pyinit.runtime.diagnostics import show_config
from pyinit.runtime.threads import num_threads, set_num_threads
from pyinit.seeds import SeedGenerator, derive_seed, random_seed_generator, set_random_seed
from pyinit.versions import STREAM_VERSION
from pyinit.versions import __version__ as __version__

if TYPE_CHECKING:
    from pyinit import compat as compat
    from pyinit import dask as dask
    from pyinit import jax as jax
    from pyinit import keras as keras
    from pyinit import rpy2 as rpy2
    from pyinit import torch as torch
    from pyinit.manifests.creation import create_manifest
    from pyinit.manifests.materialization import materialize
    from pyinit.manifests.merging import merge_manifests
    from pyinit.manifests.model import DifferenceError, Manifest, ManifestError
    from pyinit.manifests.reading import read_manifest
    from pyinit.manifests.verification import Verification, verify
    from pyinit.manifests.writing import write_manifest
    from pyinit.plots.signal_figure import plot_signal
    from pyinit.plots.signal_propagation import SignalPropagation, signal_propagation
    from pyinit.plots.tensor_figure import plot
    from pyinit.reproducibility.golden import self_test

# written out: type checkers do not follow a sum of lists
__all__ = [
    "STFT",
    "STREAM_VERSION",
    "Constant",
    "DeltaOrthogonal",
    "DifferenceError",
    "Dirac",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LazyTensor",
    "LecunNormal",
    "LecunUniform",
    "Manifest",
    "ManifestError",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "SeedGenerator",
    "SignalPropagation",
    "TruncatedNormal",
    "VarianceScaling",
    "Verification",
    "Zeros",
    "calculate_gain",
    "compute_fans",
    "create_manifest",
    "default_device",
    "derive_seed",
    "deserialize",
    "deserialize_initializer",
    "fingerprint",
    "floatx",
    "get",
    "get_initializer",
    "initializer_constant",
    "initializer_delta_orthogonal",
    "initializer_dirac",
    "initializer_glorot_normal",
    "initializer_glorot_uniform",
    "initializer_he_normal",
    "initializer_he_uniform",
    "initializer_identity",
    "initializer_kaiming_normal",
    "initializer_kaiming_uniform",
    "initializer_lecun_normal",
    "initializer_lecun_uniform",
    "initializer_ones",
    "initializer_orthogonal",
    "initializer_random_normal",
    "initializer_random_uniform",
    "initializer_stft",
    "initializer_truncated_normal",
    "initializer_variance_scaling",
    "initializer_xavier_normal",
    "initializer_xavier_uniform",
    "initializer_zeros",
    "map_partitions",
    "materialize",
    "merge_manifests",
    "num_threads",
    "plot",
    "plot_signal",
    "random_seed_generator",
    "read_manifest",
    "self_test",
    "serialize",
    "serialize_initializer",
    "set_default_device",
    "set_floatx",
    "set_num_threads",
    "set_random_seed",
    "show_config",
    "signal_propagation",
    "verify",
    "write_manifest",
]

#: Names imported on first access, which keeps `import pyinit` quick.
_LAZY_NAMES = {
    "DifferenceError": "pyinit.manifests.model",
    "Manifest": "pyinit.manifests.model",
    "ManifestError": "pyinit.manifests.model",
    "SignalPropagation": "pyinit.plots.signal_propagation",
    "Verification": "pyinit.manifests.verification",
    "create_manifest": "pyinit.manifests.creation",
    "materialize": "pyinit.manifests.materialization",
    "merge_manifests": "pyinit.manifests.merging",
    "plot": "pyinit.plots.tensor_figure",
    "plot_signal": "pyinit.plots.signal_figure",
    "read_manifest": "pyinit.manifests.reading",
    "self_test": "pyinit.reproducibility.golden",
    "signal_propagation": "pyinit.plots.signal_propagation",
    "verify": "pyinit.manifests.verification",
    "write_manifest": "pyinit.manifests.writing",
}
#: Modules imported on first access, and the package that each of them needs.
_LAZY_MODULES = {
    "compat": "pyinit",
    "dask": "dask",
    "jax": "jax",
    "keras": "keras",
    "rpy2": "rpy2",
    "torch": "torch",
}


if not TYPE_CHECKING:  # else a type checker would accept any name

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        if name in _LAZY_MODULES:
            return import_module(f"pyinit.{name}")
        if name not in _LAZY_NAMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals().setdefault(name, getattr(import_module(_LAZY_NAMES[name]), name))


def __dir__() -> list[str]:
    from importlib.util import find_spec

    # tools access every listed name, which fails if the package is missing
    modules = [name for name, package in _LAZY_MODULES.items() if find_spec(package)]
    return sorted([*__all__, "__version__", "initializers", *modules])


bridges.attach()
