"""Seeders: where a directory meets its policy (W421 to W427)."""

from __future__ import annotations

import re
from random import Random

from remit.directory.reader import read_directory
from remit.directory.shape import Directory
from remit.source import Source

from .ground import Edit, Ground
from .seeder import Seed, fresh, one, seeder


def _directory(ground: Ground) -> Directory:
    return read_directory(Source("directory.yaml", ground.texts[ground.people]))[0]


def _entry(ground: Ground, section: str, *entries: str) -> Edit:
    """Entries put first into a section of the directory, in whichever style that is."""
    whole = ground.texts[ground.people]
    found = re.search(rf'^{section}:[ \t]*\n|"{section}": \{{', whole, re.M)
    if found is None:
        return Edit(ground.people, len(whole), len(whole), f"{section}:\n  " + "\n  ".join(entries) + "\n")
    flow = found[0].endswith("{")
    made = "".join(f" {text}, " if flow else f"  {text}\n" for text in entries)
    return Edit(ground.people, found.end(), found.end(), made)


def _somebody(ground: Ground, body: str) -> Edit:
    return _entry(ground, "users", f"{fresh(ground, 'zoe')}: {{{body}}}")


def _role(ground: Ground, random: Random) -> str | None:
    return one(random, sorted(ground.table.roles)) if ground.people else None


def _place(ground: Ground, random: Random) -> str | None:
    """A place below the root whose parent is the root."""
    places = [name for name, scope in _directory(ground).scopes.items() if not scope.parents]
    return one(random, sorted(places))


# -- W421 to W424 ----------------------------------------------------------------------------------------------------


@seeder("W421", "a role by the name it had", W424="one more holds the role", W425="they have it otherwise")
def former(ground: Ground, random: Random) -> Seed | None:
    roles = [role for role in ground.model.roles.values() if not role.former and ground.people]
    role = one(random, sorted(roles, key=lambda role: role.name))
    if role is None:
        return None
    old = fresh(ground, "former")
    head = re.search(rf"role {role.name}\b", role.span.text)
    if head is None:
        return None
    at = role.span.start + head.end()
    given = f"{{role: ⟦{old}⟧}}"
    edits = [Edit(ground.path(role.span), at, at, f" was {old}")]
    if random.random() < 0.5:
        return Seed([*edits, _somebody(ground, f"assignments: [{given}]")])
    return Seed([*edits, _entry(ground, "groups", f"{fresh(ground, 'team')}: {{assignments: [{given}]}}")])


@seeder("W422", "an attribute of a user that is not declared")
def undeclared(ground: Ground, random: Random) -> Seed | None:
    if not ground.people:
        return None
    name = fresh(ground, "shoe")
    value = random.choice(("5", "[a, b]", "true", '"x"'))
    return Seed([_somebody(ground, f"attributes: {{⟦{name}⟧: {value}}}")])


@seeder("W423", "an attribute of a user with a value of another type")
def wrong(ground: Ground, random: Random) -> Seed | None:
    values = {
        "string": ("5", "true", "[a]"),
        "user": ("7", "[ann]"),
        "int": ('"5"', "5.5", "true", "9223372036854775808"),
        "bool": ('"true"', "1"),
        "time": ('"2026-03-01"', "5", '"noon"'),
        "enum": ('"elsewhere"', "3"),
        "set": ('"red"', "[[]]", "5"),
    }
    found = one(random, sorted(ground.table.user.items()))
    if found is None or not ground.people:
        return None
    name, declared = found
    return Seed([_somebody(ground, f"attributes: {{⟦{name}⟧: {random.choice(values[declared.type.kind])}}}")])


@seeder(
    "W424",
    "somebody with two roles that a guard keeps apart",
    W501="events can bring it about, too",
    W425="they have it otherwise",
    W504="no event can",
)
def apart(ground: Ground, random: Random) -> Seed | None:
    pairs = [
        (a, b)
        for a in sorted(ground.table.roles)
        for b in sorted(ground.table.roles)
        if a != b and a not in ground.table.roles[b].includes and b not in ground.table.roles[a].includes
    ]
    pair = one(random, pairs)
    if pair is None or not ground.people:
        return None
    who, guard = fresh(ground, "zoe"), fresh(ground, "split")
    first, second = (f"{{role: {name}}}" for name in pair)
    edits = [ground.at_end(f"guard {guard}: never {pair[0]} with {pair[1]}")]
    if random.random() < 0.5:
        edits.append(_entry(ground, "users", f"⟦{who}⟧: {{assignments: [{first}, {second}]}}"))
    else:
        edits.append(_entry(ground, "users", f"⟦{who}⟧: {{assignments: [{first}]}}"))
        edits.append(
            _entry(ground, "groups", f"{fresh(ground, 'team')}: {{members: [{who}], assignments: [{second}]}}")
        )
    return Seed(edits, names=[guard])


@seeder("W424", "one active holder too few, or one from a day on", W504="no event gives the role")
def too_few(ground: Ground, random: Random) -> Seed | None:
    name = _role(ground, random)
    if name is None:
        return None
    guard = fresh(ground, "kept")
    rule = random.choice((f"at least {random.randint(20, 30)} active {name}", f"at most 0 {name}"))
    given = f"{{role: {name}{random.choice(('', ', from: 2030-01-01T00:00:00Z'))}}}"
    return Seed([ground.at_end(f"guard {guard}: {rule}"), _somebody(ground, f"assignments: [{given}]")], names=[guard])


