"""The way from text to table: parsing beside lark's own tree, lines a second, growth with size, and loading a table."""

from __future__ import annotations

import gc
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import NamedTuple

from lark import Lark

from benchmarks import workload as w
from benchmarks.timing import Figure, Spread, exponent, ratios, spread, turns
from remit import Policy
from remit.collection import paused
from remit.compiler import parse_all
from remit.model.check import check
from remit.project.tables import load_table, save_table
from remit.source import Source
from remit.syntax.parser import grammar_text, parse
from remit.table.lower import lower

PROMISED_OVER_LARK, PROMISED_LINES, PROMISED_EXPONENT = 1.2, 20_000, 1.1
PROMISED_COLD, PROMISED_WARM, PROMISED_TABLE = 4.0, 0.5, 0.3  # seconds, of the largest of FULL's lines
STAGES = ("parse", "check", "lower")


class Plan(NamedTuple):
    """`lines` are the sizes of which the whole load is measured, each `loads` times."""

    size: w.Size
    rounds: int
    lines: Sequence[int]
    loads: int


FULL = Plan(w.MEDIUM, rounds=9, lines=(5_000, 10_000, 20_000, 40_000, 70_000), loads=3)
QUICK = Plan(w.QUICK[1], rounds=2, lines=(200, 400, 800), loads=1)


def larks_own(grammar: str) -> Lark:
    """lark as anybody would set it up for this grammar: its own tree, with positions."""
    return Lark(grammar, parser="lalr", lexer="contextual", propagate_positions=True, maybe_placeholders=False)


def _source(text: str) -> Source:
    return Source("bench.remit", text)


def measure(quick: bool = False) -> list[Figure]:
    plan = QUICK if quick else FULL
    return [*_parsing(plan), *_growth(plan), *_loading(plan)]


def _parsing(plan: Plan) -> list[Figure]:
    text = w.workload(plan.size).policy
    lines, lark = text.count("\n"), larks_own(grammar_text())
    jobs: dict[str, Callable[[], object]] = {"ours": lambda: parse(_source(text)), "lark": partial(lark.parse, text)}
    turns(jobs, 1)  # builds both parsers
    taken = turns(jobs, plan.rounds, before=gc.collect)
    ratio, a_second = ratios(taken["ours"], taken["lark"]), spread(lines / seconds for seconds in taken["ours"])
    tokens = sum(1 for _ in lark.lex(text))
    what = f"{plan.size.name} policy, {lines:,} lines of {tokens / lines:.1f} tokens"
    over, least = f"≤ {PROMISED_OVER_LARK} × lark", f"≥ {PROMISED_LINES:,} lines/s"
    theirs = spread(lines / seconds for seconds in taken["lark"])
    return [
        Figure(f"parse, {what}", ratio.text("× lark's own tree", 2), over, ratio.median <= PROMISED_OVER_LARK),
        Figure(f"parse, {what} (this machine)", a_second.text("lines/s", 0), least, a_second.median >= PROMISED_LINES),
        Figure("lark's own tree of that policy (this machine)", theirs.text("lines/s", 0)),
    ]


class Load(NamedTuple):
    """Seconds of each stage of one load."""

    lines: int
    parse: float
    check: float
    lower: float

    @property
    def whole(self) -> float:
        return self.parse + self.check + self.lower


def load_once(text: str) -> Load:
    """One load through the compiler's own stages. Raises ValueError where the policy has errors."""
    gc.collect()  # what an earlier load left is not this one's to sweep
    began = process_time()
    files, findings = parse_all([_source(text)])
    parsed = process_time()
    with paused():  # as the compiler does
        model, wrong = check(files, None, "bench")
        checked = process_time()
        if findings or wrong:
            raise ValueError(f"the generated policy has errors: {[*findings, *wrong][0].message}")
        lower(model)
    return Load(text.count("\n"), parsed - began, checked - parsed, process_time() - checked)


def shortest(loads: Sequence[Load]) -> Load:
    """The shortest time of each stage over several loads of one text."""
    return Load(loads[0].lines, *(min(getattr(load, stage) for load in loads) for stage in STAGES))


