"""Repairs: all smallest changes, and only those that work."""

from __future__ import annotations

from typing import Any

import pytest

from remit import Directory, Pdp, Policy
from tests.clinic import DIRECTORY, POLICY


def bound(policy: str = POLICY, directory: str = DIRECTORY) -> Pdp:
    return Policy.from_sources({"clinic.remit": policy}).bind(Directory.from_text(directory), lambda: 0)


def ask(user: str, action: str, kind: str = "record", context: dict[str, Any] | None = None, **properties: Any) -> Any:
    return {
        "subject": {"type": "user", "id": user},
        "action": {"name": action},
        "resource": {"type": kind, "id": "r1", "properties": properties},
        "context": context or {},
    }


def short(atom: dict[str, Any]) -> str:
    """`hold owner`, `condition 24 {'resource.vet': 'bob'}`, `deny 26 lift`."""
    if atom["kind"] == "hold_role":
        return f"hold {atom['role']}"
    if atom["kind"] == "activate":
        return "activate"
    detail = "+".join(atom["how"]) if atom["kind"] == "deny" else str(atom["attributes"])
    return f"{atom['kind']} {atom['line']} {detail}"


def repairs(request: Any, pdp: Pdp | None = None) -> list[list[str]]:
    data = (pdp or bound()).explain(request).to_dict()
    assert data["repairs_complete"]
    return [[short(atom) for atom in repair] for repair in data["repairs"]]


LINE = {text: number for number, text in enumerate((line.strip() for line in POLICY.split("\n")), 1)}
SIGN = LINE['allow sign on record when treats and resource.status == "open"']
UPDATE = LINE["allow update on record when treats"]
DELETE = LINE["deny delete on record"]
REFUND = LINE["in money { allow refund on invoice when resource.amount <= 500 and"]


def test_a_false_condition_is_repaired_by_values_or_by_a_role() -> None:
    """What makes the condition true comes first, then the role that allows without it."""
    found = repairs(ask("bob", "update", vet="ann", scope="branch/north"))
    assert found == [[f"condition {UPDATE} {{'resource.vet': 'bob'}}"], ["hold owner"]]


def test_values_are_chosen_together() -> None:
    """A condition with two false parts is repaired by both values at once."""
    found = repairs(ask("bob", "sign", vet="ann", status="closed", scope="branch/north"))
    assert found[0] == [f"condition {SIGN} {{'resource.status': 'open', 'resource.vet': 'bob'}}"]


def test_what_is_right_already_stays() -> None:
    """Only the attribute that is wrong is changed."""
    found = repairs(ask("bob", "sign", vet="bob", status="closed", scope="branch/north"))
    assert found[0] == [f"condition {SIGN} {{'resource.status': 'open'}}"]


def test_a_deny_without_condition_is_lifted_together_with_what_allows() -> None:
    """Bob's deny binds whatever he gains: the only repair takes both atoms."""
    assert repairs(ask("bob", "delete", scope="branch/north")) == [["hold owner", f"deny {DELETE} lift"]]


def test_an_inactive_user_is_activated_in_every_repair() -> None:
    """A pending user needs to be active besides whatever else is missing."""
    found = repairs(ask("cyd", "read", scope="branch/north"))
    assert found == [["activate"]]
    assert all("activate" in repair for repair in repairs(ask("cyd", "update", scope="branch/north")))


def test_a_hidden_role_is_repaired_by_assigning_it() -> None:
    """Eve's group is hidden by her individual role; the group's role assigned to her counts."""
    found = repairs(ask("eve", "update", vet="eve", scope="branch/north"))
    assert found == [["hold vet"], ["hold owner"]]


def test_roles_come_in_the_order_of_what_they_give() -> None:
    """Of two roles that would do, the one that allows fewer cells comes first."""
    found = repairs(
        ask("nemo", "read", scope="branch/north"), bound(directory="users: {nemo: {}}\nscopes: {branch/north: {}}")
    )
    assert found == [["hold viewer"], ["hold vet"], ["hold owner"]]


def test_guards_that_a_new_role_would_break_are_named() -> None:
    """Bob as owner would be vet and owner at once."""
    data = bound().explain(ask("bob", "update", vet="ann", scope="branch/north")).to_dict()
    atom = data["repairs"][1][0]
    assert (atom["role"], atom["scope"], atom["guards"]) == ("owner", "branch/north", ["duties"])


