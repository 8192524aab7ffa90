"""Lower: model → table. Wildcards, sets, bundles, `except`, includes, overlays and locks are settled here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from remit.model import coverage
from remit.model.policy import Assertion, Expectation, Model, Role, Rule, Selector, Test, TestResource, TestUser
from remit.model.policy import TestEvent as ModelEvent
from remit.source import Span
from remit.table.shape import (
    BLOCKS,
    AssertEntry,
    EventEntry,
    GuardEntry,
    Place,
    RoleEntry,
    RuleEntry,
    Table,
    TestEntry,
    TypeEntry,
)

_QUOTED = 200  # characters of a line kept beside a rule


def lower(model: Model) -> Table:
    """The decision table of a model without errors."""
    return _Lowering(model).table()


class _Facet:
    """A role as seen from one layer: its rules there, and the facets it includes."""

    def __init__(self, number: int, name: str, role: Role) -> None:
        self.number = number
        self.name = name
        self.role = role
        self.includes: list[_Facet] = []


class _Lowering:
    def __init__(self, model: Model) -> None:
        self.model = model
        self.layers = model.layers()
        self.catalogue = self.layers[0]
        self.facets: dict[tuple[int, str], _Facet] = {}
        self.written: dict[int, tuple[Rule, int, str | None, str | None, set[int]]] = {}
        self.order: list[int] = []

    def table(self) -> Table:
        model, top = self.model, len(self.layers) - 1
        reach: dict[str, tuple[set[int], set[str]]] = {}
        for name in model.role_names():
            reach[name] = self._reach(self._facet(top, name))
        self._gather()
        roles = {name: self._role(name, *reach[name]) for name in model.role_names()}
        return Table(
            name=model.name,
            title=model.title,
            base=self.layers[-2].name if top else "",
            root=model.root,
            scopes=dict(model.scopes),
            areas={area.name: area.title for area in self.catalogue.areas.values()},
            types={
                kind.name: TypeEntry(kind.name, kind.area, kind.title, kind.actions, kind.attributes)
                for kind in self.catalogue.types.values()
            },
            user=model.user,
            context=model.context,
            claims=model.claims,
            roles=roles,
            facet_count=len(BLOCKS) + len(self.facets),
            rules=self._rules(),
            individual_over_group=model.individual_over_group,
            roles_from_subject=model.roles_from_subject,
            events=tuple(self._event(level, event) for level, layer in self._each() for event in layer.events),
            guards={name: self._guard(level, name) for level, layer in self._each() for name in layer.guards},
            assertions=tuple(self._assert(level, a) for level, layer in self._each() for a in layer.assertions),
            tests=tuple(self._test(top, test) for test in model.tests),
            conditions={name: c.title for _, layer in self._each() for name, c in layer.conditions.items()},
            origins=self._origins(),
            kept={},
        )

    def _each(self) -> Iterable[tuple[int, Model]]:
        return enumerate(self.layers)

    # -- facets ----------------------------------------------------------------------------------------------------

    def _facet(self, level: int, name: str) -> _Facet:
        """The facet of `name` seen from `level`: a locked role's is its own layer's."""
        declared = next(at for at in range(level, -1, -1) if name in self.layers[at].roles)
        role = self.layers[declared].roles[name]
        key = (declared if role.locked else level, name)
        if key not in self.facets:
            self.facets[key] = facet = _Facet(len(BLOCKS) + len(self.facets), name, role)
            pending = [(key[0], facet)]
            while pending:
                seen_from, current = pending.pop()
                for included in current.role.includes:
                    below, fresh = self._known(seen_from, included)
                    current.includes.append(below)
                    if fresh is not None:
                        pending.append((fresh, below))
        return self.facets[key]

    def _known(self, level: int, name: str) -> tuple[_Facet, int | None]:
        declared = next(at for at in range(level, -1, -1) if name in self.layers[at].roles)
        role = self.layers[declared].roles[name]
        seen_from = declared if role.locked else level
        key = (seen_from, name)
        if key in self.facets:
            return self.facets[key], None
        self.facets[key] = facet = _Facet(len(BLOCKS) + len(self.facets), name, role)
        return facet, seen_from

    def _reach(self, facet: _Facet) -> tuple[set[int], set[str]]:
        """The facets reached, and the names of the roles held with it."""
        numbers, names, pending = {facet.number}, {facet.name}, [facet]
        while pending:
            for below in pending.pop().includes:
                names.add(below.name)
                if below.number not in numbers:
                    numbers.add(below.number)
                    pending.append(below)
        return numbers, names

    # -- rules -----------------------------------------------------------------------------------------------------

    def _gather(self) -> None:
        """Each written rule once, with the facets it belongs to: a base's rule may count for several."""
        for level, layer in self._each():
            for number, rules in enumerate((layer.everyone, layer.members)):
                for rule in rules:
                    self._add(rule, level, None, BLOCKS[number], number)
        for (level, name), facet in self.facets.items():
            declared = next(at for at in range(level, -1, -1) if name in self.layers[at].roles)
            for rule in facet.role.rules:
                self._add(rule, declared, name, None, facet.number)
            for at in range(declared + 1, level + 1):
                for rule in self.layers[at].extensions.get(name, ()):
                    self._add(rule, at, name, None, facet.number)

    def _add(self, rule: Rule, level: int, role: str | None, block: str | None, facet: int) -> None:
        if id(rule) in self.written:
            self.written[id(rule)][4].add(facet)
        else:
            self.written[id(rule)] = (rule, level, role, block, {facet})

    def _rules(self) -> tuple[RuleEntry, ...]:
        found = [
            (self._place(level, rule.span), rule, role, block, facets)
            for rule, level, role, block, facets in self.written.values()
        ]
        found.sort(key=lambda item: (item[0].file, item[0].line, item[0].column, item[3] or "", item[2] or ""))
        entries: list[RuleEntry] = []
        for place, rule, role, block, facets in found:
            cells = self._cells(coverage.rule_cells(rule, self.catalogue.areas, self.catalogue.types))
            at = rule.condition_span.start - rule.span.start if rule.condition_span else 0
            entries.append(
                RuleEntry(
                    number=len(entries),
                    effect=rule.effect,
                    role=role,
                    block=block,
                    facets=tuple(sorted(facets)),
                    cells=cells,
                    condition=rule.condition,
                    condition_text=rule.condition_text,
                    condition_at=at,
                    because=rule.because,
                    place=place,
                )
            )
        return tuple(entries)

    def _cells(self, found: coverage.Cells) -> dict[str, tuple[str, ...]]:
        return {name: tuple(sorted(found[name])) for name in sorted(found)}

    def _role(self, name: str, facets: set[int], names: set[str]) -> RoleEntry:
        level = next(at for at in range(len(self.layers) - 1, -1, -1) if name in self.layers[at].roles)
        role = self.layers[level].roles[name]
        includes = tuple(sorted(names - {name}))
        place = self._place(level, role.span)
        # A role that an overlay replaces keeps the names directories may know it by: else its denies would be lost.
        former = tuple(
            dict.fromkeys(old for layer in self.layers if name in layer.roles for old in layer.roles[name].former)
        )
        return RoleEntry(name, role.title, role.locked, former, includes, frozenset(facets), place)

    # -- the rest --------------------------------------------------------------------------------------------------

    def _event(self, level: int, event: Any) -> EventEntry:
        place = self._place(level, event.span)
        return EventEntry(
            event.kind, event.to_group, event.requires, event.within_own, event.trigger, event.assign, place
        )

    def _guard(self, level: int, name: str) -> GuardEntry:
        guard = self.layers[level].guards[name]
        place = self._place(level, guard.span)
        return GuardEntry(
            name, guard.title, guard.kind, guard.count, guard.active, guard.role, guard.other, guard.per, place
        )

    def _assert(self, level: int, claim: Assertion) -> AssertEntry:
        place = self._place(level, claim.span)
        cells, other = self._selected(claim.selector), self._selected(claim.other)
        return AssertEntry(claim.title, claim.kind, claim.roles, cells, other, claim.condition, place)

    def _selected(self, selector: Selector | None) -> dict[str, tuple[str, ...]]:
        if selector is None:
            return {}
        return self._cells(coverage.cells(selector, None, self.catalogue.areas, self.catalogue.types))

    def _test(self, level: int, test: Test) -> TestEntry:
        return TestEntry(test.title, tuple(_line(line) for line in test.lines), self._place(level, test.span))

    def _place(self, level: int, span: Span) -> Place:
        prefix = "" if level == len(self.layers) - 1 else f"{self.layers[level].name}:"
        line, column = span.source.position(span.start)
        lead = span.source.text[span.start - column + 1 : span.start]
        stop = span.source.text.find("\n", span.end)
        trail = span.source.text[span.end : stop if stop >= 0 else len(span.source.text)].rstrip()
        return Place(prefix + span.source.name, line, column, span.text, lead[-_QUOTED:], trail[:_QUOTED])

    def _origins(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for level, layer in self._each():
            rules = [*layer.everyone, *layer.members, *(r for role in layer.roles.values() for r in role.rules)]
            rules.extend(rule for extension in layer.extensions.values() for rule in extension)
            spans = [*(rule.span for rule in rules), *(role.span for role in layer.roles.values())]
            spans += [event.span for event in layer.events] + [guard.span for guard in layer.guards.values()]
            spans += [claim.span for claim in layer.assertions] + [test.span for test in layer.tests]
            for span in spans:
                place = span.source
                prefix = "" if level == len(self.layers) - 1 else f"{layer.name}:"
                if place.origin:
                    found[prefix + place.name] = place.origin
        return found


def _line(line: Any) -> dict[str, Any]:
    """A line of a test as plain data."""
    found: dict[str, Any] = {"line": line.span.line, "column": line.span.column, "text": line.span.text}
    if isinstance(line, TestUser):
        held = [{"role": role, "scope": scope, "group": group} for role, scope, group in line.held]
        attributes = _plain(line.attributes)
        return found | {
            "kind": "user", "id": line.id, "status": line.status, "held": held, "groups": list(line.groups),
            "attributes": attributes,
        }  # fmt: skip
    if isinstance(line, TestResource):
        properties = _plain(line.properties)
        return found | {
            "kind": "given",
            "type": line.type,
            "id": line.id,
            "scope": line.scope,
            "properties": properties,
        }
    if isinstance(line, Expectation):
        return found | {
            "kind": "may", "user": line.user, "allowed": line.allowed, "action": line.action,
            "resource": line.resource, "context": _plain(line.context), "because": line.because,
        }  # fmt: skip
    if isinstance(line, ModelEvent):
        return found | {
            "kind": "event", "event": line.kind, "user": line.user, "group": line.group, "by": line.by,
            "role": line.role, "scope": line.scope, "claims": _plain(line.claims), "accepted": line.accepted,
            "because": line.because,
        }  # fmt: skip
    return found | {"kind": "scope", "name": line.name, "parent": line.parent}


def _plain(values: Any) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
