"""SEMANTICS 10, the Python part: what the library answers, and what it never does."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from world import ANN, PLAIN, bind, request

import remit
from remit import Directory, DirectoryError, Policy, PolicyError, Resource

TEXT = """scope company
scope branch in company
area desk { resource note { owner: user n: int actions read, write, sign } resource memo { actions read } }
context { hour: int }
role r {
  allow read on note
  allow write on note when resource.owner == user.id
  allow sign on note when context.hour >= 8
  deny read on memo
}
"""


def test_allows_takes_user_action_and_resource() -> None:
    """A mapping or a Resource, and perhaps a context; a bool comes back."""
    pdp = bind(TEXT)
    assert pdp.allows("ann", "read", {"type": "note"}) is True
    assert pdp.allows("ann", "read", {"type": "memo"}) is False
    assert pdp.allows("ann", "write", {"type": "note", "id": "1", "properties": {"owner": "ann"}}) is True
    assert pdp.allows("ann", "write", Resource("note", "1", {"owner": "ann"})) is True
    assert pdp.allows("ann", "write", Resource("note", "1", {"owner": "bob"})) is False
    assert pdp.allows("ann", "write", Resource(type="note", id="1", properties={"owner": "ann"})) is True
    assert pdp.allows("ann", "read", Resource("note")) is True
    assert pdp.allows("ann", "sign", Resource("note"), {"hour": 8}) is True
    assert pdp.allows("ann", "sign", Resource("note"), context={"hour": 7}) is False
    assert pdp.allows("ann", "sign", Resource("note"), None) is False
    assert pdp.allows(user="ann", action="read", resource={"type": "note"}) is True


def test_a_resource_has_its_three_parts() -> None:
    """`type`, `id`, `properties`."""
    resource = Resource("note", "1", {"owner": "ann"})
    assert (resource.type, resource.id, dict(resource.properties)) == ("note", "1", {"owner": "ann"})


ODD: list[Any] = [
    None,
    5,
    1.5,
    True,
    "",
    "x",
    [],
    ["note"],
    {},
    {"type": []},
    {"type": "note"},
    object(),
    b"note",
    math.nan,
]


@pytest.mark.parametrize("user", [odd for odd in ODD if odd != "x"])
def test_a_bad_user_is_false(user: Any) -> None:
    """Never an exception."""
    assert bind(TEXT).allows(user, "read", {"type": "note"}) is False


@pytest.mark.parametrize("action", ODD)
def test_a_bad_action_is_false(action: Any) -> None:
    """Never an exception."""
    assert bind(TEXT).allows("ann", action, {"type": "note"}) is False


@pytest.mark.parametrize(
    "resource",
    [
        None, 5, "note", [], ["note"], {}, {"type": None}, {"type": 5}, {"type": []}, {"type": {}}, {"kind": "note"},
        {"type": "note", "properties": 5}, {"type": "note", "properties": "x"}, {"type": "note", "properties": [1]},
        {"type": "note", "properties": {"scope": 5}}, {"type": "note", "properties": {"scope": []}},
        {"type": "note", "properties": {"scope": "nowhere/1"}}, {"type": "note", "properties": {"scope": "branch"}},
        object(), Resource("bird"),
    ],
)  # fmt: skip
def test_a_bad_resource_is_false(resource: Any) -> None:
    """Never an exception; with `decide` and `explain` a code."""
    pdp = bind(TEXT)
    assert pdp.allows("ann", "read", resource) is False
    asked = {"subject": {"type": "user", "id": "ann"}, "action": {"name": "read"}, "resource": resource}
    assert pdp.decide(asked).code in ("invalid_request", "unknown_resource_type")
    assert pdp.explain(asked).to_dict()["code"] == pdp.decide(asked).code


@pytest.mark.parametrize("context", [5, "x", [], [1], True, object()])
def test_a_bad_context_is_false(context: Any) -> None:
    """Never an exception, whether or not a condition reads it."""
    pdp = bind(TEXT)
    assert pdp.allows("ann", "read", {"type": "note"}, context) is False
    assert pdp.allows("ann", "sign", {"type": "note"}, context) is False


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, 10**400, {}, [], [[]], object(), b"x", {"a": {"b": []}}, set(), "\x00"]
)
def test_odd_values_are_values(value: Any) -> None:
    """A property or context value of any kind is unknown at worst."""
    pdp = bind(TEXT)
    assert (
        pdp.allows("ann", "read", {"type": "note", "properties": {"owner": value, "n": value, "else": value}}) is True
    )
    assert pdp.allows("ann", "write", {"type": "note", "properties": {"owner": value}}) is False
    assert pdp.allows("ann", "sign", {"type": "note"}, {"hour": value, "else": value}) in (True, False)
    assert pdp.decide(request("ann", "write", owner=value)).code == "no_rule"


def test_a_decision_has_no_truth_value() -> None:
    """`if pdp.decide(…)` raises, whatever was decided."""
    pdp = bind(TEXT)
    for action in ("read", "write"):
        decision = pdp.decide(request("ann", action))
        with pytest.raises(TypeError):
            bool(decision)
        with pytest.raises(TypeError):
            assert not decision
        assert decision.allowed is (action == "read")
        assert isinstance(decision.code, str)
        assert isinstance(decision.rules, list)


def test_actions_gives_all_at_once() -> None:
    """What `allows` says of each action of the type."""
    pdp = bind(TEXT)
    assert sorted(pdp.actions("ann", {"type": "note"})) == ["read"]
    assert sorted(pdp.actions("ann", Resource("note", "1", {"owner": "ann"}))) == ["read", "write"]
    assert sorted(pdp.actions("ann", {"type": "note"}, {"hour": 9})) == ["read", "sign"]
    assert list(pdp.actions("ann", {"type": "memo"})) == []
    assert list(pdp.actions("eve", {"type": "note"})) == []
    assert list(pdp.actions("ann", {"type": "bird"})) == []


@pytest.mark.parametrize("resource", [None, 5, {}, {"type": []}, "note"])
def test_actions_of_nothing(resource: Any) -> None:
    """Bad input gives no actions, and no exception."""
    assert list(bind(TEXT).actions("ann", resource)) == []


def test_explanations_are_data() -> None:
    """`Explanation.to_dict()` is explain's JSON."""
    import json

    found = bind(TEXT).explain(request("ann", "write", owner="bob")).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["decision"] is False


