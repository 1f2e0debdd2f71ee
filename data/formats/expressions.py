"""Arithmetic expressions in files: numbers, names, + - * / **, brackets and a few functions."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from lattice_gnn.errors import LatticeGnnError

_MAX_LENGTH = 500
_MAX_DEPTH = 50
_BINARY: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "sqrt": math.sqrt, "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin,
    "acos": math.acos, "atan": math.atan, "atan2": math.atan2, "exp": math.exp, "log": math.log,
    "radians": math.radians, "degrees": math.degrees, "abs": abs, "min": min, "max": max,
}  # fmt: skip
_CONSTANTS = {"pi": math.pi, "e": math.e}


def evaluate(text: str, names: Mapping[str, float], where: str) -> float:
    """Return the value of an expression.

    Args:
        text: Such as ``1 - h / 2``.
        names: Values of the names in it; pi and e are known too.
        where: The place in the file, for errors.

    Raises:
        LatticeGnnError: It is no arithmetic, a name is unknown, or the value is not finite.
    """
    shown = repr(text[:40])
    if len(text) > _MAX_LENGTH:
        raise LatticeGnnError(f"{where}: an expression of more than {_MAX_LENGTH} characters.")
    try:
        value = float(_value(ast.parse(text.strip(), mode="eval").body, names, 0))
    except KeyError as error:
        raise LatticeGnnError(
            f"{where}: {shown}: the file gives no value of {str(error.args[0])[:40]!r}."
        ) from None
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError):
        raise LatticeGnnError(
            f"{where}: {shown}: expected arithmetic with numbers and names of parameters."
        ) from None
    if not math.isfinite(value):
        raise LatticeGnnError(f"{where}: {shown}: its value is not finite.")
    return value


def _value(node: ast.AST, names: Mapping[str, float], depth: int) -> float:
    if depth > _MAX_DEPTH:
        raise ValueError(depth)
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.Name(id=name):
            return names[name] if name in names else _CONSTANTS[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](
                _value(left, names, depth + 1), _value(right, names, depth + 1)
            )
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            value = _value(operand, names, depth + 1)
            return -value if isinstance(node.op, ast.USub) else value
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_value(x, names, depth + 1) for x in args))
    raise ValueError(node)


def parameters(given: Mapping[str, Any], where: str) -> dict[str, float]:
    """Return the values of parameters, each a number or an expression of others, in any order.

    Raises:
        LatticeGnnError: One of them has no value, or they go round in a circle.
    """
    if len(given) > 1000:
        raise LatticeGnnError(f"{where}: more than 1000 parameters.")
    found: dict[str, float] = {}
    waiting = dict(given)
    while waiting:
        ready = {name: x for name, x in waiting.items() if _needs(x).isdisjoint(waiting)}
        if not ready:
            names = ", ".join(waiting)[:60]
            raise LatticeGnnError(f"{where}: these depend on one another in a circle: {names}.")
        for name, value in ready.items():
            place = f"{where}.{name[:40]}"
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise LatticeGnnError(f"{place}: expected a number or an expression.")
            found[name] = evaluate(value if isinstance(value, str) else repr(value), found, place)
            del waiting[name]
    return found


def _needs(value: Any) -> set[str]:
    """Return the names in an expression; none if it is not arithmetic, which is reported later."""
    if not isinstance(value, str) or len(value) > _MAX_LENGTH:
        return set()
    try:
        tree = ast.parse(value.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
