"""What mutants there are, and which of them a test or an assert notices."""

from __future__ import annotations

import pytest
from testing.mutations import ANN, CATALOGUE, NOW, RECORD, VET, VIEWER, fate, of, policy, test, tried

from remit.testing.mutants import OPERATORS, mutants
from remit.testing.mutation import mutate

# -- each change -------------------------------------------------------------------------------------------------------

GOOD_AND_POOR = [
    # operator, which, policy, a test that notices it, one that does not
    ("drop-rule", "", VIEWER, test(ANN, RECORD, "ann may read r1"), test(ANN, RECORD, "ann may not sign r1")),
    ("flip-effect", "", VIEWER, test(ANN, RECORD, "ann may read r1"), test(ANN, RECORD, "ann may not sign r1")),
    (
        "drop-type",
        "`note`",
        "role viewer { allow read on record, note }",
        test(ANN, "given note n1", "ann may read n1"),
        test(ANN, RECORD, "ann may read r1"),
    ),
    (
        "drop-action",
        "`sign`",
        "role viewer { allow read, sign on record }",
        test(ANN, RECORD, "ann may sign r1"),
        test(ANN, RECORD, "ann may read r1"),
    ),
    ("widen-actions", "", VIEWER, test(ANN, RECORD, "ann may not delete r1"), test(ANN, RECORD, "ann may read r1")),
    (
        "widen-types",
        "read on note",
        VIEWER,
        test(ANN, "given note n1", "ann may not read n1"),
        test(ANN, RECORD, "ann may read r1"),
    ),
    (
        "drop-except",
        "`except note`",
        "role viewer { in patients { allow read on * except note } }",
        test(ANN, "given note n1", "ann may not read n1"),
        test(ANN, RECORD, "ann may read r1"),
    ),
    (
        "drop-condition",
        "",
        VET,
        test("user bob is vet", RECORD, "bob may not sign r1"),
        test("user ann is vet", RECORD, "ann may sign r1"),
    ),
    (
        "negate-condition",
        "",
        VET,
        test("user ann is vet", RECORD, "ann may sign r1"),
        test("user ann is vet", RECORD, "ann may not read r1"),
    ),
    (
        "drop-part",
        "without `resource.open`",
        "role vet { allow sign on record when treats and resource.open }",
        test("user ann is vet", "given record r1 { vet: ann, open: false }", "ann may not sign r1"),
        test("user ann is vet", RECORD, "ann may sign r1"),
    ),
    (
        "swap-and-or",
        "`or` instead of `and`",
        "role vet { allow sign on record when treats and resource.open }",
        test("user ann is vet", "given record r1 { vet: bob, open: true }", "ann may not sign r1"),
        test("user ann is vet", RECORD, "ann may sign r1"),
    ),
    (
        "move-bound",
        "<= 501",
        "role vet { allow refund on invoice when resource.amount <= 500 }",
        test("user ann is vet", "given invoice i1 { amount: 501 }", "ann may not refund i1"),
        test("user ann is vet", "given invoice i1 { amount: 500 }", "ann may refund i1"),
    ),
    (
        "drop-include",
        "",
        VIEWER + "role vet includes viewer { allow sign on record }",
        test("user ann is vet", RECORD, "ann may read r1"),
        test("user ann is vet", RECORD, "ann may sign r1"),
    ),
    (
        "swap-include",
        "`signer` instead of `viewer`",
        VIEWER + "role signer { allow sign on record }\nrole vet includes viewer { allow delete on record }",
        test("user ann is vet", RECORD, "ann may not sign r1"),
        test("user ann is vet", RECORD, "ann may delete r1"),
    ),
]


@pytest.mark.parametrize(("operator", "said", "text", "good", "poor"), GOOD_AND_POOR, ids=[g[0] for g in GOOD_AND_POOR])
def test_a_good_test_kills_and_a_poor_one_does_not(operator: str, said: str, text: str, good: str, poor: str) -> None:
    """The test that asks what the change decides otherwise notices it; one that asks something else does not."""
    assert fate(operator, tried(CATALOGUE, text, good), said) == "killed"
    assert fate(operator, tried(CATALOGUE, text, poor), said) == "survived"


