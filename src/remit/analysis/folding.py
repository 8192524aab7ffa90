"""What belongs together in a difference, as one entry: for readers.

The exact difference is by cell and by group of roles (`remit.proof.compare`). One line that changed makes many of them:
for each action it names, for each role that includes its own, and once more for what it forbids. Here they are folded:

    vet, owner   refund on invoice   never → always   roles.remit:19  ┐  + vet  read, refund on invoice  never → always
    vet, owner   read on invoice     never → always   roles.remit:19  ┘    also owner, which includes it

    apart    of roles that are alike in a cell each has its own lines
    causes   the changes of one cell, kind and cause are one, whatever else their roles have
    leads    of these roles those that include no other: they are named, the others come through them
    forbids  what a role forbids to others goes with what it may, where both have the same cause
    cells    entries that read alike but for the cell are one
    lent     what a role has by including another, which it did not, is one entry, whatever the lines are

Everything here is linear in the size of the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from remit.analysis.concerned import Person
from remit.analysis.wording import Term, terms, without
from remit.proof.case import Case
from remit.proof.compare import Change, Kind, Part
from remit.proof.people import PersonChange
from remit.table.shape import Place, RuleEntry, Table

Cell = tuple[str, str]  # type, action
Block = Literal["everyone", "members", ""]

ORDER: tuple[Kind, ...] = ("gained", "widened", "changed", "narrowed", "lost", "incomplete_only")
GAINS: frozenset[Kind] = frozenset({"gained", "widened"})
LOSSES: frozenset[Kind] = frozenset({"narrowed", "lost"})


class Entry(NamedTuple):
    """One change as it is shown. `who` are roles, or users with `--by user`; empty for whoever holds no role, and with
    a `block`, whose rules made it. `through` are roles that change because they include one of `who`. `old` and `new`
    are the rules that settle the first of `cells`; `before` and `after` what they say, without the denies that stay as
    they are (`kept`). With `lent`, it is by including these roles, or no longer, that `who` changed, and `declared` is
    where. `people` are those it concerns, None without a directory; `example` is the case as one of them asks it, who
    is decided otherwise."""

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
    lent: tuple[str, ...] = ()
    declared: tuple[Place, bool] | None = None  # and whether that is on the old side
    people: tuple[Person, ...] | None = None
    example: Case | None = None
    since: str | None = None  # from when on, if that is later

    @property
    def sign(self) -> str:
        """`+` for more, `-` for less, `~` for both, `?` on incomplete requests alone."""
        return "+" if self.kind in GAINS else "-" if self.kind in LOSSES else "~" if self.kind == "changed" else "?"

    @property
    def blamed(self) -> tuple[tuple[RuleEntry, ...], bool]:
        """The rules that made it, and whether they are those of before: what gives is an allow that comes or a deny
        that goes, what takes a deny that comes or an allow that goes. Where the same role has another such rule in
        place of what went, the line was changed, and the new one is it."""
        come, gone = self.caused_new, self.caused_old
        if self.kind in GAINS or self.kind in LOSSES:
            by_coming, by_going = ("allow", "deny") if self.kind in GAINS else ("deny", "allow")
            if given := tuple(rule for rule in come if rule.effect == by_coming):
                return given, False
            if went := [rule for rule in gone if rule.effect == by_going]:
                instead = tuple(rule for rule in come if rule.effect == by_going)
                owners = {(rule.role, rule.block) for rule in instead}
                removed = tuple(rule for rule in went if (rule.role, rule.block) not in owners)
                return (removed, True) if removed else (instead, False)
        if come or gone:
            return (come, False) if come else (gone, True)
        return (self.new, False) if self.new else (self.old, True)


class Raw(NamedTuple):
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
    since: str | None = None

    @property
    def causes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The rules that made it, by number; all of them where none is new or gone."""
        old, new = self.caused_old, self.caused_new
        if not old and not new:
            old, new = self.old, self.new
        return tuple(rule.number for rule in old), tuple(rule.number for rule in new)


