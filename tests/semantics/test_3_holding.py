"""SEMANTICS 3, and of 9 what binds decisions: who holds what, where and when."""

from __future__ import annotations

from typing import Any

import pytest
from world import ANN, PLAIN, bind, code, codes, compiles, directory_codes, explained, request, truth

from remit import Directory, DirectoryError, Pdp

TREE = """
scope company
scope region in company
scope branch in region
scope room in branch
area desk { resource note { actions read, write, sign } }
role r { allow read on note }
role no { deny read on note }
role top includes r { allow write on note }
"""
PLACES = """
scopes:
  region/east: {}
  region/west: {}
  branch/north: {parent: region/east}
  branch/south: {parent: region/west}
  branch/both: {parent: [region/east, region/west]}
  branch/inner: {parent: branch/north}
  room/1: {parent: branch/inner}
  room/2: {parent: [branch/north, branch/south]}
  room/3: {parent: region/east}
  room/4: {}
"""
ALL = ["company", "region/east", "region/west", "branch/north", "branch/south", "branch/both", "branch/inner"]
ALL += ["room/1", "room/2", "room/3", "room/4"]


def where(pdp: Pdp, user: str = "ann", action: str = "read") -> set[str]:
    """The places where the user may."""
    return {place for place in ALL if code(pdp, user, action, scope=place) == "allowed"}


@pytest.mark.parametrize(
    "place, reach",
    [
        ("company", set(ALL)),
        ("region/east", {"region/east", "branch/north", "branch/both", "branch/inner", "room/1", "room/2", "room/3"}),
        ("region/west", {"region/west", "branch/south", "branch/both", "room/2"}),
        ("branch/north", {"branch/north", "branch/inner", "room/1", "room/2"}),
        ("branch/south", {"branch/south", "room/2"}),
        ("branch/inner", {"branch/inner", "room/1"}),
        ("branch/both", {"branch/both"}),
        ("room/4", {"room/4"}),
    ],
)
def test_a_role_is_held_at_its_scope_and_below(place: str, reach: set[str]) -> None:
    """Through every parent, through scopes of the same kind, and nowhere beside or above."""
    directory = PLACES + f"users: {{ann: {{assignments: [{{role: r, scope: {place}}}]}}}}"
    assert where(bind(TREE, directory)) == reach
    directory = PLACES + f"users: {{ann: {{assignments: [{{role: top, scope: {place}}}]}}}}"
    assert where(bind(TREE, directory)) == reach
    directory = PLACES + f"users: {{ann: {{assignments: [{{role: r}}, {{role: no, scope: {place}}}]}}}}"
    assert where(bind(TREE, directory)) == set(ALL) - reach


def test_a_scope_without_parent_lies_at_the_root() -> None:
    """Of any kind, and also where the root is named as its parent, by itself or among others."""
    directory = """
    scopes: {room/a: {}, room/b: {parent: company}, room/c: {parent: [company, branch/n]}, branch/n: {}}
    users: {ann: {assignments: [{role: r}]}, bob: {assignments: [{role: r, scope: branch/n}]}}
    """
    pdp = bind(TREE, directory)
    for place in ("room/a", "room/b", "room/c"):
        assert code(pdp, "ann", "read", scope=place) == "allowed"
    assert code(pdp, "bob", "read", scope="room/c") == "allowed"
    assert code(pdp, "bob", "read", scope="room/b") == "no_rule"


GROUPS = """
scopes: {branch/n: {}, branch/s: {}}
users: {ann: {}, bob: {}, cyd: {}}
groups:
  inner: {members: [ann]}
  middle: {members: [group/inner, bob]}
  outer: {members: [group/middle], assignments: [{role: r, scope: branch/n}]}
"""
SIMPLE = PLAIN + "role r { allow read on note } role no { deny read on note } role w { allow write on note }"


def test_roles_through_groups_of_groups() -> None:
    """A member of a group in a group in a group holds what the outermost is given; others do not."""
    pdp = bind(SIMPLE, GROUPS)
    assert code(pdp, "ann", "read", scope="branch/n") == "allowed"
    assert code(pdp, "bob", "read", scope="branch/n") == "allowed"
    assert code(pdp, "cyd", "read", scope="branch/n") == "no_rule"
    assert code(pdp, "ann", "read", scope="branch/s") == "no_rule"
    held = explained(pdp, "ann", "read", scope="branch/n")["held"]
    assert held == [{"role": "r", "scope": "branch/n", "via": "group", "group": "outer", "includes": []}]


def test_groups_do_not_hand_down() -> None:
    """What the inner group is given, the outer one's members do not hold."""
    directory = """
    users: {ann: {}, bob: {}}
    groups: {inner: {members: [ann], assignments: [{role: r}]}, outer: {members: [group/inner, bob]}}
    """
    pdp = bind(SIMPLE, directory)
    assert code(pdp, "ann", "read") == "allowed"
    assert code(pdp, "bob", "read") == "no_rule"


