"""Finds a request that reaches a goal (`remit.testing.goals`), by the same means as one that refutes an assert.

For somebody with given roles, the condition under which the goal is reached is a normal form; a tableau of it leaves
branches, each of which says which comparisons should be true together; values for them are tried on the evaluator.

    allow sign on record when treats and resource.status == "open"      goal: `treats` was false, in record.sign
    first  not treats and resource.status == "open"    what else the rule asks for is there: the test will tell more
    then   not treats

What was found is certain, for the evaluator decided it. Where nothing was found, that is all that is known, but for
`Search.impossible`: the form is true for nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice, zip_longest
from typing import NamedTuple

from remit.evaluator.holding import EVERYONE_BIT, MEMBERS_BIT
from remit.evaluator.index import Entry, Index
from remit.model import expression as ex
from remit.model.types import Reading
from remit.proof.case import SOMEONE, Case, World
from remit.table import normal
from remit.table.held import known
from remit.table.normal import Normal, Parts
from remit.table.shape import RuleEntry, Table
from remit.table.tableau import Branch, Facts, implies, literals
from remit.testing.goals import Goal, Watch, touched
from remit.testing.witness import Budget, cases

MOST_REQUESTS = 200_000  # tried for all goals of a policy
MOST_TRIED = 3_000  # for one goal
MOST_COMPLETE, MOST_SHORT = 250, 150  # for one form: requests that tell everything, and others
MOST_HOLDERS = 12  # sets of roles that are tried for one rule
MOST_RANKED = 200  # roles that are looked at for one who may not
NOON = "2026-01-01T12:00:00Z"  # the time of a request, where some condition reads it
_USER_ROLES = ex.Attr("user", "roles")
_TIME = ex.Attr("context", "time")


class Witness(NamedTuple):
    """A request of somebody who holds `roles` and nothing else, what it came to, and what that reaches."""

    roles: tuple[str, ...]
    type: str
    action: str
    case: Case
    allowed: bool
    reached: frozenset[Goal]


class Search(NamedTuple):
    """`cut`: there was no more time to look."""

    witness: Witness | None
    impossible: bool = False
    cut: bool = False


class _Attempt(NamedTuple):
    """`form` is to be true; `beside` are the conditions that the request should be able to tell."""

    roles: tuple[str, ...]
    form: Normal
    beside: tuple[Normal, ...]


class _Part(NamedTuple):
    """A part of a condition; `around` are its ids, wherever it stands, and those of all that it stands in."""

    node: ex.Expr
    around: set[int]


class Finder:
    """Searches for one policy. What it finds out once serves every goal."""

    def __init__(self, table: Table, index: Index) -> None:
        self.table = table
        self.index = index
        self.world = World(table, index)
        self.watch = Watch(index)
        self.budget = Budget(MOST_REQUESTS)
        self._ordered: list[str] = []
        self._forms: dict[tuple[int, str], Normal] = {}
        self._facts: dict[str, Facts] = {}
        self._parts: dict[tuple[int, str], Parts] = {}
        self._conditions: dict[int, dict[str, _Part]] = {}
        self._roles_read: dict[tuple[str, str], bool] = {}

    def find(self, goal: Goal) -> Search:
        """A request that reaches the goal, if one is found."""
        if self.budget.left <= 0:
            return Search(None, cut=True)
        places = [(goal.type, goal.action)] if goal.kind != "rule" else self._places(self.table.rules[goal.rule])
        if self._never(goal):
            return Search(None, impossible=True)
        impossible, left = goal.kind != "rule" or len(places) == 1, Budget(MOST_TRIED)
        for name, action in places:
            for attempt in self._attempts(goal, name, action):
                reading = self.index.reading(name)
                proof = implies(attempt.form, False, reading, facts=self._known(name))
                if proof.closed:
                    continue
                impossible = False
                for case in self._cases(attempt, name, proof.leaves or (Branch(reading),)):
                    if not left.spend() or not self.budget.spend():
                        return Search(None, cut=self.budget.left <= 0)
                    witness = self._tried(attempt.roles, name, action, case)
                    if goal in witness.reached:
                        return Search(self._simpler(witness))
        return Search(None, impossible and self._certain(goal))

    def _never(self, goal: Goal) -> bool:
        """Whether it can be seen at once that nothing reaches the goal: everyone is allowed and nobody denied; a
        comparison reads what its type lacks, and is unknown."""
        if goal.kind == "cell" and goal.outcome is False:
            cell = self.index.cells[goal.type][goal.action]
            return not cell.denies and any(e.mask & EVERYONE_BIT and e.test is None for e in cell.allows)
        if goal.kind != "condition":
            return False
        part = self._parts_of(self.table.rules[goal.rule])[goal.condition].node
        if isinstance(part, ex.Named | ex.Has):
            return False
        reading = self.index.reading(goal.type)
        return any(reading.find(attr) is None for attr in ex.attributes(part))

    def _certain(self, goal: Goal) -> bool:
        """Whether all there is was looked at when no form was left: what is denied may be so for want of a value, and
        who holds more roles may read otherwise."""
        if goal.kind == "cell":
            return goal.outcome is True and not self._reads_roles(goal.type, goal.action)
        rule = self.table.rules[goal.rule]
        if goal.kind == "rule" and rule.effect == "deny":
            return False
        found = self._parts_of(rule).get(goal.condition)
        part = rule.condition if found is None else found.node  # the last form that is tried is its alone
        return part is None or _USER_ROLES not in ex.attributes(part)

    def _places(self, rule: RuleEntry) -> list[tuple[str, str]]:
        return list(rule.pairs())[:MOST_HOLDERS]

    # -- one request -------------------------------------------------------------------------------------------------

    def _cases(self, attempt: _Attempt, name: str, leaves: Sequence[Branch]) -> Iterator[Case]:
        """Requests that tell all that the rules read, then those that tell what the form reads, and try more of it."""
        held = chain.from_iterable((role, *self.table.roles[role].includes) for role in attempt.roles)
        reading, facts = self.index.reading(name), self._known(name)
        lent = [_lent(attempt.form, reading, held, facts)]
        for forms, most in (
            ([attempt.form, *attempt.beside, *lent], MOST_COMPLETE),
            ([attempt.form, *lent], MOST_SHORT),
        ):
            branches = [cases(self.table, reading, [leaf], forms, facts) for leaf in leaves]
            in_turn = chain.from_iterable(zip_longest(*branches))  # one that leads nowhere must not use up the time
            others = []
            for case in islice((case for case in in_turn if case is not None), most):
                if case.user == SOMEONE:
                    yield case
                else:
                    others.append(case)  # people with the ids of something else convince less
            yield from others

    def _tried(self, roles: tuple[str, ...], name: str, action: str, case: Case) -> Witness:
        if "time" not in case.context and self._reads_time(roles, name, action):
            case = replace(case, context={**case.context, "time": NOON})  # it comes out the same another day
        judged = self.world.judge(roles, name, action, case)
        reached = frozenset(goal for goal in self.watch.reached(judged) if goal.outcome is not None)
        return Witness(roles, name, action, case, judged.code == "allowed", reached)

    def _simpler(self, witness: Witness) -> Witness:
        """The same without naming the root, where that changes nothing."""
        case = witness.case
        if case.properties.get("scope") != self.table.root:
            return witness
        bare = {name: value for name, value in case.properties.items() if name != "scope"}
        tried = self._tried(witness.roles, witness.type, witness.action, replace(case, properties=bare))
        return tried if tried.reached == witness.reached else witness

    # -- what to try -------------------------------------------------------------------------------------------------

    def _attempts(self, goal: Goal, name: str, action: str) -> Iterator[_Attempt]:
        if goal.kind == "cell":
            return self._to_allow(name, action) if goal.outcome else self._to_deny(name, action)
        rule = self.table.rules[goal.rule]
        return self._in_rule(goal, rule, name, action)

    def _to_allow(self, name: str, action: str) -> Iterator[_Attempt]:
        for entry in self.index.cells[name][action].allows:
            for roles in self._holders(entry.rule, name, action):
                allowing, denying = self._counting(roles, name, action)
                form = self._form([entry.rule], name)
                yield self._attempt(roles, name, action, [form, self._against(denying, name)], allowing, denying)

    def _to_deny(self, name: str, action: str) -> Iterator[_Attempt]:
        for roles in self._near(name, action):
            allowing, denying = self._counting(roles, name, action)
            for entry in denying:
                yield self._attempt(roles, name, action, [self._form([entry.rule], name)], allowing, denying)
            yield self._attempt(roles, name, action, [self._against(allowing, name)], allowing, denying)
            if any(entry.rule.condition is not None for entry in (*allowing, *denying)):
                yield self._attempt(roles, name, action, [], allowing, denying)  # for want of a value

    def _in_rule(self, goal: Goal, rule: RuleEntry, name: str, action: str) -> Iterator[_Attempt]:
        own = self._form([rule], name)
        part = self._parts_of(rule).get(goal.condition)
        for roles in self._holders(rule, name, action):
            allowing, denying = self._counting(roles, name, action)
            others = [entry for entry in denying if entry.rule.number != rule.number]
            clear = self._against(others, name)
            if part is None:
                if rule.effect == "allow":
                    clear = self._against(denying, name)
                for wanted in ([own, clear], [own]):
                    yield self._attempt(roles, name, action, wanted, allowing, denying)
                if rule.effect == "deny" and rule.condition is not None:
                    yield self._attempt(roles, name, action, [], allowing, denying)
                continue
            reading = self.index.reading(name)
            assert rule.condition is not None
            known_ = self._known_parts(rule, name)
            here = normal.normal(part.node if goal.outcome else ex.Not(part.node), reading, known_)
            rest = own if goal.outcome else normal.normal(_settled(rule.condition, part.around), reading, known_)
            for wanted in ([here, rest, clear], [here, rest], [here]):
                yield self._attempt(roles, name, action, wanted, allowing, denying)

    def _attempt(
        self,
        roles: tuple[str, ...],
        name: str,
        action: str,
        wanted: list[Normal],
        allowing: Sequence[Entry],
        denying: Sequence[Entry],
    ) -> _Attempt:
        held = frozenset(chain.from_iterable((role, *self.table.roles[role].includes) for role in roles))
        beside = tuple(self._form([entry.rule], name) for entry in (*allowing, *denying))
        form = normal.both(wanted, self._known(name).key)
        return _Attempt(roles, known(form, held, True, []) if self._reads_roles(name, action) else form, beside)

    def _parts_of(self, rule: RuleEntry) -> dict[str, _Part]:
        """The parts of a rule's condition by their text."""
        if rule.number not in self._conditions:
            found: dict[str, _Part] = {}
            if rule.condition is not None:
                _collect(rule.condition, (), found)
            self._conditions[rule.number] = found
        return self._conditions[rule.number]

    def _known(self, name: str) -> Facts:
        return self._facts.setdefault(name, Facts())

    def _known_parts(self, rule: RuleEntry, name: str) -> Parts:
        key = (rule.number, name)
        if key not in self._parts:
            self._parts[key] = Parts(rule.condition, self.index.reading(name), self._known(name).key)
        return self._parts[key]

    def _form(self, rules: Sequence[RuleEntry], name: str) -> Normal:
        """Where one of the rules applies for certain."""
        forms = []
        for rule in rules:
            key = (rule.number, name)
            if key not in self._forms:
                self._forms[key] = normal.normal(rule.condition, self.index.reading(name))
            forms.append(self._forms[key])
        return normal.either(forms)

    def _against(self, entries: Sequence[Entry], name: str) -> Normal:
        """Where none of the rules applies, for certain."""
        reading = self.index.reading(name)
        return normal.both([normal.normal(ex.Not(e.rule.condition or ex.TRUE), reading) for e in entries])

    # -- who ---------------------------------------------------------------------------------------------------------

    def _counting(self, roles: tuple[str, ...], name: str, action: str) -> tuple[list[Entry], list[Entry]]:
        """The allows and the denies of a cell that count for somebody with these roles."""
        mask = EVERYONE_BIT | (MEMBERS_BIT if roles else 0)
        for role in roles:
            mask |= self.index.bits[role]
        cell = self.index.cells[name][action]
        return [e for e in cell.allows if e.mask & mask], [e for e in cell.denies if e.mask & mask]

    def _holders(self, rule: RuleEntry, name: str, action: str) -> list[tuple[str, ...]]:
        """Whom a rule counts for: the role that declares it, then those that give little; of a block, first somebody
        who may do this by another rule."""
        reaching = [role for role in self._by_reach() if not self.table.roles[role].facets.isdisjoint(rule.facets)]
        found: list[tuple[str, ...]] = [(role,) for role in reaching if role == rule.role]
        found += [(role,) for role in reaching if role != rule.role]
        if rule.block is not None:
            singles: list[tuple[str, ...]] = [(role,) for role in self._by_reach()]
            able = [roles for roles in singles if self._allowed_by_role(roles, name, action)]
            nobody: list[tuple[str, ...]] = [()] if rule.block == "everyone" else []
            found = [*able[:4], *nobody, *singles] if rule.effect == "deny" else [*nobody, *singles, *able]
        return self._with_more(list(dict.fromkeys(found))[:MOST_HOLDERS], name, action)

    def _near(self, name: str, action: str) -> list[tuple[str, ...]]:
        """Who is to be denied: first somebody whom a rule here concerns, then somebody who may do something to this
        type, then anybody, and at last somebody without a role."""

        def rank(role: str) -> int:
            allowing, denying = self._counting((role,), name, action)
            if not allowing and not denying:
                kin = any(self._allowed_by_role((role,), name, other) for other in self.table.types[name].actions)
                return 1 if kin else 2
            outright = any(entry.rule.condition is None for entry in allowing)
            return 3 if outright else 0

        order = sorted(self._by_reach()[:MOST_RANKED], key=rank)
        nobody: list[tuple[str, ...]] = [()] if not self.table.base else []
        return self._with_more([*((role,) for role in order[: MOST_HOLDERS - 1]), *nobody], name, action)

    def _with_more(self, found: list[tuple[str, ...]], name: str, action: str) -> list[tuple[str, ...]]:
        """With a second role, where conditions ask which roles somebody holds."""
        if not self._reads_roles(name, action):
            return found
        pairs = (
            tuple(sorted((*roles, other)))
            for roles in found
            for other in self._by_reach()
            if len(roles) == 1 and other not in roles
        )
        return [*found, *islice(dict.fromkeys(pairs), MOST_HOLDERS * 2)]

    def _reads_roles(self, name: str, action: str) -> bool:
        if (name, action) not in self._roles_read:
            cell = self.index.cells[name][action]
            read = (entry.rule.condition for entry in (*cell.allows, *cell.denies))
            found = any(_USER_ROLES in ex.attributes(condition) for condition in read if condition is not None)
            self._roles_read[name, action] = found
        return self._roles_read[name, action]

    def _reads_time(self, roles: tuple[str, ...], name: str, action: str) -> bool:
        if not self.index.cells[name][action].timed:
            return False
        read = (entry.rule.condition for entries in self._counting(roles, name, action) for entry in entries)
        return any(_TIME in ex.attributes(condition) for condition in read if condition is not None)

    def _allowed_by_role(self, roles: tuple[str, ...], name: str, action: str) -> bool:
        return any(entry.rule.block is None for entry in self._counting(roles, name, action)[0])

    def _by_reach(self) -> list[str]:
        """The roles that count for cells, those that allow least first."""
        if not self._ordered:
            reach = {role: self.index.reach(role) for role in touched(self.table)}
            self._ordered = sorted(reach, key=lambda role: (reach[role] == 0, reach[role], role))
        return self._ordered


