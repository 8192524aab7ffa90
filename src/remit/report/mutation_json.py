"""What mutants came to, for machines. Files are relative to the policy's folder, as in decisions."""

from __future__ import annotations

from typing import Any

from remit.report.mutation_text import example_text
from remit.testing.accepted import Trouble
from remit.testing.mutation import Mutation, Outcome


def mutation_data(mutation: Mutation) -> dict[str, Any]:
    """`score` is `killed` of `mutants` without `equivalent`, in percent. `survivors` are those without a reason; with
    one they are `accepted`, and do not count as killed. `tests` would notice the survivors, each those that it names by
    their numbers, from 0 on."""
    survivors = [at for at, one in enumerate(mutation.outcomes) if one.result == "survived" and not one.reason]
    numbers = {at: number for number, at in enumerate(survivors)}
    return {
        "score": round(mutation.score, 2),
        "mutants": len(mutation.outcomes),
        "killed": mutation.killed,
        "equivalent": mutation.equivalent,
        "survivors": [_outcome(one) for one in mutation.survivors],
        "tests": [
            {"title": test.title, "text": test.text, "notices": [numbers[at] for at in test.notices]}
            for test in mutation.proposals
        ],
        "accepted": [{**_outcome(one), "reason": one.reason} for one in mutation.accepted],
        "changing_nothing": [_mutant(one) for one in mutation.outcomes if one.result == "equivalent"],
        "comments": [_trouble(one) for one in mutation.troubles],
        "left_out": list(mutation.left_out),
        "seconds": round(mutation.seconds, 3),
    }


def _mutant(one: Outcome) -> dict[str, Any]:
    place = one.mutant.place
    where = {"file": place.file, "line": place.line, "column": place.column}
    return {"operator": one.mutant.operator, "change": one.mutant.said, **where, "text": place.text}


def _outcome(one: Outcome) -> dict[str, Any]:
    data = {**_mutant(one), "example": None, "unproven": one.unproven}
    if (found := one.example) is not None:
        data["example"] = {
            "message": example_text(found),
            "roles": list(found.asking),
            "type": found.type,
            "action": found.action,
            "user": found.case.user,
            "groups": list(found.case.groups),
            "attributes": found.case.attributes,
            "resource": found.case.resource(found.type),
            "context": found.case.context,
            "before": found.before,
            "after": found.after,
        }
    return data


def _trouble(one: Trouble) -> dict[str, Any]:
    span = one.span
    where = {"file": span.source.name, "line": span.line, "column": span.column}
    return {"message": one.message, "help": one.help, **where}
