"""The documentation: examples, commands and links."""

import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

import pyinit
from conformance import golden_vectors
from pyinit import cli
from pyinit.manifests.reading import load_json, parse_manifest
from pyinit.manifests.writing import as_text
from pyinit.reproducibility import golden
from tests.support import ROOT, SUPPORT, code_blocks, needs_checkout

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
MANIFESTS = (ROOT / "docs" / "manifests.md").read_text()

#: The table of the cheat sheet: what the reader types in Python and, in most rows, in R.
ROWS = [
    [call.strip().strip("`") for call in line.strip("|").split("|")[1].split("<br>")]
    for line in re.search(
        r"\n\|.*\n\|.*\n((?:\|.*\n)+)", (ROOT / "docs" / "cheatsheet.md").read_text()
    )[1].splitlines()
]
ON_GPU = 'device="cuda"', 'device = "cuda"'
IN_PYTHON = [python for python, *_ in ROWS if ON_GPU[0] not in python]
IN_R = [r for _, *calls in ROWS for r in calls if ON_GPU[1] not in r]


#: Pages whose examples need several devices, which are fixed when JAX starts.
ON_DEVICES = [page for page in PAGES if "host_platform_device_count" in page.read_text()]
#: Pages with code in each language.
IN = {
    language: [page for page in PAGES if code_blocks.blocks_to_run(page, language)]
    for language in ("python", "r", "sh")
}


def name_of(page):
    """Return the path of a page."""
    return page.relative_to(ROOT).as_posix()


def examples_of(page):
    """Return a page as a parameter, marked if its examples need torch."""
    # torch's own: its compiler and its export import deprecated parts of torch; FSDP1 with one
    # process warns that it shards nothing
    ignored = ("DeprecationWarning:torch", "FutureWarning", "UserWarning:torch.distributed.fsdp")
    marks = [pytest.mark.backends, *(pytest.mark.filterwarnings(f"ignore::{w}") for w in ignored)]
    needs = re.search(
        r"^(>>> )?import (torch|flax|tensorflow)", code_blocks.python_code(page), re.M
    )
    return pytest.param(page, marks=marks if needs else [], id=name_of(page))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_is_run_or_marked(page):
    """Protects readers who copy code: nothing is left unrun without a reason that can be read."""
    for block in code_blocks.blocks(page):
        where = f"line {block.line}, language {block.language!r}"
        if block.language.startswith("{"):
            continue
        assert block.is_run or block.mark or block.file or block.language in code_blocks.SHOWN, (
            where
        )
        if block.language == "json":
            json.loads(block.text)
        if block.mark and block.mark.startswith("run by "):
            program = ROOT / block.mark.removeprefix("run by ")
            assert page.name in program.read_text(), where


@pytest.mark.parametrize(
    "page", [examples_of(page) for page in IN["python"] if page not in ON_DEVICES]
)
def test_examples_in_python(page, tmp_path, monkeypatch):
    """Protects readers who type what they read."""
    monkeypatch.chdir(tmp_path)
    results = code_blocks.run_python(page)
    assert results.failed == 0
    assert results.attempted > 0


@pytest.mark.backends
@pytest.mark.parametrize("page", ON_DEVICES, ids=name_of)
def test_examples_on_devices(page, tmp_path):
    """Protects readers who type what they read, on eight devices of JAX."""
    devices = "--xla_force_host_platform_device_count=8"
    assert devices in page.read_text()
    code_blocks.run_python_process(
        page, tmp_path, PYTHONPATH=str(ROOT), KERAS_BACKEND="jax", XLA_FLAGS=devices
    )


@pytest.fixture(scope="module")
def printed_by_r(tmp_path_factory):
    """Return what one process of R prints for the code of all pages."""
    if shutil.which("Rscript") is None:
        pytest.skip("needs R")
    return code_blocks.run_r(IN["r"], tmp_path_factory.mktemp("r"))


@pytest.mark.r
@pytest.mark.parametrize("page", IN["r"], ids=name_of)
def test_examples_in_r(page, printed_by_r):
    """Protects readers who type what they read, in R."""
    for code, shown, printed in printed_by_r[page]:
        assert printed == shown, code


def commands_of(page):
    """Return a page as a parameter, marked if its commands need torch."""
    needs = any("torchrun " in block.text for block in code_blocks.blocks_to_run(page, "sh"))
    return pytest.param(page, marks=[pytest.mark.backends] if needs else [], id=name_of(page))


@pytest.mark.parametrize("page", [commands_of(page) for page in IN["sh"]])
def test_examples_in_a_shell(page, tmp_path):
    """Protects readers who type the commands of a page, one after another in one folder."""
    for command, shown, printed in code_blocks.run_shell(page, tmp_path):
        assert printed == shown, command


@needs_checkout
@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    """Protects readers who follow a link to a file or a section."""
    for link in re.findall(r"\]\(([^):]+)\)", page.read_text()):
        file, _, section = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not section or section in sections(target), link


