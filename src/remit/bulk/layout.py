"""The matrix as some columns number it: a cell is the place of its type times the number of actions, and the place of
its action. Made once for the same two lists of names, of which the policy's own are one pair.

    types invoice, order   actions read, pay      cells   invoice read 0, invoice pay 1, order read 2, order pay 3
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from remit.bulk.codes import INVALID, NO_ACTION, NO_TYPE, OPEN
from remit.bulk.matrix import EVERYONE_ROW, MEMBERS_ROW, Matrix
from remit.bulk.texts import Array, Texts


class Layout:
    """`cell_of`: the matrix's cell of each of these, negative where there is none; `early`: the code that settles it
    before any rule is looked at. `bytes`: the matrix's lines by these cells, then the same lines as they only deny,
    then `none`, a line of nothing. `everyone`, `members`: whether these blocks say anything here."""

    def __init__(self, matrix: Matrix, types: Sequence[Any], actions: Sequence[Any]) -> None:
        self.matrix = matrix
        self.types, self.actions = types, actions
        self.width = len(actions)
        names = [value if type(value) is str else None for value in types]
        self.cell_of = matrix.local(names, [value if type(value) is str else None for value in actions])
        early = np.full(len(self.cell_of), OPEN, np.uint8)
        early[self.cell_of == -1] = NO_TYPE
        early[self.cell_of == -2] = NO_ACTION
        early.reshape(len(types), -1)[[type(value) is not str for value in types]] = INVALID
        early.reshape(len(types), -1)[:, [type(value) is not str for value in actions]] = INVALID
        self.early = early
        flags = np.where(self.cell_of >= 0, matrix.flags[:, np.maximum(self.cell_of, 0)], 0).astype(np.uint8)
        denies = flags & np.uint8(matrix.bits("deny"))
        self.none = 2 * matrix.height
        self.bytes = np.ascontiguousarray(np.concatenate([flags, denies, np.zeros((1, flags.shape[1]), np.uint8)]))
        self.everyone, self.members = bool(flags[EVERYONE_ROW].any()), bool(flags[MEMBERS_ROW].any())
        self._least: dict[tuple[bool, int], Array] = {}

    def fits(self, types: Sequence[Any], actions: Sequence[Any]) -> bool:
        """Whether it was made for these very lists, which do not change."""
        same = types is self.types and actions is self.actions
        return same and isinstance(types, Texts) and isinstance(actions, Texts)

    def least(self, deny: bool, condition: int) -> Array:
        """`Matrix.least`, flat, in the order of `bytes`, as far as their lines may have such a bit."""
        key = (deny, condition)
        if key not in self._least:
            whole = self.matrix.least(deny, condition)
            found = np.where(self.cell_of >= 0, whole[:, np.maximum(self.cell_of, 0)], self.matrix.nothing)
            self._least[key] = np.concatenate([found, found] if deny else [found]).astype(whole.dtype).reshape(-1)
        return self._least[key]
