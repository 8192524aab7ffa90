"""Conditions over many requests at once: for each a pair of arrays, where it is true and where it is false.

What is neither is unknown, so Kleene's logic is plain Boolean algebra: an `and` is true where all parts are, and false
where some part is. Conditions that differ in their constants alone have one *shape*, and are run together, each request
with the constants of its own:

    resource.amount <= 500   resource.amount <= 900      one shape, `resource.amount <= ?`, constants [500], [900]

Texts are compared by their numbers (`remit.bulk.texts`), times in nanoseconds. What has no shape (sets, `user.roles`,
`user.groups`, times too far away for 64 bits) is asked request by request, of the function that single decisions ask.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from remit.bulk.texts import Array
from remit.evaluator.conditions import OPERATORS, constant
from remit.model import expression as ex
from remit.model.types import ANY, LARGEST, SMALLEST, TIME, Reading, Type

Truth = tuple[Array, Array]  # where it is true, and where it is false
Constants = list[Any]  # a number for each constant, or an array with one for each request
Values = tuple[Any, Any]  # values (an array, or one for all), and where they are known (True: everywhere)

FARTHEST = 2**62  # nanoseconds: the difference of two such times has 64 bits


class Rows(Protocol):
    """The requests that conditions are asked about. `picked`: the numbers of some, None for all."""

    def count(self, picked: Array | None) -> int: ...

    def values(self, attr: ex.Attr, kind: Type, picked: Array | None) -> Values: ...

    def present(self, attr: ex.Attr, picked: Array | None) -> Array: ...

    def alike(self, one: ex.Attr, other: ex.Attr, picked: Array | None) -> Values | None: ...


Run = Callable[[Rows, "Array | None", Constants], Truth]
_Get = Callable[[Rows, "Array | None", Constants], Values]


class Shaped(NamedTuple):
    """A condition's shape (equal ones run alike), its constants, texts as themselves or by their numbers, and how it is
    run."""

    shape: tuple[Any, ...]
    constants: tuple[Any, ...]
    run: Run

    def numbered(self, number: Callable[[str], int]) -> Shaped:
        """The same, with these numbers for texts."""
        constants = tuple(number(one) if type(one) is str else one for one in self.constants)
        return self._replace(constants=constants)


class Growing:
    """An array with room behind it, so that to append is cheap."""

    __slots__ = ("_room", "_size")

    def __init__(self, kind: Any) -> None:
        self._room, self._size = np.empty(16, kind), 0

    def append(self, value: Any) -> None:
        if self._size == len(self._room):
            self._room = np.concatenate([self._room, np.empty_like(self._room)])
        self._room[self._size] = value
        self._size += 1

    def values(self) -> Array:
        """All of them so far."""
        return self._room[: self._size]


NO_FAMILY = -1


class Families:
    """Conditions by number, those of one shape as a *family*, each with a place in it. Every condition is looked at
    once, when it is first met, since to compare two shapes is to compare two trees."""

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}  # by condition, in the order in which they were met
        self._family, self._place = Growing(np.int64), Growing(np.int64)  # by slot
        self._known: dict[tuple[Any, ...], int] = {}
        self._runs: list[Run] = []
        self._constants: list[list[Growing]] = []  # by family, one for each constant
        self._sizes: list[int] = []

    def of(self, conditions: list[int], shape: Callable[[int], Shaped | None]) -> tuple[Array, Array]:
        """The family of each condition, NO_FAMILY for one without a shape, and its place there."""
        slots = self._slots
        for number in conditions:
            if number not in slots:
                family, place = self._met(shape(number))
                self._family.append(family)
                self._place.append(place)
                slots[number] = len(slots)
        found = [slots[number] for number in conditions]
        return self._family.values()[found], self._place.values()[found]

    def _met(self, shape: Shaped | None) -> tuple[int, int]:
        if shape is None:
            return NO_FAMILY, 0
        family = self._known.setdefault(shape.shape, len(self._runs))
        if family == len(self._runs):
            self._runs.append(shape.run)
            self._constants.append([Growing(bool if isinstance(one, bool) else np.int64) for one in shape.constants])
            self._sizes.append(0)
        for column, constant_ in zip(self._constants[family], shape.constants, strict=True):
            column.append(constant_)
        self._sizes[family] += 1
        return family, self._sizes[family] - 1

    def run(self, family: int, places: Array, rows: Rows, picked: Array) -> Truth:
        """The members at these places of a family, each for the request beside it."""
        return self._runs[family](rows, picked, [column.values()[places] for column in self._constants[family]])


class _NoShapeError(Exception):
    """A condition that is asked request by request."""


def shaped(condition: ex.Expr, reading: Reading) -> Shaped | None:
    """The condition's shape; None where it has none."""
    constants: list[Any] = []
    try:
        shape, run = _Shaping(reading, constants).condition(condition)
    except _NoShapeError:
        return None
    return Shaped(shape, tuple(constants), run)