def test_group_allows_that_a_new_role_would_hide_are_named() -> None:
    """Ann is vet through a group at the root; an individual role there hides it."""
    data = bound().explain(ask("ann", "delete")).to_dict()
    atom = data["repairs"][0][0]
    assert [(held["role"], held["group"]) for held in atom["hides"]] == [("vet", "desk")]


def test_at_an_unknown_place_no_role_helps() -> None:
    """Nobody can be given a role at a place the directory does not know."""
    assert repairs(ask("bob", "update", vet="bob", scope="branch/east")) == []


@pytest.mark.parametrize("request_", [ask("zoe", "read"), ask("bob", "fly"), ask("bob", "read", "yacht"), {}])
def test_unknown_names_and_invalid_requests_have_no_repairs(request_: Any) -> None:
    """There is nothing to change about a request that names what is not there."""
    assert repairs(request_) == []


def test_a_deny_by_condition_tells_how_it_can_stop() -> None:
    """Where values exist that make a deny's condition false, they are given, tried."""
    policy = POLICY.replace("deny delete on record", 'deny delete on record when resource.status == "closed"')
    data = bound(policy).explain(ask("olga", "delete", status="closed")).to_dict()
    assert data["decision"] is True  # olga holds no vet
    data = (
        bound(policy.replace("never vet with owner", "at most 9 owner"))
        .explain(ask("bob", "delete", status="closed", scope="branch/north"))
        .to_dict()
    )
    assert [atom["kind"] for atom in data["repairs"][0]] == ["hold_role", "deny"]
    deny = data["repairs"][0][1]
    assert (deny["how"], deny["attributes"]) == (["lift", "condition"], {"resource.status": "open"})


def test_values_of_one_condition_can_avoid_a_deny() -> None:
    """Where other values keep the allow and escape the deny, no deny needs lifting."""
    policy = """
    policy p
    area a { resource t { n: int actions go } }
    role r { allow go on t when resource.n <= 500  deny go on t when resource.n >= 400 }
    """
    found = repairs(ask("u", "go", "t", n=450), bound(policy, "users: {u: {assignments: [{role: r}]}}"))
    assert [repair[0].split(" ")[0] for repair in found] == ["condition", "deny"]


def test_identity_scope_time_and_user_attributes_are_never_changed() -> None:
    """A condition that only another user, id, place or time could make true has no repair."""
    for condition in (
        'resource.id == "r2"',
        'resource.scope == "k/2"',
        'context.time > "2100-01-01T00:00:00Z"',
        'user.x == "y"',
    ):
        policy = f"""
        policy p
        scope root scope k in root
        user {{ x: string }}
        area a {{ resource t {{ n: int actions go }} }}
        everyone {{ allow go on t when {condition} }}
        """
        people = "{users: {u: {attributes: {x: z}}}, scopes: {k/1: {}, k/2: {}}}"
        assert repairs(ask("u", "go", "t", scope="k/1"), bound(policy, people)) == []


def test_a_search_that_is_cut_says_so() -> None:
    """A condition over more attributes than can be tried is reported as incomplete, and the call returns."""
    attributes = " ".join(f"a{i}: int b{i}: int" for i in range(12))
    parts = " and ".join(f"resource.a{i} > resource.b{i}" for i in range(12))
    policy = f"policy p area a {{ resource t {{ {attributes} actions go }} }} everyone {{ allow go on t when {parts} }}"
    data = bound(policy, "users: {u: {}}").explain(ask("u", "go", "t")).to_dict()
    assert data["repairs_complete"] is False


def test_at_most_a_hundred_repairs_are_given() -> None:
    """A hundred and twenty roles that would each do are cut, and it is said."""
    roles = "\n".join(f"role r{i} {{ allow go on t }}" for i in range(120))
    policy = f"policy p area a {{ resource t {{ actions go }} }}\n{roles}"
    data = bound(policy, "users: {u: {}}").explain(ask("u", "go", "t")).to_dict()
    assert (len(data["repairs"]), data["repairs_complete"]) == (100, False)
