"""Seeders: what never decides, as only the solver can tell (W203 to W206)."""

from __future__ import annotations

from random import Random

from remit.model.expression import names, quoted
from remit.model.policy import Permission

from . import spelling
from .ground import Ground, Spot
from .seeder import Seed, fresh, one, seeder

DEAD = ("W203", "W204", "W205", "W206")
SAID_TWICE = {
    "W303": "a role that includes, or a block, gives it already, and that can be told without the solver",
    "W304": "the other roles included give all of it now",
    "W305": "it may stand there in other words",
    "W301": "what told two roles apart decides nothing any more",
    "W206": "a copy of a constant condition",
    "W212": "the area is touched now, and of its actions the rest is told one by one",
    "W704": "the copy asks for what may be left out, as the rule does",
    "W705": "the copy asks for what may be left out, as the rule does",
}


def names_constant(ground: Ground, spot: Spot) -> bool:
    """Whether a condition that a rule names is told to be constant where it is declared."""
    named = names(spot.rule.condition) if spot.rule.condition is not None else frozenset()
    return any(
        found.code == "W206" and any(f"condition `{name}`" in found.message for name in named)
        for found in ground.before("W206")
    )


def _living(ground: Ground, random: Random, *effects: str, role: bool = False) -> Spot | None:
    """A rule that decides something."""
    return one(
        random,
        [
            spot
            for spot in ground.spots
            if spot.entry.effect in effects
            and ground.free(spot.rule.span, *DEAD)
            and (spot.role or not role)
            and not names_constant(ground, spot)
        ],
    )


def _part(spot: Spot, random: Random) -> tuple[str, list[str]]:
    """A type of a rule, and some of its actions there."""
    kind = random.choice(sorted(spot.entry.cells))
    actions = list(spot.entry.cells[kind])
    return kind, random.sample(actions, random.randint(1, len(actions)))


# -- W203 ------------------------------------------------------------------------------------------------------------


@seeder("W203", "a narrower rule beside a wider one", **SAID_TWICE)
def narrower(ground: Ground, random: Random) -> Seed | None:
    spot = _living(ground, random, "allow", "deny")
    if spot is None:
        return None
    kind, actions = _part(spot, random)
    more = spelling.narrowing(ground, kind, random)
    old = spelling.condition(spot)
    text = random.choice((f"({old}) and {more}", f"not (not ({old}) or not ({more}))")) if old else more
    made = f"{spot.entry.effect} {spelling.items(ground, kind, actions, random)} on {quoted(kind)} when {text}"
    return Seed([ground.body(spot, f"  ⟦{made}⟧")], instead=("W204",))


@seeder("W203", "the same in a role that includes the one which has it", **SAID_TWICE)
def included(ground: Ground, random: Random) -> Seed | None:
    spot = _living(ground, random, "allow", "deny", role=True)
    if spot is None:
        return None
    above = [
        name
        for name, role in ground.table.roles.items()
        if spot.role in role.includes and name in ground.model.roles and spot.entry.facets[0] in role.facets
    ]
    name = one(random, sorted(above))
    if name is None or not set(spot.entry.facets) & ground.table.roles[name].facets:
        return None
    kind, actions = _part(spot, random)
    made = spelling.rule(ground, spot.entry.effect, kind, actions, spelling.condition(spot), random)
    return Seed([ground.inside(ground.model.roles[name].span, f"  ⟦{made}⟧")], instead=("W204",))


@seeder(
    "W203",
    "the same for everyone",
    **SAID_TWICE,
    W708="everyone may do it now",
    W703="what everyone may, nobody gains",
    W707="everyone may do it to every one",
)
def everybody(ground: Ground, random: Random) -> Seed | None:
    spot = _living(ground, random, "allow", "deny", role=True)
    if spot is None:
        return None
    text = spelling.condition(spot)
    made = "\n  ".join(spelling.rules(ground, spot.entry.effect, spot.cells, text, random))
    # where the directory does not know the place, nobody is a member, and a role's deny binds all the same
    block = "everyone" if spot.entry.effect == "deny" else random.choice(("everyone", "members"))
    return Seed([ground.marked(spot.rule.span), ground.block(block, f"  {made}")], instead=("W204",))


