"""The table as a decision wants it: type → action → cell, a cell's roles as bit masks.

A rule counts for every role that reaches one of its facets; that is settled here once, so a decision intersects the
masks of the roles somebody holds directly with the cell's. Cells are filled when first asked for: a single question
pays for one cell, a server for those its callers use. INVARIANT: a filled cell never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from remit.evaluator.conditions import Test, compile_condition
from remit.evaluator.holding import EVERYONE_BIT, FIRST_ROLE_BIT, MEMBERS_BIT
from remit.model.expression import Attr, Expr, attributes
from remit.model.types import Reading
from remit.table.meaning import Forms, rule_id
from remit.table.shape import BLOCKS, RuleEntry, Table

_TIME = Attr("context", "time")


class Entry(NamedTuple):
    """A rule in a cell: the roles it counts for, and its condition, None where it has none."""

    mask: int
    test: Test | None
    rule: RuleEntry


Conditional = tuple[tuple[int, Test], ...]
Masks = tuple[int, int, int, int, Conditional, Conditional]


class Cell:
    """One (type, action). Entries stand in the order of their places. `masks` is what verdicts take: the roles
    that allow outright, those that deny outright, those of any conditional allow, of any conditional deny, and these
    themselves, each a mask and its test. `timed`: some condition reads the time."""

    __slots__ = ("action", "allows", "denies", "masks", "timed", "type")

    def __init__(self, resource_type: str, action: str, allows: list[Entry], denies: list[Entry], timed: bool) -> None:
        self.type = resource_type
        self.action = action
        self.allows = tuple(allows)
        self.denies = tuple(denies)
        self.timed = timed
        allow_if, deny_if = _joined(allows), _joined(denies)
        self.masks: Masks = (
            _mask(entry.mask for entry in allows if entry.test is None),
            _mask(entry.mask for entry in denies if entry.test is None),
            _mask(mask for mask, _ in allow_if),
            _mask(mask for mask, _ in deny_if),
            allow_if,
            deny_if,
        )


def _mask(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found


def _joined(entries: list[Entry]) -> Conditional:
    """The conditional entries, those with the same condition as one."""
    found: dict[int, tuple[int, Test]] = {}
    for entry in entries:
        if entry.test is not None:
            mask, test = found.get(id(entry.test), (0, entry.test))
            found[id(entry.test)] = (mask | entry.mask, test)
    return tuple(found.values())


class _Actions(dict[str, Cell]):
    """The cells of one type; a missing one is built, an action the type lacks is a KeyError."""

    __slots__ = ("index", "type")

    def __init__(self, index: Index, resource_type: str) -> None:
        super().__init__()
        self.index = index
        self.type = resource_type

    def __missing__(self, action: str) -> Cell:
        if action not in self.index.table.types[self.type].actions:
            raise KeyError(action)
        found = self[action] = self.index.build(self.type, action)
        return found


class Index:
    """The cells of a table. Bit 0 is the block everyone, bit 1 members, then the roles by name."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.bits: Mapping[str, int] = {name: FIRST_ROLE_BIT << at for at, name in enumerate(sorted(table.roles))}
        masks = [EVERYONE_BIT, MEMBERS_BIT] + [0] * (table.facet_count - len(BLOCKS))
        for name, role in table.roles.items():
            for facet in role.facets:
                masks[facet] |= self.bits[name]
        self._facet_masks = masks
        self._by_type: dict[str, list[RuleEntry]] = {}
        for rule in table.rules:
            for name in rule.cells:
                self._by_type.setdefault(name, []).append(rule)
        self._tests: dict[tuple[int, tuple[object, ...]], Test] = {}
        self._readings: dict[str, Reading] = {}
        self._reads: dict[int, list[Attr]] = {}
        self._conditions: dict[Expr, Expr] = {}
        self._shared: dict[int, tuple[Expr, Expr]] = {}  # by identity, which lasts as long as the first stands here
        self._ids: dict[tuple[int, str, str], str] = {}
        self._forms = Forms(table)
        self.cells: dict[str, _Actions] = {name: _Actions(self, name) for name in table.types}

    def build(self, resource_type: str, action: str) -> Cell:
        """The cell of one type and action."""
        entries: dict[str, list[Entry]] = {"allow": [], "deny": []}
        for rule in self._by_type.get(resource_type, ()):
            if action in rule.cells[resource_type]:
                mask = 0
                for facet in rule.facets:
                    mask |= self._facet_masks[facet]
                entries[rule.effect].append(Entry(mask, self.test(rule.condition, resource_type), rule))
        timed = any(self._reads_time(entry.rule.condition) for effect in entries.values() for entry in effect)
        return Cell(resource_type, action, entries["allow"], entries["deny"], timed)

    def _reads_time(self, condition: Expr | None) -> bool:
        return condition is not None and _TIME in self._read(condition)

    def _read(self, condition: Expr) -> list[Attr]:
        """What a condition reads, in a fixed order."""
        read = self._reads.get(id(condition))
        if read is None:
            read = self._reads[id(condition)] = sorted(attributes(condition), key=str)
        return read

    def test(self, condition: Expr | None, resource_type: str) -> Test | None:
        """The condition as a function, built once for all types that declare what it reads alike."""
        if condition is None:
            return None
        reading = self.reading(resource_type)
        known = self._shared.get(id(condition))
        if known is None:  # to compare large conditions costs much, and a table's are the same ones again and again
            known = self._shared[id(condition)] = condition, self._conditions.setdefault(condition, condition)
        condition = known[1]  # rules that say the same share one
        signature = tuple(reading.find(attr) for attr in self._read(condition))
        found = self._tests.get((id(condition), signature))
        if found is None:
            found = self._tests[id(condition), signature] = compile_condition(condition, reading)
        return found

    def reading(self, resource_type: str) -> Reading:
        """What a condition may read at this type."""
        if resource_type not in self._readings:
            self._readings[resource_type] = self.table.reading(resource_type)
        return self._readings[resource_type]

    def rule_id(self, rule: RuleEntry, cell: Cell) -> str:
        """The rule's stable id in this cell."""
        key = (rule.number, cell.type, cell.action)
        if key not in self._ids:
            form = self._forms.of(rule.condition, cell.type)
            self._ids[key] = rule_id(rule, cell.type, cell.action, form)
        return self._ids[key]

    def reach(self, role: str) -> int:
        """In how many cells a role allows anything: a measure of how much it gives."""
        facets = self.table.roles[role].facets
        allowed = {
            pair
            for rule in self.table.rules
            if rule.effect == "allow" and not facets.isdisjoint(rule.facets)
            for pair in rule.pairs()
        }
        return len(allowed)
