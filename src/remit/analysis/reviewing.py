"""A difference as somebody reviews it: what belongs together is one entry, and the sentence that shows it is tried.

The exact difference is by cell and by group of roles (`remit.proof.compare`). One line that changed makes many of them:
for each action it names, for each role that includes its own, and once more for what it forbids. Here they are folded:

    vet, owner   refund on invoice   never → always   roles.remit:19  ┐  + vet  read, refund on invoice  never → always
    vet, owner   read on invoice     never → always   roles.remit:19  ┘    also owner, which includes it

    apart    of roles that are alike in a cell each has its own lines
    causes   the changes of one cell, kind and cause are one, whatever else their roles have
    leads    of these roles those that include no other: they are named, the others come through them
    forbids  what a role forbids to others goes with what it may, where both have the same cause
    cells    entries that read alike but for the cell are one

Folding is for reading: what is counted (`--fail-on`) is the difference itself. Everything here is linear in its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from remit.analysis.concerned import Concerned, Person
from remit.evaluator.pdp import Pdp
from remit.model import expression as ex
from remit.proof.beside import Beside
from remit.proof.case import Case
from remit.proof.compare import Change, Difference, Kind, OpenCell, Part
from remit.proof.people import OpenPerson, PeopleDifference, PersonChange
from remit.table.shape import RuleEntry, Table

Cell = tuple[str, str]  # type, action
Term = tuple[str, str]  # effect, and its condition's text; empty: without one
Block = Literal["everyone", "members", ""]

ORDER: tuple[Kind, ...] = ("gained", "widened", "changed", "narrowed", "lost", "incomplete_only")
GAINS: frozenset[Kind] = frozenset({"gained", "widened"})
LOSSES: frozenset[Kind] = frozenset({"narrowed", "lost"})
COUNTED: Mapping[str, frozenset[Kind]] = {
    "gained": frozenset({"gained", "widened", "changed"}),
    "lost": frozenset({"lost", "narrowed", "changed"}),
    "any": frozenset(ORDER),
}
_LARGE = 60  # parts of a condition that is not written out
_CANDIDATES = 4  # users that are tried for one example
_MOST_TRIED = 2_000  # entries for which a user is looked for


class Entry(NamedTuple):
    """One change as it is shown. `who` are roles, or users with `--by user`; empty for whoever holds no role, and with
    a `block`, whose rules made it. `through` are roles that change because they include one of `who`. `old` and `new`
    are the rules that settle the first of `cells`; `before` and `after` what they say, without the denies that stay as
    they are (`kept`). `people` are those it concerns, None without a directory; `example` is the case as one of them
    asks it, who is decided otherwise."""

    part: Part
    kind: Kind
    who: tuple[str, ...]
    through: tuple[str, ...]
    block: Block
    scopes: tuple[str | None, ...]
    cells: tuple[Cell, ...]
    old: tuple[RuleEntry, ...]
    new: tuple[RuleEntry, ...]
    caused_old: tuple[RuleEntry, ...]
    caused_new: tuple[RuleEntry, ...]
    before: tuple[Term, ...]
    after: tuple[Term, ...]
    kept: tuple[Term, ...]
    case: Case
    asking: tuple[str, ...]
    now_allowed: bool
    forbids_too: bool = False
    people: tuple[Person, ...] | None = None
    example: Case | None = None

    @property
    def sign(self) -> str:
        """`+` for more, `-` for less, `~` for both, `?` on incomplete requests alone."""
        return "+" if self.kind in GAINS else "-" if self.kind in LOSSES else "~" if self.kind == "changed" else "?"


class Review(NamedTuple):
    """Everything there is to see: `entries` in the order they are shown, `whole` what they were folded from, `changed`
    how many permissions (one for each role or user, type and action) are of each kind. `holders` are those of each role
    that changes, None without a directory."""

    by: Literal["role", "user"]
    entries: tuple[Entry, ...]
    whole: tuple[Change, ...] | tuple[PersonChange, ...]
    beside: tuple[Beside, ...]
    unproven: tuple[OpenCell | OpenPerson, ...]
    changed: Mapping[Kind, int]
    holders: Mapping[str, tuple[Person, ...]] | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.entries and not self.beside and not self.unproven


class _Raw(NamedTuple):
    """A change of one cell, of roles or of users."""

    part: Part
    kind: Kind
    who: tuple[str, ...]
    scopes: tuple[str | None, ...]
    cell: Cell
    old: tuple[RuleEntry, ...]
    new: tuple[RuleEntry, ...]
    caused_old: tuple[RuleEntry, ...]
    caused_new: tuple[RuleEntry, ...]
    case: Case
    asking: tuple[str, ...]
    now_allowed: bool

    @property
    def causes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The rules that made it, by number; all of them where none is new or gone."""
        old, new = self.caused_old, self.caused_new
        if not old and not new:
            old, new = self.old, self.new
        return tuple(rule.number for rule in old), tuple(rule.number for rule in new)


