"""torch's modules and tensors, filled in place with the weights that Keras' layers get."""

from pyinit.bridges.torch.init import init_
from pyinit.bridges.torch.manifests import manifest

__all__ = ["init_", "manifest"]
