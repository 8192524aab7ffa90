"""Normal forms and what is known of comparisons: each faster way says what the plain one says."""

from __future__ import annotations

from random import Random

import pytest

from remit import Policy
from remit.model import expression as ex
from remit.model.types import Reading
from remit.table import normal
from remit.table.normal import Keys, Normal, Parts, key
from remit.table.tableau import Values, implies

POLICY = """policy p
area things { resource thing { n: int  b: bool  c: bool  actions read } }
condition low = resource.n < 3 and not resource.c
role reader { allow read on thing when %s }
"""


def form(random: Random, word: str, depth: int) -> Normal:
    """A form of few comparisons, so that one part often holds another."""
    if depth == 0 or random.random() < 0.3:
        return ["==", ["resource", random.choice("abcd")], random.random() < 0.5]
    inner = "or" if word == "and" else "and"
    return [word, *(form(random, inner, depth - 1) for _ in range(random.randint(2, 4)))]


@pytest.mark.parametrize("seed", range(40))
def test_what_is_absorbed(seed: int) -> None:
    """A part goes exactly where it holds all pieces of another and more."""
    random = Random(seed)
    parts = {key(one): one for one in (form(random, "or", 1) for _ in range(random.randint(2, 12)))}
    pieces = {
        name: frozenset(map(key, one[1:])) if one[0] == "or" else frozenset((name,)) for name, one in parts.items()
    }
    kept = sorted(name for name in parts if not any(pieces[other] < pieces[name] for other in parts))
    found = normal.both([parts[name] for name in parts])
    assert [key(one) for one in (found[1:] if found[0] == "and" else [found])] == kept


def test_what_is_known_of_parts_changes_nothing() -> None:
    """A condition has the same normal form with what is known of its parts and without, and so has its opposite."""
    text = "(resource.n != 1 or low) and not (resource.b and (resource.c or low)) and (low or resource.n > 7)"
    policy = Policy.from_sources({"main.remit": POLICY % text})
    condition = policy.table.rules[0].condition
    assert condition is not None
    reading = policy.index.reading("thing")
    parts = Parts(condition, reading, Keys())
    assert parts.known
    for asked in (
        condition,
        ex.Not(condition),
        ex.Or((condition, ex.TRUE)),
        ex.And((ex.Attr("resource", "c"), condition)),
    ):
        assert normal.normal(asked, reading, parts) == normal.normal(asked, reading)


def test_values_that_exclude_each_other() -> None:
    """Two sets of values exclude each other exactly where no value is left of both."""
    few = [None, frozenset((1,)), frozenset((1, 2)), frozenset(())]
    some = [
        Values(only, out, low, high)
        for only in few
        for out in (frozenset(), frozenset((1,)))
        for low, high in ((0, 9), (2, 9), (0, 1))
    ]
    assert all(one.excludes(other) == one.meet(other).empty for one in some for other in some)
    assert any(one.excludes(other) for one in some for other in some)


def test_a_refuted_part_is_no_proof() -> None:
    """Of an `or` with a part that is true, one that cannot be true, and one that may be, nothing is left to split."""
    a, b, c = (["==", ["resource", name], True] for name in "abc")
    premise = ["and", a, ["==", ["resource", "b"], False], ["or", a, b, c]]
    proof = implies(premise, False, Reading({}))
    assert (proof.closed, proof.branches) == (False, 1)
    assert [sorted(leaf.literals) for leaf in proof.leaves] == [sorted(map(key, premise[1:3]))]
