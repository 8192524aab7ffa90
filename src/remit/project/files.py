"""Reads one file of text, and writes one."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from remit.diagnostics import Diagnostic
from remit.source import Source, Span

LARGEST = 128 * 1024 * 1024  # bytes of one file


def read_source(path: Path, name: str) -> tuple[Source | None, list[Diagnostic]]:
    """One file as a source, or the finding that says why not."""
    name = os.fsencode(name).decode("utf-8", "replace")  # a name that is no UTF-8 is shown as far as it is
    source = Source(name, "", str(path))
    nowhere = Span(source, 0, 0)
    try:
        if path.exists() and not path.is_file():  # reading a pipe or a device might never end
            return None, [Diagnostic("E010", "this is no file", nowhere, help="put the text into a file")]
        if path.stat().st_size > LARGEST:
            return None, [Diagnostic("E005", "the file is too large", nowhere, help="split it into several files")]
        data = path.read_bytes()
    except OSError as error:
        why = (error.strerror or "unreadable").lower()
        return None, [Diagnostic("E010", f"the file cannot be read: {why}", nowhere, help="check its permissions")]
    return decode(data, name, str(path))


def decode(data: bytes, name: str, origin: str) -> tuple[Source | None, list[Diagnostic]]:
    """The text of a file, which is UTF-8, or the finding that says where it is not."""
    try:
        return Source(name, data.decode("utf-8"), origin), []
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        after = data[error.start : error.start + 200].decode("utf-8", "replace")
        span = Span(Source(name, before + after, origin), len(before), len(before) + 1)
        return None, [Diagnostic("E008", "the file is not UTF-8 from here on", span, help="save it as UTF-8")]


def write_whole(path: Path, text: str, *, durable: bool = False) -> None:
    """Writes a file whole or not at all: beside its place first, then into it. A link is replaced, not followed; an
    existing file's rights stay, a new one has those the session gives. A device or a pipe is written into, and so is a
    file with further names (hard links), which all show the new text: another in its place would part them. `durable`:
    it is on the disk when this returns, and a power failure leaves the old text or the new one, under this name alone.
    Raises OSError."""
    if _is_stream(path):
        with path.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        return
    if not durable and _has_further_names(path):
        _write_into(path, text.encode())
        return

    def finish(temporary: str) -> None:
        _keep_owner(path, temporary)
        os.chmod(temporary, _rights(path))

    replace(path, text, finish, durable)
    if durable:
        sync_folder(path.parent)


def replace(path: Path, text: str, finish: Callable[[str], object], durable: bool = False) -> None:
    """Puts a new file in the place of whatever has its name, which is never written into: a link that a pull request
    brings may lead to a pipe or a device. `finish` is called with the name under which the text is whole, before it
    gets its own: it sets owner and rights. `durable`: the text is on the disk by then. Raises OSError."""
    import tempfile  # reading does without

    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.remit-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            if durable:  # before the rename: else the name may reach the disk ahead of the text
                file.flush()
                os.fsync(file.fileno())
        finish(temporary)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _is_stream(path: Path) -> bool:
    """Whether this is no file that another can take the place of: `/dev/null`, `/dev/stdout`, a pipe."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _has_further_names(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink > 1


def _write_into(path: Path, data: bytes) -> None:
    """Overwrites a file where it is; where that fails in the middle, what was there is put back as far as it can be."""
    with path.open("r+b") as file:
        before = file.read()
        try:
            _overwrite(file, data)
        except OSError:
            with contextlib.suppress(OSError):
                _overwrite(file, before)
            raise


def _overwrite(file: BinaryIO, data: bytes) -> None:
    file.seek(0)
    file.write(data)
    file.truncate()
    file.flush()
    os.fsync(file.fileno())  # a full disk may say so only now


def sync_folder(folder: Path) -> None:
    """Has the names in a folder on the disk, where the system can do that. Raises OSError where the disk fails."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # no system opens a folder that it cannot sync; one that may be written but not read is not synced
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES):
            raise
    finally:
        os.close(handle)


def sweep(path: Path) -> None:
    """Removes what `replace` left beside a file where it was killed."""
    left = re.compile(rf"\.{re.escape(path.name)}\.remit-[a-z0-9_]{{8}}")  # the names that `mkstemp` gives
    try:
        for other in os.listdir(path.parent):
            if left.fullmatch(other):
                os.unlink(path.parent / other)
    except OSError:  # it is in nobody's way
        pass


def _keep_owner(path: Path, temporary: str) -> None:
    """A file that an administrator rewrites stays its owner's."""
    try:
        before = os.stat(path)
        if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(temporary, before.st_uid, before.st_gid)
    except (OSError, AttributeError):  # nothing there before; not permitted; a system without owners
        pass


def _rights(path: Path) -> int:
    if path.is_file() and not path.is_symlink():
        return path.stat().st_mode & 0o777
    masked = os.umask(0)
    os.umask(masked)
    return 0o666 & ~masked
