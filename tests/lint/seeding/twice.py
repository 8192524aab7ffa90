"""Seeders: what is there twice, as far as that can be told without the solver (W303 to W306)."""

from __future__ import annotations

from random import Random

from remit.model.expression import quoted
from remit.source import Span

from . import spelling
from .ground import Edit, Ground, Spot
from .seeder import Seed, fresh, one, seeder

_FOLLOWS = {
    "W305": "the rule may stand there in the same words",
    "W206": "a copy of a constant condition",
    "W704": "the copy asks for what may be left out, as the rule does",
    "W705": "the copy asks for what may be left out, as the rule does",
}


def _giving(ground: Ground, random: Random, effect: str = "allow") -> Spot | None:
    return one(
        random,
        [spot for spot in ground.spots if spot.role and not spot.extends and spot.entry.effect == effect],
    )


def _including(ground: Ground, spot: Spot, random: Random) -> str | None:
    """A role of this layer that includes, directly or through another, the role of a rule."""
    entries = ground.table.roles
    return one(
        random,
        sorted(
            name
            for name in ground.model.roles
            if spot.role in entries[name].includes and set(spot.entry.facets) & entries[name].facets
        ),
    )


# -- W303 ------------------------------------------------------------------------------------------------------------


@seeder("W303", "a part of a rule of an included role", **_FOLLOWS)
def part(ground: Ground, random: Random) -> Seed | None:
    spot = _giving(ground, random)
    name = _including(ground, spot, random) if spot else None
    if spot is None or name is None:
        return None
    kind = random.choice(sorted(spot.entry.cells))
    actions = random.sample(spot.entry.cells[kind], random.randint(1, len(spot.entry.cells[kind])))
    made = spelling.rule(ground, "allow", kind, actions, spelling.condition(spot), random)
    return Seed([ground.inside(ground.model.roles[name].span, f"  ⟦{made}⟧")])


@seeder("W303", "a part of it under a narrower condition", **_FOLLOWS)
def narrower(ground: Ground, random: Random) -> Seed | None:
    spot = _giving(ground, random)
    name = _including(ground, spot, random) if spot else None
    if spot is None or name is None:
        return None
    kind = random.choice(sorted(spot.entry.cells))
    old, more = spelling.condition(spot), spelling.narrowing(ground, kind, random)
    text = f"({old}) and {more}" if old else more
    made = f"allow {spelling.items(ground, kind, spot.entry.cells[kind], random)} on {quoted(kind)} when {text}"
    # what asks for more in so many words that only the solver sees it is told by W203
    return Seed([ground.inside(ground.model.roles[name].span, f"  ⟦{made}⟧")], instead=("W203",))


@seeder("W303", "what everyone or members may", **_FOLLOWS)
def from_block(ground: Ground, random: Random) -> Seed | None:
    spots = [spot for spot in ground.spots if spot.block and spot.entry.effect == "allow"]
    spot = one(random, [spot for spot in spots if ground.free(spot.rule.span, "W206")])
    name = one(random, sorted(ground.model.roles))
    if spot is None or name is None:
        return None
    made = spelling.rules(ground, "allow", spot.cells, spelling.condition(spot), random)
    return Seed([ground.inside(ground.model.roles[name].span, f"  ⟦{made[0]}⟧")])


@seeder("W303", "an extension of a base's role by what it has", **_FOLLOWS)
def extended(ground: Ground, random: Random) -> Seed | None:
    base = ground.model.base
    if base is None:
        return None
    entries = [
        rule
        for rule in ground.table.rules
        if rule.effect == "allow"
        and rule.role in base.roles
        and rule.role not in ground.model.roles
        and rule.place.file not in {source.name for source in ground.sources}
        and not ground.table.roles[rule.role].locked
    ]
    rule = one(random, entries)
    if rule is None:
        return None
    kind = random.choice(sorted(rule.cells))
    text = spelling.when(rule.condition_text)
    made = f"allow {spelling.items(ground, kind, rule.cells[kind], random)} on {quoted(kind)}{text}"
    return Seed([_extending(ground, rule.role or "", f"⟦{made}⟧")])


def _extending(ground: Ground, role: str, text: str) -> Edit:
    heads = list(ground.words(rf"extend role {role}\s*(?=\{{)"))
    return ground.inside(heads[0], f"  {text}") if heads else ground.at_end(f"extend role {role} {{ {text} }}")


