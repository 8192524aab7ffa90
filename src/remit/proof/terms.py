"""Requests as z3's variables, and conditions as formulas over them (SEMANTICS 7).

A condition in normal form has `not` only in front of comparisons, so that it is *true*, in Kleene's sense, is a
monotone formula over "this comparison is true"; that it is *false* is that of its negation. Each comparison becomes one
formula: its attributes are known, and it holds. What is known of an attribute:

| variable | meaning |
|---|---|
| `resource.cost?` | the request has it, not null |
| `resource.cost:int` | what it has is of that kind |
| `resource.cost` | its value: ints in 64 bits, times in nanoseconds, texts and enumerations as codes |
| `resource.tags ∋ "x"` | for a set, one Boolean for each element that a comparison names |

Elements of one value are in a set together. (z3's own arrays invent sets that no request can carry.)

    resource.cost <= 5   →   cost:int ∧ cost ≤ 5        has resource.cost   →   cost?

Two *sides* share the variables: an old and a new policy may declare an attribute otherwise, and each knows it where the
value belongs to its own type. `user.roles` follows from what is assigned, through each side's own includes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from remit.instant import EARLIEST, LATEST, parse_instant
from remit.model.expression import Attr
from remit.model.types import LARGEST, SMALLEST, AttributeType, Reading, Type
from remit.proof.solver import UnknownError, z3
from remit.table import normal
from remit.table.normal import Normal

Term = tuple[str, str]  # an attribute: root and name

ROLES: Term = ("user", "roles")
SCOPE: Term = ("resource", "scope")
TIME: Term = ("context", "time")
_ROOTS = ("resource", "user", "context")
_ALWAYS_KNOWN = frozenset({Attr("user", "id"), Attr("user", "groups")})
_COMPARED = frozenset({"and", "or", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "has", "has not"})


class Kinds(NamedTuple):
    """What a table's scopes say of requests: the root's kind and the kinds below it."""

    root: str | None
    below: frozenset[str]


class Side:
    """One policy's reading of requests about one resource type. `holds` gives z3's Boolean for a role in `user.roles`,
    `names` are all roles'. `own_user`: the user's attributes are this side's own, for its directory says them."""

    def __init__(
        self,
        terms: Terms,
        number: int,
        reading: Reading,
        holds: Callable[[str], Any],
        names: Sequence[str],
        own_user: bool = False,
    ) -> None:
        self.terms = terms
        self.number = number
        self.reading = reading
        self.holds = holds
        self.names = names
        self.own_user = own_user
        self._true: dict[str, Any] = {}

    def true(self, form: Normal) -> Any:
        """z3's Boolean for "the form is true"."""
        if isinstance(form, bool):
            return z3.BoolVal(form)
        name = normal.key(form)
        found = self._true.get(name)
        if found is None:
            found = self._true[name] = self._encoded(form)
        return found

    def not_false(self, form: Normal) -> Any:
        """That a deny with this condition applies."""
        return z3.Not(self.true(normal.negated(form)))

    def complete(self, read: Iterable[Term]) -> Any:
        """That each of these attributes which this side declares is there as it must be; what a directory lacks of
        somebody makes no request incomplete."""
        asked = [term for term in read if self.declared(term) and not self.term(term)[0].startswith("user ")]
        return z3.And([self.terms.complete(term, self) for term in asked])

    def declared(self, term: Term) -> AttributeType | None:
        return self.reading.find(attribute(term))

    def term(self, written: Sequence[str]) -> Term:
        """The variables' name for an attribute."""
        root, name = written
        if self.own_user and root == "user" and name not in ("id", "roles"):
            return f"user {self.number}", name
        return root, name

    # -- comparisons -----------------------------------------------------------------------------------------------

    def _encoded(self, form: Any) -> Any:
        word = form[0]
        if word in ("and", "or"):
            parts = [self.true(part) for part in form[1:]]
            return z3.And(parts) if word == "and" else z3.Or(parts)
        if word in ("has", "has not"):
            present = self.terms.present(self.term(form[1]))
            return present if word == "has" else z3.Not(present)
        if word in ("in", "not in"):
            known, holds = self._membership(form[1], form[2])
            return z3.And(*known, holds if word == "in" else z3.Not(holds))
        if _is_form(form[1]) or _is_form(form[2]):
            return self._conditions(word, form[1], form[2])
        kind = self._kind(form[1]) or self._kind(form[2])
        known, left, right = [], *(self._operand(side, kind) for side in form[1:])
        known = [*left[0], *right[0]]
        if left[1] is None or right[1] is None:
            return z3.BoolVal(False)
        return z3.And(*known, _compared(word, left[1], right[1]))

    def _conditions(self, word: str, left: Normal, right: Normal) -> Any:
        """Two conditions compared, or one with an attribute or constant of bools: both known, and alike or not."""
        sides = [side if _is_form(side) or isinstance(side, bool) else ["==", side, True] for side in (left, right)]
        first, second = sides
        alike = word == "=="
        return z3.Or(
            z3.And(self.true(first), self.true(second if alike else normal.negated(second))),
            z3.And(self.true(normal.negated(first)), self.true(normal.negated(second) if alike else second)),
        )

    def _kind(self, side: Any) -> str:
        if isinstance(side, list) and side and side[0] == "-":
            return "duration"
        declared = self.declared(self.term(side)) if _is_term(side) else None
        return declared.type.kind if declared else ""

    def _operand(self, side: Any, kind: str) -> tuple[list[Any], Any]:
        """What must be known for an operand, and its value; None for a value that nothing equals."""
        if isinstance(side, list) and side[0] == "-":
            (one, left), (other, right) = self._operand(side[1], "time"), self._operand(side[2], "time")
            if left is None or right is None:
                return [], None
            return [*one, *other], left - right
        if _is_term(side):
            term = self.term(side)
            declared = self.declared(term)
            if declared is None:
                return [z3.BoolVal(False)], None
            self.terms.aside.discard(term)
            return [self.terms.known(term, self)], self.terms.value(term, sort_of(declared.type))
        return [], self.terms.constant(side)

    def _membership(self, item: Any, collection: Any) -> tuple[list[Any], Any]:
        known, value = self._operand(item, "")
        if collection[0] == "list":
            if value is None:
                return [z3.BoolVal(False)], z3.BoolVal(False)
            return known, z3.Or([value == self.terms.constant(one) for one in collection[1:]])
        term = self.term(collection)
        if term == ROLES:
            known = [*known, self.terms.known(term, self)]
            if isinstance(item, str):
                return known, self.holds(item)
            if value is None:
                return known, z3.BoolVal(False)
            return known, z3.Or([z3.And(value == self.terms.constant(name), self.holds(name)) for name in self.names])
        declared = self.declared(term)
        if declared is None or declared.type.element is None or value is None:
            return [z3.BoolVal(False)], z3.BoolVal(False)
        named = [*self.term(item)] if _is_term(item) else item  # of users, each side's own
        return [*known, self.terms.known(term, self)], self.terms.member(term, named, value)


