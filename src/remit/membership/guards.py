"""Guards (SEMANTICS 8): what must stay true of those who hold roles, now and at every later `from` or `until`.

An event is refused where it makes things worse, so only people it touches can break a guard, and only they are looked
at first: each before and after, at the moments when something of theirs begins or ends.

    at least 1 active owner          remove ann: she held owner, now she does not; who else does, and until when?
    bob is owner until July          in July nobody is: refused, and the message says from when on

Others are counted only where the touched people lost or gained, and no further than needed: as soon as enough others
hold the role at every later moment, a least is safe; as soon as too many do, a most is broken. So the
cost of an event grows with the people it touches, with the guard's number, with those who hold its role for a time
only, and under `per KIND` with the places below; never with everybody else.

| guard | where | holding |
|---|---|---|
| `at least N R` | at the root; `per KIND`: at each instance, from above too | hidden ones do not count |
| `at most N R`, `never R with Q` | anywhere; `per KIND`: at each instance, from above too | hidden ones count |
| `at most N role per user` | the same | distinct roles assigned, without what they include |
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from remit.directory.shape import Directory, Status
from remit.evaluator.holding import Holders, Holding
from remit.evaluator.index import Index
from remit.instant import format_instant
from remit.membership.roster import MemoryRoster, Roster
from remit.table.shape import GuardEntry, Table

_AT_ONCE = 64  # people fetched together where others are counted
_NAMED = 3  # people a message names
_COUNTED = 100  # people over an `at most` that are still counted, for the message


class Person(NamedTuple):
    """Somebody as guards see them: their status and all they hold, now or at another time."""

    id: str
    status: Status
    holdings: tuple[Holding, ...]


class Touched(NamedTuple):
    """One person before and after an event; None where they are not there."""

    before: Person | None
    after: Person | None


class Broken(NamedTuple):
    """A guard that is worse than before, or just broken. `place` is the instance of its kind, None elsewhere; `time`
    None is now; `people` are those concerned, sorted."""

    guard: GuardEntry
    place: str | None
    time: int | None
    count: int  # type: ignore[assignment]  # not the tuple's method of that name
    people: tuple[str, ...]

    @property
    def message(self) -> str:
        """What is wrong, in plain words."""
        guard, named = self.guard, _listed(self.people)
        where = f" at {self.place}" if self.place else ""
        when = f" from {format_instant(self.time)} on" if self.time is not None else ""
        active = "active " if guard.active else ""
        if guard.kind == "least":
            if len(self.people) == 1 and self.count == guard.count - 1:
                only = f"the only {active}{guard.role}" if guard.count == 1 else f"one of the last {guard.count}"
                return f"{named} is {only}{'' if guard.count == 1 else f' {active}{guard.role}s'}{where}{when}"
            return f"{self.count} {active}{guard.role} would be left{where}{when}, without {named}"
        if guard.kind == "most":
            return f"{self.count} would be {active}{guard.role}{where}{when}: {named}"
        if guard.kind == "per_user":
            return f"{named} would hold {self.count} roles{where}{when}"
        return f"{named} would be both {guard.role} and {guard.other}{where}{when}"

    @property
    def state(self) -> str:
        """The same of a directory as it is: what is so and should not be."""
        guard, named = self.guard, _listed(self.people)
        where = f" at {self.place}" if self.place else ""
        when = f" from {format_instant(self.time)} on" if self.time is not None else ""
        active = "active " if guard.active else ""
        if guard.kind == "least":
            so_many = f"{self.count} are" if self.count > 1 else f"{'nobody' if not self.count else 'one'} is"
            return f"{so_many} {active}{guard.role}{where}{when}, and at least {guard.count} must be"
        if guard.kind == "most":
            so_many = "one is" if self.count == 1 else f"{self.count} are"
            return f"{so_many} {active}{guard.role}{where}{when}, and at most {guard.count} may be: {named}"
        several = len(self.people) > 1
        if guard.kind == "per_user":
            return (
                f"{named} hold{'' if several else 's'} up to {self.count} roles{where}{when}, of at most {guard.count}"
            )
        return f"{named} {'are' if several else 'is'} both {guard.role} and {guard.other}{where}{when}"


class Guards:
    """The guards of a table over one roster. `worsened` and `broken` are the two questions."""

    def __init__(self, index: Index, roster: Roster, now: int) -> None:
        self.table: Table = index.table
        self.index = index
        self.roster = roster
        self.now = now
        self._above: dict[str, frozenset[str | None]] = {}

    def person(self, directory: Directory, user: str) -> Person | None:
        """Somebody of a neighbourhood."""
        found = directory.users.get(user)
        return Person(user, found.status, self.holders(directory).holdings(found)) if found else None

    def holders(self, directory: Directory) -> Holders:
        return Holders(self.table, directory, self.index.bits)

    def worsened(self, touched: Sequence[Touched]) -> Broken | None:
        """The first guard, by name, that is worse after than before."""
        for _, guard in sorted(self.table.guards.items()):
            if (found := self._worse(guard, touched)) is not None:
                return found
        return None

    def all_worsened(self, touched: Sequence[Touched]) -> list[Broken]:
        """Every guard that is worse after than before, by name, each once."""
        worse = (self._worse(guard, touched) for _, guard in sorted(self.table.guards.items()))
        return [found for found in worse if found is not None]

    def opened(self, place: str, near: Directory) -> Broken | None:
        """The first guard, by name, that would be broken at a place which comes to be: who holds roles above it holds
        them there. `near` has the place and those above. An `at least` has no count there that could fall."""
        self._above[place] = self.holders(near).scopes.above(place)
        scopes = {*self._above[place], self.table.root}
        kind = place.partition("/")[0]
        for _, guard in sorted(self.table.guards.items()):
            if guard.per != kind or guard.kind == "least":
                continue
            wanted = self.table.roles if guard.kind == "per_user" else {guard.role: None}
            names = [name for role in wanted for name in self._bringing(role)]
            people = list(self._people(self.roster.holders(names, scopes, guard.active)))
            for time in self._moments(people):
                if (found := self._broken_at(guard, place, time, people)) is not None:
                    return found
        return None

    def broken(self, everybody: Collection[Person]) -> list[Broken]:
        """Every guard that is broken now or at a later moment, with each place, at its first moment."""
        found: list[Broken] = []
        for _, guard in sorted(self.table.guards.items()):
            relevant = [one for one in everybody if self._concerns(guard, one)]
            places: Iterable[str | None] = self.roster.instances(guard.per, None) if self._below(guard) else [None]
            for place in places:
                here = [one for one in relevant if self._concerns(guard, one, place)]
                for time in self._moments(here):
                    broken = self._broken_at(guard, place, time, here)
                    if broken is not None:
                        found.append(broken)
                        break
        return found

    def _broken_at(self, guard: GuardEntry, place: str | None, time: int, people: list[Person]) -> Broken | None:
        when = None if time == self.now else time
        if guard.kind in ("least", "most"):
            held = [one.id for one in people if self._holds(guard, one, place, time)]
            wrong = len(held) < guard.count if guard.kind == "least" else len(held) > guard.count
            return Broken(guard, place, when, len(held), tuple(sorted(held))) if wrong else None
        wrongly = [one for one in people if self._load(guard, one, place, time) > self._limit(guard)]
        if not wrongly:
            return None
        most = max(self._load(guard, one, place, time) for one in wrongly)
        return Broken(guard, place, when, most, tuple(sorted(one.id for one in wrongly)))

    # -- what one event changes ------------------------------------------------------------------------------------

    def _worse(self, guard: GuardEntry, touched: Sequence[Touched]) -> Broken | None:
        concerned = [pair for pair in touched if self._differs(guard, pair)]
        if not concerned:
            return None
        counting = guard.kind in ("least", "most")
        for place in self._places(guard, concerned):
            found = self._counted(guard, place, concerned) if counting else self._alone(guard, place, concerned)
            if found is not None:
                return found
        return None

    def _differs(self, guard: GuardEntry, pair: Touched) -> bool:
        """Whether the guard could see a difference at all: cheap, and never wrongly false."""
        before, after = pair
        if before is None or after is None or before.status != after.status:
            return any(one is not None and self._concerns(guard, one) for one in pair)
        if before.holdings == after.holdings:
            return False
        return self._concerns(guard, before) or self._concerns(guard, after)

    def _alone(self, guard: GuardEntry, place: str | None, touched: list[Touched]) -> Broken | None:
        """`never` and `per user`: each touched person by themselves."""
        for before, after in touched:
            if after is None:
                continue
            for time in self._moments([one for one in (before, after) if one is not None]):
                had = self._load(guard, before, place, time) if before is not None else 0
                has = self._load(guard, after, place, time)
                if has > self._limit(guard) and has > had:
                    return Broken(guard, place, None if time == self.now else time, has, (after.id,))
        return None

    def _counted(self, guard: GuardEntry, place: str | None, touched: list[Touched]) -> Broken | None:
        """`at least` and `at most`: the touched people's losses or gains, then the others."""
        least = guard.kind == "least"
        befores = [before for before, _ in touched if before is not None]
        afters = [after for _, after in touched if after is not None]
        own = self._moments([*befores, *afters])
        if not any(self._change(guard, place, time, befores, afters, least) > 0 for time in own):
            return None
        others: list[Person] = []
        steady = 0
        most_after = max(self._number(guard, afters, place, time) for time in own)
        for person in self._others(guard, place, {one.id for one in (*befores, *afters)}):
            others.append(person)
            steady += all(self._holds(guard, person, place, time) for time in self._moments([person]))
            if least and steady >= guard.count:
                return None
            if not least and steady > guard.count + _COUNTED:
                break  # far too many already, whatever the rest hold
        if not least and len(others) + most_after <= guard.count:
            return None
        for time in self._moments([*befores, *afters, *others]):
            if self._change(guard, place, time, befores, afters, least) <= 0:
                continue
            beside = [one.id for one in others if self._holds(guard, one, place, time)]
            count = len(beside) + self._number(guard, afters, place, time)
            if count < guard.count if least else count > guard.count:
                holding = {one.id for one in afters if self._holds(guard, one, place, time)}
                named = self._losing(guard, place, time, befores) - holding if least else {*holding, *beside}
                return Broken(guard, place, None if time == self.now else time, count, tuple(sorted(named)))
        return None

    def _change(
        self, guard: GuardEntry, place: str | None, time: int, befores: list[Person], afters: list[Person], least: bool
    ) -> int:
        """By how many the touched people make it worse at that moment; not above 0 where they do not."""
        change = self._number(guard, afters, place, time) - self._number(guard, befores, place, time)
        return -change if least else change

    def _losing(self, guard: GuardEntry, place: str | None, time: int, befores: list[Person]) -> set[str]:
        return {one.id for one in befores if self._holds(guard, one, place, time)}

    def _others(self, guard: GuardEntry, place: str | None, touched: set[str]) -> Iterator[Person]:
        """Who else has to do with the role, as the directory is."""
        scopes: frozenset[str | None] | None = None
        if guard.per or guard.kind == "least":
            scopes = self._scopes_above(place)
            if None in scopes:
                scopes |= {self.table.root}
        names = self._bringing(guard.role)
        return self._people(user for user in self.roster.holders(names, scopes, guard.active) if user not in touched)

    def _people(self, users: Iterable[str]) -> Iterator[Person]:
        """These users with all they hold."""
        holders = iter(users)
        while some := list(islice(holders, _AT_ONCE)):
            directory = self.roster.neighbourhood(users=some)
            known = self.holders(directory)
            for user in some:
                found = directory.users[user]
                yield Person(user, found.status, known.holdings(found))

    # -- what somebody holds -----------------------------------------------------------------------------------------

    def _holds(self, guard: GuardEntry, person: Person, place: str | None, time: int) -> bool:
        """Whether the person counts for `at least` or `at most`, there and then."""
        if guard.active and person.status != "active":
            return False
        return guard.role in self._roles(guard, person, place, time)

    def _roles(self, guard: GuardEntry, person: Person, place: str | None, time: int) -> set[str]:
        """The roles held there and then, with includes."""
        found: set[str] = set()
        for role in self._assigned(guard, person, place, time):
            found.add(role)
            found.update(self.table.roles[role].includes)
        return found

    def _assigned(self, guard: GuardEntry, person: Person, place: str | None, time: int) -> set[str]:
        counting = [held for held in person.holdings if held.counts_at(time)]
        hiding: set[str | None] = set()
        if guard.kind == "least" and self.table.individual_over_group:
            hiding = {held.scope for held in counting if held.via == "individual"}
        return {
            held.role
            for held in counting
            if self._bears(guard, held.scope, place) and not (held.via == "group" and held.scope in hiding)
        }

    def _bears(self, guard: GuardEntry, scope: str | None, place: str | None) -> bool:
        """Whether what is held at a scope counts for the guard at its place."""
        if guard.per or guard.kind == "least":
            return scope in self._scopes_above(place)
        return True

    def _load(self, guard: GuardEntry, person: Person, place: str | None, time: int) -> int:
        """How much of what `per user` counts, or of what `never` forbids, somebody holds."""
        if guard.kind == "per_user":
            return len(self._assigned(guard, person, place, time))
        roles = self._roles(guard, person, place, time)
        return int(guard.role in roles and guard.other in roles)

    @staticmethod
    def _limit(guard: GuardEntry) -> int:
        return guard.count if guard.kind == "per_user" else 0

    def _concerns(self, guard: GuardEntry, person: Person, place: str | None = None) -> bool:
        """Whether anything the person ever holds (there) bears on the guard."""
        held = [one.role for one in person.holdings if place is None or self._bears(guard, one.scope, place)]
        if guard.kind == "per_user":
            return bool(held)
        wanted = {guard.role, guard.other}
        return any(role in wanted or not wanted.isdisjoint(self.table.roles[role].includes) for role in held)

    def _bringing(self, role: str) -> list[str]:
        """Every name, former ones too, under which an assignment brings the role."""
        entries = [entry for entry in self.table.roles.values() if entry.name == role or role in entry.includes]
        return [name for entry in entries for name in (entry.name, *entry.former)]

    # -- where and when ----------------------------------------------------------------------------------------------

    def _below(self, guard: GuardEntry) -> bool:
        """Whether the guard counts at places below the root; `per` the root's kind is at the root."""
        return bool(guard.per) and guard.per != self.table.root

    def _places(self, guard: GuardEntry, touched: list[Touched]) -> Iterable[str | None]:
        """The places at which the touched people may count otherwise than before."""
        if not self._below(guard):
            return [None]
        found: dict[str, None] = {}
        for before, after in touched:
            had = set(before.holdings) if before is not None else set()
            has = set(after.holdings) if after is not None else set()
            same = before is not None and after is not None and before.status == after.status
            for scope in {held.scope for held in (had ^ has if same else had | has)}:
                found.update(dict.fromkeys(self.roster.instances(guard.per, scope)))
        unknown = [place for place in found if place not in self._above]
        if unknown:  # all at once: a database is asked once, not for each place
            scopes = self.holders(self.roster.neighbourhood(scopes=unknown)).scopes
            self._above.update((place, scopes.above(place)) for place in unknown)
        return sorted(found)

    def _scopes_above(self, place: str | None) -> frozenset[str | None]:
        """The place and all above; None is the root."""
        if place is None or place == self.table.root:
            return frozenset((None,))
        if place not in self._above:
            self._above[place] = self.holders(self.roster.neighbourhood(scopes=[place])).scopes.above(place)
        return self._above[place]

    def _moments(self, people: Iterable[Person]) -> list[int]:
        """Now, and every later moment at which something of theirs begins or ends."""
        later = {
            moment
            for person in people
            for held in person.holdings
            for moment in (held.start, held.end)
            if moment is not None and moment > self.now
        }
        return [self.now, *sorted(later)]

    def _number(self, guard: GuardEntry, people: list[Person], place: str | None, time: int) -> int:
        return sum(self._holds(guard, one, place, time) for one in people)


def broken_guards(index: Index, directory: Directory, now: int) -> list[Broken]:
    """Every guard that a directory breaks, now or at a later `from` or `until`."""
    if not index.table.guards:
        return []
    guards = Guards(index, MemoryRoster(directory), now)
    holders = guards.holders(directory)
    people = [Person(user.id, user.status, holders.holdings(user)) for user in directory.users.values()]
    return guards.broken(people)


def _listed(people: tuple[str, ...]) -> str:
    if len(people) > _NAMED:
        return f"{', '.join(people[:_NAMED])} and {len(people) - _NAMED} more"
    return " and ".join(people) if len(people) < 3 else f"{', '.join(people[:-1])} and {people[-1]}"


__all__ = ["Broken", "Guards", "Person", "Touched", "broken_guards"]