@seeder("W203", "two bounds that cover it together, neither alone", **SAID_TWICE, W703="who may more gives more")
def together(ground: Ground, random: Random) -> Seed | None:
    return _three(ground, random, True)


@seeder(
    "W203",
    "every value of an enumeration, and any",
    **{**SAID_TWICE, "W206": "all values of an enumeration are all there is"},
    W703="who may more gives more",
)
def values(ground: Ground, random: Random) -> Seed | None:
    return _three(ground, random, False)


def _three(ground: Ground, random: Random, bounds: bool) -> Seed | None:
    """Rules that cover another one together, where nobody could do it before by that role."""
    spot = one(random, [spot for spot in ground.spots if spot.role])
    if spot is None:
        return None
    facets = ground.table.roles[spot.role or ""].facets | {0, 1}
    near = {
        (k, a)
        for rule in ground.table.rules
        if rule.effect == "deny" or facets & set(rule.facets)
        for k, of in rule.cells.items()
        for a in of
    }
    places = [
        (kind, path, declared, action)
        for kind, entry in sorted(ground.table.types.items())
        for path, declared in spelling.attributes(ground, kind, "int" if bounds else "enum")
        for action in entry.actions
        if (kind, action) not in near
    ]
    place = one(random, places)
    if place is None:
        return None
    kind, path, declared, action = place
    if bounds:
        low, high = sorted(random.sample(range(-5, 9), 2))
        parts = [f"{path} <= {high}", f"not ({path} < {low})"]
        whole = random.choice((f"{path} != 77", f"{path} in [{low}, {high}, 40]", f"{path} > {low - 9}"))
    else:
        parts = [f'{path} == "{value}"' for value in declared.type.values]
        if len(parts) < 2:
            return None
        listed = ", ".join(f'"{value}"' for value in declared.type.values)
        whole = random.choice((f"{path} in [{listed}]", f'{path} != "{declared.type.values[0]}"'))
    head = f"allow {quoted(action)} on {quoted(kind)} when"
    rules = [f"{head} {part}" for part in parts] + [f"⟦{head} {whole}⟧"]
    random.shuffle(rules)
    return Seed([ground.body(spot, "\n".join(f"  {rule}" for rule in rules))])


@seeder("W203", "a grant of what a wildcard gives", **SAID_TWICE, W105="the seeder opens an area that was open")
def granted(ground: Ground, random: Random) -> Seed | None:
    spots = [
        (spot, area.name, permission.name)
        for spot in ground.spots
        if spot.role and spot.entry.effect == "allow" and spot.entry.condition is None
        for layer in ground.model.layers()
        for area in layer.areas.values()
        for permission in area.permissions.values()
        if _cells(ground, permission) <= spot.cells
    ]
    found = one(random, spots)
    if found is None:
        return None
    spot, area, name = found
    return Seed([ground.body(spot, f"  in {area} {{ ⟦grant {name}⟧ }}")], instead=("W204",))


def _cells(ground: Ground, permission: Permission) -> set[tuple[str, str]]:
    """What a permission is a bundle of."""
    found = set()
    for bundle in permission.bundles:
        kinds = (
            bundle.types
            or next(
                a for layer in ground.model.layers() for a in layer.areas.values() if a.name == permission.area
            ).types
        )
        for kind in kinds:
            for item in bundle.actions:
                for action in ground.table.types[kind].actions:
                    if item.kind == "all" or action in item.actions or action == item.name:
                        found.add((kind, action))
    return found


# -- W204, W205 ------------------------------------------------------------------------------------------------------


@seeder(
    "W204",
    "a deny of all that a rule allows",
    **SAID_TWICE,
    W703="its holders may less",
    W707="who may it always, in name, may less",
)
def denied(ground: Ground, random: Random) -> Seed | None:
    spot = _living(ground, random, "allow", role=True)
    if spot is None:
        return None
    text = random.choice(("", spelling.condition(spot)))
    rules = spelling.rules(ground, "deny", spot.cells, text, random)
    made = "\n".join(f"  {rule}" for rule in rules)
    where = random.choice(("body", "everyone", "members"))
    edit = ground.body(spot, made) if where == "body" else ground.block(where, made)
    return Seed([edit, ground.marked(spot.rule.span)], instead=("W203",))


