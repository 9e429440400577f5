"""torch's modules and tensors, filled in place with the weights that Keras' layers get."""

from pyinit.bridges.torch.init import init_

__all__ = ["init_"]
