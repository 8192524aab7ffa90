"""What tests should reach (`remit.testing.coverage` says why just this), and what one decision reaches of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from remit.evaluator.conditions import Test
from remit.evaluator.index import Cell, Entry, Index
from remit.evaluator.pdp import Judged
from remit.model import expression as ex
from remit.table.shape import RuleEntry, Table


class Goal(NamedTuple):
    """`cell`: somebody may (`outcome` True), or may not, do this. `condition`: a condition of a rule came out so here.
    `rule`: the rule decided, anywhere. What does not apply is empty, and -1 for the rule.

    With None for the outcome it is no goal: the condition could not be evaluated."""

    kind: Literal["cell", "condition", "rule"]
    type: str
    action: str
    rule: int
    condition: str
    outcome: bool | None


_DECIDED = ("allowed", "denied_by_rule", "no_rule")  # where the rules were looked at


def touched(table: Table) -> frozenset[str]:
    """The roles whose holders' decisions count for a cell: all; of an overlay, those that one of its rules counts
    for."""
    if not table.base:
        return frozenset(table.roles)
    facets = frozenset(facet for rule in table.own_rules() for facet in rule.facets)
    return frozenset(name for name, role in table.roles.items() if not facets.isdisjoint(role.facets))


def goals(table: Table) -> Iterator[Goal]:
    """Every goal there could be, cell by cell in the order of the catalogue, then the rules."""
    own = table.own_rules()
    by_cell: dict[tuple[str, str], list[RuleEntry]] = {}
    for rule in own:
        for pair in rule.pairs():
            by_cell.setdefault(pair, []).append(rule)
    for kind in table.types.values():
        for action in kind.actions:
            if (rules := by_cell.get((kind.name, action))) is None:
                continue
            yield Goal("cell", kind.name, action, -1, "", True)
            yield Goal("cell", kind.name, action, -1, "", False)
            for rule in rules:
                for name in conditions(rule.condition):
                    yield Goal("condition", kind.name, action, rule.number, name, True)
                    yield Goal("condition", kind.name, action, rule.number, name, False)
    for rule in own:
        if rule.cells:
            yield Goal("rule", "", "", rule.number, "", True)


def conditions(condition: ex.Expr | None) -> dict[str, ex.Expr]:
    """The parts of a rule's condition that come out true or false, by their text: a name the rule uses counts as one
    part, whatever it stands for."""
    found: dict[str, ex.Expr] = {}
    pending = [condition] if condition is not None else []
    while pending:
        node = pending.pop()
        if isinstance(node, ex.And | ex.Or):
            pending.extend(reversed(node.operands))
        elif isinstance(node, ex.Not):
            pending.append(node.operand)
        elif not isinstance(node, ex.Const):
            found.setdefault(ex.text(node), node)
    return found


class Asked(NamedTuple):
    """Somebody who holds this role was, or was not, allowed."""

    role: str
    type: str
    action: str
    allowed: bool


class Watch:
    """Sees decisions and keeps what they reached, and of which roles: call it with each."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.seen: set[Goal] = set()
        self.asked: set[Asked] = set()
        self.touched = -1  # as a mask: everybody, without roles as well
        if index.table.base:
            self.touched = sum(index.bits[role] for role in touched(index.table))
        self._parts: dict[tuple[int, str, str], tuple[tuple[Test, dict[bool | None, Goal]], ...]] = {}

    def __call__(self, judged: Judged) -> None:
        self.seen.update(self.reached(judged))
        if judged.code in _DECIDED and judged.cell is not None and judged.held is not None:
            mask, cell = judged.held.allow | judged.held.deny, judged.cell
            held = (role for role, bit in self.index.bits.items() if bit & mask)
            self.asked.update(Asked(role, cell.type, cell.action, judged.code == "allowed") for role in held)

    def reached(self, judged: Judged) -> Iterator[Goal]:
        """What one decision reaches; nothing where no rule was looked at."""
        cell, held, facts = judged.cell, judged.held, judged.facts
        if judged.code not in _DECIDED or cell is None or held is None or facts is None:
            return
        name, action = cell.type, cell.action
        if (held.allow | held.deny) & self.touched:
            yield Goal("cell", name, action, -1, "", judged.code == "allowed")
        for entry in judged.deciding:
            yield Goal("rule", "", "", entry.rule.number, "", True)
        for entry in _counting(cell, held.allow, held.deny):
            for test, by_outcome in self._tests(entry.rule, name, action):
                yield by_outcome[test(facts)]

    def _tests(
        self, rule: RuleEntry, resource_type: str, action: str
    ) -> tuple[tuple[Test, dict[bool | None, Goal]], ...]:
        """The parts of a rule's condition as functions, each with what its outcomes reach: one goal for all
        decisions."""
        key = (rule.number, resource_type, action)
        if key not in self._parts:
            found = []
            for text, part in conditions(rule.condition).items():
                test = self.index.test(part, resource_type)
                if test is not None:
                    goal = Goal("condition", resource_type, action, rule.number, text, None)
                    found.append((test, {outcome: goal._replace(outcome=outcome) for outcome in (True, False, None)}))
            self._parts[key] = tuple(found)
        return self._parts[key]


def _counting(cell: Cell, allow: int, deny: int) -> Iterable[Entry]:
    """The rules of a cell that count for somebody who holds these roles."""
    yield from (entry for entry in cell.allows if entry.mask & allow)
    yield from (entry for entry in cell.denies if entry.mask & deny)
