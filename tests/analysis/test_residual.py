"""What is left of a condition, held against the evaluator on every completion."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from referee.decide import Json
from referee.generate import NOW, Case, cases, make_case
from referee.judge import build

from remit import Policy
from remit.analysis.queries import Access, access
from remit.analysis.residual import Known, residual
from remit.evaluator.conditions import compile_condition
from remit.evaluator.facts import NOBODY, Facts, Person
from remit.evaluator.pdp import Judged, Pdp
from remit.evaluator.request import Asked, read_request
from remit.instant import parse_instant
from remit.model import expression as ex

# -- generated conditions --------------------------------------------------------------------------------------------


def opened(request: Json, random: Random) -> Json:
    """The request with some of its attributes left out; the scope stays, and so does the time."""
    poorer = copy.deepcopy(request)
    resource = poorer["resource"]
    for values, kept in ((resource.get("properties"), "scope"), (poorer.get("context"), "time")):
        for name in list(values or {}):
            if name != kept and random.random() < 0.6:
                del values[name]
    if random.random() < 0.5:
        resource.pop("id", None)
    return poorer


def partly(pdp: Pdp, request: Json, judged: Judged) -> Access:
    """What the user may do by the poorer request."""
    asked = read_request(request, pdp.holders.scopes)
    assert isinstance(asked, Asked)
    assert judged.cell is not None
    [may] = access(pdp, asked, [judged.cell])
    return may


def questions(case: Case) -> list[tuple[Policy, Pdp, Json, Judged]]:
    """The requests of a case that rules decide, with what they come to."""
    policy = build(case.sources, case.overlays)
    pdp = policy.bind(case.directory, clock=lambda: NOW)
    found = []
    for request in case.requests:
        judged = pdp.decide(request).judged
        if judged.code in ("allowed", "denied_by_rule", "no_rule"):
            found.append((policy, pdp, request, judged))
    return found


def agree(case: Case, random: Random) -> int:
    """Fails where a residual differs from the decision on the whole request; the number of conditions left."""
    left = 0
    for policy, pdp, request, judged in questions(case):
        poorer = opened(request, random)
        may = partly(pdp, poorer, judged)
        assert judged.facts is not None
        assert judged.cell is not None
        whole = compile_condition(may.when, policy.table.reading(judged.cell.type))(judged.facts)
        assert (whole is True) == (judged.code == "allowed"), (may.text, poorer, request)
        left += may.text is not None and may.when != ex.FALSE
    return left


@given(cases(requests=10), st.randoms(use_true_random=False))
def test_residuals_decide_as_the_evaluator(case: Case, random: Random) -> None:
    """What is left open comes out true for a completion exactly where the evaluator allows the whole request."""
    agree(case, random)


@pytest.mark.parametrize("chunk", range(4))
def test_many_residuals_decide_as_the_evaluator(chunk: int) -> None:
    """The same holds for 10,000 requests to 160 policies that are always the same; hundreds leave a condition."""
    left = 0
    for number in range(40):
        seed = f"residual/{chunk}/{number}"
        left += agree(make_case(Random(seed), requests=60), Random(seed))
    assert left > 100


@pytest.mark.parametrize("number", range(20))
def test_residuals_are_in_the_language(number: int) -> None:
    """The text of what is left compiles as a rule's condition and means the same."""
    random = Random(f"language/{number}")
    case = make_case(random, requests=15)
    for policy, pdp, request, judged in questions(case):
        may = partly(pdp, opened(request, random), judged)
        if may.when in (ex.TRUE, ex.FALSE):
            continue
        assert judged.cell is not None
        assert judged.facts is not None
        cell = f"{ex.quoted(judged.cell.action)} on {ex.quoted(judged.cell.type)}"
        probe = Policy.from_sources({"p.remit": f"role probe_ {{ allow {cell} when {may.text} }}"}, policy, "probe")
        [rule] = [rule for rule in probe.table.rules if rule.role == "probe_"]
        assert rule.condition is not None
        reading = policy.table.reading(judged.cell.type)
        values = [compile_condition(one, reading)(judged.facts) is True for one in (rule.condition, may.when)]
        assert values[0] == values[1], may.text


