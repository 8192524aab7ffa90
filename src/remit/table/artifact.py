"""The table as a file: JSON in five lines, loadable in place of the sources.

    {"format":"remit-table","version":2,
    "digest":"<SHA-256 of the meaning line's value>","checksum":<CRC-32 of digest, meaning and provenance>,
    "meaning":{…},
    "provenance":{…}}

*Meaning* is canonical: the same policy gives the same bytes, wherever and however it was written. *Provenance* has the
rules with their places and texts, titles, reasons and tests, so that explanations need no sources (`remit.table.pack`).
Both stand on a line of their own, so a reader can check them without writing them again; a file that was laid out anew
is checked by its content. Plain data only: nothing in it is ever executed.
"""

from __future__ import annotations

import json
from typing import Any
from zlib import crc32

from remit.collection import paused
from remit.table import meaning
from remit.table.shape import Table
from remit.table.unpack import UnsoundError, unpack

FORMAT, VERSION = "remit-table", 2
_MOST_VALUES = 8_000_000  # a gigabyte of memory holds twice as many


class NotATableError(Exception):
    """The text is no table at all."""


class DamagedError(Exception):
    """The text was a table, and is not any more what was written."""


class VersionError(Exception):
    """A table of another version than this one reads; `newer`: of a later one."""

    def __init__(self, version: int) -> None:
        self.newer = version > VERSION
        super().__init__(f"it is of version {version}, and this remit reads version {VERSION}")


def write(table: Table) -> str:
    """The artifact's text. Its meaning line is canonical."""
    from remit.table.pack import provenance  # reading does without

    meant = meaning.canonical(meaning.meaning(table))
    digest = table.kept["digest"] = meaning.digest_of(meant)
    kept = meaning.canonical(provenance(table))
    head = meaning.canonical({"format": FORMAT, "version": VERSION})
    sums = f'"digest":"{digest}","checksum":{_checksum(digest, meant, kept)}'
    return f'{head[:-1]},\n{sums},\n"meaning":{meant},\n"provenance":{kept}}}\n'


def read(text: str) -> Table:
    """The table in an artifact's text, whole or not at all. Raises NotATableError, DamagedError or VersionError."""
    if len(text) > 2 * _MOST_VALUES and text.count(",") + text.count("[") + text.count("{") > _MOST_VALUES:
        raise DamagedError("it holds more values than a table has")  # in fewer characters there are not so many
    with paused():
        return _read(text)


def _read(text: str) -> Table:
    try:
        data = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise (DamagedError if text.startswith('{"format":"' + FORMAT) else NotATableError)("it is no JSON") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise NotATableError("it is JSON of another kind")
    version = data.get("version")
    if type(version) is not int or version < 1:
        raise DamagedError("it has no version")
    if version != VERSION:
        raise VersionError(version)
    meant, kept = _lines(text, data)
    if _checksum(str(data.get("digest")), meant, kept) != data.get("checksum"):
        raise DamagedError("its content does not match its checksum")
    try:
        table = unpack(data)
    except UnsoundError as error:
        raise DamagedError(str(error)) from error
    digest = str(data["digest"])
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise DamagedError("its digest is none")
    return table  # its digest is found anew when it is asked for: it names what the table decides, not what a file says


def _lines(text: str, data: dict[str, Any]) -> tuple[str, str]:
    """The canonical texts of both parts: as they stand on their lines, else written anew."""
    lines = text.split("\n")
    if len(lines) == 5 and lines[2].startswith('"meaning":') and lines[3].startswith('"provenance":'):
        return lines[2][len('"meaning":') : -1], lines[3][len('"provenance":') : -1]
    try:
        return meaning.canonical(data.get("meaning")), meaning.canonical(data.get("provenance"))
    except (ValueError, RecursionError) as error:
        raise DamagedError("it cannot be read") from error


def _checksum(digest: str, meant: str, kept: str) -> int:
    """Guards against damage, not against forgery (a forger could sum anew): CRC-32 is enough, and needs no OpenSSL."""
    found = crc32(digest.encode())
    for part in (meant, kept):
        found = crc32(part.encode("utf-8", "surrogatepass"), found)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")
