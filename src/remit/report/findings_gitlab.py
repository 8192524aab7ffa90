"""Findings as a GitLab Code Quality report: an array, which GitLab shows in the merge request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from remit.codes import CODES
from remit.diagnostics import Diagnostic, Silenced
from remit.report.escape import safe
from remit.report.findings_where import Where, where
from remit.report.fingerprint import fingerprints
from remit.report.text import said

_SEVERITIES = {"error": "critical", "warning": "major", "note": "info"}


def findings_gitlab(findings: Sequence[Diagnostic], silenced: Sequence[Silenced] = (), folder: str = "") -> str:
    """An entry for each finding. GitLab asks for a file and a line of all: what has none is in line 1 of its file, or
    of the folder."""
    marks = fingerprints([*findings, *(one.finding for one in silenced)], folder)[: len(findings)]
    entries = [_entry(finding, mark, folder) for finding, mark in zip(findings, marks, strict=True)]
    return json.dumps(entries, indent=2)


def _entry(finding: Diagnostic, mark: str, folder: str) -> dict[str, Any]:
    place = where(finding.span, folder) if finding.span is not None else Where(".")
    help = f"; {said(finding.help)}" if finding.help else ""
    return {
        "description": said(finding.message) + help,
        "check_name": f"{finding.code} {CODES.get(finding.code, '')}".rstrip(),
        "fingerprint": mark,
        "severity": _SEVERITIES[finding.level],
        "location": {"path": safe(place.path), "lines": {"begin": place.line or 1, "end": place.end_line or 1}},
    }
