"""Findings as SARIF 2.1.0, the format of code scanning: every code there is as a rule with its page, every finding as a
result; those kept silent too, marked as suppressed, with the reason that was given.

Paths are relative to the folder of the call, which is called SRCROOT and not named: the file holds no machine's paths
unless a finding lies outside of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from remit.diagnostics import Diagnostic, Fix, Silenced
from remit.report.findings_where import Where, where
from remit.report.fingerprint import VERSION, fingerprints
from remit.report.rule_pages import Code, codes, page_text, prose
from remit.report.text import said
from remit.source import Span
from remit.version import __version__

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "SRCROOT"
_LINK = re.compile(r"\[(?=[^\[\]]*\]\()")
_ARGUMENT = re.compile(r"\{(\d+)\}")
_SENTENCE = re.compile(r"^(.*?)(?:: |\.(?= [A-Z`]|$)).*")  # the first, up to a colon


def findings_sarif(findings: Sequence[Diagnostic], silenced: Sequence[Silenced] = (), folder: str = "") -> str:
    """The log of one run, in ASCII; the findings first, in their order, then those kept silent."""
    return json.dumps(findings_sarif_data(findings, silenced, folder))  # indented, it takes four times as long


def findings_sarif_data(findings: Sequence[Diagnostic], silenced: Sequence[Silenced], folder: str) -> dict[str, Any]:
    """The same as plain data."""
    known = codes()
    numbers = {one.code: number for number, one in enumerate(known)}
    every = [*findings, *(one.finding for one in silenced)]
    kept: list[Silenced | None] = [None] * len(findings)
    marks = fingerprints(every, folder)
    results = []
    for finding, mark, silent in zip(every, marks, [*kept, *silenced], strict=True):
        result = {"ruleId": finding.code, "ruleIndex": numbers.get(finding.code, -1), **_result(finding, folder)}
        result["partialFingerprints"] = {VERSION: mark}
        result["suppressions"] = [] if silent is None else [_suppression(silent)]
        results.append(result)
    driver = {"name": "remit", "version": __version__, "rules": [_rule(one) for one in known]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "the folder in which remit was called"}}},
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: Code) -> dict[str, Any]:
    """A code as a rule. It has no `helpUri`, which would have to be whole: the page goes with it instead."""
    rule: dict[str, Any] = {"id": code.code, "name": code.name}
    try:
        page = page_text(code.code)
    except OSError:  # a broken installation still reports what it finds
        page = ""
    if paragraphs := prose(page):
        rule["shortDescription"] = _message(_SENTENCE.sub(r"\1.", paragraphs[0]))
        rule["fullDescription"] = _message(paragraphs[0])
        rule["help"] = _message("\n\n".join(paragraphs)) | {"markdown": page}
    rule["defaultConfiguration"] = {"level": code.level, "enabled": code.default and not code.exact}
    rule["properties"] = {"page": code.page, "fixable": code.fixable}
    return rule


def _result(finding: Diagnostic, folder: str) -> dict[str, Any]:
    lines = [said(finding.message), *([f"help: {said(finding.help)}"] if finding.help else [])]
    result: dict[str, Any] = {"level": finding.level, "message": _message("\n".join(lines))}
    if finding.span is None:  # code scanning refuses what is nowhere
        result["locations"] = [{"physicalLocation": {"artifactLocation": {"uri": "./", "uriBaseId": _ROOT}}}]
    else:
        result["locations"] = [_location(finding.span, finding.label, folder)]
    if finding.secondary:
        result["relatedLocations"] = [
            {"id": number, **_location(label.span, label.text, folder)}
            for number, label in enumerate(finding.secondary, 1)
        ]
    if finding.fix is not None and finding.fix.edits:
        result["fixes"] = [_fix(finding.fix, folder)]
    return result


def _location(span: Span, text: str, folder: str) -> dict[str, Any]:
    place = where(span, folder)
    physical: dict[str, Any] = {"artifactLocation": _artifact(place)}
    location: dict[str, Any] = {"physicalLocation": physical}
    if place.line:
        physical["region"] = _region(place)
    if place.kind == "database":
        location["logicalLocations"] = [{"fullyQualifiedName": place.path, "kind": "database"}]
    return location | ({"message": _message(said(text))} if text else {})


def _artifact(place: Where) -> dict[str, str]:
    if place.kind == "database":
        return {"uri": "./", "uriBaseId": _ROOT}
    path = quote(place.path.encode("utf-8", "surrogatepass"))
    return {"uri": path, "uriBaseId": _ROOT} if place.kind == "below" else {"uri": f"file://{path}"}


def _region(place: Where) -> dict[str, int]:
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }


def _fix(fix: Fix, folder: str) -> dict[str, Any]:
    changes: dict[str, dict[str, Any]] = {}
    for edit in fix.edits:
        place = where(edit.span, folder)
        change = changes.setdefault(place.path, {"artifactLocation": _artifact(place), "replacements": []})
        change["replacements"].append({"deletedRegion": _region(place), "insertedContent": {"text": edit.text}})
    return {
        "description": _message(said(fix.title)),
        "artifactChanges": list(changes.values()),
        "properties": {"safe": fix.safe},
    }


def _suppression(silent: Silenced) -> dict[str, str]:
    kind = "inSource" if silent.how == "comment" else "external"
    return {"kind": kind} | ({"justification": said(silent.reason)} if silent.reason else {})


def _message(text: str) -> dict[str, str]:
    """A text as a message. In messages `[a](b)` is a link and `{0}` an argument; here both are themselves."""
    return {"text": _ARGUMENT.sub(r"{{\1}}", _LINK.sub(r"\\[", text))}
