"""The pages on the initializers: one for each class, with its arguments and its names."""

import inspect
import re

import pytest

from pyinit.initializers.registry import CLASSES, NAMES, snake_case
from tests.support import ROOT, needs_checkout

pytestmark = needs_checkout

FOLDER = ROOT / "docs" / "initializers"
R_SOURCES = "".join(path.read_text() for path in sorted((ROOT / "rpkg" / "R").glob("*.R")))


def page_of(cls):
    return (FOLDER / f"{snake_case(cls.__name__)}.md").read_text()


def row(page, title):
    return re.search(rf"^\| {title} \| (.*) \|$", page, re.M)[1]


def arguments_in_python(cls):
    """Return the arguments of a constructor as users type them, without annotations."""
    return ", ".join(
        f"{name}={parameter.default!r}".replace("'", '"')
        for name, parameter in inspect.signature(cls).parameters.items()
    )


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_arguments_and_names(cls):
    """Protects readers of a page from arguments, defaults and names that have changed."""
    page = page_of(cls)
    factory = f"initializer_{snake_case(cls.__name__)}"
    assert page.startswith(f"# {cls.__name__}\n")
    assert row(page, "Python").startswith(f"`pyinit.{cls.__name__}({arguments_in_python(cls)})`")
    assert f"`pyinit.{factory}()`" in row(page, "Python")
    in_r = re.search(rf"^{factory} <- function\((.*?)\) \{{", R_SOURCES, re.M | re.S)[1]
    assert row(page, "R") == f"`{factory}({' '.join(in_r.split())})`"
    names = set(re.findall(r'`"(\w+)"`', row(page, "names")))
    assert names == {name for name, named in NAMES.items() if named is cls}


def test_the_gallery_shows_every_class():
    """Protects readers of the gallery from a page that nobody finds."""
    gallery = (FOLDER / "index.md").read_text()
    shown = re.findall(r"\{grid-item-card\} (\w+)\n:link: (\w+)\n", gallery)
    assert sorted(shown) == sorted((cls.__name__, snake_case(cls.__name__)) for cls in CLASSES)
    listed = gallery[gallery.index("{toctree}") :].split()
    assert {page.stem for page in FOLDER.glob("*.md")} - {"index"} <= set(listed)
