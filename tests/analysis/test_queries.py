"""The list queries: their shapes, and that they say what the evaluator says."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from referee.generate import NOW, make_case
from referee.judge import build

from remit import Directory, Pdp, Policy
from remit.analysis.queries import matrix, members, what, who

POLICY = """policy clinic
scope company
scope branch in company
area patients {
  resource record { vet: user  status: "open" | "closed"  actions read, sign, delete }
}
area money { resource invoice { amount: int  actions read, refund } }
condition treats = resource.vet == user.id
role viewer { in patients { allow read on * } }
role vet includes viewer {
  in patients {
    allow sign on record when treats and resource.status == "open"
    deny delete on record
  }
  in money { allow refund on invoice when resource.amount <= 500 or user.id == "chief" }
}
role owner { allow * on * }
role lender { in money { deny refund on invoice when resource.amount > 9 } }
role strict { in money { allow read, refund on invoice  deny refund on invoice when resource.amount > 9 } }
members { in money { allow read on invoice } }
assignments { individual over group }
"""
DIRECTORY = """
scopes: {branch/north: {}, branch/south: {}}
users:
  ann: {assignments: [{role: vet, scope: branch/north}]}
  bob: {assignments: [{role: owner}]}
  cyd: {status: pending, assignments: [{role: viewer, scope: branch/north}]}
  dan: {status: disabled, assignments: [{role: owner}]}
  eve: {}
  fay: {}
  gus: {assignments: [{role: viewer, scope: branch/north}]}
  hal: {assignments: [{role: viewer, scope: branch/north}, {role: lender, scope: branch/north}]}
  ida: {assignments: [{role: vet, scope: branch/north, until: "2020-01-01T00:00:00Z"}]}
groups:
  desk: {members: [eve, gus], assignments: [{role: viewer, scope: branch/north}]}
  night: {members: [eve, fay, gus], assignments: [{role: vet, scope: branch/north}]}
