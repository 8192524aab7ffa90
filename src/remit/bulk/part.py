"""A block of rows with all that is found out about its different values, once for each: users, cells, places, and
what conditions read of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from remit.bulk.codes import INVALID, NO_USER, NOT_ACTIVE, OPEN
from remit.bulk.columns import Column, Encoded, Typed, spared, typed, zeros
from remit.bulk.layout import Layout, Layouts
from remit.bulk.matrix import EVERYONE_LINE, MEMBERS_LINE
from remit.bulk.people import ACTIVE, INACTIVE, NOBODY, TIMED, Crowd, HoldingLists, NthHolding, People
from remit.bulk.ranges import taken
from remit.bulk.texts import Array, Texts, Vocabulary, all_texts
from remit.bulk.vectors import FARTHEST, Families, Shaped, sort_of
from remit.directory.shape import User
from remit.evaluator.conditions import value_of
from remit.evaluator.pdp import Pdp
from remit.model import expression as ex
from remit.model.types import TIME, Type

Where = Literal["absent", "placed", "nowhere"]  # the place that a request names: none, a known one, an unknown one
CHUNK = 1 << 16  # rows that are decided together
_MOST_USERS = 1 << 18  # of a crowd whose first holdings are kept: a hundred bytes each
_MOST_KEPT = 3  # profiles and crowds, for those who ask now by these names and now by others
_MOST_BYTES = 1 << 26  # of a table of profiles of users by cells
_PAYS = 4  # bytes of it that one row pays for
_KNOWN_BY_ROW = 4  # known users among whom it pays for one row to look for its own
_MOST_CELLS = 1 << 20  # pairs of a type and an action that a block's different values may make
_FEW_HELD = 8  # holdings of each user at most, where what is found about all of them is kept for a chunk
_MOST_TURNS = 4  # holdings that are gathered for all rows, whoever has so many


class Bound:
    """A decision point with its arrays. What was made last for some names is kept, since who asks by columns often asks
    about the same names again."""

    def __init__(self, pdp: Pdp, layouts: Layouts, people: People) -> None:
        self.pdp, self.layouts, self.people = pdp, layouts, people
        self.matrix = layouts.matrix
        self._profiles: tuple[tuple[Crowd, Layout, Profiles], ...] = ()
        self._first: tuple[tuple[Crowd, Where, tuple[HoldingLists, list[NthHolding]]], ...] = ()

    def first_holdings(self, crowd: Crowd, where: Where) -> tuple[HoldingLists, list[NthHolding]]:
        """What a crowd holds, as it counts there, and each user's first holdings side by side."""
        for of, at, found in self._first:
            if of is crowd and at == where:
                return found
        held = crowd.without_place if where == "absent" else crowd.at_place
        if where == "nowhere":
            held = held.only_denying(self.matrix.height)
        made = held, held.nth_holdings(_MOST_TURNS, 2 * self.matrix.height, where == "placed")
        if len(crowd.status) <= _MOST_USERS:
            self._first = ((crowd, where, made), *self._first)[:_MOST_KEPT]
        return made

    def profiles(self, crowd: Crowd, layout: Layout, most: int) -> Profiles | None:
        """What a crowd's profiles may; None where more than so many bytes would say it."""
        for of, by, found in self._profiles:
            if of is crowd and by is layout:
                return found
        made = profiles_of(crowd, layout, most)
        if made is not None:
            self._profiles = ((crowd, layout, made), *self._profiles)[:_MOST_KEPT]
        return made


class Profiles(NamedTuple):
    """Where nobody names a place: all that users of a profile hold, as one line of bytes for each profile, one after
    the other. A user's begins at `begin`."""

    begin: Array
    bytes: Array


class Holdings(NamedTuple):
    """All that users hold, and each one's first holdings side by side, `lines` being where their lines begin. `ranged`:
    they count where the request's place is in their run."""

    held: HoldingLists
    first: list[NthHolding]
    lines: list[Array]
    ranged: bool


def profiles_of(crowd: Crowd, layout: Layout, most: int) -> Profiles | None:
    """The lines of a crowd's profiles by the cells of a layout; None where they have more bytes."""
    lines, width = layout.bytes_by_line, layout.width
    if lines is None or width > most:
        return None
    one, kind = crowd.profiles()
    if len(one) * width > most:
        return None
    held = crowd.without_place.of(one)
    joined = np.repeat(lines[EVERYONE_LINE][None, :], len(one), axis=0)
    for turn in held.nth_holdings(int(held.many.max(initial=0)), layout.none, False):
        some = np.flatnonzero(turn.line != layout.none)
        joined[some] |= lines[turn.line[some]]
    if layout.members:
        joined |= lines[MEMBERS_LINE][None, :] & member_bits(crowd, layout, one)[:, None]
    return Profiles(kind * width, joined.reshape(-1))


