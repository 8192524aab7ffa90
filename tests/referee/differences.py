"""The referee of `remit diff`: policies and edits of them, compared exactly, and held against the decisions of many
requests by the plain reading of SEMANTICS (`referee.decide`).

    python -m tests.referee --differences 500 --seed 1

Every change that is reported has a request, and the evaluator has decided it otherwise before and after (the comparison
itself sees to that; the referee decides it again). Wherever a request of the case is decided otherwise, the comparison
has a change in that cell, for a role that the user holds there, or for everybody. And a policy in other words
(`referee.rewrites`) has no difference, and decides many more requests alike.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from referee.decide import Json, Unknown, decide, denies_count, individual_first, names_held, typed, understand
from referee.generate import Case, Maker, make_case
from referee.judge import build, kept
from referee.rewrites import MORE, Layers, extracted, rewritten, weakened
from referee.world import IDS, NOW

from remit import DirectoryError, Policy, PolicyError
from remit.directory.shape import Assignment, Directory, User
from remit.proof.case import NOON
from remit.proof.case import World as Replay
from remit.proof.compare import Change, Difference, compare

CLASSED = 12  # requests for each class that is told
_BELIED = {  # decisions before and after that a change of this class cannot have on a complete request
    "gained": {(True, True), (True, False)},
    "lost": {(True, True), (False, True)},
    "widened": {(True, False)},
    "narrowed": {(False, True)},
    "changed": set(),
    "incomplete_only": {(True, False), (False, True)},
}
REFEREED = 20  # of so many requests to policies that are claimed to be equal, the referee decides one


@dataclass(frozen=True)
class Unlike:
    """A request that is decided otherwise where the comparison says nothing, or the other way round."""

    what: str
    case: Case
    edited: Layers
    request: Json
    found: object
    edited_directory: Directory | None = None

    def __str__(self) -> str:
        def shown(layers: Layers) -> str:
            return "\n".join(f"--- {name}\n{text}" for layer in layers for name, text in layer.items())

        return (
            f"{self.what}\n{shown([self.case.sources, *self.case.overlays])}\n=== edited\n{shown(self.edited)}\n"
            f"=== request\n{json.dumps(self.request)}\n=== found\n{self.found}\n=== to keep\n{json.dumps(self.kept())}"
        )

    def kept(self) -> dict[str, Json]:
        """As a file of `cases/differences` has it."""
        whole = kept(self.case, self.request, NOW)
        whole["edited"] = {"sources": self.edited[0], "overlays": self.edited[1:]}
        if self.edited_directory is not None:
            other = Case([], {}, [], self.edited_directory, [])
            whole["edited"]["directory"] = kept(other, None, NOW)["directory"]
        return whole


# -- edits -----------------------------------------------------------------------------------------------------------

_EDITS = [
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\ballow\b", "deny"),
        (r"\bdeny\b", "allow"),
        (r"<=", "<"),
        (r">=", ">"),
        (r"==", "!="),
        (r"!=", "=="),
        (r"\band\b", "or"),
        (r"\bor\b", "and"),
        (r"\bnot ", ""),
        (r" when (?:(?! because|\n| allow| deny| grant|\}).)*", ""),
        (r" except (?:(?! because|\n| allow| deny| grant| when|\}).)*", ""),
        (r" includes \w+", ""),
        (r"\b(?:allow|deny) (?:(?! allow| deny| grant|\n|\}).)*", ""),
        (r"\b\d+\b", "1"),
        (r" on \w+", " on *"),
        (r" in \[", " not in ["),
        # declarations, so that one condition means something else
        (r": (?:int|bool|time|string|user)\b(?!\?)", r"\g<0>?"),
        (r": (?:int|bool|time|string|user)\?", lambda match: match[0][:-1]),
        (r' \| "\w+"(?=[ )])', ""),
        (r': (\(?)"', r': \1"extra" | "'),
        (r"set of (?:string|user)", 'set of "red" | "ann" | "north" | "open"'),
        (r'set of "\w+"(?: \| "\w+")*', "set of string"),
        (r'(?<=[a-z]: )"\w+"(?: \| "\w+")*', "string"),
        (r": string\b", ': "red" | "ann" | "north"'),
        (r": string\b", ": user"),
        # kinds of places and roles
        (r"\nscope \w+ in \w+", ""),
        (r"\nscope company\b", "\nscope firm"),
        (r"\brole (\w+)(?= (?:includes \w|\{))", r"role renamed was \1"),
        (r"\b(?:locked )?role \w+(?: was \w+)?(?: includes [\w, ]+)? \{(?:[^{}]|\{[^{}]*\})*\}", ""),
        (r"\b(?:everyone|members) \{(?:[^{}]|\{[^{}]*\})*\}", ""),
        (r"  resource \w+ \{[^{}]*\}", ""),
        (r"(actions \w+), \w+(?= \}|, )", r"\1"),
    )
]


def edited(case: Case, random: Random) -> tuple[Policy, Policy, Layers] | None:
    """The case's policy and one with one to three edits of its text; None where no edit compiles."""
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
                said = place.expand(instead) if isinstance(instead, str) else instead(place)
                layer[name] = layer[name][: place.start()] + said + layer[name][place.end() :]
        if made != layers:
            try:
                return old, build(made[0], made[1:]), made
            except PolicyError:
                continue
    return None


