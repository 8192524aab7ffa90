"""Whether an event is accepted, and what it changes (SEMANTICS 8): a pure function of a policy, a roster and an event.

    event ──shape──▶ lines of its kind ──when──▶ requires (the evaluator, for the actor) ──▶ names ──▶ changes
          ──guards──▶ outcome

Refusals come in that order: `invalid_event`, `no_rule`, `not_permitted`, unknown names, users in the wrong state,
guards. Nothing is changed here: an accepted event comes back with the changes it makes, a refused one without any.

    remove ann by bob        bob may `remove` on member ann? yes, people.remit:7     ann is the only active owner
    → refused, guard_failed, guard last_owner
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple

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
from remit.directory.shape import Assignment, Directory, Scope, Status, User
from remit.evaluator.conditions import compile_condition
from remit.evaluator.facts import EMPTY, NOBODY, Facts, Person
from remit.evaluator.holding import Held
from remit.evaluator.index import Index
from remit.evaluator.pdp import Judged, Pdp
from remit.membership.event import GIVING, OWN, BadEvent, Event
from remit.membership.guards import Guards, Touched
from remit.membership.guards import Person as Holder
from remit.membership.roster import Roster, domain_of
from remit.membership.within import beyond
from remit.model.types import Reading
from remit.table.shape import EventEntry, Place


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
    """The outcome of one event on the directory as it is. `now`: nanoseconds since 1970, where the event has no time
    of its own. Raises nothing of its own."""
    if isinstance(event, BadEvent):
        return Outcome("invalid_event", message=event.why)
    judgement = _Judgement(index, roster, event, now if event.time is None else event.time)
    try:
        return judgement.run()
    except _RefusedError as refused:
        return judgement.refuse(refused)


class _RefusedError(Exception):
    def __init__(
        self,
        code: str,
        message: str,
        at: Place | None = None,
        guard: str | None = None,
        rules: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.at, self.guard, self.rules = code, message, at, guard, rules


class _Judgement:
    """One event on its way."""

    def __init__(self, index: Index, roster: Roster, event: Event, now: int) -> None:
        self.index = index
        self.table = index.table
        self.roster = roster
        self.event = event
        self.now = now
        self.scope = None if event.scope == self.table.root else event.scope
        self.actor = event.by or (event.user if event.type in OWN else None)
        people = [name for name in (event.user, self.actor) if name is not None]
        groups = [event.group] if event.group is not None else []
        scopes = [event.scope, *event.parents] if event.scope is not None else []
        self.near = roster.neighbourhood(people, groups, scopes)
        self.pdp = Pdp(self.table, self.near, lambda: now, index)
        self.user = self.near.users.get(event.user) if event.user is not None else None
        self.lines = [
            line
            for line in self.table.events
            if line.kind == event.type and line.to_group == (event.type in ("assign", "revoke") and bool(event.group))
        ]
        self.rules: tuple[str, ...] = ()

    def run(self) -> Outcome:
        if not self.lines:
            to_group = " to group" if self.event.group and self.event.type in ("assign", "revoke") else ""
            raise _RefusedError("no_rule", f"the policy has no line `on {self.event.type}{to_group}`")
        if self.event.type not in OWN:
            self._check_actor()
        matching = [(line, self._matches(line)) for line in self.lines]
        certain = [line for line, matches in matching if matches]
        given = self._given(certain)
        for line, matches in matching:
            if matches is not False and line.requires is not None:
                self._check_requires(line, given)
        self._check_names()
        changes = tuple(self._changes(given, bool(certain)))
        self._check_guards(changes)
        at = (certain or self.lines)[0].place
        after = self._user_after(changes)
        roles = self._roles_after(changes)
        return Outcome(
            "accepted", roles, after.status if after else None, self._said(after, roles), at,
            rules=self.rules, changes=changes,
        )  # fmt: skip

    def refuse(self, refused: _RefusedError) -> Outcome:
        """The outcome of a refusal: roles and status are as they were."""
        status = self.user.status if self.user and not self._impersonal else None
        return Outcome(
            refused.code, self._roles_after(()), status, refused.message, refused.at, refused.guard, refused.rules
        )

    # -- lines of the policy -----------------------------------------------------------------------------------------

    def _matches(self, line: EventEntry) -> bool | None:
        """Whether the line's `when` is so; None where it cannot be told."""
        trigger = line.trigger
        if trigger is None:
            return True
        if trigger == "unassigned":
            return not any(held.counts_at(self.now) for held in self._holdings())
        if trigger == "first in domain":
            return self._first_in_domain()
        assert not isinstance(trigger, str)
        test = compile_condition(trigger, Reading({"claims": self.table.claims}))
        person = Person(EMPTY, None, lambda: None, lambda: None, lambda: self.now)
        return test(Facts(NOBODY, EMPTY, self.event.claims, None, person))

    def _holdings(self) -> tuple[Any, ...]:
        return self.pdp.holders.holdings(self.user) if self.user is not None else ()

    @property
    def _domain(self) -> str:
        event = self.event
        return event.domain.lower() if event.domain is not None else domain_of(event.user or "")

    def _first_in_domain(self) -> bool:
        """Nobody ever joined from that domain; one who is there already has."""
        joining = self.user is None or self.user.status == "pending"
        return joining and bool(self._domain) and not self.roster.has_joined(self._domain)

    def _given(self, certain: list[EventEntry]) -> tuple[str, ...]:
        """The roles the event gives, by their present names where they have one."""
        if not certain:
            return ()
        names = [role for line in certain for role in line.assign]
        if self.event.type in GIVING and self.event.role is not None:
            names.insert(0, self.event.role)
        return tuple(dict.fromkeys(self.table.canonical_role(name) or name for name in names))

    # -- what the actor may ------------------------------------------------------------------------------------------

    def _check_actor(self) -> None:
        by = self.event.by
        actor = self.near.users.get(by) if by is not None else None
        if by is None:
            raise _RefusedError("not_permitted", "nobody is said to do this: `by` is missing", self.lines[0].place)
        if actor is None:
            raise _RefusedError("not_permitted", f"nobody knows {by}", self.lines[0].place)
        if actor.status != "active":
            raise _RefusedError("not_permitted", f"{by} is {actor.status}", self.lines[0].place)

    def _check_requires(self, line: EventEntry, given: tuple[str, ...]) -> None:
        """The actor may do what the line requires, at each place it is judged at."""
        assert line.requires is not None
        action, kind = line.requires
        found: dict[str, None] = dict.fromkeys(self.rules)
        for place in self._judged_at():
            gives = self._through_group(place) if self.event.type == "join" else given
            judged = self._ask(action, kind, place, gives)
            rules = self._rule_ids(judged)
            if judged.code != "allowed":
                raise _RefusedError(
                    "not_permitted", self._why_not(judged, action, kind, place), line.place, None, rules
                )
            if line.within_own:
                self._check_within(line, gives, place, judged)
            found.update(dict.fromkeys(rules))
        self.rules = tuple(found)

    def _judged_at(self) -> list[str | None]:
        """The places of the judgement; None is the root."""
        if self.event.type in ("join", "leave"):
            held = {self._canonical(given.scope) for group in self._groups_above() for given in group.assignments}
            return sorted(held, key=lambda scope: scope or "") or [None]
        if self.event.type in ("create_scope", "delete_scope"):
            return [None]
        return [self.scope if self._scope_known else None]

    def _groups_above(self) -> list[Any]:
        """The event's group and those above it."""
        name = self.event.group
        if name is None or name not in self.near.groups:
            return []
        found, pending = {name: self.near.groups[name]}, [name]
        while pending:
            inner = pending.pop()
            for group in self.near.groups.values():
                if inner in group.groups and group.name not in found:
                    found[group.name] = group
                    pending.append(group.name)
        return list(found.values())

    def _through_group(self, place: str | None) -> tuple[str, ...]:
        """The roles that membership of the event's group gives at a place."""
        above = self.pdp.holders.scopes.above(place)
        given = (one for group in self._groups_above() for one in group.assignments)
        names = (self.table.canonical_role(one.role) for one in given if self._canonical(one.scope) in above)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    def _ask(self, action: str, kind: str, place: str | None, gives: tuple[str, ...]) -> Judged:
        """The evaluator's answer for the actor, on the member concerned."""
        values = self._member(place, gives)
        properties: dict[str, Any] = {
            name: value
            for name, value in values.items()
            if value is not None and name in self.table.types[kind].attributes
        }
        if self.table.root is not None:
            properties["scope"] = place or self.table.root
        resource = {"type": kind, "id": self._concerned, "properties": properties}
        return self.pdp.ask(self.actor or "", action, resource).judged

    def _member(self, place: str | None, gives: tuple[str, ...]) -> dict[str, Any]:
        """The attributes of the member (or group) concerned."""
        if self._impersonal:
            holdings = [self._holding(given) for group in self._groups_above() for given in group.assignments]
            held: Held | None = self.pdp.holders.at(tuple(filter(None, holdings)), place or self.table.root, self.now)
        else:
            held = self.pdp.holders.at(self._holdings(), place or self.table.root, self.now) if self.user else None
        above = self.pdp.holders.scopes.above(place)
        assigned = {one.role for one in held.holdings if one.scope in above} if held else set()
        known = [role for role in gives if role in self.table.roles]
        return {
            "status": self.user.status if self.user and not self._impersonal else None,
            "roles": sorted(self._closed(assigned)),
            "role": assigned.pop() if len(assigned) == 1 else None,
            "new_roles": sorted({*gives, *self._closed(known)}),
            "new_role": gives[0] if len(gives) == 1 else None,
        }

    def _holding(self, given: Assignment) -> Any:
        return self.pdp.holders.holding(given.role, given.scope, "group", "", given.start, given.end)

    def _closed(self, roles: Iterable[str]) -> set[str]:
        return set(chain.from_iterable((role, *self.table.roles[role].includes) for role in roles))

    def _check_within(self, line: EventEntry, gives: tuple[str, ...], place: str | None, judged: Judged) -> None:
        assert judged.held is not None
        roles = self.pdp.holders.role_names(judged.held, place or self.table.root) or frozenset()
        known = [role for role in gives if role in self.table.roles]
        more = beyond(self.index, known, judged.held, roles)
        if more is not None:
            action, kind = more
            named = ", ".join(known)
            message = f"{named} may {action} on {kind}, and {self.actor} may not give more than they have"
            raise _RefusedError("not_permitted", message, line.place)

    def _why_not(self, judged: Judged, action: str, kind: str, place: str | None) -> str:
        at = f" at {place}" if place else ""
        why = {
            "denied_by_rule": "a rule denies it",
            "no_rule": "nothing allows it",
            "unknown_user": f"nobody knows {self.actor}",
            "inactive_user": f"{self.actor} is not active",
        }.get(judged.code, judged.why or judged.code)
        return f"{self.actor} may not {action} on {kind} {self._concerned}{at}: {why}"

    def _rule_ids(self, judged: Judged) -> tuple[str, ...]:
        cell = judged.cell
        if cell is None:
            return ()
        entries = judged.denies if judged.code == "denied_by_rule" else judged.allows
        return tuple(self.index.rule_id(entry.rule, cell) for entry in entries)

    # -- names and states --------------------------------------------------------------------------------------------

    @property
    def _impersonal(self) -> bool:
        """Whether the event concerns a group or a place and no user."""
        return self.event.user is None

    @property
    def _concerned(self) -> str:
        event = self.event
        return event.user or event.group or event.scope or ""

    @property
    def _scope_known(self) -> bool:
        return self.scope is None or self.scope in self.near.scopes

    def _check_names(self) -> None:
        """Roles, scopes and groups that are not there."""
        event, table = self.event, self.table
        if event.role is not None and table.canonical_role(event.role) is None:
            held = event.type == "revoke" and any(one.role == event.role for one in self._own())
            if not held:
                raise _RefusedError("unknown_role", f"the policy has no role `{event.role}`")
        if event.type == "create_scope":
            self._check_new_scope()
        elif not self._scope_known:
            raise _RefusedError("unknown_scope", f"the directory has no scope `{event.scope}`")
        if event.group is not None and event.type != "create_group" and event.group not in self.near.groups:
            raise _RefusedError("unknown_group", f"the directory has no group `{event.group}`")

    def _check_new_scope(self) -> None:
        name, table = self.event.scope or "", self.table
        if name == table.root:
            return
        kind, slash, identifier = name.partition("/")
        if kind not in table.scopes or kind == table.root or not slash or not identifier:
            raise _RefusedError("unknown_scope", f"`{name}` is no place of this policy, which is written `KIND/ID`")
        for parent in self.event.parents:
            above = parent.partition("/")[0]
            if parent != table.root and parent not in self.near.scopes:
                raise _RefusedError("unknown_scope", f"the directory has no scope `{parent}`")
            if parent != table.root and not may_hold(table, above, kind):
                raise _RefusedError("unknown_scope", f"`{parent}` cannot be above `{name}`")

    def _known_user(self) -> User:
        if self.user is None:
            gone = self.roster.is_removed(self.event.user or "")
            message = f"{self.event.user} was removed" if gone else f"nobody knows {self.event.user}"
            raise _RefusedError("unknown_user", message)
        return self.user

    # -- changes -----------------------------------------------------------------------------------------------------

    def _changes(self, given: tuple[str, ...], matched: bool) -> Iterable[Change]:
        """What the event changes. Refuses users in the wrong state."""
        kind = self.event.type
        if kind in OWN:
            return self._own_event(given)
        if kind == "invite":
            return self._invite(given)
        if kind in ("change_role", "assign", "revoke"):
            return self._roles_change(given, matched)
        if kind in ("disable", "enable", "remove"):
            return self._status_change()
        if kind in ("join", "leave"):
            return self._membership()
        return self._group_change() if kind in ("create_group", "delete_group") else self._scope_change()

    def _own_event(self, given: tuple[str, ...]) -> list[Change]:
        kind, user, event = self.event.type, self.user, self.event
        if user is not None and user.status == "disabled":
            raise _RefusedError("inactive_user", f"{user.id} is disabled")
        if user is None and (kind == "register" or self.roster.is_removed(event.user or "")):
            self._known_user()
        if user is not None and (kind == "signup" or (kind == "register" and user.status == "active")):
            raise _RefusedError("already_exists", f"{user.id} is {user.status} already")
        joining = user is None or user.status == "pending"
        made = user or User(event.user or "")
        made = self._with_attributes(made)._replace(status="active")
        made = made._replace(assignments=self._added(made.assignments, given))
        changes: list[Change] = [] if made == user else [UserPut(made)]
        if joining and self._domain and not self.roster.has_joined(self._domain):
            changes.append(DomainJoined(self._domain))
        return changes

    def _with_attributes(self, user: User) -> User:
        if not self.event.attributes:
            return user
        return user._replace(attributes={**user.attributes, **self.event.attributes})

    def _invite(self, given: tuple[str, ...]) -> list[Change]:
        name = self.event.user or ""
        if self.user is not None:
            raise _RefusedError("already_exists", f"{name} is {self.user.status} already")
        pending = any(line.kind == "register" for line in self.table.events)
        user = self._with_attributes(User(name, status="pending" if pending else "active"))
        changes: list[Change] = [UserPut(user._replace(assignments=self._added((), given)))]
        if not pending and self._domain and not self.roster.has_joined(self._domain):
            changes.append(DomainJoined(self._domain))
        return changes

    def _roles_change(self, given: tuple[str, ...], matched: bool) -> list[Change]:
        event = self.event
        if event.group is None:
            self._known_user()
        own = self._own()
        if not matched:
            after = own
        elif event.type == "assign":
            after = self._added(own, given)
        elif event.type == "change_role":
            after = self._added(tuple(one for one in own if self._canonical(one.scope) != self.scope), given)
            after = own if _alike(after) == _alike(own) else after
        else:
            role = None if event.role is None else self.table.canonical_role(event.role) or event.role
            after = tuple(one for one in own if not self._revoked(one, role))
        if after == own:
            return []
        if event.group is not None:
            return [GroupPut(event.group, after)]
        assert self.user is not None
        return [UserPut(self.user._replace(assignments=after))]

    def _own(self) -> tuple[Assignment, ...]:
        """The assignments of the user, or of the group, that the event is about."""
        if self.event.group is not None and self._impersonal:
            group = self.near.groups.get(self.event.group)
            return group.assignments if group else ()
        return self.user.assignments if self.user else ()

    def _revoked(self, one: Assignment, role: str | None) -> bool:
        if self._canonical(one.scope) != self.scope:
            return False
        return role is None or (self.table.canonical_role(one.role) or one.role) == role

    def _added(self, own: tuple[Assignment, ...], given: tuple[str, ...]) -> tuple[Assignment, ...]:
        """The assignments with those the event gives, each once."""
        start, end = self.event.start, self.event.end
        there = {(self.table.canonical_role(one.role), self._canonical(one.scope), one.start, one.end) for one in own}
        new = [role for role in given if (role, self.scope, start, end) not in there]
        return (*own, *(Assignment(role, self.scope, start, end) for role in new))

    def _status_change(self) -> list[Change]:
        user, kind = self._known_user(), self.event.type
        if kind == "remove":
            return [UserGone(user.id)]
        if kind == "disable" and user.status != "disabled":
            return [UserPut(user._replace(status="disabled", status_before=user.status))]
        if kind == "enable" and user.status == "disabled":
            return [UserPut(user._replace(status=_before(user), status_before=None))]
        return []

    def _membership(self) -> list[Change]:
        user, name = self._known_user(), self.event.group or ""
        inside = user.id in self.near.groups[name].members
        if self.event.type == "join":
            return [] if inside else [Joined(name, user.id)]
        return [Left(name, user.id)] if inside else []

    def _group_change(self) -> list[Change]:
        name = self.event.group or ""
        if self.event.type == "create_group":
            if name in self.near.groups:
                raise _RefusedError("already_exists", f"there is a group `{name}` already")
            return [GroupPut(name)]
        if self.roster.group_in_use(name):
            raise _RefusedError("not_empty", f"the group `{name}` still has members or roles")
        return [GroupGone(name)]

    def _scope_change(self) -> list[Change]:
        name = self.event.scope or ""
        if self.event.type == "create_scope":
            if self._scope_known:
                raise _RefusedError("already_exists", f"there is a scope `{name}` already")
            return [ScopePut(Scope(name, tuple(dict.fromkeys(self.event.parents))))]
        if name == self.table.root:
            raise _RefusedError("not_empty", f"`{name}` is the root, and everything is in it")
        if self.roster.scope_in_use(name):
            raise _RefusedError("not_empty", f"something is assigned at `{name}`, or lies below it")
        return [ScopeGone(name)]

    # -- guards ------------------------------------------------------------------------------------------------------

    def _check_guards(self, changes: tuple[Change, ...]) -> None:
        if not self.table.guards or not changes:
            return
        guards = Guards(self.index, self.roster, self.now)
        broken = guards.worsened(list(self._touched(guards, changes)))
        if broken is not None:
            guard = broken.guard
            raise _RefusedError(
                "guard_failed", f"guard `{guard.name}`: {broken.message}", guard.place, guard.name, self.rules
            )

    def _touched(self, guards: Guards, changes: tuple[Change, ...]) -> Iterable[Touched]:
        for change in changes:
            match change:
                case UserPut(user):
                    before = guards.person(self.near, user.id)
                    after = guards.person(_with_user(self.near, user), user.id)
                    yield Touched(before, after)
                case UserGone(id):
                    yield Touched(guards.person(self.near, id), None)
                case Joined(name, id) | Left(name, id):
                    yield Touched(guards.person(self.near, id), guards.person(_with_member(self.near, change), id))
                case GroupPut(name, assignments) if name in self.near.groups:
                    yield from self._in_group(guards, name, assignments)
                case _:
                    pass  # an empty group, a place, a domain: nobody holds anything else than before

    def _in_group(self, guards: Guards, name: str, assignments: tuple[Assignment, ...]) -> Iterable[Touched]:
        """Everybody who holds a group's roles, before and after they change."""
        near = self.roster.neighbourhood(users=list(self.roster.members(name)))
        if name not in near.groups:
            return
        changed = {**near.groups, name: near.groups[name]._replace(assignments=assignments)}
        then, now = guards.holders(near), guards.holders(near._replace(groups=changed))
        for user in near.users.values():
            before, after = (Holder(user.id, user.status, held.holdings(user)) for held in (then, now))
            yield Touched(before, after)

    # -- afterwards --------------------------------------------------------------------------------------------------

    def _user_after(self, changes: tuple[Change, ...]) -> User | None:
        if self._impersonal:
            return None
        for change in changes:
            if isinstance(change, UserPut):
                return change.user
            if isinstance(change, UserGone):
                return None
        return self.user

    def _roles_after(self, changes: tuple[Change, ...]) -> tuple[str, ...]:
        own = self._own()
        for change in changes:
            if isinstance(change, UserPut):
                own = change.user.assignments
            elif isinstance(change, GroupPut):
                own = change.assignments
            elif isinstance(change, UserGone):
                own = ()
        names = {
            self.table.canonical_role(one.role) or one.role for one in own if self._canonical(one.scope) == self.scope
        }
        return tuple(sorted(names))

    def _canonical(self, scope: str | None) -> str | None:
        return None if scope == self.table.root else scope

    def _said(self, after: User | None, roles: tuple[str, ...]) -> str:
        """What holds now, in plain words."""
        event = self.event
        if event.type in ("create_group", "delete_group", "create_scope", "delete_scope"):
            done = "there" if event.type.startswith("create") else "gone"
            return f"{event.group or event.scope} is {done}"
        if event.type in ("join", "leave"):
            return f"{event.user} is {'in' if event.type == 'join' else 'not in'} group {event.group}"
        if after is None and event.group is None:
            return f"{event.user} is removed"
        holds = f"holds {', '.join(roles)}" if roles else "holds no role of their own"
        if event.group is not None:
            holds = f"holds {', '.join(roles)}" if roles else "holds no role"
        at = f" at {event.scope}" if event.scope else ""
        who = f"group {event.group}" if after is None else f"{after.id} is {after.status} and"
        return f"{who} {holds}{at}"


def _before(user: User) -> Status:
    return user.status_before or "active"


def _alike(assignments: Iterable[Assignment]) -> list[tuple[Any, ...]]:
    """Assignments without where they are written, in an order of their own."""
    return sorted(((one.role, one.scope, one.start, one.end) for one in assignments), key=repr)


def _with_user(near: Directory, user: User) -> Directory:
    return near._replace(users={**near.users, user.id: user})


def _with_member(near: Directory, change: Joined | Left) -> Directory:
    group = near.groups[change.group]
    members = tuple(one for one in group.members if one != change.user)
    if isinstance(change, Joined):
        members = (*members, change.user)
    groups: Mapping[str, Any] = {**near.groups, change.group: group._replace(members=members)}
    return near._replace(groups=groups)


__all__ = ["Outcome", "judge_event"]
