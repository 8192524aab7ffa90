"""The shapes outside: the same verdicts as the reader's, and the schemas as they are shipped."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit import wire
from remit.directory.reader import read_directory
from remit.directory.wire import DirectoryFile
from remit.schemas import SCHEMAS, schema_text, shipped_text
from remit.source import Source

WORDS = st.sampled_from(["a", "no", "123", "1e3", "ann"])
TIMES = st.sampled_from(["2024-01-01T00:00:00Z", "2025-01-01T00:00:00+01:00", "2024-06-01T00:00:00.5z", None])
STATUS = st.sampled_from(["active", "pending", "disabled", None])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
ASSIGNMENT: st.SearchStrategy[dict[Any, Any]] = st.fixed_dictionaries(
    {"role": WORDS | st.integers() | st.booleans()},
    optional={"scope": st.sampled_from(["company", "b/1", "b/2/x", None, 7]), "from": TIMES, "until": TIMES},
).filter(lambda held: not (held.get("from") and held.get("until")) or str(held["from"]) < str(held["until"]))
ASSIGNMENTS = st.none() | st.lists(ASSIGNMENT, max_size=2)
USER = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "status": STATUS,
        "status_before": STATUS,
        "type": WORDS | st.none() | st.integers(),
        "attributes": st.none() | st.dictionaries(st.text(max_size=3), JSON, max_size=2),
        "assignments": ASSIGNMENTS,
    },
)
MEMBERS = st.lists(st.sampled_from(["u1", "u2", "group/inner", 7, None, True]), max_size=3)
DIRECTORY: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "users": st.fixed_dictionaries({"u1": USER, "u2": USER, "7": USER, "null": USER, "true": USER}),
        "groups": st.fixed_dictionaries(
            {
                "inner": st.none() | st.fixed_dictionaries({}, optional={"assignments": ASSIGNMENTS}),
                "outer": st.none()
                | st.fixed_dictionaries({}, optional={"members": MEMBERS | st.none(), "assignments": ASSIGNMENTS}),
            }
        ),
        "scopes": st.fixed_dictionaries(
            {
                "b/1": st.none() | st.just({}) | st.just({"parent": None}),
                "b/2/x": st.sampled_from([None, {"parent": "b/1"}, {"parent": ["b/1", "company", 3]}, {"parent": []}]),
            }
        ),
    },
    optional={
        "joined_domains": st.none() | st.lists(WORDS | st.integers(), max_size=2),
        "removed": st.none() | st.lists(WORDS | st.floats(0, 1), max_size=2),
    },
)
DIRECTORY = DIRECTORY.map(copy.deepcopy)  # the tests change it, and hypothesis hands out the same small parts again
JUNK: st.SearchStrategy[object] = st.sampled_from(
    [3, "", "x/", "/x", "2024-01-01", True, [], {}, [[]], {"x": 1}, ["x/"], [{}], "active", [3], None]
)


def reader_accepts(data: object) -> bool:
    return read_directory(Source("d", json.dumps(data)))[1] == []


def model_accepts(data: object) -> bool:
    try:
        DirectoryFile.model_validate(data)
    except pydantic.ValidationError:
        return False
    return True


def schema_accepts(data: object) -> bool:
    return bool(jsonschema.Draft202012Validator(json.loads(shipped_text("directory"))).is_valid(data))


def places(data: object) -> list[tuple[Any, Any]]:
    """Every (container, key) of the data."""
    found: list[tuple[Any, Any]] = []
    todo = [data]
    while todo:
        holder = todo.pop()
        if isinstance(holder, dict | list):
            for key in holder if isinstance(holder, dict) else range(len(holder)):
                found.append((holder, key))
                todo.append(holder[key])
    return found


@given(DIRECTORY)
def test_a_good_directory_is_accepted_by_all(data: dict[str, Any]) -> None:
    """Reader, model and schema accept every well-shaped directory."""
    assert (reader_accepts(data), model_accepts(data), schema_accepts(data)) == (True, True, True)


@given(DIRECTORY, st.data())
def test_an_unknown_key_is_refused_by_all(data: dict[str, Any], draw: st.DataObject) -> None:
    """A key that no shape has is refused wherever shapes have keys."""
    keyed = [data, *filter(None, data["users"].values()), *filter(None, data["groups"].values())]
    keyed += [entry for entry in data["scopes"].values() if entry]
    keyed += [held for user in data["users"].values() if user for held in user.get("assignments") or []]
    draw.draw(st.sampled_from(keyed))["unknown"] = None
    assert (reader_accepts(data), model_accepts(data), schema_accepts(data)) == (False, False, False)


# What only the whole file can tell: names that are not there, circles, a user who is removed.
WHOLE_FILE = {"E407", "E408", "E409", "E410", "E412", "E415"}


@given(DIRECTORY, JUNK, st.data())
def test_reader_and_model_agree_on_any_shape(data: dict[str, Any], junk: object, draw: st.DataObject) -> None:
    """With one value replaced by something else, reader and model still give the same verdict."""
    holder, key = draw.draw(st.sampled_from(places(data)))
    holder[key] = json.loads(json.dumps(junk))
    codes = {finding.code for finding in read_directory(Source("d", json.dumps(data)))[1]}
    assert model_accepts(data) == (codes <= WHOLE_FILE)
    assert schema_accepts(data) or not model_accepts(data)


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"users": []},
        {"users": {"": {}}},
        {"users": {"a": {"status": "gone"}}},
        {"users": {"a": {"type": ""}}},
        {"users": {"a": {"assignments": [{}]}}},
        {"users": {"a": {"assignments": [{"role": None}]}}},
        {"users": {"a": {"assignments": [{"role": "r", "scope": "/"}]}}},
        {"scopes": {"north": {}}},
        {"scopes": {"a/b": {"parent": "c/"}}},
        {"groups": {"g": {"members": "ann"}}},
        {"removed": {"a": 1}},
    ],
)
def test_wrong_shapes_are_refused_by_all(data: object) -> None:
    """Reader, model and schema refuse what has the wrong shape."""
    assert (reader_accepts(data), model_accepts(data), schema_accepts(data)) == (False, False, False)


@pytest.mark.parametrize(
    "window",
    [
        {"from": "2024"},
        {"until": ""},
        {"from": 3},
        {"from": "2025-01-01T00:00:00Z", "until": "2025-01-01T01:00:00+01:00"},
    ],
)
def test_wrong_times_are_refused_by_reader_and_model(window: dict[str, object]) -> None:
    """A time without zone, and a window that is empty, are refused by both."""
    data = {"users": {"a": {"assignments": [{"role": "r", **window}]}}}
    assert (reader_accepts(data), model_accepts(data)) == (False, False)


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_what_the_code_generates(name: str, root: Path) -> None:
    """Each file in `schema/` is, byte for byte, what the models give, and a valid schema."""
    text = (root / "schema" / f"{name}.schema.json").read_text(encoding="utf-8")
    assert text == schema_text(name) == shipped_text(name)
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:remit:schema:{name}"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_an_unknown_schema_is_a_key_error() -> None:
    """A name that is no schema reads no file."""
    with pytest.raises(KeyError):
        shipped_text("../pyproject")


RULE = {"id": "f00", "role": "vet", "file": "a.remit", "line": 42, "column": 5}
CONDITION = {
    "name": "treats",
    "text": "resource.vet == user.id",
    "value": False,
    "parts": [{"text": "resource.vet == user.id", "value": False, "saw": {"resource.vet": "ann", "user.id": "bob"}}],
    "missing": [],
}
APPLIED = {
    **RULE,
    "effect": "allow",
    "text": "…",
    "because": None,
    "condition": CONDITION,
    "decides": True,
    "needed": True,
}
HELD = {"role": "vet", "scope": "branch/north", "via": "group", "group": "desk", "includes": ["viewer"]}
ATOMS = [
    {"kind": "activate"},
    {"kind": "hold_role", "role": "owner", "scope": None, "hides": [], "guards": ["one_role"]},
    {"kind": "condition", "file": "a.remit", "line": 3, "condition": "treats", "attributes": {"vet": "bob"}},
    {"kind": "deny", "file": "a.remit", "line": 4, "how": ["lift", "condition"], "attributes": None},
]
SAMPLES: list[tuple[type[pydantic.BaseModel], dict[str, Any]]] = [
    (
        wire.Request,
        {
            "subject": {"type": "user", "id": "ann"},
            "action": {"name": "sign"},
            "resource": {"type": "record", "id": "r1", "properties": {"vet": "ann", "scope": "branch/north"}},
            "context": {"hour": 9},
            "sent_by": "another system",
        },
    ),
    (wire.Response, {"decision": True, "context": {"code": "allowed", "rules": [RULE]}}),
    (
        wire.Response,
        {"decision": True, "context": {"code": "allowed", "rules": [{**RULE, "role": None, "block": "everyone"}]}},
    ),
    (
        wire.Explanation,
        {
            "decision": False,
            "code": "no_rule",
            "status": "active",
            "request": {},
            "rules": [APPLIED],
            "held": [HELD],
            "hidden": [{**HELD, "hidden_by": HELD}],
            "repairs": [[atom] for atom in ATOMS],
            "repairs_complete": True,
        },
    ),
    (wire.Event, {"type": "invite", "user": "bob@acme.com", "by": "ann", "role": "vet", "scope": "branch/north"}),
    (wire.Event, {"type": "sso_login", "user": "bob", "claims": {"groups": ["finance"]}}),
    (
        wire.Result,
        {
            "accepted": False,
            "code": "guard_failed",
            "guard": "last_owner",
            "roles": ["owner"],
            "status": "active",
            "message": "ann is the only active owner",
            "at": {"file": "people.remit", "line": 31, "column": 1},
        },
    ),
    (
        wire.Audit,
        {
            "company_id": "c1",
            "created_at": "2023-06-01T00:55:10.090358Z",
            "action": "member.disabled",
            "action_performed_by_user_id": "ann",
            "reference_type": "member",
            "reference_id": "bob",
            "additional_data": {},
        },
    ),
    (wire.Config, {"policy": "policy", "lint": {"select": ["E"], "fail-level": "note"}, "output-format": "json"}),
]


@pytest.mark.parametrize(("model", "sample"), SAMPLES)
def test_the_shapes_of_the_design_are_accepted(model: type[pydantic.BaseModel], sample: dict[str, Any]) -> None:
    """The examples of the design are what the models and their schemas describe."""
    assert model.model_validate(sample).model_dump(by_alias=True, exclude_unset=True) == sample
    schema = json.loads(schema_text(model.__name__.lower()))
    jsonschema.Draft202012Validator(schema).validate(sample)


@pytest.mark.parametrize(
    ("model", "sample", "change"),
    [
        (wire.Request, SAMPLES[0][1], {"subject": {"type": "user"}}),
        (wire.Request, SAMPLES[0][1], {"action": "sign"}),
        (wire.Response, SAMPLES[1][1], {"decision": "true"}),
        (wire.Event, SAMPLES[4][1], {"type": "promote"}),
        (wire.Event, SAMPLES[4][1], {"scop": "branch/north"}),
        (wire.Result, SAMPLES[6][1], {"accepted": True}),
        (wire.Audit, SAMPLES[7][1], {"created_at": "yesterday"}),
        (wire.Config, SAMPLES[8][1], {"output_format": "json"}),
    ],
)
def test_other_shapes_are_refused(
    model: type[pydantic.BaseModel], sample: dict[str, Any], change: dict[str, Any]
) -> None:
    """A missing id, a wrong type, an unknown key and a contradiction are refused."""
    with pytest.raises(pydantic.ValidationError):
        model.model_validate({**sample, **change})


def test_the_reader_needs_no_pydantic() -> None:
    """Neither reading a directory nor printing a schema imports pydantic."""
    code = (
        "import sys; from remit.directory.reader import read_directory; from remit.schemas import shipped_text;"
        "shipped_text('event'); print('pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