def _lent(form: Normal, reading: Reading, held: Iterable[str], facts: Facts) -> Normal:
    """A form that does nothing but lend its constants: texts worth trying where one attribute is compared with another
    that is an enumeration, or the user's roles."""
    found: dict[str, None] = {}
    for literal in literals(form):
        read = set(facts.of(literal, reading).terms)
        for term in read if len(read) > 1 else ():
            declared = reading.find(ex.Attr(*term))
            kind = declared.type.element or declared.type if declared is not None else None
            if kind is not None and kind.kind == "enum":
                found.update(dict.fromkeys(kind.values))
            elif term == ("user", "roles"):
                found.update(dict.fromkeys(held))
    return ["in", ["user", "id"], ["list", *found]] if found else True


def _collect(node: ex.Expr, above: tuple[int, ...], found: dict[str, _Part]) -> None:
    """The parts of `remit.testing.goals.conditions`, with what they stand in."""
    if isinstance(node, ex.And | ex.Or | ex.Not):
        for operand in (node.operand,) if isinstance(node, ex.Not) else node.operands:
            _collect(operand, (*above, id(node)), found)
    elif not isinstance(node, ex.Const):
        found.setdefault(ex.text(node), _Part(node, set())).around.update((*above, id(node)))


def _settled(node: ex.Expr, around: set[int]) -> ex.Expr:
    """The condition with one part out of the way: as if whatever it says were fine. `around` are the ids of the part,
    wherever it stands, and of all that it stands in; what it does not stand in stays the same object."""
    if id(node) not in around:
        return node
    if isinstance(node, ex.And | ex.Or):
        return type(node)(tuple(_settled(operand, around) for operand in node.operands))
    if isinstance(node, ex.Not):
        inner = _settled(node.operand, around)
        return inner if inner == ex.TRUE else ex.Not(inner)
    return ex.TRUE
