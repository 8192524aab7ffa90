"""The public face of remit in Python: load a policy and a directory, bind them, ask.

policy = Policy.load("policies/measure")
pdp = policy.bind(Directory.load("policies/measure/directory.yaml"))
pdp.allows("ann", "read", {"type": "customer", "id": "c7", "properties": {"owner": "ann"}})
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from remit.directory import shape
from remit.evaluator.decision import Decision
from remit.evaluator.index import Index
from remit.evaluator.pdp import Pdp as Engine
from remit.table import meaning
from remit.table.shape import Table

if TYPE_CHECKING:
    from remit.bulk.engine import Decisions, Rules
    from remit.bulk.engine import Engine as Columns
    from remit.diagnostics import Diagnostic
    from remit.explanation.explain import Explanation
    from remit.membership.apply import Applied
    from remit.model.policy import Model
    from remit.stores.sql import Followed, SqlStore


class _RefusedError(Exception):
    """`diagnostics` are all findings, in order."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics
        first = diagnostics[0]
        place = f"{first.span.source.name}:{first.span.line}: " if first.span else ""
        more = f" (and {len(diagnostics) - 1} more)" if len(diagnostics) > 1 else ""
        super().__init__(f"{first.code} {place}{first.message}{more}")


class PolicyError(_RefusedError):
    """A policy that does not compile, or a table that cannot be read."""


class DirectoryError(_RefusedError):
    """A directory that cannot be read, or does not fit its policy."""


def clock() -> int:
    """The time now in nanoseconds since 1970."""
    return time.time_ns()


def _now() -> int:
    return clock()  # looked up when called, so that a test may stop the clock


class Policy:
    """A compiled policy."""

    def __init__(self, table: Table, model: Model | None = None) -> None:
        self.table = table
        self._model = model
        self._compile: Callable[[], Model] | None = None
        self._index: Index | None = None

    @classmethod
    def load(cls, path: str | PathLike[str], cache: bool = True) -> Policy:
        """The policy at a path: a folder, a `.remit` file, or a table made by `remit compile`.

        What sources come to is remembered in the user's own cache folder until they change; `cache=False` compiles them
        whatever is remembered, and remembers nothing. Raises PolicyError with every finding, not only the first."""
        where = Path(path)
        if "\0" not in str(where) and os.path.isfile(where) and where.suffix != ".remit":
            from remit.project.tables import load_table

            table, findings = load_table(where)
            if table is None:
                raise PolicyError(findings)
            return cls(table)
        from remit.project import table_memory

        found = table_memory.load(where, cache)
        if found.table is None:
            raise PolicyError(found.findings)
        made = cls(found.table)
        made._compile = found.model
        return made

    @classmethod
    def from_sources(cls, sources: Mapping[str, str], base: Policy | None = None, name: str = "policy") -> Policy:
        """A policy from texts by file name; with `base`, an overlay over it. Raises PolicyError."""
        from remit.compiler import compile_sources
        from remit.source import Source

        if not isinstance(sources, Mapping):
            raise TypeError('from_sources takes texts by file name: {"main.remit": "…"}')
        texts = [Source(file, text) for file, text in sorted(sources.items())]
        compiled = compile_sources(texts, base.model if base else None, name)
        if compiled.table is None:
            raise PolicyError(compiled.findings)
        return cls(compiled.table, compiled.model)

    def __repr__(self) -> str:
        return f"Policy({self.table.name}, {len(self.table.roles)} roles, {len(self.table.rules)} rules)"

    @property
    def model(self) -> Model | None:
        """What names and types came to, compiled now if it was not before; None where the policy came from a table."""
        if self._model is None and self._compile is not None:
            self._model = self._compile()
        return self._model

    @property
    def digest(self) -> str:
        """SHA-256 over what the policy means, in hexadecimal: it names the policy."""
        return meaning.digest(self.table)

    @property
    def index(self) -> Index:
        if self._index is None:
            self._index = Index(self.table)
        return self._index

    def apply(
        self, directory: Directory | shape.Directory, event: Mapping[str, Any], now: int | None = None
    ) -> Applied:
        """One membership event: judged by the policy's `assignments` and guards, applied whole or refused whole. The
        directory given stays as it is; `Applied` has the one after, the `result` and the audit `record`.

        `now` is nanoseconds since 1970, the clock's unless given. Writing to where directories are kept is the stores'
        business: see `remit apply`. Raises DirectoryError where the directory does not fit the policy's scopes."""
        from remit.membership.apply import apply_event
        from remit.membership.case import MisfitError

        people = directory.data if isinstance(directory, Directory) else directory
        try:
            return apply_event(self.index, people, event, clock() if now is None else now)
        except MisfitError as error:
            raise DirectoryError(error.diagnostics) from None

    def bind(self, directory: Directory | shape.Directory | None = None, clock: Callable[[], int] | None = None) -> Pdp:
        """The decision point for a directory (None: an empty one). `clock` gives nanoseconds since 1970.

        Raises DirectoryError where the directory does not fit the policy's scopes."""
        from remit.directory.fit import misfits

        if not isinstance(directory, Directory | shape.Directory | None):
            raise TypeError("bind takes a Directory: Directory.load(path), or Directory.from_text(text)")
        people = directory.data if isinstance(directory, Directory) else directory or shape.Directory()
        wrong = misfits(self.table, people)
        if wrong:
            raise DirectoryError(wrong)
        made = Pdp(self.table, people, clock or _now, self.index)
        if isinstance(directory, Directory):
            made.source = directory
        return made


