"""What `decide_many` takes for columns, and what it says of those it does not."""

from __future__ import annotations

import builtins
import json
import tracemalloc
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest

from remit import Directory, Pdp, Policy
from remit.bulk.codes import CODES
from remit.evaluator.holding import Holders

POLICY = """
scope company
scope branch in company
area shop {
  resource invoice {
    owner: user  amount: int  urgent: bool  due: time  state: "open" | "closed"  tags: set of string
    actions read, pay
  }
}
user { team: string }
role clerk {
  allow read on invoice
  allow pay on invoice when resource.owner == user.id
  deny pay on invoice when resource.amount > 500
}
role boss { allow pay on invoice when resource.urgent and resource.due < context.time }
members { allow pay on invoice when user.team in resource.tags }
"""
PEOPLE = {
    "scopes": {"branch/north": {}},
    "users": {
        "ann": {"assignments": [{"role": "clerk"}], "attributes": {"team": "red"}},
        "bob": {"assignments": [{"role": "boss", "scope": "branch/north"}]},
        "cyd": {"status": "disabled"},
    },
}
USERS, ACTIONS = ["ann", "bob", "cyd", "dan", None, "ann"], ["read", "pay", "read", "read", "read", "fly"]
EXPECTED = ["allowed", "no_rule", "inactive_user", "unknown_user", "invalid_request", "unknown_action"]


@pytest.fixture(scope="module")
def pdp() -> Pdp:
    return Policy.from_sources({"shop.remit": POLICY}).bind(Directory.from_text(json.dumps(PEOPLE)))


def codes(pdp: Pdp, columns: Mapping[str, Any]) -> list[str]:
    """The codes, and that what is allowed is so by its code."""
    found = pdp.decide_many(columns)
    assert (found.allowed == (found.code == CODES.index("allowed"))).all()
    assert found.codes().to_pylist() == [CODES[code] for code in found.code]
    return [CODES[code] for code in found.code]


SAME_TEXTS = {
    "lists": (USERS, ACTIONS),
    "tuples": (tuple(USERS), tuple(ACTIONS)),
    "arrow": (pa.array(USERS), pa.array(ACTIONS)),
    "large texts": (pa.array(USERS, pa.large_string()), pa.array(ACTIONS, pa.large_string())),
    "dictionaries": (pa.array(USERS).dictionary_encode(), pa.array(ACTIONS).dictionary_encode()),
    "small indices": (
        pa.array(USERS).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string())),
        pa.DictionaryArray.from_arrays(pa.array([0, 1, 0, 0, 0, 2], pa.uint8()), ["read", "pay", "fly"]),
    ),
    "many small indices": (
        pa.DictionaryArray.from_arrays(
            pa.array([0, 1, 2, 3, None, 0], pa.int8()), ["ann", "bob", "cyd", "dan", *(f"x{at}" for at in range(120))]
        ),
        pa.DictionaryArray.from_arrays(
            pa.array([0, 1, 0, 0, 0, 2], pa.uint64()), ["read", "pay", "fly", *(f"do{at}" for at in range(500))]
        ),
    ),
    "values twice": (
        pa.DictionaryArray.from_arrays([0, 2, 3, 4, None, 1], ["ann", "ann", "bob", "cyd", "dan"]),
        pa.DictionaryArray.from_arrays(pa.array([0, 2, 1, 0, 1, 3]), ["read", "read", "pay", "fly"]),
    ),
    "null among the values": (
        pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3, 4, 0]), pa.array(["ann", "bob", "cyd", "dan", None])),
        ACTIONS,
    ),
    "chunked": (pa.chunked_array([USERS[:2], USERS[2:]]), pa.chunked_array([ACTIONS[:5], ACTIONS[5:]])),
    "chunked dictionaries": (
        pa.chunked_array([pa.array(USERS[:2]).dictionary_encode(), pa.array(USERS[2:]).dictionary_encode()]),
        ACTIONS,
    ),
    "objects": (np.array(USERS, object), np.array(ACTIONS)),
}