"""


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.from_sources({"clinic.remit": POLICY})


@pytest.fixture(scope="module")
def pdp(policy: Policy) -> Pdp:
    return policy.bind(Directory.from_text(DIRECTORY), clock=lambda: NOW)


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(POLICY.splitlines(), 1) if text in line)


# -- who -------------------------------------------------------------------------------------------------------------


def record(**properties: Any) -> dict[str, Any]:
    return {"type": "record", "id": "r1", "properties": {"scope": "branch/north", **properties}}


def test_who_lists_whoever_may(pdp: Pdp) -> None:
    """Everybody active who may, or may under a condition, by id; nobody else."""
    answer = who(pdp, "sign", record())
    assert {user["id"]: user["when"] for user in answer["users"]} == {
        "ann": 'resource.vet == "ann" and resource.status == "open"',
        "bob": None,
        "eve": 'resource.vet == "eve" and resource.status == "open"',
        "fay": 'resource.vet == "fay" and resource.status == "open"',
    }


def test_who_has_its_shape(pdp: Pdp) -> None:
    """`action`, `resource` and `users`, each with id, when and rules of id, role, effect and place."""
    answer = who(pdp, "sign", record())
    assert set(answer) == {"action", "resource", "users"}
    assert answer["action"] == "sign"
    assert answer["resource"] == record()
    rule = answer["users"][0]["rules"][0]
    assert len(rule.pop("id")) == 16
    line = line_of("allow sign")
    assert rule == {"role": "vet", "effect": "allow", "file": "clinic.remit", "line": line, "column": 5}


def test_who_with_everything_given_has_no_condition(pdp: Pdp) -> None:
    """Where nothing is open, those are listed whom the evaluator allows, and `when` is null."""
    answer = who(pdp, "sign", record(vet="ann", status="open"))
    assert [(user["id"], user["when"]) for user in answer["users"]] == [("ann", None), ("bob", None)]


def test_a_block_is_named(pdp: Pdp) -> None:
    """A rule of a block has no role, and the block instead."""
    answer = who(pdp, "read", {"type": "invoice", "properties": {"scope": "branch/north"}})
    [rule] = next(user for user in answer["users"] if user["id"] == "gus")["rules"]
    assert (rule["role"], rule["block"]) == (None, "members")


def test_who_refuses_what_cannot_be_asked(pdp: Pdp) -> None:
    """A malformed request is a ValueError, not an empty list."""
    with pytest.raises(ValueError, match="scope"):
        who(pdp, "sign", record(scope="galaxy/one"))


# -- what ------------------------------------------------------------------------------------------------------------


def test_what_lists_permissions_in_the_order_of_the_catalogue(pdp: Pdp) -> None:
    """What a user may do at a place, area by area, with what is left open."""
    answer = what(pdp, "ann", "branch/north")
    assert [answer["user"], answer["scope"]] == ["ann", "branch/north"]
    assert [(one["area"], one["type"], one["action"], one["when"]) for one in answer["permissions"]] == [
        ("patients", "record", "read", None),
        ("patients", "record", "sign", 'resource.vet == "ann" and resource.status == "open"'),
        ("money", "invoice", "read", None),
        ("money", "invoice", "refund", "resource.amount <= 500"),
    ]


def test_what_with_values(pdp: Pdp) -> None:
    """Values given for a type settle its conditions."""
    answer = what(pdp, "ann", "branch/north", {"invoice": {"amount": 501}, "record": {"status": "closed"}})
    assert [one["action"] for one in answer["permissions"]] == ["read", "read"]


@pytest.mark.parametrize("user", ["cyd", "dan", "nobody", "ida"])
def test_what_of_those_who_may_nothing(pdp: Pdp, user: str) -> None:
    """Pending, disabled, unknown and former holders may do nothing."""
    assert what(pdp, user, "branch/north")["permissions"] == []


def test_what_of_a_role(pdp: Pdp) -> None:
    """Asked by role, the answer names the roles and no user, and `user.id` equals no id."""
    answer = what(pdp, None, roles=("vet",))
    assert (answer["user"], answer["roles"]) == (None, ["vet"])
    assert [one["action"] for one in answer["permissions"]] == ["read", "read", "refund"]


def test_a_conditional_deny_is_part_of_the_condition(pdp: Pdp) -> None:
    """What a deny would take is in `when`, and the deny among the rules."""
    answer = what(pdp, None, roles=("strict",))
    refund = answer["permissions"][-1]
    assert refund["when"] == "resource.amount <= 9"
    assert [rule["effect"] for rule in refund["rules"]] == ["allow", "deny"]


@pytest.mark.parametrize("number", range(20))
def test_lists_agree_with_decisions(number: int) -> None:
    """On generated cases, who may without a condition is allowed, and who is not listed is denied."""
    case = make_case(Random(f"queries/{number}"), requests=30)
    pdp = build(case.sources, case.overlays).bind(case.directory, clock=lambda: NOW)
    for request in case.requests:
        judged = pdp.decide(request).judged
        if judged.code not in ("allowed", "denied_by_rule", "no_rule") or judged.asked is None:
            continue
        user = request["subject"]["id"]
        if user not in case.directory.users:
            continue
        answer = who(pdp, request["action"]["name"], request["resource"], request.get("context"))
        when = {one["id"]: one["when"] for one in answer["users"]}.get(user, "never")
        if when is None:
            assert judged.code == "allowed", request
        if when == "never":
            assert judged.code != "allowed", request
        listed = what(
            pdp, user, judged.asked.scope, {judged.asked.type: judged.asked.properties}, request.get("context")
        )
        found = [
            one["when"]
            for one in listed["permissions"]
            if (one["type"], one["action"]) == (judged.asked.type, judged.asked.action)
        ]
        assert (found or ["never"])[0] == when or judged.asked.id is not None


# -- matrix ----------------------------------------------------------------------------------------------------------


def cells(policy: Policy, action: str, resource_type: str) -> dict[str, tuple[str, list[str]]]:
    rows = matrix(policy.table)["rows"]
    row = next(row for row in rows if (row["action"], row["type"]) == (action, resource_type))
    return {role: (cell["effect"], cell["when"]) for role, cell in row["cells"].items()}


def test_matrix_of_plain_rules(policy: Policy) -> None:
    """A cell is what somebody with only this role may: through what it includes, too."""
    assert cells(policy, "read", "record") == {
        **dict.fromkeys(["viewer", "vet", "owner"], ("allow", [])),
        **dict.fromkeys(["lender", "strict"], ("none", [])),
    }


def test_matrix_of_denies(policy: Policy) -> None:
    """A deny without condition is `deny`; a conditional one stands in the condition, or alone where nothing allows."""
    assert cells(policy, "delete", "record")["vet"] == ("deny", [])
    refund = cells(policy, "refund", "invoice")
    assert refund["lender"] == ("deny", ["resource.amount > 9"])
    assert refund["strict"] == ("allow", ["not (resource.amount > 9)"])


def test_matrix_of_conditions(policy: Policy) -> None:
    """Each alternative is a text, in the policy's own words."""
    assert cells(policy, "sign", "record")["vet"] == ("allow", ['treats and resource.status == "open"'])


