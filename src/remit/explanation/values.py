"""Values that would make a condition true: a search over a finite set that is enough.

Conditions compare attributes with constants and with one another by `==`, order and membership, so only the *order
type* of the values matters, and a small set holds a value for each: for ints every constant and known value with as
many neighbours as there are attributes (a solution between two constants can be moved next to the lower one); for
strings every constant and known value and as many fresh ones as there are attributes; for sets every subset of the
elements that are compared (the small-model property of equality and linear order; Bradley & Manna, "The Calculus of
Computation", ch. 9 to 11). Differences of times add each duration to each known instant. Where the sets or the
number of combinations get too large the search is cut, and says so.

    resource.amount <= 500 and resource.owner == user.id     now: amount 501, owner "ann"; the user is "bob"
    one change:  amount 500 → still false; owner "bob" → still false
    two changes: amount 500, owner "bob" → true

Changes are tried by their number, so what comes first changes least. A partial choice is given up as soon as the
condition can no longer become true (its parts are evaluated to the set of values they may still take).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from remit.evaluator.conditions import Test, compile_condition, reader
from remit.evaluator.facts import Facts
from remit.explanation.trace import raw
from remit.instant import format_instant, parse_instant
from remit.model import expression as ex
from remit.model.types import BUILT_IN, LARGEST, SMALLEST, Reading, Type, belongs

_MOST_VALUES = 80  # of one attribute
_MOST_ELEMENTS = 6  # of a set's elements whose subsets are all tried

ABSENT = None  # the value of an optional attribute that is left out

Values = dict[str, Any]  # "resource.vet" → value, None for absent


class Budget:
    """How much a whole explanation may still look at, in parts of conditions evaluated: some seconds' worth."""

    def __init__(self, left: int = 4_000_000) -> None:
        self.left = left


class Found(NamedTuple):
    """For each minimal set of what still stands in the way, the values with the fewest changes; `complete` is False
    where the search was cut."""

    ways: dict[frozenset[int], Values]
    complete: bool


def free(condition: ex.Expr, reading: Reading) -> list[ex.Attr]:
    """The attributes a repair may choose: the resource's and the context's declared ones."""
    return sorted(
        (
            attr
            for attr in ex.attributes(condition)
            if attr.root in ("resource", "context")
            and attr.name not in BUILT_IN[attr.root]
            and reading.find(attr) is not None
        ),
        key=str,
    )


def search(
    condition: ex.Expr,
    obstacles: Sequence[tuple[int, ex.Expr | None, Test | None]],
    reading: Reading,
    facts: Facts,
    budget: Budget,
) -> Found:
    """Values of the condition's free attributes that make it true, with the obstacles (deny rules: a number, the
    condition, its test) that still apply then."""
    # What is missing is tried first: of two ways to help, giving what was left out changes less.
    attrs = sorted(free(condition, reading), key=lambda attr: reader(attr, reading)(facts) is None)
    conditions = [condition, *(expr for _, expr, _ in obstacles if expr is not None)]
    domains, whole = _domains(attrs, conditions, reading, facts)
    search = _Search(condition, obstacles, reading, facts, attrs, domains, budget)
    for changes in range(len(attrs) + 1):
        search.run(changes)
        if frozenset() in search.ways or search.cut:
            break
    return Found(search.ways, whole and not search.cut)


class _Search:
    def __init__(
        self,
        condition: ex.Expr,
        obstacles: Sequence[tuple[int, ex.Expr | None, Test | None]],
        reading: Reading,
        facts: Facts,
        attrs: list[ex.Attr],
        domains: dict[ex.Attr, list[Any]],
        budget: Budget,
    ) -> None:
        self.facts = _Changeable(facts)
        self.obstacles = obstacles
        self.attrs = attrs
        self.domains = domains
        self.current = {attr: raw(attr, facts) for attr in attrs}
        self.open: set[ex.Attr] = set()
        self.possible = _possibility(condition, reading, self.facts.facts, self.open)
        self.test = compile_condition(condition, reading)
        self.ways: dict[frozenset[int], Values] = {}
        self.budget = budget
        self.cost = ex.size(condition)  # of one look
        self.cut = False

    def run(self, changes: int) -> None:
        """All choices with exactly so many changes."""
        self.open.update(self.attrs)
        self._choose(0, changes, {})

    def _choose(self, at: int, changes: int, chosen: Values) -> None:
        self.budget.left -= self.cost
        if self.budget.left < 0:
            self.cut = True
        if self.cut:
            return
        if not self.possible() & _TRUE:
            return
        if at == len(self.attrs):
            if changes == 0:
                self._note(chosen)
            return
        attr = self.attrs[at]
        self.open.discard(attr)
        self.facts.put(attr, self.current[attr])
        if len(self.attrs) - at > changes:
            self._choose(at + 1, changes, chosen)
        if changes:
            for value in self.domains[attr]:
                if value == self.current[attr] and type(value) is type(self.current[attr]):
                    continue
                self.facts.put(attr, value)
                self._choose(at + 1, changes - 1, {**chosen, str(attr): value})
        self.facts.put(attr, self.current[attr])
        self.open.add(attr)

    def _note(self, chosen: Values) -> None:
        facts = self.facts.facts
        if self.test(facts) is not True:
            return
        left = frozenset(number for number, _, test in self.obstacles if test is None or test(facts) is not False)
        if any(way <= left for way in self.ways):
            return
        self.ways = {way: values for way, values in self.ways.items() if not left < way}
        self.ways[left] = dict(chosen)


