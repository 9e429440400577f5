"""Load a model of tf_keras; print the classes of the initializers of its first layer.

Usage: python tf_keras_load.py FIRST FILE, where FIRST is the package to import first.
"""

import importlib
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
first, file = sys.argv[1:]
for name in sorted(["pyinit.compat.tf_keras", "tf_keras"], reverse=first == "tf_keras"):
    importlib.import_module(name)
layer = sys.modules["tf_keras"].models.load_model(file).layers[0]
for initializer in (layer.kernel_initializer, layer.bias_initializer):
    cls = type(initializer)
    print(f"{cls.__module__}.{cls.__qualname__}")
