"""Columns as they come in (Arrow, NumPy, lists, one value for all rows), and blocks of them as arrays of numbers.

A block has its different values apart from which row has which, so that whatever is found out about a value is found
once: its code, its number as a time, the user it names. A dictionary column (Arrow's `DictionaryArray`) is so already,
and is one block from end to end.

    owner: ["ann", "bob", null, "ann"]   →   values ["ann", "bob", None], indices [0, 1, 2, 0]

A column of texts is *raw* until its different values are wanted: one that is only compared with another, such as an
owner with a user, is compared as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from remit.bulk.texts import Array, Texts, Vocabulary, all_texts, positions_among

_FEW = 4  # rows are few of which there are so many times fewer
_LISTED = 1 << 16  # of so many texts it pays to find one by a dictionary
_NO_INDICES: Array = np.empty(0, np.int64)


class Encoded(NamedTuple):
    """Some rows of a column: `indices` say which of `values` each row has. Or, where they are numbers or truth values
    that are not worth counting, `numbers` themselves, and where there are any (None: everywhere)."""

    values: Sequence[Any]
    indices: Array
    numbers: Array | None = None
    there: Array | None = None

    def rows(self, start: int, stop: int) -> Encoded:
        """A part of it."""
        if self.numbers is None:
            return self._replace(indices=self.indices[start:stop])
        there = None if self.there is None else self.there[start:stop]
        return self._replace(numbers=self.numbers[start:stop], there=there)


def wide(indices: Array) -> Array:
    """Indices of which arithmetic and look-ups make no other type than 32 or 64 signed bits."""
    return indices if indices.dtype in (np.int32, np.int64) else indices.astype(np.int64)


def narrow(indices: Array) -> Array:
    """Indices of types and actions, of which there are few, with 32 bits."""
    return indices if indices.dtype == np.int32 else indices.astype(np.int32)


def zeros(count: int) -> Array:
    """Zeros, of which there is one."""
    return np.broadcast_to(np.int64(0), count)


class Column:
    """One column. `length` is None for one value for all rows. `told` are texts that were columns' dictionaries lately.
    Raises ValueError for what is none."""

    def __init__(self, name: str, values: Any, told: Iterable[Texts] = ()) -> None:
        self.name = name
        self.texts: Texts | None = None  # of its dictionary
        self.length: int | None = None
        self.whole: Encoded | None = None
        self._items: Sequence[Any] = ()
        self._array: Any = None
        if isinstance(values, np.generic):
            values = values.item()
        elif isinstance(values, pa.Scalar):
            values = values.as_py()
        if values is None or isinstance(values, str | int | float | bool):
            self._items = [_plain(values)]
            self.whole = Encoded(self._items, _NO_INDICES)
            return
        found = self._read(values)
        self.length = len(found)
        if isinstance(found, pa.Array):
            self._array = found
            if pa.types.is_dictionary(found.type):
                if _of_strings(found.type.value_type):
                    self.texts = next((texts for texts in told if texts.array.equals(found.dictionary)), None)
                    self.texts = self.texts or Texts.copied(found.dictionary)
                self.whole = _of_dictionary(found, self.texts)
                at = self.whole.indices
                # Arrow does not look where it comes from a file. Read without a sign, what is negative is too large
                if len(at) and int(at.view(f"u{at.itemsize}").max()) >= len(self.whole.values):
                    raise ValueError(f"the column `{name}` has an index that its dictionary lacks")
        else:
            self._items = found

    def _read(self, values: Any) -> Any:
        """An Arrow array where one can hold the values as they are, or a list of them."""
        if isinstance(values, pa.ChunkedArray | pa.Array):
            return self._of_arrow(values)
        if isinstance(values, np.ndarray):
            if values.ndim != 1:
                raise ValueError(f"the column `{self.name}` has {values.ndim} dimensions, write an array of one")
            if values.dtype.kind in "mM":
                raise ValueError(_OF_TIMES.format(self.name))
            if values.dtype.kind in "bi" or values.dtype in (np.uint8, np.uint16, np.uint32):
                return pa.array(values.astype(values.dtype.newbyteorder("=")))
            return _of_items(values.tolist())
        if isinstance(values, Set | Mapping):
            raise ValueError(f"the column `{self.name}` is a {type(values).__name__}, which has no order: write a list")
        if not isinstance(values, Iterable) or isinstance(values, bytes | bytearray):
            raise ValueError(
                f"the column `{self.name}` is a `{type(values).__name__}`: write an array, a list, or for all rows "
                "one text, number, truth value or None"
            )
        return _of_items(list(values))

    def _of_arrow(self, values: Any) -> Any:
        """One array of a type that can be told apart, else its items."""
        kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
        if pa.types.is_temporal(kind):
            raise ValueError(_OF_TIMES.format(self.name))
        try:
            if _of_strings(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind):
                if not isinstance(values, pa.ChunkedArray):
                    return values
                return (values.unify_dictionaries() if pa.types.is_dictionary(values.type) else values).combine_chunks()
        except pa.ArrowException:
            pass  # dictionaries that cannot be made one
        try:
            return _of_items(values.to_pylist())
        except (pa.ArrowException, ValueError, OverflowError) as error:
            raise ValueError(f"the column `{self.name}` is of a type that no request has: {values.type}") from error

    def item(self, row: int) -> Any:
        """The value of one row, as JSON would have it."""
        if self.length is None:
            return self._items[0]
        return self._array[row].as_py() if self._array is not None else self._items[row]

    def raw(self, start: int, stop: int) -> Any:
        """Some rows as an Arrow array of strings, where the column is one; else None."""
        if self._array is None or not _of_strings(self._array.type):
            return None
        return self._array.slice(start, stop - start)

    def among(self, known: Texts, start: int, stop: int, spare: Texts | None = None) -> Encoded:
        """Some rows, the values being texts that are known already, and what else there is behind them. With
        `spare`, the known texts with one more place for whatever else there is and one for None, that is all that is
        told apart."""
        array = self.raw(start, stop)
        if self.length is None and len(known) <= _LISTED:
            at = known.at(self._items[0])
            if at is not None:
                return Encoded(known, np.broadcast_to(np.int64(at), stop - start))
        if array is None or not len(known):
            return self.block(start, stop)
        if len(array) * _FEW < len(known) <= _LISTED:  # to look among all of them would cost more than the rows do
            told = self.block(start, stop)
            found_at = [known.at(value) for value in told.values]
            if None not in found_at:
                return Encoded(known, np.array(found_at, np.int64)[told.indices])
            return told if spare is None else spared(told, known, spare)
        found, none = positions_among(array, known)
        if none is None:
            return Encoded(known, found)
        if spare is not None:
            missing = array.is_null().to_numpy(zero_copy_only=False)
            return Encoded(spare, np.where(none.to_numpy(zero_copy_only=False), len(known) + missing, found))
        more = pc.dictionary_encode(array.filter(none), null_encoding="encode")
        found[none.to_numpy(zero_copy_only=False)] = more.indices.to_numpy() + len(known)
        return Encoded(Texts(pa.concat_arrays([known.array.cast(array.type), more.dictionary]), lasting=False), found)

    def block(self, start: int, stop: int) -> Encoded:
        """Some rows."""
        if self.length is None:
            assert self.whole is not None
            return self.whole._replace(indices=zeros(stop - start))
        if self.whole is not None:
            return self.whole.rows(start, stop)
        if self._array is None:
            return _indexed(self._items[start:stop])
        array = self._array.slice(start, stop - start)
        if pa.types.is_integer(array.type) or pa.types.is_boolean(array.type):
            there = array.is_valid().to_numpy(zero_copy_only=False) if array.null_count else None
            full = pc.fill_null(array, False if pa.types.is_boolean(array.type) else 0)
            numbers = full.to_numpy(zero_copy_only=False)
            if numbers.dtype != np.uint64:
                kind = bool if numbers.dtype == bool else np.int64
                return Encoded((), _NO_INDICES, numbers.astype(kind, copy=False), there)
        if pa.types.is_nested(array.type) or pa.types.is_floating(array.type):
            return _indexed(array.to_pylist())
        return _of_dictionary(pc.dictionary_encode(array))


def spared(block: Encoded, known: Texts, spare: Texts) -> Encoded:
    """A block of names in which those that are not known are one, and so is what is no text, whatever it is."""
    found = ((value, known.at(value)) for value in block.values)
    places = [at if at is not None else len(known) + (type(value) is not str) for value, at in found]
    return Encoded(spare, np.array(places, np.int64)[block.indices])


_OF_TIMES = "the column `{}` holds NumPy's or Arrow's points in time, write texts as `2026-03-01T12:00:00Z`"


def _plain(item: Any) -> Any:
    """A text that is a member of an enumeration, or NumPy's, as the text it is."""
    return str.__str__(item) if isinstance(item, str) and type(item) is not str else item


