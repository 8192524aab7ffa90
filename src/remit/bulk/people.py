"""Who holds which lines of the matrix where, as arrays, filled when somebody is first asked about.

Places stand in the order of a walk from the root down, so that those below one place are a *run* of positions (more
than one where a place has several parents), and "is held at the request's place or above it" is two comparisons.

    company 0   branch/north 1   team/a 2   branch/south 3        a role at branch/north: positions 1 to 2

What somebody holds is a list of *holdings*: a line and a run. One whose allows do not count, since an individual
assignment hides it, has its line among those that only deny. Requests without a place have a list of their own: lines
held at the root count whole, all others deny.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from remit.bulk.ranges import spread
from remit.bulk.texts import Array, Texts, encodable
from remit.directory.shape import Directory
from remit.evaluator.holding import Holders, Holding, Via
from remit.table.shape import Table

ACTIVE, INACTIVE, UNKNOWN, TIMED = 0, 1, 2, 3
ROOT = 0
_LATELY = 3  # crowds that are known again by the names that they were asked by
_FEW = 4  # a part is small that is less than one in so many
NOWHERE = -1  # the position of a place that the directory does not know


class Places:
    """The positions of a directory's places, the root at 0."""

    def __init__(self, table: Table, directory: Directory) -> None:
        self.root = table.root
        self.scopes = directory.scopes
        below: dict[str | None, list[str]] = {}
        self.branching = False
        for scope in directory.scopes.values():
            above = [None if parent == self.root else parent for parent in scope.parents] or [None]
            self.branching = self.branching or len(above) > 1
            for parent in above:
                below.setdefault(parent, []).append(scope.name)
        self.below = below
        self.position: dict[str, int] = {}
        self.last: dict[str, int] = {}  # of the places below it, where none has several parents
        self._walk()
        self._runs: dict[str, tuple[tuple[int, int], ...]] = {}

    def _walk(self) -> None:
        pending: list[tuple[str, bool]] = [(name, False) for name in reversed(self.below.get(None, ()))]
        while pending:
            name, done = pending.pop()
            if done:
                self.last[name] = len(self.position)
            elif name not in self.position:
                self.position[name] = len(self.position) + 1
                pending.append((name, True))
                pending.extend((inner, False) for inner in reversed(self.below.get(name, ())))

    def runs(self, place: str | None) -> tuple[tuple[int, int], ...]:
        """The positions of a place and all below it, as (first, last)."""
        if place is None:
            return ((ROOT, len(self.position)),)
        if place not in self.position:
            return ()  # an assignment somewhere else
        if not self.branching:
            return ((self.position[place], self.last[place]),)
        found = self._runs.get(place)
        if found is None:
            inside = {place}
            pending = [place]
            while pending:
                more = [name for name in self.below.get(pending.pop(), ()) if name not in inside]
                inside.update(more)
                pending.extend(more)
            at = np.sort(np.fromiter((self.position[name] for name in inside), np.int64, len(inside)))
            breaks = np.flatnonzero(np.diff(at) > 1)
            first, last = at[np.r_[0, breaks + 1]], at[np.r_[breaks, len(at) - 1]]
            found = self._runs[place] = tuple(zip(first.tolist(), last.tolist(), strict=True))
        return found

    def of(self, scope: str) -> int:
        """The position of a place by its name."""
        return ROOT if scope == self.root else self.position.get(scope, NOWHERE)


class NthHolding(NamedTuple):
    """One holding of each of some users: a line, and its run of positions (from 1 to 0 where there is none)."""

    line: Array
    low: Array
    high: Array


class HoldingLists(NamedTuple):
    """Lists of holdings, user after user: user n has `many[n]` from `first[n]` on. `line` is one of the matrix; or,
    more by the matrix's height, one that only denies."""

    first: Array
    many: Array
    line: Array
    low: Array
    high: Array

    def of(self, users: Array | slice) -> HoldingLists:
        """Of these users alone: they share the lists, or where they are few, have their own."""
        first, many = self.first[users], self.many[users]
        if len(first) * _FEW > len(self.first):
            return self._replace(first=first, many=many)
        at = spread(first, many)
        return HoldingLists(np.cumsum(many) - many, many, self.line[at], self.low[at], self.high[at])

    def nth_holdings(self, most: int, none: int) -> list[NthHolding]:
        """Each user's first holdings, side by side; line `none` where somebody has not so many."""
        return [self._nth(turn, none) for turn in range(min(most, int(self.many.max(initial=0))))]

    def _nth(self, turn: int, none: int) -> NthHolding:
        there = self.many > turn
        at = np.where(there, self.first + turn, 0)
        return NthHolding(np.where(there, self.line[at], none), np.where(there, self.low[at], 1), self.high[at] * there)

    def only_denying(self, height: int) -> HoldingLists:
        """The same, with lines that only deny."""
        return self._replace(line=np.where(self.line < height, self.line + height, self.line))

    def joined(self, more: HoldingLists) -> HoldingLists:
        """With others behind."""
        first = np.concatenate([self.first, more.first + len(self.line)])
        lists = (np.concatenate(pair) for pair in zip(self[1:], more[1:], strict=True))
        return HoldingLists(first, *lists)


