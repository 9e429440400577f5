"""The directive `picture`: a figure that Python code draws when the site is built.

    ```{picture} Histogram of HeNormal against its density
    pyinit.plot(pyinit.HeNormal(seed=1))
    ```

The argument describes the picture to readers who do not see it. The value of the last line is a
matplotlib Figure; it is drawn twice, for the light and the dark theme.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import os
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import pyinit

FOLDER = Path(__file__).parents[2] / "build" / "pictures"
#: The colours of text and axes.
FOREGROUND = {"light": "#22262b", "dark": "#d0d4da"}


def _style(theme: str) -> dict[str, Any]:
    colour = FOREGROUND[theme]
    names = "axes.edgecolor axes.labelcolor xtick.color ytick.color text.color legend.labelcolor"
    return {
        **dict.fromkeys(names.split(), colour),
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "legend.facecolor": "none",
        "savefig.facecolor": "none",
        # the same bytes for every build
        "svg.hashsalt": "pyinit",
    }


def draw(code: str) -> Any:
    """Run code and return the value of its last line."""
    *statements, last = ast.parse(code).body
    if not isinstance(last, ast.Expr):
        raise ValueError("The last line of a picture must be an expression: its figure.")
    names = {"np": np, "pyinit": pyinit}
    exec(compile(ast.Module(statements, []), "<picture>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<picture>", "eval"), names)


@functools.cache  # the gallery repeats the pictures of the pages
def _files(code: str) -> dict[str, Path]:
    """Draw a figure for each theme; return its file by theme."""
    name = hashlib.sha256(code.encode()).hexdigest()[:16]
    FOLDER.mkdir(parents=True, exist_ok=True)
    files = {theme: FOLDER / f"{name}-{theme}.svg" for theme in FOREGROUND}
    for theme, file in files.items():
        with mpl.rc_context(_style(theme)):
            draw(code).savefig(file, metadata={"Date": None}, bbox_inches="tight")
    return files


class Picture(SphinxDirective):
    """The directive `picture`."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Draw the figure for both themes."""
        try:
            files = _files("\n".join(self.content))
        except Exception as error:
            raise self.error(f"{type(error).__name__}: {error}") from error
        images = []
        for theme, file in files.items():
            image = nodes.image(
                uri=os.path.relpath(file, Path(self.env.doc2path(self.env.docname)).parent)
            )
            image["alt"] = self.arguments[0]
            image["classes"] = ["picture", f"only-{theme}"]
            images.append(image)
        return images


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("picture", Picture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
