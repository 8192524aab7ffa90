"""Who may cause an event (SEMANTICS 8): every `requires` put to `decide`, and `role within own` by trying requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, product
from random import Random

from referee.decide import (
    ROOT,
    Asked,
    Held,
    Json,
    assigned,
    counting,
    current_name,
    decide,
    judge,
    names_held,
    place_of,
    places,
    understand,
)
from referee.guards import all_held
from referee.heard import ON_GROUPS, ON_PLACES, OWN, Heard
from referee.lines import matches
from referee.repairs import Choices, TooLargeError, is_free
from referee.world import TEXTUAL

from remit.directory.shape import Assignment, Directory
from remit.model import expression as ex
from remit.model.policy import Model, OnEvent
from remit.model.types import STRING, STRINGS

MOST_TRIED = 60  # requests of one cell, in search of something that new roles allow and the actor may not


def permitted(
    model: Model, directory: Directory, heard: Heard, lines: list[OnEvent], given: list[Assignment]
) -> bool | None:
    """8: whether all `requires` hold of lines that match, or may match. None: a `role within own` was not refuted.
    The actor is `by`; in the user's own events that have none, the user."""
    actor = heard.user if heard.kind in OWN and heard.by is None else heard.by
    if heard.kind not in OWN and (actor not in directory.users or directory.users[actor].status != "active"):
        return False
    unsure = False
    for line in lines:
        if line.requires is None or matches(model, directory, heard, line) is False:
            continue
        for scope in judged_at(model, directory, heard):
            new = [item.role for item in given]
            if heard.kind == "join":
                new = sorted({*new, *joining_gives(model, directory, heard, scope)})
            if not may(model, directory, heard, actor, line.requires, scope, new):
                return False
            known = [name for name in new if current_name(model, name) is not None]  # others give nothing (3)
            if line.within_own and known:
                if actor is None or exceeds(model, directory, heard, actor, scope, known):
                    return False
                unsure = True
    return None if unsure else True


def judged_at(model: Model, directory: Directory, heard: Heard) -> list[str | None]:
    """8, 013: the event's scope; the root where the directory lacks that, for `disable`, `enable`, `remove` and where
    groups and places come and go; for `join` and `leave` wherever the group or a group above it is assigned anything.
    None in a policy without scopes."""
    if heard.kind in (*ON_GROUPS, *ON_PLACES):
        return [model.root]
    if heard.kind not in ("join", "leave"):
        known = heard.scope is not None and places(model, directory, heard.scope) is not None
        return [heard.scope if known else model.root]
    assert heard.group is not None
    found = {
        place_of(model, item.scope)
        for name in with_above(directory, heard.group)
        for item in directory.groups[name].assignments
    }
    return [place or model.root for place in sorted(found or {ROOT})]


def with_above(directory: Directory, group: str) -> list[str]:
    """3: the group and the groups that it is in."""
    found = [group] if group in directory.groups else []
    for inner in found:
        found.extend(name for name, one in directory.groups.items() if inner in one.groups and name not in found)
    return found


def joining_gives(model: Model, directory: Directory, heard: Heard, scope: str | None) -> list[str]:
    """8: what a new member of the group would hold at the scope through it, now or later."""
    assert heard.group is not None
    here = places(model, directory, scope) or {ROOT}
    found: set[str] = set()
    for name in with_above(directory, heard.group):
        for item in directory.groups[name].assignments:
            role = current_name(model, item.role)
            ended = item.end is not None and item.end <= heard.time
            if role is not None and not ended and place_of(model, item.scope) in here:
                found.add(role)
    return sorted(found)


