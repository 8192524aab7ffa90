"""Finds the `.remit` files at or below a place, and brings each into the one format.

What is known to be in the format, by the hash of its text, is not looked at again (`remit.project.cache`).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from remit.diagnostics import Diagnostic
from remit.project.cache import Cache
from remit.project.files import read_source, write_whole
from remit.source import Source, Span

SUFFIX = ".remit"
_KIND = "fmt"
_STYLE = "1"  # another number where the format changes within a version: what is kept by the old one is void


class Formatted(NamedTuple):
    """What became of one text. `after` is None where there was no need for it, or `findings` or `fault` say why there
    is none; a `fault` is remit's own."""

    source: Source
    after: str | None
    changed: bool
    findings: list[Diagnostic]
    fault: str = ""


def files_at(place: Path) -> tuple[list[Path], list[Diagnostic]]:
    """The file itself; of a folder every `.remit` file at or below it, sorted, those of further policies too. Hidden
    folders and links are left out: what a link leads to is formatted where it is."""
    if not place.is_dir():
        return [place], []
    found: list[Path] = []
    findings: list[Diagnostic] = []

    def unreadable(error: OSError) -> None:
        where = Source(str(error.filename or place), "", str(error.filename or place))
        why = (error.strerror or "unreadable").lower()
        message = f"the folder cannot be read: {why}"
        findings.append(Diagnostic("E010", message, Span(where, 0, 0), help="mend its rights"))

    for here, folders, names in os.walk(place, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(here, name) for name in names if name.endswith(SUFFIX))
        found += [path for path in paths if path.is_file() and not path.is_symlink()]
    return sorted(found, key=lambda path: path.relative_to(place).as_posix()), findings


def format_file(path: Path, cache: Cache, with_text: bool) -> Formatted:
    """A file in the one format, not yet written. `with_text`: `after` is needed where it is another text."""
    source, findings = read_source(path, str(path))
    if source is None:
        return Formatted(Source(str(path), "", str(path)), None, False, findings)
    key = _key(source.text)
    known = cache.get(_KIND, key)
    if known is True:
        return Formatted(source, None, False, [])
    if known is False and not with_text:
        return Formatted(source, None, True, [])
    done = format_source(source)
    if done.after is not None:
        cache.put(_KIND, key, not done.changed)
    return done


def format_source(source: Source) -> Formatted:
    """A text in the one format."""
    from remit.syntax.printing import NotKept, NotParsed, formatted  # needless where all is known

    try:
        after = formatted(source)
    except NotParsed as error:
        return Formatted(source, None, False, error.findings)
    except NotKept as error:
        return Formatted(source, None, False, [], str(error))
    return Formatted(source, after, after != source.text, [])


def write(path: Path, before: str, after: str, cache: Cache) -> None:
    """Writes a formatted text whole or not at all; of a link what it leads to. Raises OSError, also where the file is
    no longer what was read."""
    place = Path(os.path.realpath(path))
    now, _ = read_source(place, str(place))
    if now is None or now.text != before:
        raise OSError(errno.EBUSY, "it changed meanwhile, and is left as it is")
    write_whole(place, after)
    cache.put(_KIND, _key(after), True)


def each_once(paths: Iterable[Path]) -> list[Path]:
    """The paths in order, each file once, however it is named."""
    unique: dict[str, Path] = {}
    for path in paths:
        unique.setdefault(os.path.realpath(path), path)
    return list(unique.values())


def _key(text: str) -> str:
    return f"{_STYLE} {sha256(text.encode()).hexdigest()}"