# -- what is judged --------------------------------------------------------------------------------------------------


def unlike(seed: str, requests: int, seen: Counter[str], more: int = 0) -> Iterator[Unlike]:
    """What is wrong with the comparison of one generated policy and its edit. `more`: so many further requests where
    there is no difference."""
    random = Random(seed)
    case = make_case(random, requests, small=random.random() < 0.5)
    made = edited(case, random)
    if made is None:
        return
    old, new, layers = made
    seen["policies"] += 1
    found = compare(old.table, new.table)
    _count(found, seen)
    yield from refereed(case, old, new, layers, found, seen)
    yield from misclassed(random, case, old, new, layers, found, seen)
    if found.empty and old.digest != new.digest:
        yield from alike(random, case, old, new, layers, more, seen)


def refereed(
    case: Case, old: Policy, new: Policy, layers: Layers, found: Difference, seen: Counter[str]
) -> Iterator[Unlike]:
    """Holds a difference against the referee: its own requests, and the case's."""
    for change in found.changes:
        before, after = decisions(old, new, change)
        if before == after:
            yield Unlike("the referee decides the witness alike", case, layers, None, change)
    for cell in found.unproven:
        if not declared_otherwise(old, new, cell.type):
            yield Unlike("a cell is left open, though its attributes are declared alike", case, layers, None, cell)
    if not all(fits(policy, case.directory) for policy in (old, new)):
        return
    for request in case.requests:
        seen["requests"] += 1
        before, after = (decide(_model(policy), case.directory, request, NOW) for policy in (old, new))
        if before.decision == after.decision or "invalid_request" in (before.code, after.code):
            continue  # a place that one of them has no kind for is listed beside
        if not _hides_alike(old, new, case.directory, request):
            continue  # a role that is gone hides nothing any more; who holds it is the directory's affair
        seen["decided otherwise"] += 1
        held = {name for policy in (old, new) for name in _held(_model(policy), case.directory, request)}
        if not found.unproven and not _told(found, request, held):
            yield Unlike("a request is decided otherwise, and no change says so", case, layers, request, None)


def declared_otherwise(old: Policy, new: Policy, resource_type: str) -> bool:
    """Whether two policies declare what conditions at a type can read otherwise: one value may be of both types, which
    is the one thing that the solver is not asked."""
    types = [policy.table.types.get(resource_type) for policy in (old, new)]
    shared = [(policy.table.user, policy.table.context) for policy in (old, new)]
    return types[0] is None or types[1] is None or types[0] != types[1] or shared[0] != shared[1]


def misclassed(
    random: Random, case: Case, old: Policy, new: Policy, layers: Layers, found: Difference, seen: Counter[str]
) -> Iterator[Unlike]:
    """Complete requests, by somebody who holds one role and nothing else, that belie the class of a change."""
    maker = Maker(random, small=False)
    maker.world = case.world
    for change in found.changes:
        kind = case.world.kinds.get(change.type)
        if change.part != "may" or kind is None:
            continue
        for _ in range(CLASSED):
            names = [_named(role, policy, new) for policy in (old, new) for role in change.roles[:1]]
            user = User("ann", attributes=maker.values(maker.world.user, 1.0))
            properties = maker.values(list(kind.attributes.values()), 1.0)
            if old.table.root is not None and old.table.root == new.table.root:
                properties["scope"] = old.table.root
            request = {
                "subject": {"type": "user", "id": "ann"},
                "action": {"name": change.action},
                "resource": {"type": change.type, "id": maker.one(IDS), "properties": properties},
                "context": maker.values(maker.world.context, 1.0),
            }
            given, complete = [], False
            for at, policy in enumerate((old, new)):
                held = tuple(Assignment(name) for name in (names[at] if names else ()))
                directory = Directory(users={"ann": user._replace(assignments=held)})
                given.append(decide(_model(policy), directory, request, NOW).decision)
                complete = complete or is_complete(_model(policy), understand(_model(policy), directory, request, NOW))
            if complete:
                seen["requests to classes"] += 1
                if tuple(given) in _BELIED[change.kind]:
                    yield Unlike("a complete request belies the class", case, layers, request, change)


def is_complete(model: Any, asked: Any) -> bool:
    """Whether all that a request and its user must have is there, and what may be there is of its type."""
    if isinstance(asked, str) or (model.root is not None and asked.places is None):
        return False
    bags = (
        (model.types[asked.type].attributes, asked.properties),
        (model.context, asked.context),
        (model.user, asked.attributes),
    )
    return all(
        one.optional if bag.get(name) is None else not isinstance(typed(bag[name], one.type), Unknown)
        for declared, bag in bags
        for name, one in declared.items()
    )


