"""SEMANTICS 8, guards: what must stay true of those who hold roles, now and later, and when an event is refused."""

from __future__ import annotations

from typing import Any

import pytest
from membership.acting import BASE, EVERYTHING, NOW, Json, apply, by_ann, event, instant, people, policy, run

from remit.directory.shape import Directory
from remit.membership.guards import broken_guards

JUNE, JULY, AUGUST = "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z"
PAST = "2026-02-01T00:00:00Z"
HIDING = EVERYTHING.replace("{", "{ individual over group", 1)
PLACES = "scopes: {region/east: {}, branch/north: {parent: region/east}, branch/south: {}}\n"
# bob is vet everywhere, cyd at branch/north, dan in region/east and so at branch/north; pip may yet register.
STAFF = """
users:
  ann: {assignments: [{role: owner}]}
  bob: {assignments: [{role: vet}]}
  cyd: {assignments: [{role: vet, scope: branch/north}]}
  dan: {assignments: [{role: vet, scope: region/east}]}
  eve: {}
  pip: {status: pending, assignments: [{role: vet}]}
  out: {status: disabled, assignments: [{role: vet, scope: branch/south}]}
"""
VETS = PLACES + STAFF


def refused(rule: str, given: Json, directory: str | Directory = VETS, lines: str = EVERYTHING) -> bool:
    """Whether the guard refuses the event. Looks at what the refusal names: the guard, and its line."""
    result = apply(f"{lines}\n  guard kept: {rule}", given, directory).result
    if result["code"] != "guard_failed":
        assert result["code"] == "accepted", result
        return False
    assert result["guard"] == "kept"
    assert result["at"] == {"file": "x.remit", "line": BASE.count("\n") + 2, "column": 3}
    assert "`kept`" in result["message"]
    return True


def takes(user: str, scope: str | None = None, role: str = "vet") -> Json:
    """ann takes a role from somebody."""
    return by_ann("revoke", user=user, role=role, scope=scope)


def gives(user: str, scope: str | None = None, role: str = "vet", **more: Any) -> Json:
    """ann gives somebody a role."""
    return by_ann("assign", user=user, role=role, scope=scope, **more)


NORTH, EAST, SOUTH = "branch/north", "region/east", "branch/south"


# -- at least ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "given", "fails"),
    [
        # Without `active`, pip counts at the root: two hold vet there.
        ("at least 1 vet", takes("bob"), False),
        ("at least 2 vet", takes("bob"), True),
        ("at least 2 vet", takes("pip"), True),
        ("at least 2 vet", takes("cyd", NORTH), False),
        ("at least 2 vet", takes("dan", EAST), False),
        ("at least 2 vet", by_ann("disable", user="bob"), False),
        ("at least 2 vet", by_ann("remove", user="bob"), True),
        ("at least 2 vet", by_ann("remove", user="pip"), True),
        ("at least 2 vet", by_ann("change_role", user="bob", role="viewer"), True),
        ("at least 2 vet", by_ann("change_role", user="bob", role="viewer", scope=NORTH), False),
        ("at least 2 vet", by_ann("change_role", user="bob", role="doctor"), False),
        ("at least 2 vet", by_ann("revoke", user="bob"), True),
        ("at least 2 vet per company", takes("bob"), True),
        ("at least 2 vet per company", takes("cyd", NORTH), False),
        # With it bob is alone.
        ("at least 1 active vet", takes("bob"), True),
        ("at least 1 active vet", by_ann("disable", user="bob"), True),
        ("at least 1 active vet", by_ann("remove", user="bob"), True),
        ("at least 1 active vet", by_ann("remove", user="pip"), False),
        ("at least 1 active vet", by_ann("disable", user="pip"), False),
        ("at least 1 active vet", by_ann("enable", user="out"), False),
        ("at least 1 active vet", takes("cyd", NORTH), False),
        ("at least 1 active vet per company", by_ann("disable", user="bob"), True),
        # Who includes it counts: bob and pip are viewers by being vets.
        ("at least 1 active viewer", takes("bob"), True),
        ("at least 1 active viewer", by_ann("change_role", user="bob", role="viewer"), False),
        # At each branch those above count: three active ones at north, bob alone at south.
        ("at least 1 active vet per branch", takes("bob"), True),
        ("at least 1 active vet per branch", takes("cyd", NORTH), False),
        ("at least 3 active vet per branch", takes("cyd", NORTH), True),
        ("at least 3 active vet per branch", takes("dan", EAST), True),
        ("at least 3 active vet per branch", by_ann("disable", user="cyd"), True),
        ("at least 3 active vet per branch", takes("out", SOUTH), False),
        ("at least 3 vet per branch", takes("out", SOUTH), True),
        ("at least 4 vet per branch", takes("cyd", NORTH), True),
        ("at least 3 vet per branch", takes("cyd", NORTH), False),
        ("at least 3 vet per branch", by_ann("disable", user="cyd"), False),
        # In the region cyd, who is below it, does not count.
        ("at least 3 vet per region", takes("dan", EAST), True),
        ("at least 3 vet per region", takes("cyd", NORTH), False),
        ("at least 2 active vet per region", takes("bob"), True),
        ("at least 1 active vet per region", takes("bob"), False),
        ("at least 0 vet", takes("bob"), False),
    ],
)
def test_at_least(rule: str, given: Json, fails: bool) -> None:
    """Counts holders at the root; `per KIND` at each instance, with roles from above."""
    assert refused(rule, given) is fails


