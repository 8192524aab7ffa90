"""A table as plain data, which JSON can hold: what `remit.table.unpack` reads back.

`meaning` is what of the meaning has a name and no condition, `provenance` all the rest. Rules are columns, since there
are many of them and they are alike: what is made and checked a column at a time costs a tenth of what it costs a rule
at a time. What repeats stands in a list of its own, and columns have its number there:

    rule viewer: allow read on record        texts       ["", "allow read on record", "allow read on invoice", "  "]
    rule viewer: allow read on invoice       facet_sets  [[2]]
                                             cell_sets   [{"record": ["read"]}, {"invoice": ["read"]}]
                                             rules       {"effect": "aa", "holder": [2, 2], "facets": [0, 0],
                                                          "cells": [0, 1], "condition": [-1, -1], "text": [1, 2], …}
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from remit.table import meaning
from remit.table.condition_data import Written
from remit.table.shape import BLOCKS, Place, RuleEntry, Table

Item = TypeVar("Item", bound=Hashable)


def pack(table: Table) -> dict[str, Any]:
    """The table as plain data, in the order it has; its `origins` left out, and its digest."""
    meant = {**meaning.declared(table), "assignments": meaning.settings(table)}
    return {"meaning": meant, "provenance": provenance(table)}


def provenance(table: Table) -> dict[str, Any]:
    """Where each part was written, with the rules themselves."""
    conditions, files, cells = Written(), _Pool[str](), _Cells()

    def place(found: Place) -> list[Any]:
        return [files.number(found.file), *found[1:]]

    texts, facets = _Pool[str](), _Pool[tuple[int, ...]]()
    return {
        "name": table.name,
        "title": table.title,
        "base": table.base,
        "areas": [[name, title] for name, title in table.areas.items()],
        "types": [[kind.name, kind.title, list(kind.actions)] for kind in table.types.values()],
        "scopes": list(table.scopes),
        "roles": [
            {
                "name": role.name,
                "title": role.title,
                "former": list(role.former),
                "facets": sorted(role.facets),
                "place": place(role.place),
            }
            for role in table.roles.values()
        ],
        "facets": table.facet_count,
        "rules": _rules(table, conditions, files, cells, texts, facets),
        "events": [
            {
                "kind": event.kind,
                "to_group": event.to_group,
                "requires": event.requires,
                "within_own": event.within_own,
                "trigger": event.trigger if isinstance(event.trigger, str) else None,
                "condition": -1 if isinstance(event.trigger, str) else conditions.number(event.trigger),
                "assign": list(event.assign),
                "place": place(event.place),
            }
            for event in table.events
        ],
        "guards": [[guard.name, guard.title, place(guard.place)] for guard in table.guards.values()],
        "assertions": [
            {
                "title": claim.title,
                "kind": claim.kind,
                "roles": list(claim.roles),
                "cells": cells.number(claim.cells),
                "other": cells.number(claim.other),
                "condition": conditions.number(claim.condition),
                "place": place(claim.place),
            }
            for claim in table.assertions
        ],
        "tests": [
            {"title": test.title, "lines": [dict(line) for line in test.lines], "place": place(test.place)}
            for test in table.tests
        ],
        "conditions": dict(table.conditions),
        "files": files.items(),
        "texts": texts.items(),
        "expressions": conditions.data,
        "facet_sets": [list(found) for found in facets.items()],
        "cell_sets": cells.data,
    }


def _rules(
    table: Table,
    conditions: Written,
    files: _Pool[str],
    cells: _Cells,
    texts: _Pool[str],
    facets: _Pool[tuple[int, ...]],
) -> dict[str, Any]:
    holders = {name: number for number, name in enumerate(table.roles, len(BLOCKS))}
    rules = table.rules
    places = [rule.place for rule in rules]
    return {
        "effect": "".join(rule.effect[0] for rule in rules),
        "holder": [_holder(rule, holders) for rule in rules],
        "facets": facets.numbers(rule.facets for rule in rules),
        "cells": [cells.number(rule.cells) for rule in rules],
        "condition": [conditions.number(rule.condition) for rule in rules],
        "condition_text": texts.numbers(rule.condition_text for rule in rules),
        "condition_at": [rule.condition_at for rule in rules],
        "because": texts.numbers(rule.because for rule in rules),
        "file": files.numbers(place.file for place in places),
        "line": [place.line for place in places],
        "column": [place.column for place in places],
        "text": texts.numbers(place.text for place in places),
        "lead": texts.numbers(place.lead for place in places),
        "trail": texts.numbers(place.trail for place in places),
    }


def _holder(rule: RuleEntry, holders: Mapping[str, int]) -> int:
    """The blocks come first, then the roles."""
    return holders[rule.role] if rule.role is not None else BLOCKS.index(rule.block or "")


class _Pool(Generic[Item]):
    """Things that repeat, each once, with their numbers."""

    def __init__(self) -> None:
        self._numbers: dict[Item, int] = {}

    def number(self, item: Item) -> int:
        return self._numbers.setdefault(item, len(self._numbers))

    def numbers(self, items: Iterable[Item]) -> list[int]:
        known = self._numbers
        return [known.setdefault(item, len(known)) for item in items]

    def items(self) -> list[Item]:
        return list(self._numbers)


class _Cells:
    """Cell sets, each once."""

    def __init__(self) -> None:
        self._pool = _Pool[tuple[tuple[str, tuple[str, ...]], ...]]()

    def number(self, cells: Mapping[str, tuple[str, ...]]) -> int:
        return self._pool.number(tuple(cells.items()))

    @property
    def data(self) -> list[dict[str, list[str]]]:
        return [{name: list(actions) for name, actions in items} for items in self._pool.items()]
