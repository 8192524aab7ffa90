"""The matrix as some columns number it: a cell is the place of its type times the number of actions, and the place of
its action. Made once for the same two lists of names, of which the policy's own are one pair.

    types invoice, order   actions read, pay      cells   invoice read 0, invoice pay 1, order read 2, order pay 3
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from remit.bulk.codes import INVALID, NO_ACTION, NO_TYPE, OPEN
from remit.bulk.matrix import EVERYONE_LINE, MEMBERS_LINE, Matrix
from remit.bulk.texts import Array, Texts

_MOST_BYTES = 1 << 24  # of lines
_PAYS = 16  # bytes of them that one row pays for


class Layout:
    """`cell_of`: the matrix's cell of each of these, negative where there is none; `early`: the code that settles it
    before any rule is looked at. Lines of so many cells follow one another: the matrix's, then the same ones as they
    only deny, then `none`, a line of nothing. `bytes_by_line` are theirs; None while there were too few rows to pay for
    them, and where they would be too many: then each is looked for among the matrix's keys. `everyone`, `members`:
    whether these blocks say anything."""

    def __init__(self, matrix: Matrix, types: Sequence[Any], actions: Sequence[Any]) -> None:
        self.matrix = matrix
        self.types, self.actions = types, actions
        self.actions_count = len(actions)
        names = [value if type(value) is str else None for value in types]
        self.cell_of = matrix.local(names, [value if type(value) is str else None for value in actions])
        self.width = len(self.cell_of)
        early = np.full(self.width, OPEN, np.uint8)
        early[self.cell_of == -1] = NO_TYPE
        early[self.cell_of == -2] = NO_ACTION
        early.reshape(len(types), -1)[[type(value) is not str for value in types]] = INVALID
        early.reshape(len(types), -1)[:, [type(value) is not str for value in actions]] = INVALID
        self.early = early
        self.none = 2 * matrix.height
        self.everyone, self.members = matrix.has(EVERYONE_LINE), matrix.has(MEMBERS_LINE)
        self.bytes_by_line: Array | None = None
        self._rows = 0  # that were asked about so far
        self._least: dict[tuple[bool, int, bool], Array] = {}

    @property
    def lasting(self) -> bool:
        """Whether the lists it was made for do not change."""
        return isinstance(self.types, Texts) and isinstance(self.actions, Texts)

    def fits(self, types: Sequence[Any], actions: Sequence[Any]) -> bool:
        """Whether it was made for these very lists."""
        return self.lasting and types is self.types and actions is self.actions

    def expect(self, rows: int) -> None:
        """So many rows will be asked about, more than before."""
        self._rows += rows
        size = (self.none + 1) * self.width
        if self.bytes_by_line is None and size <= min(_MOST_BYTES, _PAYS * self._rows):
            self.bytes_by_line = self._looked(np.arange(size)).reshape(-1, self.width)

    def bytes(self, offsets: Array) -> Array:
        """The bytes at offsets: line × cells + cell."""
        if self.bytes_by_line is None:
            return self._looked(offsets)
        found: Array = np.take(self.bytes_by_line.reshape(-1), offsets, mode="clip")
        return found

    def _looked(self, offsets: Array) -> Array:
        matrix, (line, key) = self.matrix, self._keys(offsets)
        found = np.where(key < 0, np.uint8(0), matrix.bits[key])
        found[line >= matrix.height] &= np.uint8(matrix.bits_of("deny"))
        return found

    def _keys(self, offsets: Array) -> tuple[Array, Array]:
        """For each place its line, and which of the matrix's keys it is, -1 for none."""
        line, cell = np.divmod(offsets, self.width)
        own = self.cell_of[cell]
        key = self.matrix.key(line % self.matrix.height, own)
        key[(own < 0) | (line == self.none)] = -1
        return line, key

    def entries(self, offsets: Array) -> tuple[Array, Array]:
        """Where the matrix's entries at offsets begin, and how many there are, at least one at each."""
        first, key = self.matrix.entries.first, self._keys(offsets)[1]
        return first[key], first[key + 1] - first[key]

    def least(self, deny: bool, condition: int, offsets: Array) -> Array:
        """The smallest numbers of rules with this effect and condition (-1: none), at offsets whose bytes say that
        there is one."""
        by_line = self.bytes_by_line is not None  # asked once, since another thread may make them meanwhile
        kind = (deny, condition, by_line)
        if kind not in self._least:
            by_key = self.matrix.least(deny, condition)
            if by_line:  # one look-up, for some memory
                lines = self.none if deny else self.matrix.height  # which may have such a bit
                _, key = self._keys(np.arange(lines * self.width))
                by_key = np.where(key < 0, by_key.dtype.type(0), by_key[key])
            self._least[kind] = by_key
        at = offsets if by_line else self._keys(offsets)[1]
        found: Array = np.take(self._least[kind], at, mode="clip")
        return found
