"""Check, first part: scopes, areas, resource types, attributes, permissions, action sets, conditions by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from remit.diagnostics import Diagnostic, Label
from remit.model.names import Names, circle, unique
from remit.model.policy import ActionItem, Area, Permission, ResourceType, Selector
from remit.model.types import BUILT_IN, PLAIN, STRING, AttributeType, Reading, Type
from remit.model.typing import Conditions, Subject, bind, too_large
from remit.syntax import tree
from remit.syntax.parser import DEEPEST

Statement = TypeVar("Statement")


def only(statements: Iterable[tree.Statement], kind: type[Statement]) -> list[Statement]:
    """The statements of one kind."""
    return [statement for statement in statements if isinstance(statement, kind)]


def declare(names: Names, statements: Sequence[tree.Statement]) -> None:
    """Fills `names` from the statements of one layer; in an overlay the catalogue is the base's."""
    if names.base is None:
        _scopes(names, only(statements, tree.Scope))
        _attributes(names, only(statements, tree.Attributes))
        _areas(names, only(statements, tree.Area))
    else:
        base = names.base
        names.scopes, names.root = dict(base.scopes), base.root
        names.scope_titles = dict(base.scope_titles)
        names.user, names.context, names.claims = base.user, base.context, base.claims
        names.areas, names.types = base.areas, base.types
    names.actions = frozenset(action for kind in names.types.values() for action in kind.actions)
    _action_sets(names, only(statements, tree.ActionSet))
    if names.base is None:
        _permissions(names, only(statements, tree.Area))
    _conditions(names, only(statements, tree.Condition))


# -- scopes and attributes -------------------------------------------------------------------------------------------


def _scopes(names: Names, scopes: list[tree.Scope]) -> None:
    kept = unique(names, "scope", ((scope.name, scope) for scope in scopes))
    roots: list[tree.Scope] = []
    for scope in scopes:
        if kept[scope.name.text] is not scope:
            continue
        names.scopes[scope.name.text] = scope.parent.text if scope.parent else None
        names.scope_titles[scope.name.text] = scope.title.text if scope.title else ""
        if scope.parent is None:
            roots.append(scope)
    for extra in roots[1:]:
        names.error(
            "E118",
            f"scope `{extra.name.text}` is a second root",
            extra.name.span,
            "",
            f"write `scope {extra.name.text} in {roots[0].name.text}`",
            Label(roots[0].name.span, "the root is here"),
        )
    for scope in scopes:
        if scope.parent and not names.kind(scope.parent):
            names.scopes[scope.name.text] = roots[0].name.text if roots else None
    found = circle({kind: [parent] for kind, parent in names.scopes.items() if parent})
    if found:
        scope = next(s for s in scopes if s.name.text == found[0])
        path = " in ".join(f"`{name}`" for name in [*found, found[0]])
        names.error("E116", f"scopes run in a circle: {path}", scope.name.span, help="one scope is the root of all")
        names.scopes = dict.fromkeys(names.scopes)
    names.root = roots[0].name.text if roots else None


def _attributes(names: Names, blocks: list[tree.Attributes]) -> None:
    for of in ("user", "context", "claims"):
        written = [attribute for block in blocks if block.of == of for attribute in block.attributes]
        found = attribute_types(names, of, written)
        if of == "user":
            names.user = found
        elif of == "context":
            names.context = found
        else:
            names.claims = found


def attribute_types(names: Names, root: str, written: list[tree.Attribute]) -> dict[str, AttributeType]:
    """The declared attributes by name, each resolved; built-in names are refused."""
    kept = unique(names, "attribute", ((attribute.name, attribute) for attribute in written))
    found: dict[str, AttributeType] = {}
    for name, attribute in kept.items():
        assert isinstance(attribute, tree.Attribute)
        resolved = _type(names, attribute.type)
        reserved = {*BUILT_IN.get(root, {}), *({"status"} if root == "user" else ())}
        if name in reserved:
            if (root, name, resolved.type.kind) != ("context", "time", "time"):
                help = f"remove the line: `{root}.{name}` is always there"
                names.error("E111", f"`{name}` is built in", attribute.name.span, help=help)
            continue
        found[name] = resolved
    return found