def sort_of(kind: Type) -> str:
    """What its values are as arrays: text (numbers), int, bool or time; empty for what has no array."""
    if kind.textual:
        return "text"
    return {"int": "int", "bool": "bool", "time": "time", "duration": "int"}.get(kind.kind, "")


class _Shaping:
    def __init__(self, reading: Reading, constants: list[Any]) -> None:
        self.reading = reading
        self.constants = constants

    def condition(self, node: ex.Expr) -> tuple[tuple[Any, ...], Run]:
        if isinstance(node, ex.Named):
            return self.condition(node.body)
        if isinstance(node, ex.And | ex.Or):
            parts = [self.condition(part) for part in node.operands]
            both = isinstance(node, ex.And)
            return ("and" if both else "or", *(shape for shape, _ in parts)), _joined([run for _, run in parts], both)
        if isinstance(node, ex.Not):
            shape, inner = self.condition(node.operand)
            return ("not", shape), lambda rows, picked, constants: inner(rows, picked, constants)[::-1]
        if isinstance(node, ex.Const):
            return self._settled(bool(node.value))
        if isinstance(node, ex.Has):
            return self._has(node.attr)
        if isinstance(node, ex.Compare):
            return self._compare(node)
        if isinstance(node, ex.Member):
            return self._member(node)
        if isinstance(node, ex.Attr):
            return self._truth(*self._read(node))
        raise _NoShapeError

    def _settled(self, value: bool) -> tuple[tuple[Any, ...], Run]:
        def run(rows: Rows, picked: Array | None, constants: Constants) -> Truth:
            count = rows.count(picked)
            return np.full(count, value), np.full(count, not value)

        return ("settled", value), run

    def _has(self, attr: ex.Attr) -> tuple[tuple[Any, ...], Run]:
        if self.reading.find(attr) is None:
            return self._settled(False)
        if attr.name in ("id", "scope", "roles", "groups", "time"):
            raise _NoShapeError

        def run(rows: Rows, picked: Array | None, constants: Constants) -> Truth:
            there = rows.present(attr, picked)
            return there, ~there

        return ("has", attr), run

    def _truth(self, shape: tuple[Any, ...], get: _Get, sort: str) -> tuple[tuple[Any, ...], Run]:
        """An attribute as a condition."""
        if sort != "bool":
            raise _NoShapeError

        def run(rows: Rows, picked: Array | None, constants: Constants) -> Truth:
            value, known = get(rows, picked, constants)
            return value & known, ~value & known

        return shape, run

    def _compare(self, node: ex.Compare) -> tuple[tuple[Any, ...], Run]:
        left_type, right_type = self.reading.type_of(node.left), self.reading.type_of(node.right)
        left_shape, left, left_sort = self._operand(node.left, right_type)
        right_shape, right, right_sort = self._operand(node.right, left_type)
        if left_sort != right_sort or (left_sort in ("text", "bool") and node.operator not in ("==", "!=")):
            raise _NoShapeError
        shape = ("compare", node.operator, left_shape, right_shape)
        any_text = {left_type.kind, right_type.kind} <= {"string", "user"}
        if any_text and isinstance(node.left, ex.Attr) and isinstance(node.right, ex.Attr):
            return shape, _alike(node.left, node.right, (left, right), node.operator == "==")
        compare: Callable[[Any, Any], Any] = OPERATORS[node.operator]  # of arrays, too

        def run(rows: Rows, picked: Array | None, constants: Constants) -> Truth:
            one, first = left(rows, picked, constants)
            other, second = right(rows, picked, constants)
            holds = compare(one, other)
            if not isinstance(holds, np.ndarray):  # two constants
                holds = np.full(rows.count(picked), bool(holds))
            if first is True and second is True:
                return holds, ~holds
            known = first & second
            return holds & known, ~holds & known

        return shape, run

    def _member(self, node: ex.Member) -> tuple[tuple[Any, ...], Run]:
        if isinstance(node.collection, ex.Attr):
            raise _NoShapeError
        item_type = self.reading.type_of(node.operand)
        shape, item, sort = self._operand(node.operand, ANY)
        slots = []
        for literal in node.collection:
            value = constant(literal, item_type)
            if value is None:
                raise _NoShapeError
            slots.append(self._slot(value, sort))

        def run(rows: Rows, picked: Array | None, constants: Constants) -> Truth:
            value, known = item(rows, picked, constants)
            inside: Any = np.zeros(rows.count(picked), bool)
            for slot in slots:
                inside = inside | (value == constants[slot])
            return inside & known, ~inside & known

        return ("in", len(slots), shape), run

    # -- operands ----------------------------------------------------------------------------------------------------

    def _operand(self, node: ex.Expr, beside: Type) -> tuple[tuple[Any, ...], _Get, str]:
        if isinstance(node, ex.Attr):
            return self._read(node)
        if isinstance(node, ex.Const):
            value = constant(node, beside)
            if value is None:
                raise _NoShapeError
            kinds = {"string": "time" if beside.kind == "time" else "text", "bool": "bool"}
            sort = kinds.get(node.kind, "int")
            slot = self._slot(value, sort)
            return ("?", sort), lambda rows, picked, constants: (constants[slot], True), sort
        if isinstance(node, ex.Minus):
            left_shape, left, left_sort = self._operand(node.left, TIME)
            right_shape, right, right_sort = self._operand(node.right, TIME)
            if left_sort != "time" or right_sort != "time":
                raise _NoShapeError

            def difference(rows: Rows, picked: Array | None, constants: Constants) -> Values:
                one, first = left(rows, picked, constants)
                other, second = right(rows, picked, constants)
                return one - other, first & second

            return ("-", left_shape, right_shape), difference, "int"
        shape, run = self.condition(node)

        def settled(rows: Rows, picked: Array | None, constants: Constants) -> Values:
            true, false = run(rows, picked, constants)
            return true, true | false

        return shape, settled, "bool"

    def _slot(self, value: Any, sort: str) -> int:
        """Where a constant stands among the shape's."""
        if isinstance(value, str):
            if sort != "text":
                raise _NoShapeError
        elif (
            sort == "text"
            or isinstance(value, bool) is not (sort == "bool")
            or not SMALLEST <= value <= LARGEST
            or (sort == "time" and abs(value) >= FARTHEST)
        ):
            raise _NoShapeError
        self.constants.append(value)
        return len(self.constants) - 1

    def _read(self, attr: ex.Attr) -> tuple[tuple[Any, ...], _Get, str]:
        declared = self.reading.find(attr)
        sort = sort_of(declared.type) if declared else ""
        if declared is None or not sort:
            raise _NoShapeError
        kind = declared.type
        return (attr, kind), lambda rows, picked, constants: rows.values(attr, kind, picked), sort


def _alike(one: ex.Attr, other: ex.Attr, operands: tuple[_Get, _Get], equal: bool) -> Run:
    """Two attributes of which any text is a value: compared as they came where they can be, else by their codes."""

    def run(rows: Rows, picked: Array | None, constants: Constants) -> Truth:
        found = rows.alike(one, other, picked)
        if found is None:
            (left, first), (right, second) = (get(rows, picked, constants) for get in operands)
            holds, known = left == right, first & second
        else:
            holds, known = found
        holds = holds if equal else ~holds
        return (holds, ~holds) if known is True else (holds & known, ~holds & known)

    return run


def _joined(parts: list[Run], both: bool) -> Run:
    def run(rows: Rows, picked: Array | None, constants: Constants) -> Truth:
        true, false = parts[0](rows, picked, constants)
        for part in parts[1:]:
            more_true, more_false = part(rows, picked, constants)
            true, false = (true & more_true, false | more_false) if both else (true | more_true, false & more_false)
        return true, false

    return run
