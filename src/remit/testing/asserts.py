"""Settles `assert`s (SEMANTICS 7): proved, failed, or unproven. The first two are certain.

Somebody with given roles may do something exactly where the condition *allowed* is true: one of the allow rules that
these roles reach (with `everyone` and `members`), and not any of the deny rules. Kleene's logic does the rest: an allow
that cannot be evaluated does not count, and the `not` of a deny that cannot be evaluated is not true.

    role rep { allow read on deal when own    deny read on deal when sealed }
    allowed(rep, read on deal) = own and not sealed

Each assert is a list of questions "wherever the premise is true, is the goal?" (`remit.table.tableau`):

| assert | for | premise | goal |
|---|---|---|---|
| `R within S` | every type and action | allowed(R) | allowed(S) |
| `no R may A on T when E` | R | allowed(R) and E | never |
| `only R may A on T when E` | nobody's role, each role that neither is nor includes R | allowed(it) and E | never |
| `A on T requires E` | nobody's role, each role | allowed(it) | E |
| `never one user A on T and B on U` | each set of one or two roles the guards permit | allowed on T, or on U | never |

One role at a time is enough for `only` and `requires`: several together allow what one of them allows, less what they
deny. Only `user.roles` tells them apart, so there it is known to hold the role and its includes, and may hold more;
in the other asserts it is just these. Where a request names no scope, `user.roles` and `resource.scope` are unknown:
that is a second question wherever they are read.

    assert no rep may read on deal when not own
    premise: own and not sealed and not own   → two comparisons that exclude each other: proved

A question that stays open goes to the solver (`remit.proof.claims`), which refutes or proves it. Where the extra
`prove` is missing, requests are tried instead (`remit.testing.witness`). Either way an assert fails only where the
evaluator allows a request that it must not, and each such request is reported. What is neither is unproven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import TYPE_CHECKING, Literal, NamedTuple

from remit.evaluator.index import Index
from remit.evaluator.pdp import Judged
from remit.model import expression as ex
from remit.proof.case import Case, World
from remit.proof.solver import UnknownError, available
from remit.table import normal
from remit.table.held import ROLES, SCOPE, known, reads
from remit.table.normal import Normal
from remit.table.shape import EVERYONE, MEMBERS, AssertEntry, Cells, GuardEntry, Place, RuleEntry, Table
from remit.table.tableau import Branch, implies
from remit.testing.witness import Budget, cases, refuting

if TYPE_CHECKING:
    from remit.proof.claims import Claims, Found

Result = Literal["proved", "failed", "unproven"]
MOST_CASES = 5_000  # tried on the evaluator for one assert
MOST_BRANCHES = 100_000  # of all its proofs
MOST_OFFENCES = 1_000  # that one assert reports


@dataclass(frozen=True, slots=True)
class Offence:
    """Where an assert fails: somebody with just these roles (none: a user without a role) may do this by these rules.
    `but` says what makes it wrong where the assert's kind does not. `also`, in `never`: the second type and action, and
    its rules. `cases` are the request that was tried and who asks, in `never` two by the same user."""

    roles: tuple[str, ...]
    type: str
    action: str
    rules: tuple[RuleEntry, ...]
    cases: tuple[Case, ...]
    but: str = ""
    also: tuple[str, str, tuple[RuleEntry, ...]] | None = None

    @property
    def example(self) -> str:
        """What was chosen for the requests, in words; empty where nothing matters."""
        return "; ".join(text for text in (case.text for case in self.cases) if text)


class OpenCell(NamedTuple):
    """Where a proof was not found."""

    roles: tuple[str, ...]
    type: str
    action: str


@dataclass(frozen=True, slots=True)
class AssertResult:
    title: str
    kind: str
    place: Place
    result: Result
    offences: tuple[Offence, ...] = field(default=())
    open: tuple[OpenCell, ...] = field(default=())
    solver: bool = True  # whether it could be asked


def settle_asserts(table: Table, index: Index | None = None) -> list[AssertResult]:
    """Every assert of the table, a base's first."""
    settler = Settler(table, index)
    return [settler.settle(claim) for claim in table.assertions]


def _claims(table: Table) -> Claims | None:
    """What asks the solver, where there is one and something to ask."""
    if not table.assertions or not available():
        return None
    from remit.proof.claims import Claims

    return Claims(table)