@pytest.mark.parametrize(
    ("rule", "given", "fails"),
    [
        ("at least 2 active owner", takes("bob"), False),  # has nothing to do with it
        ("at least 2 active owner", gives("eve", role="owner"), False),
        ("at least 2 active owner", takes("ann", role="owner"), True),
        ("at least 5 active vet", gives("eve"), False),
        ("at least 5 active vet", takes("bob"), True),
        ("at least 5 active vet", takes("cyd", NORTH), False),
        ("at least 5 active vet", by_ann("change_role", user="bob", role="owner"), True),
        ("at least 5 active vet per branch", gives("eve", SOUTH), False),
        ("at least 5 active vet per branch", takes("out", SOUTH), False),
        ("at least 5 active vet per branch", by_ann("enable", user="out"), False),
    ],
)
def test_a_broken_least_may_stay_or_get_better(rule: str, given: Json, fails: bool) -> None:
    """Only where the count falls further is an event refused."""
    assert refused(rule, given) is fails


@pytest.mark.parametrize("kind", ["signup", "sso_login"])
def test_an_empty_directory_has_its_first_member(kind: str) -> None:
    """Under guards of every kind that it breaks from the start."""
    text = f"assignments {{ on {kind} when first in domain assign owner }}"
    text += " guard a: at least 2 active owner guard b: at least 1 vet guard c: at least 1 active vet per branch"
    applied = apply(text, event(kind, user="a@x.com"), PLACES)
    assert (applied.result["code"], applied.result["roles"]) == ("accepted", ["owner"])


def test_swapping_holders_of_one_group_is_no_fall() -> None:
    """What counts is how many there are, not who."""
    directory = "users: {ann: {}, bob: {}, cyd: {}}\ngroups: {g: {members: [bob], assignments: [{role: vet}]}}"
    assert refused("at least 1 vet", by_ann("leave", user="bob", group="g"), directory)
    assert not refused("at least 1 vet", by_ann("join", user="cyd", group="g"), directory)


# -- through groups and includes ---------------------------------------------------------------------------------------

GROUPED = """
users: {ann: {}, bob: {}, cyd: {}, dan: {}}
groups:
  inner: {members: [bob]}
  outer: {members: [group/inner], assignments: [{role: vet}]}
  other: {members: [dan]}
"""


@pytest.mark.parametrize(
    ("given", "fails"),
    [
        (by_ann("leave", user="bob", group="inner"), True),
        (by_ann("leave", user="dan", group="other"), False),
        (by_ann("leave", user="bob", group="outer"), False),  # no direct member: nothing changes
        (by_ann("revoke", group="outer"), True),
        (by_ann("revoke", group="outer", role="vet"), True),
        (by_ann("revoke", group="outer", role="doctor"), True),
        (by_ann("revoke", group="outer", role="viewer"), False),
        (by_ann("revoke", group="outer", scope=NORTH), False),
        (by_ann("disable", user="bob"), True),
        (by_ann("remove", user="bob"), True),
        (by_ann("remove", user="dan"), False),
        (gives("bob", role="lead"), False),
        (by_ann("change_role", user="bob", role="lead"), False),
    ],
)
@pytest.mark.parametrize("role", ["vet", "viewer"])
def test_at_least_through_groups(role: str, given: Json, fails: bool) -> None:
    """Groups of groups and includes make holders: a group that loses its role, and a member who leaves, lose them."""
    assert refused(f"at least 1 active {role}", given, PLACES + GROUPED) is fails


