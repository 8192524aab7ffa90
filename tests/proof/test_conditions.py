"""Each kind of condition, compared: what is the same in other words, and the class of what is not."""

from __future__ import annotations

import pytest
from proof.pairs import case, difference, kinds, written

MOST, LEAST = 2**63 - 1, -(2**63)

# old, new, what the resource declares
SAME = [
    # ints
    ("resource.n > 5", "resource.n >= 6", "n: int"),
    ("resource.n < 5", "not (resource.n >= 5)", "n: int"),
    ("resource.n == 5", "resource.n >= 5 and resource.n <= 5", "n: int"),
    ("resource.n in [1, 2, 3]", "resource.n >= 1 and resource.n <= 3", "n: int"),
    ("resource.n != 1 or resource.n != 2", "resource.n == 7 or resource.n != 7", "n: int"),
    (f"resource.n <= {MOST}", f"resource.n >= {LEAST}", "n: int"),
    (f"resource.n > {MOST}", f"resource.n < {LEAST}", "n: int"),
    (f"resource.n > {MOST - 1}", f"resource.n == {MOST}", "n: int"),
    ("resource.n < resource.m", "resource.m > resource.n", "n: int m: int"),
    # enumerations
    ('resource.s != "a"', 'resource.s in ["b", "c"]', 's: "a" | "b" | "c"'),
    ('resource.s == "a" or resource.s == "b"', 'not (resource.s == "c")', 's: "a" | "b" | "c"'),
    # bools
    ("resource.p", "resource.p == true", "p: bool"),
    (
        "resource.p != resource.q",
        "(resource.p and not resource.q) or (resource.q and not resource.p)",
        "p: bool q: bool",
    ),
    ("(resource.n == 5) == resource.p", "(resource.n != 5) != resource.p", "n: int p: bool"),
    ("(resource.n == 5) == (resource.n == 6)", "resource.n != 5 and resource.n != 6", "n: int"),
    # texts and users
    ('resource.t in ["x", "y"]', 'resource.t == "y" or resource.t == "x"', "t: string"),
    ('resource.t == "x" and resource.t != "y"', 'resource.t == "x"', "t: string"),
    ('resource.id == "x" and resource.id == "y"', 'resource.id == "z" and resource.id == "y"', ""),
    # times and durations
    ('resource.at < "2026-01-01T00:00:00Z"', 'not ("2026-01-01T01:00:00+01:00" <= resource.at)', "at: time"),
    (
        "resource.at - resource.till < 1h",
        "resource.till - resource.at > 0s or resource.at - resource.till < 1h",
        "at: time till: time",
    ),
    ("resource.at - resource.till <= 0s", "resource.at <= resource.till", "at: time till: time"),
    ("resource.at - resource.till < 60m", "resource.at - resource.till < 3600s", "at: time till: time"),
    ("context.time - resource.at < 1d", "context.time - resource.at < 24h", "at: time"),
    # sets
    ('"a" in resource.c', 'not ("a" not in resource.c)', "c: set of string"),
    (
        '"2026-01-01T00:00:00Z" in resource.c',
        '"2026-01-01T01:00:00+01:00" in resource.c',
        "c: set of time",
    ),
    (
        "user.id in resource.c",
        'user.id in resource.c and (user.id in resource.c or "x" in resource.c)',
        "c: set of user",
    ),
    # has
    ("has resource.n and resource.n > 5", "has resource.n and not (resource.n <= 5)", "n: int?"),
    ("not has resource.n or resource.n > 5", "not (has resource.n and resource.n < 6)", "n: int?"),
    ("has resource.p and resource.p", "has resource.p and not (resource.p == false)", "p: bool?"),
    # places, groups and roles
    (
        'resource.scope == "branch/a" and resource.scope == "branch/b"',
        'resource.scope == "company" and resource.scope == "branch/b"',
        "",
    ),
    ('"g" in user.groups', 'not ("g" not in user.groups)', ""),
    ('"r" in user.roles or "r" not in user.roles', 'not ("r" not in user.roles and "r" in user.roles)', ""),
]


