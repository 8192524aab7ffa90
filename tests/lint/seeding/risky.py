"""Seeders: what is risky (W701 to W708; W709 is with the exact ones)."""

from __future__ import annotations

import re
from random import Random

from remit.model.expression import quoted
from remit.source import Span

from . import spelling
from .ground import Edit, Ground
from .seeder import Seed, fresh, one, seeder

_MORE = {
    "W105": "the seeder opens an area that was open",
    "W703": "who may more gives more, and what one gives may be more",
    "W305": "a grant may say as much",
    "W303": "what an included role says is said again",
    "W304": "the other roles give all that an included one does",
    "W301": "two roles may all there is",
    "W502": "no line gives the new role",
    "W707": "the role is no owner's role",
    "W702": "a wildcard covers what is marked",
}


def _role(ground: Ground, random: Random, locked: bool | None = None) -> str | None:
    names = [name for name, role in ground.model.roles.items() if locked is None or role.locked == locked]
    return one(random, sorted(names))


@seeder("W701", "all of everything in a role that is not locked", **_MORE)
def everything(ground: Ground, random: Random) -> Seed | None:
    areas = list(ground.table.areas)
    random.shuffle(areas)
    star = random.choice(
        (
            "⟦allow * on *⟧",
            f"in {', '.join(areas)} {{ ⟦allow * on *⟧ }}",
            " ".join(f"in {area} {{ ⟦allow * on *⟧ }}" for area in areas),
        )
    )
    name = _role(ground, random, locked=False)
    if name is not None and random.random() < 0.6 and ground.free(ground.model.roles[name].span, "W701"):
        return Seed([ground.inside(ground.model.roles[name].span, f"  {star}")])
    return Seed([ground.at_end(f'role {fresh(ground, "double")} "Chief" {{ {star} }}')])


@seeder("W701", "the lock of a role that may do everything taken away")
def unlocked(ground: Ground, random: Random) -> Seed | None:
    names = [
        spot.role
        for spot in ground.spots
        if spot.role
        and re.match(r"allow \* on \*(?! except| when)", spot.rule.span.text)
        and spot.rule.areas is None
        and not spot.extends
        and spot.rule.condition is None
        and ground.model.roles[spot.role].locked
    ]
    name = one(random, sorted(names))
    if name is None:
        return None
    span = ground.model.roles[name].span
    rules = [ground.marked(spot.rule.span) for spot in ground.spots if spot.role == name]
    return Seed([ground.instead(Span(span.source, span.start, span.start + len("locked ")), ""), *rules])


@seeder("W701", "all of everything for members", **_MORE, W207="members may something")
def members(ground: Ground, random: Random) -> Seed | None:
    return Seed([ground.block("members", "  ⟦allow * on *⟧")])


@seeder("W702", "an action under a wildcard marked as sensitive", W702="other wildcards cover it, too")
def marked(ground: Ground, random: Random) -> Seed | None:
    if ground.layered:
        return None
    spots = [
        spot
        for spot in ground.spots
        if spot.entry.effect == "allow"
        and spot.rule.selector is not None
        and any(item.kind == "all" for item in spot.rule.selector.actions)
        and (spot.rule.areas is not None or spot.rule.selector.types is not None)
    ]
    spot = one(random, spots)
    if spot is None:
        return None
    kind, action = random.choice(sorted(spot.cells))
    made = _sensitive(ground, kind, action)
    return Seed([*made, ground.marked(spot.rule.span)]) if made else None


def _sensitive(ground: Ground, kind: str, action: str) -> list[Edit]:
    """The mark on an action where its type declares it; none where that is not found."""
    span = ground.model.types[kind].span
    places = [
        found
        for found in ground.words(rf"(?<![\w`]){re.escape(action)}(?=\s*[,}}\n])")
        if found.source is span.source and found.start > span.end
    ]
    return [ground.before_span(places[0], "sensitive ")] if places else []


@seeder(
    "W702",
    "a wildcard in a permission over what is marked",
    W702="other wildcards cover it, too",
    W303="the role may have it all",
    W105="the seeder opens an area that was open",
)
def in_permission(ground: Ground, random: Random) -> Seed | None:
    if ground.layered:
        return None
    kind = ground.model.types[random.choice(sorted(ground.model.types))]
    name, spots = fresh(ground, "spare"), [spot for spot in ground.spots if spot.role]
    made = _sensitive(ground, kind.name, random.choice(kind.actions))
    spot = one(random, spots)
    if not made or spot is None:
        return None
    star = random.choice((f"* on {quoted(kind.name)}", "* on *"))
    area = ground.model.areas[kind.area]
    return Seed(
        [
            *made,
            ground.inside(area.span, f"  ⟦permission {name} {{ {star} }}⟧"),
            ground.body(spot, f'  in {quoted(kind.area)} {{ grant {name} when resource.id == "x" }}'),
        ]
    )


