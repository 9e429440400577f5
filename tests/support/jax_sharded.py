"""Sharded tensors of JAX: bridges/jax/test_sharding.py runs the functions on eight devices.

The arguments are the names of the functions to run.
"""

import math
import os
import sys
from contextlib import nullcontext

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.layout import Format, Layout
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import pyinit
import pyinit.jax
from benchmarks.memory import peak_of
from pyinit.bridges.jax import xla_call
from tests.support import RANDOM, same_bits
from tests.support.recorded_reads import reads

KEY = jax.random.key(42)
SHAPE = (8, 16)
MESHES = [(1, 1), (2, 1), (4, 1), (8, 1), (4, 2), (2, 4)]
SPECS = [
    PartitionSpec("a", "b"),
    PartitionSpec("b", "a"),
    PartitionSpec(("a", "b")),
    PartitionSpec(None, ("b", "a")),
    PartitionSpec(None, "b"),
    PartitionSpec(),
]


def mesh_of(shape, types=AxisType.Auto):
    """Return a mesh with the axes a and b."""
    count = int(np.prod(shape))
    return jax.make_mesh(shape, ("a", "b"), axis_types=(types,) * 2, devices=jax.devices()[:count])


def check(array, expected, sharding):
    """Check the values of an array, on each device, and its sharding."""
    assert array.sharding.is_equivalent_to(sharding, array.ndim), (array.sharding, sharding)
    assert same_bits(np.asarray(array), expected)
    for shard in array.addressable_shards:
        assert same_bits(np.asarray(shard.data), expected[shard.index])


def calls(initialize, sharding, explicit):
    """Yield all ways to draw a sharded tensor, as functions of a key."""
    spec, mesh = sharding.spec, sharding.mesh

    def draw(key, **options):
        return initialize(key, SHAPE, jnp.float32, **options)

    def constrain(values):
        if explicit:
            return jax.sharding.reshard(values, spec)
        return jax.lax.with_sharding_constraint(values, sharding)

    yield "eager", None, lambda key: draw(key, out_sharding=sharding)
    yield "eager, a spec", mesh, lambda key: draw(key, out_sharding=spec)
    yield "jit, out_shardings", None, jax.jit(draw, out_shardings=sharding)
    yield "jit, out_shardings, mesh in use", mesh, jax.jit(draw, out_shardings=sharding)
    yield "jit, a constraint", mesh, jax.jit(lambda key: constrain(draw(key)))
    yield "jit, out_sharding", None, jax.jit(lambda key: draw(key, out_sharding=sharding))
    yield "jit, a spec", mesh, jax.jit(lambda key: draw(key, out_sharding=spec))
    yield "jit, an integer", mesh, jax.jit(lambda key: draw(42, out_sharding=spec))


def check_values(all_meshes=MESHES):
    """Check the values and the shapes of draws on all meshes, eager and traced."""
    initialize = pyinit.jax.initializer(pyinit.HeNormal())
    expected = pyinit.HeNormal(42)(SHAPE)
    for types in (AxisType.Auto, AxisType.Explicit):
        for shape in all_meshes if types is AxisType.Auto else all_meshes[-2:]:
            mesh = mesh_of(shape, types)
            for spec in SPECS if (types, shape) == (AxisType.Auto, (4, 2)) else SPECS[:1]:
                sharding = NamedSharding(mesh, spec)
                for name, in_use, call in calls(initialize, sharding, types is AxisType.Explicit):
                    reads.clear()
                    with nullcontext() if in_use is None else jax.set_mesh(in_use):
                        array = jax.block_until_ready(call(KEY))
                    case = name, types, shape, spec
                    check(array, expected, sharding)
                    assert set(reads) == {sharding.shard_shape(SHAPE)}, (case, reads)


def check_classes():
    """Check every random class in traced code, also those that need the whole tensor."""
    mesh = mesh_of((4, 2))
    sharding = NamedSharding(mesh, PartitionSpec("a", "b"))
    for make in RANDOM.values():
        initialize = pyinit.jax.initializer(make(7))
        for dtype in (jnp.float32, jnp.bfloat16):
            compiled = jax.jit(lambda key: initialize(key, SHAPE, dtype), out_shardings=sharding)  # noqa: B023
            check(compiled(KEY), make(42)(SHAPE, dtype), sharding)
    for ours in (pyinit.Constant(np.arange(128.0).reshape(SHAPE)), pyinit.Identity()):
        compiled = jax.jit(
            lambda key: pyinit.jax.initializer(ours)(key, SHAPE),  # noqa: B023
            out_shardings=sharding,
        )
        check(compiled(KEY), ours(SHAPE), sharding)


