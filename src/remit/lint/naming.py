"""A name is not in snake_case, the convention of the language: small letters, digits and `_`. Where some names are
written one way and some another, every use has to be looked up, and a name that differs in a capital alone is
easily taken for its twin.

It would have caught an attribute `createdBy` beside `created_by`: half of the rules read the one, callers sent the
other, and nobody was an owner any more.

What other systems have named (`` `createdBy` ``, `` `pods/log` ``) stands in backticks and is let be. So are ids in
tests, and the former names of a role. Nothing is renamed by a fix: directories and callers know the name, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.rule import Subject, rule
from remit.model.policy import Model
from remit.syntax import tree
from remit.syntax.parser import parse

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@rule("W101", "naming")
def check(subject: Subject) -> Iterator[Diagnostic]:
    wrong = {name for name in _declared(subject.model) if name != name.lower() and _WORD.fullmatch(name)}
    if not wrong:
        return  # the usual case, which costs no reading of the text
    for source in subject.sources:
        if wrong.isdisjoint(_WORD.findall(source.text)):
            continue
        for statement in parse(source)[0].statements:
            for what, name in _written(statement):
                if name.text in wrong and source.text[name.start] != "`":
                    snake = _HUMP.sub("_", name.text).lower()
                    yield check.finding(
                        f"{what} `{name.text}` is not in snake_case",
                        name.span,
                        help=f"write `{snake}`; a name that another system gives stands in backticks",
                    )


def _declared(model: Model) -> Iterator[str]:
    """The names this layer declares."""
    yield from (model.name, *model.roles, *model.conditions, *model.action_sets, *model.guards)
    if model.base is not None:
        return
    for attributes in (model.user, model.context, model.claims):
        yield from attributes
    yield from model.scopes
    for area in model.areas.values():
        yield from (area.name, *area.permissions)
    for kind in model.types.values():
        yield from (kind.name, *kind.attributes, *kind.actions)


def _written(statement: tree.Statement) -> Iterator[tuple[str, tree.Name]]:
    """Where a statement declares names: what each is the name of, and the name."""
    match statement:
        case tree.Policy():
            yield "policy", statement.name
        case tree.Scope():
            yield "scope", statement.name
        case tree.ActionSet():
            yield "action set", statement.name
        case tree.Attributes():
            yield from (("attribute", attribute.name) for attribute in statement.attributes)
        case tree.Condition():
            yield "condition", statement.name
        case tree.Role():
            yield "role", statement.name
        case tree.Guard():
            yield "guard", statement.name
        case tree.Area():
            yield "area", statement.name
            for resource in statement.resources:
                yield "resource type", resource.name
                yield from (("attribute", attribute.name) for attribute in resource.attributes)
                yield from (("action", action) for action in resource.actions)
            yield from (("permission", permission.name) for permission in statement.permissions)
