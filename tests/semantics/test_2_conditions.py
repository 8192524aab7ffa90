"""SEMANTICS 2: what conditions come to."""

from __future__ import annotations

from typing import Any

import pytest
from world import ANN, PLAIN, bind, code, codes, compiles, explained, findings, holds_up, policy, truth

MISSING = object()
THREE = [True, False, MISSING]


def given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not MISSING}


def known(value: Any) -> bool | None:
    return None if value is MISSING else value


# -- three values ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", THREE)
@pytest.mark.parametrize("q", THREE)
def test_and_or_are_kleenes(p: Any, q: Any) -> None:
    """`and` is false where a part is, else unknown where a part is; `or` is true where a part is, else unknown."""
    declared = "p: bool q: bool"
    parts = [known(p), known(q)]
    both = False if False in parts else None if None in parts else True
    either = True if True in parts else None if None in parts else False
    assert truth("resource.p and resource.q", declared, given=given(p=p, q=q)) is both
    assert truth("resource.p or resource.q", declared, given=given(p=p, q=q)) is either


@pytest.mark.parametrize("p", THREE)
def test_not_is_kleenes(p: Any) -> None:
    """`not` of unknown is unknown; twice `not` is nothing."""
    value = known(p)
    assert truth("not resource.p", "p: bool", given=given(p=p)) is (None if value is None else not value)
    assert truth("not not resource.p", "p: bool", given=given(p=p)) is value


@pytest.mark.parametrize("p", THREE)
def test_nothing_is_true_by_form_alone(p: Any) -> None:
    """`a or not a` and `a and not a` are unknown where a is."""
    value = known(p)
    assert truth("resource.p or not resource.p", "p: bool", given=given(p=p)) is (None if value is None else True)
    assert truth("resource.p and not resource.p", "p: bool", given=given(p=p)) is (None if value is None else False)
    assert truth("resource.p == resource.p", "p: bool", given=given(p=p)) is (None if value is None else True)


@pytest.mark.parametrize("condition", ["resource.p or true", "true or resource.p"])
def test_a_literal_settles_what_is_unknown(condition: str) -> None:
    """`or` with a true part is true, whatever the other part is."""
    assert truth(condition, "p: bool") is True


# -- wrong values ----------------------------------------------------------------------------------------------------

NO_STRING = [1, True, 1.5, [], ["a"], {}, {"a": 1}, None]
NO_INT = [True, False, "5", 5.0, 5.5, 2**63, -(2**63) - 1, 10**40, [], [5], {}, None, float("nan"), float("inf")]
NO_BOOL = [0, 1, "true", "", [], {}, None, 1.0]
NO_TIME = [
    "2024-06-01T00:00:00",
    "2024-06-01",
    "2024-06-01 ",
    "soon",
    "",
    0,
    1717200000,
    True,
    [],
    None,
    "2024-13-01T00:00:00Z",
    "2024-02-30T00:00:00Z",
    "2024-06-01T25:00:00Z",
]


@pytest.mark.parametrize("value", NO_STRING)
def test_what_is_no_string_is_unknown(value: Any) -> None:
    """A string attribute that holds something else is unknown, to `==`, `!=` and `in` alike."""
    for condition in ('resource.s == "5"', 'resource.s != "5"', 'resource.s in ["5"]', 'resource.s not in ["5"]'):
        assert truth(condition, "s: string", given={"s": value}) is None, condition


@pytest.mark.parametrize("value", NO_STRING)
def test_what_is_no_user_is_unknown(value: Any) -> None:
    """A user attribute that holds no id is unknown, also beside `user.id`."""
    for condition in ("resource.u == user.id", "user.id == resource.u", "resource.u != user.id"):
        assert truth(condition, "u: user", given={"u": value}) is None, condition


@pytest.mark.parametrize("value", NO_INT)
def test_what_is_no_int_is_unknown(value: Any) -> None:
    """A bool, a float, a text and an int beyond 64 bits are no int."""
    for condition in ("resource.n == 5", "resource.n != 5", "resource.n < 5", "resource.n >= 5", "resource.n in [5]"):
        assert truth(condition, "n: int", given={"n": value}) is None, condition


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63)])
def test_the_last_ints_are_ints(value: int) -> None:
    """64 bits reach from -2⁶³ to 2⁶³-1."""
    assert truth("resource.n == 5", "n: int", given={"n": value}) is False
    assert truth("resource.n > 5", "n: int", given={"n": value}) is (value > 5)
    assert truth(f"resource.n == {value}", "n: int", given={"n": value}) is True


@pytest.mark.parametrize("value", NO_BOOL)
def test_what_is_no_bool_is_unknown(value: Any) -> None:
    """1 and 0 are no bools, nor are texts."""
    for condition in (
        "resource.p",
        "not resource.p",
        "resource.p == true",
        "resource.p != true",
        "false == resource.p",
    ):
        assert truth(condition, "p: bool", given={"p": value}) is None, condition


