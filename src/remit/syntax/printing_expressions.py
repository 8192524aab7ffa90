"""Conditions: which of their parentheses stay, and where they may be parted.

Parentheses stay where the tree needs them, where they tell `and` from `or`, and behind `not`:

    when ((own) and (a == b or c == d))   →   when own and (a == b or c == d)
"""

from __future__ import annotations

from typing import assert_never

from remit.syntax import tree
from remit.syntax.printing_words import STEP, Fill, Layout, Row, Stack, Tokens, Words

_Place = type[tree.And] | type[tree.Or] | type[tree.Not] | type[tree.Compare] | type[tree.Minus] | None


def redundant(expression: tree.Expression, tokens: Tokens) -> set[int]:
    """The offsets of parentheses that need not be."""
    found: set[int] = set()
    _search(expression, None, tokens, found)
    return found


def _search(node: tree.Expression, place: _Place, tokens: Tokens, found: set[int]) -> None:
    """`place` is what the node is an operand of."""
    parts = _operands(node)
    opening = tokens.at(node.span.start)
    inner = tokens.at(parts[0][0].span.start) if parts and not isinstance(node, tree.Not) else opening
    while tokens.found[inner].text == "(" and (not parts or isinstance(node, tree.Not)):
        inner += 1
    count, closing = inner - opening, tokens.at(node.span.end)
    extra = count - (1 if count and _useful(node, place) else 0)
    for number in range(extra):
        found.add(tokens.starts[opening + number])
        found.add(tokens.starts[closing - 1 - number])
    for operand, around in parts:
        _search(operand, around, tokens, found)


def _operands(node: tree.Expression) -> list[tuple[tree.Expression, _Place]]:
    match node:
        case tree.And() | tree.Or():
            return [(operand, type(node)) for operand in node.operands]
        case tree.Not():
            return [(node.operand, tree.Not)]
        case tree.Compare():
            return [(node.left, tree.Compare), (node.right, tree.Compare)]
        case tree.Minus():
            return [(node.left, tree.Minus), (node.right, tree.Minus)]
        case tree.Member():
            return [(node.operand, tree.Compare)]
        case tree.Literal() | tree.Path() | tree.Reference() | tree.Has():
            return []
        case _:
            assert_never(node)


def _useful(node: tree.Expression, place: _Place) -> bool:
    """Whether parentheses around this operand stay."""
    if place is None or isinstance(node, tree.Literal | tree.Path | tree.Reference):
        return False
    if place is tree.And or place is tree.Or:
        return isinstance(node, tree.And | tree.Or)
    if place is tree.Compare:
        return not isinstance(node, tree.Minus)
    return True


def layout(node: tree.Expression, words: Words, first: int, stop: int, step: int = STEP) -> Layout:
    """Words `first` to before `stop`, which are this expression with what leads it in: parted before each `and` and
    `or`, the outer ones first."""
    match node:
        case tree.And() | tree.Or():
            starts = [words.at(operand.span.start) for operand in node.operands]
            begins = [first, *(start - 1 for start in starts[1:])]  # at the `and`
            ends = [*begins[1:], stop]
            parts = [
                layout(operand, words, begin, end)
                for operand, begin, end in zip(node.operands, begins, ends, strict=True)
            ]
            return Stack(tuple(parts), step)
        case tree.Not():
            return layout(node.operand, words, first, stop)
        case tree.Compare():
            middle = words.at(node.right.span.start)
            left = layout(node.left, words, first, middle)
            return Row((left, layout(node.right, words, middle, stop)))
        case tree.Member() | tree.Minus() | tree.Literal() | tree.Path() | tree.Reference() | tree.Has():
            return Fill(first, stop)
        case _:
            assert_never(node)
