"""The applications measured and told. Agreement comes first: every engine decides every request as the plain reading
does, or nothing of that application at that size is timed. Then the engines take turns in rounds, another one first
each time, and every round gives one ratio to remit's time in that same round."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.applications.github import GITHUB
from benchmarks.applications.tinytodo import TINYTODO
from benchmarks.applications.worlds import Application, Request, write
from benchmarks.page import NOT_MEASURED, Part, shown
from benchmarks.page import row as table_row
from benchmarks.peers.engines import Engine, Home
from benchmarks.peers.process import Candidate, PeerError
from benchmarks.timing import Spread, spread

APPLICATIONS = (GITHUB, TINYTODO)
BATCH = "hot"  # the only one: an application has 500 requests, and no cold ones
LIMIT = 120.0  # seconds for an answer
WHERE = "{application}, {count} of each kind"
AHEAD = "{where}: {engine} takes {ratio} of remit's time"
NOT_TIMED = "{where}: {engine}, {why}"
DISAGREE = "{where}: {disagreement}"


class Plan(NamedTuple):
    """How many entities of each kind there are; a round is about `seconds` long."""

    counts: Sequence[int]
    rounds: int
    seconds: float


FULL = Plan((5, 10, 20, 30, 40, 50), 15, 0.1)
QUICK = Plan((5, 10), 3, 0.01)


def _remit(*arguments: str) -> Engine:
    command = [sys.executable, "-m", "benchmarks.applications.remit_pdp", *arguments]
    return Engine("-".join(("remit", *arguments)), "remit", lambda _: command)


REMIT = _remit()
ENGINES: tuple[Engine, ...] = (
    REMIT,
    _remit("deciding"),
    Engine("cedar-rust", "cedar", lambda home: [home.rust("applications")]),
    Engine("cedar-rust-sliced", "cedar", lambda home: [home.rust("applications"), "--sliced"]),
    Engine("opa-go", "opa", lambda home: [home.go("applications")]),
)


@dataclass(slots=True)
class Row:
    """What was found of one engine. `micro` is of microseconds a decision, `ratio` to remit's, round by round."""

    engine: Engine
    hello: dict[str, Any] = field(default_factory=dict)
    decisions: str = ""
    once: float = 0.0  # seconds of one pass
    micro: Spread | None = None
    ratio: Spread | None = None
    trouble: str = ""  # why it was not timed


@dataclass(slots=True)
class Compared:
    """One application at one size; `disagreement` says why nothing is timed."""

    application: str
    count: int
    allowed: float  # part of the requests
    rows: list[Row]
    disagreement: str = ""


