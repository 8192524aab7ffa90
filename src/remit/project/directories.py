"""Where directories are, and the texts of those in files."""

from __future__ import annotations

from pathlib import Path

from remit.diagnostics import Diagnostic
from remit.project.files import read_source
from remit.source import Source, Span

MOST_ENTRIES = 2_500_000  # separators in one file: what fits in a gigabyte of memory, however it is laid out

DIRECTORY_NAMES = ("directory.yaml", "directory.yml", "directory.json")  # of one beside its policy


def is_url(place: str) -> bool:
    """Whether a directory's place is a database's address and not a path."""
    return "://" in place


def read_directory_file(path: Path) -> tuple[Source | None, list[Diagnostic]]:
    """The text of a directory file, or the finding that says why it is not read."""
    source, findings = read_source(path, path.name)
    if source is None:
        return None, findings
    entries = sum(source.text.count(separator) for separator in "\n,:[{")
    if entries <= MOST_ENTRIES:
        return source, findings
    message = f"the directory is too large: {entries:,} entries, where {MOST_ENTRIES:,} are read"
    return None, [Diagnostic("E005", message, Span(source, 0, 0), help="give each part of a company its own")]