class Crowd(NamedTuple):
    """Some users as arrays, in the order that was asked for. `status`: ACTIVE, INACTIVE, UNKNOWN, or TIMED where the
    request's own time decides what is held. `at_place` is what they hold and where, `without_place` what counts where a
    request names no place; `at_root` and `anywhere`: whether anything is held at the root, and at all. Users of one
    `profile` are alike where none names a place."""

    status: Array
    at_place: HoldingLists
    without_place: HoldingLists
    at_root: Array
    anywhere: Array
    profile: Array

    def of(self, users: Array | slice) -> Crowd:
        """These users alone, by their numbers."""
        alike = (one[users] for one in (self.at_root, self.anywhere, self.profile))
        return Crowd(self.status[users], self.at_place.of(users), self.without_place.of(users), *alike)

    def most(self) -> int:
        """How much anybody holds at most."""
        return max(int(self.at_place.many.max(initial=0)), int(self.without_place.many.max(initial=0)))

    def profiles(self) -> tuple[Array, Array]:
        """One user of each profile, and the place of each user's profile among these."""
        if len(self.profile) * _FEW < int(self.profile.max(initial=0)):
            _, one, profile = np.unique(self.profile, return_index=True, return_inverse=True)
            return one, profile
        which = np.full(int(self.profile.max(initial=0)) + 1, -1)
        which[self.profile] = np.arange(len(self.profile))
        there = which >= 0
        return which[there], (np.cumsum(there) - 1)[self.profile]

    def joined(self, more: Crowd) -> Crowd:
        """With others behind."""
        held = self.at_place.joined(more.at_place), self.without_place.joined(more.without_place)
        joined = (np.concatenate(pair) for pair in zip(self[3:], more[3:], strict=True))
        return Crowd(np.concatenate([self.status, more.status]), *held, *joined)


class _One(NamedTuple):
    status: int
    at_place: tuple[tuple[int, int, int], ...]
    without_place: tuple[int, ...]
    at_root: bool
    anywhere: bool

    @property
    def profile(self) -> Any:
        return self.without_place, self.at_root, self.anywhere


_STRANGER = _One(UNKNOWN, (), (), False, False)
_INACTIVE = _STRANGER._replace(status=INACTIVE)


