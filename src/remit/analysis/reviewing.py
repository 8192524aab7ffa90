"""A difference as somebody reviews it: its entries in order, those that were chosen, and the people they concern.

Folding (`remit.analysis.folding`) is for reading: what is counted (`--fail-on`) is the difference itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from remit.analysis.concerned import Concerned, Person
from remit.analysis.folding import ORDER, Cell, Entry, Folds, Raw, by_cells, entry_of, numbers, raw_of
from remit.evaluator.pdp import Pdp
from remit.proof.beside import Beside
from remit.proof.case import Case
from remit.proof.compare import Change, Difference, Kind, OpenCell
from remit.proof.people import OpenPerson, PeopleDifference, PersonChange
from remit.table.shape import AssertEntry, RuleEntry, Table

COUNTED: Mapping[str, frozenset[Kind]] = {
    "gained": frozenset({"gained", "widened", "changed"}),
    "lost": frozenset({"lost", "narrowed", "changed"}),
    "any": frozenset(ORDER),
}
_CANDIDATES = 4  # users that are tried for one example
_MOST_TRIED = 2_000  # entries for which a user is looked for


class Review(NamedTuple):
    """Everything there is to see: `entries` in the order they are shown, `whole` what they were folded from, `changed`
    how many permissions (one for each role or user, type and action) are of each kind. `standing` are, by number and
    side, the rules behind it that are written on the other side, too; `claims` the asserts that are new or gone, by
    what `beside` says of them. `holders` are those of each role that changes, None without a directory."""

    by: Literal["role", "user"]
    entries: tuple[Entry, ...]
    whole: tuple[Change, ...] | tuple[PersonChange, ...]
    beside: tuple[Beside, ...]
    unproven: tuple[OpenCell | OpenPerson, ...]
    changed: Mapping[Kind, int]
    standing: tuple[frozenset[int], frozenset[int]]
    claims: Mapping[Beside, AssertEntry]
    holders: Mapping[str, tuple[Person, ...]] | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.entries and not self.beside and not self.unproven


def review(difference: Difference, old: Table, new: Table) -> Review:
    """A difference by roles."""
    counts = dict.fromkeys(ORDER, 0)
    raws = []
    for change in difference.changes:
        counts[change.kind] += len(change.roles) or 1
        raws.append(raw_of(change, change.part, change.roles, (), change.asking))
    shown = tuple(sorted(Folds(old, new).folded(raws), key=_order))
    return Review(
        "role", shown, difference.changes, difference.beside, difference.unproven, counts,
        _standing(difference.changes, old, new), _claims(difference.beside, old, new),
    )  # fmt: skip


def review_people(difference: PeopleDifference, beside: Sequence[Beside], old: Table, new: Table) -> Review:
    """A difference by users: those for whom the same became otherwise are one entry."""
    roots = {None if old.root is None or new.root is None else new.root, old.root, new.root}
    counts = dict.fromkeys(ORDER, 0)
    alike: dict[object, tuple[Raw, dict[str, None]]] = {}
    for change in difference.changes:
        counts[change.kind] += 1
        raw = raw_of(change, "may", (change.user,), () if roots.intersection(change.scopes) else change.scopes, ())
        key = (raw.kind, raw.scopes, raw.cell, raw.causes, numbers(raw.old), numbers(raw.new), raw.since)
        alike.setdefault(key, (raw, {}))[1][change.user] = None
    entries = by_cells(entry_of(raw._replace(who=tuple(users)), (), "", True) for raw, users in alike.values())
    shown = tuple(sorted(entries, key=_order))
    return Review(
        "user", shown, difference.changes, tuple(beside), difference.unproven, counts,
        _standing(difference.changes, old, new), _claims(beside, old, new),
    )  # fmt: skip


def _order(entry: Entry) -> tuple[object, ...]:
    return ORDER.index(entry.kind), entry.part != "may", not entry.block, entry.who, entry.cells


# -- what is written ---------------------------------------------------------------------------------------------------


class _Line(NamedTuple):
    """A rule as it is written: its text, whose it is (by the new name of the role), and what it is about there."""

    text: str
    owner: str | None
    about: tuple[str, ...]
    number: int


def _standing(
    changes: Iterable[Change | PersonChange], old: Table, new: Table
) -> tuple[frozenset[int], frozenset[int]]:
    """Of the rules that made the changes, those whose text is written on the other side, too, by their numbers. Where
    one side has a text more often than the other, the lines of one role go together, first those about the same types;
    what is left over came, or went."""
    causes: tuple[dict[int, RuleEntry], dict[int, RuleEntry]] = ({}, {})
    for change in changes:
        for side, rules in zip(causes, (change.caused_old, change.caused_new), strict=True):
            side.update((rule.number, rule) for rule in rules)
    texts = {_text(rule) for side in causes for rule in side.values()}
    owners = {name: role.name for role in new.roles.values() for name in (*role.former, role.name)}
    left = [
        [
            _Line(text, owners.get(rule.role, rule.role) if rule.role else rule.block, tuple(rule.cells), rule.number)
            for rule in table.rules
            if (text := _text(rule)) in texts
        ]
        for table in (old, new)
    ]
    for alike in (3, 2, 1):  # text, owner and types; text and owner; text
        counts = [Counter[tuple[object, ...]](line[:alike] for line in lines) for lines in left]
        both = counts[0] & counts[1]
        left = [list(_over(lines, alike, both)) for lines in left]
    apart = [{line.number for line in lines} for lines in left]
    return frozenset(causes[0].keys() - apart[0]), frozenset(causes[1].keys() - apart[1])


def _over(lines: Iterable[_Line], alike: int, both: Counter[tuple[object, ...]]) -> Iterator[_Line]:
    """The lines that the other side has no match for."""
    matched = Counter(both)
    for line in lines:
        if matched[line[:alike]] > 0:
            matched[line[:alike]] -= 1
        else:
            yield line


def _text(rule: RuleEntry) -> str:
    return " ".join(rule.place.text.split())


def _claims(beside: Sequence[Beside], old: Table, new: Table) -> dict[Beside, AssertEntry]:
    """The asserts that are new or gone, where they stand."""
    found = {}
    sides = {"removed": old, "added": new}
    for how, table in sides.items():
        texts = {" ".join(claim.place.text.split()): claim for claim in reversed(table.assertions)}
        found.update({one: texts[one.name] for one in beside if one.about == "assert" and one.how == how})
    return found


# -- what is chosen ----------------------------------------------------------------------------------------------------


def chosen(difference: Difference, old: Table, new: Table, roles: frozenset[str], areas: frozenset[str]) -> Difference:
    """The part of a difference that concerns these roles and areas; all of either where none is named."""
    changes = []
    for change in difference.changes:
        if areas and not areas & _areas(change.type, old, new):
            continue
        if roles:
            kept = tuple(role for role in change.roles if role in roles)
            if not kept:
                continue
            change = change._replace(roles=kept)
        changes.append(change)
    unproven = [
        cell
        for cell in difference.unproven
        if (not areas or areas & _areas(cell.type, old, new)) and (not roles or roles.intersection(cell.roles))
    ]
    kept_beside = difference.beside
    if roles or areas:
        kept_beside = tuple(one for one in difference.beside if _concerns(one, old, new, roles, areas))
    return Difference(tuple(changes), kept_beside, tuple(unproven))


def chosen_people(
    difference: PeopleDifference, old: Table, new: Table, users: frozenset[str] | None, areas: frozenset[str]
) -> PeopleDifference:
    """The part that concerns these users (None: all) and areas."""

    def wanted(user: str, resource_type: str) -> bool:
        return (users is None or user in users) and (not areas or bool(areas & _areas(resource_type, old, new)))

    return PeopleDifference(
        tuple(change for change in difference.changes if wanted(change.user, change.type)),
        tuple(one for one in difference.unproven if wanted(one.user, one.type)),
    )


def _areas(resource_type: str, *tables: Table) -> frozenset[str]:
    return frozenset(table.types[resource_type].area for table in tables if resource_type in table.types)


def _concerns(one: Beside, old: Table, new: Table, roles: frozenset[str], areas: frozenset[str]) -> bool:
    if one.about == "role":
        return one.name in roles
    if one.about in ("type", "action", "attribute"):
        name = one.name.rpartition(" on ")[2].partition(".")[0] if one.about != "type" else one.name
        return bool(areas & _areas(name, old, new))
    return False


# -- people ------------------------------------------------------------------------------------------------------------


def with_people(found: Review, concerned: Concerned, pdps: tuple[Pdp, Pdp] | None) -> Review:
    """The review with the people whom each entry concerns; and, where both policies' decision points for the directory
    are given, with one of them as the example: the first for whom the evaluator decides it otherwise."""
    entries = []
    for number, entry in enumerate(found.entries):
        if entry.block:
            people = concerned.everybody()
        elif entry.who:
            people = concerned.holders((*entry.who, *entry.through))
        else:
            people = concerned.without_roles()
        example = None
        if pdps is not None and number < _MOST_TRIED:
            first = concerned.holders(entry.who) if entry.through else people
            example = _example(entry, first or people, pdps)
        entries.append(entry._replace(people=people, example=example))
    changed = {role for entry in found.entries for role in (*entry.who, *entry.through)}
    holders = {role: concerned.holders([role]) for role in sorted(changed)}
    return found._replace(entries=tuple(entries), holders=holders)


def _example(entry: Entry, people: Sequence[Person], pdps: tuple[Pdp, Pdp]) -> Case | None:
    active = [person.id for person in people if person.status == "active"]
    for user in active[:_CANDIDATES]:
        for scope in _places(user, pdps):
            case = _asked_by(user, entry.case, scope)
            codes = [_code(pdp, user, entry.cells[0], case) for pdp in pdps]
            if (codes[0] == "allowed") != (codes[1] == "allowed") and (codes[1] == "allowed") == entry.now_allowed:
                return case
    return None


def _places(user: str, pdps: tuple[Pdp, Pdp]) -> Iterator[str | None]:
    """Where the user holds something: the root first, then the other places, a few of them."""
    found: dict[str | None, None] = {}
    for pdp in pdps:
        if user in pdp.directory.users:
            holdings = pdp.holders.holdings(pdp.directory.users[user])
            found.update(
                dict.fromkeys(sorted({h.scope for h in holdings}, key=lambda scope: (scope is not None, scope)))
            )
    yield from list(found)[:_CANDIDATES] or [None]


def _asked_by(user: str, case: Case, scope: str | None) -> Case:
    """The case as this user would ask it, at that place."""

    def own(values: Mapping[str, object]) -> dict[str, object]:
        return {name: user if value == case.user else value for name, value in values.items()}

    properties = own(case.properties)
    if scope is not None:
        properties["scope"] = scope
    identifier = user if case.id == case.user else case.id
    return Case(user, {}, (), identifier, properties, own(case.context), case.missing, case.placed)


def _code(pdp: Pdp, user: str, cell: Cell, case: Case) -> str:
    return pdp.ask(user, cell[1], case.resource(cell[0]), case.context).judged.code
