"""Conditions as text that always compile: well typed at each of some types, and `has` before what may be absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from referee.world import DURATIONS, ENDS, IDS, INTEGERS, ROLES, SCOPES, TEXTUAL, TIMES, USERS, WORDS, Path, fits

from remit.model import expression as ex

if TYPE_CHECKING:
    from referee.generate import Maker


@dataclass(frozen=True)
class Readable:
    """What a condition may read at every type its rule covers: `guarded` only after `has`. Of different enumerations
    only the common values are written (`mixed`)."""

    path: Path
    kind: str
    values: tuple[str, ...] = ()
    element: str = ""
    guarded: bool = False
    mixed: bool = False

    @property
    def text(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True)
class Piece:
    """A part of a condition: how tightly it binds (0 `or` … 4 a word), and what is present when it is true or false."""

    text: str
    binds: int
    if_true: frozenset[Path] = frozenset()
    if_false: frozenset[Path] = frozenset()

    def inside(self, binds: int) -> str:
        return f"({self.text})" if self.binds < binds else self.text


class Conditions:
    """Writes conditions that are well typed at each of some types."""

    def __init__(self, maker: Maker, types: list[str], about: str = "") -> None:
        self.maker = maker
        self.types = types
        self.about_type = about  # reads only attributes that this type has, in case no rule uses the condition
        self.asked: set[Path] = set()
        self.readable = self.find()

    def find(self) -> list[Readable]:
        world = self.maker.world
        found = [
            Readable(("user", "id"), "user"),
            Readable(("resource", "id"), "string"),
            Readable(("resource", "scope"), "string"),
            Readable(("context", "time"), "time"),
            Readable(("user", "roles"), "set", element="string"),
            Readable(("user", "groups"), "set", element="string"),
        ]
        for root, attributes in (("user", world.user), ("context", world.context)):
            for one in attributes:
                found.append(Readable((root, one.name), one.kind, one.values, one.element, one.optional))
        kinds = [world.kinds[name] for name in self.types]
        about = [world.kinds[self.about_type]] if self.about_type else kinds
        for name in sorted({name for kind in about for name in kind.attributes}):
            declared = [kind.attributes.get(name) for kind in kinds]
            there = [one for one in declared if one]
            if len({one.optional for one in there}) > 1:
                continue
            guarded = there[0].optional
            if len(there) < len(kinds) and not guarded:
                continue
            if len({(one.kind, one.values, one.element) for one in there}) == 1:
                one = there[0]
                found.append(Readable(("resource", name), one.kind, one.values, one.element, guarded))
            elif all(one.kind in TEXTUAL for one in there):
                common = set.intersection(*(set(one.values) for one in there if one.kind == "enum"))
                if common:
                    found.append(Readable(("resource", name), "enum", tuple(sorted(common)), "", guarded, mixed=True))
        return found

    def write(self, depth: int) -> str:
        return self.piece(depth, frozenset()).text

    def piece(self, depth: int, present: frozenset[Path]) -> Piece:
        """A condition that may read what needs no `has`, and what is `present`."""
        maker = self.maker
        guarded = [one for one in self.readable if one.guarded]
        if guarded and maker.chance(0.35):
            return self.after_has(maker.one(guarded), depth, present)
        if depth <= 0 or maker.chance(0.25):
            return self.leaf(present)
        match maker.random.randrange(8):
            case 0 | 1 | 2:
                return self.joined("and", depth, present)
            case 3 | 4 | 5:
                return self.joined("or", depth, present)
            case 6:
                return self.negated(self.piece(depth - 1, present))
        about = [self.about_type] if self.about_type else self.types
        known = [
            named
            for named in maker.world.conditions
            if set(self.types) <= named.types and fits(maker.world, named, about)
        ]
        if not known:
            return self.leaf(present)
        named = maker.one(known)
        self.asked |= named.asked
        return Piece(named.name, 4)

    def negated(self, inner: Piece) -> Piece:
        return Piece(f"not {inner.inside(2)}", 2, inner.if_false, inner.if_true)

    def joined(self, word: str, depth: int, present: frozenset[Path]) -> Piece:
        parts: list[Piece] = []
        seen = present
        for _ in range(2 if self.maker.chance(0.8) else 3):
            part = self.piece(depth - 1, seen)
            parts.append(part)
            seen |= part.if_true if word == "and" else part.if_false
        return self.join(word, parts)

    def join(self, word: str, parts: list[Piece]) -> Piece:
        """What an `and` knows when true, an `or` when false: all that its parts know."""
        binds = 1 if word == "and" else 0
        text = f" {word} ".join(part.inside(binds + 1) for part in parts)
        if word == "and":
            return Piece(text, binds, frozenset[Path]().union(*(part.if_true for part in parts)))
        return Piece(text, binds, frozenset(), frozenset[Path]().union(*(part.if_false for part in parts)))

    def after_has(self, one: Readable, depth: int, present: frozenset[Path]) -> Piece:
        """`has x`, mostly with something that reads x."""
        self.asked.add(one.path)
        has = Piece(f"has {one.text}", 3, frozenset({one.path}))
        match self.maker.random.randrange(6):
            case 0:
                return has
            case 1:
                return self.negated(has)
            case 2 | 3:
                return self.join("and", [has, self.reading(one, depth, present | {one.path})])
            case _:
                return self.join("or", [self.negated(has), self.reading(one, depth, present | {one.path})])

    def reading(self, one: Readable, depth: int, present: frozenset[Path]) -> Piece:
        """A condition on this attribute, and perhaps on more."""
        leaf = self.about(one, present)
        if depth > 1 and self.maker.chance(0.4):
            return self.join(self.maker.one(["and", "or"]), [leaf, self.piece(depth - 2, present)])
        return leaf

    def leaf(self, present: frozenset[Path]) -> Piece:
        maker = self.maker
        if maker.chance(0.02):
            return Piece(maker.one(["true", "false"]), 4)
        usable = [one for one in self.readable if not one.guarded or one.path in present]
        built_in = [one for one in usable if one.path[1] in ("id", "scope", "time", "roles", "groups")]
        declared = [one for one in usable if one not in built_in]
        focused = [one for one in built_in if one.path[1] == maker.world.focus]
        if focused and maker.chance(0.6):
            return self.about(focused[0], present)
        return self.about(maker.one(declared if declared and maker.chance(0.75) else built_in), present)

    def about(self, one: Readable, present: frozenset[Path]) -> Piece:
        """A comparison that reads this attribute."""
        others = [
            other for other in self.readable if other.path != one.path and (not other.guarded or other.path in present)
        ]
        if one.kind == "set":
            return self.about_set(one, others)
        sets = [other for other in others if other.kind == "set" and self.alike(one, other, other.element)]
        if sets and self.maker.chance(0.25):
            return self.inside(one.text, self.maker.one(sets).text)
        same = [other for other in others if other.kind != "set" and self.alike(one, other, other.kind)]
        if one.kind == "bool":
            return self.about_bool(one, same)
        if one.kind == "time":
            return self.about_time(one, same)
        if self.maker.chance(0.3):
            listed = [self.literal(one) for _ in range(self.maker.random.randint(0, 3))]
            return self.inside(one.text, f"[{', '.join(listed)}]")
        right = self.maker.one(same).text if same and self.maker.chance(0.4) else self.literal(one)
        return self.compared(one.text, right, ordered=one.kind == "int")

    def alike(self, one: Readable, other: Readable, kind: str) -> bool:
        """Whether the two may be compared at every type: textual ones are, but for enumerations without a common
        value."""
        if one.kind not in TEXTUAL or kind not in TEXTUAL:
            return one.kind == kind
        if one.kind == "enum" and kind == "enum":
            return one.values == other.values and not one.mixed and not other.mixed
        return True

    def inside(self, item: str, collection: str) -> Piece:
        word = "not in" if self.maker.chance(0.35) else "in"
        return Piece(f"{item} {word} {collection}", 3)

    def compared(self, left: str, right: str, ordered: bool) -> Piece:
        operator = self.maker.one(["==", "!=", "<", "<=", ">", ">="] if ordered else ["==", "!="])
        if self.maker.chance(0.2):
            left, right = right, left
        return Piece(f"{left} {operator} {right}", 3)

    def about_bool(self, one: Readable, same: list[Readable]) -> Piece:
        maker = self.maker
        if same and maker.chance(0.25):
            return self.compared(one.text, maker.one(same).text, ordered=False)
        if maker.chance(0.5):
            return Piece(one.text, 4)
        if maker.chance(0.1):
            inner = self.compared("user.id", "resource.id", ordered=False)
            return self.compared(one.text, f"({inner.text})", ordered=False)
        return self.compared(one.text, maker.one(["true", "false"]), ordered=False)

    def about_time(self, one: Readable, same: list[Readable]) -> Piece:
        maker = self.maker
        other = maker.one(same).text if same and maker.chance(0.6) else self.literal(one)
        if maker.chance(0.5):
            left, right = (one.text, other) if maker.chance(0.5) else (other, one.text)
            return self.compared(f"{left} - {right}", maker.one(DURATIONS), ordered=True)
        if maker.chance(0.15):
            return self.inside(one.text, f"[{self.literal(one)}, {self.literal(one)}]")
        return self.compared(one.text, other, ordered=True)

    def about_set(self, one: Readable, others: list[Readable]) -> Piece:
        maker = self.maker
        items = [other for other in others if other.kind != "set" and self.alike(other, one, one.element)]
        if items and maker.chance(0.4):
            return self.inside(maker.one(items).text, one.text)
        return self.inside(self.literal(one), one.text)

    def literal(self, one: Readable) -> str:
        """A value as conditions write it."""
        maker, world = self.maker, self.maker.world
        kind = one.element or one.kind
        if one.values:
            return ex.literal(maker.one(one.values))
        if kind == "int":
            return str(maker.one(ENDS) if maker.chance(0.03) else maker.one(INTEGERS))
        if kind == "bool":
            return maker.one(["true", "false"])
        if kind == "time":
            return ex.literal(maker.one(TIMES))
        pools: dict[Path, Sequence[str]] = {
            ("user", "id"): USERS,
            ("user", "roles"): ROLES,
            ("user", "groups"): ("desk", "staff", "all"),
            ("resource", "id"): IDS,
            ("resource", "scope"): SCOPES,
        }
        pool = pools.get(one.path, WORDS)
        if one.path == ("user", "roles") and world.roles and maker.chance(0.8):
            pool = world.roles
        return ex.literal(maker.one(pool))
