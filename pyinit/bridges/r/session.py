"""R inside this Python process, exchanging arrays without a copy.

rpy2 starts R and calls it; the R package pyinit calls Python through reticulate. Both use this
interpreter, so both sides see the same Python objects. See `pyinit.rpy2`.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterable
from typing import Any

from pyinit.arguments import argument_error
from pyinit.bridges.r import calls
from pyinit.dtypes import AnyArray

#: Calls a function and returns its value, or the message and the class of its error. (rpy2 would
#: print the error as well.)
_ATTEMPT = """
function(f, ...) tryCatch(
  list(f(...)),
  error = function(error) list(conditionMessage(error), class(error)[[1L]])
)
"""

_ERRORS: dict[str, type[Exception]] = {
    "packageNotFoundError": ImportError,
    "pyinit_import_error": ImportError,
    "pyinit_type_error": TypeError,
    "pyinit_value_error": ValueError,
}


class _Session:
    """The running R; `rinterface` is rpy2's low-level interface to it."""

    def __init__(self, rinterface: Any) -> None:
        self.rinterface = rinterface
        self.lock = rinterface.openrlib.rlock
        self._attempt = rinterface.evalr(_ATTEMPT)
        self._namespace = self._call(rinterface.baseenv["loadNamespace"], "pyinit")

    def _call(self, function: Any, *arguments: Any) -> Any:
        value, *error_class = self._attempt(function, *arguments)
        if error_class:
            raise _ERRORS.get(error_class[0][0], RuntimeError)(value[0])
        return value

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a function of the R package. An R error becomes a Python exception."""
        return self._call(self._namespace[name], *arguments)

    def end(self) -> None:
        """End R as rpy2 does, except that R runs no finalizers of its objects."""
        library = self.rinterface.openrlib.rlib
        with self.lock:
            self.call("stop_reticulate_polling")
            library.R_dot_Last()
            library.Rf_KillAllDevices()
            library.R_CleanTempDir()


_session: _Session | None = None


def start(lib_paths: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Start R in this process, unless it is running, and load the R package pyinit.

    reticulate then uses this interpreter, regardless of RETICULATE_PYTHON. When Python ends, R ends
    as under rpy2, except that it runs no finalizers of its objects: reticulate's would wait for
    Python forever, or abort the process.

    A second call does nothing.

    Args:
        lib_paths: Folders in which R looks for packages first.

    Raises:
        ImportError: rpy2, R, or the R package is missing.
        ValueError: `lib_paths` is a string.

    Example:
        import pyinit.rpy2

        pyinit.rpy2.start()  # first: importing rpy2.robjects earlier prints a warning
        from rpy2 import robjects

        robjects.r("pyinit::initializer_he_normal(seed = 1)(c(2, 3))")

    Source: https://rpy2.github.io/doc/latest/html/rinterface.html
    """
    global _session
    if _session is not None:
        return
    if isinstance(lib_paths, str):
        raise argument_error("lib_paths", lib_paths, "a sequence of folders")
    os.environ["RETICULATE_PYTHON"] = sys.executable
    rinterface = _start_r()
    lib_paths_of_r = rinterface.baseenv[".libPaths"]
    lib_paths_of_r(rinterface.StrSexpVector([*map(str, lib_paths), *lib_paths_of_r()]))
    try:
        session = _Session(rinterface)
        session.call("bridge")
    except ImportError as error:
        raise ImportError(
            f"The R package pyinit cannot be loaded: {error}. To install it, from the sources of "
            "pyinit-bridge: R CMD INSTALL rpkg"
        ) from None
    # Imported after reticulate was loaded, since rpy2 would make R print a message then, and before
    # rpy2's exit handler, which the import registers, is replaced.
    import rpy2.robjects  # noqa: F401

    atexit.unregister(rinterface.endr)
    atexit.register(session.end)
    _session = session


