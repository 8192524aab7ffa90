"""The way from text to table: parsing beside lark's own tree, lines a second, growth with size, and loading a table."""

from __future__ import annotations

import gc
import json
import math
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import linear_regression
from time import process_time
from typing import NamedTuple

from lark import Lark

from benchmarks import workload as w
from benchmarks.timing import Figure, Spread, ratios, spread, turns
from remit import Policy
from remit.collection import paused
from remit.compiler import parse_all
from remit.model.check import check
from remit.project.tables import load_table, save_table
from remit.source import Source
from remit.syntax.parser import grammar_text, parse
from remit.table.lower import lower

PROMISED_OVER_LARK, PROMISED_LINES, PROMISED_EXPONENT = 1.5, 20_000, 1.1
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
        Figure(f"parse, {what}", a_second.text("lines/s", 0), least, a_second.median >= PROMISED_LINES),
        Figure("lark's own tree of the same", theirs.text("lines/s", 0)),
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


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The e of y ~ x^e through these points: the slope of least squares on their logarithms. 1 is linear."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    return linear_regression(xs, ys).slope


def _growth(plan: Plan) -> list[Figure]:
    texts = [w.of_lines(lines).policy for lines in plan.lines]
    load_once(texts[0])
    runs = [[load_once(text) for text in texts] for _ in range(plan.loads)]  # size after size, several times
    loads = [shortest(of_one_size) for of_one_size in zip(*runs, strict=True)]
    figures = []
    for load in loads:
        shares = ", ".join(f"{name} {getattr(load, name) / load.whole:.0%}" for name in STAGES)
        figures.append(Figure(f"load of {load.lines:,} lines", f"{load.lines / load.whole:,.0f} lines/s ({shares})"))
    found = exponent([(load.lines, load.whole) for load in loads])
    steps = ", ".join(f"{exponent([(a.lines, a.whole), (b.lines, b.whole)]):.2f}" for a, b in pairwise(loads))
    name = f"load, exponent of growth from {loads[0].lines:,} to {loads[-1].lines:,} lines"
    target = f"≤ {PROMISED_EXPONENT} (1 is linear)"
    figures.append(Figure(name, f"{found:.2f} (step by step {steps})", target, found <= PROMISED_EXPONENT))
    return figures


def _loading(plan: Plan) -> list[Figure]:
    """The compiled table: beside its sources, and beside bare JSON."""
    text = w.workload(plan.size).policy
    policy = Policy.from_sources({"bench.remit": text})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.table.json")
        save_table(policy.table, path)
        written = path.read_text(encoding="utf-8")
        jobs: dict[str, Callable[[], object]] = {
            "table": lambda: load_table(path),
            "json": lambda: json.loads(written),
            "sources": lambda: Policy.from_sources({"bench.remit": text}),
        }
        turns(jobs, 1)
        taken = turns(jobs, plan.rounds, before=gc.collect)
    name = f"load of the {plan.size.name} table ({len(written) / 1e6:.1f} MB)"
    milliseconds: Spread = spread(seconds * 1000 for seconds in taken["table"])
    return [
        Figure(name, ratios(taken["table"], taken["json"]).text("× json.loads of it")),
        Figure(name, ratios(taken["table"], taken["sources"]).text("× compiling its sources", 2)),
        Figure(name + " (this machine)", milliseconds.text("ms")),
    ]