@pytest.mark.parametrize(
    ("rule", "given", "fails"),
    [
        ("at most 1 vet", by_ann("join", user="cyd", group="inner"), True),
        ("at most 1 vet", by_ann("join", user="cyd", group="outer"), True),
        ("at most 1 vet", by_ann("join", user="bob", group="outer"), False),  # is one already
        ("at most 1 vet", by_ann("join", user="cyd", group="other"), False),
        ("at most 1 vet", by_ann("assign", group="other", role="vet", scope=NORTH), True),
        ("at most 1 vet", by_ann("assign", group="inner", role="vet"), False),
        ("at most 1 viewer", by_ann("assign", group="other", role="doctor"), True),
        ("at most 1 vet", by_ann("assign", group="other", role="viewer"), False),
        ("at most 1 active vet", by_ann("assign", group="other", role="vet"), True),
        ("never vet with lead", by_ann("join", user="cyd", group="inner"), False),
        ("never vet with lead", gives("bob", NORTH, "lead"), True),
        ("never lead with viewer", gives("bob", NORTH, "lead"), True),
        ("never vet with lead", by_ann("assign", group="inner", role="lead"), True),
        ("never vet with lead", by_ann("assign", group="outer", role="lead"), True),
        ("never vet with lead", by_ann("assign", group="other", role="lead"), False),
        ("at most 1 role per user", gives("bob", NORTH, "viewer"), True),
        ("at most 1 role per user", by_ann("assign", group="inner", role="lead"), True),
        ("at most 1 role per user", by_ann("assign", group="inner", role="vet", scope=NORTH), False),
        ("at most 1 role per user", by_ann("join", user="dan", group="inner"), False),
    ],
)
def test_others_through_groups(rule: str, given: Json, fails: bool) -> None:
    """What a group is given, and whom it takes in, counts for each of its members."""
    assert refused(rule, given, PLACES + GROUPED) is fails


def test_several_members_at_once() -> None:
    """A group's role makes, and takes, as many holders as it has members."""
    directory = "users: {ann: {}, a: {}, b: {}, c: {assignments: [{role: vet}]}}\n"
    directory += "groups: {g: {members: [a, group/h]}, h: {members: [b]}}"
    grant = by_ann("assign", group="g", role="vet")
    assert refused("at most 2 vet", grant, directory)
    assert not refused("at most 3 vet", grant, directory)
    given = apply(EVERYTHING, grant, directory).directory
    assert refused("at least 2 vet", by_ann("revoke", group="g"), given)
    assert not refused("at least 1 vet", by_ann("revoke", group="g"), given)


# -- individual over group ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "given", "fails"),
    [
        # bob's own role at the root hides what groups give him there, so `at least` loses him.
        ("at least 1 vet", gives("bob", role="lead"), True),
        ("at least 1 vet", by_ann("change_role", user="bob", role="viewer"), True),
        ("at least 1 vet", gives("bob"), False),
        ("at least 1 vet", gives("bob", NORTH, "lead"), False),
        ("at least 1 viewer", gives("bob", role="viewer"), False),
        ("at least 1 vet", gives("bob", role="lead", start=JULY), True),
        ("at least 1 vet", gives("bob", role="lead", until=PAST), False),
        # For `at most` and `never` what is hidden counts all the same.
        ("at most 1 vet", by_ann("join", user="dan", group="outer"), True),
        ("never vet with lead", gives("bob", role="lead"), True),
        ("never vet with owner", by_ann("join", user="ann", group="outer"), True),
        ("at most 1 role per user", gives("bob", role="lead"), True),
    ],
)
def test_hidden_assignments(rule: str, given: Json, fails: bool) -> None:
    """They do not count for `at least`, and do for the others."""
    directory = PLACES + GROUPED.replace("ann: {}", "ann: {assignments: [{role: owner}]}").replace(
        "dan: {}", "dan: {assignments: [{role: lead}]}"
    )
    assert refused(rule, given, directory, HIDING) is fails


def test_without_individual_over_group_nothing_is_hidden() -> None:
    """The same events leave the group's role standing."""
    assert not refused("at least 1 vet", gives("bob", role="lead"), PLACES + GROUPED)
    assert not refused("at least 1 vet", by_ann("change_role", user="bob", role="viewer"), PLACES + GROUPED)


def test_taking_what_hides_brings_holders_back() -> None:
    """`revoke` of an individual role may raise a count, which no least minds, and no most: it counted before."""
    directory = PLACES + GROUPED.replace("bob: {}", "bob: {assignments: [{role: lead}]}")
    for rule in ("at least 1 vet", "at most 0 vet", "never vet with lead"):
        assert not refused(rule, takes("bob", role="lead"), directory, HIDING)