def _type(names: Names, written: tree.WrittenType) -> AttributeType:
    if isinstance(written, tree.SetType):
        return AttributeType(Type("set", element=_type(names, written.element).type), written.optional)
    if isinstance(written, tree.Enumeration):
        values: list[str] = []
        for value in written.values:
            if value.text in values:
                help = "remove one of them"
                names.error("E101", f"{value.span.text} stands twice in this enumeration", value.span, help=help)
            else:
                values.append(value.text)
        return AttributeType(Type("enum", tuple(sorted(values))), written.optional)
    found = PLAIN.get(written.name.text)
    if found is None:
        known = [*PLAIN, "set"]
        otherwise = "the types are string, int, bool, time, user, set of T and enumerations"
        help = names.near.similar(written.name.text, known, otherwise)
        names.error("E110", f"there is no type `{written.name.text}`", written.name.span, help=help)
    return AttributeType(found or STRING, written.optional)


# -- areas -----------------------------------------------------------------------------------------------------------


def _areas(names: Names, areas: list[tree.Area]) -> None:
    resources = [(resource, area) for area in areas for resource in area.resources]
    kept = unique(names, "resource type", ((resource.name, resource) for resource, _ in resources))
    types: dict[str, ResourceType] = {}
    for resource, area in resources:
        name = resource.name.text
        if kept[name] is not resource:
            continue
        actions = unique(names, "action", ((action, action.text) for action in resource.actions))
        types[name] = ResourceType(
            name,
            resource.title.text if resource.title else "",
            area.name.text,
            attribute_types(names, "resource", resource.attributes),
            tuple(actions),
            resource.name.span,
            frozenset(action.text for action in resource.sensitive),
        )
    found: dict[str, Area] = {}
    for area in areas:
        title = area.title.text if area.title else ""
        before = found.get(area.name.text)
        if before and title and before.title and before.title != title:
            names.error(
                "E101",
                f"area `{area.name.text}` has two titles",
                area.title.span if area.title else area.name.span,
                "",
                "an area may be opened again, with the same title or none",
                Label(before.span, "first declared here"),
            )
        own = tuple(r.name.text for r in area.resources if kept.get(r.name.text) is r)
        found[area.name.text] = Area(
            area.name.text,
            title or (before.title if before else ""),
            (before.types if before else ()) + own,
            {},
            before.span if before else area.name.span,
        )
    names.areas, names.types = found, types


def _permissions(names: Names, areas: list[tree.Area]) -> None:
    by_area: dict[str, list[tree.Permission]] = {}
    for area in areas:
        by_area.setdefault(area.name.text, []).extend(area.permissions)
    filled = dict(names.areas)
    for area_name, written in by_area.items():
        kept = unique(names, "permission", ((permission.name, permission) for permission in written))
        permissions: dict[str, Permission] = {}
        for name, permission in kept.items():
            assert isinstance(permission, tree.Permission)
            bundles = [
                found
                for bundle in permission.bundles
                if (found := selector(names, bundle.actions, bundle.types, f"permission `{name}`", (area_name,)))
            ]
            title = permission.title.text if permission.title else ""
            permissions[name] = Permission(name, area_name, title, tuple(bundles), permission.name.span)
        area_found = filled[area_name]
        filled[area_name] = Area(area_name, area_found.title, area_found.types, permissions, area_found.span)
    names.areas = filled


# -- selectors -------------------------------------------------------------------------------------------------------


def selector(
    names: Names,
    actions: list[tree.Name],
    types: list[tree.Name],
    who: str,
    areas: tuple[str, ...] | None,
    to: str = "",
) -> Selector | None:
    """`actions on types` with every name known and every action taking something, or None where a name is wrong."""
    if types[0].text == "*":
        spoken: list[ResourceType] | None = [
            names.types[name]
            for area in names.areas.values()
            if areas is None or area.name in areas
            for name in area.types
        ]
    else:
        found = [names.type(name, who, areas, to) for name in types]
        spoken = None if None in found else [kind for kind in found if kind]
    items = [names.action_item(action) for action in actions]
    if spoken is None:
        for item, action in zip(items, actions, strict=True):
            if item.kind == "action" and names.actions and item.name not in names.actions:
                unknown_action(names, action, None)
        return None
    named = types[0].text != "*"
    correct = True
    for item, action in zip(items, actions, strict=True):
        correct = _takes(names, item, action, spoken, types if named else None) and correct
    return Selector(tuple(items), tuple(kind.name for kind in spoken) if named else None) if correct else None


