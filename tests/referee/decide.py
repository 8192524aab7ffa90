"""Who may do what, read off the checked model: no table, no indexes, nothing remembered.

Every question expands every rule again. The numbers in the docstrings are the sections of SEMANTICS that they read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from remit.directory.shape import Assignment, Directory
from remit.model import expression as ex
from remit.model.policy import ActionItem, Model, Role, Rule, Selector
from remit.model.types import AttributeType, Type

Truth = bool | None  # None is unknown
Json = Any  # what a request or a directory holds: anything that JSON can write


class Unknown:
    """The value of what cannot be read."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = Unknown()
ROOT = ""  # the place above all others


class Cited(NamedTuple):
    """A rule as a decision cites it."""

    file: str
    line: int
    column: int
    role: str | None
    block: str | None
    effect: str


@dataclass(frozen=True)
class Verdict:
    code: str
    decision: bool
    rules: frozenset[Cited] = frozenset()


@dataclass(frozen=True)
class Held:
    """A role at a place. Where the time is unknown and there is a window, it is not `sure` that it counts."""

    role: str
    place: str
    individual: bool
    sure: bool = True


@dataclass(frozen=True)
class Asked:
    """A request that makes sense, with all that the directory says about its user."""

    type: str
    action: str
    id: str | None
    scope: str | None
    places: frozenset[str] | None  # the scope and all above it; None: absent, or unknown to the directory
    properties: Mapping[str, Json]
    context: Mapping[str, Json]
    time: int | Unknown
    user: str
    active: bool
    attributes: Mapping[str, Json]
    groups: frozenset[str]
    held: tuple[Held, ...]


def decide(model: Model, directory: Directory, request: Json, now: int) -> Verdict:
    """The decision at `now` (nanoseconds since 1970), which the request's own time overrides (SEMANTICS 4)."""
    asked = understand(model, directory, request, now)
    return Verdict(asked, False) if isinstance(asked, str) else judge(model, asked)


def judge(model: Model, asked: Asked) -> Verdict:
    """4: a deny that applies wins; then an allow is needed. Denied unless allowed."""
    if not asked.active:
        return Verdict("inactive_user", False)
    binding = counting(model, asked)
    denies = {c.cited for c in binding if c.cited.effect == "deny" and truth(model, asked, c.condition) is not False}
    if denies:
        return Verdict("denied_by_rule", False, frozenset(denies))
    allows = {c.cited for c in binding if c.cited.effect == "allow" and truth(model, asked, c.condition) is True}
    if allows:
        return Verdict("allowed", True, frozenset(allows))
    return Verdict("no_rule", False)


# -- the request (3, 4) --------------------------------------------------------------------------------------------


def understand(model: Model, directory: Directory, request: Json, now: int) -> Asked | str:
    """4: the request with its user, or the first code that refuses it."""
    if not isinstance(request, Mapping):
        return "invalid_request"
    subject, action, resource = request.get("subject"), request.get("action"), request.get("resource")
    if not (isinstance(subject, Mapping) and isinstance(action, Mapping) and isinstance(resource, Mapping)):
        return "invalid_request"
    for needed in (subject.get("type"), subject.get("id"), action.get("name"), resource.get("type")):
        if not isinstance(needed, str):
            return "invalid_request"
    for bag in (subject.get("properties"), resource.get("properties"), request.get("context")):
        if bag is not None and not isinstance(bag, Mapping):
            return "invalid_request"
    if resource.get("id") is not None and not isinstance(resource["id"], str):
        return "invalid_request"
    claims = subject.get("properties") or {}
    properties = resource.get("properties") or {}
    context = request.get("context") or {}
    scope = properties.get("scope")
    if scope is not None and not well_formed(model, scope):
        return "invalid_request"

    brought = claims.get("roles") if isinstance(claims.get("roles"), list | tuple) else None
    if not subject["id"]:
        return "invalid_request"
    user = subject["id"]
    stranger = user not in directory.users and user not in directory.removed
    if stranger and from_subject(model) and not all(is_role(item) for item in brought or ()):
        return "invalid_request"
    if resource["type"] not in model.types:
        return "unknown_resource_type"
    if action["name"] not in model.types[resource["type"]].actions:
        return "unknown_action"

    time = now if context.get("time") is None else moment(context["time"])
    if stranger and from_subject(model) and brought is not None:
        active, attributes, groups = True, claims, frozenset[str]()
        held = [claimed(model, item) for item in brought]
    elif stranger or user in directory.removed or directory.users[user].type != subject["type"]:
        return "unknown_user"
    else:
        entry = directory.users[user]
        active, attributes, groups = entry.status == "active", entry.attributes, groups_of(directory, user)
        held = [assigned(model, time, item, individual=True) for item in entry.assignments]
        for name in sorted(groups):
            given = directory.groups[name].assignments
            held += [assigned(model, time, item, individual=False) for item in given]
    return Asked(
        type=resource["type"],
        action=action["name"],
        id=resource.get("id"),
        scope=scope,
        places=places(model, directory, scope),
        properties=properties,
        context=context,
        time=time,
        user=user,
        active=active,
        attributes=attributes,
        groups=groups,
        held=tuple(item for item in held if item is not None),
    )


