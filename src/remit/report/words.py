"""Sentences about decisions: who holds what, what a condition saw, what a repair asks for. Text only, no layout."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from remit.evaluator.holding import Holding
from remit.explanation.explain import Explanation
from remit.explanation.repairs import Atom
from remit.explanation.trace import Part
from remit.model import expression as ex
from remit.report.escape import safe
from remit.report.people import Person
from remit.table.shape import RuleEntry, Table


def value_text(value: Any) -> str:
    """A JSON value as the policy language would write it."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(value_text(item) for item in value) + "]"
    if isinstance(value, str | int | bool):
        return ex.literal(value) if not isinstance(value, str) or len(value) <= 80 else ex.literal(value[:77]) + "…"
    return "of another type" if value is not None else "missing"


def truth(value: bool | None) -> str:
    return "unknown" if value is None else "true" if value else "false"


def saw(parts: Iterable[Part]) -> str:
    """`resource.vet is "ann", user.id is "bob"`: what the parts read, each attribute once."""
    seen: dict[str, str] = {}
    for part in parts:
        for name, value in part.saw.items():
            if value is None:
                seen[name] = f"{name} is missing"
            elif name in part.unread:
                seen[name] = f"{name} is {value_text(value)}, which is no value of its type"
            else:
                seen[name] = f"{name} is {value_text(value)}"
    seen = {name: safe(text) for name, text in seen.items()}
    if len(parts_list := list(parts)) == 1 and parts_list[0].value is True and _equality(parts_list[0]):
        (left, value), (right, _) = parts_list[0].saw.items()
        return safe(f"{left} is {value_text(value)}, as is {right}")
    return ", ".join(seen.values())


def _equality(part: Part) -> bool:
    return isinstance(part.expr, ex.Compare) and part.expr.operator == "==" and len(part.saw) == 2


def place_words(table: Table, scope: str | None) -> str:
    """` at branch/north`; nothing where the policy knows no places."""
    name = scope or table.root
    return f" at {safe(name)}" if name else ""


def held_words(explanation: Explanation, who: Person, holding: Holding) -> str:
    """`ann holds vet at company through group desk`."""
    table = explanation.pdp.table
    at = place_words(table, holding.scope)
    start = f"{who.again} {who.holds}"
    if holding.via == "group":
        return f"{start} {safe(holding.role)}{at} through group {safe(holding.group or '')}"
    if holding.via == "subject":
        return f"{start} {safe(holding.role)}{at}, as the request says"
    if holding.via == "option":
        return f"{start} {safe(holding.role)}{at}"
    return f"{start} {safe(holding.role)}{at}, assigned to {who.again}"


def holders_of(explanation: Explanation, rule: RuleEntry) -> list[Holding]:
    """The ways the roles are held that bring this rule, hidden ones only where it is a deny."""
    table = explanation.pdp.table
    hidden = {id(holding) for holding, _ in explanation.hidden}
    return [
        holding
        for holding in explanation.held
        if not table.roles[holding.role].facets.isdisjoint(rule.facets)
        and (rule.effect == "deny" or id(holding) not in hidden)
    ]


def atom_words(explanation: Explanation, atom: Atom, who: Person, at: str) -> str:
    """What one atom of a repair asks for."""
    if atom.kind == "activate":
        return f"{who.again} {who.are} active"
    if atom.kind == "hold_role":
        words = f"{who.again} {who.holds} {safe(atom.role or '')}{place_words(explanation.pdp.table, atom.scope)}"
        if atom.hides:
            words += f" (which hides {safe(', '.join(sorted({h.role for h in atom.hides})))} through groups)"
        if atom.guards:
            words += f" (against guard {safe(', '.join(atom.guards))})"
        return words
    values = values_words(atom.attributes)
    if atom.kind == "condition":
        assert atom.rule is not None
        return values or f"{safe(' '.join(atom.rule.condition_text.split()))} is true"
    return f"{safe(at)} no longer denies it" + (f" ({values})" if values else "")


def values_words(values: dict[str, Any] | None) -> str:
    """`resource.vet is "bob", resource.note is left out`."""
    if not values:
        return ""
    said = {name: "left out" if value is None else value_text(value) for name, value in values.items()}
    return ", ".join(f"{safe(name)} is {value}" for name, value in said.items())
