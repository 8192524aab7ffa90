"""A database → `Directory`: whole, or just the entries that changed.

Two streams, both in the order of user ids, are merged like a zip: users, and their assignments. Nothing is sorted or
joined, no row is held longer than it takes to read it, and equal assignments, and equal lists of them, become one
object.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from remit.collection import paused
from remit.directory.circles import circles
from remit.directory.layered import followed
from remit.directory.shape import EMPTY, Assignment, Directory, Group, Scope, User
from remit.stores import schema as t
from remit.stores.rows import BadRowError, Shared, attributes_of, sound, status_of
from remit.stores.sql_roster import SqlRoster

_FETCHED = 10_000  # rows at once
_AT_ONCE = 500  # names in one `IN`
_SHARED = 100_000  # lists of assignments: where more differ than that, most differ
_number = id


class Followed(NamedTuple):
    """What changed since a version: entries as they are now, None where they are gone."""

    users: dict[str, User | None]
    groups: dict[str, Group | None]
    scopes: dict[str, Scope | None]
    joined_domains: frozenset[str]  # those that came

    def there(self) -> dict[str, User]:
        """The changed users that are there now."""
        return {name: user for name, user in self.users.items() if user is not None}

    def groups_there(self) -> dict[str, Group]:
        return {name: group for name, group in self.groups.items() if group is not None}

    def on(self, directory: Directory) -> Directory:
        """The directory of the version before, brought up to now."""
        gone = {name for name, user in self.users.items() if user is None}
        return directory._replace(
            users=followed(directory.users, self.users),
            groups=followed(directory.groups, self.groups),
            scopes=followed(directory.scopes, self.scopes),
            joined_domains=directory.joined_domains | self.joined_domains,
            removed=(directory.removed - self.users.keys()) | gone,
        )


def read_all(connection: sa.Connection, name: str) -> Directory:
    """The whole directory, under this name. Raises BadRowError for rows that no directory may hold."""
    with paused(), sound():
        shared, lists = Shared(), _Lists()
        scopes: dict[str, list[str]] = {scope: [] for (scope,) in _stream(connection, _SCOPES)}
        for scope, parent in _stream(connection, _PARENTS):
            scopes[scope].append(parent)
        groups = {group: _Group([], [], []) for (group,) in _stream(connection, _GROUPS)}
        for group, *row in _stream(connection, _GROUP_ASSIGNMENTS):
            groups[group].assignments.append(shared[row[0], row[1], row[2], row[3]])
        for group, inner in _stream(connection, _INNER):
            groups[group].groups.append(inner)
        _no_circles("groups", {group: parts.groups for group, parts in groups.items()})
        _no_circles("scopes", scopes)
        users = _users(connection, shared, lists)
        for group, user in _stream(connection, _MEMBERS):
            groups[group].members.append(users[user].id)
        return Directory(
            users,
            {group: parts.made(group) for group, parts in groups.items()},
            {scope: Scope(scope, tuple(parents)) for scope, parents in scopes.items()},
            frozenset(domain for (domain,) in _stream(connection, _DOMAINS)),
            frozenset(user for (user,) in _stream(connection, _REMOVED)),
            name,
        )


class _Group(NamedTuple):
    members: list[str]
    groups: list[str]
    assignments: list[Assignment]

    def made(self, name: str) -> Group:
        return Group(name, tuple(self.members), tuple(self.groups), tuple(self.assignments))


class _Lists(dict[tuple[int, ...], tuple[Assignment, ...]]):
    """Lists of assignments that are there once each, by their objects' numbers: these hash at once."""


def _users(connection: sa.Connection, shared: Shared, lists: _Lists) -> dict[str, User]:
    """Four million rows come through here: what looks odd is what was measured to be quick."""
    users: dict[str, User] = {}
    rows = _stream(connection, _USER_ASSIGNMENTS)
    row = next(rows, _NO_MORE)
    statuses = {text: status_of(text) for text in ("active", "pending", "disabled")}
    types: dict[str, str] = {}
    nothing: tuple[Assignment, ...] = ()
    make = tuple.__new__  # a User, without the call of its own
    for id, kind, status, before, attributes in _stream(connection, _USERS):
        given = nothing
        if row[0] == id:
            found = [shared[row[1:]]]
            row = next(rows, _NO_MORE)
            while row[0] == id:
                found.append(shared[row[1:]])
                row = next(rows, _NO_MORE)
            key = tuple(map(_number, found))
            given = lists.get(key) or tuple(found)
            if len(lists) < _SHARED:
                lists[key] = given
        users[id] = make(
            User,
            (
                id,
                types.get(kind) or types.setdefault(kind, kind),
                statuses.get(status) or status_of(status),
                attributes_of(attributes) if attributes else EMPTY,
                given,
                0,
                0,
                before and status_of(before),
            ),
        )
    if row[0] is not None:
        raise BadRowError("something is assigned to a user who is not there")
    return users


