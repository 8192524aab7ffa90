"""One event on its way: what it says, who it concerns, and the lines of the policy that speak of its kind."""

from __future__ import annotations

from typing import Any

from remit.diagnostics import Diagnostic
from remit.directory.fit import misfits
from remit.directory.shape import Assignment, Group, User
from remit.evaluator.conditions import compile_condition
from remit.evaluator.facts import EMPTY, NOBODY, Facts, Person
from remit.evaluator.holding import Holding
from remit.evaluator.index import Index
from remit.evaluator.pdp import Pdp
from remit.membership.event import GIVING, OWN, Event
from remit.membership.roster import Roster, domain_of, plain_domain
from remit.model.types import Reading
from remit.table.shape import EventEntry, Place

_GIVING_NOBODY = ("remove", "delete_group", "create_scope", "delete_scope")  # they leave nobody to give a role to


class RefusedError(Exception):
    """Why an event is refused: its code, a sentence, and the line of the policy that decided."""

    def __init__(
        self, code: str, message: str, at: Place | None = None, guard: str | None = None, rules: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.at, self.guard, self.rules = code, message, at, guard, rules


class MisfitError(Exception):
    """The people and places that an event names do not fit the policy's scopes; `diagnostics` say how."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__(diagnostics[0].message)
        self.diagnostics = diagnostics


class Case:
    """An event with all that its judgement looks at. `near` is the neighbourhood of everybody and everything it names,
    `pdp` decides on it; `scope` None is the root; `actor` is who is asked for what a line requires."""

    def __init__(self, index: Index, roster: Roster, event: Event, now: int) -> None:
        self.index = index
        self.table = index.table
        self.roster = roster
        self.event = event
        self.now = now
        self.scope = self.canonical(event.scope)
        self.actor = event.by or (event.user if event.type in OWN else None)
        people = [name for name in (event.user, self.actor) if name is not None]
        groups = [event.group] if event.group is not None else []
        scopes = [event.scope, *event.parents] if event.scope is not None else []
        self.near = roster.neighbourhood(people, groups, scopes)
        if wrong := misfits(self.table, self.near):
            raise MisfitError(wrong)
        self.pdp = Pdp(self.table, self.near, lambda: now, index)
        self.user = self.near.users.get(event.user) if event.user is not None else None
        self.to_group = event.type in ("assign", "revoke") and event.group is not None
        self.lines = [line for line in self.table.events if line.kind == event.type and line.to_group == self.to_group]

    # -- whom and what it concerns -----------------------------------------------------------------------------------

    @property
    def impersonal(self) -> bool:
        """Whether the event concerns a group or a place and no user."""
        return self.event.user is None

    @property
    def concerned(self) -> str:
        """The id of the user, the group or the scope concerned."""
        event = self.event
        return event.user or event.group or event.scope or ""

    @property
    def scope_known(self) -> bool:
        return self.scope is None or self.scope in self.near.scopes

    def canonical(self, scope: str | None) -> str | None:
        """A scope, the root as None however it is written."""
        return None if scope == self.table.root else scope

    def role_name(self, role: str) -> str:
        """The role's present name, where it has one."""
        return self.table.canonical_role(role) or role

    def known_user(self) -> User:
        """The user concerned. Raises RefusedError where there is none."""
        if self.user is None:
            gone = self.roster.is_removed(self.event.user or "")
            message = f"{self.event.user} was removed" if gone else f"nobody knows {self.event.user}"
            raise RefusedError("unknown_user", message)
        return self.user

    def own(self) -> tuple[Assignment, ...]:
        """The assignments of the user, or of the group, that the event is about."""
        if self.event.group is not None and self.impersonal:
            group = self.near.groups.get(self.event.group)
            return group.assignments if group else ()
        return self.user.assignments if self.user else ()

    def holdings(self) -> tuple[Holding, ...]:
        """All the user concerned holds anywhere, now or at another time."""
        return self.pdp.holders.holdings(self.user) if self.user is not None else ()

    def groups_above(self) -> list[Group]:
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

    @property
    def domain(self) -> str:
        """The domain the user joins from, as `plain_domain` writes it; empty where it is not known."""
        event = self.event
        return plain_domain(event.domain) if event.domain is not None else domain_of(event.user or "")

    # -- the policy's lines ------------------------------------------------------------------------------------------

    def matches(self, line: EventEntry) -> bool | None:
        """Whether the line's `when` is so; None where it cannot be told."""
        trigger = line.trigger
        if trigger is None:
            return True
        if trigger == "unassigned":
            return not any(held.counts_at(self.now) for held in self.holdings())
        if trigger == "first in domain":
            joining = self.user is None or self.user.status == "pending"  # one who is there already has joined
            return joining and bool(self.domain) and not self.roster.has_joined(self.domain)
        assert not isinstance(trigger, str)
        test = compile_condition(trigger, Reading({"claims": self.table.claims}))
        person = Person(None, lambda: None, lambda: None, lambda: self.now)
        return test(Facts(NOBODY, EMPTY, self.event.claims, EMPTY, None, person))

    def given(self, certain: list[EventEntry]) -> tuple[str, ...]:
        """The roles the event gives by the lines that match, by their present names where they have one."""
        if not certain or self.event.type in _GIVING_NOBODY:
            return ()
        names: list[Any] = [role for line in certain for role in line.assign]
        if self.event.type in GIVING and self.event.role is not None:
            names.insert(0, self.event.role)
        return tuple(dict.fromkeys(self.role_name(name) for name in names))