class _Posed(NamedTuple):
    """Is the goal true wherever the premise is? `key` is the same for the same question."""

    premise: Normal
    goal: Normal
    key: tuple[str, str, str]


class _Question(NamedTuple):
    """`roles` are the user's whose request would refute it; `refutes` tells from that user's decision and case whether
    it does; `exact` asks the solver for such a request."""

    roles: tuple[str, ...]
    type: str
    action: str
    posed: _Posed
    refutes: Callable[[Judged, Case], bool]
    exact: Callable[[Claims], Found | None]
    but: str = ""


class _Combination(NamedTuple):
    """The rules (by number, one for each effect and condition) that decide for somebody at a type."""

    type: str
    rules: tuple[int, ...]


class Settler:
    """Settles asserts of one table. What it finds out once serves every assert."""

    def __init__(self, table: Table, index: Index | None = None) -> None:
        self.table = table
        self.index = index or Index(table)
        self.world = World(table, self.index)
        self.claims = _claims(table)
        self._forms: dict[_Combination, Normal] = {}
        self._found: dict[tuple[str, str], dict[tuple[str, ...], _Combination]] = {}
        self._rules: dict[tuple[str, str], list[RuleEntry]] = {}
        for rule in table.rules:
            for pair in rule.pairs():
                self._rules.setdefault(pair, []).append(rule)

    def settle(self, claim: AssertEntry) -> AssertResult:
        """One assert."""
        if claim.kind == "never":
            offences, unsettled = self._never(claim)
        else:
            offences, unsettled = self._answer(self._questions(claim))
        result: Result = "failed" if offences else "unproven" if unsettled else "proved"
        asked = self.claims is not None
        return AssertResult(claim.title, claim.kind, claim.place, result, tuple(offences), tuple(unsettled), asked)

    # -- questions ---------------------------------------------------------------------------------------------------

    def _questions(self, claim: AssertEntry) -> Iterator[_Question]:
        if claim.kind == "within":
            every: Cells = {name: kind.actions for name, kind in self.table.types.items()}
            for one, other in zip(claim.roles, claim.roles[1:], strict=False):
                for name, action in _each(every):
                    yield from self._within(one, other, name, action)
            return
        subjects = self._subjects(claim)
        for name, action in _each(claim.cells):
            yield from self._about(claim, subjects, name, action)

    def _subjects(self, claim: AssertEntry) -> list[tuple[str, ...]]:
        """Whom the assert is about: nobody's roles, or one role."""
        if claim.kind == "no":
            return [claim.roles]
        outside = [name for name in sorted(self.table.roles) if self._closure((name,)).isdisjoint(claim.roles)]
        return [(), *((name,) for name in outside)]

    def _within(self, one: str, other: str, name: str, action: str) -> Iterator[_Question]:
        premise, goal = self._allowed((one,), name, action), self._allowed((other,), name, action)
        here, there = self._closure((one,)), self._closure((other,))

        def refutes(judged: Judged, case: Case) -> bool:
            return judged.code == "allowed" and self.world.judge((other,), name, action, case).code != "allowed"

        def exact(claims: Claims) -> Found | None:
            case = claims.beyond((one,), (other,), (name, action))
            return None if case is None else (case, (one,))

        but = f"and somebody with {other} may not"
        if self._is_strange(name, action):

            def elsewhere(claims: Claims) -> Found | None:
                return claims.elsewhere((one,), (name, action), None, (other,))

            yield _Question((one,), name, action, _elsewhere((one, other), name, action), refutes, elsewhere, but)
        for posed in self._posed(name, premise, goal, here, there, exact=True):
            yield _Question((one,), name, action, posed, refutes, exact, f"and somebody with {other} may not")

    def _about(
        self, claim: AssertEntry, subjects: list[tuple[str, ...]], name: str, action: str
    ) -> Iterator[_Question]:
        condition = self._condition(claim.condition, name)
        test = self.index.test(claim.condition, name)
        forbids = claim.kind != "requires"
        but = "" if forbids else "though what is required is not so"

        def refutes(judged: Judged, case: Case) -> bool:
            if judged.code != "allowed" or judged.facts is None:
                return False
            return (test is None or test(judged.facts) is True) is forbids

        alike: dict[_Combination, list[_Posed]] = {}  # questions that are the same for all who have the same rules
        for roles in subjects:
            combination = self._combination(roles, name, action)
            found = alike.get(combination)
            if found is None:
                allowed = self._form(combination)
                premise = normal.both([allowed, condition]) if forbids else allowed
                goal = False if forbids else condition
                held, just = self._closure(roles), claim.kind == "no" or not roles
                found = list(self._posed(name, premise, goal, held, held, just))
                if not reads(premise, ROLES) and not reads(goal, ROLES):
                    alike[combination] = found
            if claim.kind == "no" and self._is_strange(name, action):

                def there(claims: Claims, roles: tuple[str, ...] = roles) -> Found | None:
                    return claims.elsewhere(roles, (name, action), claim.condition, None)

                yield _Question(roles, name, action, _elsewhere(roles, name, action), refutes, there, but)
            ask = self._exactly(claim, roles, (name, action), subjects)
            for posed in found:
                yield _Question(roles, name, action, posed, refutes, ask, but)

    def _is_strange(self, name: str, action: str) -> bool:
        """Whether a place that the directory does not know is a question of its own (nobody is a member there)."""
        found = {(rule.effect, facet) for rule in self._rules.get((name, action), ()) for facet in rule.facets}
        return {("allow", EVERYONE), ("deny", MEMBERS)} <= found

    def _exactly(
        self, claim: AssertEntry, roles: tuple[str, ...], cell: tuple[str, str], subjects: list[tuple[str, ...]]
    ) -> Callable[[Claims], Found | None]:
        """Asks the solver the question that `_about` poses."""
        more = None if claim.kind == "no" or not roles else [name for names in subjects for name in names]
        return lambda claims: claims.allowed_where(roles, cell, claim.condition, claim.kind != "requires", more)

    def _posed(
        self, name: str, premise: Normal, goal: Normal, here: frozenset[str], there: frozenset[str], exact: bool
    ) -> Iterator[_Posed]:
        """A question, once for each kind of request that matters: where `user.roles` and `resource.scope` are known,
        and where they are not. What is unknown makes no comparison true, so it matters to goals alone."""
        unknown: list[list[list[str]]] = [[]]
        if goal is not False and any(reads(form, term) for form in (premise, goal) for term in (ROLES, SCOPE)):
            unknown.append([ROLES])
            unknown.append([ROLES, SCOPE] if len(self.table.scopes) > 1 else [SCOPE])
        for terms in unknown:
            assumed, wanted = known(premise, here, exact, terms), known(goal, there, exact, terms, goal=True)
            yield _Posed(assumed, wanted, (name, normal.key(assumed), normal.key(wanted)))

    # -- forms -------------------------------------------------------------------------------------------------------

    def _closure(self, roles: Iterable[str]) -> frozenset[str]:
        return frozenset(chain.from_iterable((role, *self.table.roles[role].includes) for role in roles))

    def _allowed(self, roles: tuple[str, ...], name: str, action: str) -> Normal:
        """Where somebody with these roles may."""
        return self._form(self._combination(roles, name, action))

    def _combination(self, roles: tuple[str, ...], name: str, action: str) -> _Combination:
        found = self._found.setdefault((name, action), {})
        if roles not in found:
            facets = {EVERYONE, MEMBERS} if roles else {EVERYONE}
            for role in roles:
                facets |= self.table.roles[role].facets
            rules = [rule for rule in self._rules.get((name, action), ()) if not facets.isdisjoint(rule.facets)]
            identities = tuple(sorted({(rule.effect, id(rule.condition)): rule.number for rule in rules}.items()))
            found[roles] = _Combination(name, tuple(number for _, number in identities))
        return found[roles]

    def _form(self, combination: _Combination) -> Normal:
        if combination not in self._forms:
            rules = [self.table.rules[number] for number in combination.rules]
            allows = tuple(rule.condition or ex.TRUE for rule in rules if rule.effect == "allow")
            denies = tuple(rule.condition or ex.TRUE for rule in rules if rule.effect == "deny")
            both = ex.And((ex.Or(allows), ex.Not(ex.Or(denies))))
            self._forms[combination] = self._condition(both, combination.type)
        return self._forms[combination]

    def _condition(self, condition: ex.Expr | None, name: str) -> Normal:
        return normal.normal(condition, self.index.reading(name))

    # -- answers -----------------------------------------------------------------------------------------------------

    def _answer(self, questions: Iterable[_Question]) -> tuple[list[Offence], list[OpenCell]]:
        """Those that are refuted, and those that are neither refuted nor proved. Questions that are alike but for who
        asks and the action are settled once."""
        offences: list[Offence] = []
        unsettled: dict[OpenCell, None] = {}
        closed: dict[tuple[str, str, str], tuple[Branch, ...] | None] = {}
        budget, branches = Budget(MOST_CASES), Budget(MOST_BRANCHES)
        refuted: set[OpenCell] = set()
        for question in questions:
            premise, goal, identity = question.posed
            if identity not in closed:
                proof = implies(premise, goal, self.index.reading(question.type), branches.left)
                branches.spend(proof.branches)
                closed[identity] = None if proof.closed else proof.leaves
            leaves = closed[identity]
            if leaves is None:
                continue
            cell = OpenCell(question.roles, question.type, question.action)
            if cell in refuted:
                continue
            if self.claims is not None:
                try:
                    offence = self._refuted_exactly(question)
                except UnknownError:
                    unsettled[cell] = None
                    continue
                if offence is None:
                    if not reads(question.posed.premise, ROLES) and not reads(question.posed.goal, ROLES):
                        closed[identity] = None
                    continue
            else:
                offence = self._refuted(question, leaves, budget)
            if offence is None:
                unsettled[cell] = None
                closed[identity] = ()  # where one search found nothing, the next would not either
                continue
            refuted.add(cell)
            offences.append(offence)
            if len(offences) >= MOST_OFFENCES:
                break
        return offences, list(unsettled)

    def _refuted_exactly(self, question: _Question) -> Offence | None:
        """By the solver. Raises UnknownError where it cannot tell, or its request is decided otherwise after all."""
        assert self.claims is not None
        found = question.exact(self.claims)
        if found is None:
            return None
        case, roles = found
        judged = self.world.judge(roles, question.type, question.action, case)
        if not question.refutes(judged, case):
            raise UnknownError("the request it found does not refute")
        return Offence(roles, question.type, question.action, _allowing(judged), (case,), question.but)

    def _refuted(self, question: _Question, leaves: Sequence[Branch], budget: Budget) -> Offence | None:
        found: list[Judged] = []

        def refutes(case: Case) -> bool:
            found[:] = [self.world.judge(question.roles, question.type, question.action, case)]
            return question.refutes(found[0], case)

        forms = [question.posed.premise, question.posed.goal]
        case = refuting(cases(self.table, self.index.reading(question.type), leaves, forms), refutes, budget)
        if case is None:
            return None
        rules = _allowing(found[0])
        return Offence(question.roles, question.type, question.action, rules, (case,), question.but)

    # -- never -------------------------------------------------------------------------------------------------------

    def _never(self, claim: AssertEntry) -> tuple[list[Offence], list[OpenCell]]:
        """Sets of one or two roles that may be allowed something on either side."""
        offences: list[Offence] = []
        unsettled: dict[OpenCell, None] = {}
        budget = Budget(MOST_CASES)
        sides = (list(_each(claim.cells)), list(_each(claim.other)))
        able = [
            {role for role in sorted(self.table.roles) if any(self._open((role,), cell, False) for cell in side)}
            for side in sides
        ]
        for roles in self._sets():
            if any(set(offence.roles) < set(roles) for offence in offences):
                continue  # one of the two may both already
            if able[0].isdisjoint(roles) or able[1].isdisjoint(roles) or self._forbidden(roles, certainly=True):
                continue
            first, second = ([cell for cell in side if self._open(roles, cell, True)] for side in sides)
            if not first or not second:
                continue
            offence, open_ = None, True
            if not self._forbidden(roles, certainly=False):
                pairs = [(one, other) for one in first for other in second]
                if self.claims is not None:
                    offence, open_ = self._both_exactly(self.claims, roles, pairs)
                else:
                    offence = next((o for one, other in pairs if (o := self._both(roles, one, other, budget))), None)
            if offence is None:
                if open_:
                    unsettled[OpenCell(roles, *first[0])] = None
            else:
                offences.append(offence)
                if len(offences) >= MOST_OFFENCES:
                    break
        return offences, list(unsettled)

    def _sets(self) -> Iterator[tuple[str, ...]]:
        names = sorted(self.table.roles)
        return chain(((name,) for name in names), combinations(names, 2))

    def _open(self, roles: tuple[str, ...], cell: tuple[str, str], exact: bool) -> bool:
        """Whether somebody with these roles may be allowed, as far as is known without the solver."""
        return self._is_strange(*cell) or bool(self._leaves(roles, cell, exact))

    def _leaves(self, roles: tuple[str, ...], cell: tuple[str, str], exact: bool) -> tuple[Branch, ...]:
        """The ways in which somebody with these roles may, as far as is known; none where they surely may not."""
        name, action = cell
        form = known(self._allowed(roles, name, action), self._closure(roles), exact, [])
        proof = implies(form, False, self.index.reading(name))
        return () if proof.closed else proof.leaves or (Branch(self.index.reading(name)),)

    def _both_exactly(
        self, claims: Claims, roles: tuple[str, ...], pairs: Sequence[tuple[tuple[str, str], tuple[str, str]]]
    ) -> tuple[Offence | None, bool]:
        """A user with these roles who may do both of some pair, by the solver; and whether that stays open."""
        unknown = False
        for one, other in pairs:
            try:
                found = claims.both(roles, one, other)
            except UnknownError:
                unknown = True
                continue
            if found is not None:
                judged = [self.world.judge(roles, *cell, case) for cell, case in zip((one, other), found, strict=True)]
                if all(each.code == "allowed" for each in judged):
                    also = (*other, _allowing(judged[1]))
                    return Offence(roles, *one, _allowing(judged[0]), found, also=also), False
                unknown = True
        return None, unknown

    def _both(
        self, roles: tuple[str, ...], one: tuple[str, str], other: tuple[str, str], budget: Budget
    ) -> Offence | None:
        """A user with these roles who may do both."""
        found: dict[tuple[str, str], Judged] = {}

        def allowed(cell: tuple[str, str], case: Case) -> bool:
            found[cell] = self.world.judge(roles, *cell, case)
            return found[cell].code == "allowed"

        for case in self._worth(roles, one):
            if not budget.spend():
                return None
            if not allowed(one, case):
                continue
            first, user = found[one], case
            again = refuting(
                (worth.asked_by(user) for worth in self._worth(roles, other)),
                lambda worth: allowed(other, worth),
                budget,
            )
            if again is not None:
                also = (*other, _allowing(found[other]))
                return Offence(roles, *one, _allowing(first), (case, again), also=also)
        return None

    def _worth(self, roles: tuple[str, ...], cell: tuple[str, str]) -> Iterator[Case]:
        form = known(self._allowed(roles, *cell), self._closure(roles), True, [])
        return cases(self.table, self.index.reading(cell[0]), self._leaves(roles, cell, True), [form])

    def _forbidden(self, roles: tuple[str, ...], certainly: bool) -> bool:
        """Whether a guard forbids a user to hold these roles at one scope: certainly, or perhaps."""
        held = self._closure(roles)
        return any(_forbids(guard, len(roles), held, certainly) for guard in self.table.guards.values())


def _forbids(guard: GuardEntry, count: int, held: frozenset[str], certainly: bool) -> bool:
    if certainly and guard.per:  # at a scope above its instances it may count for none of them
        return False
    if guard.kind == "never":
        return guard.role in held and guard.other in held
    if guard.kind == "per_user":
        return count > guard.count
    return guard.kind == "most" and guard.count == 0 and guard.role in held


def _elsewhere(roles: tuple[str, ...], name: str, action: str) -> _Posed:
    """About places that the directory does not know: a question that no normal form settles."""
    return _Posed(True, False, (name, action, " ".join(("elsewhere", *roles))))


def _each(cells: Cells) -> Iterator[tuple[str, str]]:
    for name in sorted(cells):
        for action in sorted(cells[name]):
            yield name, action


def _allowing(judged: Judged) -> tuple[RuleEntry, ...]:
    return tuple(entry.rule for entry in judged.allows)
