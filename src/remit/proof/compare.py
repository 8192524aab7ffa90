"""The exact difference between two policies, per role and cell (SEMANTICS 7).

Allows and denies only add up, so two things settle every set of roles: what somebody who holds one role may do, and
what a role forbids to somebody whom another role allows. Let a set of roles be allowed by the one policy and not by the
other, at some request: a role of it that allows there is allowed alone. If it is not under the other policy, that shows
in the first comparison; if it is, another role of the set denies under one policy only, and that shows in the second.

    old   role vet { allow refund on invoice when resource.amount <= 500 }     role audit { deny * on invoice }
    new   role vet { allow refund on invoice }                                 role audit { }
    may      vet, refund on invoice:    amount <= 500 → always                       widened: amount 501
    forbids  audit, refund on invoice:  always → never, where vet would be allowed   gained

The way there: cells whose views (`remit.proof.views`) are equal are passed over. In the others roles are grouped by the
lines that count for them, equal pairs of groups are asked once, and what is left goes to the solver. Where a condition
reads `user.roles`, the user's other roles are variables too, and all their rules count, so that a difference is one
that somebody would see. Every difference has a request that the evaluator decides otherwise under the two.

Conditions are compared as Kleene has them: an allow counts where it is true, a deny unless it is false. What differs on
requests alone that leave something out is `incomplete_only`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Literal, NamedTuple

from remit.evaluator.index import Index
from remit.evaluator.pdp import Judged
from remit.proof.beside import Beside, beside
from remit.proof.case import Case, World
from remit.proof.plainer import plainer
from remit.proof.requests import Requests, reading_of
from remit.proof.solver import UnknownError, either_of, require
from remit.proof.terms import Term
from remit.proof.views import (
    EVERYONE,
    Cell,
    Group,
    Key,
    Numbering,
    View,
    Views,
    alike,
    declarations,
    groups,
    reads_roles,
    rules_of,
    strange,
)
from remit.table.normal import both, either, negated
from remit.table.normal import key as form_key
from remit.table.shape import RuleEntry, Table

_CROWDED = 16  # groups of roles or conditions in one cell, from which on it gets a solver of its own
_CONSTANTS = {"true", "false"}  # the keys of the forms of always and never
Kind = Literal["gained", "lost", "widened", "narrowed", "changed", "incomplete_only"]
Part = Literal["may", "forbids"]


class Change(NamedTuple):
    """What became otherwise in one cell, for each of `roles` alone (none: for a user without a role). `part` may: what
    they may do; forbids: what they forbid to somebody whom another role allows. `kind` speaks of access: a deny that
    goes is a gain. `old` and `new` are the rules that settle it on either side, `caused` those of them that the other
    side lacks. The `case`, asked by somebody who holds `asking` (by the new policy's names), is decided otherwise."""

    part: Part
    kind: Kind
    roles: tuple[str, ...]
    type: str
    action: str
    old: tuple[RuleEntry, ...]
    new: tuple[RuleEntry, ...]
    caused_old: tuple[RuleEntry, ...]
    caused_new: tuple[RuleEntry, ...]
    case: Case
    asking: tuple[str, ...]
    before: str
    after: str


class OpenCell(NamedTuple):
    """Where the solver could not tell."""

    part: Part
    roles: tuple[str, ...]
    type: str
    action: str


class Difference(NamedTuple):
    """All of it: `changes` by cell and role, `beside` what else became otherwise, `unproven` what could not be told."""

    changes: tuple[Change, ...]
    beside: tuple[Beside, ...]
    unproven: tuple[OpenCell, ...]

    @property
    def empty(self) -> bool:
        """Whether nobody may anything more or less, by any request."""
        return not self.changes and not self.unproven


def compare(old: Table, new: Table) -> Difference:
    """The exact difference. Raises MissingSolverError where it takes the solver and that is missing."""
    if _known_equal(old, new):
        return Difference((), (), ())
    changes, unproven = Comparison(old, new).all()
    return Difference(tuple(changes), tuple(beside(old, new)), tuple(unproven))


def equivalent(old: Table, new: Table) -> bool | None:
    """Whether the difference is empty; None where that cannot be told, for want of the solver or by it."""
    from remit.proof.solver import MissingSolverError

    if _known_equal(old, new):
        return True
    try:
        return Comparison(old, new, quick=True).equal()
    except MissingSolverError:
        return None


def _known_equal(old: Table, new: Table) -> bool:
    """Whether equal digests are at hand; to work them out costs as much as to compare."""
    return "digest" in old.kept and old.kept["digest"] == new.kept.get("digest")


class Verdict(NamedTuple):
    kind: Kind
    model: Any


class _Question(NamedTuple):
    """What a question is about: two views of a cell, the groups that may allow beside, and whether `user.roles` is
    read."""

    old: View
    new: View
    others: list[Group]
    apart: bool
    crowd: Cell | None  # the cell, where it has many groups


class _Found(NamedTuple):
    """A difference for a group: `answer` is its class, case, and what else is held; or the word unknown."""

    part: Part
    group: Group
    answer: Any


class Comparison:
    """Compares two tables. What it finds out once serves every cell. `quick`: only whether there is a difference, with
    neither class nor case."""

    def __init__(self, old: Table, new: Table, quick: bool = False) -> None:
        self.quick = quick
        self.numbering = Numbering(old, new)
        self.old = Views(old, self.numbering.old_bits)
        self.new = self.old if new is old else Views(new, self.numbering.new_bits)
        self.worlds: tuple[World, World] | None = None
        self._requests: dict[Any, Requests] = {}
        self._of_type: dict[str, Requests] = {}
        self._signatures: dict[str, tuple[Any, Any]] = {}
        self._forms: dict[Any, Any] = {}
        self._same_scopes = old.scopes == new.scopes and old.root == new.root
        self._same_closures = all(self.old.closed(name) == self.new.closed(name) for name in {*old.roles, *new.roles})

    def all(self) -> tuple[list[Change], list[OpenCell]]:
        """Every change, and what could not be told."""
        changes: list[Change] = []
        unproven: list[OpenCell] = []
        for one in self.walk():
            if isinstance(one, Change):
                changes.append(one)
            else:
                unproven.append(one)
        return changes, unproven

    def equal(self) -> bool | None:
        """Whether nothing differs; None where z3 cannot tell."""
        unsure = False
        for cell in sorted({*self.old.cells, *self.new.cells}):
            old, new = self.old.view(cell), self.new.view(cell)
            if not self.passed_over(cell, old, new):
                for found in self._found(cell, old, new):
                    if found.answer != "unknown":
                        return False
                    unsure = True
        return None if unsure else True

    def walk(self) -> Iterator[Change | OpenCell]:
        """One after the other, by cell."""
        for cell in sorted({*self.old.cells, *self.new.cells}):
            old, new = self.old.view(cell), self.new.view(cell)
            if not self.passed_over(cell, old, new):
                yield from self.cell(cell, old, new)

    def passed_over(self, cell: Cell, old: View, new: View) -> bool:
        """Whether a cell decides alike, as far as that can be seen without asking."""
        if not alike(old, new) or self.old.all_roles != self.new.all_roles:
            return False
        if self._conditional(old, new) and not self.same_readings(cell[0]):
            return False
        return self._same_closures or not reads_roles(old, new)

    def _conditional(self, *views: View) -> bool:
        return any(line.form is not True for view in views for line in view.values())

    def same_readings(self, resource_type: str) -> bool:
        """Whether conditions at a type mean the same on both sides."""
        if resource_type not in self._signatures:
            readings = [reading_of(view.table, resource_type) for view in (self.old, self.new)]
            self._signatures[resource_type] = (declarations(readings[0]), declarations(readings[1]))
        old, new = self._signatures[resource_type]
        return bool(self._same_scopes and old == new)

    def requests(self, resource_type: str) -> Requests:
        """The requests about a type. Raises MissingSolverError where nothing can be asked about them."""
        found = self._of_type.get(resource_type)
        if found is None:
            require()
            self.same_readings(resource_type)
            signature = self._signatures[resource_type]
            if signature not in self._requests:
                readings = [reading_of(view.table, resource_type) for view in (self.old, self.new)]
                self._requests[signature] = Requests([self.old, self.new], readings)
            found = self._of_type[resource_type] = self._requests[signature]
        return found

    # -- one cell ----------------------------------------------------------------------------------------------------

    def cell(self, cell: Cell, old: View, new: View) -> Iterator[Change | OpenCell]:
        """What changed in one cell."""
        for found in self._found(cell, old, new):
            change = None if found.answer == "unknown" else self._change(found, cell, old, new)
            if change is not None:
                yield change
            else:
                roles = () if found.group.mask == EVERYONE else tuple(self.numbering.roles(found.group.mask))
                yield OpenCell(found.part, roles, *cell)

    def differs(self, cell: Cell, old: View, new: View, every: list[Group] | None = None) -> bool | None:
        """Whether two views of a cell decide otherwise for anybody; None where z3 cannot tell. `every`: the groups of
        roles, where they are known."""
        if alike(old, new):
            return False
        unsure = False
        for found in self._found(cell, old, new, every):
            if found.answer != "unknown":
                return True
            unsure = True
        return None if unsure else False

    def _found(self, cell: Cell, old: View, new: View, every: list[Group] | None = None) -> Iterator[_Found]:
        apart = reads_roles(old, new)
        every = every or groups(old, new, self.old.all_roles, self.new.all_roles, apart)
        crowd = cell if max(len(every), len(old), len(new)) > _CROWDED else None
        for group in every:
            if not self._same(cell, old, new, group.old, group.new, apart):
                if self.quick and not apart and {self._form(old, group.old), self._form(new, group.new)} == _CONSTANTS:
                    yield _Found("may", group, ("changed", None, 0, None))
                    continue
                whose: Any = (group.mask, _masks(old), _masks(new)) if apart else group.mask == EVERYONE
                yield from self._answered(cell, "may", group, whose, (), _Question(old, new, [], apart, crowd))
        for group in every[1:]:
            # a group's own denies, against what any other role is allowed
            own = Group(group.mask, _denies(old, group.old, group.mask), _denies(new, group.new, group.mask))
            if self._same(cell, old, new, own.old, own.new, apart):
                continue
            single = group.mask & (group.mask - 1) == 0
            others = [other for other in every[1:] if other is not group or not single]
            if not apart and strange(old, new):
                others.append(every[0])
            allowing = tuple((other.mask == EVERYONE, other.old, other.new) for other in others)
            whose = (group.mask, _masks(old), _masks(new)) if apart else allowing
            # an answer serves many cells, so it tells the others by their place among the groups
            places = () if apart else tuple(other.mask for other in others)
            yield from self._answered(cell, "forbids", own, whose, places, _Question(old, new, others, apart, crowd))

    def _same(
        self, cell: Cell, old: View, new: View, before: tuple[Key, ...], after: tuple[Key, ...], apart: bool
    ) -> bool:
        """Whether two sets of lines are one condition, by normal form alone."""
        if apart and not self._same_closures:
            return False
        alike = before == after or self._form(old, before) == self._form(new, after)
        if not alike:
            return False
        if all(line.form is True for line in (*(old[key] for key in before), *(new[key] for key in after))):
            return True
        return self.same_readings(cell[0])

    def _form(self, view: View, keys: tuple[Key, ...]) -> str:
        """The key of the normal form of what somebody may, or denies alone, for whom these lines count."""
        found = self._forms.get(keys)
        if found is None:
            allows = [view[key].form for key in keys if key[0] == "allow"]
            denies = [view[key].form for key in keys if key[0] == "deny"]
            form = both([either(allows), negated(either(denies))])
            found = self._forms[keys] = form_key(form if allows or not denies else ["deny", either(denies)])
        return str(found)

    def _answered(
        self, cell: Cell, part: Part, group: Group, whose: Any, places: tuple[int, ...], asked: _Question
    ) -> Iterator[_Found]:
        requests = self.requests(cell[0])
        question = (part, group.old, group.new, whose)
        if question not in requests.answers:
            requests.focus(asked.crowd)
            ask = self._ask_may if part == "may" else self._ask_forbids
            try:
                requests.answers[question] = ask(requests, group, asked)
            except UnknownError:
                requests.answers[question] = "unknown"
        answer = requests.answers[question]
        if answer is not None and places and answer != "unknown":
            answer = (*answer[:2], places[answer[2]])
        if answer is not None:
            yield _Found(part, group, answer)

    # -- questions ---------------------------------------------------------------------------------------------------

    def _ask_may(self, requests: Requests, group: Group, asked: _Question) -> Any:
        old, new, _, apart, _ = asked
        before, after = requests.allowed(0, old, group.old), requests.allowed(1, new, group.new)
        z3 = requests.z3
        base: list[Any] = [] if group.mask == EVERYONE else [requests.placed()]
        gain, loss = z3.And(after, z3.Not(before)), z3.And(before, z3.Not(after))
        if apart and group.mask != EVERYONE:
            base.append(requests.held(group.mask))
            was = requests.decided(0, old, group.mask, alone=True)
            will = requests.decided(1, new, group.mask, alone=True)
            gain, loss = z3.And(gain, will, z3.Not(was)), z3.And(loss, was, z3.Not(will))
            before, after = z3.And(before, was), z3.And(after, will)
        elif apart:
            base = [requests.only(0), z3.Not(requests.terms.uncertain)]
        lines = ((old, old), (new, new)) if apart else ((old, group.old), (new, group.new))
        return self._answer(requests, base, before, after, gain, loss, requests.read(*lines))

    def _ask_forbids(self, requests: Requests, own: Group, asked: _Question) -> Any:
        old, new, others, apart, _ = asked
        z3 = requests.z3
        before, after = requests.denies(0, old, own.old), requests.denies(1, new, own.new)
        base = []
        if apart:
            base.append(requests.held(own.mask))
            strange = z3.Not(requests.placed())  # no role's allow counts there, and every deny does
            nobody = [requests.allowed(at, view, _lines(view, EVERYONE)) for at, view in enumerate((old, new))]
            was = z3.If(strange, nobody[0], requests.decided(0, old, own.mask))
            will = z3.If(strange, nobody[1], requests.decided(1, new, own.mask))
            may = z3.Or(z3.And(was, z3.Not(before)), z3.And(will, z3.Not(after)))
        else:
            was, will = self._others(requests, 0, old, others), self._others(requests, 1, new, others)
            may = z3.Or(was, will)
        gain, loss = z3.And(before, z3.Not(after), will), z3.And(after, z3.Not(before), was)
        every = [own, *others]
        lines = [
            (old, {key for group in every for key in group.old}),
            (new, {key for group in every for key in group.new}),
        ]
        read = requests.read(*([(old, old), (new, new)] if apart else lines))
        answer = self._answer(requests, base, z3.And(may, z3.Not(before)), z3.And(may, z3.Not(after)), gain, loss, read)
        if answer is None or apart or self.quick:
            return answer
        kind, case, _, model = answer
        gained = requests.is_true(model, gain)
        placed = requests.is_true(model, requests.placed())
        at = next(
            at
            for at, group in enumerate(others)
            if (group.mask == EVERYONE) is not placed
            and requests.is_true(
                model, requests.allowed(gained, new if gained else old, group.new if gained else group.old)
            )
        )
        return kind, requests.elsewhere(case) if others[at].mask == EVERYONE else case, at

    def _others(self, requests: Requests, at: int, view: View, others: list[Group]) -> Any:
        """That one of the groups is allowed by one side: where its roles can be held, or nobody's where none can."""
        z3 = requests.z3
        lines = [(group.mask, group.new if at else group.old) for group in others]
        placed = requests.placed()
        found = z3.And(
            placed, either_of([requests.allowed(at, view, keys) for mask, keys in lines if mask != EVERYONE])
        )
        nobody = [requests.allowed(at, view, keys) for mask, keys in lines if mask == EVERYONE]
        return z3.Or(found, z3.And(z3.Not(placed), *nobody)) if nobody else found

    def _answer(
        self, requests: Requests, base: list[Any], before: Any, after: Any, gain: Any, loss: Any, read: frozenset[Term]
    ) -> Any:
        """Class, case, roles and model of a difference, None where there is none."""
        if self.quick:
            found = requests.solver.can_be(*base, requests.z3.Or(gain, loss))
            return ("changed", None, 0, None) if found else None
        verdict_ = verdict(requests, base, before, after, gain, loss, read)
        if verdict_ is None:
            return None
        case = requests.case(verdict_.model, read=read)
        return verdict_.kind, case, requests.roles(verdict_.model), verdict_.model

    # -- the change --------------------------------------------------------------------------------------------------

    def _change(self, found: _Found, cell: Cell, old: View, new: View) -> Change | None:
        """The change, with its case replayed; None where the evaluator does not bear it out, which is no proof."""
        part, group = found.part, found.group
        kind, case, others = found.answer[:3]
        low = group.mask & -group.mask
        asking = 0 if group.mask == EVERYONE else low
        if group.mask != EVERYONE and reads_roles(old, new):
            asking |= others
            hides = any(view.table.individual_over_group for view in (self.old, self.new))
            case = replace(case, hidden=part == "may" and hides and asking != low)
        elif part == "forbids":
            beside = others & ~low
            asking |= beside & -beside
        roles = () if group.mask == EVERYONE else tuple(self.numbering.roles(group.mask))
        first = low if case.hidden else 0
        judge = partial(self._replayed, asking, first, cell)
        if len({judged.code == "allowed" for judged in judge(case)}) == 1:
            return None
        case = plainer(case, cell[0], self.old.table if cell[0] in self.old.table.types else self.new.table, judge)
        before, after = (judged.code for judged in judge(case))
        gone = [key for key in group.old if key not in group.new]
        come = [key for key in group.new if key not in group.old]
        mask = group.mask | (0 if part == "forbids" else 3)
        return Change(
            part,
            kind,
            roles,
            *cell,
            rules_of(old, group.old, mask),
            rules_of(new, group.new, mask),
            rules_of(old, gone, mask),
            rules_of(new, come, mask),
            case,
            (*self.numbering.roles(asking & first), *self.numbering.roles(asking & ~first)),
            before,
            after,
        )

    def _replayed(self, asking: int, first: int, cell: Cell, case: Case) -> list[Judged]:
        """The evaluator's decisions under the old policy and the new. `first`: the role that comes first of those that
        are held."""
        if self.worlds is None:
            self.worlds = (World(self.old.table, Index(self.old.table)), World(self.new.table, Index(self.new.table)))
        found = []
        for world, names in zip(self.worlds, (self.numbering.old_names, self.numbering.new_names), strict=True):
            bits = [*self.numbering.each(asking & first), *self.numbering.each(asking & ~first)]
            held = [names[bit] for bit in bits if bit in names]
            found.append(world.judge(held, *cell, case))
        return found


def _masks(view: View) -> tuple[tuple[Key, int], ...]:
    return tuple((key, line.mask) for key, line in sorted(view.items()))


def _denies(view: View, keys: tuple[Key, ...], mask: int) -> tuple[Key, ...]:
    return tuple(key for key in keys if key[0] == "deny" and view[key].mask & mask)


def _lines(view: View, mask: int) -> tuple[Key, ...]:
    return tuple(key for key, line in view.items() if line.mask & mask)


def verdict(
    requests: Requests, base: list[Any], before: Any, after: Any, gain: Any, loss: Any, read: frozenset[Term]
) -> Verdict | None:
    """The class of a change, with a request that shows it; None where there is none. `read` are the attributes that a
    complete request has. Raises UnknownError."""
    model = requests.solver.model(*base, requests.z3.Or(gain, loss))
    if model is None:
        return None
    complete = requests.complete(read)
    gained = requests.solver.model(*base, complete, gain)
    lost = requests.solver.model(*base, complete, loss)
    if gained is None and lost is None:
        return Verdict("incomplete_only", model)
    if gained is not None and lost is not None:
        return Verdict("changed", gained)
    if gained is not None:
        return Verdict("widened" if requests.solver.can_be(*base, complete, before) else "gained", gained)
    return Verdict("narrowed" if requests.solver.can_be(*base, complete, after) else "lost", lost)
