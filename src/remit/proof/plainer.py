"""An example as a person would put it: nothing in it that no condition needs, and people called after nobody.

A solver fills in whatever fits, and for it every text is as good as another. So values are left out and others put in
their places, one at a time, and each change stays where both policies decide as before, for all they could tell.

    asked by published   author: "someone", state: "draft", note: "published"
    asked by someone     author: "other", state: "draft"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

from remit.evaluator.pdp import Judged
from remit.model.types import Attributes, Type
from remit.proof.case import OTHER, SOMEONE, Case
from remit.table.shape import Table

_Part = Literal["properties", "context", "attributes"]
_ROOTS: dict[_Part, str] = {"properties": "resource", "context": "context", "attributes": "user"}
_NAMED = ("user", "string")  # types with values that are anybody's choice


def plainer(case: Case, resource_type: str, table: Table, judge: Callable[[Case], Sequence[Judged]]) -> Case:
    """A plainer request about a type, which both policies decide as they did, as `judge` tells of each; whoever asks
    is `SOMEONE`, where that can be. `table` says the types of attributes."""

    def asked(case: Case) -> tuple[tuple[str, ...], int]:
        judged = judge(case)
        return tuple(one.code for one in judged), sum(_unknown(one) for one in judged)

    told = asked(case)

    def tried(case: Case, *others: Case) -> Case:
        """The first of the others that does as well."""
        return next((other for other in others if other != case and asked(other) == told), case)

    declaring = table.types.get(resource_type)
    declared: dict[_Part, Attributes] = {
        "properties": declaring.attributes if declaring else {}, "context": table.context, "attributes": table.user,
    }  # fmt: skip
    for part in get_args(_Part):
        for name in list(getattr(case, part)):
            if f"{_ROOTS[part]}.{name}" not in case.missing:
                case = tried(case, _without(case, part, name))
    case = tried(case, _asked_by_someone(case, declared))
    for part, types in declared.items():
        for name in getattr(case, part):
            if name in types and name != "scope":
                kind = types[name].type
                of_users = "user" in (kind.kind, kind.element.kind if kind.element else "")
                others = (OTHER, SOMEONE) if of_users else (OTHER,)  # no text is somebody's id by chance
                case = tried(case, *(_with(case, part, name, kind, to) for to in others))
    return case


def _unknown(judged: Judged) -> int:
    """How many conditions that count for who asks could not be told."""
    cell, held, facts = judged.cell, judged.held, judged.facts
    if cell is None or held is None or facts is None:
        return 0
    entries = (*cell.allows, *cell.denies)
    counting = [entry.test for entry in entries if entry.mask & (held.allow | held.deny) and entry.test is not None]
    return sum(test(facts) is None for test in counting)


def _without(case: Case, part: _Part, name: str) -> Case:
    return _set(case, part, {key: value for key, value in getattr(case, part).items() if key != name})


def _with(case: Case, part: _Part, name: str, kind: Type, to: str) -> Case:
    """With a name in place of what has no meaning of its own; of a set, in place of each such element."""
    values = getattr(case, part)
    changed = _mapped(values[name], kind, lambda value: value if value in (SOMEONE, OTHER) else to)
    return _set(case, part, {**values, name: changed})


def _asked_by_someone(case: Case, declared: Mapping[_Part, Attributes]) -> Case:
    """Asked by `SOMEONE`; who was called so is `OTHER` then, and who was that has the name of whoever asked."""
    if case.user == SOMEONE:
        return case
    names = {case.user: SOMEONE, SOMEONE: OTHER, OTHER: case.user}
    made = replace(case, user=SOMEONE, groups=tuple(names.get(group, group) for group in case.groups))
    for part, types in declared.items():
        values = getattr(case, part)
        changed = {
            name: _mapped(value, types[name].type, lambda one: names.get(one, one)) if name in types else value
            for name, value in values.items()
        }
        made = _set(made, part, changed)
    return made


def _mapped(value: Any, kind: Type, to: Callable[[Any], Any]) -> Any:
    """A value of a type that leaves the choice, or each element of such a set; others as they are."""
    if kind.kind == "set" and kind.element is not None and isinstance(value, list):
        return list(dict.fromkeys(_mapped(one, kind.element, to) for one in value))
    return to(value) if kind.kind in _NAMED and isinstance(value, str) else value


def _set(case: Case, part: _Part, values: dict[str, Any]) -> Case:
    if part == "properties":
        return replace(case, properties=values)
    return replace(case, context=values) if part == "context" else replace(case, attributes=values)
