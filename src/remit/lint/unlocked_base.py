"""A role that is not locked is included by others that are not locked either. An overlay that extends or replaces it
changes them all, each role that includes it directly or through others, whatever the overlay's author had in mind.

It would have caught an overlay with `extend role viewer { deny read on report }`, meant for viewers: editors and
managers, who include `viewer`, lost the reports with them.

Locked roles that include it are not moved: what they include is settled where they are declared. It runs where it is
selected, for a policy that nobody extends has nothing to fear, and one that is made to be extended may want just
that. The fix locks the role; it is unsafe, for an overlay that changes the role will no longer compile.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Edit, Fix, Label
from remit.lint.rule import Subject, rule
from remit.model.policy import Role
from remit.source import Span


@rule("W706", "unlocked-base", default=False)
def check(subject: Subject) -> Iterator[Diagnostic]:
    including: dict[str, list[Role]] = {}
    for role in subject.model.roles.values():
        if not role.locked:
            for name in role.includes:
                including.setdefault(name, []).append(role)
    for name, others in including.items():
        base = subject.model.roles.get(name)
        if base is None or base.locked:
            continue
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        yield check.finding(
            f"role `{name}` is not locked, and role `{others[0].name}`{more} include{'' if more else 's'} it",
            base.span,
            label="an overlay that changes this one changes them"
            if more
            else "an overlay that changes this one changes it",
            help=f"write `locked role {name}`, if overlays are not to do that",
            secondary=[Label(other.span, "includes it") for other in others[:3]],
            fix=Fix(
                "lock the role", (Edit(Span(base.span.source, base.span.start, base.span.start), "locked "),), False
            ),
        )