class _Changeable:
    """A copy of the facts whose resource and context attributes can be changed in place."""

    def __init__(self, facts: Facts) -> None:
        self.sections = {"resource": dict(facts.properties), "context": dict(facts.context)}
        self.facts = facts._replace(properties=self.sections["resource"], context=self.sections["context"])

    def put(self, attr: ex.Attr, value: Any) -> None:
        if value is None:
            self.sections[attr.root].pop(attr.name, None)
        else:
            self.sections[attr.root][attr.name] = value


def changed(facts: Facts, values: Values) -> Facts:
    """The facts with these values in place of their own."""
    copy = _Changeable(facts)
    for name, value in values.items():
        root, _, attribute = name.partition(".")
        copy.put(ex.Attr(root, attribute.strip("`")), value)
    return copy.facts


# -- what a condition may still become ---------------------------------------------------------------------------------

_TRUE, _FALSE, _UNKNOWN = 1, 2, 4


def _possibility(node: ex.Expr, reading: Reading, facts: Facts, open: set[ex.Attr]) -> Callable[[], int]:
    """A function that gives the set of values (as bits) the condition may take over all values of `open` attributes."""
    if isinstance(node, ex.Named):
        return _possibility(node.body, reading, facts, open)
    if isinstance(node, ex.Not):
        inner = _possibility(node.operand, reading, facts, open)
        return lambda: _NEGATED[inner()]
    if isinstance(node, ex.And | ex.Or):
        parts = [_possibility(part, reading, facts, open) for part in node.operands]
        table = _AND if isinstance(node, ex.And) else _OR
        return lambda: _combine(parts, table)
    test, read = compile_condition(node, reading), ex.attributes(node)

    def leaf() -> int:
        if not read.isdisjoint(open):
            return 7
        value = test(facts)
        return _UNKNOWN if value is None else _TRUE if value else _FALSE

    return leaf


def _combine(parts: list[Callable[[], int]], table: list[list[int]]) -> int:
    found = parts[0]()
    for part in parts[1:]:
        found = table[found][part()]
    return found


def _sets(rule: Callable[[int, int], int]) -> list[list[int]]:
    bits = (_TRUE, _FALSE, _UNKNOWN)
    return [
        [
            sum(
                {rule(a, b) for a in bits if left & a for b in bits if right & b}
            )  # each bit once: their sum is the set
            for right in range(8)
        ]
        for left in range(8)
    ]


def _and(a: int, b: int) -> int:
    return _FALSE if _FALSE in (a, b) else _UNKNOWN if _UNKNOWN in (a, b) else _TRUE


def _or(a: int, b: int) -> int:
    return _TRUE if _TRUE in (a, b) else _UNKNOWN if _UNKNOWN in (a, b) else _FALSE


_AND, _OR = _sets(_and), _sets(_or)
_NEGATED = [(_TRUE if bits & _FALSE else 0) | (_FALSE if bits & _TRUE else 0) | (bits & _UNKNOWN) for bits in range(8)]


# -- candidates --------------------------------------------------------------------------------------------------------


def _domains(
    attrs: list[ex.Attr], conditions: list[ex.Expr], reading: Reading, facts: Facts
) -> tuple[dict[ex.Attr, list[Any]], bool]:
    known = _Known(conditions, reading, facts, len(attrs))
    domains: dict[ex.Attr, list[Any]] = {}
    whole = True
    for attr in attrs:
        declared = reading.find(attr)
        assert declared is not None
        values = _nearest_first(known.of(declared.type), raw(attr, facts))
        if len(values) > _MOST_VALUES:
            values, whole = values[:_MOST_VALUES], False
        domains[attr] = [*values, ABSENT] if declared.optional else values
        whole = whole and not known.cut
    return domains, whole


