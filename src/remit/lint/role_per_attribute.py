"""Three roles or more that are one role, written once for each value of an attribute: `north_manager` for what is in
the north, `south_manager` for the south. A change must be made in all of them and is forgotten in one, and each new
value is a new role.

It would have caught a family of regional roles of which the fourth, copied later, lacked the limit on refunds.

One role that compares the attribute with one of the user's says the same. That moves the region from the role to the
directory, which has to be changed with it: there is no fix, and this is a note.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from remit.diagnostics import Diagnostic, Label
from remit.lint.rule import Subject, rule
from remit.lint.words import first_name
from remit.model.expression import Attr, Compare, Const, Expr, Member, Named, children, quoted, walk
from remit.model.policy import Role

_LEAST = 3  # roles that make a family
_SHOWN = 4  # of the others that are pointed at


class _Use(NamedTuple):
    """An attribute compared with one text: `holds`: it is a set that holds the text."""

    name: str
    holds: bool
    value: str


class _Key(NamedTuple):
    """What the roles of a family have in common."""

    attribute: str
    holds: bool
    includes: tuple[str, ...]
    locked: bool
    skeleton: object


@rule("W306", "role-per-attribute", level="note")
def check(subject: Subject) -> Iterator[Diagnostic]:
    families: dict[_Key, dict[str, Role]] = {}
    for role in _alike(subject.model.roles.values()):
        conditions = [rule.condition for rule in role.rules if rule.condition is not None]
        uses = {use for condition in conditions for part in walk(condition) if (use := _use(part)) is not None}
        several = Counter(use.name for use in uses)
        for use in uses:
            if several[use.name] == 1:
                key = _Key(use.name, use.holds, role.includes, role.locked, _skeleton(subject, role, use))
                families.setdefault(key, {}).setdefault(use.value, role)
    seen: set[frozenset[str]] = set()
    for key, family in families.items():
        roles = list(family.values())
        names = frozenset(role.name for role in roles)
        if len(names) >= _LEAST and names not in seen:
            seen.add(names)
            yield _finding(key.attribute, key.holds, family)


def _alike(roles: Iterable[Role]) -> Iterator[Role]:
    """The roles of which there are enough that are made of the same rules, conditions aside: soon told."""
    shapes: dict[object, list[Role]] = {}
    for role in roles:
        if any(rule.condition is not None for rule in role.rules):
            rules = Counter((rule.effect, rule.areas, rule.condition is None) for rule in role.rules)
            shapes.setdefault((role.includes, role.locked, frozenset(rules.items())), []).append(role)
    for alike in shapes.values():
        if len(alike) >= _LEAST:
            yield from alike


def _finding(attribute: str, holds: bool, family: dict[str, Role]) -> Diagnostic:
    (value, first), *others = family.items()
    name = quoted(attribute)
    wanted = f"user.{name} in resource.{name}" if holds else f"resource.{name} == user.{name}"
    message = f"role `{first.name}` and {len(others)} others differ only by a value of `resource.{attribute}`"
    labels = [Label(first_name(role.span, role.name), f'this one for "{v}"') for v, role in others[:_SHOWN]]
    help = f"write one role with `{wanted}`, and give users the attribute `{attribute}`"
    return check.finding(message, first_name(first.span, first.name), f'this one for "{value}"', help, labels)


def _use(part: Expr) -> _Use | None:
    """What a part compares an attribute of the resource with, where it is one text."""
    sides: tuple[Expr, Expr]
    if isinstance(part, Compare) and part.operator in ("==", "!="):
        sides = (part.left, part.right) if isinstance(part.left, Attr) else (part.right, part.left)
        holds = False
    elif isinstance(part, Member) and isinstance(part.collection, Attr):
        sides, holds = (part.collection, part.operand), True
    else:
        return None
    attr, constant = sides
    if not isinstance(attr, Attr) or attr.root != "resource" or attr.name in ("id", "scope"):
        return None
    text = isinstance(constant, Const) and constant.kind == "string"
    return _Use(attr.name, holds, str(constant.value)) if text and isinstance(constant, Const) else None


def _skeleton(subject: Subject, role: Role, use: _Use) -> object:
    """All the role says, with the value blanked: equal for roles that differ by it alone."""
    found = []
    for written in role.rules:
        entry = subject.entry(written.span)
        cells = frozenset(entry.cells.items()) if entry is not None else frozenset()
        condition = None if written.condition is None else _blanked(written.condition, use)
        found.append((written.effect, cells, condition))
    return frozenset(found)


def _blanked(part: Expr, use: _Use) -> object:
    if isinstance(part, Named):
        return _blanked(part.body, use)
    if _use(part) == use:
        return (part.operator if isinstance(part, Compare) else "in", use.name)
    inner = children(part)
    if not inner:
        return part
    head = getattr(part, "operator", "")
    literals = part.collection if isinstance(part, Member) and isinstance(part.collection, tuple) else ()
    return (type(part).__name__, head, literals, *(_blanked(child, use) for child in inner))
