"""A rule, or a permission of a `grant`, that gives what the role has without it: by a role that it includes, by the
blocks `everyone` or `members`, or, where an overlay extends a role, by the base's rules of that role. Whoever later
takes the permission out of this role sees no test fail, and the role keeps it.

It would have caught a role that granted `refund` itself and included another that did: the refund was taken out of
one of the two after an incident, and stayed allowed.

The fix takes the rule, or the permission, away, which is safe: nothing that anybody may do changes. Where a later
change of the included role must not reach this one, do not include it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from remit.diagnostics import Diagnostic, Edit, Fix, Label
from remit.lint.given import Given
from remit.lint.rule import Subject, Written, rule
from remit.lint.words import item_edit, words_in
from remit.model import coverage
from remit.source import Span
from remit.table.shape import EVERYONE, MEMBERS, RuleEntry

_SHOWN = 3  # rules that are pointed at


class _Part(NamedTuple):
    """A whole rule, or one permission of a grant; `by` are the rules that give the same."""

    name: str
    by: Sequence[RuleEntry]


@rule("W303", "needless-grant")
def check(subject: Subject) -> Iterator[Diagnostic]:
    given: Given | None = None
    own: dict[str, set[int]] = {}  # role → the rules by which this layer extends it
    for written in subject.written:
        if written.extends and written.role is not None and written.entry is not None:
            own.setdefault(written.role, set()).add(written.entry.number)
    for written in subject.written:
        if written.entry is None or written.role is None or written.rule.effect == "deny":
            continue
        facets = {EVERYONE, MEMBERS, *subject.table.roles[written.role].facets}
        others = own[written.role] if written.extends else set()
        if not written.extends:
            facets -= {*written.entry.facets}
        given = given or Given(subject.table)
        parts = _parts(subject, given, written, facets, others)
        needless = [part for part in parts if part.by]
        if not needless:
            continue
        if len(needless) == len(parts):
            yield _finding(subject, written, written.rule.span, needless, "this", written.rule.span)
            continue
        spans = [word.span for word in words_in(written.rule.span)[1 : 2 * len(parts) : 2]]
        for at, part in enumerate(parts):
            if part.by:
                edit = item_edit(spans, at)
                yield _finding(subject, written, spans[at], [part], f"permission `{part.name}`", edit)


def _parts(subject: Subject, given: Given, written: Written, facets: set[int], others: set[int]) -> list[_Part]:
    rule, areas, types = written.rule, subject.model.areas, subject.model.types
    if rule.selector is not None:
        assert written.entry is not None
        return [_Part("", _by(given, written, written.entry.cells, facets, others))]
    found = []
    for name in rule.permissions:
        cells: coverage.Cells = {}
        for permission in coverage.granted(rule, areas):
            for bundle in permission.bundles if permission.name == name else ():
                for kind, actions in coverage.cells(bundle, (permission.area,), areas, types).items():
                    cells[kind] = cells.get(kind, frozenset()) | actions
        found.append(_Part(name, _by(given, written, cells, facets, others)))
    return found


def _by(
    given: Given, written: Written, cells: Mapping[str, Collection[str]], facets: set[int], others: set[int]
) -> Sequence[RuleEntry]:
    """The rules that give all of these cells; none as soon as one cell is not given."""
    found: dict[int, RuleEntry] = {}
    for kind, actions in cells.items():
        for action in sorted(actions):
            by = given.covering(facets, "allow", kind, action, written.rule.condition, others)
            if not by:
                return ()
            found.update((entry.number, entry) for entry in by)
    return list(found.values())


def _finding(
    subject: Subject, written: Written, span: Span, parts: Sequence[_Part], what: str, edit: Span
) -> Diagnostic:
    entries = list({entry.number: entry for part in parts for entry in part.by}.values())
    labels = [Label(subject.span(entry.place), _how(written, entry)) for entry in entries[:_SHOWN]]
    title = "remove the rule" if edit is written.rule.span else "remove the permission"
    help = "remove it, or take it away there"
    fix = Fix(title, (Edit(edit, ""),))
    sources = {entry.role for entry in entries}
    by = f", from `{entries[0].role}`" if len(sources) == 1 and entries[0].role not in (None, written.role) else ""
    return check.finding(f"role `{written.role}` has {what} already{by}", span, "", help, labels, fix)


def _how(written: Written, entry: RuleEntry) -> str:
    if entry.block is not None:
        return "everybody has it" if entry.block == "everyone" else "whoever holds a role has it"
    if entry.role == written.role:
        return "the base gives it to the role"
    return f"by role `{entry.role}`, which `{written.role}` includes"