@pytest.mark.parametrize("value", NO_TIME)
def test_what_is_no_time_is_unknown(value: Any) -> None:
    """A time without zone, a date and a number are no times."""
    for condition in (
        "resource.t < context.time",
        "resource.t >= context.time",
        "context.time - resource.t < 30d",
        'resource.t == "2024-06-01T00:00:00Z"',
    ):
        assert truth(condition, "t: time", given={"t": value}) is None, condition


@pytest.mark.parametrize("value", ["Open", "", "other", 1, True, None, ["open"], {}])
def test_a_value_outside_the_enumeration_is_unknown(value: Any) -> None:
    """An enumeration reads only its own values."""
    for condition in (
        'resource.s == "open"',
        'resource.s != "open"',
        'resource.s in ["open", "closed"]',
        'resource.s == "open" or resource.s == "closed"',
    ):
        assert truth(condition, 's: "open" | "closed"', given={"s": value}) is None, condition


@pytest.mark.parametrize(
    "element, literal, value",
    [
        ("string", '"a"', "a"),
        ("string", '"a"', {"a": True}),
        ("string", '"a"', ["a", 1]),
        ("string", '"a"', ["a", None]),
        ("string", '"a"', ["a", ["b"]]),
        ("string", '"a"', ["a", True]),
        ("string", '"a"', None),
        ("string", '"a"', 1),
        ("int", "1", [1, True]),
        ("int", "1", [True]),
        ("int", "1", [1, 2**63]),
        ("int", "1", [1.0]),
        ("int", "1", [1, "1"]),
        ('"a" | "b"', '"a"', ["a", "c"]),
        ('("a" | "b")', '"a"', ["a", 1]),
        ("user", "user.id", ["ann", 1]),
        ("bool", "true", [1]),
        ("bool", "true", [True, 0]),
    ],
)
def test_a_wrong_value_inside_a_set_makes_it_unknown(element: str, literal: str, value: Any) -> None:
    """One element of a wrong type spoils the whole set, also where the element asked for is there."""
    declared = f"s: set of {element}"
    assert truth(f"{literal} in resource.s", declared, given={"s": value}) is None
    assert truth(f"{literal} not in resource.s", declared, given={"s": value}) is None


@pytest.mark.parametrize("value", [["2024-06-01T00:00:00Z", "2024-06-01T00:00:00"], [0]])
def test_a_time_without_zone_inside_a_set_makes_it_unknown(value: Any) -> None:
    """A set of times reads only times with zones."""
    assert truth("context.time in resource.s", "s: set of time", given={"s": value}) is None


def test_an_empty_set_is_known() -> None:
    """The empty set holds nothing, and is not unknown."""
    assert truth('"a" in resource.s', "s: set of string", given={"s": []}) is False
    assert truth('"a" not in resource.s', "s: set of string", given={"s": []}) is True
    assert truth('"a" in resource.s', "s: set of string", given={"s": ["b", "a", "a"]}) is True


@pytest.mark.parametrize(
    "declared, condition, value",
    [
        ("x: int?", "has resource.x and resource.x == 5", "5"),
        ("x: int?", "has resource.x and resource.x == 5", True),
        ("x: string?", 'has resource.x and resource.x == "a"', 1),
        ("x: bool?", "has resource.x and resource.x", 1),
        ("x: time?", "has resource.x and resource.x < context.time", "2024-01-01"),
        ("x: user?", "has resource.x and resource.x == user.id", 7),
        ('x: ("a" | "b")?', 'has resource.x and resource.x == "a"', "c"),
        ("x: set of string?", 'has resource.x and "a" in resource.x', ["a", 1]),
        ("x: set of string?", 'has resource.x and "a" in resource.x', "a"),
    ],
)
def test_a_wrong_value_of_an_optional_attribute_is_unknown_too(declared: str, condition: str, value: Any) -> None:
    """Optional does not mean lenient: a value of the wrong type is present and unknown."""
    assert truth(condition, declared, given={"x": value}) is None
    assert truth("has resource.x", declared, given={"x": value}) is True
    assert truth(condition, declared) is False
    assert truth(condition, declared, given={"x": None}) is False


def test_wrong_values_of_users_are_unknown() -> None:
    """What the directory says of a user is held to its type as well."""
    wrong = "users: {ann: {assignments: [{role: r}], attributes: {level: %s}}}"
    assert truth("user.level == 3", user="level: int", directory=wrong % "3") is True
    assert truth("user.level == 3", user="level: int", directory=wrong % '"3"') is None
    assert truth("user.level == 3", user="level: int", directory=wrong % "true") is None
    assert truth("user.level == 3", user="level: int", directory=wrong % "null") is None
    assert truth("user.level == 3", user="level: int") is None


