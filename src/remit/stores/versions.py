"""Which form of the tables a database has, and how it comes to the newest: migrations by alembic, without a file of
settings.

    nothing there         migrate makes the tables; everything else says that the database is empty
    an older form         migrate brings it up; everything else asks for that
    a newer form          refused: written by a newer remit
    other people's tables refused: nothing of theirs is touched
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import alembic.command
import alembic.util
import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from remit.stores.store import StoreError

VERSION_TABLE = "remit_version"
_MIGRATE = "run `remit directory migrate`"
_MIGRATING = 0x72656D6974  # "remit": the key of PostgreSQL's advisory lock


def check_form(connection: sa.Connection, place: str) -> None:
    """Raises StoreError unless the database holds a directory of the newest form."""
    at = _found(connection, place)
    if at is None:
        raise StoreError(f"{place} is empty", "fill it with `remit directory import`")
    if at != _newest():
        raise StoreError(f"{place} was made by an older remit", _MIGRATE)


def migrate(connection: sa.Connection, place: str) -> None:
    """Brings an empty or older database to the newest form, in the transaction that is open. Raises StoreError."""
    if connection.dialect.name == "postgresql":  # two at once would both find it empty; SQLite's transaction is alone
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
    if _found(connection, place) != _newest():
        config = _config()
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")


def _found(connection: sa.Connection, place: str) -> str | None:
    """The form of the tables; None where there are none."""
    if connection.dialect.name == "postgresql":
        encoding = connection.scalar(sa.text("SELECT current_setting('server_encoding')"))
        if encoding != "UTF8":
            raise StoreError(f"{place} keeps text as {encoding}", "make the database with the encoding UTF8")
    tables = sa.inspect(connection).get_table_names()
    if VERSION_TABLE not in tables:
        if tables:
            raise StoreError(f"{place} holds other tables, and no directory", "give the directory its own database")
        return None
    try:
        at = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    except alembic.util.CommandError as error:
        raise StoreError(f"{place} names no one version of its tables", "restore it from a backup") from error
    if at is None:
        raise StoreError(f"{place} is half made: it names no version of its tables", "import into an empty database")
    if at not in _revisions():
        raise StoreError(f"{place} was made by a newer remit", "install that version")
    return at


@cache
def _newest() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


@cache
def _revisions() -> frozenset[str]:
    """Every form there ever was."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    folder = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


__all__ = ["VERSION_TABLE", "check_form", "migrate"]
