"""All requests about one resource type, as two policies read them: conditions as z3's formulas, and a model as a case.

One `Requests` serves every type that declares the same attributes on both sides, so that a question which many cells
share is asked once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from remit.instant import format_instant
from remit.model.types import Reading
from remit.proof.case import OTHER, SOMEONE, Case
from remit.proof.solver import Solver, either_of, z3
from remit.proof.terms import ROLES, SCOPE, TIME, Kinds, Side, Term, Terms, read_by
from remit.proof.views import EVERYONE, MEMBERS, Key, View, Views
from remit.table.shape import Table

_NAMES = (SOMEONE, OTHER, "third", "fourth", "fifth")
_USELESS: tuple[tuple[str, Any], ...] = (("text", "?"), ("int", 0), ("bool", True))  # a value by what alone it is
_STRAY = 1 << 80  # a code that no solver comes to by itself


class Requests:
    """Requests about types that are declared alike; a reading is None where that side lacks the type. Who asks is
    anybody. With `of_users`, it is somebody whom each side's directory describes; with `given_roles`, what is in
    `user.roles` is each side's own. `terms`: the variables, where others have been made."""

    def __init__(
        self,
        views: Sequence[Views],
        readings: Sequence[Reading | None],
        of_users: bool = False,
        given_roles: bool = False,
        terms: Terms | None = None,
    ) -> None:
        self.z3 = z3
        self.views = views
        self.terms = terms or Terms(readings, [kinds_of(view.table) for view in views])
        self.solver = Solver(self.terms)
        self._focus: Any = None  # the crowded cell that `solver` knows the formulas of
        self.assigned: dict[int, Any] = {}  # bit → that the user holds this role directly
        self.named: dict[tuple[int, str], Any] = {}  # side, role → that it is in `user.roles`, of users
        self.sides = [
            None if reading is None else self._side(at, reading, of_users, given_roles or of_users)
            for at, reading in enumerate(readings)
        ]
        self._allowed: dict[tuple[int, tuple[Key, ...]], Any] = {}
        self._reads: dict[str, frozenset[Term]] = {}  # by a condition's key
        self._named: dict[tuple[int, tuple[Key, ...]], Any] = {}
        self.answers: dict[Any, Any] = {}  # whatever was found out about these requests, by question

    def _side(self, at: int, reading: Reading, of_users: bool, given_roles: bool) -> Side:
        def holds(name: str) -> Any:
            if not given_roles:
                return self.any_of(self.views[at].closed(name))
            return self.named.setdefault((at, name), self.z3.Bool(f"{name} in user.roles {at}"))

        return Side(self.terms, at, reading, holds, sorted(self.views[at].bits), own_user=of_users)

    def focus(self, cell: Any) -> None:
        """Has questions about one crowded cell asked by a solver of its own, which takes in once what its many roles
        may; of None, by the one for all cells."""
        if cell != self._focus:
            self._focus = cell
            self.solver = Solver(self.terms)
            self._named.clear()
            self._allowed.clear()

    # -- formulas ----------------------------------------------------------------------------------------------------

    def held(self, bit: int) -> Any:
        """That a role is assigned to the user."""
        found = self.assigned.get(bit)
        if found is None:
            found = self.assigned[bit] = self.z3.Bool(f"holds {bit.bit_length()}")
        return found

    def any_of(self, mask: int) -> Any:
        """That some role of the mask is assigned."""
        found, rest = [], mask & ~(EVERYONE | MEMBERS)
        while rest:
            found.append(self.held(rest & -rest))
            rest &= rest - 1
        return self.z3.Or(found)

    def only(self, mask: int) -> Any:
        """That the roles of the mask are assigned, of all that were spoken of, and no others."""
        return self.z3.And([held if bit & mask else self.z3.Not(held) for bit, held in self.assigned.items()])

    def applies(self, at: int, view: View, key: Key) -> Any:
        """That a line applies: an allow's condition is true, a deny's not false."""
        side = self.sides[at]
        if side is None:
            return self.z3.BoolVal(False)
        form = view[key].form
        if self._focus is None or isinstance(form, bool):
            return side.true(form) if key[0] == "allow" else side.not_false(form)
        if (at, (key,)) not in self._named:
            formula = side.true(form) if key[0] == "allow" else side.not_false(form)
            self._named[at, (key,)] = self.solver.named(formula)
        return self._named[at, (key,)]

    def denies(self, at: int, view: View, keys: Iterable[Key]) -> Any:
        """That one of these denies applies."""
        return either_of([self.applies(at, view, key) for key in keys if key[0] == "deny"])

    def allowed(self, at: int, view: View, keys: Iterable[Key]) -> Any:
        """That somebody is allowed for whom exactly these lines count."""
        some = tuple(keys)
        found = self._allowed.get((at, some))
        if found is None:
            allows = [self.applies(at, view, key) for key in some if key[0] == "allow"]
            found = self.z3.BoolVal(False)
            if allows:
                found = self.z3.And(either_of(allows), self.z3.Not(self.denies(at, view, some)))
            self._allowed[at, some] = found
        return found

    def decided(self, at: int, view: View, own: int = ~0, alone: bool = False) -> Any:
        """That a user with the roles that are assigned, among them one of `own`, is allowed. `alone`: where an
        individual assignment hides what groups allow, `own` is that, and all else is held through groups; of all that
        may be hidden, this leaves least to make up for what `own` loses."""
        side = self.sides[at]
        if side is None:
            return self.z3.BoolVal(False)
        allows, denies = [], []
        members = self.views[at].all_roles  # a role that this side lacks makes nobody a member
        blocks = EVERYONE | MEMBERS if own & members else EVERYONE
        hides = alone and self.views[at].table.individual_over_group
        for (effect, _), line in view.items():
            if hides and effect == "allow" and not line.mask & (own | blocks):
                continue
            of_members = members if line.mask & MEMBERS else 0
            counts = self.z3.BoolVal(True) if line.mask & blocks else self.any_of(line.mask | of_members)
            if effect == "allow":
                allows.append(self.z3.And(side.true(line.form), counts))
            else:
                denies.append(self.z3.And(side.not_false(line.form), counts))
        return self.z3.And(self.z3.Or(allows), self.z3.Not(self.z3.Or(denies)))

    def placed(self) -> Any:
        """That roles can be held where the request stands: it names no place, or one that the directory knows."""
        return self.z3.Or(self.z3.Not(self.terms.given), self.terms.placed)

    def complete(self, read: Iterable[Term]) -> Any:
        """That of these attributes none is missing which a complete request has, as one of the sides sees it."""
        some = sorted(read)
        return self.z3.Or([side.complete(some) for side in self.sides if side is not None])

    # -- a model as a case -------------------------------------------------------------------------------------------

    def roles(self, model: Any) -> int:
        """The roles that are assigned in a model."""
        found = 0
        for bit, held in self.assigned.items():
            if self.is_true(model, held):
                found |= bit
        return found

    def is_true(self, model: Any, formula: Any) -> bool:
        return bool(self.z3.is_true(model.eval(formula, model_completion=True)))

    def read(self, *lines: tuple[View, Iterable[Key]]) -> frozenset[Term]:
        """The attributes that some lines read."""
        found: set[Term] = set()
        for view, keys in lines:
            for key in keys:
                if key[1] not in self._reads:
                    self._reads[key[1]] = frozenset(read_by(view[key].form))
                found |= self._reads[key[1]]
        return frozenset(found)

    def elsewhere(self, case: Case) -> Case:
        """The case at a place that the directory does not know."""
        if not case.placed:
            return case
        properties = {**case.properties, "scope": self.terms.made_up("nowhere")}
        return replace(case, properties=properties, placed=False)

    def case(self, model: Any, texts: dict[int, str] | None = None, read: frozenset[Term] | None = None) -> Case:
        """The request that a model stands for. `texts`: what codes stand for already, and more once this is read.
        `read`: the attributes that are asked for, where other questions have named more."""
        return _Reader(self, model, {} if texts is None else texts, read).case()


