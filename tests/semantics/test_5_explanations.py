"""SEMANTICS 5: explanations, and the repairs of a denial."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from world import ANN, PLAIN, Json, bind, explained, repairs, request

from remit import Pdp

PLACES = "scopes: {branch/n: {}, branch/s: {}}\n"

# -- why -------------------------------------------------------------------------------------------------------------

WHY = """scope company
scope branch in company
area desk { resource note { owner: user n: int nick: string? actions read, write } }
user { team: string }
condition own "their own" = resource.owner == user.id
role base { allow read on note when own and resource.n >= 3 because "mine" }
role r includes base {}
role s {
  deny read on note when user.team == "x" or resource.n > 100
  allow write on note when own
}
"""
WHO = (
    PLACES
    + """users:
  ann: {assignments: [{role: r, scope: branch/n}]}
  bob: {attributes: {team: y}, assignments: [{role: s}]}
  off: {status: disabled, assignments: [{role: r}]}
groups:
  g: {members: [bob], assignments: [{role: r}]}
"""
)


def test_an_explanation_has_all_its_keys() -> None:
    """The shape of DESIGN 2, with the request as it was asked."""
    asked = request("ann", "read", owner="ann", n=3, scope="branch/n")
    found = bind(WHY, WHO).explain(asked).to_dict()
    keys = {"decision", "code", "status", "request", "rules", "held", "hidden", "repairs", "repairs_complete"}
    assert keys <= set(found)
    assert found["decision"] is True
    assert found["code"] == "allowed"
    assert found["status"] == "active"
    assert found["request"] == asked
    assert found["repairs"] == []
    assert found["repairs_complete"] is True
    assert found["hidden"] == []


def test_an_applied_rule_says_all_about_itself() -> None:
    """Its id, role, place, text and reason, whether it decides, and its condition's parts with what they saw."""
    [rule] = explained(bind(WHY, WHO), "ann", "read", owner="ann", n=3, scope="branch/n")["rules"]
    assert (rule["effect"], rule["role"], rule["file"], rule["line"], rule["column"]) == (
        "allow",
        "base",
        "x.remit",
        6,
        13,
    )
    assert rule["because"] == "mine"
    assert rule["decides"] is True
    assert rule["needed"] is True
    condition = rule["condition"]
    assert condition["text"] == "own and resource.n >= 3"
    assert condition["name"] is None
    assert condition["value"] is True
    assert condition["missing"] == []
    parts = [(part["text"], part["value"], part["saw"]) for part in condition["parts"]]
    assert parts == [
        ("resource.owner == user.id", True, {"resource.owner": "ann", "user.id": "ann"}),
        ("resource.n >= 3", True, {"resource.n": 3}),
    ]


def test_a_named_condition_is_named() -> None:
    """Where the condition is one name, `name` is it."""
    [rule] = explained(bind(WHY, WHO), "bob", "write", owner="bob")["rules"]
    assert rule["condition"]["name"] == "own"
    assert rule["condition"]["value"] is True


def test_a_rule_without_a_condition_has_none() -> None:
    """`condition` is null."""
    [rule] = explained(bind(PLAIN + "role r { allow read on note }"), "ann", "read")["rules"]
    assert rule["condition"] is None
    assert rule["because"] is None


def test_an_unknown_deny_shows_what_was_missing() -> None:
    """The deny applies; its parts tell which one was unknown."""
    found = explained(bind(WHY, WHO), "bob", "read", owner="bob", n=3)
    assert found["code"] == "allowed"
    assert [rule["effect"] for rule in found["rules"]] == ["allow"]
    found = explained(bind(WHY, WHO), "bob", "read", owner="bob")
    [deny] = found["rules"]
    assert found["code"] == "denied_by_rule"
    assert deny["condition"]["value"] is None
    assert deny["condition"]["missing"] == ["resource.n"]
    assert [(part["value"], part["saw"]) for part in deny["condition"]["parts"]] == [
        (False, {"user.team": "y"}),
        (None, {"resource.n": None}),
    ]


def test_how_roles_are_held() -> None:
    """Individually or through a group, at which scope, with what they include."""
    found = explained(bind(WHY, WHO), "bob", "read", owner="bob", n=3)["held"]
    assert {"role": "r", "scope": "company", "via": "group", "group": "g", "includes": ["base"]} in found
    assert {"role": "s", "scope": "company", "via": "individual", "group": None, "includes": []} in found
    assert len(found) == 2
    found = explained(bind(WHY, WHO), "ann", "read", owner="ann", n=3, scope="branch/n")["held"]
    assert found == [{"role": "r", "scope": "branch/n", "via": "individual", "group": None, "includes": ["base"]}]
    assert explained(bind(WHY, WHO), "ann", "read", owner="ann", n=3, scope="branch/s")["held"] == []