# -- at most -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "given", "fails"),
    [
        # bob, cyd, dan, pip and out hold vet somewhere; three of them are active.
        ("at most 5 vet", gives("eve"), True),
        ("at most 5 vet", gives("eve", SOUTH), True),
        ("at most 5 vet", gives("eve", role="viewer"), False),
        ("at most 5 viewer", gives("eve", SOUTH), True),
        ("at most 5 vet", gives("bob", SOUTH), False),
        ("at most 5 vet", by_ann("enable", user="out"), False),
        ("at most 6 vet", gives("eve"), False),
        ("at most 5 vet", by_ann("invite", user="new", role="vet"), True),
        ("at most 5 vet", by_ann("change_role", user="eve", role="doctor", scope=NORTH), True),
        ("at most 3 active vet", gives("eve"), True),
        ("at most 3 active vet", by_ann("invite", user="new", role="vet"), False),  # pending
        ("at most 3 active vet", event("register", user="pip"), True),
        ("at most 3 active vet", event("sso_login", user="pip"), True),
        ("at most 3 active vet", by_ann("enable", user="out"), True),
        ("at most 3 active vet", by_ann("enable", user="pip"), False),
        ("at most 4 active vet", by_ann("enable", user="out"), False),
        ("at most 5 vet", event("register", user="pip"), False),
        # At the root itself: bob and pip.
        ("at most 2 vet per company", gives("eve"), True),
        ("at most 2 vet per company", gives("eve", NORTH), False),
        ("at most 2 vet per company", gives("cyd"), True),
        # At north bob, cyd, dan and pip; at south bob, pip and out.
        ("at most 4 vet per branch", gives("eve", NORTH), True),
        ("at most 4 vet per branch", gives("eve", EAST), True),
        ("at most 4 vet per branch", gives("eve"), True),
        ("at most 4 vet per branch", gives("eve", SOUTH), False),
        ("at most 3 vet per branch", gives("eve", SOUTH), True),
        ("at most 4 vet per branch", gives("dan"), False),
        ("at most 3 vet per branch", gives("cyd", SOUTH), True),
        ("at most 1 active vet per branch", by_ann("enable", user="out"), True),
        ("at most 2 active vet per branch", by_ann("enable", user="out"), False),
        ("at most 3 vet per region", gives("eve", EAST), True),
        ("at most 3 vet per region", gives("eve", NORTH), False),
        ("at most 0 owner", gives("ann", SOUTH, "owner"), False),
    ],
)
def test_at_most(rule: str, given: Json, fails: bool) -> None:
    """Counts holders anywhere; `per KIND` at each instance, with roles from above."""
    assert refused(rule, given) is fails


@pytest.mark.parametrize(
    ("given", "fails"),
    [
        (takes("bob"), False),
        (by_ann("remove", user="cyd"), False),
        (by_ann("disable", user="cyd"), False),
        (gives("bob", SOUTH), False),
        (gives("eve", role="viewer"), False),
        (by_ann("change_role", user="bob", role="doctor"), False),
        (gives("eve", SOUTH), True),
    ],
)
def test_a_broken_most_may_stay_or_get_better(given: Json, fails: bool) -> None:
    """Only where the count rises further is an event refused."""
    assert refused("at most 1 vet", given) is fails


# -- never, and roles per user -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "given", "fails"),
    [
        ("never vet with lead", gives("bob", role="lead"), True),
        ("never lead with vet", gives("bob", role="lead"), True),
        ("never vet with lead", gives("cyd", SOUTH, "lead"), True),  # anywhere, not at one place
        ("never viewer with lead", gives("cyd", SOUTH, "lead"), True),  # a vet is a viewer
        ("never vet with viewer", gives("eve", role="viewer"), False),
        ("never vet with viewer", gives("eve"), True),  # vet alone is both
        ("never vet with lead", gives("eve", role="lead"), False),
        ("never vet with lead", by_ann("change_role", user="bob", role="lead"), False),
        ("never vet with lead", by_ann("change_role", user="bob", role="lead", scope=NORTH), True),
        ("never vet with lead", gives("pip", role="lead"), True),  # whatever their status
        ("never vet with lead", gives("out", role="lead"), True),
        ("never vet with lead per company", gives("bob", role="lead"), True),
        ("never vet with lead per company", gives("bob", NORTH, "lead"), False),
        ("never vet with lead per company", gives("cyd", role="lead"), False),
        ("never vet with lead per branch", gives("bob", SOUTH, "lead"), True),
        ("never vet with lead per branch", gives("cyd", SOUTH, "lead"), False),
        ("never vet with lead per branch", gives("cyd", NORTH, "lead"), True),
        ("never vet with lead per branch", gives("cyd", EAST, "lead"), True),
        ("never vet with lead per branch", gives("dan", NORTH, "lead"), True),
        ("never vet with lead per branch", gives("dan", SOUTH, "lead"), False),
        ("never vet with lead per region", gives("cyd", NORTH, "lead"), False),
        ("never vet with lead per region", gives("dan", NORTH, "lead"), False),
        ("never vet with lead per region", gives("dan", EAST, "lead"), True),
        ("at most 1 role per user", gives("bob", role="lead"), True),
        ("at most 1 role per user", gives("bob", NORTH, "lead"), True),
        ("at most 1 role per user", gives("bob", NORTH), False),  # the same role elsewhere
        ("at most 1 role per user", gives("bob", NORTH, "doctor"), False),
        ("at most 1 role per user", gives("bob", role="viewer"), True),  # assigned, though vet includes it
        ("at most 1 role per user", gives("eve"), False),  # what vet includes does not count
        ("at most 0 role per user", gives("eve"), True),
        ("at most 1 role per user", by_ann("change_role", user="bob", role="lead"), False),
        ("at most 1 role per user", by_ann("change_role", user="bob", role="lead", scope=NORTH), True),
        ("at most 1 role per user per company", gives("bob", NORTH, "lead"), False),
        ("at most 1 role per user per company", gives("bob", role="lead"), True),
        ("at most 1 role per user per branch", gives("bob", NORTH, "lead"), True),
        ("at most 1 role per user per branch", gives("cyd", SOUTH, "lead"), False),
        ("at most 1 role per user per branch", gives("cyd", EAST, "lead"), True),
        ("at most 1 role per user per region", gives("dan", NORTH, "lead"), False),
    ],
)
def test_never_and_roles_per_user(rule: str, given: Json, fails: bool) -> None:
    """By person: anywhere together, or with `per KIND` at one instance, roles from above included."""
    assert refused(rule, given) is fails


