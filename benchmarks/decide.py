"""Decisions: how many empty calls a decision costs, what its reason costs, and how that grows with the policy."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FunctionType
from typing import Any, NamedTuple

from benchmarks import workload as w
from benchmarks.timing import Figure, Spread, ratios, spread, turns
from remit import Directory, Pdp, Policy

Batch = Sequence[tuple[str, str, Mapping[str, Any]]]
Call = Callable[..., object]

MIX = "mix"
ABOUT = """\
*Calls*: times an empty Python call of the same arguments, in the same loop; *without the loop*: the loop's own time is
taken off both sides. Different requests, each once a round, are told in empty calls with arguments that stay in the
processor's caches."""
PROMISED_ALLOWS, PROMISED_WITH_ID, PROMISED_GROWTH = 12, 16, 2.5  # the first two at medium


class Plan(NamedTuple):
    """`hot` requests, few enough to stay in the processor's caches, go `passes` times in a round; `wide` ones once."""

    sizes: Sequence[w.Size]
    rounds: int
    hot: int
    passes: int
    wide: int


FULL = Plan((w.SMALL, w.MEDIUM, w.LARGE), rounds=15, hot=200, passes=60, wide=20_000)
QUICK = Plan(w.QUICK, rounds=3, hot=60, passes=2, wide=200)


def empty(user: str, action: str, resource: Mapping[str, Any], context: Mapping[str, Any] | None = None) -> None:
    """What a call costs that does nothing."""


def _calls(call: Call, batch: Batch, passes: int) -> None:
    for _ in range(passes):
        for user, action, resource in batch:
            call(user, action, resource)


def _asks(call: Callable[[Any], Any], requests: Sequence[Any], passes: int) -> None:
    """The long way: a decision, and the id of its first rule."""
    for _ in range(passes):
        for request in requests:
            rules = call(request).rules
            if rules:
                rules[0]["id"]


def _nothing(batch: Batch, passes: int) -> None:
    for _ in range(passes):
        for _user, _action, _resource in batch:
            pass


def _alone(loop: Callable[..., None], *arguments: object) -> Callable[[], object]:
    """The loop with bytecode of its own: CPython adapts a call to what is called there, so two must not share one."""
    assert isinstance(loop, FunctionType)
    copied = FunctionType(loop.__code__.replace(), loop.__globals__, loop.__name__)
    return partial(copied, *arguments)


class Bound:
    """A workload made ready: its decision point, and batches of arguments by class."""

    def __init__(self, size: w.Size, plan: Plan) -> None:
        made = w.workload(size)
        self.size = size
        self.pdp: Pdp = Policy.from_sources({"bench.remit": made.policy}).bind(
            Directory.from_text(made.directory_text(), "directory.json")
        )
        by_class = w.questions(made, self.pdp, plan.hot)
        self.questions = {**by_class, MIX: w.mixed(by_class)}
        self.wide: Batch = w.mixed(w.questions(made, self.pdp, plan.wide, seed=2))
        for user, action, resource in self.wide:  # every cell and every user met once
            self.pdp.allows(user, action, resource)


class Times(NamedTuple):
    """Seconds a call in each round."""

    loop: list[float]
    empty: list[float]
    allows: list[float]
    deciding: list[float]
    decide: list[float]

    def of_calls(self, over: list[float]) -> Spread:
        """In empty calls, each with its turn of the loop: what the promise speaks of."""
        return ratios(over, self.empty)

    def of_calls_alone(self, over: list[float]) -> Spread:
        """The same without the loop's own time on either side."""
        return ratios(over, self.empty, self.loop)


