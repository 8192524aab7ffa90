"""Seeders: what never decides and needs no solver to tell (W201, W202, W207 to W214)."""

from __future__ import annotations

import re
from random import Random

from remit.model.expression import attributes, quoted

from . import spelling
from .ground import Edit, Ground, Spot, bare
from .seeder import Seed, fresh, one, seeder


def _type(ground: Ground, random: Random) -> str:
    return random.choice(sorted(ground.table.types))


# -- W201, W202 ------------------------------------------------------------------------------------------------------


@seeder("W201", "a condition that nothing uses")
def condition(ground: Ground, random: Random) -> Seed | None:
    name = fresh(ground, "spare")
    body = spelling.narrowing(ground, _type(ground, random), random)
    title = random.choice(("", ' "in working hours"'))
    return Seed([ground.at_end(f"⟦condition {name}⟧{title} = {body}\n# {name} keeps people out")], names=[name])


@seeder("W201", "conditions that use one another, and nothing uses them")
def chain(ground: Ground, random: Random) -> Seed | None:
    names = [fresh(ground, f"spare_{letter}") for letter in "abc"]
    body = spelling.narrowing(ground, _type(ground, random), random)
    text = f"⟦condition {names[0]}⟧ = {body}\n\n⟦condition {names[1]}⟧ = not {names[0]}\n\n"
    return Seed([ground.at_end(f"{text}⟦condition {names[2]}⟧ = {names[1]} or {names[0]}")])


@seeder(
    "W201",
    "a condition all of whose uses were written out",
    W206="a constant condition is told where it stands, which is now a rule",
    W704="what a rule asks for is underlined in the rule",
    W705="what a rule asks for is underlined in the rule",
    W707="the help quotes the condition",
)
def inlined(ground: Ground, random: Random) -> Seed | None:
    names = [name for name, found in ground.model.conditions.items() if ground.free(found.span, "W201", "W206")]
    name = one(random, sorted(names))
    if name is None:
        return None
    found = ground.model.conditions[name]
    body = found.span.text.partition("=")[2].strip()
    uses = [
        span
        for span in ground.words(rf"(?<![\w`.]){name}(?![\w`])")
        if not (found.span.start <= span.start < found.span.end and span.source is found.span.source)
    ]
    if any(re.search(rf"\b{name}\b", text) for text in _tests(ground)):
        return None
    return Seed([*(ground.instead(span, f"({body})") for span in uses), ground.marked(found.span)])


def _tests(ground: Ground) -> list[str]:
    return [test.span.text for test in ground.model.tests]


@seeder("W202", "a set of actions that nothing uses")
def action_set(ground: Ground, random: Random) -> Seed | None:
    name = fresh(ground, "spare")
    kind = ground.table.types[_type(ground, random)]
    listed = ", ".join(quoted(word) for word in random.sample(kind.actions, random.randint(1, len(kind.actions))))
    return Seed([ground.at_end(f"# {name}\nactions ⟦{name}⟧ = {listed}")])


@seeder("W202", "sets that use one another, and nothing uses them")
def set_chain(ground: Ground, random: Random) -> Seed | None:
    names = [fresh(ground, f"spare_{letter}") for letter in "ab"]
    action = quoted(ground.table.types[_type(ground, random)].actions[0])
    return Seed([ground.at_end(f"actions ⟦{names[1]}⟧ = {names[0]}, {action}\nactions ⟦{names[0]}⟧ = {action}")])


@seeder("W202", "a set all of whose uses were written out", W703="rules name their actions", W202="it used a set")
def set_inlined(ground: Ground, random: Random) -> Seed | None:
    free = {span.text for span in ground.words(r"(?<=^actions )\w+(?= =)") if ground.free(span, "W202")}
    name = one(random, sorted(free))
    if name is None or ground.layered or any(re.search(rf"\b{name}\b", text) for text in _tests(ground)):
        return None
    # in place of the set a list of its own members: the same, for a rule drops those that a type lacks only in a set
    uses = [span for span in ground.words(rf"(?<![\w`]){name}(?![\w`])") if span.source.text[span.end :][:2] != " ="]
    declared = next(ground.words(rf"(?<=^actions ){name}(?= =)"))
    listed = ", ".join(sorted(ground.model.action_sets[name]))
    return Seed([*(ground.instead(span, listed) for span in uses), ground.marked(declared)])


