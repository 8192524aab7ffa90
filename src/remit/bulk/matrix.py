"""A table as arrays: for each role and cell one byte that says what may happen, and the rules behind it.

A *line* stands for a role with all that it includes, so that a user's lines are those of the roles they hold directly;
two more lines stand for the blocks. A byte of a line and a cell:

    bit 0  an allow without a condition        bit 2  an allow with a condition that has no bit of its own
    bit 1  a deny without a condition          bit 3  a deny with one
    bits 4 to 7: the four conditions that most entries have, each with its effect

    role clerk { allow read on invoice   allow pay on invoice when own }     (`own` has bit 4)
    clerk:  read on invoice 0b00000001   pay on invoice 0b00010000

Bytes of all that somebody holds are joined by `|`, since allows and denies only add up. However many conditions a cell
has, those without a bit of their own are looked up as *entries*, rule by rule, and only for requests that they decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from remit.bulk.texts import Array, Texts, with_spare
from remit.bulk.vectors import Shaped, shaped
from remit.evaluator.index import Index
from remit.model.expression import Attr, attributes
from remit.model.types import Type
from remit.table.shape import RuleEntry, Table

ALLOW, DENY, ALLOW_IF, DENY_IF = 1, 2, 4, 8
FLAG_BITS = (16, 32, 64, 128)
EVERYONE_LINE, MEMBERS_LINE, FIRST_LINE = 0, 1, 2
_NONE = -1


class Condition(NamedTuple):
    """A condition as it is asked at some types that declare what it reads alike. `rule` is one that has it."""

    rule: RuleEntry
    type: str
    test: Callable[[Any], bool | None]


class Flagged(NamedTuple):
    """A condition with a bit of its own."""

    bit: int
    condition: int
    effect: str


class Entries(NamedTuple):
    """All rules by line and cell, in the order of their places: `keys` (line × cells + cell) are sorted, and entry
    `first[k]` to `first[k + 1]` are those of key k. `condition` is -1 where a rule has none; `bit` is the one that
    stands for it in the key's byte."""

    keys: Array
    first: Array
    rule: Array
    condition: Array
    deny: Array
    bit: Array


