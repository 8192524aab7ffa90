"""An attribute of `context` or `claims` that no condition reads. Every request, or every sign-on, brings it, and
nothing is decided by it.

It would have caught `mfa: bool` in the context of a policy whose conditions asked for it nowhere: every client sent
whether a second factor was given, and refunds went through without.

What only overlays read is not seen from the base: keep it with an `ignore` and that reason.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.rule import Subject, rule
from remit.lint.words import attribute_block
from remit.model.expression import quoted

_BRINGS = {"context": "requests bring it for nothing", "claims": "sign-ons bring it for nothing"}


@rule("W213", "unused-input")
def check(subject: Subject) -> Iterator[Diagnostic]:
    model = subject.model
    if model.base is not None:
        return
    read = {(attr.root, attr.name) for attr in subject.attributes}
    for of, declared in (("context", model.context), ("claims", model.claims)):
        for name in declared:
            if (of, name) not in read and (of, name) != ("context", "time"):
                place = attribute_block(subject.sources, of, name)
                help = f"read it, `{of}.{quoted(name)}`, or remove it"
                yield check.finding(f"no condition reads `{of}.{name}`", place, _BRINGS[of], help)
