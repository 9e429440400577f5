"""Links between the references: the same function in the other language."""

from __future__ import annotations

from collections.abc import Iterable

from docutils import nodes
from parts import code_link, separated

import pyinit

#: The names in Python of functions with another name in R.
IN_PYTHON = {
    "as_numpy": "rpy2.from_r",
    "as_r_array": "rpy2.to_r",
    "from_config": "Initializer.from_config",
    "get_config": "Initializer.get_config",
    "initialize_model": "keras.initialize",
    "lazy_tensor": "Initializer.lazy",
    "plot.pyinit_initializer": "plot",
    "summary.pyinit_initializer": "Initializer.summary",
}
#: The names in R.
IN_R = {python: r for r, python in IN_PYTHON.items()}


def python_twins(topics: Iterable[str]) -> nodes.paragraph | None:
    """Return links to the functions in Python with the names of topics in R."""
    names = [IN_PYTHON.get(topic, topic) for topic in topics]
    known = [name for name in names if name in pyinit.__all__ or name in IN_R]
    return _paragraph("In Python: ", "py", "obj", [f"pyinit.{name}" for name in known])


def r_twins(names: Iterable[str], topics: Iterable[str]) -> nodes.paragraph | None:
    """Return links to the topics in R with the names of functions in Python."""
    # a method stands on the page of its class
    twins = [
        topic
        for topic, python in IN_PYTHON.items()
        if any(python == name or python.startswith(f"{name}.") for name in names)
    ]
    twins += [name for name in names if name in topics]
    return _paragraph("In R: ", "r", "topic", twins)


def _paragraph(text: str, domain: str, role: str, names: list[str]) -> nodes.paragraph | None:
    if not names:
        return None
    links = [code_link(domain, role, name, f"{name}()", refwarn=True) for name in names]
    return nodes.paragraph("", "", nodes.Text(text), *separated(links), classes=["twin"])