class Matrix:
    """The arrays of one table. `cells` numbers (type, action); `line_of` the roles."""

    def __init__(self, table: Table, index: Index) -> None:
        self.table = table
        self.index = index
        self.cells: dict[tuple[str, str], int] = {}
        for name, kind in table.types.items():
            for action in kind.actions:
                self.cells[name, action] = len(self.cells)
        self.types = Texts(pa.array(list(table.types), pa.string()), distinct=True)
        self.actions = Texts(pa.array(sorted({action for _, action in self.cells}), pa.string()), distinct=True)
        self.types_spare, self.actions_spare = with_spare(self.types), with_spare(self.actions)
        self.line_of = {name: FIRST_LINE + at for at, name in enumerate(sorted(table.roles))}
        self.height, self.width = FIRST_LINE + len(self.line_of), max(len(self.cells), 1)
        self.conditions: list[Condition] = []
        self._numbers: dict[int, int] = {}  # a test's identity → its condition's number
        self._at: dict[tuple[int, str], int] = {}
        self._shapes: dict[int, Shaped | None] = {}
        few = len(table.rules) < (1 << 16) - 1
        self.nothing = (1 << 16) - 1 if few else int(np.iinfo(np.int32).max)  # a number that is no rule's
        self._least: dict[tuple[bool, int], Array] = {}
        self.entries = self._entries()
        self.read = frozenset(self._read())
        self.times = [(attr, kind) for attr, kind in self.read if kind.kind == "time"]
        self.flagged = self._flagged()
        self.bits = self._bits()
        """One byte for each key: a line and a cell about which there is a rule."""

    # -- entries -----------------------------------------------------------------------------------------------------

    def _entries(self) -> Entries:
        reaching: list[list[int]] = [[] for _ in range(self.table.facet_count)]
        reaching[EVERYONE_LINE].append(EVERYONE_LINE)
        reaching[MEMBERS_LINE].append(MEMBERS_LINE)
        for name, role in self.table.roles.items():
            for facet in role.facets:
                reaching[facet].append(self.line_of[name])
        known: dict[tuple[int, ...], Array] = {}
        lines: list[Array] = []
        cells: list[int] = []
        numbers: list[int] = []
        conditions: list[int] = []
        denies: list[bool] = []
        for rule in self.table.rules:
            if rule.facets not in known:
                known[rule.facets] = np.unique([line for facet in rule.facets for line in reaching[facet]])
            reached = known[rule.facets]
            for name, actions in rule.cells.items():
                condition = self._number(rule, name)
                for action in actions:
                    lines.append(reached)
                    cells.append(self.cells[name, action])
                    numbers.append(rule.number)
                    conditions.append(condition)
                    denies.append(rule.effect == "deny")
        counts = np.fromiter(map(len, lines), np.int64, len(lines))
        line = np.concatenate(lines) if lines else np.empty(0, np.int64)
        keys = line.astype(np.int64) * self.width + np.repeat(np.array(cells, np.int64), counts)
        number = np.repeat(np.array(numbers, np.int64), counts)
        order = np.lexsort((number, keys))
        sorted_keys, first = np.unique(keys[order], return_index=True)
        return Entries(
            sorted_keys,
            np.append(first, len(order)).astype(np.int64),
            number[order].astype(np.int32),
            np.repeat(np.array(conditions, np.int64), counts)[order],
            np.repeat(np.array(denies, bool), counts)[order],
            np.zeros(len(order), np.uint8),
        )

    def _number(self, rule: RuleEntry, resource_type: str) -> int:
        """The number of a rule's condition at a type."""
        if rule.condition is None:
            return _NONE
        key = (id(rule.condition), resource_type)
        if key not in self._at:
            test = self.index.test(rule.condition, resource_type)
            assert test is not None
            if id(test) not in self._numbers:
                self._numbers[id(test)] = len(self.conditions)
                self.conditions.append(Condition(rule, resource_type, test))
            self._at[key] = self._numbers[id(test)]
        return self._at[key]

    def _read(self) -> Iterator[tuple[Attr, Type]]:
        """What conditions read, as each type declares it."""
        for condition in self.conditions:
            reading = self.index.reading(condition.type)
            for attr in attributes(condition.rule.condition) if condition.rule.condition is not None else ():
                declared = reading.find(attr)
                if declared is not None:
                    yield attr, declared.type

    def shape(self, number: int) -> Shaped | None:
        """The shape of a condition, with texts as they are; told once for all calls."""
        if number not in self._shapes:
            condition = self.conditions[number]
            assert condition.rule.condition is not None
            self._shapes[number] = shaped(condition.rule.condition, self.index.reading(condition.type))
        return self._shapes[number]

    # -- bytes -------------------------------------------------------------------------------------------------------

    def _flagged(self) -> tuple[Flagged, ...]:
        entries = self.entries
        some = entries.condition >= 0
        pairs = Counter(zip(entries.condition[some].tolist(), entries.deny[some].tolist(), strict=True))
        most = pairs.most_common(len(FLAG_BITS))
        return tuple(
            Flagged(bit, condition, "deny" if deny else "allow")
            for bit, ((condition, deny), _) in zip(FLAG_BITS, most, strict=False)
        )

    def _bits(self) -> Array:
        entries = self.entries
        plain, more = np.where(entries.deny, DENY, ALLOW), np.where(entries.deny, DENY_IF, ALLOW_IF)
        entries.bit[:] = np.where(entries.condition < 0, plain, more)
        for own in self.flagged:
            entries.bit[(entries.condition == own.condition) & (entries.deny == (own.effect == "deny"))] = own.bit
        if not len(entries.keys):
            return np.zeros(1, np.uint8)
        found: Array = np.bitwise_or.reduceat(entries.bit, entries.first[:-1])
        return found

    def key(self, line: Array, cell: Array) -> Array:
        """The number of each line and cell among the keys, -1 where there is no rule about them."""
        keys = self.entries.keys
        if not len(keys):
            return np.full(len(line), -1)
        wanted = line * self.width + cell
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[at] == wanted, at, -1)

    def has(self, line: int) -> bool:
        """Whether there is any rule about a line."""
        first, behind = np.searchsorted(self.entries.keys, (line * self.width, (line + 1) * self.width))
        return bool(first < behind)

    def least(self, deny: bool, condition: int) -> Array:
        """For each key the smallest number of a rule with this effect and condition (-1: none), and any larger number
        where there is none."""
        entries, kind = self.entries, (deny, condition)
        if not len(entries.keys):
            return np.zeros(1, np.int32)
        if kind not in self._least:
            meant = (entries.deny == deny) & (entries.condition == condition)
            least = np.minimum.reduceat(np.where(meant, entries.rule, self.nothing), entries.first[:-1])
            self._least[kind] = least.astype(np.uint16 if self.nothing < 1 << 16 else np.int32)
        return self._least[kind]

    def bits_of(self, effect: str) -> int:
        """The bits that belong to an effect."""
        own = sum(one.bit for one in self.flagged if one.effect == effect)
        return own | (ALLOW | ALLOW_IF if effect == "allow" else DENY | DENY_IF)

    def local(self, types: Sequence[str | None], actions: Sequence[str | None]) -> Array:
        """For each type and action in these orders (a type's actions beside each other) the number of its cell; -1 for
        a type that the policy lacks, -2 for an action that the type lacks."""
        found = np.empty((len(types), len(actions)), np.int64)
        for at, name in enumerate(types):
            if name is None or name not in self.table.types:
                found[at] = -1
            else:
                found[at] = [-2 if action is None else self.cells.get((name, action), -2) for action in actions]
        return found.reshape(-1)