def well_formed(model: Model, scope: Json) -> bool:
    """3: `KIND/ID` of a kind that the policy has, or the root's kind alone."""
    if not isinstance(scope, str):
        return False
    kind, slash, instance = scope.partition("/")
    return kind in model.scopes and (bool(instance) if slash else kind == model.root)


def is_role(item: Json) -> bool:
    """3: a name, or a mapping with a role and perhaps a scope."""
    if not isinstance(item, Mapping):
        return isinstance(item, str)
    return isinstance(item.get("role"), str) and (item.get("scope") is None or isinstance(item["scope"], str))


def from_subject(model: Model) -> bool:
    """3: `roles from subject` stands in the policy."""
    return any(layer.roles_from_subject for layer in model.layers())


def individual_first(model: Model) -> bool:
    """3: `individual over group` stands in the policy."""
    return any(layer.individual_over_group for layer in model.layers())


# -- who holds what (3) --------------------------------------------------------------------------------------------


def places(model: Model, directory: Directory, scope: str | None) -> frozenset[str] | None:
    """3: the scope and all above it. The root's kind alone is the root; with an id it is a place nobody knows."""
    if scope is None:
        return None
    if scope == model.root:
        return frozenset({ROOT})
    if scope not in directory.scopes or scope.partition("/")[0] == model.root:
        return None
    found, pending = {ROOT}, [scope]
    while pending:
        place = pending.pop()
        if place != model.root:
            found.add(place)
            pending.extend(directory.scopes[place].parents)
    return frozenset(found)


def place_of(model: Model, scope: str | None) -> str:
    """3: where an assignment stands; the root needs no name."""
    return ROOT if scope is None or scope == model.root else scope


def assigned(model: Model, time: int | Unknown, item: Assignment, individual: bool) -> Held | None:
    """3: an assignment counts from `from` to before `until`, of a role that the policy has. At an unknown time one with
    a window may count."""
    role = current_name(model, item.role)
    if role is None:
        return None
    place = place_of(model, item.scope)
    if isinstance(time, Unknown):
        return Held(role, place, individual, sure=item.start is None and item.end is None)
    if (item.start is not None and time < item.start) or (item.end is not None and time >= item.end):
        return None
    return Held(role, place, individual)


def claimed(model: Model, item: Json) -> Held | None:
    """3: a role that the subject brings along."""
    name, scope = (item["role"], item.get("scope")) if isinstance(item, Mapping) else (item, None)
    role = current_name(model, name)
    return None if role is None else Held(role, place_of(model, scope), individual=True)


def current_name(model: Model, name: str) -> str | None:
    """1: the role of this name, else the one that had it before."""
    if model.role(name):
        return name
    for layer in model.layers():
        for role in layer.roles.values():
            if name in role.former:
                return role.name
    return None


def groups_of(directory: Directory, user: str) -> frozenset[str]:
    """3: the groups with the user in them, and the groups with those groups in them."""
    found = {name for name, group in directory.groups.items() if user in group.members}
    while True:
        more = {name for name, group in directory.groups.items() if found & set(group.groups)} - found
        if not more:
            return frozenset(found)
        found |= more