def test_a_group_reached_by_two_ways_counts_once() -> None:
    """Its role is held once, its rule reported once."""
    directory = """
    users: {ann: {}}
    groups:
      a: {members: [ann]}
      b: {members: [ann, group/a]}
      top: {members: [group/a, group/b, ann], assignments: [{role: r}]}
    """
    found = explained(bind(SIMPLE, directory), "ann", "read")
    assert len(found["held"]) == 1
    assert len(found["rules"]) == 1


def test_several_groups_add_up() -> None:
    """Allows of one and denies of another meet."""
    directory = """
    users: {ann: {}}
    groups:
      a: {members: [ann], assignments: [{role: r}]}
      b: {members: [ann], assignments: [{role: w}]}
      c: {members: [ann], assignments: [{role: no}]}
    """
    pdp = bind(SIMPLE, directory)
    assert code(pdp, "ann", "write") == "allowed"
    assert code(pdp, "ann", "read") == "denied_by_rule"


def test_a_user_named_like_a_group() -> None:
    """`group/x` is the group; `x` is the user."""
    directory = """
    users: {x: {}, ann: {}}
    groups: {x: {members: [ann]}, top: {members: [x], assignments: [{role: r}]}}
    """
    pdp = bind(SIMPLE, directory)
    assert code(pdp, "x", "read") == "allowed"
    assert code(pdp, "ann", "read") == "no_rule"


@pytest.mark.parametrize(
    "text",
    [
        "scopes: {branch/a: {parent: branch/b}, branch/b: {parent: branch/a}}",
        "scopes: {branch/a: {parent: branch/a}}",
        "scopes: {branch/a: {parent: [company, branch/b]}, branch/b: {parent: branch/c}, branch/c: {parent: branch/a}}",
        "groups: {a: {members: [group/a]}}",
        "groups: {a: {members: [group/b]}, b: {members: [group/c]}, c: {members: [group/a]}}",
    ],
)
def test_circles_are_errors(text: str) -> None:
    """Of scopes and of groups, the shortest too."""
    assert {"E409", "E410"} & set(directory_codes(text))


@pytest.mark.parametrize(
    "scopes",
    [
        "{branch/a: {parent: room/1}, room/1: {}}",
        "{region/a: {parent: branch/1}, branch/1: {}}",
        "{region/a: {parent: room/1}, room/1: {}}",
    ],
)
def test_parents_are_of_the_own_kind_or_one_above(scopes: str) -> None:
    """A branch does not lie in a room."""
    with pytest.raises(DirectoryError) as caught:
        bind(TREE, f"scopes: {scopes}")
    assert "E419" in [found.code for found in caught.value.diagnostics]


def test_a_kind_above_need_not_be_the_next() -> None:
    """A room may lie in a region at once."""
    directory = (
        "scopes: {region/a: {}, room/1: {parent: region/a}}\nusers: {ann: {assignments: [{role: r, scope: region/a}]}}"
    )
    assert code(bind(TREE, directory), "ann", "read", scope="room/1") == "allowed"


def test_kinds_beside_one_another_hold_nothing_of_one_another() -> None:
    """Two kinds in the root are no parents of one another."""
    text = "scope company scope a in company scope b in company area desk { resource note { actions read } }"
    with pytest.raises(DirectoryError):
        bind(text, "scopes: {a/1: {parent: b/1}, b/1: {}}")


# -- windows ---------------------------------------------------------------------------------------------------------


def timed(role: str, window: str, more: str = "") -> str:
    return f"users: {{ann: {{assignments: [{{role: {role}, {window}}}{more}]}}}}"


FROM = "2024-06-01T12:00:00Z"
UNTIL = "2024-06-02T12:00:00Z"
NS = 10**9
START, END = 1717243200 * NS, 1717329600 * NS


@pytest.mark.parametrize(
    "now, counts",
    [(START - 1, False), (START, True), (START + 1, True), (END - 1, True), (END, False), (END + NS, False)],
)
def test_an_assignment_counts_from_its_first_instant_to_before_its_last(now: int, counts: bool) -> None:
    """`from` is inclusive, `until` exclusive, to the nanosecond of the clock."""
    pdp = bind(SIMPLE, timed("r", f'from: "{FROM}", until: "{UNTIL}"'), lambda: now)
    assert code(pdp, "ann", "read") == ("allowed" if counts else "no_rule")
    pdp = bind(SIMPLE, timed("no", f'from: "{FROM}", until: "{UNTIL}"', ", {role: r}"), lambda: now)
    assert code(pdp, "ann", "read") == ("denied_by_rule" if counts else "allowed")


