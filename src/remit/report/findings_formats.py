"""The formats that findings can have for programs, a line each: the module `findings_NAME` of this room holds a
function of its own name, which takes the findings, those kept silent, and the folder that paths are relative to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from remit.diagnostics import Diagnostic, Silenced

Writer = Callable[[Sequence[Diagnostic], Sequence[Silenced], str], str]

FORMATS: dict[str, str] = {
    "concise": "a line for each finding",
    "json": "for programs",
    "sarif": "SARIF 2.1.0, as code scanning takes it",
    "github": "annotations of a GitHub workflow",
    "gitlab": "a GitLab Code Quality report",
    "junit": "an XML report of tests",
}


def writer(name: str) -> Writer:
    """The function that writes a format. Raises KeyError for a name that is none."""
    if name not in FORMATS:
        raise KeyError(name)
    found: Writer = getattr(import_module(f"remit.report.findings_{name}"), f"findings_{name}")
    return found