def hidden(model: Model, asked: Asked, held: Held) -> bool:
    """3: an individual assignment hides what groups allow at that scope."""
    if held.individual or not individual_first(model):
        return False
    return any(other.individual and other.place == held.place for other in asked.held)


def allows_count(model: Model, asked: Asked, held: Held) -> bool:
    """3: at the scope or above it; without a scope at the root; at an unknown scope never."""
    if not held.sure or hidden(model, asked, held):
        return False
    if asked.places is None:
        return asked.scope is None and held.place == ROOT
    return held.place in asked.places


def denies_count(asked: Asked, held: Held) -> bool:
    """3: at the scope or above it; where the scope is absent or unknown, from anywhere."""
    return asked.places is None or held.place in asked.places


def is_member(asked: Asked, effect: str) -> bool:
    """3: who holds a role at the scope or above it. Without a scope, at the root for allows and anywhere for denies; at
    an unknown scope nobody."""
    if asked.places is None and asked.scope is not None:
        return False
    for held in asked.held:
        if effect == "deny" and denies_count(asked, held):
            return True
        if effect == "allow" and held.sure and held.place in (asked.places or {ROOT}):
            return True
    return False


def roles_read(model: Model, asked: Asked) -> frozenset[str] | Unknown:
    """2: `user.roles`, those held at the scope, includes closed, hidden ones too. Unknown at an unknown scope, without
    a scope where there are kinds below the root, and at an unknown time with a window."""
    below = any(kind != model.root for kind in model.scopes)
    if asked.places is None and (asked.scope is not None or below):
        return UNKNOWN
    here = [held for held in asked.held if held.place in (asked.places or {ROOT})]
    if not all(held.sure for held in here):
        return UNKNOWN
    return frozenset(name for held in here for name in names_held(model, held.role))


# -- roles and their rules (1) -------------------------------------------------------------------------------------


class Seen(NamedTuple):
    """A role as it is seen from one layer (0 the base): what it includes and which rules it declares."""

    name: str
    layer: int
    includes: tuple[str, ...]
    rules: tuple[Rule, ...]


def seen_from(model: Model, name: str, layer: int) -> Seen:
    """1: the role that the outermost layer up to this one declares, with what the layers between add to it. A locked
    role is seen, it and what it includes, as from where it is declared."""
    layers = model.layers()
    declared = max(number for number in range(layer + 1) if name in layers[number].roles)
    role: Role = layers[declared].roles[name]
    if role.locked:
        return Seen(name, declared, role.includes, role.rules)
    rules = list(role.rules)
    for number in range(declared, layer + 1):
        rules.extend(layers[number].extensions.get(name, ()))
    return Seen(name, layer, role.includes, tuple(rules))


def closure(model: Model, name: str) -> list[Seen]:
    """3: the role with all it includes."""
    found: list[Seen] = []
    pending = [(name, len(model.layers()) - 1)]
    while pending:
        seen = seen_from(model, *pending.pop())
        if (seen.name, seen.layer) not in [(other.name, other.layer) for other in found]:
            found.append(seen)
            pending.extend((included, seen.layer) for included in seen.includes)
    return found


def names_held(model: Model, name: str) -> set[str]:
    """2: a role's name with those of all it includes."""
    return {seen.name for seen in closure(model, name)}


class Counting(NamedTuple):
    """A rule that binds the user at this scope, if its condition lets it."""

    cited: Cited
    condition: ex.Expr | None


def counting(model: Model, asked: Asked) -> list[Counting]:
    """3: the rules over the request's cell of the roles held, of `everyone` and of `members`."""
    found: list[Counting] = []

    def add(rules: tuple[Rule, ...], effects: set[str], role: str | None, block: str | None) -> None:
        for rule in rules:
            if rule.effect in effects and covers(model, rule, asked.type, asked.action):
                found.append(Counting(cite(rule, role, block), rule.condition))

    for held in asked.held:
        effects = {"allow"} if allows_count(model, asked, held) else set()
        effects |= {"deny"} if denies_count(asked, held) else set()
        for seen in closure(model, held.role):
            add(seen.rules, effects, seen.name, None)
    for layer in model.layers():
        add(layer.everyone, {"allow", "deny"}, None, "everyone")
        add(layer.members, {effect for effect in ("allow", "deny") if is_member(asked, effect)}, None, "members")
    return found