@pytest.mark.parametrize(("old", "new", "declared"), SAME)
def test_the_same_in_other_words_is_no_difference(old: str, new: str, declared: str) -> None:
    """Neither for an allow with the condition, nor for a deny."""
    assert kinds(old, new, declared) == []
    assert kinds(old, new, declared, effect="deny") == []


# the same wherever everything is known; where something is missing, one side may be false and the other unknown
ALIKE = [
    (
        "resource.o == user.id and resource.w == user.id",
        "resource.o == user.id and resource.w == resource.o",
        "o: user w: user",
    ),
    (
        "resource.n < resource.m and resource.m < 3 and resource.n > 1",
        "resource.n < resource.m and resource.n > 1 and resource.n < 1",
        "n: int m: int",
    ),
    ("resource.s == resource.z", 'resource.s == "b" and resource.z == "b"', 's: "a" | "b"  z: "b" | "c"'),
    ("(resource.p and resource.q) == resource.p", "not resource.p or resource.q", "p: bool q: bool"),
    (
        'resource.t in resource.c and resource.t == "a"',
        '"a" in resource.c and resource.t == "a"',
        "c: set of string t: string",
    ),
    (
        "resource.t in resource.c and resource.t == resource.v",
        "resource.v in resource.c and resource.v == resource.t",
        "c: set of string t: string v: string",
    ),
    ("3 in resource.c and resource.n == 3", "resource.n in resource.c and resource.n == 3", "c: set of int n: int"),
    ("resource.p in resource.c and resource.p", "true in resource.c and resource.p", "c: set of bool p: bool"),
    (
        'resource.s in resource.c and resource.s != "b"',
        'resource.s in resource.c and "a" in resource.c and resource.s == "a"',
        'c: set of "a" | "b"  s: "a" | "b"',
    ),
]


@pytest.mark.parametrize(("old", "new", "declared"), ALIKE)
def test_the_same_where_all_is_known_differs_on_incomplete_requests_alone(old: str, new: str, declared: str) -> None:
    found = [*kinds(old, new, declared), *kinds(old, new, declared, effect="deny")]
    assert found
    assert set(found) == {"incomplete_only"}


WIDENED = [
    ("resource.n > 5", "resource.n >= 5", "n: int"),
    (f"resource.n < {MOST - 1}", f"resource.n <= {MOST - 1}", "n: int"),
    (f"resource.n > {LEAST + 1}", f"resource.n >= {LEAST + 1}", "n: int"),
    ("resource.n < resource.m", "resource.n <= resource.m", "n: int m: int"),
    ('resource.s == "a"', 'resource.s != "c"', 's: "a" | "b" | "c"'),
    ("resource.p and resource.q", "resource.p == resource.q", "p: bool q: bool"),
    (
        "(resource.n == resource.m) == resource.p and resource.p",
        "(resource.n == resource.m) == resource.p",
        "n: int m: int p: bool",
    ),
    ('resource.t == "x"', 'resource.t in ["x", "y"]', "t: string"),
    ('resource.t == "x"', 'resource.t != "y"', "t: string"),
    ("resource.o == user.id and resource.w == user.id", "resource.o == user.id", "o: user w: user"),
    ("resource.at - resource.till < 1h", "resource.at - resource.till <= 1h", "at: time till: time"),
    ('resource.at < "2026-01-01T00:00:00Z"', 'resource.at <= "2026-01-01T00:00:00Z"', "at: time"),
    ('"a" in resource.c and "b" in resource.c', '"a" in resource.c', "c: set of string"),
    ("1 in resource.c and resource.n in resource.c", "resource.n in resource.c", "c: set of int n: int"),
    ("has resource.n and resource.n > 5", "has resource.n", "n: int?"),
    ("not has resource.n", "not has resource.n or resource.n > 5", "n: int?"),
    ('resource.scope == "branch/a"', 'resource.scope in ["branch/a", "company"]', ""),
    ('"g" in user.groups and "h" in user.groups', '"g" in user.groups', ""),
    ("context.time < resource.at and resource.n == 1", "context.time < resource.at", "at: time n: int"),
]