def _compared(word: str, left: Any, right: Any) -> Any:
    if word == "==":
        return left == right
    if word == "!=":
        return left != right
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[word]


def _is_term(side: Any) -> bool:
    return isinstance(side, list) and len(side) == 2 and side[0] in _ROOTS and isinstance(side[1], str)


def _is_form(side: Any) -> bool:
    return isinstance(side, list) and bool(side) and side[0] in _COMPARED


def read_by(form: Normal) -> Iterator[Term]:
    """The attributes that a condition reads."""
    if _is_term(form):
        yield form[0], form[1]
    elif isinstance(form, list):
        for part in form:
            yield from read_by(part)


def attribute(term: Term) -> Attr:
    """The attribute that a term stands for, on whichever side."""
    return Attr(term[0].partition(" ")[0], term[1])


def sort_of(kind: Type) -> str:
    """What tells the values of a type from others in a request: text, int, bool, time, or `set of` these."""
    if kind.kind == "set" and kind.element is not None:
        return f"set of {sort_of(kind.element)}"
    return "text" if kind.textual else kind.kind


class Terms:
    """The variables of requests about one resource type. `rules` gathers what holds of them all; whoever asks z3 adds
    those that came since. `readings` are the sides', None where one lacks the type. `beside`: the terms of
    another request by the same user, who is shared."""

    def __init__(self, readings: Sequence[Reading | None], kinds: Sequence[Kinds], beside: Terms | None = None) -> None:
        self.readings = readings
        self.kinds = kinds
        self.prefix = "" if beside is None else "other "
        self.beside = beside
        self.named: dict[Term, None] = {}
        self.rules: list[Any] = []
        self.given = z3.Bool(f"{self.prefix}scope is given")
        self.placed = z3.Bool(f"{self.prefix}scope is known to the directory")
        self.uncertain = z3.Bool("a role is held at a time that cannot be told")
        self.codes: dict[str, int] = {} if beside is None else beside.codes
        self.sharing: list[Terms] = [self] if beside is None else beside.sharing  # all who have these codes
        if beside is not None:
            self.sharing.append(self)
        self.elements: dict[Term, dict[str, tuple[Any, Any, Any]]] = {}  # set → element's key → item, value, Boolean
        self.aside: set[Term] = set()  # named by what holds of requests alone, and read by no condition
        self._values: dict[tuple[Term, str], Any] = {}
        self._known: dict[tuple[Term, int], Any] = {}
        roots = {one.root for one in kinds}
        self.root = roots.pop() if len(roots) == 1 else None  # what both sides call it
        self.below = frozenset.intersection(*(one.below for one in kinds))
        self.kind = min(self.below, default=self.root)  # of a place that a request may name
        if self.kind is None:
            self.rules.append(z3.Not(self.given))  # there is no place that a request could name on every side

    def made_up(self, name: str, taken: Collection[str] = ()) -> str:
        """A place of a kind below the root that no constant is, and none of those that are taken."""
        numbers = ("", *range(2, len(self.codes) + len(taken) + 3))
        names = (f"{self.kind}/{name}{number}" for number in numbers)
        return next(place for place in names if place not in self.codes and place not in taken)

    # -- what a request has ------------------------------------------------------------------------------------------

    def present(self, term: Term, sort: str = "") -> Any:
        """That a request has the attribute; with a sort, that what it has is of it."""
        self.named.setdefault(term)
        return z3.Bool(f"{self._name(term)}:{sort}" if sort else f"{self._name(term)}?")

    def _name(self, term: Term) -> str:
        return f"{'' if term[0] == 'user' else self.prefix}{term[0]}.{term[1]}"

    def types(self, term: Term) -> list[Type]:
        """The types that sides declare the attribute with; what is one side's own, that side alone."""
        sides = [reading for at, reading in enumerate(self.readings) if term[0] in (*_ROOTS, f"user {at}")]
        declared = [reading.find(attribute(term)) for reading in sides if reading is not None]
        return [found.type for found in declared if found is not None]

    def sorts(self, term: Term) -> list[str]:
        """The sorts that some side declares the attribute with."""
        return list(dict.fromkeys(sort_of(kind) for kind in self.types(term)))

    def _shared(self, term: Term) -> bool:
        """Whether one value may be of two sorts that sides declare: a text that is a time, a set with nothing in it."""
        sorts = self.sorts(term)
        return {"text", "time"} <= {*sorts} or sum(sort.startswith("set of ") for sort in sorts) > 1

    def known(self, term: Term, side: Side) -> Any:
        """That a side knows the attribute's value. Raises UnknownError where both sides ask, and one value may be of
        both their sorts."""
        found = self._known.get((term, side.number))
        if found is None:
            if (term, 1 - side.number) in self._known and self._shared(term):
                raise UnknownError(f"{term[0]}.{term[1]} is declared otherwise, and one value may be of both types")
            found = self._known[term, side.number] = self._knows(term, side)
        return found

    def _knows(self, term: Term, side: Side) -> Any:
        self.named.setdefault(term)
        if attribute(term) in _ALWAYS_KNOWN:
            if term[1] == "id":
                self.rules.append(self.value(term, "text") != self.constant(""))
            return z3.BoolVal(True)
        if term == ROLES:
            if TIME not in self.named:
                self.aside.add(TIME)
            self.rules.append(z3.Implies(self.uncertain, z3.Not(self.known(TIME, side))))
            if side.own_user:  # its directory says who somebody is, and so whether their roles there are known
                return z3.Bool(f"user.roles is known {side.number}")
            here = z3.And(self.given, self.placed)
            rooted = z3.And(z3.Not(self.given), z3.BoolVal(not self.kinds[side.number].below))
            return z3.And(z3.Or(here, rooted), z3.Not(self.uncertain))
        if term == SCOPE:
            self._scoped()
            return self.given
        if term == TIME:
            self.rules.append(self.present(TIME))  # where a request says none, the clock does
        declared = side.declared(term)
        assert declared is not None
        sort = sort_of(declared.type)
        typed = self._typed(term, sort)
        return z3.And(typed, *self._belonging(term, declared.type))

    def _typed(self, term: Term, sort: str) -> Any:
        """That the attribute is there with a value of a sort; what holds of that is noted once."""
        typed = self.present(term, sort)
        if (term, sort) not in self._values:
            self.value(term, sort)
            self.rules.append(z3.Implies(typed, self.present(term)))
            others = [self.present(term, other) for other in self.sorts(term) if other != sort]
            self.rules += [z3.Not(z3.And(typed, other)) for other in others]
        return typed

    def _belonging(self, term: Term, kind: Type) -> list[Any]:
        """What else makes a value of the sort one of the type: of an enumeration, or of a set of them."""
        if kind.kind == "enum":
            value = self.value(term, "text")
            return [z3.Or([value == self.constant(one) for one in kind.values])]
        if kind.kind == "set" and kind.element is not None and kind.element.kind == "enum":
            foreign = [one for one in self.enumerated(term) if one not in kind.element.values]
            return [z3.Not(one) for one in (self.stray(term), *(self._constant_in(term, one) for one in foreign))]
        return []

    def enumerated(self, term: Term) -> list[str]:
        """Every value that some side's enumeration lets a set hold."""
        elements = [kind.element for kind in self.types(term) if kind.element is not None]
        return list(dict.fromkeys(value for element in elements for value in element.values))

    def stray(self, term: Term) -> Any:
        """That a set holds an element which is in no side's enumeration, as another side may let it."""
        if all(kind.element is None or kind.element.kind == "enum" for kind in self.types(term)):
            return z3.BoolVal(False)
        return z3.Bool(f"{self._name(term)} holds another")

    def _constant_in(self, term: Term, value: str) -> Any:
        return self.member(term, value, self.constant(value))

    def complete(self, term: Term, side: Side) -> Any:
        """That the attribute is as a complete request has it: known, or absent where it may be."""
        declared = side.declared(term)
        if declared is None or (term == SCOPE and self.kinds[side.number].root is None):
            return z3.BoolVal(True)
        if (term, side.number) not in self._known and self._shared(term):
            known = self._known.get((term, 1 - side.number), z3.BoolVal(True))  # as far as anybody asks
        else:
            known = self.known(term, side)
        return z3.Or(known, z3.Not(self.present(term))) if declared.optional else known

    def _scoped(self) -> None:
        """What a place can be on every side: the root by its name, or an instance of a kind below it."""
        if self.scope is not None:
            return
        value = self.value(SCOPE, "text")
        if self.root is None:
            return
        root = self.constant(self.root)
        if not self.below:
            self.rules.append(z3.Implies(value != root, z3.Not(self.placed)))
        self.rules.append(z3.Implies(z3.And(self.given, value == root), self.placed))

    def is_place(self, text: str) -> bool:
        """Whether a request can name such a place on every side."""
        kind, _, identifier = text.partition("/")
        return text == self.root or (bool(identifier) and (kind in self.below or kind == self.root))

    def _place(self, scope: Any, text: str, code: Any) -> Iterator[Any]:
        """What holds of the request's place and a text: it may be none, or one that no directory knows."""
        if not self.is_place(text):
            yield scope != code
        elif text != self.root and text.partition("/")[0] == self.root:
            yield z3.Implies(scope == code, z3.Not(self.placed))  # the root has no instances

    # -- values ------------------------------------------------------------------------------------------------------

    def value(self, term: Term, sort: str) -> Any:
        """The attribute's value, where it has the sort."""
        self.named.setdefault(term)
        found = self._values.get((term, sort))
        if found is None:
            name = f"{self._name(term)} as {sort}"
            found = z3.Bool(name) if sort == "bool" else z3.Int(name)
            self._values[term, sort] = found
            if sort == "int":
                self.rules += [found >= SMALLEST, found <= LARGEST]
            elif sort == "time":
                self.rules += [found >= EARLIEST, found <= LATEST]
            elif term == SCOPE:
                self.rules += [rule for text, code in self.codes.items() for rule in self._place(found, text, code)]
        return found

    @property
    def scope(self) -> Any | None:
        """The value of the place that a request names, where a condition reads it."""
        return self._values.get((SCOPE, "text"))

    def constant(self, value: Any) -> Any:
        """A constant as z3's value; strings by their code."""
        if isinstance(value, bool):
            return z3.BoolVal(value)
        if isinstance(value, int):
            return z3.IntVal(value)
        if isinstance(value, Mapping):
            instant = parse_instant(value["time"]) if "time" in value else value["ns"]
            assert instant is not None
            return z3.IntVal(instant)
        code = self.codes.get(value)
        if code is None:
            code = self.codes[value] = len(self.codes)
            for terms in self.sharing:
                if terms.scope is not None:
                    terms.rules += terms._place(terms.scope, value, code)
        return z3.IntVal(code)

    def elements_of(self, term: Term) -> dict[str, tuple[Any, Any, Any]]:
        """What is known of a set's elements; the user's sets are one for both requests."""
        shared = self.beside if self.beside is not None and term[0] == "user" else self
        return shared.elements.setdefault(term, {})

    def member(self, term: Term, item: Any, value: Any) -> Any:
        """That an element of this value is in the set; elements of one value are in it together."""
        self.named.setdefault(term)
        elements = self.elements_of(term)
        own = not isinstance(item, list) or item[0] == "user"
        name = normal.key(item) if own else self.prefix + normal.key(item)
        if name not in elements:
            inside = z3.Bool(f"{name} in {self._name(term)}")
            for _, other, known in elements.values():
                if z3.is_bool(other) == z3.is_bool(value):
                    self.rules.append(z3.Implies(other == value, known == inside))
            elements[name] = (item, value, inside)
            allowed = self.enumerated(term)
            if allowed and item not in allowed:
                fits = [value == self.constant(one) for one in allowed] if isinstance(item, list) else []
                self.rules.append(z3.Implies(inside, z3.Or(self.stray(term), *fits)))
                for one in allowed:
                    self._constant_in(term, one)
        return elements[name][2]
