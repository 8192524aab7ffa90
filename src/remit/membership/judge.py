"""Whether an event is accepted, and what it changes (SEMANTICS 8): a pure function of a policy, a roster and an event.

    event ──shape──▶ lines of its kind ──when──▶ requires (the evaluator, for the actor) ──▶ names ──▶ changes
          ──guards──▶ outcome

Refusals come in that order: `invalid_event`, `no_rule`, `not_permitted`, unknown names, users in the wrong state,
guards. Nothing is changed here: an accepted event comes back with the changes it makes, a refused one without any.

    remove ann by bob        bob may `remove` on member ann? yes, people.remit:7     ann is the only active owner
    → refused, guard_failed, guard last_owner
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from remit.directory.changes import Change, GroupPut, Joined, Left, ScopePut, UserGone, UserPut, changed
from remit.directory.shape import Assignment, Status, User
from remit.evaluator.index import Index
from remit.instant import format_instant
from remit.membership.case import Case, RefusedError
from remit.membership.effects import changes_of, check_names
from remit.membership.event import OWN, BadEvent, Event
from remit.membership.guards import Guards, Person, Touched
from remit.membership.requires import check_actor, check_requires
from remit.membership.roster import Roster
from remit.table.shape import Place

RESULT = ("accepted", "code", "guard", "roles", "status", "message", "at")  # the keys of a result line


class Outcome(NamedTuple):
    """What became of an event. `roles`: the individual roles of the user or group at the event's scope afterwards,
    sorted; `status`: the user's afterwards. `at`: the line that decided. `rules`: the rules by which the actor may, or
    is forbidden: their ids. `changes` are made together or not at all."""

    code: str
    roles: tuple[str, ...] = ()
    status: Status | None = None
    message: str = ""
    at: Place | None = None
    guard: str | None = None
    rules: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def accepted(self) -> bool:
        return self.code == "accepted"

    def result(self) -> dict[str, Any]:
        """The result line (DESIGN 3)."""
        at = self.at
        return {
            "accepted": self.accepted,
            "code": self.code,
            "guard": self.guard,
            "roles": list(self.roles),
            "status": self.status,
            "message": self.message,
            "at": {"file": at.file, "line": at.line, "column": at.column} if at else None,
        }


def judge_event(index: Index, roster: Roster, event: Event | BadEvent, now: int) -> Outcome:
    """The outcome of one event on the directory as it is. `now`: nanoseconds since 1970. Raises MisfitError where the
    directory does not fit the policy's scopes."""
    if isinstance(event, BadEvent):
        return Outcome("invalid_event", message=event.why)
    case = Case(index, roster, event, now)
    try:
        return _accepted(case)
    except RefusedError as refused:
        status = case.user.status if case.user and not case.impersonal else None
        roles = _roles_after(case, ())
        return Outcome(refused.code, roles, status, refused.message, refused.at, refused.guard, refused.rules)


def _accepted(case: Case) -> Outcome:
    """The outcome of an event that is not refused. Raises RefusedError."""
    if not case.lines:
        to_group = " to group" if case.to_group else ""
        raise RefusedError("no_rule", f"the policy has no line `on {case.event.type}{to_group}`")
    if case.event.type not in OWN:
        check_actor(case)
    matching = [(line, case.matches(line)) for line in case.lines]
    certain = [line for line, matches in matching if matches]
    given = case.given(certain)
    rules: dict[str, None] = {}
    for line, matches in matching:
        if matches is not False and line.requires is not None:  # what cannot be told lifts no requirement
            rules.update(dict.fromkeys(check_requires(case, line, given)))
    check_names(case)
    changes = tuple(changes_of(case, given, matched=bool(certain)))
    _check_guards(case, changes, tuple(rules))
    at = (certain or case.lines)[0].place
    after, roles = _user_after(case, changes), _roles_after(case, changes)
    status = after.status if after else None
    message = _said(case, after, roles) if certain or case.event.type in OWN else "no line of the policy matches"
    return Outcome("accepted", roles, status, message, at, rules=tuple(rules), changes=changes)


