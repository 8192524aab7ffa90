"""Conditions as functions from facts to True, False or None: Kleene's three values, None being unknown.

Each node becomes one closure, built once for a condition and a set of declarations. A value that does not belong to
its attribute's type reads as unknown, and so does a missing one; `has` alone is two-valued. What policies ask most has
a closure of its own instead of one for each node: ownership (`resource.x == user.id`), and an attribute beside a
literal (`resource.amount <= 500`, `resource.status in ["open", "new"]`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Literal

from remit.evaluator.facts import ATTRIBUTES, CONTEXT, PERSON, PROPERTIES, RESOURCE_ID, USER_ID, FactTuple
from remit.instant import parse_instant
from remit.model import expression as ex
from remit.model.types import ANY, LARGEST, SMALLEST, TIME, Reading, Type

Test = Callable[[FactTuple], "bool | None"]
Read = Callable[[FactTuple], Any]

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def compile_condition(node: ex.Expr, reading: Reading) -> Test:
    """The condition as a function. `reading` is of the resource type it is asked at."""
    if isinstance(node, ex.Named):
        return compile_condition(node.body, reading)
    if isinstance(node, ex.And):
        return _all([compile_condition(part, reading) for part in node.operands])
    if isinstance(node, ex.Or):
        return _any([compile_condition(part, reading) for part in node.operands])
    if isinstance(node, ex.Not):
        return _not(compile_condition(node.operand, reading))
    if isinstance(node, ex.Has):
        return _has(node.attr, reading)
    if isinstance(node, ex.Const):
        settled = bool(node.value)
        return lambda facts: settled
    if isinstance(node, ex.Compare):
        return _compare(node, reading)
    if isinstance(node, ex.Member):
        return _member(node, reading)
    if isinstance(node, ex.Attr):
        read: Test = reader(node, reading)
        return read
    raise AssertionError(f"{type(node).__name__} is no condition")


def _all(tests: list[Test]) -> Test:
    def test(facts: FactTuple) -> bool | None:
        result: bool | None = True
        for part in tests:
            found = part(facts)
            if found is False:
                return False
            if found is None:
                result = None
        return result

    return test


def _any(tests: list[Test]) -> Test:
    def test(facts: FactTuple) -> bool | None:
        result: bool | None = False
        for part in tests:
            found = part(facts)
            if found:
                return True
            if found is None:
                result = None
        return result

    return test


def _not(inner: Test) -> Test:
    def test(facts: FactTuple) -> bool | None:
        found = inner(facts)
        return None if found is None else not found

    return test


def _has(attr: ex.Attr, reading: Reading) -> Test:
    if reading.find(attr) is None:
        return lambda facts: False
    name, section = attr.name, _section(attr)
    return lambda facts: facts[section].get(name) is not None


def _section(attr: ex.Attr) -> Literal[1, 2, 3]:
    """Where facts have the values of declared attributes."""
    return PROPERTIES if attr.root == "resource" else ATTRIBUTES if attr.root == "user" else CONTEXT


def _compare(node: ex.Compare, reading: Reading) -> Test:
    left_type, right_type = reading.type_of(node.left), reading.type_of(node.right)
    own = _ownership(node, left_type, right_type)
    if own is not None:
        return own
    beside = _beside_literal(node, reading)
    if beside is not None:
        return beside
    left = operand(node.left, reading, right_type)
    right = operand(node.right, reading, left_type)
    compare = OPERATORS[node.operator]

    def test(facts: FactTuple) -> bool | None:
        a = left(facts)
        if a is None:
            return None
        b = right(facts)
        try:
            return None if b is None else compare(a, b)
        except TypeError:  # of a table that no compiler wrote: what cannot be compared is unknown
            return None

    return test


def _ownership(node: ex.Compare, left: Type, right: Type) -> Test | None:
    sides = (node.left, node.right)
    if node.operator != "==" or ex.Attr("user", "id") not in sides:
        return None
    other, kind = (node.left, left) if node.right == ex.Attr("user", "id") else (node.right, right)
    if not isinstance(other, ex.Attr) or other.root != "resource" or other.name in ("id", "scope"):
        return None
    if kind.kind not in ("user", "string"):
        return None
    name = other.name

    def test(facts: FactTuple) -> bool | None:
        value = facts[PROPERTIES].get(name)
        return value == facts[USER_ID] if isinstance(value, str) else None

    return test


def _beside_literal(node: ex.Compare, reading: Reading) -> Test | None:
    """The test of a declared attribute against a literal, in one closure; None where it is no such comparison."""
    attr, literal, word = node.left, node.right, node.operator
    if isinstance(attr, ex.Const):
        attr, literal, word = literal, attr, _MIRRORED[word]
    if not isinstance(attr, ex.Attr) or not isinstance(literal, ex.Const):
        return None
    kind, value, compare = reading.type_of(attr), literal.value, OPERATORS[word]
    if (attr.root, attr.name) in _BUILT_IN or reading.find(attr) is None:
        return None
    name, section = attr.name, _section(attr)
    if kind.kind == "int" and type(value) is int:

        def number(facts: FactTuple) -> bool | None:
            found = facts[section].get(name)
            return compare(found, value) if type(found) is int and SMALLEST <= found <= LARGEST else None

        return number
    if kind.kind in ("string", "user") and isinstance(value, str):

        def text(facts: FactTuple) -> bool | None:
            found = facts[section].get(name)
            return compare(found, value) if isinstance(found, str) else None

        return text
    if kind.kind == "enum" and isinstance(value, str):
        return _settled(name, section, {each: compare(each, value) for each in kind.values})
    return None


def _settled(name: str, section: Literal[1, 2, 3], outcomes: Mapping[str, bool]) -> Test:
    """The test of an enumeration's value, of which each is judged already."""

    def test(facts: FactTuple) -> bool | None:
        found = facts[section].get(name)
        if type(found) is str:
            return outcomes.get(found)
        return outcomes.get(str.__str__(found)) if isinstance(found, str) else None

    return test


