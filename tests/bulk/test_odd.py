"""Rows that arrays are tempted to decide otherwise than the evaluator does."""

from __future__ import annotations

import datetime
import enum
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from remit import Directory, Pdp, Policy
from remit.bulk.codes import CODES
from remit.bulk.requests import Answering

NOTE = "area a { resource note { n: int  due: time  actions a1, a2, a3 } }\n"
ANN = {"users": {"ann": {"assignments": [{"role": "r"}]}}}


def bound(policy: str, people: Any = ANN, now: int = 1_767_258_000_000_000_000) -> Pdp:
    return Policy.from_sources({"p.remit": policy}).bind(Directory.from_text(json.dumps(people)), clock=lambda: now)


def codes(pdp: Pdp, **columns: Any) -> list[str]:
    asked = {"user": "ann", "action": "a1", "type": "note"}
    return [CODES[code] for code in pdp.decide_many({**asked, **columns}).code]


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_somebody_who_holds_many_roles_is_denied_by_the_last(rows: int) -> None:
    """More roles than there are users and cells in the call."""
    roles = [f"r{at}" for at in range(12)]
    text = NOTE + "\n".join(f"role {role} {{ allow a1 on note }}" for role in roles) + "\nrole z { deny a1 on note }"
    held = [{"role": role} for role in (*roles, "z")]
    pdp = bound(text, {"users": {"ann": {"assignments": held}}})
    assert codes(pdp, user=["ann"] * rows) == ["denied_by_rule"] * rows


@pytest.mark.parametrize("now", [2**62 + 10**18, 2**63, -(2**62)])
def test_a_clock_too_far_away_for_64_bits(now: int) -> None:
    """Its differences are the evaluator's affair."""
    pdp = bound(NOTE + "role r { allow a1 on note when context.time - resource.due < 30d }", now=now)
    due = "1830-01-01T00:00:00Z"
    allowed = pdp.allows("ann", "a1", {"type": "note", "properties": {"due": due}})
    assert codes(pdp, **{"resource.due": [due]}) == ["allowed" if allowed else "no_rule"]


def test_far_times_count_in_every_rule_that_decides() -> None:
    """Also in those that are looked at for the rules alone."""
    more = "\n".join(f"allow a2, a3 on note when resource.n == {at}" for at in range(5))
    pdp = bound(NOTE + f"role r {{ allow a1 on note when resource.due < context.time\nallow a1 on note\n{more} }}")
    columns = {"user": "ann", "action": "a1", "type": "note", "resource.due": ["0001-01-01T00:00:00Z"]}
    found = pdp.decide_many(columns, rules="all")
    assert found.rules is not None
    assert found.rule is not None
    assert (found.rules.tolist(), found.rule.tolist()) == ([0, 1], [0])


class Action(enum.StrEnum):
    """A text that is more than that."""

    READ = "a1"


def test_texts_of_other_classes_are_texts() -> None:
    pdp = bound(NOTE + "role r { allow a1 on note }")
    assert codes(pdp, action=Action.READ) == ["allowed"]
    assert codes(pdp, action=[Action.READ, "a1"], user=list(np.array(["ann", "ann"]))) == ["allowed"] * 2
    assert codes(pdp, user=np.array(["ann"])[0], action=pa.scalar("a1")) == ["allowed"]


def test_every_empty_text_is_as_invalid() -> None:
    pdp = bound(NOTE + "role r { allow a1 on note }")
    users = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), ["", "ann", ""])
    assert codes(pdp, user=users) == ["invalid_request", "allowed", "invalid_request"]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([None, 1], pa.timestamp("ns")),
        pa.array([datetime.date(2026, 1, 1)]),
        np.array(["2026-01-01"], "datetime64[ns]"),
        b"ab",
    ],
)
def test_what_no_request_has_is_refused(values: Any) -> None:
    """With the column's name."""
    pdp = bound(NOTE + "role r { allow a1 on note when resource.n == 1 }")
    with pytest.raises(ValueError, match=r"the column `resource\.n`"):
        codes(pdp, **{"resource.n": values})


def test_numbers_of_other_byte_orders_and_decimals() -> None:
    pdp = bound(NOTE + "role r { allow a1 on note when resource.n == 1 }")
    assert codes(pdp, **{"resource.n": np.array([1, 2], ">i4")}) == ["allowed", "no_rule"]
    assert codes(pdp, **{"resource.n": pa.array([1, 2]).cast(pa.decimal128(20))}) == ["no_rule", "no_rule"]
    parts = [pa.array(["ann", None]).dictionary_encode(), pa.array(["ann"]).dictionary_encode()]
    assert codes(pdp, user=pa.chunked_array(parts), **{"resource.n": 1}) == ["allowed", "invalid_request", "allowed"]


def test_names_that_nobody_knows_take_no_room() -> None:
    """A type and an action of its own in each of many rows."""
    pdp = bound(NOTE + "role r { allow a1 on note }")
    count = 3_000
    types, actions = [f"t{at}" for at in range(count)], [f"do{at}" for at in range(count)]
    found = codes(pdp, type=[*types, "note", "note"], action=[*actions, "a1", "do1"])
    assert found == [*["unknown_resource_type"] * count, "allowed", "unknown_action"]


@pytest.mark.parametrize("properties", [[], "", 0, False, {"": 1}, {}, None])
def test_answers_in_json_are_those_of_decide(properties: Any) -> None:
    """For what a subject or a resource brings that is empty, or has an empty name."""
    pdp = bound(NOTE + "role r { allow a1 on note }")
    asked = [
        {
            "subject": {"type": "user", "id": "ann", **one},
            "action": {"name": "a1"},
            "resource": {"type": "note", **other},
        }
        for one, other in (({"properties": properties}, {}), ({}, {"properties": properties}))
    ]
    assert [json.loads(one.text) for one in Answering(pdp).answers(asked)] == [
        pdp.decide(one).to_response() for one in asked
    ]


def test_rules_are_asked_for_by_a_word_that_there_is() -> None:
    pdp = bound(NOTE + "role r { allow a1 on note }")
    with pytest.raises(ValueError, match="`rules` is"):
        pdp.decide_many({"user": "ann", "action": "a1", "type": "note"}, rules="sometimes")  # type: ignore[arg-type]  # as who writes no types can


def test_half_a_character_is_compared_as_any_text() -> None:
    """JSON can write one, Arrow cannot hold it: it equals no user, and itself."""
    text = """area a { resource note { owner: user  other: string  actions a1 } }
    role r { allow a1 on note when resource.owner == user.id or resource.other == resource.owner }"""
    pdp = bound(text)
    users = pa.array(["ann", "ann", "ann"])
    owners, others = ["ann", "x\ud800", "x\ud800"], ["y", "x\ud800", "x"]
    found = codes(pdp, user=users, **{"resource.owner": owners, "resource.other": others})
    assert found == ["allowed", "allowed", "no_rule"]


def test_a_dictionary_that_is_written_to_later_is_read_anew() -> None:
    """As shared memory may be: what was found about its texts is not of the texts that it has now."""
    pdp = bound(NOTE + "role r { allow a1 on note }", {"users": {"ann": {"assignments": [{"role": "r"}]}, "cem": {}}})
    letters = bytearray(b"ann")
    ends = pa.py_buffer(np.array([0, 3], np.int32).tobytes())
    texts = pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(letters)])
    column = pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int32()), texts)
    assert codes(pdp, user=column) == ["allowed"] * 2
    letters[:] = b"cem"
    assert codes(pdp, user=column) == ["no_rule"] * 2
