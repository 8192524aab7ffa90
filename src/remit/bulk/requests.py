"""Requests in AuthZEN's shape, many at once: as columns, and the answers as JSON text.

Answers are few and requests many: what a code and its rules look like is written once for each cell.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from remit.bulk.codes import CODES, INVALID
from remit.bulk.engine import Engine
from remit.evaluator.decision import brief, rule_data
from remit.evaluator.pdp import Pdp

_MOST_TEXTS = 50_000  # answers kept
_Asked = tuple[dict[str, list[Any]], list[int]]


class Answering:
    """Answers requests of one decision point."""

    def __init__(self, pdp: Pdp) -> None:
        self.pdp = pdp
        self.engine = Engine(pdp)
        # names that nothing reads are no columns: a request may have as many as it likes
        self._read = {f"{attr.root}.{attr.name}" for attr, _ in self.engine.bound.matrix.read}
        self._read |= {"resource.scope", "context.time"}
        self._texts: dict[tuple[int, str, str, tuple[int, ...]], str] = {}

    def answers(self, requests: Sequence[Any]) -> list[str]:
        """What `Pdp.decide` answers to each, as JSON."""
        found = [""] * len(requests)
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
                    found[row] = self._text(codes[at], types[at], actions[at], numbers)
        for row, text in enumerate(found):
            if not text:
                found[row] = json.dumps(self.pdp.decide(requests[row]).to_response())
        return found

    def _text(self, code: int, resource_type: str, action: str, numbers: tuple[int, ...]) -> str:
        key = (code, resource_type, action, numbers) if numbers else (code, "", "", numbers)
        text = self._texts.get(key)
        if text is None:
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.clear()
            index, rules = self.pdp.index, []
            for number in numbers:
                rule = self.pdp.table.rules[number]
                identity = index.rule_id(rule, index.cells[resource_type][action])
                rules.append(brief(rule_data(identity, rule)))
            name = CODES[code]
            answer = {"decision": name == "allowed", "context": {"code": name, "rules": rules}}
            text = self._texts[key] = json.dumps(answer)
        return text


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
