"""Fast checks of JSON documents, compiled from a JSON Schema.

A generic validator takes milliseconds for each tensor of a manifest. The functions compiled here
give the same verdict within microseconds. They report no errors: the generic validator explains why
a document is invalid.

Only the keywords that the schema of manifests uses are known; others raise an error when compiled.

Source: https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

#: Returns whether a document is valid.
Check = Callable[[Any], bool]

_ANNOTATIONS = {"$defs", "$id", "$schema", "description", "title"}


def compile_schema(schema: dict[str, Any], path: str = "") -> Check:
    """Compile a schema, or the part of it at a path such as `$defs/tensor`.

    Raises:
        NotImplementedError: The schema has a keyword that is not known here.
    """
    return _Compiler(schema).check_at(path)


class _Compiler:
    """Compiles the parts of one schema, those that are referred to once each.

    Args:
        root: The whole schema.
    """

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._referred: dict[str, Check] = {}

    def check_at(self, path: str) -> Check:
        """Compile the part of the schema at a path."""
        if path not in self._referred:
            part: Any = self._root
            for name in path.split("/") if path else []:
                part = part[name]
            self._referred[path] = self.compile(part)
        return self._referred[path]

    def compile(self, schema: Any) -> Check:
        """Compile a schema."""
        if isinstance(schema, bool):
            return lambda _: schema
        left = {name: value for name, value in schema.items() if name not in _ANNOTATIONS}
        checks = [make(self, left) for names, make in _MAKERS if not left.keys().isdisjoint(names)]
        known = {name for names, _ in _MAKERS for name in names}
        if not left.keys() <= known:
            raise NotImplementedError(f"keywords {sorted(left.keys() - known)}")
        return _all_of(checks)

    def of_reference(self, schema: dict[str, Any]) -> Check:
        """Compile `$ref`."""
        return self.check_at(schema["$ref"].removeprefix("#/"))

    def of_types(self, schema: dict[str, Any]) -> Check:
        """Compile `type`."""
        names = schema["type"]
        checks = [_TYPES[name] for name in ([names] if isinstance(names, str) else names)]
        if len(checks) == 1:
            return checks[0]
        return lambda value: any(check(value) for check in checks)

    def of_values(self, schema: dict[str, Any]) -> Check:
        """Compile `enum` and `const`."""
        allowed = schema["enum"] if "enum" in schema else [schema["const"]]
        keys = {_key(value) for value in allowed}
        return lambda value: type(value) in _SCALARS and _key(value) in keys

    def of_numbers(self, schema: dict[str, Any]) -> Check:
        """Compile the limits of numbers."""
        low = schema.get("minimum", float("-inf"))
        high = schema.get("maximum", float("inf"))
        above = schema.get("exclusiveMinimum", float("-inf"))
        if "exclusiveMinimum" in schema:
            return lambda x: not _is_number(x) or (low <= x <= high and x > above)
        return lambda x: not _is_number(x) or low <= x <= high

    def of_strings(self, schema: dict[str, Any]) -> Check:
        """Compile the limits of strings."""
        low, high = schema.get("minLength", 0), schema.get("maxLength", float("inf"))
        search = re.compile(schema.get("pattern", "")).search
        return lambda x: not isinstance(x, str) or (low <= len(x) <= high and search(x) is not None)

    def of_arrays(self, schema: dict[str, Any]) -> Check:
        """Compile the limits of arrays and `items`."""
        low, high = schema.get("minItems", 0), schema.get("maxItems", float("inf"))
        item = self.compile(schema.get("items", True))

        def check(value: Any) -> bool:
            if not isinstance(value, list):
                return True
            if not low <= len(value) <= high:
                return False
            for element in value:  # noqa: SIM110 - a generator takes twice as long
                if not item(element):
                    return False
            return True

        return check

    def of_objects(self, schema: dict[str, Any]) -> Check:
        """Compile the fields of objects."""
        properties = {
            name: self.compile(part) for name, part in schema.get("properties", {}).items()
        }
        required = schema.get("required", ())
        others = schema.get("additionalProperties", True)
        if not isinstance(others, bool):
            raise NotImplementedError("additionalProperties with a schema")
        dependent = tuple(schema.get("dependentRequired", {}).items())

        def check(value: Any) -> bool:
            if not isinstance(value, dict):
                return True
            for name in required:
                if name not in value:
                    return False
            for name, names in dependent:
                if name in value and not all(other in value for other in names):
                    return False
            for name, content in value.items():
                part = properties.get(name)
                if part is None:
                    if not others:
                        return False
                elif not part(content):
                    return False
            return True

        return check

    def of_condition(self, schema: dict[str, Any]) -> Check:
        """Compile `if`, `then` and `else`."""
        condition = self.compile(schema["if"])
        then = self.compile(schema.get("then", True))
        otherwise = self.compile(schema.get("else", True))
        return lambda value: then(value) if condition(value) else otherwise(value)

    def of_all(self, schema: dict[str, Any]) -> Check:
        """Compile `allOf`: conditions on the value of one field become a look-up."""
        parts = schema["allOf"]
        fields = [_field_of(part) for part in parts]
        if None in fields or len({field[0] for field in fields if field}) != 1:
            return _all_of([self.compile(part) for part in parts])
        name = fields[0][0]  # type: ignore[index]
        checks: dict[Any, list[Check]] = {}
        for part, field in zip(parts, fields, strict=True):
            then = self.compile(part["then"])
            for value in field[1]:  # type: ignore[index]
                checks.setdefault(value, []).append(then)
        chosen = {value: _all_of(found) for value, found in checks.items()}
        # a condition on a field holds where the field is absent
        every = _all_of([check for found in checks.values() for check in found])

        def check(value: Any) -> bool:
            if not isinstance(value, dict) or name not in value:
                return every(value)
            field = value[name]
            then = chosen.get(field) if isinstance(field, str) else None
            return then is None or then(value)

        return check


#: The keywords that are compiled together.
_MAKERS: list[tuple[set[str], Callable[[_Compiler, dict[str, Any]], Check]]] = [
    ({"$ref"}, _Compiler.of_reference),
    ({"type"}, _Compiler.of_types),
    ({"enum", "const"}, _Compiler.of_values),
    ({"minimum", "maximum", "exclusiveMinimum"}, _Compiler.of_numbers),
    ({"minLength", "maxLength", "pattern"}, _Compiler.of_strings),
    ({"minItems", "maxItems", "items"}, _Compiler.of_arrays),
    (
        {"required", "properties", "additionalProperties", "dependentRequired"},
        _Compiler.of_objects,
    ),
    ({"if", "then", "else"}, _Compiler.of_condition),
    ({"allOf"}, _Compiler.of_all),
]


def _all_of(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]
    # without a generator, which would take most of the time
    if len(checks) == 2:
        first, second = checks
        return lambda value: first(value) and second(value)
    if len(checks) == 3:
        first, second, third = checks
        return lambda value: first(value) and second(value) and third(value)
    return lambda value: all(check(value) for check in checks)


def _field_of(schema: Any) -> tuple[str, list[str]] | None:
    """Return the field that a conditional schema is about and its strings; None for others."""
    if not isinstance(schema, dict) or schema.keys() != {"if", "then"}:
        return None
    condition = schema["if"]
    if condition.keys() != {"properties"} or len(condition["properties"]) != 1:
        return None
    [(name, part)] = condition["properties"].items()
    if part.keys() not in ({"enum"}, {"const"}):
        return None
    values = part.get("enum", [part.get("const")])
    return (name, values) if all(isinstance(value, str) for value in values) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    # 1.0 is an integer in JSON Schema
    return type(value) is int or (isinstance(value, float) and value.is_integer())


_TYPES: dict[str, Check] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "null": lambda value: value is None,
    "number": _is_number,
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}
_SCALARS = {str, int, float, bool, type(None)}


def _key(value: Any) -> tuple[bool, Any]:
    """Return a key by which scalars are equal as in JSON Schema, where true is not 1."""
    if type(value) not in _SCALARS:
        raise NotImplementedError("enum and const of arrays and objects")
    return isinstance(value, bool), value
