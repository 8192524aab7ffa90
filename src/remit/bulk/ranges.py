"""Arithmetic of indices: ranges one after the other, numbers told apart, things cut into pieces.

spread([5, 9], [2, 3])  →  5 6 9 10 11        pieces([3, 3, 9, 1], 6)  →  0:2 2:3 3:4
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from remit.bulk.texts import Array


def spread(first: Array, many: Array) -> Array:
    """So many numbers from each first one on, one range after the other."""
    return np.repeat(first - np.cumsum(many) + many, many) + np.arange(int(many.sum()))


def taken(values: Array, places: Array) -> Array:
    """`values[places]`, sooner, since no place is looked at whether it is there: all are."""
    found: Array = np.take(values, places, mode="clip")
    return found


def composed(kept: Any, some: Any) -> Any:
    """Which of all rows some of the kept ones are; either may be a slice of everything."""
    if isinstance(kept, slice):
        return some
    return kept[some] if isinstance(some, slice) else taken(kept, some)


def pieces(sizes: Array, most: int) -> Iterator[slice]:
    """Things of these sizes, in their order, cut into pieces of at most so much each, or of one thing."""
    ends, begin = np.cumsum(sizes), 0
    while begin < len(sizes):
        done = int(ends[begin - 1]) if begin else 0
        end = max(int(np.searchsorted(ends, done + most, side="right")), begin + 1)
        yield slice(begin, end)
        begin = end


def distinct(numbers: Array) -> tuple[Array, Array]:
    """The different ones of small numbers, and each one's place among them: what `np.unique` does, without sorting
    where they are many."""
    if len(numbers) < int(numbers.max(initial=0)) >> 3:  # far fewer than there may be different ones
        found: tuple[Array, Array] = np.unique(numbers, return_inverse=True)
        return found
    different = np.flatnonzero(np.bincount(numbers))
    place = np.empty(len(different) and different[-1] + 1, np.int64)
    place[different] = np.arange(len(different))
    return different, place[numbers]


def copied_into(numbers: Array, room: Array) -> Array:
    """Numbers in 64 bits, in memory that is there."""
    copy: Array = room[: len(numbers)]
    copy[:] = numbers
    return copy
