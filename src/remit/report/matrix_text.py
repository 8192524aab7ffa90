"""The matrix for people: a line for each action, a column for each role; the numbers lead to the lines below.

                   vet      viewer
patients
  record   read    yes 1    yes 1
           sign    when 2

 1   clinic/roles.remit:9
 2   clinic/roles.remit:14   when treats and resource.status == "open"
"""

from __future__ import annotations

from typing import Any

from remit.report.listing import Path, aligned, places
from remit.report.quote import safe


def entry(cell: dict[str, Any]) -> str:
    """The word for a cell: yes, when, deny or nothing."""
    if cell["effect"] == "allow":
        return "when" if cell["when"] else "yes"
    return "deny" if cell["effect"] == "deny" else ""


def condition(cell: dict[str, Any]) -> str:
    """`when A, or when B` with each alternative of a cell; empty where there is none."""
    return safe(", or ".join(f"when {text}" for text in cell["when"]))


def matrix_text(answer: dict[str, Any], path: Path) -> str:
    """The answer of `remit.analysis.queries.matrix` as text, without a line end at its end."""
    notes: dict[tuple[str, str], int] = {}
    rows: list[list[str]] = [["", "", *(safe(role) for role in answer["roles"]), ""]]
    areas: list[str] = [""]
    before = ("", "")
    for row in answer["rows"]:
        place = (row["area"], row["type"])
        cells = []
        for role in answer["roles"]:
            cell = row["cells"][role]
            word = entry(cell)
            if word:
                note = (places(cell["rules"], path), condition(cell))
                word += f" {notes.setdefault(note, len(notes) + 1)}"
            cells.append(word)
        rows.append([safe(place[1]) if place != before else "", safe(row["action"]), *cells, ""])
        areas.append(safe(place[0]) if place[0] != before[0] else "")
        before = place
    lines: list[str] = []
    for area, line in zip(areas, aligned(rows), strict=True):
        lines += [area, line] if area else [line]
    legend = aligned([(str(number), where, when) for (where, when), number in notes.items()])
    return "\n".join([*lines, "", *legend] if legend else lines)
