"""Who holds which role where (SEMANTICS 3), as role masks a decision can intersect with a cell.

Bit 0 stands for the block `everyone`, bit 1 for `members`, the others for roles. A user's masks at a scope are two:
`allow`, the roles whose allows count there, and `deny`, those whose denies bind. They differ where an individual
assignment hides a group's, where the request names no scope, where the directory does not know it, and where the time
is malformed: what is not certain to count gives nothing, and what may count forbids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from remit.directory.layered import followed
from remit.directory.shape import Assignment, Directory, User
from remit.table.shape import Table

Via = Literal["individual", "group", "subject", "option"]

EVERYONE_BIT, MEMBERS_BIT, FIRST_ROLE_BIT = 1, 2, 4


class ScopeState:
    """Where a request stands: at a known place, at none, or at one the directory does not know."""

    KNOWN, ABSENT, UNKNOWN = "known", "absent", "unknown"


class Holding(NamedTuple):
    """One way a role is held: `scope` None is the root."""

    role: str
    bit: int
    scope: str | None
    via: Via
    group: str | None = None
    start: int | None = None
    end: int | None = None

    @property
    def timed(self) -> bool:
        return self.start is not None or self.end is not None

    def counts_at(self, time: int) -> bool:
        """Whether it counts then: from its start, up to its end."""
        return (self.start is None or self.start <= time) and (self.end is None or time < self.end)


class Held(NamedTuple):
    """What somebody holds at a scope and time. `allow` and `deny` are masks; `holdings` all that bear on it;
    `hidden` those of them whose allows an individual assignment hides, each with what hides it."""

    allow: int
    deny: int
    holdings: tuple[Holding, ...]
    hidden: tuple[tuple[Holding, Holding], ...]
    uncertain: bool  # whether the window of something held here could not be judged


class Scopes:
    """The scope instances of a directory, and what lies above each."""

    def __init__(self, table: Table, directory: Directory) -> None:
        self.kinds = table.scopes
        self.root = table.root
        self.known = directory.scopes
        self._above: dict[str, frozenset[str | None]] = {}

    def malformed(self, scope: Any) -> bool:
        """Whether a request's `scope` is no place at all: no text, no `KIND/ID`, or of a kind the policy lacks."""
        if not isinstance(scope, str):
            return True
        kind, slash, identifier = scope.partition("/")
        if kind not in self.kinds:
            return True
        return not identifier if slash else kind != self.root

    def state(self, scope: str | None) -> str:
        if scope is None:
            return ScopeState.ABSENT
        return ScopeState.KNOWN if scope in self.known or scope == self.root else ScopeState.UNKNOWN

    def above(self, scope: str | None) -> frozenset[str | None]:
        """The place itself and all above it; None stands for the root."""
        if scope is None or scope == self.root:
            return _ROOT_ALONE
        found = self._above.get(scope)
        if found is None:
            places: set[str | None] = {None, scope}
            pending = [scope]
            while pending:
                for parent in self.known[pending.pop()].parents:
                    place = None if parent == self.root else parent
                    if place is not None and place not in places:
                        places.add(place)
                        pending.append(place)
            found = self._above[scope] = frozenset(places)
        return found


_ROOT_ALONE: frozenset[str | None] = frozenset((None,))


def _move(
    group: str,
    before: tuple[str, ...],
    after: tuple[str, ...],
    index: Mapping[str, list[str]],
    changes: dict[str, list[str] | None],
) -> None:
    """Notes in `changes` what the index of containing groups holds once a group has other members."""
    had, has = set(before), set(after)
    for member in had ^ has:
        known = changes[member] if member in changes else index.get(member)
        kept = [name for name in known or () if name != group]
        changes[member] = [*kept, group] if member in has else kept or None