@pytest.mark.parametrize("rule", ["never vet with lead", "at most 1 role per user", "never viewer with lead"])
def test_what_somebody_combines_already_they_may_keep(rule: str) -> None:
    """Another status, another place, other attributes, fewer roles: only what is new is refused."""
    directory = PLACES + "users: {ann: {}, bob: {assignments: [{role: vet}, {role: lead}]}, eve: {}}"
    for given in (
        by_ann("disable", user="bob"), gives("bob", NORTH), gives("bob", NORTH, "lead"), takes("bob"),
        by_ann("change_role", user="bob", role="vet"), by_ann("remove", user="bob"), event("sso_login", user="bob"),
    ):  # fmt: skip
        assert not refused(rule, given, directory)
    if "role" in rule:
        assert refused(rule, gives("bob", role="owner"), directory)


@pytest.mark.parametrize(
    ("rule", "kind", "assigned", "fails"),
    [
        # outer gives vet, and the line a role of their own beside it
        ("never vet with lead", "join", "lead", True),
        ("never viewer with lead", "join", "lead", True),
        ("at most 1 role per user", "join", "lead", True),
        ("at most 2 role per user", "join", "lead", False),
        ("at most 1 role per user", "join", "vet", False),
        ("at most 2 vet", "join", "vet", False),  # one person, though by two ways
        ("at most 1 vet", "join", "vet", True),
        # bob leaves inner, and has what he held through outer on his own
        ("at least 1 vet", "leave", "vet", False),
        ("at least 1 vet", "leave", "viewer", True),
        ("at most 1 vet", "leave", "vet", False),
        ("never vet with lead", "leave", "lead", False),
    ],
)
def test_a_membership_and_an_assign_of_one_event_count_together(
    rule: str, kind: str, assigned: str, fails: bool
) -> None:
    """The event is judged by what it leaves, not change by change."""
    given = by_ann("join", user="cyd", group="outer") if kind == "join" else by_ann("leave", user="bob", group="inner")
    assert refused(rule, given, PLACES + GROUPED, f"assignments {{ on {kind} assign {assigned} }}") is fails


def test_who_comes_with_both_combines_them() -> None:
    """An invitation is a change like any other."""
    text = "assignments { on invite assign lead }"
    assert refused("never vet with lead", by_ann("invite", user="new", role="vet"), VETS, text)
    assert refused("at most 1 role per user", by_ann("invite", user="new", role="vet"), VETS, text)