def test_includes_are_all_of_them() -> None:
    """Through includes of includes, sorted."""
    text = PLAIN + "role c {} role a includes c {} role b {} role r includes b, a { allow read on note }"
    [held] = explained(bind(text), "ann", "read")["held"]
    assert sorted(held["includes"]) == ["a", "b", "c"]


HIDING = (
    PLAIN
    + """
role quiet {}
role r { allow read on note }
role w { allow write on note }
assignments { individual over group }
"""
)
HIDERS = (
    PLACES
    + """
users: {ann: {assignments: [{role: quiet, scope: branch/n}]}, bob: {}}
groups:
  g: {members: [ann, bob], assignments: [{role: r, scope: branch/n}, {role: w}]}
"""
)


def test_what_is_hidden_and_by_what() -> None:
    """A hidden role is shown with the individual assignment that hides it."""
    found = explained(bind(HIDING, HIDERS), "ann", "read", scope="branch/n")
    assert found["code"] == "no_rule"
    [hidden] = found["hidden"]
    assert (hidden["role"], hidden["scope"], hidden["via"], hidden["group"]) == ("r", "branch/n", "group", "g")
    assert hidden["hidden_by"] == {
        "role": "quiet",
        "scope": "branch/n",
        "via": "individual",
        "group": None,
        "includes": [],
    }
    assert explained(bind(HIDING, HIDERS), "bob", "read", scope="branch/n")["hidden"] == []


def test_status_is_the_users() -> None:
    """Null where the user is not known."""
    pdp = bind(WHY, WHO)
    assert explained(pdp, "off", "read")["status"] == "disabled"
    assert explained(pdp, "eve", "read")["status"] is None


# -- repairs ---------------------------------------------------------------------------------------------------------

R = PLAIN.replace("note {", 'note { p: bool n: int owner: user s: "open" | "closed" | "secret" ').replace(
    "\nscope", "scope", 1
)
NOBODY = PLACES + "users: {ann: {}}"


def found(rules: str, directory: str = ANN, action: str = "read", **more: Any) -> list[list[str]]:
    """The repairs of ann's request under these statements, which begin in line 1."""
    return repairs(bind(rules + "\n" + R, directory), "ann", action, **more)


def test_a_role_that_allows_is_a_repair() -> None:
    """Each by itself; the one that allows fewest cells comes first, then by name."""
    rules = "role wide { allow * on * } role zed { allow read on note } role b { allow read on note } role no {}"
    assert found(rules, NOBODY) == [["hold b@company"], ["hold zed@company"], ["hold wide@company"]]


def test_a_role_is_held_at_the_resources_scope() -> None:
    """At the branch where the resource is; at the root where no scope is named."""
    rules = "role b { allow read on note }"
    assert found(rules, NOBODY, scope="branch/n") == [["hold b@branch/n"]]
    assert found(rules, NOBODY, scope="company") == [["hold b@company"]]
    assert found(rules, NOBODY) == [["hold b@company"]]


def test_what_includes_an_allowing_role_is_a_repair_too() -> None:
    """Includes are closed."""
    rules = "role b { allow read on note } role big includes b { allow write on note } role huge includes big {}"
    assert found(rules, NOBODY) == [["hold b@company"], ["hold big@company"], ["hold huge@company"]]


def test_a_condition_that_could_be_true() -> None:
    """Each rule held that could allow."""
    rules = "role r { allow read on note when resource.p\nallow read on note when resource.n > 5\nallow write on note }"
    assert sorted(found(rules)) == [["condition 1"], ["condition 2"]]
    assert sorted(found(rules, p=False, n=5)) == [["condition 1"], ["condition 2"]]


def test_a_role_and_a_condition() -> None:
    """A role whose rule is not true yet needs both; one that allows outright needs itself alone."""
    rules = "role r {} role c { allow read on note when resource.p }\nrole plain { allow read on note }"
    assert found(rules) == [["hold plain@company"], ["condition 1", "hold c@company"]]
    assert found(rules, p=True) == [["hold c@company"], ["hold plain@company"]]


def test_fewest_atoms_first() -> None:
    """Before the number of cells and before the name."""
    rules = "role r {} role a { allow read on note when resource.p } role z { allow * on * }"
    assert [len(repair) for repair in found(rules)] == [1, 2]


