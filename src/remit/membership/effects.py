"""What an event changes, or why it cannot: names that are not there, users in the wrong state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from remit.diagnostics import similar
from remit.directory.changes import (
    Change,
    DomainJoined,
    GroupGone,
    GroupPut,
    Joined,
    Left,
    ScopeGone,
    ScopePut,
    UserGone,
    UserPut,
)
from remit.directory.fit import may_hold
from remit.directory.shape import Assignment, Scope, User
from remit.membership.case import Case, RefusedError
from remit.membership.event import OWN
from remit.membership.roster import domain_of


def check_names(case: Case) -> None:
    """Roles, scopes and groups that are not there. Raises RefusedError."""
    event, table = case.event, case.table
    if event.role is not None and table.canonical_role(event.role) is None:
        stale = event.type == "revoke" and any(one.role == event.role for one in case.own())
        if not stale:  # what a former policy gave may be taken away
            near = similar(event.role, table.roles)
            raise RefusedError("unknown_role", f"the policy has no role `{event.role}`{f'; {near}' if near else ''}")
    if event.type == "create_scope":
        _check_new_scope(case)
    elif not case.scope_known:
        raise RefusedError("unknown_scope", f"the directory has no scope `{event.scope}`")
    if event.group is not None and event.type != "create_group" and event.group not in case.near.groups:
        raise RefusedError("unknown_group", f"the directory has no group `{event.group}`")


def _check_new_scope(case: Case) -> None:
    name, table = case.event.scope or "", case.table
    kind, slash, _ = name.partition("/")
    if name != table.root and (kind not in table.scopes or kind == table.root or not slash):
        raise RefusedError("unknown_scope", f"`{name}` is no place of this policy, which is written `KIND/ID`")
    for parent in case.event.parents:
        if parent == table.root:
            continue
        if parent not in case.near.scopes:
            raise RefusedError("unknown_scope", f"the directory has no scope `{parent}`")
        if name != table.root and not may_hold(table, parent.partition("/")[0], kind):
            raise RefusedError("unknown_scope", f"`{parent}` cannot be above `{name}`")


def changes_of(case: Case, given: tuple[str, ...], matched: bool) -> list[Change]:
    """What the event changes, giving the roles `given`. `matched`: some line of the policy matches it; where none does,
    only what users do of their own changes anything. Raises RefusedError for users, groups and places in the wrong
    state."""
    kind = case.event.type
    if kind in OWN:
        return _own_event(case, given)
    changes = _EFFECTS[kind](case, given)
    return changes if matched else []


# -- people ------------------------------------------------------------------------------------------------------------


def _own_event(case: Case, given: tuple[str, ...]) -> list[Change]:
    """Signing up, signing in, registering: by whoever is not disabled, and was not removed."""
    kind, user, event = case.event.type, case.user, case.event
    if user is not None and user.status == "disabled":
        raise RefusedError("inactive_user", f"{user.id} is disabled")
    if user is None and (kind == "register" or case.roster.is_removed(event.user or "")):
        case.known_user()
    if user is not None and (kind == "signup" or (kind == "register" and user.status == "active")):
        raise RefusedError("already_exists", f"{user.id} is {user.status} already")
    joining = user is None or user.status == "pending"
    made = _with_attributes(case, user or User(event.user or ""))._replace(status="active")
    made = made._replace(assignments=_added(case, made.assignments, given))
    changes: list[Change] = [] if made == user else [UserPut(made)]
    return [*changes, *_joining(case)] if joining else changes


def _invite(case: Case, given: tuple[str, ...]) -> list[Change]:
    name = case.event.user or ""
    if case.user is not None:
        raise RefusedError("already_exists", f"{name} is {case.user.status} already")
    pending = any(line.kind == "register" for line in case.table.events)
    user = _with_attributes(case, User(name, status="pending" if pending else "active"))
    changes: list[Change] = [UserPut(user._replace(assignments=_added(case, (), given)))]
    if case.roster.is_removed(name) and domain_of(name):
        changes.append(DomainJoined(domain_of(name)))  # what the tombstone, lifted now, has kept
    return changes if pending else [*changes, *_joining(case)]


def _joining(case: Case) -> list[Change]:
    """The domain, where this is the first user to join from it."""
    return [DomainJoined(case.domain)] if case.domain and not case.roster.has_joined(case.domain) else []


def _with_attributes(case: Case, user: User) -> User:
    brought = case.event.attributes
    return user._replace(attributes={**user.attributes, **brought}) if brought else user


def _status(case: Case, given: tuple[str, ...]) -> list[Change]:
    user, kind = case.known_user(), case.event.type
    if kind == "remove":
        return [UserGone(user.id)]
    after = user
    if kind == "disable" and user.status != "disabled":
        after = user._replace(status="disabled", status_before=user.status)
    elif kind == "enable" and user.status == "disabled":
        before = user.status_before
        after = user._replace(status="active" if before in (None, "disabled") else before, status_before=None)
    after = after._replace(assignments=_added(case, user.assignments, given))
    return [] if after == user else [UserPut(after)]


# -- roles -------------------------------------------------------------------------------------------------------------


def _roles(case: Case, given: tuple[str, ...]) -> list[Change]:
    """Roles of a user or a group: replaced at the scope, one more, or fewer."""
    event, own = case.event, case.own()
    if event.group is None:
        case.known_user()
    kept = own
    if event.type == "change_role":
        kept = tuple(one for one in own if case.canonical(one.scope) != case.scope)
    elif event.type == "revoke":
        role = None if event.role is None else case.role_name(event.role)
        kept = tuple(one for one in own if not _revoked(case, one, role))
    after = _added(case, kept, given)
    if _alike(case, after) == _alike(case, own):
        return []
    if event.group is not None:
        return [GroupPut(event.group, after)]
    return [UserPut(case.known_user()._replace(assignments=after))]


def _added(case: Case, own: tuple[Assignment, ...], given: tuple[str, ...]) -> tuple[Assignment, ...]:
    """The assignments with those the event gives, each once."""
    start, end = case.event.start, case.event.end
    there = set(_alike(case, own))
    given_now = (Assignment(role, case.scope, start, end) for role in given)
    return (*own, *(one for one in given_now if _alike(case, [one])[0] not in there))


def _revoked(case: Case, one: Assignment, role: str | None) -> bool:
    if case.canonical(one.scope) != case.scope:
        return False
    return role is None or case.role_name(one.role) == role


def _alike(case: Case, assignments: Iterable[Assignment]) -> list[tuple[Any, ...]]:
    """What assignments say, without where they are written or in which order."""
    return sorted(
        (case.role_name(one.role), case.canonical(one.scope) or "", str(one.start), str(one.end)) for one in assignments
    )


# -- groups and places -------------------------------------------------------------------------------------------------


def _membership(case: Case, given: tuple[str, ...]) -> list[Change]:
    user, name = case.known_user(), case.event.group or ""
    inside = user.id in case.near.groups[name].members
    changes: list[Change] = []
    if case.event.type == "join" and not inside:
        changes.append(Joined(name, user.id))
    elif case.event.type == "leave" and inside:
        changes.append(Left(name, user.id))
    after = _added(case, user.assignments, given)
    return changes if after == user.assignments else [*changes, UserPut(user._replace(assignments=after))]


def _group(case: Case, given: tuple[str, ...]) -> list[Change]:
    name = case.event.group or ""
    if case.event.type == "create_group":
        if name in case.near.groups:
            raise RefusedError("already_exists", f"there is a group `{name}` already")
        return [GroupPut(name, _added(case, (), given))]
    if case.roster.group_in_use(name):
        raise RefusedError("not_empty", f"the group `{name}` still has members or roles")
    return [GroupGone(name)]


def _place(case: Case, given: tuple[str, ...]) -> list[Change]:
    name = case.event.scope or ""
    if case.event.type == "create_scope":
        if case.scope_known:
            raise RefusedError("already_exists", f"there is a scope `{name}` already")
        return [ScopePut(Scope(name, tuple(dict.fromkeys(case.event.parents))))]
    if name == case.table.root:
        raise RefusedError("not_empty", f"`{name}` is the root, and everything is in it")
    if case.roster.scope_in_use(name):
        raise RefusedError("not_empty", f"something is assigned at `{name}`, or lies below it")
    return [ScopeGone(name)]


_EFFECTS: dict[str, Callable[[Case, tuple[str, ...]], list[Change]]] = {
    "invite": _invite,
    "change_role": _roles,
    "assign": _roles,
    "revoke": _roles,
    "disable": _status,
    "enable": _status,
    "remove": _status,
    "join": _membership,
    "leave": _membership,
    "create_group": _group,
    "delete_group": _group,
    "create_scope": _place,
    "delete_scope": _place,
}
