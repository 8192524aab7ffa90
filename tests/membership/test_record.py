"""Audit records: what they hold, and how a chain of them shows that a line was changed, removed, moved or put in."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from membership.acting import ACCEPTED, BASE, EVERYTHING, KINDS, NOW, OWN, Json, apply, by_ann, event, instant, policy

from remit import Directory
from remit.membership.record import (
    ACTIONS,
    chained,
    check_chain,
    decision_record,
    event_record,
    instant_of,
    line_hash,
    read_record,
)
from remit.wire import Audit

DIGEST = policy(BASE + EVERYTHING).digest


def record(given: Any, text: str = EVERYTHING, now: int = NOW) -> Json:
    """The record of an event, of the shape that records have, and plain JSON."""
    made = apply(text, given).record(now, "acme", DIGEST)
    Audit.model_validate(made)
    assert json.loads(json.dumps(made)) == made
    return made


# -- events ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_of_each_kind(kind: str) -> None:
    """Names the company, the time it is written, the action, who did it and what it concerns."""
    given = ACCEPTED[kind]
    made = record(given)
    assert made["company_id"] == "acme"
    assert made["created_at"] == "2026-03-01T12:00:00.000000Z"
    assert made["action"] == ACTIONS[kind]
    assert made["action_performed_by_user_id"] == (given["user"] if kind in OWN else "ann")
    about = "member" if "user" in given else "group" if "group" in given else "scope"
    assert made["reference_type"] == about
    assert made["reference_id"] == (given.get("user") or given.get("group") or given.get("scope"))
    data = made["additional_data"]
    assert (data["accepted"], data["code"], data["policy"]) == (True, "accepted", DIGEST)
    assert data["event"] == {key: value for key, value in given.items() if value is not None}


def test_actions_are_told_apart() -> None:
    """Each kind has one of its own, and a group's roles are not a member's."""
    assert list(ACTIONS) == KINDS
    assert len(set(ACTIONS.values())) == len(KINDS)
    assert record(by_ann("disable", user="bob"))["action"] == "member.disabled"
    for kind in ("assign", "revoke"):
        made = record(by_ann(kind, group="desk", role="vet"))
        assert (made["action"].partition(".")[0], made["reference_type"], made["reference_id"]) == (
            "group",
            "group",
            "desk",
        )


@pytest.mark.parametrize(
    ("given", "text", "code"),
    [
        (event("disable", user="bob", by="cyd"), EVERYTHING, "not_permitted"),
        (by_ann("disable", user="bob"), "", "no_rule"),
        (by_ann("disable", user="nobody"), EVERYTHING, "unknown_user"),
        (by_ann("assign", user="bob", role="ghost"), EVERYTHING, "unknown_role"),
        (by_ann("remove", user="ann"), EVERYTHING + " guard kept: at least 1 owner", "guard_failed"),
        (by_ann("delete_scope", scope="branch/north"), EVERYTHING, "not_empty"),
        ({"type": "fly", "user": "bob", "by": "ann", "id": "e1"}, EVERYTHING, "invalid_event"),
        ({"type": "disable", "user": "bob", "scope": "company"}, EVERYTHING, "invalid_event"),
        ({"type": 5}, EVERYTHING, "invalid_event"),
        (7, EVERYTHING, "invalid_event"),
        (None, EVERYTHING, "invalid_event"),
    ],
)
def test_refused_events_leave_records_too(given: Any, text: str, code: str) -> None:
    """With `accepted: false`, and what the result says."""
    applied = apply(text, given)
    data = record(given, text)["additional_data"]
    assert (data["accepted"], data["code"]) == (False, code)
    for key in ("message", "guard", "roles", "status", "at"):
        assert data[key] == applied.result[key]


def test_who_and_whom_of_an_invalid_event() -> None:
    """As far as they can be read."""
    made = record({"type": "disable", "user": "bob", "by": "ann", "id": "e1", "scope": 5})
    assert (made["action_performed_by_user_id"], made["reference_id"]) == ("ann", "bob")
    assert made["additional_data"]["event_id"] == "e1"
    made = record({"type": "fly", "user": ["bob"], "by": ""})
    assert (made["action_performed_by_user_id"], made["reference_id"]) == (None, None)


def test_claims_are_not_recorded() -> None:
    """They may hold what a log should not, in events that are refused or invalid too."""
    claims = {"groups": ["hush-hush"], "secret": {"token": "hush-hush"}}
    for given in (
        event("sso_login", user="kit", claims=claims),
        event("sso_login", user="gus", claims=claims),
        event("sso_login", user="kit", claims=claims, role="vet"),
        event("sso_login", user="kit", claims=["hush-hush"]),
        {"type": "fly", "user": "kit", "claims": claims},
    ):
        assert "hush" not in json.dumps(record(given))
    text = 'assignments { on sso_login requires lead on member when "hush-hush" in claims.groups }'
    assert "hush" not in json.dumps(
        record(event("sso_login", user="kit", claims=claims), text)["additional_data"]["event"]
    )


def test_an_event_is_recorded_as_it_came() -> None:
    """Windows, attributes and parents."""
    given = by_ann(
        "invite", user="new", role="doctor", scope="branch/north", start="2026-07-01T00:00:00Z",
        until="2026-08-01T00:00:00.5Z", attributes={"team": "red"},
    )  # fmt: skip
    made = record({**given, "id": "e1"})
    assert made["additional_data"]["event"] == given
    assert made["additional_data"]["event_id"] == "e1"
    assert made["created_at"] == "2026-03-01T12:00:00.000000Z"
    made = record(by_ann("create_scope", scope="branch/x", parent="region/east"))
    assert made["additional_data"]["event"]["parent"] == ["region/east"]


def test_the_rules_that_permit_it_are_recorded() -> None:
    """By their ids."""
    given = event("assign", by="eve@acme.com", user="kit", role="vet")
    data = record(given, "assignments { on assign requires lead on member }")["additional_data"]
    assert len(data["rules"]) == 1
    assert all(isinstance(rule, str) for rule in data["rules"])


def test_more_goes_beside() -> None:
    """What a store adds stands in `additional_data`."""
    applied = apply(EVERYTHING, ACCEPTED["disable"])
    made = event_record(applied.event, applied.outcome, NOW, "acme", DIGEST, before="a", after="b")
    Audit.model_validate(made)
    assert (made["additional_data"]["before"], made["additional_data"]["after"]) == ("a", "b")


# -- decisions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["branch/north", None])
def test_an_allowed_request(scope: str | None) -> None:
    """Its record says who did what to which resource, where, and by which rules."""
    pdp = policy(BASE).bind(
        Directory.from_text("scopes: {branch/north: {}}\nusers: {ann: {assignments: [{role: vet}]}}")
    )
    resource: Json = {"type": "note", "id": "n1", "properties": {"label": "red"}}
    if scope:
        resource["properties"]["scope"] = scope
    decision = pdp.ask("ann", "write", resource)
    assert decision.allowed
    made = decision_record("ann", "write", resource, decision.rules, NOW, "acme", DIGEST)
    Audit.model_validate(made)
    assert (made["action"], made["action_performed_by_user_id"]) == ("note.write", "ann")
    assert (made["reference_type"], made["reference_id"]) == ("note", "n1")
    data = made["additional_data"]
    assert (data["code"], data["scope"], data["policy"]) == ("allowed", scope, DIGEST)
    assert data["rules"] == decision.rules


def test_a_request_without_id_or_properties() -> None:
    """Refers to nothing in particular."""
    made = decision_record("ann", "write", {"type": "note"}, [], NOW, "acme", DIGEST)
    Audit.model_validate(made)
    assert (made["reference_id"], made["additional_data"]["scope"]) == (None, None)


# -- the chain ---------------------------------------------------------------------------------------------------------


def log(count: int = 5) -> list[str]:
    """So many lines, chained. No two are alike."""
    lines: list[str] = []
    previous = None
    for number in range(count):
        given = by_ann("invite", user=f"ü{number}@x.com", role="vet", id=f"e{number}")
        made = chained(record(given, now=NOW + number * 10**9), previous)
        assert made.hash == hashlib.sha256(made.text.encode()).hexdigest() == line_hash(made.text)
        lines.append(made.text)
        previous = made.hash
    return lines


LOG = log()
OTHER = chained(record(by_ann("disable", user="bob")), None).text


def test_a_whole_log() -> None:
    """Has no flaws; how many lines, and the hash of the last, are found. An empty one has neither."""
    checked = check_chain(LOG)
    assert (checked.count, checked.last, checked.flaws) == (5, line_hash(LOG[-1]), ())
    assert checked.hashes == (None, *map(line_hash, LOG))
    empty = check_chain([])
    assert (empty.count, empty.last, empty.flaws, empty.hashes) == (0, None, (), (None,))
    for line in LOG:
        Audit.model_validate_json(line)
        assert "\n" not in line


def test_chaining_leaves_the_record() -> None:
    """The hash of the line before stands in `additional_data`, in the line alone."""
    made = record(ACCEPTED["disable"])
    line = chained(made, "abc")
    assert "previous" not in made["additional_data"]
    assert json.loads(line.text)["additional_data"] == {**made["additional_data"], "previous": "abc"}


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("change", ["user", "blank", "message"])
def test_a_changed_line_is_found_at_the_line_behind_it(place: int, change: str) -> None:
    """Whatever is changed in it, a blank too; the last line's change shows in the last hash."""
    line = LOG[place]
    edited = {
        "user": line.replace("ann", "eve", 1),
        "blank": line + " ",
        "message": line.replace("pending", "active", 1),
    }
    lines = [*LOG[:place], edited[change], *LOG[place + 1 :]]
    assert edited[change] != line
    assert [flaw.line for flaw in check_chain(lines).flaws] == [place + 2]
    assert check_chain([*LOG[:-1], LOG[-1] + " "]).last != check_chain(LOG).last


