"""Rows of the native kernel: compiled for other machines, levels and by other compilers."""

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
REFUSAL = "the stream needs IEEE-754 arithmetic"


@dataclass(frozen=True)
class Machine:
    """A machine that is emulated.

    Args:
        name: How it is called.
        compiler: The cross compiler.
        emulator: What runs its programs.
        options: More options for the compiler.
    """

    name: str
    compiler: str
    emulator: str
    options: tuple[str, ...] = ()


MACHINES = (
    # the slowest first
    Machine("s390x (big-endian)", "s390x-linux-gnu-gcc", "qemu-s390x"),
    # its first processor with vectors, in which lanes have the other order, too
    Machine("s390x (big-endian)", "s390x-linux-gnu-gcc", "qemu-s390x", ("-march=z13",)),
    Machine("ppc64le", "powerpc64le-linux-gnu-gcc", "qemu-ppc64le"),
    Machine("riscv64", "riscv64-linux-gnu-gcc", "qemu-riscv64"),
    Machine("aarch64", "aarch64-linux-gnu-gcc", "qemu-aarch64"),
)

_locks: dict[Path, threading.Lock] = {}


def command(compiler: str, target: Path, *options: str) -> list[str]:
    """How kernel_server is compiled: as the extension is, but for the options."""
    flags = [*build_kernel.FLAGS["unix"], *options]
    folders = [f"-I{ROOT / build_kernel.HERE}"]
    return [compiler, *flags, *folders, *map(str, SOURCES), "-o", str(target), "-lm"]


def build(compiler: str, *options: str) -> Path:
    """Compiles kernel_server, if that was not done before from the same sources.

    Raises:
        NotRunError: There is no such compiler.
        FailedError: It does not compile.
    """
    inputs = hashlib.sha256(version_of(compiler).encode())
    for part in command(compiler, Path(), *options):
        inputs.update(part.encode() + b"\0")
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
    """The version of a compiler."""
    return version(compiler, "-dumpversion" if compiler == "clang" else "-dumpfullversion")


def check(level: str, program: Sequence[str | Path]) -> tuple[int, list[str]]:
    """Draws the golden vectors by the program: how many, and what differs.

    Raises:
        NotRunError: The processor lacks the level.
    """
    process = [sys.executable, "-m", "platforms.golden_vectors", level, *program]
    findings = json.loads(output(process, environment()))
    if findings is None:
        raise NotRunError("this processor lacks it")
    return findings["checked"], findings["differences"]


def rows() -> Iterator[Row]:
    """The rows of the emulated machines, and those of this one."""
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
                partial(_refused, compiler, option),
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
        raise FailedError("nothing differs, so this check finds nothing")
    return Outcome(State.PASSED, "differs, which is found", _versions(machine))


def _versions(machine: Machine) -> tuple[str, ...]:
    return f"gcc {version_of(machine.compiler)}", f"QEMU {version(machine.emulator)}"


def _here(compiler: str, level: str, *options: str) -> Outcome:
    ask_for_x86()
    checked, differences = check(level, [build(compiler, *options)])
    return passed(checked, differences, (f"{compiler} {version_of(compiler)}",))


def _refused(compiler: str, options: str) -> Outcome:
    ask_for_x86()
    done = subprocess.run(
        command(found(compiler), BUILD / "fast-math", *options.split(), "-fsyntax-only"),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        raise FailedError("it compiles")
    if REFUSAL not in done.stderr:
        raise FailedError(f"it is refused, but not by stream.h: {done.stderr.splitlines()[0]}")
    return Outcome(State.PASSED, "refused", (f"{compiler} {version_of(compiler)}",))


def ask_for_x86() -> None:
    """Raises NotRunError on any other machine."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        raise NotRunError(f"this machine is {platform.machine()}")