def test_wrong_values_of_the_context_are_unknown() -> None:
    """The context is held to its types as well."""
    assert truth("context.hour == 9", context="hour: int", sent={"hour": 9}) is True
    assert truth("context.hour == 9", context="hour: int", sent={"hour": "9"}) is None
    assert truth("context.hour == 9", context="hour: int", sent={"hour": None}) is None
    assert truth("context.hour == 9", context="hour: int", sent={}) is None
    assert truth("context.hour == 9", context="hour: int") is None


def test_the_explanation_names_what_was_unknown() -> None:
    """`missing` lists the attributes for want of which a condition is unknown, of a wrong type or not given."""
    text = """
    area desk { resource note { n: int s: "a" | "b" u: user  actions read } }
    role r { deny read on note when resource.n == 5 and resource.s == "a" and resource.u == user.id }
    """
    found = explained(bind(text), "ann", "read", n=True, u="ann")
    condition = found["rules"][0]["condition"]
    assert condition["value"] is None
    assert condition["missing"] == ["resource.n", "resource.s"]


# -- has and optional attributes -------------------------------------------------------------------------------------


def test_has_is_two_valued() -> None:
    """`has` is true of any non-null value, a false or empty one too, and else false."""
    for declared, value in [
        ("x: int?", 0),
        ("x: bool?", False),
        ("x: string?", ""),
        ("x: set of string?", []),
    ]:
        assert truth("has resource.x", declared, given={"x": value}) is True
        assert truth("not has resource.x", declared, given={"x": value}) is False
        assert truth("has resource.x", declared) is False
        assert truth("has resource.x", declared, given={"x": None}) is False


def test_has_reads_users_and_context() -> None:
    """`has` works on all three kinds of attribute."""
    staff = "users: {ann: {assignments: [{role: r}], attributes: {team: x}}}"
    assert truth("has user.team", user="team: string?", directory=staff) is True
    assert truth("has user.team", user="team: string?") is False
    assert truth("has context.x", context="x: int?", sent={"x": 1}) is True
    assert truth("has context.x", context="x: int?", sent={"x": None}) is False
    assert truth("has context.x", context="x: int?") is False


def test_has_of_a_required_attribute_is_an_error() -> None:
    """A required attribute is not asked for with `has`."""
    assert not holds_up("has resource.x", "x: int")
    assert not holds_up("not has resource.x", "x: int")
    assert not holds_up("has context.x", context="x: int")
    assert not holds_up("has user.x", user="x: int")
    assert not holds_up("has resource.x", "x: set of string")
    assert holds_up("has resource.x", "x: int?")


OPTIONAL = "x: int?  y: int?  p: bool  q: bool  s: set of string?"


@pytest.mark.parametrize(
    "condition",
    [
        "has resource.x and resource.x == 1",
        "not has resource.x or resource.x == 1",
        "has resource.x and (resource.p or resource.x == 1)",
        "has resource.x and not resource.x == 1",
        "not (has resource.x and resource.x == 1)",
        "not (not has resource.x) and resource.x == 1",
        "not (not has resource.x or resource.x == 1)",
        "resource.p and has resource.x and resource.q and resource.x == 1",
        "(resource.p and has resource.x) and (resource.q and resource.x == 1)",
        "not (not has resource.x or resource.p) and resource.x == 1",
        "(has resource.x and resource.p or has resource.x and resource.q) and resource.x == 1",
        "has resource.x and has resource.y and resource.x == resource.y",
        "not has resource.x or not has resource.y or resource.x == resource.y",
        "not has resource.x or resource.p or resource.x == 1",
        "has resource.x and resource.x > 1 and resource.x < 5",
        'has resource.s and "a" in resource.s',
        'has resource.s and "a" not in resource.s',
        "has resource.x and resource.x in [1, 2]",
        "(has resource.x and resource.x == 1) or (has resource.x and resource.x == 2)",
        "has resource.x and resource.x == 1 or has resource.y and resource.y == 1",
    ],
)
def test_an_optional_attribute_is_read_where_every_path_has_passed_has(condition: str) -> None:
    """Each of these reads only what is there."""
    assert holds_up(condition, OPTIONAL)


@pytest.mark.parametrize(
    "condition",
    [
        "resource.x == 1",
        "not resource.x == 1",
        "resource.x == 1 or resource.p",
        "has resource.x or resource.x == 1",
        "not has resource.x and resource.x == 1",
        "has resource.y and resource.x == 1",
        "(has resource.x or resource.p) and resource.x == 1",
        "has resource.x and resource.p or resource.x == 1",
        "(has resource.x and resource.x == 1) or resource.x == 2",
        "not (has resource.x or resource.p) or resource.x == 1",
        "(has resource.x and resource.p or resource.q) and resource.x == 1",
        "has resource.x and resource.x == resource.y",
        '"a" in resource.s',
        '"a" not in resource.s',
        'not has resource.s and "a" in resource.s',
        "resource.x in [1]",
        "not (not has resource.x) or resource.x == 1",
    ],
)
def test_an_optional_attribute_read_bare_is_an_error(condition: str) -> None:
    """Each of these may read what is not there."""
    assert not holds_up(condition, OPTIONAL)


