"""What judging an event asks of a directory, answered by a database in few statements.

    neighbourhood(users={ann})   users ⟕ user_assignments     1 statement
                                 groups above, at any depth   1  (a recursive query, which gives the edges)
                                 their assignments            1  where there are groups
                                 the places above             1  (recursive)

What was read stays for the transaction, which holds the lock: nobody changes it meanwhile. No statement touches rows
of users whom the event does not concern, but for guards that count them, and those stop where they have enough.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby, islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam, exists, literal_column, or_, select, union

from remit.directory.shape import Assignment, Directory, Group, Scope, User
from remit.stores import schema as t
from remit.stores.rows import Shared, sound, user_of

_AT_ONCE = 500  # names in one `IN`
_FIRST_LOOK = 64  # holders fetched before a cursor is opened: most guards need fewer


def _any(column: sa.ColumnElement[str], name: str) -> sa.ColumnElement[bool]:
    return column.in_(bindparam(name, expanding=True))


# -- statements, made once -------------------------------------------------------------------------------------------

_given = t.user_assignments.c
_USERS = (
    select(*t.users.c, _given.role, _given.scope, _given.starts, _given.ends)
    .select_from(t.users.outerjoin(t.user_assignments))
    .where(_any(t.users.c.id, "names"))
    .order_by(t.users.c.id, _given.position)
)


def _groups_above() -> sa.Select[Any]:
    """Edges (below, above, whether below is a user) from users and groups upwards. A named group that exists is an
    edge from itself to itself."""
    members, inner = t.group_members.c, t.group_groups.c
    of_users = select(
        members.user_id.label("below"), members.group_name.label("above"), literal_column("1").label("is_user")
    ).where(_any(members.user_id, "users"))
    named = select(t.groups.c.name, t.groups.c.name, literal_column("0")).where(_any(t.groups.c.name, "names"))
    seeds = union(of_users, named).subquery("seeds")
    up = select(seeds.c.below, seeds.c.above, seeds.c.is_user).cte("up", recursive=True)
    steps = select(inner.inner_name, inner.group_name, literal_column("0")).join(up, inner.inner_name == up.c.above)
    up = up.union(steps)
    return select(up.c.below, up.c.above, up.c.is_user)


_GROUPS_ABOVE = _groups_above()
_group_given = t.group_assignments.c
_GROUP_ASSIGNMENTS = (
    select(_group_given.group_name, _group_given.role, _group_given.scope, _group_given.starts, _group_given.ends)
    .where(_any(_group_given.group_name, "names"))
    .order_by(_group_given.group_name, _group_given.position)
)


def _places_above() -> sa.Select[Any]:
    """Each place named or above one, with each of its parents."""
    up = select(t.scopes.c.name).where(_any(t.scopes.c.name, "names")).cte("up", recursive=True)
    parents = t.scope_parents.c
    up = up.union(select(parents.parent).join(up, parents.scope == up.c.name))
    return (
        select(t.scopes.c.name, parents.parent)
        .join(up, t.scopes.c.name == up.c.name)
        .outerjoin(t.scope_parents, parents.scope == t.scopes.c.name)
        .order_by(t.scopes.c.name, parents.position)
    )


_PLACES_ABOVE = _places_above()


def _places_below() -> sa.Select[Any]:
    """The places of a kind at one place or under it."""
    down = select(t.scopes.c.name).where(t.scopes.c.name == bindparam("below")).cte("down", recursive=True)
    parents = t.scope_parents.c
    down = down.union(select(parents.scope).join(down, parents.parent == down.c.name))
    return (
        select(t.scopes.c.name).join(down, t.scopes.c.name == down.c.name).where(t.scopes.c.kind == bindparam("kind"))
    )


_PLACES_BELOW = _places_below()
_PLACES = select(t.scopes.c.name).where(t.scopes.c.kind == bindparam("kind"))
_REMOVED = select(exists().where(t.removed_users.c.id == bindparam("id")))
_JOINED = select(exists().where(t.joined_domains.c.domain == bindparam("domain")))
_GROUP_IN_USE = select(
    or_(
        exists().where(t.group_members.c.group_name == bindparam("name")),
        exists().where(t.group_groups.c.group_name == bindparam("name")),
        exists().where(t.group_assignments.c.group_name == bindparam("name")),
    )
)
_SCOPE_IN_USE = select(
    or_(
        exists().where(t.scope_parents.c.parent == bindparam("name")),
        exists().where(t.user_assignments.c.scope == bindparam("name")),
        exists().where(t.group_assignments.c.scope == bindparam("name")),
    )
)


def _within(seeds: sa.Select[Any]) -> sa.CTE:
    """Groups, and all groups inside them."""
    down = seeds.cte("down", recursive=True)
    inner = t.group_groups.c
    return down.union(select(inner.inner_name).join(down, inner.group_name == down.c[0]))


def _members_below() -> sa.Select[Any]:
    down = _within(select(t.groups.c.name).where(t.groups.c.name == bindparam("name")))
    return select(t.group_members.c.user_id).join(down, t.group_members.c.group_name == down.c[0]).distinct()


_MEMBERS_BELOW = _members_below()


def _holders(anywhere: bool, active: bool) -> sa.Select[Any]:
    """Who has one of the roles at one of the places, by themselves and through groups; some more than once."""

    def asked(table: sa.Table) -> sa.ColumnElement[bool]:
        role = _any(table.c.role, "roles")
        return role if anywhere else role & _any(table.c.scope, "scopes")

    down = _within(select(_group_given.group_name).where(asked(t.group_assignments)))
    members = t.group_members.c
    own = select(_given.user_id.label("id")).where(asked(t.user_assignments))
    through = select(members.user_id.label("id")).join(down, members.group_name == down.c[0])
    if active:
        own = own.join(t.users, t.users.c.id == _given.user_id).where(t.users.c.status == "active")
        through = through.join(t.users, t.users.c.id == members.user_id).where(t.users.c.status == "active")
    found = own.union_all(through).subquery("found")
    return select(found.c.id)


_HOLDERS = {(anywhere, active): _holders(anywhere, active) for anywhere in (False, True) for active in (False, True)}
_FIRST_HOLDERS = {key: statement.limit(_FIRST_LOOK) for key, statement in _HOLDERS.items()}


class SqlRoster:
    """The roster of a database, within a transaction that holds its lock."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._shared = Shared()
        self._users: dict[str, User | None] = {}  # None: there is none
        self._direct: dict[str, dict[str, None]] = {}  # user → the groups they are in
        self._groups: dict[str, Group | None] = {}  # without members and inner groups
        self._outer: dict[str, dict[str, None]] = {}  # group → the groups it is in
        self._scopes: dict[str, Scope | None] = {}

    # -- what is asked ---------------------------------------------------------------------------------------------

    @sound()
    def neighbourhood(
        self, users: Collection[str] = (), groups: Collection[str] = (), scopes: Collection[str] = ()
    ) -> Directory:
        self._read_users(users)
        self._read_groups(users, groups)
        people = {name: user for name in users if (user := self._users[name]) is not None}
        named = [name for name in groups if self._groups[name] is not None]
        above = self._upwards([*named, *(group for name in people for group in self._direct[name])])
        members: dict[str, list[str]] = {}
        inner: dict[str, list[str]] = {}
        for name in people:
            for group in self._direct[name]:
                members.setdefault(group, []).append(name)
        for name in above:
            for outer in self._outer[name]:
                inner.setdefault(outer, []).append(name)
        near = {
            name: found._replace(members=tuple(members.get(name, ())), groups=tuple(inner.get(name, ())))
            for name in above
            if (found := self._groups[name]) is not None
        }
        holders: list[User | Group] = [*people.values(), *near.values()]
        held = [given.scope for one in holders for given in one.assignments if given.scope is not None]
        return Directory(people, near, self._places([*scopes, *held]))

    def user(self, name: str) -> User | None:
        """A user as they are, or None."""
        self._read_users((name,))
        return self._users[name]

    def groups_of(self, user: str) -> list[str]:
        """The groups that a user is in directly."""
        self._read_groups((user,), ())
        return list(self._direct[user])

    def group(self, name: str) -> Group | None:
        """A group as it is, without members; None where there is none."""
        self._read_groups((), (name,))
        return self._groups[name]

    def groups_around(self, group: str) -> list[str]:
        """The groups that a group is in directly."""
        self._read_groups((), (group,))
        return list(self._outer.get(group, ()))

    def is_removed(self, user: str) -> bool:
        return bool(self._connection.scalar(_REMOVED, {"id": user}))

    def has_joined(self, domain: str) -> bool:
        return bool(self._connection.scalar(_JOINED, {"domain": domain}))

    def members(self, group: str) -> Iterable[str]:
        return list(self._connection.scalars(_MEMBERS_BELOW, {"name": group}))

    def holders(self, roles: Collection[str], scopes: Collection[str | None] | None, active: bool) -> Iterator[str]:
        kind = (scopes is None, active)
        asked: dict[str, Any] = {"roles": list(roles)}
        if scopes is not None:
            asked["scopes"] = [scope or "" for scope in scopes]
        first = self._connection.scalars(_FIRST_HOLDERS[kind], asked).all()
        seen = dict.fromkeys(first)
        yield from seen
        if len(first) < _FIRST_LOOK:
            return
        result = self._connection.execute(
            _HOLDERS[kind], asked, execution_options={"stream_results": True, "max_row_buffer": 1000}
        )
        with closing(result):
            for (user,) in result:
                if user not in seen:
                    seen[user] = None
                    yield user

    def instances(self, kind: str, below: str | None) -> Iterable[str]:
        if below is None:
            return list(self._connection.scalars(_PLACES, {"kind": kind}))
        return list(self._connection.scalars(_PLACES_BELOW, {"kind": kind, "below": below}))

    def group_in_use(self, group: str) -> bool:
        return bool(self._connection.scalar(_GROUP_IN_USE, {"name": group}))

    def scope_in_use(self, scope: str) -> bool:
        return bool(self._connection.scalar(_SCOPE_IN_USE, {"name": scope}))

    # -- what is read and kept -----------------------------------------------------------------------------------------

    def _read_users(self, names: Collection[str]) -> None:
        for some in _portions(name for name in names if name not in self._users):
            self._users.update(dict.fromkeys(some))
            rows = self._connection.execute(_USERS, {"names": some}).all()
            for row, own in groupby(rows, key=lambda row: row[:5]):
                given = tuple(self._shared[one[5], one[6], one[7], one[8]] for one in own if one[5] is not None)
                self._users[row[0]] = user_of(row[0], row[1], row[2], row[3], row[4], given)

    def _read_groups(self, users: Collection[str], groups: Collection[str]) -> None:
        """The groups of users, those named, and all above."""
        people = [name for name in users if name not in self._direct]
        named = [name for name in groups if name not in self._groups]
        fresh: dict[str, None] = {}
        while people or named:
            some, some_groups = people[:_AT_ONCE], named[:_AT_ONCE]
            people, named = people[_AT_ONCE:], named[_AT_ONCE:]
            self._direct.update((name, {}) for name in some)
            self._groups.update((name, self._groups.get(name)) for name in some_groups)
            rows = self._connection.execute(_GROUPS_ABOVE, {"users": some, "names": some_groups}).all()
            for below, above, is_user in rows:
                fresh.update({above: None} if self._groups.get(above) is None else {})
                self._outer.setdefault(above, {})
                if is_user:
                    self._direct[below][above] = None
                elif below != above:
                    self._outer.setdefault(below, {})[above] = None
        for portion in _portions(fresh):
            held: dict[str, list[Assignment]] = {name: [] for name in portion}
            for name, *row in self._connection.execute(_GROUP_ASSIGNMENTS, {"names": portion}):
                held[name].append(self._shared[row[0], row[1], row[2], row[3]])
            self._groups.update((name, Group(name, assignments=tuple(given))) for name, given in held.items())

    def _upwards(self, groups: list[str]) -> dict[str, None]:
        found: dict[str, None] = {}
        while groups:
            name = groups.pop()
            if name not in found:
                found[name] = None
                groups.extend(self._outer[name])
        return found

    def _places(self, pending: list[str]) -> dict[str, Scope]:
        for some in _portions(name for name in pending if name not in self._scopes):
            self._scopes.update(dict.fromkeys(some))
            rows = self._connection.execute(_PLACES_ABOVE, {"names": some}).all()
            for name, own in groupby(rows, key=lambda row: row[0]):
                self._scopes[name] = Scope(name, tuple(row[1] for row in own if row[1] is not None))
        found: dict[str, Scope] = {}
        while pending:
            name = pending.pop()
            scope = self._scopes.get(name)
            if scope is not None and name not in found:
                found[name] = scope
                pending.extend(scope.parents)
        return found


def _portions(names: Iterable[str]) -> Iterator[Sequence[str]]:
    """The names, each once, so many at a time."""
    rest = iter(dict.fromkeys(names))
    while some := list(islice(rest, _AT_ONCE)):
        yield some


__all__ = ["SqlRoster"]