# -- W425 ------------------------------------------------------------------------------------------------------------


@seeder("W425", "an assignment again, or within the time of another", W424="one more holds the role")
def twice(ground: Ground, random: Random) -> Seed | None:
    name = _role(ground, random)
    if name is None:
        return None
    window = random.choice(("", ", from: 2026-05-01T00:00:00Z", ", until: 2031-05-01T00:00:00Z"))
    given = [f"{{role: {name}}}", f"{{role: ⟦{name}⟧{window}}}"]
    if window:
        random.shuffle(given)
    body = f"assignments: [{', '.join(given)}]"
    if random.random() < 0.4:
        return Seed([_entry(ground, "groups", f"{fresh(ground, 'team')}: {{{body}}}")])
    return Seed([_somebody(ground, body)])


@seeder("W425", "a role at a place, and above it", W424="one more holds the role")
def below(ground: Ground, random: Random) -> Seed | None:
    name = _role(ground, random)
    place = _place(ground, random) if name else None
    if name is None or place is None:
        return None
    given = [f"{{role: {name}}}", f"{{role: ⟦{name}⟧, scope: {place}}}"]
    random.shuffle(given)
    return Seed([_somebody(ground, f"assignments: [{', '.join(given)}]")])


@seeder("W425", "a role beside one that includes it", W424="one more holds the roles")
def included(ground: Ground, random: Random) -> Seed | None:
    entries = ground.table.roles
    pairs = [
        (name, inner)
        for name, role in sorted(entries.items())
        for inner in sorted(role.includes)
        if entries[inner].facets <= role.facets and ground.people
    ]
    pair = one(random, pairs)
    if pair is None:
        return None
    given = [f"{{role: {pair[0]}}}", f"{{role: ⟦{pair[1]}⟧}}"]
    random.shuffle(given)
    return Seed([_somebody(ground, f"assignments: [{', '.join(given)}]")])


# -- W426, W427 ------------------------------------------------------------------------------------------------------


def _administrators(ground: Ground) -> list[str]:
    """Roles that a line of `assignments` needs for giving roles."""
    required = {event.requires for event in ground.table.events if event.kind in ("invite", "change_role", "assign")}
    facets = {
        facet
        for rule in ground.table.rules
        if rule.effect == "allow"
        for facet in rule.facets
        if any(need and need[0] in rule.cells.get(need[1], ()) for need in required)
    } - {0, 1}
    return sorted(name for name, role in ground.table.roles.items() if role.facets & facets)


@seeder("W426", "a disabled user in a group that gives roles", W424="one more holds the role")
def in_group(ground: Ground, random: Random) -> Seed | None:
    name = one(random, _administrators(ground))
    if name is None or not ground.people:
        return None
    who, team, inner = fresh(ground, "zoe"), fresh(ground, "team"), fresh(ground, "inner")
    user = _entry(ground, "users", f"⟦{who}⟧: {{status: disabled}}")
    scope = f", scope: {place}" if (place := _place(ground, random)) and random.random() < 0.5 else ""
    if random.random() < 0.5:
        group = f"{team}: {{members: [{who}], assignments: [{{role: {name}{scope}}}]}}"
        return Seed([user, _entry(ground, "groups", group)], names=[who])
    return Seed(
        [
            user,
            _entry(
                ground,
                "groups",
                f"{team}: {{members: [group/{inner}], assignments: [{{role: {name}{scope}}}]}}",
                f"{inner}: {{members: [{who}]}}",
            ),
        ],
        names=[who],
    )


@seeder("W426", "a disabled user with a role that gives roles", W424="one more holds the role")
def in_person(ground: Ground, random: Random) -> Seed | None:
    name = one(random, _administrators(ground))
    if name is None or not ground.people:
        return None
    who = fresh(ground, "zoe")
    body = f"status: disabled, assignments: [{{role: {name}, until: 2040-01-01T00:00:00Z}}]"
    return Seed([_entry(ground, "users", f"⟦{who}⟧: {{{body}}}")], names=[who])


@seeder("W427", "two groups that give somebody different roles", W424="one more holds the roles")
def multiple(ground: Ground, random: Random) -> Seed | None:
    if len(ground.table.roles) < 2 or not ground.table.individual_over_group or not ground.people:
        return None
    names = random.sample(sorted(ground.table.roles), 2)
    who, teams = fresh(ground, "zoe"), [fresh(ground, f"team_{letter}") for letter in "ab"]
    scope = f", scope: {place}" if (place := _place(ground, random)) and random.random() < 0.6 else ""
    status = random.choice(("", "status: pending"))
    return Seed(
        [
            _entry(ground, "users", f"⟦{who}⟧: {{{status}}}"),
            _entry(
                ground,
                "groups",
                *(
                    f"{team}: {{members: [{who}], assignments: [{{role: {name}{scope}}}]}}"
                    for team, name in zip(teams, names, strict=True)
                ),
            ),
        ],
        names=[who],
    )
