"""A guard that cannot be violated, whatever happens: `at least 0`; `at most N role per user` where the policy has no
more roles than that; a limit on a role, or a `never` with one, that no event gives anybody. It reads like a
safeguard, and nothing is guarded.

It would have caught `at most 3 role per user`, kept from a time with ten roles, when the policy had come down to
three and `never` guards that would have been needed were put off, "since there is a guard".

Roles of overlays are not seen from the base. The fix removes the guard; it is unsafe, since what the guard was meant to
do may well be missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Edit, Fix
from remit.lint.giving import Giving
from remit.lint.rule import Subject, rule
from remit.model.policy import Guard


@rule("W504", "idle-guard")
def check(subject: Subject) -> Iterator[Diagnostic]:
    if not subject.model.guards:
        return
    giving = Giving(subject)
    for guard in subject.model.guards.values():
        why = _why(giving, guard)
        if why:
            fix = Fix("remove the guard", (Edit(guard.span, ""),), safe=False)
            message = f"guard `{guard.name}` can never be violated"
            yield check.finding(message, guard.span, why, "remove it, or say what it should guard", fix=fix)


def _why(giving: Giving, guard: Guard) -> str:
    """Why nothing violates a guard; empty where something might."""
    if guard.kind == "least" and guard.count == 0:
        return "there are always that many"
    if guard.kind == "per_user":
        there = len(giving.table.roles)
        return f"the policy has {there} role{'' if there == 1 else 's'} in all" if there <= guard.count else ""
    if giving.lines and not giving.any_role:
        for role in (guard.role, guard.other):
            if role and role not in giving.holdable:
                return f"no event can give anybody `{role}`"
    return ""
