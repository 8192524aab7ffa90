"""The referee of `remit diff`: policies and edits of them, compared exactly, and held against the decisions of many
requests by the plain reading of SEMANTICS (`referee.decide`).

    python -m tests.referee --differences 500 --seed 1

Every change that is reported has a request, and the evaluator has decided it otherwise before and after (the comparison
itself sees to that; the referee decides it again). And wherever a request of the case is decided otherwise, the
comparison has a change in that cell, for a role that the user holds there, or for everybody.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from referee.decide import Json, decide
from referee.generate import Case, make_case
from referee.judge import build
from referee.world import NOW

from remit import Policy
from remit.proof.case import NOON
from remit.proof.compare import Change, Difference, compare
from remit.proof.case import World as Replay

Edited = tuple[dict[str, str], list[dict[str, str]]]


@dataclass
class Unlike:
    """A request that is decided otherwise where the comparison says nothing, or the other way round."""

    what: str
    case: Case
    edited: Edited
    request: Json
    change: Change | None

    def __str__(self) -> str:
        def shown(layers: list[dict[str, str]]) -> str:
            return "\n".join(f"--- {name}\n{text}" for layer in layers for name, text in layer.items())

        return (
            f"{self.what}\n{shown([self.case.sources, *self.case.overlays])}\n=== edited\n"
            f"{shown([self.edited[0], *self.edited[1]])}\n=== directory\n{self.case.directory}\n"
            f"=== request\n{self.request}\n=== change\n{self.change}"
        )


_EDITS = [
    (re.compile(r"\ballow\b"), "deny"),
    (re.compile(r"\bdeny\b"), "allow"),
    (re.compile(r"<="), "<"),
    (re.compile(r">="), ">"),
    (re.compile(r"=="), "!="),
    (re.compile(r"!="), "=="),
    (re.compile(r"\band\b"), "or"),
    (re.compile(r"\bor\b"), "and"),
    (re.compile(r"\bnot "), ""),
    (re.compile(r" when (?:(?! because|\n| allow| deny| grant|\}).)*"), ""),
    (re.compile(r" except (?:(?! because|\n| allow| deny| grant| when|\}).)*"), ""),
    (re.compile(r" includes \w+"), ""),
    (re.compile(r"\b(?:allow|deny) (?:(?! allow| deny| grant|\n|\}).)*"), ""),
    (re.compile(r"\b\d+\b"), "1"),
    (re.compile(r" on \w+"), " on *"),
    (re.compile(r" in \["), " not in ["),
]


def edited(case: Case, random: Random) -> tuple[Policy, Policy, Edited] | None:
    """The case's policy and one with one to three edits of its text; None where no edit compiles."""
    from remit import PolicyError

    old = build(case.sources, case.overlays)
    layers = [case.sources, *case.overlays]
    for _ in range(10):
        made = [dict(layer) for layer in layers]
        for _ in range(random.choice((1, 1, 2, 3))):
            layer = random.choice(made)
            name = random.choice(sorted(layer))
            pattern, instead = random.choice(_EDITS)
            places = list(pattern.finditer(layer[name]))
            if places:
                place = random.choice(places)
                layer[name] = layer[name][: place.start()] + instead + layer[name][place.end() :]
        try:
            new = build(made[0], made[1:])
        except PolicyError:
            continue
        return old, new, (made[0], made[1:])
    return None


def unlike(seed: str, requests: int, seen: Counter[str]) -> Iterator[Unlike]:
    """What is wrong with the comparison of one generated policy and its edit."""
    random = Random(seed)
    case = make_case(random, requests, small=random.random() < 0.5)
    made = edited(case, random)
    if made is None:
        return
    old, new, edits = made
    found = compare(old.table, new.table)
    seen["policies"] += 1
    seen["unproven"] += len(found.unproven)
    seen["empty" if found.empty else "differing"] += 1
    for change in found.changes:
        seen[f"{change.part} {change.kind}"] += 1
        if _decisions(old, new, change)[0] == _decisions(old, new, change)[1]:
            yield Unlike("the referee decides the witness alike", case, edits, None, change)
    pdps = [policy.bind(case.directory, clock=lambda: NOW) for policy in (old, new)]
    for request in case.requests:
        assert old.model is not None
        assert new.model is not None
        seen["requests"] += 1
        before, after = (decide(policy.model, case.directory, request, NOW) for policy in (old, new))  # type: ignore[arg-type]
        if before.decision == after.decision:
            continue
        seen["decided otherwise"] += 1
        if not _told(found, request, [pdp.explain(request).to_dict()["held"] for pdp in pdps]):
            yield Unlike("a request is decided otherwise, and no change says so", case, edits, request, None)


def _decisions(old: Policy, new: Policy, change: Change) -> tuple[bool, bool]:
    """The referee's decisions of a change's own request."""
    given = []
    for policy in (old, new):
        names = {former: role.name for role in policy.table.roles.values() for former in role.former}
        held = [names.get(name, name) for name in change.asking]
        pdp = Replay(policy.table).pdp([name for name in held if name in policy.table.roles], change.case)
        request = {
            "subject": {"type": "user", "id": change.case.user},
            "action": {"name": change.action},
            "resource": change.case.resource(change.type),
            "context": change.case.context,
        }
        assert policy.model is not None
        given.append(decide(policy.model, pdp.directory, request, NOON).decision)
    return given[0], given[1]


def _told(found: Difference, request: Any, held: list[Any]) -> bool:
    """Whether some change is of this request's cell, and of a role that its user holds."""
    names = {name for side in held for one in side for name in (one["role"], *one["includes"])}
    cell = (request["resource"]["type"], request["action"]["name"])
    return any(
        (change.type, change.action) == cell and (not change.roles or not names.isdisjoint(change.roles))
        for change in found.changes
    )
