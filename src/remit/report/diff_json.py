"""A difference as JSON: every change by itself, nothing folded; each rule that settles it with its place on its side,
and the request that shows it in AuthZEN's shape. The whole has the shape that `remit schema diff` prints.

It is written piece by piece: of a thousand roles and eight thousand permissions each, no more than one change is held.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from remit.analysis.concerned import Person
from remit.analysis.folding import ORDER
from remit.analysis.reviewing import Review
from remit.proof.case import Case
from remit.proof.compare import Change, OpenCell
from remit.proof.people import OpenPerson, PersonChange
from remit.table.meaning import Forms, digest, rule_id
from remit.table.shape import RuleEntry, Table


def diff_json(
    review: Review, old: Table, new: Table, names: tuple[str, str], commits: tuple[str | None, str | None]
) -> Iterator[str]:
    """The review as pieces of one JSON text that ends with a line end. `names` are what the sides are called, `commits`
    the hashes of revisions."""
    sides = (_Side(old), _Side(new))
    summary: dict[str, int] = {kind: review.changed[kind] for kind in ORDER}
    head = {
        "by": review.by,
        "old": _side_dict(old, names[0], commits[0]),
        "new": _side_dict(new, names[1], commits[1]),
        "summary": {**summary, "unproven": len(review.unproven)},
        "beside": [dict(one._asdict()) for one in review.beside],
        "unproven": [_open_dict(one) for one in review.unproven],
        "holders": None if review.holders is None else {role: _people(some) for role, some in review.holders.items()},
    }
    yield json.dumps(head, indent=2)[:-2] + ',\n  "changes": ['
    changes: tuple[Change | PersonChange, ...] = review.whole
    for number, change in enumerate(changes):
        yield (",\n    " if number else "\n    ") + json.dumps(change_dict(change, sides))
    yield "\n  ]\n}\n" if review.whole else "]\n}\n"


class _Side:
    """A table with what naming its rules takes."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.forms = Forms(table)

    def rule(self, rule: RuleEntry, cell: tuple[str, str], caused: frozenset[int]) -> dict[str, Any]:
        """One rule in one cell; `caused`: the other side lacks it."""
        form = self.forms.of(rule.condition, cell[0])
        return {
            "id": rule_id(rule, *cell, form),
            "effect": rule.effect,
            "role": rule.role,
            "block": rule.block,
            "file": rule.place.file,
            "line": rule.place.line,
            "column": rule.place.column,
            "text": " ".join(rule.place.text.split()),
            "when": " ".join(rule.condition_text.split()) or None,
            "because": rule.because or None,
            "caused": rule.number in caused,
        }


def change_dict(change: Change | PersonChange, sides: tuple[_Side, _Side]) -> dict[str, Any]:
    """One change."""
    cell = (change.type, change.action)
    whom: dict[str, Any]
    part: str
    asking: tuple[str, ...]
    if isinstance(change, PersonChange):
        whom, part, asking = {"user": change.user, "scopes": list(change.scopes), "since": change.since}, "may", ()
    else:
        whom, part, asking = {"roles": list(change.roles)}, change.part, change.asking
    area = next(side.table.types[change.type].area for side in reversed(sides) if change.type in side.table.types)
    rules = []
    for side, some, caused in zip(sides, (change.old, change.new), (change.caused_old, change.caused_new), strict=True):
        numbers = frozenset(rule.number for rule in caused)
        rules.append([side.rule(rule, cell, numbers) for rule in some])
    return {
        **whom,
        "area": area,
        "type": change.type,
        "action": change.action,
        "part": part,
        "kind": change.kind,
        "old": rules[0],
        "new": rules[1],
        "witness": _witness(change.case, cell, asking, change.before, change.after),
    }


def _witness(case: Case, cell: tuple[str, str], asking: Iterable[str], before: str, after: str) -> dict[str, Any]:
    """A request, who asks it, and the codes of the two decisions."""
    request = {
        "subject": {"type": "user", "id": case.user},
        "action": {"name": cell[1]},
        "resource": case.resource(cell[0]),
        "context": case.context,
    }
    asked_by = {"id": case.user, "roles": list(asking), "groups": list(case.groups), "attributes": case.attributes}
    return {
        "request": request,
        "asked_by": asked_by,
        "missing": list(case.missing),
        "place_known": case.placed,
        "old": before,
        "new": after,
    }


def _side_dict(table: Table, name: str, commit: str | None) -> dict[str, Any]:
    return {"name": name, "commit": commit, "policy": table.name, "digest": digest(table)}


def _open_dict(one: OpenCell | OpenPerson) -> dict[str, Any]:
    if isinstance(one, OpenPerson):
        return {"user": one.user, "type": one.type, "action": one.action}
    return {"roles": list(one.roles), "part": one.part, "type": one.type, "action": one.action}


def _people(some: Iterable[Person]) -> list[dict[str, str]]:
    return [{"id": person.id, "status": person.status} for person in some]
