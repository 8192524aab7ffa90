"""How the cost of a decision and of getting ready grows: one thing grows at a time, everything else stays.

For each size, requests are decided by `allows` and, many times over, as columns. A decision should not grow with what
it does not touch (rules, users, places), and at most linearly with what it must read (conditions). What grows is in
`curves`, what is told of it in `growth`.

Each size is measured in a process of its own, which is told what to measure as JSON on its standard input, so that
nothing is left of another size. Memory is the most that the process ever held above what it held before; a process
takes it by the mebibyte, so little is left out.
"""

from __future__ import annotations

import gc
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

from benchmarks.curves import CURVES, REQUESTS, Ask, Curve, Step, of_rules
from benchmarks.growth import ABOUT, PICTURES, Point, figures_of, picture
from benchmarks.page import Part, figures
from remit import Directory, Pdp, Policy
from remit.directory import shape

NO_POINT = "{curve}, {size}: {why}"
ENDED, NO_MEMORY = "its process was ended", "more memory than there is"
ROWS, TURNS = 100_000, 9
NEW = 100  # of many who ask, those who ask as columns last, one by one
PATIENCE, QUICK_PATIENCE = 0.3, 0.01  # seconds for all turns at least; ten times that, where three turns take no longer
LARGE = 24 << 20  # bytes: less than what the C library always gives back
LITTLE = 16  # mebibytes: less cannot be told from what the process takes anyway


# -- a point, in a process of its own --------------------------------------------------------------------------------


def point(step: Step, patience: float) -> dict[str, float]:
    """What it costs to get ready for these requests, and to decide them. `patience`: seconds to spend on each."""
    _warm()
    before, taken = resident(), _Taken([], [])
    pdp = _ready(step, taken)
    values = {"memory": most_resident() - before}
    new = NEW if len(step.asked) > REQUESTS else 0
    few = _columns(step.asked[new:])
    before, most = resident(), most_resident()
    values["first columns"] = _time(lambda: pdp.decide_many(few))
    values["memory for columns"] = (most_resident() if most_resident() > most else resident()) - before
    if new:
        values["a newcomer"] = _one_row(pdp, step.asked[:new], patience)
    values["one row of columns"] = _one_row(pdp, list(step.asked[-NEW:]) * 10, patience)
    for _ in range(2):  # apart, since what disturbs the one may not disturb the other
        for name, each in (("`allows`", _allows), ("columns", _as_columns)):
            values[name] = min(values.get(name, math.inf), each(pdp, step.asked, patience / 2))
    while sum(taken.reading + taken.binding) < patience and len(taken.binding) < TURNS:
        _ready(step, taken)
    values |= {name: min(times) for name, times in taken._asdict().items() if times}
    return {name: value for name, value in values.items() if "memory" not in name or value >= LITTLE}


class _Taken(NamedTuple):
    """Seconds of several times over."""

    reading: list[float]
    binding: list[float]


def _ready(step: Step, taken: _Taken) -> Pdp:
    """A decision point. Between reading and binding garbage is collected: when it is hangs on what was read."""
    sources = {f"{at:03}.remit": text for at, text in enumerate(step.policy)}
    gc.collect()
    if isinstance(step.directory, int):
        policy, people = Policy.from_sources(sources), Directory(_made(step.directory))
    else:
        text = step.directory
        began = process_time()
        policy = Policy.from_sources(sources)
        people = Directory.from_text(text, "directory.json")
        taken.reading.append(process_time() - began)
    gc.collect()
    began = process_time()
    pdp = policy.bind(people)
    taken.binding.append(process_time() - began)
    return pdp


def _made(count: int) -> shape.Directory:
    """So many users, each with a line of their own as those read from a text have."""
    names = (f"u{at}" for at in range(count))
    return shape.Directory(
        {name: shape.User(name, assignments=(shape.Assignment("reader", line=1),), line=1) for name in names}
    )


def _warm() -> None:
    """Once through everything, so that the first point is not the imports and the building of the parser. And something
    large is taken and given back, as making a large size ready does: from then on the C library keeps what it is given
    back, and arrays cost no more in the small sizes than in the large ones."""
    bytearray(LARGE)
    step = of_rules(100)
    pdp, asked = _ready(step, _Taken([], [])), step.asked
    for ask in asked:
        pdp.allows(*ask)
    pdp.decide_many(_columns(asked))
    gc.collect()


def _time(work: Callable[[], object]) -> float:
    began = process_time()
    work()
    return process_time() - began


def _turns(work: Callable[[], object], patience: float) -> Iterator[float]:
    """The seconds of several turns, more where they are short and fewer where they are long."""
    turn, spent = 0, 0.0
    while turn < TURNS or spent < patience:
        if turn > 2 and spent > 10 * patience:
            return
        taken = _time(work)
        turn, spent = turn + 1, spent + taken
        yield taken


