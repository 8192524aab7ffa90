"""Whether one normal form, wherever it is true, makes another true: an analytic tableau (Smullyan, 1968).

A condition in normal form has no `not` over anything but a comparison, so whether it is *true*, in Kleene's sense, is
an ordinary monotone formula over "this comparison is true". A branch collects comparisons that hold together; an `or`
splits it. A branch closes when its comparisons cannot all be true, or when they make the goal true already. Where all
branches close, the implication holds; an open one is where to look for a counter-example.

    (status == "open" or owner == user.id) and amount <= 400   implies   amount <= 500 and status in ["open", "closed"]
    branch 1: amount <= 400, status == "open"     both parts of the goal follow: closed
    branch 2: amount <= 400, owner == user.id     nothing is known of status: open

What is known of comparisons: an attribute has one value, of its type (a set of values or a range of ints); a comparison
and its opposite are not both true; one that is true has found its attributes, so `has` of them is true. This is sound
and not complete: a branch left open proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from remit.model.expression import Attr
from remit.model.types import LARGEST, SMALLEST, Reading
from remit.table.normal import Keys, Normal, key

MOST_BRANCHES = 2_000  # of one question; beyond, it stays open
MOST_SPLITS = 100  # one inside the other
MOST_LEAVES = 8  # open branches that are kept
MOST_FACTS = 20_000  # of one `Facts`

Literal = list[Any]  # a comparison in normal form
Term = tuple[str, str]  # an attribute: root and name

_ROOTS = ("resource", "user", "context")
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not in", "not in": "in"}
_OPPOSITE |= {"has": "has not", "has not": "has"}


class Proof(NamedTuple):
    """`closed`: the implication holds. Otherwise `leaves` are some branches that stayed open. `branches` were made."""

    closed: bool
    leaves: tuple[Branch, ...]
    branches: int


@dataclass(frozen=True, slots=True)
class Values:
    """What is known of an attribute's value: one of `only` (None: anything), none of `out`, for ints in a range."""

    only: frozenset[Any] | None = None
    out: frozenset[Any] = frozenset()
    low: int = SMALLEST
    high: int = LARGEST

    def holds(self, value: Any) -> bool:
        if value in self.out or (self.only is not None and value not in self.only):
            return False
        return type(value) is not int or self.low <= value <= self.high

    def excludes(self, other: Values) -> bool:
        """Whether no value is one that both leave: `meet` leaves none."""
        if self.only is None and other.only is None:
            return max(self.low, other.low) > min(self.high, other.high)
        few, rest = (other, self) if self.only is None else (self, other)
        return not any(few.holds(value) and rest.holds(value) for value in few.only or ())

    def meet(self, other: Values) -> Values:
        only = self.only if other.only is None else other.only if self.only is None else self.only & other.only
        return Values(only, self.out | other.out, max(self.low, other.low), min(self.high, other.high))

    @property
    def empty(self) -> bool:
        return self.low > self.high if self.only is None else not any(self.holds(value) for value in self.only)

    def within(self, other: Values) -> bool:
        """Whether each value this leaves is one that `other` leaves."""
        if self.only is not None:
            return all(other.holds(value) for value in self.only if self.holds(value))
        range_within = other.low <= self.low and self.high <= other.high
        return other.only is None and range_within and not any(self.holds(value) for value in other.out)


class Fact(NamedTuple):
    """What a comparison says by itself: its key and its opposite's, what it reads, and of which attribute it leaves
    what, of what the type leaves."""

    literal: Literal
    key: str
    opposite: str
    terms: tuple[Term, ...]
    about: tuple[Term, Values, Values] | None


