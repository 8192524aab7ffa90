"""Refutes what an `assert` claims, over all requests (SEMANTICS 7), or finds that nothing refutes it.

Each method asks for a request. Its answer is a case that the evaluator can decide, or None where there is none, and the
claim is proved. Who asks is somebody with given roles; where `more` roles may be held beside, and a condition reads
`user.roles`, they are variables, and all their rules count.

    assert no rep may read on deal when not own      role rep { allow read on deal when own }
    allowed(rep) ∧ ¬own true:  none   proved
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from remit.model.expression import Expr
from remit.proof.case import Case
from remit.proof.requests import Requests, kinds_of
from remit.proof.solver import Solver
from remit.proof.terms import Term, Terms
from remit.proof.views import (
    EVERYONE,
    MEMBERS,
    ROLES_READ,
    Cell,
    Key,
    View,
    Views,
    declarations,
    reads_roles,
)
from remit.table import normal
from remit.table.meaning import Forms
from remit.table.shape import Table

Found = tuple[Case, tuple[str, ...]]  # a request, and the roles of who asks


class Claims:
    """Refutes claims about one table. Raises UnknownError where z3 cannot tell."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.names = sorted(table.roles)
        bits = {name: 4 << at for at, name in enumerate(self.names)}
        self.views = Views(table, bits, Forms(table))
        self._requests: dict[Any, Requests] = {}
        self._pairs: dict[Any, tuple[Requests, Requests, Solver]] = {}

    def allowed_where(
        self,
        roles: tuple[str, ...],
        cell: Cell,
        condition: Expr | None,
        wanted: bool,
        more: Iterable[str] | None,
    ) -> Found | None:
        """A request that somebody with the roles is allowed, with the condition true (`wanted`) or not. `more`: roles
        that may be held beside; None where there are none."""
        view = self.views.view(cell)
        form = self.views.forms.of(condition, cell[0])
        requests = self._of(cell[0], "assigned")
        side = requests.sides[0]
        assert side is not None
        z3 = requests.z3
        true = side.true(form)
        beside = frozenset(more or ())
        base: list[Any] = [requests.placed()] if roles else []
        may = requests.allowed(0, view, self._keys(cell, roles))
        if reads_roles(view) or ROLES_READ in normal.key(form):
            held = self._mask(roles)
            if roles:
                may = requests.decided(0, view)
            else:
                base.append(z3.Not(requests.terms.uncertain))
            for name, bit in self.views.bits.items():
                assigned = requests.held(bit)
                if bit & held:
                    base.append(assigned)
                elif name not in beside:
                    base.append(z3.Not(assigned))
        refuting = [*base, may, true if wanted else z3.Not(true)]
        model = requests.solver.model(*refuting, requests.complete(requests.terms.named))
        if model is None:
            model = requests.solver.model(*refuting)
        if model is None:
            return None
        others = [name for name in sorted(beside) if self.views.bits[name] & requests.roles(model)]
        return requests.case(model), tuple(dict.fromkeys([*roles, *others]))

    def beyond(self, one: tuple[str, ...], other: tuple[str, ...], cell: Cell) -> Case | None:
        """A request that somebody with just the roles `one` is allowed, and somebody with just `other` is not."""
        view = self.views.view(cell)
        requests = self._of(cell[0], "two")
        z3 = requests.z3
        may = [requests.allowed(at, view, self._keys(cell, roles)) for at, roles in enumerate((one, other))]
        base = [requests.placed(), z3.Not(requests.terms.uncertain)]
        base += self._holding(requests, [one, other])
        for more in ([requests.complete(requests.terms.named)], []):
            model = requests.solver.model(*base, may[0], z3.Not(may[1]), *more)
            if model is not None:
                return requests.case(model)
        return None

    def elsewhere(
        self, roles: tuple[str, ...], cell: Cell, condition: Expr | None, other: tuple[str, ...] | None
    ) -> Found | None:
        """A request at a place that the directory does not know, where no role allows, all forbid, and nobody is a
        member: that somebody with just the roles is allowed, with the condition true, and with `other` not."""
        view = self.views.view(cell)
        requests = self._of(cell[0], "two" if other is not None else "assigned")
        side, z3 = requests.sides[0], requests.z3
        assert side is not None
        base = [requests.terms.given, z3.Not(requests.terms.placed), z3.Not(requests.terms.uncertain)]
        wanted = [self._nowhere(requests, 0, view, roles), side.true(self.views.forms.of(condition, cell[0]))]
        if other is not None:
            wanted.append(z3.Not(self._nowhere(requests, 1, view, other)))
        model = requests.solver.model(*base, *wanted)
        return None if model is None else (requests.elsewhere(requests.case(model)), roles)

    def _nowhere(self, requests: Requests, at: int, view: View, roles: tuple[str, ...]) -> Any:
        denying = self._mask(roles) | EVERYONE
        masks = {"allow": EVERYONE, "deny": denying}
        return requests.allowed(at, view, [key for key, line in view.items() if line.mask & masks[key[0]]])

    def both(self, roles: tuple[str, ...], one: Cell, other: Cell) -> tuple[Case, Case] | None:
        """Two requests of one user with just these roles, both allowed; either may be at a place that the directory
        does not know."""
        first, second, solver = self._two(one[0], other[0])
        formulas: list[Any] = []
        read: list[frozenset[Term]] = []
        for requests, cell in ((first, one), (second, other)):
            view = self.views.view(cell)
            here = requests.z3.And(requests.placed(), requests.allowed(0, view, self._keys(cell, roles)))
            there = requests.z3.And(requests.z3.Not(requests.placed()), self._nowhere(requests, 0, view, roles))
            formulas += [requests.z3.Or(here, there), *self._holding(requests, [roles])]
            formulas.append(requests.z3.Not(requests.terms.uncertain))
            read.append(requests.read((view, view)))
        complete = [requests.complete(some) for requests, some in zip((first, second), read, strict=True)]
        for more in (complete, []):
            model = solver.model(*formulas, *more)
            if model is not None:
                texts: dict[int, str] = {}  # one code is one string in both
                one_case, other_case = (
                    case if requests.is_true(model, requests.placed()) else requests.elsewhere(case)
                    for requests, some in zip((first, second), read, strict=True)
                    for case in [requests.case(model, texts, some)]
                )
                user = one_case.user if ("user", "id") in read[0] else other_case.user
                attributes = {**other_case.attributes, **one_case.attributes}
                groups = tuple(dict.fromkeys([*one_case.groups, *other_case.groups]))
                whole = replace(one_case, user=user, attributes=attributes, groups=groups)
                return whole, other_case.asked_by(whole)
        return None

    def _two(self, one: str, other: str) -> tuple[Requests, Requests, Solver]:
        """Requests about two types by one user."""
        readings = [self.table.reading(name) for name in (one, other)]
        key = tuple(declarations(reading) for reading in readings)
        if key not in self._pairs:
            first = Requests([self.views], readings[:1], given_roles=True)
            terms = Terms(readings[1:], [kinds_of(self.table)], beside=first.terms)
            second = Requests([self.views], readings[1:], given_roles=True, terms=terms)
            self._pairs[key] = first, second, Solver(first.terms, second.terms)
        return self._pairs[key]

    # -- parts -------------------------------------------------------------------------------------------------------

    def _mask(self, roles: Iterable[str]) -> int:
        return sum(self.views.bits[role] for role in dict.fromkeys(roles))

    def _keys(self, cell: Cell, roles: tuple[str, ...]) -> tuple[Key, ...]:
        """The lines of a cell that count for somebody with just these roles."""
        mask = self._mask(roles) | EVERYONE | (MEMBERS if roles else 0)
        return tuple(key for key, line in self.views.view(cell).items() if line.mask & mask)

    def _holding(self, requests: Requests, roles: list[tuple[str, ...]]) -> list[Any]:
        """What is in each side's `user.roles`: these, with all they include."""
        held = [{name for role in some for name in (role, *self.table.roles[role].includes)} for some in roles]
        named = requests.named.items()
        return [known if name in held[at] else requests.z3.Not(known) for (at, name), known in named]

    def _of(self, resource_type: str, how: str) -> Requests:
        reading = self.table.reading(resource_type)
        key = (how, declarations(reading))
        if key not in self._requests:
            sides = 2 if how == "two" else 1
            views, readings = [self.views] * sides, [reading] * sides
            self._requests[key] = Requests(views, readings, given_roles=how == "two")
        return self._requests[key]
