"""Check: trees → model. Names are bound, types checked; everything wrong is reported, nothing raised.

| part | finds |
|---|---|
| `catalogue` | scopes, areas, types, attributes, permissions, action sets, conditions |
| `roles` | roles, rules, blocks; overlays against what is locked |
| `people` | assignments, guards |
| `examples` | asserts, tests |
"""

from __future__ import annotations

from collections.abc import Sequence

from remit.diagnostics import Diagnostic, ordered
from remit.model.catalogue import check_unused, declare, only
from remit.model.examples import build_assertions, build_tests
from remit.model.expression import names as condition_names
from remit.model.names import Names
from remit.model.people import build_events, build_guards
from remit.model.policy import Condition, Model, Rule
from remit.model.roles import build_extensions, build_roles, build_rules, check_includes, declare_roles, names_used
from remit.source import Span
from remit.syntax import tree

_OF_AN_OVERLAY = (
    tree.Policy,
    tree.Role,
    tree.ExtendRole,
    tree.Condition,
    tree.ActionSet,
    tree.Assertion,
    tree.Test,
    tree.Guard,
)
_SPOKEN = {
    tree.Scope: "scope",
    tree.Area: "area",
    tree.Attributes: "attribute block",
    tree.Block: "block",
    tree.Assignments: "assignments block",
}


def check(files: Sequence[tree.File], base: Model | None, name: str) -> tuple[Model, list[Diagnostic]]:
    """The model of one policy, or of one overlay over `base`, and what is wrong. With errors the model is partial.

    `name` is the policy's where no `policy` statement gives one."""
    findings: list[Diagnostic] = []
    broken = {(lost.kind, lost.name) for file in files for lost in file.broken}
    names = Names(findings.append, base, broken)
    statements: list[tree.Statement] = [statement for file in files for statement in file.statements]
    policies = only(statements, tree.Policy)
    for extra in policies[1:]:
        help = "a policy has one; give the other a folder of its own"
        names.twice("E102", "the policy is named twice", extra.name.span, help, policies[0].name.span)
    if base is not None:
        statements = [statement for statement in statements if _belongs_in_overlay(names, statement)]

    declare(names, statements)
    written = declare_roles(names, statements)
    roles = build_roles(names, written)
    extensions = build_extensions(names, statements, written)
    blocks = only(statements, tree.Block)
    everyone = _block_rules(names, blocks, "everyone")
    members = _block_rules(names, blocks, "members")
    events = build_events(names, statements)
    guards = build_guards(names, statements)
    assertions = build_assertions(names, statements)
    tests = build_tests(names, statements)

    rules: list[Rule] = [*everyone, *members]
    for role in roles.values():
        rules.extend(role.rules)
    for added in extensions.values():
        rules.extend(added)
    used = names_used(rules)
    for condition in [*(e.trigger for e in events), *(a.condition for a in assertions)]:
        if condition is not None and not isinstance(condition, str):
            used |= condition_names(condition)
    check_unused(names, frozenset(used))

    title = policies[0].title if policies else None
    blocks_of_people = only(statements, tree.Assignments)
    model = Model(
        name=policies[0].name.text if policies else name,
        title=title.text if title else "",
        base=base,
        root=names.root,
        scopes=names.scopes,
        scope_titles=names.scope_titles,
        areas=names.areas,
        types=names.types,
        action_sets=names.action_sets,
        user=names.user,
        context=names.context,
        claims=names.claims,
        conditions={
            key: Condition(key, c.title.text if c.title else "", names.conditions.bound[key], c.span)
            for key, c in names.conditions.written.items()
            if key in names.conditions.bound
        },
        roles=roles,
        extensions=extensions,
        everyone=everyone,
        members=members,
        events=events,
        individual_over_group=any(b.individual_over_group for b in blocks_of_people)
        or bool(base and base.individual_over_group),
        roles_from_subject=any(b.roles_from_subject for b in blocks_of_people)
        or bool(base and base.roles_from_subject),
        guards=guards,
        assertions=assertions,
        tests=tests,
        files=tuple(file.source.name for file in files),
    )
    check_includes(names, model)
    return model, ordered(findings)


def _belongs_in_overlay(names: Names, statement: tree.Statement) -> bool:
    if isinstance(statement, _OF_AN_OVERLAY):
        return True
    what = _SPOKEN[type(statement)]
    names.error(
        "E302",
        f"an overlay holds no {what}",
        statement.span if len(statement.span.text) < 200 else _first_line(statement),
        help="it belongs to the base; an overlay adds roles, conditions, action sets, guards, asserts and tests",
    )
    return False


def _first_line(statement: tree.Statement) -> Span:
    start, source = statement.span.start, statement.span.source
    stop = source.text.find("\n", start)
    return Span(source, start, stop if stop > 0 else statement.span.end)


def _block_rules(names: Names, blocks: list[tree.Block], of: str) -> tuple[Rule, ...]:
    return tuple(rule for block in blocks if block.of == of for rule in build_rules(names, block.body, f"`{of}`"))
