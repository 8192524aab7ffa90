"""The first tables: people, groups, places, the log, and what changed when."""

from __future__ import annotations

import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

    def table(title: str, *parts: sa.Column[Any] | sa.Constraint, rowid: bool = False) -> None:
        op.create_table(title, *parts, sqlite_with_rowid=rowid)

    def key(title: str, *constraints: sa.ForeignKey) -> sa.Column[Any]:
        return sa.Column(title, name, *constraints, primary_key=True, nullable=False)

    def of(column: str) -> sa.ForeignKey:
        return sa.ForeignKey(column, ondelete="CASCADE")

    def position() -> sa.Column[Any]:
        return sa.Column("position", sa.Integer, primary_key=True, autoincrement=False)

    def assignment() -> list[sa.Column[Any]]:
        names = [sa.Column("role", name, nullable=False), sa.Column("scope", name, nullable=False)]
        return [*names, sa.Column("starts", sa.Text), sa.Column("ends", sa.Text)]

    table(
        "users",
        key("id"),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("status_before", sa.Text),
        sa.Column("attributes", sa.Text),
    )
    table("user_assignments", key("user_id", of("users.id")), position(), *assignment())
    op.create_index("user_assignments_by_role", "user_assignments", ["role", "scope", "user_id"])
    op.create_index("user_assignments_by_scope", "user_assignments", ["scope"])
    table("groups", key("name"))
    table("group_assignments", key("group_name", of("groups.name")), position(), *assignment())
    op.create_index("group_assignments_by_role", "group_assignments", ["role", "scope", "group_name"])
    op.create_index("group_assignments_by_scope", "group_assignments", ["scope"])
    table(
        "group_members",
        key("group_name", of("groups.name")),
        position(),
        sa.Column("user_id", name, of("users.id"), nullable=False),
    )
    op.create_index("group_members_by_user", "group_members", ["user_id", "group_name"], unique=True)
    table(
        "group_groups",
        key("group_name", of("groups.name")),
        position(),
        sa.Column("inner_name", name, of("groups.name"), nullable=False),
    )
    op.create_index("group_groups_by_inner", "group_groups", ["inner_name", "group_name"], unique=True)
    table("scopes", key("name"), sa.Column("kind", name, nullable=False))
    op.create_index("scopes_by_kind", "scopes", ["kind"])
    table("scope_parents", key("scope", of("scopes.name")), position(), sa.Column("parent", name, nullable=False))
    op.create_index("scope_parents_by_parent", "scope_parents", ["parent", "scope"], unique=True)
    table("joined_domains", key("domain"), sa.Column("listed", sa.SmallInteger, nullable=False))
    table("removed_users", key("id"))
    table("seen_events", key("id"), sa.Column("result", sa.Text, nullable=False))
    table(
        "audit",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        rowid=True,
    )
    table(
        "directory_state",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("audit_count", sa.BigInteger, nullable=False),
        sa.Column("audit_last", sa.Text),
        sa.Column("identity", sa.Text, nullable=False),
        rowid=True,
    )
    table(
        "changes",
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, primary_key=True),
        key("key"),
        rowid=True,
    )
    made = sa.text("INSERT INTO directory_state (id, version, audit_count, identity) VALUES (1, 0, 0, :identity)")
    op.execute(made.bindparams(identity=secrets.token_hex(16)))