def unequal(seed: str, requests: int, seen: Counter[str], more: int = 0) -> Iterator[Unlike]:
    """What is wrong with the comparison of one generated policy and the same in other words."""
    random = Random(seed)
    case = make_case(random, requests, small=random.random() < 0.5)
    old = build(case.sources, case.overlays)
    made = rewritten(case, random, build)
    if made is not None:
        new, layers = made
        seen["rewritten"] += 1
        seen["rewritten, other digest"] += old.digest != new.digest
        found = compare(old.table, new.table)
        if not found.empty:
            yield Unlike("a policy in other words has a difference", case, layers, None, found)
        yield from alike(random, case, old, new, layers, len(case.requests) + more, seen)
    made = weakened(case, random, build)
    if made is not None:
        new, layers = made
        seen["weakened"] += 1
        found = compare(old.table, new.table)
        _count(found, seen)
        yield from refereed(case, old, new, layers, found, seen)
        for change in found.changes:
            gap = change.case.missing or change.case.uncertain or not change.case.placed
            if change.kind != "incomplete_only" or not gap:
                yield Unlike("what a complete request fulfils makes a difference", case, layers, None, change)
    made = extracted(case, random, build)
    if made is not None:
        new, layers = made
        seen["extracted"] += 1
        found = compare(old.table, new.table)
        yield from refereed(case, old, new, layers, found, seen)
        for change in found.changes:
            if change.roles != (MORE,):
                yield Unlike("rules that a role has from another make a difference", case, layers, None, change)


def alike(
    random: Random, case: Case, old: Policy, new: Policy, layers: Layers, requests: int, seen: Counter[str]
) -> Iterator[Unlike]:
    """Requests for directories of all kinds that are decided otherwise, though the policies have no difference."""
    maker = Maker(random, small=False)
    maker.world = case.world
    seen["claimed to be equal"] += 1
    for done in range(requests):
        if done % 200 == 0:
            directory = maker.directory()
            if not all(fits(policy, directory) for policy in (old, new)):
                return
            pdps = [policy.bind(directory, clock=lambda: NOW) for policy in (old, new)]
        request = maker.request(directory)
        seen["requests to equals"] += 1
        given = [pdp.decide(request).code for pdp in pdps]
        if done % REFEREED == 0:
            seen["of these refereed"] += 1
            given += [decide(_model(policy), directory, request, NOW).code for policy in (old, new)]
        seen["allowed by equals"] += given[0] == "allowed"
        if len({code == "allowed" for code in given}) > 1 and "invalid_request" not in given:
            other = Case(case.statements, case.sources, case.overlays, directory, [request])
            yield Unlike("policies without a difference decide otherwise", other, layers, request, given)


def fits(policy: Policy, directory: Directory) -> bool:
    """Whether the policy has the kinds of all places that the directory names."""
    try:
        policy.bind(directory)
    except DirectoryError:
        return False
    return True


def _model(policy: Policy) -> Any:
    assert policy.model is not None
    return policy.model


def _count(found: Difference, seen: Counter[str]) -> None:
    seen["unproven"] += len(found.unproven)
    seen["empty" if found.empty else "differing"] += 1
    for change in found.changes:
        seen[f"{change.part} {change.kind}"] += 1


def decisions(old: Policy, new: Policy, change: Change) -> tuple[bool, bool]:
    """The referee's decisions of a change's own request."""
    given = []
    for policy in (old, new):
        held = [name for asking in change.asking for name in _named(asking, policy, new)]
        pdp = Replay(policy.table).pdp(held, change.case)
        request = {
            "subject": {"type": "user", "id": change.case.user},
            "action": {"name": change.action},
            "resource": change.case.resource(change.type),
            "context": change.case.context,
        }
        given.append(decide(_model(policy), pdp.directory, request, NOON).decision)
    return given[0], given[1]


def _named(role: str, policy: Policy, new: Policy) -> list[str]:
    """A role, by the new policy's name for it, as a policy calls it; none where it has no such role."""
    if role in policy.table.roles:
        return [role]
    if policy is new:
        return [one.name for one in new.table.roles.values() if role in one.former]  # which took it in
    former = new.table.roles[role].former if role in new.table.roles else ()
    return [name for name in former if name in policy.table.roles and name not in new.table.roles][:1]


def _hides_alike(old: Policy, new: Policy, directory: Directory, request: Json) -> bool:
    """Whether individual assignments hide what groups allow on both sides, if on one."""
    asked = [understand(_model(policy), directory, request, NOW) for policy in (old, new)]
    counts = {0 if isinstance(one, str) else len(one.held) for one in asked}
    return len(counts) == 1 or not any(individual_first(_model(policy)) for policy in (old, new))


def _held(model: Any, directory: Directory, request: Json) -> set[str]:
    """The roles that somebody holds where the request is, or anywhere if it does not say where, with their includes."""
    asked = understand(model, directory, request, NOW)
    if isinstance(asked, str):
        return set()
    return {name for held in asked.held if denies_count(asked, held) for name in names_held(model, held.role)}


def _told(found: Difference, request: Any, held: set[str]) -> bool:
    """Whether some change is of this request's cell, and of a role that its user holds."""
    cell = (request["resource"]["type"], request["action"]["name"])
    return any(
        (change.type, change.action) == cell and (not change.roles or not held.isdisjoint(change.roles))
        for change in found.changes
    )
