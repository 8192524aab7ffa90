"""What proofs and checks of a large policy cost: `diff`, exact lint and asserts beside compiling it, and lint and fmt,
first and from the cache, beside compiling it from a shell."""

from __future__ import annotations

import gc
import random
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple
from unittest import mock

from benchmarks import workload as w
from benchmarks.startup import remit, run
from benchmarks.timing import Figure, children_computing, ratios, spread, turns
from remit import Policy
from remit.proof import requests
from remit.proof.compare import Difference, compare
from remit.proof.prover import Prover
from remit.proof.solver import Solver
from remit.table.shape import Table
from remit.testing.asserts import settle_asserts

PROMISED_FEW, PROMISED_ALL = 5, 60  # seconds
PROMISED_LINT, PROMISED_AGAIN = 1.5, 0.1  # × compile, × the first run
ACTIONS = ("read", "create", "update", "delete", "export", "share", "approve", "archive")
TYPES_PER_AREA = 50


class Plan(NamedTuple):
    """`few` roles and types are those of the policy on which ways to ask are compared; `lines` are those of the policy
    that is linted and formatted; `exact` rules of all are looked at by exact lint."""

    roles: int
    types: int
    rules: int
    few: int
    lines: int
    exact: int
    asserts: int
    rounds: int


FULL = Plan(roles=1_000, types=1_000, rules=30, few=60, lines=70_000, exact=30_000, asserts=100, rounds=3)
QUICK = Plan(roles=12, types=20, rules=10, few=5, lines=300, exact=40, asserts=3, rounds=1)


class Changed(NamedTuple):
    """How a policy differs from the one that the same seed gives: numbers of rules whose condition is another, and by
    how much every bound of an int is more."""

    rules: frozenset[int] = frozenset()
    bounds: int = 0


SAME = Changed()


def large(roles: int, types: int, rules: int, changed: Changed = SAME, asserts: int = 0, seed: int = 1) -> str:
    """A policy of `roles` roles with `rules` rules each, over `types` types with eight actions each. Three in ten roles
    include another; two in five rules have a condition; one in twenty denies."""
    dice = random.Random(seed)
    lines = ["policy large", "context { hour: int }", "user { department: string }"]
    for first in range(0, types, TYPES_PER_AREA):
        lines.append(f"area area_{first} {{")
        for at in range(first, min(first + TYPES_PER_AREA, types)):
            declared = 'owner: user  amount: int  status: "open" | "closed" | "void"'
            lines.append(f"  resource t{at} {{ {declared}  actions {', '.join(ACTIONS)} }}")
        lines.append("}")
    for role in range(roles):
        included = f" includes r{dice.randrange(role)}" if role > 10 and dice.random() < 0.3 else ""
        lines.append(f"role r{role}{included} {{")
        lines += [_rule(dice, types, changed, role * rules + at) for at in range(rules)]
        lines.append("}")
    for at in range(asserts):
        claims = (f"no r{at % roles} may delete on *", f"share on t{at % types} requires resource.amount < 2000")
        lines.append(f'assert "claim {at}": {claims[at % 2]}')
    return "\n".join(lines) + "\n"


def _rule(dice: random.Random, types: int, changed: Changed, number: int) -> str:
    cell = f"{dice.choice(ACTIONS)} on t{dice.randrange(types)}"
    bound, hour, kind = dice.randrange(1_000) + changed.bounds, 8 + dice.randrange(10) + changed.bounds, dice.random()
    effect = "deny" if dice.random() < 0.05 else "allow"
    if number in changed.rules:
        return f"  allow {cell} when resource.amount <= {bound + 3}"
    if kind < 0.15:
        more = f" or resource.amount <= {changed.bounds}" if changed.bounds else ""
        return f"  {effect} {cell} when resource.owner == user.id{more}"
    if kind < 0.3:
        return f"  {effect} {cell} when resource.amount <= {bound}"
    if kind < 0.4:
        return f'  {effect} {cell} when resource.status == "open" and context.hour < {hour}'
    return f"  {effect} {cell}"


def measure(quick: bool = False) -> list[Figure]:
    plan = QUICK if quick else FULL
    return [*_diff(plan), *_asking(plan), *_commands(plan)]


# -- proofs ----------------------------------------------------------------------------------------------------------