def test_a_deny_alone() -> None:
    """Where something allows, the deny is all that stands in the way."""
    assert found("role r { allow read on note\ndeny read on note }") == [["deny 2"]]


def test_all_denies_together() -> None:
    """Every deny that applies must go."""
    assert found("role r { allow read on note\ndeny read on note\ndeny * on note }") == [["deny 2", "deny 3"]]


def test_a_deny_without_an_allow() -> None:
    """Needs something that allows as well."""
    rules = "role r { deny read on note }\nrole b { allow read on note }"
    assert found(rules) == [["deny 1", "hold b@company"]]


def test_a_role_that_brings_a_deny_of_its_own() -> None:
    """The added role's denies count, unless their condition is false."""
    rules = "role r {} role b { allow read on note\ndeny read on note when resource.p }"
    assert found(rules) == [["deny 2", "hold b@company"]]
    assert found(rules, p=True) == [["deny 2", "hold b@company"]]
    assert found(rules, p=False) == [["hold b@company"]]


def test_activation() -> None:
    """A disabled or pending user needs it, besides what else is missing."""
    for status in ("disabled", "pending"):
        off = f"users: {{ann: {{status: {status}, assignments: [{{role: r}}]}}}}"
        assert found("role r { allow read on note }", off) == [["activate"]]
        assert found("role r {} role b { allow read on note }", off) == [["activate", "hold b@company"]]
        assert found("role r { allow read on note\ndeny read on note }", off) == [["activate", "deny 2"]]
        assert found("role r { allow read on note when resource.p }", off) == [["activate", "condition 1"]]


def test_values_that_avoid_a_deny() -> None:
    """A condition made true by values for which the deny is false needs no deny taken away."""
    rules = 'role r { allow read on note when resource.s != "secret"\ndeny read on note when resource.s == "closed" }'
    assert sorted(found(rules, s="closed")) == [["condition 1"], ["deny 2"]]
    assert found(rules, s="secret") == [["condition 1"]]


def test_a_deny_that_no_value_avoids() -> None:
    """Where the allow's condition implies the deny's, both are needed."""
    rules = 'role r { allow read on note when resource.s == "open"\ndeny read on note when resource.s == "open" }'
    assert found(rules, s="closed") == [["condition 1", "deny 2"]]
    assert found(rules, s="open") == [["deny 2"]]


def test_a_deny_on_what_the_allow_does_not_read() -> None:
    """Only the condition's own attributes are free: a deny on another one must be taken away."""
    rules = "role r { allow read on note when resource.p\ndeny read on note when resource.n > 5 }"
    assert found(rules, p=False, n=1) == [["condition 1"]]
    assert found(rules, p=False, n=9) == [["condition 1", "deny 2"]]
    assert found(rules, p=True, n=9) == [["deny 2"]]


def test_what_no_value_makes_true() -> None:
    """A condition that contradicts itself has no repair."""
    assert found("role r { allow read on note when resource.n < 5 and resource.n > 5 }") == []
    assert found("role r { allow read on note when resource.n < 5 and resource.n > 3 }") == [["condition 1"]]
    assert found("role r { allow read on note when resource.n < 5 and resource.n > 4 }") == []
    assert found("role r { allow read on note when false }") == []


@pytest.mark.parametrize(
    "condition",
    [
        'resource.id == "2"',
        'resource.scope == "branch/s"',
        'context.time < "2000-01-01T00:00:00Z"',
        'user.id == "bob"',
        'user.team == "x"',
        '"g" in user.groups',
        'resource.p and user.team == "x"',
    ],
)
def test_what_is_never_chosen(condition: str) -> None:
    """Id, scope, time, and what the directory says of the user stay as they are."""
    rules = f"user {{ team: string }} role r {{ allow read on note when {condition} }}"
    assert found(rules, PLACES + ANN, scope="branch/n") == []


def test_a_condition_with_one_free_attribute() -> None:
    """The rest of the condition must be true already."""
    rules = 'user { team: string } role r { allow read on note when resource.p and user.team == "x" }'
    staff = "users: {ann: {attributes: {team: x}, assignments: [{role: r}]}}"
    assert found(rules, staff, p=False) == [["condition 1"]]


def test_membership_is_repaired_by_any_role() -> None:
    """Where `members` may, each role is a repair."""
    rules = "role a {} role b { deny sign on note } role c { deny read on note }\nmembers { allow read on note }"
    got = found(rules, NOBODY, scope="branch/n")
    assert sorted(got) == [["deny 1", "hold c@branch/n"], ["hold a@branch/n"], ["hold b@branch/n"]]