def _takes(
    names: Names, item: ActionItem, written: tree.Name, spoken: list[ResourceType], named: list[tree.Name] | None
) -> bool:
    if item.kind == "action" and named is not None:
        missing = [kind for kind in spoken if item.name not in kind.actions]
        for kind in missing:
            unknown_action(names, written, kind)
        return not missing
    takes = any(kind.actions if item.kind == "all" else item.actions & frozenset(kind.actions) for kind in spoken)
    if takes:
        return True
    if item.kind == "action":
        unknown_action(names, written, None)
    elif not any(names.lost("area", area) for area in names.areas):
        what = "`*`" if item.kind == "all" else f"`{item.name}`"
        where = "any type here" if named is None else " or ".join(f"`{kind.name}`" for kind in spoken)
        names.error("E112", f"{what} takes no action of {where}", written.span, help="name an action that is there")
    return False


def unknown_action(names: Names, action: tree.Name, kind: ResourceType | None) -> None:
    """The finding for an action that a type (None: every type spoken of) lacks."""
    if names.lost("actions", action.text) or (kind is None and names.lost_types()):
        return
    if kind is not None:
        listed = ", ".join(f"`{name}`" for name in kind.actions) or "none"
        help = names.near.similar(action.text, {*kind.actions, *names.action_sets}, f"its actions are {listed}")
        names.error("E105", f"`{kind.name}` has no action `{action.text}`", action.span, help=help)
    else:
        help = names.near.similar(
            action.text, {*names.actions, *names.action_sets}, "declare it among the `actions` of a resource"
        )
        names.error("E105", f"no type here has an action `{action.text}`", action.span, help=help)


def _action_sets(names: Names, written: list[tree.ActionSet]) -> None:
    kept = unique(names, "action set", ((found.name, found) for found in written))
    inherited = names.base.action_sets if names.base else {}
    layer = names.base
    while layer:
        names.action_sets.update({k: v for k, v in layer.action_sets.items() if k not in names.action_sets})
        layer = layer.base
    graph: dict[str, list[str]] = {}
    sets: dict[str, tree.ActionSet] = {}
    for name, found in kept.items():
        assert isinstance(found, tree.ActionSet)
        if name in inherited or name in names.action_sets:
            names.error("E101", f"the base has actions `{name}` already", found.name.span, help="rename this set")
            continue
        if name in names.actions:
            help = "rename the set: an action of that name is there already"
            names.error("E101", f"`{name}` is an action", found.name.span, help=help)
        sets[name] = found
        graph[name] = [action.text for action in found.actions if action.text in kept]
    circular = circle(graph)
    if circular:
        path = " of ".join(f"`{name}`" for name in [*circular, circular[0]])
        names.error("E117", f"action sets run in a circle: {path}", sets[circular[0]].name.span, help="break it")
        graph = {name: [] for name in graph}
    names.action_sets.update({name: frozenset() for name in sets})
    for name in _rising(graph):
        actions: set[str] = set()
        for action in sets[name].actions:
            if action.text in names.action_sets:
                actions |= names.action_sets[action.text]
            elif action.text in names.actions:
                actions.add(action.text)
            else:
                unknown_action(names, action, None)
        names.action_sets[name] = frozenset(actions)


def _rising(graph: dict[str, list[str]]) -> list[str]:
    """Names so that each comes after those it uses."""
    order: dict[str, None] = {}
    pending = [(name, False) for name in sorted(graph, reverse=True)]
    while pending:
        name, ready = pending.pop()
        if ready:
            order.setdefault(name)
        elif name not in order:
            pending.append((name, True))
            pending.extend((below, False) for below in graph[name] if below not in order)
    return list(order)


# -- conditions ------------------------------------------------------------------------------------------------------


