"""Roles, blocks and the two parts of a comparison: what somebody may, and what a role forbids to others."""

from __future__ import annotations

import pytest
from proof.pairs import changes, difference, table

from remit import Directory, Policy
from remit.proof.compare import Change, compare

AREA = """
scope company
scope branch in company
area desk { resource note { owner: user n: int actions read, write } resource memo { n: int actions read } }
user { level: int }
"""


def told(old: str, new: str) -> list[tuple[str, str, tuple[str, ...], str]]:
    """Part, class, roles, and action on type of each change."""
    found = difference(AREA + old, AREA + new)
    assert found.unproven == ()
    return sorted((c.part, c.kind, c.roles, f"{c.action} on {c.type}") for c in found.changes)


# -- what somebody may -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("", "allow read on note", "gained"),
        ("allow read on note", "", "lost"),
        ("allow read on note when resource.n < 3", "allow read on note", "widened"),
        ("allow read on note", "allow read on note when resource.n < 3", "narrowed"),
        ("allow read on note", "allow read on note deny read on note when resource.n < 3", "narrowed"),
        ("allow read on note when resource.n < 3", "allow read on note when resource.n > 3", "changed"),
        ("allow read on note", "allow read on note when resource.n < 3 or resource.n > 2", "incomplete_only"),
    ],
)
def test_each_class_of_what_a_role_may(old: str, new: str, kind: str) -> None:
    assert [one for one in told(f"role r {{ {old} }}", f"role r {{ {new} }}") if one[0] == "may"] == [
        ("may", kind, ("r",), "read on note")
    ]


def test_cells_that_stay_are_not_told() -> None:
    old, new = "role r { allow read on * }", "role r { allow read on note }"
    assert told(old, new) == [("may", "lost", ("r",), "read on memo")]


def test_roles_with_the_same_change_are_told_together() -> None:
    old = "role a { allow read on note } role b includes a { } role c { allow read on note }"
    assert told(old, "role a { } role b includes a { } role c { allow read on note }") == [
        ("may", "lost", ("a", "b"), "read on note")
    ]


def test_everybody_is_somebody_without_a_role_and_each_role() -> None:
    found = told("role r { }", "role r { } everyone { allow read on note }")
    assert found == [("may", "gained", (), "read on note"), ("may", "gained", ("r",), "read on note")]


def test_what_everybody_gains_is_none_to_a_role_that_has_it() -> None:
    role = "role r { allow read on note }"
    assert told(role, f"{role} everyone {{ allow read on note }}") == [("may", "gained", (), "read on note")]


def test_members_are_whoever_holds_a_role() -> None:
    found = told("role a { } role b { }", "role a { } role b { } members { allow read on note }")
    assert found == [("may", "gained", ("a", "b"), "read on note")]


def test_a_block_may_become_roles_rules() -> None:
    """What members may, is what each role allows."""
    allow = "allow read on note when resource.n > 5"
    assert told(f"role a {{ }} role b {{ }} members {{ {allow} }}", f"role a {{ {allow} }} role b {{ {allow} }}") == []


# -- what a role forbids -----------------------------------------------------------------------------------------------


def test_a_deny_that_goes_is_a_gain_beside_a_role_that_allows() -> None:
    """The role alone may nothing before or after."""
    reader = "role a { allow read on note }"
    (change,) = difference(f"{AREA}{reader} role b {{ deny read on note }}", f"{AREA}{reader} role b {{ }}").changes
    assert (change.part, change.kind, change.roles, change.asking) == ("forbids", "gained", ("b",), ("a", "b"))
    assert (change.before, change.after) == ("denied_by_rule", "allowed")
    assert [rule.role for rule in change.caused_old] == ["b"]
    assert change.caused_new == ()


def test_a_deny_beside_which_nothing_allows_is_no_change() -> None:
    assert told("role b { deny read on note }", "role b { }") == []
    assert (
        told("role a { allow read on memo } role b { deny read on note }", "role a { allow read on memo } role b { }")
        == []
    )