def test_everyones_condition() -> None:
    """A block's rule may be what a repair makes true."""
    assert found("role b {}\neveryone { allow read on note when resource.p }", NOBODY) == [["condition 2"]]


def test_at_an_unknown_scope_no_role_helps() -> None:
    """No role's allow counts there, so none is proposed; `everyone` may still be repaired."""
    rules = "role r { deny read on note }\nrole b { allow * on * }\neveryone { allow read on note when resource.p }"
    assert found(rules, NOBODY, scope="branch/new") == [["condition 3"]]
    assert found(rules, ANN, scope="branch/new") == [["condition 3", "deny 1"]]
    assert found("role b { allow read on note }", NOBODY, scope="branch/new") == []


def test_a_role_that_a_condition_asks_for() -> None:
    """Holding a role may make `user.roles` true, and a deny on it false."""
    rules = 'role boss {} everyone { allow read on note when "boss" in user.roles }'
    assert found(rules, NOBODY, scope="branch/n") == [["hold boss@branch/n"]]
    rules = 'role r {} role boss {}\neveryone { allow read on note\ndeny read on note when "boss" not in user.roles }'
    assert sorted(found(rules, NOBODY, scope="branch/n")) == [["deny 3"], ["hold boss@branch/n"]]


def test_no_repairs_of_what_is_not_known() -> None:
    """Unknown users, types and actions and invalid requests have none."""
    pdp = bind(PLAIN + "role r { allow * on * }")
    for asked in (
        request("eve", "read"),
        request("ann", "fly"),
        request("ann", "read", "bird"),
        request("ann", "read", scope="x/1"),
        {},
    ):
        explanation = pdp.explain(asked).to_dict()
        assert explanation["decision"] is False
        assert explanation["repairs"] == []
        assert explanation["repairs_complete"] is True


def test_at_most_a_hundred() -> None:
    """More are cut off, and that is said."""
    many = " ".join(f"role r{number:03} {{ allow read on note }}" for number in range(120))
    explanation = explained(bind(PLAIN + many, NOBODY), "ann", "read")
    assert len(explanation["repairs"]) == 100
    assert explanation["repairs_complete"] is False
    many = " ".join(f"role r{number:03} {{ allow read on note }}" for number in range(100))
    explanation = explained(bind(PLAIN + many, NOBODY), "ann", "read")
    assert len(explanation["repairs"]) == 100
    assert explanation["repairs_complete"] is True


# -- atoms -----------------------------------------------------------------------------------------------------------


def atoms(rules: str, directory: str = ANN, **more: Any) -> list[list[Json]]:
    result: list[list[Json]] = explained(bind(rules + "\n" + R, directory), "ann", "read", **more)["repairs"]
    return result


def test_the_atom_of_a_condition() -> None:
    """Place, text and the values that were tried."""
    [[atom]] = atoms(
        "role r {\n  allow read on note when resource.owner == user.id and resource.p }", p=True, owner="bob"
    )
    assert atom["kind"] == "condition"
    assert (atom["file"], atom["line"]) == ("x.remit", 2)
    assert atom["condition"] == "resource.owner == user.id and resource.p"
    assert atom["attributes"]["resource.owner"] == "ann"


def test_the_atom_of_a_deny() -> None:
    """`how` has `lift`; `condition` too, if some values make it false."""
    [[atom]] = atoms("role r { allow read on note\n  deny read on note }")
    assert atom["kind"] == "deny"
    assert (atom["file"], atom["line"]) == ("x.remit", 2)
    assert atom["how"] == ["lift"]
    [[atom]] = atoms("role r { allow read on note\n  deny read on note when resource.p }", p=True)
    assert atom["how"] == ["lift", "condition"]
    assert atom["attributes"] == {"resource.p": False}
    [[atom]] = atoms("role r { allow read on note\n  deny read on note when resource.p }")
    assert atom["how"] == ["lift", "condition"]
    rules = 'user { team: string } role r { allow read on note deny read on note when user.team == "x" }'
    [[atom]] = atoms(rules)
    assert atom["how"] == ["lift"]
    [[atom]] = atoms("role r { allow read on note deny read on note when resource.p or true }", p=False)
    assert atom["how"] == ["lift"]


def test_the_atom_of_a_role() -> None:
    """Role and scope, with nothing hidden and no guard broken."""
    assert atoms("role b { allow read on note }", NOBODY, scope="branch/n") == [
        [{"kind": "hold_role", "role": "b", "scope": "branch/n", "hides": [], "guards": []}]
    ]


