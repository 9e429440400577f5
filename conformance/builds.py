"""Rows for builds of the native kernel: other machines, ISA levels and compilers."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from conformance.processes import BUILD, ROOT, environment, found, output, version
from conformance.rows import FailedError, NotRunError, Outcome, Row, State, passed
from pyinit.native import ISA_LEVELS, build_kernel

SOURCES = (
    ROOT / "conformance" / "kernel_server.c",
    ROOT / build_kernel.HERE / "kernel.c",
    ROOT / build_kernel.HERE / "qr.c",
)
HEADERS = tuple((ROOT / build_kernel.HERE).glob("*.h"))
COMPILERS = ("gcc", "clang")
OPTIMIZATIONS = ("-O0", "-O1", "-O2", "-O3")
FAST_MATH = ("-Ofast", "-O3 -ffast-math")
REJECTION = "the stream needs IEEE-754 arithmetic"


@dataclass(frozen=True)
class Machine:
    """An emulated machine.

    Args:
        name: Its name in the table.
        compiler: The cross compiler.
        emulator: The emulator of its programs.
        options: Additional compiler options.
    """

    name: str
    compiler: str
    emulator: str
    options: tuple[str, ...] = ()


MACHINES = (
    # the slowest first
    Machine("s390x (big-endian)", "s390x-linux-gnu-gcc", "qemu-s390x"),
    # the first processor with a vector unit, whose lanes are big-endian too
    Machine("s390x (big-endian)", "s390x-linux-gnu-gcc", "qemu-s390x", ("-march=z13",)),
    Machine("ppc64le", "powerpc64le-linux-gnu-gcc", "qemu-ppc64le"),
    Machine("riscv64", "riscv64-linux-gnu-gcc", "qemu-riscv64"),
    Machine("aarch64", "aarch64-linux-gnu-gcc", "qemu-aarch64"),
)

_locks: dict[Path, threading.Lock] = {}


def command(compiler: str, target: Path, *options: str) -> list[str]:
    """Return the command that compiles kernel_server: the extension's flags, then the options."""
    flags = [*build_kernel.FLAGS["unix"], *options]
    folders = [f"-I{ROOT / build_kernel.HERE}"]
    return [compiler, *flags, *folders, *map(str, SOURCES), "-o", str(target), "-lm"]


def build(compiler: str, *options: str) -> Path:
    """Compile kernel_server unless it is up to date, and return its path.

    Raises:
        NotRunError: The compiler is not installed.
        FailedError: Compilation fails.
    """
    inputs = hashlib.sha256(version_of(compiler).encode())
    for argument in command(compiler, Path(), *options):
        inputs.update(argument.encode() + b"\0")
    for file in (*SOURCES, *sorted(HEADERS)):
        inputs.update(file.read_bytes())
    target = BUILD / "programs" / f"{compiler}{''.join(options)}-{inputs.hexdigest()[:16]}"
    with _locks.setdefault(target, threading.Lock()):
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name(f"{target.name}.unfinished")
            output(command(found(compiler), unfinished, *options))
            unfinished.rename(target)
    return target


def version_of(compiler: str) -> str:
    """Return the version of a compiler."""
    return version(compiler, "-dumpversion" if compiler == "clang" else "-dumpfullversion")


def check(level: str, program: Sequence[str | Path]) -> tuple[int, list[str]]:
    """Draw the golden vectors with the program; return their number and the differences.

    Raises:
        NotRunError: The processor does not support the ISA level.
    """
    process = [sys.executable, "-m", "conformance.golden_vectors", level, *program]
    findings = json.loads(output(process, environment()))
    if findings is None:
        raise NotRunError("this processor does not support it")
    return findings["checked"], findings["differences"]


def rows() -> Iterator[Row]:
    """Yield the rows of the emulated machines, then those of this machine."""
    for machine in MACHINES:
        yield Row(
            f"{machine.name}, emulated",
            " ".join(["kernel, gcc -O3", *machine.options]),
            "",
            partial(_emulated, machine),
        )
    yield Row(
        "aarch64, emulated",
        "control: kernel, gcc -O3, with fused multiply-add",
        "",
        partial(_control, MACHINES[-1]),
    )
    for level in ISA_LEVELS:
        for compiler in COMPILERS:
            for optimization in OPTIMIZATIONS:
                yield Row(
                    "x86-64",
                    f"kernel, {compiler}, level {level}",
                    optimization,
                    partial(_here, compiler, level, optimization),
                )
    for compiler in COMPILERS:
        yield Row(
            "x86-64",
            "kernel as plain loops, -O3",
            compiler,
            partial(_here, compiler, ISA_LEVELS[0], "-O3", "-DPYINIT_PORTABLE"),
        )
    for compiler in COMPILERS:
        for option in FAST_MATH:
            yield Row(
                "x86-64",
                f"kernel, {compiler}, fast math",
                option,
                partial(_rejected, compiler, option),
            )


def _emulated(machine: Machine) -> Outcome:
    emulator = found(machine.emulator)
    program = build(machine.compiler, "-static", *machine.options)
    checked, differences = check(ISA_LEVELS[0], [emulator, program])
    return passed(checked, differences, _versions(machine))


def _control(machine: Machine) -> Outcome:
    emulator = found(machine.emulator)
    program = build(machine.compiler, "-static", "-ffp-contract=fast")
    _, differences = check(ISA_LEVELS[0], [emulator, program])
    if not differences:
        raise FailedError("no vector differs, so the check detects nothing")
    return Outcome(State.PASSED, "difference detected", _versions(machine))


def _versions(machine: Machine) -> tuple[str, ...]:
    return f"gcc {version_of(machine.compiler)}", f"QEMU {version(machine.emulator)}"


def _here(compiler: str, level: str, *options: str) -> Outcome:
    require_x86()
    checked, differences = check(level, [build(compiler, *options)])
    return passed(checked, differences, (f"{compiler} {version_of(compiler)}",))


def _rejected(compiler: str, options: str) -> Outcome:
    require_x86()
    done = subprocess.run(
        command(found(compiler), BUILD / "fast-math", *options.split(), "-fsyntax-only"),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        raise FailedError("compilation succeeds")
    if REJECTION not in done.stderr:
        raise FailedError(f"rejected, but not by stream.h: {done.stderr.splitlines()[0]}")
    return Outcome(
        State.PASSED, "rejected at compile time", (f"{compiler} {version_of(compiler)}",)
    )


def require_x86() -> None:
    """Raise NotRunError unless this machine is x86-64."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        raise NotRunError(f"this machine is {platform.machine()}")
