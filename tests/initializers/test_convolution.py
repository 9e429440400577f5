"""Kernels that are zero except at the centre: DeltaOrthogonal and Dirac."""

import copy
import pickle

import numpy as np
import pytest

import pyinit
from pyinit.dtypes import NUMERIC_DTYPES
from pyinit.initializers import orthogonal
from tests.support import same_bits

#: A kernel of each rank, of odd and even lengths, with the centre of each initializer.
CENTRES = {
    (3, 2, 4): ((1,), (1,)),
    (4, 3, 3): ((1,), (2,)),
    (2, 5, 2, 4): ((0, 2), (1, 2)),
    (1, 6, 7, 3, 6): ((0, 2, 3), (0, 3, 3)),
}


@pytest.mark.parametrize("shape", CENTRES)
def test_delta_orthogonal_is_orthogonal_at_the_centre(shape, float_dtype):
    """Protects the definition: the matrix of Orthogonal at the centre, zeros elsewhere."""
    centre = CENTRES[shape][0]
    kernel = pyinit.DeltaOrthogonal(1.5, seed=7)(shape, float_dtype)
    matrix = pyinit.Orthogonal(1.5, seed=7)(shape[-2:], float_dtype)
    assert same_bits(kernel[centre], matrix)
    kernel[centre] = 0
    assert not kernel.any()
    rows = matrix.astype(np.float64)
    tolerance = {2: 3e-2, 4: 1e-6, 8: 1e-14}[matrix.itemsize]
    np.testing.assert_allclose(rows @ rows.T, 2.25 * np.eye(shape[-2]), atol=tolerance)


def test_delta_orthogonal_preserves_the_norm_of_its_input():
    """Protects users of very deep networks: a circular convolution is an isometry."""
    kernel = pyinit.DeltaOrthogonal(seed=3)((3, 5, 4, 6), "float64")
    image = pyinit.RandomNormal(stddev=1.0, seed=1)((8, 9, 4), "float64")
    convolved = sum(
        np.roll(image, (1 - i, 2 - j), axis=(0, 1)) @ kernel[i, j]
        for i in range(3)
        for j in range(5)
    )
    norms = np.linalg.norm(convolved, axis=-1)
    np.testing.assert_allclose(norms, np.linalg.norm(image, axis=-1), rtol=1e-12)


def test_only_the_centre_draws(monkeypatch):
    """Protects readers of single partitions: elsewhere no matrix is computed, and here one."""
    drawn = []
    orthonormalize = orthogonal.orthonormalize
    monkeypatch.setattr(
        orthogonal, "orthonormalize", lambda matrix: drawn.append(1) or orthonormalize(matrix)
    )
    weights = pyinit.DeltaOrthogonal(seed=1).lazy((3, 3, 20, 30))
    assert not weights.needs_whole
    assert weights.working_memory == pyinit.Orthogonal(seed=1).lazy((20, 30)).working_memory
    assert not weights[0].any()
    assert not weights[1, ::2].any()
    assert not weights[2:, 1].any()
    assert drawn == []
    assert weights[1, 1, 3:5].all()
    assert weights[::-1, 1:, 4][1, 0].all()
    assert drawn == [1]


def test_a_seed_generator_gives_new_kernels():
    """Protects shared generators: one draw for each call that succeeds."""
    generator = pyinit.SeedGenerator(5)
    initializer = pyinit.DeltaOrthogonal(seed=generator)
    first, second = initializer((3, 2, 2)), initializer((3, 2, 2))
    assert not np.array_equal(first, second)
    with pytest.raises(ValueError, match="Argument `shape`"):
        initializer((3, 2))
    assert generator.state == (5, 2)
    assert same_bits(second[1], pyinit.Orthogonal(seed=5).lazy((2, 2), draw=1)[...])


@pytest.mark.parametrize("dtype", NUMERIC_DTYPES)
@pytest.mark.parametrize("groups", [1, 2, 3])
def test_dirac_passes_channels_through(groups, dtype):
    """Protects the definition, element by element, for every dtype and surplus of channels."""
    for inputs, outputs in ((2, 6), (4, 6), (1, 12), (5, 0), (0, 6)):
        for spatial in ((1,), (4,), (3, 2), (2, 3, 5)):
            kernel = pyinit.Dirac(groups)((*spatial, inputs, outputs), dtype)
            expected = np.zeros_like(kernel)
            of_group = outputs // groups
            for group in range(groups):
                for channel in range(min(inputs, of_group)):
                    at = tuple(length // 2 for length in spatial)
                    expected[(*at, channel, group * of_group + channel)] = 1
            assert same_bits(kernel, expected)


def test_invalid_arguments():
    """Protects the messages: they name the argument, what is allowed and what was received."""
    for groups in (0, -1, 1.5, True, "2", None):
        with pytest.raises(ValueError, match="Argument `groups` must be a positive integer"):
            pyinit.Dirac(groups)
    with pytest.raises(ValueError, match="a multiple of groups=2 outputs"):
        pyinit.Dirac(2)((3, 2, 3))
    with pytest.raises(ValueError, match="at most as many inputs as outputs"):
        pyinit.DeltaOrthogonal(seed=1)((3, 3, 2))
    with pytest.raises(ValueError, match="Argument `gain` must be within the range of"):
        pyinit.DeltaOrthogonal(1e6, seed=1)((3, 2, 2), "float16")
    with pytest.raises(ValueError, match="Argument `dtype` must be one of"):
        pyinit.DeltaOrthogonal(seed=1)((3, 2, 2), "int32")
    for initializer in (pyinit.Dirac(), pyinit.DeltaOrthogonal(seed=1)):
        for shape in ((), (2, 2), (1, 1, 1, 1, 2, 2)):
            with pytest.raises(ValueError, match="Argument `shape` must be of rank 3, 4 or 5 for"):
                initializer(shape)


@pytest.mark.parametrize("name", ["delta_orthogonal", "DeltaOrthogonal", "dirac", "Dirac"])
def test_names_and_configurations(name):
    """Protects get(), configurations, copies and pickles."""
    initializer = pyinit.get(name)
    assert type(initializer).__name__.lower() == name.replace("_", "").lower()
    again = pyinit.get(pyinit.serialize(initializer))
    assert type(again) is type(initializer)
    assert again.get_config() == initializer.clone().get_config() == initializer.get_config()
    for same in (copy.deepcopy(initializer), pickle.loads(pickle.dumps(initializer))):
        assert same_bits(same((3, 2, 4)), initializer((3, 2, 4)))
