"""Findings as JSON, for machines: the shape of SEMANTICS 10. Lines and columns count from 1, ends are exclusive."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from remit.codes import CODES
from remit.diagnostics import Diagnostic, Silenced
from remit.report.quote import path_of, position
from remit.source import Span


def finding_dict(diagnostic: Diagnostic, folder: str = "") -> dict[str, Any]:
    """One finding. Without a place, `file` and what follows it are null. `fix` is null, `safe` or `unsafe`; where there
    is one, `change` says what it does: edits to be done all or none, each a place and the text that is to stand there.
    """
    data = {
        "code": diagnostic.code,
        "name": CODES.get(diagnostic.code, ""),
        "level": diagnostic.level,
        "message": diagnostic.message,
        "help": diagnostic.help,
        **_place(diagnostic.span, folder),
        "secondary": [{"message": label.text, **_place(label.span, folder)} for label in diagnostic.secondary],
        "fix": None if diagnostic.fix is None else "safe" if diagnostic.fix.safe else "unsafe",
    }
    if diagnostic.fix is not None:
        edits = [{"text": edit.text, **_place(edit.span, folder)} for edit in diagnostic.fix.edits]
        data["change"] = {"title": diagnostic.fix.title, "edits": edits}
    return data


def _place(span: Span | None, folder: str) -> dict[str, Any]:
    if span is None:
        return dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    line, column = position(span.source, span.start)
    end_line, end_column = position(span.source, span.end)
    return {
        "file": path_of(span.source, folder),
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def findings_dict(diagnostics: Sequence[Diagnostic], folder: str = "") -> dict[str, Any]:
    """What `remit lint` found: all of it, however much."""
    levels = [diagnostic.level for diagnostic in diagnostics]
    return {
        "findings": [finding_dict(diagnostic, folder) for diagnostic in diagnostics],
        "errors": levels.count("error"),
        "warnings": levels.count("warning"),
        "notes": levels.count("note"),
    }


def findings_json(diagnostics: Sequence[Diagnostic], silenced: Sequence[Silenced] = (), folder: str = "") -> str:
    """The same as text, in ASCII: what must not reach a terminal is escaped."""
    return json.dumps(findings_dict(diagnostics, folder), indent=2)
