"""The row for the R package."""

from __future__ import annotations

import re

from conformance.processes import found, output, version
from conformance.rows import Outcome, Row, State

CODE = """
result <- pyinit::self_test()
if (!isTRUE(result)) stop(format(result))
print(result)
"""


def rows() -> list[Row]:
    """Return the only row."""
    return [Row("R", "native kernel", "", _self_test)]


def _self_test() -> Outcome:
    # runs in the environment of script/env
    said = output([found("Rscript"), "-e", CODE])
    counts = re.search(r"all (\d+) .* (\d+) of them in R too", said, re.DOTALL)
    text = f"{counts[1]} vectors, {counts[2]} of them compared in R too" if counts else "passed"
    return Outcome(State.PASSED, text, (f"R {version('Rscript')}",))