# -- now and later -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bob", "cyd", "rule", "given", "fails"),
    [
        # bob is owner until July: once ann goes, nobody is from then on.
        (f"until: {JULY}", None, "at least 1 active owner", takes("ann", role="owner"), True),
        ("", None, "at least 1 active owner", takes("ann", role="owner"), False),
        (f"until: {PAST}", None, "at least 1 active owner", takes("ann", role="owner"), True),
        # cyd starts when bob ends, later, earlier.
        (f"until: {JULY}", f"from: {JULY}", "at least 1 active owner", takes("ann", role="owner"), False),
        (f"until: {JULY}", f"from: {AUGUST}", "at least 1 active owner", takes("ann", role="owner"), True),
        (f"until: {JULY}", f"from: {JUNE}", "at least 1 active owner", takes("ann", role="owner"), False),
        (f"from: {JULY}", None, "at least 1 active owner", takes("ann", role="owner"), True),
        (
            f"until: {JULY}",
            f"from: {JUNE}, until: {AUGUST}",
            "at least 1 active owner",
            takes("ann", role="owner"),
            True,
        ),
        (f"until: {JULY}", f"from: {JUNE}", "at least 2 active owner", takes("ann", role="owner"), True),
        # A window for ann's own role.
        (None, None, "at least 1 owner", by_ann("change_role", user="ann", role="owner", until=JULY), True),
        (None, None, "at least 1 owner", by_ann("change_role", user="ann", role="owner", start=JULY), True),
        ("", None, "at least 1 owner", by_ann("change_role", user="ann", role="owner", until=JULY), False),
        (f"from: {JULY}", None, "at least 1 owner", by_ann("change_role", user="ann", role="owner", until=JULY), False),
        (
            f"from: {AUGUST}",
            None,
            "at least 1 owner",
            by_ann("change_role", user="ann", role="owner", until=JULY),
            True,
        ),
        (f"from: {JUNE}", None, "at least 2 owner", by_ann("change_role", user="ann", role="owner", until=JULY), True),
        # What ends by itself is no event's doing.
        (f"until: {JULY}", None, "at least 2 owner", gives("dan"), False),
        # At most: those who start later count from then on.
        (None, None, "at most 1 owner", gives("dan", role="owner", start=JULY), True),
        (None, None, "at most 1 owner", gives("dan", role="owner", until=PAST), False),
        (f"from: {JULY}", None, "at most 2 owner", gives("dan", role="owner"), True),
        (f"from: {JULY}", None, "at most 2 owner", gives("dan", role="owner", until=JULY), False),
        (f"until: {JULY}", None, "at most 2 owner", gives("dan", role="owner", start=JULY), False),
        (f"until: {JULY}", None, "at most 2 owner", gives("dan", role="owner", start=JUNE), True),
        (f"from: {JUNE}, until: {JULY}", None, "at most 2 owner", gives("dan", role="owner"), True),
        (f"until: {PAST}", None, "at most 2 owner", gives("dan", role="owner"), False),
        # Never, and per user: at one time.
        (f"until: {JULY}", None, "never owner with vet", gives("bob", start=JULY), False),
        (f"until: {JULY}", None, "never owner with vet", gives("bob", start=JUNE), True),
        (f"from: {JULY}", None, "never owner with vet", gives("bob"), True),
        (f"from: {JULY}", None, "never owner with vet", gives("bob", until=JULY), False),
        (f"from: {JULY}", None, "at most 1 role per user", gives("bob"), True),
        (f"from: {JULY}", None, "at most 1 role per user", gives("bob", until=JULY), False),
        (f"until: {PAST}", None, "at most 1 role per user", gives("bob"), False),
    ],
)
def test_later_moments(bob: str | None, cyd: str | None, rule: str, given: Json, fails: bool) -> None:
    """A guard is judged at the event's time and at every later `from` and `until`."""
    held = {
        name: "" if window is None else f"{{role: owner, {window}}}" for name, window in (("bob", bob), ("cyd", cyd))
    }
    directory = f"""
    users:
      ann: {{assignments: [{{role: owner}}]}}
      bob: {{assignments: [{held["bob"]}]}}
      cyd: {{assignments: [{held["cyd"]}]}}
      dan: {{}}
    """
    assert refused(rule, given, directory) is fails


def test_now_is_where_it_begins() -> None:
    """What was broken before, and what is over by now, does not count."""
    directory = (
        f"users: {{ann: {{assignments: [{{role: owner}}]}}, bob: {{assignments: [{{role: owner, from: {JULY}}}]}}}}"
    )
    given = takes("ann", role="owner")
    assert refused("at least 1 owner", given, directory)
    ended = "users: {ann: {}, bob: {assignments: [{role: owner, until: 2026-07-01T00:00:00Z}]}}"
    assert refused("at most 1 owner", gives("ann", role="owner"), ended)


def test_windows_of_groups_are_moments_too() -> None:
    """Of groups above, and of people whom the event does not touch."""
    directory = f"""
    users: {{ann: {{assignments: [{{role: owner}}]}}, bob: {{}}}}
    groups: {{in: {{members: [bob]}}, out: {{members: [group/in], assignments: [{{role: owner, until: {JULY}}}]}}}}
    """
    assert refused("at least 1 owner", takes("ann", role="owner"), directory)
    assert not refused("at least 1 owner", by_ann("leave", user="bob", group="in"), directory)
    assert refused("at least 2 owner", by_ann("leave", user="bob", group="in"), directory)
    message = apply(f"{EVERYTHING} guard g: at least 1 owner", takes("ann", role="owner"), directory).result["message"]
    assert "2026-07-01T00:00:00Z" in message