PEOPLE = """
area people { resource member { actions invite, change_role, disable } }
role owner { allow * on * }
role viewer { allow read on record }
"""
INVITED = 'on invite "eve@x" by ann as viewer is accepted'
OF_PEOPLE = [
    (
        "drop-guard",
        "",
        "guard one_role: at most 1 role per user assignments { on assign }",
        "on assign ann by ann as viewer is refused because one_role",
    ),
    (
        "move-count",
        "at most 2",
        "guard one_role: at most 1 role per user assignments { on assign }",
        "on assign ann by ann as viewer is refused because one_role",
    ),
    (
        "drop-active",
        "",
        "guard last: at least 1 active owner assignments { on disable }",
        "on disable ann by ann is refused because last",
    ),
    ("drop-line", "", "assignments { on invite }", INVITED),
    (
        "drop-requires",
        "",
        "assignments { on invite requires invite on member }",
        'on invite "eve@x" by bob as viewer is refused because not_permitted',
    ),
    (
        "drop-within",
        "",
        "assignments { on invite requires invite on member, role within own }\nrole asker { allow invite on member }",
        'on invite "eve@x" by kim as owner is refused because not_permitted',
    ),
    (
        "drop-trigger",
        "",
        "assignments { on sso_login when unassigned assign owner }",
        "on sso_login bob is accepted\n  given record r9\n  bob may not delete r9",
    ),
    (
        "drop-assign",
        "",
        "assignments { on signup assign viewer }",
        'on signup "eve@x" is accepted\n  given record r9\n  "eve@x" may read r9',
    ),
    (
        "swap-assign",
        "`owner` instead of `viewer`",
        "assignments { on signup assign viewer }",
        'on signup "eve@x" is accepted\n  given record r9\n  "eve@x" may not delete r9',
    ),
]


@pytest.mark.parametrize(("operator", "said", "text", "line"), OF_PEOPLE, ids=[case[0] for case in OF_PEOPLE])
def test_events_notice_guards_and_lines(operator: str, said: str, text: str, line: str) -> None:
    """An event that the change accepts or refuses otherwise notices it; one of another kind does not."""
    asker = "user kim is asker\n" if "asker" in text else ""
    users = f"user ann is owner\nuser bob is viewer\n{asker}"
    assert fate(operator, tried(CATALOGUE, PEOPLE, text, test(users + line)), said) == "killed"
    other = test(users + "on delete_group to group g by ann is refused")
    assert fate(operator, tried(CATALOGUE, PEOPLE, text, other), said) == "survived"


def test_individual_over_group_is_a_line() -> None:
    """Without it, what a group gives adds up with what somebody holds themselves."""
    text = "assignments { individual over group\n on invite }\nrole signer { allow sign on record }\n" + VIEWER
    held = "user ann is signer, viewer in group desk\n" + RECORD
    event = "\non invite x by ann as viewer is accepted"
    found = tried(CATALOGUE, text, test(held, "ann may not read r1", event))
    [one] = [one for one in of("drop-line", found) if one.mutant.adding_up]
    assert (one.result, one.mutant.place.text) == ("killed", "individual over group")
    [one] = [one for one in of("drop-line", tried(CATALOGUE, text, test(held, event))) if one.mutant.adding_up]
    assert one.result == "survived"


def test_every_operator_has_an_example_here() -> None:
    """No kind of change is without a case that it kills and one that it survives."""
    assert {case[0] for case in GOOD_AND_POOR} | {case[0] for case in OF_PEOPLE} == set(OPERATORS)


def test_membership_is_left_alone_without_events() -> None:
    """Where no test tells of events, guards and assignments are not changed, and that is said."""
    found = tried(CATALOGUE, VIEWER, "guard g: at most 1 viewer", test(ANN, RECORD, "ann may read r1"))
    assert of("drop-guard", found) == []
    assert found.left_out == ("guards and `assignments`: no test tells of events",)


# -- which there are ---------------------------------------------------------------------------------------------------


def made(text: str, operator: str) -> list[str]:
    """What is said of the mutants of one kind."""
    found = policy(CATALOGUE, text)
    return [one.said for one in mutants(found.table, found.model) if one.operator == operator]


def test_a_number_moves_both_ways() -> None:
    """An int in a comparison moves up and down by one; other bounds are taken in or left out."""
    text = "role vet { allow refund on invoice when 500 >= resource.amount and resource.due < context.time }"
    bound = "`500 >= resource.amount`"
    assert made(text, "move-bound") == [
        f"with `501 >= resource.amount` instead of {bound}",
        f"with `499 >= resource.amount` instead of {bound}",
        "with `resource.due <= context.time` instead of `resource.due < context.time`",
    ]


def test_the_largest_number_moves_down_alone() -> None:
    """No int is moved beyond 64 bits."""
    text = f"role vet {{ allow refund on invoice when resource.amount < {2**63 - 1} }}"
    assert [said.split("`")[1] for said in made(text, "move-bound")] == [f"resource.amount < {2**63 - 2}"]


def test_a_list_loses_each_item() -> None:
    """Of `in [1, 2]` each item is left out once; of a single one none."""
    text = "role vet { allow refund on invoice when resource.amount in [1, 2] }"
    assert made(text, "drop-part") == ["without `1`", "without `2`"]
    assert made("role vet { allow refund on invoice when resource.amount in [1] }", "drop-part") == []


def test_named_conditions_change_where_they_are_declared() -> None:
    """A part of a named condition is changed once, for all rules that use it."""
    text = """condition own = treats and resource.open
role vet { allow sign on record when own }
role boss { allow delete on record when not own }"""
    found = policy(CATALOGUE, text)
    parts = [one for one in mutants(found.table, found.model) if one.operator == "drop-part"]
    assert [(one.said, one.place.text, len(one.rules)) for one in parts] == [
        ("without `treats`", "condition own = treats and resource.open", 2),
        ("without `resource.open`", "condition own = treats and resource.open", 2),
    ]


