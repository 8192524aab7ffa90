"""What a database's driver raises, as a sentence for people and something to do.

sqlite3: database or disk is full          → `people.db` cannot be written: the disk is full
psycopg: server closed the connection …    → the connection to postgresql://… was lost

Messages of drivers name internals, and may hold a password: only the first line of what is not known is shown.
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from remit.stores.store import StoreError

_RESTORE = "restore a copy, or import the directory into a new database"
_REACH = "check that the server runs and that the address is right"
# What the name of SQLite's error begins with → what is wrong, and help.
_SQLITE: tuple[tuple[str, str, str], ...] = (
    ("SQLITE_NOTADB", "{place} is no SQLite database", "name the file that `remit directory import` made"),
    ("SQLITE_CORRUPT", "{place} is damaged", _RESTORE),
    ("SQLITE_FULL", "{place} cannot be written: the disk is full", "make room and try again; nothing was changed"),
    ("SQLITE_BUSY", "{place} is locked by another process for too long", "try again; nothing was changed"),
    ("SQLITE_LOCKED", "{place} is locked for too long", "try again; nothing was changed"),
    ("SQLITE_CANTOPEN", "{place} cannot be opened", "check the path and its permissions"),
    ("SQLITE_READONLY", "{place} may not be written", "check the permissions of the file and of its folder"),
    ("SQLITE_PERM", "{place} may not be read", "check the permissions of the file and of its folder"),
    ("SQLITE_AUTH", "{place} may not be read", "check the permissions of the file and of its folder"),
    ("SQLITE_IOERR", "{place} cannot be read or written: the disk fails, or is full", "check the disk and try again"),
    ("SQLITE_TOOBIG", "{place} cannot keep a text that long", "give a shorter one"),
    ("SQLITE_CONSTRAINT", "{place} contradicts itself", _RESTORE),
)
# What PostgreSQL's SQLSTATE begins with → the same.
_POSTGRES: tuple[tuple[str, str, str], ...] = (
    ("08", "the connection to {place} was lost", _REACH),
    ("57P", "the connection to {place} was lost: the server is shutting down", _REACH),
    ("28", "{place} does not let this user in", "check the user and the password in the address"),
    ("3D000", "{place}: there is no such database", "make it with `createdb`"),
    ("53100", "{place} cannot be written: the disk of the server is full", "make room; nothing was changed"),
    ("53300", "{place} takes no more connections", "try again, or let the server take more"),
    ("53", "{place} is short of memory or room", "try again; nothing was changed"),
    ("55P03", "{place} is locked by another process for too long", "try again; nothing was changed"),
    ("57014", "{place} took too long, and was cancelled", "try again; nothing was changed"),
    ("42501", "{place} may not be read or written by this user", "grant the user the tables of the directory"),
    ("42P01", "{place} lacks a table of the directory", _RESTORE),
    ("25006", "{place} may not be written: it is a read-only copy", "name the server that takes changes"),
    ("54000", "{place} cannot keep a text that long", "give a shorter one"),
    ("XX", "{place} is damaged", _RESTORE),
    ("58", "{place} cannot be read or written: the disk of the server fails", "check the disk of the server"),
    ("23", "{place} contradicts itself", _RESTORE),
)
# Where the server refuses a connection, libpq hands on a text alone: a part of it → the SQLSTATE it stands for.
_REFUSALS = (
    (re.compile('database ".*" does not exist'), "3D000"),
    (re.compile('role ".*" does not exist|authentication failed|no pg_hba.conf entry|no password supplied'), "28"),
    (re.compile("too many clients|too many connections|connection slots are reserved"), "53300"),
)


def in_words(error: BaseException, place: str) -> StoreError:
    """The error as people read it. `place`: the database's address, without a password."""
    lost = isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
    if isinstance(error, sa.exc.TimeoutError):
        return StoreError(f"all connections to {place} are in use", "try again; nothing was changed")
    cause: Any = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
    name = getattr(cause, "sqlite_errorname", None)
    if isinstance(name, str):
        for start, message, help in _SQLITE:
            if name.startswith(start):
                return StoreError(message.format(place=place), help)
    if type(cause).__module__.startswith("sqlite3") and "decode" in str(cause):
        return StoreError(f"{place} is damaged", _RESTORE)
    state = getattr(cause, "sqlstate", None)
    if state is None and type(cause).__module__.startswith("psycopg"):
        state = next((code for pattern, code in _REFUSALS if pattern.search(str(cause))), None)
    if isinstance(state, str):
        for start, message, help in _POSTGRES:
            if state.startswith(start):
                return StoreError(message.format(place=place), help)
    if lost or (type(cause).__module__.startswith("psycopg") and state is None):
        return StoreError(f"there is no connection to {place}", f"{_REACH} ({_first_line(cause)})")
    return StoreError(f"{place} failed: {_first_line(cause)}", "if it stays, restore a copy of the database")


def damaged(place: str, what: str) -> StoreError:
    """For what the driver reads without complaint, and nobody of ours wrote."""
    return StoreError(f"{place} is damaged: {what}", _RESTORE)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__


__all__ = ["damaged", "in_words"]