@seeder(
    "W204",
    "two denies that shut all of it together",
    **SAID_TWICE,
    W703="its holders may less",
    W707="who may it always, in name, may less",
)
def denied_together(ground: Ground, random: Random) -> Seed | None:
    spot = _living(ground, random, "allow", role=True)
    if spot is None:
        return None
    found = []
    for kind in spot.entry.cells:
        text = spelling.narrowing(ground, kind, random)
        for part in (text, f"not ({text})"):
            found += spelling.rules(ground, "deny", {c for c in spot.cells if c[0] == kind}, part, random)
    made = "\n".join(f"  {rule}" for rule in found)
    return Seed([ground.body(spot, made), ground.marked(spot.rule.span)], instead=("W203",))


@seeder("W204", "an allow in a role of what an included role forbids", **SAID_TWICE)
def over_denied(ground: Ground, random: Random) -> Seed | None:
    spot = one(
        random, [spot for spot in ground.spots if spot.entry.effect == "deny" and ground.free(spot.rule.span, *DEAD)]
    )
    if spot is None:
        return None
    names = [
        name
        for name in ground.model.roles
        if spot.block
        or name == spot.role
        or (
            spot.role in ground.table.roles[name].includes and set(spot.entry.facets) <= ground.table.roles[name].facets
        )
    ]
    name = one(random, sorted(names))
    if name is None:
        return None
    kind, actions = _part(spot, random)
    text = spelling.condition(spot)
    if text:  # a deny applies unless it is false; where it is true the allow is shut
        text = f"({text}) and {spelling.narrowing(ground, kind, random)}"
    made = spelling.rule(ground, "allow", kind, actions, text, random)
    return Seed([ground.inside(ground.model.roles[name].span, f"  ⟦{made}⟧")], instead=("W203", "W206", "W303"))


@seeder("W205", "a deny of what nobody allows", W212=SAID_TWICE["W212"])
def idle(ground: Ground, random: Random) -> Seed | None:
    given = ground.allowed()
    cells = sorted(
        (kind, action)
        for kind, entry in ground.table.types.items()
        for action in entry.actions
        if (kind, action) not in given
    )
    cell = one(random, cells)
    spot = one(random, ground.spots)
    if cell is None or spot is None:
        return None
    text = random.choice(("", spelling.narrowing(ground, cell[0], random)))
    made = (
        spelling.rule(ground, "deny", cell[0], {cell[1]}, text, random)
        if text
        else (f"deny {quoted(cell[1])} on {quoted(cell[0])}")
    )
    return Seed([ground.body(spot, f"  ⟦{made}⟧")], instead=("W203",))


@seeder("W205", "a deny where all that is allowed is elsewhere", W703="who may more gives more", **SAID_TWICE)
def aside(ground: Ground, random: Random) -> Seed | None:
    """Nobody may; now one role may where a value is one, and a deny speaks of the other."""
    touched = {
        cell for rule in ground.table.rules for kind, of in rule.cells.items() for cell in ((kind, a) for a in of)
    }
    places = [
        (kind, action, path, declared)
        for kind, entry in sorted(ground.table.types.items())
        for action in entry.actions
        if (kind, action) not in touched
        for path, declared in spelling.attributes(ground, kind, "enum", "int", "bool", "user")
    ]
    place, spot = one(random, places), one(random, [spot for spot in ground.spots if spot.role])
    if place is None or spot is None:
        return None
    kind, action, path, declared = place
    sort = declared.type.kind
    if sort == "enum" and len(declared.type.values) < 2:
        return None
    first, last = (*declared.type.values, "", "")[0], ("", *declared.type.values)[-1]
    allow, deny = {
        "enum": (f'{path} == "{first}"', f'{path} in ["{last}"]'),
        "int": (f"{path} > 5", f"{path} < 6"),
        "bool": (path, f"not {path}"),
        "user": (f"{path} == user.id", f"{path} != user.id"),
    }[sort]
    what = f"{quoted(action)} on {quoted(kind)}"
    rules = [f"  allow {what} when {allow}"]
    if sort == "int" and random.random() < 0.5:
        rules.append(f"  allow {what} when {path} == 9 or {path} > 40")
    return Seed(
        [ground.body(spot, "\n".join(rules)), ground.block("everyone", f"  ⟦deny {what} when {deny}⟧")],
        instead=("W203",),
    )