def raw_of(
    change: Change | PersonChange,
    part: Part,
    who: tuple[str, ...],
    scopes: tuple[str | None, ...],
    asking: tuple[str, ...],
) -> Raw:
    gone, come = change.caused_old, change.caused_new
    if change.kind in GAINS and not _denies(gone):  # no deny that comes gives anything, and none that goes takes any
        come = tuple(rule for rule in come if rule.effect == "allow")
    elif change.kind in LOSSES and not _denies(come):
        gone = tuple(rule for rule in gone if rule.effect == "allow")
    return Raw(
        part, change.kind, who, scopes, (change.type, change.action), change.old, change.new, gone, come, change.case,
        asking, change.after == "allowed", change.since if isinstance(change, PersonChange) else None,
    )  # fmt: skip


def _denies(rules: Iterable[RuleEntry]) -> bool:
    return any(rule.effect == "deny" for rule in rules)


def numbers(rules: Iterable[RuleEntry]) -> tuple[int, ...]:
    return tuple(rule.number for rule in rules)


# -- folding -----------------------------------------------------------------------------------------------------------


class Folds:
    """Folds the changes of each cell."""

    def __init__(self, old: Table, new: Table) -> None:
        self.tables = (new, old)
        self.every = frozenset((*old.roles, *new.roles))
        self._closed: dict[tuple[str, int], tuple[str, ...]] = {}
        self._leads: dict[tuple[str, ...], tuple[tuple[str, ...], dict[str, str]]] = {}

    def folded(self, raws: Iterable[Raw]) -> list[Entry]:
        """All that belongs together, in no order."""
        found: dict[object, list[Entry]] = {}
        for number, entry in enumerate(by_cells(self.entries(raws))):
            lent = self._lent(entry)
            found.setdefault((entry.who, entry.through, entry.kind, entry.part, lent) if lent else number, []).append(
                entry._replace(lent=lent)
            )
        return [self._by_lending(same) if same[0].lent else same[0] for same in found.values()]

    def _by_lending(self, same: Sequence[Entry]) -> Entry:
        """Entries of one role that is as another is now, or is so no longer, as one."""
        role = same[0].who[0]
        table = next(table for table in self.tables if role in table.roles)
        cells = tuple(sorted({cell for entry in same for cell in entry.cells}))
        return same[0]._replace(cells=cells, declared=(table.roles[role].place, table is self.tables[1]))

    def _lent(self, entry: Entry) -> tuple[str, ...]:
        """The roles that one role includes as it did not before (or did, and does no longer), where these and the
        blocks alone made the change; of them those that no other of them includes."""
        if len(entry.who) != 1 or entry.kind not in ("gained", "lost") or entry.part != "may":
            return ()
        role = entry.who[0]
        new, old = ({*self._named(role, side)[1:]} for side in (1, 0))
        apart = new - old if entry.kind == "gained" else old - new
        there = role in self.tables[1].roles or any(name in self.tables[1].roles for name in self._former(role))
        alone = not there or role not in self.tables[0].roles  # a role that comes or goes does so with the blocks
        owners = {rule.role for rule in entry.blamed[0]}
        if not apart or not owners or not owners <= ({*apart, None} if alone else apart):
            return ()
        table = self.tables[0 if entry.kind == "gained" else 1]
        inner = {name for one in apart if one in table.roles for name in table.roles[one].includes}
        return tuple(sorted(apart - inner))

    def entries(self, raws: Iterable[Raw]) -> Iterator[Entry]:
        """The entries of one cell each. INVARIANT: changes come cell by cell."""
        cell: Cell | None = None
        here: list[Raw] = []
        for raw in raws:
            if raw.cell != cell:
                yield from self._cell(here)
                cell, here = raw.cell, []
            here.append(raw)
        yield from self._cell(here)

    def _cell(self, raws: Sequence[Raw]) -> Iterator[Entry]:
        buckets: dict[object, list[Raw]] = {}
        for raw in (part for whole in raws for part in self._apart(whole)):
            buckets.setdefault((raw.part, raw.kind, raw.causes), []).append(raw)
        may: dict[object, list[int]] = {}
        found: list[Entry] = []
        for bucket in buckets.values():
            for entry in self._bucket(bucket):
                key = (_direction(entry.kind), numbers(entry.caused_old), numbers(entry.caused_new))
                if entry.part == "may":
                    may.setdefault(key, []).append(len(found))
                elif self._goes_with(entry, may.get(key, ()), found):
                    continue
                found.append(entry)
        yield from found

    def _apart(self, raw: Raw) -> Iterator[Raw]:
        """The roles of a change by the rules that are theirs."""
        if len(raw.who) < 2:
            yield raw
            return
        lists = (raw.old, raw.new, raw.caused_old, raw.caused_new)
        by_role = [_by_role(rules) for rules in lists]
        parts: dict[object, tuple[list[tuple[RuleEntry, ...]], list[str]]] = {}
        for role in raw.who:
            own = [self._own(role, at % 2, rules) for at, rules in enumerate(by_role)]
            parts.setdefault(tuple(map(numbers, own)), (own, []))[1].append(role)
        for (old, new, caused_old, caused_new), roles in parts.values():
            yield raw._replace(who=tuple(roles), old=old, new=new, caused_old=caused_old, caused_new=caused_new)

    def _own(self, role: str, side: int, rules: Mapping[str | None, list[RuleEntry]]) -> tuple[RuleEntry, ...]:
        """The rules that count for a role on one side: its own, those of what it includes, and those of the blocks."""
        found = list(rules.get(None, ()))
        for name in self._named(role, side):
            found += rules.get(name, ())
        return tuple(sorted(found, key=lambda rule: rule.number))

    def _named(self, role: str, side: int) -> tuple[str, ...]:
        """A role as one side (1: the new one) calls it, and all that it includes there."""
        if (role, side) not in self._closed:
            table = self.tables[1 - side]
            named = role if role in table.roles else next((n for n in self._former(role) if n in table.roles), role)
            includes = table.roles[named].includes if named in table.roles else ()
            self._closed[role, side] = (named, *includes)
        return self._closed[role, side]

    def _former(self, role: str) -> tuple[str, ...]:
        return self.tables[0].roles[role].former if role in self.tables[0].roles else ()

    def _goes_with(self, forbids: Entry, places: Sequence[int], found: list[Entry]) -> bool:
        """Marks the change of what the same roles may themselves; whether there is one."""
        for at in places:
            if {*forbids.who} <= {*found[at].who, *found[at].through}:
                found[at] = found[at]._replace(forbids_too=True)
                return True
        return False

    def _bucket(self, bucket: Sequence[Raw]) -> Iterator[Entry]:
        """One entry for each group that has a lead, or one for a block."""
        block = self._block(bucket)
        if block:
            everybody = next((raw for raw in bucket if not raw.who), bucket[0])
            yield entry_of(everybody._replace(who=()), (), block)
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
                yield entry_of(raw._replace(who=own, asking=asking), tuple(through.get(at, ())), "")

    def _block(self, bucket: Sequence[Raw]) -> Block:
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