# -- W207 to W210 ----------------------------------------------------------------------------------------------------


def _no_members(ground: Ground) -> bool:
    return not any(1 in rule.facets for rule in ground.table.rules)  # facet 1: members


@seeder("W207", "a role without rules", W502="no line gives the new role")
def empty_role(ground: Ground, random: Random) -> Seed | None:
    if not _no_members(ground):
        return None
    name = fresh(ground, "helper")
    body = random.choice(("{ }", "{\n  # read on everything\n}", f"{{ in {next(iter(ground.table.areas))} {{ }} }}"))
    return Seed([ground.at_end(f'{random.choice(("", "locked "))}role ⟦{name}⟧ "Helper" {body}')])


@seeder("W207", "a role that includes an empty one alone", W502="no line gives the new role")
def empty_chain(ground: Ground, random: Random) -> Seed | None:
    if not _no_members(ground):
        return None
    names = [fresh(ground, f"helper_{letter}") for letter in "ab"]
    return Seed([ground.at_end(f"role ⟦{names[1]}⟧ includes {names[0]} {{ }}\n\nrole ⟦{names[0]}⟧ {{ }}")])


@seeder(
    "W207",
    "a role whose rules went",
    W207="it was all that another role included",
    W303="two rules said it, and the other may be idle now",
    W201="a rule was its last use",
    W208="a rule was its last grant",
    W209="nothing else spoke of the area",
    W212="nothing else gave it",
    W301="two roles differed by it",
    W304="an include gives nothing now",
    W213="a rule was the last to read it",
    W202="a rule was its last use",
    W703="roles that gave it give less",
)
def emptied(ground: Ground, random: Random) -> Seed | None:
    names = [
        name
        for name, role in ground.model.roles.items()
        if role.rules
        and not ground.table.roles[name].includes
        and _no_members(ground)
        and not any(name in words for words in [[g.role, g.other] for g in ground.table.guards.values()])
        and not any(name in claim.roles for claim in ground.table.assertions)
        and not any(f'"{name}"' in text for text in ground.texts.values())
    ]
    name = one(random, sorted(names))
    if name is None:
        return None
    head = ground.model.roles[name].span
    edits = [ground.instead(rule.span, "") for rule in ground.model.roles[name].rules]
    return Seed([*edits, ground.marked(head)])


@seeder("W208", "a permission that nobody is granted")
def permission(ground: Ground, random: Random) -> Seed | None:
    if ground.layered:
        return None
    area = random.choice(sorted(ground.model.areas))
    if not ground.model.areas[area].types:
        return None
    kind = ground.table.types[random.choice(ground.model.areas[area].types)]
    name = fresh(ground, "spare")
    what = f"{spelling.items(ground, kind.name, {random.choice(kind.actions)}, random)} on {quoted(kind.name)}"
    return Seed([ground.inside(ground.model.areas[area].span, f"  ⟦permission {name}⟧ {{ {what} }}")])


@seeder("W208", "a permission of a name that is granted in another area")
def namesake(ground: Ground, random: Random) -> Seed | None:
    if ground.layered:
        return None
    granted = {name for spot in ground.spots for name in spot.rule.permissions}
    places = [
        (area, name)
        for area in ground.model.areas.values()
        for name in sorted(granted)
        if name not in area.permissions
        and area.types
        and not any(
            name in spot.rule.permissions and (spot.rule.areas is None or area.name in spot.rule.areas)
            for spot in ground.spots
        )
    ]
    place = one(random, places)
    if place is None:
        return None
    area, name = place
    kind = ground.table.types[area.types[0]]
    return Seed([ground.inside(area.span, f"  ⟦permission {name}⟧ {{ {kind.actions[0]} on {kind.name} }}")])


