"""What a normal form says of somebody whose roles are known: `user.roles` settled, and what is unknown left out.

"vet" in user.roles and resource.amount <= 5   for a holder of just viewer  → false
"""

from __future__ import annotations

from typing import Any

from remit.table import normal
from remit.table.normal import Normal

ROLES, SCOPE = ["user", "roles"], ["resource", "scope"]
_COMPARED = ("and", "or", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "has", "has not")


def reads(form: Normal, term: list[str]) -> bool:
    """Whether the form reads the attribute."""
    return normal.key(term) in normal.key(form)


def known(form: Normal, held: frozenset[str], exact: bool, unknown: list[list[str]], goal: bool = False) -> Normal:
    """The form where `user.roles` holds `held`, and nothing else if `exact`, and where what is unknown is so.

    Where that cannot be told (a condition compared with another), a premise keeps the comparison, and a goal does not
    count it."""
    if isinstance(form, bool) or not any(reads(form, term) for term in (ROLES, *unknown)):
        return form
    if form[0] in ("and", "or"):
        parts = [known(part, held, exact, unknown, goal) for part in form[1:]]
        return normal.both(parts) if form[0] == "and" else normal.either(parts)
    if any(reads(form, term) for term in unknown):
        plain = not any(isinstance(side, list) and side[0] in _COMPARED for side in form[1:])
        return False if plain or goal else form
    if form[0] in ("in", "not in") and isinstance(form[1], str) and form[2] == ROLES:
        if form[1] in held:
            return form[0] == "in"
        return form[0] == "not in" if exact else form
    return _of_holder(form, held) if exact else form


def _of_holder(side: Any, held: frozenset[str]) -> Any:
    """The same comparison, told apart from one that reads somebody else's roles."""
    if side == ROLES:
        return ["user", "roles", *sorted(held)]
    return [_of_holder(part, held) for part in side] if isinstance(side, list) else side
