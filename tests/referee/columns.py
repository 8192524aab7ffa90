"""Requests as columns, and what `decide_many` answers against what `decide` does, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from referee.decide import Json
from referee.differences import fits
from referee.generate import Case
from referee.judge import build
from referee.world import NOW

from remit import Pdp
from remit.bulk.codes import CODES
from remit.bulk.engine import Decisions

Columns = dict[str, list[Any]]


def has_columns(request: Json) -> bool:
    """Whether a request has the parts that columns can say; what is wrong inside them, they can say, too."""
    if not isinstance(request, Mapping):
        return False
    parts = [request.get(name) for name in ("subject", "action", "resource")]
    if not all(isinstance(part, Mapping) for part in parts):
        return False
    bags = (parts[0].get("properties"), parts[2].get("properties"), request.get("context"))  # type: ignore[union-attr]
    return all(bag is None or isinstance(bag, Mapping) for bag in bags)


def columns(requests: Sequence[Any]) -> Columns:
    """The requests, column by column; None where a request lacks what others have."""
    found: Columns = {
        "user": [request["subject"].get("id") for request in requests],
        "subject.type": [request["subject"].get("type") for request in requests],
        "action": [request["action"].get("name") for request in requests],
        "type": [request["resource"].get("type") for request in requests],
        "resource.id": [request["resource"].get("id") for request in requests],
    }
    bags = {
        "resource": [request["resource"].get("properties") or {} for request in requests],
        "context": [request.get("context") or {} for request in requests],
        "subject": [request["subject"].get("properties") or {} for request in requests],
    }
    for root, rows in bags.items():
        for name in sorted({name for row in rows for name in row}):
            if f"{root}.{name}" not in found:
                found[f"{root}.{name}"] = [row.get(name) for row in rows]
    return found


def unlike_columns(case: Case, random: Random) -> Iterator[str]:
    """Where `decide_many` answers otherwise than `decide`: the code, the deciding rules, or the first of them."""
    policy = build(case.sources, case.overlays)
    if not fits(policy, case.directory):
        return
    pdp = policy.bind(case.directory, clock=lambda: NOW)
    requests: list[Any] = [request for request in case.requests if has_columns(request)]
    without = random.choice(("", "scope", "time"))
    if without == "scope":  # no request names a place, so none of the columns is one
        requests = [one for one in requests if "scope" not in (one["resource"].get("properties") or {})]
    if without == "time":
        requests = [one for one in requests if "time" not in (one.get("context") or {})]
    if requests:
        answers = pdp.decide_many(columns(requests), rules="all")
        yield from otherwise(pdp, requests, answers)


def otherwise(pdp: Pdp, requests: Sequence[Any], answers: Decisions) -> Iterator[str]:
    """The rows that are answered otherwise."""
    assert answers.rule is not None
    assert answers.first is not None
    assert answers.rules is not None
    for row, request in enumerate(requests):
        judged = pdp.decide(request).judged
        deciding = judged.allows if judged.code == "allowed" else judged.denies if judged.denies else ()
        expected = sorted(entry.rule.number for entry in deciding)
        found = answers.rules[answers.first[row] : answers.first[row + 1]].tolist()
        told = (CODES[answers.code[row]], bool(answers.allowed[row]), found, int(answers.rule[row]))
        wanted = (judged.code, judged.code == "allowed", expected, min(expected, default=-1))
        if told != wanted:
            yield f"row {row} {request}: {told}, and one by one {wanted}"