@seeder(
    "W208",
    "a permission whose grants went",
    W213="a grant was the last to read it",
    W209="nothing else spoke of the area",
    W212="nothing else gave it",
    W207="the role had nothing else",
    W301="what told the roles apart is gone",
    W703="roles give less",
    W304="an include gives less",
    W201="the rule was its last use",
)
def ungranted(ground: Ground, random: Random) -> Seed | None:
    if ground.layered:
        return None
    alone = [spot for spot in ground.spots if len(spot.rule.permissions) == 1 and len(spot.rule.areas or ()) == 1]
    spot = one(random, alone)
    if spot is None or spot.rule.areas is None:
        return None
    area, name = spot.rule.areas[0], spot.rule.permissions[0]
    same = [
        other
        for other in ground.spots
        if name in other.rule.permissions and (other.rule.areas is None or area in other.rule.areas)
    ]
    found = ground.model.areas[area].permissions.get(name)
    if found is None or any(other not in alone for other in same):
        return None
    return Seed([*(ground.instead(other.rule.span, "") for other in same), ground.marked(found.span)])


@seeder("W209", "an area with nothing in it", W102="it has no title")
def empty_area(ground: Ground, random: Random) -> Seed | None:
    if ground.layered:
        return None
    name, title = fresh(ground, "spare"), random.choice(("", ' "Spare"'))
    return Seed([ground.at_end(f"area ⟦{name}⟧{title} {{ }}")])


@seeder("W209", "an area that no rule touches", W208="so its permission is nobody's")
def area(ground: Ground, random: Random) -> Seed | None:
    if ground.layered:
        return None
    name, kind, action = fresh(ground, "spare"), fresh(ground, "thing"), random.choice(("read", "fetch"))
    inside = f"resource {kind} {{ label: string?  actions {action}, sensitive wipe }}"
    more = random.choice(("", f'permission look "Look" {{ {action} on {kind} }}'))
    edit = ground.at_end(f'⟦area {name} "Spare"⟧ {{\n  {inside}\n  {more}\n}}')
    table = ground.compiled([edit])
    return Seed([edit]) if table and not any(kind in rule.cells for rule in table.rules) else None


@seeder("W210", "an attribute of a type that no condition reads")
def attribute(ground: Ground, random: Random) -> Seed | None:
    if ground.layered:
        return None
    kind = ground.model.types[_type(ground, random)]
    name = fresh(ground, "spare")
    sort = random.choice(("string", "int?", "set of user", '"open" | "shut"', "time"))
    return Seed([ground.inside(kind.span, f"    ⟦{name}⟧: {sort}")])


@seeder("W210", "an attribute that is read at another type alone")
def elsewhere(ground: Ground, random: Random) -> Seed | None:
    if ground.layered:
        return None
    kinds = [kind for kind in ground.model.types.values() if kind.attributes]
    if len(ground.model.types) < 2 or not kinds:
        return None
    name, declared = random.choice(sorted(random.choice(kinds).attributes.items()))
    reading = {
        kind
        for rule in ground.table.rules
        if rule.condition is not None and name in {attr.name for attr in attributes(rule.condition)}
        for kind in rule.cells
    }
    places = [kind for kind in ground.model.types.values() if name not in kind.attributes and kind.name not in reading]
    kind = one(random, places)
    if kind is None:
        return None
    return Seed([ground.inside(kind.span, f"    ⟦{quoted(name)}⟧: {declared.type}")])


@seeder("W210", "an attribute of users that no condition reads")
def of_users(ground: Ground, random: Random) -> Seed | None:
    if ground.layered:
        return None
    name = fresh(ground, "spare")
    heads = list(ground.words(r"^user (?=\{)"))
    if heads:
        return Seed([ground.inside(heads[0], f"  ⟦{name}⟧: string?")])
    return Seed([ground.at_end(f"user {{ ⟦{name}⟧: string }}")])


