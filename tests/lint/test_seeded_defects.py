"""Defects put into correct policies: what share of them the linter finds, and that it says nothing untrue beside.

A short form of `python -m tests.lint.seeding`, which says more: each kind of defect once or so, in a few policies.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from remit.compiler import compile_sources
from remit.diagnostics import Diagnostic
from remit.lint.registry import RULES, rule_of
from remit.lint.rule import Subject
from remit.proof.prover import Prover
from remit.source import Source
from tests.lint.seeding import alike, exact, held, people, risky, silence, twice, unused, words
from tests.lint.seeding.ground import Ground, generated, shipped
from tests.lint.seeding.measure import Tally, measure
from tests.lint.seeding.seeder import SEEDERS
from tests.lint.seeding.truth import judge

SEEDED_BY = (alike, exact, held, people, risky, silence, twice, unused, words)
BESIDE = ("W421", "W422", "W423", "W424")  # found where a directory meets its policy, by no rule of the registry
EXACT = ("W203", "W204", "W205", "W206", "W301", "W302", "W709")
pytestmark = pytest.mark.xdist_group("seeded-defects")  # they share what takes long to make


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> list[Ground]:
    folder = tmp_path_factory.mktemp("grounds")
    return [*shipped(folder), *generated(folder, 12)]


@pytest.fixture(scope="module")
def tally(grounds: list[Ground]) -> Tally:
    return measure(grounds, each=1)


def test_every_rule_has_a_seeder() -> None:
    """No rule is without a defect of its own, and no seeder without a rule."""
    assert {one.code for one in SEEDERS} == {*RULES, *BESIDE}


def test_every_consequence_has_its_reason() -> None:
    """What may be said beside a defect is listed with why it is true."""
    assert [one for one in SEEDERS for why in one.follows.values() if not why] == []


def test_found(tally: Tally) -> None:
    """Every seeded defect is found."""
    assert [(one.seeder.code, one.seeder.how, one.marked) for one in tally.missed] == []


def test_nothing_untrue(tally: Tally) -> None:
    """No finding appears beside a defect that is neither its own nor a consequence of it."""
    assert [(one.seeder.code, one.seeder.how, one.finding, one.marked) for one in tally.false] == []


def test_seeded_enough(tally: Tally) -> None:
    """Nearly every kind of defect fits somewhere in these few policies."""
    assert len(tally.by_seeder) > 0.9 * len(SEEDERS)


def test_exact_rules_say_what_is_so(grounds: list[Ground]) -> None:
    """What they claim of generated policies holds by comparison and by decisions, and nothing dead goes unsaid."""
    seen: Counter[str] = Counter()
    wrong = [text for ground in grounds[6:11] for text in judge(ground, Random(1), 200, seen)]
    assert wrong == []
    assert seen["W203"] > 5
    assert seen["rules"] > 40


# -- what was found so -----------------------------------------------------------------------------------------------


def found(text: str, *codes: str) -> list[Diagnostic]:
    source = Source("main.remit", text)
    compiled = compile_sources([source])
    assert compiled.table is not None
    subject, prover = Subject(compiled.model, compiled.table, [source]), Prover(compiled.table)
    return [finding for code in codes for finding in rule_of(code)(subject, prover)]


def test_dead_beside_roles_that_are_read() -> None:
    """A dead rule is told where conditions about its cells read `user.roles`, too."""
    dead = found(
        """
        area a { resource r { tag: string  actions read, sign } }
        role x {
          allow read on r
          allow read on r when resource.tag in user.roles
        }
        """,
        *EXACT[:3],
    )
    assert [finding.span.text for finding in dead if finding.span] == [
        "allow read on r when resource.tag in user.roles"
    ]


def test_overlap_with_a_block() -> None:
    """A deny for everyone takes part of what a role allows."""
    taken = found(
        """
        area a { resource r { n: int  actions read } }
        role x { allow read on r }
        everyone { deny read on r when resource.n > 3 }
        """,
        "W709",
    )
    assert [finding.span.text for finding in taken if finding.span] == ["deny read on r when resource.n > 3"]


def test_cover_is_of_the_holder() -> None:
    """A rule is covered by rules of its own role, not by the like of a role that does not matter."""
    [dead] = found(
        """
        area a { resource r { actions read, sign } }
        role a { allow * on r }
        role b {
          allow read on r
          allow sign, read on r
        }
        """,
        "W203",
    )
    assert [label.span.text for label in dead.secondary] == ["allow sign, read on r"]


def test_roles_that_differ_at_unknown_places() -> None:
    """A role that forbids what `members` forbids as well differs from one that does not: nobody is a member at a place
    that the directory does not know."""
    alike = found(
        """
        scope top
        scope low in top
        area a { resource r { actions read } }
        role x { allow read on r }
        role y { allow read on r  deny read on r }
        members { deny read on r }
        everyone { allow read on r }
        """,
        "W301",
    )
    assert alike == []
