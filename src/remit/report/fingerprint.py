"""What makes a finding the same finding tomorrow, when lines were added above it or a file was laid out anew.

It is the code, the file, the words underlined (white space does not count) and the message without line numbers. Where
several findings are alike in all that, the first, the second … in the order of the text:

    allow read on record     W305, roles.remit, "allow read on record", "role `vet` has this rule already", 0
    allow read on record     W305, roles.remit, "allow read on record", "role `vet` has this rule already", 1

So a new finding beside old ones has a fingerprint of its own, and a file that was renamed has new ones.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence

from remit.diagnostics import Diagnostic
from remit.report.findings_where import normal_path

VERSION = "remit/v1"  # another way to reckon them gets another name

_POSITION = re.compile(r"(\.remit|\.ya?ml|\.json)(?::\d+)+|\b(lines? |columns? )\d+")


def fingerprints(findings: Sequence[Diagnostic], folder: str, base: str = "") -> list[str]:
    """A fingerprint for each finding, 32 hexadecimal digits; no two are equal. Give all findings at once, silent ones
    too, in any order: what is alike is told apart by its place.

    `folder` is where relative paths begin; they are reckoned relative to `base`, which is the same unless given."""
    seen: Counter[tuple[str, ...]] = Counter()
    found = [""] * len(findings)
    alike = [_alike(finding, folder, base) for finding in findings]
    for at in sorted(range(len(findings)), key=lambda at: (alike[at], _offset(findings[at]))):
        parts = [*alike[at], seen[alike[at]]]
        seen[alike[at]] += 1
        found[at] = hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()[:32]
    return found


def _alike(finding: Diagnostic, folder: str, base: str) -> tuple[str, str, str, str]:
    file = words = ""
    if finding.span is not None:
        file = normal_path(finding.span.source, folder, base)
        words = " ".join(finding.span.text.split())
    return finding.code, file, words, _POSITION.sub(r"\1\2", finding.message)


def _offset(finding: Diagnostic) -> tuple[int, int]:
    return (finding.span.start, finding.span.end) if finding.span is not None else (0, 0)
