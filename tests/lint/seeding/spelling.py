"""The same in other words: conditions and rules as somebody else would have written them."""

from __future__ import annotations

from collections.abc import Collection
from random import Random

from remit.model.expression import quoted
from remit.model.types import AttributeType

from .ground import Ground, Spot

Cell = tuple[str, str]


def condition(spot: Spot) -> str:
    """A rule's condition as it is written; empty for none."""
    span = spot.rule.condition_span
    return span.text if span is not None else ""


def respelt(text: str, random: Random) -> str:
    """A condition with the same normal form."""
    if not text:
        return ""
    return random.choice((text, f"({text})", f"not (not ({text}))", f"({text}) and ({text})", f"({text}) or ({text})"))


def when(text: str) -> str:
    return f" when {text}" if text else ""


def items(ground: Ground, kind: str, actions: Collection[str], random: Random) -> str:
    """A list of actions of one type: by name, by a set that holds some, or `*`, in any order."""
    every = ground.table.types[kind].actions
    if set(actions) == set(every) and random.random() < 0.5:
        return "*"
    left, words = set(actions), []
    for name, inside in _sets(ground).items():
        here = inside & set(every)
        if here and here <= left and random.random() < 0.5:
            words.append(name)
            left -= here
    words += [quoted(action) for action in left]
    random.shuffle(words)
    return ", ".join(words)


def _sets(ground: Ground) -> dict[str, frozenset[str]]:
    return {name: inside for layer in ground.model.layers() for name, inside in layer.action_sets.items()}


def rules(ground: Ground, effect: str, cells: Collection[Cell], text: str, random: Random) -> list[str]:
    """Rules that have an effect on cells under a condition, one for each type or part of one."""
    found = []
    by_type: dict[str, set[str]] = {}
    for kind, action in sorted(cells):
        by_type.setdefault(kind, set()).add(action)
    for kind, actions in by_type.items():
        parts = [actions]
        if len(actions) > 1 and random.random() < 0.4:
            first = set(random.sample(sorted(actions), random.randint(1, len(actions) - 1)))
            parts = [first, actions - first]
        for part in parts:
            listed = items(ground, kind, part, random)
            found.append(f"{effect} {listed} on {quoted(kind)}{when(respelt(text, random))}")
    random.shuffle(found)
    return found


def rule(ground: Ground, effect: str, kind: str, actions: Collection[str], text: str, random: Random) -> str:
    """One rule on one type."""
    return f"{effect} {items(ground, kind, actions, random)} on {quoted(kind)}{when(respelt(text, random))}"


def attributes(ground: Ground, kind: str, *kinds: str, optional: bool = False) -> list[tuple[str, AttributeType]]:
    """What a condition at a type may read of some kinds, by path: the resource's, the user's and the context's."""
    table = ground.table
    roots = (("resource", table.types[kind].attributes), ("user", table.user), ("context", table.context))
    return [
        (f"{root}.{quoted(name)}", declared)
        for root, declared_there in roots
        for name, declared in declared_there.items()
        if declared.type.kind in kinds and declared.optional == optional
    ]


def narrowing(ground: Ground, kind: str, random: Random) -> str:
    """Something to ask for at a type that is sometimes true and sometimes false."""
    found = ['resource.id == "x17"', 'user.id != "zz"', 'resource.id in ["a", "b", "x17"]']
    for path, declared in attributes(ground, kind, "int", "bool", "enum", "string", "user"):
        sort = declared.type.kind
        if sort == "int":
            found += [f"{path} > 2", f"not ({path} >= 3)", f"{path} in [1, 4]"]
        elif sort == "bool":
            found += [path, f"not {path}", f"{path} == true"]
        elif sort == "enum":
            found += [f'{path} == "{declared.type.values[0]}"', f'{path} != "{declared.type.values[-1]}"']
        else:
            found += [f'{path} == "x17"', f"{path} == user.id"]
    return random.choice(found)