@pytest.mark.parametrize(("less", "more", "declared"), WIDENED)
def test_a_condition_that_holds_more_often_widens_an_allow_and_narrows_by_a_deny(
    less: str, more: str, declared: str
) -> None:
    """And the other way round, the other way round."""
    assert kinds(less, more, declared) == ["widened"]
    assert kinds(more, less, declared) == ["narrowed"]
    assert kinds(less, more, declared, effect="deny") == ["narrowed"]
    assert kinds(more, less, declared, effect="deny") == ["widened"]


CHANGED = [
    ("resource.n > 5", "resource.n < 3", "n: int"),
    ('resource.s == "a"', 'resource.s == "b"', 's: "a" | "b"'),
    ("resource.p", "not resource.p", "p: bool"),
    ('"a" in resource.c', '"b" in resource.c', "c: set of string"),
    ("resource.o == user.id", "resource.w == user.id", "o: user w: user"),
    ('resource.id == "x"', 'resource.id == "y"', ""),
    ('"g" in user.groups', '"h" in user.groups', ""),
]


@pytest.mark.parametrize(("old", "new", "declared"), CHANGED)
def test_a_condition_that_holds_elsewhere_is_changed(old: str, new: str, declared: str) -> None:
    assert kinds(old, new, declared) == ["changed"]
    assert kinds(old, new, declared, effect="deny") == ["changed"]


def test_never_to_always_is_gained_and_back_is_lost() -> None:
    """Also where that never and always are not written, but follow."""
    never, always = "resource.n < 3 and resource.n > 3", "has resource.m or not has resource.m"
    assert kinds(never, always, "n: int m: int?") == ["gained"]
    assert kinds(always, never, "n: int m: int?") == ["lost"]
    assert kinds(never, always, "n: int m: int?", effect="deny") == ["lost"]


INCOMPLETE = [
    (None, 'resource.s == "a" or resource.s == "b"', 's: "a" | "b"'),
    (None, "resource.p or not resource.p", "p: bool"),
    (None, f"resource.n <= {MOST}", "n: int"),
    (None, 'resource.scope == "company" or resource.scope != "company"', ""),
    (None, '"r" in user.roles', ""),
    (None, "not has resource.n or resource.n == 1 or resource.n != 1", "n: int?"),
    ("resource.p", "resource.p and (resource.n < 3 or resource.n >= 3)", "p: bool n: int"),
    ("resource.n == 1 and resource.n == 2", "resource.p and resource.p != true", "p: bool n: int"),
]


@pytest.mark.parametrize(("old", "new", "declared"), INCOMPLETE[:-1])
def test_what_only_something_missing_tells_apart_is_incomplete_only(old: str | None, new: str, declared: str) -> None:
    """A tautology is unknown where what it reads is missing, so an allow does not apply."""
    assert kinds(old, new, declared) == ["incomplete_only"]
    assert kinds(new, old, declared) == ["incomplete_only"]


def test_a_contradiction_is_false_or_unknown() -> None:
    """So an allow never applies, and a deny only where something is missing."""
    old, new, declared = INCOMPLETE[-1]
    assert old is not None
    assert kinds(old, new, declared) == []
    assert kinds(old, new, declared, effect="deny") == ["incomplete_only"]


def test_what_is_absent_is_not_missing() -> None:
    """An optional attribute may be left out of a complete request."""
    assert kinds(None, "has resource.n", "n: int?") == ["narrowed"]
    assert kinds(None, "not has resource.n", "n: int?") == ["narrowed"]