def timed(job: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of this process's own computing, and what came of it."""
    gc.collect()
    began = process_time()
    found = job()
    return process_time() - began, found


def _compiled(plan: Plan, changed: Changed = SAME, asserts: int = 0) -> Table:
    text = large(plan.roles, plan.types, plan.rules, changed, asserts)
    return Policy.from_sources({"large.remit": text}).table


def _diff(plan: Plan) -> list[Figure]:
    every = plan.roles * plan.rules
    few = Changed(rules=frozenset(range(every // 20, every, every // 10)))
    compiling, old = timed(lambda: _compiled(plan))
    name = f"{plan.roles:,} roles, {plan.types * len(ACTIONS):,} cells, {every:,} rules"
    figures = [Figure(f"compile of {name} (this machine)", f"{compiling:.1f} s")]
    pairs = (
        (f"{len(few.rules)} lines changed", few, PROMISED_FEW),
        ("every bound changed", Changed(bounds=1), PROMISED_ALL),
    )
    for what, changed, promised in pairs:
        new = _compiled(plan, changed)
        taken, found = timed(partial(compare, old, new))
        figures.append(
            Figure(
                f"diff, {what}, {name}",
                f"{taken:.1f} s, {taken / compiling:.2f} × compile ({_told(found)})",
                f"≤ {promised} s",
                taken <= promised,
            )
        )
    return [*figures, *_exact(plan, old, compiling)]


def _told(found: Difference) -> str:
    return f"{len(found.changes):,} changes, {len(found.unproven):,} unproven"


def _exact(plan: Plan, table: Table, compiling: float) -> list[Figure]:
    """Dead rules and asserts: nothing was promised of them in seconds."""
    prover, rules = Prover(table), table.rules[: plan.exact]
    taken, dead = timed(lambda: sum(prover.dead(rule) is not None for rule in rules))
    figures = [
        Figure(
            f"exact lint: dead rules among {len(rules):,}",
            f"{taken:.1f} s, {taken / compiling:.2f} × compile ({dead:,} dead)",
        )
    ]
    claiming = _compiled(plan, asserts=plan.asserts)
    taken, settled = timed(lambda: settle_asserts(claiming))
    figures.append(Figure(f"{len(settled):,} asserts", f"{taken:.1f} s, {taken / compiling:.2f} × compile"))
    return figures


class _Fresh(Solver):
    """Asks a solver of its own for each question."""

    def model(self, *formulas: Any) -> Any | None:
        import z3

        self.solver = z3.SimpleSolver()
        self._said = dict.fromkeys(self._said, 0)
        return super().model(*formulas)


def _asking(plan: Plan) -> list[Figure]:
    """One solver whose questions are pushed and popped, against a new one for each."""
    texts = [large(plan.few, plan.few, plan.rules, Changed(bounds=more)) for more in (0, 1)]
    tables = [Policy.from_sources({"large.remit": text}).table for text in texts]
    found: dict[str, Difference] = {}

    def one(name: str, kind: type[Solver]) -> None:
        with mock.patch.object(requests, "Solver", kind):
            found[name] = compare(*tables)

    jobs: dict[str, Callable[[], object]] = {
        "kept": partial(one, "kept", Solver),
        "fresh": partial(one, "fresh", _Fresh),
    }
    taken = turns(jobs, plan.rounds, before=gc.collect)
    if [change.kind for change in found["kept"].changes] != [change.kind for change in found["fresh"].changes]:
        raise RuntimeError("one solver and many do not say the same")
    what = f"diff of {len(found['kept'].changes):,} changes, a new solver for each question"
    return [Figure(what, ratios(taken["fresh"], taken["kept"]).text("× one that is kept", 2))]


# -- commands --------------------------------------------------------------------------------------------------------


def _commands(plan: Plan) -> list[Figure]:
    """`remit lint` and `remit fmt --check` of one policy, the first time and again, beside `remit compile`."""
    text = w.of_lines(plan.lines).policy
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bench.remit").write_text(text, encoding="utf-8")
        run(remit("fmt", "bench.remit"), folder)
        table = ("compile", "--policy", "bench.remit", "-o", "bench.table.json")
        commands = {
            "compile": table,
            "lint": ("lint", "bench.remit", "--no-cache", "--exit-zero"),
            "fmt": ("fmt", "bench.remit", "--check", "--no-cache"),
            "lint again": ("lint", "bench.remit", "--exit-zero"),
            "fmt again": ("fmt", "bench.remit", "--check"),
            "nothing": ("--version",),
        }
        jobs = {what: partial(_run, remit(*words), folder) for what, words in commands.items()}
        turns(jobs, 1)  # this fills the cache
        taken = turns(jobs, plan.rounds, children_computing)
    lines = text.count("\n")
    figures = []
    for what in ("lint", "fmt"):
        ratio = ratios(taken[what], taken["compile"], taken["nothing"])
        target = f"≤ {PROMISED_LINT} × compile"
        figures.append(
            Figure(f"{what} of {lines:,} lines", ratio.text("× compile", 2), target, ratio.median <= PROMISED_LINT)
        )
        ratio = ratios(taken[f"{what} again"], taken[what], taken["nothing"])
        target = f"≤ {PROMISED_AGAIN} × the first"
        figures.append(
            Figure(
                f"{what} of {lines:,} lines, again",
                ratio.text("× the first", 3),
                target,
                ratio.median <= PROMISED_AGAIN,
            )
        )
    seconds = spread(taken["compile"])
    return [*figures, Figure(f"compile of {lines:,} lines (this machine)", seconds.text("s"))]


def _run(command: Sequence[str], folder: Path) -> None:
    ended = run(command, folder)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {ended.stdout[-400:]}{ended.stderr[-400:]}")