class _Known:
    """Constants and known values of some conditions, by kind."""

    def __init__(self, conditions: list[ex.Expr], reading: Reading, facts: Facts, spread: int) -> None:
        self.spread = max(spread, 1)
        self.cut = False
        self.strings: dict[str, None] = {}
        self.spoken: set[str] = set()  # the conditions' own constants, tried first
        self.numbers: set[int] = set()
        self.instants: set[int] = set()
        durations: set[int] = set()
        consts: list[ex.Const] = []
        for attr in sorted({attr for c in conditions for attr in ex.attributes(c)}, key=_by_nearness):
            self._take(raw(attr, facts), reading.find(attr))
        for attr in sorted({attr for c in conditions for attr in ex.attributes(c)}, key=_by_nearness):
            declared = reading.find(attr)
            kind = declared.type.element or declared.type if declared else None
            for value in kind.values if kind else ():
                self.strings.setdefault(value)
        for node in (node for c in conditions for node in ex.walk(c)):
            if isinstance(node, ex.Member) and isinstance(node.collection, tuple):
                consts.extend(node.collection)
            if isinstance(node, ex.Const):
                consts.append(node)
        for const in consts:
            if const.kind == "duration":
                durations.add(int(const.value))
            elif const.kind == "int":
                self.numbers.add(int(const.value))
            elif const.kind == "string":
                self.spoken.add(str(const.value))
                self.strings.setdefault(str(const.value))
                instant = parse_instant(str(const.value))
                if instant is not None:
                    self.instants.add(instant)
        if not self.instants and durations:
            self.instants.add(0)
        for _ in range(min(self.spread, 3)):  # a difference of a difference of a known time
            if len(self.instants) * len(durations) < 60:
                self.instants |= {at + way for at in self.instants for size in durations for way in (size, -size)}

    def _take(self, value: Any, declared: Any) -> None:
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, str):
                self.strings.setdefault(item)
                kind = (declared.type.element or declared.type).kind if declared else ""
                instant = parse_instant(item) if kind == "time" else None
                if instant is not None:
                    self.instants.add(instant)
            elif type(item) is int:
                self.numbers.add(item)

    def of(self, kind: Type) -> list[Any]:
        """Enough values of a type."""
        if kind.kind == "bool":
            return [True, False]
        if kind.kind == "enum":
            return sorted(kind.values, key=lambda value: value not in self.spoken)
        if kind.kind == "int":
            around = range(-self.spread, self.spread + 1)
            numbers = {n + step for n in self.numbers or {0} for step in around}
            return sorted((n for n in numbers if SMALLEST <= n <= LARGEST), key=lambda n: (n not in self.numbers, n))
        if kind.kind == "time":
            second = 10**9
            steps = range(-self.spread, self.spread + 1)
            near = {at + step * unit for at in self.instants or {0} for step in steps for unit in (second, 1)}
            order = sorted(near, key=lambda at: (at not in self.instants, at % second != 0, at))
            texts = [format_instant(at) for at in order]
            return [text for text in texts if belongs(text, kind)]
        if kind.kind == "set" and kind.element is not None:
            return self._subsets(kind.element)
        return [*self.strings, *self._fresh()]

    def _fresh(self) -> Iterator[str]:
        number = found = 0
        while found < self.spread:
            number += 1
            text = f"another-{number}" if number > 1 else "another"
            if text not in self.strings:
                found += 1
                yield text

    def _subsets(self, element: Type) -> list[Any]:
        items = self.of(element)
        if element.kind in ("string", "user"):
            items = [*self.strings, *self._fresh()]
        if len(items) > _MOST_ELEMENTS:
            self.cut = True
            return [[], *([item] for item in items[:20]), items[:20]]
        return [[item for at, item in enumerate(items) if bits >> at & 1] for bits in range(1 << len(items))]


def _nearest_first(values: list[Any], current: Any) -> list[Any]:
    """Numbers by their distance from the one there is: the smallest change reads best."""
    if type(current) is not int or not all(type(value) is int for value in values):
        return values
    return sorted(values, key=lambda value: abs(value - current))


def _by_nearness(attr: ex.Attr) -> tuple[int, str]:
    """The user's own values first: a repair that names the user reads best."""
    return ({"user": 0, "resource": 1}.get(attr.root, 2), str(attr))