def test_the_atom_of_activation() -> None:
    """Nothing but its kind."""
    off = "users: {ann: {status: pending, assignments: [{role: r}]}}"
    assert atoms("role r { allow read on note }", off) == [[{"kind": "activate"}]]


def test_what_an_added_role_hides() -> None:
    """With `individual over group`, the group's roles at that scope."""
    rules = "role b { allow read on note } role w { allow write on note } assignments { individual over group }"
    staff = PLACES + (
        "users: {ann: {}}\n"
        "groups: {g: {members: [ann], assignments: [{role: w, scope: branch/n}, {role: w, scope: branch/s}]}}"
    )
    [[atom]] = atoms(rules, staff, scope="branch/n")
    [hidden] = atom["hides"]
    assert (hidden["role"], hidden["scope"], hidden["via"], hidden["group"]) == ("w", "branch/n", "group", "g")
    [[atom]] = atoms(rules.replace("individual over group", ""), staff, scope="branch/n")
    assert atom["hides"] == []


def test_a_hidden_role_is_repaired_by_holding_it() -> None:
    """The individual assignment counts where the group's does not."""
    rules = "role r {} role b { allow read on note } assignments { individual over group }"
    staff = "users: {ann: {assignments: [{role: r}]}}\ngroups: {g: {members: [ann], assignments: [{role: b}]}}"
    [[atom]] = atoms(rules, staff)
    assert (atom["kind"], atom["role"]) == ("hold_role", "b")
    assert atom["hides"] == []


@pytest.mark.parametrize(
    "guard, broken",
    [
        ("at most 1 role per user", ["g"]),
        ("at most 2 role per user", []),
        ("never r with b", ["g"]),
        ("never b with other", []),
        ("at most 1 b", ["g"]),
        ("at most 2 b", []),
        ("at most 1 active b", ["g"]),
        ("at least 1 r", []),
    ],
)
def test_which_guards_an_added_role_would_break(guard: str, broken: list[str]) -> None:
    """The repair is proposed all the same, and says so."""
    rules = f"role r {{}} role other {{}} role b {{ allow read on note }} guard g: {guard}"
    staff = "users: {ann: {assignments: [{role: r}]}, bob: {assignments: [{role: b}]}}"
    [[atom]] = atoms(rules, staff)
    assert (atom["role"], atom["guards"]) == ("b", broken)


WIDE = """
role r {
  allow read on note when resource.owner == user.id and resource.n < 5 and resource.s in ["open", "closed"]
  allow read on note when has context.x and context.x != 3 and resource.p == false
  deny read on note when resource.s == "closed"
  deny read on note when resource.n == 4
}
role q { allow read on note when resource.n > 9000000000 }
context { x: int? }
"""


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"owner": "bob", "n": 4, "s": "closed", "p": True},
        {"owner": "ann", "n": 4, "s": "closed", "p": False},
        {"n": 2**63 - 1, "s": "secret"},
        {"owner": 5, "n": "x", "s": "nothing", "p": 1},
    ],
)
def test_the_values_of_a_repair_work(given: dict[str, Any]) -> None:
    """Where a repair needs no deny taken away, its role and values make the evaluator allow."""
    for repair in atoms(WIDE, ANN, **given):
        if any(atom["kind"] == "deny" for atom in repair):
            continue
        asked = request("ann", "read", **given)
        roles = ["r", *(atom["role"] for atom in repair if atom["kind"] == "hold_role")]
        assert applied(bind(WIDE + R, hold(roles)), asked, repair) == "allowed"


def hold(roles: list[str]) -> str:
    listed = ", ".join(f"{{role: {role}}}" for role in roles)
    return f"users: {{ann: {{assignments: [{listed}]}}}}"


def applied(pdp: Pdp, asked: Json, repair: list[Json]) -> str:
    """The code once the values of a repair's conditions are in the request."""
    changed = copy.deepcopy(asked)
    for atom in repair:
        for name, value in (atom.get("attributes") or {}).items():
            root, _, attribute = name.partition(".")
            place = changed["resource"]["properties"] if root == "resource" else changed.setdefault("context", {})
            place[attribute] = value
    return pdp.decide(changed).code


def test_the_nearest_rules_are_those_that_repairs_name() -> None:
    """Each rule that a repair's condition names, and no other."""
    rules = "role r { allow read on note when resource.p\nallow read on note when resource.n < 5 and resource.n > 5 }"
    result = explained(bind(rules + "\n" + R), "ann", "read")
    assert [rule["line"] for rule in result["nearest"]] == [1]
    assert result["nearest"][0]["condition"]["missing"] == ["resource.p"]
