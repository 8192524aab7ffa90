"""The matrix as CSV (RFC 4180, lines ended by a line feed): `area,type,action` and a column for each role, its entries
`yes`, `when`, `deny` or nothing."""

from __future__ import annotations

from typing import Any

from remit.report.matrix_text import entry
from remit.report.quote import safe


def matrix_csv(answer: dict[str, Any]) -> str:
    """The answer of `remit.analysis.queries.matrix` as CSV, without a line end at its end."""
    lines = [["area", "type", "action", *answer["roles"]]]
    for row in answer["rows"]:
        cells = (entry(row["cells"][role]) for role in answer["roles"])
        lines.append([row["area"], row["type"], row["action"], *cells])
    return "\n".join(",".join(_field(text) for text in line) for line in lines)


def _field(text: str) -> str:
    text = safe(text)
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in '",') else text
