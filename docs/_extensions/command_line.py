"""The directive `command-line`: what `pyinit --help` prints, for each of its commands."""

from __future__ import annotations

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from pyinit import cli


class CommandLine(SphinxDirective):
    """A section for each command."""

    def run(self) -> list[nodes.Node]:
        """Format the help texts as a terminal of 80 columns shows them."""
        program = click.Context(cli.command, info_name="pyinit", terminal_width=80)
        found: list[nodes.Node] = [_block(cli.command, program)]
        for name, command in cli.command.commands.items():
            title = f"pyinit {name}"
            section = nodes.section("", nodes.title(title, title), ids=[nodes.make_id(title)])
            section["names"] = [title]
            section += _block(command, click.Context(command, program, name, terminal_width=80))
            found.append(section)
        return found


def _block(command: click.Command, context: click.Context) -> nodes.literal_block:
    text = command.get_help(context)
    return nodes.literal_block(text, text, language="text")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
