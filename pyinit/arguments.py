"""Argument checks. An error names the argument, the allowed values and the received one."""

from __future__ import annotations

import inspect
import math
import operator
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

import numpy as np

if TYPE_CHECKING:
    from typing_extensions import TypeIs

Shape = tuple[int, ...]
AnyError = TypeVar("AnyError", bound=Exception)
Class = TypeVar("Class")
Answer = TypeVar("Answer")
Constructed = TypeVar("Constructed")

#: The largest number of elements whose size in bytes, as float64, fits into 63 bits.
MAX_SIZE = (2**63 - 1) // 8
#: NumPy's maximum rank.
MAX_RANK = 64 if int(np.__version__.partition(".")[0]) >= 2 else 32


#: Maximum length of a value in a message.
_MAX_SHOWN = 200


@overload
def argument_error(name: str, received: object, allowed: str) -> ValueError: ...
@overload
def argument_error(
    name: str, received: object, allowed: str, error: type[AnyError]
) -> AnyError: ...
def argument_error(
    name: str, received: object, allowed: str, error: type[Exception] = ValueError
) -> Exception:
    """Return the error for an invalid argument."""
    return error(f"Argument `{name}` must be {allowed}. Received: {name}={shown(received)}")


def shown(value: object) -> str:
    """Return the `repr` of a value that a message quotes, cut if it is long.

    A `repr` that fails does not replace the error of the argument, and a long list or string is
    not converted as a whole.
    """
    text = attempt(_shown, value)
    return f"<object of class {type(value).__name__}, whose repr() fails>" if text is None else text


def _shown(value: Any) -> str:
    if type(value) is int and value.bit_length() > _MAX_SHOWN * 3:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, str | bytes | bytearray) and len(value) > _MAX_SHOWN:
        return f"{value[:_MAX_SHOWN]!r}... ({len(value)} characters)"
    text = _text(value, _MAX_SHOWN)
    if len(text) <= _MAX_SHOWN:
        return text
    if type(value) in _BRACKETS:
        length = f"a {type(value).__name__} of length {len(value)}"
    else:
        length = f"{len(text)} characters"
    return f"{text[:_MAX_SHOWN]}... ({length})"


#: The brackets of Python's containers, empty and with elements.
_BRACKETS: dict[type[Any], tuple[str, str, str]] = {
    list: ("[]", "[", "]"),
    tuple: ("()", "(", ")"),
    set: ("set()", "{", "}"),
    frozenset: ("frozenset()", "frozenset({", "})"),
    dict: ("{}", "{", "}"),
}


def _text(value: Any, budget: int) -> str:
    """Return the `repr` of a value; of a container, as many characters as exceed the budget."""
    if type(value) in (str, bytes):
        return repr(value[: max(budget, 0) + 1])
    if type(value) not in _BRACKETS:
        return repr(value)
    empty, start, end = _BRACKETS[type(value)]
    if not value:
        return empty
    text = start
    for element in value:
        text += _text(element, budget - len(text))
        if type(value) is dict:
            text += f": {_text(value[element], budget - len(text))}"
        if len(text) > budget:
            return text
        text += ", "
    return text[: -1 if type(value) is tuple and len(value) == 1 else -2] + end


def attempt(function: Callable[..., Answer], *arguments: Any) -> Answer | None:
    """Call a function that runs the methods of a user's object; return None if they raise an error.

    The error of an argument takes the place of the object's own. A lack of memory still raises.
    """
    try:
        return function(*arguments)
    except MemoryError:
        raise
    except Exception:
        return None


def is_instance(value: object, cls: type[Class]) -> TypeIs[Class]:
    """Return isinstance(), or False for an object whose attribute `__class__` raises an error."""
    return type(value) is cls or bool(attempt(isinstance, value, cls))


def is_path(value: object) -> TypeIs[str | os.PathLike[str]]:
    """Return whether an argument has the type of a path: a string or a path object."""
    return is_instance(value, str) or is_instance(value, os.PathLike)  # type: ignore[type-abstract]


def has_attribute(value: object, name: str) -> bool:
    """Return hasattr(), or False for an object whose attribute raises another error."""
    return bool(attempt(hasattr, value, name))


