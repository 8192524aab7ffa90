"""The exact difference in what each user may do, by the directory of each side (SEMANTICS 7, `--by user`).

Who a user is settles most of it: at each place the roles whose allows count and those whose denies bind, and for
conditions the user's own attributes, groups and id. What is left open is the resource and the context. Users for whom
the same lines of a cell count are asked about once, and one who is named by no condition is like any other.

    old   ann: viewer, vet           new   ann: one role that allows what both did           no difference
    old   bob at branch/north: vet   new   bob at branch/south: vet       lost at north, gained at south

The places that matter are the root, those at which something is assigned to the user, those with several parents, and
those that one directory has below others than the other, or alone: what is held elsewhere is what is held at the
nearest of these above. Where some condition reads `resource.scope`, every place matters. One that neither directory
knows stands for all of those; which of them it is, the solver chooses. Windows (`from`, `until`) are judged at the time
that the caller gives, and again at each later one at which something that the user holds begins or ends; a condition
that reads the time is compared for as long as they stay as they are then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from remit.directory.shape import Directory, Scope, User
from remit.evaluator.index import Index
from remit.evaluator.pdp import Pdp
from remit.instant import EARLIEST, LATEST, format_instant
from remit.proof.case import Case
from remit.proof.compare import Kind, verdict
from remit.proof.requests import Requests, reading_of
from remit.proof.solver import UnknownError, require
from remit.proof.terms import ROLES, SCOPE, TIME, Term, attribute, sort_of
from remit.proof.views import Cell, Key, View, Views, alike, declarations, rules_of
from remit.table import normal
from remit.table.shape import RuleEntry, Table

_OF_USER, _OF_SCOPE, _OF_TIME = '["user",', normal.key(["resource", "scope"]), normal.key(["context", "time"])


class PersonChange(NamedTuple):
    """What became otherwise for one user in one cell, at each of `scopes` (None: where a request names no place).
    `since`: from when on, where that is later than the comparison (RFC 3339). Otherwise as
    `remit.proof.compare.Change`."""

    user: str
    scopes: tuple[str | None, ...]
    type: str
    action: str
    kind: Kind
    old: tuple[RuleEntry, ...]
    new: tuple[RuleEntry, ...]
    caused_old: tuple[RuleEntry, ...]
    caused_new: tuple[RuleEntry, ...]
    case: Case
    before: str
    after: str
    since: str | None = None


class OpenPerson(NamedTuple):
    """Where the solver could not tell."""

    user: str
    type: str
    action: str


class PeopleDifference(NamedTuple):
    changes: tuple[PersonChange, ...]
    unproven: tuple[OpenPerson, ...]

    @property
    def empty(self) -> bool:
        """Whether nobody may anything more or less, by any request."""
        return not self.changes and not self.unproven


def compare_people(
    old: Table, old_directory: Directory, new: Table, new_directory: Directory, now: int
) -> PeopleDifference:
    """The exact difference for every user of either directory, at a time (nanoseconds since 1970). Raises
    MissingSolverError where it takes the solver and that is missing."""
    found = _People(_Side(old, old_directory, now), _Side(new, new_directory, now))
    changes: list[PersonChange] = []
    unproven: list[OpenPerson] = []
    for name in sorted({*old_directory.users, *new_directory.users}):
        for one in found.of(name):
            if isinstance(one, PersonChange):
                changes.append(one)
            else:
                unproven.append(one)
    return PeopleDifference(tuple(changes), tuple(unproven))


class _Stand(NamedTuple):
    """How somebody stands at a place on one side: the masks whose allows count and whose denies bind, and what
    `user.roles` is, None where that is unknown."""

    allow: int
    deny: int
    roles: frozenset[str] | None


_NOBODY = _Stand(0, 0, frozenset())


class _Side:
    """A policy with its directory."""

    def __init__(self, table: Table, directory: Directory, now: int) -> None:
        self.table = table
        self.directory = directory
        self.now = now
        index = Index(table)
        self.pdp = Pdp(table, directory, lambda: now, index)
        self.holders = self.pdp.holders
        self.views = Views(table, index.bits)
        self.branching = sorted(scope.name for scope in directory.scopes.values() if len(scope.parents) > 1)
        self._stands: dict[Any, _Stand] = {}

    def user(self, name: str) -> User | None:
        """The user, if they may do anything at all."""
        found = self.directory.users.get(name)
        return found if found is not None and found.status == "active" else None

    def turns(self, user: User | None) -> Iterator[int]:
        """Later times at which something that the user holds begins or ends."""
        for held in self.holders.holdings(user) if user is not None else ():
            yield from (end for end in (held.start, held.end) if end is not None and end > self.now)

    def places(self, user: User | None) -> Iterator[str]:
        """Places at which the user may hold something else than above."""
        if user is not None:
            yield from (held.scope for held in self.holders.holdings(user) if held.scope is not None)
            yield from self.branching

    def stand(self, user: User | None, scope: str | None, time: int) -> _Stand:
        """How a user stands at a place then."""
        if user is None:
            return _NOBODY
        held = self.holders.at(self.holders.holdings(user), scope, time)
        return _Stand(held.allow, held.deny, self.holders.role_names(held, scope))

    def groups(self, name: str) -> frozenset[str]:
        return self.holders.groups_of(name)


class _People:
    def __init__(self, old: _Side, new: _Side) -> None:
        self.sides = (old, new)
        self.cells = sorted({*old.views.cells, *new.views.cells})
        self._requests: dict[Any, Requests] = {}
        self._of_type: dict[str, Requests] = {}
        self._pairs: dict[Any, list[tuple[Cell, tuple[Key, ...], tuple[Key, ...]]]] = {}
        self._forms: dict[Any, str] = {}
        self.one_numbering = old.views.bits == new.views.bits
        before, after = old.directory.scopes, new.directory.scopes
        self.moved = [name for name in before.keys() | after.keys() if _parents(before, name) != _parents(after, name)]
        if any(_OF_SCOPE in text for side in (old, new) for view in side.views.cells.values() for _, text in view):
            self.moved = [*before.keys() | after.keys()]  # a condition tells one place from another
        self.nowhere = _nowhere(old, new)
        roots = {side.table.root for side in self.sides if side.table.root is not None}
        self.known = {*before, *after, *roots}
        self.changed = [cell for cell in self.cells if not self._unchanged(cell)]

    def _unchanged(self, cell: Cell) -> bool:
        old, new = (side.views.view(cell) for side in self.sides)
        return alike(old, new) and (all(text == "true" for _, text in old) or self._alike(cell[0]))

    def of(self, name: str) -> Iterator[PersonChange | OpenPerson]:
        """What became otherwise for one user."""
        users = [side.user(name) for side in self.sides]
        roots = dict.fromkeys(side.table.root for side in self.sides if side.table.root is not None)
        held = {place for side, user in zip(self.sides, users, strict=True) for place in side.places(user)}
        placed = sorted({*held, *self.moved})
        same_user = self._same_user(name, users)
        later = {time for side, user in zip(self.sides, users, strict=True) for time in side.turns(user)}
        known: set[Any] = set()  # a change that is there already is not another at a later time
        for time in (self.sides[0].now, *sorted(later)):
            found: dict[Any, PersonChange] = {}
            here: set[Any] = set()
            for scope in (None, *roots, *placed, *self.nowhere):
                stands = [side.stand(user, scope, time) for side, user in zip(self.sides, users, strict=True)]
                for cell, before, after in self._differing(stands, same_user and stands[0].roles == stands[1].roles):
                    one = self._asked(name, users, scope, stands, cell, before, after, time)
                    if isinstance(one, OpenPerson):
                        yield one
                    elif one is not None:
                        numbers = (tuple(rule.number for rule in rules) for rules in (one.old, one.new))
                        same = (one.type, one.action, one.kind, *numbers)
                        here.add((same, scope))
                        if (same, scope) not in known:
                            first = found.get(same)
                            found[same] = one if first is None else first._replace(scopes=(*first.scopes, *one.scopes))
            known = here
            yield from found.values()

    def _same_user(self, name: str, users: list[User | None]) -> bool:
        """Whether both directories say the same of somebody, as far as conditions can read it."""
        old, new = users
        if old is None or new is None:
            return old is new
        return old.attributes == new.attributes and self.sides[0].groups(name) == self.sides[1].groups(name)

    # -- lines -------------------------------------------------------------------------------------------------------

    def _differing(self, stands: list[_Stand], same: bool) -> list[tuple[Cell, tuple[Key, ...], tuple[Key, ...]]]:
        """The cells where other lines count before and after, or may mean something else. `same`: the directories say
        the same of the user, so what they say of anybody makes no difference."""
        masks = tuple((stand.allow, stand.deny) for stand in stands)
        found = self._pairs.get((masks, same))
        if found is None:
            cells = self.changed if same and self.one_numbering and masks[0] == masks[1] else self.cells
            found = []
            for cell in cells:
                before, after = self._counting(0, cell, *masks[0]), self._counting(1, cell, *masks[1])
                if not self._same(cell, before, after, same):
                    found.append((cell, before, after))
            self._pairs[masks, same] = found
        return found

    def _counting(self, at: int, cell: Cell, allow: int, deny: int) -> tuple[Key, ...]:
        """The lines of a cell that count for somebody; none where nothing allows."""
        view = self.sides[at].views.view(cell)
        keys = [key for key, line in view.items() if line.mask & (allow if key[0] == "allow" else deny)]
        return tuple(sorted(keys)) if any(effect == "allow" for effect, _ in keys) else ()

    def _same(self, cell: Cell, before: tuple[Key, ...], after: tuple[Key, ...], same: bool) -> bool:
        """Whether the lines decide alike, by what they say alone."""
        texts = [text for _, text in (*before, *after)]
        if not texts:
            return True
        if not same and any(_OF_USER in text for text in texts):
            return False
        if self._form(0, cell, before) != self._form(1, cell, after):
            return False
        return all(text == "true" for text in texts) or self._alike(cell[0])

    def _alike(self, resource_type: str) -> bool:
        """Whether conditions at a type mean the same on both sides."""
        old, new = (declarations(reading_of(side.table, resource_type)) for side in self.sides)
        return bool(old == new)

    def _form(self, at: int, cell: Cell, keys: tuple[Key, ...]) -> str:
        if keys not in self._forms:
            view = self.sides[at].views.view(cell)
            allows = normal.either([view[key].form for key in keys if key[0] == "allow"])
            denies = normal.either([view[key].form for key in keys if key[0] == "deny"])
            self._forms[keys] = normal.key(normal.both([allows, normal.negated(denies)]))
        return self._forms[keys]

    # -- questions ---------------------------------------------------------------------------------------------------

    def _asked(
        self,
        name: str,
        users: list[User | None],
        scope: str | None,
        stands: list[_Stand],
        cell: Cell,
        before: tuple[Key, ...],
        after: tuple[Key, ...],
        time: int,
    ) -> PersonChange | OpenPerson | None:
        requests = self._requests_of(cell[0])
        views: list[View] = [side.views.view(cell) for side in self.sides]
        z3 = requests.z3
        texts = [text for _, text in (*before, *after)]
        personal = any(_OF_USER in text for text in texts)
        placed = any(_OF_SCOPE in text for text in texts)
        local = personal or placed
        period = self._period(users, time) if any(_OF_TIME in text for text in texts) else None
        person = (name, *(stand.roles for stand in stands)) if personal else None
        question = (before, after, person, scope if local else None, period)
        if question not in requests.answers:
            try:
                may = [requests.allowed(at, views[at], keys) for at, keys in enumerate((before, after))]
                base = [*self._person(requests, name, users, stands)] if personal else []
                base += list(self._place(requests, scope)) if local else []
                base += self._within(requests, period) if period is not None else []
                gain, loss = z3.And(may[1], z3.Not(may[0])), z3.And(may[0], z3.Not(may[1]))
                read = requests.read((views[0], before), (views[1], after))
                found = verdict(requests, base, may[0], may[1], gain, loss, read)
                requests.answers[question] = found and (found.kind, requests.case(found.model, read=read))
            except UnknownError:
                requests.answers[question] = "unknown"
        answer = requests.answers[question]
        if answer == "unknown":
            return OpenPerson(name, *cell)
        if answer is None:
            return None
        kind, case = answer
        properties = {key: value for key, value in case.properties.items() if key != "scope"}
        if scope in self.nowhere and placed:
            chosen, names = case.properties["scope"], requests.terms.codes
            scope = chosen if chosen in names or scope in names else scope  # one that conditions tell from others
        if scope is not None:
            properties["scope"] = scope
        context = dict(case.context)
        since = None if time == self.sides[0].now else format_instant(time)
        if since is not None:
            context.setdefault("time", since)
        request = Case(name, {}, (), case.id, properties, context, case.missing)
        codes = [
            side.pdp.ask(name, cell[1], request.resource(cell[0]), request.context).judged.code for side in self.sides
        ]
        if (codes[0] == "allowed") == (codes[1] == "allowed"):
            return OpenPerson(name, *cell)  # what the evaluator does not bear out is no proof
        lines = [_counting(views[at], stand) for at, stand in enumerate(stands)]
        gone = [key for key in lines[0] if key not in lines[1]]
        come = [key for key in lines[1] if key not in lines[0]]
        masks = [stand.allow | stand.deny for stand in stands]
        return PersonChange(
            name,
            (scope,),
            *cell,
            kind,
            rules_of(views[0], lines[0], masks[0]),
            rules_of(views[1], lines[1], masks[1]),
            rules_of(views[0], gone, masks[0]),
            rules_of(views[1], come, masks[1]),
            request,
            codes[0],
            codes[1],
            since,
        )

    def _requests_of(self, resource_type: str) -> Requests:
        found = self._of_type.get(resource_type)
        if found is None:
            readings = [reading_of(side.table, resource_type) for side in self.sides]
            signature = tuple(declarations(reading) for reading in readings)
            if signature not in self._requests:
                require()
                self._requests[signature] = Requests([side.views for side in self.sides], readings, of_users=True)
            found = self._of_type[resource_type] = self._requests[signature]
        return found

    def _place(self, requests: Requests, scope: str | None) -> Iterator[Any]:
        """That the request names this place, or none; for the one that neither directory knows, that it names any such.
        Which that is can matter only where a constant, or what a directory says of the user, is a place's name."""
        terms = requests.terms
        if scope is None:
            yield requests.z3.Not(terms.given)
            return
        yield terms.given
        value = terms.value(SCOPE, "text")
        if scope not in self.nowhere:
            yield value == terms.constant(scope)
            return
        for text, code in list(terms.codes.items()):
            if text in self.known:
                yield value != code

    def _period(self, users: list[User | None], now: int) -> tuple[int, int] | None:
        """From when until when windows are as they are at a time; None where there are none."""
        ends: set[int] = set()
        for side, user in zip(self.sides, users, strict=True):
            for held in side.holders.holdings(user) if user is not None else ():
                ends.update(end for end in (held.start, held.end) if end is not None)
        earlier, later = [end for end in ends if end <= now], [end for end in ends if end > now]
        return (max(earlier, default=EARLIEST), min(later, default=LATEST + 1)) if ends else None

    def _within(self, requests: Requests, period: tuple[int, int]) -> list[Any]:
        """That the request's time is in the period."""
        time = requests.terms.value(TIME, "time")
        side = next(side for side in requests.sides if side is not None)
        return [requests.terms.known(TIME, side), time >= period[0], time < period[1]]

    def _person(self, requests: Requests, name: str, users: list[User | None], stands: list[_Stand]) -> Iterable[Any]:
        """What the directories say of a user, as far as conditions ask."""
        terms, z3 = requests.terms, requests.z3
        yield z3.Not(terms.uncertain)
        for term in list(terms.named):
            if term == ("user", "id"):
                yield terms.value(term, "text") == terms.constant(name)
            elif term[0] in ("user 0", "user 1"):
                at = int(term[0][-1])
                user = users[at]
                if term[1] == "groups":
                    yield from _elements(requests, term, self.sides[at].groups(name) if user else frozenset())
                elif user is not None:
                    yield from _value(requests, term, user.attributes)
        for side in requests.sides:
            if side is not None and ROLES in terms.named:
                yield terms.known(ROLES, side) == z3.BoolVal(stands[side.number].roles is not None)
        for (at, role), named in requests.named.items():
            held = stands[at].roles
            yield named if held is not None and role in held else z3.Not(named)