def test_has_guards_only_the_attribute_it_names() -> None:
    """`resource.x`, `context.x` and `user.x` are three attributes."""
    both = {"declared": "x: int?", "context": "x: int?", "user": "x: int?"}
    assert holds_up("has context.x and context.x == 1", **both)
    assert not holds_up("has resource.x and context.x == 1", **both)
    assert not holds_up("has context.x and user.x == 1", **both)


def test_a_named_condition_guards_itself() -> None:
    """A condition that reads an optional attribute has its own `has`; one outside does not help it."""
    assert holds_up("c", "x: int?", more="condition c = has resource.x and resource.x == 1")
    assert holds_up("not c", "x: int?", more="condition c = has resource.x and resource.x == 1")
    assert not holds_up("has resource.x and c", "x: int?", more="condition c = resource.x == 1")


def test_optional_enumerations() -> None:
    """`("a" | "b")?` may be absent, and reads only its values."""
    declared, condition = 's: ("a" | "b")?', 'has resource.s and resource.s == "a"'
    assert truth(condition, declared, given={"s": "a"}) is True
    assert truth(condition, declared, given={"s": "b"}) is False
    assert truth(condition, declared, given={"s": "c"}) is None
    assert truth(condition, declared) is False


def test_set_of_t_with_a_question_mark_is_an_optional_set() -> None:
    """In `set of T?` the set may be absent, not its elements."""
    declared, condition = "s: set of string?", 'has resource.s and "a" in resource.s'
    assert truth(condition, declared) is False
    assert truth(condition, declared, given={"s": ["a"]}) is True
    assert truth(condition, declared, given={"s": ["a", None]}) is None


def test_leaving_an_optional_attribute_out_may_allow() -> None:
    """What is optional and not sent counts as absent: a deny under `has` then does not bite."""
    text = """
    area desk { resource note { actions read } }
    context { channel: string? }
    role r { allow read on note  deny read on note when has context.channel and context.channel == "api" }
    """
    pdp = bind(text)
    assert code(pdp, "ann", "read", context={"channel": "api"}) == "denied_by_rule"
    assert code(pdp, "ann", "read", context={"channel": 7}) == "denied_by_rule"
    assert code(pdp, "ann", "read", context={"channel": "web"}) == "allowed"
    assert code(pdp, "ann", "read") == "allowed"
    assert code(pdp, "ann", "read", context={"channel": None}) == "allowed"


def test_leaving_a_required_attribute_out_never_allows() -> None:
    """A plain deny on a required attribute denies everybody who does not send it."""
    text = """
    area desk { resource note { actions read } }
    context { channel: string }
    role r { allow read on note  deny read on note when context.channel == "api" }
    """
    pdp = bind(text)
    assert code(pdp, "ann", "read", context={"channel": "web"}) == "allowed"
    assert code(pdp, "ann", "read") == "denied_by_rule"
    assert code(pdp, "ann", "read", context={"channel": None}) == "denied_by_rule"


# -- types -----------------------------------------------------------------------------------------------------------

TWO = """
area desk {
  resource note { x: int? n: int  actions read }
  resource memo { n: string  actions read }
  resource file { actions read }
}
"""


def test_a_condition_is_checked_against_every_type_of_its_rule() -> None:
    """What one of the covered types lacks, or has of another type, is an error, by `*` too."""
    assert compiles(TWO + "role r { allow read on note when resource.n == 1 }")
    assert compiles(TWO + 'role r { allow read on memo when resource.n == "a" }')
    assert not compiles(TWO + "role r { allow read on note, memo when resource.n == 1 }")
    assert not compiles(TWO + "role r { allow read on note, file when resource.n == 1 }")
    assert not compiles(TWO + "role r { allow read on * when resource.n == 1 }")
    assert compiles(TWO + "role r { allow read on * except memo, file when resource.n == 1 }")


def test_a_named_condition_is_checked_where_it_is_used() -> None:
    """One condition may serve one type and not another."""
    named = TWO + "condition c = resource.n == 1 "
    assert compiles(named + "role r { allow read on note when c }")
    assert not compiles(named + "role r { allow read on memo when c }")
    assert not compiles(named + "role r { allow read on file when c }")


def test_has_of_what_a_type_lacks_is_false_there() -> None:
    """`has` of an attribute that a covered type lacks is false, and what it guards is not read."""
    pdp = bind(TWO + "role r { allow read on note, file when has resource.x and resource.x == 1 }")
    assert code(pdp, "ann", "read", "note", x=1) == "allowed"
    assert code(pdp, "ann", "read", "file", x=1) == "no_rule"
    pdp = bind(TWO + "role r { allow read on note, file when not has resource.x or resource.x == 1 }")
    assert code(pdp, "ann", "read", "file", x=2) == "allowed"
    assert code(pdp, "ann", "read", "note", x=2) == "no_rule"
    assert code(pdp, "ann", "read", "note") == "allowed"


