"""A request that refutes an assert, found by trying: what the evaluator itself has decided is certain.

An open branch of a proof (`remit.table.tableau`) says which comparisons should be true together. For each attribute
in them a few values are tried: those that the comparisons leave, the constants beside them and their neighbours, and
the user's own id. Each choice becomes a directory of one user and a request, and is decided for real.

    amount <= 500, owner == user.id     → {amount: 500, owner: "someone"}, asked by someone
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, product
from typing import Any, NamedTuple

from remit.instant import EARLIEST, LATEST, format_instant, parse_instant
from remit.model.expression import Attr
from remit.model.types import LARGEST, SMALLEST, Reading, Type
from remit.proof.case import NOON, OTHER, SOMEONE, Case
from remit.table.normal import Normal
from remit.table.shape import Table
from remit.table.tableau import Branch, Facts, Literal, Term, literals

MOST_TRIED = 200  # requests for one branch, complete or not

_SECOND = 10**9
_MISSING = object()


def cases(
    table: Table, reading: Reading, branches: Iterable[Branch], forms: Sequence[Normal], facts: Facts | None = None
) -> Iterator[Case]:
    """Cases worth trying: for each branch, values of its attributes; `forms` lend their constants and attributes.
    `facts` are those of the type, where there are some.

    Requests that leave nothing out come first, for they convince more."""
    facts = facts or Facts()
    lending = list({id(literal): literal for form in forms for literal in literals(form)}.values())
    pool = _Pool(table, lending)
    beside = {term: None for literal in lending for term in facts.of(literal, reading).terms}
    for branch in branches:
        attributes = {term: None for literal in branch.literals.values() for term in facts.of(literal, reading).terms}
        names = [*attributes, *(term for term in beside if term not in attributes)]
        choices = [list(pool.values(term, reading, branch, term in attributes)) for term in names]
        if not all(choices):
            continue
        complete = [choice[1:] if choice[0] is _MISSING and len(choice) > 1 else choice for choice in choices]
        for chosen in chain(islice(product(*complete), MOST_TRIED), islice(product(*choices), MOST_TRIED)):
            yield _case(table, dict(zip(names, chosen, strict=True)))


def refuting(worth: Iterable[Case], refutes: Callable[[Case], bool], budget: Budget) -> Case | None:
    """The first case that refutes, within the budget."""
    for case in worth:
        if not budget.spend():
            return None
        if refutes(case):
            return case
    return None


class Budget:
    """How much may still be tried for one assert."""

    def __init__(self, most: int) -> None:
        self.left = most

    def spend(self, much: int = 1) -> bool:
        """Whether there was so much left."""
        self.left -= much
        return self.left >= 0


def _case(table: Table, chosen: dict[Term, Any]) -> Case:
    roots: dict[str, dict[str, Any]] = {"resource": {}, "user": {}, "context": {}}
    for (root, name), value in chosen.items():
        if value is not _MISSING:
            roots[root][name] = value
    user, resource = roots["user"], roots["resource"]
    resource.setdefault("scope", table.root)
    if resource["scope"] is None:
        del resource["scope"]
    groups = tuple(user.pop("groups", ()))
    user.pop("roles", None)  # they follow from what is assigned
    missing = tuple(f"{root}.{name}" for (root, name), value in chosen.items() if value is _MISSING and name != "scope")
    return Case(user.pop("id", SOMEONE), user, groups, resource.pop("id", "r1"), resource, roots["context"], missing)


class _Constants(NamedTuple):
    strings: list[str]
    numbers: list[int]
    instants: list[int]


class _Pool:
    """Values to try, by type: the constants of some comparisons and what lies next to them."""

    def __init__(self, table: Table, lending: Iterable[Literal]) -> None:
        self.table = table
        found = _Constants([], [], [])
        durations: list[int] = []
        for literal in lending:
            for side in literal[1:]:
                if isinstance(side, list):
                    for item in side[1:] if side[0] == "list" else ():
                        _note(item, found, durations)
                else:
                    _note(side, found, durations)
        self.users = list(dict.fromkeys([SOMEONE, *found.strings]))
        self.strings = list(dict.fromkeys([SOMEONE, OTHER, *found.strings]))
        near = dict.fromkeys([*found.numbers, 0, *(n + step for n in found.numbers for step in (1, -1))])
        self.numbers = [n for n in near if SMALLEST <= n <= LARGEST]
        instants = dict.fromkeys([*found.instants, NOON])
        steps = [0, _SECOND, -_SECOND, *(d + more for d in durations for more in (0, _SECOND, -_SECOND))]
        stepped = dict.fromkeys(at + sign * step for at in instants for step in steps for sign in (1, -1))
        self.instants = [at for at in stepped if EARLIEST <= at <= LATEST]

    def values(self, term: Term, reading: Reading, branch: Branch, needed: bool) -> Iterator[Any]:
        """Values of one attribute, likely ones first; where the branch does not need it, none comes before any."""
        root, name = term
        if term in branch.absent or not needed:
            yield _MISSING
            if term in branch.absent:
                return
        known = branch.values.get(term)
        declared = reading.find(Attr(root, name))
        if declared is None:
            if needed:
                yield _MISSING
            return
        if term == ("resource", "scope"):
            options = self._scopes()
        elif term == ("user", "id"):
            options = self.users
        else:
            options = self._of(declared.type)
        for value in options:
            if known is None or isinstance(value, list) or known.holds(value):
                yield value

    def _of(self, kind: Type) -> list[Any]:
        if kind.kind == "bool":
            return [True, False]
        if kind.kind == "enum":
            return [*kind.values]
        if kind.kind == "int":
            return [*self.numbers]
        if kind.kind == "time":
            return [format_instant(at) for at in self.instants]
        if kind.kind == "set" and kind.element is not None:
            single = self._of(kind.element)
            return [single, [], *([item] for item in single)]
        return [*self.strings]

    def _scopes(self) -> list[Any]:
        below = [kind for kind, above in self.table.scopes.items() if above is not None]
        named = [s for s in self.strings if s.partition("/")[0] in below and s.partition("/")[2]]
        return [self.table.root or _MISSING, *named]


def _note(item: Any, found: _Constants, durations: list[int]) -> None:
    if isinstance(item, dict):
        if "ns" in item:
            durations.append(abs(item["ns"]))
        elif (instant := parse_instant(item["time"])) is not None:
            found.instants.append(instant)
    elif isinstance(item, str):
        found.strings.append(item)
    elif type(item) is int:
        found.numbers.append(item)
