"""What somebody with some roles may do in each cell, settled once: a decision then only looks it up.

Roles alone settle most cells, whatever else a request says. Where conditions decide, what is left are their tests:

    role clerk { allow read on invoice   allow pay on invoice when own }
    somebody with `clerk`:   read on invoice → True   pay on invoice → Open(allows=(own,), alone=own)

Everybody with the same masks shares one *standing*, so there are as many as different sets of roles that ask. Verdicts
are filled when first asked for; a standing does not change with the directory. They are dropped all together where they
become too many: what is asked again is settled again.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from remit.evaluator.conditions import Test
from remit.evaluator.index import Cell, Entry, Index

_Verdict = TypeVar("_Verdict")
MOST = 1 << 18  # verdicts kept, about a hundred bytes each


class Open(NamedTuple):
    """What conditions decide: a deny that is not false forbids, else `outright` or an allow that is true allows.
    `timed`: some condition reads the time. `alone`: the one test that decides, where there is but one."""

    timed: bool
    denies: tuple[Test, ...]
    outright: bool
    allows: tuple[Test, ...]
    alone: Test | None


class OpenRules(NamedTuple):
    """What conditions decide, with the rules' ids: denies and allows by their places, each cut behind the first without
    a condition, since what decides comes no later."""

    timed: bool
    denies: tuple[tuple[Test | None, str], ...]
    allows: tuple[tuple[Test | None, str], ...]


class Standing(NamedTuple):
    """Verdicts by cell: whether it is allowed, and the id of the first rule that decides."""

    allowing: Allowing
    deciding: Deciding


class Verdicts:
    """The standings of one table. Safe to share between threads: a verdict never changes, and one that is dropped is
    found again."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._standings: dict[tuple[int, int], Standing] = {}
        self._kept = 0

    def of(self, allow: int, deny: int) -> Standing:
        """The standing of whoever holds these masks."""
        found = self._standings.get((allow, deny))
        if found is None:
            made = Standing(Allowing(self, allow, deny), Deciding(self, allow, deny))
            found = self._standings.setdefault((allow, deny), made)
        return found

    def count_one(self) -> None:
        """Counts one more; drops all where they are too many."""
        self._kept += 1
        if self._kept > MOST:
            self._kept = 0
            standings, self._standings = self._standings, {}
            for standing in list(standings.values()):
                standing.allowing.clear()
                standing.deciding.clear()


class _Settled(dict[Cell, _Verdict], Generic[_Verdict]):
    """What somebody with these masks may, by cell, found when it is first asked for."""

    __slots__ = ("allow", "deny", "verdicts")

    def __init__(self, verdicts: Verdicts, allow: int, deny: int) -> None:
        super().__init__()
        self.verdicts = verdicts
        self.allow, self.deny = allow, deny

    def __missing__(self, cell: Cell) -> _Verdict:
        self.verdicts.count_one()
        found = self[cell] = self._found(cell)
        return found

    def _found(self, cell: Cell) -> _Verdict:
        raise NotImplementedError  # each of the two kinds below settles a cell in its own way


class Allowing(_Settled["bool | Open"]):
    """Whether somebody may."""

    __slots__ = ()

    def _found(self, cell: Cell) -> bool | Open:
        allow, deny, may_allow, may_deny, allow_if, deny_if = cell.masks
        if deny & self.deny or not (allow | may_allow) & self.allow:
            return False
        outright = bool(allow & self.allow)
        denies = tuple(test for mask, test in deny_if if mask & self.deny) if may_deny & self.deny else ()
        if outright and not denies:
            return True
        allows = () if outright else tuple(test for mask, test in allow_if if mask & self.allow)
        alone = allows[0] if len(allows) == 1 and not denies else None
        return Open(cell.timed, denies, outright, allows, alone)


class Deciding(_Settled["str | OpenRules | None"]):
    """The id of the first rule that decides."""

    __slots__ = ()

    def _found(self, cell: Cell) -> str | OpenRules | None:
        denies, allows = self._rows(cell, cell.denies, self.deny), self._rows(cell, cell.allows, self.allow)
        if not denies and not allows:
            return None
        first = (denies or allows)[0]
        return OpenRules(cell.timed, denies, allows) if first[0] is not None else first[1]

    def _rows(self, cell: Cell, entries: tuple[Entry, ...], held: int) -> tuple[tuple[Test | None, str], ...]:
        rows: list[tuple[Test | None, str]] = []
        for mask, test, rule in entries:
            if mask & held:
                rows.append((test, self.verdicts.index.rule_id(rule, cell)))
                if test is None:
                    break
        return tuple(rows)
