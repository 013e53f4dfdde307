"""What an expression may say, and how its number is found: a whitelist, then simpleeval."""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from ecosystem.errors import EcosystemError, did_you_mean, shorten

Number = int | float

MAX_LENGTH = 1000
MAX_DEPTH = 50
_MAX_BITS = 1024
_MAX_DECIMALS = 15


class ExpressionError(EcosystemError):
    """An expression that is not allowed, or has no number."""


def _guarded(function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """Make infinity out of finite numbers an error, as it is for Python's own functions."""

    def guarded(left: Any, right: Any) -> Any:
        result = function(left, right)
        if isinstance(result, float) and math.isinf(result) and math.isfinite(left) and math.isfinite(right):
            raise OverflowError
        return result

    return guarded


def _power(base: Number, exponent: Number) -> Number | complex:
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and exponent * base.bit_length() > _MAX_BITS:  # type: ignore[union-attr]
        raise OverflowError
    return base**exponent


def _round(value: Number, decimals: int = 0) -> Number:
    if not isinstance(decimals, int) or abs(decimals) > _MAX_DECIMALS:
        raise ValueError("round takes a whole number of decimals")
    return round(value, decimals) if decimals else round(value)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "exp": math.exp,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "tanh": math.tanh,
    "round": _round,
    "floor": math.floor,
    "ceil": math.ceil,
}
_ARGUMENTS = {"min": (2, 99), "max": (2, 99), "log": (1, 2), "round": (1, 2)}

CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf}

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _guarded(operator.add),
    ast.Sub: _guarded(operator.sub),
    ast.Mult: _guarded(operator.mul),
    ast.Div: _guarded(operator.truediv),
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _guarded(_power),
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_NODES = (
    *_OPERATORS,
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.Name,
    ast.Constant,
    ast.Load,
)
_ALLOWED = "numbers, parameters, + - * / // % **, comparisons, `a if b else c` and functions such as min(…)"


class Arithmetic:
    """Evaluates expressions over names that may be added to meanwhile."""

    def __init__(self, names: Mapping[str, Number]) -> None:
        # Imported here, as most scenarios of a large sweep from Python have no expression.
        from simpleeval import SimpleEval

        self._eval = SimpleEval(operators=_OPERATORS, functions=FUNCTIONS, names=names)

    def number(self, text: str) -> Number:
        """Return the number that an expression stands for; a whole one is an int.

        Raises
        ------
        ExpressionError
            If the expression is not allowed, or has no finite real value.
        """
        tree, _names = _parsed(text)
        try:
            value = self._eval.eval(text, previously_parsed=tree)
            if isinstance(value, int) and not isinstance(value, bool):
                float(value)
        except ZeroDivisionError:
            raise ExpressionError(f"divides by zero (in {shorten(text)})") from None
        except OverflowError:
            raise ExpressionError(f"is too large for a number (in {shorten(text)})") from None
        except (ValueError, TypeError, ArithmeticError) as error:
            raise ExpressionError(f"has no value: {error} (in {shorten(text)})") from None
        if isinstance(value, bool):
            raise ExpressionError(f"is true or false, not a number (in {shorten(text)})")
        if isinstance(value, complex) or math.isnan(value):
            raise ExpressionError(f"is not a real number (in {shorten(text)})")
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return value


def names_in(text: str) -> frozenset[str]:
    """Return the names that an expression refers to, functions apart.

    Raises
    ------
    ExpressionError
        If the expression is not allowed.

    Examples
    --------
    >>> sorted(names_in("= max(lam, 1 - c)"))
    ['c', 'lam']
    """
    return _parsed(text)[1]


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[ast.expr, frozenset[str]]:
    """Parse an expression with its leading ``=``, and refuse what is not arithmetic."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression has at most {MAX_LENGTH} characters (got {len(text)})")
    source = " ".join(text[1:].split())
    if not source:
        raise ExpressionError("an expression stands after = (got nothing)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        hint = "; a power is written **" if "^" in source else ""
        raise ExpressionError(f"is not arithmetic (got {shorten(text)}){hint}") from None
    names: set[str] = set()
    _admit(tree, text, names, 0)
    return tree, frozenset(names)


def _admit(node: ast.AST, text: str, names: set[str], depth: int) -> None:
    """Check a node and what is below it, collecting names; the message is about the first refusal."""
    if depth > MAX_DEPTH:
        raise ExpressionError(f"is nested more than {MAX_DEPTH} deep (in {shorten(text)})")
    if not isinstance(node, _NODES):
        hint = "; a power is written **" if isinstance(node, ast.BitXor) else ""
        raise ExpressionError(f"an expression may hold {_ALLOWED} (got {shorten(text)}){hint}")
    if isinstance(node, ast.Constant):
        _admit_constant(node, text)
    elif isinstance(node, ast.Name):
        names.add(node.id)
    elif isinstance(node, ast.Call):
        _admit_call(node, text)
        for argument in node.args:
            _admit(argument, text, names, depth + 1)
        return
    for child in ast.iter_child_nodes(node):
        _admit(child, text, names, depth + 1)


def _admit_constant(node: ast.Constant, text: str) -> None:
    if type(node.value) not in (int, float):
        raise ExpressionError(f"an expression may hold {_ALLOWED} (got {shorten(text)})")
    if isinstance(node.value, float) and math.isinf(node.value):
        raise ExpressionError(f"is too large for a number (in {shorten(text)})")


def _admit_call(node: ast.Call, text: str) -> None:
    if not isinstance(node.func, ast.Name):
        raise ExpressionError(f"an expression may hold {_ALLOWED} (got {shorten(text)})")
    name = node.func.id
    if name not in FUNCTIONS:
        hint = did_you_mean(name, FUNCTIONS) or f"; there are {', '.join(FUNCTIONS)}"
        raise ExpressionError(f"there is no function {shorten(name)}{hint} (in {shorten(text)})")
    if node.keywords:
        raise ExpressionError(f"{name} takes its arguments without names (in {shorten(text)})")
    fewest, most = _ARGUMENTS.get(name, (1, 1))
    if not fewest <= len(node.args) <= most:
        wanted = f"{fewest} or more" if most > 2 else " or ".join(map(str, range(fewest, most + 1)))
        raise ExpressionError(f"{name} takes {wanted} arguments (got {len(node.args)} in {shorten(text)})")