def member_bits(crowd: Crowd, layout: Layout, users: Array) -> Array:
    """The bits of the block `members` that count for these users in a request without a place."""
    allow, deny = layout.matrix.bits_of("allow"), layout.matrix.bits_of("deny")
    return (np.where(crowd.at_root[users], allow, 0) | np.where(crowd.anywhere[users], deny, 0)).astype(np.uint8)


class Part:
    """Rows `begin` to `end` of the given columns. `now`: the time of decisions that have none of their own."""

    def __init__(self, bound: Bound, given: Mapping[str, Column], begin: int, end: int, now: int) -> None:
        self.bound, self.given = bound, given
        self.pdp, self.matrix, self.people = bound.pdp, bound.matrix, bound.people
        self.begin, self.end = begin, end
        self.now = now
        self._blocks: dict[str, Encoded] = {}
        self._typed: dict[tuple[str, Type], Typed] = {}
        self._there: dict[ex.Attr, Array] = {}
        self._asked_users: list[User | None] | None = None
        self._shapes: dict[int, Shaped | None] = {}
        self.families = Families()
        self._early: dict[str, Array] = {}
        self._holdings: dict[Where, Holdings] = {}
        self.odd: dict[str, Array] = {}  # column → where a time is too far away, by different value
        self._users()
        self._cells()
        self._scopes()
        self._others()
        self.far_clock = abs(now) >= FARTHEST  # whose differences 64 bits cannot hold
        for attr, kind in self.matrix.times:
            self.typed(attr, kind)  # so that it is known from the start which rows are too odd
        # for one chunk after the other: to take memory anew, and give it back, costs more than what is done in it
        size = min(CHUNK, end - begin)
        self.user_room, self.cell_room = np.empty(size, np.int64), np.empty(size, np.int64)
        self.narrow_room, self.turn_rooms = np.empty(size, np.int32), np.empty((max(_MOST_TURNS, 1), size), np.int64)
        most = min(_MOST_BYTES, _PAYS * (end - begin))
        self.all_hold_few = self.crowd.most() <= _FEW_HELD
        self.profiles = self.bound.profiles(self.crowd, self.layout, most) if self.scope_at is None else None

    def block(self, name: str) -> Encoded | None:
        """A column's different values and which row has which; None where there is no such column."""
        if name not in self._blocks and name in self.given:
            self._blocks[name] = self.given[name].block(self.begin, self.end)
        return self._blocks.get(name)

    def _named(self, name: str, known: Texts, spare: Texts | None = None) -> Encoded:
        """A column of names, most of which are known; with `spare`, the others may be one."""
        found = self._blocks[name] = _texts(self.given[name].among(known, self.begin, self.end, spare))
        return found

    # -- who, what, where --------------------------------------------------------------------------------------------

    def _users(self) -> None:
        many = _KNOWN_BY_ROW * (self.end - self.begin) > self.people.count  # else looking among all of them costs more
        block = self._named("user", self.people.names if many else NOBODY)
        self.user_values, self.user_at = block.values, block.indices
        self.vocabulary = Vocabulary(block.values)
        each = "context.time" in self.given
        self.crowd: Crowd = self.people.crowd(block.values, None if each else self.now)
        status = self.crowd.status
        early = np.full(len(status), OPEN, np.uint8)
        early[status == INACTIVE] = NOT_ACTIVE
        early[(status != ACTIVE) & (status != INACTIVE) & (status != TIMED)] = NO_USER
        early[_no_texts(block.values)] = INVALID
        self._note("user", early)
        self.slow = status == TIMED
        self.slow_users = bool(self.slow.any())

    def _cells(self) -> None:
        matrix = self.matrix
        types = self._named("type", matrix.types, matrix.types_spare)
        actions = self._named("action", matrix.actions, matrix.actions_spare)
        if len(types.values) * len(actions.values) > _MOST_CELLS:
            types = spared(types, matrix.types, matrix.types_spare)
            actions = spared(actions, matrix.actions, matrix.actions_spare)
        if types.values is matrix.types_spare and actions.values is matrix.actions:  # one layout for both
            actions = actions._replace(values=matrix.actions_spare)
        elif types.values is matrix.types and actions.values is matrix.actions_spare:
            types = types._replace(values=matrix.types_spare)
        self.type_at, self.action_at = types.indices, actions.indices
        self.layout = self.bound.layouts.of(
            types.values, actions.values, (self.end - self.begin) * max(self.crowd.most(), 1)
        )
        self._note("cell", self.layout.early)

    def _scopes(self) -> None:
        self.scope_at: Array | None = None
        block = self.block("resource.scope")
        if block is None:
            return
        block = _texts(block)
        if all(value is None for value in block.values):
            return
        scopes, places = self.pdp.holders.scopes, self.people.places
        early = np.full(len(block.values), OPEN, np.uint8)
        position = np.zeros(len(block.values), np.int64)
        for at, value in enumerate(block.values):
            if value is not None and scopes.malformed(value):
                early[at] = INVALID
            elif value is not None:
                position[at] = places.of(value)
        self.scope_at, self.position = block.indices, position
        self.absent = np.fromiter((value is None for value in block.values), bool, len(block.values))
        self._note("scope", early)

    def _others(self) -> None:
        """What else can make a request malformed, or its subject another."""
        if "resource.id" in self.given and self.given["resource.id"].raw(self.begin, self.end) is None:
            self._only_texts("resource.id", missing=OPEN)
        self.subject_types: tuple[Array, Array] | None = None
        if "subject.type" in self.given:
            self.subject_types = self._types(self._only_texts("subject.type", missing=INVALID))
        self.claimed = self.pdp.table.roles_from_subject and any(name.startswith("subject.") for name in self.given)

    def _types(self, named: Sequence[Any]) -> tuple[Array, Array]:
        """Numbers for the type that each user is of, and for each that a request names; -1 for nobody's."""
        numbers = dict[str, int]()
        own = [-1 if user is None else numbers.setdefault(user.type, len(numbers)) for user in self._asking()]
        asked = [numbers.get(value, -2) if type(value) is str else -2 for value in named]
        return np.array(own, np.int64), np.array(asked, np.int64)

    def _asking(self) -> list[User | None]:
        """The directory's users by different value of the column, None for a name that is none's."""
        if self._asked_users is None:
            users = self.pdp.directory.users
            self._asked_users = [users.get(value) if type(value) is str else None for value in self.user_values]
        return self._asked_users

    def _attribute(self, name: str) -> list[Any]:
        """What the directory says of the users, None where it says nothing."""
        return [None if user is None else user.attributes.get(name) for user in self._asking()]

    def _only_texts(self, name: str, missing: int) -> Sequence[Any]:
        """The different values of a column, of which one that is neither text nor missing is malformed."""
        block = self.block(name)
        assert block is not None
        block = self._blocks[name] = _texts(block)
        if not all_texts(block.values):
            early = [missing if value is None else OPEN if type(value) is str else INVALID for value in block.values]
            self._note(name, np.array(early, np.uint8))
        return block.values

    def _note(self, name: str, early: Array) -> None:
        if (early != OPEN).any():
            self._early[name] = early

    def early(self, start: int, stop: int, cells: Array) -> Array | None:
        """The codes that are settled before any rule is looked at, of rows that ask about these cells."""
        found: Array | None = None
        for name, codes in self._early.items():
            some = taken(codes, cells) if name == "cell" else codes[self.indices(name, start, stop)]
            found = some if found is None else np.minimum(found, some)
        if self.subject_types is not None:
            own, named = self.subject_types
            other = own[self.user_at[start:stop]] != named[self.indices("subject.type", start, stop)]
            if other.any():
                some = np.where(other, NO_USER, OPEN).astype(np.uint8)
                found = some if found is None else np.minimum(found, some)
        return found

    def indices(self, name: str, start: int, stop: int) -> Array:
        """Which of its different values some rows have."""
        if name == "user":
            return self.user_at[start:stop]
        if name == "scope":
            assert self.scope_at is not None
            return self.scope_at[start:stop]
        return self._blocks[name].indices[start:stop]

    # -- tables ------------------------------------------------------------------------------------------------------

    def holdings(self, where: Where) -> Holdings:
        """What users hold, as it counts for requests that stand there."""
        found = self._holdings.get(where)
        if found is None:
            held, first = self.bound.first_holdings(self.crowd, where)
            lines = [turn.line * self.layout.width for turn in first]
            found = self._holdings[where] = Holdings(held, first, lines, where == "placed")
        return found

    # -- what conditions read ----------------------------------------------------------------------------------------

    def shape(self, number: int) -> Shaped | None:
        """The shape of a condition, its texts as this part numbers them."""
        if number not in self._shapes:
            found = self.matrix.shape(number)
            self._shapes[number] = None if found is None else found.numbered(self.vocabulary.number)
        return self._shapes[number]

    def typed(self, attr: ex.Attr, kind: Type) -> Typed:
        """An attribute's values as one type."""
        name = f"{attr.root}.{attr.name}"
        key = (name, kind)
        if key not in self._typed:
            self._typed[key] = self._typing(attr, kind, name)
        return self._typed[key]

    def _typing(self, attr: ex.Attr, kind: Type, name: str) -> Typed:
        sort, vocabulary = sort_of(kind), self.vocabulary
        take = None if kind.kind in ("string", "user") else value_of(kind)
        if attr.root == "user":
            if attr.name == "id":
                return typed(Encoded(self.user_values, self.user_at), sort, take, vocabulary)
            values = self._attribute(attr.name)
            return typed(Encoded(values, self.user_at), sort, self._near(take, sort, name, values), vocabulary)
        block = self.block(name)
        if name == "context.time":
            return self._time(block)
        if block is None:
            return typed(Encoded([None], zeros(self.end - self.begin)), sort, take, vocabulary)
        return typed(block, sort, self._near(take, sort, name, block.values), vocabulary)

    def there(self, attr: ex.Attr, start: int, stop: int) -> Array:
        """Which of some rows have an attribute, of whatever type."""
        name = f"{attr.root}.{attr.name}"
        block = self.block(name) if attr.root != "user" else None
        if attr not in self._there:
            values = self._attribute(attr.name) if attr.root == "user" else block.values if block else ()
            self._there[attr] = np.array([value is not None for value in values], bool)
        known = self._there[attr]
        if attr.root == "user":
            return known[self.user_at[start:stop]]
        if block is None:
            return np.zeros(stop - start, bool)
        if block.numbers is None:
            return known[block.indices[start:stop]]
        return np.ones(stop - start, bool) if block.there is None else block.there[start:stop]

    def raw(self, attr: ex.Attr, start: int, stop: int) -> Any:
        """Some rows of an attribute as an Arrow array of strings, where its column is one and each text is a value of
        it; else None."""
        name = "user" if (attr.root, attr.name) == ("user", "id") else f"{attr.root}.{attr.name}"
        if (attr.root == "user" and name != "user") or name not in self.given:
            return None
        return self.given[name].raw(self.begin + start, self.begin + stop)

    def _near(
        self, take: Callable[[Any], Any] | None, sort: str, name: str, values: Sequence[Any]
    ) -> Callable[[Any], Any] | None:
        """The same, but for times that 64 bits cannot compare, whose rows are left to the evaluator."""
        if sort != "time" or take is None:
            return take
        found = [take(value) for value in values]
        far = np.fromiter((value is not None and abs(value) >= FARTHEST for value in found), bool, len(found))
        if far.any():
            self.odd[name] = far

        def near(value: Any) -> int | None:
            instant: int | None = take(value)
            return None if instant is None or abs(instant) >= FARTHEST else instant

        return near

    def _time(self, block: Encoded | None) -> Typed:
        if block is None or block.numbers is not None:
            block = Encoded([None], zeros(self.end - self.begin)) if block is None else _texts(block)
        take = self._near(value_of(TIME), "time", "context.time", block.values)
        assert take is not None
        now = None if self.far_clock else self.now
        return typed(block, "time", lambda value: now if value is None else take(value), self.vocabulary)


def _no_texts(values: Sequence[Any]) -> Array:
    """Which of these names are none: empty, or no text at all."""
    if isinstance(values, Texts):
        return values.blank
    return np.fromiter((type(value) is not str or not value for value in values), bool, len(values))


def _texts(block: Encoded) -> Encoded:
    """Numbers as different values, where texts should be: every one is as wrong as another."""
    if block.numbers is None:
        return block
    there = np.ones(len(block.numbers), bool) if block.there is None else block.there
    return Encoded([None, 0], there.astype(np.int64))
