"""A formula over texts and numbers: parsed into a tree, checked, and computed by walking it; never run as code.

    number(answer) == number(expected) and words(answer) <= 20
    1 if startswith(answer, "Yes") else 0.2 * contains(answer, topic)

Names are ``answer``, ``expected``, ``prompt``, and the columns of the row. Beside them there are numbers, texts in
quotation marks, ``+ - * /``, comparisons, ``in``, ``and``, ``or``, ``not``, ``X if CONDITION else Y``, and FUNCTIONS.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from finetune.rewards.number import number_in

LONGEST = 1000
"""Characters of a formula."""


class FormulaError(ValueError):
    """Why a formula cannot be read or computed, as a sentence without its full stop."""


class NoNumberError(FormulaError):
    """A formula that is right and gives no number for these values, such as ``1 / number(answer)`` of a bare word."""


def _number(value: Any) -> float:
    if isinstance(value, (bool, int, float)):
        return float(value)
    found = number_in(str(value or ""))
    return math.nan if found is None else float(found)


FUNCTIONS: dict[str, Callable] = {
    "number": _number,
    "words": lambda text: len(str(text).split()),
    "length": lambda text: len(str(text)),
    "lower": lambda text: str(text).casefold(),
    "strip": lambda text: str(text).strip(),
    "contains": lambda text, part: str(part).casefold() in str(text).casefold(),
    "startswith": lambda text, part: str(text).casefold().startswith(str(part).casefold()),
    "endswith": lambda text, part: str(text).casefold().endswith(str(part).casefold()),
    "count": lambda text, part: str(text).count(str(part)) if str(part) else 0,
    "min": lambda *values: min(map(_number, values)),
    "max": lambda *values: max(map(_number, values)),
    "abs": lambda value: abs(_number(value)),
}
"""What a formula may call. ``number`` is the last number of a text; where there is none, it equals nothing."""
COUNTS = {"contains": 2, "startswith": 2, "endswith": 2, "count": 2}
"""How many values a function takes, where it is not one."""
ANY_COUNT = ("min", "max")

ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
COMPARISONS: dict[type, Callable] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: lambda a, b: _number(a) < _number(b),
    ast.LtE: lambda a, b: _number(a) <= _number(b),
    ast.Gt: lambda a, b: _number(a) > _number(b),
    ast.GtE: lambda a, b: _number(a) >= _number(b),
    ast.In: lambda a, b: str(a) in str(b),
    ast.NotIn: lambda a, b: str(a) not in str(b),
}


def parse(text: str) -> ast.expr:
    """The tree of the formula in ``text``; ``FormulaError`` says what in it is not allowed."""
    if len(text) > LONGEST:
        raise FormulaError(f"A formula has at most {LONGEST:,} characters, and this one has {len(text):,}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise FormulaError('This is no formula; write, for instance, contains(answer, "Gladly")') from None
    for node in ast.walk(tree):
        _require_allowed(node)
    return tree


def names(tree: ast.expr) -> set[str]:
    """The names of values that the formula uses."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}


def compute(tree: ast.expr, values: Mapping[str, Any]) -> float:
    """The formula's number for ``values``, 1 and 0 for true and false.

    ``NoNumberError`` if there is none, ``FormulaError`` if a value is missing.
    """
    try:
        found = _number(_value(tree, values))
    except ZeroDivisionError:
        raise NoNumberError("The formula divides by zero") from None
    except RecursionError:
        raise FormulaError("The formula is nested too deeply") from None
    if not math.isfinite(found):
        raise NoNumberError("The formula gives no number here")
    return found


def _require_allowed(node: ast.AST) -> None:
    allowed = (ast.BoolOp, ast.And, ast.Or, ast.Not, ast.USub, ast.IfExp, ast.Compare, ast.Name, ast.Load)
    if isinstance(node, (*allowed, *ARITHMETIC, *COMPARISONS)):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bool, int, float)):
        return
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        return
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        return
    if isinstance(node, ast.Call):
        _require_known(node)
        return
    raise FormulaError(f"A formula has no {type(node).__name__}")


def _require_known(call: ast.Call) -> None:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name not in FUNCTIONS or call.keywords:
        raise FormulaError(f"A formula may call: {', '.join(FUNCTIONS)}")
    wanted = COUNTS.get(name, 1)
    if name in ANY_COUNT and call.args or len(call.args) == wanted:
        return
    raise FormulaError(f"{name} takes {wanted} value{'s' if wanted > 1 else ''}")


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            if name not in values:
                raise FormulaError(f"The row has no {name}; it has {', '.join(values)}")
            return values[name]
        case ast.BoolOp(op=op, values=parts):
            found = (_value(part, values) for part in parts)
            return all(found) if isinstance(op, ast.And) else any(found)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, values)
        case ast.UnaryOp(operand=operand):
            return -_number(_value(operand, values))
        case ast.BinOp(left=left, op=op, right=right):
            return ARITHMETIC[type(op)](_number(_value(left, values)), _number(_value(right, values)))
        case ast.IfExp(test=test, body=body, orelse=other):
            return _value(body if _value(test, values) else other, values)
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name](*(_value(arg, values) for arg in args))
        case ast.Compare(left=left, ops=ops, comparators=others):
            sides = [_value(side, values) for side in (left, *others)]
            return all(COMPARISONS[type(op)](a, b) for op, a, b in zip(ops, sides, sides[1:]))
    raise FormulaError(f"A formula has no {type(node).__name__}")
