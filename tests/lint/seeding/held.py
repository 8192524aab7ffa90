"""Seeders: how roles come to be held (W501 to W504)."""

from __future__ import annotations

from random import Random

from .ground import Ground
from .seeder import Seed, fresh, one, seeder

_CLAIM = "claims {{ {0}: set of string }}\n"


def _events(ground: Ground) -> bool:
    return any(layer.events for layer in ground.model.layers())


def _apart(ground: Ground, name: str) -> bool:
    """Whether no guard speaks of a role."""
    return all(
        name not in (guard.role, guard.other) and guard.kind != "per_user" for guard in ground.table.guards.values()
    )


def _two(ground: Ground, random: Random) -> tuple[str, str] | None:
    """Two roles of which neither has the other, and no third has both."""
    closed = {name: {name, *role.includes} for name, role in ground.table.roles.items()}
    pairs = [
        (a, b)
        for a in sorted(closed)
        for b in sorted(closed)
        if a != b
        and _apart(ground, a)
        and _apart(ground, b)
        and not any({a, b} <= inside for inside in closed.values())
    ]
    return one(random, pairs)


def _lines(ground: Ground, *lines: str) -> str:
    return "assignments {\n" + "".join(f"  {line}\n" for line in lines) + "}"


_GUARDED = {
    "W502": "the lines that are seeded give some roles only",
    "W503": "somebody new matches both of the lines",
    "W504": "a guard speaks of a role that the seeded lines do not give",
    "W424": "somebody in the directory holds both",
}


# -- W501 ------------------------------------------------------------------------------------------------------------


@seeder(
    "W501",
    "a guard between a role and one that it includes",
    W424="somebody in the directory holds it",
    W504="no line gives it",
)
def within(ground: Ground, random: Random) -> Seed | None:
    pairs = [(name, inner) for name, role in sorted(ground.table.roles.items()) for inner in sorted(role.includes)]
    pair = one(random, pairs)
    if pair is None:
        return None
    sides = list(pair)
    random.shuffle(sides)
    return Seed([ground.at_end(f"⟦guard {fresh(ground, 'split')}: never {sides[0]} with {sides[1]}⟧")], names=[pair[0]])


@seeder(
    "W501",
    "a role that includes both sides of a guard",
    W502="no line gives the new role",
    W703="the new role is one more to give",
    W301="all of it is what the two have",
    W424="somebody in the directory holds both",
)
def both(ground: Ground, random: Random) -> Seed | None:
    pair = _two(ground, random)
    if pair is None:
        return None
    name, middle = fresh(ground, "double"), fresh(ground, "middle")
    deny, other = ground.quirk(name), ground.quirk(middle)
    return Seed(
        [
            ground.at_end(
                f"role ⟦{name}⟧ includes {pair[0]}, {middle} {{ {deny} }}\n\n"
                f"role {middle} includes {pair[1]} {{ {other} }}\n\n"
                f"guard {fresh(ground, 'split')}: never {pair[1]} with {pair[0]}"
            )
        ],
        names=[name],
    )


@seeder("W501", "one line that gives both sides", **_GUARDED)
def at_once(ground: Ground, random: Random) -> Seed | None:
    pair = _two(ground, random)
    if pair is None or _events(ground):
        return None
    guard = fresh(ground, "split")
    rule = random.choice((f"never {pair[0]} with {pair[1]}", "at most 1 role per user"))
    kind = random.choice(("signup", "sso_login", "register"))
    return Seed(
        [
            ground.at_end(_lines(ground, f"⟦on {kind} assign {pair[1]}, {pair[0]}⟧")),
            ground.at_end(f"guard {guard}: {rule}"),
        ]
    )


@seeder("W501", "two lines for one sign-on that give a side each", **_GUARDED)
def two_lines(ground: Ground, random: Random) -> Seed | None:
    pair = _two(ground, random)
    if pair is None or _events(ground):
        return None
    claim = fresh(ground, "badges")
    lines = [
        f'⟦on sso_login when "a" in claims.{claim} assign {pair[0]}⟧',
        f'⟦on sso_login when not ("b" in claims.{claim}) or "c" in claims.{claim} assign {pair[1]}⟧',
    ]
    random.shuffle(lines)
    return Seed(
        [
            ground.at_end(_CLAIM.format(claim) + _lines(ground, *lines)),
            ground.at_end(f"guard {fresh(ground, 'split')}: never {pair[0]} with {pair[1]}"),
        ]
    )


@seeder("W501", "a sign-on that gives one side to whoever was given the other", **_GUARDED)
def one_after_other(ground: Ground, random: Random) -> Seed | None:
    pair = _two(ground, random)
    if pair is None or _events(ground):
        return None
    claim = fresh(ground, "badges")
    lines = [
        f"on signup when first in domain assign {pair[1]}",
        f'⟦on sso_login when "a" in claims.{claim} assign {pair[0]}⟧',
    ]
    random.shuffle(lines)
    return Seed(
        [
            ground.at_end(_CLAIM.format(claim) + _lines(ground, *lines)),
            ground.at_end(f"guard {fresh(ground, 'split')}: never {pair[0]} with {pair[1]}"),
        ]
    )