def test_has_of_what_all_types_lack_is_an_error() -> None:
    """`has` of an attribute that no covered type has is a mistake."""
    assert not compiles(TWO + "role r { allow read on file when has resource.x }")
    assert not compiles(TWO + "role r { allow read on memo, file when not has resource.x }")
    assert not compiles(TWO + "role r { allow read on note when has resource.z }")


def test_deny_under_has_over_types_that_lack_it() -> None:
    """A deny under `has` does not bind where the type lacks the attribute; under `not has` it does."""
    pdp = bind(TWO + "role r { allow read on * deny read on note, file when not has resource.x }")
    assert code(pdp, "ann", "read", "file", x=1) == "denied_by_rule"
    assert code(pdp, "ann", "read", "note", x=1) == "allowed"
    assert code(pdp, "ann", "read", "memo", x=1) == "allowed"


# -- operators -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [4, 5, 6])
@pytest.mark.parametrize(
    "operator, mirrored, holds",
    [
        ("<", ">", lambda n: n < 5),
        ("<=", ">=", lambda n: n <= 5),
        (">", "<", lambda n: n > 5),
        (">=", "<=", lambda n: n >= 5),
        ("==", "==", lambda n: n == 5),
        ("!=", "!=", lambda n: n != 5),
    ],
)
def test_comparisons_in_both_directions(n: int, operator: str, mirrored: str, holds: Any) -> None:
    """A comparison may be written from either side."""
    assert truth(f"resource.n {operator} 5", "n: int", given={"n": n}) is holds(n)
    assert truth(f"5 {mirrored} resource.n", "n: int", given={"n": n}) is holds(n)


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "==", "!="])
@pytest.mark.parametrize("a, b", [(1, 2), (2, 2), (3, 2)])
def test_attributes_compared_with_attributes(operator: str, a: int, b: int) -> None:
    """Two attributes compare as their values do."""
    expected = {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[operator]
    assert truth(f"resource.a {operator} resource.b", "a: int b: int", given={"a": a, "b": b}) is expected
    assert truth(f"resource.b {operator} resource.a", "a: int b: int", given={"a": b, "b": a}) is expected
    assert truth(f"resource.a {operator} resource.b", "a: int b: int", given={"a": a}) is None


def test_ints_at_the_edge() -> None:
    """Bounds at the last ints neither overflow nor close."""
    top, bottom = 2**63 - 1, -(2**63)
    assert truth(f"resource.n > {top}", "n: int", given={"n": top}) is False
    assert truth(f"resource.n >= {top}", "n: int", given={"n": top}) is True
    assert truth(f"resource.n < {bottom}", "n: int", given={"n": bottom}) is False
    assert truth(f"resource.n <= {bottom}", "n: int", given={"n": bottom}) is True
    assert truth(f"resource.n > {top}", "n: int") is None
    assert truth(f"resource.n <= {top}", "n: int") is None


def test_negative_ints() -> None:
    """Ints may be below nought."""
    assert truth("resource.n < -5", "n: int", given={"n": -6}) is True
    assert truth("resource.n < -5", "n: int", given={"n": -5}) is False
    assert truth("resource.n in [-5, 5]", "n: int", given={"n": -5}) is True


@pytest.mark.parametrize(
    "condition",
    [
        'resource.s < "b"',
        "resource.s <= resource.s",
        "resource.u > user.id",
        "resource.p < true",
        'resource.e >= "open"',
        "resource.l < resource.l",
        "resource.n < resource.t",
        "resource.n < 5s",
        "resource.t < 5s",
        "resource.t < 5",
        "resource.n == true",
        'resource.n == "5"',
        "resource.p == 1",
        "resource.s == 5",
        "resource.t - resource.t < 5",
        "resource.n - resource.n < 5",
        "resource.n - 1 < 5",
        "resource.t - 5s < context.time",
        "resource.n",
        "resource.s",
        "5",
        '"a"',
        "resource.n and resource.p",
        "not resource.n",
        "resource.n in resource.s",
        'resource.s in "abc"',
        '"a" in resource.e',
        "5 in resource.l",
        'resource.n in ["a"]',
        'resource.s in ["a", 5]',
        "resource.p == resource.n",
    ],
)
def test_types_are_held_at_compile_time(condition: str) -> None:
    """Order is for int, time and duration; sides have one type; a condition is a bool; times alone are subtracted."""
    declared = 's: string u: user p: bool n: int t: time e: "open" | "closed" l: set of string'
    assert not holds_up(condition, declared)


@pytest.mark.parametrize(
    "condition",
    [
        "1 < resource.n < 5",
        "resource.n == 1 == 2",
        "resource.n < 5 == true",
        "resource.n + 1 == 2",
        "resource.n * 2 == 2",
        "resource.t - resource.t - resource.t < 5s",
        "context.time - resource.t < 30 d",
        "context.time - resource.t < 30w",
        "context.time - resource.t < 1.5h",
    ],
)
def test_what_the_grammar_refuses(condition: str) -> None:
    """Comparisons do not chain, there is no other arithmetic, and a duration is written without a blank."""
    assert not holds_up(condition, "n: int t: time")


def test_not_binds_looser_than_equals() -> None:
    """`not a == b` is `not (a == b)`, and binds closer than `and`."""
    assert truth("not resource.p == false", "p: bool", given={"p": True}) is True
    assert truth("not resource.n == 5", "n: int", given={"n": 4}) is True
    assert truth("not resource.n == 5 and resource.n == 4", "n: int", given={"n": 4}) is True
    assert truth("not resource.n in [5]", "n: int", given={"n": 5}) is False


def test_and_binds_closer_than_or() -> None:
    """`a or b and c` is `a or (b and c)`."""
    declared = "a: bool b: bool c: bool"
    values = {"a": True, "b": True, "c": False}
    assert truth("resource.a or resource.b and resource.c", declared, given=values) is True
    assert truth("(resource.a or resource.b) and resource.c", declared, given=values) is False


def test_not_is_not_dropped() -> None:
    """A `not` before a name, a path, brackets and `has` counts."""
    assert truth("not c", "p: bool", more="condition c = resource.p", given={"p": True}) is False
    assert truth("not (resource.p)", "p: bool", given={"p": True}) is False
    assert truth("not true") is False
    assert truth("not has resource.x", "x: int?") is True


def test_in_takes_a_list_or_a_set() -> None:
    """`in` asks a literal list or a set attribute, `not in` is its `not`."""
    assert truth('resource.s in ["a", "b"]', "s: string", given={"s": "b"}) is True
    assert truth('resource.s in ["a", "b"]', "s: string", given={"s": "c"}) is False
    assert truth('resource.s not in ["a", "b"]', "s: string", given={"s": "c"}) is True
    assert truth('not (resource.s in ["a", "b"])', "s: string", given={"s": "c"}) is True
    assert truth('not resource.s not in ["a"]', "s: string", given={"s": "a"}) is True
    assert truth("resource.n in resource.l", "n: int l: set of int", given={"n": 1, "l": [1, 2]}) is True
    assert truth("resource.n in resource.l", "n: int l: set of int", given={"n": 3, "l": [1, 2]}) is False
    assert truth("resource.n in resource.l", "n: int l: set of int", given={"l": [1, 2]}) is None
    assert truth("resource.n in resource.l", "n: int l: set of int", given={"n": 1}) is None
    assert truth("resource.u in resource.l", "u: user l: set of user", given={"u": "x", "l": ["x"]}) is True
    assert truth('"b" in resource.l', 'l: set of "a" | "b"', given={"l": ["b"]}) is True
    assert truth("user.id in resource.l", "l: set of user", given={"l": ["ann"]}) is True


def test_a_bool_is_no_int_in_lists() -> None:
    """`1` and `true` are two values, in a set and beside one."""
    assert truth("1 in resource.l", "l: set of int", given={"l": [1]}) is True
    assert truth("true in resource.l", "l: set of bool", given={"l": [True]}) is True
    assert truth("resource.n in [0, 1]", "n: int", given={"n": True}) is None


def test_values_outside_an_enumeration_do_not_compile() -> None:
    """A literal that the enumeration lacks can never be equal, and is a mistake."""
    declared = 's: "open" | "closed" l: set of "open" | "closed"'
    assert holds_up('resource.s == "open"', declared)
    assert not holds_up('resource.s == "opn"', declared)
    assert not holds_up('resource.s != "opn"', declared)
    assert not holds_up('resource.s in ["open", "opn"]', declared)
    assert not holds_up('"opn" in resource.l', declared)


# -- time ------------------------------------------------------------------------------------------------------------

NOON = "2024-06-01T12:00:00Z"


@pytest.mark.parametrize(
    "same",
    [
        "2024-06-01T12:00:00Z",
        "2024-06-01T12:00:00.000Z",
        "2024-06-01T14:00:00+02:00",
        "2024-06-01T06:30:00-05:30",
        "2024-06-02T00:00:00+12:00",
        "2024-06-01T12:00:00+00:00",
        "2024-06-01t12:00:00z",
    ],
)
def test_times_are_instants(same: str) -> None:
    """Two texts in different zones may be one time."""
    assert truth("resource.t == context.time", "t: time", given={"t": same}, sent={"time": NOON}) is True
    assert truth("resource.t < context.time", "t: time", given={"t": same}, sent={"time": NOON}) is False
    assert truth(f'resource.t == "{NOON}"', "t: time", given={"t": same}) is True
    assert truth(f'"{same}" >= resource.t', "t: time", given={"t": NOON}) is True


def test_later_texts_may_be_earlier_times() -> None:
    """Order is of instants, not of texts."""
    later_text = "2024-06-01T13:00:00+02:00"
    assert truth("resource.t < context.time", "t: time", given={"t": later_text}, sent={"time": NOON}) is True


def test_fractions_of_a_second_count() -> None:
    """A microsecond before is before."""
    almost = "2024-06-01T11:59:59.999999Z"
    assert truth("resource.t < context.time", "t: time", given={"t": almost}, sent={"time": NOON}) is True
    assert truth("resource.t == context.time", "t: time", given={"t": almost}, sent={"time": NOON}) is False


@pytest.mark.parametrize(
    "duration, start, inside",
    [
        ("30d", "2024-05-02T12:00:00Z", False),
        ("30d", "2024-05-02T12:00:01Z", True),
        ("24h", "2024-05-31T12:00:00Z", False),
        ("24h", "2024-05-31T14:00:00.001+02:00", True),
        ("90m", "2024-06-01T10:30:00Z", False),
        ("90m", "2024-06-01T10:30:01Z", True),
        ("5s", "2024-06-01T11:59:55Z", False),
        ("5s", "2024-06-01T11:59:55.5Z", True),
        ("5s", "2024-06-02T12:00:00Z", True),
    ],
)
def test_one_time_minus_another_is_a_duration(duration: str, start: str, inside: bool) -> None:
    """Days, hours, minutes and seconds, exact at the limit; a time that is still to come is less than any."""
    condition, values = f"context.time - resource.t < {duration}", {"t": start}
    assert truth(condition, "t: time", given=values, sent={"time": NOON}) is inside
    flipped = f"{duration} > context.time - resource.t"
    assert truth(flipped, "t: time", given=values, sent={"time": NOON}) is inside
    assert truth(condition, "t: time", sent={"time": NOON}) is None


def test_units_agree() -> None:
    """A day has 24 hours, an hour 60 minutes, a minute 60 seconds."""
    for duration in ("1d", "24h", "1440m", "86400s"):
        values = {"t": "2024-05-31T12:00:00Z"}
        condition = f"context.time - resource.t == {duration}"
        assert truth(condition, "t: time", given=values, sent={"time": NOON}) is True


def test_context_time_is_the_clock_unless_given() -> None:
    """Without `context.time` the clock decides; with it the clock is not asked; one that is no time is unknown."""
    condition = f'context.time >= "{NOON}"'
    noon = 1717243200 * 10**9
    assert truth(condition, clock=lambda: noon) is True
    assert truth(condition, clock=lambda: noon - 1) is False
    assert truth(condition, clock=lambda: noon, sent={"time": "2024-06-01T11:00:00Z"}) is False
    assert truth(condition, clock=lambda: noon, sent={"time": "2024-06-01T12:00:00"}) is None
    assert truth(condition, clock=lambda: noon, sent={"time": 5}) is None


def test_a_null_time_is_absent() -> None:
    """`null` is absent, so the clock decides."""
    noon = 1717243200 * 10**9
    assert truth(f'context.time >= "{NOON}"', clock=lambda: noon, sent={"time": None}) is True


# -- what may be read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "condition",
    [
        'user.status == "active"',
        'resource.type == "note"',
        'action.name == "read"',
        'subject.id == "ann"',
        'user.type == "user"',
        'context.scope == "x"',
        'resource.nothing == "x"',
        'user.nothing == "x"',
        'context.nothing == "x"',
        "claims.groups",
        'resource.attributes == "x"',
    ],
)
def test_nothing_else_can_be_read(condition: str) -> None:
    """Only declared attributes and the built-in ones are there."""
    assert not holds_up(condition)