def _growth(plan: Plan) -> list[Figure]:
    texts = [w.of_lines(lines).policy for lines in plan.lines]
    load_once(texts[0])
    runs = [[load_once(text) for text in texts] for _ in range(plan.loads)]  # size after size, several times
    loads = [shortest(of_one_size) for of_one_size in zip(*runs, strict=True)]
    first, figures = loads[0].whole / loads[0].lines, []
    for load in loads:
        shares = ", ".join(f"{name} {getattr(load, name) / load.whole:.0%}" for name in STAGES)
        each = f"1 ({1 / first:,.0f} lines/s)" if load is loads[0] else f"{load.whole / load.lines / first:.2f} ×"
        figures.append(Figure(f"load of {load.lines:,} lines, the time of one line", f"{each}; {shares}"))
    found = exponent([(load.lines, load.whole) for load in loads])
    steps = ", ".join(f"{exponent([(a.lines, a.whole), (b.lines, b.whole)]):.2f}" for a, b in pairwise(loads))
    name = f"load, exponent of growth from {loads[0].lines:,} to {loads[-1].lines:,} lines"
    target = f"≤ {PROMISED_EXPONENT} (1 is linear)"
    figures.append(Figure(name, f"{found:.2f} (step by step {steps})", target, found <= PROMISED_EXPONENT))
    return figures


@contextmanager
def remembering(folder: str) -> Iterator[None]:
    """What texts come to is kept in a folder, or with `off` nowhere; then it is as it was found."""
    before = os.environ.get("REMIT_CACHE")
    os.environ["REMIT_CACHE"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["REMIT_CACHE"]
        else:
            os.environ["REMIT_CACHE"] = before


def _loading(plan: Plan) -> list[Figure]:
    """A large policy from its file: cold, remembered and compiled, each beside what it cannot do without."""
    with tempfile.TemporaryDirectory() as folder, remembering(str(Path(folder, "cache"))):
        source, table, memory = Path(folder, "bench.remit"), Path(folder, "bench.table.json"), Path(folder, "cache")
        source.write_text(w.of_lines(plan.lines[-1]).policy, encoding="utf-8")
        policy = Policy.load(source)  # fills the cache
        lines, rules = source.read_text(encoding="utf-8").count("\n"), len(policy.table.rules)
        save_table(policy.table, table)
        del policy  # a million objects that the collector would look through
        written = table.read_text(encoding="utf-8")
        [entry] = memory.glob("table/*")
        kept = entry.read_text(encoding="utf-8")
        quick: dict[str, Callable[[], object]] = {
            "warm": lambda: Policy.load(source),
            "table": lambda: load_table(table),
            "json of the entry": lambda: json.loads(kept),
            "json of the table": lambda: json.loads(written),
        }
        turns(quick, 1)
        taken = turns(quick, plan.rounds, before=gc.collect)
        slow: dict[str, Callable[[], object]] = {
            "cold": lambda: Policy.load(source, cache=False),
            "first": lambda: Policy.load(source),
        }

        def forget() -> None:
            shutil.rmtree(memory, ignore_errors=True)
            gc.collect()

        taken |= turns(slow, plan.loads, before=forget)
    what, cold = f"load of {lines:,} lines, {rules:,} rules", spread(taken["cold"])
    over_entry = ratios(taken["warm"], taken["json of the entry"])
    over_table = ratios(taken["table"], taken["json of the table"])
    return [
        _seconds(f"{what}, cold", taken["cold"], PROMISED_COLD),
        Figure(f"cold, and remembered for the next ({len(kept) / 1e6:.1f} MB), over cold", _over(taken["first"], cold)),
        _seconds(f"{what}, remembered", taken["warm"], PROMISED_WARM),
        Figure("remembered, over cold", _over(taken["warm"], cold)),
        Figure("remembered, over `json.loads` of its entry", over_entry.text()),
        _seconds(f"{what}, compiled table ({len(written) / 1e6:.1f} MB)", taken["table"], PROMISED_TABLE),
        Figure("compiled table, over cold", _over(taken["table"], cold)),
        Figure("compiled table, over `json.loads` of it", over_table.text()),
    ]


def _seconds(name: str, taken: Sequence[float], promised: float) -> Figure:
    found = spread(taken)
    return Figure(f"{name} (this machine)", found.text("s", 2), f"≤ {promised} s", found.median <= promised)


def _over(taken: Sequence[float], cold: Spread) -> str:
    """Rounds beside the median of another number of rounds."""
    return spread(seconds / cold.median for seconds in taken).text(digits=3)
