"""Columns of requests: what a decision of `decide_many` costs, on codes and on texts, and what memory it takes.

The workload is the one that every engine can say (`benchmarks.peers.plain`): ownership on a quarter of the rules,
denies, roles in chains. Half of the rows are its requests, of which every second is allowed; the others ask for anybody
about anything, so that all users and cells are touched. That is the best case: one condition, no places. Beside it
stand, at medium, the requests of `benchmarks.workload` with their places, groups, amounts and statuses, and the same
columns in many small calls, each of which has to get ready anew.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from benchmarks import workload as w
from benchmarks.peers import plain
from benchmarks.timing import Figure, ratios, spread, turns
from remit import Directory, Pdp, Policy

NAMES = ("user", "action", "type", "resource.owner")
TARGETS = {"medium": 10, "large": 16}  # nanoseconds for a decision on id columns
WITH_RULE, FROM_TEXTS = 30, 80  # at medium and large alike
PLACED = "medium"  # the size of which requests with places and groups are decided, too
CALL = 1_000  # rows of a small call
ABOUT = """\
Codes: Arrow dictionary arrays. Look-up: one `np.take` a row, measured in turns. Conditions: ownership on a quarter of
the rules; *with places and groups*, scopes, groups and conditions on amounts, statuses and departments, too."""


class Plan(NamedTuple):
    """`rows` of columns of codes, `texts` of columns of texts, `few` that `decide` answers one by one; so many
    small `calls` are made."""

    sizes: Sequence[w.Size]
    rounds: int
    rows: int
    texts: int
    few: int
    calls: int


FULL = Plan((w.SMALL, w.MEDIUM, w.LARGE), rounds=7, rows=10_000_000, texts=2_000_000, few=4_000, calls=100)
QUICK = Plan(w.QUICK, rounds=2, rows=100_000, texts=20_000, few=200, calls=5)


def columns(made: plain.Plain, requests: Sequence[plain.Request], rows: int) -> dict[str, Any]:
    """Columns of codes: half of the rows are these requests, half ask at random."""
    dice = np.random.default_rng(1)
    users, types = list(made["users"]), list(made["types"])
    actions = sorted({action for about in made["types"].values() for action in about["actions"]})
    places = [{name: at for at, name in enumerate(names)} for names in (users, actions, types)]
    known = np.array([[places[0][r["user"]], places[1][r["action"]], places[2][r["type"]]] for r in requests], np.int32)
    owners = np.array([places[0].get(request["owner"], 0) for request in requests], np.int32)
    picked = dice.integers(0, len(requests), rows)
    anybody = dice.random(rows) < 0.5
    found: dict[str, Any] = {}
    for at, (name, values) in enumerate(zip(NAMES, (users, actions, types), strict=False)):
        codes = np.where(anybody, dice.integers(0, len(values), rows), known[picked, at]).astype(np.int32)
        found[name] = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(values))
    theirs = np.where(anybody, dice.integers(0, len(users), rows), owners[picked]).astype(np.int32)
    found[NAMES[3]] = pa.DictionaryArray.from_arrays(pa.array(theirs), found["user"].dictionary)
    return found


class Placed(NamedTuple):
    """Requests with places and groups as columns of codes, and who decides them."""

    pdp: Pdp
    columns: dict[str, Any]


def placed(size: w.Size, rows: int) -> Placed:
    """Columns in which every second row is allowed, of requests that have four attributes and, two in three, a place.
    Raises RuntimeError where `decide_many` says otherwise than `allows`."""
    made = w.workload(size)
    policy = Policy.from_sources({"bench.remit": made.policy})
    pdp = policy.bind(Directory.from_text(made.directory_text(), "directory.json"))
    asked = w.mixed(w.questions(made, pdp, 400))
    texts: dict[str, list[Any]] = {
        "user": [one.user for one in asked],
        "action": [one.action for one in asked],
        "type": [one.resource["type"] for one in asked],
    }
    for name in ("owner", "status", "department", "amount", "scope"):
        texts[f"resource.{name}"] = [one.resource["properties"].get(name) for one in asked]
    picked = pa.array(np.random.default_rng(3).integers(0, len(asked), rows))
    arrays = {name: pa.array(values) for name, values in texts.items()}
    coded = {
        name: array.dictionary_encode() if pa.types.is_string(array.type) else array for name, array in arrays.items()
    }
    if pdp.decide_many(coded).allowed.tolist() != [pdp.allows(*one) for one in asked]:
        raise RuntimeError("columns with places are decided otherwise than `allows` decides")
    return Placed(pdp, {name: array.take(picked) for name, array in coded.items()})


def measure(quick: bool) -> list[Figure]:
    """Nanoseconds of computing for a decision, as the times of fixed memory traffic, and beside one by one."""
    plan = QUICK if quick else FULL
    found: list[Figure] = []
    for size in plan.sizes:
        found += _size(size, plan)
    return found


def _size(size: w.Size, plan: Plan) -> list[Figure]:
    made = plain.policy(size)
    pdp = plain.remit_pdp(made)
    asked = plain.requests(made, pdp, max(plan.few, 400), "columns")
    coded = columns(made, asked, plan.rows)
    texts = {name: column.slice(0, plan.texts).cast(pa.string()) for name, column in coded.items()}
    pdp.decide_many({name: column.slice(0, 1000) for name, column in coded.items()})
    source, places = np.arange(1 << 16), np.random.default_rng(2).integers(0, 1 << 16, plan.rows)
    few = {name: column.slice(0, plan.few) for name, column in coded.items()}
    rows = [dict(zip(NAMES, row, strict=True)) for row in zip(*(few[name].to_pylist() for name in NAMES), strict=True)]
    requests = [
        {
            "subject": {"type": "user", "id": row["user"]},
            "action": {"name": row["action"]},
            "resource": {"type": row["type"], "properties": {"owner": row["resource.owner"]}},
        }
        for row in rows
    ]
    calls = [{name: column.slice(CALL * at, CALL) for name, column in coded.items()} for at in range(plan.calls)]
    jobs: dict[str, Callable[[], object]] = {
        "memory": partial(_gathered, source, places),
        "codes": partial(pdp.decide_many, coded),
        "first rule": partial(pdp.decide_many, coded, rules="first"),
        "texts": partial(pdp.decide_many, texts),
        "one by one": partial(_one_by_one, pdp, requests),
        "calls": partial(_in_calls, pdp, calls),
    }
    if size.name == PLACED:
        with_places = placed(size, plan.texts)
        jobs["places"] = partial(with_places.pdp.decide_many, with_places.columns)
    for job in jobs.values():
        job()
    taken = turns(jobs, plan.rounds, before=gc.collect)
    counts = {"memory": plan.rows, "texts": plan.texts, "one by one": plan.few, "places": plan.texts}
    counts["calls"] = CALL * plan.calls
    each = {name: [1e9 * time / counts.get(name, plan.rows) for time in times] for name, times in taken.items()}
    target = TARGETS.get(size.name)
    found = [
        _figure(f"{size.name}: on codes", each["codes"], each["memory"], target),
        _figure(
            f"{size.name}: on codes, with the first rule", each["first rule"], each["memory"], target and WITH_RULE
        ),
        _figure(f"{size.name}: from texts", each["texts"], each["memory"], target and FROM_TEXTS),
    ]
    speed = ratios(each["one by one"], each["codes"])
    found.append(Figure(f"{size.name}: `decide` one by one, over columns of codes", speed.text(digits=0)))
    slower, of_calls = ratios(each["calls"], each["codes"]), spread(each["calls"])
    name = f"{size.name}: on codes, in calls of {CALL:,} rows each, over one call of {plan.rows:,} (per row)"
    found.append(Figure(name, f"{slower.text()}; {of_calls.text('ns')} on this machine"))
    if "places" in each:
        found.append(_figure(f"{size.name}: on codes, with places and groups", each["places"], each["memory"], None))
    found.append(_memory(size, pdp, coded, plan))
    return found


def _gathered(source: Any, places: Any) -> None:
    """As many look-ups as rows in a table that fits the processor's cache, a chunk at a time: what is left is memory
    traffic, and the machine's mood."""
    for start in range(0, len(places), 1 << 16):
        np.take(source, places[start : start + (1 << 16)])