def test_resource_id() -> None:
    """`resource.id` is a string, unknown where the request names none."""
    assert truth('resource.id == "1"') is True
    assert truth('resource.id == "2"') is False
    assert truth('resource.id == "1"', id=None) is None
    assert truth("resource.id == user.id", id="ann") is True


def test_an_attribute_cannot_stand_in_for_the_id() -> None:
    """Properties called `id` are not the resource's id."""
    pdp = bind(
        PLAIN + 'role r { allow read on note when resource.id == "2" deny write on note when resource.id != "2" }'
    )
    for resource, denied in [({"id": "1"}, "denied_by_rule"), ({}, "denied_by_rule"), ({"id": "2"}, "no_rule")]:
        asked = {"type": "note", "properties": {"id": "2"}, **resource}
        assert pdp.allows("ann", "read", asked) is (resource == {"id": "2"})
        assert pdp.ask("ann", "write", asked).code == denied


def test_resource_scope() -> None:
    """`resource.scope` is the scope instance, unknown where the request names none."""
    staff = "scopes: {branch/north: {}}\n" + ANN
    condition = 'resource.scope == "branch/north"'
    assert truth(condition, directory=staff, given={"scope": "branch/north"}) is True
    assert truth(condition, directory=staff, given={"scope": "company"}) is False
    assert truth(condition, directory=staff) is None
    assert truth(condition, directory=staff, given={"scope": None}) is None


