"""Python's code for a value, as in an error message, as R code."""

from __future__ import annotations

import ast
import json

_NAMES = {"inf": "Inf", "nan": "NaN"}


def r_code(code: str) -> str | None:
    """Return R code for the value of a Python literal, or None if R has no such value.

    Args:
        code: The `repr()` of a value: a number, a string, None, or a list, tuple or dictionary of
            them.

    Example:
        >>> r_code("(2, 3.0)"), r_code("{'gain': None}"), r_code("<object>")
        ('c(2, 3)', 'list(gain = NULL)', None)
    """
    try:
        return _of_node(ast.parse(code, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _of_node(node: ast.expr) -> str:
    """Return the R code of a node. A ValueError means that R has no such value."""
    match node:
        case ast.Constant(value=None):
            return "NULL"
        case ast.Constant(value=bool()):
            return str(node.value).upper()
        case ast.Constant(value=str()):
            return json.dumps(node.value, ensure_ascii=False)
        case ast.Constant(value=int() | float()):
            return repr(node.value).removesuffix(".0")
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{_of_node(operand)}"
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.Tuple(elts=[]):
            return "integer()"
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return _of_sequence(elements)
        case ast.Dict(keys=keys, values=values):
            return f"list({', '.join(map(_of_item, keys, values))})"
    raise ValueError(node)


def _of_sequence(elements: list[ast.expr]) -> str:
    codes = [_of_node(element) for element in elements]
    kinds = {_kind(element) for element in elements}
    if None in kinds or len(kinds) != 1:
        return f"list({', '.join(codes)})"
    return codes[0] if len(codes) == 1 else f"c({', '.join(codes)})"


def _kind(node: ast.expr) -> str | None:
    """Return the type of R's vector of such elements, or None if there is none."""
    if isinstance(node, ast.UnaryOp | ast.Name):
        return "number"
    if not isinstance(node, ast.Constant) or node.value is None:
        return None
    if isinstance(node.value, bool | str):
        return type(node.value).__name__
    return "number"


def _of_item(key: ast.expr | None, value: ast.expr) -> str:
    if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
        raise ValueError(key)
    name = key.value
    if not (name.isascii() and name.isidentifier()) or name.startswith("_"):
        name = f"`{name}`"
    return f"{name} = {_of_node(value)}"