def test_a_deny_where_nothing_else_allows_is_no_change() -> None:
    """The other role allows below 3, and the deny is moved above."""
    reader = "role a { allow read on note when resource.n < 3 }"
    assert told(f"{reader} role b {{ deny read on note when resource.n > 5 }}", f"{reader} role b {{ }}") == []


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("deny read on note", "", "gained"),
        ("", "deny read on note", "lost"),
        ("deny read on note", "deny read on note when resource.n < 3", "gained"),
        ("deny read on note when resource.n < 3", "deny read on note when resource.n < 4", "narrowed"),
        ("deny read on note when resource.n < 4", "deny read on note when resource.n < 3", "widened"),
        ("deny read on note when resource.n < 3", "deny read on note when resource.n > 3", "changed"),
        ("", "deny read on note when resource.n < 3 and resource.n > 3", "incomplete_only"),
    ],
)
def test_each_class_of_what_a_role_forbids(old: str, new: str, kind: str) -> None:
    """Speaking of access: a deny that goes is a gain."""
    reader = "role a { allow read on note }"
    assert told(f"{reader} role b {{ {old} }}", f"{reader} role b {{ {new} }}") == [
        ("forbids", kind, ("b",), "read on note")
    ]


def test_a_role_of_a_group_is_allowed_by_another_of_it() -> None:
    """Two roles that have the same lines of a cell forbid it to each other."""
    both = "role a {{ allow read on note {0} }} role b {{ allow read on note {0} }}"
    found = told(both.format("deny read on note when resource.n < 3"), both.format(""))
    assert found == [("forbids", "widened", ("a", "b"), "read on note"), ("may", "widened", ("a", "b"), "read on note")]


def test_a_roles_deny_shows_at_a_place_that_nobody_knows() -> None:
    """Everywhere else members are forbidden it, too; there nobody is a member, and roles' denies bind."""
    blocks = "everyone { allow read on note } members { deny read on note }"
    (change,) = difference(f"{AREA}{blocks} role b {{ deny read on note }}", f"{AREA}{blocks} role b {{ }}").changes
    assert (change.part, change.kind, change.roles, change.asking) == ("forbids", "gained", ("b",), ("b",))
    assert change.case.placed is False


# -- includes, names, overlays -----------------------------------------------------------------------------------------


def test_an_include_brings_rules_and_takes_them() -> None:
    base = "role a { allow read on note } role b { deny read on memo }"
    assert told(f"{base} role c {{ }}", f"{base} role c includes a {{ }}") == [
        ("may", "gained", ("c",), "read on note")
    ]
    assert told(f"{base} role c includes a {{ }}", f"{base} role c {{ }}") == [("may", "lost", ("c",), "read on note")]


def test_an_include_that_says_nothing_new_is_listed_beside() -> None:
    old = "role a { allow read on note } role c { allow read on note }"
    new = "role a { allow read on note } role c includes a { allow read on note }"
    found = difference(AREA + old, AREA + new)
    assert found.changes == ()
    assert [(one.about, one.name, one.what) for one in found.beside] == [("role", "c", "includes none → a")]


def test_an_include_shows_where_roles_are_read() -> None:
    everyone = 'everyone { allow read on note when "a" in user.roles } role a { }'
    found = told(f"{everyone} role c {{ }}", f"{everyone} role c includes a {{ }}")
    assert found == [("may", "widened", ("c",), "read on note")]  # for it was allowed to who holds `a` as well


def test_a_renamed_role_is_the_same_role() -> None:
    old, new = "role vet { allow read on note }", "role doctor was vet { allow read on note }"
    assert told(old, new) == []
    assert told(old, "role doctor was vet { }") == [("may", "lost", ("doctor",), "read on note")]
    assert told(old, "role doctor { allow read on note }") == [
        ("may", "gained", ("doctor",), "read on note"),
        ("may", "lost", ("vet",), "read on note"),
    ]


