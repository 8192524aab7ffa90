"""Some rows, decided together: bytes gathered and joined, conditions run where they can still change something.

Rows that conditions without a bit of their own can decide are taken apart into (row, rule) pairs, and these are run
shape by shape; a condition without a shape is asked row by row, of the function that single decisions ask. Requests
that are too odd for arrays are decided by the evaluator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from remit.bulk.codes import ALLOWED, CODES, DENIED, NO_RULE, NO_USER
from remit.bulk.columns import narrow
from remit.bulk.matrix import ALLOW, ALLOW_IF, DENY, DENY_IF, EVERYONE_LINE, MEMBERS_LINE
from remit.bulk.part import Part, Where, member_bits
from remit.bulk.places import NOWHERE
from remit.bulk.ranges import composed, copied_into, distinct, pieces, spread, taken
from remit.bulk.texts import Array
from remit.bulk.vectors import NO_FAMILY, Truth, Values
from remit.evaluator.facts import EMPTY, Facts
from remit.evaluator.pdp import Judged
from remit.evaluator.request import Malformed, read_claims, read_parts
from remit.model import expression as ex
from remit.model.types import Type

_PAIRS = 1 << 17  # rows with a rule that are taken apart at once: as many as the processor's nearer caches hold
_SPARSE = 32  # a condition that concerns fewer than one row in so many is run on these alone


class _Pairs(NamedTuple):
    """Rows of a chunk with the rules that concern them, by the rules' places among the matrix's `entries`."""

    row: Array
    entry: Array

    def only(self, some: Array) -> _Pairs:
        """Those of them."""
        if some.all():
            return self
        there = np.flatnonzero(some)  # to take them by their numbers is faster than by truth values
        return _Pairs(self.row[there], self.entry[there])


class _Reached(NamedTuple):
    """Something that the users of some rows hold: the rows' numbers (or a slice of all), where in the layout its line
    and their cells meet, and the bytes there as far as they count."""

    rows: Any
    offset: Array
    byte: Array


class Chunk:
    """Some rows of a part, numbered from the chunk's first. `ruled`: the deciding rules will be asked for, too."""

    def __init__(self, part: Part, start: int, stop: int, ruled: bool = False) -> None:
        self.part = part
        self.ruled = ruled
        self._kept: list[_Reached] | None = None
        self._filled = 0
        self.matrix, self.layout = part.matrix, part.layout
        self.start, self.stop, self.size = start, stop, stop - start
        self.user = copied_into(part.user_at[start:stop], part.user_room)
        # in the small type that indices have, and made wide once: look-ups by any other make their indices wide anew
        cell = np.multiply(
            narrow(part.type_at[start:stop]), np.int32(part.layout.actions_count), out=part.narrow_room[: self.size]
        )
        cell += narrow(part.action_at[start:stop])
        self.cell = copied_into(cell, part.cell_room)
        self._facts_of: dict[int, Facts | None] = {}
        self.flag_applies: dict[int, Array] = {}  # by bit: which rows such a rule applies to
        self.flags = np.empty(0, np.uint8)  # once it is settled
        self._settled: tuple[Array, dict[int, Judged]] | None = None

    # -- the rows, as conditions see them ----------------------------------------------------------------------------

    def count(self, picked: Array | None) -> int:
        """How many rows: all, or those picked by their numbers."""
        return self.size if picked is None else len(picked)

    def values(self, attr: ex.Attr, kind: Type, picked: Array | None) -> Values:
        """An attribute as one type: a number a row, and where it is known."""
        return self.part.typed(attr, kind).rows(self.start, self.stop, picked)

    def present(self, attr: ex.Attr, picked: Array | None) -> Array:
        """Where an attribute is there, of whatever type."""
        found = self.part.there(attr, self.start, self.stop)
        return found if picked is None else found[picked]

    def alike(self, one: ex.Attr, other: ex.Attr, picked: Array | None) -> Values | None:
        """Where two texts are equal, and where both are there; None where they are not as they came."""
        left = self.part.raw(one, self.start, self.stop)
        right = self.part.raw(other, self.start, self.stop)
        if left is None or right is None or left.type != right.type:
            return None
        if picked is not None:
            left, right = left.take(pa.array(picked)), right.take(pa.array(picked))
        equal = pc.equal(left, right)
        if not equal.null_count:
            return equal.to_numpy(zero_copy_only=False), True
        known = equal.is_valid().to_numpy(zero_copy_only=False)
        return equal.fill_null(False).to_numpy(zero_copy_only=False), known

    # -- codes -------------------------------------------------------------------------------------------------------

    def codes(self) -> Array:
        """The code of each row."""
        return self._settle()[0]

    def _settle(self) -> tuple[Array, dict[int, Judged]]:
        if self._settled is None:
            self.flags = flags = self._flags()
            self._run_flagged(flags)
            self._run_paired(flags)
            denied = (flags & DENY) >> 1
            code: Array = NO_RULE + (flags & ALLOW & ~denied) - denied  # one more, or one less
            early = self.part.early(self.start, self.stop, self.cell)
            if early is not None:
                np.minimum(code, early, out=code)  # whichever comes first
            slow = {}
            for row in self._slow(code):
                slow[row] = judged = self._judge(row)
                code[row] = CODES.index(judged.code)
            self._settled = code, slow
        return self._settled

    def _flags(self) -> Array:
        """The bytes of all that each row's user holds."""
        part = self.part
        if part.profiles is not None and not self.ruled:
            begin, lines = part.profiles
            offset = np.take(begin, self.user, out=part.turn_rooms[0, : self.size], mode="clip")
            offset += self.cell
            return np.take(lines, offset, mode="clip")
        reached: Iterable[_Reached] = self._reached()
        if self.ruled and part.all_hold_few:
            self._kept = list(reached)
            reached = self._kept
        found = np.zeros(self.size, np.uint8)
        for rows, _, byte in reached:
            found[rows] |= byte
        return found

    def _reached_again(self) -> Iterable[_Reached]:
        """What was kept of it, else all anew."""
        return self._reached() if self._kept is None else self._kept

    def _reached(self) -> Iterator[_Reached]:
        """All that the rows' users hold, and the blocks."""
        # of rooms, in which rows that stand alike come one after the other; INVARIANT: what is yielded has its part of
        # a room for itself, until all is gathered anew
        self._filled = 0
        if self.layout.everyone:
            offset = EVERYONE_LINE * self.layout.width + self.cell
            yield _Reached(slice(None), offset, self.layout.bytes(offset))
        for where, rows in self._standing():
            yield from self._held(where, rows)

    def _held(self, where: Where, rows: Any) -> Iterator[_Reached]:
        """The same of rows that stand alike, without `everyone`."""
        layout, user, cell = self.layout, self.user[rows], self.cell[rows]
        here = np.zeros(len(user), bool)
        for some, offset, inside in self._holding(where, rows, user):
            offset += cell[some]
            byte = layout.bytes(offset)
            if inside is not None:
                byte *= inside
                here[some] |= inside
            yield _Reached(composed(rows, some), offset, byte)
        if layout.members and where != "nowhere":
            counts = member_bits(self.part.crowd, layout, user) if where == "absent" else here * np.uint8(255)
            offset = MEMBERS_LINE * layout.width + cell
            yield _Reached(rows, offset, layout.bytes(offset) & counts)

    def _standing(self) -> Iterator[tuple[Where, Any]]:
        """The rows by where they stand; a slice where that is all of them."""
        part = self.part
        if part.scope_at is None:
            yield "absent", slice(None)
            return
        scope = part.scope_at[self.start : self.stop]
        absent, known = part.absent[scope], part.position[scope] != NOWHERE
        kinds: tuple[tuple[Where, Array], ...] = (("absent", absent), ("placed", ~absent & known), ("nowhere", ~known))
        for where, kind in kinds:
            count = np.count_nonzero(kind)
            if count:
                yield where, slice(None) if count == self.size else np.flatnonzero(kind)

    def _holding(self, where: Where, rows: Any, user: Array) -> Iterator[tuple[Any, Array, Array | None]]:
        """The holdings of the rows' users, one after the other: which of the rows have one more, where its line begins
        in the layout's bytes, and for which of them it counts (None: for all)."""
        part = self.part
        held, first, lines, ranged = part.holdings(where)
        position = None
        if ranged and part.scope_at is not None:
            position = part.position[part.scope_at[self.start : self.stop][rows]]
        begun, self._filled = self._filled, self._filled + len(user)
        for turn, line, room in zip(first, lines, part.turn_rooms, strict=False):
            offset = np.take(line, user, out=room[begun : self._filled], mode="clip")
            inside = None
            if position is not None:
                low, high = np.take(turn.low, user, mode="clip"), np.take(turn.high, user, mode="clip")
                inside = (low <= position) & (position <= high)
            yield slice(None), offset, inside
        for number in range(len(first), int(held.many.max(initial=0))):
            some = np.flatnonzero(held.many[user] > number)
            at = held.first[user[some]] + number
            inside = None if position is None else (held.low[at] <= position[some]) & (position[some] <= held.high[at])
            yield some, held.line[at] * self.layout.width, inside

    # -- conditions --------------------------------------------------------------------------------------------------

    def _run_flagged(self, flags: Array) -> None:
        """Conditions with a bit of their own, where they can still change something."""
        settled: dict[int, Truth] = {}
        present = int(np.bitwise_or.reduce(flags))
        for own in self.matrix.flagged:
            if not present & own.bit:
                continue
            some = flags & own.bit != 0  # as truth values, of which NumPy counts and finds the true ones far faster
            outright = np.uint8(ALLOW if own.effect == "allow" else DENY)
            shape = self.part.shape(own.condition)
            dense = own.condition in settled or np.count_nonzero(some) * _SPARSE > self.size
            if shape is not None and dense:
                if own.condition not in settled:
                    settled[own.condition] = shape.run(self, None, list(shape.constants))
                true, false = settled[own.condition]
                found = some & (true if own.effect == "allow" else ~false)
            else:
                rows = np.flatnonzero(some)
                true, false = self._truth(own.condition, rows)
                found = np.zeros(self.size, bool)
                found[rows[true if own.effect == "allow" else ~false]] = True
            flags |= found.view(np.uint8) * outright
            self.flag_applies[own.bit] = found

    def _truth(self, condition: int, rows: Array) -> Truth:
        """One condition, at these rows."""
        shape = self.part.shape(condition)
        if shape is not None:
            return shape.run(self, rows, list(shape.constants))
        return self._one_by_one(condition, rows)

    def _one_by_one(self, condition: int, rows: Array) -> Truth:
        test = self.matrix.conditions[condition].test
        found = [test(facts) if (facts := self._facts(row)) is not None else None for row in rows.tolist()]
        return np.array([one is True for one in found], bool), np.array([one is False for one in found], bool)

    def _run_paired(self, flags: Array) -> None:
        """Conditions without a bit of their own, for rows that they can still decide."""
        if not int(np.bitwise_or.reduce(flags)) & (ALLOW_IF | DENY_IF):
            return
        allowing = np.where(flags & ALLOW, 0, flags & ALLOW_IF)
        wanted = np.where(flags & DENY, 0, flags & DENY_IF | allowing).astype(np.uint8)
        for pairs in self._pairs(wanted):
            hits = pairs.only(self._hold(pairs))
            denying = self.matrix.entries.deny[hits.entry]
            flags[hits.row[denying]] |= DENY
            flags[hits.row[~denying]] |= ALLOW

    # -- pairs -------------------------------------------------------------------------------------------------------

    def _pairs(self, wanted: Array) -> Iterator[_Pairs]:
        """The rules that count for the rows' users in the cells that they ask about, as far as their bits are wanted of
        the row; so many at a time."""
        if not int(np.bitwise_or.reduce(wanted)):
            return
        entries = self.matrix.entries
        for rows, offset, byte in self._reached_again():
            bits = byte & wanted[rows]
            some = np.flatnonzero(bits != 0)
            row, bits = composed(rows, some), bits[some]
            first, count = self.layout.entries(offset[some])
            for piece in pieces(count, _PAIRS):
                many = count[piece]
                found = _Pairs(np.repeat(row[piece], many), spread(first[piece], many))
                yield found.only(entries.bit[found.entry] & np.repeat(bits[piece], many) != 0)

    def _hold(self, pairs: _Pairs) -> Array:
        """Of rules that all have a condition, which apply: an allow's is true, a deny's not false. Those of one shape
        are run together."""
        true, false = np.zeros(len(pairs.row), bool), np.zeros(len(pairs.row), bool)
        entries = self.matrix.entries
        condition, denying = entries.condition[pairs.entry], entries.deny[pairs.entry]
        numbers, which = distinct(condition)
        families = self.part.families
        family, place = families.of(numbers.tolist(), self.part.shape)
        for one in np.unique(family).tolist():
            some = slice(None) if (family == one).all() else np.flatnonzero((family == one)[which])
            if one != NO_FAMILY:
                true[some], false[some] = families.run(one, place[which[some]], self, pairs.row[some])
                continue
            some = np.arange(len(which))[some][np.argsort(condition[some], kind="stable")]
            for run in np.split(some, np.flatnonzero(np.diff(condition[some])) + 1):
                true[run], false[run] = self._one_by_one(int(condition[run[0]]), pairs.row[run])
        return np.where(denying, ~false, true) if denying.any() else true

    # -- deciding rules ----------------------------------------------------------------------------------------------

    def first_rules(self) -> Array:
        """The number of the first deciding rule of each row, -1 for none."""
        allowed, denied, slow = self._by_rules()
        best, rule = self._least(self._wanted(allowed, denied)), self.matrix.entries.rule
        for pairs in self._pairs(self._conditional(allowed, denied)):
            hits = pairs.only(self._hold(pairs))
            np.minimum.at(best, hits.row, rule[hits.entry].astype(np.uint32))
        found: Array = best.view(np.int32)
        for row, judged in slow.items():
            found[row] = min((entry.rule.number for entry in judged.deciding), default=-1)
        return found

    def _by_rules(self) -> tuple[Array, Array, dict[int, Judged]]:
        """Which rows arrays found allowed, which denied by a rule, and what the evaluator said of the others."""
        code, slow = self._settle()
        quick = code.copy()
        quick[list(slow)] = NO_RULE
        return quick == ALLOWED, quick == DENIED, slow

    def _conditional(self, allowed: Array, denied: Array) -> Array:
        """The bits of rules that may decide these rows, too, by a condition without a bit of its own."""
        wanted: Array = self.flags & (allowed * np.uint8(ALLOW_IF) | denied * np.uint8(DENY_IF))
        return wanted

    def _wanted(self, allowed: Array, denied: Array) -> Array:
        """The bits of the rules that decide each row, as far as they have bits."""
        wanted = allowed * np.uint8(ALLOW) | denied * np.uint8(DENY)
        for own in self.matrix.flagged:
            if own.bit in self.flag_applies:
                wanted |= (self.flag_applies[own.bit] & (denied if own.effect == "deny" else allowed)) * np.uint8(
                    own.bit
                )
        return wanted

    def _least(self, wanted: Array) -> Array:
        """For each row the smallest number of a rule with a bit that is wanted, unsigned. Bytes tell first whether
        something held has any, since most has none."""
        kinds = [(ALLOW, False, -1), (DENY, True, -1)]
        kinds += [(own.bit, own.effect == "deny", own.condition) for own in self.matrix.flagged]
        best = np.full(self.size, -1, np.int32).view(np.uint32)  # as which none is the largest number
        for rows, offset, byte in self._reached_again():
            bits = byte & wanted[rows]
            hits = np.flatnonzero(bits != 0)
            bits, at, offsets = taken(bits, hits), composed(rows, hits), taken(offset, hits)
            for bit, deny, condition in kinds:
                some = np.flatnonzero(bits & bit != 0)
                if len(some):
                    place = taken(at, some)
                    least = self.layout.least(deny, condition, taken(offsets, some))
                    best[place] = np.minimum(taken(best, place), least)
        return best

    def rules(self) -> tuple[Array, Array]:
        """The deciding rules, as rows and numbers, each pair once, by row and number."""
        allowed, denied, slow = self._by_rules()
        most = np.int64(max(len(self.part.pdp.table.rules), 1))
        more = [row * int(most) + entry.rule.number for row, judged in slow.items() for entry in judged.deciding]
        found = [np.array(more, np.int64)]
        rule = self.matrix.entries.rule
        found += [pairs.row * most + rule[pairs.entry] for pairs in self._pairs(self._wanted(allowed, denied))]
        for pairs in self._pairs(self._conditional(allowed, denied)):
            hits = pairs.only(self._hold(pairs))
            found.append(hits.row * most + rule[hits.entry])
        both = np.unique(np.concatenate(found))
        return both // most, (both % most).astype(np.int32)

    # -- row by row --------------------------------------------------------------------------------------------------

    def _slow(self, code: Array) -> Iterator[int]:
        """The rows that the evaluator decides."""
        part = self.part
        slow = np.full(self.size, part.far_clock)
        if part.slow_users:
            slow |= part.slow[self.user]
        for name, far in part.odd.items():
            if name.startswith("user."):
                slow |= far[self.user]
            else:
                slow |= far[part.indices(name, self.start, self.stop)]
        if part.claimed:
            slow |= code <= NO_USER  # what it brings is looked at before anything else
        yield from np.flatnonzero(slow).tolist()

    def _judge(self, row: int) -> Judged:
        part, pdp = self.part, self.part.pdp
        asked = self._asked(row)
        if not isinstance(asked, Malformed) and not asked.time_given:
            asked = asked._replace(time=part.now, time_given=True)
        return pdp.judge(asked)

    def _asked(self, row: int) -> Any:
        part = self.part
        at = part.begin + self.start + row
        given = {name: column.item(at) for name, column in part.given.items()}
        resource = {name[9:]: value for name, value in given.items() if name.startswith("resource.")}
        context = {name[8:]: value for name, value in given.items() if name.startswith("context.")}
        subject = {name[8:]: value for name, value in given.items() if name.startswith("subject.")}
        user_type = subject.pop("type", None)
        if "subject.type" in part.given and not isinstance(user_type, str):
            return Malformed("`subject.type` is no text")
        user, scopes = given["user"], part.pdp.holders.scopes
        if not isinstance(user, str) or not user:
            return Malformed("`user` is no text")
        claims = read_claims(subject, scopes) if subject else None
        about = {"type": given["type"], "id": resource.pop("id", None), "properties": resource}
        return read_parts(user, user_type, subject or EMPTY, claims, None, given["action"], about, context, scopes)

    def _facts(self, row: int) -> Facts | None:
        """What conditions may read of a row; None for a request that is none."""
        if row not in self._facts_of:
            self._facts_of[row] = self._judge(row).facts
        return self._facts_of[row]
