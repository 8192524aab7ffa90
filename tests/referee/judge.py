"""A case put to both readings, and what they disagree on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from referee.decide import Cited, Json, Verdict, decide
from referee.generate import Case
from referee.repairs import Atom, Repairs, TooLargeError, repairs
from referee.world import NOW

from remit.directory.shape import Assignment, Directory
from remit.instant import format_instant
from remit.model.policy import Model

if TYPE_CHECKING:
    from remit import Policy


@dataclass(frozen=True)
class Disagreement:
    """What the referee says and what the product says, of one request of one case."""

    what: str
    referee: object
    product: object
    case: dict[str, Json]

    def __str__(self) -> str:
        layers = [self.case["sources"], *overlays_of(self.case)]
        policy = "\n".join(f"--- {name}\n{text}" for layer in layers for name, text in layer.items())
        return (
            f"they disagree on the {self.what}\n{policy}\n--- directory\n{self.case['directory']}\n"
            f"--- request\n{json.dumps(self.case['request'])}\n"
            f"--- referee: {self.referee}\n--- product: {self.product}\n--- to keep\n{json.dumps(self.case)}"
        )


def build(sources: dict[str, str], overlays: list[dict[str, str]]) -> Policy:
    """The policy, under its overlays."""
    from remit import Policy

    policy = Policy.from_sources(sources)
    for number, overlay in enumerate(overlays):
        policy = Policy.from_sources(overlay, base=policy, name=f"over{number}")
    return policy


def disagreements(
    policy: Policy, case: Case, now: int = NOW, with_repairs: bool = False, seen: Counter[str] | None = None
) -> Iterator[Disagreement]:
    """Each request of the case on which they differ: in decision, code and rules, and in repairs if asked for. Counts
    the referee's codes in `seen`."""
    pdp = policy.bind(case.directory, clock=lambda: now)
    assert policy.model is not None
    for request in case.requests:
        expected = decide(policy.model, case.directory, request, now)
        if seen is not None:
            seen[expected.code] += 1
        found = verdict(pdp.decide(request))
        if expected != found:
            yield Disagreement("decision", expected, found, kept(case, request, now))
            continue
        if (short := shortened(case.directory, request)) is not None and pdp.allows(*short) != expected.decision:
            yield Disagreement("short question", expected.decision, not expected.decision, kept(case, request, now))
        if with_repairs:
            yield from repairs_differ(policy.model, pdp, case, request, now)


def repairs_differ(model: Model, pdp: Any, case: Case, request: Json, now: int) -> Iterator[Disagreement]:
    """SEMANTICS 5: the same sets of atoms. Where the product's search was cut short, sets that hold one."""
    try:
        expected = repairs(model, case.directory, request, now)
    except TooLargeError:
        return
    answer = pdp.explain(request).to_dict()
    found = {frozenset(atom_of(atom) for atom in atoms) for atoms in answer["repairs"]}
    if answer["repairs_complete"]:
        if found != expected:
            lacks, invents = readable(expected - found), readable(found - expected)
            yield Disagreement("repairs", lacks, invents, kept(case, request, now))
    elif wrong := {atoms for atoms in found if not any(other <= atoms for other in expected)}:
        yield Disagreement("repairs, cut short", readable(expected), readable(wrong), kept(case, request, now))


def readable(found: Repairs) -> list[list[Atom]]:
    return sorted(sorted(atoms, key=str) for atoms in found)


def verdict(decision: Any) -> Verdict:
    """The product's decision in the referee's shape."""
    cited = frozenset(
        Cited(short(rule["file"]), rule["line"], rule["column"], rule["role"], rule.get("block"), rule["effect"])
        for rule in decision.rules
    )
    return Verdict(decision.code, decision.allowed, cited)


def atom_of(atom: dict[str, Any]) -> Atom:
    """An atom of the product in the referee's shape."""
    if atom["kind"] == "activate":
        return ("activate",)
    if atom["kind"] == "hold_role":
        return ("hold_role", atom["role"])
    return (atom["kind"], short(atom["file"]), atom["line"], atom["column"])


def short(file: str) -> str:
    """A file's name without its policy's."""
    return file.rpartition(":")[2]


def shortened(directory: Directory, request: Json) -> tuple[Json, Json, Json, Json] | None:
    """A request as `pdp.allows` takes it, where that is the same question: of a user whose type is left out."""
    if not isinstance(request, dict):
        return None
    subject, action = request.get("subject"), request.get("action")
    if not (isinstance(subject, dict) and isinstance(action, dict)) or "resource" not in request:
        return None
    user = directory.users.get(subject["id"]) if isinstance(subject.get("id"), str) else None
    if user is None or subject.get("type") != user.type or "properties" in subject:
        return None
    return subject["id"], action.get("name"), request["resource"], request.get("context")


# -- keeping a case ----------------------------------------------------------------------------------------------------


def kept(case: Case, request: Json, now: int) -> dict[str, Json]:
    """The case with one request, as a file of `cases` has it."""
    return {
        "sources": case.sources,
        "overlay": case.overlays[0] if len(case.overlays) == 1 else case.overlays or None,
        "directory": json.dumps(written(case.directory)),
        "request": request,
        "now": format_instant(now),
    }


def overlays_of(case: dict[str, Json]) -> list[dict[str, str]]:
    """A kept case has no overlay (null), one, or a list of them, each over the one before."""
    found = case["overlay"] or []
    return [found] if isinstance(found, dict) else list(found)


def written(directory: Directory) -> dict[str, Json]:
    """The directory as its file has it."""
    return {
        "scopes": {name: {"parent": list(scope.parents)} for name, scope in directory.scopes.items()},
        "users": {
            name: {
                "type": user.type,
                "status": user.status,
                "attributes": dict(user.attributes),
                "assignments": [assignment(one) for one in user.assignments],
            }
            for name, user in directory.users.items()
        },
        "groups": {
            name: {
                "members": [*group.members, *(f"group/{inner}" for inner in group.groups)],
                "assignments": [assignment(one) for one in group.assignments],
            }
            for name, group in directory.groups.items()
        },
        "removed": sorted(directory.removed),
    }


def assignment(one: Assignment) -> dict[str, Json]:
    found: dict[str, Json] = {"role": one.role}
    if one.scope is not None:
        found["scope"] = one.scope
    if one.start is not None:
        found["from"] = format_instant(one.start)
    if one.end is not None:
        found["until"] = format_instant(one.end)
    return found
