"""What need not be worked out again: a folder of JSON files, which may be deleted at any time.

    .remit_cache/                      beside the settings, else in the folder of the call
      .gitignore, CACHEDIR.TAG         git and backups leave it out
      fmt/3f9c…12ab                    {"sum": "…", "data": true}

An entry's name is a hash of remit's version, its kind and its key, so another version never sees it; where a key shall
have one entry and no more, the name goes without the version, and what is kept says of which it is. `sum` is that of
name and data: an entry that was cut short, changed, or put under another name is none. A cache never fails: what cannot
be read is not there, what cannot be written is not kept. Nothing is ever run that stands in it.

The sums guard against damage, not against forgery. Whoever may write the folder of a project decides what is found in
it; what decides about access is kept in a `PrivateCache`, which nobody but the user may write.
"""

from __future__ import annotations

import json
import os
import re
import stat
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from remit.project.files import replace
from remit.version import __version__

try:  # as `random` does it: hashlib loads OpenSSL, 4 ms that a plain answer does without
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

FOLDER = ".remit_cache"
HASH_BYTES = 32
_PRUNED_EVERY = 512  # entries put
_TOUCHED_EVERY = 24 * 3600  # seconds: an entry that is used stays young
_LEFT = 3600  # seconds after which a half-written file is nobody's
_ENTRY = re.compile(r"[0-9a-f]{64}")
_TAG = """Signature: 8a477f597d28d172789f06886806bc55
# A cache of remit, which may be deleted. See https://bford.info/cachedir/
"""
_HEAD, _MIDDLE, _TAIL = '{"sum": "', '", "data": ', "}"
_PREFIX = len(_HEAD) + 2 * HASH_BYTES + len(_MIDDLE)


class Limits(NamedTuple):
    """Of each kind: how many entries and bytes in all; `entry`: bytes of one."""

    entries: int
    bytes: int
    entry: int


OF_A_PROJECT = Limits(4096, 64 << 20, 4 << 20)


def hashed(*parts: str | bytes) -> str:
    """A hash of texts in their order, in 64 hexadecimal characters; no two lists of texts share one."""
    total = blake2b(digest_size=HASH_BYTES)
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        total.update(b"%d " % len(data))
        total.update(data)
    return total.hexdigest()


class Cache:
    """Entries by kind and key. Several processes may use one folder at once. `folder` is where `.remit_cache` is or
    will be; None: nothing is kept."""

    __slots__ = ("_limits", "_put", "_root")
    _of_versions = True  # an entry for each version of remit

    def __init__(self, folder: Path | None, limits: Limits = OF_A_PROJECT) -> None:
        self._root = None if folder is None else folder / FOLDER
        self._limits = limits
        self._put: Counter[str] = Counter()  # by kind

    def get(self, kind: str, key: str) -> Any:
        """The data put under a key, as JSON has it; None where there is none."""
        if self._root is None:
            return None
        name = self._name(kind, key)
        with suppress(OSError, ValueError, RecursionError):
            if self._is_folder(self._root) and self._is_folder(self._root / kind):
                return _data(name, _read(self._root / kind / name, self._limits.entry))
        return None

    def put(self, kind: str, key: str, data: Any) -> None:
        """Keeps data, which JSON can hold and which is not None."""
        if self._root is None:
            return
        name, payload = self._name(kind, key), json.dumps(data, separators=(",", ":"))
        if len(payload) > self._limits.entry - _PREFIX:
            return
        with suppress(OSError):
            folder, now_and_then = self._root / kind, self._put[kind] % _PRUNED_EVERY == 0
            if now_and_then:
                self._prepare(self._root, kind)
            if not (self._is_folder(self._root) and self._is_folder(folder)):
                return
            self._put[kind] += 1
            _write(folder / name, f"{_HEAD}{hashed(name, payload)}{_MIDDLE}{payload}{_TAIL}")
            if now_and_then:
                _prune(folder, self._limits)

    def drop(self, kind: str, key: str) -> None:
        """Forgets what was put under a key."""
        if self._root is None:
            return
        with suppress(OSError):
            if self._is_folder(self._root) and self._is_folder(self._root / kind):
                _remove(str(self._root / kind / self._name(kind, key)))

    def _name(self, kind: str, key: str) -> str:
        return hashed(__version__ if self._of_versions else "", kind, key)

    def _prepare(self, root: Path, kind: str) -> None:
        """Makes the folders, and marks them as a cache; what somebody else made keeps its own files."""
        there = os.path.lexists(root)
        self._make(root)
        if not self._is_folder(root):
            return
        if there and root.name != FOLDER:  # the user's own cache folder, as others may use it, too
            self._make(root / kind)
            return
        for name, text in ((".gitignore", "*\n"), ("CACHEDIR.TAG", _TAG)):
            if not (root / name).exists():
                _write(root / name, text)
        self._make(root / kind)

    def _make(self, folder: Path) -> None:
        with suppress(FileExistsError):
            folder.mkdir()

    def _is_folder(self, path: Path) -> bool:
        """Whether this is a folder, and no link to one."""
        return stat.S_ISDIR(os.lstat(path).st_mode)