def test_a_role_that_takes_in_another_is_compared_with_both() -> None:
    """Whoever held the other holds it now."""
    old = "role a { allow read on note } role b { allow read on note }"
    assert told(old, "role both was a, b { allow read on note }") == []
    assert told(old, "role a was b { allow read on note }") == []
    assert told(old, "role a was b { allow read, write on note }") == [("may", "gained", ("a", "b"), "write on note")]
    assert told("role a { allow read on note } role b { }", "role a was b { allow read on note }") == [
        ("may", "gained", ("b",), "read on note")
    ]
    read = 'role a { allow read on note when "a" in user.roles } role b { allow read on note when "b" in user.roles }'
    assert told(read, 'role a was b { allow read on note when "a" in user.roles }') == []


def test_a_renamed_role_is_read_by_its_new_name() -> None:
    """`user.roles` holds the new name, so a condition that keeps the old one is never true."""
    old = 'role vet { allow read on note when "vet" in user.roles }'
    assert told(old, 'role doctor was vet { allow read on note when "doctor" in user.roles }') == []
    assert told(old, 'role doctor was vet { allow read on note when "vet" in user.roles }') == [
        ("may", "lost", ("doctor",), "read on note")
    ]


def test_a_role_that_is_new_and_one_that_goes() -> None:
    keeps = "role a { allow read on memo }"
    assert told(keeps, f"{keeps} role b {{ allow read on note }}") == [("may", "gained", ("b",), "read on note")]
    assert told(f"{keeps} role b {{ allow read on note }}", keeps) == [("may", "lost", ("b",), "read on note")]


def test_who_held_a_role_that_goes_is_no_member() -> None:
    members = 'members { allow read on note when "a" not in user.roles } role a { }'
    assert ("may", "lost", ("b",), "read on note") in told(f"{members} role b {{ }}", members)


def test_types_and_actions_that_come_and_go() -> None:
    role = "role r { allow * on * }"
    one, both = ("area desk { resource note { actions read } } " + role, AREA + role)
    assert changes(one, both) == ["may gained r", "may gained r"]
    assert changes(both, one) == ["may lost r", "may lost r"]
    (change, _) = difference(both, one).changes
    assert change.after == "unknown_resource_type"
    kept = both.replace("actions read, write }", "actions read }")
    assert [one.after for one in difference(both, kept).changes] == ["unknown_action"]


def over(base: str, *texts: str) -> Policy:
    found = Policy.from_sources({"x.remit": AREA + base})
    for number, text in enumerate(texts):
        found = Policy.from_sources({f"over{number}.remit": text}, base=found)
    return found


def layered(base: str, texts: list[str], other: list[str]) -> list[str]:
    found = compare(over(base, *texts).table, over(base, *other).table)
    return [f"{one.part} {one.kind} {' '.join(one.roles)}" for one in found.changes]


def test_an_overlay_is_compared_by_what_it_makes_of_the_roles() -> None:
    base = "role a { allow read on note } role b includes a { }"
    assert layered(base, [], ["extend role a { allow write on note }"]) == ["may gained a b"]
    assert layered(base, [], ["role a { allow read on note }"]) == []
    assert layered(base, [], ["role a { }"]) == ["may lost a b"]


def test_an_overlay_leaves_a_locked_role_and_what_it_includes() -> None:
    base = "role a { allow read on note } locked role b includes a { }"
    assert layered(base, [], ["extend role a { deny * on * }"]) == ["may lost a", "forbids lost a"]


def test_one_overlay_and_another_that_says_the_same() -> None:
    base = "role a { allow read on note }"
    one, other = "extend role a { allow write on note }", "role a { allow write, read on note }"
    assert layered(base, [one], [other]) == []


# -- roles and groups in conditions ------------------------------------------------------------------------------------