@pytest.mark.parametrize(
    "time, counts",
    [
        ("2024-06-01T11:59:59.999999Z", False),
        ("2024-06-01T12:00:00Z", True),
        ("2024-06-01T14:00:00+02:00", True),
        ("2024-06-01T12:00:00+01:00", False),
        ("2024-06-02T11:59:59.999Z", True),
        ("2024-06-02T12:00:00.000Z", False),
        ("2024-06-02T12:00:00+00:01", True),
    ],
)
def test_the_requests_time_decides_where_it_is_given(time: str, counts: bool) -> None:
    """`context.time` stands for the clock, in any zone."""
    directory = timed("r", f'from: "{FROM}", until: "2024-06-02T13:00:00+01:00"')
    pdp = bind(SIMPLE, directory, lambda: 0)
    assert code(pdp, "ann", "read", context={"time": time}) == ("allowed" if counts else "no_rule")


def test_open_windows() -> None:
    """`from` alone and `until` alone are enough."""
    assert code(bind(SIMPLE, timed("r", f'from: "{FROM}"'), lambda: START), "ann", "read") == "allowed"
    assert code(bind(SIMPLE, timed("r", f'from: "{FROM}"'), lambda: START - 1), "ann", "read") == "no_rule"
    assert code(bind(SIMPLE, timed("r", f'until: "{UNTIL}"'), lambda: 0), "ann", "read") == "allowed"
    assert code(bind(SIMPLE, timed("r", f'until: "{UNTIL}"'), lambda: END), "ann", "read") == "no_rule"


def test_windows_of_groups_assignments() -> None:
    """A group's assignment may carry a window too."""
    directory = f'users: {{ann: {{}}}}\ngroups: {{g: {{members: [ann], assignments: [{{role: r, until: "{UNTIL}"}}]}}}}'
    assert code(bind(SIMPLE, directory, lambda: END - 1), "ann", "read") == "allowed"
    assert code(bind(SIMPLE, directory, lambda: END), "ann", "read") == "no_rule"


def test_the_same_role_twice() -> None:
    """An assignment that is over does not take away one that counts."""
    directory = timed("r", f'until: "{FROM}"', f', {{role: r, from: "{UNTIL}"}}')
    assert code(bind(SIMPLE, directory, lambda: START - 1), "ann", "read") == "allowed"
    assert code(bind(SIMPLE, directory, lambda: START), "ann", "read") == "no_rule"
    assert code(bind(SIMPLE, directory, lambda: END), "ann", "read") == "allowed"


def test_one_decision_point_sees_time_pass() -> None:
    """Nothing of the answer at one time is kept for the next."""
    now = [START - 1]
    pdp = bind(SIMPLE, timed("r", f'from: "{FROM}", until: "{UNTIL}"'), lambda: now[0])
    seen = []
    for moment in (START - 1, START, END - 1, END):
        now[0] = moment
        seen.append(code(pdp, "ann", "read"))
    assert seen == ["no_rule", "allowed", "allowed", "no_rule"]


def test_a_role_that_the_policy_lacks_gives_nothing() -> None:
    """Nor does it make a member, nor stand in the way."""
    text = SIMPLE + "members { allow sign on note }"
    pdp = bind(text, "users: {ann: {assignments: [{role: ghost}]}, bob: {assignments: [{role: ghost}, {role: r}]}}")
    assert code(pdp, "ann", "read") == "no_rule"
    assert code(pdp, "ann", "sign") == "no_rule"
    assert code(pdp, "bob", "read") == "allowed"


def test_outside_its_window_an_assignment_makes_no_member() -> None:
    """`members` are those who hold a role now."""
    text = SIMPLE + "members { allow sign on note }"
    directory = timed("r", f'from: "{FROM}"')
    assert code(bind(text, directory, lambda: START - 1), "ann", "sign") == "no_rule"
    assert code(bind(text, directory, lambda: START), "ann", "sign") == "allowed"


# -- individual over group -------------------------------------------------------------------------------------------

OVER = TREE + "role quiet {} role w { allow write on note } assignments { individual over group }"


def over(individual: str, groups: str, text: str = OVER) -> Pdp:
    """ann with these assignments of her own, in a group with those."""
    return bind(
        text,
        PLACES + f"users: {{ann: {{assignments: [{individual}]}}}}\n"
        f"groups: {{g: {{members: [ann], assignments: [{groups}]}}}}",
    )


def test_without_the_line_all_add_up() -> None:
    """Only `individual over group` hides anything."""
    pdp = over("{role: quiet}", "{role: r}", OVER.replace("individual over group", ""))
    assert code(pdp, "ann", "read") == "allowed"


