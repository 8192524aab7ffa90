"""A directory in a database, SQLite's or PostgreSQL's, with its log inside.

    lock ──▶ seen before? ──▶ judge, reading what it needs ──▶ changed rows ──▶ audit line, version ──▶ commit

An event is one transaction, and its first statement takes the one lock there is: so events come one after the other,
and a guard that was judged still holds when the event is written. Whoever is killed on the way leaves a transaction
that the database rolls back: the directory, its log and the answer kept for an `id` are one.

Readers take no lock. They see the directory of one moment, and follow it by its version: `changes_since`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam, insert, select

from remit.directory.shape import Directory
from remit.membership.event import name_trouble, read_event
from remit.membership.judge import RESULT, Outcome, judge_event
from remit.membership.record import event_record, import_record
from remit.stores import schema as t
from remit.stores.engines import Place, engine_of
from remit.stores.rows import BadRowError, sound
from remit.stores.sql_changes import write_changes
from remit.stores.sql_import import check_names, fill, is_empty
from remit.stores.sql_reading import Followed, read_all, read_some
from remit.stores.sql_roster import SqlRoster
from remit.stores.store import Setting, StoreError
from remit.stores.texts import kept_line
from remit.stores.troubles import damaged, in_words
from remit.stores.versions import check_form, migrate

_FOLLOWED = 50_000  # changed entries; beyond that a full reload is quicker
_AT_ONCE = 1_000

_STATE = select(t.directory_state).where(t.directory_state.c.id == 1)
_LOCKED = _STATE.with_for_update()
_SEEN = select(t.seen_events.c.result).where(t.seen_events.c.id == bindparam("id"))
_SET_STATE = t.directory_state.update().where(t.directory_state.c.id == 1)
_SET_STATE = _SET_STATE.values({key: bindparam(key) for key in ("version", "audit_count", "audit_last")})


class SqlStore:
    """The store of one database. Threads may share it; forked processes may not."""

    def __init__(self, url: str) -> None:
        self._place = Place(url)
        self._engine = engine_of(self._place)
        self._checked = False
        self._file: tuple[int, int] | None = None  # which file SQLite's connections are to
        self._loaded: tuple[Any, ...] | None = None  # which file and database the last snapshot was of
        self.notices: list[str] = []

    # -- the directory ---------------------------------------------------------------------------------------------

    def load(self) -> Directory:
        with self._reading() as connection:
            return read_all(connection, self._place.name)

    def snapshot(self) -> tuple[int, Directory]:
        """The directory and its version, of one moment. Raises StoreError."""
        with self._reading() as connection:
            state = self._state(connection)
            self._loaded = (self._file, state.identity)
            return state.version, read_all(connection, self._place.name)

    def version(self) -> int:
        """Counts what changed the directory. Raises StoreError."""
        with self._reading() as connection:
            return int(self._state(connection).version)

    def changes_since(self, version: int) -> tuple[int, Followed | None]:
        """The version now, and what changed since the one given; None where only a full reload tells. Raises
        StoreError."""
        with self._reading() as connection:
            state = self._state(connection)
            now = state.version
            if self._loaded not in (None, (self._file, state.identity)):  # another in its place: a backup, say
                return now, None
            if now == version:
                return now, Followed({}, {}, {}, frozenset())
            rows = connection.execute(
                select(t.changes.c.version, t.changes.c.kind, t.changes.c.key)
                .where(t.changes.c.version > version)
                .limit(_FOLLOWED + 1)
            ).all()
            told = {row.version for row in rows}
            if version > now or len(rows) > _FOLLOWED or len(told) != now - version:
                return now, None
            keys: dict[str, dict[str, None]] = {kind: {} for kind in ("user", "group", "scope", "domain", "all")}
            for _, kind, key in rows:
                keys[kind][key] = None
            if keys["all"]:
                return now, None
            followed = read_some(connection, keys["user"], keys["group"], keys["scope"])
            return now, followed._replace(joined_domains=frozenset(keys["domain"]))

    # -- events ----------------------------------------------------------------------------------------------------

    def apply(self, setting: Setting, event: Any, now: int, dry_run: bool = False) -> dict[str, Any]:
        if dry_run:
            with self._reading() as connection:
                seen = self._seen(connection, _id_of(event))
                return seen or self._judge(connection, setting, event, now)[1].result()
        with self._writing() as (connection, state):
            id = _id_of(event)
            seen = self._seen(connection, id)
            if seen is not None:
                return seen
            read, outcome, roster = self._judge(connection, setting, event, now)
            version = state.version
            if outcome.changes:
                version += 1
                write_changes(connection, roster, outcome.changes, version)
            record = event_record(read, outcome, now, setting.company, setting.policy, directory_version=version)
            self._append(connection, state, version, [record])
            result = outcome.result()
            if id is not None:
                connection.execute(insert(t.seen_events), {"id": id, "result": json.dumps(result)})
            return result

    def seen(self, id: str) -> dict[str, Any] | None:
        with self._reading() as connection:
            return self._seen(connection, id)

    def _seen(self, connection: sa.Connection, id: str | None) -> dict[str, Any] | None:
        """The first result of an event that came before."""
        if id is None:
            return None
        found = connection.scalar(_SEEN, {"id": id})
        if found is None:
            return None
        with sound():
            result: dict[str, Any] = {key: json.loads(found)[key] for key in RESULT}
        return result

    @staticmethod
    def _judge(connection: sa.Connection, setting: Setting, event: Any, now: int) -> tuple[Any, Outcome, SqlRoster]:
        read = read_event(event, setting.index.table)
        roster = SqlRoster(connection)
        return read, judge_event(setting.index, roster, read, now), roster

    # -- the log ---------------------------------------------------------------------------------------------------

    def record(self, records: Iterable[dict[str, Any]]) -> None:
        lines = list(records)
        if lines:
            with self._writing() as (connection, state):
                self._append(connection, state, state.version, lines)

    def _append(
        self, connection: sa.Connection, state: sa.Row[Any], version: int, records: Iterable[dict[str, Any]]
    ) -> None:
        """Writes the log's next lines, and where it ends now."""
        count, last = state.audit_count, state.audit_last
        rows = []
        for record in records:
            count += 1
            line = kept_line(record, last)
            last = line.hash
            rows.append({"number": count, "text": line.text, "hash": line.hash})
        if rows:
            connection.execute(insert(t.audit), rows)
        connection.execute(_SET_STATE, {"version": version, "audit_count": count, "audit_last": last})

    def log(self) -> Iterator[str]:
        with self._reading() as connection:
            lines = select(t.audit.c.text).order_by(t.audit.c.number)
            options = {"stream_results": True, "max_row_buffer": _AT_ONCE}
            with closing(connection.scalars(lines, execution_options=options)) as texts:
                for text in texts:
                    if not isinstance(text, str):
                        raise BadRowError("a line of its log is no text")
                    yield text

    def log_end(self) -> tuple[int, str | None] | None:
        with self._reading() as connection:
            state = self._state(connection)
            return state.audit_count, state.audit_last

    # -- the database ----------------------------------------------------------------------------------------------

    def migrate(self) -> None:
        """Makes the tables where there are none, and brings older ones to the newest form. Raises StoreError."""
        engine = engine_of(self._place, create=True)
        try:
            if self._place.path is not None:
                self._keep_journal(engine)
            with self._transaction(engine, takes_lock=True) as connection:
                migrate(connection, self._place.name)
            self._checked = True
        finally:
            engine.dispose()

    def _keep_journal(self, engine: sa.Engine) -> None:
        """A log beside the file, so that readers do not wait for writers. It stays so from then on."""
        with self._in_words():
            driver = engine.raw_connection()
            try:
                driver.cursor().execute("PRAGMA journal_mode=WAL")
            finally:
                driver.close()

    def import_directory(self, directory: Directory, replace: bool = False, now: int = 0, company: str = "") -> None:
        """Puts a directory into an empty database, or with `replace` in the place of the one there: then the log stays
        and gets a record of it, and the events seen are forgotten. Migrates first. Raises StoreError, and then nothing
        was changed."""
        check_names(directory)
        self.migrate()
        with self._writing() as (connection, state):
            if not replace and not is_empty(connection):
                raise StoreError(f"{self._place.name} holds a directory already", "replace it with `--replace`")
            fill(connection, directory)
            version = state.version + 1
            connection.execute(t.changes.delete())
            connection.execute(insert(t.changes), {"version": version, "kind": "all", "key": ""})
            records = []
            if replace:  # what was answered to an `id` was said of other people
                connection.execute(t.seen_events.delete())
                records.append(import_record(len(directory.users), len(directory.groups), now, company, version))
            self._append(connection, state, version, records)

    def close(self) -> None:
        self._engine.dispose()

    # -- transactions ----------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[tuple[sa.Connection, sa.Row[Any]]]:
        """A transaction whose first statement takes the lock, with the state as it was found."""
        self._check_form()
        with self._transaction(self._engine, takes_lock=True) as connection:
            yield connection, self._state(connection, lock=True)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees the database as it is at its first statement, throughout."""
        self._check_form()
        options: dict[str, Any] = {}
        if self._place.path is None:
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._transaction(self._engine, **options) as connection:
            yield connection

    def _state(self, connection: sa.Connection, lock: bool = False) -> sa.Row[Any]:
        # The row alone: on PostgreSQL, anything else read by the statement that waits for the lock would be as it was
        # before the wait.
        state = connection.execute(_LOCKED if lock else _STATE).one_or_none()
        if state is None:
            raise BadRowError("its state is missing")
        if type(state.version) is not int or type(state.audit_count) is not int:
            raise BadRowError("its state is no state")
        return state

    def _check_form(self) -> None:
        path = self._place.path
        if path is not None:
            self._check_file(path)
        if self._checked:
            return
        with self._transaction(self._engine) as connection:
            check_form(connection, self._place.name)
        self._checked = True

    def _check_file(self, path: Path) -> None:
        """Connections stay with a file that was replaced or removed: new ones are made to the one that is there."""
        try:
            found = path.stat()
        except OSError:
            raise StoreError(f"there is no database {path}", "make it with `remit directory import`") from None
        if self._file != (found.st_dev, found.st_ino):
            self._engine.dispose()
            self._checked, self._file = False, (found.st_dev, found.st_ino)

    @contextmanager
    def _transaction(self, engine: sa.Engine, **options: Any) -> Iterator[sa.Connection]:
        """Commits at the end; whatever is raised rolls back."""
        with self._in_words(), engine.connect() as plain:
            connection = plain.execution_options(**options)
            transaction = connection.begin()
            try:
                yield connection
            except BaseException:
                transaction.rollback()
                raise
            self._commit(transaction)

    def _commit(self, transaction: sa.RootTransaction) -> None:
        try:
            transaction.commit()
        except sa.exc.DBAPIError as error:
            if self._place.path is None and error.connection_invalidated:
                lost = f"the connection to {self._place.name} was lost while the event was being saved: it may be saved"
                raise StoreError(lost, "send it again with the same `id`: it is not applied twice") from error
            raise

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Errors of the driver, of SQLAlchemy, and of rows that make no sense, as StoreError."""
        try:
            yield
        except (sa.exc.SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            raise in_words(error, self._place.name) from error
        except BadRowError as error:
            raise damaged(self._place.name, str(error)) from error


def _id_of(event: Any) -> str | None:
    """The `id` by which an event is known again."""
    id = event.get("id") if isinstance(event, dict) else None
    return id if isinstance(id, str) and id and not name_trouble(id) else None


__all__ = ["Followed", "SqlStore"]