def test_other_roles_of_the_user_are_variables() -> None:
    """The change shows to somebody who holds both; the case says who."""
    old = 'role a { allow read on note when "b" in user.roles } role b { }'
    new = 'role a { allow read on note when "b" in user.roles and resource.n > 5 } role b { }'
    found = [one for one in difference(AREA + old, AREA + new).changes if "a" in one.roles]
    assert [(one.part, one.kind, one.asking) for one in found] == [("may", "narrowed", ("a", "b"))]


def test_an_attribute_may_be_a_role() -> None:
    old, new = "role r { allow read on note when resource.owner in user.roles }", "role r { allow read on note }"
    (change,) = difference(AREA + new, AREA + old).changes
    assert (change.kind, change.roles) == ("narrowed", ("r",))


def test_user_roles_are_unknown_at_a_place_that_nobody_knows() -> None:
    """There a deny that reads them binds, and everybody's allow counts."""
    everyone = "everyone { allow read on note } role r { }"
    found = told(everyone, f'{everyone} everyone {{ deny read on note when "x" in user.roles }}')
    assert found == [
        ("may", "incomplete_only", (), "read on note"),
        ("may", "incomplete_only", ("r",), "read on note"),
    ]


def test_groups_are_free() -> None:
    old, new = "role r { allow read on note }", 'role r { allow read on note when "staff" in user.groups }'
    (change,) = difference(AREA + new, AREA + old).changes
    assert (change.kind, change.case.groups) == ("widened", ())
    (change,) = difference(AREA + old.replace("read", "write"), AREA + new).changes[:1]
    assert change.action == "read"
    assert change.case.groups == ("staff",)


# -- what a change holds -----------------------------------------------------------------------------------------------


def test_a_change_cites_what_settles_it_and_what_caused_it() -> None:
    keeps = "role r {\n allow read on note when resource.n > 9\n "
    (change,) = difference(f"{AREA}{keeps}}}", f"{AREA}{keeps}allow read on note when resource.n < 3\n}}").changes
    assert [rule.condition_text for rule in change.old] == ["resource.n > 9"]
    assert [rule.condition_text for rule in change.new] == ["resource.n > 9", "resource.n < 3"]
    assert change.caused_old == ()
    assert [rule.condition_text for rule in change.caused_new] == ["resource.n < 3"]


@pytest.mark.parametrize("side", ["old", "new"])
def test_a_case_is_decided_as_the_change_says(side: str) -> None:
    """By a directory that somebody writes down, as by the one that the proof makes."""
    texts = {
        "old": AREA + "role a { allow read on note when user.level > 3 and resource.owner == user.id }",
        "new": AREA + "role a { allow read on note when user.level > 4 and resource.owner == user.id }",
    }
    (change,) = difference(texts["old"], texts["new"]).changes
    case = change.case
    people = Directory.from_text(
        f"users: {{{case.user}: {{attributes: {{level: {case.attributes['level']}}}, assignments: [{{role: a}}]}}}}"
    )
    pdp = Policy.from_sources({"x.remit": texts[side]}).bind(people)
    asked = {
        "subject": {"type": "user", "id": case.user},
        "action": {"name": change.action},
        "resource": case.resource(change.type),
        "context": case.context,
    }
    assert pdp.decide(asked).code == (change.before if side == "old" else change.after)


def test_equal_digests_are_no_difference_at_all() -> None:
    one, other = (
        AREA + text for text in ("role r { allow read, write on note }", "role r { allow write, read on note }")
    )
    found = compare(table(one), table(other))
    assert (found.changes, found.beside, found.unproven) == ((), (), ())


def test_a_change_is_told_in_a_fixed_order() -> None:
    old, new = (
        AREA + "role b { allow write on note when resource.n < 3 } role a { }",
        AREA + "role b { allow * on * } role a { allow * on * deny write on note }",
    )
    found: list[Change] = list(difference(old, new).changes)
    assert [(c.type, c.action, c.part, c.roles) for c in found] == [
        ("memo", "read", "may", ("a", "b")),
        ("note", "read", "may", ("a", "b")),
        ("note", "write", "may", ("b",)),
        ("note", "write", "forbids", ("a",)),
    ]
