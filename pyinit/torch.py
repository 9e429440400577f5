"""For users of torch: initial weights in place, for tensors and for whole modules.

import pyinit.torch

pyinit.torch.init_(module, seed=42)
"""

from pyinit.bridges.torch import init_

__all__ = ["init_"]
