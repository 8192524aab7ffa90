"""Texts as Arrow has them, and their numbers: listed one by one only where somebody looks at each.

A column names a hundred thousand users, and in Python each costs more than a decision does. So what is known of texts
is found by Arrow (`pyarrow.compute.index_in`), and remembered by the very object: an `Engine` gives columns that bring
the same dictionary again the same `Texts`.

    known    ann, bob, cem            given    cem, dee, ann     →   2, none, 0

A *vocabulary* numbers texts, equal ones alike. The users of a column have the first numbers, so that a column of owners
with the same dictionary is compared without a look-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Array = np.ndarray[Any, Any]
_FEW = 16  # texts that are looked for one by one, before all are listed


class Texts(Sequence[Any]):
    """Texts, and perhaps None, in an order. `array` is Arrow's, of strings. `lasting`: this very object may come again
    with another call, so that what is made for it is worth keeping."""

    __slots__ = ("_at", "_blank", "_distinct", "_listed", "_with_none", "array", "lasting")

    def __init__(self, array: Any, distinct: bool | None = None, lasting: bool = True) -> None:
        self.array = array
        self.lasting = lasting
        self._distinct = distinct
        self._with_none: Texts | None = None
        self._blank: Array | None = None
        self._listed: list[Any] | None = None
        self._at: dict[Any, int] | None = None

    @classmethod
    def copied(cls, array: Any) -> Texts:
        """Of an array that somebody else may write to later, as shared memory is."""
        return cls(pa.concat_arrays([array, pa.nulls(0, array.type)]))

    @property
    def listed(self) -> list[Any]:
        """All of them."""
        if self._listed is None:
            self._listed = self.array.to_pylist()
        return self._listed

    @property
    def plain(self) -> bool:
        """Whether there is no None."""
        return not self.array.null_count

    @property
    def distinct(self) -> bool:
        """Whether there is no None, and no text twice."""
        if self._distinct is None:
            self._distinct = self.plain and pc.count_distinct(self.array).as_py() == len(self.array)
        return self._distinct

    @property
    def with_none(self) -> Texts:
        """The same with None behind them."""
        if self._with_none is None:
            more = pa.concat_arrays([self.array, pa.nulls(1, self.array.type)])
            self._with_none = Texts(more, distinct=False, lasting=self.lasting)
        return self._with_none

    @property
    def blank(self) -> Array:
        """Where None is, or an empty text."""
        if self._blank is None:
            empty = pc.fill_null(pc.equal(self.array, ""), True)
            self._blank = np.asarray(empty.to_numpy(zero_copy_only=False))
        return self._blank

    def within(self, known: Texts) -> tuple[Array, Any]:
        """Of each of these texts its place among others, 0 where it has none; and an Arrow array of where it has none,
        None where all have one. None counts as having none."""
        return positions_among(self.array, known)

    def at(self, value: Any) -> int | None:
        """Where a value stands; None where it does not, or is no text."""
        if self._at is None:
            self._at = dict(zip(self.listed, range(len(self.array)), strict=True))
        return self._at.get(value) if type(value) is str else None

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        return self.listed[at]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.listed)


def with_spare(known: Texts) -> Texts:
    """These texts with two more places: one for whatever else there is, by a name that none of them has, and None."""
    else_ = next(name for name in ("?", *(f"?{at}" for at in range(len(known) + 1))) if known.at(name) is None)
    return Texts(pa.concat_arrays([known.array, pa.array([else_, None], known.array.type)]), distinct=False)


def positions_among(array: Any, known: Texts) -> tuple[Array, Any]:
    """See `Texts.within`; of any Arrow array of strings."""
    values = known.array if known.array.type == array.type else known.array.cast(array.type)
    found = pc.index_in(array, value_set=values, skip_nulls=True)
    if not found.null_count:
        return found.to_numpy(), None
    return found.fill_null(0).to_numpy().copy(), found.is_null()


def all_texts(values: Sequence[Any]) -> bool:
    """Whether there is nothing but texts."""
    return values.plain if isinstance(values, Texts) else {*map(type, values)} == {str}


def encodable(text: str) -> bool:
    """Whether Arrow can have it: half of a character, which JSON can write, it cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Vocabulary:
    """Texts by number. The first numbers are those of `base`, where it has no text twice."""

    def __init__(self, base: Sequence[Any] = ()) -> None:
        self._base: Texts | None = base if isinstance(base, Texts) and base.distinct else None
        self._size = 0 if self._base is None else len(self._base)
        self._more = 0  # texts that are not in the base
        self._numbers: dict[str, int] = {}
        self._listed = self._base is None
        self._last: tuple[Sequence[Any], Array] = ((), np.empty(0, np.int64))

    def is_base(self, texts: Sequence[Any]) -> bool:
        """Whether the numbers of these are their places."""
        return texts is self._base

    def number(self, text: str) -> int:
        """The number of a text."""
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = self._found(text)
        return number

    def _found(self, text: str) -> int:
        if not self._listed:
            assert self._base is not None
            if not encodable(text):
                return self._beyond(text)
            if len(self._numbers) < _FEW:
                at: int = pc.index(self._base.array, text).as_py()
                if at >= 0:
                    return at
            else:
                self._listed = True
                self._numbers = dict(zip(self._base, range(self._size), strict=True)) | self._numbers
                if text in self._numbers:
                    return self._numbers[text]
        self._more += 1
        return self._size + self._more - 1

    def numbers(self, texts: Sequence[Any]) -> Array:
        """The numbers of many, all of them texts."""
        if texts is not self._last[0]:
            self._last = (texts, self._told(texts))
        return self._last[1]

    def _told(self, texts: Sequence[Any]) -> Array:
        if texts is self._base:
            return np.arange(self._size)
        if self._base is None or not isinstance(texts, Texts):
            return np.fromiter(map(self.number, texts), np.int64, len(texts))
        found, none = texts.within(self._base)
        found = found.astype(np.int64)
        if none is not None:
            at = np.flatnonzero(none.to_numpy(zero_copy_only=False))
            found[at] = [self._beyond(text) for text in texts.array.filter(none).to_pylist()]
        return found

    def _beyond(self, text: str) -> int:
        """The number of a text that is not in the base."""
        number = self._numbers.get(text)
        if number is None:
            self._more += 1
            number = self._numbers[text] = self._size + self._more - 1
        return number
