"""Conditions as JSON data: each once in a list, a named one by the number of what it stands for.

    condition own = resource.owner == user.id
    … when own and resource.amount <= 500

    0  ["==", ["attr", "resource", "owner"], ["attr", "user", "id"]]
    1  ["and", ["named", "own", 0], ["<=", ["attr", "resource", "amount"], ["const", "int", 500]]]

A number names what stands before it, so there are no circles, and a condition that is used a thousand times is written
once, where names use one another, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from remit.model import expression as ex


class Written:
    """Conditions with their numbers. INVARIANT: those it has seen live as long as it does, since it knows them by
    identity first."""

    def __init__(self) -> None:
        self.data: list[list[Any]] = []
        self._by_identity: dict[int, int] = {}
        self._by_form: dict[str, int] = {}

    def number(self, condition: ex.Expr | None) -> int:
        """The place of a condition in `data`, after all that it names; -1 for none."""
        if condition is None:
            return -1
        numbers, pending = self._by_identity, [condition]
        while pending:
            last = pending[-1]
            if id(last) not in numbers:
                named = [part.body for part in _own(last) if isinstance(part, ex.Named)]
                unknown = [body for body in named if id(body) not in numbers]
                if unknown:
                    pending += unknown
                    continue
                data = self._encoded(last)
                number = numbers[id(last)] = self._by_form.setdefault(repr(data), len(self.data))
                if number == len(self.data):
                    self.data.append(data)
            pending.pop()
        return numbers[id(condition)]

    def _encoded(self, node: ex.Expr) -> list[Any]:
        """A condition whose named parts are known."""
        encoded = self._encoded
        if isinstance(node, ex.Const):
            return ["const", node.kind, node.value]
        if isinstance(node, ex.Attr):
            return ["attr", node.root, node.name]
        if isinstance(node, ex.Has):
            return ["has", encoded(node.attr)]
        if isinstance(node, ex.Not):
            return ["not", encoded(node.operand)]
        if isinstance(node, ex.And | ex.Or):
            return ["and" if isinstance(node, ex.And) else "or", *map(encoded, node.operands)]
        if isinstance(node, ex.Minus):
            return ["-", encoded(node.left), encoded(node.right)]
        if isinstance(node, ex.Compare):
            return [node.operator, encoded(node.left), encoded(node.right)]
        if isinstance(node, ex.Named):
            return ["named", node.name, self._by_identity[id(node.body)]]
        if isinstance(node.collection, ex.Attr):
            return ["in", encoded(node.operand), encoded(node.collection)]
        return ["in", encoded(node.operand), ["list", *map(encoded, node.collection)]]


def _own(node: ex.Expr) -> Iterator[ex.Expr]:
    """The node and all below it, named conditions not followed."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        if not isinstance(current, ex.Named):
            pending.extend(ex.children(current))


def read(data: Sequence[Any]) -> list[ex.Expr]:
    """The inverse of `Written.data`. Raises ValueError, TypeError, KeyError, IndexError or RecursionError on anything
    else."""
    found: list[ex.Expr] = []
    for one in data:
        found.append(_decoded(one, found))
    return found


def _decoded(data: Any, known: Sequence[ex.Expr]) -> ex.Expr:
    word, *rest = data
    if word == "const":
        kind, value = rest
        if type(value) not in (str, int, bool):
            raise ValueError("no constant")
        return ex.Const(kind, value)
    if word == "attr":
        root, name = rest
        return ex.Attr(root, name)
    if word == "has":
        return ex.Has(_attr(rest[0], known))
    if word == "not":
        return ex.Not(_decoded(rest[0], known))
    if word in ("and", "or"):
        operands = tuple([_decoded(part, known) for part in rest])
        return ex.And(operands) if word == "and" else ex.Or(operands)
    if word == "-":
        return ex.Minus(_decoded(rest[0], known), _decoded(rest[1], known))
    if word in ("==", "!=", "<", "<=", ">", ">="):
        return ex.Compare(word, _decoded(rest[0], known), _decoded(rest[1], known))
    if word == "named":
        name, number = rest
        if type(number) is not int or number < 0:
            raise ValueError("no place in a list")
        return ex.Named(name, known[number])
    if word == "in":
        operand, collection = _decoded(rest[0], known), rest[1]
        if collection[0] == "list":
            return ex.Member(operand, tuple([_const(item, known) for item in collection[1:]]))
        return ex.Member(operand, _attr(collection, known))
    raise ValueError(f"{word!r} begins no condition")


def _attr(data: Any, known: Sequence[ex.Expr]) -> ex.Attr:
    found = _decoded(data, known)
    if not isinstance(found, ex.Attr):
        raise ValueError("no attribute")
    return found


def _const(data: Any, known: Sequence[ex.Expr]) -> ex.Const:
    found = _decoded(data, known)
    if not isinstance(found, ex.Const):
        raise ValueError("no constant")
    return found
