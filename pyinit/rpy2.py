"""R inside this Python process, exchanging arrays without a copy.

Example:
    import pyinit.rpy2

    pyinit.rpy2.start()
    x = pyinit.rpy2.to_r(numpy.zeros((3, 2), order="F"))  # an R matrix, for functions of rpy2
    pyinit.rpy2.from_r(x)  # a NumPy array over the same memory
"""

from pyinit.bridges.r.session import from_r, start, to_r

__all__ = ["from_r", "start", "to_r"]
