"""An item of an `except` that takes nothing out of its rule: the rule does not speak of it, or another item takes the
same. It reads as a door that is shut, and there is no door. `except` leaves out of its own rule alone: what other
rules and included roles allow stays allowed.

It would have caught `allow read on * except delete on payment`, written by somebody who took `except` for a deny: the
role went on deleting payments by another rule.

The fix takes the item away, which is safe: the rule covers what it covered before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Edit, Fix
from remit.lint.rule import Subject, rule
from remit.lint.words import Word, item_edit, words_in
from remit.model.coverage import cells, taken
from remit.model.policy import ExceptItem, Rule
from remit.source import Span


@rule("W211", "idle-except")
def check(subject: Subject) -> Iterator[Diagnostic]:
    for written in subject.written:
        if written.rule.excepts:
            yield from _idle(subject, written.rule)


def _idle(subject: Subject, rule: Rule) -> Iterator[Diagnostic]:
    assert rule.selector is not None
    types = subject.model.types
    covered = cells(rule.selector, rule.areas, subject.model.areas, types)

    def takes(item: ExceptItem) -> list[tuple[str, str]]:
        names = [item.type] if item.type is not None else list(covered)
        within = [name for name in names if name in covered]
        out = {name: covered[name] if item.action is None else taken(item.action, types[name]) for name in within}
        return [(name, action) for name in within for action in covered[name] & out[name]]

    taking = [takes(item) for item in rule.excepts]
    count = Counter(cell for cells_taken in taking for cell in cells_taken)
    idle: dict[int, bool] = {}
    for at in reversed(range(len(taking))):
        if all(count[cell] > 1 for cell in taking[at]):
            idle[at] = bool(taking[at])
            count.subtract(taking[at])
    spans, begin = _items(rule.span)
    if len(spans) != len(rule.excepts):
        spans = [rule.span] * len(rule.excepts)
    for at in sorted(idle):
        edit = None
        if spans[at] is not rule.span:
            alone = len(spans) == 1
            edit = Edit(Span(rule.span.source, begin, spans[0].end) if alone else item_edit(spans, at), "")
        message = "this `except` takes nothing out of its rule"
        label = "another item takes it out already" if idle[at] else "the rule does not speak of it"
        help = "remove it; what nobody with this role may do is a `deny`"
        if idle[at]:
            help = "remove it"
        fix = Fix("remove the item", (edit,)) if edit else None
        yield check.finding(message, spans[at], label, help, fix=fix)


def _items(span: Span) -> tuple[list[Span], int]:
    """The items of a rule's `except`, and where that begins, the blank before it included."""
    found = words_in(span)
    at = next(at for at, word in enumerate(found) if word.text == "on") + 1
    while not (found[at].text == "except" and found[at - 1].text not in ("on", ",")):
        at += 1
    begin = found[at - 1].span.end
    items: list[Span] = []
    at += 1
    while True:
        last = at + 2 if _has_type(found, at) else at
        items.append(Span(span.source, found[at].span.start, found[last].span.end))
        if last + 1 >= len(found) or found[last + 1].text != ",":
            return items, begin
        at = last + 2


def _has_type(found: list[Word], at: int) -> bool:
    """Whether the item that begins there is `action on type`."""
    return at + 2 < len(found) and (found[at + 1].kind, found[at + 1].text) == ("name", "on")