class Facts:
    """The facts of comparisons at one type, and the keys of forms, each made once for all the questions that are asked
    with them."""

    __slots__ = ("_known", "key")

    def __init__(self) -> None:
        self.key = Keys()
        self._known: dict[int, Fact] = {}  # by the id of the comparison, which the fact keeps

    def of(self, literal: Literal, reading: Reading) -> Fact:
        found = self._known.get(id(literal))
        if found is None:
            if len(self._known) >= MOST_FACTS:
                self._known.clear()
            opposite, about = key(_opposite(literal)), _about(literal, reading)
            based = None if about is None else (*about, _base(about[0], reading))
            found = Fact(literal, key(literal), opposite, tuple(terms(literal)), based)
            self._known[id(literal)] = found
        return found


@dataclass(slots=True)
class Branch:
    """Comparisons that are true together. INVARIANT: `values`, `present` and `absent` follow from `literals`."""

    reading: Reading
    literals: dict[str, Literal] = field(default_factory=dict)
    values: dict[Term, Values] = field(default_factory=dict)
    present: set[Term] = field(default_factory=set)
    absent: set[Term] = field(default_factory=set)
    facts: Facts = field(default_factory=Facts)

    def copy(self) -> Branch:
        known = dict(self.literals), dict(self.values), set(self.present), set(self.absent)
        return Branch(self.reading, *known, self.facts)

    def add(self, literal: Literal) -> bool:
        """One more comparison; False where it cannot be true beside the others."""
        if self.refutes(literal):
            return False
        fact = self.facts.of(literal, self.reading)
        self.literals[fact.key] = literal
        if fact.about is not None:
            term, allowed, base = fact.about
            self.values[term] = allowed.meet(self.values.get(term, base))
        if literal[0] == "has not":
            self.absent.add((literal[1][0], literal[1][1]))
        else:
            self.present.update(fact.terms)
        return True

    def refutes(self, literal: Literal) -> bool:
        """Whether it cannot be true beside the others."""
        fact = self.facts.of(literal, self.reading)
        if fact.opposite in self.literals:
            return True
        if literal[0] == "has not":
            return (literal[1][0], literal[1][1]) in self.present
        if not self.absent.isdisjoint(fact.terms):
            return True
        if fact.about is None:
            return False
        term, allowed, base = fact.about
        return allowed.excludes(self.values.get(term, base))

    def proves(self, literal: Literal) -> bool:
        """Whether it is true wherever the others are."""
        fact = self.facts.of(literal, self.reading)
        if fact.key in self.literals:
            return True
        if literal[0] == "has":
            return (literal[1][0], literal[1][1]) in self.present
        about = fact.about
        return about is not None and about[0] in self.values and self.values[about[0]].within(about[1])


def implies(
    premise: Normal, goal: Normal, reading: Reading, most: int = MOST_BRANCHES, facts: Facts | None = None
) -> Proof:
    """Whether the goal is true wherever the premise is, as far as this can tell with so many branches. `facts` of the
    same type serve one question after the other."""
    search = _Search(goal, min(most, MOST_BRANCHES))
    closed = search.close(Branch(reading, facts=facts or Facts()), [premise], {}, 0)
    return Proof(closed and not search.cut, tuple(search.leaves), search.branches)


class _Search:
    def __init__(self, goal: Normal, most: int) -> None:
        self.goal = goal
        self.most = most
        self.branches = 0
        self.cut = False
        self.leaves: list[Branch] = []

    def close(self, branch: Branch, fresh: list[Normal], waiting: dict[str, Normal], depth: int) -> bool:
        """Closes the branch with `fresh` added; `waiting` are its `or`s that have not been split, by key."""
        self.branches += 1
        if self.branches > self.most or depth > MOST_SPLITS:
            self.cut = True
            return False
        if not _take(branch, fresh, waiting) or self._proved(branch, waiting, self.goal):
            return True
        if not waiting:
            self.leaves.append(branch)
            return False
        narrowest = min(waiting, key=lambda name: (len(waiting[name]), name))
        rest = {name: form for name, form in waiting.items() if name != narrowest}
        closed = True
        for part in waiting[narrowest][1:]:
            closed = self.close(branch.copy(), [part], dict(rest), depth + 1) and closed
            if self.cut or len(self.leaves) >= MOST_LEAVES:
                return False
        return closed

    def _proved(self, branch: Branch, waiting: dict[str, Normal], form: Normal) -> bool:
        if isinstance(form, bool):
            return form
        if form[0] == "and":
            return all(self._proved(branch, waiting, part) for part in form[1:])
        if form[0] == "or":
            return branch.facts.key(form) in waiting or any(self._proved(branch, waiting, part) for part in form[1:])
        return branch.proves(form)


