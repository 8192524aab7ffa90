"""The referee of `remit diff --by user`: policies with their directories, edits of either, and what each user may.

Every change has a request, which the referee decides as it is told; where it speaks of several places, at each of them.
And wherever a request of a known user is decided otherwise, a change of that user says so, for that place or one above
it; where neither directory knows the place, for some such place. Requests that name an earlier time are not what is
compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any, TypeVar

from referee.decide import Json, decide, moment, places
from referee.differences import Unlike, declared_otherwise, edited, fits
from referee.generate import Case, Maker, make_case
from referee.judge import build
from referee.world import NOW

from remit import Policy
from remit.directory.shape import Assignment, Directory, Group, Scope, User
from remit.proof.people import PeopleDifference, PersonChange, compare_people

H = TypeVar("H", User, Group)


def unlike_people(seed: str, requests: int, seen: Counter[str]) -> Iterator[Unlike]:
    """What is wrong with the comparison by user of one generated policy and directory, and edits of them."""
    random = Random(seed)
    case = make_case(random, 0, small=random.random() < 0.5)
    maker = Maker(random, small=False)
    maker.world = case.world
    old = new = build(case.sources, case.overlays)
    layers = [case.sources, *case.overlays]
    if random.random() < 0.7:
        made = edited(case, random)
        if made is None:
            return
        _, new, layers = made
    directory = case.directory if random.random() < 0.3 else edited_directory(maker, case.directory)
    if not (fits(old, case.directory) and fits(new, directory)):
        return
    seen["pairs"] += 1
    found = compare_people(old.table, case.directory, new.table, directory, NOW)
    case.requests = [maker.request(random.choice((case.directory, directory))) for _ in range(requests)]
    yield from refereed_people(case, directory, old, new, layers, found, seen)


def edited_directory(maker: Maker, directory: Directory) -> Directory:
    """The directory with one to three edits."""
    random = maker.random
    users, groups, scopes = dict(directory.users), dict(directory.groups), dict(directory.scopes)
    for _ in range(random.randint(1, 3)):
        if users and random.random() < 0.6:
            name = random.choice(sorted(users))
            user = users[name]
            match random.randrange(6):
                case 0 | 1:
                    users[name] = user._replace(assignments=_assigned(maker, user.assignments, scopes))
                case 2:
                    users[name] = user._replace(attributes=maker.values(maker.world.user, 0.85))
                case 3:
                    users[name] = user._replace(status=random.choice(("active", "disabled", "pending")))
                case 4:
                    del users[name]
                    groups = {
                        key: group._replace(members=tuple(one for one in group.members if one != name))
                        for key, group in groups.items()
                    }
                case _:
                    users[name] = maker.directory().users.get(name, user)
        elif groups:
            name = random.choice(sorted(groups))
            group = groups[name]
            match random.randrange(3):
                case 0:
                    groups[name] = group._replace(assignments=_assigned(maker, group.assignments, scopes))
                case 1:
                    groups[name] = group._replace(members=tuple(maker.some(list(users), 0, 3)))
                case _:
                    groups[name] = group._replace(groups=())
        elif scopes:
            name = random.choice(sorted(scopes))
            scopes[name] = scopes[name]._replace(parents=())
    if scopes and random.random() < 0.2:
        name = random.choice(sorted(scopes))
        scopes[name] = scopes[name]._replace(parents=scopes[name].parents[:1])
    if scopes and random.random() < 0.25:
        scopes = _without(scopes, random.choice(sorted(scopes)))
    if maker.world.places and random.random() < 0.25:
        kind = random.choice(list(maker.world.scopes)[1:])
        name = f"{kind}/{random.choice(('lost', 'one', 'north'))}"
        above = [other for other in scopes if other != name and maker.world.may_hold(other.partition("/")[0], kind)]
        above = [other for other in above if other.partition("/")[0] != kind]
        scopes.setdefault(name, Scope(name, tuple(maker.some(above, 0, 2))))
    return directory._replace(
        users={name: _standing(maker, user, scopes) for name, user in users.items()},
        groups={name: _standing(maker, group, scopes) for name, group in groups.items()},
        scopes=scopes,
    )


def _without(scopes: dict[str, Scope], gone: str) -> dict[str, Scope]:
    """Without one place; what was below it is below what else it was below."""
    return {
        name: scope._replace(parents=tuple(above for above in scope.parents if above != gone))
        for name, scope in scopes.items()
        if name != gone
    }


def _standing(maker: Maker, holder: H, scopes: dict[str, Scope]) -> H:
    """Somebody without the assignments at places that are gone."""
    return holder._replace(assignments=tuple(one for one in holder.assignments if _stands(maker, one, scopes)))


def _stands(maker: Maker, assignment: Assignment, scopes: dict[str, Any]) -> bool:
    return assignment.scope is None or assignment.scope in scopes or assignment.scope in maker.world.scopes


def _assigned(maker: Maker, given: tuple[Assignment, ...], scopes: dict[str, Any]) -> tuple[Assignment, ...]:
    """Assignments with one less, or some more."""
    if given and maker.chance(0.5):
        at = maker.random.randrange(len(given))
        return given[:at] + given[at + 1 :]
    return given + maker.assignments(scopes, 2)


def refereed_people(
    case: Case,
    directory: Directory,
    old: Policy,
    new: Policy,
    layers: list[dict[str, str]],
    found: PeopleDifference,
    seen: Counter[str],
) -> Iterator[Unlike]:
    """Holds a difference by user against the referee: its own requests, and the case's."""
    sides = ((old, case.directory), (new, directory))
    seen["unproven"] += len(found.unproven)
    seen["empty" if found.empty else "differing"] += 1
    for person in found.unproven:
        if not declared_otherwise(old, new, person.type):
            what = "a cell is left open, though its attributes are declared alike"
            yield Unlike(what, case, layers, None, person, directory)
    for change in found.changes:
        seen[change.kind] += 1
        for scope in change.scopes if _anywhere(change) else change.scopes[:1]:
            seen["places"] += 1
            request = _request(change, sides, scope)
            codes = [decide(_model(policy), people, request, NOW).code for policy, people in sides]
            if (codes[0] == "allowed") == (codes[1] == "allowed"):
                yield Unlike("the referee decides the witness alike", case, layers, request, (change, codes), directory)
            elif scope == change.scopes[0] and codes != [change.before, change.after]:
                yield Unlike("the referee's codes are others", case, layers, request, (change, codes), directory)
    for request in case.requests:
        seen["requests"] += 1
        verdicts = [decide(_model(policy), people, request, NOW) for policy, people in sides]
        if verdicts[0].decision == verdicts[1].decision or not _compared(request, sides):
            continue
        if "invalid_request" in (verdicts[0].code, verdicts[1].code):
            continue  # a place that one of the policies has no kind for
        seen["decided otherwise"] += 1
        if not found.unproven and not _told(found, request, sides):
            codes = [verdict.code for verdict in verdicts]
            what = "a request is decided otherwise, and no change says so"
            yield Unlike(what, case, layers, request, codes, directory)