def test_an_individual_assignment_hides_the_groups_allows_there() -> None:
    """At the root and at a branch alike, whatever the individual role allows."""
    pdp = over("{role: quiet}", "{role: r}")
    assert code(pdp, "ann", "read") == "no_rule"
    assert where(pdp) == set()
    pdp = over("{role: quiet, scope: branch/north}", "{role: r, scope: branch/north}")
    assert where(pdp) == set()


def test_it_hides_at_that_scope_alone() -> None:
    """What the group holds above or below the individual assignment still counts."""
    assert where(over("{role: quiet, scope: branch/north}", "{role: r}")) == set(ALL)
    assert where(over("{role: quiet}", "{role: r, scope: branch/inner}")) == {"branch/inner", "room/1"}
    assert where(over("{role: quiet, scope: branch/south}", "{role: r, scope: branch/north}")) == {
        "branch/north",
        "branch/inner",
        "room/1",
        "room/2",
    }


def test_a_hidden_role_is_hidden_below_too() -> None:
    """Held at branch/north by the group and hidden there, it gives nothing in the rooms of branch/north."""
    pdp = over("{role: quiet, scope: branch/north}", "{role: r, scope: branch/north}")
    assert code(pdp, "ann", "read", scope="room/1") == "no_rule"


def test_the_root_by_name_is_the_same_place() -> None:
    """`scope: company` and no scope are one."""
    for individual in ("{role: quiet, scope: company}", "{role: quiet}"):
        for group in ("{role: r, scope: company}", "{role: r}"):
            assert code(over(individual, group), "ann", "read") == "no_rule"


def test_hidden_roles_still_deny() -> None:
    """A harmless individual role does not lift a group's deny, neither there nor below."""
    pdp = over("{role: r}", "{role: no}")
    assert code(pdp, "ann", "read") == "denied_by_rule"
    assert code(pdp, "ann", "read", scope="room/1") == "denied_by_rule"
    pdp = over("{role: r, scope: branch/north}", "{role: no, scope: branch/north}")
    assert code(pdp, "ann", "read", scope="branch/north") == "denied_by_rule"
    assert code(pdp, "ann", "read", scope="room/1") == "denied_by_rule"


def test_the_individual_roles_own_allows_count() -> None:
    """A role held both ways counts through the individual assignment."""
    assert code(over("{role: r}", "{role: r}, {role: w}"), "ann", "read") == "allowed"
    assert code(over("{role: r}", "{role: r}, {role: w}"), "ann", "write") == "no_rule"
    assert code(over("{role: top}", "{role: r}"), "ann", "read") == "allowed"


def test_all_groups_are_hidden_groups_of_groups_too() -> None:
    """However many groups, and however deep."""
    directory = """
    users: {ann: {assignments: [{role: quiet}]}, bob: {}}
    groups:
      a: {members: [ann, bob], assignments: [{role: w}]}
      b: {members: [group/a], assignments: [{role: r}]}
    """
    pdp = bind(OVER, directory)
    assert pdp.actions("ann", {"type": "note"}) == []
    assert pdp.actions("bob", {"type": "note"}) == ["read", "write"]


def test_what_does_not_count_hides_nothing() -> None:
    """An assignment before its time, one that is over, and one of a role that the policy lacks."""
    for individual, now, hides in [
        (f'{{role: quiet, from: "{FROM}"}}', START - 1, False),
        (f'{{role: quiet, from: "{FROM}"}}', START, True),
        (f'{{role: quiet, until: "{UNTIL}"}}', END - 1, True),
        (f'{{role: quiet, until: "{UNTIL}"}}', END, False),
        ("{role: ghost}", START, False),
    ]:
        directory = (
            f"users: {{ann: {{assignments: [{individual}]}}}}\n"
            "groups: {g: {members: [ann], assignments: [{role: r}]}}"
        )
        pdp = bind(OVER, directory, lambda now=now: now)  # type: ignore[misc]  # bound now
        assert code(pdp, "ann", "read") == ("no_rule" if hides else "allowed"), individual


def test_hidden_members_are_members() -> None:
    """The individual assignment alone makes a member."""
    text = OVER + "members { allow sign on note }"
    assert code(over("{role: quiet}", "{role: r}", text), "ann", "sign") == "allowed"


def test_included_roles_of_a_hidden_one_are_hidden() -> None:
    """With all it includes."""
    assert code(over("{role: quiet}", "{role: top}"), "ann", "read") == "no_rule"
    text = OVER + "role both includes no, w {}"
    assert code(over("{role: r}", "{role: both}", text), "ann", "read") == "denied_by_rule"
    assert code(over("{role: r}", "{role: both}", text), "ann", "write") == "no_rule"


# -- where the request stands ----------------------------------------------------------------------------------------

