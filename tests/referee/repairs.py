"""What would have to change for a denied request to be allowed, by trying everything (SEMANTICS 5).

Every set of atoms with at most one `hold_role` and one `condition` (5 says that none needs more) is tried at every
value that can matter of the attributes its condition reads. The sets of denies need no trying: at given values the
least set that works is the denies that apply there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from itertools import combinations, product

from referee.decide import (
    ROOT,
    Asked,
    Counting,
    Held,
    Json,
    Unknown,
    counting,
    declaration,
    judge,
    moment,
    truth,
    typed,
    understand,
    value,
)

from remit.directory.shape import Directory
from remit.model import expression as ex
from remit.model.policy import Model

Atom = tuple[str | int, ...]
Repairs = set[frozenset[Atom]]

MOST_VALUES = 1_500  # of one set of atoms


class TooLargeError(Exception):
    """There are more values to try than is sensible."""


def repairs(model: Model, directory: Directory, request: Json, now: int) -> Repairs:
    """5: the minimal sets of atoms that work. An allowed request needs none; an unknown user, an invalid request and
    unknown names have none. Raises TooLargeError."""
    asked = understand(model, directory, request, now)
    if isinstance(asked, str) or judge(model, asked).decision:
        return set()
    working: Repairs = set()
    for status in (False, True):
        for role in [None, *model.role_names()]:
            changed = change(asked, status, role)
            if changed is None:
                continue
            fixed: list[Atom] = [("activate",)] if status else []
            fixed += [("hold_role", role)] if role else []
            for atoms in ways(model, changed):
                working.add(frozenset([*fixed, *atoms]))
    return minimal(working)


def minimal(sets: Iterable[frozenset[Atom]]) -> Repairs:
    """5: those that contain no other."""
    found: Repairs = set()
    for one in sorted(sets, key=len):
        if not any(other <= one for other in found):
            found.add(one)
    return found


def change(asked: Asked, activate: bool, role: str | None) -> Asked | None:
    """5: the request with the status and the role in place: an individual assignment at the scope, or at the root where
    the scope is absent. None where the user would be inactive all the same, or where the scope is unknown."""
    if not asked.active and not activate:
        return None
    changed = replace(asked, active=True)
    if role is None:
        return changed
    if asked.places is None and asked.scope is not None:
        return None
    place = ROOT if asked.scope is None or asked.places == frozenset({ROOT}) else asked.scope
    return replace(changed, held=(*asked.held, Held(role, place, individual=True)))


def ways(model: Model, asked: Asked) -> Iterator[list[Atom]]:
    """5: the denies to take away, and the condition to make true, for the request to be allowed."""
    binding = counting(model, asked)
    allows = [c for c in binding if c.cited.effect == "allow"]
    denies = [c for c in binding if c.cited.effect == "deny"]
    if any(truth(model, asked, c.condition) is True for c in allows):
        yield lift(model, asked, denies)
    for one in allows:
        if one.condition is None:
            continue
        atom: Atom = ("condition", one.cited.file, one.cited.line, one.cited.column)
        for tried in values(model, asked, one.condition, denies):
            if truth(model, tried, one.condition) is True:
                yield [atom, *lift(model, tried, denies)]


def lift(model: Model, asked: Asked, denies: list[Counting]) -> list[Atom]:
    """5: the denies that apply."""
    applying = [c.cited for c in denies if truth(model, asked, c.condition) is not False]
    return [("deny", cited.file, cited.line, cited.column) for cited in applying]


# -- values to try ---------------------------------------------------------------------------------------------------


def values(model: Model, asked: Asked, condition: ex.Expr, denies: list[Counting]) -> Iterator[Asked]:
    """5: the request with every combination of values, of those that can matter, in place of the attributes that the
    condition reads: `resource.x` and `context.x` that are declared."""
    free = [attr for attr in sorted(ex.attributes(condition), key=str) if is_free(model, asked, attr)]
    conditions = [condition, *(c.condition for c in denies if c.condition is not None)]
    choices = Choices(model, asked, free, conditions)
    tries = [choices.of(attr) for attr in free]
    count = 1
    for tried in tries:
        count *= len(tried)
    if count > MOST_VALUES:
        raise TooLargeError
    for chosen in product(*tries):
        properties, context = dict(asked.properties), dict(asked.context)
        for attr, found in zip(free, chosen, strict=True):
            (properties if attr.root == "resource" else context)[attr.name] = found
        yield replace(asked, properties=properties, context=context)


def is_free(model: Model, asked: Asked, attr: ex.Attr) -> bool:
    """5: never id, scope, time or user attributes."""
    if attr.root not in ("resource", "context") or (attr.root, attr.name) in (("resource", "id"), ("context", "time")):
        return False
    return attr.name != "scope" and declaration(model, asked.type, attr) is not None


class Choices:
    """The values of each free attribute that some condition could tell apart."""

    def __init__(self, model: Model, asked: Asked, free: list[ex.Attr], conditions: list[ex.Expr]) -> None:
        self.model, self.asked, self.free = model, asked, free
        self.nodes = [node for condition in conditions for node in ex.walk(condition)]
        self.constants = [node for node in self.nodes if isinstance(node, ex.Const)]
        for node in self.nodes:
            if isinstance(node, ex.Member) and not isinstance(node.collection, ex.Attr):
                self.constants.extend(node.collection)
        self.fixed = [node for node in self.nodes if isinstance(node, ex.Attr) and node not in free]

    def of(self, attr: ex.Attr) -> list[Json]:
        """The attribute's values, absence among them where it is optional."""
        declared = declaration(self.model, self.asked.type, attr)
        assert declared is not None
        absent: list[Json] = [None] if declared.optional else []
        if declared.type.kind == "set":
            return [*absent, *self.sets(attr)]
        return [*absent, *self.plain(attr)]

    def plain(self, attr: ex.Attr) -> list[Json]:
        """Booleans and enumerations: all. Integers: those near what is written or read. Strings: those, and new ones.
        Times: those a moment or a written duration from one that is written or read."""
        declared = declaration(self.model, self.asked.type, attr)
        assert declared is not None
        kind = declared.type
        if kind.kind == "bool":
            return [True, False]
        if kind.kind == "enum":
            return list(kind.values)
        if kind.kind == "int":
            near = [0, *(c.value for c in self.constants if c.kind == "int"), *self.read("int")]
            reach = 1 + sum(1 for other in self.free if self.kind_of(other) == "int")
            found = {number + step for number in near for step in range(-reach, reach + 1)}
            return sorted(number for number in found if -(2**63) <= number < 2**63)
        if kind.kind == "time":
            return [written(instant) for instant in self.instants()]
        texts = {str(c.value) for c in self.constants if c.kind == "string"} | set(self.read("text"))
        for node in self.nodes:
            other = declaration(self.model, self.asked.type, node) if isinstance(node, ex.Attr) else None
            texts.update((other.type.element or other.type).values if other else ())
        fresh = {f"~{number}" for number, other in enumerate(self.free) if self.kind_of(other) not in ("int", "bool")}
        return sorted(texts | fresh | {"~"})

    def sets(self, attr: ex.Attr) -> list[list[Json]]:
        """Every set of the elements that are asked for in it."""
        declared = declaration(self.model, self.asked.type, attr)
        assert declared is not None
        elements: list[Json] = []
        for node in self.nodes:
            if isinstance(node, ex.Member) and node.collection == attr:
                item = node.operand
                if isinstance(item, ex.Attr) and item in self.free:
                    asked_for = self.plain(item)
                else:
                    asked_for = self.element(attr, item)
                fitting = [item for item in asked_for if not isinstance(typed([item], declared.type), Unknown)]
                elements.extend(item for item in fitting if item not in elements)
        if len(elements) > 7:
            raise TooLargeError
        return [list(chosen) for size in range(len(elements) + 1) for chosen in combinations(elements, size)]

    def element(self, attr: ex.Attr, operand: ex.Expr) -> list[Json]:
        declared = declaration(self.model, self.asked.type, attr)
        assert declared is not None
        assert declared.type.element is not None
        timely = declared.type.element.kind == "time"
        found = value(self.model, self.asked, operand, timely)
        if isinstance(found, Unknown):
            return []
        return [written(found)] if timely else [found]

    def kind_of(self, attr: ex.Attr) -> str:
        declared = declaration(self.model, self.asked.type, attr)
        return declared.type.kind if declared else ""

    def read(self, wanted: str) -> list[Json]:
        """What the attributes that stay as they are hold: integers, texts or times."""
        found: list[Json] = []
        for attr in self.fixed:
            declared = declaration(self.model, self.asked.type, attr)
            if declared is None:
                continue
            kind = declared.type.element or declared.type
            family = {"int": "int", "bool": "bool", "time": "time"}.get(kind.kind, "text")
            held = value(self.model, self.asked, attr)
            if family == wanted and not isinstance(held, Unknown):
                found.extend(sorted(held) if isinstance(held, frozenset) else [held])
        return found

    def instants(self) -> list[int]:
        moments = [moment(c.value) for c in self.constants if c.kind == "string"]
        points = [instant for instant in [*moments, *self.read("time")] if not isinstance(instant, Unknown)]
        lengths = [0, *(int(c.value) for c in self.constants if c.kind == "duration")]
        found = {
            point + sign * length + step
            for point in [*points, 0]
            for length in lengths
            for sign in (1, -1)
            for step in (-1, 0, 1)
        }
        return sorted(instant for instant in found if moment(written(instant)) == instant)


def written(instant: int) -> str:
    """A time as RFC 3339 writes it."""
    seconds, fraction = divmod(instant, 10**9)
    days, second = divmod(seconds, 86_400)
    day = date.fromordinal(min(max(days + date(1970, 1, 1).toordinal(), 1), date.max.toordinal()))
    return f"{day.isoformat()}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{fraction:09}Z"