# -- guards ------------------------------------------------------------------------------------------------------------


def _check_guards(case: Case, changes: tuple[Change, ...], rules: tuple[str, ...]) -> None:
    if not case.table.guards or not changes:
        return
    guards = Guards(case.index, case.roster, case.now)
    broken = guards.worsened(list(_touched(case, guards, changes)))
    for change in changes:
        if broken is None and isinstance(change, ScopePut):
            broken = guards.opened(change.scope.name, changed(case.near, changes))
    if broken is not None:
        guard = broken.guard
        raise RefusedError("guard_failed", f"guard `{guard.name}`: {broken.message}", guard.place, guard.name, rules)


def _touched(case: Case, guards: Guards, changes: tuple[Change, ...]) -> Iterable[Touched]:
    """Everybody whose roles or status the changes touch, each once: before, and after all of them. What makes an empty
    group, a place or a domain touches nobody."""
    after = changed(case.near, changes)
    people: dict[str, None] = {}
    for change in changes:
        match change:
            case UserPut(user):
                people[user.id] = None
            case UserGone(id) | Joined(_, id) | Left(_, id):
                people[id] = None
            case GroupPut(name, assignments) if name in case.near.groups:
                yield from _in_group(case, guards, name, assignments)
            case _:
                pass
    for name in people:
        yield Touched(guards.person(case.near, name), guards.person(after, name))


def _in_group(case: Case, guards: Guards, name: str, assignments: tuple[Assignment, ...]) -> Iterable[Touched]:
    """Everybody who holds a group's roles, before and after they change."""
    near = case.roster.neighbourhood(users=list(case.roster.members(name)))
    if name not in near.groups:
        return
    groups = {**near.groups, name: near.groups[name]._replace(assignments=assignments)}
    before, after = guards.holders(near), guards.holders(near._replace(groups=groups))
    for user in near.users.values():
        yield Touched(*(Person(user.id, user.status, held.holdings(user)) for held in (before, after)))


# -- afterwards --------------------------------------------------------------------------------------------------------


def _user_after(case: Case, changes: tuple[Change, ...]) -> User | None:
    if case.impersonal:
        return None
    for change in changes:
        if isinstance(change, UserPut):
            return change.user
        if isinstance(change, UserGone):
            return None
    return case.user


def _roles_after(case: Case, changes: tuple[Change, ...]) -> tuple[str, ...]:
    own = case.own()
    for change in changes:
        if isinstance(change, UserPut):
            own = change.user.assignments
        elif isinstance(change, GroupPut):
            own = change.assignments
        elif isinstance(change, UserGone):
            own = ()
    return tuple(sorted({case.role_name(one.role) for one in own if case.canonical(one.scope) == case.scope}))


def _said(case: Case, after: User | None, roles: tuple[str, ...]) -> str:
    """What holds now, in plain words."""
    event = case.event
    if event.type in ("create_group", "delete_group", "create_scope", "delete_scope"):
        thing = f"group {event.group}" if event.group is not None else event.scope
        return f"{thing} is {'there' if event.type.startswith('create') else 'gone'}"
    if event.type in ("join", "leave"):
        return f"{event.user} is {'in' if event.type == 'join' else 'not in'} group {event.group}"
    at = f" at {event.scope}" if event.scope else ""
    if roles and event.start is not None:
        at += f" from {format_instant(event.start)}"
    if roles and event.end is not None:
        at += f" until {format_instant(event.end)}"
    if event.group is not None:
        return f"group {event.group} holds {', '.join(roles) or 'no role'}{at}"
    if after is None:
        return f"{event.user} is removed"
    if not roles and event.type not in ("change_role", "revoke"):
        return f"{after.id} is {after.status}"
    return f"{after.id} is {after.status} and holds {', '.join(roles) or 'no role of their own'}{at}"


__all__ = ["RESULT", "Outcome", "judge_event"]