@pytest.mark.parametrize("place", range(5))
def test_a_removed_line(place: int) -> None:
    """Is found where it was; from the end, by the count and the last hash."""
    lines = [*LOG[:place], *LOG[place + 1 :]]
    checked = check_chain(lines)
    assert [flaw.line for flaw in checked.flaws] == ([place + 1] if place < 4 else [])
    assert (checked.count, checked.last == line_hash(LOG[-1])) == (4, place < 4)


@pytest.mark.parametrize("one", range(5))
@pytest.mark.parametrize("other", range(5))
def test_a_moved_line(one: int, other: int) -> None:
    """Is found, wherever it goes."""
    lines = [*LOG[:one], *LOG[one + 1 :]]
    lines.insert(other, LOG[one])
    flaws = check_chain(lines).flaws
    assert bool(flaws) is (one != other)
    if flaws:
        assert flaws[0].line == min(one, other) + 1


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("line", [OTHER, LOG[0], LOG[2], LOG[4]])
def test_a_line_put_in(place: int, line: str) -> None:
    """A forged one, or one that is there already: found at it or behind it, at the end too unless it follows."""
    flaws = check_chain([*LOG[:place], line, *LOG[place:]]).flaws
    assert flaws
    assert place + 1 <= flaws[0].line <= place + 2


