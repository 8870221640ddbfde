"""Formulas of named block weights, evaluated without ``eval``. Called by weights; loads without torch."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping

from tag_atelier.errors import RecipeError


def triangle(x: float) -> float:
    """Triangle wave of period 2: 0 at even, 1 at odd whole numbers.

    >>> [triangle(x) for x in (0, 0.5, 1, 1.5, 2, 3)]
    [0, 0.5, 1, 0.5, 0, 1]
    """
    return 1 - abs((x % 2) - 1)


def smoothstep(x: float) -> float:
    """3x² − 2x³: from 0 to 1 with flat ends."""
    return x * x * (3 - 2 * x)


_FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "abs": abs,
    "cos": math.cos,
    "max": max,
    "min": min,
    "smooth": smoothstep,
    "tri": triangle,
}
_OPERATORS: Mapping[type[ast.operator | ast.unaryop | ast.cmpop], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
}


def evaluate(formula: str, **variables: float) -> float:
    """Value of ``formula``: numbers, ``variables``, pi, ``+ - * /``, one comparison (1 when true) and the functions above.

    >>> evaluate("abs(1 - 2*t)", t=0.25)
    0.5

    Raises:
        RecipeError: anything else stands in it, or it has no finite value.
    """
    try:
        value = float(_value(ast.parse(formula, mode="eval").body, {"pi": math.pi, **variables}))
    except (SyntaxError, ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
        raise RecipeError(
            "The block-weight formula '{formula}' cannot be worked out ({error}); expected numbers, {variables}, pi, "
            "+ - * / and {functions}.",
            formula=formula,
            error=str(error),
            variables=", ".join(sorted(variables)),
            functions=", ".join(sorted(_FUNCTIONS)),
        ) from error
    if not math.isfinite(value):
        raise RecipeError(
            "The block-weight formula '{formula}' gives {value}; expected a finite number.", formula=formula, value=value
        )
    return value


def _value(node: ast.expr, variables: Mapping[str, float]) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return variables[node.id]
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_value(node.operand, variables))
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_value(node.left, variables), _value(node.right, variables))
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _OPERATORS[type(node.ops[0])](_value(node.left, variables), _value(node.comparators[0], variables))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _FUNCTIONS[node.func.id](*(_value(argument, variables) for argument in node.args))
    raise ValueError(f"'{ast.unparse(node)}' is not allowed")