def test_the_answer_does_not_change_the_question() -> None:
    """Requests are left as they were."""
    import copy

    asked = request("ann", "write", owner="bob", context={"hour": 9})
    before = copy.deepcopy(asked)
    pdp = bind(TEXT)
    pdp.decide(asked)
    pdp.explain(asked)
    pdp.allows("ann", "write", asked["resource"], asked["context"])
    assert asked == before


def test_a_bound_policy_may_have_no_directory() -> None:
    """Then nobody is known."""
    pdp = Policy.from_sources({"x.remit": TEXT}).bind()
    assert pdp.allows("ann", "read", {"type": "note"}) is False
    assert pdp.decide(request("ann", "read")).code == "unknown_user"


def test_the_public_names() -> None:
    """`from remit import …`."""
    for name in ("Policy", "Directory", "Resource", "Decision", "PolicyError", "DirectoryError"):
        assert hasattr(remit, name)
    with pytest.raises(AttributeError):
        _ = remit.nothing


# -- errors ----------------------------------------------------------------------------------------------------------


def test_policy_errors_hold_all_findings() -> None:
    """Each has a code and a span: from line 1 and column 1, a column a code point, up to one behind the last."""
    first = 'area desk "ë😀" { resource note { actions read } } role q { allow fly on note }'
    with pytest.raises(PolicyError) as caught:
        Policy.from_sources({"x.remit": first + "\nrole p { allow read on nte }"})
    found = {one.code: one for one in caught.value.diagnostics}
    fly, missing = found["E105"], found["E104"]
    assert fly.span is not None
    assert missing.span is not None
    assert (fly.span.text, fly.span.line, fly.span.column) == ("fly", 1, first.index("fly") + 1)
    assert (missing.span.text, missing.span.line, missing.span.column) == ("nte", 2, 24)


def test_directory_errors_hold_all_findings() -> None:
    """From text and from a file, before and at binding, with E codes."""
    with pytest.raises(DirectoryError) as caught:
        Directory.from_text("users: {ann: {status: off}}\ngroups: {g: {members: [bob]}}")
    assert len(caught.value.diagnostics) == 2
    assert all(found.code.startswith("E") for found in caught.value.diagnostics)
    assert [found.span.line for found in caught.value.diagnostics if found.span] == [1, 2]
    with pytest.raises(DirectoryError) as caught:
        bind(PLAIN + "role r {}", "scopes: {planet/1: {}}")
    assert caught.value.diagnostics


def test_what_is_not_there(tmp_path: Path) -> None:
    """A path that leads nowhere, and a folder without a policy, are errors of the usual kind."""
    with pytest.raises(PolicyError):
        Policy.load(tmp_path / "nowhere")
    with pytest.raises(PolicyError):
        Policy.load(tmp_path)
    with pytest.raises(DirectoryError):
        Directory.load(tmp_path / "nowhere.yaml")


def test_load_reads_directories_from_files(tmp_path: Path) -> None:
    """YAML and JSON, by path or by name."""
    (tmp_path / "d.yaml").write_text(ANN)
    (tmp_path / "d.json").write_text('{"users": {"ann": {"assignments": [{"role": "r"}]}}}')
    policy = Policy.from_sources({"x.remit": TEXT})
    for path in (tmp_path / "d.yaml", str(tmp_path / "d.json")):
        assert policy.bind(Directory.load(path)).allows("ann", "read", {"type": "note"}) is True