class People:
    """The users of one directory, each read when first asked for."""

    def __init__(
        self, table: Table, directory: Directory, holders: Holders, line_of: dict[str, int], height: int
    ) -> None:
        """`line_of`: the lines of the matrix by role; `height`: how many it has."""
        self.table = table
        self.directory = directory
        self.holders = holders
        self.line_of = line_of
        self.height = height
        self.places = Places(table, directory)
        self._lock = Lock()
        self._numbers: dict[str, int] = {}
        self._profiles: dict[Any, int] = {}
        self._alike: dict[tuple[tuple[str, str | None, Via], ...], _One] = {}  # by what is held
        self._crowds = [self._joint([_STRANGER])]  # each less than half as large as the one before it
        self._names = Texts(pa.array([], pa.string()), distinct=True)
        self._lately: tuple[tuple[Texts, Crowd], ...] = ()

    @property
    def count(self) -> int:
        """How many were asked about before, and have roles that do not come and go."""
        return len(self._numbers)

    @property
    def names(self) -> Texts:
        """Their names."""
        with self._lock:
            return self._known()

    def _known(self) -> Texts:
        if len(self._names) < len(self._numbers):
            self._names = Texts(pa.array(list(self._numbers), pa.string()), distinct=True)
        return self._names

    def crowd(self, names: Sequence[Any], time: int | None) -> Crowd:
        """These users; what is no user's name is nobody. `time` is that of all decisions, None where each request has
        its own. Takes time by how many they are, and not by how many are known."""
        with self._lock:  # numbers and arrays go together, whoever else asks meanwhile
            if names is self._names:
                return self._joined([]).of(slice(1, len(names) + 1))  # number 0 is a stranger's
            for told, crowd in self._lately:
                if names is told:
                    return crowd
            timed: list[_One] = []
            if isinstance(names, Texts) and len(names) * _FEW > len(self._numbers):
                found, none = names.within(self._known())
                numbers = found.astype(np.int64) + 1
                if none is not None:
                    new = self._told(names.array.filter(none).to_pylist(), time, timed)
                    numbers[none.to_numpy(zero_copy_only=False)] = new
            else:
                numbers = np.array(self._told(names, time, timed), np.int64)
            crowd = self._of(np.where(numbers < 0, len(self._numbers) - numbers, numbers), timed)
            if isinstance(names, Texts) and not timed:
                self._lately = ((names, crowd), *self._lately)[:_LATELY]
            return crowd

    def _of(self, numbers: Array, timed: list[_One]) -> Crowd:
        """The users with these numbers; those of `timed` come behind all others."""
        crowds = [*self._crowds, self._joint(timed)] if timed else self._crowds
        if len(numbers) * _FEW > len(self._numbers) or len(crowds) == 1:
            return self._joined(timed).of(numbers)
        found: list[Crowd] = []
        places: list[Array] = []
        start = 0
        for crowd in crowds:
            at = np.flatnonzero((start <= numbers) & (numbers < start + len(crowd.status)))
            found.append(crowd.of(numbers[at] - start))
            places.append(at)
            start += len(crowd.status)
        order = np.empty(len(numbers), np.int64)
        order[np.concatenate(places)] = np.arange(len(numbers))
        return reduce(Crowd.joined, found).of(order)

    def _joined(self, timed: list[_One]) -> Crowd:
        """All of them in one."""
        self._crowds = [reduce(Crowd.joined, self._crowds)]
        return self._crowds[0].joined(self._joint(timed)) if timed else self._crowds[0]

    def _told(self, names: Sequence[Any], time: int | None, timed: list[_One]) -> list[int]:
        """The numbers of some; negative for those that are put in `timed`, who are so at this time alone."""
        numbers, new, found = self._numbers, list[_One](), list[int]()
        for name in names:
            number = numbers.get(name) if type(name) is str else 0
            if number is None:
                one, lasting = self._one(name, time)
                if one is _STRANGER:
                    number = 0
                elif lasting and encodable(name):
                    new.append(one)
                    number = numbers[name] = len(numbers) + 1
                else:
                    timed.append(one)
                    number = -len(timed)
            found.append(number)
        if new:
            self._crowds.append(self._joint(new))
            while len(self._crowds) > 1 and len(self._crowds[-2].status) < 2 * len(self._crowds[-1].status):
                self._crowds[-2:] = [self._crowds[-2].joined(self._crowds[-1])]  # as a binary counter carries
        return found

    def _one(self, name: str, time: int | None) -> tuple[_One, bool]:
        """A user, and whether that is so at any time."""
        user = self.directory.users.get(name)
        if user is None:
            return _STRANGER, True
        if user.status != "active":
            return _INACTIVE, True
        holdings: Sequence[Holding] = self.holders.holdings(user)
        timed = True in [holding.timed for holding in holdings]
        if timed and time is None:
            return _STRANGER._replace(status=TIMED), False
        if timed:
            holdings = [one for one in holdings if time is None or one.counts_at(time)]
        alike = tuple([(one.role, one.scope, one.via) for one in holdings])
        found = self._alike.get(alike)
        if found is None:
            found = self._alike[alike] = self._holding(holdings)
        return found, not timed

    def _holding(self, holdings: Sequence[Holding]) -> _One:
        hiding: set[str | None] = set()
        if self.table.individual_over_group:
            hiding = {holding.scope for holding in holdings if holding.via == "individual"}
        at_place: dict[tuple[int, int, int], None] = {}
        without_place: dict[int, None] = {}
        for holding in holdings:
            hidden = holding.via == "group" and holding.scope in hiding
            line = self.line_of[holding.role]
            counting = line + self.height if hidden else line
            at_place.update(dict.fromkeys((counting, low, high) for low, high in self.places.runs(holding.scope)))
            without_place[counting if holding.scope is None else line + self.height] = None
        return _One(
            ACTIVE,
            tuple(at_place),
            tuple(without_place),
            any(holding.scope is None for holding in holdings),
            bool(holdings),
        )

    def _joint(self, ones: list[_One]) -> Crowd:
        profiles = [self._profiles.setdefault(one.profile, len(self._profiles)) for one in ones]
        return Crowd(
            np.fromiter((one.status for one in ones), np.uint8, len(ones)),
            _held([one.at_place for one in ones]),
            _held([tuple((line, 0, 0) for line in one.without_place) for one in ones]),
            np.fromiter((one.at_root for one in ones), bool, len(ones)),
            np.fromiter((one.anywhere for one in ones), bool, len(ones)),
            np.array(profiles, np.int64),
        )


def _held(lists: list[tuple[tuple[int, int, int], ...]]) -> HoldingLists:
    count = np.fromiter(map(len, lists), np.int64, len(lists))
    flat = np.array([holding for some in lists for holding in some], np.int64).reshape(-1, 3)
    return HoldingLists(np.cumsum(count) - count, count, *(np.ascontiguousarray(flat[:, at]) for at in range(3)))
