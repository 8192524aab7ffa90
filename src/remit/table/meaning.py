"""What a table means, apart from where it was written: canonical JSON data, and the digest over it (SEMANTICS 6).

Reordered, moved, renamed-condition sources give the same bytes; so do two runs with two hash seeds, for everything is
by name and sorted. Equal digests imply equal decisions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from remit.model.expression import Expr
from remit.model.types import Attributes, AttributeType, Reading, Type
from remit.table import normal
from remit.table.shape import BLOCKS, RuleEntry, Table


def canonical(data: Any) -> str:
    """The one JSON text of plain data: sorted keys, no blanks."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(table: Table) -> str:
    """SHA-256 over the meaning, in hexadecimal; kept in the table once known."""
    if "digest" not in table.kept:
        table.kept["digest"] = digest_of(canonical(meaning(table)))
    return table.kept["digest"]


def digest_of(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    import hashlib  # it loads OpenSSL: 5 ms that a plain answer does without

    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def meaning(table: Table) -> dict[str, Any]:
    """The meaning as plain data."""
    return {**meaning_beside(table), "cells": _cells(table)}


def meaning_beside(table: Table) -> dict[str, Any]:
    """All of the meaning but the cells."""
    return {
        **declared(table),
        "assertions": sorted((_assertion(table, claim) for claim in table.assertions), key=canonical),
        "assignments": {
            **settings(table),
            "lines": sorted((_event(table, event) for event in table.events), key=canonical),
        },
    }


def declared(table: Table) -> dict[str, Any]:
    """What has a name: the parts of the meaning that no condition stands in."""
    return {
        "catalogue": {
            "claims": attributes_data(table.claims),
            "context": attributes_data(table.context),
            "types": {
                name: {
                    "actions": sorted(kind.actions),
                    "area": kind.area,
                    "attributes": attributes_data(kind.attributes),
                }
                for name, kind in table.types.items()
            },
            "user": attributes_data(table.user),
        },
        "guards": {
            name: [guard.kind, guard.count, guard.active, guard.role, guard.other, guard.per]
            for name, guard in table.guards.items()
        },
        "roles": {
            name: {"former": sorted(role.former), "includes": sorted(role.includes), "locked": role.locked}
            for name, role in table.roles.items()
        },
        "scopes": {"kinds": dict(table.scopes), "root": table.root},
    }


def settings(table: Table) -> dict[str, bool]:
    """What `assignments` says beside its lines."""
    return {
        "individual_over_group": table.individual_over_group,
        "roles_from_subject": table.roles_from_subject,
    }


def attributes_data(attributes: Attributes) -> dict[str, Any]:
    """Declared attributes as plain data: name → [type, optional]."""
    return {name: [type_data(found.type), found.optional] for name, found in attributes.items()}


def type_data(kind: Type) -> Any:
    """A type as plain data: its word, {"enum": […]} or {"set": type}."""
    if kind.kind == "enum":
        return {"enum": list(kind.values)}
    if kind.kind == "set" and kind.element:
        return {"set": type_data(kind.element)}
    return kind.kind


def attributes_from(data: Mapping[str, Any]) -> dict[str, AttributeType]:
    """The inverse of `attributes_data`. Raises KeyError, TypeError or ValueError on anything else."""
    return {name: AttributeType(type_from(kind), bool(optional)) for name, (kind, optional) in data.items()}


def type_from(data: Any) -> Type:
    """The inverse of `type_data`."""
    if isinstance(data, dict):
        if "enum" in data:
            return Type("enum", tuple(str(value) for value in data["enum"]))
        return Type("set", element=type_from(data["set"]))
    if data not in ("string", "int", "bool", "time", "user"):
        raise ValueError(f"no type {data!r}")
    return Type(str(data))


# -- cells -----------------------------------------------------------------------------------------------------------


class Forms:
    """Normal forms of conditions, each worked out once for each set of declarations it is read at."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.readings: dict[str, Reading] = {}
        self.known: dict[tuple[int, str], normal.Normal] = {}

    def of(self, condition: Expr | None, resource_type: str) -> normal.Normal:
        """The normal form of a rule's condition at a type."""
        if condition is None:
            return True
        found = self.known.get((id(condition), resource_type))
        if found is None:
            if resource_type not in self.readings:
                self.readings[resource_type] = self.table.reading(resource_type)
            found = normal.normal(condition, self.readings[resource_type])
            self.known[id(condition), resource_type] = found
        return found


def rule_id(rule: RuleEntry, resource_type: str, action: str, form: normal.Normal) -> str:
    """The stable id of a rule in one cell: a hash of role, effect, cell and normalised condition (SEMANTICS 4)."""
    return digest_of(canonical([rule.role or rule.block, rule.effect, resource_type, action, form]))[:16]


def _cells(table: Table) -> dict[str, Any]:
    """type → action → effect → canonical condition → the roles (and blocks) that have it, after includes.

    Roles that reach the same facets of a cell share one form, so the work is per combination and not per role."""
    forms = Forms(table)
    by_cell: dict[tuple[str, str], list[RuleEntry]] = {}
    for rule in table.rules:
        for pair in rule.pairs():
            by_cell.setdefault(pair, []).append(rule)
    reaching: dict[int, list[str]] = {number: [block] for number, block in enumerate(BLOCKS)}
    for role in table.roles.values():
        for facet in role.facets:
            reaching.setdefault(facet, []).append(role.name)
    found: dict[str, Any] = {}
    for (name, action), rules in by_cell.items():
        cell: dict[str, dict[str, list[str]]] = {"allow": {}, "deny": {}}
        having: dict[tuple[str, str], list[int]] = {}  # role, effect → its rules here
        for at, rule in enumerate(rules):
            for holder in {holder for facet in rule.facets for holder in reaching.get(facet, ())}:
                having.setdefault((holder, rule.effect), []).append(at)
        joined: dict[tuple[int, ...], str] = {}
        for (holder, effect), numbers in having.items():
            which = tuple(numbers)
            if which not in joined:
                joined[which] = normal.key(normal.either([forms.of(rules[at].condition, name) for at in which]))
            if joined[which] != "false":
                cell[effect].setdefault(joined[which], []).append(holder)
        for effect in ("allow", "deny"):
            for holders in cell[effect].values():
                holders.sort()
        if cell["allow"] or cell["deny"]:
            found.setdefault(name, {})[action] = {effect: value for effect, value in cell.items() if value}
    return found


def _event(table: Table, event: Any) -> list[Any]:
    trigger = event.trigger
    if trigger is not None and not isinstance(trigger, str):
        trigger = normal.normal(trigger, Reading({"claims": table.claims}))
    requires = list(event.requires) if event.requires else None
    return [event.kind, event.to_group, requires, event.within_own, trigger, sorted(event.assign)]


def _assertion(table: Table, claim: Any) -> list[Any]:
    forms: dict[str, Any] = {}
    if claim.condition is not None:
        for name in claim.cells:
            forms[name] = normal.normal(claim.condition, table.reading(name))
    cells = {name: sorted(actions) for name, actions in claim.cells.items()}
    other = {name: sorted(actions) for name, actions in claim.other.items()}
    roles = list(claim.roles) if claim.kind == "within" else sorted(claim.roles)
    return [claim.kind, roles, cells, other, forms]
