"""What is said of mutants that survive: a request, the tests that would notice them, and the score."""

from __future__ import annotations

import pytest
from testing.mutations import CATALOGUE, NOW, POLICIES, RECORD, SHIPPED, VIEWER, of, policy, test, tried

from remit import Policy
from remit.proof.case import Case, World
from remit.proof.plainer import plainer
from remit.testing import proposals
from remit.testing.mutants import mutants, mutated
from remit.testing.mutation import Mutation, all_mutants, mutate
from remit.testing.proposals import with_proposals
from remit.testing.run import run


def test_a_survivor_has_a_request_and_a_test() -> None:
    """The request is allowed by one of the two alone, and says nothing that it does not need."""
    text = "role vet { allow refund on invoice when resource.amount <= 500 }"
    found = tried(CATALOGUE, text)
    [one] = of("drop-condition", found)
    assert one.example is not None
    assert (one.example.asking, one.example.before, one.example.after) == (("vet",), "no_rule", "allowed")
    assert one.example.case.properties.keys() <= {"amount", "scope"}
    [test] = [test for test in found.proposals if found.outcomes.index(one) in test.notices]
    assert "a_vet may not refund invoice_1" in test.text


# -- tests that would notice them --------------------------------------------------------------------------------------

BOTH = "role vet { allow sign on record when treats and resource.open }"


def titles(found: Mutation) -> list[str]:
    return [test.title for test in found.proposals]


def survivors(found: Mutation) -> set[int]:
    """The numbers of those that a test can show."""
    return {number for number, one in enumerate(found.outcomes) if one.result == "survived" and one.example is not None}


def test_each_test_is_proposed_once() -> None:
    """Several survivors that one request tells from the policy share its test, and all of them are named above it."""
    found = tried(CATALOGUE, VIEWER)
    dropped, flipped = of("drop-rule", found)[0], of("flip-effect", found)[0]
    shared = [test for test in found.proposals if found.outcomes.index(dropped) in test.notices]
    assert [found.outcomes.index(flipped) in test.notices for test in shared] == [True]
    assert shared[0].text.splitlines()[1:4] == [
        "# notices: main.remit:10 without this rule",
        "# notices: main.remit:10 with `deny` instead of `allow`",
        'test "read on record, as it is today" {',
    ]
    assert len({test.text.partition("{")[2] for test in found.proposals}) == len(found.proposals)


def test_one_title_one_test() -> None:
    """Tests of one cell have titles of their own, and none that a test of the policy has already."""
    taken = (
        'test "sign on record, as it is today" { user ann is vet  given record r { open: true }  ann may not sign r }'
    )
    found = tried(CATALOGUE, BOTH, taken)
    assert titles(found)
    assert len({*titles(found), "sign on record, as it is today"}) == len(titles(found)) + 1
    assert [test.text.count(f'test "{test.title}" {{') for test in found.proposals] == [1] * len(found.proposals)


def test_titles_of_tests_that_were_not_wanted_are_taken() -> None:
    """Where only some tests of a policy were run, the titles of the others are not given again."""
    made = policy(CATALOGUE, BOTH)
    first = "sign on record, as it is today"
    found = mutate(made.table, made.model, NOW)
    assert first in titles(with_proposals(found, made.table, made.model))
    assert first not in titles(with_proposals(found, made.table, made.model, [first]))


def test_few_tests_notice_all() -> None:
    """Every survivor with a request is noticed by some test, and no test is there that the others can do without."""
    found = tried(CATALOGUE, BOTH, VIEWER)
    noticed = [set(test.notices) for test in found.proposals]
    assert set().union(*noticed) == survivors(found)
    assert len(noticed) < len(survivors(found))
    for number in range(len(noticed)):
        assert set().union(*noticed[:number], *noticed[number + 1 :]) != survivors(found)


@pytest.mark.parametrize("text", [BOTH, VIEWER + BOTH])
def test_a_test_notices_what_it_says_and_nothing_else(text: str) -> None:
    """Run on each survivor, a proposed test fails on those that it names, and passes on the others."""
    found, bare = tried(CATALOGUE, text), policy(CATALOGUE, text)
    for proposal in found.proposals:
        made = policy(CATALOGUE, text, proposal.text)
        assert run(made.table, lambda: NOW).failed == 0
        for number in survivors(found):
            other = mutated(bare.table, found.outcomes[number].mutant, bare.model)
            failed = run(other._replace(tests=made.table.tests), lambda: NOW).failed
            assert failed == (number in proposal.notices), (proposal.text, found.outcomes[number].mutant.said)


