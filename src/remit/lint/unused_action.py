"""An action that no rule speaks of: nobody may do it, whatever their role, and no deny says that this is meant.

It would have caught `retry` on `payment`, added to the catalogue with its button and given to no role: support saw
the button and got a refusal.

Where a line of `assignments` requires the action, nobody can ever cause that event, and this is a warning. Elsewhere
it is a note, since customers' own roles, which are overlays, are not seen from the base.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Label
from remit.lint.rule import Subject, rule
from remit.lint.words import Word, opened, words
from remit.model.expression import quoted
from remit.model.policy import ResourceType
from remit.source import Span


@rule("W212", "unused-action", level="note")
def check(subject: Subject) -> Iterator[Diagnostic]:
    model = subject.model
    if model.base is not None:
        return
    covered = [rule.cells for rule in subject.table.rules]
    covered += [claim.cells for claim in subject.table.assertions if claim.kind == "no"]
    spoken = {(name, action) for cells in covered for name, actions in cells.items() for action in actions}
    touched = {name for name, _ in spoken}
    required = {event.requires: event for event in reversed(model.events) if event.requires is not None}
    for area in model.areas.values():
        for kind in (model.types[name] for name in area.types):
            for action in kind.actions:
                event = required.get((action, kind.name))
                if (kind.name, action) in spoken or (event is None and touched.isdisjoint(area.types)):
                    continue  # an area that no rule touches is one finding, not one an action
                help = f"allow it to a role: `allow {quoted(action)} on {quoted(kind.name)}`, or remove it"
                message = f"no rule allows anybody to `{action}` on `{kind.name}`"
                if event is None:
                    yield check.finding(message, _declared(kind, action), help=help)
                else:
                    at = Label(event.span, f"so nobody can cause `{event.kind}`")
                    place = _declared(kind, action)
                    yield check.finding(message, place, help=help, secondary=[at], level="warning")


def _declared(kind: ResourceType, action: str) -> Span:
    """The action where its type declares it."""
    source, listing, before = kind.span.source, False, "{"
    found = list(_body(kind))
    for at, word in enumerate(found):
        following = found[at + 1].text if at + 1 < len(found) else "}"
        if listing and word.kind == "name" and word.text == action and following != ":":
            return word.span
        if word.kind == "name" and word.text == "actions" and following != ":" and before not in (":", "of"):
            listing = True
        before = word.text
    return Span(source, kind.span.start, kind.span.end)


def _body(kind: ResourceType) -> Iterator[Word]:
    for word in words(kind.span.source, opened(kind.span.source, kind.span.end)):
        if word.text == "}" and word.kind == "mark":
            return
        yield word
