"""Decides columns of requests, a chunk of rows at a time, as `Pdp.decide` decides each.

For each chunk: where each row's user stands and what cell it asks about are looked up by different value, once for a
block. The bytes of all that the user holds are gathered from the matrix and joined; conditions with a bit of their own
are run over the chunk; rows that something else could still decide are taken apart into (row, rule) pairs, which are
run shape by shape; conditions on sets, groups and roles have no shape, and are asked row by row. Requests that are too
odd for arrays (of a user whose roles come and go, with a time of their own; with a time too far away for 64 bits; of a
subject that brings its own roles) are decided by the evaluator itself. What was made for a dictionary, a list of types
and actions, or a crowd of users is kept for the next call that brings it.

    rows        user ann, bob     action read, pay     type invoice     owner bob, bob
    bytes       0b00000001 (read), 0b00010000 (pay when own)
    flagged     false, true       →   allowed, allowed
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import numpy as np
import pyarrow as pa

from remit.bulk.chunk import Chunk
from remit.bulk.codes import ALLOWED, CODES
from remit.bulk.columns import Column
from remit.bulk.layout import Layouts
from remit.bulk.matrix import Matrix
from remit.bulk.part import CHUNK, Bound, Part
from remit.bulk.people import People
from remit.bulk.texts import Array, Texts
from remit.evaluator.pdp import Pdp

_MOST_TOLD = 8  # dictionaries that are known again when they come again
PART = 1 << 20  # rows whose different values are told together, of columns that do not tell them

_CALLED = {"subject.id": "user", "subject": "user", "action.name": "action", "resource.type": "type"}

Rules = Literal["first", "all"]


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """One answer a row: `allowed`, and `code` as a number of CODES. Where rules were asked for, `rule` is the number
    of the first that decides (in the policy's order of files, lines and columns), -1 for none. With all of them, row n
    is decided by `rules[first[n]:first[n + 1]]`. Numbers are those of `table.rules`. All of them together have no truth
    value."""

    allowed: Array
    code: Array
    rule: Array | None = None
    first: Array | None = None
    rules: Array | None = None

    def __len__(self) -> int:
        """How many requests."""
        return len(self.allowed)

    def __bool__(self) -> NoReturn:
        raise TypeError("Decisions are neither true nor false: ask decisions.allowed.all(), or .any()")

    def codes(self) -> Any:
        """The codes by name, as an Arrow dictionary array."""
        return pa.DictionaryArray.from_arrays(pa.array(self.code), pa.array(CODES))


class Engine:
    """Answers columns for one decision point."""

    def __init__(self, pdp: Pdp, layouts: Layouts | None = None) -> None:
        layouts = layouts or Layouts(Matrix(pdp.table, pdp.index))
        matrix = layouts.matrix
        people = People(pdp.table, pdp.directory, pdp.holders, matrix.line_of, matrix.height)
        self.bound = Bound(pdp, layouts, people)
        self._told: tuple[Texts, ...] = ()  # dictionaries that columns had lately

    def following(self, pdp: Pdp) -> Engine:
        """For a decision point of the same table and another directory."""
        return Engine(pdp, self.bound.layouts)

    def decide(
        self,
        columns: Mapping[str, Any],
        rules: Rules | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Decisions:
        """See `remit.Pdp.decide_many`. `progress` is told how many rows are done."""
        if rules not in (None, "first", "all"):
            raise ValueError(f'`rules` is "first", "all" or None, and not {rules!r}')
        given = _given(columns, self._told)
        texts = dict.fromkeys([column.texts for column in given.values() if column.texts is not None])
        self._told = (*texts, *(one for one in self._told if one not in texts))[:_MOST_TOLD]
        count = _count(given)
        whole = all(column.whole is not None for column in given.values())
        allowed, code = np.empty(count, bool), np.empty(count, np.uint8)
        rule = np.empty(count, np.int32) if rules else None
        lists: list[tuple[Array, Array]] = []
        now = self.bound.pdp.clock()
        size = max(count, 1) if whole else PART
        for begin in range(0, count, size):
            end = min(begin + size, count)
            part = Part(self.bound, given, begin, end, now)
            for start in range(0, end - begin, CHUNK):
                stop = min(start + CHUNK, end - begin)
                found = Chunk(part, start, stop, rules is not None)
                rows = slice(begin + start, begin + stop)
                codes = found.codes()
                code[rows] = codes
                np.equal(codes, ALLOWED, out=allowed[rows])
                if rule is not None:
                    rule[rows] = found.first_rules()
                if rules == "all":
                    deciding, numbers = found.rules()
                    lists.append((deciding + begin + start, numbers))
                if progress is not None:
                    progress(begin + stop)
        return Decisions(allowed, code, rule, *(_listed(count, lists) if rules == "all" else ()))


def _listed(count: int, lists: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Rows and numbers, chunk by chunk, as where each of so many rows begins among all numbers, and these."""
    first = np.zeros(count + 1, np.int64)
    if lists:
        np.cumsum(np.bincount(np.concatenate([rows for rows, _ in lists]), minlength=count), out=first[1:])
    return first, np.concatenate([numbers for _, numbers in lists] or [np.zeros(0, np.int32)])


def _given(columns: Mapping[str, Any], told: tuple[Texts, ...]) -> dict[str, Column]:
    found: dict[str, Column] = {}
    if isinstance(columns, pa.Table | pa.RecordBatch):
        columns = dict(zip(columns.column_names, columns.columns, strict=True))
    if not isinstance(columns, Mapping):
        raise ValueError(
            f'columns are a mapping of names to columns, as {{"user": users, …}}, and no {type(columns).__name__}; '
            "`decide` takes one request"
        )
    for name, values in columns.items():
        if not isinstance(name, str):
            raise ValueError(f"a column's name is a text, and not {name!r}")
        if name in _CALLED:
            raise ValueError(f"the column `{name}` is called `{_CALLED[name]}` here")
        root, dot, rest = name.partition(".")
        if not (name in ("user", "action", "type") or (dot and rest and root in ("resource", "context", "subject"))):
            raise ValueError(
                f"there is no column `{name}`: write `user`, `action`, `type`, `resource.NAME`, `context.NAME` or "
                "`subject.NAME`"
            )
        others = (column.texts for column in found.values() if column.texts is not None)
        found[name] = Column(name, values, (*others, *told))
    for name in ("user", "action", "type"):
        if name not in found:
            raise ValueError(f"the column `{name}` is missing")
    return found


def _count(given: Mapping[str, Column]) -> int:
    lengths = {name: column.length for name, column in given.items() if column.length is not None}
    if len(set(lengths.values())) > 1:
        (one, few), (other, many) = sorted(lengths.items(), key=lambda item: item[1])[:: len(lengths) - 1]
        raise ValueError(f"the column `{other}` has {many} rows and `{one}` has {few}")
    return next(iter(lengths.values()), 1)