@pytest.mark.parametrize("number", range(20))
def test_nothing_open_leaves_nothing(number: int) -> None:
    """Where every attribute is given, absent ones as null, a residual is always or never."""
    case = make_case(Random(f"whole/{number}"), requests=30)
    for policy, pdp, request, judged in questions(case):
        assert judged.cell is not None
        whole = copy.deepcopy(request)
        resource = whole["resource"]
        attributes = policy.table.types[judged.cell.type].attributes
        resource["properties"] = {**dict.fromkeys(attributes), **(resource.get("properties") or {})}
        resource["id"] = resource.get("id") or "x"
        whole["context"] = {**dict.fromkeys(policy.table.context), **(whole.get("context") or {})}
        assert partly(pdp, whole, judged).when in (ex.TRUE, ex.FALSE)


# -- by hand ---------------------------------------------------------------------------------------------------------

POLICY = """
area a { resource record {
  vet: user  status: "open" | "closed"  cost: int  urgent: bool  created: time  tags: set of string
  kind: ("x" | "y")?  note: string?  actions read
} }
context { hour: int  mfa: bool }
user { department: string  teams: set of string  title: string  senior: bool  since: time }
condition treats = resource.vet == user.id
"""
USER = {"department": "surgery", "teams": ["desk", "ward"], "senior": True, "since": "2024-01-01T00:00:00Z"}
TIME = parse_instant("2024-03-31T00:00:00Z")


def left(condition: str, negated: bool = False, user_id: Any = "ann", **given: Any) -> str:
    """What is left of a condition for ann, as text. `given`: attributes of the resource, or of the context as `c_…`."""
    policy = Policy.from_sources({"p.remit": f"{POLICY} role r {{ allow read on record when {condition} }}"})
    context = {name[2:]: value for name, value in given.items() if name.startswith("c_")}
    properties = {name: value for name, value in given.items() if name[:2] != "c_" and name != "id"}
    person = Person(None, lambda: frozenset({"staff"}), lambda: frozenset({"r", "s"}), lambda: TIME)
    facts = Facts(user_id, properties, context, USER, given.get("id"), person)
    known = Known(policy.table.reading("record"), facts)
    return ex.text(residual(policy.table.rules[0].condition, known, negated))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("treats", 'resource.vet == "ann"'),
        ("user.id == resource.vet", 'resource.vet == "ann"'),
        ('treats and resource.status == "open"', 'resource.vet == "ann" and resource.status == "open"'),
        ('user.department == "surgery" and context.hour > 8', "context.hour > 8"),
        ('user.department == "x" and context.hour > 8', "false"),
        ('user.department == "surgery" or context.hour > 8', "true"),
        ("not (context.hour > 8 and resource.urgent)", "context.hour <= 8 or not resource.urgent"),
        ("resource.urgent == user.senior", "resource.urgent"),
        ("resource.urgent != true", "not resource.urgent"),
        ("user.id in resource.tags", '"ann" in resource.tags'),
        ("resource.vet in user.teams", 'resource.vet in ["desk", "ward"]'),
        ("resource.vet not in user.groups", 'resource.vet != "staff"'),
        ('"r" in user.roles and "q" not in user.roles', "true"),
        ("resource.created > user.since", 'resource.created > "2024-01-01T00:00:00Z"'),
        ("context.time - resource.created < 30d", 'resource.created > "2024-03-01T00:00:00Z"'),
        ("resource.created - context.time < 1d", 'resource.created < "2024-04-01T00:00:00Z"'),
        ("resource.id == user.id", 'resource.id == "ann"'),
        ('resource.scope == "branch/north"', "false"),
        ("(context.mfa or resource.urgent) == user.senior", "context.mfa or resource.urgent"),
        (
            "(context.mfa and user.senior) != resource.urgent",
            "context.mfa and not resource.urgent or not context.mfa and resource.urgent",
        ),
    ],
)
def test_what_is_left(condition: str, expected: str) -> None:
    """Known values stand in the condition, what they settle is gone, and the rest reads as a person would write it."""
    assert left(condition) == expected