ABOUT = (
    SIMPLE
    + 'role x { allow read on note when resource.scope == "company" deny write on note when resource.scope == "s" }'
)
STAFF = """
scopes: {branch/n: {}, branch/s: {}}
users:
  root: {assignments: [{role: r}]}
  north: {assignments: [{role: r, scope: branch/n}]}
  bound: {assignments: [{role: r}, {role: no, scope: branch/n}]}
  free: {assignments: [{role: r}]}
  nobody: {}
  x: {assignments: [{role: x}, {role: w}]}
groups:
  g: {members: [free], assignments: [{role: no, scope: branch/n}]}
"""


@pytest.mark.parametrize("scope", [None, "absent"])
def test_without_a_scope(scope: str | None) -> None:
    """Allows count from the root, denies from anywhere, `resource.scope` is unknown; null is absent."""
    pdp = bind(ABOUT, STAFF)
    more: dict[str, Any] = {} if scope else {"scope": None}
    assert code(pdp, "root", "read", **more) == "allowed"
    assert code(pdp, "north", "read", **more) == "no_rule"
    assert code(pdp, "bound", "read", **more) == "denied_by_rule"
    assert code(pdp, "free", "read", **more) == "denied_by_rule"
    assert code(pdp, "x", "read", **more) == "no_rule"
    assert code(pdp, "x", "write", **more) == "denied_by_rule"
    assert code(pdp, "bound", "read", scope="company") == "allowed"
    assert code(pdp, "bound", "read", scope="branch/s") == "allowed"
    assert code(pdp, "bound", "read", scope="branch/n") == "denied_by_rule"


def test_without_a_scope_only_what_counts_denies() -> None:
    """A deny whose assignment is over does not bind there either."""
    directory = (
        "scopes: {branch/n: {}}\nusers: {ann: {assignments: "
        f'[{{role: r}}, {{role: no, scope: branch/n, until: "{UNTIL}"}}]}}}}'
    )
    assert code(bind(SIMPLE, directory, lambda: END - 1), "ann", "read") == "denied_by_rule"
    assert code(bind(SIMPLE, directory, lambda: END), "ann", "read") == "allowed"


def test_without_a_scope_a_conditional_deny_from_below_binds_unless_false() -> None:
    """Denies from any scope count with their conditions."""
    text = (
        PLAIN.replace("note {", "note { p: bool")
        + "role r { allow read on note } role d { deny read on note when resource.p }"
    )
    directory = "scopes: {branch/n: {}}\nusers: {ann: {assignments: [{role: r}, {role: d, scope: branch/n}]}}"
    pdp = bind(text, directory)
    assert code(pdp, "ann", "read", p=False) == "allowed"
    assert code(pdp, "ann", "read", p=True) == "denied_by_rule"
    assert code(pdp, "ann", "read") == "denied_by_rule"


BLOCKS = SIMPLE + "everyone { allow sign on note } members { allow write on note }"


def test_a_scope_that_the_directory_does_not_know() -> None:
    """No role's allow counts, not the root's either; denies from any scope do; `everyone` does, `members` not."""
    pdp = bind(BLOCKS, STAFF)
    for user in ("root", "north"):
        assert code(pdp, user, "read", scope="branch/new") == "no_rule"
        assert code(pdp, user, "write", scope="branch/new") == "no_rule"
        assert code(pdp, user, "sign", scope="branch/new") == "allowed"
    for user in ("bound", "free"):
        assert code(pdp, user, "read", scope="branch/new") == "denied_by_rule"
    pdp = bind(SIMPLE + "everyone { deny read on note allow sign on note }", STAFF)
    assert code(pdp, "nobody", "read", scope="branch/new") == "denied_by_rule"


def test_the_root_by_name_is_just_the_root() -> None:
    """Whether or not the directory lists it."""
    pdp = bind(BLOCKS, STAFF)
    assert code(pdp, "root", "read", scope="company") == "allowed"
    assert code(pdp, "north", "read", scope="company") == "no_rule"
    assert code(pdp, "root", "write", scope="company") == "allowed"
    assert code(pdp, "north", "write", scope="company") == "no_rule"
    assert code(bind(BLOCKS), "ann", "read", scope="company") == "allowed"


@pytest.mark.parametrize(
    "scope",
    ["", "branch", "branch/", "/n", "room/n", "n", "Branch/n", " branch/n", "company2", 5, True, [], ["branch/n"], {}],
)
def test_a_scope_that_is_none(scope: Any) -> None:
    """Malformed, or of a kind that the policy lacks, is `invalid_request`, for those who may everywhere too."""
    assert code(bind(BLOCKS, STAFF), "root", "read", scope=scope) == "invalid_request"
    assert code(bind(BLOCKS, STAFF), "nobody", "sign", scope=scope) == "invalid_request"


def test_malformed_before_anything_else() -> None:
    """Even where user, type and action are unknown."""
    assert code(bind(BLOCKS, STAFF), "stranger", "fly", "bird", scope="room/1") == "invalid_request"


