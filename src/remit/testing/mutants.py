"""Mutants: policies with one small change each, to find out what tests would notice.

If a rule can be dropped and every test still passes, no test says that the rule is needed. DeMillo, Lipton and Sayward
(*Hints on Test Data Selection*, 1978) judge tests by such changes: they are small, since faults are small slips, and
tests that tell those from the program tell most larger faults, too. Martin and Xie (*A Fault Model and Mutation Testing
of Access Control Policies*, WWW 2007) carried that over to policies; the changes here are theirs, as far as the
language has what they change, with those of its own: `except`, includes, and how roles come to be held.

    role viewer { allow read on * except report }
    role vet includes viewer { allow refund on invoice when resource.amount <= 500 }

    drop-rule         `vet` without its rule                  widen-actions  allow * on invoice when …
    flip-effect       deny refund on invoice when …           widen-types    allow refund on invoice, payment when …
    drop-condition    allow refund on invoice                 drop-except    `viewer` with report
    negate-condition  … when not resource.amount <= 500       drop-include   `vet` without viewer
    move-bound        … when resource.amount <= 501, <= 499   swap-include   `vet` includes another role

A mutant is data; `mutated` makes its table. Rules are changed in the table, so that most mutants cost next to nothing;
what a table does not keep (`except`, direct includes, where a condition is declared) takes the model. Of an overlay,
what it adds is changed, and nothing of its base. Two changes that come to the same are one mutant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal, NamedTuple

from remit.model import coverage
from remit.model import expression as ex
from remit.model.policy import Model, Rule
from remit.source import Span
from remit.table.lower import lower
from remit.table.shape import AssertEntry, EventEntry, GuardEntry, Place, RuleEntry, Table, TestEntry
from remit.testing.condition_mutants import Variant, negated, replaced, variants

Cell = tuple[str, str]  # type, action

OPERATORS: Mapping[str, str] = {
    "drop-rule": "without the rule",
    "flip-effect": "`allow` and `deny` exchanged",
    "drop-type": "without one of several types",
    "drop-action": "without one of several actions",
    "widen-actions": "for every action of one of its types",
    "widen-types": "for one more type of its areas; where it has them all, for those of all areas",
    "drop-except": "without an item of `except`",
    "drop-condition": "without `when`",
    "negate-condition": "with the opposite condition",
    "drop-part": "without a part of `and`, `or` or a list",
    "swap-and-or": "`and` and `or` exchanged",
    "move-bound": "a number in a comparison moved by one; of other comparisons, the bound taken in or left out",
    "drop-include": "without an included role",
    "swap-include": "with the role whose access comes nearest in place of the included one",
    "drop-guard": "without the guard",
    "move-count": "the guard's number moved by one",
    "drop-active": "a guard that counts those who are not active, too",
    "drop-line": "without the line of `assignments`; `individual over group` is one",
    "drop-requires": "without `requires`",
    "drop-within": "without `role within own`",
    "drop-trigger": "without `when`, in `assignments`",
    "drop-assign": "without a role that the line assigns",
    "swap-assign": "with the role whose access comes nearest in place of the assigned one",
}

_MOST_NEAR = 20  # roles that are looked at for one that comes nearest
_NAMED = 3  # permissions that are named where a rule is widened


class Mutant(NamedTuple):
    """One change. `place` is the line that is changed, `said` tells how, in words that follow "the policy". Of the rest
    one says what stands where: `rules` by their numbers (one without cells is dropped), a role's `includes`, a guard or
    a line of `assignments`, None being none; `adding_up`: `individual over group` is dropped."""

    operator: str
    place: Place
    said: str
    rules: tuple[RuleEntry, ...] = ()
    includes: tuple[str, tuple[str, ...]] | None = None
    guard: tuple[str, GuardEntry | None] | None = None
    line: tuple[int, EventEntry | None] | None = None
    adding_up: bool = False


def mutants(table: Table, model: Model | None = None, membership: bool = True) -> list[Mutant]:
    """Every mutant, by place. `model` is what the table was lowered from; without one, what a table does not keep stays
    as it is. `membership`: guards and assignments are changed, too."""
    from remit.testing.membership_mutants import membership_mutants

    rules = _Rules(table, model)
    found = [*rules.mutants(), *_includes(table, model)]
    if membership:
        found += membership_mutants(table, model)
    return sorted(found, key=lambda mutant: mutant.place[:3])


def mutated(table: Table, mutant: Mutant, model: Model | None = None) -> Table:
    """The table of a mutant, with the tests and asserts of `table`. Only an include takes the model."""
    if mutant.rules:
        changed = {rule.number: rule for rule in mutant.rules}
        return table._replace(rules=tuple(changed.get(rule.number, rule) for rule in table.rules), kept={})
    if mutant.includes is not None:
        assert model is not None
        role, included = mutant.includes
        roles = {**model.roles, role: replace(model.roles[role], includes=included)}
        made = lower(replace(model, roles=roles))
        return made._replace(tests=table.tests, assertions=table.assertions)
    if mutant.guard is not None:
        name, guard = mutant.guard
        guards = {**table.guards, name: guard} if guard is not None else dict(table.guards)
        if guard is None:
            del guards[name]
        return table._replace(guards=guards, kept={})
    if mutant.adding_up:
        return table._replace(individual_over_group=False, kept={})
    assert mutant.line is not None
    at, line = mutant.line
    return table._replace(events=(*table.events[:at], *([line] if line else []), *table.events[at + 1 :]), kept={})


def changed_cells(table: Table, rules: Iterable[RuleEntry]) -> set[Cell]:
    """The cells in which rules say otherwise than those of the same numbers in the table."""
    found: set[Cell] = set()
    for rule in rules:
        old = table.rules[rule.number]
        before, after = cells_of(old), cells_of(rule)
        same = (old.effect, old.condition) == (rule.effect, rule.condition)
        found |= before ^ after if same else before | after
    return found


def cells_of(entry: RuleEntry | AssertEntry) -> set[Cell]:
    return {(name, action) for name, actions in entry.cells.items() for action in actions}


def narrowed(table: Table, cells: Iterable[Cell], assertions: Iterable[AssertEntry] = ()) -> Table:
    """The table cut down to some cells, which decide as they did; with these asserts, and no tests."""
    wanted: dict[str, set[str]] = {}
    for name, action in cells:
        wanted.setdefault(name, set()).add(action)

    def cut(found: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        left = {name: tuple(one for one in found[name] if one in wanted[name]) for name in found if name in wanted}
        return {name: actions for name, actions in left.items() if actions}

    kinds = {name: table.types[name] for name in table.types if name in wanted}
    no_tests: tuple[TestEntry, ...] = ()
    return table._replace(
        types={
            name: kind._replace(actions=tuple(one for one in kind.actions if one in wanted[name]))
            for name, kind in kinds.items()
        },
        rules=tuple(rule._replace(cells=cut(rule.cells)) for rule in table.rules),
        assertions=tuple(claim._replace(cells=cut(claim.cells), other=cut(claim.other)) for claim in assertions),
        tests=no_tests,
        kept={},
    )


# -- rules -------------------------------------------------------------------------------------------------------------


class _Rules:
    """Changes rules: one at a time, or those that use a named condition together."""

    def __init__(self, table: Table, model: Model | None) -> None:
        self.table = table
        self.model = model
        self.own = [rule for rule in table.own_rules() if rule.cells]
        self.by_area: dict[str, list[str]] = {}
        for kind in table.types.values():
            self.by_area.setdefault(kind.area, []).append(kind.name)

    def mutants(self) -> Iterator[Mutant]:
        written = self._written()
        for rule in self.own:
            seen = [_said_by(rule)]
            place = rule.place
            for mutant in self._of_rule(rule, written.get((place.file, place.line, place.column))):
                if _said_by(mutant.rules[0]) not in seen:
                    seen.append(_said_by(mutant.rules[0]))
                    yield mutant
        yield from self._named()

    def _of_rule(self, rule: RuleEntry, written: Rule | None) -> Iterator[Mutant]:
        def made(operator: str, said: str, changed: RuleEntry) -> Mutant:
            more = cells_of(changed) - cells_of(rule)
            return Mutant(operator, rule.place, said or f"with {_listed(more)}, too", (changed,))

        yield made("drop-rule", "without this rule", rule._replace(cells={}))
        flipped: Literal["allow", "deny"] = "deny" if rule.effect == "allow" else "allow"
        yield made("flip-effect", f"with `{flipped}` instead of `{rule.effect}`", rule._replace(effect=flipped))
        if rule.condition is not None:
            dropped = rule._replace(condition=None, condition_text="")
            yield made("drop-condition", f"without `when {ex.text(rule.condition)}`", dropped)
            for variant in (negated(rule.condition), *variants(rule.condition)):
                yield made(variant.operator, variant.said, _when(rule, variant))
        if written is not None and self.model is not None:
            for at, item in enumerate(written.excepts):
                without = replace(written, excepts=(*written.excepts[:at], *written.excepts[at + 1 :]))
                base = self.model.layers()[0]
                found = coverage.rule_cells(without, base.areas, base.types)
                actions = [f"{item.action.name} on "] if item.action is not None else []
                said = f"without `except {''.join(actions)}{item.type or '*'}`"
                yield made("drop-except", said, rule._replace(cells=_in_order(found)))
        for operator, name, left in _narrower(rule):
            yield made(operator, f"without `{name}`", left)
        for name in rule.cells:
            widened = {**rule.cells, name: tuple(sorted(self.table.types[name].actions))}
            yield made("widen-actions", "", rule._replace(cells=widened))
        for cells in self._more_types(rule):
            yield made("widen-types", "", rule._replace(cells=cells))

    def _written(self) -> dict[tuple[str, int, int], Rule]:
        """The own rules as written, by place."""
        if self.model is None:
            return {}
        blocks = (self.model.everyone, self.model.members)
        roles = (role.rules for role in self.model.roles.values())
        rules = (rule for found in (*blocks, *roles, *self.model.extensions.values()) for rule in found)
        return {(rule.span.source.name, rule.span.line, rule.span.column): rule for rule in rules}

    def _more_types(self, rule: RuleEntry) -> Iterator[dict[str, tuple[str, ...]]]:
        """The rule's cells with one more type of its areas; where it has all of those, with all types of all areas."""
        areas = {self.table.types[name].area for name in rule.cells}
        inside = self._others(rule, [name for area in sorted(areas) for name in self.by_area[area]])
        for name, actions in inside.items():
            yield _in_order({**rule.cells, name: actions})
        if not inside:
            yield _in_order({**rule.cells, **self._others(rule, self.table.types)})

    def _others(self, rule: RuleEntry, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Other types that the rule could be about, with those of its actions that they have."""
        actions = {action for found in rule.cells.values() for action in found}
        here = {name: tuple(sorted(actions.intersection(self.table.types[name].actions))) for name in names}
        return {
            name: found
            for name, found in here.items()
            if name not in rule.cells and found and self._readable(rule.condition, name)
        }

    def _readable(self, condition: ex.Expr | None, name: str) -> bool:
        """Whether a type has what a condition reads."""
        reading = self.table.reading(name)
        return condition is None or all(reading.find(attr) is not None for attr in ex.attributes(condition))

    def _named(self) -> Iterator[Mutant]:
        """Named conditions changed where they are declared."""
        using: dict[str, list[RuleEntry]] = {}
        bodies: dict[str, ex.Expr] = {}
        for rule in self.own:
            for node in ex.walk(rule.condition) if rule.condition is not None else ():
                if isinstance(node, ex.Named):
                    bodies[node.name] = node.body
                    if rule not in using.setdefault(node.name, []):
                        using[node.name].append(rule)
        for name, rules in using.items():
            place = self._declared(name, rules[0])
            for variant in variants(bodies[name]) if place is not None else ():
                changed = [
                    _when(rule, variant._replace(condition=replaced(rule.condition, name, variant.condition)))
                    for rule in rules
                    if rule.condition is not None
                ]
                assert place is not None
                yield Mutant(variant.operator, place, variant.said, tuple(changed))

    def _declared(self, name: str, rule: RuleEntry) -> Place | None:
        """Where a condition is declared, as far as is known; None where that is in the base."""
        if self.model is None:
            return None if self.table.base else rule.place
        found = self.model.conditions.get(name)
        return None if found is None else place_of(found.span)


def _when(rule: RuleEntry, variant: Variant) -> RuleEntry:
    return rule._replace(condition=variant.condition, condition_text=ex.text(variant.condition))


def _said_by(rule: RuleEntry) -> tuple[object, ...]:
    return (rule.effect if rule.cells else "", rule.cells, rule.condition if rule.cells else None)


def _narrower(rule: RuleEntry) -> Iterator[tuple[str, str, RuleEntry]]:
    """A rule of several types without one of them, one of several actions without one, each with what it is without."""
    for name in rule.cells if len(rule.cells) > 1 else ():
        kept = {other: found for other, found in rule.cells.items() if other != name}
        yield "drop-type", name, rule._replace(cells=kept)
    actions = sorted({action for found in rule.cells.values() for action in found})
    for action in actions if len(actions) > 1 else ():
        left = {name: tuple(one for one in found if one != action) for name, found in rule.cells.items()}
        yield "drop-action", action, rule._replace(cells={name: found for name, found in left.items() if found})


def _in_order(cells: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(sorted(cells[name])) for name in sorted(cells)}


def _listed(cells: set[Cell]) -> str:
    """`delete on invoice, read on report and 2 others`."""
    shown = [f"{action} on {name}" for name, action in sorted(cells)]
    more = len(shown) - _NAMED
    return ", ".join(shown[:_NAMED]) + (f" and {more} other{'' if more == 1 else 's'}" if more > 0 else "")


def place_of(span: Span) -> Place:
    """A stretch of a policy's own text as a place."""
    source = span.source
    line, column = source.position(span.start)
    stop = source.text.find("\n", span.end)
    trail = source.text[span.end : stop if stop >= 0 else len(source.text)].rstrip()
    return Place(source.name, line, column, span.text, source.text[span.start - column + 1 : span.start], trail)


# -- includes ----------------------------------------------------------------------------------------------------------


def _includes(table: Table, model: Model | None) -> Iterator[Mutant]:
    if model is None:
        return
    access = Access(table)
    for role in model.roles.values():
        for at, name in enumerate(role.includes):
            before, after = role.includes[:at], role.includes[at + 1 :]
            place = table.roles[role.name].place
            dropped = (role.name, (*before, *after))
            yield Mutant("drop-include", place, f"without including `{name}`", includes=dropped)
            others = [
                other
                for other in table.roles
                if other not in (role.name, *role.includes) and role.name not in table.roles[other].includes
            ]
            other = access.nearest(name, others)
            if other is not None:
                swapped = (role.name, (*before, other, *after))
                said = f"including `{other}` instead of `{name}`"
                yield Mutant("swap-include", place, said, includes=swapped)


class Access:
    """What each role speaks of, to find those that are easily mixed up."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._spoken: dict[str, frozenset[tuple[str, str, str]]] = {}

    def nearest(self, name: str, others: Iterable[str]) -> str | None:
        """The role that differs from `name` in the fewest permissions, the first by name; one that is just alike only
        where there is no other. None without any."""
        own = self._of(name)
        near = sorted(others, key=lambda other: (abs(len(self._of(other)) - len(own)), other))[:_MOST_NEAR]
        distances = {other: len(self._of(other) ^ own) for other in near}
        return min(near, key=lambda other: (not distances[other], distances[other], other), default=None)

    def _of(self, name: str) -> frozenset[tuple[str, str, str]]:
        if name not in self._spoken:
            facets = self.table.roles[name].facets
            self._spoken[name] = frozenset(
                (rule.effect, *cell)
                for rule in self.table.rules
                if not facets.isdisjoint(rule.facets)
                for cell in cells_of(rule)
            )
        return self._spoken[name]


__all__ = [
    "OPERATORS", "Access", "Cell", "Mutant", "cells_of", "changed_cells", "mutants", "mutated", "narrowed",
    "place_of",
]  # fmt: skip
