"""What becomes of a membership event, read off the checked model and the directory, by brute force.

The numbers in the docstrings are the sections of SEMANTICS that they read; where these leave room, docs/decisions/013
is read. What an event says is in `heard`, the lines it meets in `lines`, who may in `requires`, guards in `guards`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from referee.decide import ROOT, Json, current_name, place_of
from referee.guards import first_broken
from referee.heard import ON_PLACES, OWN, Heard, domain_of, hear, unknown_name
from referee.lines import gifts, lines_of, matches
from referee.requires import permitted

from remit.directory.shape import Assignment, Directory, Group, Scope, User
from remit.model.policy import Model


@dataclass(frozen=True)
class EventVerdict:
    """What becomes of an event. `unsure`: `not_permitted` would do as well, since nothing that the new roles allow and
    the actor may not was found, which proves nothing."""

    accepted: bool
    code: str
    guard: str | None
    roles: list[str]
    status: str | None
    directory: Directory
    unsure: bool = False


def judge_event(model: Model, directory: Directory, event: Json, now: int) -> EventVerdict:
    """8: the event at `now` (nanoseconds since 1970), which its own time overrides. The first code that fits."""
    heard = hear(model, event, now)
    if heard is None:
        return EventVerdict(False, "invalid_event", None, [], None, directory)
    lines = lines_of(model, heard)
    if not lines:
        return refused(model, directory, heard, "no_rule")
    matching = [line for line in lines if matches(model, directory, heard, line) is True]
    given = gifts(model, heard, matching)
    fits = permitted(model, directory, heard, lines, given)
    if fits is False:
        return refused(model, directory, heard, "not_permitted")
    unsure = fits is None
    code = unknown_name(model, directory, heard)
    if code is not None:
        return refused(model, directory, heard, code, unsure)
    after = change(model, directory, heard, given)
    if isinstance(after, str):
        return refused(model, directory, heard, after, unsure)
    if not matching and heard.kind not in OWN:
        after = directory  # 013: else a `when` that claims can make false would lift what the line requires
    broken = first_broken(model, directory, after, heard.time)
    if broken is not None:
        return refused(model, directory, heard, "guard_failed", unsure, broken)
    roles, status = afterwards(model, after, heard)
    return EventVerdict(True, "accepted", None, roles, status, after, unsure)


def refused(
    model: Model, directory: Directory, heard: Heard, code: str, unsure: bool = False, guard: str | None = None
) -> EventVerdict:
    roles, status = afterwards(model, directory, heard)
    return EventVerdict(False, code, guard, roles, status, directory, unsure)


def afterwards(model: Model, directory: Directory, heard: Heard) -> tuple[list[str], str | None]:
    """8, 013: the individual roles at the event's scope, of the group in events for groups, and the user's status."""
    status: str | None = None
    if heard.user is not None:
        user = directory.users.get(heard.user)
        status = user.status if user else None
        held = user.assignments if user else ()
    else:
        group = directory.groups.get(heard.group or "")
        held = group.assignments if group else ()
    here = [current_name(model, item.role) or item.role for item in held if place_of(model, item.scope) == heard.place]
    return sorted(set(here)), status


# -- what changes (8) ------------------------------------------------------------------------------------------------


def change(model: Model, directory: Directory, heard: Heard, given: list[Assignment]) -> Directory | str:
    """8: the directory afterwards, where lines match, or why the event makes no sense there."""
    if heard.kind in ON_PLACES:
        return change_places(model, directory, heard)
    if heard.user is None:
        return change_group(model, directory, heard, given)
    user = directory.users.get(heard.user)
    if heard.kind == "invite":
        if user is not None:
            return "already_exists"
        waits = any(line.kind == "register" for layer in model.layers() for line in layer.events)
        status = "pending" if waits else "active"
        invited = User(heard.user, status=status, attributes=heard.attributes, assignments=tuple(given))
        return put(welcomed(directory, heard.user), invited)
    if heard.kind in OWN:
        return sign(model, directory, heard, given)
    if user is None:
        return "unknown_user"
    kept = user.assignments
    match heard.kind:
        case "change_role":
            kept = tuple(item for item in kept if place_of(model, item.scope) != heard.place)
        case "revoke":
            kept = without(model, kept, heard)
        case "disable" if user.status != "disabled":
            user = user._replace(status="disabled", status_before=user.status)
        case "enable" if user.status == "disabled":
            user = user._replace(status=user.status_before or "active", status_before=None)
        case "remove":
            return remove(directory, heard.user)
        case "join" | "leave":
            directory = move(directory, heard)
    return put(directory, user._replace(assignments=added(model, kept, given)))


def sign(model: Model, directory: Directory, heard: Heard, given: list[Assignment]) -> Directory | str:
    """8, 013: `signup`, `sso_login` and `register`."""
    assert heard.user is not None
    user = directory.users.get(heard.user)
    if user is None:
        if heard.user in directory.removed or heard.kind == "register":
            return "unknown_user"
    elif user.status == "disabled":
        return "inactive_user"
    elif heard.kind == "signup" or (heard.kind == "register" and user.status == "active"):
        return "already_exists"
    joins = user is None or user.status == "pending"
    before = user or User(heard.user)
    signed = before._replace(
        status="active",
        attributes={**before.attributes, **heard.attributes},
        assignments=added(model, before.assignments, given),
    )
    domains = directory.joined_domains | ({heard.domain} - {""} if joins else set())
    return put(directory, signed)._replace(joined_domains=domains)


def put(directory: Directory, user: User) -> Directory:
    return directory._replace(users={**directory.users, user.id: user})


def remove(directory: Directory, name: str) -> Directory:
    """8: forgets assignments and memberships, and keeps a tombstone."""
    users = {other: user for other, user in directory.users.items() if other != name}
    groups = {
        other: group._replace(members=tuple(one for one in group.members if one != name))
        for other, group in directory.groups.items()
    }
    return directory._replace(users=users, groups=groups, removed=directory.removed | {name})


def welcomed(directory: Directory, name: str) -> Directory:
    """8: without the tombstone; that somebody joined from the domain outlives it."""
    if name not in directory.removed:
        return directory
    domains = directory.joined_domains | ({domain_of(name)} - {""})
    return directory._replace(removed=directory.removed - {name}, joined_domains=domains)


def move(directory: Directory, heard: Heard) -> Directory:
    """8: `join` and `leave`; a member who joins and a stranger who leaves change nothing."""
    assert heard.user is not None
    assert heard.group is not None
    group = directory.groups[heard.group]
    members = [one for one in group.members if one != heard.user]
    if heard.kind == "join":
        members.append(heard.user)
    return directory._replace(groups={**directory.groups, group.name: group._replace(members=tuple(members))})


def change_group(model: Model, directory: Directory, heard: Heard, given: list[Assignment]) -> Directory | str:
    """8, 012: events that concern a group and no user."""
    assert heard.group is not None
    group = directory.groups.get(heard.group)
    groups = dict(directory.groups)
    if heard.kind == "create_group":
        if group is not None:
            return "already_exists"
        groups[heard.group] = Group(heard.group, assignments=tuple(given))
        return directory._replace(groups=groups)
    assert group is not None
    if heard.kind == "delete_group":
        if group.members or group.groups or group.assignments:
            return "not_empty"
        del groups[heard.group]
        for name, other in groups.items():
            groups[name] = other._replace(groups=tuple(one for one in other.groups if one != heard.group))
        return directory._replace(groups=groups)
    kept = without(model, group.assignments, heard) if heard.kind == "revoke" else group.assignments
    groups[heard.group] = group._replace(assignments=added(model, kept, given))
    return directory._replace(groups=groups)


def change_places(model: Model, directory: Directory, heard: Heard) -> Directory | str:
    """012, 013: a place is made once, and goes only when nobody is assigned anything there and nothing is below it."""
    assert heard.scope is not None
    scopes = dict(directory.scopes)
    if heard.kind == "create_scope":
        if heard.place == ROOT or heard.scope in scopes:
            return "already_exists"
        scopes[heard.scope] = Scope(heard.scope, heard.parents)
        return directory._replace(scopes=scopes)
    holders = [*directory.users.values(), *directory.groups.values()]
    assigned_there = any(item.scope == heard.scope for holder in holders for item in holder.assignments)
    if heard.place == ROOT or assigned_there or any(heard.scope in scope.parents for scope in scopes.values()):
        return "not_empty"
    del scopes[heard.scope]
    return directory._replace(scopes=scopes)


def without(model: Model, items: Iterable[Assignment], heard: Heard) -> tuple[Assignment, ...]:
    """8: `revoke` takes one role at the scope, or all; 013: one that the policy lacks by its name."""
    taken = None if heard.role is None else current_name(model, heard.role) or heard.role
    return tuple(
        item
        for item in items
        if place_of(model, item.scope) != heard.place
        or (taken is not None and (current_name(model, item.role) or item.role) != taken)
    )


def added(model: Model, items: tuple[Assignment, ...], given: Iterable[Assignment]) -> tuple[Assignment, ...]:
    """013: what is held already is not given again."""
    for new in given:
        held = any(same(model, item) == same(model, new) for item in items)
        items = items if held else (*items, new)
    return items


def same(model: Model, item: Assignment) -> tuple[str, str, int | None, int | None]:
    """What tells assignments apart."""
    return current_name(model, item.role) or item.role, place_of(model, item.scope), item.start, item.end