def review(difference: Difference, old: Table, new: Table) -> Review:
    """A difference by roles."""
    counts = dict.fromkeys(ORDER, 0)
    raws = []
    for change in difference.changes:
        counts[change.kind] += len(change.roles) or 1
        raws.append(_raw(change, change.part, change.roles, (), change.asking))
    folds = _Folds(old, new)
    entries = _by_cells(folds.entries(raws))
    shown = tuple(sorted(entries, key=_order))
    return Review("role", shown, difference.changes, difference.beside, difference.unproven, counts)


def review_people(difference: PeopleDifference, beside: Sequence[Beside], old: Table, new: Table) -> Review:
    """A difference by users: those for whom the same became otherwise are one entry."""
    roots = {None if old.root is None or new.root is None else new.root, old.root, new.root}
    counts = dict.fromkeys(ORDER, 0)
    alike: dict[object, tuple[_Raw, dict[str, None]]] = {}
    for change in difference.changes:
        counts[change.kind] += 1
        raw = _raw(change, "may", (change.user,), () if roots.intersection(change.scopes) else change.scopes, ())
        key = (raw.kind, raw.scopes, raw.cell, raw.causes, _numbers(raw.old), _numbers(raw.new))
        alike.setdefault(key, (raw, {}))[1][change.user] = None
    entries = _by_cells(_entry(raw._replace(who=tuple(users)), (), "") for raw, users in alike.values())
    shown = tuple(sorted(entries, key=_order))
    return Review("user", shown, difference.changes, tuple(beside), difference.unproven, counts)


def _raw(
    change: Change | PersonChange,
    part: Part,
    who: tuple[str, ...],
    scopes: tuple[str | None, ...],
    asking: tuple[str, ...],
) -> _Raw:
    gone, come = change.caused_old, change.caused_new
    if change.kind in GAINS:  # no deny that comes gives anything, and none that goes takes anything
        come = tuple(rule for rule in come if rule.effect == "allow")
    elif change.kind in LOSSES:
        gone = tuple(rule for rule in gone if rule.effect == "allow")
    return _Raw(
        part, change.kind, who, scopes, (change.type, change.action), change.old, change.new, gone, come, change.case,
        asking, change.after == "allowed",
    )  # fmt: skip


def _order(entry: Entry) -> tuple[object, ...]:
    return ORDER.index(entry.kind), entry.part, not entry.block, entry.who, entry.cells


def _numbers(rules: Iterable[RuleEntry]) -> tuple[int, ...]:
    return tuple(rule.number for rule in rules)


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


# -- folding -----------------------------------------------------------------------------------------------------------