GROUPS = """
users: {ann: {assignments: [{role: r}]}}
groups:
  inner: {members: [ann]}
  outer: {members: [group/inner]}
  other: {}
"""


def test_user_groups_hold_groups_of_groups() -> None:
    """`user.groups` is a set of string, through groups too, and empty for who is in none."""
    assert truth('"inner" in user.groups', directory=GROUPS) is True
    assert truth('"outer" in user.groups', directory=GROUPS) is True
    assert truth('"other" in user.groups', directory=GROUPS) is False
    assert truth('"inner" in user.groups') is False


def test_user_id() -> None:
    """`user.id` is the asker's."""
    assert truth('user.id == "ann"') is True
    assert truth('user.id in ["bob"]') is False


ROLES = """
scopes: {branch/north: {}, branch/south: {}}
users: {ann: {assignments: [{role: r}, {role: lead, scope: branch/north}]}}
groups: {g: {members: [ann], assignments: [{role: guest, scope: branch/north}]}}
"""
LEADS = "role lead includes helper {} role helper {} role guest {} assignments { individual over group }"


def test_user_roles_are_those_held_at_the_scope() -> None:
    """`user.roles` closes includes, looks upwards, holds hidden roles too, and nothing from beside."""
    north, south = {"scope": "branch/north"}, {"scope": "branch/south"}
    for role, at_north, at_south in [
        ("r", True, True),
        ("lead", True, False),
        ("helper", True, False),
        ("guest", True, False),
    ]:
        condition = f'"{role}" in user.roles'
        assert truth(condition, more=LEADS, directory=ROLES, given=north) is at_north, role
        assert truth(condition, more=LEADS, directory=ROLES, given=south) is at_south, role