# -- places ------------------------------------------------------------------------------------------------------------


def test_a_new_place_has_no_count_that_could_fall() -> None:
    """It may be made before anybody holds a role there."""
    assert not refused("at least 9 vet per branch", by_ann("create_scope", scope="branch/new"))
    assert not refused("at least 9 vet per branch", by_ann("create_scope", scope="branch/new", parent=EAST))


@pytest.mark.parametrize(
    ("rule", "parent", "fails"),
    [
        ("at most 1 lead per branch", ["region/a"], False),
        ("at most 1 lead per branch", ["region/b"], False),
        ("at most 1 lead per branch", ["region/a", "region/b"], True),
        ("at most 1 lead per region", ["region/a", "region/b"], False),
        ("at most 2 lead per branch", ["region/a", "region/b"], False),
        ("never vet with lead per branch", ["region/a"], False),
        ("never vet with lead per branch", ["region/a", "region/b"], True),
        ("at most 1 role per user per branch", ["region/b"], False),
        ("at most 1 role per user per branch", ["region/a", "region/b"], True),
    ],
)
def test_what_is_held_above_a_new_place_is_held_there(rule: str, parent: list[str], fails: bool) -> None:
    """A place below two others brings their people together: it is refused where a guard forbids that."""
    directory = """
    scopes: {region/a: {}, region/b: {}}
    users:
      ann: {}
      bob: {assignments: [{role: lead, scope: region/a}]}
      cyd: {assignments: [{role: lead, scope: region/b}, {role: vet, scope: region/a}]}
    """
    assert refused(rule, by_ann("create_scope", scope="branch/new", parent=parent), directory) is fails


def test_a_place_goes_with_its_guard() -> None:
    """What is deleted is not counted any more."""
    directory = PLACES.replace("}}", "}, branch/spare: {}}", 1).replace("branch/south: {}", "branch/south: {}") + STAFF
    found = run(f"{EVERYTHING} guard kept: at least 1 vet per branch", [
        by_ann("create_scope", scope="branch/new"), by_ann("delete_scope", scope="branch/new"), takes("pip"),
    ], directory)  # fmt: skip
    assert [one.result["code"] for one in found] == ["accepted"] * 3


def test_a_place_below_two() -> None:
    """Roles of both places above count there, each holder once."""
    directory = """
    scopes: {region/a: {}, region/b: {}, branch/x: {parent: [region/a, region/b]}}
    users:
      ann: {}
      bob: {assignments: [{role: vet, scope: region/a}, {role: vet, scope: region/b}]}
      cyd: {assignments: [{role: vet, scope: region/b}]}
    """
    assert not refused("at least 2 vet per branch", takes("bob", "region/a"), directory)
    assert refused("at least 2 vet per branch", takes("cyd", "region/b"), directory)
    assert refused("at most 1 vet per branch", gives("ann", "region/a"), directory)
    assert refused("never vet with lead per branch", gives("cyd", "region/a", "lead"), directory)


# -- what a refusal says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "given", "people"),
    [
        ("at least 1 active vet", by_ann("disable", user="bob"), ["bob"]),
        ("at most 3 active vet", gives("eve"), ["eve"]),
        ("at most 1 vet per branch", gives("eve", SOUTH), ["eve"]),
        ("never vet with lead", gives("bob", role="lead"), ["bob"]),
        ("at most 1 role per user", gives("cyd", role="lead"), ["cyd"]),
    ],
)
def test_the_message_names_the_people(rule: str, given: Json, people: list[str]) -> None:
    """And the guard, and where the count is by place, the place."""
    message = apply(f"{EVERYTHING} guard kept: {rule}", given, VETS).result["message"]
    assert message.startswith("guard `kept`: ")
    if "at most" not in rule or "per" in rule:
        assert [name for name in people if name in message] == people
    assert ("branch/south" in message) is ("branch" in rule)


def test_the_first_guard_by_name_is_told() -> None:
    """Where an event breaks several."""
    for names in (("a", "b"), ("b", "a")):
        text = f"{EVERYTHING} guard {names[0]}: at least 1 owner guard {names[1]}: at least 1 active owner"
        assert apply(text, by_ann("remove", user="ann"), VETS).result["guard"] == "a"


def test_a_refusal_shows_the_user_as_they_stay() -> None:
    """Roles and status before the event."""
    result = apply(f"{EVERYTHING} guard kept: at least 1 owner", by_ann("remove", user="ann"), VETS).result
    assert (result["roles"], result["status"], result["accepted"]) == (["owner"], "active", False)


