"""An attribute of a resource type or of users that no condition reads. Callers gather it, send it, and nothing is
decided by it.

It would have caught an attribute `status` that was declared on `contract` for a rule about signed ones, and a rule
that went live without its condition: signed contracts stayed open to changes.

Attributes also document what a resource or a user is; an overlay may read what its base does not; and users'
attributes are declared so that a directory may carry them. So it runs where it is selected, and finds notes. What
requests and sign-ons bring is W213's.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.rule import Subject, rule
from remit.lint.words import attribute, attribute_block, opened
from remit.model.expression import Expr, attributes, quoted


@rule("W210", "unused-attribute", level="note", default=False)
def check(subject: Subject) -> Iterator[Diagnostic]:
    model, table = subject.model, subject.table
    if model.base is not None:
        return
    known: dict[int, frozenset[str]] = {}  # conditions that many rules share are read once

    def read(condition: Expr) -> frozenset[str]:
        if id(condition) not in known:
            known[id(condition)] = frozenset(attr.name for attr in attributes(condition) if attr.root == "resource")
        return known[id(condition)]

    conditions = [(rule.cells, rule.condition) for rule in table.rules]
    conditions += [(claim.cells, claim.condition) for claim in table.assertions]
    at_types: dict[frozenset[str], set[str]] = {}  # what is read together → at which types
    for cells, condition in conditions:
        if condition is not None:
            at_types.setdefault(read(condition), set()).update(cells)
    read_at = {(kind, name) for names, kinds in at_types.items() for kind in kinds for name in names}
    for kind in model.types.values():
        for name in kind.attributes:
            if (kind.name, name) not in read_at:
                span = attribute(kind.span.source, opened(kind.span.source, kind.span.end), name) or kind.span
                message = f"no condition reads `{name}` of `{kind.name}`"
                yield check.finding(message, span, help=f"read it, `resource.{quoted(name)}`, or remove it")
    users = {attr.name for attr in subject.attributes if attr.root == "user"}
    for name in model.user:
        if name not in users:
            place = attribute_block(subject.sources, "user", name)
            help = f"read it, `user.{quoted(name)}`, or remove it"
            yield check.finding(f"no condition reads `user.{name}`", place, help=help)
