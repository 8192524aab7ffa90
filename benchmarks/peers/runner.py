"""All candidates on one workload: do they agree, and then how long each takes beside remit.

Agreement comes first. Every candidate decides every request; those that decide as the most engines do are timed, the
others are told with a request that shows it. Where no side has more engines, no side is timed: none is the judge, remit
neither. Then all take turns in rounds, another one first each time, and every round gives one ratio to remit's time in
that same round.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmarks import workload as w
from benchmarks.page import NOT_MEASURED
from benchmarks.peers import plain
from benchmarks.peers.engines import ENGINES, REMIT, Engine, Home
from benchmarks.peers.process import Candidate, PeerError
from benchmarks.timing import Spread, spread

HOT, COLD = "hot", "cold"
BATCHES = (HOT, COLD)
LEAST_ROUNDS = 3  # of a candidate, however slow
FIRST = "first"  # a folder below the workload's with a small one, which every candidate loads before


class Plan(NamedTuple):
    """A round is about `seconds` long; a candidate may use `budget` seconds on each batch, so slow ones take part in
    fewer rounds; a batch whose pass would take longer than `slow` seconds is left out, and no answer, a load's
    neither, may take longer than `limit`."""

    sizes: Sequence[w.Size]
    cold: int
    rounds: int
    seconds: float
    budget: float
    slow: float
    limit: float


FULL = Plan((w.SMALL, w.MEDIUM, w.LARGE), cold=plain.COLD, rounds=15, seconds=0.2, budget=6, slow=12, limit=300)
QUICK = Plan(w.QUICK, cold=400, rounds=3, seconds=0.01, budget=1, slow=60, limit=60)


@dataclass(slots=True)
class Row:
    """What was found of one candidate. `times`: batch → round → seconds a decision."""

    engine: Engine
    name: str = ""
    version: str = ""
    includes: str = ""
    load: float | None = None  # seconds, once the process has loaded another policy
    first: float | None = None  # seconds of that other, a small one, with all that a process does once
    note: str = ""
    decisions: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    once: dict[str, float] = field(default_factory=dict)  # batch → seconds of one pass
    times: dict[str, dict[int, float]] = field(default_factory=dict)
    ratios: dict[str, Spread] = field(default_factory=dict)  # to remit's, round by round
    missing: dict[str, str] = field(default_factory=dict)  # batch → why it was not timed
    trouble: str = ""  # why nothing was timed

    @property
    def ahead(self) -> bool:
        return self.engine.family != REMIT.family and any(ratio.median < 1 for ratio in self.ratios.values())


@dataclass(slots=True)
class Compared:
    """One size. `remarks` are sentences for below the table."""

    size: w.Size
    rows: list[Row]
    remarks: list[str]
    denied: float  # the part of the cold requests that a deny rule denies


def compare(size: w.Size, plan: Plan, home: Home, engines: Sequence[Engine] = ENGINES) -> Compared:
    """Build, load, compare and time `engines`, remit among them."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as open_ones:
        folder = Path(scratch)
        batches = plain.write(folder, size, plan.cold)
        (folder / FIRST).mkdir()
        plain.write(folder / FIRST, w.QUICK[0], 20)
        rows: list[Row] = []
        running: dict[str, Candidate] = {}
        for engine in engines:
            tell(f"{size.name}: {engine.key}")
            row = Row(engine, engine.key)
            rows.append(row)
            with contextlib.ExitStack() as own:
                try:
                    candidate = own.enter_context(Candidate(engine.command(home)))
                    _load(row, candidate, folder, batches, plan)
                except PeerError as problem:
                    row.trouble = f"{NOT_MEASURED}{problem}"
                else:
                    running[engine.key] = candidate
                    open_ones.push(own.pop_all())
        remarks = [*_agree(rows, batches), *_reasons(rows)]
        timed = [row for row in rows if row.engine.key in running and not row.trouble]
        if any(row.engine is REMIT for row in timed):
            for batch in BATCHES:
                _time(batch, timed, running, plan)
        else:
            remarks.append("remit itself is not timed, so there is nothing to compare with")
    letters = next((row.reasons[COLD] for row in rows if row.engine is REMIT and COLD in row.reasons), "")
    return Compared(size, rows, remarks, letters.count("d") / len(letters) if letters else 0.0)


def tell(text: str) -> None:
    print(f"  {text} …", file=sys.stderr, flush=True)


