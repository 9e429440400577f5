"""What `import pyinit` brings in."""

import subprocess
import sys

OPTIONAL = {"pyarrow", "scipy", "keras", "cupy", "tensorflow", "jax", "torch", "rpy2"}


def test_importing_brings_in_nothing_optional():
    """Protects a quick start, and users who have none of these."""
    code = "import sys, pyinit; print(*{name.partition('.')[0] for name in sys.modules})"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not OPTIONAL & set(result.stdout.split())
