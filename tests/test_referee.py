"""The product judged by a second reading of what a policy means (`tests/referee`), on cases that nobody thought of."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from referee.decide import Json, decide, moment
from referee.differences import refereed, unequal, unlike
from referee.events import judge_event
from referee.generate import Case, cases, lines, make_case
from referee.heard import KEYS
from referee.histories import make_history, parted, replay
from referee.judge import Disagreement, build, disagreements, overlays_of
from referee.persons import refereed_people, unlike_people
from referee.world import NOW

from remit import Directory, Policy
from remit.proof.compare import compare
from remit.proof.people import compare_people

KEPT = sorted((Path(__file__).parent / "referee" / "cases").glob("*.json"))
KEPT_DIFFERENCES = sorted((Path(__file__).parent / "referee" / "cases" / "differences").glob("*.json"))
KEPT_HISTORIES = sorted((Path(__file__).parent / "referee" / "cases" / "events").glob("*.json"))


def agree(found: Iterator[Disagreement]) -> None:
    """Fails with the first disagreement, whole."""
    for one in found:
        pytest.fail(str(one), pytrace=False)


# -- decisions -------------------------------------------------------------------------------------------------------


@given(cases(requests=20))
def test_decisions_agree(case: Case) -> None:
    """Decision, code and deciding rules are the referee's, and the short question has the same answer."""
    agree(disagreements(build(case.sources, case.overlays), case))


@pytest.mark.parametrize("chunk", range(8))
def test_many_decisions_agree(chunk: int) -> None:
    """The same holds for 24,000 requests to 400 policies that are always the same."""
    for number in range(50):
        case = make_case(Random(f"decisions/{chunk}/{number}"), requests=60)
        agree(disagreements(build(case.sources, case.overlays), case))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_kept_cases_agree(path: Path) -> None:
    """What they once disagreed on, they agree on."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    now = moment(kept["now"])
    assert isinstance(now, int)
    directory = Directory.from_text(kept["directory"]).data
    case = Case([], kept["sources"], overlays_of(kept), directory, [kept["request"]])
    policy = build(case.sources, case.overlays)
    agree(disagreements(policy, case, now, with_repairs=True))


def test_cases_are_of_every_kind() -> None:
    """Generated requests reach every code, each many times, and policies hold every word that gives rules a meaning."""
    codes: Counter[str] = Counter()
    texts = []
    for number in range(60):
        case = make_case(Random(f"decisions/0/{number}"), requests=60)
        policy = build(case.sources, case.overlays)
        codes.update(decide(policy.model, case.directory, request, NOW).code for request in case.requests)
        texts.extend([*case.sources.values(), *(text for layer in case.overlays for text in layer.values())])
    assert {code for code, count in codes.items() if count >= 5} == {
        *("invalid_request", "unknown_resource_type", "unknown_action", "unknown_user", "inactive_user"),
        *("denied_by_rule", "no_rule", "allowed"),
    }
    assert min(codes["allowed"], codes["denied_by_rule"], codes["no_rule"]) > sum(codes.values()) // 10
    text = "\n".join(texts)
    words = ["deny", "except", "includes", "locked", "extend", "grant", "everyone", "members", "has", "was", "not in"]
    assert [word for word in [*words, "individual over", "roles from"] if f"{word} " not in text] == []


# -- repairs ---------------------------------------------------------------------------------------------------------


@given(cases(requests=8, small=True))
def test_repairs_agree(case: Case) -> None:
    """The repairs of a denial are the minimal sets that work, found by trying them all."""
    agree(disagreements(build(case.sources, case.overlays), case, with_repairs=True))


@pytest.mark.parametrize("chunk", range(4))
def test_many_repairs_agree(chunk: int) -> None:
    """The same holds for 1,200 requests to 60 small policies that are always the same."""
    for number in range(15):
        case = make_case(Random(f"repairs/{chunk}/{number}"), requests=20, small=True)
        agree(disagreements(build(case.sources, case.overlays), case, with_repairs=True))


# -- differences -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", range(2))
def test_many_differences_are_told(chunk: int) -> None:
    """Edited policies: each change's request is decided otherwise, and each request that is, is told."""
    seen: Counter[str] = Counter()
    for number in range(12):
        for found in unlike(f"differences/{chunk}/{number}", 30, seen, more=30):
            pytest.fail(str(found), pytrace=False)
    assert min(seen["differing"], seen["empty"], seen["decided otherwise"]) > 0


