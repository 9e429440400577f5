"""The imports between the parts of pyinit."""

import ast
import re
from graphlib import TopologicalSorter

import pytest

from tests.support import ROOT

#: What the table in docs/architecture.md allows a part to import.
ALLOWED = {
    part: set(re.findall(r"`(\w+)`", imports))
    for parts, _, imports in re.findall(
        r"^\| (`.*?) \| (.*?) \| ?(.*?) ?\|$",
        (ROOT / "docs" / "architecture.md").read_text(),
        re.MULTILINE,
    )
    for part in re.findall(r"`(\w+)`", parts)
}
PUBLIC = {"cli", "keras", "torch", "jax", "dask", "rpy2"}


def imported_names(tree):
    """Return the dotted names that a module imports when it runs, also inside functions."""
    if isinstance(tree, ast.If) and ast.unparse(tree.test) == "TYPE_CHECKING":
        return set()
    names = set()
    if isinstance(tree, ast.Import):
        names = {alias.name for alias in tree.names}
    elif isinstance(tree, ast.ImportFrom):
        names = {f"{tree.module}.{alias.name}" for alias in tree.names}
    return names.union(*map(imported_names, ast.iter_child_nodes(tree)))


def imported(tree):
    """Return the parts of pyinit that a module imports when it runs."""
    return {name.split(".")[1] for name in imported_names(tree) if name.startswith("pyinit.")}


@pytest.mark.parametrize("part", sorted(ALLOWED.keys() - PUBLIC))
def test_a_part_imports_what_the_table_allows(part):
    """Protects the layers: nothing below the bridges imports a bridge."""
    folder = ROOT / "pyinit" / part
    files = list(folder.rglob("*.py")) or [folder.with_suffix(".py")]
    for file in files:
        found = imported(ast.parse(file.read_text())) - {part}
        assert found <= ALLOWED[part], f"{file} imports {sorted(found - ALLOWED[part])}"


def test_the_table_has_every_part():
    """Protects readers of the table: a new folder needs a row."""
    paths = (ROOT / "pyinit").iterdir()
    parts = {path.stem for path in paths if path.suffix == ".py" or any(path.glob("*.py"))}
    assert parts - {"__init__", "__main__"} == ALLOWED.keys()


def test_the_table_has_no_circle():
    """Protects the order of the parts: with the test above, nothing imports in a circle."""
    TopologicalSorter({part: ALLOWED[part] - {part} for part in ALLOWED.keys() - PUBLIC}).prepare()


def test_no_module_imports_in_a_circle():
    """Protects readers, and the order in which modules can be imported."""
    files = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in (ROOT / "pyinit").rglob("*.py")
    }
    graph = {}
    for module, file in files.items():
        names = imported_names(ast.parse(file.read_text()))
        modules = {name if name in files else name.rpartition(".")[0] for name in names}
        graph[module] = (modules & files.keys()) - {module}
    TopologicalSorter(graph).prepare()