@seeder(
    "W702",
    "a wildcard put over what was marked",
    **{**_MORE, "W701": "it may be all there is", "W426": "roles are given by it", "W708": "everyone may do it"},
)
def new_star(ground: Ground, random: Random) -> Seed | None:
    if ground.layered:
        return None
    kind = ground.model.types[random.choice(sorted(ground.model.types))]
    made = _sensitive(ground, kind.name, random.choice(kind.actions))
    spot = one(random, [spot for spot in ground.spots if spot.role])
    if not made or spot is None:
        return None
    star = random.choice(
        (
            f"⟦allow * on {quoted(kind.name)}⟧",
            f"in {quoted(kind.area)} {{ ⟦allow * on *⟧ }}",
            f'⟦allow * on {quoted(kind.name)} when resource.id == "x"⟧',
        )
    )
    return Seed([*made, ground.body(spot, f"  {star}")])


# -- W703 ------------------------------------------------------------------------------------------------------------


@seeder(
    "W703",
    "a role that may less than others, and give them",
    **{**_MORE, "W502": "no line gives the new role", "W501": "a guard speaks of all roles"},
)
def gives(ground: Ground, random: Random) -> Seed | None:
    """In policies whose lines let somebody name the role: a new role that may just what the line requires."""
    lines = [
        event
        for event in ground.table.events
        if event.kind in ("invite", "change_role", "assign")
        and event.requires
        and not event.within_own
        and not event.assign
    ]
    line = one(random, lines)
    if line is None or not _stronger(ground):
        return None
    same = [event.requires for event in lines if (event.kind, event.to_group) == (line.kind, line.to_group)]
    rules = [f"⟦allow {quoted(action)} on {quoted(kind)}⟧" for action, kind in dict.fromkeys(r for r in same if r)]
    return Seed([ground.at_end(f"role {fresh(ground, 'double')} {{\n  " + "\n  ".join(rules) + "\n}")])


def _stronger(ground: Ground) -> bool:
    return any(
        rule.effect == "allow" and rule.role and len(rule.cells) > 3 and rule.condition is None
        for rule in ground.table.rules
    )


@seeder("W703", "a line by which anybody gives roles")
def nothing_required(ground: Ground, random: Random) -> Seed | None:
    events = [event for layer in ground.model.layers() for event in layer.events]
    if any(event.kind in ("assign", "invite", "change_role") for event in events) or not ground.table.roles:
        return None
    kind = random.choice(("assign", "invite", "change_role", "assign to group"))
    return Seed([ground.at_end(f"assignments {{ ⟦on {kind}⟧ }}")])


@seeder(
    "W703",
    "a line that asks for what a weak role may",
    W426="they give roles now",
    W502="no line gives the new role",
    W303="what an included role or a block gives is said again",
)
def required(ground: Ground, random: Random) -> Seed | None:
    events = [event for layer in ground.model.layers() for event in layer.events]
    if any(event.kind in ("assign", "invite", "change_role") for event in events) or not ground.table.roles:
        return None
    free = [
        (kind, action)
        for kind, entry in sorted(ground.table.types.items())
        for action in entry.actions
        if not any(action in rule.cells.get(kind, ()) for rule in ground.table.rules)
    ]
    strong = {
        cell
        for rule in ground.table.rules
        if rule.effect == "allow" and rule.role and rule.condition is None
        for cell in ((k, a) for k, of in rule.cells.items() for a in of)
        if not any(
            cell[1] in other.cells.get(cell[0], ())
            for other in ground.table.rules
            if other.effect == "deny" or other.role is None
        )
    }
    cell = one(random, free)
    if cell is None or not strong:
        return None
    kind, action = cell
    event = random.choice(("invite", "assign", "change_role"))
    return Seed(
        [
            ground.at_end(f"role {fresh(ground, 'double')} {{ ⟦allow {quoted(action)} on {quoted(kind)}⟧ }}"),
            ground.at_end(f"assignments {{ on {event} requires {quoted(action)} on {quoted(kind)} }}"),
        ]
    )


# -- W704, W705 ------------------------------------------------------------------------------------------------------


def _optional(ground: Ground, random: Random) -> tuple[str, str, str] | None:
    """A type, an optional attribute that may be read there, and a comparison of it."""
    places = []
    for kind in sorted(ground.table.types):
        for path, declared in spelling.attributes(ground, kind, "string", "user", "int", "enum", "bool", optional=True):
            sort = declared.type.kind
            test = {"int": f"{path} > 4", "bool": path}.get(sort, f'{path} == "x"')
            if sort == "enum":
                test = f'{path} == "{declared.type.values[0]}"'
                if len(declared.type.values) < 2:
                    continue
            places.append((kind, path, test))
    return one(random, places)


_LEFT = {**_MORE, "W709": "a deny of part"}


