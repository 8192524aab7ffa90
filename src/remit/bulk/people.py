"""Who holds which lines of the matrix where, as arrays, filled when somebody is first asked about.

What somebody holds is a list of *holdings*: a line and a run of places (`remit.bulk.places`). One whose allows do not
count, since an individual assignment hides it, has its line among those that only deny. Requests without a place have a
list of their own: lines held at the root count whole, all others deny.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from remit.bulk.places import Places
from remit.bulk.ranges import spread
from remit.bulk.texts import Array, Texts, encodable
from remit.directory.shape import Directory
from remit.evaluator.holding import Holders, Holding, Via
from remit.table.shape import Table

ACTIVE, INACTIVE, UNKNOWN, TIMED = 0, 1, 2, 3
_LATELY = 3  # crowds that are known again by the names that they were asked by
_FEW = 4  # a part is small that is less than one in so many


class NthHolding(NamedTuple):
    """One holding of each of some users: a line, and its run of positions (from 1 to 0 where there is none; left empty
    where places do not count)."""

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

    def nth_holdings(self, most: int, none: int, ranged: bool) -> list[NthHolding]:
        """Each user's first holdings, side by side; line `none` where somebody has not so many. `ranged`: places count,
        too."""
        return [self._nth(turn, none, ranged) for turn in range(min(most, int(self.many.max(initial=0))))]

    def _nth(self, turn: int, none: int, ranged: bool) -> NthHolding:
        there = self.many > turn
        at = np.where(there, self.first + turn, 0)
        line = np.where(there, self.line[at], none)
        if not ranged:
            return NthHolding(line, at[:0], at[:0])
        return NthHolding(line, np.where(there, self.low[at], 1), self.high[at] * there)

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
NOBODY = Texts(pa.array([], pa.string()), distinct=True)
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
        self._names = NOBODY
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
            self._whole()
            if names is self._names:
                return self._joined([]).of(slice(1, len(names) + 1))  # number 0 is a stranger's
            for told, crowd in self._lately:
                if names is told:
                    return crowd
            passing: list[_One] = []
            if isinstance(names, Texts) and len(names) * _FEW > len(self._numbers):
                found, none = names.within(self._known())
                numbers = found.astype(np.int64) + 1
                if none is not None:
                    new = self._told(names.array.filter(none).to_pylist(), time, passing)
                    numbers[none.to_numpy(zero_copy_only=False)] = new
            else:
                numbers = np.array(self._told(names, time, passing), np.int64)
            crowd = self._of(np.where(numbers < 0, len(self._numbers) - numbers, numbers), passing)
            if isinstance(names, Texts) and names.lasting and not passing:
                self._lately = ((names, crowd), *self._lately)[:_LATELY]
            return crowd

    def _of(self, numbers: Array, passing: list[_One]) -> Crowd:
        """The users with these numbers; those of `passing` come behind all others."""
        crowds = [*self._crowds, self._joint(passing)] if passing else self._crowds
        if len(numbers) * _FEW > len(self._numbers) or len(crowds) == 1:
            return self._joined(passing).of(numbers)
        found: list[Crowd] = []
        places: list[Array] = []
        start = 0
        for crowd in crowds:
            at = np.flatnonzero((start <= numbers) & (numbers < start + len(crowd.status)))
            found.append(crowd.of(numbers[at] - start))
            places.append(at)
            start += len(crowd.status)
        assert sum(map(len, places)) == len(numbers)
        order = np.empty(len(numbers), np.int64)
        order[np.concatenate(places)] = np.arange(len(numbers))
        return reduce(Crowd.joined, found).of(order)

    def _joined(self, passing: list[_One]) -> Crowd:
        """All of them in one."""
        self._crowds = [reduce(Crowd.joined, self._crowds)]
        return self._crowds[0].joined(self._joint(passing)) if passing else self._crowds[0]

    def _told(self, names: Sequence[Any], time: int | None, passing: list[_One]) -> list[int]:
        """The numbers of some; negative for those that are put in `passing`, who are kept for this call alone: roles
        that come and go, names that Arrow cannot have."""
        numbers, new, found = self._numbers, dict[str, int](), list[int]()
        ones: list[_One] = []
        for name in names:
            number = 0 if type(name) is not str else numbers.get(name, new.get(name))
            if number is None:
                one, lasting = self._one(name, time)
                if one is _STRANGER:
                    number = 0
                elif lasting and encodable(name):
                    ones.append(one)
                    number = new[name] = len(numbers) + len(ones)
                else:
                    passing.append(one)
                    number = -len(passing)
            found.append(number)
        if ones:
            crowds = [*self._crowds, self._joint(ones)]
            while len(crowds) > 1 and len(crowds[-2].status) < 2 * len(crowds[-1].status):
                crowds[-2:] = [crowds[-2].joined(crowds[-1])]  # as a binary counter carries
            self._crowds = crowds
            numbers.update(new)  # INVARIANT: there is a number for each of the crowds' users but the stranger
        return found

    def _whole(self) -> None:
        """Forgets everybody where a call was interrupted between users and their numbers: from then on, one would be
        taken for another."""
        if sum(len(crowd.status) for crowd in self._crowds) != len(self._numbers) + 1:
            self._names, self._lately, self._numbers = NOBODY, (), {}
            self._crowds = [self._joint([_STRANGER])]

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
