"""The examples of the documentation, run."""

import doctest
import json
import re

import pytest

import pyinit
from pyinit import cli
from pyinit.manifests.reading import load_json, manifest_of
from tests.support import ROOT, needs_checkout

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MANIFESTS = (ROOT / "docs" / "manifests.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_in_python(page):
    """Protects readers who type what they read."""
    results = doctest.testfile(
        str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert results.failed == 0
    assert results.attempted > 0 or ">>>" not in page.read_text()


@needs_checkout
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Protects readers who follow a link to a file."""
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / link).exists(), link


def test_the_examples_in_json():
    """Protects the manifest and the plan on the page about them."""
    manifest, plan = (
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", MANIFESTS, re.S)
    )
    assert pyinit.verify(manifest_of(load_json(json.dumps(manifest))))
    pinned = pyinit.create_manifest(plan)
    assert [tensor.dtype for tensor in pinned.tensors] == ["float32", "float32", "bfloat16"]


def test_the_numbers_on_the_page():
    """Protects the number of golden vectors, and the exit statuses."""
    assert f"has {pyinit.self_test().checked} tensors" in MANIFESTS
    statuses = re.findall(r"^\| (\d+) \|", MANIFESTS, re.M)
    told = re.findall(r"^  (\d+)  ", cli._EPILOG, re.M)
    assert statuses == told
    assert {cli.DIFFERENT, cli.USAGE, cli.INVALID} < set(map(int, told))
