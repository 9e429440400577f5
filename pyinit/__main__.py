"""The command `pyinit`, also as `python -m pyinit`."""

from __future__ import annotations

import sys

from pyinit.versions import __version__


def main() -> int:
    """Run the command and return its exit status."""
    try:
        from pyinit.cli import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("click", "rich"):
            raise
        if sys.argv[1:] == ["--version"]:
            print(f"pyinit, version {__version__}")
            return 0
        print(
            "The command pyinit needs the packages of the extra [cli]: in a checkout, python "
            '-m pip install ".[cli]"',
            file=sys.stderr,
        )
        return 2
    return run()


if __name__ == "__main__":
    sys.exit(main())
