"""A directory file as it was read, remembered until its text changes: to parse YAML is nearly all that asking costs.

It is kept in the user's own cache (`remit.project.user_cache`), as tables are, and by the place of the file: one entry
a file, so that whoever was taken out of it is out of the cache with the next call that asks. The entry says of which
text it was made, by a hash of that and of the program; where the text is another one, or is gone, the entry goes before
anything else is done. Only a file without findings is remembered, and no database.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from remit.collection import paused
from remit.diagnostics import Diagnostic
from remit.directory.packing import NotPackedError, pack, unpack
from remit.directory.shape import Directory
from remit.project.cache import Limits, PrivateCache, hashed
from remit.project.directories import read_directory_file
from remit.project.user_cache import cache_folder, is_updated, program_digest
from remit.source import Source
from remit.version import __version__

_KIND = "directory"
_LIMITS = Limits(entries=100, bytes=256 << 20, entry=64 << 20)
_LARGEST = _LIMITS.entry // 4  # characters of a file: what it comes to is seldom four times as long
_PROGRAM = ("", "directory", "project")  # folders of the package that say what a directory comes to


class _Memory(PrivateCache):
    """Without versions: what another one kept of a file is not left beside."""

    __slots__ = ()
    _of_versions = False


def load(path: Path, cache: bool = True) -> tuple[Directory, list[Diagnostic]]:
    """The directory in a YAML or JSON file, and what is wrong with it, from what is remembered of it or else from its
    text. `cache`: whether to remember at all."""
    source, findings = read_directory_file(path)
    folder = cache_folder() if cache else None
    program = program_digest(_PROGRAM) if folder is not None else None
    if program is None:
        found, wrong = (Directory(), []) if source is None else _read(source)
        return found._replace(name=str(path)), [*findings, *wrong]
    memory, key = _Memory(folder, _LIMITS), hashed(os.path.realpath(path))
    if source is None:
        memory.drop(_KIND, key)
        return Directory(), findings
    state = hashed(program, __version__, source.text)
    with paused():
        known = _known(memory.get(_KIND, key), state)
    if known is not None:
        return known._replace(name=str(path)), []
    memory.drop(_KIND, key)
    found, wrong = _read(source)
    if not wrong and len(source.text) <= _LARGEST and not is_updated(_PROGRAM):
        with paused():
            memory.put(_KIND, key, {"state": state, "directory": pack(found)})
    return found._replace(name=str(path)), wrong


def _read(source: Source) -> tuple[Directory, list[Diagnostic]]:
    from remit.directory.reader import read_directory

    return read_directory(source)


def _known(entry: Any, state: str) -> Directory | None:
    """What an entry says, if it was made of this text."""
    if not isinstance(entry, dict) or entry.get("state") != state:
        return None
    try:
        return unpack(entry.get("directory"))
    except NotPackedError:  # not as it was written
        return None