def _take(branch: Branch, fresh: list[Normal], waiting: dict[str, Normal]) -> bool:
    """Adds forms to a branch, until no `or` is left with a single part that can be true; False where it closes."""
    pending = list(fresh)
    while pending:
        while pending:
            form = pending.pop()
            if form is False:
                return False
            if form is True:
                continue
            if form[0] == "and":
                pending.extend(form[1:])
            elif form[0] == "or":
                waiting[branch.facts.key(form)] = form
            elif not branch.add(form):
                return False
        for name, form in list(waiting.items()):
            live = []
            for part in form[1:]:
                if part[0] in ("and", "or"):
                    live.append(part)
                elif branch.refutes(part):
                    continue
                elif branch.proves(part):
                    del waiting[name]
                    break
                else:
                    live.append(part)
            else:
                if len(live) < 2:
                    del waiting[name]
                    pending.append(live[0] if live else False)
    return True


# -- comparisons -------------------------------------------------------------------------------------------------------


def terms(literal: Literal) -> Iterator[Term]:
    """The attributes whose values a comparison reads, or asks for with `has`."""
    for side in literal[1:]:
        if _is_term(side):
            yield (side[0], side[1])
        elif isinstance(side, list) and side and side[0] == "-":
            yield from ((part[0], part[1]) for part in side[1:] if _is_term(part))


def literals(form: Normal) -> Iterable[Literal]:
    """Every comparison in a form."""
    pending = [form]
    while pending:
        current = pending.pop()
        if isinstance(current, bool):
            continue
        if current[0] in ("and", "or"):
            pending.extend(current[1:])
        else:
            yield current


def _is_term(side: Any) -> bool:
    return isinstance(side, list) and len(side) == 2 and side[0] in _ROOTS and isinstance(side[1], str)


def _opposite(literal: Literal) -> Literal:
    if literal[0] == "==" and isinstance(literal[2], bool):
        return ["==", literal[1], not literal[2]]
    return [_OPPOSITE[literal[0]], *literal[1:]]


def _base(term: Term, reading: Reading) -> Values:
    """What an attribute's type leaves of values."""
    found = reading.find(Attr(*term))
    if found is not None and found.type.kind == "enum":
        return Values(frozenset(found.type.values))
    return Values(frozenset((True, False))) if found is not None and found.type.kind == "bool" else Values()


def _about(literal: Literal, reading: Reading) -> tuple[Term, Values] | None:
    """For a comparison of one attribute with constants: the attribute, and the values that make it true."""
    operator, side = literal[0], literal[1]
    if operator in ("has", "has not") or not _is_term(side):
        return None
    found = reading.find(Attr(side[0], side[1]))
    kind = found.type.kind if found is not None else "none"
    if kind not in ("enum", "bool", "int", "string", "user"):
        return None
    word = {"bool": bool, "int": int}.get(kind, str)
    right = literal[2]
    if operator in ("in", "not in"):
        if not (isinstance(right, list) and right[:1] == ["list"] and all(type(item) is word for item in right[1:])):
            return None
        named = frozenset(right[1:])
        return (side[0], side[1]), Values(named) if operator == "in" else Values(out=named)
    if type(right) is not word:
        return None
    if operator == "==":
        allowed = Values(frozenset((right,)))
    elif operator == "!=":
        allowed = Values(out=frozenset((right,)))
    elif kind != "int":
        return None
    elif operator in ("<", "<="):
        allowed = Values(high=right - (operator == "<"))
    else:
        allowed = Values(low=right + (operator == ">"))
    return (side[0], side[1]), allowed