def _stream(connection: sa.Connection, statement: sa.Select[Any]) -> Iterator[Any]:
    """The rows, as plain as they come."""
    if connection.dialect.name == "sqlite":
        cursor: Any = connection.execute(statement).cursor
        return iter(cursor)  # sqlite3's own iterator over its own tuples
    return _fetched(connection, statement)


def _fetched(connection: sa.Connection, statement: sa.Select[Any]) -> Iterator[Any]:
    options = {"stream_results": True, "yield_per": _FETCHED}  # else the driver fetches everything first
    with closing(connection.execute(statement, execution_options=options)) as result:
        yield from map(tuple, result)


def _no_circles(what: str, edges: dict[str, list[str]]) -> None:
    for circle in circles(edges):
        raise BadRowError(f"{what} run in a circle, {circle.path}")


def read_some(
    connection: sa.Connection, users: Collection[str], groups: Collection[str], scopes: Collection[str]
) -> Followed:
    """The entries of these names as they are now."""
    roster = SqlRoster(connection)
    near = roster.neighbourhood(users=users)
    members: dict[str, list[str]] = {}
    inner: dict[str, list[str]] = {}
    for some in _portions(groups):
        for group, user in connection.execute(_MEMBERS_OF, {"names": some}):
            members.setdefault(group, []).append(user)
        for group, name in connection.execute(_INNER_OF, {"names": some}):
            inner.setdefault(group, []).append(name)
    found: dict[str, Group | None] = {}
    known = roster.neighbourhood(groups=groups, scopes=scopes)
    for name in groups:
        group = known.groups.get(name)
        found[name] = group and group._replace(members=tuple(members.get(name, ())), groups=tuple(inner.get(name, ())))
    return Followed(
        {name: near.users.get(name) for name in users},
        found,
        {name: known.scopes.get(name) for name in scopes},
        frozenset(),
    )


def _portions(names: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while some := list(islice(rest, _AT_ONCE)):
        yield some


# -- statements ------------------------------------------------------------------------------------------------------

_NO_MORE: Any = (None, "", "", None, None)
_u, _a, _g = t.users.c, t.user_assignments.c, t.group_assignments.c
_USERS = select(_u.id, _u.type, _u.status, _u.status_before, _u.attributes).order_by(_u.id)
_USER_ASSIGNMENTS = select(_a.user_id, _a.role, _a.scope, _a.starts, _a.ends).order_by(_a.user_id, _a.position)
_GROUPS = select(t.groups.c.name).order_by(t.groups.c.name)
_GROUP_ASSIGNMENTS = select(_g.group_name, _g.role, _g.scope, _g.starts, _g.ends).order_by(_g.group_name, _g.position)
_m, _i = t.group_members.c, t.group_groups.c
_MEMBERS = select(_m.group_name, _m.user_id).order_by(_m.group_name, _m.position)
_INNER = select(_i.group_name, _i.inner_name).order_by(_i.group_name, _i.position)
_MEMBERS_OF = _MEMBERS.where(_m.group_name.in_(bindparam("names", expanding=True)))
_INNER_OF = _INNER.where(_i.group_name.in_(bindparam("names", expanding=True)))
_SCOPES = select(t.scopes.c.name).order_by(t.scopes.c.name)
_p = t.scope_parents.c
_PARENTS = select(_p.scope, _p.parent).order_by(_p.scope, _p.position)
_DOMAINS = select(t.joined_domains.c.domain).where(t.joined_domains.c.listed == 1)
_REMOVED = select(t.removed_users.c.id)

__all__ = ["Followed", "read_all", "read_some"]