# -- everyone and members --------------------------------------------------------------------------------------------


def test_everyone_is_every_known_active_user() -> None:
    """With roles or without, and nobody else."""
    text = PLAIN + "role r {} everyone { allow read on note }"
    directory = "users: {ann: {}, bob: {status: disabled}, cyd: {status: pending}, dan: {assignments: [{role: r}]}}"
    pdp = bind(text, directory)
    assert code(pdp, "ann", "read") == "allowed"
    assert code(pdp, "dan", "read") == "allowed"
    assert code(pdp, "bob", "read") == "inactive_user"
    assert code(pdp, "cyd", "read") == "inactive_user"
    assert code(pdp, "eve", "read") == "unknown_user"


def test_members_hold_a_role_there_or_above() -> None:
    """Through groups as well; a role elsewhere does not count."""
    text = TREE + "role quiet {} members { allow sign on note }"
    directory = (
        PLACES
        + """
users:
  ann: {assignments: [{role: quiet, scope: branch/north}]}
  bob: {}
  cyd: {}
groups: {g: {members: [bob], assignments: [{role: quiet, scope: region/west}]}}
"""
    )
    pdp = bind(text, directory)
    assert where(pdp, "ann", "sign") == {"branch/north", "branch/inner", "room/1", "room/2"}
    assert where(pdp, "bob", "sign") == {"region/west", "branch/south", "branch/both", "room/2"}
    assert where(pdp, "cyd", "sign") == set()
    assert code(pdp, "ann", "sign") == "no_rule"


def test_blocks_deny_too() -> None:
    """`everyone` and `members` may forbid."""
    pdp = bind(SIMPLE + "members { deny read on note } everyone { deny write on note allow sign on note }", ANN)
    assert code(pdp, "ann", "read") == "denied_by_rule"
    assert code(pdp, "ann", "write") == "denied_by_rule"
    assert code(pdp, "ann", "sign") == "allowed"


def test_rules_of_blocks_have_no_role() -> None:
    """They report `"role": null` and their block."""
    pdp = bind(PLAIN + "role r {} everyone { allow read on note } members { allow read on note deny write on note }")
    rules = pdp.decide(request("ann", "read")).rules
    assert [(rule["role"], rule["block"]) for rule in rules] == [(None, "everyone"), (None, "members")]
    rules = pdp.decide(request("ann", "write")).to_response()["context"]["rules"]
    assert [(rule["role"], rule["block"]) for rule in rules] == [(None, "members")]


# -- subjects --------------------------------------------------------------------------------------------------------

KINDS = """
users:
  ann: {assignments: [{role: r}]}
  robot: {type: service, assignments: [{role: r}]}
  odd: {type: "cron job", assignments: [{role: r}]}
"""


@pytest.mark.parametrize(
    "user, type, expected",
    [
        ("ann", "user", "allowed"),
        ("ann", "service", "unknown_user"),
        ("ann", "User", "unknown_user"),
        ("robot", "service", "allowed"),
        ("robot", "user", "unknown_user"),
        ("odd", "cron job", "allowed"),
        ("odd", "user", "unknown_user"),
    ],
)
def test_the_subjects_type_is_the_users(user: str, type: str, expected: str) -> None:
    """`user` unless the directory gives another; types are free."""
    assert code(bind(SIMPLE, KINDS), user, "read", user_type=type) == expected


def test_subject_properties_override_no_fact() -> None:
    """Neither status nor attributes, roles, groups nor type."""
    text = (
        PLAIN
        + """
    user { team: string  nick: string? }
    role r { allow read on note when user.team == "x" }
    role boss { allow write on note }
    everyone { allow sign on note when "g" in user.groups or has user.nick }
    """
    )
    directory = "users: {ann: {attributes: {team: y}, assignments: [{role: r}]}, bob: {status: disabled}, cyd: {}}"
    pdp = bind(text, directory)
    claims = {"team": "x", "roles": ["boss"], "groups": ["g"], "status": "active", "type": "user", "nick": "a"}
    assert code(pdp, "ann", "read", subject=claims) == "no_rule"
    assert code(pdp, "ann", "write", subject=claims) == "no_rule"
    assert code(pdp, "ann", "sign", subject=claims) == "no_rule"
    assert code(pdp, "bob", "sign", subject=claims) == "inactive_user"
    assert code(pdp, "cyd", "sign", subject=claims) == "no_rule"
    assert code(pdp, "cyd", "read", subject=claims) == "no_rule"


CLAIMS = (
    PLAIN
    + """
user { team: string }
role r { allow read on note }
role teamed { allow write on note when user.team == "x" }
role no { deny read on note }
role old_hand was veteran { allow sign on note }
assignments { roles from subject }
"""
)
KNOWN = "scopes: {branch/n: {}}\nusers: {ann: {}, off: {status: disabled}}\nremoved: [gone]"


