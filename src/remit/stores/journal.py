"""The audit log as a file of lines, with a small head beside it that tells when lines are cut off the end.

    audit.jsonl        {…, "additional_data": {…, "previous": null}}          sha256 = 3f9c…
                       {…, "additional_data": {…, "previous": "3f9c…"}}       sha256 = 77b1…
    audit.jsonl.head   {"records": 2, "last": "77b1…"}
    audit.jsonl.lock   nothing; who holds the lock on it may write

A line is on the disk before what it tells of is done, and the head follows when that is done. So the head may be
behind, and is then brought in step; a head that names more than there is, or something else, is never made to fit: it
goes on counting from its own number, and the next line names what the head names, so that `audit verify` finds the gap.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, TypeAlias

from remit.membership.judge import RESULT
from remit.membership.record import chained, read_record
from remit.project.files import sweep, sync_folder, write_whole
from remit.stores.lock import Lock
from remit.stores.store import StoreError

Mark: TypeAlias = tuple[int, ...] | None  # of a file: differs when it was written or replaced; None where there is none

_BLOCK = 64 * 1024
_BEGINS = b'{"company_id": '
_NAMES_ID = re.compile(rb'"event_id"\s*:\s*"')


class Head(NamedTuple):
    """How many records a log should have, and the hash of the last."""

    records: int
    last: str | None


class End(NamedTuple):
    """Where a log ends. `size`: bytes of its whole lines; `more`: bytes behind them, of a line that was cut short;
    `start`, `record`: of the last line. `next`: what the line that comes next counts on and names. `head`: whether the
    head says the same, is some lines behind, says something else, or is not there."""

    size: int
    more: int
    start: int
    record: dict[str, Any] | None
    next: Head
    head: Literal["in step", "behind", "astray", "missing"]
    behind: int = 0


class Journal:
    """The log at a path; a link is followed. `notices` takes a sentence for each thing that was found and mended."""

    def __init__(self, path: Path, notices: list[str] | None = None) -> None:
        self.path = Path(os.path.realpath(path))
        self.notices = [] if notices is None else notices
        self._head_path = self.path.with_name(self.path.name + ".head")
        self._lock = Lock(self.path)
        self.turn = self._lock.turn  # of the threads of this process
        self._end: tuple[tuple[Mark, Mark], End] | None = None
        self._noted: set[tuple[str, str]] = set()
        self._ids: dict[tuple[str, str], int] = {}  # directory and event → where the line of its first result begins
        self._indexed = (0, b"")  # up to where, and the line before that
        self._indexed_at: Mark = None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps other processes and threads out, as often as it is entered. Raises OSError."""
        with self._lock.held():
            yield

    # -- reading -----------------------------------------------------------------------------------------------------

    @property
    def marks(self) -> tuple[Mark, Mark]:
        """Of the log and its head: the same as before where neither was touched."""
        return mark_of(self.path), mark_of(self._head_path)

    def head(self) -> Head | None:
        """What the head says; None without one. Raises OSError."""
        try:
            said = json.loads(self._head_path.read_bytes())
            records, last = said["records"], said["last"]
        except (FileNotFoundError, ValueError, TypeError, KeyError, RecursionError):
            return None
        whole = type(records) is int and (isinstance(last, str) if records else last is None)
        return Head(records, last) if whole else None

    def lines(self) -> Iterator[str]:
        """The lines without their ends, oldest first; one that was cut short is noted and left out. Raises OSError."""
        if mark_of(self.path) is None:
            return
        with open(self.path, "rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield _text(line[:-1])
                else:
                    self.note(f"the last line of `{self.path.name}` was cut short: the next event drops it")

    def end(self) -> End:
        """Where the log ends. Reads the last lines and the head, and all of the log only where these do not agree.
        Raises OSError."""
        marks = self.marks
        if self._end is None or self._end[0] != marks:
            self._end = (marks, self._read_end(self.head(), marks[0] is not None))
        return self._end[1]

    def _read_end(self, head: Head | None, there: bool) -> End:
        size = start = 0
        last, record, before = b"", None, None
        more = b""
        if there:
            with open(self.path, "rb") as file:
                length = file.seek(0, os.SEEK_END)
                lines = backwards(file, length)
                start, last = next(lines, (0, b""))
                size, whole = length, start + len(last) < length
                record = read_record(_text(last))[0] if whole else None
                if not whole and length:  # cut short: what was written whole stays, whatever it is
                    size, more = start, last
                    start, last = next(lines, (0, b""))
                    record = read_record(_text(last))[0] if size else None
                before = next(lines, None)
            cut = length - size
            if head is None and record is None and (size or not _may_begin(more)):
                raise StoreError(f"`{self.path.name}` is no audit log", "name another file for the log")
        else:
            cut = 0
        found = _hash(last) if size else None
        if head is None:
            return End(size, cut, start, record, Head(self._count(size, 0)[0], found), "missing")
        if head.last == found:
            return End(size, cut, start, record, head, "in step")
        if record is not None and head.last == (_hash(before[1]) if before else None):
            return End(size, cut, start, record, Head(head.records + 1, found), "behind", 1)
        count, named = self._count(size, head.records)
        if count > head.records and named == head.last:
            return End(size, cut, start, record, Head(count, found), "behind", count - head.records)
        return End(size, cut, start, record, Head(max(count, head.records), head.last), "astray")

    def _count(self, size: int, number: int) -> tuple[int, str | None]:
        """How many lines there are in so many bytes, and the hash of one of them."""
        count, named = 0, None
        if size:
            with open(self.path, "rb") as file:
                while file.tell() < size:
                    line = file.readline()
                    count += 1
                    if count == number:
                        named = _hash(line[:-1])
        return count, named

    def newest(self, key: str, like: dict[str, str]) -> dict[str, Any] | None:
        """The newest record that has `key` in its `additional_data`, and there what `like` has. Raises OSError."""
        end, sought = self.end(), json.dumps(key).encode()
        if end.size:
            with open(self.path, "rb") as file:
                for _, line in backwards(file, end.size):
                    record = read_record(_text(line))[0] if sought in line else None
                    data = record["additional_data"] if record is not None else {}
                    if key in data and all(data.get(name, wanted) == wanted for name, wanted in like.items()):
                        return record
        return None

    def seen(self, event_id: str, directory: str, before: int | None = None) -> dict[str, Any] | None:
        """The first result of an event of this directory, of those whose line begins before `before`; None where there
        is none. The log is read once, and then what was appended. Raises OSError."""
        self._index()
        at = self._ids.get((directory, event_id))
        if at is None or (before is not None and at >= before):
            return None
        with open(self.path, "rb") as file:
            file.seek(at)
            data = json.loads(file.readline())["additional_data"]
        return {key: data.get(key) for key in RESULT}

    def _index(self) -> None:
        mark = mark_of(self.path)
        if mark == self._indexed_at:
            return
        if mark is None:
            self._ids, self._indexed, self._indexed_at = {}, (0, b""), mark
            return
        with open(self.path, "rb") as file:
            at, last = self._indexed
            file.seek(at - len(last))
            if file.read(len(last)) != last:  # another log, or one whose end was taken back
                self._ids, at, last = {}, 0, b""
            file.seek(at)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                if _NAMES_ID.search(line):
                    record = read_record(_text(line))[0]
                    data = record["additional_data"] if record else {}
                    if isinstance(data.get("event_id"), str):
                        self._ids.setdefault((str(data.get("directory")), data["event_id"]), at)
                at, last = at + len(line), line
        self._indexed, self._indexed_at = (at, last), mark

    # -- writing, under the lock ---------------------------------------------------------------------------------------

    @contextmanager
    def appended(self, records: Iterable[dict[str, Any]]) -> Iterator[None]:
        """Has the records on the disk while the block does what they tell of. Where it fails they are taken back; where
        it is interrupted all is left to `mend`, as if the process had been killed. Raises OSError."""
        end = self.end()
        lines: list[bytes] = []
        head, start, at, last = end.next, end.start, end.size, end.record
        for record in records:
            line = chained(record, head.last)
            last = {**record, "additional_data": {**record["additional_data"], "previous": head.last}}
            lines.append(line.text.encode("utf-8", "surrogatepass") + b"\n")
            head, start, at = Head(head.records + 1, line.hash), at, at + len(lines[-1])
        new = mark_of(self.path) is None
        try:
            if new and end.head == "missing":  # so that a log without a head is one that somebody took it from
                sweep(self._head_path)
                self._write_head(end.next)
            self._write(b"".join(lines), new)
            yield
        except Exception:
            self._take_back(end.size, new)
            raise
        try:
            self._write_head(head)
        except OSError as error:  # what the records tell of is done; the next event brings the head in step
            self.note(f"`{self._head_path.name}` is not written yet: {error.strerror}")
        else:
            self._end = (self.marks, End(at, 0, start, last, head, "in step"))

    def mend(self, undone: Callable[[dict[str, Any]], bool] = lambda record: False, beside: Path | None = None) -> None:
        """Drops a last line that was cut short, and a last record of what never happened (`undone`); brings the head in
        step. Where a process was killed, what it left of new texts, of the head and of `beside`, is removed. Raises
        OSError."""
        end = self.end()
        if end.more and self._lacks_its_end(end):
            self._write(b"\n", False)
            self.note(f"the last line of `{self.path.name}` lacked its end, and has it again")
            end = self.end()
        unfinished = end.record is not None and undone(end.record)
        if end.more or unfinished or end.head == "behind":  # first: afterwards nothing tells that there was a kill
            for path in filter(None, (self._head_path, beside)):
                sweep(path)
        if end.more:
            self._cut(end.size)
            self.note(f"the last line of `{self.path.name}` was cut short and is dropped")
            end = self.end()
        if unfinished and end.record is not None:
            if end.head == "in step":  # first, so that it never names more than there is
                self._write_head(Head(end.next.records - 1, end.record["additional_data"].get("previous")))
            self._cut(end.start)
            self.note(f"the last line of `{self.path.name}` tells of an event that was not finished, and is dropped")
            end = self.end()
        if end.head == "behind":
            self._write_head(end.next)
            if end.behind > 1:
                self.note(f"`{self._head_path.name}` was {end.behind} records behind and is brought in step")
        elif end.head == "astray":
            self.note(
                f"`{self.path.name}` does not end as `{self._head_path.name}` says: see `remit audit verify`", "head"
            )
        elif end.head == "missing" and end.size:
            self.note(f"`{self._head_path.name}` is missing: whether lines were cut off cannot be told", "head")

    def _lacks_its_end(self, end: End) -> bool:
        """Whether the line that was cut short is whole but for its end: the one that the head names."""
        head = self.head()
        if head is None or head.last is None:
            return False
        with open(self.path, "rb") as file:
            file.seek(end.size)
            return _hash(file.read()) == head.last

    def note(self, text: str, about: str = "") -> None:
        """Says a thing; what stays as it is, each thing it is `about`, only once."""
        if not about or (text, about) not in self._noted:
            self._noted.add((text, about))
            self.notices.append(text)

    def _write(self, data: bytes, new: bool) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        if new:
            sync_folder(self.path.parent)

    def _write_head(self, head: Head) -> None:
        write_whole(self._head_path, json.dumps(head._asdict()) + "\n", durable=True)

    def _take_back(self, size: int, new: bool) -> None:
        """As far as it can be done; the rest is left to `mend`."""
        try:
            if new and size == 0:
                self.path.unlink(missing_ok=True)
            else:
                self._cut(size)
        except OSError:
            pass

    def _cut(self, size: int) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(handle, size)
            os.fsync(handle)
        finally:
            os.close(handle)


def backwards(file: BinaryIO, end: int) -> Iterator[tuple[int, bytes]]:
    """The lines in the first `end` bytes without their ends, last first, each with where it begins. One that has no end
    comes first."""
    at, kept = end, b""
    if end:
        file.seek(end - 1)
        if file.read(1) == b"\n":
            at = end = end - 1
    else:
        return
    while at > 0:
        step = min(_BLOCK, at)
        at -= step
        file.seek(at)
        block = file.read(step) + kept
        kept, *lines = block.split(b"\n")
        position = at + len(block)
        for line in reversed(lines):
            position -= len(line)
            yield position, line
            position -= 1
    yield 0, kept


def mark_of(path: Path) -> Mark:
    """Tells whether a file was written or replaced since. Raises OSError, but not where it is missing."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _text(line: bytes) -> str:
    """Half a surrogate pair, which JSON may hold, stays one; other bytes that are no text are shown as far as they are,
    and no hash fits them."""
    try:
        return line.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return line.decode("utf-8", "replace")


def _may_begin(line: bytes) -> bool:
    """Whether a line that was cut short may have been to be a record: no other file loses its end."""
    begun = line.strip(b"\0\n")[: len(_BEGINS)]
    return _BEGINS.startswith(begun)


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