def check_transformations():
    """Check vmap, scan, nested loops and donated arguments with sharded results."""
    mesh = mesh_of((4, 2))
    initialize = pyinit.jax.initializer(pyinit.HeNormal())
    keys = jax.random.split(KEY, (4, 3))
    expected = np.array([[np.asarray(initialize(key, SHAPE)) for key in row] for row in keys])
    twice = jax.vmap(jax.vmap(lambda key: initialize(key, SHAPE)))
    assert same_bits(np.asarray(twice(keys)), expected)
    for spec, tile in (
        (PartitionSpec(None, None, "a", "b"), (2, 8)),
        (PartitionSpec("a", None, "b"), (4, 16)),
    ):
        sharding = NamedSharding(mesh, spec)
        reads.clear()
        check(jax.jit(twice, out_shardings=sharding)(keys), expected, sharding)
        assert set(reads) == {tile}, reads
    sharding = NamedSharding(mesh, PartitionSpec(None, "a", "b"))
    inner = NamedSharding(mesh, PartitionSpec("a", "b"))
    batched = jax.jit(jax.vmap(lambda key: initialize(key, SHAPE, out_sharding=inner)))
    reads.clear()
    check(batched(keys[0]), expected[0], sharding)
    assert set(reads) == {(2, 8)}, reads
    per_device = jax.shard_map(
        lambda keys: initialize(keys[0, 0], SHAPE)[None],
        mesh=mesh,
        in_specs=PartitionSpec("a"),
        out_specs=PartitionSpec("a"),
    )
    check(jax.jit(per_device)(keys), expected[:, 0], NamedSharding(mesh, PartitionSpec("a")))
    slope = jax.jit(jax.grad(lambda factor: (factor * initialize(KEY, SHAPE)).sum()))(1.0)
    np.testing.assert_allclose(slope, pyinit.HeNormal(42)(SHAPE).sum(), rtol=1e-4)
    stacked = jax.jit(
        lambda keys: jax.lax.map(lambda key: initialize(key, SHAPE), keys), out_shardings=sharding
    )
    reads.clear()
    check(stacked(keys[0]), expected[0], sharding)
    assert set(reads) == {(2, 8)}, reads
    donating = jax.jit(
        lambda old, key: old * 0 + initialize(key, SHAPE), donate_argnums=0, out_shardings=sharding
    )
    old = jax.device_put(np.ones((3, *SHAPE), np.float32), sharding)
    check(donating(old, keys[0, 0]), expected[:1, 0].repeat(3, 0), sharding)


