"""A rule about nothing: its `except` takes out all that it selects, or the permissions it grants have no actions. It
gives and forbids nothing, under any condition, and reads as if it did. An `except` that was widened over time ends
so, and the `deny` that it belonged to protects no more.

It would have caught `deny delete on invoice, payment except invoice, delete on payment`: two exceptions, asked for a
year apart, and nobody noticed that the second left nothing of the rule.

The fix takes the rule away. Nothing that anybody may do changes by it, and still it is unsafe: whether the rule or its
`except` is one too many is for somebody to say.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Edit, Fix
from remit.lint.rule import Subject, rule


@rule("W214", "empty-rule")
def check(subject: Subject) -> Iterator[Diagnostic]:
    for written in subject.written:
        entry = written.entry
        if entry is None or entry.cells:
            continue
        span = written.rule.span
        fix = Fix("remove the rule", (Edit(span, ""),), safe=False)
        if written.rule.excepts:
            effect = "allows" if entry.effect == "allow" else "denies"
            label, help = "its `except` takes out all that it selects", "remove the rule, or let `except` take out less"
            yield check.finding(f"this rule {effect} nothing", span, label, help, fix=fix)
        else:
            several = len(written.rule.permissions) > 1
            label = f"no action is in {'these permissions' if several else 'this permission'}"
            help = "remove it, or say what the permission is: `permission p { … on … }`"
            yield check.finding("this grant gives nothing", span, label, help, fix=fix)
