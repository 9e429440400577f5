"""R inside this Python process, with arrays that cross both ways without a copy.

rpy2 starts R and calls it; the R package pyinit calls Python by way of reticulate. Both use this
very interpreter, so that objects of Python are the same ones on either side:

    import pyinit.rpy2

    pyinit.rpy2.start()
    x = r.to_r(numpy.zeros((3, 2), order="F"))  # an R matrix, for functions that rpy2 imports
    pyinit.rpy2.from_r(x)  # a NumPy array over the same memory
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

#: Calls a function and returns its value, or the message and the class of its error: rpy2 would
#: print the error too.
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
    """R, once it runs: `rinterface` is rpy2's low-level interface to it."""

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
        """The value of a function of the R package; its error becomes one of Python."""
        return self._call(self._namespace[name], *arguments)

    def end(self) -> None:
        """Ends R: what rpy2 does, but for the finalizers of R objects."""
        library = self.rinterface.openrlib.rlib
        with self.lock:
            self.call("leave_python")
            library.R_dot_Last()
            library.Rf_KillAllDevices()
            library.R_CleanTempDir()


_session: _Session | None = None


def start(lib_paths: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Starts R in this process, unless it runs already, and loads the R package pyinit.

    reticulate is made to use this interpreter, whatever RETICULATE_PYTHON says. When Python ends,
    R ends as rpy2 has it end, except that it does not run the finalizers of R objects: those of
    reticulate would wait for Python for ever, or abort the process.

    A second call does nothing.

    Args:
        lib_paths: Folders in which R looks for packages, before those that it knows.

    Raises:
        ImportError: rpy2, R, or the R package is missing.
        ValueError: `lib_paths` is a string.
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
        session.call("crossings")
    except ImportError as error:
        raise ImportError(
            f"The R package pyinit cannot be loaded: {error}. To install it, from the sources of "
            "pyinit-bridge: R CMD INSTALL rpkg"
        ) from None
    # Imported after reticulate was loaded, which rpy2 would have R comment on, and before the end
    # of R is taken over, since the import registers rpy2's.
    import rpy2.robjects  # noqa: F401

    atexit.unregister(rinterface.endr)
    atexit.register(session.end)
    _session = session


def _start_r() -> Any:
    """rpy2's low-level interface, with R running."""
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
    # what rpy2 raises when R is missing depends on how it was built and on what it finds
    except Exception as error:
        raise ImportError(
            "rpy2 cannot start R, which must be installed (version 4.2 or later) and on the PATH, "
            f"or else its folder be in R_HOME: {type(error).__name__}: {error}"
        ) from error
    return rinterface


def to_r(x: AnyArray) -> Any:
    """An R array over the memory of a NumPy array.

    It shows what Python writes to the NumPy array later, until R first writes to it: then R takes
    a copy of its own.

    Args:
        x: A NumPy array of float64, int32 or bool, or an Arrow array of one of these types,
            without nulls. It is copied unless it is of float64 and in Fortran order or of one
            dimension without gaps.

    Returns:
        The array as an object of rpy2: a `rpy2.robjects.vectors.FloatMatrix`, for instance.

    Raises:
        TypeError: `x` is none of these.
        ValueError: R has no such dimensions.
        ImportError: See `start`.
    """
    session = _started()
    from rpy2.robjects import default_converter

    with session.lock:
        pointer, addresses = session.call("open_crossing")
        shape, shared = calls.send_array(x, list(addresses))
        dimensions = session.rinterface.FloatSexpVector(shape)
        return default_converter.rpy2py(session.call("receive_array", pointer, dimensions, shared))


def from_r(x: Any) -> AnyArray:
    """A NumPy array over the memory of an R array.

    R copies the array before it next writes to it, so the NumPy array keeps its values.

    Args:
        x: A double, integer or logical vector, matrix or array of R without a class, as an object
            of rpy2; integers and logicals must not be NA.

    Returns:
        A read-only view in Fortran order; for logicals a copy, since R has them in 32 bits.

    Raises:
        TypeError: `x` is none of these.
        ValueError: `x` has integers or logicals that are NA.
        ImportError: See `start`.
    """
    session = _started()
    if not isinstance(x, session.rinterface.Sexp):
        received = f"an object of class {type(x).__name__}"
        raise TypeError(f"Argument `x` must be an object of rpy2. Received: {received}")
    with session.lock:
        sent = session.call("send_array", x)
        # `sent` also has the pointer, which keeps what is at the addresses
        _, addresses, shape, logical = sent
        return calls.receive_array(list(addresses), list(shape), logical[0])


def _started() -> _Session:
    """The session, with R started."""
    start()
    assert _session is not None
    return _session