def entry_of(raw: Raw, through: tuple[str, ...], block: Block, allowed_alone: bool = False) -> Entry:
    """A change as an entry. `allowed_alone`: where nothing allows, the change does not name the denies either."""
    before, after = terms(raw.old), terms(raw.new)
    if before == after:
        before, after = terms(raw.old, written_out=True), terms(raw.new, written_out=True)
    kept = tuple(term for term in before if term in after and term[0] == "deny" and raw.part == "may")
    if allowed_alone and not (before and after):
        kept = tuple(term for term in before or after if term[0] == "deny")
    return Entry(
        raw.part, raw.kind, raw.who, through, block, raw.scopes, (raw.cell,), raw.old, raw.new, raw.caused_old,
        raw.caused_new, without(before, kept), without(after, kept), kept, raw.case, raw.asking, raw.now_allowed,
        since=raw.since,
    )  # fmt: skip


def by_cells(entries: Iterable[Entry]) -> list[Entry]:
    """Entries that differ by their cell alone, as one."""
    found: dict[object, list[Entry]] = {}
    for entry in entries:
        rules, gone = entry.blamed
        causes = (numbers(rules), gone)
        who = (entry.who, entry.through, entry.block, entry.scopes, entry.since)
        key = (entry.part, entry.kind, who, entry.before, entry.after, causes, entry.forbids_too, entry.now_allowed)
        found.setdefault(key, []).append(entry)
    return [
        same[0]._replace(cells=tuple(sorted({entry.cells[0] for entry in same}))) if len(same) > 1 else same[0]
        for same in found.values()
    ]