class _Reader:
    """Reads one model."""

    def __init__(self, requests: Requests, model: Any, texts: dict[int, str], read: frozenset[Term] | None) -> None:
        self.requests = requests
        self.terms = requests.terms
        self.named = [term for term in self.terms.named if read is None or term in read or term in self.terms.aside]
        if ROLES in self.named and TIME in self.terms.named and TIME not in self.named:
            self.named.append(TIME)
        self.aside = self.terms.aside if read is None else {TIME} - read
        self.model = model
        self.texts = texts
        self.texts.update((code, text) for text, code in self.terms.codes.items())
        self.root = self.terms.root
        for terms in self.terms.sharing:  # whatever else has the code of a place is called as places are
            if terms.scope is None or terms.kind is None:
                continue
            if (code := self.number(terms.scope)) not in self.texts:
                self.texts[code] = terms.made_up("one", self.texts.values())

    def number(self, value: Any) -> int:
        return int(self.model.eval(value, model_completion=True).as_long())

    def text(self, code: int) -> str:
        """The string of a code; for one that no constant has, a name is made up."""
        if code not in self.texts:
            taken = set(self.texts.values()) | set(self.terms.codes)
            taken |= set() if ("user", "id") in self.named else {SOMEONE}  # who asks, and nothing reads it
            made = (*_NAMES, *(f"name{at}" for at in range(len(taken) + 1)))
            self.texts[code] = next(name for name in made if name not in taken)
        return self.texts[code]

    def case(self) -> Case:
        roots: dict[str, dict[str, Any]] = {"resource": {}, "user": {}, "context": {}}
        missing: list[str] = []
        is_true = self.requests.is_true
        user = SOMEONE
        groups: tuple[str, ...] = ()
        for term in self.named:
            if term[0].startswith("user "):
                continue  # what a directory says of somebody
            if term == ("user", "id"):
                user = self.text(self.number(self.terms.value(term, "text")))
            elif term == ("user", "groups"):
                groups = tuple(dict.fromkeys(str(one) for one in self.elements(term)))
            elif term not in (ROLES, SCOPE) and (term not in self.aside or is_true(self.model, self.terms.uncertain)):
                self.attribute(term, roots, missing)
        resource = roots["resource"]
        placed = True
        if ROLES in self.named or SCOPE in self.named:
            given = is_true(self.model, self.terms.given)
            placed = not given or is_true(self.model, self.terms.placed)
            if given and SCOPE in self.named:
                resource["scope"] = self.text(self.number(self.terms.value(SCOPE, "text")))
            elif given and self.root is not None and placed:
                resource["scope"] = self.root
            elif given:
                resource["scope"] = self.terms.made_up("one" if placed else "nowhere")
            elif any(kinds.below or (kinds.root and SCOPE in self.named) for kinds in self.terms.kinds):
                missing.append("resource.scope")
        elif self.root is not None:
            resource["scope"] = self.root
        identified = ("resource", "id") in self.named
        identifier = resource.pop("id", None) if identified else "r1"
        return Case(
            user,
            roots["user"],
            groups,
            identifier if identifier is None or isinstance(identifier, str) else None,
            resource,
            roots["context"],
            tuple(missing),
            placed,
            ROLES in self.named and is_true(self.model, self.terms.uncertain),
        )

    def attribute(self, term: Term, roots: dict[str, dict[str, Any]], missing: list[str]) -> None:
        root, name = term
        is_true = self.requests.is_true
        sorts = self.terms.sorts(term)
        if not is_true(self.model, self.terms.present(term)):
            if not all(found is None or found.optional for found in self.declared(term)):
                missing.append(f"{root}.{name}")
            return
        for sort in sorts:
            if is_true(self.model, self.terms.present(term, sort)):
                roots[root][name] = self.value(term, sort)
                return
        roots[root][name] = next(
            value for sort, value in _USELESS if sort not in sorts
        )  # of no sort that a side declares
        missing.append(f"{root}.{name}")

    def declared(self, term: Term) -> list[Any]:
        return [side.declared(term) for side in self.requests.sides if side is not None]

    def value(self, term: Term, sort: str) -> Any:
        if sort.startswith("set of "):
            return list(self.elements(term))
        return self.plain(self.terms.value(term, sort), sort)

    def plain(self, value: Any, sort: str) -> Any:
        if sort == "bool":
            return self.requests.is_true(self.model, value)
        number = self.number(value)
        if sort == "text":
            return self.text(number)
        return format_instant(number) if sort == "time" else number

    def elements(self, term: Term) -> list[Any]:
        """What is in a set, each value once."""
        element = next((sort.removeprefix("set of ") for sort in self.terms.sorts(term)), "text")
        found: list[Any] = []
        for _, value, inside in self.terms.elements_of(term).values():
            if self.requests.is_true(self.model, inside):
                one = self.plain(value, element)
                if one not in found:
                    found.append(one)
        enumerated = self.terms.enumerated(term)
        foreign = all(one in enumerated for one in found) and self.requests.is_true(self.model, self.terms.stray(term))
        if enumerated and foreign:
            found.append(self.text(_STRAY))
        return found


def kinds_of(table: Table) -> Kinds:
    """The scope kinds of a table."""
    return Kinds(table.root, frozenset(kind for kind, above in table.scopes.items() if above is not None))


def reading_of(table: Table, resource_type: str) -> Reading | None:
    """What conditions may read at a type; None where the table lacks it."""
    return table.reading(resource_type) if resource_type in table.types else None
