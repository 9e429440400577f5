"""Fuzzes a target: python -m tests.fuzz [--seed N] [--keep FOLDER] TARGET SECONDS.

A file that fails stays in the folder (build/fuzz), and so does the last one of a crash. Add it to
the corpus of the target once the failure is fixed.
"""

import argparse
import faulthandler
import hashlib
import sys
import time
from pathlib import Path
from random import Random

from tests.fuzz.targets import TARGETS, Watch, check, corpus_of
from tests.support.memory import limit_memory

#: Memory for all that is read, beyond that of the interpreter and the packages.
MEMORY = 2**31
#: A file that takes longer hangs, even on a busy machine.
HANGS_AFTER = 120


def main() -> int:
    """Change files at random and read them until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"))
    options = parser.parse_args()
    target, random = TARGETS[options.target], Random(options.seed)
    options.keep.mkdir(parents=True, exist_ok=True)
    path = options.keep / f"{options.target}-current{target.suffix}"
    files = corpus_of(options.target)
    for content in files:
        path.write_bytes(content)
        check(target, path)  # imports the modules that are imported on first use
    limit_memory(MEMORY)
    watch = Watch()
    end, count, failed = time.monotonic() + options.seconds, 0, {}
    while time.monotonic() < end:
        content = target.change(random, random.choice(files), files)
        path.write_bytes(content)
        faulthandler.dump_traceback_later(HANGS_AFTER, exit=True)
        try:
            check(target, path, watch)
        except Exception as error:
            kind = f"{type(error).__name__}: {error}"[:2000]
            if kind[:80] not in failed:
                failed[kind[:80]] = kind
                digest = hashlib.sha256(content).hexdigest()[:8]
                kept = options.keep / f"{options.target}-{digest}{target.suffix}"
                kept.write_bytes(content)
                print(f"{kept}: {kind}", file=sys.stderr)
        faulthandler.cancel_dump_traceback_later()
        count += 1
    path.unlink()
    print(f"{options.target}: {count} files, {len(failed)} kinds of failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
