"""What a question to the desk may bring: values of the types that its method names, and bounded ones. Checked here, for all."""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from watchline.core.limits import INTEGER_MAX
from watchline.errors import UsageError

_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", list: "a list", dict: "an object"}


class _Parameter(NamedTuple):
    kinds: tuple[Any, ...]  # as annotated: types, list[...] and dict[...], and NoneType
    needed: bool


def check_parameters(name: str, method: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Raise UsageError unless a method can be called with these JSON values: each by its annotation, none missing, none over.

    Whole numbers are of magnitude below 2^53, other numbers finite, and text is Unicode: what a program would trip over.
    """
    wanted = _parameters(getattr(method, "__func__", method))
    unknown = [each for each in given if each not in wanted]
    missing = [each for each, parameter in wanted.items() if parameter.needed and each not in given]
    if unknown or missing:
        raise UsageError(
            f"{name} was asked with other parameters than it takes",
            hint="use the commands of the same version as the node",
            unknown=[each[:64] for each in unknown[:8]],
            missing=missing,
        )
    for each, value in given.items():
        if not any(_fits(value, kind) for kind in wanted[each].kinds):
            words = " or ".join(_WORDS.get(get_origin(kind) or kind, "null") for kind in wanted[each].kinds)
            raise UsageError(f"{name}: {each} is {words}", hint=f"correct {each}", parameter=each, given=ascii(value)[:80])


@cache
def _parameters(function: Callable[..., Any]) -> Mapping[str, _Parameter]:
    hints = get_type_hints(function)
    return {
        name: _Parameter(_kinds(hints[name]), parameter.default is parameter.empty)
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self"
    }


def _kinds(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _fits(value: Any, kind: Any) -> bool:
    if kind is str:
        return type(value) is str and _is_unicode(value)
    if kind is int:
        return type(value) is int and abs(value) <= INTEGER_MAX
    if kind is float:
        return _fits(value, int) or (type(value) is float and math.isfinite(value))
    if get_origin(kind) is list:
        return type(value) is list and all(_fits(item, get_args(kind)[0]) for item in value)
    if get_origin(kind) is dict:
        return type(value) is dict
    return type(value) is kind


def _is_unicode(text: str) -> bool:
    """Whether the text can be encoded; JSON can name halves of a surrogate pair, and NUL ends a path."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
