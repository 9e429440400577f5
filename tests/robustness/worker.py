"""A process that makes calls and reports their results, a line of JSON for each."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.robustness.oracle import VALUES, Kind, Kinds
from tests.support.memory import limit_memory

#: The memory that a call may take beyond that of the interpreter.
MEMORY = 4 << 30

_MODULES = (
    *("collections", "datetime", "decimal", "fractions", "itertools", "math", "pathlib"),
    *("ml_dtypes", "numpy", "pyinit"),
)


def namespace(folder: Path) -> dict[str, Any]:
    """Return the names that the expressions of the data files use."""
    names: dict[str, Any] = {name: importlib.import_module(name) for name in _MODULES}
    import pyinit
    from tests.robustness import hostile, models

    manifest = pyinit.create_manifest([{"name": "a", "shape": (2,), "initializer": "zeros"}])
    manifest_path = folder / "manifest.json"
    pyinit.write_manifest(manifest, manifest_path)
    count = itertools.count()

    def new_path() -> Path:
        # the current folder is emptied after each call
        return Path(f"new_{next(count)}.safetensors").absolute()

    return {
        **names,
        "hostile": hostile,
        "models": models,
        "manifest": manifest,
        "manifest_path": manifest_path,
        "folder": folder,
        "new_path": new_path,
    }


def result_of(call: Callable[[], Any], value: str, argument: str, kind: Kind) -> tuple[str, str]:
    """Make a call; return its result and the message of its error."""
    allowed, either = value in kind.accepts, value in kind.either
    try:
        call()
    except (KeyboardInterrupt, SystemExit):
        raise
    except MemoryError as error:
        return ("rejected" if either else "hanging"), f"MemoryError: {error}"
    except BaseException as error:
        message = _message(error)
        if allowed:
            return "rejected wrongly", message
        names = {cls.__name__ for cls in type(error).__mro__}
        # an error of the operating system names the file
        names_file = isinstance(error, OSError) and error.filename is not None
        is_clear = not names.isdisjoint(kind.errors) and (
            names_file
            or all(re.search(part.replace("{argument}", argument), message) for part in kind.named)
        )
        return ("rejected" if is_clear else "rejected unclearly"), message
    return ("accepted" if allowed or either else "accepted wrongly"), ""


def _message(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:1000]
    except Exception:
        return f"{type(error).__name__} without a message"


def main() -> None:
    """Make the calls that standard input lists, after the first `start` of them."""
    start = int(sys.argv[1])
    cases = json.load(sys.stdin)
    warnings.simplefilter("ignore")
    kinds = Kinds()
    files = Path(tempfile.mkdtemp())
    os.chdir(tempfile.mkdtemp())
    names = namespace(files)
    for module in sorted({case["module"] for case in cases}):
        importlib.import_module(module)
        names[module.partition(".")[0]] = importlib.import_module(module.partition(".")[0])
    limit_memory(MEMORY)
    report = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the calls print
    codes: dict[str, Any] = {}
    for index in range(start, len(cases)):
        case = cases[index]
        report.write(f"{index}\n")
        for source in (VALUES[case["value"]], case["source"]):
            if source not in codes:
                codes[source] = compile(source, source, "eval")
        value = eval(codes[VALUES[case["value"]]], names)
        scope = {**names, "value": value}
        result = result_of(
            lambda scope=scope, code=codes[case["source"]]: eval(code, scope),
            case["value"],
            case["argument"],
            kinds[case["kind"]],
        )
        report.write(json.dumps([index, *result]) + "\n")
        for entry in os.scandir():
            shutil.rmtree(entry) if entry.is_dir() else os.unlink(entry)
    report.flush()
    shutil.rmtree(files, ignore_errors=True)
    os._exit(0)  # without destructors of hostile objects


if __name__ == "__main__":
    main()
