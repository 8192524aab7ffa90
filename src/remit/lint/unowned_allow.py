"""A role may do to every resource of a type what another role may do only to its own. Nothing else the role may says
that it stands above owners, so the condition was probably forgotten.

It would have caught `allow delete on draft` in the role of a helper, beside authors who `allow read, update, delete
on draft when resource.author == user.id`: helpers deleted the drafts of others.

*Own* is a condition that compares an attribute of the resource, a user or a set of users, with `user.id`. Found is an
`allow` that names its action and type and has no condition, where all of this holds: the action does not only look
(W708 has the words) nor make something new (create, add, new, open, start, register, request, submit); some other
role may do it only to its own; the role does not include that role, is not included by it, lacks something that it
may do with that type, and may not look at what it could look at only when it owns it. Locked roles are let be. It is
a note: whether the role was meant to stand above owners is for people to say. There is no fix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from remit.diagnostics import Diagnostic, Label
from remit.lint.bare_text import claim
from remit.lint.everyone_writes import looks_only
from remit.lint.rule import Subject, Written, rule
from remit.model.types import Reading
from remit.table.normal import Normal
from remit.table.shape import EVERYONE, MEMBERS, RuleEntry, Table

_MAKING = frozenset("create add new open start register request submit".split())
_MOST_OWNERS = 50  # of one action that are compared with a role


@dataclass(slots=True)
class _Cell:
    """The facets that allow an action on a type only to owners, otherwise, and of these always; a rule of the first."""

    own: dict[int, RuleEntry] = field(default_factory=dict)
    other: set[int] = field(default_factory=set)
    always: set[int] = field(default_factory=set)


@rule("W707", "unowned-allow", level="note")
def check(subject: Subject) -> Iterator[Diagnostic]:
    table = subject.table
    types = _cells(subject)
    reaching: dict[int, list[str]] = {}
    for other in table.roles.values():
        for facet in other.facets:
            reaching.setdefault(facet, []).append(other.name)
    owners: dict[tuple[str, str], list[str]] = {}
    for written in subject.written if types else ():
        entry = written.entry
        role = subject.role(written.role) if written.role else None
        if role is None or role.locked or entry is None or not _is_named(written):
            continue
        for name in sorted(entry.cells.keys() & types.keys()):
            cells = types[name]
            found = []
            for action in sorted(entry.cells[name]):
                if cells[action].own and not looks_only(action) and not _makes(action):
                    if (name, action) not in owners:
                        owners[name, action] = _owners(table, cells[action], reaching)
                    found += [(action, owner) for owner in owners[name, action]]
            if found and not any(_stands_above(table, cells, role.name, owner) for _, owner in found):
                action, owner = found[0]
                own = cells[action].own
                theirs = own[min(facet for facet in table.roles[owner].facets if facet in own)]
                yield check.finding(
                    f"`{role.name}` may {action} on every `{name}`, `{owner}` on its own only",
                    claim(written.rule.span),
                    help=f"is `when {theirs.condition_text}` missing?",
                    secondary=[Label(claim(subject.span(theirs.place)), f"`{owner}` may when it is theirs")],
                )
                break


def _is_named(written: Written) -> bool:
    rule = written.rule
    if rule.effect != "allow" or rule.condition is not None or rule.selector is None or rule.selector.types is None:
        return False
    return all(item.kind != "all" for item in rule.selector.actions)


def _makes(action: str) -> bool:
    return re.split(r"[^a-z]", action.lower(), maxsplit=1)[0] in _MAKING


def _cells(subject: Subject) -> Mapping[str, Mapping[str, _Cell]]:
    """The types some rule of which asks for the owner: by action, who allows what."""
    table = subject.table
    allows: dict[str, list[RuleEntry]] = {}
    asking: dict[str, set[int]] = {}
    for entry in table.rules:
        if entry.effect != "allow":
            continue
        for name in entry.cells:
            allows.setdefault(name, []).append(entry)
            if entry.condition is not None and _owning(
                subject.forms.of(entry.condition, name), subject.index.reading(name)
            ):
                asking.setdefault(name, set()).add(entry.number)
    found: dict[str, dict[str, _Cell]] = {}
    for name, numbers in asking.items():
        cells = found.setdefault(name, {action: _Cell() for action in table.types[name].actions})
        for entry in allows[name]:
            for action in entry.cells[name]:
                if entry.number in numbers:
                    cells[action].own.update(dict.fromkeys(entry.facets, entry))
                else:
                    cells[action].other.update(entry.facets)
                    if entry.condition is None:
                        cells[action].always.update(entry.facets)
    return found


def _owning(form: Normal, reading: Reading) -> bool:
    """Whether a condition is true only for the owner."""
    if isinstance(form, bool):
        return False
    if form[0] in ("and", "or"):
        each = [_owning(piece, reading) for piece in form[1:]]
        return any(each) if form[0] == "and" else all(each)
    if form[0] not in ("==", "in") or ["user", "id"] not in form[1:]:
        return False
    other = next((side for side in form[1:] if side != ["user", "id"]), None)
    if not isinstance(other, list) or other[0] != "resource":
        return False
    declared = reading.roots["resource"].get(other[1])
    kind = declared.type if declared else None
    return kind is not None and (kind.kind == "user" or (kind.element is not None and kind.element.kind == "user"))


def _owners(table: Table, cell: _Cell, reaching: Mapping[int, list[str]]) -> list[str]:
    """The roles that may do it to their own only; of very many, some."""
    others = cell.other
    if not others.isdisjoint({EVERYONE, MEMBERS}):
        return []
    names = sorted({name for facet in cell.own for name in reaching.get(facet, ())})
    return [name for name in names if table.roles[name].facets.isdisjoint(others)][:_MOST_OWNERS]


def _stands_above(table: Table, cells: Mapping[str, _Cell], role: str, owner: str) -> bool:
    """Whether a role is more than an owner of a type: it includes that role or is a part of it, may always do all the
    owner may, or looks at what the owner may look at only when it is theirs."""
    if role in table.roles[owner].includes or owner in table.roles[role].includes or role == owner:
        return True
    blocks = {EVERYONE, MEMBERS}
    mine, theirs = table.roles[role].facets | blocks, table.roles[owner].facets | blocks
    all_of_it = True
    for action, cell in cells.items():
        always = not mine.isdisjoint(cell.always)
        only_own = not theirs.isdisjoint(cell.own) and theirs.isdisjoint(cell.other)
        if always and only_own and looks_only(action):
            return True
        if not always and not (theirs.isdisjoint(cell.own) and theirs.isdisjoint(cell.other)):
            all_of_it = False
    return all_of_it
