"""What a seeder is: it puts one kind of defect into a policy, at a place drawn at random, and marks it.

    @seeder("W305", "the same rule, its condition negated twice", W203="the first of the two is dead beside the second")
    def twice(ground: Ground, random: Random) -> Seed | None: …

Beside the code come the consequences: codes of findings that may also be new, each with the reason why it is true.
What is dead by SEMANTICS 7 is not listed: a new W203, W204 or W205 counts as true where taking the rule away is proved
to change nothing, and as false otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple, TypeVar

from .ground import Edit, Ground

T = TypeVar("T")

ALWAYS = {
    "W901": "a comment that kept silent what the seeded line had speaks of it no more",
}


class Seed(NamedTuple):
    """A defect. It is found by a finding at a mark, or one whose message has one of `names` in backticks. `instead`:
    codes by which a finding at the mark counts as well, where the same defect may rightly be told by either.
    `baseline`: the text of one to hold the findings against."""

    edits: Sequence[Edit]
    names: Sequence[str] = ()
    instead: Sequence[str] = ()
    baseline: str = ""


Make = Callable[[Ground, Random], "Seed | None"]


class Seeder(NamedTuple):
    code: str
    how: str
    make: Make
    follows: dict[str, str]


SEEDERS: list[Seeder] = []


def seeder(code: str, how: str, **follows: str) -> Callable[[Make], Make]:
    """Registers a seeder. `follows`: code → why a finding of it may come along."""

    def register(make: Make) -> Make:
        SEEDERS.append(Seeder(code, how, make, {**ALWAYS, **follows}))
        return make

    return register


def one(random: Random, items: Sequence[T]) -> T | None:
    """One of several; None of none."""
    return random.choice(items) if items else None


def fresh(ground: Ground, word: str) -> str:
    """A name that nothing in the policy has, in backticks or not."""
    everything = "\n".join([*ground.texts.values(), *ground.table.roles, *ground.table.areas, *ground.table.types])
    name, number = word, 2
    while name in everything:
        name, number = f"{word}_{number}", number + 1
    return name
