"""A wildcard covers an action that the catalogue marks as `sensitive`. The mark says that whoever gets this action
shall be chosen for it; a `*` gives it along with all others, and nobody reads its name in the diff.

It would have caught `allow * on *` in the area of billing, written when all that one could do there was to read and
to comment: the `refund` that was added later came with it.

Each `*` among the actions of an `allow` or of a permission is looked at, with conditions or without. Let be are
`allow * on *` over all areas (whoever may do everything was chosen for that; W701 wants that role locked), action
sets, which name their actions, and every `deny`. There is no fix: whether the action was meant is not known.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Label
from remit.lint.bare_text import bare, part
from remit.lint.rule import Subject, rule
from remit.model import coverage
from remit.model.expression import quoted
from remit.model.policy import ResourceType, Rule, Selector
from remit.source import Span


@rule("W702", "sensitive-wildcard")
def check(subject: Subject) -> Iterator[Diagnostic]:
    model = subject.model
    marked = {name: kind for name, kind in model.types.items() if kind.sensitive}
    if not marked:
        return
    for written in subject.written:
        entry, rule = written.entry, written.rule
        if entry is None or rule.effect != "allow" or rule.selector is None or not _has_star(rule.selector):
            continue
        if rule.areas is None and rule.selector.types is None:
            continue
        found = [
            (kind, action)
            for name, kind in marked.items()
            for action in entry.cells.get(name, ())
            if action in kind.sensitive
        ]
        if found:
            yield _finding(found, _star(rule))
    if model.base is not None:
        return  # permissions are the base's
    for area in model.areas.values():
        for permission in area.permissions.values():
            for bundle in permission.bundles:
                if _has_star(bundle):
                    cells = coverage.cells(bundle, (area.name,), model.areas, model.types)
                    found = [
                        (kind, action)
                        for name, kind in marked.items()
                        for action in sorted(cells.get(name, ()))
                        if action in kind.sensitive
                    ]
                    if found:
                        yield _finding(found, permission.span, f"permission `{permission.name}`")


def _finding(found: list[tuple[ResourceType, str]], span: Span, what: str = "`*`") -> Diagnostic:
    kind, action = found[0]
    more = len(found) - 1
    others = f", and {more} sensitive action{'s' if more > 1 else ''} more" if more else ""
    name = f"{quoted(action)} on {quoted(kind.name)}"
    help = f"name the actions; to leave it out write `except {name}`" if what == "`*`" else "name its actions"
    return check.finding(
        f"{what} covers `{action}` on `{kind.name}`{others}",
        span,
        help=help,
        secondary=[Label(kind.span, f"`{action}` is marked as sensitive here")],
    )


def _has_star(selector: Selector) -> bool:
    return any(item.kind == "all" for item in selector.actions)


def _star(rule: Rule) -> Span:
    """The first `*` of a rule, which is among its actions."""
    at = bare(rule.span.text).index("*")
    return part(rule.span, at, at + 1)
