"""What is superfluous in one policy, exactly: rules that never decide, conditions that never vary, roles alike.

A rule is *dead* when the policy without it differs in nothing (SEMANTICS 7); that is asked by comparing each of its
cells with the cell less the rule. What covers a dead rule is an unsatisfiable core: of "no other allow is true" and "no
deny applies", a smallest set that cannot hold where the rule's condition does. So the cover may take several rules:

    allow read on record when resource.cost <= 5
    allow read on record when resource.cost > 3
    allow read on record when resource.vet == user.id     dead: covered by the two, by neither alone

The core is made smallest by leaving out one after the other (deletion; Marques-Silva, *Minimal Unsatisfiability:
Models, Algorithms and Applications*, 2010).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from remit.model.expression import Expr
from remit.proof.case import World
from remit.proof.compare import Comparison
from remit.proof.requests import Requests
from remit.proof.solver import Solver, UnknownError, available
from remit.proof.terms import Term, read_by
from remit.proof.views import EVERYONE, MEMBERS, Cell, Group, Key, View, groups, reads_roles, rules_of
from remit.table import normal
from remit.table.shape import RuleEntry, Table

Why = Literal["covered", "denied", "never", "idle"]


class Dead(NamedTuple):
    """A rule that never decides. `why`: other rules of its effect cover it (with denies, perhaps), denies alone beat
    it, its condition is never true (of a deny: always false), or, of a deny, nobody is allowed what it forbids. `cover`
    are the rules that make it so, by place."""

    rule: RuleEntry
    why: Why
    cover: tuple[RuleEntry, ...]


class Prover:
    """Answers about one table."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.comparison = Comparison(table, table, quick=True)
        self.views = self.comparison.old
        self._every: dict[Cell, list[Group]] = {}  # of the cell that was asked about last
        self._dead: dict[int, Dead | None] = {}
        self._world = World(table)
        self._tries = available()
        self._plain: dict[int, Solver] = {}  # by the identity of the requests
        self._read: dict[tuple[Cell, int], frozenset[Term]] = {}  # by cell and role, of those asked about last

    # -- dead rules --------------------------------------------------------------------------------------------------

    def dead(self, rule: RuleEntry) -> Dead | None:
        """Whether a rule is dead, and what makes it so; None where it decides something, or z3 cannot tell."""
        if rule.number not in self._dead:
            self._dead[rule.number] = self._judged(rule)
        return self._dead[rule.number]

    def _judged(self, rule: RuleEntry) -> Dead | None:
        cells = [(name, action) for name, actions in rule.cells.items() for action in actions]
        for cell in cells:
            if self._decides(rule, cell):
                return None
            whole, rest = self.views.view(cell), self.views.without(cell, rule)
            if self.comparison.differs(cell, whole, rest, self._groups(cell, whole, rest, rule)) is not False:
                return None
        try:
            return self._why(rule, cells)
        except UnknownError:
            return Dead(rule, "covered", ())

    def _decides(self, rule: RuleEntry, cell: Cell) -> bool:
        """Whether an allow is seen at once to be the only one that decides some request: one for which its condition is
        true is tried. Most rules are, and then nothing has to be proved, which costs more the more rules a cell has."""
        view, mask = self.views.view(cell), self.views.mask(rule)
        form, text = self.views.key(rule, cell[0])
        if rule.effect == "deny" or mask & (EVERYONE | MEMBERS) or reads_roles(view) or not self._tries:
            return False
        if isinstance(form, bool) or len({other.number for _, other in view[rule.effect, text].rules}) > 1:
            return False  # the one needs no solver, and the other is not alone
        requests = self.comparison.requests(cell[0])
        side = requests.sides[0]
        assert side is not None
        solver = self._plain.setdefault(id(requests), Solver(requests.terms))  # which knows of no other rule
        try:
            model = solver.model(side.true(form), requests.placed())
        except UnknownError:
            return False
        if model is None:
            return False
        low = mask & -mask
        lines = tuple(key for key, line in view.items() if line.mask & (low | EVERYONE | MEMBERS))
        if (cell, low) not in self._read:
            self._read = {(cell, low): requests.read((view, lines))}
        case = requests.case(model, read=self._read[cell, low])
        judged = self._world.judge(tuple(self.comparison.numbering.roles(low)), *cell, case)
        return judged.code == "allowed" and [entry.rule.number for entry in judged.allows] == [rule.number]

    def _groups(self, cell: Cell, whole: View, rest: View, rule: RuleEntry) -> list[Group] | None:
        """The groups of a cell with and without a rule, from those with it; None where each role stands for itself."""
        if reads_roles(whole):
            return None
        if cell not in self._every:
            self._every = {cell: groups(whole, whole, self.views.all_roles, self.views.all_roles)}
        key = (rule.effect, self.views.key(rule, cell[0])[1])
        if key not in whole:
            return None
        left = rest[key].mask if key in rest else 0
        found: list[Group] = []
        for group in self._every[cell]:
            blocks = EVERYONE if group.mask == EVERYONE else EVERYONE | MEMBERS
            if key not in group.new or left & blocks:
                found.append(Group(group.mask, group.new, group.new))
                continue
            fewer = tuple(other for other in group.new if other != key)
            kept = group.mask & left if group.mask != EVERYONE else 0
            if kept:
                found.append(Group(kept, group.new, group.new))
            if group.mask & ~kept:
                found.append(Group(group.mask & ~kept, group.new, fewer))
        return found

    def _why(self, rule: RuleEntry, cells: Sequence[Cell]) -> Dead:
        mask = self.views.mask(rule)
        cover: dict[int, RuleEntry] = {}
        always = idle = same = apart = False
        for cell in cells:
            whole, rest = self.views.view(cell), self.views.without(cell, rule)
            form, text = self.views.key(rule, cell[0])
            own = (rule.effect, text)
            if form is False or own not in whole:
                continue  # a condition that never applies needs no cover
            requests = self.comparison.requests(cell[0])
            side = requests.sides[0]
            assert side is not None
            applies = side.true(form) if rule.effect == "allow" else side.not_false(form)
            if not requests.solver.can_be(applies):
                continue
            always = True
            if reads_roles(whole):  # whose rules would count depends on all that somebody holds: none is named
                alike = any(key[0] == rule.effect and self._meet(line.mask, mask) for key, line in rest.items())
                alike = alike and (rule.effect == "deny" or self._covered(cell, whole, rest))
                apart, same, idle = True, same or alike, idle or not alike
                continue
            for group in self._holders(whole, rest, mask):
                keys = self._core(requests, rest, group, rule.effect, applies)
                if keys is None:
                    idle = True  # a deny that nothing covers: it decides nothing since nobody is allowed
                    continue
                holders = self.views.bits.get(rule.role or "", 0) & group.mask or group.mask & mask or group.mask
                low = holders & -holders
                for found in rules_of(rest, keys, low | EVERYONE | (MEMBERS if group.mask != EVERYONE else 0)):
                    cover[found.number] = found
        rules = tuple(cover[number] for number in sorted(cover))
        if not always:
            return Dead(rule, "never", ())
        if rule.effect == "deny":
            return Dead(rule, "idle", ()) if idle else Dead(rule, "covered", rules)
        denied = (bool(rules) or apart) and not same and all(other.effect == "deny" for other in rules)
        return Dead(rule, "denied" if denied else "covered", rules)

    def _covered(self, cell: Cell, whole: View, rest: View) -> bool:
        """Whether a dead allow would be without any deny, too: other allows give what it gives."""
        before, after = ({key: line for key, line in view.items() if key[0] == "allow"} for view in (whole, rest))
        return self.comparison.differs(cell, before, after) is False

    def _holders(self, whole: View, rest: View, mask: int) -> Iterator[Group]:
        """The groups of roles for whom a rule counts."""
        roles = self.views.all_roles
        for group in groups(whole, rest, roles, roles):
            if group.mask & mask or (mask & EVERYONE) or (mask & MEMBERS and group.mask != EVERYONE):
                yield group

    def _core(self, requests: Requests, view: View, group: Group, effect: str, applies: Any) -> list[Key] | None:
        """The other lines that make a rule superfluous for a group where it applies; None where they do not."""
        z3 = requests.z3
        guarded: dict[str, Any] = {}
        names: dict[str, Key] = {}
        for key in group.new:
            if key[0] == "allow" and effect == "deny":
                continue
            name = f"{key[0]} {key[1]}"
            names[name] = key
            guarded[name] = z3.Not(requests.applies(0, view, key))
        found = requests.solver.core(guarded, applies, *self._placed(requests, group))
        return None if found is None else [names[name] for name in found]

    def _placed(self, requests: Requests, group: Group) -> list[Any]:
        return [] if group.mask == EVERYONE else [requests.placed()]

    # -- conditions --------------------------------------------------------------------------------------------------

    def constant(self, condition: Expr, types: Iterable[str]) -> bool | None:
        """What a condition always is on complete requests about any of the types: True or False; None where it
        varies."""
        found: set[bool | None] = set()
        for name in types:
            form = self.views.forms.of(condition, name)
            requests = self.comparison.requests(name)
            question = ("constant", normal.key(form))
            if question not in requests.answers:
                try:
                    requests.answers[question] = self._constant(requests, form)
                except UnknownError:
                    requests.answers[question] = None
            found.add(requests.answers[question])
            if len(found) > 1 or None in found:
                return None
        return found.pop() if found else None

    def _constant(self, requests: Requests, form: Any) -> bool | None:
        side = requests.sides[0]
        assert side is not None
        true = side.true(form)
        complete = requests.complete(read_by(form))
        if not requests.solver.can_be(true, complete):
            return False
        return None if requests.solver.can_be(requests.z3.Not(true), complete) else True

    # -- roles -------------------------------------------------------------------------------------------------------

    def alike(self) -> list[tuple[str, ...]]:
        """Roles that allow the same and forbid the same, by any request: each set of two or more, by name."""
        parts = [self.views.all_roles] if self.views.all_roles else []
        for cell in sorted(self.views.cells):
            if not any(part & (part - 1) for part in parts):
                break
            classes = self._classes(cell)
            parts = [piece for part in parts for piece in _split(part, classes)]
        names = self.comparison.numbering
        return [tuple(names.roles(part)) for part in parts if part & (part - 1)]

    def _classes(self, cell: Cell) -> list[int]:
        """The roles by what they may do and forbid in one cell, those that are equal together."""
        view = self.views.view(cell)
        roles = self.views.all_roles
        if reads_roles(view):
            return list(self.comparison.numbering.each(roles))
        classes: list[tuple[Group, int]] = []
        for group in groups(view, view, roles, roles)[1:]:
            for at, (first, mask) in enumerate(classes):
                if self._equal(cell, view, first, group):
                    classes[at] = (first, mask | group.mask)
                    break
            else:
                classes.append((group, group.mask))
        return [mask for _, mask in classes]

    def _equal(self, cell: Cell, view: View, one: Group, other: Group) -> bool:
        return (
            self._implies(cell, view, one, other)
            and self._implies(cell, view, other, one)
            and self._forbid_alike(cell, view, one, other)
        )

    def _forbid_alike(self, cell: Cell, view: View, one: Group, other: Group) -> bool:
        """Whether they forbid the same, also where the directory does not know the place: nobody is a member there."""
        first, second = (self._binding(view, group) for group in (one, other))
        if first == second:
            return True
        requests = self.comparison.requests(cell[0])
        z3, placed = requests.z3, requests.placed()
        denies = [
            z3.Or(requests.denies(0, view, anywhere), z3.And(placed, requests.denies(0, view, as_members)))
            for anywhere, as_members in (first, second)
        ]
        allows = {key: bool(line.mask & EVERYONE) for key, line in view.items() if key[0] == "allow"}
        allowed = [
            requests.applies(0, view, key) if anywhere else z3.And(placed, requests.applies(0, view, key))
            for key, anywhere in allows.items()
        ]  # to somebody: what nobody is allowed, nobody is forbidden
        question = ("forbid", first, second, tuple(sorted(allows.items())))
        return self._never(requests, question, z3.Xor(*denies), z3.Or(allowed))

    def _binding(self, view: View, group: Group) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
        """A group's denies: those that bind it anywhere, and those that it has as members alone."""
        keys = [key for key in group.new if key[0] == "deny"]
        anywhere = tuple(key for key in keys if view[key].mask & (group.mask | EVERYONE))
        return anywhere, tuple(key for key in keys if key not in anywhere)

    def _implies(self, cell: Cell, view: View, one: Group, other: Group) -> bool:
        """Whether what the one group may, the other may."""
        if one.new == other.new or not any(effect == "allow" for effect, _ in one.new):
            return True
        requests = self.comparison.requests(cell[0])
        first, second = (requests.allowed(0, view, group.new) for group in (one, other))
        question = ("implies", one.new, other.new)
        return self._never(requests, question, first, requests.z3.Not(second), requests.placed())

    def _never(self, requests: Requests, question: Any, *formulas: Any) -> bool:
        if question not in requests.answers:
            try:
                requests.answers[question] = not requests.solver.can_be(*formulas)
            except UnknownError:
                requests.answers[question] = False
        return bool(requests.answers[question])

    def contained(self) -> list[tuple[str, str]]:
        """Pairs of roles: whatever the first may do, the second may too, and more; of those that include one another
        and those that are alike, none. By name."""
        roles = self.views.all_roles
        above = {bit: roles & ~bit for bit in self.comparison.numbering.each(roles)}
        may: int = 0
        for cell in sorted(self.views.cells):
            view = self.views.view(cell)
            if reads_roles(view):
                return []
            every = groups(view, view, roles, roles)[1:]
            for group in every:
                if not any(key[0] == "allow" for key in group.new):
                    continue
                wider = 0
                for other in every:
                    if self._implies(cell, view, group, other):
                        wider |= other.mask
                for bit in self.comparison.numbering.each(group.mask):
                    above[bit] &= wider
                    if any(view[key].mask & bit for key in group.new if key[0] == "allow"):
                        may |= bit
        found = []
        numbering = self.comparison.numbering
        for bit, wider in above.items():
            [name] = numbering.roles(bit)
            for larger in numbering.roles(wider if bit & may else 0):
                back = above[self.views.bits[larger]] & bit
                if not back and name not in self.table.roles[larger].includes:
                    found.append((name, larger))
        return sorted(found)

    # -- overlaps ----------------------------------------------------------------------------------------------------

    def taken(self, deny: RuleEntry) -> list[RuleEntry]:
        """The allow rules of which a deny takes a part, for somebody for whom both count, and leaves a part; by
        place."""
        mask = self.views.mask(deny)
        found: dict[int, RuleEntry] = {}
        whole: dict[int, bool] = {}
        for cell in ((name, action) for name, actions in deny.cells.items() for action in actions):
            view = self.views.view(cell)
            form, _ = self.views.key(deny, cell[0])
            for (effect, _), line in view.items():
                for own, rule in line.rules if effect == "allow" and self._meet(line.mask, mask) else ():
                    if not self._meet(own, mask):
                        continue
                    takes, leaves = self._overlap(cell, line.form, form)
                    if takes:
                        found[rule.number] = rule
                    whole[rule.number] = whole.get(rule.number, False) or leaves
        denied = {(name, action) for name, actions in deny.cells.items() for action in actions}
        for rule in found.values():
            cells = {(name, action) for name, actions in rule.cells.items() for action in actions}
            whole[rule.number] = whole[rule.number] or not cells <= denied
        return [found[number] for number in sorted(found) if whole[number]]

    def _meet(self, one: int, other: int) -> bool:
        """Whether two rules count for one role."""
        return bool(one & other & ~3) or bool((one | other) & EVERYONE) or bool((one | other) & MEMBERS)

    def _overlap(self, cell: Cell, allow: Any, deny: Any) -> tuple[bool, bool]:
        """Whether there are requests for which both apply, and such for which the allow alone does."""
        if allow is True and deny is True:
            return True, False
        requests = self.comparison.requests(cell[0])
        side = requests.sides[0]
        assert side is not None
        may, may_not, applies = side.true(allow), side.true(deny), side.not_false(deny)
        try:
            return requests.solver.can_be(may, may_not), requests.solver.can_be(may, requests.z3.Not(applies))
        except UnknownError:
            return False, False


def _split(part: int, classes: Sequence[int]) -> Iterator[int]:
    for mask in classes:
        if part & mask:
            yield part & mask