def check_uneven():
    """Check a sharding that JAX allows in traced code only: the last shards are smaller."""
    sharding = NamedSharding(mesh_of((4, 2)), PartitionSpec("a", "b"))
    initialize = pyinit.jax.initializer(pyinit.HeNormal())
    for shape in ((7, 3), (1, 5), (9, 2)):
        compiled = jax.jit(
            lambda key: jax.lax.with_sharding_constraint(initialize(key, shape), sharding).sum(0)  # noqa: B023
        )
        expected = jax.jit(lambda values: values.sum(0))(pyinit.HeNormal(42)(shape))
        np.testing.assert_allclose(np.asarray(compiled(KEY)), np.asarray(expected), rtol=1e-5)
        reads.clear()
        compiled(KEY).block_until_ready()
        assert max(size for size, _ in reads) == -(-shape[0] // 4), reads
        with pytest.raises(ValueError, match="`out_sharding` must be a sharding that divides"):
            initialize(KEY, shape, out_sharding=sharding)


def check_callbacks():
    """Check the draw on other platforms, which the CPU can do too."""
    xla_call.IS_AVAILABLE = False
    initialize = pyinit.jax.initializer(pyinit.HeNormal())
    expected = pyinit.HeNormal(42)(SHAPE)
    for types in (AxisType.Auto, AxisType.Explicit):
        mesh = mesh_of((4, 2), types)
        for spec in SPECS[:2]:
            sharding = NamedSharding(mesh, spec)
            for name, in_use, call in calls(initialize, sharding, types is AxisType.Explicit):
                reads.clear()
                with nullcontext() if in_use is None else jax.set_mesh(in_use):
                    check(jax.block_until_ready(call(KEY)), expected, sharding)
                if "spec" in name or "out_sharding" in name.split(", "):
                    assert set(reads) == {sharding.shard_shape(SHAPE)}, (name, spec, reads)
    keys = jax.random.split(KEY, 3)
    stacked = jax.jit(jax.vmap(lambda key: initialize(key, SHAPE)))(keys)
    assert same_bits(np.asarray(stacked[2]), np.asarray(initialize(keys[2], SHAPE)))


def check_layouts():
    """Check `layout=`: a spec, a sharding, a format, eager and traced, and the errors."""
    mesh = mesh_of((4, 2))
    spec = PartitionSpec("a", "b")
    sharding = NamedSharding(mesh, spec)
    ours = pyinit.HeNormal(42)
    expected = ours(SHAPE)
    transposed = Format(Layout(major_to_minor=(1, 0)), sharding)
    for layout in (spec, sharding, transposed):
        with jax.set_mesh(mesh):
            array = ours(SHAPE, layout=layout)
            reads.clear()
            traced = jax.jit(lambda: ours(SHAPE, layout=layout))()  # noqa: B023
            traced.block_until_ready()
            assert set(reads) == {(2, 8)}, reads
        check(array, expected, sharding)
        check(traced, expected, sharding)
        if layout is transposed:
            assert array.format.layout.major_to_minor == (1, 0)
    initialize = pyinit.jax.initializer(ours)
    array = initialize(KEY, SHAPE, out_sharding=transposed)
    assert array.format.layout.major_to_minor == (1, 0)
    single = jax.sharding.SingleDeviceSharding(jax.devices()[3])
    check(ours(SHAPE, layout=single), expected, single)
    generator = pyinit.SeedGenerator(1)
    for layout, message in {
        spec: "no mesh is in use: enter `with jax.set_mesh",
        NamedSharding(mesh, PartitionSpec(None, None, "a")): "of at most 2 axes",
        NamedSharding(mesh.abstract_mesh, spec): "no mesh is in use",
        "a": "a jax.sharding.PartitionSpec over the mesh in use",
        Format(None, None): "a jax.sharding.PartitionSpec over the mesh in use",
    }.items():
        for name, call in {
            "layout": lambda layout: pyinit.HeNormal(generator)(SHAPE, layout=layout),
            "out_sharding": lambda layout: initialize(KEY, SHAPE, out_sharding=layout),
        }.items():
            with pytest.raises(ValueError, match=f"Argument `{name}` must be .*{message}"):
                call(layout)
    with jax.set_mesh(mesh), pytest.raises(ValueError, match=r"of the axes \('a', 'b'\)"):
        pyinit.HeNormal(generator)(SHAPE, layout=PartitionSpec("model"))
    with pytest.raises(ValueError, match="a sharding that divides the shape"):
        pyinit.HeNormal(generator)((7, 16), layout=sharding)
    assert generator.state == (1, 0)


def check_failures():
    """Check that an error of a draw in compiled code is raised, with its message."""

    class Failing(pyinit.HeNormal):
        def _lazy(self, shape, dtype, draw=None):
            weights = super()._lazy(shape, dtype, draw)
            return weights if self.seed != 42 else weights.missing

    initialize = pyinit.jax.initializer(Failing(1))
    sharding = NamedSharding(mesh_of((4, 2)), PartitionSpec("a", "b"))
    compiled = jax.jit(lambda key: initialize(key, SHAPE), out_shardings=sharding)
    with pytest.raises(Exception, match=r"AttributeError: .*'missing'"):
        compiled(KEY).block_until_ready()
    compiled(jax.random.key(1)).block_until_ready()


def check_cache():
    """Check that compiled code that JAX keeps in files gives the values of its own initializer."""
    sharding = NamedSharding(mesh_of((4, 2)), PartitionSpec("a", "b"))
    for ours in (pyinit.HeNormal(), pyinit.HeUniform()):
        initialize = pyinit.jax.initializer(ours)
        compiled = jax.jit(lambda key: initialize(key, SHAPE), out_shardings=sharding)  # noqa: B023
        check(compiled(KEY), ours.with_seed(42)(SHAPE), sharding)
    assert os.listdir(os.environ["JAX_COMPILATION_CACHE_DIR"])


def check_gspmd():
    """Check the older partitioner of XLA."""
    jax.config.update("jax_use_shardy_partitioner", False)
    check_values([(2, 4)])


def check_memory():
    """Check that a sharded draw of 64 MiB takes little more memory than its result."""
    shape = (4096, 4096)
    sharding = NamedSharding(mesh_of((4, 2)), PartitionSpec("a", "b"))
    initialize = pyinit.jax.initializer(pyinit.HeNormal())
    for name, call in {
        "eager": lambda: initialize(KEY, shape, out_sharding=sharding),
        "layout": lambda: pyinit.HeNormal(1)(shape, layout=sharding),
        "jit": jax.jit(lambda: initialize(KEY, shape), out_shardings=sharding),
        "jit, out_sharding": jax.jit(lambda: initialize(KEY, shape, out_sharding=sharding)),
    }.items():
        if hasattr(call, "lower"):
            call = call.lower().compile()
        peak = peak_of(lambda: jax.block_until_ready(call()))  # noqa: B023
        print(f"{name}: {peak / 2**20:.0f} MiB")
        assert peak <= 1.3 * 4 * math.prod(shape), name


def check_mesh_in_use():
    """Check an eager call under a mesh, which gives an array of the mesh, as JAX's own."""
    ours, theirs = pyinit.jax.initializer("he_normal"), jax.nn.initializers.he_normal()
    for types in (AxisType.Auto, AxisType.Explicit):
        with jax.set_mesh(mesh_of((4, 2), types)):
            reads.clear()
            array = ours(KEY, SHAPE)
            check(array, pyinit.HeNormal(42)(SHAPE), theirs(KEY, SHAPE).sharding)
            assert reads == [SHAPE]


if __name__ == "__main__":
    assert jax.device_count() == 8
    for function in sys.argv[1:]:
        globals()[function]()
