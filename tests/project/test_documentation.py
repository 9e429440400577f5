"""The documentation: examples, commands and links."""

import doctest
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
from tests.support import ROOT, SUPPORT, needs_checkout

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
MANIFESTS = (ROOT / "docs" / "manifests.md").read_text()

#: The table of the cheat sheet: what the reader wants, in Python, in R.
ROWS = [
    tuple(cell.strip().strip("`") for cell in line.strip("|").split("|"))
    for line in re.search(
        r"\n\|.*\n\|.*\n((?:\|.*\n)+)", (ROOT / "docs" / "cheatsheet.md").read_text()
    )[1].splitlines()
]
ON_GPU = 'device="cuda"', 'device = "cuda"'
IN_PYTHON = [python for _, python, _ in ROWS if python and ON_GPU[0] not in python]
IN_R = [r for _, _, r in ROWS if r and ON_GPU[1] not in r]


#: Pages whose examples need several devices, which are fixed when JAX starts.
ON_DEVICES = [page for page in PAGES if "host_platform_device_count" in page.read_text()]


def examples_of(page):
    """Return a page as a parameter, marked if its examples need torch."""
    # torch's own: its compiler and its export import deprecated parts of torch; FSDP1 with one
    # process warns that it shards nothing
    ignored = ("DeprecationWarning:torch", "FutureWarning", "UserWarning:torch.distributed.fsdp")
    marks = [pytest.mark.backends, *(pytest.mark.filterwarnings(f"ignore::{w}") for w in ignored)]
    marks = marks if ">>> import torch" in page.read_text() else []
    return pytest.param(page, marks=marks, id=page.name)


@pytest.mark.parametrize("page", [examples_of(page) for page in PAGES if page not in ON_DEVICES])
def test_examples_in_python(page):
    """Protects readers who type what they read."""
    results = doctest.testfile(
        str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert results.failed == 0
    assert results.attempted > 0 or ">>>" not in page.read_text()


@pytest.mark.backends
@pytest.mark.parametrize("page", ON_DEVICES, ids=lambda page: page.name)
def test_examples_on_devices(page):
    """Protects readers who type what they read, on eight devices of JAX."""
    devices = "--xla_force_host_platform_device_count=8"
    assert devices in page.read_text()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "doctest", "-o", "NORMALIZE_WHITESPACE", page],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "KERAS_BACKEND": "jax",
            "XLA_FLAGS": devices,
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_checkout
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Protects readers who follow a link to a file or a section."""
    for link in re.findall(r"\]\(([^):]+)\)", page.read_text()):
        file, _, section = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not section or section in sections(target), link


@needs_checkout
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
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
    """Run commands of the cheat sheet in a new process; return those that fail, with their errors."""
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
    commands = [python for _, python, _ in ROWS if ON_GPU[0] in python]
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


@pytest.mark.r
def test_examples_in_r(tmp_path):
    """Protects readers who type what they read, in R; one process runs all examples."""
    if shutil.which("Rscript") is None:
        pytest.skip("needs R")
    sessions = [
        session
        for page in PAGES
        for session in re.findall(r"```r\n(> .*?)```", page.read_text(), re.S)
    ]
    lines = "".join(sessions).splitlines()
    assert len(lines) > 8
    # Rscript prints what a session prints
    typed = [line[2:] for line in lines if line.startswith("> ")]
    (tmp_path / "session.R").write_text("\n".join(typed) + "\n")
    done = subprocess.run(
        ["Rscript", "session.R"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [line for line in lines if not line.startswith("> ")]


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
