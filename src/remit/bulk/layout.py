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
_MOST_KEPT = 3  # for those who ask now by these names and now by others
_PAYS = 16  # bytes of them that one look pays for


class Layout:
    """`cell_of`: the matrix's cell of each of these, negative where there is none; `early`: the code that settles it
    before any rule is looked at. Lines of so many cells follow one another: the matrix's, then the same ones as they
    only deny, then `none`, a line of nothing. `bytes_by_line` are theirs; None while there were too few looks to pay
    for them, and where they would be too many: then each is looked for among the matrix's keys. `everyone`, `members`:
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
        self._looks = 0  # at bytes so far
        self._least: dict[tuple[bool, int, bool], Array] = {}

    @property
    def lasting(self) -> bool:
        """Whether the lists it was made for do not change."""
        return all(isinstance(names, Texts) and names.lasting for names in (self.types, self.actions))

    def fits(self, types: Sequence[Any], actions: Sequence[Any]) -> bool:
        """Whether it was made for these very lists."""
        return self.lasting and types is self.types and actions is self.actions

    def expect(self, looks: int) -> None:
        """So many bytes will be looked at, more than before."""
        self._looks += looks
        if self.bytes_by_line is None and (self.none + 1) * self.width <= min(_MOST_BYTES, _PAYS * self._looks):
            lines = np.zeros((self.none + 1, self.width), np.uint8)
            half = self.matrix.height
            lines[:half] = self._by_line(self.matrix.bits)
            np.bitwise_and(lines[:half], np.uint8(self.matrix.bits_of("deny")), out=lines[half:-1])
            self.bytes_by_line = lines

    def _by_line(self, by_key: Array) -> Array:
        """What is said of each of the matrix's keys, as lines of these cells; 0 where there is no key."""
        matrix = self.matrix
        found = np.zeros((matrix.height, self.width), by_key.dtype)
        if not len(matrix.entries.keys):
            return found
        there = np.flatnonzero(self.cell_of >= 0)
        place = np.full(matrix.width, -1)
        place[self.cell_of[there]] = there
        line, cell = np.divmod(matrix.entries.keys, matrix.width)
        at = place[cell]
        some = np.flatnonzero(at >= 0)
        found[line[some], at[some]] = by_key[some]
        first = place[self.cell_of[there]]
        again = np.flatnonzero(first != there)  # a name that stands twice in a list has several cells for one
        found[:, there[again]] = found[:, first[again]]
        return found

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
                by_key = self._by_line(by_key)
                by_key = np.concatenate([by_key, by_key]).reshape(-1) if deny else by_key.reshape(-1)
            self._least[kind] = by_key
        at = offsets if by_line else self._keys(offsets)[1]
        found: Array = np.take(self._least[kind], at, mode="clip")
        return found


class Layouts:
    """Those of a matrix that were made last for lists that may come again."""

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix
        self._kept: tuple[Layout, ...] = ()

    def of(self, types: Sequence[Any], actions: Sequence[Any], looks: int) -> Layout:
        """The matrix by these types and actions, for so many more looks at bytes."""
        found = next((layout for layout in self._kept if layout.fits(types, actions)), None)
        if found is None:
            found = Layout(self.matrix, types, actions)
        if found.lasting and (not self._kept or found is not self._kept[0]):
            self._kept = (found, *(layout for layout in self._kept if layout is not found))[:_MOST_KEPT]
        found.expect(looks)
        return found