def _parents(scopes: Mapping[str, Scope], name: str) -> tuple[str, ...] | None:
    """What is above a place; None where the directory does not know it."""
    return scopes[name].parents if name in scopes else None


def _nowhere(old: _Side, new: _Side) -> list[str]:
    """A place that neither directory knows and both policies could: there nobody's roles allow, and all forbid."""
    known = {*old.directory.scopes, *new.directory.scopes}
    roots = {old.table.root, new.table.root}
    below = [kind for kind, above in old.table.scopes.items() if above is not None and new.table.scopes.get(kind)]
    kind = min(below, default=roots.pop() if len(roots) == 1 else None)  # the root has no instances
    numbers = ("", *range(2, len(known) + 3))
    return [] if kind is None else [next(name for n in numbers if (name := f"{kind}/nowhere{n}") not in known)]


def _counting(view: View, stand: _Stand) -> tuple[Key, ...]:
    """The lines of a cell that count for somebody."""
    masks = {"allow": stand.allow, "deny": stand.deny}
    return tuple(sorted(key for key, line in view.items() if line.mask & masks[key[0]]))


def _elements(requests: Requests, term: Term, values: Iterable[Any]) -> Iterator[Any]:
    """That a set holds exactly these, of the elements that are asked for."""
    terms, z3 = requests.terms, requests.z3
    constants = [terms.constant(value) for value in values]
    for _, value, inside in list(terms.elements.get(term, {}).values()):
        yield inside == z3.Or([value == one for one in constants])


def _value(requests: Requests, term: Term, attributes: Mapping[str, object]) -> Iterator[Any]:
    """That an attribute has the value which the directory gives it, or none, or one of no use."""
    from remit.evaluator.conditions import value_of

    terms, z3 = requests.terms, requests.z3
    given = attributes.get(term[1])
    yield terms.present(term) if given is not None else z3.Not(terms.present(term))
    for side in requests.sides:
        if side is None or not term[0].endswith(str(side.number)):
            continue
        declared = side.reading.find(attribute(term))
        if declared is None:
            continue
        sort = sort_of(declared.type)
        value = value_of(declared.type)(given)
        typed = terms.present(term, sort)
        yield typed if value is not None else z3.Not(typed)
        if value is None:
            continue
        if sort.startswith("set of "):
            yield from _elements(requests, term, value)
        else:
            yield terms.value(term, sort) == terms.constant(value)
