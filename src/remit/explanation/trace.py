"""What a condition saw: each of its parts, the value it came to, and the values it read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from remit.evaluator.conditions import compile_condition, reader
from remit.evaluator.facts import NOBODY, Facts
from remit.instant import format_instant
from remit.model import expression as ex
from remit.model.types import BUILT_IN, Reading


class Part(NamedTuple):
    """A comparison, `has`, membership or bool attribute. `name` is the named condition it stands in, if any; `saw`
    the value of each attribute it reads, null where absent; `unread` those that read as unknown."""

    expr: ex.Expr
    text: str
    name: str | None
    value: bool | None
    saw: dict[str, Any]
    unread: tuple[str, ...]


class Traced(NamedTuple):
    """A whole condition: its value and its parts, in the order of the text; `names` the values of the named
    conditions in it."""

    value: bool | None
    parts: tuple[Part, ...]
    names: dict[str, bool | None]

    @property
    def missing(self) -> list[str]:
        """The attributes that could not be read, sorted."""
        return sorted({name for part in self.parts for name in part.unread})


def trace(condition: ex.Expr, reading: Reading, facts: Facts) -> Traced:
    """Evaluates a condition and every part of it."""
    value = compile_condition(condition, reading)(facts)
    parts = tuple(_part(leaf, name, reading, facts) for leaf, name in leaves(condition))
    named = {node.name: node for node in ex.walk(condition) if isinstance(node, ex.Named)}
    return Traced(value, parts, {name: compile_condition(node, reading)(facts) for name, node in named.items()})


def leaves(node: ex.Expr, name: str | None = None) -> Iterator[tuple[ex.Expr, str | None]]:
    """The parts that are no `and`, `or`, `not` or name, each with the outermost name it stands under: the one that
    the rule itself uses."""
    if isinstance(node, ex.Named):
        yield from leaves(node.body, name or node.name)
    elif isinstance(node, ex.And | ex.Or):
        for operand in node.operands:
            yield from leaves(operand, name)
    elif isinstance(node, ex.Not):
        yield from leaves(node.operand, name)
    else:
        yield node, name


def _part(leaf: ex.Expr, name: str | None, reading: Reading, facts: Facts) -> Part:
    saw: dict[str, Any] = {}
    unread: list[str] = []
    asked_for = {leaf.attr} if isinstance(leaf, ex.Has) else set()
    for attr in sorted(ex.attributes(leaf), key=str):
        saw[str(attr)] = raw(attr, facts)
        if attr not in asked_for and reading.find(attr) is not None and reader(attr, reading)(facts) is None:
            unread.append(str(attr))
    return Part(leaf, ex.text(leaf), name, compile_condition(leaf, reading)(facts), saw, tuple(unread))


def raw(attr: ex.Attr, facts: Facts) -> Any:
    """The value as it was given, in JSON's terms; None where there is none."""
    if attr.name in BUILT_IN.get(attr.root, {}):
        if attr.root == "resource":
            return facts.resource_id if attr.name == "id" else facts.scope
        if attr.root == "context":
            time = facts.time()
            return facts.context.get("time") if time is None else format_instant(time)
        if attr.name == "id":
            return None if facts.user_id is NOBODY else facts.user_id
        held = facts.groups() if attr.name == "groups" else facts.roles()
        return None if held is None else sorted(held)
    value = facts.section(attr.root).get(attr.name)
    return sorted(value, key=str) if isinstance(value, set | frozenset) else value
