"""Times that can be compared on a busy machine: what is compared takes turns in one run, and ratios are reported."""

from __future__ import annotations

import math
import resource
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import process_time
from typing import NamedTuple


class Spread(NamedTuple):
    """The median of several rounds, and the least and most of them."""

    median: float
    low: float
    high: float

    def text(self, unit: str = "×", digits: int = 1) -> str:
        median, low, high = (f"{value:,.{digits}f}" for value in self)
        return f"{median} {unit} ({low} … {high})"


def spread(values: Iterable[float]) -> Spread:
    found = list(values)
    return Spread(statistics.median(found), min(found), max(found))


class Figure(NamedTuple):
    """One line of the report. `met` is None where nothing was promised."""

    name: str
    value: str
    target: str = ""
    met: bool | None = None


def children_computing() -> float:
    """Seconds that the processes started here have computed, so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def turns(
    jobs: Mapping[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[], float] = process_time,
    before: Callable[[], object] = lambda: None,
) -> dict[str, list[float]]:
    """Seconds that each job took in each round. In every round each job runs once; another one begins each time.

    Seconds of this process's own computing, unless another clock is given: what others do meanwhile does not count.
    `before` each job something may be done that is not measured."""
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    names = list(jobs)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            job = jobs[name]
            before()
            began = clock()
            job()
            taken[name].append(clock() - began)
    return taken


def ratios(over: list[float], under: list[float], less: list[float] | None = None) -> Spread:
    """Round by round, the one time over the other, both less a third where it is given."""
    less = less or [0.0] * len(over)
    return spread((a - c) / (b - c) for a, b, c in zip(over, under, less, strict=True))


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The e of y ~ x^e through these points: the slope of least squares on their logarithms. 1 is linear."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(max(y, 1e-12)) for _, y in points]
    return statistics.linear_regression(xs, ys).slope