@pytest.mark.parametrize(
    "properties, action, scope, expected",
    [
        ({"roles": ["r"]}, "read", None, "allowed"),
        ({"roles": ["r"]}, "read", "branch/n", "allowed"),
        ({"roles": [{"role": "r"}]}, "read", None, "allowed"),
        ({"roles": [{"role": "r", "scope": "branch/n"}]}, "read", "branch/n", "allowed"),
        ({"roles": [{"role": "r", "scope": "branch/n"}]}, "read", "company", "no_rule"),
        ({"roles": [{"role": "r", "scope": "branch/n"}]}, "read", None, "no_rule"),
        ({"roles": [{"role": "r", "scope": "company"}]}, "read", None, "allowed"),
        ({"roles": [{"role": "r", "scope": None}]}, "read", None, "allowed"),
        ({"roles": ["r", "no"]}, "read", None, "denied_by_rule"),
        ({"roles": ["r", {"role": "no", "scope": "branch/n"}]}, "read", None, "denied_by_rule"),
        ({"roles": ["r", {"role": "no", "scope": "branch/n"}]}, "read", "company", "allowed"),
        ({"roles": ["ghost"]}, "read", None, "no_rule"),
        ({"roles": []}, "read", None, "no_rule"),
        ({"roles": None}, "read", None, "unknown_user"),
        ({"team": "x"}, "write", None, "unknown_user"),
        ({"roles": ["teamed"], "team": "x"}, "write", None, "allowed"),
        ({"roles": ["teamed"], "team": "y"}, "write", None, "no_rule"),
        ({"roles": ["teamed"], "team": 5}, "write", None, "no_rule"),
        ({"roles": ["teamed"]}, "write", None, "no_rule"),
        ({"roles": ["r"], "status": "disabled"}, "read", None, "allowed"),
    ],
)
def test_roles_from_the_subject(properties: dict[str, Any], action: str, scope: str | None, expected: str) -> None:
    """A user the directory has never known brings roles and attributes, and counts as active."""
    place = {"scope": scope} if scope else {}
    pdp = bind(CLAIMS, KNOWN)
    assert code(pdp, "eve", action, subject=properties, **place) == expected
    assert code(bind(CLAIMS.replace("roles from subject", ""), KNOWN), "eve", action, subject=properties, **place) == (
        "unknown_user"
    )


def test_roles_from_the_subject_are_for_strangers_alone() -> None:
    """Those whom the directory knows bring nothing, and a removed user stays unknown."""
    pdp = bind(CLAIMS, KNOWN)
    claims = {"roles": ["r"]}
    assert code(pdp, "ann", "read", subject=claims) == "no_rule"
    assert code(pdp, "off", "read", subject=claims) == "inactive_user"
    assert code(pdp, "gone", "read", subject=claims) == "unknown_user"
    assert code(pdp, "eve", "read") == "unknown_user"


def test_how_a_subjects_role_is_held() -> None:
    """`via` is `subject`."""
    found = explained(bind(CLAIMS, KNOWN), "eve", "read", subject={"roles": [{"role": "r", "scope": "branch/n"}]},
                      scope="branch/n")  # fmt: skip
    assert found["held"] == [{"role": "r", "scope": "branch/n", "via": "subject", "group": None, "includes": []}]


def test_a_removed_user_is_unknown() -> None:
    """A tombstone is no user."""
    pdp = bind(PLAIN + "role r {} everyone { allow read on note }", "users: {ann: {}}\nremoved: [bob]")
    assert code(pdp, "bob", "read") == "unknown_user"
    assert code(pdp, "ann", "read") == "allowed"


# -- the directory file (9) ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["no", "123", "1e3", "true", "null", "0x10", "2024-01-01", "1.0", "~", "on"])
def test_ids_are_strings(name: str) -> None:
    """Keys and ids are texts as they are written, whatever YAML would make of them."""
    directory = f"""
    scopes: {{branch/{name}: {{}}}}
    users:
      {name}: {{}}
    groups:
      {name}: {{members: [{name}], assignments: [{{role: r, scope: branch/{name}}}]}}
    """
    pdp = bind(SIMPLE, directory)
    assert code(pdp, name, "read", scope=f"branch/{name}") == "allowed"


def test_roles_are_strings_too() -> None:
    """A role may be called `no` or `123`."""
    for name in ("no", "on", "123"):
        pdp = bind(
            PLAIN + f"role `{name}` {{ allow read on note }}", f"users: {{ann: {{assignments: [{{role: {name}}}]}}}}"
        )
        assert code(pdp, "ann", "read") == "allowed"


