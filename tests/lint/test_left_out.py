"""W704 and W705 against all requests: a rule is found exactly where leaving an optional attribute out changes for the
better what it decides."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from remit.compiler import compile_sources
from remit.evaluator.facts import Facts, Person
from remit.lint.left_out import left_out
from remit.lint.rule import Effect, Subject
from remit.source import Source

ATOMS = (
    "has resource.a",
    "(has resource.a and resource.a)",
    "(not has resource.a or resource.a)",
    "has resource.b",
    "(has resource.b and not resource.b)",
    "resource.c",
)
PERSON = Person(None, lambda: None, lambda: None, lambda: None)


def condition(random: Random, depth: int) -> str:
    if depth == 0:
        return random.choice(ATOMS)
    parts = [condition(random, depth - 1) for _ in range(2)]
    text = f"({parts[0]} {random.choice(('and', 'or'))} {parts[1]})"
    return f"(not {text})" if random.random() < 0.3 else text


def subject_of(text: str) -> Subject:
    catalogue = "area x { resource t { a: bool?  b: bool?  c: bool  actions act } }"
    source = Source("main.remit", f"{catalogue}\nrole r {{ {text} }}\n")
    compiled = compile_sources([source])
    assert compiled.table is not None, [finding.message for finding in compiled.findings]
    return Subject(compiled.model, compiled.table, [source])


def pays(subject: Subject, effect: Effect, name: str) -> bool:
    """Whether some request is decided better by the one rule without the attribute than with it."""
    [entry] = subject.table.rules
    test = subject.index.test(entry.condition, "t")
    assert test is not None
    better, worse = ({True}, {False, None}) if effect == "allow" else ({False}, {True, None})
    for values in product((None, True, False, "neither"), repeat=3):
        given = {key: value for key, value in zip("abc", values, strict=True) if value is not None}
        if name in given:
            without = {key: value for key, value in given.items() if key != name}
            answers = [test(Facts("ann", some, {}, {}, "t1", PERSON)) for some in (without, given)]
            if answers[0] in better and answers[1] in worse:
                return True
    return False


@pytest.mark.parametrize("effect", ["allow", "deny"])
@pytest.mark.parametrize("seed", range(60))
def test_found_where_it_pays(effect: Effect, seed: int) -> None:
    """What is found, and only that, some request proves."""
    text = condition(Random(seed), 1 + seed % 3)
    subject = subject_of(f"{effect} act on t when {text}")
    found = {attribute.name for one in left_out(subject, effect) for attribute in one.attributes}
    assert found == {name for name in "ab" if pays(subject, effect, name)}, text


def test_underlined() -> None:
    """Found is what asks for the attribute, and not a string that reads the same."""
    subject = subject_of('deny act on t when resource.id == "has resource.a" and has  resource . `a`')
    [found] = left_out(subject, "deny")
    assert found.span.text == "has  resource . `a`"