class Holders:
    """Answers who holds what, for one table and one directory."""

    def __init__(self, table: Table, directory: Directory, bits: Mapping[str, int]) -> None:
        self.table = table
        self.directory = directory
        self.bits = bits
        self.scopes = Scopes(table, directory)
        self.names = {former: role.name for role in table.roles.values() for former in role.former}
        self.below_root = len(table.scopes) > 1
        containing: dict[str, list[str]] = {}
        direct: dict[str, list[str]] = {}
        for group in directory.groups.values():
            for inner in group.groups:
                containing.setdefault(inner, []).append(group.name)
            for member in group.members:
                direct.setdefault(member, []).append(group.name)
        self._containing: Mapping[str, list[str]] = containing  # group → the groups it is in
        self._direct: Mapping[str, list[str]] = direct  # user → the groups they are in
        self._of_group: dict[str, tuple[Holding, ...]] = {}
        self._of_user: dict[str, tuple[Holding, ...]] = {}

    def following(self, directory: Directory, groups: Iterable[str]) -> Holders:
        """The same for a later directory, of which only these groups have other members: nothing else is read anew."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.directory = directory
        made.scopes = Scopes(self.table, directory)
        made._of_group, made._of_user = {}, {}
        inner: dict[str, list[str] | None] = {}
        direct: dict[str, list[str] | None] = {}
        for name in groups:
            before, after = self.directory.groups.get(name), directory.groups.get(name)
            _move(name, before.groups if before else (), after.groups if after else (), self._containing, inner)
            _move(name, before.members if before else (), after.members if after else (), self._direct, direct)
        made._containing, made._direct = followed(self._containing, inner), followed(self._direct, direct)
        return made

    # -- groups and holdings -----------------------------------------------------------------------------------------

    def groups_of(self, user: str) -> frozenset[str]:
        """Every group the user is in, through groups too."""
        found: set[str] = set()
        pending = list(self._direct.get(user, ()))
        while pending:
            group = pending.pop()
            if group not in found:
                found.add(group)
                pending.extend(self._containing.get(group, ()))
        return frozenset(found)

    def holdings(self, user: User) -> tuple[Holding, ...]:
        """All the user holds anywhere, now or at another time."""
        found = self._of_user.get(user.id)
        if found is None:
            own = self._holdings(user.assignments, "individual", None)
            for group in sorted(self.groups_of(user.id)):
                if group not in self._of_group:
                    assignments = self.directory.groups[group].assignments
                    self._of_group[group] = tuple(self._holdings(assignments, "group", group))
                own.extend(self._of_group[group])
            found = self._of_user[user.id] = tuple(own)
        return found

    def _holdings(self, assignments: Iterable[Assignment], via: Via, group: str | None) -> list[Holding]:
        found = []
        for assignment in assignments:
            made = self.holding(assignment.role, assignment.scope, via, group, assignment.start, assignment.end)
            if made is not None:
                found.append(made)
        return found

    def holding(
        self,
        role: str,
        scope: str | None,
        via: Via,
        group: str | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> Holding | None:
        """A holding of a role by its name or a former one; None where the policy lacks the role."""
        name = role if role in self.bits else self.names.get(role)
        if name is None:
            return None
        place = None if scope == self.scopes.root else scope
        return Holding(name, self.bits[name], place, via, group, start, end)

    # -- at a scope and a time -----------------------------------------------------------------------------------------

    def at(self, holdings: tuple[Holding, ...], scope: str | None, time: int | None) -> Held:
        """What of `holdings` bears on a decision at `scope`; `time` None where it is malformed."""
        state = self.scopes.state(scope)
        places = self.scopes.above(scope) if state == ScopeState.KNOWN else _ROOT_ALONE
        certain: set[int] = set()
        possible: list[Holding] = []
        uncertain = False
        for holding in holdings:
            if holding.timed and time is None:
                uncertain = uncertain or holding.scope in places
                possible.append(holding)
                continue
            if time is not None and not holding.counts_at(time):
                continue
            certain.add(id(holding))
            possible.append(holding)
        hiding = self._hiding(possible)
        allow, deny = EVERYONE_BIT, EVERYONE_BIT
        hidden: list[tuple[Holding, Holding]] = []
        bearing: list[Holding] = []
        for holding in possible:
            here = state != ScopeState.UNKNOWN and holding.scope in places
            if not here and state == ScopeState.KNOWN:
                continue
            bearing.append(holding)
            deny |= holding.bit
            if state != ScopeState.UNKNOWN:
                deny |= MEMBERS_BIT
            if not here:
                continue
            by = hiding.get(holding.scope) if holding.via == "group" else None
            if by is not None:
                hidden.append((holding, by))
            if id(holding) in certain:
                allow |= MEMBERS_BIT
                if by is None:
                    allow |= holding.bit
        return Held(allow, deny, tuple(bearing), tuple(hidden), uncertain)

    def _hiding(self, possible: list[Holding]) -> dict[str | None, Holding]:
        """By scope, the individual assignment that hides what groups allow there."""
        if not self.table.individual_over_group:
            return {}
        found: dict[str | None, Holding] = {}
        for holding in possible:
            if holding.via == "individual":
                found.setdefault(holding.scope, holding)
        return found

    def role_names(self, held: Held, scope: str | None) -> frozenset[str] | None:
        """`user.roles`: all held at the scope, includes closed, hidden ones too; None where it is unknown."""
        state = self.scopes.state(scope)
        if state == ScopeState.UNKNOWN or held.uncertain or (state == ScopeState.ABSENT and self.below_root):
            return None
        found: set[str] = set()
        places = self.scopes.above(scope)
        for holding in held.holdings:
            if holding.scope in places:
                found.add(holding.role)
                found.update(self.table.roles[holding.role].includes)
        return frozenset(found)
