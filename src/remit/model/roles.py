"""Check, second part: roles, their rules, the blocks `everyone` and `members`, and what an overlay may do to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from remit.diagnostics import Label
from remit.model import coverage
from remit.model.catalogue import only, selector, unknown_action
from remit.model.expression import names as used_names
from remit.model.names import Names, circle, listed, unique
from remit.model.policy import ExceptItem, Model, Role, Rule
from remit.model.typing import Subject, bind
from remit.source import Span
from remit.syntax import tree

DEEPEST_INCLUDES = 300
RESERVED = ("everyone", "members")


def declare_roles(names: Names, statements: Sequence[tree.Statement]) -> dict[str, tree.Role]:
    """The roles this layer declares, by name; fills `names.roles`. Locked ones of the base stay what they are."""
    written = only(statements, tree.Role)
    for layer in names.base.layers() if names.base else ():
        names.roles.update({name: role.span for name, role in layer.roles.items()})
    kept: dict[str, tree.Role] = {}
    for name, role in unique(names, "role", ((role.name, role) for role in written)).items():
        assert isinstance(role, tree.Role)
        if name in RESERVED:
            names.error(
                "E111",
                f"`{name}` is no name for a role",
                role.name.span,
                help=f"it is a block of its own: `{name} {{ … }}`",
            )
            continue
        before = names.base.role(name) if names.base else None
        if before and before.locked:
            _locked(names, role.name, before, "replaced")
            continue
        kept[name] = role
    names.roles.update({name: role.name.span for name, role in kept.items()})
    _former_names(names, kept)
    return kept


def _locked(names: Names, name: tree.Name, role: Role, done: str) -> None:
    names.error(
        "E301",
        f"role `{name.text}` is locked: it cannot be {done} here",
        name.span,
        "",
        f"declare a role of another name, which may include `{name.text}`",
        Label(role.span, "locked here"),
    )


def _former_names(names: Names, roles: dict[str, tree.Role]) -> None:
    taken: dict[str, Span] = dict(names.roles)
    for layer in names.base.layers() if names.base else ():
        for role in layer.roles.values():
            if role.name not in roles:
                taken.update(dict.fromkeys(role.former, role.span))
    for written in roles.values():
        for former in written.former:
            if former.text in taken:
                message = f"`{former.text}` is the name of another role"
                label = Label(taken[former.text], "declared here")
                names.error("E101", message, former.span, "", "a former name belongs to one role", label)
            taken[former.text] = former.span


def build_roles(names: Names, written: dict[str, tree.Role]) -> dict[str, Role]:
    """The roles with their rules bound."""
    built: dict[str, Role] = {}
    for name, role in written.items():
        includes = unique(names, "include", ((q, q.text) for q in role.includes if names.role(q)))
        built[name] = Role(
            name,
            role.title.text if role.title else "",
            role.locked,
            tuple(former.text for former in role.former),
            tuple(includes),
            build_rules(names, role.body, f"role `{name}`"),
            role.head,
        )
    return built


def build_extensions(
    names: Names, statements: Sequence[tree.Statement], replaced: dict[str, tree.Role]
) -> dict[str, tuple[Rule, ...]]:
    """What `extend role` adds, by role."""
    found: dict[str, tuple[Rule, ...]] = {}
    for extend in only(statements, tree.ExtendRole):
        name = extend.name.text
        if names.base is None:
            help = f"add the rules to role `{name}` itself" if name in names.roles else "declare the role"
            names.error("E302", "only an overlay extends roles", extend.name.span, help=help)
            continue
        if not names.role(extend.name):
            continue
        rules = build_rules(names, extend.body, f"role `{name}`")
        before = names.base.role(name)
        if name in replaced:
            names.error(
                "E303",
                f"role `{name}` is both declared and extended here",
                extend.name.span,
                "",
                "add the rules to its declaration",
                Label(replaced[name].name.span, "declared here"),
            )
        elif before and before.locked:
            _locked(names, extend.name, before, "extended")
        else:
            found[name] = found.get(name, ()) + rules
    return found


# -- rules -----------------------------------------------------------------------------------------------------------


def build_rules(names: Names, body: tree.Body, who: str) -> tuple[Rule, ...]:
    """The rules of a role or block, bound; wrong ones are left out, with a finding each."""
    rules = [rule for written in body.rules if (rule := _rule(names, written, who, None))]
    for block in body.blocks:
        areas = tuple(area.text for area in block.areas if _area(names, area))
        if len(areas) < len(block.areas):
            continue
        rules.extend(rule for written in block.rules if (rule := _rule(names, written, who, areas)))
    return tuple(rules)


def _area(names: Names, area: tree.Name) -> bool:
    if area.text in names.areas:
        return True
    if not names.lost("area", area.text):
        help = names.near.similar(area.text, names.areas, f"declare it: `area {area.text} {{ … }}`")
        names.error("E103", f"the policy has no area `{area.text}`", area.span, help=help)
    return False


def _rule(names: Names, written: tree.Rule, who: str, areas: tuple[str, ...] | None) -> Rule | None:
    condition = bind(written.when, names.conditions) if written.when else None
    plain = Rule(
        effect=written.effect if isinstance(written, tree.AccessRule) else "allow",
        areas=areas,
        selector=None,
        permissions=(),
        excepts=(),
        condition=condition,
        condition_text=written.when.span.text if written.when else "",
        because=written.because.text if written.because else "",
        span=written.span,
        condition_span=written.when.span if written.when else None,
    )
    if isinstance(written, tree.GrantRule):
        found = [permission.text for permission in written.permissions if _permission(names, permission, areas)]
        rule = replace(plain, permissions=tuple(found)) if len(found) == len(written.permissions) else None
    else:
        selected = selector(names, written.actions, written.types, who, areas, f" to {written.effect} on")
        excepts = [_except(names, item, who, areas) for item in written.excepts]
        known = tuple(item for item in excepts if item)
        rule = replace(plain, selector=selected, excepts=known) if selected and len(known) == len(excepts) else None
    if written.when:
        _check_condition(names, written.when, rule)
    return rule


def _check_condition(names: Names, when: tree.Expression, rule: Rule | None) -> None:
    """Types the condition at every resource type the rule covers; of a rule that is wrong already, only names."""
    if rule is None:
        return
    covered = coverage.rule_cells(rule, names.areas, names.types)
    subjects = [Subject(names.reading(names.types[name]), name) for name in covered]
    names.checker().check(when, subjects)


def _permission(names: Names, permission: tree.Name, areas: tuple[str, ...] | None) -> bool:
    inside = [area for area in names.areas.values() if areas is None or area.name in areas]
    if any(permission.text in area.permissions for area in inside):
        return True
    if not names.lost("permission", permission.text):
        known = {name for area in inside for name in area.permissions}
        elsewhere = [area.name for area in names.areas.values() if permission.text in area.permissions]
        where = "area " + " or ".join(f"`{area}`" for area in areas) if areas else "the policy"
        otherwise = f"`{permission.text}` is in area `{elsewhere[0]}`" if elsewhere else ""
        help = otherwise or names.near.similar(permission.text, known, listed("the permissions are", known))
        names.error("E107", f"{where} has no permission `{permission.text}`", permission.span, help=help)
    return False


def _except(names: Names, item: tree.ExceptItem, who: str, areas: tuple[str, ...] | None) -> ExceptItem | None:
    action = names.action_item(item.action) if item.action else None
    if item.type.text == "*":
        if action is None:
            names.error("E112", "a rule except `*` takes nothing", item.type.span, help="name what to leave out")
            return None
        if action.kind == "action" and action.name not in names.actions:
            unknown_action(names, item.action or item.type, None)
            return None
        return ExceptItem(action, None)
    kind = names.type(item.type, who, areas, " to leave out")
    if kind is None:
        return None
    if action and action.kind == "action" and action.name not in kind.actions:
        unknown_action(names, item.action or item.type, kind)
        return None
    return ExceptItem(action, kind.name)


# -- circles of includes ---------------------------------------------------------------------------------------------


def check_includes(names: Names, model: Model) -> None:
    """Includes must not run in a circle. A locked role includes what its own layer knows, so a role of an overlay may
    replace what a locked one includes and include the locked one."""
    layers = model.layers()
    graph: dict[str, list[str]] = {}
    spans: dict[str, Span] = {}

    def node(level: int, name: str) -> str:
        declared = next((at for at in range(level, -1, -1) if name in layers[at].roles), None)
        if declared is None:
            return ""
        role = layers[declared].roles[name]
        seen_from = declared if role.locked else level
        key = f"{name}\0{seen_from}"
        if key not in graph:
            graph[key] = []
            spans[key] = role.span
            pending.append((key, seen_from, role))
        return key

    pending: list[tuple[str, int, Role]] = []
    for name in names.roles:
        node(len(layers) - 1, name)
        while pending:
            key, level, role = pending.pop()
            graph[key] = [found for q in role.includes if (found := node(level, q))]
    circular = circle(graph)
    if not circular:
        _check_depth(names, graph, spans)
    else:
        words = [key.split("\0")[0] for key in [*circular, circular[0]]]
        path = " includes ".join(f"`{word}`" for word in words)
        names.error("E114", f"roles run in a circle: {path}", spans[circular[0]], help="take one include out")


def _check_depth(names: Names, graph: dict[str, list[str]], spans: dict[str, Span]) -> None:
    """A chain of includes is closed for each of its roles: beyond any organisation's, that would fill the memory."""
    depths: dict[str, int] = {}
    for start in graph:
        pending = [(start, False)]
        while pending:
            key, ready = pending.pop()
            if ready:
                depths[key] = 1 + max((depths[below] for below in graph[key]), default=0)
                if depths[key] == DEEPEST_INCLUDES + 1:
                    name = key.split("\0")[0]
                    help = f"at most {DEEPEST_INCLUDES} roles include one another in a row"
                    names.error("E006", f"role `{name}` includes too deep a chain", spans[key], help=help)
            elif key not in depths:
                pending.append((key, True))
                pending.extend((below, False) for below in graph[key] if below not in depths)


def names_used(rules: Sequence[Rule]) -> set[str]:
    """The named conditions that rules use, directly or through others."""
    found: set[str] = set()
    for rule in rules:
        if rule.condition is not None:
            found |= used_names(rule.condition)
    return found


__all__ = [
    "RESERVED",
    "build_extensions",
    "build_roles",
    "build_rules",
    "check_includes",
    "declare_roles",
    "names_used",
]