def compare(
    application: Application, count: int, plan: Plan, home: Home, engines: Sequence[Engine] = ENGINES
) -> Compared:
    """Build, load, compare and time `engines`, remit among them, with `count` entities of each kind."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as open_ones:
        folder = Path(scratch)
        requests, read = write(folder, application, count)
        rows = [Row(engine) for engine in engines]
        running: dict[str, Candidate] = {}
        for row in rows:
            with contextlib.ExitStack() as own:
                try:
                    candidate = own.enter_context(Candidate(row.engine.command(home)))
                    _load(row, candidate, folder)
                except PeerError as problem:
                    row.trouble = f"{NOT_MEASURED}{problem}"
                else:
                    running[row.engine.key] = candidate
                    open_ones.push(own.pop_all())
        timed = [row for row in rows if not row.trouble]
        found = Compared(application.name, count, read.count("1") / len(read), rows)
        found.disagreement = "; ".join(disagreements(timed, requests, read))
        if not found.disagreement:
            _time(timed, running, plan)
        return found


def _load(row: Row, candidate: Candidate, folder: Path) -> None:
    row.hello = candidate.ask(LIMIT, do="hello")
    candidate.ask(LIMIT, do="load", folder=str(folder))
    row.decisions = candidate.ask(LIMIT, do="decide", batch=BATCH)["decisions"]
    for _ in range(3):  # the first ones warm up
        row.once = candidate.ask(LIMIT, do="round", batch=BATCH, passes=1)["seconds"]


def disagreements(rows: Sequence[Row], requests: Sequence[Request], read: str) -> Iterator[str]:
    """For each engine that does not decide as `read`, a digit a request, a sentence with the first such request."""
    for row in rows:
        if len(row.decisions) != len(read):
            yield f"{row.engine.key} gave {len(row.decisions)} decisions for {len(read)} requests"
            continue
        wrong = [at for at, (one, two) in enumerate(zip(row.decisions, read, strict=True)) if one != two]
        if wrong:
            says = "allows" if row.decisions[wrong[0]] == "1" else "denies"
            yield f"{row.engine.key} disagrees on {len(wrong)}: it {says} {requests[wrong[0]]}"


def _time(rows: Sequence[Row], running: Mapping[str, Candidate], plan: Plan) -> None:
    """Nothing where remit is not among the rows."""
    base = next((row for row in rows if row.engine is REMIT), None)
    if base is None:
        return
    each: dict[str, list[float]] = {row.engine.key: [] for row in rows}
    for number in range(plan.rounds):
        first = number % len(rows)
        for row in [*rows[first:], *rows[:first]]:
            if row.trouble:
                continue
            passes = max(1, round(plan.seconds / max(row.once, 1e-6)))
            try:
                took = running[row.engine.key].ask(LIMIT, do="round", batch=BATCH, passes=passes)
            except PeerError as problem:
                row.trouble = f"{NOT_MEASURED}{problem}"
            else:
                each[row.engine.key].append(took["seconds"] / took["count"])
    for row in rows:
        if not row.trouble and not base.trouble:
            times = each[row.engine.key]
            row.micro = spread(second * 1e6 for second in times)
            row.ratio = spread(one / other for one, other in zip(times, each[REMIT.key], strict=True))


# -- the report ------------------------------------------------------------------------------------------------------


def report(quick: bool, home: Path | None) -> Part:
    """Measure and tell. Without `home` the peers are fetched and built into a folder that is gone afterwards."""
    plan = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as scratch:
        at_home = Home((home or Path(scratch)).resolve())
        found: list[Compared] = []
        for application in APPLICATIONS:
            for count in plan.counts:
                print(f"  {application.name}: {count} of each kind …", file=sys.stderr, flush=True)
                found.append(compare(application, count, plan, at_home))
    rows = [(WHERE.format(application=one.application, count=one.count), row) for one in found for row in one.rows]
    behind = [
        AHEAD.format(where=where, engine=row.engine.key, ratio=shown(row.ratio))
        for where, row in rows
        if row.engine.family != REMIT.family and row.ratio and row.ratio.median < 1
    ]
    missing = [
        NOT_TIMED.format(where=where, engine=row.engine.key, why=row.trouble) for where, row in rows if row.trouble
    ]
    missing += [
        DISAGREE.format(where=WHERE.format(application=one.application, count=one.count), disagreement=one.disagreement)
        for one in found
        if one.disagreement
    ]
    return Part("Two applications", table(found, judged=not quick), behind, missing)


def table(found: Sequence[Compared], judged: bool = True) -> str:
    """`judged`: engines that are ahead of remit are said to be."""
    lines = [*_ahead(found), ""] if judged else []
    lines += ["| application | of each kind | engine | µs a decision | × remit |", "|---|---|---|---|---|"]
    lines += [_line(compared, row) for compared in found for row in compared.rows]
    calls = {row.hello["name"]: row.hello for compared in found for row in compared.rows if row.hello}
    lines += ["", *(f"- {name} {hello['version']}: {hello['includes']}." for name, hello in calls.items())]
    return "\n".join(lines)


def _ahead(found: Sequence[Compared]) -> list[str]:
    """A sentence for each engine that has less time than remit somewhere."""
    places: dict[str, list[str]] = {}
    for compared in found:
        for row in compared.rows:
            if row.engine.family != REMIT.family and row.ratio and row.ratio.median < 1:
                places.setdefault(row.hello["name"], []).append(f"{compared.application} {compared.count}")
    told = [f"**Ahead of remit:** {name} ({', '.join(where)})." for name, where in places.items()]
    return told or ["No engine measured here is ahead of remit."]


def _line(compared: Compared, row: Row) -> str:
    if row.micro and row.ratio:
        cells = [shown(row.micro), "1" if row.engine is REMIT else shown(row.ratio)]
    else:
        cells = ["–", row.trouble or compared.disagreement or "not compared: remit itself is not measured"]
    name = row.hello.get("name", row.engine.key)
    cells = [compared.application, str(compared.count), name, *cells]
    return table_row(cells)
