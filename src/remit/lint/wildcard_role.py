"""A role that is not locked may do everything: `allow * on *`, at its top or over all areas, without a condition. Any
overlay may then extend it, or replace it by a role of its own that is still called so; and whatever the catalogue
gains next year, it may do too, without anybody having decided that.

It would have caught a customer's overlay that declared `admin` anew, to take one permission from it, and took them
all.

A rule with `except` or `when`, and one over some of the areas, is let be, and so is a locked role: somebody has to
own everything. In `members` it is found too: that is every role at once. The fix locks the role; it is unsafe, for an
overlay that changes the role will no longer compile.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Edit, Fix
from remit.lint.bare_text import claim
from remit.lint.rule import Subject, Written, rule
from remit.source import Span


@rule("W701", "wildcard-role")
def check(subject: Subject) -> Iterator[Diagnostic]:
    everything = sum(len(kind.actions) for kind in subject.table.types.values())
    by_role: dict[tuple[str | None, str | None], list[Written]] = {}
    for written in subject.written:
        if written.entry is not None and written.block != "everyone" and is_wildcard(written):
            by_role.setdefault((written.role, written.block), []).append(written)
    for (name, _), rules in by_role.items():
        role = subject.role(name) if name else None
        covered = {pair for one in rules if one.entry for pair in one.entry.pairs()}
        if len(covered) < everything or (role and role.locked):
            continue
        first = next((one for one in rules if one.rule.areas is None), rules[0])
        fix = None
        help = "name in a role what its holders need; who may do everything has a role that is locked"
        if name and not first.extends and role:
            help = f"write `locked role {name}`, so that no overlay changes it, or name what it needs"
            fix = Fix(
                "lock the role", (Edit(Span(role.span.source, role.span.start, role.span.start), "locked "),), False
            )
        yield check.finding(
            f"role `{name}` may do everything, and is not locked"
            if name
            else "`members` lets every role do everything",
            claim(first.rule.span),
            label="all there is, and all that is added" if len(rules) == 1 else "this, and the same in all other areas",
            help=help,
            fix=fix,
        )


def is_wildcard(written: Written) -> bool:
    """Whether a rule allows `* on *` without a condition, inside some areas or everywhere."""
    rule = written.rule
    if rule.effect != "allow" or rule.condition is not None or rule.selector is None or rule.excepts:
        return False
    return rule.selector.types is None and any(item.kind == "all" for item in rule.selector.actions)
