"""What is told of a curve: its values, how it grows, why it bends, and its picture.

The exponent e of cost ~ size^e comes from least squares on the logarithms, and beside it stands that of the last step
alone, where constants weigh least. Where a step's exponent is far from that of the step before it, there is a *bend*: a
constant explains it where that comes to what was measured, or it has its reason beside the curve, or the page says that
it has none.

    sizes 1, 10, 100; µs 2, 2, 20   →   e = 0.50, at the end 1.00; a bend at 10, from 0 to 1
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from benchmarks.curves import Curve
from benchmarks.page import chart
from benchmarks.timing import Figure, exponent

BEND = 0.4  # between a step's exponent and the next one's: explained, or said not to be
CLOSE = 1 / 3  # of a value that a constant and a linear part come to

MEASURES = {  # what is measured → its unit
    "`allows`": "µs",
    "columns": "ns",
    "reading": "s",
    "binding": "s",
    "first columns": "s",
    "one row of columns": "µs",
    "a newcomer": "µs",
    "memory": "MiB",
    "memory for columns": "MiB",
}
ABOUT = """\
`allows` and *columns*: one decision, asked before. *Reading*: policy and directory from their texts. *Binding*: the
two together, up to where the first question can be asked. *First columns*: the first call of `decide_many`, a row for
each request. *One row*: a later call of one row; *a newcomer*: the same about somebody of whom columns had not asked
yet. *Memory*: the most that reading and binding took, and what the first columns took on top, from 16 MiB on; texts
are not counted. The first size's figure is this machine's own, all others are so many times that. *At the end*: the
exponent of the last step alone; a target holds for both exponents, with a tenth more for the last step, since two
sizes alone also differ by what fits the processor's caches."""
AT_END = 0.1
SHORT = 0.1  # seconds


class Point(NamedTuple):
    """What was measured at a size, by the names of MEASURES. `trouble`: why it was not."""

    size: int
    values: Mapping[str, float]
    trouble: str = ""


def figures_of(curve: Curve, points: Sequence[Point]) -> list[Figure]:
    """The lines of one curve: the first value, the others as so many times that, exponents, and what is to be said
    about each bend."""
    found: list[Figure] = []
    for way, unit in MEASURES.items():
        there = [(one.size, one.values[way]) for one in points if way in one.values]
        if len(there) < 2:
            continue
        fit, end = exponent(there), exponent(there[-2:])
        (least, first), *others = there
        listed = [f"{least:,}: {_told(first, unit)}", *(f"{size:,}: {cost / first:,.3g} ×" for size, cost in others)]
        value = f"{' · '.join(listed)}; e = {fit:.2f}, at the end {end:.2f}"
        value += "".join(f". {line}" for line in bends(curve, way, there))
        most = curve.most.get(way)
        met = fit <= most and end <= most + AT_END if most is not None else None
        found.append(Figure(f"{curve.name}: {way}", value, f"e ≤ {most}" if most is not None else "", met))
    return found


def bends(curve: Curve, way: str, there: Sequence[tuple[int, float]]) -> Iterator[str]:
    """What there is to say about each size where a curve bends."""
    for three in zip(there, there[1:], there[2:], strict=False):
        before, after = exponent(three[:2]), exponent(three[1:])
        if abs(after - before) > BEND:
            size = three[1][0]
            why = curve.bends.get((way, size)) or _constant(three, MEASURES[way]) or "a bend, not explained"
            yield f"At {size:,} (e = {before:.2f}, then {after:.2f}): {why}"


def _constant(points: Sequence[tuple[int, float]], unit: str) -> str:
    """The reason of a bend where a constant and a linear part, told from the outer two of three points, come to what
    was measured between them."""
    (first, low), (middle, value), (last, high) = points
    each = (high - low) / (last - first)
    constant = low - each * first
    if constant <= 0 or each <= 0 or abs(value / (constant + each * middle) - 1) > CLOSE:
        return ""
    return f"{_told(constant, unit, 2)} whatever the size, and a linear part"


def _told(value: float, unit: str, digits: int = 3) -> str:
    """Short times in milliseconds."""
    if unit == "s" and value < SHORT:
        value, unit = value * 1000, "ms"
    return f"{value:,.{digits}g} {unit}"


PICTURES = """\
Bars: reading and binding (binding alone, where not all sizes are read). Line: a decision by `allows`. Each by how many
powers of ten it is above its first."""


def picture(curve: Curve, points: Sequence[Point]) -> str:
    """Both axes in powers of ten, as Markdown's readers draw it from Mermaid."""
    there = [one for one in points if one.values]

    def above(of: Callable[[Mapping[str, float]], float]) -> list[float]:
        return [round(math.log10(of(one.values) / of(there[0].values)), 2) + 0.0 for one in there]

    read = all("reading" in one.values for one in there)
    ready = above(lambda values: values["binding"] + (values["reading"] if read else 0))
    decision = above(lambda values: values["`allows`"])
    return chart(curve.name, "powers of ten", [f"{one.size:,}" for one in there], ready, decision)
