"""Adds the C extension to what pyproject.toml says."""

from setuptools import setup

setup(
    cffi_modules=["pyinit/native/build_kernel.py:ffibuilder"],
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
