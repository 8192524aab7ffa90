"""Runs the tests of policies for `remit test`, over several processes where that pays, in order all the same.

several policies   each is loaded and run in a process of its own
one policy         its tests are cut into stretches; asserts and coverage follow in this process

A process gets paths or plain data, and gives plain data back: what comes out is the same with one job and with many.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from remit.cli.progress import SILENT, Bar
from remit.evaluator.index import Index
from remit.policy import Policy, PolicyError
from remit.table.shape import Table, TestEntry
from remit.testing.run import Part, Results, completed, run_part
from remit.testing.selection import Selection

# From where on a second process pays. Measured as processor time on two cores, Linux, Python 3.11, the best of three:
# one process runs about 10,000 lines of tests in a second, or compiles and runs 200,000 bytes of policy. A pool of two
# costs 20 to 50 ms here and 40 ms in its processes. With 1,200 lines in one policy nothing was won (0.12 s, then 0.10 s
# at best), with 3,600 it was 0.34 s and 0.20 s; with 50,000 bytes in two policies 0.15 s and 0.10 s, with 125,000 bytes
# in three 0.44 s and 0.22 s.
LEAST_LINES = 3_000
LEAST_BYTES = 100_000


class Plan(NamedTuple):
    """What is wanted of each policy. `now` is in nanoseconds since 1970; paths in messages are relative to `folder`."""

    now: int
    selection: Selection
    cover: bool
    fail_fast: bool
    folder: str
    colour: bool


class Ran(NamedTuple):
    """What came of one policy: its results, or why it was refused, as text. `selected`: how many tests and asserts were
    wanted; `titles`: of all its tests, wanted or not."""

    path: str
    results: Results | None
    seconds: float
    selected: int = 0
    refused: str = ""
    titles: tuple[str, ...] = ()


def run_policies(paths: Sequence[Path], plan: Plan, jobs: int | None, bar: Bar = SILENT) -> list[Ran]:
    """All policies, in order. `jobs` None: as many as there are cores, where there is enough to do. With `fail_fast`
    the policies behind one that failed are left out."""
    wanted = 1 if plan.fail_fast else jobs or cores()
    if wanted > 1 and len(paths) > 1 and (jobs or sum(map(_size, paths)) >= LEAST_BYTES):
        found = []
        with _pool(min(wanted, len(paths))) as pool:
            for ran in pool.map(_ran, map(str, paths), [plan] * len(paths)):
                bar(len(ran.results.tests) if ran.results else 0)
                found.append(ran)
        return found
    found = []
    for path in paths:
        found.append(_ran(str(path), plan, wanted if len(paths) == 1 or jobs is None else 1, bool(jobs), bar))
        results = found[-1].results
        if plan.fail_fast and results is not None and results.failed:
            break
    return found


def _ran(path: str, plan: Plan, jobs: int = 1, told: bool = False, bar: Bar = SILENT) -> Ran:
    begun = time.perf_counter()
    try:
        policy = Policy.load(path)
    except PolicyError as error:
        from remit.report.text import draw_findings

        return Ran(path, None, 0.0, refused=draw_findings(error.diagnostics, plan.colour, plan.folder))
    chosen = plan.selection.of(policy.table)
    part = Part()
    bar.so_far("tests", 0)
    for stretch in _stretches(chosen, policy.index, plan, jobs, told, bar):
        part.take(stretch)
    looked = partial(bar.so_far, "goals")
    results = completed(chosen, plan.now, policy.index, part, plan.cover, plan.fail_fast, looked)
    wanted, titles = len(chosen.tests) + len(chosen.assertions), tuple(entry.title for entry in policy.table.tests)
    return Ran(path, results, time.perf_counter() - begun, wanted, titles=titles)


def _stretches(table: Table, index: Index, plan: Plan, jobs: int, told: bool, bar: Bar) -> Iterator[Part]:
    """The tests of one policy, in order."""
    lines = sum(len(entry.lines) for entry in table.tests)
    if jobs < 2 or len(table.tests) < 2 or (lines < LEAST_LINES and not told):
        yield run_part(table, table.tests, lambda: plan.now, index, bar, plan.fail_fast, time.perf_counter)
        return
    size = -(-len(table.tests) // (jobs * 4))  # four stretches for each, so that none waits long for another
    parts = [table.tests[at : at + size] for at in range(0, len(table.tests), size)]
    with _pool(jobs, table, plan.now) as pool:
        for part in pool.map(_stretch, parts):
            bar(len(part.tests))
            yield part


# -- in a process of its own -------------------------------------------------------------------------------------------

_shared: dict[str, object] = {}  # what a process was started with


def _pool(jobs: int, table: Table | None = None, now: int = 0) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    return ProcessPoolExecutor(jobs, context, _begin, (table, now))


def _begin(table: Table | None, now: int) -> None:
    if table is not None:
        _shared.update(table=table, index=Index(table), now=now)


def _stretch(entries: Sequence[TestEntry]) -> Part:
    table, index, now = _shared["table"], _shared["index"], _shared["now"]
    assert isinstance(table, Table)
    assert isinstance(index, Index)
    assert isinstance(now, int)
    return run_part(table, entries, lambda: now, index, timer=time.perf_counter)


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _size(path: Path) -> int:
    """The bytes of a policy's files, roughly."""
    try:
        files = path.rglob("*.remit") if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files)
    except OSError:
        return 0
