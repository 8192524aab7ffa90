"""Findings as a JUnit report, for whatever shows test results: a suite for a file, a failed case for a finding."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from remit.codes import CODES
from remit.diagnostics import Diagnostic, Silenced
from remit.report.escape import safe
from remit.report.findings_where import Where, where
from remit.report.text import draw_finding, said


def findings_junit(findings: Sequence[Diagnostic], silenced: Sequence[Silenced] = (), folder: str = "") -> str:
    """An XML document in ASCII. Where nothing was found, one case that passed: an empty report is an error to many.

    Characters that XML lacks are written as `\\u{…}`."""
    files: dict[str, list[tuple[Diagnostic, Where]]] = {}
    for finding in findings:
        place = where(finding.span, folder) if finding.span is not None else Where(".")
        files.setdefault(place.path, []).append((finding, place))
    root = ElementTree.Element("testsuites", _counts("remit lint", len(findings), len(findings)))
    for path, found in files.items():
        suite = ElementTree.SubElement(root, "testsuite", _counts(safe(path), len(found), len(found)))
        for finding, place in found:
            _case(suite, finding, place, folder)
    if not files:
        root.set("tests", "1")
        suite = ElementTree.SubElement(root, "testsuite", _counts("remit lint", 1, 0))
        ElementTree.SubElement(suite, "testcase", {"name": "no findings", "classname": "remit.lint", "time": "0"})
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="us-ascii", xml_declaration=True)
    return written.decode("ascii")


def _counts(name: str, tests: int, failures: int) -> dict[str, str]:
    return {"name": name, "tests": str(tests), "failures": str(failures), "errors": "0", "time": "0"}


def _case(suite: ElementTree.Element, finding: Diagnostic, place: Where, folder: str) -> None:
    path, name = safe(place.path), f"{finding.code} {CODES.get(finding.code, '')}".rstrip()
    at = f" at {place.line}:{place.column}" if place.line else ""
    case = {"name": name + at, "classname": path, "file": path, "time": "0"}
    element = ElementTree.SubElement(suite, "testcase", case | ({"line": str(place.line)} if place.line else {}))
    failure = ElementTree.SubElement(element, "failure", {"type": finding.level, "message": said(finding.message)})
    failure.text = draw_finding(finding, folder=folder)