@seeder(
    "W303", "a permission that an included role is granted", **_FOLLOWS, W105="the seeder opens an area that was open"
)
def permission(ground: Ground, random: Random) -> Seed | None:
    spots = [spot for spot in ground.spots if spot.rule.permissions and spot.role and spot.rule.areas]
    spot = one(random, spots)
    name = _including(ground, spot, random) if spot else None
    if spot is None or name is None or spot.rule.areas is None:
        return None
    word = random.choice(spot.rule.permissions)
    areas = [
        area
        for area in spot.rule.areas
        if any(word in layer.areas[area].permissions for layer in ground.model.layers() if area in layer.areas)
    ]
    area = random.choice(areas)
    text = spelling.when(spelling.condition(spot))
    return Seed([ground.inside(ground.model.roles[name].span, f"  in {area} {{ ⟦grant {word}{text}⟧ }}")])


# -- W304 ------------------------------------------------------------------------------------------------------------


@seeder(
    "W304",
    "an include that another one brings",
    W301="all that the role says is said by it",
    W303="what the role says itself may come by it",
)
def through(ground: Ground, random: Random) -> Seed | None:
    entries = ground.table.roles
    places = [
        (name, included, inner)
        for name, role in sorted(ground.model.roles.items())
        for included in role.includes
        for inner in entries[included].includes
        if inner not in role.includes
        and entries[inner].facets <= entries[included].facets
        and "{" not in role.span.text
    ]
    place = one(random, places)
    if place is None:
        return None
    name, _, inner = place
    return _included(ground, name, inner, random)


@seeder(
    "W304",
    "an include that comes through a role included last",
    W301="it may be the included role, in effect",
    W303="what the role says itself may come by it",
)
def chain(ground: Ground, random: Random) -> Seed | None:
    """A new role that includes two, of which one has the other."""
    entries = ground.table.roles
    pairs = [
        (name, inner)
        for name, role in sorted(entries.items())
        for inner in sorted(role.includes)
        if entries[inner].facets <= role.facets
    ]
    pair = one(random, pairs)
    if pair is None:
        return None
    new = fresh(ground, "double")
    listed = [pair[0], f"⟦{pair[1]}⟧"]
    random.shuffle(listed)
    return Seed([ground.at_end(f"role {new} includes {', '.join(listed)} {{ {ground.quirk(new)} }}")])


def _included(ground: Ground, name: str, inner: str, random: Random) -> Seed:
    span = ground.model.roles[name].span
    source = span.source
    head = source.text[span.start : source.text.index("{", span.start)].rstrip()
    at = span.start + len(head)
    if random.random() < 0.5:
        return Seed([ground.behind(Span(source, at, at), f", ⟦{inner}⟧")])
    begin = span.start + head.index(" includes ") + len(" includes ")
    return Seed([ground.behind(Span(source, begin, begin), f"⟦{inner}⟧, ")])


@seeder(
    "W304",
    "an include of a role whose rules another include has",
    **_FOLLOWS,
    W502="no line gives the new roles",
    W301="the roles made for it may be alike",
    W703="the new roles are more to give",
    W303="everyone may have it",
)
def same_rules(ground: Ground, random: Random) -> Seed | None:
    spot = _giving(ground, random)
    if spot is None:
        return None
    names = [fresh(ground, f"double_{letter}") for letter in "abc"]
    text = spelling.condition(spot)
    wide = spelling.rules(ground, "allow", spot.cells, text, random)
    kind = random.choice(sorted(spot.entry.cells))
    narrow = spelling.rule(ground, "allow", kind, spot.entry.cells[kind][:1], text, random)
    first = f"role {names[0]} {{\n" + "\n".join(f"  {rule}" for rule in wide) + "\n}"
    other = f"role {names[1]} {{ {narrow} }}"
    listed = [f"⟦{names[0]}⟧" if _everybody(ground, spot) else names[0], f"⟦{names[1]}⟧"]
    random.shuffle(listed)
    return Seed([ground.at_end(f"{first}\n\n{other}\n\nrole {names[2]} includes {', '.join(listed)} {{ }}")])


def _everybody(ground: Ground, spot: Spot) -> bool:
    """Whether either of the two includes may be the idle one: `everyone` or `members` may some of it, or it is one cell
    alone."""
    return (
        any(other.block and other.cells & spot.cells for other in ground.spots)
        or ground.layered
        or len(spot.cells) == 1
    )


# -- W305 ------------------------------------------------------------------------------------------------------------


