"""The changes of an event → rows: those that change, and no others.

Joined(desk, ann)     INSERT group_members            changes: group desk
UserGone(ann)         DELETE users (the rest follows) changes: user ann, each group she was in
UserPut(ann, +vet)    INSERT user_assignments         changes: user ann
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy import bindparam, exists, func, insert, literal, select

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
from remit.directory.shape import Assignment, Scope, User
from remit.membership.roster import domain_of, registered
from remit.stores import schema as t
from remit.stores.rows import AssignmentRow, assignment_row, user_row
from remit.stores.sql_roster import SqlRoster

KEPT_VERSIONS = 100_000  # how far back changes can be followed
_PRUNED_EVERY = 1_000
_VALUES_AT_ONCE = 100  # rows in one INSERT


def write_changes(connection: sa.Connection, roster: SqlRoster, changes: Iterable[Change], version: int) -> None:
    """Makes the changes, as the version they lead to. `roster` knows what was before."""
    _Writing(connection, roster).write(changes, version)


class _Writing:
    def __init__(self, connection: sa.Connection, roster: SqlRoster) -> None:
        self.connection = connection
        self.roster = roster
        self.told: dict[tuple[str, str], None] = {}  # kind and key of what changed

    def write(self, changes: Iterable[Change], version: int) -> None:
        for change in changes:
            self._write(change)
        rows = [{"version": version, "kind": kind, "key": key} for kind, key in self.told]
        self._insert(t.changes, rows)
        if version % _PRUNED_EVERY == 0:
            old = t.changes.c.version <= version - KEPT_VERSIONS
            self.connection.execute(t.changes.delete().where(old))

    def _write(self, change: Change) -> None:
        match change:
            case UserPut(user):
                self._put_user(user)
                self._tell("user", user.id)
            case UserGone(id):
                for name in self.roster.groups_of(id):
                    self._tell("group", name)
                self.connection.execute(_DELETE_USER, {"name": id})
                self.connection.execute(_ADD_REMOVED, {"name": id})
                self.connection.execute(_ADD_DOMAIN, {"name": domain_of(id)})
                self._tell("user", id)
            case Joined(name, id):
                self.connection.execute(_ADD_MEMBER, {"name": name, "user": id})
                self._tell("group", name)
            case Left(name, id):
                self.connection.execute(_DELETE_MEMBER, {"name": name, "user": id})
                self._tell("group", name)
            case GroupPut(name, assignments):
                before = self.roster.group(name)
                if before is None:
                    self._insert(t.groups, [{"name": name}])
                self._put_assignments(t.group_assignments, name, before.assignments if before else (), assignments)
                self._tell("group", name)
            case GroupGone(name):
                for above in self.roster.groups_around(name):
                    self._tell("group", above)
                self.connection.execute(_DELETE_GROUP, {"name": name})
                self._tell("group", name)
            case ScopePut(scope):
                self._put_scope(scope)
                self._tell("scope", scope.name)
            case ScopeGone(name):
                self.connection.execute(_DELETE_SCOPE, {"name": name})
                self._tell("scope", name)
            case DomainJoined(domain):
                if not self.connection.execute(_LIST_DOMAIN, {"name": domain}).rowcount:
                    self._insert(t.joined_domains, [{"domain": domain, "listed": 1}])
                self._tell("domain", domain)
            case _:
                assert_never(change)

    def _tell(self, kind: str, key: str) -> None:
        self.told[kind, key] = None

    def _put_user(self, user: User) -> None:
        before = self.roster.user(user.id)
        row = dict(zip(t.users.c.keys(), user_row(user), strict=True))
        if before is None:
            self.connection.execute(_DELETE_REMOVED, {"name": user.id})
            self._insert(t.users, [row])
        elif user_row(before) != user_row(user):
            self.connection.execute(_UPDATE_USER, {**row, "name": row.pop("id")})
        self._put_assignments(t.user_assignments, user.id, before.assignments if before else (), user.assignments)
        if registered(user) and not (before and registered(before)):
            self.connection.execute(_ADD_DOMAIN, {"name": domain_of(user.id)})

    def _put_assignments(
        self, table: sa.Table, holder: str, before: tuple[Assignment, ...], after: tuple[Assignment, ...]
    ) -> None:
        """Rows up to the first difference stay."""
        had, has = list(map(assignment_row, before)), list(map(assignment_row, after))
        same = 0
        while same < min(len(had), len(has)) and had[same] == has[same]:
            same += 1
        if same < len(had):
            self.connection.execute(_DELETE_ASSIGNMENTS[table.name], {"name": holder, "start": same})
        names = table.c.keys()
        rows = [dict(zip(names, values, strict=True)) for values in numbered(holder, has)]
        self._insert(table, rows[same:])

    def _put_scope(self, scope: Scope) -> None:
        self.connection.execute(_DELETE_SCOPE, {"name": scope.name})
        self._insert(t.scopes, [{"name": scope.name, "kind": kind_of(scope.name)}])
        parents = [{"scope": scope.name, "position": at, "parent": name} for at, name in enumerate(scope.parents)]
        self._insert(t.scope_parents, parents)

    def _insert(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        for start in range(0, len(rows), _VALUES_AT_ONCE):
            some = rows[start : start + _VALUES_AT_ONCE]
            self.connection.execute(
                insert(table).values(some) if len(some) > 1 else insert(table), some[0] if len(some) == 1 else None
            )


def kind_of(scope: str) -> str:
    return scope.partition("/")[0]


def numbered(holder: str, rows: Iterable[AssignmentRow]) -> list[tuple[str, int, str, str, str | None, str | None]]:
    return [(holder, position, *row) for position, row in enumerate(rows)]


# -- statements, made once -------------------------------------------------------------------------------------------

_name = bindparam("name", type_=t.name_type())


def _unless_there(table: sa.Table, key: sa.Column[Any], **others: int) -> sa.Insert:
    """Inserts a row unless there is one: whoever asks holds the lock."""
    values = select(_name, *map(literal, others.values())).where(~exists().where(key == _name))
    return insert(table).from_select([key.name, *others], values)


_DELETE_USER = t.users.delete().where(t.users.c.id == _name)
_DELETE_REMOVED = t.removed_users.delete().where(t.removed_users.c.id == _name)
_DELETE_GROUP = t.groups.delete().where(t.groups.c.name == _name)
_DELETE_SCOPE = t.scopes.delete().where(t.scopes.c.name == _name)
_DELETE_MEMBER = t.group_members.delete().where(
    t.group_members.c.user_id == bindparam("user"), t.group_members.c.group_name == _name
)
_DELETE_ASSIGNMENTS = {
    table.name: table.delete().where(table.c[0] == _name, table.c.position >= bindparam("start"))
    for table in (t.user_assignments, t.group_assignments)
}
_UPDATE_USER = (
    t.users.update()
    .where(t.users.c.id == _name)
    .values({column: bindparam(column) for column in ("type", "status", "status_before", "attributes")})
)
_ADD_REMOVED = _unless_there(t.removed_users, t.removed_users.c.id)
_ADD_DOMAIN = _unless_there(t.joined_domains, t.joined_domains.c.domain, listed=0)
_LIST_DOMAIN = t.joined_domains.update().where(t.joined_domains.c.domain == _name).values(listed=1)
_next = select(func.coalesce(func.max(t.group_members.c.position) + 1, 0)).where(t.group_members.c.group_name == _name)
_ADD_MEMBER = insert(t.group_members).values(
    group_name=_name, position=_next.scalar_subquery(), user_id=bindparam("user")
)

__all__ = ["KEPT_VERSIONS", "kind_of", "numbered", "write_changes"]
