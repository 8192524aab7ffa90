"""What need not be worked out again: a folder of small JSON files, `.remit_cache`, that anybody may share or delete.

    .remit_cache/                      beside the settings, else in the folder of the call
      .gitignore, CACHEDIR.TAG         git and backups leave it out
      fmt/3f9c…12ab                    {"sum": "…", "data": true}

An entry's name is the SHA-256 of remit's version, its kind and its key, so another version never sees it. `sum` is that
of name and data: an entry that was cut short, changed, or put under another name is none. A cache never fails: what
cannot be read is not there, what cannot be written is not kept. Nothing is ever run that stands in it.
"""

from __future__ import annotations

import json
import os
import re
import stat
import time
from collections import Counter
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from remit.project.files import write_whole
from remit.version import __version__

FOLDER = ".remit_cache"
MOST_ENTRIES = 4096  # of a kind
MOST_BYTES = 64 * 1024 * 1024  # of a kind
LARGEST = 4 * 1024 * 1024  # bytes of one entry
_PRUNED_EVERY = 512  # entries put
_TOUCHED_EVERY = 24 * 3600  # seconds: an entry that is used stays young
_LEFT = 3600  # seconds after which a half-written file is nobody's
_ENTRY = re.compile(r"[0-9a-f]{64}")
_TAG = """Signature: 8a477f597d28d172789f06886806bc55
# A cache of remit, which may be deleted. See https://bford.info/cachedir/
"""
_HEAD, _MIDDLE, _TAIL = '{"sum": "', '", "data": ', "}"
_PREFIX = len(_HEAD) + 64 + len(_MIDDLE)


class Cache:
    """Entries by kind and key. Several processes may use one folder at once. `folder` is where `.remit_cache` is or
    will be; None: nothing is kept."""

    __slots__ = ("_put", "_root")

    def __init__(self, folder: Path | None) -> None:
        self._root = None if folder is None else folder / FOLDER
        self._put: Counter[str] = Counter()  # by kind

    def get(self, kind: str, key: str) -> Any:
        """The data put under a key, as JSON has it; None where there is none."""
        if self._root is None:
            return None
        name = _name(kind, key)
        with suppress(OSError, ValueError, RecursionError):
            if _is_folder(self._root) and _is_folder(self._root / kind):
                return _data(name, _read(self._root / kind / name))
        return None

    def put(self, kind: str, key: str, data: Any) -> None:
        """Keeps data, which JSON can hold and which is not None."""
        if self._root is None:
            return
        name, payload = _name(kind, key), json.dumps(data, separators=(",", ":"))
        if len(payload) > LARGEST - _PREFIX:
            return
        with suppress(OSError):
            folder = self._root / kind
            if self._put[kind] % _PRUNED_EVERY == 0:
                _prepare(self._root, kind)
            if not (_is_folder(self._root) and _is_folder(folder)):
                return
            if self._put[kind] % _PRUNED_EVERY == 0:
                _prune(folder)
            self._put[kind] += 1
            write_whole(folder / name, f"{_HEAD}{_sum(name, payload)}{_MIDDLE}{payload}{_TAIL}")


def _name(kind: str, key: str) -> str:
    return sha256(f"{__version__}\0{kind}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()


def _sum(name: str, payload: str) -> str:
    return sha256(f"{name}\0{payload}".encode()).hexdigest()


def _data(name: str, text: str) -> Any:
    """What an entry holds; None where it is no entry of this name."""
    payload = text[_PREFIX : -len(_TAIL)]
    if text != f"{_HEAD}{_sum(name, payload)}{_MIDDLE}{payload}{_TAIL}":
        return None
    return json.loads(payload)


def _is_folder(path: Path) -> bool:
    """Whether this is a folder, and no link to one."""
    return stat.S_ISDIR(os.lstat(path).st_mode)


def _read(path: Path) -> str:
    """An entry's text. A link is not followed, a pipe not waited for. Raises OSError, ValueError."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            raise ValueError
        if time.time() - found.st_mtime > _TOUCHED_EVERY:
            with suppress(OSError):  # somebody else's, or a disk that is only read
                os.utime(handle if os.utime in os.supports_fd else path)
        return file.read(LARGEST).decode()


def _prepare(root: Path, kind: str) -> None:
    """Makes the folders, and marks them as a cache."""
    with suppress(FileExistsError):
        root.mkdir()
    if not _is_folder(root):
        return
    for name, text in ((".gitignore", "*\n"), ("CACHEDIR.TAG", _TAG)):
        if not (root / name).exists():
            write_whole(root / name, text)
    with suppress(FileExistsError):
        (root / kind).mkdir()


def _prune(folder: Path) -> None:
    """Removes the entries used longest ago, where there are too many, and what was never finished."""
    now, kept, total = time.time(), [], 0
    with os.scandir(folder) as entries:
        for entry in entries:
            found = entry.stat(follow_symlinks=False)
            if entry.name.startswith("."):
                if now - found.st_mtime > _LEFT:
                    _remove(entry.path)
            elif _ENTRY.fullmatch(entry.name) and stat.S_ISREG(found.st_mode):
                kept.append((found.st_mtime, found.st_size, entry.path))
                total += found.st_size
    if len(kept) <= MOST_ENTRIES and total <= MOST_BYTES:
        return
    left = len(kept)
    for _, size, path in sorted(kept):
        if left <= MOST_ENTRIES * 3 // 4 and total <= MOST_BYTES * 3 // 4:
            return
        _remove(path)
        left, total = left - 1, total - size


def _remove(path: str) -> None:
    with suppress(OSError):  # another process was faster
        os.unlink(path)
