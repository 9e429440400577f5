"""Keras' weight initializers with one random stream: the same bits in Python and in R.

>>> import pyinit
>>> initializer = pyinit.initializer_variance_scaling(scale=2, seed=1)
>>> initializer
VarianceScaling(scale=2, mode='fan_in', distribution='truncated_normal', seed=1)
>>> values = initializer(shape=(2, 2))
>>> values.shape, values.dtype
((2, 2), dtype('float32'))
"""

from typing import TYPE_CHECKING, Any

from pyinit import bridges
from pyinit.dtypes import floatx, set_floatx
from pyinit.initializers.base import Initializer
from pyinit.initializers.constant import Constant, Identity, Ones, Zeros
from pyinit.initializers.factories import (
    initializer_constant,
    initializer_glorot_normal,
    initializer_glorot_uniform,
    initializer_he_normal,
    initializer_he_uniform,
    initializer_identity,
    initializer_lecun_normal,
    initializer_lecun_uniform,
    initializer_ones,
    initializer_orthogonal,
    initializer_random_normal,
    initializer_random_uniform,
    initializer_stft,
    initializer_truncated_normal,
    initializer_variance_scaling,
    initializer_zeros,
)
from pyinit.initializers.fans import compute_fans
from pyinit.initializers.orthogonal import Orthogonal
from pyinit.initializers.random import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from pyinit.initializers.registry import (
    deserialize,
    deserialize_initializer,
    get,
    get_initializer,
    serialize,
    serialize_initializer,
)
from pyinit.initializers.stft import STFT
from pyinit.reproducibility.fingerprint import fingerprint
from pyinit.reproducibility.golden import self_test
from pyinit.runtime.devices import default_device, set_default_device
from pyinit.runtime.diagnostics import show_config
from pyinit.runtime.threads import set_num_threads
from pyinit.seeds import (
    SeedGenerator,
    derive_seed,
    random_seed_generator,
    set_random_seed,
)
from pyinit.stream import STREAM_VERSION

if TYPE_CHECKING:
    from pyinit.manifests.creation import create_manifest
    from pyinit.manifests.materialization import materialize
    from pyinit.manifests.model import DifferenceError, Manifest, ManifestError
    from pyinit.manifests.reading import read_manifest
    from pyinit.manifests.verification import Verification, verify
    from pyinit.manifests.writing import write_manifest

__version__ = "0.1.0"

#: What is imported when it is first asked for: `import pyinit` must be quick.
_LATER = {
    "DifferenceError": "pyinit.manifests.model",
    "Manifest": "pyinit.manifests.model",
    "ManifestError": "pyinit.manifests.model",
    "Verification": "pyinit.manifests.verification",
    "create_manifest": "pyinit.manifests.creation",
    "materialize": "pyinit.manifests.materialization",
    "read_manifest": "pyinit.manifests.reading",
    "verify": "pyinit.manifests.verification",
    "write_manifest": "pyinit.manifests.writing",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return globals().setdefault(name, getattr(import_module(_LATER[name]), name))


def __dir__() -> list[str]:
    return [*globals(), *_LATER]


bridges.attach()

__all__ = [
    "STFT",
    "STREAM_VERSION",
    "Constant",
    "DifferenceError",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Manifest",
    "ManifestError",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "SeedGenerator",
    "TruncatedNormal",
    "VarianceScaling",
    "Verification",
    "Zeros",
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
    "initializer_glorot_normal",
    "initializer_glorot_uniform",
    "initializer_he_normal",
    "initializer_he_uniform",
    "initializer_identity",
    "initializer_lecun_normal",
    "initializer_lecun_uniform",
    "initializer_ones",
    "initializer_orthogonal",
    "initializer_random_normal",
    "initializer_random_uniform",
    "initializer_stft",
    "initializer_truncated_normal",
    "initializer_variance_scaling",
    "initializer_zeros",
    "materialize",
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
    "verify",
    "write_manifest",
]
