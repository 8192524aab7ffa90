"""Findings as a line each, the way compilers write them: `roles.remit:14:21: error[E104] role `vet` has no …`."""

from __future__ import annotations

from collections.abc import Sequence

from remit.diagnostics import Diagnostic, Silenced
from remit.report.escape import safe
from remit.report.quote import path_of, position
from remit.report.text import said


def findings_concise(findings: Sequence[Diagnostic], silenced: Sequence[Silenced] = (), folder: str = "") -> str:
    """All of them, however many. What has no lines is named without, what has no place not at all."""
    return "\n".join(_line(finding, folder) for finding in findings)


def _line(finding: Diagnostic, folder: str) -> str:
    place, span = "", finding.span
    if span is not None:
        place = safe(path_of(span.source, folder))
        if span.source.text:
            line, column = position(span.source, span.start)
            place += f":{line}:{column}"
        place = f"./{place}: " if place.startswith("::") else f"{place}: "  # else a command, in a workflow's log
    return f"{place}{finding.level}[{finding.code}] {said(finding.message)}"