@pytest.mark.parametrize("chunk", range(2))
def test_policies_in_other_words_have_no_difference(chunk: int) -> None:
    """Nor do requests tell them apart; what a complete request fulfils differs on incomplete ones alone."""
    seen: Counter[str] = Counter()
    for number in range(10):
        for found in unequal(f"words/{chunk}/{number}", 20, seen):
            pytest.fail(str(found), pytrace=False)
    assert min(seen["rewritten"], seen["weakened"], seen["requests to equals"]) > 0


@pytest.mark.parametrize("chunk", range(2))
def test_many_differences_by_user_are_told(chunk: int) -> None:
    """Edited policies and directories: a change has a request that is decided otherwise, and each that is, is told."""
    seen: Counter[str] = Counter()
    for number in range(15):
        for found in unlike_people(f"people/{chunk}/{number}", 30, seen):
            pytest.fail(str(found), pytrace=False)
    assert min(seen["differing"], seen["empty"], seen["decided otherwise"]) > 0


@pytest.mark.parametrize("path", KEPT_DIFFERENCES, ids=lambda path: path.stem)
def test_kept_differences_are_told(path: Path) -> None:
    """What was once not told, is told: a request that is decided otherwise, by role or by user."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    now = moment(kept["now"])
    assert isinstance(now, int)
    seen: Counter[str] = Counter()
    edited, directory = kept["edited"], Directory.from_text(kept["directory"]).data
    case = Case([], kept["sources"], overlays_of(kept), directory, [kept["request"]])
    old, new = build(case.sources, case.overlays), build(edited["sources"], edited["overlays"])
    layers = [edited["sources"], *edited["overlays"]]
    if "directory" in edited:
        other = Directory.from_text(edited["directory"]).data
        people = compare_people(old.table, directory, new.table, other, now)
        wrong = list(refereed_people(case, other, old, new, layers, people, seen))
    else:
        wrong = list(refereed(case, old, new, layers, compare(old.table, new.table), seen))
    assert [str(one) for one in wrong] == []
    assert seen["decided otherwise"] == 1


# -- events ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", range(4))
def test_many_histories_agree(chunk: int) -> None:
    """Event by event the referee's code, guard, roles and status, and its directory, for 2,500 events that are always
    the same."""
    for number in range(25):
        found = parted(make_history(Random(f"histories/{chunk}/{number}")), length=25)
        if found is not None:
            pytest.fail(str(found), pytrace=False)


@pytest.mark.parametrize("path", KEPT_HISTORIES, ids=lambda path: path.stem)
def test_kept_histories_agree(path: Path) -> None:
    """Events that they once disagreed on, they agree on."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    found = replay(kept["sources"], Directory.from_text(kept["directory"]).data, kept["events"])
    if found is not None:
        pytest.fail(str(found), pytrace=False)


def test_histories_are_of_every_kind() -> None:
    """Generated events reach every code, for the kinds of event that can, and guards of all four kinds fail."""
    codes: Counter[str] = Counter()
    accepted: set[str] = set()
    guards: set[str] = set()
    for number in range(120):
        history = make_history(Random(f"histories/every/{number}"))
        model, directory = build(history.sources, []).model, history.directory
        assert model is not None
        for _ in range(25):
            event = history.event(directory)
            verdict = judge_event(model, directory, event, NOW)
            codes[verdict.code] += 1
            directory = verdict.directory
            if verdict.accepted:
                accepted.add(event["type"])
            if verdict.guard is not None:
                guards.add(model.guards[verdict.guard].kind)
    assert {code for code, count in codes.items() if count >= 10} == {
        *("accepted", "not_permitted", "guard_failed", "inactive_user", "unknown_user", "unknown_role"),
        *("unknown_scope", "unknown_group", "already_exists", "not_empty", "no_rule", "invalid_event"),
    }
    assert accepted == {*KEYS}
    assert guards == {"least", "most", "per_user", "never"}