def may(
    model: Model,
    directory: Directory,
    heard: Heard,
    actor: str | None,
    requires: tuple[str, str],
    scope: str | None,
    new: list[str],
) -> bool:
    """8, 013: the actor's answer on the member concerned."""
    action, type_name = requires
    held = concerned(model, directory, heard, places(model, directory, scope) or frozenset({ROOT}))
    user = directory.users.get(heard.user or "")
    said: dict[str, Json] = {
        "status": user.status if user else None,
        "roles": sorted({name for role in held for name in names_held(model, role)}),
        "new_roles": sorted({name for role in new for name in with_included(model, role)}),
        "role": held.pop() if len(held) == 1 else None,
        "new_role": new[0] if len(set(new)) == 1 else None,
    }
    declared = model.types[type_name].attributes
    properties = {name: said[name] for name in said if name in declared and as_said(model, type_name, name)}
    if scope is not None:
        properties["scope"] = scope
    id = heard.scope if heard.kind in ON_PLACES else heard.holder
    entry = directory.users.get(actor or "")
    request = {
        "subject": {"type": entry.type if entry else "user", "id": actor},
        "action": {"name": action},
        "resource": {"type": type_name, "id": id, "properties": properties},
    }
    return decide(model, directory, request, heard.time).decision


def with_included(model: Model, role: str) -> set[str]:
    """013: the role with all it includes; one that the policy lacks is its name."""
    return {role} if current_name(model, role) is None else names_held(model, role)


def as_said(model: Model, type_name: str, name: str) -> bool:
    """8, 013: whether the type declares what the event says of the member as it is said: as optional strings and sets;
    the status in any type that texts have."""
    declared = model.types[type_name].attributes[name]
    if name in ("roles", "new_roles"):
        return declared.type == STRINGS
    if name == "status":
        return declared.type.kind in TEXTUAL
    return declared.type == STRING and declared.optional


def concerned(model: Model, directory: Directory, heard: Heard, here: frozenset[str]) -> set[str]:
    """8, 013: the roles assigned to the member, there or above, through groups too, without what they include."""
    if heard.kind in ON_PLACES:
        return set()
    if heard.user is not None:
        held = all_held(model, directory, heard.user, heard.time)
    else:
        items = [
            item for name in with_above(directory, heard.group or "") for item in directory.groups[name].assignments
        ]
        held = [one for item in items if (one := assigned(model, heard.time, item, individual=False)) is not None]
    return {one.role for one in held if one.place in here}


def exceeds(model: Model, directory: Directory, heard: Heard, actor: str, scope: str | None, new: list[str]) -> bool:
    """8, 013: whether some request is allowed to somebody with only the new roles and not to one with the actor's."""
    place = place_of(model, scope)
    for type_name, kind in sorted(model.types.items()):
        for action in kind.actions:
            request = {
                "subject": {"type": directory.users[actor].type, "id": actor},
                "action": {"name": action},
                "resource": {"type": type_name, "properties": {} if scope is None else {"scope": scope}},
            }
            own = understand(model, directory, request, heard.time)
            assert isinstance(own, Asked)
            theirs = replace(own, held=tuple(Held(role, place, individual=True) for role in new))
            for tried, other in islice(pairs(model, theirs, own), MOST_TRIED):
                if judge(model, tried).decision and not judge(model, other).decision:
                    return True
    return False


def pairs(model: Model, one: Asked, other: Asked) -> Iterator[tuple[Asked, Asked]]:
    """Both requests with the same values in place of the attributes that their conditions read, in a mixed order."""
    rules = [*counting(model, one), *counting(model, other)]
    if not any(rule.cited.effect == "allow" for rule in counting(model, one)):
        return
    conditions = [rule.condition for rule in rules if rule.condition is not None]
    free = sorted({attr for node in conditions for attr in ex.attributes(node) if is_free(model, one, attr)}, key=str)
    choices = Choices(model, one, free, conditions)
    names = [str(node.value) for node in choices.constants if node.kind == "string"][:4]
    tries: list[list[Json]] = [["~", one.user], ["~", one.user, *names]]
    for attr in free:
        try:
            tries.append(choices.of(attr))
        except TooLargeError:
            tries.append([[]])
    count = 1
    for values in tries:
        count *= len(values)
    if count == 0:
        return
    random = Random(0)
    many = ([random.choice(values) for values in tries] for _ in range(MOST_TRIED))
    for user, id, *values in product(*tries) if count <= MOST_TRIED else many:
        properties, context = dict(one.properties), dict(one.context)
        for attr, value in zip(free, values, strict=True):
            (properties if attr.root == "resource" else context)[attr.name] = value
        same = {"user": user, "id": id, "properties": properties, "context": context}
        yield replace(one, **same), replace(other, **same)
