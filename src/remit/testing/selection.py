"""Which tests and asserts are wanted, by patterns on their titles and files.

    refund            anything with this in it, in whatever case
    "viewers *"       with `*`, `?` or `[…]`: the whole of it
    "not refund"      leaves it out, whatever else takes it

Of several patterns one is enough; without any that takes, all are taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from remit.table.shape import AssertEntry, Table, TestEntry

_NOT = "not "


class Selection(NamedTuple):
    patterns: tuple[str, ...] = ()

    def takes(self, entry: TestEntry | AssertEntry) -> bool:
        """Whether a test or an assert is wanted. One without a title goes by its text."""
        wanted = [pattern for pattern in self.patterns if not pattern.startswith(_NOT)]
        names = (title(entry), entry.place.file)
        if any(_matches(pattern.removeprefix(_NOT), names) for pattern in self.patterns if pattern.startswith(_NOT)):
            return False
        return not wanted or any(_matches(pattern, names) for pattern in wanted)

    def of(self, table: Table) -> Table:
        """The table with nothing but the wanted tests and asserts."""
        if not self.patterns:
            return table
        return table._replace(
            tests=tuple(entry for entry in table.tests if self.takes(entry)),
            assertions=tuple(claim for claim in table.assertions if self.takes(claim)),
        )


def title(entry: TestEntry | AssertEntry) -> str:
    """What a test or an assert is called."""
    return entry.title or (entry.place.text.splitlines() or [""])[0]


def _matches(pattern: str, names: Iterable[str]) -> bool:
    folded = pattern.strip().casefold()
    if any(sign in folded for sign in "*?["):
        return any(fnmatchcase(name.casefold(), folded) for name in names)
    return any(folded in name.casefold() for name in names)
