"""Rows for BLAS libraries: NumPy's OpenBLAS with its kernels for several processors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.builds import require_x86
from conformance.pythons import NEWEST, OLDEST, VERSIONS, Packages, ask, interpreter
from conformance.rows import FailedError, NotRunError, Outcome, Result, Row, State, passed
from pyinit import native
from pyinit.runtime import kernel_choice

#: For each processor, the ISA level of our kernel that its OpenBLAS kernels need.
PROCESSORS = {"Prescott": "baseline", "Nehalem": "baseline", "Haswell": "v3", "SkylakeX": "v4"}
THREADS = (1, 2)


def rows() -> Iterator[Row]:
    """Yield a row for each processor, version of NumPy and number of threads."""
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
    """Count the different results of NumPy's factorization and of ours over all BLAS rows."""
    found = [r.outcome.digests for r in results if "qr" in r.outcome.digests]
    numpy, ours = (len({digests[name] for digests in found}) for name in ("qr", "orthogonal"))
    if found:
        text = f"different results in {len(found)} runs: numpy.linalg.qr {numpy}, Orthogonal {ours}"
        outcome = Outcome(State.PASSED if ours == 1 else State.FAILED, text)
    else:
        outcome = Outcome(State.NOT_RUN, "none of these rows ran")
    row = Row("OpenBLAS, all rows", "Orthogonal and numpy.linalg.qr", "", lambda: outcome)
    return Result(row, outcome, 0)


def _self_test(processor: str, packages: Packages, count: int) -> Outcome:
    require_x86()
    if PROCESSORS[processor] not in native.isa_levels():
        raise NotRunError("this processor lacks the instructions")
    variables = {
        kernel_choice.VARIABLE: "reference",
        "OPENBLAS_CORETYPE": processor,
        "OPENBLAS_NUM_THREADS": str(count),
    }
    version = _version(packages)
    found = ask(version, packages, variables, "--blas")
    if not found["blas"]:
        raise NotRunError("this NumPy does not use OpenBLAS")
    try:
        qr = ask(version, packages, variables, "--qr")["qr"]
    except FailedError:
        # some kernels of OpenBLAS 0.3.34 crash, depending on the alignment of the stack
        qr = "crash"
    return passed(
        found["checked"],
        found["differences"],
        (f"OpenBLAS {found['blas'][1]}",),
        qr=qr,
        orthogonal=found["orthogonal"],
    )


def _version(packages: Packages) -> str:
    """Return the newest available Python that the packages support."""
    for version, both in reversed(VERSIONS.items()):
        if packages in both:
            try:
                interpreter(version)
            except NotRunError:
                continue
            return version
    raise NotRunError("no suitable Python found")
