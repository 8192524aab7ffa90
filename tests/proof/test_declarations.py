"""The same condition under other declarations: what a value is, is part of what a condition says."""

from __future__ import annotations

import pytest
from proof.pairs import changes, difference, kinds, written

# condition, what the resource declared, what it declares
SAME = [
    ('resource.s == "a"', 's: "a" | "b"', 's: "a" | "b" | "c"'),
    ('resource.s == "a"', 's: "a" | "b"', "s: string"),
    ("resource.o == user.id", "o: user", "o: string"),
    ('"a" in resource.c', "c: set of string  n: int", "c: set of string"),
    ("has resource.n and resource.n > 5", "n: int?", "n: int?  m: int"),
]


@pytest.mark.parametrize(("condition", "declared", "became"), SAME)
def test_declarations_under_which_an_allow_holds_alike(condition: str, declared: str, became: str) -> None:
    assert kinds(condition, condition, declared, became=became) == []


def test_a_value_that_joins_an_enumeration_widens_what_excludes_others() -> None:
    """A value outside was unknown, and a deny applies then."""
    old, new = 's: "a" | "b"', 's: "a" | "b" | "c"'
    assert kinds('resource.s != "a"', 'resource.s != "a"', old, became=new) == ["widened"]
    assert kinds('resource.s != "a"', 'resource.s != "a"', new, became=old) == ["narrowed"]
    assert kinds('resource.s == "a"', 'resource.s == "a"', old, became=new, effect="deny") == ["widened"]


def test_an_attribute_that_becomes_optional_may_be_absent() -> None:
    """Nothing but `has` can tell, for the value is read where it is there."""
    old, new = written("resource.n > 5", "n: int"), written("has resource.n and resource.n > 5", "n: int?")
    assert changes(old, new) == []
    old, new = written("resource.n <= 5", "n: int"), written("not has resource.n or resource.n <= 5", "n: int?")
    assert changes(old, new) == ["may widened r"]


def test_a_required_attribute_is_another_one_when_its_type_is_another() -> None:
    old, new = written("resource.x == 1", "x: int"), written('resource.x == "1"', "x: string")
    (change,) = difference(old, new).changes
    assert change.kind == "changed"
    assert change.case.properties["x"] in (1, "1")
    assert difference(written("resource.x == true", "x: bool"), written("resource.x == 1", "x: int")).changes[
        0
    ].kind == ("changed")


def test_a_condition_that_needs_an_attribute_which_is_gone() -> None:
    assert kinds("resource.n > 5", None, "n: int", became="") == ["widened"]
    assert kinds(None, "resource.n > 5", "", became="n: int") == ["narrowed"]


def test_has_of_an_attribute_that_one_side_lacks_is_false_there() -> None:
    more = "area other { resource thing { n: int?  actions read } }"
    old = written(None, "n: int?", more=more).replace("allow read on note", "allow read on * when has resource.n")
    new = written(None, "", more=more).replace("allow read on note", "allow read on * when has resource.n")
    assert changes(old, new) == ["may lost r"]


def test_a_set_that_becomes_one_of_an_enumeration_is_unknown_with_other_elements() -> None:
    old, new = "c: set of string", 'c: set of "a" | "b"'
    assert kinds('"a" in resource.c', '"a" in resource.c', old, became=new) == ["narrowed"]
    assert kinds('"a" in resource.c', '"a" in resource.c', new, became=old) == ["widened"]
    assert kinds('"z" in resource.c', '"a" in resource.c or "a" not in resource.c', old, became=new) == ["changed"]
    (change,) = difference(
        written("resource.t in resource.c", f"{old} t: string"), written("resource.t in resource.c", f"{new} t: string")
    ).changes
    assert change.kind == "narrowed"
    assert change.case.properties["t"] in change.case.properties["c"]


def test_an_enumeration_of_a_set_that_grows() -> None:
    old, new = 'c: set of "a" | "b"', 'c: set of "a" | "b" | "d"'
    assert kinds('"a" in resource.c', '"a" in resource.c', old, became=new) == ["widened"]
    assert kinds('"a" not in resource.c', '"a" not in resource.c', new, became=old) == ["narrowed"]


@pytest.mark.parametrize(
    ("old", "declared", "new", "became"),
    [
        ("1 not in resource.c", "c: set of int", '"a" not in resource.c', "c: set of string"),
        ('resource.x > "2026-01-01T00:00:00Z"', "x: time", 'resource.x != "q"', "x: string"),
    ],
)
def test_where_one_value_is_of_both_types_it_stays_open(old: str, declared: str, new: str, became: str) -> None:
    """An empty set is one of ints and of strings, and a time is a string: it is not told, and never taken for equal."""
    found = difference(written(old, declared), written(new, became))
    assert [(one.part, one.roles, one.type, one.action) for one in found.unproven] == [("may", ("r",), "note", "read")]
    assert not found.empty


def test_a_context_attribute_is_declared_for_all_types() -> None:
    old, new = written("context.h < 8", context="h: int"), written("has context.h and context.h < 8", context="h: int?")
    assert changes(old, new) == []
    assert [(one.about, one.name, one.what) for one in difference(old, new).beside] == [
        ("attribute", "context.h", "int → int?")
    ]


# -- places ------------------------------------------------------------------------------------------------------------


def test_a_scope_condition_is_compared_where_both_sides_have_the_kind() -> None:
    """A place of a kind that one side lacks is no request to it; the kinds are listed beside."""
    old = written('resource.scope == "branch/a"', kinds="scope company\nscope branch in company\n")
    new = written('resource.scope == "shop/a"', kinds="scope company\nscope shop in company\n")
    assert changes(old, new) == []
    assert [(one.about, one.name, one.how) for one in difference(old, new).beside] == [
        ("scope", "branch", "removed"),
        ("scope", "shop", "added"),
    ]
    assert changes(old, written('resource.scope == "company"', kinds="scope company\nscope shop in company\n")) == [
        "may gained r"
    ]


@pytest.mark.parametrize(
    ("before", "after"), [("scope company\n", "scope firm\n"), ("", "scope company\n"), ("scope company\n", "")]
)
def test_a_root_by_another_name_leaves_the_rest_to_be_compared(before: str, after: str) -> None:
    """By requests that name no place, for there is none that both sides know."""
    old, new = written("resource.n > 5", "n: int", kinds=before), written("resource.n > 6", "n: int", kinds=after)
    (change,) = difference(old, new).changes
    assert (change.kind, change.case.properties) == ("narrowed", {"n": 6})


def test_a_kind_below_the_root_makes_roles_unknown_without_a_place() -> None:
    """`user.roles` is known at the root where there is nothing below it."""
    texts = [
        written('"r" in user.roles', kinds=kinds)
        for kinds in ("scope company\n", "scope company\nscope b in company\n")
    ]
    (change,) = difference(*texts).changes
    assert (change.kind, change.case.missing) == ("narrowed", ("resource.scope",))


def test_an_instance_of_the_root_is_a_place_that_nobody_knows() -> None:
    """A role's deny binds there, and what everybody may is allowed."""
    base = "scope company\narea desk { resource note { actions read } }\neveryone { allow read on note }\n"
    old = f'{base} role r {{ deny read on note when resource.scope != "company" }}'
    may, forbids = difference(old, f"{base} role r {{ }}").changes
    assert (may.kind, may.case.missing) == ("incomplete_only", ("resource.scope",))
    assert (forbids.part, forbids.kind, forbids.case.placed) == ("forbids", "gained", False)
    assert forbids.case.properties["scope"].startswith("company/")