@needs_checkout
@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_paths_exist(page):
    """Protects maintainers: files that the text names were not moved."""
    folders = "benchmarks|conformance|demo|docs|pyinit|rpkg|script|tests|tests_r"
    for path in re.findall(rf"`((?:{folders})/[\w./-]*)`", page.read_text()):
        # the example of CONTRIBUTING.md
        assert (ROOT / path).exists() or "foo" in path, path


def sections(page):
    """Return the anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def run_in_python(commands, folder):
    """Run commands of the cheat sheet in a new process; return those that fail, with errors."""
    done = subprocess.run(
        [sys.executable, SUPPORT / "readme_commands.py"],
        input=json.dumps(commands),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_commands_in_python(tmp_path):
    """Protects the table of the cheat sheet: each command works after `import pyinit` alone."""
    pytest.importorskip("keras")
    pytest.importorskip("jax")
    commands = [command for command in IN_PYTHON if ".torch." not in command]
    assert len(commands) > 12
    assert run_in_python(commands, tmp_path) == {}


@pytest.mark.backends
def test_commands_for_torch(tmp_path):
    """Protects the rows of the table that need torch."""
    commands = [command for command in IN_PYTHON if ".torch." in command]
    assert commands
    assert run_in_python(commands, tmp_path) == {}


@pytest.mark.gpu
def test_commands_on_a_gpu(tmp_path):
    """Protects the row of the table that needs a device."""
    try:
        pyinit.runtime.devices.find("device", "cuda")
    except (ImportError, RuntimeError) as error:
        pytest.skip(str(error))
    commands = [python for python, *_ in ROWS if ON_GPU[0] in python]
    assert commands
    assert run_in_python(commands, tmp_path) == {}


@pytest.mark.r
def test_commands_in_r(tmp_path):
    """Protects the table of the cheat sheet: each command works after `library(pyinit)` alone."""
    if shutil.which("Rscript") is None:
        pytest.skip("needs R")
    pytest.importorskip("keras")
    assert len(IN_R) > 12
    (tmp_path / "commands.txt").write_text("\n".join(IN_R) + "\n")
    done = subprocess.run(
        ["Rscript", SUPPORT / "readme_commands.R", "commands.txt"],
        cwd=tmp_path,
        env={"KERAS_BACKEND": "numpy", **os.environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "FAILED" not in done.stdout, done.stdout


def test_the_examples_in_json():
    """Protects the manifest and the plan on the page about them."""
    manifest, plan = (
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", MANIFESTS, re.S)
    )
    assert pyinit.verify(parse_manifest(load_json(json.dumps(manifest))))
    created = pyinit.create_manifest(plan)
    assert [tensor.dtype for tensor in created.tensors] == ["float32", "float32", "bfloat16"]


def test_the_commands_for_many_machines(tmp_path, monkeypatch):
    """Protects readers who type the lines of the section, one machine after another."""
    monkeypatch.chdir(tmp_path)
    plan = re.findall(r"```json\n(.*?)```", MANIFESTS, re.S)[1]
    (tmp_path / "plan.json").write_text(plan)
    section = MANIFESTS[MANIFESTS.index("### Many machines") :].partition("\n### ")[0]
    lines = "".join(re.findall(r"```sh\n(.*?)```", section, re.S)).splitlines()
    assert len(lines) == 5
    for line in lines:
        for machine in range(1, 9) if "$K" in line else [0]:
            words = shlex.split(line.replace("$K", str(machine)))
            assert words.pop(0) == "pyinit"
            # as a shell does
            typed = [name for word in words for name in sorted(glob.glob(word)) or [word]]
            assert cli.run(typed) == 0, line
    whole = pyinit.create_manifest(json.loads(plan))
    assert as_text(whole) == (tmp_path / "manifest.json").read_text()


def test_the_number_of_golden_vectors():
    """Protects the numbers of golden vectors on the page."""
    for name in golden.DIGESTS:
        count = len(golden.read_file(golden.FOLDER / name))
        assert f"[`{name}`](../pyinit/reproducibility/{name}) has {count} tensors" in MANIFESTS


def test_the_number_of_vectors_that_conformance_draws():
    """Protects the numbers on the page about platforms."""
    vectors = golden.read()
    drawn = sum("seed" in vector.config for vector in vectors)
    repeated = sum(map(golden_vectors._is_repeated, vectors))
    page = " ".join((ROOT / "docs" / "platforms.md").read_text().split())
    assert f"It draws {drawn} of the {len(vectors)} vectors." in page
    assert f"The other {len(vectors) - drawn} " in page
    assert f" {repeated} vectors of random values are drawn twice more" in page


def test_the_exit_statuses():
    """Protects readers of the page and of `--help`: both say the same."""
    documented = dict(re.findall(r"^\| (\d+) \| (.*) \|$", MANIFESTS, re.M))
    assert documented == dict(re.findall(r"^  (\d+)  +(.*)$", cli._EPILOG, re.M))
    assert {cli.DIFFERENT, cli.USAGE, cli.INVALID} < set(map(int, documented))