def _escaped(code: str, how: str, effect: str, forms: tuple[str, ...]) -> None:
    @seeder(code, how, **_LEFT)
    def escape(ground: Ground, random: Random) -> Seed | None:
        place, spot = _optional(ground, random), one(random, ground.spots)
        if place is None or spot is None:
            return None
        kind, path, test = place
        action = quoted(random.choice(ground.table.types[kind].actions))
        form = random.choice(forms).format(path=path, test=test)
        if random.random() < 0.4:
            name = fresh(ground, "asking")
            return Seed(
                [
                    ground.body(spot, f"  ⟦{effect} {action} on {quoted(kind)} when {name}⟧"),
                    ground.at_end(f"condition {name} = {form}"),
                ]
            )
        return Seed([ground.body(spot, f"  ⟦{effect} {action} on {quoted(kind)} when {form}⟧")])


_escaped(
    "W704",
    "a deny where an attribute is there",
    "deny",
    (
        "has {path} and {test}",
        'has {path} and ({test} or resource.id == "q")',
        "not (not has {path} or not ({test}))",
        '(has {path} and {test}) or resource.id == "q"',
    ),
)
_escaped(
    "W705",
    "an allow where an attribute is not there",
    "allow",
    (
        "not has {path} or {test}",
        "not (has {path} and not ({test}))",
        '(not has {path} or {test}) and resource.id != "q"',
        "not has {path}",
        'not has {path} and resource.id == "q"',
    ),
)


# -- W706 to W708 ----------------------------------------------------------------------------------------------------


@seeder(
    "W706",
    "an unlocked role that another one includes",
    W301="the deny that is seeded may be idle",
    W502="no line gives the new role",
    W703="the new role is one more to give",
)
def base(ground: Ground, random: Random) -> Seed | None:
    names = [
        name
        for name, role in ground.model.roles.items()
        if not role.locked
        and not any(name in other.includes and not other.locked for other in ground.model.roles.values())
    ]
    name = one(random, sorted(names))
    if name is None:
        return None
    new = fresh(ground, "double")
    return Seed(
        [
            ground.marked(ground.model.roles[name].span),
            ground.at_end(f"role {new} includes {name} {{ {ground.quirk(new)} }}"),
        ]
    )


@seeder("W707", "a helper who may change all that owners may change only of their own", **_MORE)
def unowned(ground: Ground, random: Random) -> Seed | None:
    places = []
    for kind, entry in sorted(ground.table.types.items()):
        for path, declared in spelling.attributes(ground, kind, "user", "set"):
            if path.startswith("resource.") and (
                declared.type.kind == "user" or (declared.type.element and declared.type.element.kind == "user")
            ):
                places.append((kind, path, declared, entry.actions))
    place = one(random, places)
    if place is None:
        return None
    kind, path, declared, actions = place
    touched = {
        a
        for rule in ground.table.rules
        if rule.effect == "allow"
        for a in rule.cells.get(kind, ())
        if rule.role is None or rule.condition is None
    }
    changing = [
        a
        for a in actions
        if a in ("update", "delete", "sign", "edit", "configure", "amend", "cancel") and a not in touched
    ]
    others = [a for a in actions if a not in changing and a not in touched]
    action = one(random, changing)
    if action is None or not others:
        return None
    own = (
        f"user.id in {path}"
        if declared.type.kind == "set"
        else random.choice((f"{path} == user.id", f"user.id == {path}", f"not ({path} != user.id)"))
    )
    owner, helper = fresh(ground, "keeper"), fresh(ground, "helper")
    what = ", ".join(dict.fromkeys((action, others[0])))
    return Seed(
        [
            ground.at_end(f"role {owner} {{ allow {what} on {kind} when {own} }}"),
            ground.at_end(f"role {helper} {{ ⟦allow {action} on {kind}⟧ }}"),
        ]
    )


@seeder(
    "W708",
    "everyone may change something",
    W305="it may say so already",
    W703="what everyone may, nobody gains",
    W303="a role says it, too",
    W304="it is everyone's now",
    W301="two roles differed by it",
    W707="everyone may do it",
    W105="the seeder opens an area that was open",
    W212="the area was nobody's, and now some of it is",
)
def everyone(ground: Ground, random: Random) -> Seed | None:
    looks = ("read", "view", "list", "get", "see", "query", "audit", "monitor", "access")
    cells = [(k, a) for k, e in sorted(ground.table.types.items()) for a in e.actions if a not in looks]
    cell = one(random, cells)
    if cell is None:
        return None
    kind, action = cell
    area = ground.table.types[kind].area
    made = random.choice(
        (
            f"⟦allow {quoted(action)} on {quoted(kind)}⟧",
            f"in {quoted(area)} {{ ⟦allow {quoted(action)} on *⟧ }}",
            f"in {quoted(area)} {{ ⟦allow * on {quoted(kind)}⟧ }}",
        )
    )
    return Seed([ground.block("everyone", f"  {made}")])
