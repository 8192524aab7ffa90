"""Seeders: roles that are alike, and exceptions without a reason, as only the solver can tell (W301, W302, W709)."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from remit.model.expression import quoted
from remit.model.policy import Rule

from . import spelling
from .exact import DEAD, SAID_TWICE, names_constant
from .ground import Ground
from .seeder import Seed, fresh, one, seeder


def _every_rule(ground: Ground) -> Iterator[Rule]:
    for layer in ground.model.layers():
        for role in layer.roles.values():
            yield from role.rules
        yield from (*layer.everyone, *layer.members)
        for rules in layer.extensions.values():
            yield from rules


def _copied(ground: Ground, random: Random) -> tuple[str, str, list[str], list[str]] | None:
    """A role, a name for its copy, what the copy includes, and its rules in other words."""
    entries = ground.table.roles
    names = [
        name
        for name, role in ground.model.roles.items()
        if role.rules
        and any(spot.role == name for spot in ground.spots)
        and not any("user.roles" in span.source.text for span in (rule.span for rule in _every_rule(ground)))
        and name not in {n for layer in ground.model.layers()[:-1] for n in layer.roles}
        and not any(name in other.includes for other in entries.values())
    ]
    name = one(random, sorted(names))
    if name is None:
        return None
    role = ground.model.roles[name]
    rules = []
    for spot in ground.spots:
        if spot.role == name:
            rules += spelling.rules(ground, spot.entry.effect, spot.cells, spelling.condition(spot), random)
    random.shuffle(rules)
    includes = list(role.includes)
    random.shuffle(includes)
    return name, fresh(ground, "double"), includes, rules


_NEW_ROLE = {
    "W502": "no line gives the new role",
    "W703": "the new role is one more that gives what it has not, or is given",
    "W707": "a copy says the same of owners",
    "W701": "a copy of a wildcard role",
    "W702": "a copy of a wildcard",
    "W704": "a copy",
    "W705": "a copy",
    "W206": "a copy",
    "W303": "a copy",
    "W304": "a copy",
    "W305": "a copy",
    "W306": "a third of two that were alike",
    "W501": "the new role is one more that guards keep apart",
}


@seeder("W301", "a copy of a role in other words", **_NEW_ROLE)
def copy(ground: Ground, random: Random) -> Seed | None:
    found = _copied(ground, random)
    if found is None:
        return None
    _, new, includes, rules = found
    head = f"role {new}" + (f" includes {', '.join(includes)}" if includes else "")
    body = "\n".join(f"  {rule}" for rule in rules)
    return Seed([ground.at_end(f"⟦{head}⟧ {{\n{body}\n}}")], names=[new])


@seeder("W301", "a role that includes another and adds what that has", **_NEW_ROLE)
def same_by_include(ground: Ground, random: Random) -> Seed | None:
    found = _copied(ground, random)
    if found is None:
        return None
    name, new, _, rules = found
    return Seed([ground.at_end(f"⟦role {new} includes {name}⟧ {{\n  {rules[0]}\n}}")], names=[new])


@seeder("W302", "a copy of a role that may one thing more", **_NEW_ROLE)
def larger(ground: Ground, random: Random) -> Seed | None:
    found = _copied(ground, random)
    if found is None:
        return None
    name, new, includes, rules = found
    mine = {cell for spot in ground.spots if spot.role == name for cell in spot.cells}
    denied = any(spot.entry.effect == "deny" for spot in ground.spots) or not any(
        spot.role == name and spot.entry.effect == "allow" for spot in ground.spots
    )
    facets = ground.table.roles[name].facets | {0, 1}
    has = {
        (k, a) for rule in ground.table.rules if facets & set(rule.facets) for k, of in rule.cells.items() for a in of
    }
    cell = one(random, sorted({(k, a) for k, e in ground.table.types.items() for a in e.actions} - mine - has))
    if cell is None or denied:
        return None
    rules.append(f"allow {quoted(cell[1])} on {quoted(cell[0])}")
    random.shuffle(rules)
    head = f"role {new}" + (f" includes {', '.join(includes)}" if includes else "")
    body = "\n".join(f"  {rule}" for rule in rules)
    return Seed([ground.at_end(f"⟦{head}⟧ {{\n{body}\n}}")], names=[new], instead=("W301",))


@seeder(
    "W709",
    "a deny of part of what a rule allows",
    **SAID_TWICE,
    W703="its holders may less",
    W707="its holders may less",
)
def partly(ground: Ground, random: Random) -> Seed | None:
    spots = [
        spot
        for spot in ground.spots
        if spot.role
        and spot.entry.effect == "allow"
        and not spot.rule.because
        and ground.free(spot.rule.span, *DEAD)
        and not names_constant(ground, spot)
    ]
    spot = one(random, spots)
    if spot is None:
        return None
    facets = ground.table.roles[spot.role or ""].facets | {0, 1}
    shut = {
        (k, a)
        for rule in ground.table.rules
        if rule.effect == "deny" and facets & set(rule.facets)
        for k, of in rule.cells.items()
        for a in of
    }
    open_ = sorted(spot.cells - shut)
    if not open_:
        return None
    kind, action = random.choice(open_)
    text = spelling.narrowing(ground, kind, random)
    old = spelling.condition(spot)
    if old:
        if len(spot.cells) < 2:
            return None
        text = random.choice(("", old))
    made = f"deny {quoted(action)} on {quoted(kind)}{spelling.when(text)}"
    where = random.choice(("body", "everyone"))
    if where == "body":
        return Seed([ground.body(spot, f"  ⟦{made}⟧")])
    return Seed([ground.block("everyone", f"  ⟦{made}⟧")])
