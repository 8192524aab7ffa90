"""The directory as a file of YAML or JSON, with its audit log beside it: no event is ever half done.

    lock · mend · judge · audit line on the disk · directory replaced · head replaced

The audit line carries the SHA-256 of the directory before and after the event. A process may be killed between any two
of these steps, and the next one that writes sees by the digests what was done:

| killed                                       | directory | last line    | head       | mended                      |
|----------------------------------------------|-----------|--------------|------------|-----------------------------|
| before the line, or while judging            | before    | an older one | in step    | nothing to do               |
| in the middle of the line                    | before    | cut short    | in step    | the line is dropped         |
| line written, on the disk or not yet         | before    | the event's  | one behind | the line is dropped         |
| the new directory half written, beside it    | before    | the event's  | one behind | and what lies beside, too   |
| directory replaced, its name not on the disk | either    | the event's  | one behind | as above, or as below       |
| the new head half written, beside it         | after     | the event's  | one behind | the head is brought in step |
| head replaced                                | after     | the event's  | in step    | nothing to do               |
| mending: line not dropped yet                | before    | the event's  | one behind | the line is dropped         |
| mending: head not in step yet                | after     | the event's  | one behind | the head is brought in step |

So an event whose line stays has happened, and one whose line is dropped has not; it may come again. Refused events
change no directory: their line alone counts. Where the directory is neither what the last event left nor what it found,
somebody edited it: that is noted, and nothing is dropped.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remit.directory.changes import Change
from remit.directory.reader import read_directory
from remit.directory.shape import Directory
from remit.membership.event import BadEvent, Event, read_event
from remit.membership.judge import judge_event
from remit.membership.record import event_record
from remit.membership.roster import MemoryRoster
from remit.project.directories import read_directory_file
from remit.project.files import LARGEST, write_whole
from remit.source import Source
from remit.stores.journal import Journal, Mark, mark_of
from remit.stores.lock import Lock
from remit.stores.store import Setting, StoreError, UnreadableError

if TYPE_CHECKING:
    from remit.directory.rewriting import DirectoryText


class FileStore:
    """A directory file, and its log. `path` may be a link: what it points to is replaced, and the link stays."""

    def __init__(self, path: Path, audit_path: Path) -> None:
        self.path = path
        self.notices: list[str] = []
        self.journal = Journal(audit_path, self.notices)
        self._lock = Lock(Path(os.path.realpath(path)))
        self._content: _Content | None = None
        self._mended: tuple[Mark, Mark, Mark] | None = None  # log, head and directory, with nothing left to mend

    def load(self) -> Directory:
        """All of it, as it is now. Raises StoreError, and UnreadableError where the file is wrong."""
        with self.journal.turn:
            return self._read().directory

    def apply(self, setting: Setting, event: Any, now: int, dry_run: bool = False) -> dict[str, Any]:
        """See `Store.apply`. A dry run takes no lock, and mends nothing. Raises StoreError, and MisfitError where the
        directory does not fit the policy."""
        given = read_event(event, setting.index.table)
        if dry_run:
            with self.journal.turn:
                first = None if given.id is None else self.seen(given.id)
                return first or judge_event(setting.index, self._read().roster, given, now).result()
        with plainly(self.path, "read"):
            os.stat(self.path)  # first: where the path is wrong no lock is left beside it
        # The directory's lock as well as the log's: processes with another log write this directory, too.
        with plainly(self.path, "written"), self._lock.held(), self._locked():
            first = self._first_result(given, None)
            return self._applied(setting, given, now) if first is None else first

    def seen(self, id: str) -> dict[str, Any] | None:
        """See `Store.seen`. What a killed process left undone was not seen."""
        with self.journal.turn, plainly(self.journal.path, "read"):
            end = self.journal.end()
            undone = end.record is not None and self._is_undone(end.record, self._read().digest)
            return self.journal.seen(id, self.path.name, end.start if undone else None)

    def record(self, records: Iterable[dict[str, Any]]) -> None:
        """Appends records that are no events. The directory need not be there. Raises StoreError."""
        given = list(records)  # first: making them may take its time, and others wait for the lock
        if given:
            with self._locked():
                with self.journal.appended(given):
                    pass
                self._mended = (*self.journal.marks, self._mended[2] if self._mended else None)

    def log(self) -> Iterator[str]:
        """The whole lines of the log, as they are: reading mends nothing. Raises StoreError."""
        with plainly(self.journal.path, "read"):
            yield from self.journal.lines()

    def log_end(self) -> tuple[int, str | None] | None:
        with plainly(self.journal.path, "read"):
            return self.journal.head()

    def close(self) -> None:
        self._content = self._mended = None

    # -- one event ---------------------------------------------------------------------------------------------------

    def _applied(self, setting: Setting, given: Event | BadEvent, now: int) -> dict[str, Any]:
        content = self._read()
        outcome = judge_event(setting.index, content.roster, given, now)
        before = after = content.digest
        text = ""
        if outcome.changes:
            self._content = None  # until all is done, what is in memory is ahead of the file
            text = content.rewritten(outcome.changes)
            after = digest_of(text)
        of_file = {"directory": self.path.name, "directory_before": before, "directory_after": after}
        record = event_record(given, outcome, now, setting.company, setting.policy, **of_file)
        with self.journal.appended([record]):
            if after != before:
                self._replace(text, content.mark, after)
        if outcome.changes:
            with plainly(self.path, "read"):
                content.took(outcome.changes, after, mark_of(self.path))
            self._content = content
        self._mended = (*self.journal.marks, content.mark)
        return outcome.result()

    def _first_result(self, given: Event | BadEvent, before: int | None) -> dict[str, Any] | None:
        if given.id is None:
            return None
        with plainly(self.journal.path, "read"):
            return self.journal.seen(given.id, self.path.name, before)

    def _replace(self, text: str, mark: Mark, digest: str) -> None:
        """Puts the text in the file's place. Where this raises, it has not."""
        target = Path(os.path.realpath(self.path))
        with plainly(self.path, "written"):
            if mark_of(target) != mark:
                raise StoreError(f"`{self.path.name}` was changed meanwhile", "nothing was changed; try again")
            try:
                write_whole(target, text, durable=True)
            except OSError as error:
                if digest_of(self._read_source().text) != digest:
                    raise
                # Replaced, and only the disk's word for it is missing: the event has happened.
                self.journal.note(f"the disk did not confirm `{self.path.name}`: {reason(error)}")

    # -- what is there -----------------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with plainly(self.journal.path, "written"), self.journal.lock():
            self._recover()
            yield

    def _recover(self) -> None:
        """Undoes or completes what a killed process left, and notes what was edited by hand. Raises
        StoreError."""
        with plainly(self.path, "read"):
            mark = mark_of(self.path)
        if (*self.journal.marks, mark) == self._mended:
            return
        content = None if mark is None else self._read()
        digest = None if content is None else content.digest
        target = Path(os.path.realpath(self.path))
        self.journal.mend(lambda record: self._is_undone(record, digest), None if content is None else target)
        last = self.journal.newest("directory_after", {"directory": self.path.name})
        if last is not None and digest is not None and last["additional_data"]["directory_after"] != digest:
            edited = f"`{self.path.name}` was edited since the last event, at {last['created_at']}"
            self.journal.note(edited, about=digest)
        self._mended = (*self.journal.marks, content.mark if content else None)

    def _is_undone(self, record: dict[str, Any], digest: str | None) -> bool:
        """Whether a record, which is the last, tells of a change that the directory does not have."""
        data = record["additional_data"]
        before, after = data.get("directory_before"), data.get("directory_after")
        ours = data.get("directory", self.path.name) == self.path.name  # a log may serve several directories
        return ours and before is not None and after is not None and before != after and before == digest

    def _read(self) -> _Content:
        """The directory's content. The file is read again only where it was touched, parsed again only where it says
        something else."""
        with plainly(self.path, "read"):
            mark = mark_of(self.path)
        content = self._content
        if content is None or mark is None or mark != content.mark:
            source = self._read_source()
            if content is None or content.digest != digest_of(source.text):
                content = self._content = _Content(source)
            content.mark = mark
        return content

    def _read_source(self) -> Source:
        with plainly(self.path, "read"):
            os.stat(self.path)
        source, findings = read_directory_file(self.path)
        if source is not None:
            return source
        if findings[0].code == "E010":
            raise StoreError(f"`{self.path.name}`: {findings[0].message}", findings[0].help)
        raise UnreadableError(findings)


