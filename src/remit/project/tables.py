"""Reads and writes compiled tables."""

from __future__ import annotations

from pathlib import Path

from remit.diagnostics import Diagnostic
from remit.project.files import read_source, write_whole
from remit.source import Source, Span
from remit.table import artifact
from remit.table.shape import Table


def load_table(path: Path) -> tuple[Table | None, list[Diagnostic]]:
    """The table in a file, or the finding that says why it is refused."""
    source, findings = read_source(path, path.name)
    if source is None:
        return None, findings
    try:
        return artifact.read(source.text), []
    except artifact.NotATableError as error:
        return None, [
            _finding(source, "E602", f"this file is no policy and no table: {error}", "remit compile -o makes one")
        ]
    except artifact.VersionError as error:
        message = f"this table is {'newer' if error.newer else 'older'}: {error}"
        return None, [_finding(source, "E603", message, "compile the policy again, with this version")]
    except artifact.DamagedError as error:
        return None, [_finding(source, "E601", f"this table is damaged: {error}", "compile the policy again")]


def _finding(source: Source, code: str, message: str, help: str) -> Diagnostic:
    shown = Source(source.name, source.text[:120], source.origin)
    return Diagnostic(code, message, Span(shown, 0, min(1, len(shown.text))), help=help)


def save_table(table: Table, path: Path) -> None:
    """Writes the artifact, whole or not at all. Raises OSError."""
    write_whole(path, artifact.write(table))