def _of_items(items: list[Any]) -> Any:
    """An Arrow array where all items are texts, or all whole numbers, or all true or false; else the items."""
    if any(type(item) is not str and isinstance(item, str) for item in items):
        items = [_plain(item) for item in items]
    kinds = {type(item) for item in items} - {type(None)}
    fitting = {str: pa.string(), bool: pa.bool_(), int: pa.int64()}
    if len(kinds) == 1 and (kind := fitting.get(next(iter(kinds)))) is not None:
        try:
            return pa.array(items, kind)
        except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
            pass  # more than 64 bits, or half of a character
    return items


def _of_strings(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _of_dictionary(array: Any, texts: Texts | None = None) -> Encoded:
    indices, strings = array.indices, array.dictionary
    values: Any = texts
    if values is None:
        values = Texts(strings, lasting=False) if _of_strings(strings.type) else strings.to_pylist()
    if not indices.null_count:
        return Encoded(values, indices.to_numpy(zero_copy_only=False))
    indices = pc.fill_null(indices.cast(pa.int64()), len(values)).to_numpy()
    return Encoded(values.with_none if isinstance(values, Texts) else [*values, None], indices)


def _indexed(items: Sequence[Any]) -> Encoded:
    """Items of all kinds: those that are alike in type and value are one, what cannot be told so is each its own."""
    numbers: dict[Any, int] = {}
    values: list[Any] = []
    indices = np.empty(len(items), np.int64)
    for at, item in enumerate(items):
        key = (type(item), item) if isinstance(item, str | int | bool | type(None)) else at
        number = numbers.get(key)
        if number is None:
            number = numbers[key] = len(values)
            values.append(item)
        indices[at] = number
    return Encoded(values, indices)


class Typed(NamedTuple):
    """A column's values as one type: `numbers` are codes, numbers or truth values, known where `known` says (None:
    everywhere). With `indices`, both are by different value."""

    numbers: Array
    known: Array | None
    indices: Array | None
    counted: bool = False  # whether the numbers are the indices themselves

    def rows(self, start: int, stop: int, picked: Array | None) -> tuple[Array, Any]:
        """Of some rows: their numbers, and where they are known (True: everywhere)."""
        if self.indices is None:
            rows = slice(start, stop)
            numbers, there = self.numbers[rows], None if self.known is None else self.known[rows]
            if picked is not None:
                numbers, there = numbers[picked], None if there is None else there[picked]
            return numbers, True if there is None else there
        indices = wide(self.indices[start:stop])
        indices = indices if picked is None else indices[picked]
        known = True if self.known is None else self.known[indices]
        return indices if self.counted else np.take(self.numbers, indices, mode="clip"), known


def typed(block: Encoded, sort: str, take: Callable[[Any], Any] | None, vocabulary: Vocabulary) -> Typed:
    """A block's values as one type: `take` gives a value as conditions compare it, or None, and is None where any text
    is one; `sort` is text, int, bool or time (`remit.bulk.vectors.sort_of`)."""
    if block.numbers is not None:
        if (block.numbers.dtype == bool) is (sort == "bool") and sort in ("int", "bool"):
            return Typed(block.numbers, block.there, None)
        none = np.zeros(len(block.numbers), bool)
        return Typed(none if sort == "bool" else none.astype(np.int64), none, None)
    if take is None and all_texts(block.values):
        numbers = vocabulary.numbers(block.values)
        return Typed(numbers, None, block.indices, vocabulary.is_base(block.values))
    found = [take(value) if take is not None else value if type(value) is str else None for value in block.values]
    known = np.fromiter((value is not None for value in found), bool, len(found))
    if sort == "text":
        numbers = np.fromiter(
            (-1 if value is None else vocabulary.number(value) for value in found), np.int64, len(found)
        )
    elif sort == "bool":
        numbers = np.fromiter((value is True for value in found), bool, len(found))
    else:
        numbers = np.fromiter((0 if value is None else value for value in found), np.int64, len(found))
    return Typed(numbers, None if known.all() else known, block.indices)