class Directory:
    """Who holds which role. `data` is its content; without any, nobody is known. One that was loaded from a database
    knows where it came from, and `version` counts what has changed there."""

    def __init__(self, data: shape.Directory | None = None) -> None:
        self.data = data or shape.Directory()
        self.version: int | None = None
        self._store: SqlStore | None = None

    def __repr__(self) -> str:
        return f"Directory({len(self.data.users)} users, {len(self.data.groups)} groups)"

    @classmethod
    def load(cls, path: str | PathLike[str], cache: bool = True) -> Directory:
        """From a YAML or JSON file, or from a database by its address (`sqlite:///people.db`, `postgresql://…`).

        What a file comes to is remembered in the user's own cache folder until its text changes; `cache=False` reads it
        whatever is remembered, and remembers nothing. Nothing is remembered of a database. Raises DirectoryError with
        every finding in a file; StoreError where a database cannot be read."""
        from remit.project import directory_memory
        from remit.project.directories import is_url

        if isinstance(path, str) and is_url(path):
            from remit.stores.store import database

            made = cls()
            made._store = database(path)
            made.version, made.data = made._store.snapshot()
            return made
        data, findings = directory_memory.load(Path(path), cache)
        if findings:
            raise DirectoryError(findings)
        return cls(data)

    def close(self) -> None:
        """Lets go of the database; what was loaded stays."""
        if self._store is not None:
            self._store.close()

    def refreshed(self) -> tuple[Directory, Followed | None]:
        """The directory as its database has it now, reading the changed rows alone, and what changed; None for that
        where all of it was read anew. Itself where nothing changed, or where it is no database's. Raises StoreError."""
        if self._store is None or self.version is None:
            return self, None
        version, changes = self._store.changes_since(self.version)
        if version == self.version and changes is not None:
            return self, changes
        made = Directory()
        made._store = self._store
        if changes is None:
            made.version, made.data = self._store.snapshot()
            return made, None
        made.version, made.data = version, changes.on(self.data)
        return made, changes

    @classmethod
    def from_text(cls, text: str, name: str = "directory.yaml") -> Directory:
        """From YAML or JSON text. Raises DirectoryError."""
        from remit.directory.reader import read_directory
        from remit.source import Source

        data, findings = read_directory(Source(name, text))
        if findings:
            raise DirectoryError(findings)
        return cls(data)


class Pdp(Engine):
    """The decision point, with its explanations. `source` is the directory it was bound to."""

    source: Directory | None = None
    _columns: Columns | None = None  # what `decide_many` asks, once it was called

    def refreshed(self) -> Pdp:
        """A decision point for the directory as its database has it now; itself where nothing has changed. Only
        changed rows are read. This one goes on answering for the directory it has, so that each decision sees one
        directory whole: put the new one in its place.

            pdp = pdp.refreshed()

        Raises StoreError where the database cannot be read, DirectoryError where it no longer fits the policy."""
        if self.source is None:
            return self
        directory, changes = self.source.refreshed()
        if directory is self.source:
            return self
        from remit.directory.fit import misfits

        people = directory.data
        looked_at = people if changes is None else people._replace(users=changes.there(), groups=changes.groups_there())
        if wrong := misfits(self.table, looked_at):
            raise DirectoryError(wrong)
        if changes is None:
            made = Pdp(self.table, people, self.clock, self.index)
            made._columns = self._columns and self._columns.following(made)
        else:
            made = self.following(people, changes.groups)
        made.source = directory
        return made

    def following(self, directory: shape.Directory, groups: Iterable[str]) -> Self:
        """See `remit.evaluator.pdp.Pdp.following`."""
        made = super().following(directory, groups)
        made._columns = self._columns and self._columns.following(made)
        return made

    def decide_many(
        self, columns: Mapping[str, Any], rules: Rules | None = None, progress: Callable[[int], object] | None = None
    ) -> Decisions:
        """The decisions on many requests, given as columns; each is what `decide` says of that row.

            pdp.decide_many({"user": users, "action": "read", "type": "invoice", "resource.owner": owners})

        Columns are named `user`, `action`, `type`, and, where requests have them, `resource.NAME` (`resource.id` and
        `resource.scope` too), `context.NAME` and `subject.NAME` (`subject.type` is compared with the directory's, as in
        a request; without it, a user is named by id alone). Each is an Arrow array, a NumPy array, a list, or one value
        for all rows; None and Arrow's null are what a request leaves out. Arrow dictionary arrays are the fastest.

        `rules`: `"first"` for the number of the first deciding rule, `"all"` for all of them; numbers are places in
        `policy.table.rules`. `progress` is told now and then how many rows are done. The clock is read once. Rows
        are decided a chunk at a time; lists are turned into Arrow's arrays first.

        Raises ValueError for columns of no such name, of different lengths, or of a type that no request has, and
        ImportError where the extra `bulk` is not installed."""
        if self._columns is None:
            try:
                from remit.bulk.engine import Engine as Columns
            except ImportError as error:
                raise ImportError("decide_many needs NumPy and Arrow: install remit[bulk]") from error
            self._columns = Columns(self)
        return self._columns.decide(columns, rules, progress)

    def explain(self, request: Any) -> Explanation:
        """Everything about a decision: each rule that applied, how roles are held, and what would have to change."""
        from remit.explanation.explain import explain

        return explain(self, request)


__all__ = ["Decision", "Directory", "DirectoryError", "Pdp", "Policy", "PolicyError", "clock"]
