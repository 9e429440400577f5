"""For users of torch: initial weights in place, for tensors and for whole modules.

import pyinit.torch

pyinit.torch.init_(module, seed=42)
pyinit.write_manifest(pyinit.torch.create_manifest(module, seed=42), "manifest.json")
"""

from pyinit.bridges.torch import create_manifest, init_

__all__ = ["create_manifest", "init_"]