def test_an_or_is_bracketed_before_a_deny() -> None:
    """`a or b` with a deny beside it is `(a or b) and not (d)`, and the cell's rules hold both."""
    policy = Policy.from_sources({
        "p.remit": "area a { resource t { x: int  actions go } } "
        "role r { allow go on t when resource.x == 1 or resource.x == 2 deny go on t when resource.x > 1 }"
    })  # fmt: skip
    [row] = matrix(policy.table)["rows"]
    cell = row["cells"]["r"]
    assert cell["when"] == ["(resource.x == 1 or resource.x == 2) and not (resource.x > 1)"]
    assert [rule["effect"] for rule in cell["rules"]] == ["allow", "deny"]


def test_blocks_count_in_the_matrix(policy: Policy) -> None:
    """The blocks everyone and members hold for whoever holds a role."""
    assert all(cell == ("allow", []) for cell in cells(policy, "read", "invoice").values())


def test_matrix_lists_every_cell(policy: Policy) -> None:
    """A row for each action of each type, a cell for each role."""
    answer = matrix(policy.table)
    assert [(row["area"], row["type"], row["action"]) for row in answer["rows"]] == [
        *(("patients", "record", action) for action in ("read", "sign", "delete")),
        *(("money", "invoice", action) for action in ("read", "refund")),
    ]
    assert set(answer["roles"]) == {"viewer", "vet", "owner", "lender", "strict"}
    assert all(list(row["cells"]) == answer["roles"] for row in answer["rows"])


# -- members ---------------------------------------------------------------------------------------------------------


def listed(pdp: Pdp, scope: str | None) -> dict[str, tuple[str, str | None]]:
    return {one["user"]: (one["status"], one["role"]) for one in members(pdp, scope)["members"]}


def test_members_of_a_place(pdp: Pdp) -> None:
    """Whoever holds a role there or above, of any status; `multiple` where no one role says it."""
    assert listed(pdp, "branch/north") == {
        "ann": ("active", "vet"),
        "bob": ("active", "owner"),
        "cyd": ("pending", "viewer"),
        "dan": ("disabled", "owner"),
        "eve": ("active", "multiple"),
        "fay": ("active", "vet"),
        "gus": ("active", "viewer"),
        "hal": ("active", "multiple"),
    }


def test_members_of_the_root(pdp: Pdp) -> None:
    """At the root everybody known is listed, with null where they hold no role there."""
    found = listed(pdp, None)
    assert len(found) == 9
    assert found["bob"] == ("active", "owner")
    assert found["ida"] == ("active", None)
    assert members(pdp, None) == members(pdp, "company")
    assert members(pdp, None)["scope"] == "company"


def test_an_individual_role_settles_groups(pdp: Pdp) -> None:
    """With `individual over group` the individual role is the one; hidden ones stay listed, with what hides them."""
    gus = next(one for one in members(pdp, "branch/north")["members"] if one["user"] == "gus")
    held = {"role": "viewer", "scope": "branch/north", "via": "individual", "group": None, "includes": []}
    assert gus["role"] == "viewer"
    assert [(one["role"], one["via"], one.get("hidden_by")) for one in gus["roles"]] == [
        ("vet", "group", held),
        ("viewer", "individual", None),
        ("viewer", "group", held),
    ]


def test_roles_are_shown_as_held(pdp: Pdp) -> None:
    """A role has its place, the root by its kind's name, how it is held, and what it includes."""
    found = {one["user"]: one["roles"] for one in members(pdp, "branch/north")["members"]}
    assert found["bob"] == [{"role": "owner", "scope": "company", "via": "individual", "group": None, "includes": []}]
    assert found["fay"] == [
        {"role": "vet", "scope": "branch/north", "via": "group", "group": "night", "includes": ["viewer"]}
    ]


def test_without_individual_over_group_all_add_up() -> None:
    """Where the policy lets roles add up, an individual role beside a group's other one is `multiple`."""
    policy = Policy.from_sources({"p.remit": "area a { resource t { actions go } } role r { } role s { }"})
    people = "users: {ann: {assignments: [{role: r}]}}\ngroups: {g: {members: [ann], assignments: [{role: s}]}}"
    answer = members(policy.bind(Directory.from_text(people)))
    assert [answer["scope"], answer["members"][0]["role"]] == [None, "multiple"]


def test_an_unknown_place_has_no_members(pdp: Pdp) -> None:
    """Nobody is at a place that the directory does not know."""
    assert members(pdp, "branch/lost") == {"scope": "branch/lost", "members": []}