@seeder(
    "W305",
    "a rule again, its actions and condition in other words",
    W303="it may be there otherwise, too",
    W206="a copy of a constant condition",
    W704="a copy",
    W705="a copy",
    W707="a copy",
    W709="a copy",
    W703="a copy",
    W708="a copy",
    W702="a copy",
)
def again(ground: Ground, random: Random) -> Seed | None:
    spots = [spot for spot in ground.spots if len(spot.entry.cells) == 1 and ground.free(spot.rule.span, "W305")]
    spot = one(random, spots)
    if spot is None:
        return None
    [(kind, actions)] = spot.entry.cells.items()
    made = spelling.rule(ground, spot.entry.effect, kind, actions, spelling.condition(spot), random)
    if random.random() < 0.5:
        return Seed([ground.body(spot, f"  ⟦{made}⟧")])
    inner = made if spot.rule.areas is not None else f"\n  {made}"
    return Seed([ground.behind(spot.rule.span, f" ⟦{inner}⟧")])


@seeder(
    "W305",
    "a rule over several types again, with `except` in place of a list",
    W303="it may be there otherwise",
    W206="a copy of a constant condition",
    W704="a copy",
    W705="a copy",
    W707="a copy",
    W703="a copy",
    W708="a copy",
    W211="an `except` may take out what is not there",
)
def by_except(ground: Ground, random: Random) -> Seed | None:
    spots = [
        spot
        for spot in ground.spots
        if spot.rule.selector is not None
        and spot.rule.selector.types
        and len(spot.entry.cells) > 1
        and not spot.rule.excepts
    ]
    spot = one(random, spots)
    if spot is None or spot.rule.selector is None:
        return None
    actions = ", ".join(
        quoted(item.name) if item.kind != "all" else "*" for item in reversed(spot.rule.selector.actions)
    )
    kinds = list(spot.entry.cells)
    random.shuffle(kinds)
    more = [
        name
        for name in ground.table.types
        if name not in kinds
        and set(ground.table.types[name].actions) & {a for of in spot.entry.cells.values() for a in of}
    ]
    out = f" except {', '.join(quoted(name) for name in more[:1])}" if more else ""
    listed = ", ".join(quoted(name) for name in [*kinds, *more[:1]])
    text = spelling.when(spelling.respelt(spelling.condition(spot), random))
    return Seed([ground.body(spot, f"  ⟦{spot.entry.effect} {actions} on {listed}{out}{text}⟧")])


@seeder(
    "W305",
    "the same in a second `everyone` or `members` of another file",
    W303="it may be there otherwise",
    W105="the block is there twice",
    W206="a copy",
    W704="a copy",
    W705="a copy",
    W708="a copy",
    W703="a copy",
)
def other_block(ground: Ground, random: Random) -> Seed | None:
    spots = [spot for spot in ground.spots if spot.block and len(spot.entry.cells) == 1]
    spot = one(random, spots)
    if spot is None:
        return None
    [(kind, actions)] = spot.entry.cells.items()
    made = spelling.rule(ground, spot.entry.effect, kind, actions, spelling.condition(spot), random)
    return Seed([ground.at_end(f"{spot.block} {{ ⟦{made}⟧ }}")])


# -- W306 ------------------------------------------------------------------------------------------------------------


@seeder(
    "W306",
    "a role for each value of an attribute",
    W303="everyone may have it",
    W301="everyone may have it, or is denied it",
    W206="an enumeration of one value",
    W502="no line gives the new roles",
    W703="the new roles are more to give",
)
def family(ground: Ground, random: Random) -> Seed | None:
    places = [
        (kind, path, declared)
        for kind in sorted(ground.table.types)
        for path, declared in spelling.attributes(ground, kind, "string", "enum", "set")
        if path.startswith("resource.")
        and (declared.type.kind != "set" or (declared.type.element and declared.type.element.kind == "string"))
    ]
    place = one(random, places)
    if place is None:
        return None
    kind, path, declared = place
    values = list(declared.type.values) if declared.type.kind == "enum" else ["north", "south", "west", "east"]
    if len(values) < 3:
        return None
    values = values[: random.randint(3, len(values))]
    form = random.choice(('"{0}" in {1}',) if declared.type.kind == "set" else ('{1} == "{0}"', '"{0}" == {1}'))
    actions = ground.table.types[kind].actions
    action = quoted(random.choice(actions))
    more = random.choice(("", f"\n  deny {quoted(actions[-1])} on {quoted(kind)} when not ({form})"))
    wrap = random.choice(("{0}", '({0}) and user.id != "x"', "not (not ({0}))"))
    texts, names = [], []
    for value in values:
        name = fresh(ground, f"{value}_keeper")
        names.append(name)
        rule = f"allow {action} on {quoted(kind)} when {wrap.format(form)}".format(value, path)
        texts.append(f"role ⟦{name}⟧ {{\n  {rule}{more.format(value, path)}\n}}")
    random.shuffle(texts)
    return Seed([ground.at_end("\n\n".join(texts))], names=names)
