"""The tables of a directory in a database. The same on SQLite and PostgreSQL.

    users  user_assignments (user_id, position)       directory_state   one row: the lock, version, end of the log
    groups group_assignments group_members group_groups                 changes   what each version changed
    scopes scope_parents                              audit             the log, a line a row
    joined_domains removed_users                      seen_events       the first result of each event with an `id`

Names compare binary everywhere, so that the order of rows is one on both and no language's rules fold two names into
one. Times are RFC 3339 texts: nanoseconds up to the year 9999 do not fit into 64 bits, and people can read them. The
scope '' is the root. The migrations make these tables; a test holds the two to each other.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, SmallInteger, Table, Text

metadata = MetaData()


def name_type() -> Text:
    """A text that is a name: compared byte by byte."""
    return Text().with_variant(Text(collation="C"), "postgresql")


def _name(column: str, *constraints: ForeignKey, key: bool = False) -> Column[str]:
    return Column(column, name_type(), *constraints, primary_key=key, nullable=False)


def _of(column: str) -> ForeignKey:
    return ForeignKey(column, ondelete="CASCADE")


users = Table(
    "users",
    metadata,
    _name("id", key=True),
    Column("type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_before", Text),
    Column("attributes", Text),  # JSON; null where there are none
    sqlite_with_rowid=False,
)
user_assignments = Table(
    "user_assignments",
    metadata,
    _name("user_id", _of("users.id"), key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _name("role"),
    _name("scope"),
    Column("starts", Text),
    Column("ends", Text),
    Index("user_assignments_by_role", "role", "scope", "user_id"),
    Index("user_assignments_by_scope", "scope"),
    sqlite_with_rowid=False,
)
groups = Table("groups", metadata, _name("name", key=True), sqlite_with_rowid=False)
group_assignments = Table(
    "group_assignments",
    metadata,
    _name("group_name", _of("groups.name"), key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _name("role"),
    _name("scope"),
    Column("starts", Text),
    Column("ends", Text),
    Index("group_assignments_by_role", "role", "scope", "group_name"),
    Index("group_assignments_by_scope", "scope"),
    sqlite_with_rowid=False,
)
group_members = Table(
    "group_members",
    metadata,
    _name("group_name", _of("groups.name"), key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _name("user_id", _of("users.id")),
    Index("group_members_by_user", "user_id", "group_name", unique=True),
    sqlite_with_rowid=False,
)
group_groups = Table(
    "group_groups",
    metadata,
    _name("group_name", _of("groups.name"), key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _name("inner_name", _of("groups.name")),
    Index("group_groups_by_inner", "inner_name", "group_name", unique=True),
    sqlite_with_rowid=False,
)
scopes = Table(
    "scopes",
    metadata,
    _name("name", key=True),
    _name("kind"),
    Index("scopes_by_kind", "kind"),
    sqlite_with_rowid=False,
)
scope_parents = Table(
    "scope_parents",
    metadata,
    _name("scope", _of("scopes.name"), key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _name("parent"),  # the root's kind too, which is no scope of the table above
    Index("scope_parents_by_parent", "parent", "scope", unique=True),
    sqlite_with_rowid=False,
)
joined_domains = Table(
    "joined_domains",
    metadata,
    _name("domain", key=True),
    # 1: the directory lists it. 0: it follows from the users there are and were, and is kept so that one look suffices.
    Column("listed", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)
removed_users = Table("removed_users", metadata, _name("id", key=True), sqlite_with_rowid=False)
seen_events = Table(
    "seen_events",
    metadata,
    _name("id", key=True),
    Column("result", Text, nullable=False),  # JSON
    sqlite_with_rowid=False,
)
audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
directory_state = Table(
    "directory_state",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),  # always 1
    Column("version", BigInteger, nullable=False),
    Column("audit_count", BigInteger, nullable=False),
    Column("audit_last", Text),
    Column("identity", Text, nullable=False),  # of this database, made at random
)
changes = Table(
    "changes",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),  # user, group, scope, domain; `all` where everything is new
    _name("key", key=True),
)

# In an order in which each may refer to those before it.
CONTENT = (
    *(users, user_assignments, groups, group_assignments, group_members, group_groups),
    *(scopes, scope_parents, joined_domains, removed_users),
)

__all__ = ["CONTENT", "metadata"]
