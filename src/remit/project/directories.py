"""Reads directory files."""

from __future__ import annotations

from pathlib import Path

from remit.diagnostics import Diagnostic
from remit.directory.shape import Directory
from remit.project.files import read_source


def load_directory(path: Path) -> tuple[Directory, list[Diagnostic]]:
    """The directory in a YAML or JSON file, and what is wrong with it."""
    from remit.directory.reader import read_directory

    source, findings = read_source(path, path.name)
    if source is None:
        return Directory(), findings
    found, wrong = read_directory(source)
    return found._replace(name=str(path)), [*findings, *wrong]
