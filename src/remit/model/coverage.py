"""Which (type, action) pairs a selector covers. The checker asks to find mistakes, the table to fill its cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from remit.model.policy import ActionItem, Area, ExceptItem, Permission, ResourceType, Rule, Selector

Cells = dict[str, frozenset[str]]  # type → actions


def taken(item: ActionItem, resource_type: ResourceType) -> frozenset[str]:
    """The actions of this type that one word of a list of actions stands for."""
    if item.kind == "all":
        return frozenset(resource_type.actions)
    if item.kind == "set":
        return item.actions & frozenset(resource_type.actions)
    return frozenset((item.name,)) if item.name in resource_type.actions else frozenset()


def types_of(
    selector: Selector, areas: tuple[str, ...] | None, all_areas: Mapping[str, Area], types: Mapping[str, ResourceType]
) -> Iterable[ResourceType]:
    """The types a selector speaks of, inside `areas` (None: everywhere)."""
    if selector.types is not None:
        return [types[name] for name in selector.types]
    inside = all_areas.values() if areas is None else [all_areas[name] for name in areas]
    return [types[name] for area in inside for name in area.types]


def cells(
    selector: Selector, areas: tuple[str, ...] | None, all_areas: Mapping[str, Area], types: Mapping[str, ResourceType]
) -> Cells:
    """The pairs a selector covers."""
    found: Cells = {}
    for resource_type in types_of(selector, areas, all_areas, types):
        actions = frozenset[str]().union(*(taken(item, resource_type) for item in selector.actions))
        if actions:
            found[resource_type.name] = found.get(resource_type.name, frozenset()) | actions
    return found


def without(found: Cells, excepts: Iterable[ExceptItem], types: Mapping[str, ResourceType]) -> Cells:
    """The pairs that are left when `except` has taken its own out."""
    left = dict(found)
    for item in excepts:
        for name in [item.type] if item.type is not None else list(left):
            if name not in left:
                continue
            out = left[name] if item.action is None else taken(item.action, types[name])
            left[name] -= out
    return {name: actions for name, actions in left.items() if actions}


def rule_cells(rule: Rule, all_areas: Mapping[str, Area], types: Mapping[str, ResourceType]) -> Cells:
    """The pairs a rule is about: a selector's without its `except`, or those of the permissions it takes."""
    if rule.selector is not None:
        return without(cells(rule.selector, rule.areas, all_areas, types), rule.excepts, types)
    found: Cells = {}
    for permission in granted(rule, all_areas):
        for bundle in permission.bundles:
            for name, actions in cells(bundle, (permission.area,), all_areas, types).items():
                found[name] = found.get(name, frozenset()) | actions
    return found


def granted(rule: Rule, all_areas: Mapping[str, Area]) -> list[Permission]:
    """The permissions a `grant` takes: in the areas of its block, or wherever they are at the top of a role."""
    inside = all_areas.values() if rule.areas is None else [all_areas[name] for name in rule.areas]
    return [area.permissions[name] for area in inside for name in rule.permissions if name in area.permissions]