class _Content:
    """What a directory file holds. It is parsed when somebody asks, and once."""

    def __init__(self, source: Source) -> None:
        self.digest = digest_of(source.text)
        self.mark: Mark = None  # of the file that holds it
        self._source = source
        self._directory: Directory | None = None
        self._roster: MemoryRoster | None = None
        self._text: DirectoryText | None = None

    @property
    def directory(self) -> Directory:
        """Raises UnreadableError."""
        if self._directory is None:
            directory, findings = read_directory(self._source)
            if findings:
                raise UnreadableError(findings)
            self._directory = directory._replace(name=self._source.origin)
        return self._directory

    @property
    def roster(self) -> MemoryRoster:
        if self._roster is None:
            self._roster = MemoryRoster(self.directory)
        return self._roster

    def rewritten(self, changes: tuple[Change, ...]) -> str:
        """The text after the changes. From here on this is ahead of the file, until the file `took` it. Raises
        StoreError."""
        from remit.directory.rewriting import DirectoryText, RewriteError  # reading does without

        try:
            if self._text is None:
                self._text = DirectoryText(self._source)
            self._text.take(changes)
            if len(self._text.text.encode("utf-8")) > LARGEST:
                raise StoreError("the directory would be too large for a file", "bring it into a database")
        except RewriteError as error:
            raise StoreError(f"the directory cannot be rewritten: {error}", "nothing was changed") from error
        except UnicodeEncodeError as error:
            raise StoreError("the event holds text that is no UTF-8", "nothing was changed") from error
        return self._text.text

    def took(self, changes: tuple[Change, ...], digest: str, mark: Mark) -> None:
        """The file holds the rewritten text now."""
        assert self._text is not None
        self.roster.take(changes)
        self.digest, self.mark = digest, mark
        self._source = Source(self._source.name, self._text.text, self._source.origin)
        self._directory = None


@contextmanager
def plainly(path: Path, done: str) -> Iterator[None]:
    """What the system says about a file that is to be `read` or `written`, in words for people. Raises StoreError."""
    try:
        yield
    except OSError as error:
        help = _HELP.get(error.errno or 0, "nothing was changed; check the disk, then try again")
        raise StoreError(f"`{path.name}` cannot be {done}: {reason(error)}", help) from error


def reason(error: OSError) -> str:
    return (error.strerror or "the system does not say why").lower()


_HELP = {
    errno.ENOENT: "check its path, and that its folder is there",
    errno.EACCES: "check its permissions and those of its folder; nothing was changed",
    errno.EPERM: "check its permissions and those of its folder; nothing was changed",
    errno.EROFS: "nothing was changed; put the directory and its log where they can be written",
    errno.ENOSPC: "nothing was changed; free some space, then try again",
    errno.EDQUOT: "nothing was changed; free some space, then try again",
}


def digest_of(text: str) -> str:
    """SHA-256 over a directory file's bytes, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


__all__ = ["FileStore", "digest_of"]