def _one_by_one(pdp: Pdp, requests: Sequence[Any]) -> None:
    for request in requests:
        pdp.decide(request)


def _in_calls(pdp: Pdp, calls: Sequence[dict[str, Any]]) -> None:
    for columns_ in calls:
        pdp.decide_many(columns_)


def _figure(name: str, each: list[float], memory: list[float], target: int | None) -> Figure:
    beside = ratios(each, memory)
    median = spread(each)
    value = f"{median.text('ns')}; {beside.text(digits=1)} a look-up"
    return Figure(
        name, value, f"≤ {target} ns on this machine" if target else "", median.median <= target if target else None
    )


def _memory(size: w.Size, pdp: Pdp, coded: dict[str, Any], plan: Plan) -> Figure:
    """The most memory beside columns and answers, for all rows over a quarter of them."""

    def most(rows: int) -> float:
        few = {name: column.slice(0, rows) for name, column in coded.items()}
        gc.collect()
        tracemalloc.start()
        answers = pdp.decide_many(few)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - answers.code.nbytes - answers.allowed.nbytes

    growth = most(plan.rows) / most(plan.rows // 4)
    return Figure(f"{size.name}: memory for four times the rows", f"{growth:.2f} ×", "≤ 1.1 ×", growth <= 1.1)