@pytest.mark.parametrize(
    "written, type, condition, value",
    [
        ("3", "int", "user.x == 3", True),
        ("-3", "int", "user.x == -3", True),
        ("true", "bool", "user.x", True),
        ("false", "bool", "user.x", False),
        ("null", "bool", "user.x", None),
        ('"3"', "int", "user.x == 3", None),
        ("yes", "bool", "user.x", None),
        ("yes", "string", 'user.x == "yes"', True),
        ("no", "string", 'user.x == "no"', True),
        ("True", "bool", "user.x", None),
        ("0x10", "int", "user.x == 16", None),
        ("010", "int", "user.x == 8 or user.x == 10", None),
        ("1_000", "int", "user.x == 1000", None),
        ("1.0", "int", "user.x == 1", None),
        ("1e3", "int", "user.x == 1000", None),
        ("2024-01-01", "string", 'user.x == "2024-01-01"', True),
        ("2024-01-01T00:00:00Z", "time", 'user.x == "2024-01-01T00:00:00Z"', True),
        ("[a, b]", "set of string", '"b" in user.x', True),
        ("[1, 2]", "set of int", "2 in user.x", True),
        ("[a, 1]", "set of string", '"a" in user.x', None),
    ],
)
def test_other_scalars_are_as_in_json(written: str, type: str, condition: str, value: bool | None) -> None:
    """Numbers, `true`, `false` and `null` as JSON writes them; all else is text."""
    directory = f"users: {{ann: {{assignments: [{{role: r}}], attributes: {{x: {written}}}}}}}"
    assert truth(condition, user=f"x: {type}", directory=directory) is value


def test_a_directory_in_json() -> None:
    """JSON is valid, with a status that is `active` unless given."""
    held = '"assignments": [{"role": "r"}]'
    text = f'{{"users": {{"ann": {{{held}}}, "bob": {{"status": "pending", {held}}}}}}}'
    pdp = bind(SIMPLE, text)
    assert code(pdp, "ann", "read") == "allowed"
    assert code(pdp, "bob", "read") == "inactive_user"


@pytest.mark.parametrize("text", ["{}", "users: {}", "scopes: {}\ngroups: {}", "joined_domains: [acme.com]"])
def test_every_section_may_be_missing(text: str) -> None:
    """A directory without users knows nobody."""
    assert code(bind(SIMPLE, text), "ann", "read") == "unknown_user"


@pytest.mark.parametrize(
    "text",
    [
        "users: {ann: {}, ann: {}}",
        "users: {ann: {status: active, status: disabled}}",
        "users: {}\nusers: {}",
        "users: {ann: &a {}, bob: *a}",
        "users: {ann: &a {status: active}, bob: {<<: *a}}",
        "users: {ann: !!map {}}",
        "users: {ann: {status: !!str active}}",
        "users: {ann: !person {}}",
        "users: {ann: {}}\ngroups: {g: {members: [bob]}}",
        "groups: {g: {members: [group/h]}}",
        "users: {ann: {status: off}}",
        "users: {ann: {assignments: [{role: r, scope: branch/nowhere}]}}",
        "users: {ann: {assignments: [{role: r, from: 2024-01-01}]}}",
        'users: {ann: {assignments: [{role: r, until: "2024-01-01T00:00:00"}]}}',
        "users: {ann: {assignments: [{scope: branch/n}]}}\nscopes: {branch/n: {}}",
        "users: [ann]",
        "users: {ann: {satus: active}}",
    ],
)
def test_directories_that_are_refused(text: str) -> None:
    """Doubled keys, aliases, merge keys, tags, unknown members, and what is misspelt."""
    assert directory_codes(text)


def test_all_of_a_directorys_errors_at_once() -> None:
    """Every finding is held, with its E code."""
    text = "users: {ann: {status: off}}\ngroups: {g: {members: [bob]}}"
    found = directory_codes(text)
    assert len(found) >= 2
    assert all(one.startswith("E") for one in found)


def test_binding_needs_scopes_of_the_policys_kinds() -> None:
    """A directory whose scopes the policy does not know does not fit it."""
    with pytest.raises(DirectoryError):
        bind(SIMPLE, "scopes: {room/1: {}}")


def test_binding_again_is_independent() -> None:
    """One policy serves several directories."""
    pdp, other = bind(SIMPLE), bind(SIMPLE, "users: {bob: {assignments: [{role: r}]}}")
    assert code(pdp, "ann", "read") == "allowed"
    assert code(other, "ann", "read") == "unknown_user"
    assert code(other, "bob", "read") == "allowed"
    assert Directory.from_text(ANN) is not None


def test_scope_kinds_are_one_tree() -> None:
    """The first kind without `in` is the root, a second one an error; so is a circle."""
    assert "E118" in codes(PLAIN + "scope other")
    assert not compiles("scope a in b scope b in a area desk { resource note { actions read } }")
    assert codes("scope a scope b in nowhere area desk { resource note { actions read } }") == ["E109"]