# -- W211 to W214 ----------------------------------------------------------------------------------------------------


@seeder("W211", "an `except` of what the rule does not speak of")
def idle_except(ground: Ground, random: Random) -> Seed | None:
    spots = [
        spot
        for spot in ground.spots
        if spot.rule.selector is not None and not spot.rule.excepts and ground.free(spot.rule.span, "W211")
    ]
    spot = one(random, spots)
    if spot is None:
        return None
    outside = sorted(
        {(name, action) for name, kind in ground.table.types.items() for action in kind.actions} - spot.cells
    )
    cell = one(random, outside)
    if cell is None:
        return None
    kind, action = cell
    items = [f"{quoted(action)} on {quoted(kind)}"]
    if kind not in spot.entry.cells:
        items.append(quoted(kind))
    if all(action != other for _, other in spot.cells):
        items.append(f"{quoted(action)} on *")
    return Seed([_excepting(ground, spot, f"⟦{random.choice(items)}⟧")])


def _excepting(ground: Ground, spot: Spot, items: str) -> Edit:
    """An `except` put into a rule that has none."""
    span = spot.rule.span
    said = bare(span.text)
    ends = [found.start() for found in re.finditer(r"\s+(when|because)\b", said)] + [len(said)]
    at = span.start + ends[0]
    return Edit(ground.path(span), at, at, f" except {items}")


@seeder(
    "W211",
    "the same cell taken out twice, by type and by action",
    W305="what is left is said already",
    W303="what is left of the rule is given already",
    W212="nothing else gave it",
    W301="two roles differed by it",
    W703="its holders may less",
    W209="nothing else spoke of the area",
    W304="what is left is given already",
    W207="nothing is left",
)
def twice_out(ground: Ground, random: Random) -> Seed | None:
    spots = [
        spot
        for spot in ground.spots
        if spot.rule.selector is not None and not spot.rule.excepts and len(spot.cells) > 1
    ]
    spot = one(random, spots)
    if spot is None:
        return None
    kind, action = random.choice(sorted(spot.cells))
    narrow, wide = f"{quoted(action)} on {quoted(kind)}", random.choice((quoted(kind), f"{quoted(action)} on *"))
    out = (
        {cell for cell in spot.cells if cell[0] == kind}
        if wide == quoted(kind)
        else {cell for cell in spot.cells if cell[1] == action}
    )
    if out == spot.cells:
        return None
    items = [f"⟦{narrow}⟧", f"⟦{wide}⟧" if len(out) == 1 else wide]  # of two alike, either is idle
    random.shuffle(items)
    return Seed([_excepting(ground, spot, ", ".join(items))])


@seeder(
    "W212",
    "an action that no rule speaks of",
    W702="a permission that nobody is granted covers it",
    W703="roles that give all have more to give",
)
def action(ground: Ground, random: Random) -> Seed | None:
    """Only where no `*` reaches the type, and something else speaks of its area."""
    made = _new_action(ground, random)
    return Seed([made[2]]) if made else None


def _new_action(ground: Ground, random: Random) -> tuple[str, str, Edit] | None:
    """The name of an action that is put into a type, and the type's; the edit marks it."""
    if ground.layered:
        return None
    touched = {name for rule in ground.table.rules for name in rule.cells}
    kinds = [
        kind for kind in ground.model.types.values() if not touched.isdisjoint(ground.model.areas[kind.area].types)
    ]
    kind = one(random, kinds)
    if kind is None:
        return None
    name = fresh(ground, "spare")
    listed = next(
        span
        for span in ground.words(r"(?<=\bactions )(sensitive )?\w+(?=[,\s}])")
        if span.source is kind.span.source and span.start > kind.span.end
    )
    edit = ground.before_span(listed, f"{random.choice(('', 'sensitive '))}⟦{name}⟧, ")
    table = ground.compiled([edit])
    if table is None or any(name in rule.cells.get(kind.name, ()) for rule in table.rules):
        return None
    return name, kind.name, edit


