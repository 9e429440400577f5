"""torch's modules and tensors, filled in place with the weights that Keras' layers get."""

from pyinit.bridges.torch.init import init_
from pyinit.bridges.torch.manifests import create_manifest

__all__ = ["create_manifest", "init_"]