def _plain(value: Any) -> str | None:
    """A text as itself: a member of an enumeration is the text that it is, whatever it says it equals."""
    return str.__str__(value) if isinstance(value, str) else None


def _member(node: ex.Member, reading: Reading) -> Test:
    item_type = reading.type_of(node.operand)
    if isinstance(node.collection, ex.Attr):
        held = reader(node.collection, reading)
        item = operand(node.operand, reading, reading.type_of(node.collection).element or ANY)

        def test(facts: FactTuple) -> bool | None:
            a = item(facts)
            if a is None:
                return None
            b = held(facts)
            return a in b if isinstance(b, frozenset) else None

        return test
    literals = frozenset(constant(literal, item_type) for literal in node.collection)
    if item_type.kind == "enum" and isinstance(node.operand, ex.Attr):
        outcomes = {value: value in literals for value in item_type.values}
        return _settled(node.operand.name, _section(node.operand), outcomes)
    item = operand(node.operand, reading, ANY)

    def listed(facts: FactTuple) -> bool | None:
        a = item(facts)
        return None if a is None else a in literals

    return listed


# -- operands --------------------------------------------------------------------------------------------------------


def operand(node: ex.Expr, reading: Reading, beside: Type) -> Read:
    """One side of a comparison; `beside` is the type of the other, which makes a string a time."""
    if isinstance(node, ex.Attr):
        return reader(node, reading)
    if isinstance(node, ex.Const):
        value = constant(node, beside)
        return lambda facts: value
    if isinstance(node, ex.Minus):
        left = operand(node.left, reading, TIME)
        right = operand(node.right, reading, TIME)

        def difference(facts: FactTuple) -> int | None:
            a = left(facts)
            if a is None:
                return None
            b = right(facts)
            return a - b if type(a) is int and type(b) is int else None

        return difference
    return compile_condition(node, reading)


def constant(node: ex.Const, beside: Type) -> Any:
    """A literal's value: nanoseconds for a duration, and for a string beside a time."""
    return parse_instant(str(node.value)) if node.kind == "string" and beside.kind == "time" else node.value


def reader(attr: ex.Attr, reading: Reading) -> Read:
    """Reads one attribute: its value, or None where it is missing or no value of its type."""
    built_in = _BUILT_IN.get((attr.root, attr.name))
    if built_in is not None:
        return built_in
    declared = reading.find(attr)
    if declared is None:
        return lambda facts: None
    name, section, take = attr.name, _section(attr), value_of(declared.type)
    return lambda facts: take(facts[section].get(name))


_BUILT_IN: dict[tuple[str, str], Read] = {
    ("resource", "id"): lambda facts: facts[RESOURCE_ID],
    ("resource", "scope"): lambda facts: facts[PERSON].scope,
    ("user", "id"): lambda facts: facts[USER_ID],
    ("user", "groups"): lambda facts: facts[PERSON].groups(),
    ("user", "roles"): lambda facts: facts[PERSON].roles(),
    ("context", "time"): lambda facts: facts[PERSON].time(),
}


def value_of(kind: Type) -> Callable[[Any], Any]:
    """A function that gives a JSON value of the type in the form conditions compare, and None for any other."""
    name = kind.kind
    if name in ("string", "user"):
        return lambda value: value if type(value) is str else _plain(value)
    if name == "int":
        return lambda value: value if type(value) is int and SMALLEST <= value <= LARGEST else None
    if name == "bool":
        return lambda value: value if value is True or value is False else None
    if name == "enum":
        values = frozenset(kind.values)
        return lambda value: found if (found := _plain(value)) in values else None
    if name == "time":
        return lambda value: parse_instant(value) if isinstance(value, str) else None
    if name == "set" and kind.element is not None:
        return _set_of(value_of(kind.element))
    return lambda value: None


def _set_of(take: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> frozenset[Any] | None:
        if not isinstance(value, list | tuple | set | frozenset):
            return None
        found = [take(item) for item in value]
        return None if None in found else frozenset(found)

    return read
