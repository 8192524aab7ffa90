"""Requests in AuthZEN's shape, many at once: as columns, and the answers as JSON text.

Answers are few and requests many: what a code and its rules look like is written once for each cell.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from remit.bulk.codes import CODES, INVALID
from remit.bulk.engine import Engine
from remit.evaluator.decision import brief, rule_data
from remit.evaluator.pdp import Pdp

_MOST_TEXTS = 50_000  # answers kept
_Asked = tuple[dict[str, list[Any]], list[int]]


class Answer(NamedTuple):
    """What `Pdp.decide` answers, as JSON; `valid`: it was a request."""

    text: str
    valid: bool


class Answering:
    """Answers requests of one decision point."""

    def __init__(self, pdp: Pdp) -> None:
        self.pdp = pdp
        self.engine = Engine(pdp)
        # names that nothing reads are no columns: a request may have as many as it likes
        self._read = {f"{attr.root}.{attr.name}" for attr, _ in self.engine.bound.matrix.read}
        self._read |= {"resource.scope", "context.time"}
        self._texts: dict[tuple[int, str, str, tuple[int, ...]], Answer] = {}

    def answers(self, requests: Sequence[Any]) -> list[Answer]:
        """The answer to each."""
        found: list[Answer | None] = [None] * len(requests)
        columns, rows = _columns(requests, self._read)
        if rows:
            decided = self.engine.decide(columns, rules="all")
            assert decided.first is not None
            assert decided.rules is not None
            codes, first, rules = decided.code.tolist(), decided.first.tolist(), decided.rules.tolist()
            types, actions = columns["type"], columns["action"]
            for at, row in enumerate(rows):
                if codes[at] != INVALID:  # which says why
                    numbers = tuple(rules[first[at] : first[at + 1]])
                    found[row] = self._answer(codes[at], types[at], actions[at], numbers)
        return [answer or self._one(request) for answer, request in zip(found, requests, strict=True)]

    def _one(self, request: Any) -> Answer:
        decision = self.pdp.decide(request)
        return Answer(json.dumps(decision.to_response()), decision.code != CODES[INVALID])

    def _answer(self, code: int, resource_type: str, action: str, numbers: tuple[int, ...]) -> Answer:
        key = (code, resource_type, action, numbers) if numbers else (code, "", "", numbers)
        found = self._texts.get(key)
        if found is None:
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.clear()
            index, rules = self.pdp.index, []
            for number in numbers:
                rule = self.pdp.table.rules[number]
                identity = index.rule_id(rule, index.cells[resource_type][action])
                rules.append(brief(rule_data(identity, rule)))
            name = CODES[code]
            answer = {"decision": name == "allowed", "context": {"code": name, "rules": rules}}
            found = self._texts[key] = Answer(json.dumps(answer), code != INVALID)
        return found


def _columns(requests: Sequence[Any], read: Collection[str]) -> _Asked:
    """The requests that columns can say, and which they are: those with all their parts, whose subject brings
    nothing."""
    rows: list[int] = []
    parts: list[tuple[dict[str, Any], Any, dict[str, Any]]] = []
    for row, request in enumerate(requests):
        if type(request) is not dict:
            continue
        subject, action, resource = request.get("subject"), request.get("action"), request.get("resource")
        if type(subject) is dict and type(action) is dict and type(resource) is dict:
            bags = (resource.get("properties"), request.get("context"))
            if subject.get("properties") in (None, {}) and all(bag is None or type(bag) is dict for bag in bags):
                rows.append(row)
                parts.append((subject, action.get("name"), {**resource, "context": bags[1] or {}}))
    count = len(rows)
    found: dict[str, list[Any]] = {
        "user": [subject.get("id") for subject, _, _ in parts],
        "subject.type": [subject.get("type") for subject, _, _ in parts],
        "action": [action for _, action, _ in parts],
        "type": [resource.get("type") for _, _, resource in parts],
        "resource.id": [resource.get("id") for _, _, resource in parts],
    }
    for at, (_, _, resource) in enumerate(parts):
        for root, bag in (("resource", resource.get("properties")), ("context", resource["context"])):
            for name, value in (bag or {}).items():
                key = f"{root}.{name}"
                if key not in read or key == "resource.id":
                    continue  # a property called `id` is read by nothing
                if key not in found:
                    found[key] = [None] * count
                found[key][at] = value
    return found, rows
