"""A whole directory → rows, in bulk: PostgreSQL takes a stream (`COPY`), SQLite many rows a statement.

Rows are made as they are sent, sorted by their key so that each table grows at its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa

from remit.directory.shape import Assignment, Directory, Group, User
from remit.membership.event import name_trouble
from remit.membership.roster import domain_of, registered
from remit.stores import schema as t
from remit.stores.rows import assignment_row, user_row
from remit.stores.sql_changes import kind_of, numbered
from remit.stores.store import StoreError

_AT_ONCE = 10_000


def check_names(directory: Directory) -> None:
    """Raises StoreError for a directory with a name that no database of ours can keep."""
    for name in _names(directory):
        trouble = name_trouble(name)
        if trouble:
            raise StoreError(f"the directory cannot be imported: a name {trouble}", "give it another name")
    for name in directory.users:
        if name.startswith("group/"):
            raise StoreError(f"the directory cannot be imported: the user `{name}`", "`group/` begins names of groups")


def _names(directory: Directory) -> Iterator[str]:
    yield from directory.users
    yield from directory.groups
    yield from directory.scopes
    yield from directory.joined_domains
    yield from directory.removed
    holders: tuple[User | Group, ...] = (*directory.users.values(), *directory.groups.values())
    for holder in holders:
        for given in holder.assignments:
            yield given.role
            if given.scope is not None:
                yield given.scope
    for user in directory.users.values():
        yield user.type
    for scope in directory.scopes.values():
        yield from scope.parents


def is_empty(connection: sa.Connection) -> bool:
    tables = (t.users, t.groups, t.scopes, t.joined_domains, t.removed_users)
    return not any(connection.scalar(sa.select(sa.exists().select_from(table))) for table in tables)


def fill(connection: sa.Connection, directory: Directory) -> None:
    """Puts the directory where whatever was there before is deleted; the log stays."""
    indexes = [index for table in t.CONTENT for index in table.indexes]
    for table in reversed(t.CONTENT):
        connection.execute(table.delete())
    for index in indexes:  # made afterwards: sorting once is many times quicker than a million places to insert at
        index.drop(connection)
    for table, rows in _rows(directory):
        _copy(connection, table, rows)
    for index in indexes:
        index.create(connection)
    if connection.dialect.name == "postgresql":  # so that the next event is planned for what is there now
        connection.exec_driver_sql("ANALYZE " + ", ".join(table.name for table in t.CONTENT))


def _rows(directory: Directory) -> Iterator[tuple[sa.Table, Iterable[tuple[Any, ...]]]]:
    users = sorted(directory.users.values())
    groups = [directory.groups[name] for name in sorted(directory.groups)]
    scopes = [directory.scopes[name] for name in sorted(directory.scopes)]
    yield t.users, map(user_row, users)
    yield t.user_assignments, _assigned((user.id, user.assignments) for user in users)
    yield t.groups, ((group.name,) for group in groups)
    yield t.group_assignments, _assigned((group.name, group.assignments) for group in groups)
    yield t.group_members, _listed((group.name, group.members) for group in groups)
    yield t.group_groups, _listed((group.name, group.groups) for group in groups)
    yield t.scopes, ((scope.name, kind_of(scope.name)) for scope in scopes)
    yield t.scope_parents, _listed((scope.name, scope.parents) for scope in scopes)
    domains = {domain_of(user.id) for user in users if registered(user)} | set(map(domain_of, directory.removed))
    listed = directory.joined_domains
    yield t.joined_domains, ((domain, int(domain in listed)) for domain in sorted(domains | listed))
    yield t.removed_users, ((user,) for user in sorted(directory.removed))


def _assigned(holders: Iterable[tuple[str, tuple[Assignment, ...]]]) -> Iterator[tuple[Any, ...]]:
    for name, assignments in holders:
        if assignments:
            yield from numbered(name, map(assignment_row, assignments))


def _listed(owners: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[tuple[Any, ...]]:
    return ((name, position, other) for name, others in owners for position, other in enumerate(others))


def _copy(connection: sa.Connection, table: sa.Table, rows: Iterable[tuple[Any, ...]]) -> None:
    columns = ", ".join(table.c.keys())
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    statement = f"INSERT INTO {table.name} ({columns}) VALUES ({', '.join('?' * len(table.c))})"
    rest = iter(rows)
    while some := list(islice(rest, _AT_ONCE)):
        connection.exec_driver_sql(statement, some)


__all__ = ["check_names", "fill", "is_empty"]
