"""Alembic runs this for each migration, on the connection and in the transaction that `remit.stores.versions` gives."""

from __future__ import annotations

from alembic import context

from remit.stores.versions import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # SQLite's too, since the transaction is begun by hand and not by its driver
)
context.run_migrations()