def test_types_that_lack_what_a_condition_reads_are_no_wider() -> None:
    """A rule is not widened to a type that its condition cannot be read at."""
    assert made("role vet { allow sign on record when resource.open }", "widen-types") == []
    assert made("role vet { allow sign on record }", "widen-types") == ["with sign on note, too"]


def test_a_rule_over_all_of_its_area_is_widened_to_the_others() -> None:
    """Where a rule has every type of its area, it is widened to those of all areas, at once."""
    text = "role vet { in patients { allow read on * } }"
    assert made(text, "widen-types") == ["with read on invoice, read on report, too"]


def test_an_include_is_swapped_for_the_nearest_role() -> None:
    """The role whose access differs least stands in; never one that would make a circle, or is included already."""
    text = """role viewer { allow read on record }
role reader { allow read on record, note }
role signer { allow sign, delete on record }
role vet includes viewer {}
role boss includes vet {}"""
    assert made(text, "swap-include") == [
        "including `reader` instead of `viewer`",
        "including `reader` instead of `vet`",
    ]


def test_an_overlay_changes_what_it_adds() -> None:
    """Nothing of a base is changed in its overlay: not its rules, not its conditions, not its guards."""
    base = policy(CATALOGUE, VIEWER, "guard g: at most 9 viewer", "condition big = resource.amount > 5 and treats2",
                  "condition treats2 = resource.amount < 9")  # fmt: skip
    text = (
        "extend role viewer { allow refund on invoice when big }  role boss includes viewer {}  guard h: at most 3 boss"
    )
    found = policy(text, base=base)
    said = {(one.operator, one.place.file) for one in mutants(found.table, found.model)}
    assert {file for _, file in said} == {"main.remit"}
    assert {operator for operator, _ in said} == {
        "drop-rule", "flip-effect", "drop-condition", "negate-condition", "widen-actions", "drop-include", "drop-guard",
        "move-count",
    }  # fmt: skip


def test_a_table_alone_has_no_includes() -> None:
    """Without the model, rules and guards are changed all the same, and it is said what is not."""
    found = policy(CATALOGUE, VIEWER, "role vet includes viewer { allow read on * except note }")
    assert {one.operator for one in mutants(found.table)} & {"drop-include", "drop-except"} == set()
    assert {one.operator for one in mutants(found.table)} >= {"drop-rule", "widen-actions"}
    [said] = mutate(found.table, None, NOW).left_out
    assert said.startswith("includes, `except` and named conditions")


def test_no_mutant_is_the_policy_itself() -> None:
    """A rule that has all actions is not widened, and what comes to the same is one mutant."""
    text = "role vet { allow * on invoice }  role boss { allow * on * }"
    assert made(text, "widen-actions") == []
    text = "role vet { allow sign on record when resource.open and resource.open }"
    assert made(text, "drop-part") == ["without `resource.open`"]


# -- asserts -----------------------------------------------------------------------------------------------------------

ASSERTS = [
    ("within", "role boss { allow read on record }\nassert viewer within boss", "widen-actions"),
    ("only", "role boss {}\nassert only boss may delete on record", "widen-actions"),
    ("no", "assert no viewer may sign on record", "widen-actions"),
    ("never", "assert never one user read on record and delete on record", "widen-actions"),
]


@pytest.mark.parametrize(("kind", "text", "operator"), ASSERTS, ids=[case[0] for case in ASSERTS])
def test_asserts_notice(kind: str, text: str, operator: str) -> None:
    """An assert that the change breaks notices it, as far as it is about that."""
    found = tried(CATALOGUE, VIEWER, text)
    outcome = next(one for one in of(operator, found) if one.mutant.rules[0].role == "viewer")
    assert (outcome.result, outcome.by.startswith("assert")) == ("killed", True), kind


def test_requires_notices_a_dropped_condition() -> None:
    """`A on T requires E` fails once the rule asks for less."""
    assert fate("drop-condition", tried(CATALOGUE, VET, "assert sign on record requires treats")) == "killed"
    assert fate("drop-condition", tried(CATALOGUE, VET, "assert delete on record requires treats")) == "survived"


def test_a_guard_holds_up_an_assert() -> None:
    """`never one user` may rest on a guard, which cannot be dropped then."""
    text = """role signer { allow sign on record }
guard apart: never viewer with signer
assert never one user read on record and sign on record
assignments { on disable }"""
    event = test(ANN, "on disable ann by ann is accepted")
    assert fate("drop-guard", tried(CATALOGUE, VIEWER, text, event)) == "killed"


def test_includes_are_noticed_by_only() -> None:
    """Who includes a role that alone may, may; without the include they may not, and the assert fails."""
    text = """role boss { allow delete on record }
role chief includes boss { allow delete on record }
assert only boss may delete on record"""
    assert fate("drop-include", tried(CATALOGUE, text)) == "killed"
