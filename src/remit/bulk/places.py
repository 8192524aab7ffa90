"""Places by number, so that "is held at the request's place or above it" is two comparisons.

Places stand in the order of a walk from the root down: those below one place are a *run* of positions, more than one
run where a place below it has several parents.

    company 0   branch/north 1   team/a 2   branch/south 3        a role at branch/north: positions 1 to 2
"""

from __future__ import annotations

import numpy as np

from remit.directory.shape import Directory
from remit.table.shape import Table

ROOT = 0
NOWHERE = -1  # the position of a place that the directory does not know


class Places:
    """The positions of a directory's places, the root at 0."""

    def __init__(self, table: Table, directory: Directory) -> None:
        self.root = table.root
        self.scopes = directory.scopes
        below: dict[str | None, list[str]] = {}
        self.branching = False
        for scope in directory.scopes.values():
            above = [None if parent == self.root else parent for parent in scope.parents] or [None]
            self.branching = self.branching or len(above) > 1
            for parent in above:
                below.setdefault(parent, []).append(scope.name)
        self.below = below
        self.position: dict[str, int] = {}
        self.last: dict[str, int] = {}  # of the places below it, where none has several parents
        self._walk()
        self._runs: dict[str, tuple[tuple[int, int], ...]] = {}

    def _walk(self) -> None:
        pending: list[tuple[str, bool]] = [(name, False) for name in reversed(self.below.get(None, ()))]
        while pending:
            name, done = pending.pop()
            if done:
                self.last[name] = len(self.position)
            elif name not in self.position:
                self.position[name] = len(self.position) + 1
                pending.append((name, True))
                pending.extend((inner, False) for inner in reversed(self.below.get(name, ())))

    def runs(self, place: str | None) -> tuple[tuple[int, int], ...]:
        """The positions of a place and all below it, as (first, last)."""
        if place is None:
            return ((ROOT, len(self.position)),)
        if place not in self.position:
            return ()  # an assignment somewhere else
        if not self.branching:
            return ((self.position[place], self.last[place]),)
        found = self._runs.get(place)
        if found is None:
            inside = {place}
            pending = [place]
            while pending:
                more = [name for name in self.below.get(pending.pop(), ()) if name not in inside]
                inside.update(more)
                pending.extend(more)
            at = np.sort(np.fromiter((self.position[name] for name in inside), np.int64, len(inside)))
            breaks = np.flatnonzero(np.diff(at) > 1)
            first, last = at[np.r_[0, breaks + 1]], at[np.r_[breaks, len(at) - 1]]
            found = self._runs[place] = tuple(zip(first.tolist(), last.tolist(), strict=True))
        return found

    def of(self, scope: str) -> int:
        """The position of a place by its name."""
        return ROOT if scope == self.root else self.position.get(scope, NOWHERE)
