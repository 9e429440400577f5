"""Functions that the workers of a Dask cluster run on blocks."""

import time
from pathlib import Path

_started = 0


def when_released(block, file):
    """Return the first block of this process at once, any other only when the file exists."""
    global _started
    _started += 1
    end = time.monotonic() + 30
    while _started > 1 and not Path(file).exists():
        if time.monotonic() > end:
            raise TimeoutError(file)
        time.sleep(0.01)
    return block
