"""The baseline: a file of findings that are known and kept silent, so that only new ones count.

{
"remit-baseline": 1,
"findings": [
{"fingerprint": "3f9c…", "code": "W305", "file": "roles.remit", "message": "role `vet` has this rule already"},
{"fingerprint": "81d2…", "code": "W305", "file": "roles.remit", "message": "role `vet` has this rule already"}
]
}

An entry a line, sorted, so that git merges it. Only the fingerprint counts (`remit.report.fingerprint`), which moved
and reformatted lines do not change; code, file and message are for people. Files are relative to the baseline's folder.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from remit.diagnostics import Diagnostic
from remit.lint.stale_baseline import Stale
from remit.project.files import read_source, write_whole
from remit.report.findings_where import normal_path
from remit.report.fingerprint import fingerprints
from remit.source import Source, Span

_VERSION = "remit-baseline"


class BaselineError(Exception):
    """A baseline that cannot be read or written; the message says why, `help` what to do."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class Entry(NamedTuple):
    file: str
    code: str
    message: str
    fingerprint: str


def read_baseline(path: Path) -> tuple[Source, list[Entry]]:
    """The entries of a baseline, and its text. Raises BaselineError."""
    source, wrong = read_source(path, path.name)
    if source is None:
        raise BaselineError(f"the baseline `{path}` cannot be read: {wrong[0].message}", wrong[0].help)
    try:
        data = json.loads(source.text)
        if not isinstance(data, dict) or set(data) != {_VERSION, "findings"}:
            raise BaselineError(f"`{path}` is no baseline of remit")
        if data[_VERSION] != 1:
            raise BaselineError(f"the baseline `{path}` is of a newer version of remit")
        return source, [_entry(entry) for entry in data["findings"]]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        why = (
            f"line {error.lineno}: {error.msg.lower()}"
            if isinstance(error, json.JSONDecodeError)
            else "an entry is none"
        )
        help = "take it from git, or remove it and write it anew with --write-baseline"
        raise BaselineError(f"the baseline `{path}` is damaged: {why}", help) from None


def _entry(data: dict[str, Any]) -> Entry:
    found = Entry(data["file"], data["code"], data["message"], data["fingerprint"])
    if len(data) != len(found) or not all(isinstance(part, str) for part in found):
        raise ValueError
    return found


def write_baseline(path: Path, entries: Iterable[Entry]) -> None:
    """Writes a baseline whole. Raises BaselineError."""
    lines = [
        json.dumps({"fingerprint": one.fingerprint, "code": one.code, "file": one.file, "message": one.message})
        for one in sorted(entries)
    ]
    listed = ",\n".join(lines)
    listed = f"[\n{listed}\n]" if lines else "[]"
    try:
        write_whole(path, f'{{\n"{_VERSION}": 1,\n"findings": {listed}\n}}\n')
    except OSError as error:
        why = (error.strerror or "unwritable").lower()
        raise BaselineError(f"the baseline `{path}` cannot be written: {why}") from None


def entries_of(findings: Sequence[Diagnostic], path: Path) -> list[Entry]:
    """An entry for each finding, for a baseline at `path`. Give all findings at once, silent ones too."""
    here, base = os.getcwd(), os.path.dirname(os.path.abspath(path))
    found = []
    for finding, fingerprint in zip(findings, fingerprints(findings, here, base), strict=True):
        file = normal_path(finding.span.source, here, base) if finding.span is not None else ""
        found.append(Entry(file, finding.code, finding.message, fingerprint))
    return found


class Held(NamedTuple):
    """A baseline held against findings. `known` tells for each whether it is in it. Of the entries that match none,
    `elsewhere` are those that were not looked for, `stale` the others."""

    known: list[bool]
    elsewhere: list[Entry]
    stale: list[Stale]


def hold(entries: Sequence[Entry], source: Source, found: Sequence[Entry], ran: Callable[[str, str], bool]) -> Held:
    """`ran` tells whether a code was looked for in a file, given by its whole path. An entry matches one finding."""
    left = Counter(entry.fingerprint for entry in entries)
    known = []
    for one in found:
        known.append(left[one.fingerprint] > 0)
        left[one.fingerprint] -= known[-1]
    base = os.path.dirname(os.path.abspath(source.origin))
    elsewhere, stale, at = [], [], 0
    for entry in entries:
        at = max(source.text.find(json.dumps(entry.fingerprint), at), 0)
        if left[entry.fingerprint] > 0 and not ran(entry.code, os.path.join(base, entry.file)):
            elsewhere.append(entry)
        elif left[entry.fingerprint] > 0:
            left[entry.fingerprint] -= 1
            start, stop = source.text.rfind("\n", 0, at) + 1, source.text.find("\n", at)
            line = source.text[start : stop if stop >= 0 else len(source.text)]
            stale.append(Stale(entry.code, entry.file, Span(source, start, start + len(line.rstrip(" ,\r")))))
        at += 1
    return Held(known, elsewhere, stale)