# -- W206 ------------------------------------------------------------------------------------------------------------


def _constant(ground: Ground, kind: str, random: Random) -> tuple[str, bool] | None:
    """A condition that never varies at a type, and what it is."""
    found = [
        ('resource.id == "a" and resource.id == "b"', False),
        ('resource.id != "a" or resource.id != "b"', True),
        ('user.id in ["ann", "bob"] and not (user.id in ["bob", "ann", "cyd"])', False),
        ('not (resource.id == "a") or resource.id in ["b", "a"]', True),
    ]
    for path, declared in spelling.attributes(ground, kind, "int", "bool", "enum", "set", "user", "time"):
        sort = declared.type.kind
        if sort == "int":
            found += [
                (f"{path} > 5 and {path} < 6", False),
                (f"{path} >= 5 or {path} < 7", True),
                (f"not ({path} < 3) and not ({path} >= 3)", False),
            ]
        elif sort == "bool":
            found += [(f"{path} and not {path}", False), (f"{path} == true or {path} == false", True)]
        elif sort == "enum":
            values = declared.type.values
            every = " or ".join(f'{path} == "{value}"' for value in values)
            found += [(every, True), (" and ".join(f'{path} != "{value}"' for value in values), False)]
        elif sort == "user":
            found += [(f"{path} == user.id and user.id != {path}", False)]
        elif sort == "set" and declared.type.element and declared.type.element.kind in ("string", "user"):
            found += [(f'"x" in {path} and not ("x" in {path})', False)]
        elif sort == "time":
            found += [(f"context.time < {path} and {path} < context.time", False)]
    for path, _ in spelling.attributes(ground, kind, "string", "int", "user", optional=True):
        found += [(f"has {path} or not has {path}", True), (f"has {path} and not (has {path})", False)]
    return random.choice(found)


_CONSTANT_FOLLOWS = {
    **SAID_TWICE,
    "W703": "who may more gives more",
}


@seeder("W206", "a rule whose condition never varies", **_CONSTANT_FOLLOWS)
def constant(ground: Ground, random: Random) -> Seed | None:
    spot = one(random, [spot for spot in ground.spots if spot.role])
    if spot is None:
        return None
    kind = random.choice(sorted(ground.table.types))
    action = random.choice(ground.table.types[kind].actions)
    made = _constant(ground, kind, random)
    if made is None or (kind, action) not in ground.allowed():
        return None
    return Seed(
        [ground.body(spot, f"  {random.choice(('allow', 'deny'))} {quoted(action)} on {quoted(kind)} when ⟦{made[0]}⟧")]
    )


@seeder("W206", "a named condition that never varies", **_CONSTANT_FOLLOWS)
def named_constant(ground: Ground, random: Random) -> Seed | None:
    spot = one(random, [spot for spot in ground.spots if spot.role])
    if spot is None:
        return None
    kind = random.choice(sorted(ground.table.types))
    action = random.choice(ground.table.types[kind].actions)
    made = _constant(ground, kind, random)
    if made is None or (kind, action) not in ground.allowed():
        return None
    name = fresh(ground, "spare")
    use = random.choice((name, f"not {name}", f"{name} and {spelling.narrowing(ground, kind, random)}"))
    return Seed(
        [
            ground.body(spot, f"  allow {quoted(action)} on {quoted(kind)} when {use}"),
            ground.at_end(f"⟦condition {name} = {made[0]}⟧"),
        ],
        names=[name],
    )


@seeder(
    "W206",
    "a rule that asks for something and its opposite",
    **_CONSTANT_FOLLOWS,
)
def contradicted(ground: Ground, random: Random) -> Seed | None:
    spots = [
        spot
        for spot in ground.spots
        if spot.rule.condition_span
        and len(spot.entry.cells) == 1
        and "has " not in spot.rule.condition_span.text
        and ground.free(spot.rule.span, *DEAD)
    ]
    spot = one(random, spots)
    if spot is None or spot.rule.condition_span is None:
        return None
    text = spot.rule.condition_span.text
    if names_constant(ground, spot):
        return None  # told where the condition is declared
    made = random.choice((f"({text}) and not ({text})", f"({text}) or not ({text})"))
    return Seed([ground.instead(spot.rule.condition_span, f"⟦{made}⟧")])
