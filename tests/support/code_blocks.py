"""The code blocks of the documentation, and how they are run.

A block of Python or R is a session, with prompts and its output, or a script. The blocks of a page
share their names, as if a reader typed them one after another. A block of a shell is run if it has
prompts; a block whose first line is a comment with the name of a file is that file there. Any other
block has a comment in the line before it, which the site does not show:

    <!-- not run: needs a GPU -->
    <!-- run by tests/bridges/test_ray.py -->
"""

import doctest
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support import ROOT, SUPPORT, run_torch

_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>(?:not run: |run by )[^\n]+) -->\n)?"
    r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<text>.*?)^ *(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
#: The prompts of the languages that are run.
_PROMPTS = {"python": ">>> ", "r": "> ", "sh": "$ "}
#: Blocks of these show a file, a format or what something prints.
SHOWN = ("", "json", "text", "toml", "yaml", "bibtex")


@dataclass(frozen=True)
class Block:
    """A code block.

    Attributes:
        language: Its language, or the directive of MyST.
        text: Its lines, each with a newline.
        line: The number of its first line in the page, counted from 1.
        mark: The comment before it, or None.
    """

    language: str
    text: str
    line: int
    mark: str | None

    @property
    def is_session(self) -> bool:
        """Whether it has prompts."""
        prompt = _PROMPTS.get(self.language)
        return prompt is not None and f"\n{prompt}" in f"\n{self.text}"

    @property
    def file(self) -> str | None:
        """The name of the file that it shows, for the commands of the page."""
        name = re.match(r"# ([\w-]+\.\w+)\n", self.text)
        return name[1] if name else None

    @property
    def is_run(self) -> bool:
        """Whether it is run: a block of a shell could change the machine."""
        is_script = self.language in ("python", "r") and self.file is None
        return not self.mark and (is_script or self.is_session)


def blocks(page: Path) -> list[Block]:
    """Return the code blocks of a page."""
    source = page.read_text()
    found = []
    for match in _BLOCK.finditer(source):
        indent = len(match["indent"])
        lines = match["text"].splitlines(keepends=True)
        text = "".join(line[indent:] if line.strip() else "\n" for line in lines)
        first = source.count("\n", 0, match.start("text")) + 1
        found.append(Block(match["language"].strip(), text, first, match["mark"]))
    return found


def blocks_to_run(page: Path, language: str) -> list[Block]:
    """Return the blocks of a language that are run."""
    return [block for block in blocks(page) if block.language == language and block.is_run]


def python_code(page: Path) -> str:
    """Return the Python blocks of a page."""
    return "\n".join(block.text for block in blocks_to_run(page, "python"))


def python_examples(page: Path) -> str:
    """Return the Python blocks of a page as the text of a doctest, each in its own line."""
    lines = [""] * len(page.read_text().splitlines())
    for block in blocks_to_run(page, "python"):
        text = block.text
        if not block.is_session:
            # nothing that a script evaluates is printed
            text = f">>> exec(compile({text!r}, {page.name!r}, 'exec'), globals())"
        for number, line in enumerate(text.splitlines(), block.line - 1):
            lines[number] = line
    return "\n".join(lines) + "\n"


def run_python(page: Path) -> doctest.TestResults:
    """Run the Python blocks of a page in this process."""
    names = {"__name__": "__main__"}
    test = doctest.DocTestParser().get_doctest(
        python_examples(page), names, page.name, str(page), 0
    )
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(test)
    return runner.summarize()


def run_python_process(page: Path, folder: Path, **variables: str) -> None:
    """Run the Python blocks of a page in a process of their own."""
    examples = folder / page.name
    examples.write_text(python_examples(page))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "doctest", "-o", "NORMALIZE_WHITESPACE", examples],
        env={**os.environ, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def typed_and_printed(block: Block) -> list[tuple[str, str]]:
    """Return the statements of a session in R or a shell, each with the output that follows it."""
    prompt = _PROMPTS[block.language]
    found: list[tuple[str, str]] = []
    for line in block.text.splitlines():
        if line.startswith(prompt):
            found.append((line[2:], ""))
        elif line.startswith("+ ") and found and not found[-1][1]:
            found[-1] = (f"{found[-1][0]}\n{line[2:]}", "")
        else:
            assert found, f"line {block.line}: the block starts with output: {line}"
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


def run_r(pages: list[Path], folder: Path) -> dict[Path, list[tuple[str, list[str], list[str]]]]:
    """Run the R blocks of pages in one process.

    Args:
        pages: The pages.
        folder: The folder in which R starts.

    Returns:
        By page, each statement, the lines that the page shows after it and those that R prints.
    """
    sessions = {page: list(_statements(page)) for page in pages}
    typed = {
        str(page): [{"code": code, "prints": prints} for code, _, prints in statements]
        for page, statements in sessions.items()
    }
    (folder / "sessions.json").write_text(json.dumps(typed))
    done = subprocess.run(
        ["Rscript", SUPPORT / "run_code_blocks.R", "sessions.json", "printed.json"],
        cwd=folder,
        env={"KERAS_BACKEND": "numpy", **os.environ},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = json.loads((folder / "printed.json").read_text())
    return {
        page: [
            (code, shown, [line.rstrip() for line in lines])
            for (code, shown, _), lines in zip(statements, printed[str(page)], strict=True)
        ]
        for page, statements in sessions.items()
    }


def run_shell(page: Path, folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Run the commands of a page in bash.

    Yields:
        Each command, the lines that the page shows after it and those that it prints.
    """
    for block in blocks(page):
        if block.file:
            (folder / block.file).write_text(block.text)
    # the command of this checkout
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    for block in blocks_to_run(page, "sh"):
        for command, shown in typed_and_printed(block):
            bash = ["bash", "-euc", command]
            tries = 5 if "torchrun " in command else 1
            done = run_torch(
                bash, tries, cwd=folder, env=variables, stderr=subprocess.STDOUT, timeout=900
            )
            yield command, shown.rstrip().splitlines(), done.stdout.rstrip().splitlines()


def _statements(page: Path) -> Iterator[tuple[str, list[str], bool]]:
    """Yield what is typed in R, the lines that the page shows, and whether values are printed."""
    for block in blocks_to_run(page, "r"):
        if block.is_session:
            for code, shown in typed_and_printed(block):
                yield code, [line.rstrip() for line in shown.rstrip().splitlines()], True
        else:
            yield block.text, [], False
