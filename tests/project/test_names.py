"""Every public name of one language exists in the other."""

import re

import pytest

import pyinit
from pyinit.initializers.registry import CLASSES
from tests.support import ROOT, needs_checkout

NAMESPACE = ROOT / "rpkg" / "NAMESPACE"

pytestmark = needs_checkout

ONLY_IN_R = {
    # methods of Python's objects
    "from_config",
    "get_config",
    # in Python pyinit.rpy2.to_r() and pyinit.rpy2.from_r(), which need R
    "as_numpy",
    "as_r_array",
    # in Python initializer.lazy()
    "lazy_tensor",
    # in Python pyinit.keras.initialize(), since pyinit alone does not import Keras
    "initialize_model",
    # about finding the Python package
    "install_pyinit",
    "pyinit_available",
}
ONLY_IN_PYTHON = {
    # the classes: R has the functions that make them
    "Initializer",
    "LazyTensor",
    "Manifest",
    "SeedGenerator",
    "SignalPropagation",
    "Verification",
    *(cls.__name__ for cls in CLASSES),
    # names of functions of base R: there they end in _initializer, as they do here too
    "deserialize",
    "get",
    "serialize",
    # in R methods of plot()
    "plot",
    # condition classes in R: pyinit_manifest_error and pyinit_difference_error
    "DifferenceError",
    "ManifestError",
    # part of R's show_config()
    "STREAM_VERSION",
}


@pytest.fixture(scope="module")
def exported() -> set[str]:
    """Return the names that the R package exports."""
    return set(re.findall(r"^export\((\w+)\)$", NAMESPACE.read_text(), re.MULTILINE))


def test_every_name_is_in_both_languages(exported):
    """Protects users who switch languages."""
    assert exported >= ONLY_IN_R
    assert set(pyinit.__all__) >= ONLY_IN_PYTHON
    assert set(pyinit.__all__) - ONLY_IN_PYTHON == exported - ONLY_IN_R


def test_names_of_r_are_the_same_functions():
    """Protects the aliases that follow R's names."""
    assert pyinit.get_initializer is pyinit.get
    assert pyinit.serialize_initializer is pyinit.serialize
    assert pyinit.deserialize_initializer is pyinit.deserialize


def test_every_class_has_its_factory(exported):
    """Protects the names of the factories."""
    names = {re.sub("(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower() for cls in CLASSES}
    factories = {name for name in exported if name.startswith("initializer_")}
    # functions without a class of their own: they make a VarianceScaling
    names |= {"kaiming_normal", "kaiming_uniform", "xavier_normal", "xavier_uniform"}
    assert factories == {f"initializer_{name}" for name in names}