def test_an_optional_attribute_of_no_use_is_missing() -> None:
    """`has` is true of a value of a wrong type, whose comparison is unknown then."""
    old, new = "has resource.n", "has resource.n and (resource.n < 3 or resource.n >= 3)"
    assert kinds(old, new, "n: int?") == ["incomplete_only"]
    found = difference(written(old, "n: int?"), written(new, "n: int?"))
    assert found.changes[0].case.properties["n"] == "?"
    assert found.changes[0].case.missing == ("resource.n",)
    assert found.changes[0].case.text == 'resource.n is "?", no value of its type'


def test_context_and_user_attributes_are_read_like_the_resources() -> None:
    more = {"context": "hour: int", "user": "team: string level: int?"}
    assert kinds("context.hour < 8", "context.hour <= 7", **more) == []
    assert kinds("context.hour < 8", "context.hour <= 8", **more) == ["widened"]
    assert kinds('user.team == "a"', 'user.team == "a" or user.team == "b"', **more) == ["widened"]
    assert kinds(None, "has user.level", **more) == ["narrowed"]


def test_named_conditions_are_what_they_say() -> None:
    more = "condition own = resource.o == user.id"
    assert kinds("own", "user.id == resource.o", "o: user", more=more) == []


def test_times_stay_within_what_can_be_written() -> None:
    """A time before the first of all is written with an offset, and none is before that."""
    first = "0001-01-01T00:00:00+23:59"
    assert kinds(f'resource.at < "{first}"', "resource.at != resource.at", "at: time") == []
    old, new = (written(f'resource.at {word} "{first}"', "at: time") for word in ("<", "<="))
    assert case(old, new) == f'resource.at is "{first}"'


def test_somebody_always_has_an_id() -> None:
    assert kinds(None, 'user.id != ""') == []
    assert kinds(None, 'user.id != "ann"') == ["narrowed"]


# -- requests ----------------------------------------------------------------------------------------------------------


def test_a_case_says_the_least_value_that_tells_the_two_apart() -> None:
    assert case(written("resource.n <= 5", "n: int"), written("resource.n <= 6", "n: int")) == "resource.n is 6"


def test_a_case_at_the_edge_of_64_bits() -> None:
    old, new = (written(f"resource.n {word} {MOST}", "n: int") for word in ("<", "<="))
    assert case(old, new) == f"resource.n is {MOST}"


def test_a_case_names_what_is_missing() -> None:
    old, new = written(None, "p: bool"), written("resource.p or not resource.p", "p: bool")
    assert case(old, new) == "resource.p is missing"


def test_a_case_holds_equal_elements_once() -> None:
    """Two attributes of one value, both in a set."""
    declared = "c: set of string t: string v: string"
    old = "resource.t in resource.c and resource.v in resource.c"
    found = difference(written(old, declared), written(f"{old} and resource.t != resource.v", declared))
    properties = found.changes[0].case.properties
    assert properties["t"] == properties["v"]
    assert properties["c"] == [properties["t"]]


def test_a_case_names_who_asks_where_a_condition_does() -> None:
    """And no value is theirs by chance."""
    old, new = (
        written("resource.t == resource.v", "t: string v: string"),
        written("resource.t == resource.t", "t: string v: string"),
    )
    assert "user.id" not in case(old, new)
    old, new = (
        written("resource.o == user.id", "o: user w: user"),
        written("resource.o == user.id and resource.w == user.id", "o: user w: user"),
    )
    assert 'user.id is "someone"' in case(old, new)


def test_a_case_reads_what_its_own_cell_reads() -> None:
    """Other cells of the type read other attributes, and their requests share the solver."""
    texts = [
        f"""area desk {{ resource note {{ n: int m: int actions read, write }} }}
        role r {{ allow read on note when resource.n > {bound} allow write on note when resource.m > {bound} }}"""
        for bound in (5, 6)
    ]
    found = difference(*texts)
    assert [change.case.text for change in found.changes] == ["resource.n is 6", "resource.m is 6"]