def _allows(pdp: Pdp, asked: Sequence[Ask], patience: float) -> float:
    """Microseconds of a decision, asked before; the least of several turns."""
    passes = max(2_000 // len(asked), 1)

    def ask() -> None:
        for _ in range(passes):
            for user, action, resource in asked:
                pdp.allows(user, action, resource)

    ask()
    return min(_turns(ask, patience)) * 1e6 / len(asked) / passes


def _as_columns(pdp: Pdp, asked: Sequence[Ask], patience: float) -> float:
    """Nanoseconds of a decision as columns of codes, which decide as `allows` does; the least of several turns."""
    answers = pdp.decide_many(_columns(asked)).allowed.tolist()
    if answers != [pdp.allows(*ask) for ask in asked]:
        raise RuntimeError("columns are decided otherwise than `allows` decides")
    times = ROWS // len(asked) if len(asked) == REQUESTS else 1
    columns = _columns(list(asked) * max(times // 20, 1))
    if times > 1 and _time(lambda: pdp.decide_many(columns)) < 0.05:  # else a twentieth of the rows is enough
        columns = _columns(list(asked) * times)
    rows = len(columns["user"])
    return min(_turns(lambda: pdp.decide_many(columns), patience)) * 1e9 / rows


def _one_row(pdp: Pdp, asked: Sequence[Ask], patience: float) -> float:
    """Microseconds of a call of one row, with columns of its own; the least of several."""
    least, spent = math.inf, 0.0
    for turn, ask in enumerate(asked):
        taken = _time(partial(pdp.decide_many, _columns([ask])))
        least, spent = min(least, taken), spent + taken
        if turn > 2 and spent > patience:
            break
    return least * 1e6


def _columns(asked: Sequence[Ask]) -> dict[str, Any]:
    import pyarrow as pa

    texts: dict[str, list[Any]] = {"user": [], "action": [], "type": []}
    texts.update({f"resource.{name}": [] for name in asked[0][2]["properties"]})
    for user, action, resource in asked:
        row = {"user": user, "action": action, "type": resource["type"]}
        row.update({f"resource.{name}": value for name, value in resource["properties"].items()})
        for name, values in texts.items():
            values.append(row[name])
    return {name: pa.array(values).dictionary_encode() for name, values in texts.items()}


def resident() -> float:
    """Mebibytes of memory that this process has now."""
    told = _told_by_linux("VmRSS")
    if told is None:
        asked = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, check=True)
        told = int(asked.stdout)
    return told / 1024


def most_resident() -> float:
    """The most mebibytes it ever had."""
    told = _told_by_linux("VmHWM")  # what `getrusage` says there includes the process that started this one
    if told is None:
        import resource

        told = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return told / 1024


def _told_by_linux(name: str) -> float | None:
    """A figure of the process's own page, in KiB; None where there is no such page."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith(f"{name}:")), None)


def _apart(curve: Curve, size: int, patience: float) -> Point:
    """The point, measured in a process of its own. Raises RuntimeError where it fails otherwise than by memory."""
    print(f"  {curve.name}: {size:,}", file=sys.stderr, flush=True)
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", str(patience)],
        input=json.dumps(curve.make(size)),
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode == 0 and ran.stdout:
        return Point(size, json.loads(ran.stdout))
    if ran.returncode < 0 or "MemoryError" in ran.stderr:
        return Point(size, {}, ENDED if ran.returncode < 0 else NO_MEMORY)
    raise RuntimeError(f"{curve.name}, {size:,}: {ran.stderr}")


# -- the page --------------------------------------------------------------------------------------------------------


def report(quick: bool) -> Part:
    """A figure for each curve and measure, a picture of each curve, and what could not be measured."""
    measured = list(_measured(quick))
    found = [figure for curve, points in measured for figure in figures_of(curve, points)]
    part = figures("How it grows", found, quick, ABOUT)
    pictures = [picture(curve, points) for curve, points in measured]
    missing = [
        NO_POINT.format(curve=curve.name, size=f"{one.size:,}", why=one.trouble)
        for curve, points in measured
        for one in points
        if one.trouble
    ]
    return part._replace(text="\n\n".join([part.text, PICTURES, *pictures]), missing=missing)


def _measured(quick: bool) -> Iterator[tuple[Curve, list[Point]]]:
    for curve in CURVES:
        sizes, patience = (curve.quick, QUICK_PATIENCE) if quick else (curve.sizes, PATIENCE)
        with ThreadPoolExecutor(2 if quick else 1) as apart:  # figures that mean nothing may disturb each other
            yield curve, list(apart.map(partial(_apart, curve, patience=patience), sizes))


def main() -> None:
    """Measures what standard input asks for, with as much patience as the first argument says."""
    size, policy, directory, asked = json.load(sys.stdin)
    requests = [(user, action, about) for user, action, about in asked]
    print(json.dumps(point(Step(size, policy, directory, requests), float(sys.argv[1]))))


if __name__ == "__main__":
    main()