def cite(rule: Rule, role: str | None, block: str | None) -> Cited:
    name = rule.span.source.name.rpartition(":")[2]
    return Cited(name, rule.span.line, rule.span.column, role, block, rule.effect)


def covers(model: Model, rule: Rule, type_name: str, action: str) -> bool:
    """1: whether a rule speaks of an action on a type: in its areas, by its words or those of what it grants, and not
    taken out by its `except`."""
    area = model.types[type_name].area
    if rule.areas is not None and area not in rule.areas:
        return False
    for item in rule.excepts:
        if item.type in (None, type_name) and (item.action is None or names_action(item.action, action)):
            return False
    if rule.selector is not None and selects(rule.selector, type_name, action):
        return True
    for name in rule.permissions:
        permission = model.areas[area].permissions.get(name)
        if permission and any(selects(bundle, type_name, action) for bundle in permission.bundles):
            return True
    return False


def selects(selector: Selector, type_name: str, action: str) -> bool:
    """1: one of the actions, on one of the types."""
    if selector.types is not None and type_name not in selector.types:
        return False
    return any(names_action(item, action) for item in selector.actions)


def names_action(item: ActionItem, action: str) -> bool:
    """1: `*` is every action, a set those in it, a name itself."""
    if item.kind == "all":
        return True
    return action in item.actions if item.kind == "set" else action == item.name


# -- conditions (2) ------------------------------------------------------------------------------------------------


def truth(model: Model, asked: Asked, node: ex.Expr | None) -> Truth:
    """2: true, false or unknown, by Kleene's strong logic. No condition is true."""
    if node is None:
        return True
    match node:
        case ex.Named(body=body):
            return truth(model, asked, body)
        case ex.Not(operand=operand):
            inner = truth(model, asked, operand)
            return None if inner is None else not inner
        case ex.And(operands=operands):
            parts = [truth(model, asked, part) for part in operands]
            return False if False in parts else None if None in parts else True
        case ex.Or(operands=operands):
            parts = [truth(model, asked, part) for part in operands]
            return True if True in parts else None if None in parts else False
        case ex.Has(attr=attr):
            return given(model, asked, attr) is not None
        case ex.Compare(operator=operator, left=left, right=right):
            timely = is_time(model, asked, left) or is_time(model, asked, right)
            return compare(operator, value(model, asked, left, timely), value(model, asked, right, timely))
        case ex.Member(operand=operand, collection=collection):
            return member(model, asked, operand, collection)
        case ex.Const() | ex.Attr():
            plain = value(model, asked, node)
            return None if isinstance(plain, Unknown) else bool(plain)
    raise AssertionError(f"no condition: {node}")


def compare(operator: str, left: Json, right: Json) -> Truth:
    """2: unknown where a side is."""
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return None
    if operator == "==":
        return bool(left == right)
    if operator == "!=":
        return bool(left != right)
    if operator == "<":
        return bool(left < right)
    if operator == "<=":
        return bool(left <= right)
    if operator == ">":
        return bool(left > right)
    assert operator == ">="
    return bool(left >= right)


def member(model: Model, asked: Asked, operand: ex.Expr, collection: ex.Attr | tuple[ex.Const, ...]) -> Truth:
    """2: in a set attribute, or in a list of literals."""
    if isinstance(collection, ex.Attr):
        declared = declaration(model, asked.type, collection)
        element = declared.type.element if declared else None
        timely = element is not None and element.kind == "time"
        one, many = value(model, asked, operand, timely), value(model, asked, collection)
        if isinstance(one, Unknown) or isinstance(many, Unknown):
            return None
        return one in many
    timely = is_time(model, asked, operand)
    one = value(model, asked, operand, timely)
    if isinstance(one, Unknown):
        return None
    return one in [value(model, asked, item, timely) for item in collection]


def is_time(model: Model, asked: Asked, node: ex.Expr) -> bool:
    """2: whether an operand is a time, so that a string beside it is one too."""
    declared = declaration(model, asked.type, node) if isinstance(node, ex.Attr) else None
    return declared is not None and declared.type.kind == "time"


