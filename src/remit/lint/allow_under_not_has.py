"""An allow applies where an optional attribute is absent, and not for each value it may have: whoever leaves the
attribute out is allowed more. The absence is stated by whoever sends the request, by mistake or not.

It would have caught `allow update on record when not has resource.locked_by or resource.locked_by == user.id` behind
a list view that sent no `locked_by`: locked records were changed from there.

An allow that leaving the attribute out does not widen is let be, `not has` or not. For attributes of the context it
is a note. There is no fix: whether the attribute can be made required is for those to say who send it.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.left_out import left_out
from remit.lint.rule import Subject, rule


@rule("W705", "allow-under-not-has")
def check(subject: Subject) -> Iterator[Diagnostic]:
    for found in left_out(subject, "allow"):
        first = found.attributes[0]
        yield check.finding(
            f"a request without {found.names} gets more by this `allow`",
            found.span,
            label="left out, it allows",
            help=f"declare `{first.name}` without `?`, or allow only with it: `has {first} and …`",
            secondary=found.secondary,
            level=found.level,
        )