class _Folds:
    """Folds the changes of each cell."""

    def __init__(self, old: Table, new: Table) -> None:
        self.tables = (new, old)
        self.every = frozenset((*old.roles, *new.roles))
        self._closed: dict[tuple[str, int], tuple[str, ...]] = {}
        self._leads: dict[tuple[str, ...], tuple[tuple[str, ...], dict[str, str]]] = {}

    def entries(self, raws: Iterable[_Raw]) -> Iterator[Entry]:
        """The entries of one cell each. INVARIANT: changes come cell by cell."""
        cell: Cell | None = None
        here: list[_Raw] = []
        for raw in raws:
            if raw.cell != cell:
                yield from self._cell(here)
                cell, here = raw.cell, []
            here.append(raw)
        yield from self._cell(here)

    def _cell(self, raws: Sequence[_Raw]) -> Iterator[Entry]:
        buckets: dict[object, list[_Raw]] = {}
        for raw in (part for raw in raws for part in self._apart(raw)):
            buckets.setdefault((raw.part, raw.kind, raw.causes), []).append(raw)
        may: dict[object, list[int]] = {}
        found: list[Entry] = []
        for bucket in buckets.values():
            for entry in self._bucket(bucket):
                key = (_direction(entry.kind), _numbers(entry.caused_old), _numbers(entry.caused_new))
                if entry.part == "may":
                    may.setdefault(key, []).append(len(found))
                elif self._goes_with(entry, may.get(key, ()), found):
                    continue
                found.append(entry)
        yield from found

    def _apart(self, raw: _Raw) -> Iterator[_Raw]:
        """The roles of a change by the rules that are theirs."""
        if len(raw.who) < 2:
            yield raw
            return
        lists = (raw.old, raw.new, raw.caused_old, raw.caused_new)
        by_role = [_by_role(rules) for rules in lists]
        parts: dict[object, tuple[list[tuple[RuleEntry, ...]], list[str]]] = {}
        for role in raw.who:
            own = [self._own(role, at % 2, rules) for at, rules in enumerate(by_role)]
            parts.setdefault(tuple(map(_numbers, own)), (own, []))[1].append(role)
        for (old, new, caused_old, caused_new), roles in parts.values():
            yield raw._replace(who=tuple(roles), old=old, new=new, caused_old=caused_old, caused_new=caused_new)

    def _own(self, role: str, side: int, rules: Mapping[str | None, list[RuleEntry]]) -> tuple[RuleEntry, ...]:
        """The rules that count for a role on one side: its own, those of what it includes, and those of the blocks."""
        if (role, side) not in self._closed:
            table = self.tables[1 - side]
            named = role if role in table.roles else next((n for n in self._former(role) if n in table.roles), role)
            includes = table.roles[named].includes if named in table.roles else ()
            self._closed[role, side] = (named, *includes)
        found = list(rules.get(None, ()))
        for name in self._closed[role, side]:
            found += rules.get(name, ())
        return tuple(sorted(found, key=lambda rule: rule.number))

    def _former(self, role: str) -> tuple[str, ...]:
        return self.tables[0].roles[role].former if role in self.tables[0].roles else ()

    def _goes_with(self, forbids: Entry, places: Sequence[int], found: list[Entry]) -> bool:
        """Marks the change of what the same roles may themselves; whether there is one."""
        for at in places:
            if {*forbids.who} <= {*found[at].who, *found[at].through}:
                found[at] = found[at]._replace(forbids_too=True)
                return True
        return False

    def _bucket(self, bucket: Sequence[_Raw]) -> Iterator[Entry]:
        """One entry for each group that has a lead, or one for a block."""
        block = self._block(bucket)
        if block:
            everybody = next((raw for raw in bucket if not raw.who), bucket[0])
            yield _entry(everybody._replace(who=()), (), block)
            return
        roles = tuple(sorted(role for raw in bucket for role in raw.who))
        leads, above = self._led(roles)
        home = {role: at for at, raw in enumerate(bucket) for role in raw.who}
        through: dict[int, list[str]] = {}
        for role, lead in above.items():
            through.setdefault(home[lead], []).append(role)
        for at, raw in enumerate(bucket):
            own = tuple(role for role in leads if home[role] == at)
            if own or not raw.who:
                asking = own[:1] if raw.part == "may" and len(raw.asking) == 1 and own else raw.asking
                yield _entry(raw._replace(who=own, asking=asking), tuple(through.get(at, ())), "")

    def _block(self, bucket: Sequence[_Raw]) -> Block:
        """The block whose rules did it to all: to whoever holds no role, or to every role there is."""
        rules = [rule for raw in bucket for rule in (*raw.caused_old, *raw.caused_new)]
        if not rules or any(rule.block is None for rule in rules):
            return ""
        if any(not raw.who for raw in bucket):
            return "everyone"
        concerned = sum(len(raw.who) for raw in bucket)
        return "members" if rules[0].block == "members" and concerned == len(self.every) > 1 else ""

    def _led(self, roles: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
        """The roles that include none of the others; and the others, each with one that it includes."""
        found = self._leads.get(roles)
        if found is None:
            here = frozenset(roles)
            inner = {
                role: {other for other in self._included(role) if other in here and other != role} for role in roles
            }
            first = frozenset(role for role in roles if not inner[role])
            leads = tuple(role for role in roles if not inner[role] & first)  # some where includes were turned round
            above = {role: min(inner[role] & first) for role in roles if inner[role] & first}
            found = self._leads[roles] = (leads, above)
        return found

    def _included(self, role: str) -> Iterator[str]:
        for table in self.tables:
            if role in table.roles:
                yield from table.roles[role].includes


def _by_role(rules: Iterable[RuleEntry]) -> dict[str | None, list[RuleEntry]]:
    found: dict[str | None, list[RuleEntry]] = {}
    for rule in rules:
        found.setdefault(rule.role, []).append(rule)
    return found


def _direction(kind: Kind) -> str:
    return "+" if kind in GAINS else "-" if kind in LOSSES else kind


def _entry(raw: _Raw, through: tuple[str, ...], block: Block) -> Entry:
    before, after = _terms(raw.old), _terms(raw.new)
    if before == after:
        before, after = _terms(raw.old, written_out=True), _terms(raw.new, written_out=True)
    kept = tuple(term for term in before if term in after and term[0] == "deny" and raw.part == "may")
    return Entry(
        raw.part, raw.kind, raw.who, through, block, raw.scopes, (raw.cell,), raw.old, raw.new, raw.caused_old,
        raw.caused_new, _without(before, kept), _without(after, kept), kept, raw.case, raw.asking, raw.now_allowed,
    )  # fmt: skip


def _without(terms: tuple[Term, ...], kept: tuple[Term, ...]) -> tuple[Term, ...]:
    return tuple(term for term in terms if term not in kept)


def _terms(rules: Iterable[RuleEntry], written_out: bool = False) -> tuple[Term, ...]:
    """What rules say, each once, in the policy's own words; `written_out`: with the names of conditions resolved."""
    found: dict[Term, None] = {}
    for rule in rules:
        text = " ".join(rule.condition_text.split())
        if written_out and rule.condition is not None and ex.size(rule.condition) <= _LARGE:
            text = ex.text(_resolved(rule.condition))
        found[rule.effect, text] = None
    return tuple(found)


def _resolved(node: ex.Expr) -> ex.Expr:
    """The condition without names of conditions."""
    if isinstance(node, ex.Named):
        return _resolved(node.body)
    if isinstance(node, ex.And | ex.Or):
        return type(node)(tuple(_resolved(part) for part in node.operands))
    return ex.Not(_resolved(node.operand)) if isinstance(node, ex.Not) else node


def _by_cells(entries: Iterable[Entry]) -> list[Entry]:
    """Entries that differ by their cell alone, as one."""
    found: dict[object, list[Entry]] = {}
    for entry in entries:
        causes = (_numbers(entry.caused_old), _numbers(entry.caused_new))
        who = (entry.who, entry.through, entry.block, entry.scopes)
        key = (entry.part, entry.kind, who, entry.before, entry.after, causes, entry.forbids_too, entry.now_allowed)
        found.setdefault(key, []).append(entry)
    return [
        same[0]._replace(cells=tuple(sorted({entry.cells[0] for entry in same}))) if len(same) > 1 else same[0]
        for same in found.values()
    ]


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
    if scope is not None and "scope" in properties:
        properties["scope"] = scope
    identifier = user if case.id == case.user else case.id
    return Case(user, {}, (), identifier, properties, own(case.context), case.missing, case.placed)


def _code(pdp: Pdp, user: str, cell: Cell, case: Case) -> str:
    return pdp.ask(user, cell[1], case.resource(cell[0]), case.context).judged.code
