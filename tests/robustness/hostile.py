"""Objects whose special methods fail, lie or never end."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

AnyArray = npt.NDArray[Any]


class HostileError(Exception):
    """The error of the objects below; no caller should see it."""


def _fail(self: Any, *arguments: Any, **named: Any) -> NoReturn:
    raise HostileError("raised by the value itself")


def failing_function(*arguments: Any, **named: Any) -> NoReturn:
    """Raise an error."""
    raise HostileError("raised by the function itself")


def _failing(name: str, *methods: str) -> type[Any]:
    return type(name, (), dict.fromkeys(methods, _fail))


Empty = _failing("Empty")
Repr = _failing("Repr", "__repr__")
Str = _failing("Str", "__str__")
Eq = _failing("Eq", "__eq__", "__ne__", "__lt__", "__gt__", "__le__", "__ge__", "__hash__")
Hash = _failing("Hash", "__hash__")
Bool = _failing("Bool", "__bool__")
Index = _failing("Index", "__index__", "__int__")
Float = _failing("Float", "__float__")
Array = _failing("Array", "__array__", "__array_interface__")
Len = _failing("Len", "__len__", "__iter__", "__getitem__")
Getattr = _failing("Getattr", "__getattr__")


class ReprOfNoString:
    """An object whose representation is no string."""

    def __repr__(self) -> str:
        return 1  # type: ignore[return-value]


class ReprLong:
    """An object with a representation of a megabyte."""

    def __repr__(self) -> str:
        return "long" * 2**18


class Iter:
    """A sequence whose elements cannot be read."""

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> NoReturn:
        raise HostileError("raised by the value itself")


class Class:
    """An object whose class cannot be asked for."""

    @property
    def __class__(self) -> Any:
        raise HostileError("raised by the value itself")

    @__class__.setter
    def __class__(self, value: Any) -> None:
        raise HostileError("raised by the value itself")


_SPECIAL = (
    *("__repr__", "__str__", "__eq__", "__ne__", "__lt__", "__gt__", "__le__", "__ge__"),
    *("__hash__", "__bool__", "__index__", "__int__", "__float__", "__complex__", "__array__"),
    *(
        "__len__",
        "__iter__",
        "__getitem__",
        "__contains__",
        "__call__",
        "__fspath__",
        "__getattr__",
    ),
    *("__format__", "__reduce_ex__", "__dir__", "__enter__", "__exit__"),
)
All = type("All", (Class,), dict.fromkeys(_SPECIAL, _fail))


class String(str):
    """A string that cannot be hashed or compared."""

    __hash__ = _fail  # type: ignore[assignment]
    __eq__ = _fail
    __ne__ = _fail
    __repr__ = _fail
    __str__ = _fail
    lower = _fail


class Number(int):
    """An integer of a class of its own."""


class Level(enum.IntEnum):
    """An enumeration of integers."""

    ONE = 1


class WithIndex:
    """An object that is an integer by its method `__index__`."""

    def __index__(self) -> int:
        return 1


class ScalarTensor:
    """A tensor without axes, of another library."""

    shape = ()
    dtype = np.dtype("int32")

    def __init__(self, value: int) -> None:
        self._value = value

    def __index__(self) -> int:
        return self._value

    def __float__(self) -> float:
        return float(self._value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> AnyArray:
        return np.array(self._value, dtype or np.int32)


class FalseLength:
    """A sequence of two elements by its length, which never ends."""

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[int]:
        while True:
            yield 1


class EndlessSequence:
    """A sequence by the old protocol, which never ends and has no length."""

    def __getitem__(self, index: int) -> int:
        return 1


class NegativeLength:
    """A sequence of a negative length."""

    def __len__(self) -> int:
        return -1

    def __iter__(self) -> Iterator[int]:
        return iter(())


class NumberPath:
    """An object that is a path by its method `__fspath__`, which returns no string."""

    def __fspath__(self) -> str:
        return 1  # type: ignore[return-value]


class SeedLookAlike:
    """An object with the methods of a seed generator, which fail."""

    state = (1, 0)
    next = _fail
    get_config = _fail


class _HostileArray(np.ndarray[Any, Any]):
    __getitem__ = _fail
    __setitem__ = _fail
    __repr__ = _fail
    fill = _fail


def array_of_hostile_class() -> AnyArray:
    """Return an array of a subclass that cannot be read or written."""
    return np.ones((2, 3), np.float32).view(_HostileArray)


def read_only_array() -> AnyArray:
    """Return an array that cannot be written to."""
    array = np.ones((2, 3), np.float32)
    array.flags.writeable = False
    return array


def unaligned_array() -> AnyArray:
    """Return an array whose elements are not aligned."""
    return np.zeros(25, np.uint8)[1:].view(np.float32).reshape(2, 3)


def recursive_list() -> list[Any]:
    """Return a list that contains itself."""
    values: list[Any] = [1]
    values.append(values)
    return values


def deep_list() -> list[Any]:
    """Return a list that is nested more deeply than Python can recurse."""
    values: list[Any] = []
    for _ in range(100_000):
        values = [values]
    return values