@seeder(
    "W501",
    "an invitation that always adds a role",
    W426="roles are given by it",
    W424="somebody in the directory holds several",
)
def invited(ground: Ground, random: Random) -> Seed | None:
    name = one(random, sorted(ground.table.roles))
    if (
        name is None
        or any(line.kind == "invite" for layer in ground.model.layers() for line in layer.events)
        or (len(ground.table.roles) < 2)
    ):
        return None
    kind = next(iter(ground.table.types.values()))
    line = f"⟦on invite requires {kind.actions[0]} on {kind.name}, role within own assign {name}⟧"
    return Seed(
        [ground.at_end(_lines(ground, line)), ground.at_end(f"guard {fresh(ground, 'alone')}: at most 1 role per user")]
    )


# -- W502 ------------------------------------------------------------------------------------------------------------


@seeder("W502", "a role that no line gives")
def ungiven(ground: Ground, random: Random) -> Seed | None:
    """In policies without lines: some for all roles but one that no other includes."""
    if _events(ground) or ground.table.roles_from_subject:
        return None
    roles = ground.table.roles
    brought = {inner for role in roles.values() for inner in role.includes}
    own = [name for name in ground.model.roles if name not in brought]
    name = one(random, sorted(own))
    if name is None or len(roles) < 2:
        return None
    claim = fresh(ground, "badges")
    lines = [
        f'on sso_login when "{other}" in claims.{claim} assign {other}'
        for other in roles
        if other != name and name not in roles[other].includes
    ]
    random.shuffle(lines)
    lines.append("on remove")
    return Seed(
        [ground.at_end(_CLAIM.format(claim) + _lines(ground, *lines)), ground.marked(ground.model.roles[name].span)]
    )


@seeder("W502", "a role that only a removal gives")
def on_removal(ground: Ground, random: Random) -> Seed | None:
    if _events(ground) or ground.table.roles_from_subject or not ground.table.roles:
        return None
    name = fresh(ground, "double")
    lines = [f"on signup assign {', '.join(ground.table.roles)}", f"on remove assign {name}"]
    if any(guard.kind for guard in ground.table.guards.values()):
        return None
    deny = ground.quirk(name)
    return Seed([ground.at_end(f"role ⟦{name}⟧ {{ {deny} }}\n\n" + _lines(ground, *lines))])


# -- W503 ------------------------------------------------------------------------------------------------------------


@seeder("W503", "a line again", W501="it gives both sides of a guard, as the line does")
def line_again(ground: Ground, random: Random) -> Seed | None:
    event = one(random, ground.model.events)
    if event is None:
        return None
    return Seed([ground.at_end(_lines(ground, f"⟦{event.span.text}⟧")), ground.marked(event.span)])


@seeder("W503", "a narrower line that lifts nothing")
def narrower_line(ground: Ground, random: Random) -> Seed | None:
    events = [event for event in ground.model.events if event.trigger is None]
    event = one(random, events)
    if event is None or ground.layered:
        return None
    claim = fresh(ground, "badges")
    text = event.span.text.partition(" assign ")[0].partition(" requires ")[0].rstrip()
    return Seed([ground.at_end(_CLAIM.format(claim) + _lines(ground, f'⟦{text} when "hr" in claims.{claim}⟧'))])


@seeder("W503", "the same condition in other words", **_GUARDED)
def same_trigger(ground: Ground, random: Random) -> Seed | None:
    if _events(ground) or not ground.table.roles:
        return None
    name, claim = random.choice(sorted(ground.table.roles)), fresh(ground, "badges")
    lines = [
        f'⟦on sso_login when "a" in claims.{claim} or "b" in claims.{claim} assign {name}⟧',
        f'⟦on sso_login when not (not ("b" in claims.{claim}) and not ("a" in claims.{claim})) assign {name}⟧',
    ]
    return Seed([ground.at_end(_CLAIM.format(claim) + _lines(ground, *lines))])


@seeder("W503", "a default that is none", **_GUARDED)
def default(ground: Ground, random: Random) -> Seed | None:
    pair = _two(ground, random)
    if pair is None or _events(ground):
        return None
    claim = fresh(ground, "badges")
    lines = [
        f"⟦on sso_login when unassigned assign {pair[0]}⟧",
        f'on sso_login when "a" in claims.{claim} and not ("b" in claims.{claim}) assign {pair[1]}',
    ]
    random.shuffle(lines)
    return Seed([ground.at_end(_CLAIM.format(claim) + _lines(ground, *lines))])


# -- W504 ------------------------------------------------------------------------------------------------------------


@seeder("W504", "a limit that cannot be passed")
def no_limit(ground: Ground, random: Random) -> Seed | None:
    name = one(random, sorted(ground.table.roles))
    many = len(ground.table.roles) + random.choice((0, 0, 1, 40))
    if name is None or many == 0:
        return None
    rule = random.choice((f"at least 0 {name}", f"at least 0 active {name}", f"at most {many} role per user"))
    return Seed([ground.at_end(f"⟦guard {fresh(ground, 'vain')}: {rule}⟧")])


@seeder(
    "W504",
    "a guard on a role that nobody can be given",
    W502="no line gives the new role",
    W424="the directory gives roles by hand",
)
def unreachable(ground: Ground, random: Random) -> Seed | None:
    if _events(ground) or ground.table.roles_from_subject or not ground.table.roles:
        return None
    name = fresh(ground, "double")
    other = random.choice(sorted(ground.table.roles))
    rule = random.choice((f"never {name} with {other}", f"never {other} with {name}", f"at most 2 {name}"))
    deny = ground.quirk(name)
    return Seed(
        [
            ground.at_end(f"role {name} {{ {deny} }}\n\n" + _lines(ground, f"on signup assign {other}")),
            ground.at_end(f"⟦guard {fresh(ground, 'vain')}: {rule}⟧"),
        ]
    )
