"""A deny applies only where an optional attribute is present: whoever leaves the attribute out is not denied. Leaving
out a required attribute never helps, for a deny that cannot be evaluated applies; but the absence of an optional
one is a fact like any other, stated by whoever sends the request.

It would have caught `deny refund on order when has resource.hold and resource.hold == "fraud"` over a service that
sent no `hold` for orders it had read from an old table: held orders were refunded.

A condition that no request escapes by leaving the attribute out is let be, `has` or not. For attributes of the
context it is a note, since honest callers may have none. There is no fix: whether the attribute can be made required
is for those to say who send it.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.left_out import left_out
from remit.lint.rule import Subject, rule


@rule("W704", "deny-under-has")
def check(subject: Subject) -> Iterator[Diagnostic]:
    for found in left_out(subject, "deny"):
        first = found.attributes[0]
        yield check.finding(
            f"a request without {found.names} escapes this `deny`",
            found.span,
            label="false where it is left out",
            help=f"declare `{first.name}` without `?`, or deny without it, too: `not has {first} or …`",
            secondary=found.secondary,
            level=found.level,
        )
