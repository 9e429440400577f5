"""Rows of BLAS libraries: NumPy's OpenBLAS, with its kernels for several processors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.builds import ask_for_x86
from conformance.pythons import NEWEST, OLDEST, VERSIONS, Packages, ask, interpreter
from conformance.rows import NotRunError, Outcome, Result, Row, State, passed
from pyinit import native
from pyinit.runtime import kernel_choice

#: The processors, each with the level of our kernel that shows whether this one runs its kernels.
PROCESSORS = {"Prescott": "baseline", "Nehalem": "baseline", "Haswell": "v3", "SkylakeX": "v4"}
THREADS = (1, 2)


def rows() -> Iterator[Row]:
    """A row for each processor, NumPy and number of threads."""
    for processor in PROCESSORS:
        for packages in (OLDEST, NEWEST):
            for count in THREADS:
                yield Row(
                    f"OpenBLAS for {processor}",
                    f"{packages.name}, reference, threads",
                    str(count),
                    partial(_self_test, processor, packages, count),
                )


def contrast(results: list[Result]) -> Result:
    """How many results one matrix has under them: from NumPy's factorization, and from ours."""
    found = [r.outcome.digests for r in results if "qr" in r.outcome.digests]
    numpy, ours = (len({digests[name] for digests in found}) for name in ("qr", "orthogonal"))
    if found:
        text = f"numpy.linalg.qr: {numpy} different results over {len(found)}; ours: {ours}"
        outcome = Outcome(State.PASSED if ours == 1 else State.FAILED, text)
    else:
        outcome = Outcome(State.NOT_RUN, "none of them was run")
    row = Row("all of these", "Orthogonal beside numpy.linalg.qr", "", lambda: outcome)
    return Result(row, outcome, 0)


def _self_test(processor: str, packages: Packages, count: int) -> Outcome:
    ask_for_x86()
    if PROCESSORS[processor] not in native.isa_levels():
        raise NotRunError("this processor lacks its instructions")
    variables = {
        kernel_choice.VARIABLE: "reference",
        "OPENBLAS_CORETYPE": processor,
        "OPENBLAS_NUM_THREADS": str(count),
    }
    found = ask(_version(packages), packages, variables, "--blas")
    if not found["blas"]:
        raise NotRunError("this NumPy has another BLAS")
    return passed(
        found["checked"],
        found["differences"],
        (f"OpenBLAS {found['blas'][1]}",),
        qr=found["qr"],
        orthogonal=found["orthogonal"],
    )


def _version(packages: Packages) -> str:
    """The newest Python here that these packages are for."""
    for version, both in reversed(VERSIONS.items()):
        if packages in both:
            try:
                interpreter(version)
            except NotRunError:
                continue
            return version
    raise NotRunError("there is no Python for it here")
