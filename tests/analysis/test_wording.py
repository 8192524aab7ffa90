"""What rules say in as few words as keep their meaning."""

from __future__ import annotations

import itertools

import pytest

from remit.analysis.wording import condition_words, terms
from remit.evaluator.conditions import compile_condition
from remit.evaluator.facts import Facts, Person
from remit.model import expression as ex
from remit.policy import Policy
from remit.table.shape import Table

CATALOGUE = """
policy p "P"
area one { resource a { x: bool y: bool z: bool n: int? actions read } }
condition both = resource.x and resource.y
"""


def table(*rules: str) -> Table:
    return Policy.from_sources({"p.remit": f"{CATALOGUE} role r {{ {' '.join(rules)} }}"}).table


def said(condition: str) -> str:
    return condition_words(table(f"allow read on a when {condition}").rules[0])


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("resource.x or (resource.x and resource.y)", "resource.x"),
        ("resource.x and (resource.y or resource.x)", "resource.x"),
        ("not (not resource.x)", "resource.x"),
        ("resource.z and not not (resource.x or resource.x)", "resource.z and resource.x"),
        ("resource.x and (resource.y and resource.x)", "resource.x and resource.y"),
        ("both or (both and resource.z)", "both"),
        ("resource.x and true", "resource.x"),
    ],
)
def test_what_is_said_twice_is_said_once(written: str, words: str) -> None:
    """Double negation, repeats, and what another part makes superfluous; named conditions stay names."""
    assert said(written) == words


@pytest.mark.parametrize(
    "written",
    [
        "resource.x or not resource.x",
        "not (resource.x and resource.y)",
        "has resource.n and resource.n > 5",
        "resource.x  and (resource.y or resource.z)",
        "both and resource.x",
    ],
)
def test_other_words_stay_as_they_are_written(written: str) -> None:
    """Where nothing can be left out for three values, the author's words are the best."""
    assert said(written) == " ".join(written.split())


def test_rules_that_others_make_superfluous_are_not_said() -> None:
    """Of rules of one effect, those that hold wherever another one does."""
    assert terms(
        table(
            "allow read on a when resource.x and resource.y",
            "allow read on a when resource.x",
            "deny read on a when resource.x and resource.z",
        ).rules
    ) == (("allow", "resource.x"), ("deny", "resource.x and resource.z"))


def test_a_rule_that_never_holds_says_nothing() -> None:
    """And one that always does is outright."""
    rules = table("allow read on a when not true", "deny read on a when true or resource.x").rules
    assert terms(rules) == (("deny", ""),)


def test_names_are_written_out_where_they_are_asked_for() -> None:
    """And what they say twice then is left out, too."""
    rules = table("allow read on a when both or resource.x").rules
    assert terms(rules) == (("allow", "both or resource.x"),)
    assert terms(rules, written_out=True) == (("allow", "resource.x"),)


PARTS = ["resource.x", "not resource.y", "not (not resource.y)", "(resource.x or resource.y)", "both", "(not both)"]


@pytest.mark.parametrize("inner", ["and", "or"])
def test_shorter_words_have_the_same_value(inner: str) -> None:
    """Whatever the attributes are, missing included."""
    outer = "or" if inner == "and" else "and"
    written = [f"{a} {outer} ({b} {inner} {c})" for a, b, c in itertools.product(PARTS, repeat=3)]
    rules = [f"allow read on a when {condition}" for condition in written]
    rules += [f"allow read on a when {words}" for words in map(condition_words, table(*rules).rules)]
    made = table(*rules)
    reading = made.reading("a")
    tests = [compile_condition(rule.condition or ex.TRUE, reading) for rule in made.rules]
    nobody = Person(None, lambda: None, lambda: None, lambda: None)
    given = [dict(zip("xy", values, strict=True)) for values in itertools.product((True, False, None), repeat=2)]
    facts = [Facts("u", {n: v for n, v in some.items() if v is not None}, {}, {}, "1", nobody) for some in given]
    pairs = list(zip(tests[: len(written)], tests[len(written) :], strict=True))
    assert sum(len(rule.condition_text) for rule in made.rules[len(written) :]) < sum(map(len, written))
    assert [written[at] for at, (one, other) in enumerate(pairs) if any(one(f) is not other(f) for f in facts)] == []
