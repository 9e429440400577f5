"""torch tensors and modules: fill them with initial weights in place.

Example:
    import pyinit.torch

    pyinit.torch.init_(module, seed=42)
    pyinit.write_manifest(pyinit.torch.create_manifest(module, seed=42), "manifest.json")
"""

from pyinit.bridges.frameworks import framework_required

with framework_required("torch", "torch"):
    from pyinit.bridges.torch import create_manifest, init_, param_init_fn, verify_stage

__all__ = ["create_manifest", "init_", "param_init_fn", "verify_stage"]
