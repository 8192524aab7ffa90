"""A role can give roles, to its own holders too, that allow more than it allows itself: `assignments` lets whoever
may do some action invite people, or change or assign their roles, and nothing limits which roles those are.
Whoever holds such a role has, one event later, whatever any role allows, by a second account if need be.

It would have caught a role for the front desk that might `invite` new colleagues, as what they chose: a second
account, invited as owner, had all that the first lacked.

A line with `role within own` is let be. One that assigns roles gives the role that the event names beside them.
Conditions over the `new_role` and `new_roles` of the member concerned are understood: a rule that allows the
event for harmless roles alone is not found. A role that may do already whatever the others may cannot gain
anything. Joining a group is left out: what a group gives stands in the directory. A line without `requires` lets
everybody give roles, and is found, too.

There is no fix: who may give which role is for people to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from remit.diagnostics import Diagnostic, Label
from remit.lint.access import Access, Accesses
from remit.lint.bare_text import claim
from remit.lint.rule import Subject, Written, rule
from remit.model import expression as ex
from remit.model.policy import OnEvent
from remit.table import normal
from remit.table.held import known
from remit.table.normal import Normal
from remit.table.shape import EVERYONE, MEMBERS, RuleEntry
from remit.table.tableau import implies

_GIVING = ("invite", "change_role", "assign")
_MOST_FORMS = 2_000  # conditions of two roles that are compared in one run


class _Power(NamedTuple):
    """The lines of one kind of event by which its actor chooses the role, and what they all require."""

    lines: tuple[OnEvent, ...]
    required: frozenset[tuple[str, str]]  # action, type

    @property
    def name(self) -> str:
        return f"on {self.lines[0].kind}{' to group' if self.lines[0].to_group else ''}"


@rule("W703", "escalation")
def check(subject: Subject) -> Iterator[Diagnostic]:
    powers = _powers([event for layer in subject.model.layers() for event in layer.events])
    if not powers:
        return
    for line in subject.model.events:
        if any(line is power.lines[0] and not power.required for power in powers):
            yield check.finding(
                f"whoever is known and active may give any role, for `on {line.kind}` requires nothing",
                line.span,
                help=f"say who may: `on {line.kind} requires ACTION on TYPE`",
            )
    reached = _Reached(subject)
    for written in subject.written:
        for power in powers:
            more = reached.beyond(written, power)
            if more is not None:
                yield _finding(written, power, *more)
                break


def _finding(written: Written, power: _Power, target: str, action: str, kind: str) -> Diagnostic:
    who = f"`{written.role}`" if written.role else f"`{written.block}`"
    cells = written.entry.cells if written.entry else {}
    line, mine = next(
        (line, line.requires)
        for line in power.lines
        if line.requires and line.requires[0] in cells.get(line.requires[1], ())
    )
    return check.finding(
        f"{who} may give role `{target}`, which allows more: {action} on `{kind}`",
        claim(written.rule.span),
        label=f"by `{power.name}`",
        help=f"write `requires {mine[0]} on {mine[1]}, role within own`, or allow it for some roles only",
        secondary=[Label(line.span, "nothing limits the role that this gives")],
    )


def _powers(events: Sequence[OnEvent]) -> list[_Power]:
    found: dict[tuple[str, bool], list[OnEvent]] = {}
    for event in events:
        if event.kind in _GIVING:
            found.setdefault((event.kind, event.to_group), []).append(event)
    return [
        _Power(tuple(lines), frozenset(line.requires for line in lines if line.requires))
        for lines in found.values()
        if not any(line.within_own for line in lines)
    ]


@dataclass
class _Reached:
    """Finds a role that somebody may give and that allows more than theirs. Roles that allow most are tried first."""

    subject: Subject
    accesses: Accesses = field(init=False)
    roles: dict[str, Access] = field(init=False)
    order: list[str] = field(init=False)
    left: int = _MOST_FORMS
    _forms: dict[tuple[str | None, str | None, str, str], Normal] = field(default_factory=dict)
    _by_cell: dict[tuple[str, str], dict[int, list[RuleEntry]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        table = self.subject.table
        self.accesses = Accesses(table)
        self.roles = {name: self.accesses.of(name) for name in table.roles}
        self.order = sorted(self.roles, key=lambda name: (-self.roles[name].may.bit_count(), name))

    def beyond(self, written: Written, power: _Power) -> tuple[str, str, str] | None:
        """The role that the holders of a rule's role may give by it, and an action and a type that this one allows
        and theirs does not; None where there is none."""
        entry = written.entry
        if entry is None or entry.effect != "allow" or not power.required:
            return None
        if not any(action in entry.cells.get(kind, ()) for action, kind in power.required):
            return None
        own = self.roles[written.role] if written.role else self.accesses.of(None, written.block)
        if any(not own.may & self.accesses.bit(kind, action) for action, kind in power.required):
            return None
        for name in self.order:
            if name == written.role or not self.may_give(written, power, name):
                continue
            if more := self.roles[name].may & ~own.may:
                kind, action = self.accesses.first(more)
                return name, action, kind
        return self._beyond_conditions(written, power, own)

    def _beyond_conditions(self, written: Written, power: _Power, own: Access) -> tuple[str, str, str] | None:
        """The same, where both allow and theirs is the narrower."""
        for name in self.order:
            other = self.roles[name]
            bits = other.may & own.may & ~own.sure
            if name == written.role or not bits or not self.may_give(written, power, name):
                continue
            while bits and self.left:
                self.left -= 1
                kind, action = self.accesses.first(bits)
                bits &= bits - 1
                reading = self.subject.index.reading(kind)
                mine = self._allowed(written.role, written.block, kind, action)
                if not implies(self._allowed(name, None, kind, action), mine, reading).closed:
                    return name, action, kind
        return None

    def may_give(self, written: Written, power: _Power, given: str) -> bool:
        """Whether the conditions of all that is required may be true where the role given is this one."""
        closed = {given, *self.subject.table.roles[given].includes}
        forms = (self._allowed(written.role, written.block, kind, action) for action, kind in power.required)
        return not any(_with_role(form, given, closed) is False for form in forms)

    def _allowed(self, role: str | None, block: str | None, kind: str, action: str) -> Normal:
        """Where somebody with just this role may do something."""
        asked = (role, block, kind, action)
        if asked not in self._forms:
            table, forms, reading = self.subject.table, self.subject.forms, self.subject.index.reading(kind)
            facets = {EVERYONE} if block == "everyone" else {EVERYONE, MEMBERS}
            facets |= table.roles[role].facets if role else set()
            held = frozenset((role, *table.roles[role].includes)) if role else frozenset[str]()
            found = self._rules(kind, action)
            rules = list({entry.number: entry for facet in sorted(facets) for entry in found.get(facet, ())}.values())
            allows = [forms.of(entry.condition, kind) for entry in rules if entry.effect == "allow"]
            denies = [entry.condition or ex.TRUE for entry in rules if entry.effect == "deny"]
            lifted = [normal.normal(ex.Not(condition), reading) for condition in denies]
            self._forms[asked] = known(normal.both([normal.either(allows), *lifted]), held, True, [])
        return self._forms[asked]

    @cached_property
    def _by_type(self) -> dict[str, list[RuleEntry]]:
        found: dict[str, list[RuleEntry]] = {}
        for entry in self.subject.table.rules:
            for name in entry.cells:
                found.setdefault(name, []).append(entry)
        return found

    def _rules(self, kind: str, action: str) -> dict[int, list[RuleEntry]]:
        """The rules about an action on a type, by facet."""
        if (kind, action) not in self._by_cell:
            found = self._by_cell[kind, action] = dict[int, list[RuleEntry]]()
            for entry in self._by_type.get(kind, ()):
                for facet in entry.facets if action in entry.cells[kind] else ():
                    found.setdefault(facet, []).append(entry)
        return self._by_cell[kind, action]


def _with_role(form: Normal, given: str, closed: set[str]) -> bool | None:
    """A condition at the member concerned, as far as the role given settles it. `closed`: with what it includes."""
    if isinstance(form, bool):
        return form
    if form[0] in ("and", "or"):
        zero = form[0] == "or"
        parts = [_with_role(part, given, closed) for part in form[1:]]
        return zero if zero in parts else None if None in parts else not zero
    match form:
        case [("has" | "has not") as word, ["resource", "new_role" | "new_roles"]]:
            return bool(word == "has")
        case [("==" | "!=") as word, ["resource", "new_role"], str(other)]:
            return bool((given == other) == (word == "=="))
        case [("in" | "not in") as word, ["resource", "new_role"], ["list", *others]]:
            return bool((given in others) == (word == "in"))
        case [("in" | "not in") as word, str(other), ["resource", "new_roles"]]:
            return bool((other in closed) == (word == "in"))
    return None
