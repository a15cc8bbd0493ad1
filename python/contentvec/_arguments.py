"""What callers hand in, looked at before the extension does, whose own messages list C++ signatures."""

from __future__ import annotations

import operator
import os
from typing import Any

from ._core import Error


def path_text(path: Any, what: str) -> str:
    """A path or a name as text. Raises TypeError for another type, and Error for bytes that are no UTF-8."""
    try:
        text = os.fsdecode(path)
    except TypeError:
        raise TypeError(f"{what} is a {type(path).__name__}; expected a path (str or os.PathLike)") from None
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Error(f"{what} is {text!r}, which is no UTF-8: rename it, or give a link to it with another name") from None
    return text


def integer(value: Any, what: str, bits: int = 32) -> int:
    """A whole number that fits so many bits, with its sign."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} is a {type(value).__name__}; expected a whole number") from None
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise Error(f"{what} is {number}; expected a number of {bits} bits")
    return number


def number(value: Any, what: str) -> float:
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{what} is a {type(value).__name__}; expected a number") from None


def word(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} is a {type(value).__name__}; expected a str")
    return value


def instance(value: Any, kind: type, what: str) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{what} is a {type(value).__name__}; expected a contentvec.{kind.__name__}")
    return value
