"""Conditions as functions from facts to True, False or None: Kleene's three values, None being unknown.

Each node becomes one closure, built once for a condition and a set of declarations. A value that does not belong to
its attribute's type reads as unknown, and so does a missing one; `has` alone is two-valued. The common test of
ownership (`resource.x == user.id`) has a closure of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from remit.evaluator.facts import Facts
from remit.instant import parse_instant
from remit.model import expression as ex
from remit.model.types import ANY, LARGEST, SMALLEST, Reading, Type

Test = Callable[[Facts], "bool | None"]
Read = Callable[[Facts], Any]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


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
    def test(facts: Facts) -> bool | None:
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
    def test(facts: Facts) -> bool | None:
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
    def test(facts: Facts) -> bool | None:
        found = inner(facts)
        return None if found is None else not found

    return test


def _has(attr: ex.Attr, reading: Reading) -> Test:
    name, root = attr.name, attr.root
    if reading.find(attr) is None:
        return lambda facts: False
    if root == "resource":
        return lambda facts: facts.properties.get(name) is not None
    if root == "user":
        return lambda facts: facts.attributes.get(name) is not None
    return lambda facts: facts.context.get(name) is not None


def _compare(node: ex.Compare, reading: Reading) -> Test:
    left_type, right_type = reading.type_of(node.left), reading.type_of(node.right)
    own = _ownership(node, left_type, right_type)
    if own is not None:
        return own
    left = operand(node.left, reading, right_type)
    right = operand(node.right, reading, left_type)
    compare = _OPERATORS[node.operator]

    def test(facts: Facts) -> bool | None:
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

    def test(facts: Facts) -> bool | None:
        value = facts.properties.get(name)
        return value == facts.user_id if isinstance(value, str) else None

    return test


def _member(node: ex.Member, reading: Reading) -> Test:
    item_type = reading.type_of(node.operand)
    if isinstance(node.collection, ex.Attr):
        held = reader(node.collection, reading)
        item = operand(node.operand, reading, reading.type_of(node.collection).element or ANY)

        def test(facts: Facts) -> bool | None:
            a = item(facts)
            if a is None:
                return None
            b = held(facts)
            return a in b if isinstance(b, frozenset) else None

        return test
    literals = frozenset(constant(literal, item_type) for literal in node.collection)
    item = operand(node.operand, reading, ANY)

    def listed(facts: Facts) -> bool | None:
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
        left = operand(node.left, reading, _TIME)
        right = operand(node.right, reading, _TIME)

        def difference(facts: Facts) -> int | None:
            a = left(facts)
            if a is None:
                return None
            b = right(facts)
            return a - b if type(a) is int and type(b) is int else None

        return difference
    return compile_condition(node, reading)


_TIME = Type("time")


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
    name, take = attr.name, value_of(declared.type)
    if attr.root == "resource":
        return lambda facts: take(facts.properties.get(name))
    if attr.root == "user":
        return lambda facts: take(facts.attributes.get(name))
    return lambda facts: take(facts.context.get(name))


_BUILT_IN: dict[tuple[str, str], Read] = {
    ("resource", "id"): lambda facts: facts.resource_id,
    ("resource", "scope"): lambda facts: facts.scope,
    ("user", "id"): lambda facts: facts.user_id,
    ("user", "groups"): lambda facts: facts.groups(),
    ("user", "roles"): lambda facts: facts.roles(),
    ("context", "time"): lambda facts: facts.time(),
}


def value_of(kind: Type) -> Callable[[Any], Any]:
    """A function that gives a JSON value of the type in the form conditions compare, and None for any other."""
    name = kind.kind
    if name in ("string", "user"):
        return lambda value: value if isinstance(value, str) else None
    if name == "int":
        return lambda value: value if type(value) is int and SMALLEST <= value <= LARGEST else None
    if name == "bool":
        return lambda value: value if value is True or value is False else None
    if name == "enum":
        values = frozenset(kind.values)
        return lambda value: value if isinstance(value, str) and value in values else None
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