def _write(path: Path, text: str) -> None:
    """A file with the rights of its folder. Raises OSError."""
    rights = stat.S_IMODE(path.parent.stat().st_mode) & 0o666
    replace(path, text, lambda temporary: os.chmod(temporary, rights))


class PrivateCache(Cache):
    """One that nobody but the user may write. `root` is a folder of theirs; it and the one above it are made where they
    are missing, but never in a folder of somebody else: root, called with another's HOME, would shut them out of it. A
    folder that is somebody else's, or that others may write, is not used; those of the kinds, which are made here, are
    closed to others altogether, and so are the entries in them."""

    __slots__ = ()

    def __init__(self, root: Path | None, limits: Limits) -> None:
        super().__init__(None, limits)
        self._root = root

    def _make(self, folder: Path) -> None:
        if folder == self._root:
            above = folder.parent
            if not above.exists():
                if not _is_owned(above.parent):
                    return
                with suppress(FileExistsError):
                    above.mkdir(0o700)
            elif not _is_owned(above, or_of_the_system=True):
                return
        with suppress(FileExistsError):
            folder.mkdir(0o700)

    def _is_folder(self, path: Path) -> bool:
        found = os.lstat(path)
        if os.name == "nt":  # no owners and no modes: the folder of a user's data is theirs
            return stat.S_ISDIR(found.st_mode)
        others = 0o022 if path == self._root else 0o077
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & others


def _is_owned(folder: Path, or_of_the_system: bool = False) -> bool:
    """Whether a folder is the user's, or else one of the system's, such as that of temporary files. Raises OSError."""
    if os.name == "nt":
        return True
    owner = os.stat(folder).st_uid
    return owner == os.geteuid() or (or_of_the_system and owner == 0)


def _data(name: str, held: bytes) -> Any:
    """What an entry holds; None where it is no entry of this name."""
    payload = held[_PREFIX : -len(_TAIL)]
    head = f"{_HEAD}{hashed(name, payload)}{_MIDDLE}".encode()
    if held[:_PREFIX] != head or held[_PREFIX + len(payload) :] != _TAIL.encode():
        return None
    return json.loads(payload, parse_constant=_no_number)


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _read(path: Path, largest: int) -> bytes:
    """An entry as it stands. A link is not followed, a pipe not waited for. Raises OSError, ValueError."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > largest:
            raise ValueError
        if time.time() - found.st_mtime > _TOUCHED_EVERY:
            with suppress(OSError):  # somebody else's, or a disk that is only read
                os.utime(handle if os.utime in os.supports_fd else path)
        return file.read(largest)


def _prune(folder: Path, limits: Limits) -> None:
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
    if len(kept) <= limits.entries and total <= limits.bytes:
        return
    left = len(kept)
    for _, size, path in sorted(kept):
        if left <= limits.entries * 3 // 4 and total <= limits.bytes * 3 // 4:
            return
        _remove(path)
        left, total = left - 1, total - size


def _remove(path: str) -> None:
    with suppress(OSError):  # another process was faster
        os.unlink(path)
