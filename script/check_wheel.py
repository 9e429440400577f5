"""Check an installed wheel: draw the golden vectors with the kernel that it carries.

script/wheels runs this file in environments that have only the wheel and its dependencies.

Usage: check_wheel.py [LEVEL...]: the ISA levels that the kernel must have
"""

import platform
import sys
from pathlib import Path

import numpy as np

import pyinit
from pyinit import native


def main() -> int:
    """Print one line about the wheel; return 1 if it is not as expected."""
    expected = tuple(sys.argv[1:])
    result = pyinit.self_test()
    print(f"Python {platform.python_version()}, NumPy {np.__version__}: {result}")
    if native.isa_levels() != expected:
        print(f"expected the ISA levels {expected}; the kernel has {native.isa_levels()}")
        return 1
    if Path(pyinit.__file__).parents[1] == Path(__file__).parents[1]:
        print("this is the checkout, not an installed wheel")
        return 1
    return 0 if result else 1


if __name__ == "__main__":
    sys.exit(main())