# -- what holds whoever decides --------------------------------------------------------------------------------------


def required(policy: Policy, request: Json) -> list[tuple[str, str]]:
    """The required attributes that the request gives: of `resource` or of `context`."""
    model = policy.model
    assert model is not None
    properties, context = request["resource"].get("properties") or {}, request.get("context") or {}
    attributes = model.types[request["resource"]["type"]].attributes
    found = [("resource", name) for name, one in attributes.items() if name in properties and not one.optional]
    return found + [("context", name) for name, one in model.context.items() if name in context and not one.optional]


def without(request: Json, root: str, name: str) -> Json:
    """The request as if nobody had given the attribute."""
    changed = copy.deepcopy(request)
    bag = changed["resource"]["properties"] if root == "resource" else changed["context"]
    del bag[name]
    return changed


def judged(decision: Any) -> bool:
    """Whether rules decided, not the shape of the request."""
    return decision.code in ("denied_by_rule", "no_rule")


@given(cases(requests=12))
def test_leaving_out_never_gains(case: Case) -> None:
    """A denied request without one of its required attributes, or without its scope, is denied too."""
    policy = build(case.sources, case.overlays)
    pdp = policy.bind(case.directory, clock=lambda: NOW)
    for request in case.requests:
        if not judged(pdp.decide(request)):
            continue
        for root, name in required(policy, request):
            assert not pdp.decide(without(request, root, name)).allowed, (root, name, request)
        scope = (request["resource"].get("properties") or {}).get("scope")
        if scope in case.directory.scopes or scope in case.world.scopes:
            assert not pdp.decide(without(request, "resource", "scope")).allowed, request


@given(cases(requests=12))
def test_leaving_out_of_the_directory_never_gains(case: Case) -> None:
    """A denied request stays denied when its user loses a required attribute in the directory."""
    policy = build(case.sources, case.overlays)
    pdp = policy.bind(case.directory, clock=lambda: NOW)
    assert policy.model is not None
    names = [name for name, one in policy.model.user.items() if not one.optional]
    users = {}
    for user in case.directory.users.values():
        left = {word: value for word, value in user.attributes.items() if word not in names}
        users[user.id] = user._replace(attributes=left)
    poorer = policy.bind(case.directory._replace(users=users), clock=lambda: NOW)
    for request in case.requests:
        if judged(pdp.decide(request)) and request["subject"]["id"] in users:
            assert not poorer.decide(request).allowed, request


@given(cases(requests=12), st.randoms(use_true_random=False))
def test_order_never_matters(case: Case, random: Random) -> None:
    """Statements in another order and in other files mean the same: one digest, and decisions by the same rules."""
    shuffled = list(case.statements)
    random.shuffle(shuffled)
    middle = len(shuffled) // 2
    one, other = (
        build(case.sources, []),
        build({"b.remit": lines(shuffled[:middle]), "a.remit": lines(shuffled[middle:])}, []),
    )
    assert one.digest == other.digest
    first_pdp, second_pdp = (policy.bind(case.directory, clock=lambda: NOW) for policy in (one, other))
    for request in case.requests:
        left, right = first_pdp.decide(request), second_pdp.decide(request)
        assert left.code == right.code
        assert ids(left) == ids(right)


def ids(decision: Any) -> list[tuple[str, str | None]]:
    return sorted((rule["id"], rule["role"]) for rule in decision.rules)