@pytest.mark.parametrize(
    "condition",
    [
        'user.title == "head"',
        'user.title != "head"',
        "resource.vet == user.title",
        'not (user.title == "head")',
    ],
)
def test_unknown_for_good_gives_nothing(condition: str) -> None:
    """A user attribute that the directory lacks makes no allow true, and no deny false."""
    assert left(condition) == "false"
    assert left(condition, negated=True) == "false"


def test_unknown_beside_open_keeps_the_open() -> None:
    """Only the literal that is unknown falls; another way to be true stays."""
    assert left('user.title == "head" or context.hour > 8') == "context.hour > 8"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('resource.status == "open" and resource.status == "closed"', "false"),
        ('resource.status == "open" and resource.status != "open"', "false"),
        (
            'resource.status == "open" and (resource.status == "closed" or context.mfa)',
            'resource.status == "open" and context.mfa',
        ),
        ("context.mfa and not context.mfa", "false"),
        ("context.mfa or not context.mfa", "context.mfa or not context.mfa"),
        ("context.mfa or context.mfa and resource.urgent", "context.mfa"),
        ("context.mfa and (context.mfa or resource.urgent)", "context.mfa"),
        ("treats and treats", 'resource.vet == "ann"'),
        ("not has resource.note and has resource.note", "false"),
    ],
)
def test_what_one_part_settles(condition: str, expected: str) -> None:
    """Parts of an `and` know of each other; what holds only without unknown values is not folded."""
    assert left(condition) == expected


@pytest.mark.parametrize(
    ("condition", "given", "expected"),
    [
        ('has resource.note and resource.note == "a"', {}, 'has resource.note and resource.note == "a"'),
        ('has resource.note and resource.note == "a"', {"note": None}, "false"),
        ('has resource.note and resource.note == "a"', {"note": "a"}, "true"),
        ('not has resource.note or resource.note != "a"', {"note": None}, "true"),
        (
            '(not has resource.note or resource.note != "a") and has resource.note',
            {},
            'has resource.note and resource.note != "a"',
        ),
        ("treats", {"vet": 7}, "false"),
        ("resource.cost < 9223372036854775807", {"cost": 2**63}, "false"),
    ],
)
def test_given_values(condition: str, given: dict[str, Any], expected: str) -> None:
    """A value given is used, null is absent, one of a wrong type is unknown; `has` stays before what it guards."""
    assert left(condition, **given) == expected


def test_an_enumeration_names_its_own_values_alone() -> None:
    """A user's value that the resource's enumeration lacks equals none of it, and is not written beside it."""
    assert left("has resource.kind and resource.kind == user.department") == "false"
    different = "has resource.kind and resource.kind != user.department"
    assert left(different) == different


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("treats", "false"),
        ("resource.vet != user.id", "resource.vet != user.id"),
        ("user.id in resource.tags", "false"),
        ("user.id not in resource.tags", "user.id not in resource.tags"),
    ],
)
def test_nobody_equals_no_id(condition: str, expected: str) -> None:
    """Nobody in particular: `user.id` differs from every id that is there."""
    assert left(condition, user_id=NOBODY) == expected


def test_deep_conditions_take_no_longer() -> None:
    """Alternating `and` and `or`, each with something to settle, is quadratic at worst and never exponential."""
    cost = ex.Attr("resource", "cost")
    condition: ex.Expr = ex.Attr("context", "mfa")
    for depth in range(1, 100):
        rest = ex.And((ex.Compare(">", cost, ex.Const("int", -depth)), condition))
        condition = ex.Or((ex.Compare("==", cost, ex.Const("int", depth)), rest))
    policy = Policy.from_sources({"p.remit": POLICY})
    facts = Facts("ann", {}, {}, USER, None, Person(None, frozenset, frozenset, lambda: TIME))
    text = ex.text(residual(condition, Known(policy.table.reading("record"), facts)))
    assert text.startswith("resource.cost == 99 or resource.cost > -99 and (resource.cost == 98 or ")
