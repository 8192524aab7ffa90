"""What keeps a directory: a file beside its audit log, or a database. Both take events whole or not at all.

open_store("directory.yaml")             the file, and audit.jsonl beside it
open_store("sqlite:///people.db")        the database, with the log inside
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from remit.diagnostics import Diagnostic
from remit.directory.shape import Directory
from remit.evaluator.index import Index
from remit.project.directories import is_url

if TYPE_CHECKING:
    from remit.stores.sql import SqlStore


class StoreError(Exception):
    """A directory that cannot be read or written: a damaged database, a lost connection, a full disk. The message is a
    sentence for people; `help` says what to do."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class UnreadableError(StoreError):
    """A directory file with mistakes; `diagnostics` are all of them."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__(diagnostics[0].message)
        self.diagnostics = diagnostics


class Setting(NamedTuple):
    """What a store needs to judge and record events: the policy, its digest, and the company that owns the log."""

    index: Index  # type: ignore[assignment]  # not the tuple's method of that name
    policy: str
    company: str = ""


class Store(Protocol):
    """A directory that takes events. `notices` are sentences about what was found and mended on the way."""

    notices: list[str]

    def load(self) -> Directory:
        """All of it, as it is now. Raises StoreError."""

    def apply(self, setting: Setting, event: Any, now: int, dry_run: bool = False) -> dict[str, Any]:
        """Judges an event (JSON, as it came) against the directory as it is now, and makes its changes and its audit
        record together, or neither. Gives the result line. An event whose `id` was seen before is answered with its
        first result. `dry_run` leaves everything as it is. Raises StoreError, and then nothing was changed."""

    def seen(self, id: str) -> dict[str, Any] | None:
        """The first result of the event with this id; None where there was none. Raises StoreError."""

    def record(self, records: Iterable[dict[str, Any]]) -> None:
        """Appends records that are no events (allowed requests) to the audit log. Raises StoreError."""

    def log(self) -> Iterator[str]:
        """The lines of the audit log, without line ends, oldest first. Raises StoreError."""

    def log_end(self) -> tuple[int, str | None] | None:
        """How many records the log should have, and the hash of the last; None where that was not kept."""

    def close(self) -> None: ...


def open_store(place: str, audit: str | None = None) -> Store:
    """The store of a directory. `audit`: where the log is, for a file; `audit.jsonl` beside it by default. Raises
    StoreError."""
    if is_url(place):
        return database(place)
    from remit.stores.file import FileStore

    path = Path(place)
    return FileStore(path, Path(audit) if audit else path.parent / "audit.jsonl")


def database(url: str) -> SqlStore:
    """The database at an address. Raises StoreError, also where the packages for it are not installed."""
    try:
        from remit.stores.sql import SqlStore
    except ModuleNotFoundError as missing:
        if missing.name is not None and missing.name.partition(".")[0] == "remit":
            raise
        raise StoreError("a directory in a database needs SQLAlchemy and alembic", "install remit[sql]") from None
    return SqlStore(url)