def test_user_roles_are_unknown_where_the_scope_is() -> None:
    """Leaving the scope out, or naming one that is not known, does not shake off a deny on `user.roles`."""
    condition = '"lead" in user.roles'
    assert truth(condition, more=LEADS, directory=ROLES) is None
    assert truth(condition, more=LEADS, directory=ROLES, given={"scope": None}) is None
    assert truth(condition, more=LEADS, directory=ROLES, given={"scope": "company"}) is False
    text = (
        PLAIN
        + LEADS
        + 'everyone { allow read on note deny write on note when "lead" in user.roles allow write on note }'
    )
    pdp = bind(text, "scopes: {branch/north: {}}\nusers: {ann: {}}")
    assert code(pdp, "ann", "write", scope="branch/north") == "allowed"
    assert code(pdp, "ann", "write", scope="branch/nowhere") == "denied_by_rule"
    assert code(pdp, "ann", "write") == "denied_by_rule"
    assert code(pdp, "ann", "write", scope="company") == "allowed"


def test_user_roles_are_known_without_a_scope_where_there_is_only_the_root() -> None:
    """A policy without kinds below the root knows the place of every request."""
    text = """
    area desk { resource note { actions read } }
    role r {} role q {}
    everyone { allow read on note when "q" not in user.roles }
    """
    assert code(bind(text), "ann", "read") == "allowed"
    assert code(bind("scope company" + text), "ann", "read") == "allowed"
    assert code(bind("scope company scope b in company" + text), "ann", "read") == "no_rule"


def test_somebody_known_by_roles_alone() -> None:
    """Asked by role: `user.id` is nobody's, and user attributes are unknown."""
    text = """
    area desk { resource note { owner: user  actions own, other, team, noteam, listed } }
    user { team: string  nick: string? }
    role r {
      allow own on note when resource.owner == user.id
      allow other on note when resource.owner != user.id
      allow team on note when user.team == "x"
      allow noteam on note when not (user.team == "x")
      allow listed on note when user.id in ["ann", ""]
    }
    """
    pdp = bind(text)

    def asked(action: str, **properties: str) -> str:
        resource = {"type": "note", "id": "1", "properties": properties}
        return pdp.ask(None, action, resource, roles=("r",)).code

    for owner in ("ann", "", "nobody", "None"):
        assert asked("own", owner=owner) == "no_rule"
        assert asked("other", owner=owner) == "allowed"
    assert asked("own") == "no_rule"
    assert asked("other") == "no_rule"
    assert asked("team") == "no_rule"
    assert asked("noteam") == "no_rule"
    assert asked("listed") == "no_rule"


def test_findings_underline_the_attribute() -> None:
    """A condition's mistake is shown at what is wrong in it."""
    text = "area desk { resource note { x: int? n: int actions read } } role r { allow read on note when %s }"
    assert findings(text % "resource.x == 1") == [("E203", "resource.x")]
    assert codes(text % "has resource.n") == ["E204"]
    assert codes(text % "resource.z == 1") == ["E201"]
    assert policy(text % "resource.n == 1").digest
