"""HTML tables, by which notebooks show objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

#: The largest number of rows; the rest is counted.
MAX_ROWS = 20
#: The largest number of characters in a cell.
_MAX_LENGTH = 200
#: The classes of elements in which MathJax, versions 2 and 3, does not look for formulas.
_NO_FORMULAS = "tex2jax_ignore mathjax_ignore"
_LEFT = ' style="text-align: left"'


def property_table(caption: str, properties: Mapping[str, object]) -> str:
    """Return a table of the properties of an object, one in a row.

    Args:
        caption: What the object is.
        properties: The texts by name. Both are escaped: they may come from a file.
    """
    rows = (
        f'<tr><th scope="row"{_LEFT}>{_cell(name)}</th><td{_LEFT}>{_cell(value)}</td></tr>'
        for name, value in properties.items()
    )
    return _table(caption, "", rows)


def record_table(
    caption: str, columns: Sequence[str], records: Sequence[Sequence[object]], count: int
) -> str:
    """Return a table with a record in a row; of many records, only the first `MAX_ROWS`.

    Args:
        caption: What the records are.
        columns: The names of the columns.
        records: The texts of each record, at least of the first ones. All texts are escaped: they
            may come from a file.
        count: The number of all records.
    """
    head = "".join(f'<th scope="col"{_LEFT}>{_cell(column)}</th>' for column in columns)
    rows = [
        "<tr>" + "".join(f"<td{_LEFT}>{_cell(value)}</td>" for value in record) + "</tr>"
        for record in records[:MAX_ROWS]
    ]
    more = count - len(rows)
    if more > 0:
        rows.append(f'<tr><td colspan="{len(columns)}"{_LEFT}>{more} more</td></tr>')
    return _table(caption, f"<thead><tr>{head}</tr></thead>", rows)


def _table(caption: str, head: str, rows: Iterable[str]) -> str:
    body = "".join(rows)
    opening = f'<table class="{_NO_FORMULAS}">'
    return f"{opening}<caption>{_cell(caption)}</caption>{head}<tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    """Return a text for HTML: short, on one line, without control or invisible characters."""
    from html import escape  # its tables take milliseconds to import

    text = str(value)
    if len(text) > _MAX_LENGTH:
        text = f"{text[:_MAX_LENGTH]}..."
    visible = (
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )
    return escape("".join(visible))