@pytest.mark.parametrize("kind", SAME_TEXTS)
def test_texts_of_every_kind(pdp: Pdp, kind: str) -> None:
    """Lists, Arrow's and NumPy's arrays say the same."""
    users, actions = SAME_TEXTS[kind]
    assert codes(pdp, {"user": users, "action": actions, "type": "invoice"}) == EXPECTED


AMOUNTS = [500, 501, None, 2**63, True, "9", 500.0]
PAID = ["allowed", "denied_by_rule", *["denied_by_rule"] * 5]  # an unknown amount does not lift the deny


def test_numbers_of_every_kind(pdp: Pdp) -> None:
    """Whole numbers alone are numbers; what is none is unknown."""
    asked = {"user": "ann", "action": "pay", "type": "invoice", "resource.owner": "ann"}
    assert codes(pdp, {**asked, "resource.amount": AMOUNTS}) == PAID
    for kind in (np.int16, np.int64, np.uint32):
        assert codes(pdp, {**asked, "resource.amount": np.array([500, 501], kind)}) == PAID[:2]
    assert codes(pdp, {**asked, "resource.amount": pa.array([500, 501, None])}) == PAID[:3]
    assert codes(pdp, {**asked, "resource.amount": pa.array([500, 2**63], pa.uint64())}) == [
        "allowed",
        "denied_by_rule",
    ]
    assert codes(pdp, {**asked, "resource.amount": np.array([500.0])}) == ["denied_by_rule"]
    assert codes(pdp, {**asked, "resource.amount": np.array([True])}) == ["denied_by_rule"]


def test_truth_values_times_sets_and_places(pdp: Pdp) -> None:
    """A boss at the branch pays what is urgent and due; a member what their team is tagged with."""
    asked = {
        "user": "bob", "action": "pay", "type": "invoice", "context.time": "2026-01-01T00:00:00Z",
        "resource.urgent": np.array([True, True, True, False, True]),
        "resource.due": ["2025-12-31T00:00:00Z", "2026-12-31T00:00:00Z", "soon", *["0001-12-31T00:00:00Z"] * 2],
        "resource.scope": ["branch/north"] * 4 + ["company"],
    }  # fmt: skip
    assert codes(pdp, asked) == ["allowed", *["no_rule"] * 4]
    far = {**asked, "resource.due": ["0001-12-31T00:00:00Z"] * 5, "context.time": "9999-01-01T00:00:00Z"}
    assert codes(pdp, far) == ["allowed", "allowed", "allowed", "no_rule", "no_rule"]
    tagged = {"user": "ann", "action": "pay", "type": "invoice", "resource.amount": 1, "resource.owner": "bob"}
    assert codes(pdp, {**tagged, "resource.tags": [["red", "blue"], ["blue"], None, "red", ["red", 5]]}) == [
        "allowed", *["no_rule"] * 4,
    ]  # fmt: skip


def test_malformed_parts_are_invalid_requests(pdp: Pdp) -> None:
    asked = {"user": "ann", "action": "read", "type": "invoice"}
    assert codes(pdp, {**asked, "user": ["", 5, "ann"]}) == ["invalid_request", "invalid_request", "allowed"]
    assert codes(pdp, {**asked, "user": np.array([1, 2])}) == ["invalid_request"] * 2
    assert codes(pdp, {**asked, "type": ["invoice", 7, "dragon", None]}) == [
        "allowed", "invalid_request", "unknown_resource_type", "invalid_request",
    ]  # fmt: skip
    assert codes(pdp, {**asked, "resource.id": ["i1", None, 5]}) == ["allowed", "allowed", "invalid_request"]
    assert codes(pdp, {**asked, "resource.id": np.array([1])}) == ["invalid_request"]
    assert codes(pdp, {**asked, "resource.scope": [None, "branch/south", "galaxy/x", "branch", 7]}) == [
        "allowed", "no_rule", *["invalid_request"] * 3,
    ]  # fmt: skip
    assert codes(pdp, {**asked, "subject.type": ["user", "service", None]}) == [
        "allowed", "unknown_user", "invalid_request",
    ]  # fmt: skip