def _start_r() -> Any:
    """Start R and return rpy2's low-level interface to it."""
    try:
        import rpy2  # noqa: F401
    except ImportError:
        raise ImportError(
            'rpy2 is needed to run R inside Python: in a checkout, python -m pip install ".[r]"'
        ) from None
    try:
        from rpy2 import rinterface

        if not rinterface.embedded.isinitialized():
            rinterface.initr()
    # the type of rpy2's exception depends on how it was built and on what it finds
    except Exception as error:
        raise ImportError(
            "rpy2 cannot start R, which must be installed (version 4.2 or later) and on the PATH, "
            f"or have its folder in R_HOME: {type(error).__name__}: {error}"
        ) from error
    return rinterface


def to_r(x: Any) -> Any:
    """Return an R array with the values of an array or tensor.

    Values are never rounded: float64, float32, float16 and bfloat16 become doubles; int32 and
    narrower integers become integers; uint32, int64 and uint64 become doubles; bools become
    logicals. An int32 array that contains -2**31, which is NA in R, becomes doubles.

    The R array is over the memory of a float64 or int32 array in Fortran order or of rank 1 and
    contiguous. It then reflects later changes of that array until R first writes to it: then R
    makes a copy. Any other array is copied once, an Arrow array in several chunks once more.

    Args:
        x: A NumPy array or scalar, a tensor of torch, JAX or TensorFlow, a Keras variable, a lazy
            tensor, or an Arrow array without nulls.

    Returns:
        The array as an rpy2 object, such as a `rpy2.robjects.vectors.FloatMatrix`.

    Raises:
        TypeError: `x` is not an array of one of these types, or has a mask or nulls.
        ValueError: An integer is beyond 2**53, or a dimension exceeds R's limit of 2**31 - 1.
        ImportError: R cannot be started, as for `start()`.

    Example:
        import numpy
        import pyinit.rpy2

        x = numpy.zeros((3, 2), order="F")
        matrix = pyinit.rpy2.to_r(x)  # an R matrix over the same memory

    Source: https://arrow.apache.org/docs/format/CDataInterface.html
    """
    session = _started()
    from rpy2.robjects import default_converter

    with session.lock:
        pointer, address = session.call("allocate_transfer")
        shape, shared = calls.send_array(x, address[0])
        dimensions = session.rinterface.FloatSexpVector(shape)
        return default_converter.rpy2py(session.call("receive_array", pointer, dimensions, shared))


def from_r(x: Any) -> AnyArray:
    """Return a NumPy array over the memory of an R array.

    R copies the array before it next writes to it, so the NumPy array keeps its values.

    Args:
        x: A double, integer or logical vector, matrix or array of R without a class, or an array
            of the R packages arrow or nanoarrow, as an rpy2 object; integers and logicals must not
            be NA, Arrow arrays have no nulls.

    Returns:
        A read-only view in Fortran order; for logicals a copy, since R stores them in 32 bits and
        Arrow in one. An Arrow array in several chunks is copied, too.

    Raises:
        TypeError: `x` is not an rpy2 object, not of one of these types, has another class, or has
            nulls.
        ValueError: An integer or logical is NA.
        ImportError: R cannot be started, as for `start()`.

    Example:
        import pyinit.rpy2

        pyinit.rpy2.start()
        from rpy2 import robjects

        values = robjects.r("matrix(c(1, 2, 3, 4), 2)")
        pyinit.rpy2.from_r(values)  # array([[1., 3.], [2., 4.]])

    Source: https://arrow.apache.org/docs/format/CDataInterface.html
    """
    session = _started()
    if not isinstance(x, session.rinterface.Sexp):
        received = f"an object of class {type(x).__name__}"
        raise TypeError(f"Argument `x` must be an object of rpy2. Received: {received}")
    with session.lock:
        sent = session.call("send_array", x)
        # `sent` keeps the pointer, which owns the transfer
        _, address, shape, logical = sent
        sizes = None if shape is session.rinterface.NULL else list(shape)
        return calls.receive_array(address[0], sizes, logical[0])


def _started() -> _Session:
    """Start R if necessary and return the session."""
    start()
    assert _session is not None
    return _session