# -- a directory as it is ----------------------------------------------------------------------------------------------


def broken(
    rule: str, directory: str = VETS, lines: str = EVERYTHING
) -> list[tuple[str | None, int | None, int, tuple[str, ...]]]:
    """Where, when, how many and who: each breach of a guard."""
    index = policy(f"{BASE}{lines} guard kept: {rule}").index
    found = broken_guards(index, people(directory), NOW)
    assert all(one.guard.name == "kept" and one.state and one.message for one in found)
    return [(one.place, one.time, one.count, one.people) for one in found]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("at least 2 vet", []),
        ("at least 3 vet", [(None, None, 2, ("bob", "pip"))]),
        ("at least 2 active vet", [(None, None, 1, ("bob",))]),
        ("at least 1 lead", [(None, None, 0, ())]),
        ("at least 4 vet per branch", [("branch/south", None, 3, ("bob", "out", "pip"))]),
        ("at least 1 lead per branch", [("branch/north", None, 0, ()), ("branch/south", None, 0, ())]),
        ("at least 1 lead per company", [(None, None, 0, ())]),
        ("at most 5 vet", []),
        ("at most 4 vet", [(None, None, 5, ("bob", "cyd", "dan", "out", "pip"))]),
        ("at most 2 active vet", [(None, None, 3, ("bob", "cyd", "dan"))]),
        ("at most 2 active vet per branch", [("branch/north", None, 3, ("bob", "cyd", "dan"))]),
        ("never vet with lead", []),
        ("never vet with viewer", [(None, None, 1, ("bob", "cyd", "dan", "out", "pip"))]),
        ("at most 0 role per user per region", [("region/east", None, 1, ("ann", "bob", "dan", "pip"))]),
    ],
)  # fmt: skip
def test_a_directory_that_breaks_a_guard(rule: str, found: list[Any]) -> None:
    """Is reported with the place, the number and the people."""
    assert broken(rule) == found


@pytest.mark.parametrize(
    ("window", "rule", "time"),
    [
        (f"until: {JULY}", "at least 1 owner", JULY),
        (f"from: {JULY}", "at least 1 owner", None),
        (f"until: {PAST}", "at least 1 owner", None),
        ("", "at least 1 owner", "never"),
        (f"from: {JULY}", "at most 0 owner", JULY),
        (f"until: {JULY}", "at most 0 owner", None),
        (f"until: {PAST}", "at most 0 owner", "never"),
        (f"from: {JULY}, until: {AUGUST}", "at most 0 role per user", JULY),
        (f"from: {JULY}", "never owner with vet", JULY),
        (f"until: {PAST}", "never owner with vet", "never"),
    ],
)
def test_a_guard_that_will_be_broken(window: str, rule: str, time: str | None) -> None:
    """Is reported at its first moment: now, or a later `from` or `until`."""
    directory = f"users: {{bob: {{assignments: [{{role: owner, {window}}}]}}}}"
    if "never" in rule:
        directory = directory.replace("]}}", ", {role: vet}]}}")
    found = broken(rule, directory)
    if time == "never":
        assert found == []
    else:
        assert [when for _, when, _, _ in found] == [None if time is None else instant(time)]


def test_hidden_ones_in_a_directory() -> None:
    """Count for `at most` and `never`, not for `at least`."""
    directory = "users: {bob: {assignments: [{role: lead}]}}\n"
    directory += "groups: {g: {members: [bob], assignments: [{role: vet}]}}"
    assert broken("at least 1 vet", directory) == []
    assert broken("at least 1 vet", directory, HIDING) == [(None, None, 0, ())]
    assert broken("at most 0 vet", directory, HIDING) == [(None, None, 1, ("bob",))]
    assert broken("never vet with lead", directory, HIDING) == [(None, None, 1, ("bob",))]


def test_an_empty_directory_breaks_every_least() -> None:
    """And no other guard; without guards nothing is broken."""
    assert broken("at least 1 owner", "{}") == [(None, None, 0, ())]
    assert broken("at least 1 owner per branch", "{}") == []
    assert broken("at most 0 owner", "{}") == []
    assert broken_guards(policy(BASE).index, people("{}"), NOW) == []


def test_former_names_are_counted() -> None:
    """As the role they became."""
    directory = PLACES + "users: {ann: {}, bob: {assignments: [{role: doctor}, {role: vet, scope: branch/north}]}}"
    assert refused("at least 1 vet", takes("bob"), directory)
    assert refused("at most 1 vet", gives("ann", role="doctor"), directory)
    assert not refused("at most 1 role per user", gives("bob", role="vet"), directory)
    assert broken("at most 1 role per user", directory) == []