def _conditions(names: Names, written: list[tree.Condition]) -> None:
    inherited = {}
    layer = names.base
    while layer:
        inherited.update({name: condition.body for name, condition in layer.conditions.items()})
        layer = layer.base
    kept: dict[str, tree.Condition] = {}
    for name, condition in unique(names, "condition", ((c.name, c) for c in written)).items():
        assert isinstance(condition, tree.Condition)
        if name in inherited:
            names.error("E101", f"the base has condition `{name}` already", condition.name.span, help="rename it")
        else:
            kept[name] = condition
    lost = frozenset(name for kind, name in names.broken if kind == "condition" and name)
    names.conditions = Conditions(kept, inherited, lost)
    graph = {name: sorted(_references(condition.expression)) for name, condition in kept.items()}
    circular = circle(graph)
    while circular:
        path = " uses ".join(f"`{name}`" for name in [*circular, circular[0]])
        names.error(
            "E115",
            f"conditions run in a circle: {path}",
            kept[circular[0]].name.span,
            help="write out what one of them means",
        )
        names.conditions.circular.update(circular)
        graph = {name: uses for name, uses in graph.items() if name not in names.conditions.circular}
        circular = circle(graph)
    depths: dict[str, int] = {}
    for name in _rising({n: [u for u in uses if u in graph] for n, uses in graph.items()}):
        depths[name] = _depth(kept[name].expression, depths)
        if depths[name] > DEEPEST:
            help = f"at most {DEEPEST} levels, those of the conditions it uses included"
            names.error("E006", f"condition `{name}` is nested too deeply", kept[name].name.span, help=help)
            names.conditions.circular.add(name)
            depths[name] = 0
            continue
        bound = bind(kept[name].expression, names.conditions)
        if found_too_large := too_large(bound, kept[name].name.span):
            names.report(found_too_large)
            names.conditions.circular.add(name)  # used elsewhere, it reads as a condition that is wrong already
        else:
            names.conditions.bound[name] = bound


def check_unused(names: Names, used: frozenset[str]) -> None:
    """A named condition that no rule uses is still typed: at the type where it reads best, for there is no other way
    to know what it is about."""
    written = names.conditions.written
    unused = [name for name in written if name not in used and name not in names.conditions.circular]
    within = {inner for name in unused for inner in _references(written[name].expression)}
    for name in unused:
        if name in within:
            continue  # read together with the condition that uses it
        condition = written[name]
        best: list[Diagnostic] | None = None
        roots = {"user": names.user, "context": names.context, "claims": names.claims}
        together = {key: value for kind in names.types.values() for key, value in kind.attributes.items()}
        kinds = [(kind.name, kind.attributes) for kind in names.types.values()]
        kinds.append(("", together))  # it may speak of several types, each behind its own `has`
        subjects = [Subject(Reading({**roots, "resource": attributes}), name) for name, attributes in kinds]
        for subject in subjects:
            found: list[Diagnostic] = []
            checker = names.checker()
            checker.report = found.append
            checker.check(condition.expression, [subject])
            if best is None or len(found) < len(best):
                best = found
            if not found:
                break
        for finding in best or ():
            names.report(finding)


def _depth(node: tree.Expression, depths: Mapping[str, int]) -> int:
    """Levels of a condition, those of the conditions it uses included."""
    deepest = 0
    pending: list[tuple[object, int]] = [(node, 1)]
    while pending:
        current, depth = pending.pop()
        if isinstance(current, tree.Reference):
            depth += depths.get(current.name.text, 0)
        elif isinstance(current, tree.And | tree.Or):
            pending.extend((part, depth + 1) for part in current.operands)
        elif isinstance(current, tree.Not):
            pending.append((current.operand, depth + 1))
        deepest = max(deepest, depth)
    return deepest


def _references(node: tree.Expression) -> set[str]:
    found: set[str] = set()
    pending: list[object] = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, tree.Reference):
            found.add(current.name.text)
        elif isinstance(current, tree.And | tree.Or):
            pending.extend(current.operands)
        elif isinstance(current, tree.Not):
            pending.append(current.operand)
        elif isinstance(current, tree.Compare | tree.Minus):
            pending.extend((current.left, current.right))
        elif isinstance(current, tree.Member):
            pending.append(current.operand)
    return found