def value(model: Model, asked: Asked, node: ex.Expr, timely: bool = False) -> Json:
    """2: an operand's value; times and durations as nanoseconds. `timely`: a string here is written for a time."""
    match node:
        case ex.Const(kind=kind, value=written):
            return moment(written) if timely and kind == "string" else written
        case ex.Attr():
            declared, found = declaration(model, asked.type, node), given(model, asked, node)
            if declared is None or found is None or isinstance(found, Unknown):
                return UNKNOWN
            return found if built_in(node) else typed(found, declared.type)
        case ex.Minus(left=left, right=right):
            ends = value(model, asked, left, timely=True), value(model, asked, right, timely=True)
            if isinstance(ends[0], Unknown) or isinstance(ends[1], Unknown):
                return UNKNOWN
            return ends[0] - ends[1]
    answer = truth(model, asked, node)
    return UNKNOWN if answer is None else answer


BUILT_IN: dict[tuple[str, str], AttributeType] = {
    ("resource", "id"): AttributeType(Type("string")),
    ("resource", "scope"): AttributeType(Type("string")),
    ("user", "id"): AttributeType(Type("user")),
    ("user", "groups"): AttributeType(Type("set", element=Type("string"))),
    ("user", "roles"): AttributeType(Type("set", element=Type("string"))),
    ("context", "time"): AttributeType(Type("time")),
}


def built_in(attr: ex.Attr) -> bool:
    return (attr.root, attr.name) in BUILT_IN


def declaration(model: Model, type_name: str, attr: ex.Attr) -> AttributeType | None:
    """2: how what is read is declared, None where this type lacks it."""
    if built_in(attr):
        return BUILT_IN[attr.root, attr.name]
    if attr.root == "resource":
        return model.types[type_name].attributes.get(attr.name)
    return {"user": model.user, "context": model.context}[attr.root].get(attr.name)


def given(model: Model, asked: Asked, attr: ex.Attr) -> Json:
    """2: what stands there for an attribute; None where nothing does, where null does, or where nobody declared it."""
    if declaration(model, asked.type, attr) is None:
        return None
    match (attr.root, attr.name):
        case ("resource", "id"):
            return asked.id
        case ("resource", "scope"):
            return asked.scope
        case ("user", "id"):
            return asked.user
        case ("user", "groups"):
            return asked.groups
        case ("user", "roles"):
            return roles_read(model, asked)
        case ("context", "time"):
            return asked.time
    bags = {"resource": asked.properties, "user": asked.attributes, "context": asked.context}
    return bags[attr.root].get(attr.name)


def typed(found: Json, kind: Type) -> Json:
    """2: a value of its type, else unknown: a bool is no int, an int has 64 bits, a time its zone."""
    if kind.kind == "set":
        assert kind.element is not None
        if not isinstance(found, list | tuple):
            return UNKNOWN
        items = [typed(item, kind.element) for item in found]
        return UNKNOWN if any(isinstance(item, Unknown) for item in items) else frozenset(items)
    if kind.kind == "bool":
        return found if isinstance(found, bool) else UNKNOWN
    if kind.kind == "int":
        whole = isinstance(found, int) and not isinstance(found, bool)
        return found if whole and -(2**63) <= found < 2**63 else UNKNOWN
    if kind.kind == "time":
        return moment(found)
    if not isinstance(found, str) or (kind.kind == "enum" and found not in kind.values):
        return UNKNOWN
    return found


RFC_3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)


def moment(written: Json) -> int | Unknown:
    """2: nanoseconds since 1970 of a time with its zone; anything else is unknown."""
    found = RFC_3339.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        return UNKNOWN
    year, month, day, hour, minute, second = (int(found[number]) for number in range(1, 7))
    away = (int(found[9]), int(found[10])) if found[8] else (0, 0)
    if hour > 23 or minute > 59 or second > 60 or away[0] > 23 or away[1] > 59:
        return UNKNOWN
    try:
        days = date(year, month, day).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        return UNKNOWN
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    seconds -= (away[0] * 60 + away[1]) * 60 * (-1 if found[8] == "-" else 1)
    return seconds * 10**9 + int((found[7] or "").ljust(9, "0")[:9])
