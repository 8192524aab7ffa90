"""Who is at a place, for people. `multiple` is marked: no one role says what these people may do.

3 members at project/app:

  user   status   role         from
  ada    active   admin        assigned at organization
  gil    active   multiple !   manager through group leads, viewer through group support
  ivy    active   viewer       assigned

! groups give gil different roles, and no individual role settles it
"""

from __future__ import annotations

from typing import Any

from remit.report.listing import aligned, counted
from remit.report.quote import safe


def members_text(answer: dict[str, Any], individual_over_group: bool = False) -> str:
    """The answer of `remit.analysis.queries.members` as text, without a line end at its end. `individual_over_group`:
    an individual role would settle what groups give."""
    scope, members = answer["scope"], answer["members"]
    at = safe(f" at {scope}") if scope else ""
    if not members:
        return f"nobody is a member{at}"
    rows = [("user", "status", "role", "from")]
    warnings = []
    for member in members:
        several = member["role"] == "multiple" and len(_counting(member)) > 1
        role = "multiple !" if several else member["role"] or "-"
        counting_first = sorted(member["roles"], key=lambda held: "hidden_by" in held)
        origins = ", ".join(_from(held, scope, several) for held in counting_first)
        rows.append((safe(member["user"]), member["status"], safe(role), safe(origins or "holds no role here")))
        if several:
            warnings.append(safe(f"! {_warning(member, individual_over_group)}"))
    lines = [f"{counted(len(members), 'member')}{at}:", "", *aligned(rows)]
    return "\n".join([*lines, "", *warnings] if warnings else lines)


def _counting(member: dict[str, Any]) -> set[str]:
    return {held["role"] for held in member["roles"] if "hidden_by" not in held}


def _warning(member: dict[str, Any], individual_over_group: bool) -> str:
    vias = {held["via"] for held in member["roles"] if "hidden_by" not in held}
    if vias == {"group"}:
        settled = "no individual role settles it" if individual_over_group else "they add up"
        return f"groups give {member['user']} different roles, and {settled}"
    return f"{member['user']} holds several roles, and they add up"


def _from(held: dict[str, Any], here: str | None, several: bool) -> str:
    """`assigned at organization`, `viewer through group support`; where all are of one role, without its name."""
    hidden = "hidden_by" in held
    words = [held["role"]] if several or hidden else []
    words.append("assigned" if held["via"] == "individual" else f"through group {held['group']}")
    if held["scope"] != here:
        words.append(f"at {held['scope']}")
    return " ".join(words) + (" (hidden by the individual role)" if hidden else "")