def _load(row: Row, candidate: Candidate, folder: Path, batches: Mapping[str, Sequence[object]], plan: Plan) -> None:
    hello = candidate.ask(plan.limit, do="hello")
    row.name, row.version, row.includes = hello["name"], hello["version"], hello["includes"]
    row.first = candidate.ask(plan.limit, do="load", folder=str(folder / FIRST))["seconds"]
    loaded = candidate.ask(plan.limit, do="load", folder=str(folder))
    row.load, row.note = loaded["seconds"], loaded.get("note", "")
    each = 0.0
    for batch in BATCHES:
        expected = each * len(batches[batch])
        if expected > plan.slow:
            row.missing[batch] = f"one pass would take {expected:,.0f} s"
            continue
        told = candidate.ask(plan.limit, do="decide", batch=batch)
        if len(told["decisions"]) != len(batches[batch]) or set(told["decisions"]) - {"0", "1"}:
            raise PeerError(f"`decide` gave no decision for each of the {batch} requests")
        row.decisions[batch], row.reasons[batch] = told["decisions"], told["reasons"]
        once = candidate.ask(plan.limit, do="round", batch=batch, passes=1)
        if once["seconds"] < plan.seconds:  # the first one warms up
            once = candidate.ask(plan.limit, do="round", batch=batch, passes=1)
        row.once[batch], each = once["seconds"], once["seconds"] / once["count"]


# -- agreement -------------------------------------------------------------------------------------------------------


def _agree(rows: Sequence[Row], batches: Mapping[str, Sequence[object]]) -> Iterator[str]:
    """Mark the rows that decide otherwise than most engines."""
    for batch in BATCHES:
        sides: dict[str, list[Row]] = {}
        for row in rows:
            if batch in row.decisions:
                sides.setdefault(row.decisions[batch], []).append(row)
        voices = {side: len({row.engine.family for row in members}) for side, members in sides.items()}
        most = [side for side, count in voices.items() if count == max(voices.values())]
        if len(sides) < 2:
            continue
        told = most[0]
        for side, members in sides.items():
            if len(most) == 1 and side == told:
                continue
            other = told if side != told else most[1]
            differing = [at for at, (one, two) in enumerate(zip(side, other, strict=True)) if one != two]
            first = json.dumps(batches[batch][differing[0]])
            says = "allows" if side[differing[0]] == "1" else "denies"
            for row in members:
                row.trouble = row.trouble or f"disagrees on {len(differing):,} of {len(side):,} {batch} requests"
                yield f"{row.name} {row.trouble}; it {says} {first}, others do not"


def _reasons(rows: Sequence[Row]) -> Iterator[str]:
    """Where an engine tells why, is a deny rule the reason where remit says so? That is told, not judged."""
    by_remit = next((row.reasons for row in rows if row.engine is REMIT), {})
    for row in rows:
        for batch, told in row.reasons.items():
            pairs = zip(told, by_remit.get(batch, ""), strict=False)
            differing = sum(one != two for one, two in pairs if one != "?")
            if differing and not row.trouble:
                yield f"{row.name} gives another reason than remit for {differing:,} {batch} requests"


# -- time ------------------------------------------------------------------------------------------------------------


def _time(batch: str, rows: Sequence[Row], running: Mapping[str, Candidate], plan: Plan) -> None:
    passes: dict[str, int] = {}
    every: dict[str, int] = {}  # a candidate takes part in every so many rounds
    for row in rows:
        if batch in row.missing:
            continue
        one = max(row.once[batch], 1e-6)
        passes[row.engine.key] = max(1, round(plan.seconds / one))
        every[row.engine.key] = max(1, int(plan.rounds / max(LEAST_ROUNDS, plan.budget / max(one, plan.seconds))))
        row.times[batch] = {}
    tell(f"{batch}: {plan.rounds} rounds of {len(passes)} candidates")
    for number in range(plan.rounds):
        first = number % len(rows)
        for row in [*rows[first:], *rows[:first]]:
            key = row.engine.key
            if key not in passes or number % every[key]:
                continue
            try:
                took = running[key].ask(plan.limit, do="round", batch=batch, passes=passes[key])
            except PeerError as problem:
                row.missing[batch] = str(problem)
                row.times.pop(batch)
                del passes[key]
            else:
                row.times[batch][number] = took["seconds"] / took["count"]
    base = next(row.times.get(batch, {}) for row in rows if row.engine is REMIT)
    for row in rows:
        shared = [row.times[batch][at] / base[at] for at in row.times.get(batch, {}) if at in base]
        if shared:
            row.ratios[batch] = spread(shared)
