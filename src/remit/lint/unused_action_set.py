"""A set of actions that nothing uses: no rule, no permission, no assert, and no other set that one of these uses.
Whoever adds an action to it believes to have given that action to somebody.

It would have caught a set `write` that was extended by `export` while every role already named its actions one by
one: the release notes promised an export that nobody was allowed.

Sets that only overlays use are not seen from the base: keep them with an `ignore` and that reason.

The fix takes the set away, which is safe: a set by itself decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from remit.diagnostics import Diagnostic, Edit, Fix, Label
from remit.lint.rule import Subject, rule
from remit.lint.words import ActionSet, action_sets, first_name
from remit.model.policy import ActionItem


@rule("W202", "unused-action-set")
def check(subject: Subject) -> Iterator[Diagnostic]:
    base = subject.model.base
    own = {name for name in subject.model.action_sets if base is None or name not in base.action_sets}
    used = {item.name for item in _items(subject) if item.kind == "set"}
    if own <= used:
        return
    sets = {name: found for name, found in action_sets(subject.sources).items() if name in own}
    pending = [name for name in used if name in sets]
    while pending:
        for inner in sets[pending.pop()].uses & sets.keys():
            if inner not in used:
                used.add(inner)
                pending.append(inner)
    unused = {name: found for name, found in sets.items() if name not in used}
    users = {inner: name for name, found in unused.items() for inner in found.uses if inner in unused}
    for name, found in unused.items():
        yield _finding(name, found, users.get(name), unused)


def _finding(name: str, found: ActionSet, user: str | None, unused: dict[str, ActionSet]) -> Diagnostic:
    if user is None:
        fix = Fix("remove the set", (Edit(found.span, ""),))
        help = "use it in a rule, or remove it"
        return check.finding(f"nothing uses the actions `{name}`", found.name, help=help, fix=fix)
    message = f"only the actions `{user}` use the actions `{name}`, and nothing uses those"
    at = Label(first_name(unused[user].span, name), f"in `{user}`")
    return check.finding(message, found.name, help="use one of them in a rule, or remove both", secondary=[at])


def _items(subject: Subject) -> Iterable[ActionItem]:
    """Every word of a list of actions in this layer, outside the sets themselves."""
    for written in subject.written:
        if written.rule.selector is not None:
            yield from written.rule.selector.actions
        yield from (item.action for item in written.rule.excepts if item.action is not None)
    for claim in subject.model.assertions:
        for selector in (claim.selector, claim.other):
            yield from selector.actions if selector is not None else ()
    for area in subject.model.areas.values() if subject.model.base is None else ():
        for permission in area.permissions.values():
            for bundle in permission.bundles:
                yield from bundle.actions