def test_a_line_put_in_that_names_the_one_before() -> None:
    """Is found at the line behind it, and at the end by the count alone."""
    for place in range(5):
        forged = chained(record(ACCEPTED["disable"]), line_hash(LOG[place - 1]) if place else None).text
        assert [flaw.line for flaw in check_chain([*LOG[:place], forged, *LOG[place:]]).flaws] == [place + 2]


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "[]", "7", "null", '"text"', "{}", "[" * 100_000, '{"company_id": "acme"}',
        json.dumps({"company_id": "a", "created_at": "x", "action": "a", "reference_type": "m", "additional_data": {}}),
        json.dumps({"company_id": "a", "created_at": 5, "action": "a", "reference_type": "m", "additional_data": {}}),
        json.dumps({"company_id": "a", "created_at": "2026-01-01T00:00:00Z", "action": "a", "reference_type": "m",
                    "additional_data": []}),
        json.dumps({"company_id": "a", "created_at": "2026-01-01T00:00:00", "action": "a", "reference_type": "m",
                    "additional_data": {}}),
    ],
)  # fmt: skip
def test_a_line_that_is_no_record(text: str) -> None:
    """Is a flaw at that line, said in words, and what follows it does not fit."""
    found, why = read_record(text)
    assert (found, bool(why)) == (None, True)
    assert [flaw.line for flaw in check_chain([*LOG[:2], text, *LOG[2:]]).flaws] == [3, 4]


# -- times -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2023-06-01 00:55:10.09358+00", "2023-06-01T00:55:10.09358Z"),
        ("2023-06-01 00:55:10+00", "2023-06-01T00:55:10Z"),
        ("2023-06-01 02:55:10.09358+02", "2023-06-01T00:55:10.09358Z"),
        ("2023-06-01 06:25:10+05:30", "2023-06-01T00:55:10Z"),
        ("2023-06-01 06:25:10+0530", "2023-06-01T00:55:10Z"),
        ("2023-05-31 21:25:10-03:30", "2023-06-01T00:55:10Z"),
        ("2023-06-01T00:55:10.090358Z", "2023-06-01T00:55:10.090358Z"),
    ],
)
def test_times_as_databases_print_them(text: str, same: str) -> None:
    """Name the same moment, and a record may have them."""
    assert instant_of(text) == instant(same)
    found, why = read_record(json.dumps({**json.loads(LOG[0]), "created_at": text}))
    assert (why, found is not None) == ("", True)


@pytest.mark.parametrize(
    "text", ["2023-06-01", "2023-06-01 00:55:10", "2023-13-01 00:55:10+00", "2023-06-01 25:00:00+00", "yesterday", ""]
)
def test_what_is_no_time(text: str) -> None:
    """Without a zone, or without such a day, a record has no time."""
    assert instant_of(text) is None
    assert read_record(json.dumps({**json.loads(LOG[0]), "created_at": text}))[0] is None
