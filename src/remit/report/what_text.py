"""What somebody may do, for people: area by area, type by type.

ann may, at branch/north:

patients
  record   read     clinic/roles.remit:21   always
           update   clinic/roles.remit:14   when resource.vet == "ann"
"""

from __future__ import annotations

from typing import Any

from remit.report.listing import Path, aligned, conditions, places
from remit.report.quote import safe


def what_text(answer: dict[str, Any], path: Path, note: str = "") -> str:
    """The answer of `remit.analysis.queries.what` as text, without a line end at its end. `note` says why an answer is
    empty, where that is not the policy's doing (`is disabled`)."""
    who = answer["user"] or f"somebody with {' and '.join(answer['roles'])}"
    at = f" at {answer['scope']}" if answer["scope"] else ""
    permissions = answer["permissions"]
    if not permissions:
        return safe(f"{who} may do nothing{at}" + (f": {answer['user']} {note}" if note else ""))
    shared, rest = conditions(permissions)
    rows: list[tuple[str, str, str, str]] = []
    areas: list[str] = []
    before = ("", "")
    for permission, when in zip(permissions, rest, strict=True):
        place = (permission["area"], permission["type"])
        kind = safe(place[1]) if place != before else ""
        rows.append((kind, safe(permission["action"]), places(permission["rules"], path), when))
        areas.append(safe(place[0]) if place[0] != before[0] else "")
        before = place
    lines = [safe(f"{who} may,{at and at + ','}") + (f" only when {shared}:" if shared else "")]
    lines[0] = lines[0].rstrip(",") + ("" if shared else ":")
    for area, line in zip(areas, aligned(rows), strict=True):
        lines += ["", area, line] if area else [line]
    return "\n".join(lines)
