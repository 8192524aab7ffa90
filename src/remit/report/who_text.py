"""Who may do something, for people.

2 users may update record r1 at branch/north:

  ann   clinic/roles.remit:14   when resource.status == "open"
  bob   clinic/roles.remit:3    always
"""

from __future__ import annotations

from typing import Any

from remit.report.listing import Path, aligned, conditions, counted, places
from remit.report.quote import safe


def who_text(answer: dict[str, Any], path: Path) -> str:
    """The answer of `remit.analysis.queries.who` as text, without a line end at its end."""
    resource, users = answer["resource"], answer["users"]
    identifier = f" {resource['id']}" if resource.get("id") else ""
    scope = (resource.get("properties") or {}).get("scope")
    asked = safe(f"{answer['action']} {resource['type']}{identifier}{f' at {scope}' if scope else ''}")
    if not users:
        return f"nobody may {asked}"
    shared, rest = conditions(users)
    head = f"{counted(len(users), 'user')} may {asked}"
    rows = [(safe(user["id"]), places(user["rules"], path), when) for user, when in zip(users, rest, strict=True)]
    return "\n".join([head + (f", all of them only when {shared}:" if shared else ":"), "", *aligned(rows)])
