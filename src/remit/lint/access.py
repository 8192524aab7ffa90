"""What each role allows, as bits: a bit for each action on each type. For questions about all pairs of roles, which
then cost a few operations on whole numbers.

    role vet { allow read, sign on record when treats    deny delete on record }
    some 0b011 (read, sign: sometimes)    always 0b000    barred 0b100 (never)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from remit.table.shape import EVERYONE, MEMBERS, RuleEntry, Table


class Access(NamedTuple):
    """`some`: a rule allows it, under a condition or not. `always`: one without a condition does. `limited`: some rule
    denies it; `barred`: one without a condition does."""

    some: int
    always: int
    limited: int
    barred: int

    @property
    def may(self) -> int:
        """What it may do at least sometimes."""
        return self.some & ~self.barred

    @property
    def sure(self) -> int:
        """What it may always do."""
        return self.always & ~self.limited


class Accesses:
    """The accesses of a table's roles, each with those of `everyone` and `members`."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.cells = [(name, action) for name, kind in table.types.items() for action in kind.actions]
        self._bits = {cell: 1 << at for at, cell in enumerate(self.cells)}
        self._known: dict[tuple[str, tuple[str, ...]], int] = {}
        facets = [[0, 0, 0, 0] for _ in range(table.facet_count)]
        for rule in table.rules:
            bits, first = self.bits(rule), 0 if rule.effect == "allow" else 2
            for facet in rule.facets:
                facets[facet][first] |= bits
                if rule.condition is None:
                    facets[facet][first + 1] |= bits
        self._facets = facets

    def bit(self, resource_type: str, action: str) -> int:
        return self._bits[resource_type, action]

    def bits(self, rule: RuleEntry) -> int:
        """What a rule is about."""
        found = 0
        for cell in rule.cells.items():
            if cell not in self._known:
                self._known[cell] = sum(self._bits[cell[0], action] for action in cell[1])
            found |= self._known[cell]
        return found

    def of(self, role: str | None, block: str | None = None) -> Access:
        """The access of somebody with just a role; without one, of somebody whom `everyone` speaks of alone, and
        `members` where that is the block."""
        if role is not None:
            return self._together((EVERYONE, MEMBERS, *self.table.roles[role].facets))
        return self._together((EVERYONE, MEMBERS) if block == "members" else (EVERYONE,))

    def _together(self, facets: Iterable[int]) -> Access:
        found = [0, 0, 0, 0]
        for facet in facets:
            for at, bits in enumerate(self._facets[facet]):
                found[at] |= bits
        return Access(*found)

    def first(self, bits: int) -> tuple[str, str]:
        """The first type and action of some that are at least one."""
        return self.cells[(bits & -bits).bit_length() - 1]