def test_one_value_for_all_and_no_rows(pdp: Pdp) -> None:
    assert codes(pdp, {"user": "ann", "action": "read", "type": "invoice"}) == ["allowed"]
    assert codes(pdp, {"user": [], "action": "read", "type": "invoice"}) == []
    none = pdp.decide_many({"user": pa.array([], pa.string()), "action": [], "type": "invoice"}, rules="all")
    assert none.first is not None
    assert (len(none.allowed), none.first.tolist()) == (0, [0])


def test_rules_are_told_by_their_numbers(pdp: Pdp) -> None:
    """The first of them, or all."""
    columns = {
        "user": "ann", "action": ["read", "pay", "pay", "pay"], "type": "invoice", "resource.owner": "ann",
        "resource.amount": [1, 1, 900, 1], "resource.tags": [[], ["red"], ["red"], []],
    }  # fmt: skip
    found = pdp.decide_many(columns, rules="all")
    assert found.rule is not None
    assert found.first is not None
    assert found.rules is not None
    lists = [found.rules[start:stop].tolist() for start, stop in zip(found.first, found.first[1:], strict=False)]
    texts = [[pdp.table.rules[number].place.text.split(" when")[0] for number in some] for some in lists]
    pay = "allow pay on invoice"
    assert texts == [["allow read on invoice"], [pay, pay], ["deny pay on invoice"], [pay]]
    assert found.rule.tolist() == [some[0] for some in lists]
    first = pdp.decide_many(columns, rules="first")
    assert first.rule is not None
    assert first.rule.tolist() == found.rule.tolist()


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"action": "read", "type": "invoice"}, "the column `user` is missing"),
        ({"user": "ann", "action": "read", "type": "invoice", "owner": "ann"}, "there is no column `owner`: write"),
        ({"user": "ann", "action": "read", "type": "invoice", "resource.": 1}, "there is no column `resource.`: write"),
        ({"user": ["ann"], "action": ["read"] * 2, "type": "invoice"}, "`action` has 2 rows and `user` has 1"),
        ({"user": np.array([["ann"]]), "action": "read", "type": "invoice"}, "`user` has 2 dimensions"),
        ({"user": object(), "action": "read", "type": "invoice"}, "`user` is a `object`: write an array, a list"),
        ({"user": {"ann", "bob"}, "action": "read", "type": "invoice"}, "`user` is a set, which has no order"),
        ({"user": {"ann": 1}, "action": "read", "type": "invoice"}, "`user` is a dict, which has no order"),
        ({"user": "ann", "action": "read", "resource.type": "invoice"}, "`resource.type` is called `type` here"),
        ({"user": "ann", "action": "read", "type": "invoice", 3: "x"}, "a column's name is a text, and not 3"),
        ([{"user": "ann"}], "columns are a mapping of names to columns"),
    ],
)
def test_what_is_no_column(pdp: Pdp, columns: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="column") as raised:
        pdp.decide_many(columns)
    assert said in str(raised.value)


def test_an_arrow_record_batch_is_columns(pdp: Pdp) -> None:
    """As a table is."""
    batch = pa.record_batch({"user": USERS, "action": ACTIONS, "type": ["invoice"] * 6})
    assert codes(pdp, batch) == EXPECTED


def test_an_arrow_table_is_columns(pdp: Pdp) -> None:
    """Its names are the columns'."""
    columns = {"user": ["ann", "bob"], "action": ["read", "read"], "type": ["invoice", "invoice"]}
    assert pdp.decide_many(pa.table(columns)).code.tolist() == pdp.decide_many(columns).code.tolist()


def test_decisions_have_no_truth_value(pdp: Pdp) -> None:
    """`if pdp.decide_many(…)` would always hold; how many there are is told."""
    found = pdp.decide_many({"user": ["ann", "bob"], "action": "read", "type": "invoice"})
    assert len(found) == 2
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(found)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = Policy.from_sources({"shop.remit": POLICY}).bind(Directory.from_text("users: {ann: {}}"))
    real = builtins.__import__

    def missing(name: str, *more: Any, **named: Any) -> Any:
        if name == "remit.bulk.engine":
            raise ImportError(name)
        return real(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"remit\[bulk\]"):
        bound.decide_many({"user": "ann", "action": "read", "type": "invoice"})


