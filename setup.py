"""Adds the C extension, which is optional, to what pyproject.toml says."""

import sysconfig
from pathlib import Path

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel


class Wheel(bdist_wheel):
    """A wheel that is tagged for any platform if the extension could not be compiled."""

    def run(self) -> None:
        """Build the extension first, and then the wheel."""
        self.run_command("build")
        build = self.get_finalized_command("build_ext")
        if not any(Path(file).exists() for file in build.get_outputs()):
            self.distribution.ext_modules = []
            self.root_is_pure = True
            self.py_limited_api = False
        super().run()


#: Python without the GIL has no stable ABI: cffi (2.0 or newer) then builds for this version alone.
HAS_STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")

setup(
    cffi_modules=["pyinit/native/build_kernel.py:ffibuilder"],
    cmdclass={"bdist_wheel": Wheel},
    options={"bdist_wheel": {"py_limited_api": "cp310"}} if HAS_STABLE_ABI else {},
)
