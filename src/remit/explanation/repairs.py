"""Repairs: every smallest change that would allow a denied request (SEMANTICS 5).

A repair is a set of *atoms*: `activate`; `hold_role R`, an individual assignment at the resource's scope;
`condition r`, the allow rule r's condition becomes true; `deny d`, the deny rule d stops applying. A set works if,
with its role and status in place and its denies taken away, some values of the attributes that its condition reads
make the evaluator allow; everything else stays. The repairs are the working sets of which no part works.

One allow rule is enough to allow, so no smallest set needs two conditions; one role is enough to hold a rule, so none
needs two roles. What is left is, for each (allow rule, role or none), to add the denies that then apply and that no
choice of values avoids, and to keep of all these sets the smallest by inclusion.

    role rep { allow read on deal when own    deny read on deal when sealed }    role boss { allow read on deal }
    bob, a rep, asks for ann's sealed deal:
      (allow … own, none)  → {condition own, deny sealed}
      (boss's allow, boss) → {hold_role boss, deny sealed}

Each repair is judged once more by the evaluator, on the changed facts, before it is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from remit.evaluator.facts import Facts
from remit.evaluator.holding import MEMBERS_BIT, Held, Holding, ScopeState
from remit.evaluator.index import Cell, Entry
from remit.evaluator.pdp import Judged, Pdp
from remit.explanation.guards import broken_by
from remit.explanation.values import Budget, Found, Values, changed, search
from remit.membership.roster import MemoryRoster
from remit.model import expression as ex
from remit.model.types import Reading
from remit.table.shape import RuleEntry

MOST_REPAIRS = 100
_REPAIRABLE = ("no_rule", "denied_by_rule", "inactive_user")


@dataclass(frozen=True, slots=True)
class Atom:
    """`role` and `scope` (None: the root) of `hold_role`, with the group allows it hides and the guards it would
    break; `rule` of `condition` and `deny`, with the values tried, and for a deny how it can stop applying."""

    kind: Literal["activate", "hold_role", "condition", "deny"]
    role: str | None = None
    scope: str | None = None
    rule: RuleEntry | None = None
    attributes: Values | None = field(default=None, compare=False)
    how: tuple[str, ...] = ()
    hides: tuple[Holding, ...] = ()
    guards: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[str, str, int]:
        return (self.kind, self.role or "", self.rule.number if self.rule else -1)


class Repair(NamedTuple):
    atoms: tuple[Atom, ...]

    @property
    def identity(self) -> frozenset[tuple[str, str, int]]:
        return frozenset(atom.identity for atom in self.atoms)


def repairs(pdp: Pdp, judged: Judged) -> tuple[list[Repair], bool]:
    """The smallest repairs of a denial, those with the fewest atoms first, and whether they are all of them."""
    if judged.code not in _REPAIRABLE:
        return [], True
    return _Repairs(pdp, judged).find()


class _State(NamedTuple):
    """The world with one more role, or as it is."""

    role: str | None
    held: Held
    facts: Facts
    reading: Reading


class _Repairs:
    def __init__(self, pdp: Pdp, judged: Judged) -> None:
        assert judged.asked
        assert judged.cell
        assert judged.user
        assert judged.held
        assert judged.facts
        self.pdp = pdp
        self.asked = judged.asked
        self.cell: Cell = judged.cell
        self.user = judged.user
        self.held = judged.held
        self.facts = judged.facts
        self.reading = pdp.index.reading(judged.cell.type)
        self.time = pdp.time(judged.asked) if judged.asked.time_given else judged.facts.time()
        self.found: dict[frozenset[tuple[str, str, int]], Repair] = {}
        self.searched: dict[tuple[int, frozenset[int], frozenset[str] | None], Found] = {}
        self.complete = True
        self.budget = Budget()
        subject = pdp.subject(judged.asked)
        self.holdings = subject[1] if subject else ()
        self.reads_roles = any(
            ex.Attr("user", "roles") in ex.attributes(entry.rule.condition)
            for entry in (*self.cell.allows, *self.cell.denies)
            if entry.rule.condition is not None
        )

    @cached_property
    def roster(self) -> MemoryRoster:
        """The directory as guards count it."""
        return MemoryRoster(self.pdp.directory)

    def find(self) -> tuple[list[Repair], bool]:
        here = _State(None, self.held, self.facts, self.reading)
        self._in_state(here)
        for role in self._worth_adding():
            self._in_state(self._with(role))
        working = {identity: repair for identity, repair in self.found.items() if self._works(repair)}
        minimal = [repair for identity, repair in working.items() if not any(other < identity for other in working)]
        minimal.sort(key=self._order)
        return minimal[:MOST_REPAIRS], self.complete and len(minimal) <= MOST_REPAIRS

    # -- states --------------------------------------------------------------------------------------------------------

    def _worth_adding(self) -> list[str]:
        """Roles that allow something here, or change what conditions read; none where the place is unknown."""
        if self.pdp.holders.scopes.state(self.asked.scope) == ScopeState.UNKNOWN:
            return []
        mask = 0
        for entry in self.cell.allows:
            mask |= entry.mask
        bits = self.pdp.index.bits
        if self.reads_roles or mask & MEMBERS_BIT:  # whoever holds any role
            return sorted(bits)
        return sorted(name for name, bit in bits.items() if bit & mask)

    def _with(self, role: str) -> _State:
        place = None if self.asked.scope == self.pdp.table.root else self.asked.scope
        holding = Holding(role, self.pdp.index.bits[role], place, "individual")
        held = self.pdp.holders.at((*self.holdings, holding), self.asked.scope, self.time)
        facts = self.pdp.facts(self.asked, self.user, held, self.time)
        return _State(role, held, facts, self.reading)

    # -- sets that work in one state -----------------------------------------------------------------------------------

    def _in_state(self, state: _State) -> None:
        held, facts = state.held, state.facts
        denies = [entry for entry in self.cell.denies if entry.mask & held.deny]
        biting = [entry for entry in denies if entry.test is None or entry.test(facts) is not False]
        for entry in self.cell.allows:
            if not entry.mask & held.allow:
                continue
            if state.role is not None and not self.reads_roles and entry.mask & self.held.allow:
                continue  # the rule counts without the role too, and a role only ever adds denies
            if entry.test is None or entry.test(facts) is True:
                self._note(state, None, None, biting)
            if entry.test is not None:
                self._by_condition(state, entry, denies)

    def _by_condition(self, state: _State, entry: Entry, denies: list[Entry]) -> None:
        condition = entry.rule.condition
        assert condition is not None
        roles = state.facts.roles() if self.reads_roles else None
        key = (entry.rule.number, frozenset(deny.rule.number for deny in denies), roles)
        found = self.searched.get(key)
        if found is None:
            obstacles = [(deny.rule.number, deny.rule.condition, deny.test) for deny in denies]
            found = self.searched[key] = search(condition, obstacles, self.reading, state.facts, self.budget)
        self.complete = self.complete and found.complete
        by_number = {deny.rule.number: deny for deny in denies}
        for left, values in found.ways.items():
            self._note(state, entry, values, [by_number[number] for number in sorted(left)])

    def _note(self, state: _State, entry: Entry | None, values: Values | None, denies: list[Entry]) -> None:
        atoms: list[Atom] = []
        if self.user.status != "active":
            atoms.append(Atom("activate"))
        if state.role is not None:
            atoms.append(self._hold(state))
        if entry is not None:
            atoms.append(Atom("condition", rule=entry.rule, attributes=values))
        atoms.extend(self._deny(state, deny) for deny in denies)
        repair = Repair(tuple(atoms))
        if atoms:
            self.found.setdefault(repair.identity, repair)

    def _hold(self, state: _State) -> Atom:
        before = {id(holding) for holding, _ in self.held.hidden}
        hides = tuple(holding for holding, _ in state.held.hidden if id(holding) not in before)
        place = None if self.asked.scope == self.pdp.table.root else self.asked.scope
        assert state.role is not None
        guards = broken_by(self.pdp, self.roster, self.user, state.role, place, self.time)
        return Atom("hold_role", role=state.role, scope=place, hides=hides, guards=guards)

    def _deny(self, state: _State, deny: Entry) -> Atom:
        condition = deny.rule.condition
        if condition is None:
            return Atom("deny", rule=deny.rule, how=("lift",))
        found = search(ex.Not(condition), (), self.reading, state.facts, self.budget)
        values = next(iter(found.ways.values()), None)
        how = ("lift", "condition") if values is not None else ("lift",)
        return Atom("deny", rule=deny.rule, how=how, attributes=values)

    # -- proof and order -----------------------------------------------------------------------------------------------

    def _works(self, repair: Repair) -> bool:
        """Judges the changed request by the evaluator; a set that fails there is not reported."""
        state = _State(None, self.held, self.facts, self.reading)
        lifted: set[int] = set()
        values: Values = {}
        active = self.user.status == "active"
        for atom in repair.atoms:
            if atom.kind == "activate":
                active = True
            elif atom.kind == "hold_role" and atom.role is not None:
                state = self._with(atom.role)
            elif atom.kind == "condition":
                values = atom.attributes or {}
            elif atom.rule is not None:
                lifted.add(atom.rule.number)
        facts = changed(state.facts, values)
        judged = Judged("no_rule", (), (), self.asked, self.cell, self.user, state.held, facts)
        again = self.pdp.weigh(judged)
        still = [entry for entry in again.denies if entry.rule.number not in lifted]
        return active and bool(again.allows) and not still

    def _order(self, repair: Repair) -> tuple[int, int, str, tuple[Any, ...]]:
        role = next((atom.role for atom in repair.atoms if atom.role), None)
        places = tuple(
            (atom.kind, atom.rule.place.file, atom.rule.place.line, atom.rule.place.column)
            for atom in repair.atoms
            if atom.rule
        )
        return (len(repair.atoms), self.pdp.index.reach(role) if role else 0, role or "", places)
