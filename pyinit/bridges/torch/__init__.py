"""The bridge to torch: modules and tensors get the weights of Keras' layers."""

from pyinit.bridges.torch.init import init_
from pyinit.bridges.torch.manifests import create_manifest, verify_stage
from pyinit.bridges.torch.param_init import param_init_fn

__all__ = ["create_manifest", "init_", "param_init_fn", "verify_stage"]