def _jobs(bound: Bound, batch: Sequence[w.Question], passes: int) -> dict[str, tuple[Callable[[], object], int]]:
    """By name, the job and how many calls it makes. The short ones make more, so that all take long enough."""
    pdp, plain = bound.pdp, [tuple(question) for question in batch]
    more, less = passes * 5, max(passes // 5, 1)
    jobs = {
        "loop": (_alone(_nothing, plain, more), more),
        "empty": (_alone(_calls, empty, plain, more), more),
        "allows": (_alone(_calls, pdp.allows, plain, passes), passes),
        "deciding": (_alone(_calls, pdp.deciding, plain, passes), passes),
        "decide": (_alone(_asks, pdp.decide, [question.request() for question in batch], less), less),
    }
    return {name: (job, times * len(batch)) for name, (job, times) in jobs.items()}


def times(bounds: Sequence[Bound], name: str, plan: Plan) -> list[Times]:
    """Of one class of requests, at each size; all sizes take turns, so that they can be compared, too."""
    jobs = {
        (at, job): made
        for at, bound in enumerate(bounds)
        for job, made in _jobs(bound, bound.questions[name], plan.passes).items()
    }
    taken = _run(jobs, plan.rounds)
    return [
        Times(*(taken[at, job] for job in ("loop", "empty", "allows", "deciding", "decide")))
        for at in range(len(bounds))
    ]


def _run(
    jobs: Mapping[tuple[int, str], tuple[Callable[[], object], int]], rounds: int
) -> dict[tuple[int, str], list[float]]:
    """Seconds a call. Without garbage collection, as `timeit` has it: nothing here leaves circles."""
    names = {f"{at} {job}": (at, job) for at, job in jobs}
    for job, _ in jobs.values():
        job()  # warm
    collecting = gc.isenabled()
    gc.disable()
    try:
        taken = turns({name: jobs[key][0] for name, key in names.items()}, rounds)
    finally:
        if collecting:
            gc.enable()
    return {key: [seconds / jobs[key][1] for seconds in taken[name]] for name, key in names.items()}


def _wide(bounds: Sequence[Bound], plan: Plan) -> list[Spread]:
    """`allows` over many more requests than caches hold, each once a round; in hot empty calls, or the slowness of
    memory would stand on both sides."""
    jobs: dict[tuple[int, str], tuple[Callable[[], object], int]] = {}
    for at, bound in enumerate(bounds):
        plain = [tuple(question) for question in bound.wide]
        jobs[at, "empty"] = (_alone(_calls, empty, plain[: plan.hot], plan.passes), plan.hot * plan.passes)
        jobs[at, "allows"] = (_alone(_calls, bound.pdp.allows, plain, 1), len(plain))
    taken = _run(jobs, max(plan.rounds // 3, 1))
    return [ratios(taken[at, "allows"], taken[at, "empty"]) for at in range(len(bounds))]


def measure(quick: bool = False) -> list[Figure]:
    plan = QUICK if quick else FULL
    bounds = [Bound(size, plan) for size in plan.sizes]
    figures: list[Figure] = []
    for name in (MIX, *w.CLASSES):
        found = times(bounds, name, plan)
        for bound, taken in zip(bounds, found, strict=True):
            figures += _figures(bound, name, taken)
        figures.append(_growth("allows", name, found[-1].allows, found[0].allows, bounds))
        figures.append(_growth("deciding", name, found[-1].deciding, found[0].deciding, bounds))
    for bound, ratio in zip(bounds, _wide(bounds, plan), strict=True):
        many = f"{len(bound.wide):,} different requests, each once a round"
        figures.append(Figure(f"{bound.size.name}: allows, {many}", ratio.text("calls")))
    return figures


def _figures(bound: Bound, name: str, taken: Times) -> list[Figure]:
    size, promised = bound.size.name, bound.size.name == "medium" and name == MIX
    figures = []
    jobs = (("allows", taken.allows, PROMISED_ALLOWS), ("deciding", taken.deciding, PROMISED_WITH_ID))
    for job, seconds, limit in jobs:
        calls, alone = taken.of_calls(seconds), taken.of_calls_alone(seconds)
        value = f"{calls.text('calls')}; {alone.median:.1f} without the loop"
        target, met = (f"≤ {limit} calls", calls.median <= limit) if promised else ("", None)
        figures.append(Figure(f"{size}: {job}, {name}", value, target, met))
    if name == MIX:
        calls = taken.of_calls(taken.decide)
        figures.append(Figure(f"{size}: decide and its first rule's id, {name}", calls.text("calls")))
        ns = spread(seconds * 1e9 for seconds in taken.empty)
        figures.append(Figure(f"{size}: one empty call in the loop (this machine)", ns.text("ns", 0)))
    return figures


def _growth(job: str, name: str, large: list[float], small: list[float], bounds: Sequence[Bound]) -> Figure:
    ratio, promised = ratios(large, small), name == MIX
    return Figure(
        f"{bounds[0].size.name} → {bounds[-1].size.name}: {job}, {name}",
        ratio.text("×", 2),
        f"≤ {PROMISED_GROWTH} ×" if promised else "",
        ratio.median <= PROMISED_GROWTH if promised else None,
    )
