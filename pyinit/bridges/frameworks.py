"""The error for a framework that is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def framework_required(package: str, name: str) -> Iterator[None]:
    """Name a missing framework, and the command that installs it, in the ImportError.

    Args:
        package: The framework's package, in Python and for pip.
        name: The name of the framework.
    """
    try:
        yield
    except ImportError as error:
        # an ImportError inside an installed framework has its own message
        if error.name != package:
            raise
        raise ImportError(
            f"pyinit.{package} needs {name}, which is not installed: pip install {package}",
            name=package,
        ) from error
