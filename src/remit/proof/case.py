"""A request with who asks it, as it comes out of a proof, and its replay: what the evaluator has decided is certain.

resource.amount is 501, user.id is "someone"    asked by somebody who holds `vet` and nothing else
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from remit.directory.shape import Assignment, Directory, Group, Scope, User
from remit.evaluator.index import Index
from remit.evaluator.pdp import Judged, Pdp
from remit.instant import parse_instant
from remit.table.shape import Table

SOMEONE, OTHER = "someone", "other"
NOON = parse_instant("2026-01-01T12:00:00Z") or 0


@dataclass(frozen=True, slots=True)
class Case:
    """A user with their attributes and groups, and a request about a resource of some type. `id` None: the request
    names none. `missing` are attributes that are left out, or have a value of no use, where a complete request has one.
    `placed`: the directory knows the place that the request names. `uncertain`: the user holds their first role a
    second time, within a window. `hidden`: they hold all but the first through a group."""

    user: str
    attributes: dict[str, Any]
    groups: tuple[str, ...]
    id: str | None
    properties: dict[str, Any]
    context: dict[str, Any]
    missing: tuple[str, ...] = ()
    placed: bool = True
    uncertain: bool = False
    hidden: bool = False

    @property
    def useless(self) -> tuple[str, ...]:
        """Of `missing`, the attributes that have a value, but none of their type."""
        sections = {"resource": self.properties, "user": self.attributes, "context": self.context}
        named = (name.partition(".") for name in self.missing)
        return tuple(f"{root}.{name}" for root, _, name in named if name in sections.get(root, {}))

    @property
    def text(self) -> str:
        """What of it was chosen, for people: `resource.amount is 500, user.id is "someone"`."""
        of_resource = {name: value for name, value in self.properties.items() if name != "scope" or "/" in value}
        sections = (("resource", of_resource), ("context", self.context), ("user", self.attributes))
        given = {f"{root}.{name}": value for root, values in sections for name, value in values.items()}
        useless = self.useless
        said = [f"{name} is {shown(value)}" for name, value in given.items() if name not in useless]
        if self.groups:
            said.append(f"user.groups is {shown(list(self.groups))}")
        if any(value == self.user for value in (*self.properties.values(), *self.context.values())):
            said.append(f"user.id is {shown(self.user)}")
        if not self.placed:
            said.append("the directory does not know the place")
        said += [f"{name} is {shown(given[name])}, no value of its type" for name in useless]
        return ", ".join([*said, *(f"{name} is missing" for name in self.missing if name not in useless)])

    def asked_by(self, other: Case) -> Case:
        """The same request, asked by another case's user."""
        return replace(self, user=other.user, attributes=other.attributes, groups=other.groups)

    def resource(self, resource_type: str) -> dict[str, Any]:
        """The request's resource."""
        identified = {} if self.id is None else {"id": self.id}
        return {"type": resource_type, **identified, "properties": self.properties}


class World:
    """Decides cases for somebody who holds given roles at the root, and nothing else."""

    def __init__(self, table: Table, index: Index | None = None) -> None:
        self.table = table
        self.index = index or Index(table)
        self._last: tuple[object, Pdp] | None = None  # one case after another is often of one user

    def judge(self, roles: Sequence[str], resource_type: str, action: str, case: Case) -> Judged:
        """The evaluator's decision."""
        return self.pdp(roles, case).ask(case.user, action, case.resource(resource_type), case.context).judged

    def pdp(self, roles: Sequence[str], case: Case) -> Pdp:
        """The evaluator for a case."""
        scope = case.properties.get("scope")
        how = (case.placed, case.uncertain, case.hidden)
        asked = (tuple(roles), case.user, repr(case.attributes), case.groups, scope, *how)
        if self._last is not None and self._last[0] == asked:
            return self._last[1]
        assignments = [Assignment(role) for role in (roles[:1] if case.hidden else roles)]
        if case.uncertain:
            assignments += [Assignment(role, start=NOON - 1, end=NOON + 1) for role in roles[:1]]
        user = User(case.user, attributes=case.attributes, assignments=tuple(assignments))
        scopes = {scope: Scope(scope)} if case.placed and scope is not None and scope != self.table.root else {}
        groups = {name: Group(name, (user.id,)) for name in case.groups}
        if case.hidden:  # through a group that no condition asks about, or through one of those
            name = case.groups[0] if case.groups else "hidden"
            groups[name] = Group(name, (user.id,), assignments=tuple(Assignment(role) for role in roles[1:]))
        directory = Directory(users={user.id: user}, groups=groups, scopes=scopes)
        self._last = (asked, Pdp(self.table, directory, lambda: NOON, self.index))
        return self._last[1]


def shown(value: Any) -> str:
    """A value as a policy would have it."""
    if isinstance(value, list):
        return f"[{', '.join(shown(item) for item in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
