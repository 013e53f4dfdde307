"""What an unquoted word of YAML means: the core schema of YAML 1.2, nothing more.

PyYAML reads YAML 1.1, in which `no` is false, `1e-3` is text, `014` is 12 and `12:30` is 750.
"""

from __future__ import annotations

import math
import re
import sys

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NOT_A_NUMBER = frozenset({".nan", ".NaN", ".NAN"})
_MAX_DIGITS = sys.float_info.max_10_exp + 1

Scalar = None | bool | int | float | str


def resolve_plain(text: str) -> Scalar:
    """Read one unquoted scalar.

    Raises
    ------
    ValueError
        For a number that is too large to compute with.

    Examples
    --------
    >>> [resolve_plain(word) for word in ("no", "1e-3", "014", "12:30", "~", "true", "0x1F")]
    ['no', 0.001, 14, '12:30', None, True, 31]
    """
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if text[0] not in "+-.0123456789":
        return text
    if _DECIMAL.fullmatch(text):
        if len(text.lstrip("+-0")) > _MAX_DIGITS:
            raise ValueError("is too large for a number")
        return int(text)
    if _OCTAL.fullmatch(text):
        return _bounded(int(text, 8))
    if _HEXADECIMAL.fullmatch(text):
        return _bounded(int(text, 16))
    if _FLOAT.fullmatch(text):
        return _finite(float(text))
    if _INFINITE.fullmatch(text):
        return -math.inf if text.startswith("-") else math.inf
    return math.nan if text in _NOT_A_NUMBER else text


def _bounded(value: int) -> int:
    _finite(float(value) if value.bit_length() <= sys.float_info.max_exp - 1 else math.inf)
    return value


def _finite(value: float) -> float:
    if math.isinf(value):
        raise ValueError("is too large for a number; write inf for infinity")
    return value
