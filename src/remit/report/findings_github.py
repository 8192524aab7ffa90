"""Findings as commands to a GitHub workflow, which shows them beside the lines of a pull request.

::error file=roles.remit,line=14,endLine=14,col=21,endColumn=27,title=E104 unknown-resource-type::role `vet` has no …
"""

from __future__ import annotations

from collections.abc import Sequence

from remit.codes import CODES
from remit.diagnostics import Diagnostic, Silenced
from remit.report.escape import safe
from remit.report.findings_where import where
from remit.report.text import said

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_IN_TEXT = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY = _IN_TEXT | str.maketrans({":": "%3A", ",": "%2C"})


def findings_github(findings: Sequence[Diagnostic], silenced: Sequence[Silenced] = (), folder: str = "") -> str:
    """A command for each finding. Of a place over several lines the columns are left out: GitHub takes them of one
    line only."""
    return "\n".join(_command(finding, folder) for finding in findings)


def _command(finding: Diagnostic, folder: str) -> str:
    properties: dict[str, str | int] = {}
    lines = [said(finding.message)]
    if finding.span is not None:
        place = where(finding.span, folder)
        if place.kind == "database":
            lines.append(f"in {place.text}")
        else:
            properties["file"] = safe(place.path)
        if place.line:
            properties |= {"line": place.line, "endLine": place.end_line}
        if place.line and place.line == place.end_line:
            properties |= {"col": place.column, "endColumn": place.end_column}
    properties["title"] = f"{finding.code} {CODES.get(finding.code, '')}".rstrip()
    lines += [f"{where(label.span, folder).text}: {said(label.text)}" for label in finding.secondary]
    if finding.help:
        lines.append(f"help: {said(finding.help)}")
    shown = ",".join(f"{name}={str(value).translate(_IN_PROPERTY)}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.level]} {shown}::" + "\n".join(lines).translate(_IN_TEXT)
