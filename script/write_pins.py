"""Write the versions and the hashes of the packages that are installed into files of pins.

Run it with the Python of an environment of script/bootstrap after installing newer packages there:

    .venv/bin/python script/write_pins.py constraints-demo.txt constraints.txt
    .venv-peers/bin/python script/write_pins.py constraints-peers.txt
    .venv-oldest/bin/python script/write_pins.py constraints-oldest.txt
    .venv-docs/bin/python script/write_pins.py constraints-docs.txt

A pin keeps its file; the pin of a package that is new goes to the last file, and the pin of a
package that is not installed is removed. The hash is that of the file that pip would install on
this machine.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

#: Indexes serve different builds of the same version, for the CPU and for a GPU.
WITHOUT_HASH = ("torch",)


def normalized(name: str) -> str:
    """Return the name of a package as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pip(*arguments: str) -> str:
    """Return what a pip command prints."""
    command = [sys.executable, "-m", "pip", "--quiet", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def hashes_of(pins: list[str]) -> dict[str, str]:
    """Return the SHA-256 of the file of each pinned package."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write("\n".join(pins))
        requirements.flush()
        options = ["--dry-run", "--ignore-installed", "--no-deps", "--no-build-isolation"]
        report = pip("install", *options, "--report", "-", "--requirement", requirements.name)
    return {
        normalized(item["metadata"]["name"]): item["download_info"]["archive_info"]["hashes"][
            "sha256"
        ]
        for item in json.loads(report)["install"]
    }


def installed_pins() -> dict[str, str]:
    """Return the line of each installed package except pyinit, by its normalized name."""
    frozen = pip("freeze", "--all", "--exclude-editable").splitlines()
    # a local version ("+cpu") names a build
    pins = {normalized(line.partition("==")[0]): line.partition("+")[0] for line in frozen}
    hashes = hashes_of([pin for name, pin in pins.items() if name not in WITHOUT_HASH])
    return {
        name: f"{pin} --hash=sha256:{hashes[name]}" if name in hashes else pin
        for name, pin in pins.items()
    }


def main() -> None:
    """Rewrite the files of the command line."""
    paths = [Path(argument) for argument in sys.argv[1:]]
    if not paths:
        sys.exit(__doc__)
    pins = installed_pins()
    texts = []
    for path in paths:
        lines = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line or line.startswith("#"):
                lines.append(line)
            else:
                name = line.partition("==")[0]
                if pin := pins.pop(normalized(name), None):
                    lines.append(name + pin[pin.index("==") :])
        texts.append(lines)
    texts[-1] += pins.values()
    for path, lines in zip(paths, texts, strict=True):
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