def exact_str(value: object) -> str | None:
    """Return a string as an object of the class `str` itself; None for anything else."""
    if type(value) is str:
        return value
    return str.__str__(value) if issubclass(type(value), str) else None


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return a hint at the known name that is nearest to a misspelt one.

    Returns:
        `" (did you mean 'seed'?)"`, or an empty string if no name is near.
    """
    from difflib import get_close_matches

    by_lower = {entry.lower(): entry for entry in sorted(known, reverse=True)}
    near = get_close_matches(name.lower(), by_lower, n=1) if isinstance(name, str) else []
    return f" (did you mean {by_lower[near[0]]!r}?)" if near else ""


def as_index(value: object) -> int | None:
    """Return an integer as a Python int; None for anything else, bools included.

    Integers are those of Python and NumPy, arrays and tensors of an integer dtype without axes, and
    objects with a method `__index__`.
    """
    return value if type(value) is int else attempt(_index, value)


def _index(value: Any) -> int | None:
    if isinstance(value, bool | np.bool_ | np.timedelta64):
        return None
    if isinstance(value, np.integer):
        return int(value)
    if hasattr(value, "dtype") and not _is_scalar(value, ("int", "uint")):
        # torch's bool tensors and its tensors of one element have an `__index__`, too
        return None
    return int(operator.index(value))


def _is_scalar(value: Any, dtypes: tuple[str, ...]) -> bool:
    """Return whether an array or tensor has no axes and a dtype whose name starts with these."""
    dtype = value.dtype
    if isinstance(value, np.ma.MaskedArray):
        return False
    # Keras' variables have the name alone; torch's dtypes have no name, but str() of them ends
    # with it
    name = getattr(dtype, "name", None) or str(dtype).rpartition(".")[2]
    return name.startswith(dtypes) and value.shape == ()


def as_positive_integer(name: str, value: object, allowed: str = "a positive integer") -> int:
    """Return an integer above 0 as a Python int."""
    index = as_index(value)
    if index is None or index < 1:
        raise argument_error(name, value, allowed)
    return index


def as_number(
    name: str, value: Any, allowed: str = "a finite number", *, must_be_finite: bool = True
) -> int | float:
    """Return a scalar of Python, NumPy or a tensor library as a Python int or float.

    An integer beyond the range of float64 is an error, too, and so are bools, complex numbers,
    strings, and arrays of these.
    """
    if type(value) is float and math.isfinite(value):
        return value  # the fast path: as_index() would raise and catch an exception
    index = as_index(value)
    if index is not None:
        if abs(index) > sys.float_info.max:
            raise argument_error(name, value, allowed)
        return index
    number = attempt(_float, value)
    if number is None or (must_be_finite and not math.isfinite(number)):
        raise argument_error(name, value, allowed)
    return number


def _float(value: Any) -> float | None:
    """Return a scalar of a float dtype as a Python float; None for anything else."""
    is_float = isinstance(value, float | np.floating) or _is_scalar(value, ("float", "bfloat"))
    return float(value) if is_float else None


def as_bool(name: str, value: object) -> bool:
    """Return a flag, a bool of Python or NumPy, as a Python bool."""
    if value is True or value is False or type(value) is np.bool_:
        return bool(value)
    raise argument_error(name, value, "True or False")


def one_of(name: str, value: object, allowed: Sequence[str]) -> str:
    """Return `value` as a Python string if it is one of the `allowed` strings."""
    text = exact_str(value)
    if text is None or text not in allowed:
        raise argument_error(name, value, "one of " + ", ".join(map(repr, allowed)))
    return text


def as_path(name: str, value: str | os.PathLike[str]) -> Path:
    """Return a path given as a string or as a path object."""
    text = exact_str(attempt(os.fspath, value))
    if text is None:
        raise argument_error(name, value, "a path")
    # None if the file system's encoding cannot represent it
    encoded = attempt(os.fsencode, text)
    if not encoded or b"\0" in encoded:
        allowed = "a path that a file can have, neither empty nor with a character NUL"
        raise argument_error(name, value, allowed)
    return Path(text)


def as_dimensions(name: str, value: object) -> Shape:
    """Return `value` as a tuple of non-negative Python ints."""
    allowed = "a sequence of non-negative integers"
    if type(value) is tuple:
        # the fast path of every draw
        for dimension in value:
            if type(dimension) is not int or dimension < 0:
                break
        else:
            return value
    dimensions = []
    for axis, dimension in enumerate(sequence_elements(name, value, allowed)):
        if dimension is None:
            allowed += f" (the dimension of axis {axis}, counted from 0, is None)"
            raise argument_error(name, value, allowed)
        index = as_index(dimension)
        if index is None or index < 0:
            raise argument_error(name, value, f"{allowed} (found {shown(dimension)})")
        dimensions.append(index)
    return tuple(dimensions)


def as_shape(value: object) -> Shape:
    """Return `value` as the shape of a tensor that NumPy can represent."""
    shape = as_dimensions("shape", value)
    if len(shape) > MAX_RANK:
        raise argument_error("shape", value, f"of rank at most {MAX_RANK}")
    # NumPy limits the product of the non-zero dimensions even if the array is empty
    if math.prod(filter(None, shape)) > MAX_SIZE:
        raise argument_error("shape", value, f"a shape of at most {MAX_SIZE} elements")
    return shape


def as_axes(name: str, value: object) -> list[int] | None:
    """Return `value` as a list of axes, or None. Negative axes count from the end."""
    if value is None:
        return None
    return _axes(name, value, "None or a sequence of integers")


def as_batch_axes(value: object) -> list[int] | None:
    """Return `batch_axes`, an axis or a sequence of axes, as a list; None if there are none."""
    if value is None:
        return None
    allowed = "None, an integer or a sequence of distinct integers"
    index = as_index(value)
    if index is not None:
        return [_as_axis("batch_axes", value, index)]
    axes = _axes("batch_axes", value, allowed)
    if len(set(axes)) != len(axes):
        raise argument_error("batch_axes", value, allowed)
    return axes or None


def _axes(name: str, value: object, allowed: str) -> list[int]:
    axes = []
    for axis in sequence_elements(name, value, allowed):
        index = as_index(axis)
        if index is None:
            raise argument_error(name, value, allowed)
        axes.append(_as_axis(name, value, index))
    return axes


def _as_axis(name: str, value: object, axis: int) -> int:
    """Return an axis that a tensor of some rank has."""
    if not -MAX_RANK <= axis < MAX_RANK:
        allowed = f"made of axes from {-MAX_RANK} to {MAX_RANK - 1}"
        raise argument_error(name, value, allowed)
    return axis


def sequence_elements(
    name: str,
    value: object,
    allowed: str,
    longest: int = MAX_RANK,
    error: type[Exception] = ValueError,
) -> list[Any]:
    """Return the elements of a sequence whose length says that it is not too long.

    A sequence is an ordered collection, such as a list, a tuple, a range or an array. Iterators,
    which have no length, strings, bytes, sets and dictionaries are not.

    Raises:
        Exception: The `error`: `value` is no sequence, or has more than `longest` elements.
    """
    length = attempt(_length_of_sequence, value)
    if length is not None and length <= longest:
        elements = attempt(_first_elements, value, length + 1)
        if elements is not None and len(elements) == length:
            return elements
    elif length is not None:
        allowed = f"{allowed}, at most {longest} of them"
    raise argument_error(name, value, allowed, error)


def _length_of_sequence(value: Any) -> int | None:
    is_refused = isinstance(value, str | bytes | bytearray | memoryview | Mapping | Set)
    # len() raises for iterators, arrays without axes and ranges beyond the largest length
    return None if is_refused or not isinstance(value, Iterable) else len(value)  # type: ignore[arg-type]


def _first_elements(value: Iterable[Any], count: int) -> list[Any]:
    return list(islice(value, count))


def constructed(constructor: Callable[..., Constructed], config: object) -> Constructed:
    """Call a class or a function with the arguments in a configuration.

    Raises:
        ValueError: `config` is no dictionary, or a key of it is not an argument.
    """
    if not is_instance(config, dict):
        raise argument_error("config", config, "a dictionary, as get_config() returns it")
    try:
        return constructor(**config)
    except TypeError as error:
        if isinstance(error, ValueError):  # it names the argument: see pyinit.compat.ArgumentError
            raise
        allowed = f"a dictionary of arguments of {constructor.__name__} ({error})"
        raise argument_error("config", config, allowed) from None


def as_partition(
    shape: Shape,
    partition_shape: object,
    partition_offset: object,
    names: tuple[str, str] = ("partition_shape", "partition_offset"),
) -> tuple[Shape, Shape]:
    """Return the shape and the offset of a partition that lies inside a tensor of `shape`.

    Args:
        shape: The shape of the tensor.
        partition_shape: The shape of the partition.
        partition_offset: Its start along each axis.
        names: The caller's names of these two arguments, for messages.
    """
    shape_name, offset_name = names
    if partition_shape is None or partition_offset is None:
        names = names if partition_shape is None else names[::-1]
        raise argument_error(names[0], None, f"given together with `{names[1]}`")
    partition = as_dimensions(shape_name, partition_shape)
    offset = as_dimensions(offset_name, partition_offset)
    if len(partition) != len(shape):
        raise argument_error(shape_name, partition_shape, f"of the rank of shape={shape}")
    if len(offset) != len(shape):
        raise argument_error(offset_name, partition_offset, f"of the rank of shape={shape}")
    for full, length, first in zip(shape, partition, offset, strict=True):
        if length > full:
            allowed = f"at most that of shape={shape} along each axis"
            raise argument_error(shape_name, partition_shape, allowed)
        if first + length > full:
            allowed = (
                f"such that the partition {partition} at that offset lies inside shape={shape}"
            )
            raise argument_error(offset_name, partition_offset, allowed)
    return partition, offset


class _ConstructorSignature:
    """The signature of a class, for `inspect`, which would take that of `__new__`."""

    def __get__(self, instance: object, owner: type[Any]) -> inspect.Signature:
        if instance is not None:  # it is called with the arguments of __call__
            raise AttributeError("__signature__")
        return _constructor_signature(owner)


def _constructor_signature(cls: type[Any]) -> inspect.Signature:
    if cls.__init__ is object.__init__:
        return inspect.Signature()
    return inspect.Signature(list(inspect.signature(cls.__init__).parameters.values())[1:])


class CheckedAttributes:
    """The base class of objects whose attributes are the arguments of their constructor.

    Setting such an attribute checks the value as the constructor does. Any other public attribute
    is an error. Subclasses outside this package may have more attributes and arguments.

    Constructors that must be fast write to `self.__dict__`, which checks nothing.
    """

    __signature__ = _ConstructorSignature()
    #: The class of this package whose constructor checks attributes, and its arguments.
    _checked: ClassVar[tuple[type[Any], tuple[str, ...]]]
    #: Whether that constructor receives the arguments, rather than one of a user's subclass.
    _is_constructor_checked: ClassVar[bool]
    #: Further attributes that follow from an argument.
    _follow: ClassVar[dict[str, tuple[str, ...]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.partition(".")[0] == "pyinit":
            cls._checked = cls, tuple(_constructor_signature(cls).parameters)
        cls._is_constructor_checked = cls.__init__ is cls._checked[0].__init__

    if not TYPE_CHECKING:  # type checkers read the signature of __init__

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            """Check that the constructor has arguments of these names."""
            if cls._is_constructor_checked:
                arguments = cls._checked[1]
                free = arguments[len(args) :]
                if len(args) > len(arguments):
                    raise _arguments_error(cls, arguments, args, kwargs)
                for name in kwargs:
                    if name not in free:
                        raise _arguments_error(cls, arguments, args, kwargs)
            return object.__new__(cls)

    def __setattr__(self, name: str, value: Any) -> None:
        owner, arguments = self._checked
        values = vars(self)
        # as long as arguments are missing, this is a call by a constructor
        if name.startswith("_") or not all(argument in values for argument in arguments):
            object.__setattr__(self, name, value)
        elif name in arguments:
            given = {argument: values[argument] for argument in arguments}
            checked = vars(owner(**{**given, name: value}))
            values.update((key, checked[key]) for key in (name, *self._follow.get(name, ())))
        elif type(self) is not owner:
            object.__setattr__(self, name, value)
        else:
            raise AttributeError(_attribute_message(self, name, arguments))


def _arguments_error(
    cls: type[Any], arguments: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> TypeError:
    """Return the error for a call of a constructor with too many or unknown arguments."""
    name = cls.__name__
    takes = f"It takes {', '.join(arguments)}" if arguments else "It takes no arguments"
    for unknown in kwargs:
        if unknown not in arguments:
            hint = did_you_mean(unknown, arguments)
            return TypeError(f"{name}() has no argument {unknown!r}{hint}. {takes}")
    if len(args) > len(arguments):
        return TypeError(f"Too many arguments for {name}(): {len(args)}. {takes}")
    twice = next(argument for argument in arguments[: len(args)] if argument in kwargs)
    return TypeError(f"{name}() received the argument {twice!r} twice. {takes}")


def _attribute_message(owner: object, name: str, arguments: tuple[str, ...]) -> str:
    """Return the message for an attribute that cannot be set."""
    cls = type(owner)
    settable = f"These can be set: {', '.join(arguments)}" if arguments else "None can be set"
    if not hasattr(owner, name):
        hint = did_you_mean(name, arguments)
        return f"{cls.__name__} has no attribute {name!r}{hint}. {settable}"
    bases = (base for base in cls.__mro__ if name in getattr(base, "_checked", ((), ()))[1])
    remedy = next((f": use {base.__name__}" for base in bases), "")
    return f"The attribute {name!r} of {cls.__name__} cannot be set{remedy}. {settable}"
