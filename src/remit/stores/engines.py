"""A database's address → SQLAlchemy's engine, set up so that a transaction is exactly what the store means by one.

    sqlite:///people.db       beside where we stand; sqlite:////var/people.db from the root
    postgresql://ann@host/db  by psycopg; any of libpq's parameters behind `?`

Python's sqlite3 begins transactions on its own and at its own time; that is turned off, and `BEGIN` is sent by hand
(SQLAlchemy's manual, *Serializable isolation / Savepoints / Transactional DDL*): `BEGIN IMMEDIATE` where the option
`takes_lock` is set. On PostgreSQL the lock is the row that the store reads first.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from remit.stores.store import StoreError

PATIENCE = 30  # seconds to wait for another's transaction
_WRITTEN = "write `sqlite:///people.db` or `postgresql://user@host/database`"
_SCHEMES = {"sqlite": "sqlite", "sqlite+pysqlite": "sqlite", "postgresql": "postgresql", "postgres": "postgresql"}
_SCHEMES["postgresql+psycopg"] = "postgresql"


_SECRET = ("password", "sslpassword", "passfile")  # of libpq's parameters: never shown


class Place:
    """Where a database is. Raises StoreError for an address that names none."""

    def __init__(self, address: str) -> None:
        try:
            self.url = sa.make_url(address)
        except (sa.exc.ArgumentError, ValueError):
            raise StoreError("that is no address of a database", _WRITTEN) from None
        kind = _SCHEMES.get(self.url.drivername)
        if kind is None:
            raise StoreError(f"`{self.url.drivername}` is no database that can keep a directory", _WRITTEN)
        self.path: Path | None = None  # of SQLite's file
        if kind == "sqlite":
            if not self.url.database or self.url.database == ":memory:" or self.url.database.startswith("file:"):
                raise StoreError("the address names no file", _WRITTEN)
            self.path = Path(self.url.database)
            self.name = f"sqlite:///{self.path}"
        else:
            if self.url.host is not None and "@" in self.url.host:
                raise StoreError("the address has more than one `@`", "write the one in a password as `%40`")
            self.url = self.url.set(drivername="postgresql+psycopg")
            shown = self.url.set(drivername="postgresql").difference_update_query(_SECRET)
            self.name = shown.render_as_string(hide_password=True)


def engine_of(place: Place, create: bool = False) -> sa.Engine:
    """The engine; nothing is connected yet. `create`: a SQLite file that is not there is made. Raises StoreError where
    the driver is not installed."""
    return _sqlite(place.path, create) if place.path is not None else _postgres(place)


def _sqlite(path: Path, create: bool) -> sa.Engine:
    uri = f"file:{quote(str(path))}?mode={'rwc' if create else 'rw'}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(uri, timeout=PATIENCE, isolation_level=None, check_same_thread=False, uri=True)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.QueuePool)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        lock = connection.get_execution_options().get("takes_lock")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if lock else "BEGIN")

    return engine


def _postgres(place: Place) -> sa.Engine:
    arguments: dict[str, Any] = {} if "connect_timeout" in place.url.query else {"connect_timeout": 10}
    arguments["client_encoding"] = "utf8"
    try:
        # Each statement after the lock must see what the transaction before it left: READ COMMITTED does, and the
        # stricter levels would answer with a serialization failure. The server's default may be another.
        engine = sa.create_engine(
            place.url, connect_args=arguments, pool_pre_ping=True, isolation_level="READ COMMITTED"
        )
    except ModuleNotFoundError:
        raise StoreError("the driver of PostgreSQL is not installed", "install remit[postgres]") from None

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        # Compiling a statement costs more than any of ours; and `LIMIT` tempts the planner to read a large table from
        # its start where the index knows that there is nothing.
        settings = f"SET lock_timeout = '{PATIENCE}s'; SET jit = off; SET enable_seqscan = off"
        before, connection.autocommit = connection.autocommit, True
        connection.execute(settings)
        connection.autocommit = before

    return engine


__all__ = ["PATIENCE", "Place", "engine_of"]
