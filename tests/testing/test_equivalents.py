"""Which mutants change nothing: what is called so decides every request as the policy does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from testing.mutations import CATALOGUE, NOW, POLICIES, SHIPPED, VIEWER, of, policy, tried

from remit import Policy
from remit.model.types import Type
from remit.proof.case import Case, World
from remit.table.shape import Table
from remit.testing.mutants import Mutant, mutated
from remit.testing.mutation import mutate
from remit.testing.run import run

EQUIVALENT = [
    ("drop-rule", "role boss { allow * on record  allow read on record }"),
    ("drop-include", "role boss includes viewer { allow read on record }"),
    ("move-bound", "role vet { allow refund on invoice when resource.amount < 5 and resource.amount < 3 }"),
    ("drop-part", "role vet { allow sign on record when treats or treats and resource.open }"),
    ("swap-and-or", "role vet { allow sign on record when treats and treats }"),
    ("drop-condition", "role vet { allow sign on record  allow sign on record when treats }"),
    ("widen-actions", "role vet { allow * on record  allow sign on record }"),
]


@pytest.mark.parametrize(("operator", "text"), EQUIVALENT)
def test_what_changes_nothing_is_equivalent(operator: str, text: str) -> None:
    """A change that no request tells from the policy is equivalent, however poor the tests, and no survivor."""
    found = tried(CATALOGUE, VIEWER, text)
    assert "equivalent" in {one.result for one in of(operator, found)}


def random_value(kind: Type, dice: random.Random) -> Any:
    """A value of the type, or one of another."""
    if dice.random() < 0.1:
        return dice.choice([None, "x", 7, True, []])
    if kind.kind == "set":
        return dice.sample(["a", "b", "c"], dice.randrange(3))
    pools: dict[str, list[Any]] = {
        "int": list(range(-2, 12)), "bool": [True, False], "enum": list(kind.values),
        "time": ["2026-01-01T11:00:00Z", "2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z"],
    }  # fmt: skip
    return dice.choice(pools.get(kind.kind, ["someone", "other", "api", "accounting"]))


def random_cases(table: Table, name: str, dice: random.Random, count: int) -> Iterator[Case]:
    """Requests about a type, some with something missing or of no use."""

    def values(declared: Any) -> dict[str, Any]:
        kept = {key: found for key, found in declared.items() if dice.random() < 0.8}
        return {key: random_value(found.type, dice) for key, found in kept.items()}

    for _ in range(count):
        scope = {"scope": table.root} if table.root is not None and dice.random() < 0.9 else {}
        properties = {**values(table.types[name].attributes), **scope}
        yield Case("someone", values(table.user), (), "r1", properties, values(table.context))


def differing(table: Table, mutant: Mutant, other: Table, count: int) -> list[tuple[Any, ...]]:
    """Random requests that a mutant decides otherwise."""
    dice = random.Random(repr(mutant.place[:3]) + mutant.operator + mutant.said)
    worlds = World(table), World(other)
    names = [name for rule in mutant.rules for name in rule.cells] or list(table.types)
    found = []
    for name in dict.fromkeys(names):
        for case in random_cases(table, name, dice, count):
            roles = dice.sample(sorted(table.roles), dice.randint(0, min(3, len(table.roles))))
            for action in table.types[name].actions:
                codes = [world.judge(roles, name, action, case).code == "allowed" for world in worlds]
                if codes[0] != codes[1]:
                    found.append((roles, action, case))
    return found


@pytest.mark.parametrize("text", [text for _, text in EQUIVALENT])
def test_equivalent_ones_decide_alike(text: str) -> None:
    """No random request tells an equivalent mutant from the policy; of the survivors, some do."""
    made = policy(CATALOGUE, VIEWER, text)
    found = mutate(made.table, made.model, NOW)
    told = 0
    for one in found.outcomes:
        tells = differing(made.table, one.mutant, mutated(made.table, one.mutant, made.model), 150)
        if one.result == "equivalent":
            assert tells == [], one.mutant.said
        told += bool(tells)
    assert told > 3


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_policies_equivalents_decide_alike(name: str) -> None:
    """What is called equivalent in the shipped policies is so for random users and requests."""
    made = Policy.load(POLICIES / name)
    found = mutate(made.table, made.model, NOW)
    for one in found.outcomes:
        if one.result == "equivalent":
            other = mutated(made.table, one.mutant, made.model)
            assert differing(made.table, one.mutant, other, 20) == [], one.mutant.said


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_not_killed_passes_every_test(name: str) -> None:
    """Only tests and asserts that a change may concern are run on it; of those that nothing noticed, the whole run of
    all of them notices nothing either. Two tests of three are left out, so that there are some."""
    made = Policy.load(POLICIES / name)
    table = made.table._replace(tests=made.table.tests[::3], assertions=made.table.assertions[::2])
    found = mutate(table, made.model, NOW)
    left = [one for one in found.outcomes if one.result != "killed"]
    assert left
    for one in random.Random(name).sample(left, min(len(left), 12)):
        other = mutated(table, one.mutant, made.model)
        results = run(other, lambda: NOW)
        assert (results.failed, results.unproven) == (0, 0), one.mutant.said


def test_an_include_that_a_guard_counts_is_not_equivalent() -> None:
    """Access may be the same, and the guard still sees who holds the included role: it survives, and is listed."""
    text = "role boss includes viewer { allow read on record }\nguard few: at most 2 viewer"
    [one] = of("drop-include", tried(CATALOGUE, VIEWER, text))
    assert (one.result, one.example) == ("survived", None)