def test_a_long_list_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a test that notices much, the comment names some and counts the others."""
    monkeypatch.setattr(proposals, "MOST_NAMED", 1)
    texts = [test.text for test in tried(CATALOGUE, VIEWER).proposals if len(test.notices) > 1]
    assert [text.splitlines()[2] for text in texts] == ["# notices: 1 other change"] * len(texts)
    assert texts


def test_what_is_accepted_gets_no_test() -> None:
    """A survivor with a reason is nothing to write a test for."""
    made = policy(CATALOGUE, VIEWER)
    found = mutate(made.table, made.model, NOW)
    accepted = tuple(one._replace(reason="so be it") for one in found.outcomes)
    assert with_proposals(found._replace(outcomes=accepted), made.table, made.model).proposals == ()


DRAFTS = """policy blog
area a { resource page { author: user  note: string?  state: "draft" | "published"  actions read, delete } }
condition own = resource.author == user.id
role author { allow delete on page when own and resource.state == "draft" }
"""


def test_examples_are_about_people() -> None:
    """No user is called like a value of some other attribute: who asks has their role for a name, the others are
    `other`."""
    made = Policy.from_sources({"main.remit": DRAFTS}, name="blog")
    found = with_proposals(mutate(made.table, made.model, NOW), made.table, made.model)
    lines = [line.split() for test in found.proposals for line in test.text.splitlines()]
    assert {words[1] for words in lines if words[0] == "user"} <= {"an_author", "an_outsider"}
    authors = {words[words.index("author:") + 1].rstrip(",") for words in lines if "author:" in words}
    assert authors == {"an_author", "other"}


@pytest.mark.parametrize("state", ["draft", "published"])
def test_a_plainer_example_tells_as_much(state: str) -> None:
    """Names that a solver made up go where nothing hangs on them; those that a condition asks for stay."""
    text = DRAFTS.replace("note: string?", "note: string").replace("own and", 'own and resource.note == "x" and')
    made = Policy.from_sources({"main.remit": text}, name="blog")
    other = mutated(made.table, next(one for one in mutants(made.table) if one.operator == "drop-condition"))
    properties = {"author": state, "note": "x", "state": "published"}
    case = Case("draft", {}, (), "r1", properties, {})
    worlds = (World(made.table), World(other))
    found = plainer(
        case, "page", made.table, lambda one: [world.judge(("author",), "page", "delete", one) for world in worlds]
    )
    assert found.user == "someone"
    assert {*found.properties.values()} <= {"someone", "other", "x", "published"}
    judged = [World(table).judge(("author",), "page", "delete", found).code for table in (made.table, other)]
    assert judged == ["no_rule", "allowed"]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_tests_that_are_shown_kill(name: str) -> None:
    """Each test that is shown with a survivor kills it: with all of them, no rule's mutant survives in a shipped policy
    that had no tests at all."""
    folder = POLICIES / name
    whole = Policy.load(folder)
    bare = whole.table._replace(tests=(), assertions=())
    found = with_proposals(mutate(bare, whole.model, NOW), bare, whole.model)
    assert len(found.survivors) > 10
    assert {number for test in found.proposals for number in test.notices} == {
        number for number, one in enumerate(found.outcomes) if one.result == "survived"
    }
    texts = {
        path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.remit")
        if path.name not in ("tests.remit", "events.remit", "coverage.remit", "limits.remit")
    }  # fmt: skip
    texts["shown.remit"] = "\n".join(test.text for test in found.proposals)
    base = Policy.load(folder.parents[1]) if "overlays" in name else None
    shown = Policy.from_sources(texts, base=base, name=folder.name)
    table = shown.table._replace(assertions=())
    assert [one.mutant.said for one in mutate(table, shown.model, NOW).survivors] == []


# -- the score ---------------------------------------------------------------------------------------------------------


def test_the_score() -> None:
    """Of those that change anything, how many are noticed."""
    found = tried(CATALOGUE, "role vet { allow * on record  allow read on record }", test(
        "user ann is vet", RECORD, "ann may read r1", "ann may sign r1", "ann may delete r1"))  # fmt: skip
    real = len(found.outcomes) - found.equivalent
    assert found.equivalent > 0
    assert found.score == pytest.approx(100 * found.killed / real)


def test_a_policy_without_rules_has_nothing_to_notice() -> None:
    """No mutant, and nothing survives."""
    found = tried(CATALOGUE)
    assert (found.outcomes, found.score) == ((), 100.0)


def test_mutants_are_the_same_every_time() -> None:
    """Two processes that make them have the same ones under the same numbers."""
    one, other = (Policy.load(POLICIES / "measure") for _ in range(2))
    assert all_mutants(one.table, one.model) == all_mutants(other.table, other.model)