@seeder(
    "W212",
    "an action that lines of `assignments` require and no rule gives",
    W702="a permission that nobody is granted covers it",
    W211="a set may hold it",
    W502="the line that is seeded gives no role",
)
def required(ground: Ground, random: Random) -> Seed | None:
    made = _new_action(ground, random)
    if made is None or any(event.kind == "disable" for event in ground.model.events):
        return None
    name, kind, edit = made
    return Seed([edit, ground.at_end(f"assignments {{ on disable requires {name} on {kind} }}")])


@seeder("W213", "an attribute of the context that no condition reads")
def context(ground: Ground, random: Random) -> Seed | None:
    return _input(ground, random, "context")


@seeder("W213", "an attribute of sign-ons that no line reads")
def claims(ground: Ground, random: Random) -> Seed | None:
    return _input(ground, random, "claims")


def _input(ground: Ground, random: Random, root: str) -> Seed | None:
    if ground.layered:
        return None
    name = fresh(ground, "spare")
    sort = random.choice(("string", "int?", "bool", "set of string"))
    heads = list(ground.words(rf"^{root} (?=\{{)"))
    if heads:
        return Seed([ground.inside(heads[0], f"  ⟦{name}⟧: {sort}  # read by all")])
    return Seed([ground.at_end(f"{root} {{ ⟦{name}⟧: {sort} }}  # context.{name} is read nowhere")])


@seeder("W213", "an attribute whose name only a resource's condition reads")
def shadow(ground: Ground, random: Random) -> Seed | None:
    """`resource.x` is read, `context.x` is not."""
    if ground.layered:
        return None
    names = sorted({name for kind in ground.model.types.values() for name in kind.attributes} - {*ground.model.context})
    name = one(random, names)
    heads = list(ground.words(r"^context (?=\{)"))
    if name is None:
        return None
    if heads:
        return Seed([ground.inside(heads[0], f"  ⟦{name}⟧: string")])
    return Seed([ground.at_end(f"context {{ ⟦{name}⟧: string }}")])


_GONE = {
    "W209": "nothing else spoke of the area",
    "W212": "nothing else gave it",
    "W207": "the role had nothing else",
    "W301": "what told the roles apart is gone",
    "W303": "what denied it, or told it from another, is gone",
    "W304": "an include gives less",
    "W306": "what told the roles apart is gone",
    "W703": "roles give less",
    "W211": "an item may take out what another does",
    "W707": "what was asked of a holder is gone",
    "W709": "a deny takes all that is left",
}


@seeder("W214", "an `except` of all that a rule selects", **_GONE)
def emptied_rule(ground: Ground, random: Random) -> Seed | None:
    found = [spot for spot in ground.spots if spot.rule.selector is not None and not spot.rule.excepts]
    spot = one(random, found)
    if spot is None:
        return None
    items = [quoted(kind) for kind in spot.entry.cells]
    if random.random() < 0.5:
        items = [f"{quoted(action)} on *" for action in sorted({action for _, action in spot.cells})]
    random.shuffle(items)
    edit = _excepting(ground, spot, ", ".join(items))
    span, at = spot.rule.span, edit.start - spot.rule.span.start
    return Seed([ground.instead(span, f"⟦{span.text[:at]}{edit.text}{span.text[at:]}⟧")])


@seeder("W214", "a grant of a permission without actions", W105="the role speaks of the area in another block, too")
def empty_grant(ground: Ground, random: Random) -> Seed | None:
    areas = sorted(ground.model.areas)
    spot = one(random, [spot for spot in ground.spots if spot.role is not None])
    if ground.layered or spot is None or not areas:
        return None
    area, name = random.choice(areas), fresh(ground, "blank")
    declared = ground.at_end(f'area {quoted(area)} {{ permission {name} "Blank" {{ }} }}')
    rule = f"in {quoted(area)} {{ ⟦grant {name}⟧ }}" if random.random() < 0.5 else f"⟦grant {name}⟧"
    return Seed([declared, ground.body(spot, f"  {rule}")])