def _model(policy: Policy) -> Any:
    assert policy.model is not None
    return policy.model


def _anywhere(change: PersonChange) -> bool:
    """Whether the rules of a change read nothing, so nothing that depends on the place."""
    return all(rule.condition is None for rule in (*change.old, *change.new))


def _request(change: PersonChange, sides: Any, scope: str | None) -> Json:
    resource = change.case.resource(change.type)
    properties = {name: value for name, value in resource["properties"].items() if name != "scope"}
    if scope is not None:
        properties["scope"] = scope
    kinds = [people.users[change.user].type for _, people in sides if change.user in people.users]
    return {
        "subject": {"type": kinds[0], "id": change.user},
        "action": {"name": change.action},
        "resource": {**resource, "properties": properties},
        "context": change.case.context,
    }


def _compared(request: Any, sides: Any) -> bool:
    """Whether the request is one of those that are compared."""
    if not any(request["subject"]["id"] in people.users for _, people in sides):
        return False  # what a stranger brings along is no directory's
    return "properties" not in request["subject"] and _time(request) is not None


def _time(request: Any) -> int | None:
    """When the request is decided; None where it names a time before now, or none that can be told."""
    given = (request.get("context") or {}).get("time")
    if given is None:
        return NOW
    told = moment(given)
    return told if isinstance(told, int) and told >= NOW else None


def _told(found: PeopleDifference, request: Any, sides: Any) -> bool:
    """Whether some change is of this user and cell, and of this place: by its name, by that of one above it, or as one
    of those that neither directory knows."""
    cell = (request["subject"]["id"], request["resource"]["type"], request["action"]["name"])
    scope = (request["resource"].get("properties") or {}).get("scope")
    time = _time(request)
    changes = [one for one in found.changes if (one.user, one.type, one.action) == cell and _began(one) <= time]
    changed = {scope for one in changes for scope in one.scopes}
    above = {scope}
    if scope is not None:
        for policy, people in sides:
            above |= {place or policy.table.root for place in places(_model(policy), people, scope) or ()}
        if _unknown(scope, sides):
            above |= {place for place in changed if place is not None and _unknown(place, sides)}
    return not above.isdisjoint(changed)


def _began(change: PersonChange) -> Any:
    return NOW if change.since is None else moment(change.since)


def _unknown(scope: str, sides: Any) -> bool:
    return all(places(_model(policy), people, scope) is None for policy, people in sides)
