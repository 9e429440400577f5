"""The command `pyinit`, also as `python -m pyinit`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command and return its exit status."""
    try:
        from pyinit.cli import run
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("click", "rich"):
            raise
        print(
            f"The command pyinit needs the package {missing} (pip install {missing}). The extra "
            "[manifest] of pyinit-bridge installs all packages that the command needs.",
            file=sys.stderr,
        )
        return 2
    return run()


if __name__ == "__main__":
    sys.exit(main())