def test_progress_is_told_to_the_last_row(pdp: Pdp) -> None:
    told: list[int] = []
    pdp.decide_many({"user": ["ann"] * 150_000, "action": "read", "type": "invoice"}, progress=told.append)
    assert told == [65_536, 131_072, 150_000]


@pytest.mark.parametrize("coded", [True, False])
def test_memory_does_not_grow_with_the_rows(pdp: Pdp, coded: bool) -> None:
    """Beside the columns and the answers: four times the rows, and hardly more."""

    def beside(rows: int) -> int:
        users = pa.array(["ann", "bob", "cyd"] * (rows // 3))
        columns = {"user": users.dictionary_encode() if coded else users, "action": "read", "type": "invoice"}
        tracemalloc.start()
        answers = pdp.decide_many(columns)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - answers.code.nbytes - answers.allowed.nbytes

    size = 3 << (18 if coded else 20)
    assert beside(4 * size) < 1.5 * beside(size) + 2_000_000


def test_one_row_does_not_pay_for_all_roles() -> None:
    """What a call of one row takes does not grow with the policy's roles; with many rows, lines are made of all."""
    roles = "\n".join(f"role r{at} {{ allow read on note }}" for at in range(3_000))
    policy = Policy.from_sources({"a.remit": "area a { resource note { actions read } }\n" + roles})
    pdp = policy.bind(Directory.from_text('{"users": {"ann": {"assignments": [{"role": "r7"}]}}}'))

    def most(rows: int) -> int:
        asked = {"user": ["ann"] * rows, "action": ["read"] * rows, "type": ["note"] * rows}
        assert pdp.decide_many(asked, rules="first").allowed.all()
        tracemalloc.start()
        pdp.decide_many(asked, rules="first")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert most(1) < 50_000 < most(1_000)


def _interrupted_at(pdp: Pdp, count: int, users: list[str], reader: Any) -> None:
    """A call that Ctrl-C ends while it reads the user of this number."""
    read = iter(range(count))

    def late(*told: Any) -> Any:
        if next(read, None) is None:
            raise KeyboardInterrupt
        return reader(*told)

    with (
        mock.patch.object(Holders, "holdings", lambda holders, user: late(holders, user)),
        pytest.raises(KeyboardInterrupt),
    ):
        pdp.decide_many({"user": users, "action": "read", "type": "doc"})


def test_an_interrupted_call_takes_nobody_for_another() -> None:
    """Whoever was read before an interrupt is decided as themselves afterwards, and whoever is read later, too."""
    policy = Policy.from_sources(
        {"p.remit": "area a { resource doc { actions read } }\nrole boss { allow read on doc }\nrole clerk { }"}
    )
    held = {f"u{at}": {"assignments": [{"role": "clerk" if at < 4 else "boss"}]} for at in range(44)}
    directory = Directory.from_text(json.dumps({"users": held}))
    reader = Holders.holdings
    for count in range(4):
        pdp = policy.bind(directory)
        pdp.decide_many({"user": ["nobody"], "action": "read", "type": "doc"})
        _interrupted_at(pdp, count, ["u0", "u1", "u2", "u3"], reader)
        for users in (["u9", "u1"], [f"u{at}" for at in range(4, 44)], ["u0", "u1", "u2"], [*held]):
            found = pdp.decide_many({"user": users, "action": "read", "type": "doc"}).allowed.tolist()
            assert found == [int(user[1:]) >= 4 for user in users]


def _bound(pdp: Pdp) -> Any:
    """What is kept between calls, of which there has been one at least."""
    assert codes(pdp, {"user": "ann", "action": "read", "type": "invoice"}) == ["allowed"]
    assert pdp._columns is not None
    return pdp._columns.bound


def test_users_without_numbers_are_read_anew() -> None:
    """An interrupt between the users of a call and their numbers: all are forgotten, none is another."""
    policy = Policy.from_sources({"shop.remit": POLICY})
    asked = policy.bind(Directory.from_text(json.dumps(PEOPLE)))
    columns = {"user": USERS, "action": ACTIONS, "type": "invoice"}
    assert codes(asked, columns) == EXPECTED
    people = _bound(asked).people
    people._crowds = [*people._crowds, people._crowds[0]]
    assert codes(asked, columns) == EXPECTED
    assert sum(len(crowd.status) for crowd in people._crowds) == len(people._numbers) + 1


def test_lines_take_little_more_than_their_bytes() -> None:
    """When enough rows have asked: neither the call that makes the lines nor one by rules takes many times as much."""
    types = " ".join(f"resource t{at} {{ actions read, write }}" for at in range(400))
    roles = "\n".join(f"role r{at} {{ allow read on t{at % 400} }}" for at in range(800))
    policy = Policy.from_sources({"a.remit": f"area a {{ {types} }}\n{roles}"})
    pdp = policy.bind(Directory.from_text('{"users": {"ann": {"assignments": [{"role": "r7"}]}}}'))
    names = pa.array([f"t{at}" for at in range(400)])
    rows = 100_000  # which pay for 1.6 million bytes
    asked = {
        "user": pa.array(["ann"] * rows).dictionary_encode(),
        "action": pa.DictionaryArray.from_arrays(pa.array([0] * rows), pa.array(["read", "write"])),
        "type": pa.DictionaryArray.from_arrays(pa.array([7] * rows), names),
    }
    pdp.decide_many({name: column.slice(0, 1) for name, column in asked.items()}, rules="first")
    before = pdp.decide_many({name: column.slice(0, 1) for name, column in asked.items()}, rules="first")
    tracemalloc.start()
    found = pdp.decide_many(asked, rules="first")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert before.allowed.all()
    assert found.allowed.all()
    assert peak < 16 * 2 * 802 * 800


def test_unknown_names_leave_what_is_kept(pdp: Pdp) -> None:
    """Rows of unknown types, or of none, share one layout, which the next call with such rows finds again."""
    layouts = _bound(pdp).layouts
    asked = {"user": ["ann"] * 3, "action": ["read", "fly", "read"], "type": ["invoice", "invoice", None]}
    expected = ["allowed", "unknown_action", "invalid_request"]
    assert codes(pdp, asked) == expected
    kept = layouts._kept
    more = {**asked, "type": ["invoice", "invoice", "boat"], "user": ["ann"] * 3}
    assert codes(pdp, more) == ["allowed", "unknown_action", "unknown_resource_type"]
    assert codes(pdp, asked) == expected
    assert layouts._kept is kept


@pytest.mark.parametrize("index", [5, 2, -1])
def test_an_index_that_a_dictionary_lacks_is_refused(pdp: Pdp, index: int) -> None:
    """Arrow itself does not look when it reads a file; nobody is taken for the last in the list."""
    users = pa.DictionaryArray.from_arrays(pa.array([index], pa.int8()), pa.array(["bob", "ann"]), safe=False)
    with pytest.raises(ValueError, match="the column `user` has an index that its dictionary lacks"):
        pdp.decide_many({"user": users, "action": "read", "type": "invoice"})


def test_a_user_of_many_roles_pays_for_lines() -> None:
    """One row whose user holds a thousand roles is decided by lines of all, and not by a search for each."""
    roles = "\n".join(f"role r{at} {{ allow write on note }}" for at in range(1_000))
    policy = Policy.from_sources({"a.remit": "area a { resource note { actions read, write } }\n" + roles})
    held = [{"role": f"r{at}"} for at in range(1_000)]
    pdp = policy.bind(Directory.from_text(json.dumps({"users": {"ann": {"assignments": held}}})))
    one = {name: pa.array([text]).dictionary_encode() for name, text in (("user", "ann"), ("action", "read"))}
    assert pdp.decide_many({**one, "type": pa.array(["note"]).dictionary_encode()}).allowed.tolist() == [False]
    assert pdp._columns is not None
    assert [layout.bytes_by_line is not None for layout in pdp._columns.bound.layouts._kept] == [True]


def test_a_few_rows_of_a_large_dictionary_cost_little() -> None:
    """What is found out about all users of a dictionary is kept: a later call of a few rows takes little memory."""
    users = [f"u{at}" for at in range(20_000)]
    held = {user: {"assignments": [{"role": "clerk"}, {"role": "boss"}]} for user in users}
    pdp = Policy.from_sources({"shop.remit": POLICY}).bind(Directory.from_text(json.dumps({"users": held})))
    asked = pa.DictionaryArray.from_arrays(pa.array(range(20_000), pa.int32()), pa.array(users))
    columns = {"action": "read", "type": "invoice"}
    for _ in range(2):
        assert pdp.decide_many({"user": asked.slice(0, 10), **columns}).allowed.all()
    tracemalloc.start()
    pdp.decide_many({"user": asked.slice(10, 10), **columns})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400_000  # twenty bytes a user; each turn of holdings anew would take hundreds


def test_a_misspelt_property_is_one_that_is_missing(pdp: Pdp) -> None:
    """What no condition reads is passed over."""
    asked = {"user": ["ann"], "action": ["pay"], "type": ["invoice"], "resource.amount": [1]}
    assert codes(pdp, {**asked, "resource.owner": ["ann"]}) == ["allowed"]
    assert codes(pdp, {**asked, "resource.ownr": ["ann"]}) == codes(pdp, asked) == ["no_rule"]


def test_the_clock_is_read_once() -> None:
    """However many chunks there are."""
    read: list[int] = []

    def clock() -> int:
        read.append(1)
        return 0

    policy = Policy.from_sources({"shop.remit": POLICY})
    pdp = policy.bind(Directory.from_text(json.dumps(PEOPLE)), clock)
    pdp.decide_many({"user": ["ann"] * 200_000, "action": "read", "type": "invoice"})
    assert len(read) == 1


def test_a_dictionary_that_comes_again_is_known_again(pdp: Pdp) -> None:
    """The same users, types and actions: layouts and crowds are those of the call before."""

    def asked() -> dict[str, Any]:
        columns = {"user": USERS[:2], "action": ACTIONS[:2], "type": ["invoice"] * 2}
        return {name: pa.array(values).dictionary_encode() for name, values in columns.items()}

    bound = _bound(pdp)
    assert codes(pdp, asked()) == EXPECTED[:2]
    kept = bound.layouts._kept[0], bound.people._lately[0]
    assert codes(pdp, asked()) == EXPECTED[:2]
    assert (bound.layouts._kept[0], bound.people._lately[0]) == kept


def test_threads_ask_one_decision_point() -> None:
    """Each about people that nobody asked about before, all at once: every answer is its own row's."""
    users = {f"u{at}": {"assignments": [{"role": "clerk"}] if at % 3 else []} for at in range(6_000)}
    directory = Directory.from_text(json.dumps({"users": users}))
    expected = ["allowed" if at % 3 else "no_rule" for at in range(6_000)]
    for _ in range(5):
        fresh = Policy.from_sources({"shop.remit": POLICY}).bind(directory)

        def ask(start: int, fresh: Pdp = fresh) -> bool:
            rows = [f"u{at}" for at in range(start, start + 3_000)]
            found = fresh.decide_many({"user": rows, "action": "read", "type": "invoice"})
            return found.codes().to_pylist() == expected[start : start + 3_000]

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(ask, range(0, 3_000, 250)))


def test_people_who_change_are_read_anew() -> None:
    """A decision point that follows its directory has columns of its own."""
    policy = Policy.from_sources({"shop.remit": POLICY})
    before = Directory.from_text("users: {ann: {assignments: [{role: clerk}]}}").data
    after = Directory.from_text("users: {ann: {}}").data
    asked = {"user": "ann", "action": "read", "type": "invoice"}
    pdp = policy.bind(before)
    assert codes(pdp, asked) == ["allowed"]
    assert codes(pdp.following(after, ()), asked) == ["no_rule"]
    assert codes(pdp, asked) == ["allowed"]
