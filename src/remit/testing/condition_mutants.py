"""Small changes to a condition, each the kind of slip that a reader overlooks.

    treats and resource.amount <= 500
    drop-part     treats                              resource.amount <= 500
    swap-and-or   treats or resource.amount <= 500
    move-bound    treats and resource.amount <= 501   treats and resource.amount <= 499

A named condition is one part here: its inside is changed where it is declared, for all rules that use it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from remit.model import expression as ex

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_ONE_OFF = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}


class Variant(NamedTuple):
    """A condition with one part changed; `said` tells the change in words."""

    operator: str
    said: str
    condition: ex.Expr


def negated(condition: ex.Expr) -> Variant:
    """The opposite."""
    other = condition.operand if isinstance(condition, ex.Not) else ex.Not(condition)
    return Variant("negate-condition", f"with `{ex.text(other)}` instead of `{ex.text(condition)}`", other)


def variants(node: ex.Expr) -> Iterator[Variant]:
    """Every change to a part of the condition."""
    if isinstance(node, ex.And | ex.Or):
        yield from _of_list(node)
    elif isinstance(node, ex.Not):
        for found in variants(node.operand):
            yield found._replace(condition=ex.Not(found.condition))
    elif isinstance(node, ex.Compare):
        yield from _of_comparison(node)
    elif isinstance(node, ex.Member) and isinstance(node.collection, tuple) and len(node.collection) > 1:
        for at, item in enumerate(node.collection):
            left = (*node.collection[:at], *node.collection[at + 1 :])
            yield Variant("drop-part", f"without `{ex.text(item)}`", ex.Member(node.operand, left))


def replaced(node: ex.Expr, name: str, body: ex.Expr) -> ex.Expr:
    """The condition with another body for a name, wherever it is used; itself where it is not."""
    if isinstance(node, ex.Named):
        inside = body if node.name == name else replaced(node.body, name, body)
        return node if inside is node.body else ex.Named(node.name, inside)
    if isinstance(node, ex.And | ex.Or):
        operands = tuple(replaced(part, name, body) for part in node.operands)
        return (
            node if all(new is old for new, old in zip(operands, node.operands, strict=True)) else type(node)(operands)
        )
    if isinstance(node, ex.Not):
        operand = replaced(node.operand, name, body)
        return node if operand is node.operand else ex.Not(operand)
    return node


def _of_list(node: ex.And | ex.Or) -> Iterator[Variant]:
    for at, part in enumerate(node.operands):
        left = (*node.operands[:at], *node.operands[at + 1 :])
        rest = left[0] if len(left) == 1 else type(node)(left)
        yield Variant("drop-part", f"without `{ex.text(part, 2)}`", rest)
    other = ex.Or(node.operands) if isinstance(node, ex.And) else ex.And(node.operands)
    words = ("or", "and") if isinstance(node, ex.And) else ("and", "or")
    yield Variant("swap-and-or", f"with `{words[0]}` instead of `{words[1]}`", other)
    for at, part in enumerate(node.operands):
        for found in variants(part):
            inside = (*node.operands[:at], found.condition, *node.operands[at + 1 :])
            yield found._replace(condition=type(node)(inside))


def _of_comparison(node: ex.Compare) -> Iterator[Variant]:
    """A whole number moved by one either way; where there is none to move, the bound itself taken in or left out."""
    numbers = [side for side in (node.left, node.right) if isinstance(side, ex.Const) and side.kind == "int"]
    made = [
        ex.Compare(node.operator, _moved(node.left, by), _moved(node.right, by))
        for by in (1, -1)
        if len(numbers) == 1 and _SMALLEST <= int(numbers[0].value) + by <= _LARGEST
    ]
    if not numbers and node.operator in _ONE_OFF:
        made = [ex.Compare(_ONE_OFF[node.operator], node.left, node.right)]
    for new in made:
        yield Variant("move-bound", f"with `{ex.text(new)}` instead of `{ex.text(node)}`", new)


def _moved(side: ex.Expr, by: int) -> ex.Expr:
    return ex.Const("int", int(side.value) + by) if isinstance(side, ex.Const) and side.kind == "int" else side


__all__ = ["Variant", "negated", "replaced", "variants"]
