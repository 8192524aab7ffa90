"""Keywords as names: docs/language.md lists exactly what the parser cannot tell apart, and the grammar is sound."""

from __future__ import annotations

import dataclasses
import re
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from lark import Lark

from remit.source import Source, Span
from remit.syntax import tree
from remit.syntax.parser import grammar_text, parse

PAGE = Path(__file__).resolve().parents[1] / "docs" / "language.md"
WORDS = re.findall(r'^[A-Z_]+: "([a-z]+)"$', grammar_text(), re.M)  # every keyword of the grammar

# Every place where a name of the policy's own can stand, with the surroundings it can stand in; N is the name.
PLACES: dict[str, list[str]] = {
    "a policy": ["policy N", 'policy N "t"', 'policy N extends "p"'],
    "a kind of scope": [
        "scope N",
        'scope N "t"',
        "scope N in b",
        "scope b in N",
        "scope b in N scope c",
        "scope N role r { }",
    ],
    "an area": ["area N { }", 'area N "t" { }'],
    "a resource type, where it is declared": ["area a { resource N { } }", 'area a { resource N "t" { } }'],
    "an attribute, where it is declared": [
        "area a { resource r { N: int } }",
        "area a { resource r { x: int N: int } }",
        "area a { resource r { x: int? N: int } }",
        'area a { resource r { x: "a" N: int } }',
        'area a { resource r { x: "a" | "b" N: int } }',
        'area a { resource r { x: ("a" | "b") N: int } }',
        'area a { resource r { x: ("a" | "b")? N: int } }',
        "area a { resource r { x: set of int N: int } }",
        'area a { resource r { x: set of ("a" | "b")? N: int } }',
        "area a { resource r { actions read N: int } }",
        "area a { resource r { actions read, update N: int } }",
        "area a { resource r { actions read, update, sign N: int } }",
        "context { N: int }",
        "context { x: int N: int }",
        "user { N: int }",
        "claims { x: set of string N: set of string }",
    ],
    "an action, where it is declared": [
        "area a { resource r { actions N } }",
        "area a { resource r { actions read, N } }",
        "area a { resource r { actions read, N, update x: int } }",
        "area a { resource r { actions N actions read } }",
    ],
    "an action behind `sensitive`": [
        "area a { resource r { actions sensitive N, read } }",
        "area a { resource r { actions read, sensitive N x: int } }",
    ],
    "an action set": ["actions N = read", "actions s = read, update actions N = read"],
    "an action in an action set": ["actions s = N", "actions s = read, N", "actions s = read, N role r { }"],
    "a permission": [
        "area a { permission N { } }",
        "area a { permission N { read on t } }",
        'area a { permission N "t" { } }',
    ],
    "an action in a permission": [
        "area a { permission p { N on t } }",
        "area a { permission p { read, N on t } }",
        "area a { permission p { read on t N on u } }",
        "area a { permission p { read on t, u N on u } }",
        "area a { permission p { read on t, u, v N, x on u } }",
        "area a { permission p { * on * N on u } }",
    ],
    "a resource type in a permission": [
        "area a { permission p { read on N } }",
        "area a { permission p { read on t, N } }",
        "area a { permission p { read on N read on u } }",
        "area a { permission p { read, x on t, N read on u } }",
    ],
    "a condition, where it is declared": ["condition N = x", 'condition N "t" = x'],
    "an attribute, where it is read": [
        "condition c = resource.N == 1",
        "condition c = 1 < user.N",
        "condition c = has context.N and context.N",
        "condition c = resource.N in [1] or 1 in resource.N and x not in resource.N",
        "condition c = resource.N - context.N < 3d",
        "role r { allow read on t when resource.N in a { } }",
    ],
    "a condition, where it is used": [
        "condition c = N",
        "condition c = x and N or x",
        "condition c = not N",
        "condition c = (N)",
        "condition c = N and x",
        "role r { allow read on t when N }",
        'role r { allow read on t when N because "b" }',
        "role r { allow read on t when N in a { } }",
        "role r { allow read on t when x and N deny read on t }",
        "role r { grant p when N }",
        "assert no r may read on t when N",
        "assert only r may read on t when N",
        "assert read on t requires N",
    ],
    "a condition behind `when` in `assignments`": [
        "assignments { on signup when N assign r }",
        "assignments { on signup when N }",
    ],
    "a role, where it is declared": [
        "role N { }",
        'role N "t" { }',
        "locked role N { }",
        "role N was x { }",
        "role N includes x { }",
        "extend role N { }",
    ],
    "a former name": ["role r was N { }", "role r was x, N { }", 'role r was N "t" { }', "role r was N includes x { }"],
    "a role that is included": ["role r includes N { }", "role r includes x, N { }"],
    "an action in a rule": [
        "role r { allow N on t }",
        "role r { allow read, N on t }",
        "role r { deny N on * }",
        "everyone { allow N on t }",
        "assert only r may N on t",
        "assert no r may read, N on t",
        "assert never one user N on t and read on u",
        "assert never one user read on t and N on u",
    ],
    "a resource type in a rule": [
        "role r { allow read on N }",
        "role r { allow read on t, N }",
        "role r { allow read on N except t }",
        "role r { allow read on N when x }",
        'role r { allow read on N because "b" }',
        "role r { allow read on N in a { } }",
        "role r { allow read on N allow read on t }",
        "role r { allow read on t, N grant p }",
        "role r { in a { allow read on N } }",
        "assert only r may read on N when x",
        "assert no r may read on N",
        "assert no r may read on t, N role r { }",
        "assert read on N requires x",
        "assert never one user read on N and read on u",
        "assert never one user read on t and read on N",
    ],
    "what a rule leaves out": [
        "role r { allow read on * except N }",
        "role r { allow read on * except t, N }",
        "role r { allow read on * except N on t }",
        "role r { allow read on * except t, N on t }",
        "role r { allow read on * except read on N }",
        "role r { allow read on * except N when x }",
        "role r { allow read on * except N in a { } }",
    ],
    "a permission that is granted": [
        "role r { grant N }",
        "role r { grant p, N }",
        "role r { grant N when x }",
        "role r { grant N in a { } }",
        "role r { in a { grant p, N } }",
    ],
    "an area of a block": [
        "role r { in N { } }",
        "role r { in a, N { } }",
        "role r { allow read on t in N { } }",
        "role r { allow read on t when x in N { } }",
        "members { in N { } }",
    ],
    "an event": [
        "assignments { on N }",
        "assignments { on N to group }",
        "assignments { on N requires read on t }",
        "assignments { on N when x }",
        "assignments { on N assign r on N }",
        'test "t" { on N is accepted }',
        'test "t" { on N u by v is refused }',
        'test "t" { on N by v is refused }',
    ],
    "what an event requires": [
        "assignments { on e requires N on t }",
        "assignments { on e requires read on N }",
        "assignments { on e requires read on N, role within own }",
        "assignments { on e requires read on N when x }",
        "assignments { on e requires read on N assign r }",
        "assignments { on e requires read on N on e }",
    ],
    "a role that an event assigns": ["assignments { on e assign N }", "assignments { on e assign r, N on e }"],
    "a guard": ["guard N: at most 1 r", 'guard N "t": at most 1 r'],
    "a role that a guard counts": [
        "guard g: at most 1 N",
        "guard g: at least 1 N per b",
        "guard g: at least 1 active N",
        "guard g: at most 1 active N per b",
    ],
    "a role that a guard keeps apart": [
        "guard g: never N with r",
        "guard g: never r with N",
        "guard g: never r with N per b",
    ],
    "the kind of scope of a guard": [
        "guard g: at most 1 r per N",
        "guard g: at most 1 role per user per N",
        "guard g: never r with q per N",
    ],
    "the first role or action of an assert": [
        "assert N within r",
        'assert "t": N within r',
        'assert "t": N on t requires x',
        "assert N, read on t requires x",
    ],
    "a later role or action of an assert": [
        "assert r within N",
        "assert r within N within s",
        "assert only N may read on t",
        "assert only r, N may read on t",
        "assert no N may read on t",
        "assert read, N on t requires x",
    ],
    "a user, where a test declares it": [
        'test "t" { user N }',
        'test "t" { user N is r }',
        'test "t" { user N pending is r }',
        'test "t" { user N in group g }',
        'test "t" { user N with { } }',
        'test "t" { user N user v }',
    ],
    "a role that a test gives": [
        'test "t" { user u is N }',
        'test "t" { user u is r, N }',
        'test "t" { user u is N at b/c }',
        'test "t" { user u is N in group g, r }',
        'test "t" { user u is N with { } }',
        'test "t" { on e u as N is accepted }',
        'test "t" { on e u as N at b/c is accepted }',
    ],
    "a group in a test": [
        'test "t" { user u in group N }',
        'test "t" { user u is r in group N, r }',
        'test "t" { on e to group N is accepted }',
        'test "t" { on e to group N by v is accepted }',
    ],
    "a place in a test": [
        'test "t" { user u is r at N/x }',
        'test "t" { user u is r at b/N }',
        'test "t" { user u is r at N, r }',
        'test "t" { user u is r at N/N in group g }',
        'test "t" { given t r1 at N/x }',
        'test "t" { given t r1 at b/N { } }',
        'test "t" { scope N/x in b/N }',
        'test "t" { scope b/N in N/x }',
        'test "t" { on e u at b/N is accepted }',
        'test "t" { on e u at N/x with { } is accepted }',
    ],
    "a resource type in a test": ['test "t" { given N r1 }'],
    "a resource in a test": [
        'test "t" { given t N }',
        'test "t" { given t N { } }',
        'test "t" { given t N at b/c }',
        'test "t" { u may read N }',
        'test "t" { u may not read N with { } }',
        'test "t" { u may not read N because x }',
        'test "t" { u may read N u may read N }',
    ],
    "the user that a line of a test begins with": [
        'test "t" { N may read r1 }',
        'test "t" { user u N may read r1 }',
        'test "t" { user u is r N may read r1 }',
        'test "t" { user u is r at b N may read r1 }',
        'test "t" { user u is r at b/c N may read r1 }',
        'test "t" { user u is r in group g N may read r1 }',
        'test "t" { user u with { } N may read r1 }',
        'test "t" { user u pending N may read r1 }',
        'test "t" { scope b/c N may read r1 }',
        'test "t" { given t r1 N may read r1 }',
        'test "t" { given t r1 { } N may read r1 }',
        'test "t" { u may read r1 N may read r1 }',
        'test "t" { u may read r1 because c N may read r1 }',
        'test "t" { u may read r1 with { } N may read r1 }',
        'test "t" { on e u is accepted N may read r1 }',
        'test "t" { on e u is refused N may read r1 }',
    ],
    "an action after `may` in a test": ['test "t" { u may N r1 }', 'test "t" { u may not N r1 }'],
    "an attribute in a test": ['test "t" { user u with { N: 1 } }', 'test "t" { given t r1 { x: 1, N: 2 } }'],
    "a value in a test": [
        'test "t" { user u with { x: N } }',
        'test "t" { given t r1 { x: N, y: [1, N] } }',
        'test "t" { u may read r1 with { x: [N] } }',
    ],
    "a reason in a test": [
        'test "t" { u may read r1 because N }',
        'test "t" { u may read r1 because N u may read r1 }',
        'test "t" { on e u is refused because N }',
    ],
    "the user of an event in a test": ['test "t" { on e N is accepted }', 'test "t" { on e N by v is accepted }'],
    "who makes an event in a test": ['test "t" { on e u by N is accepted }', 'test "t" { on e by N as r is accepted }'],
}


def listed() -> dict[str, set[str]]:
    """The exceptions that the page names, by place."""
    found = re.search(r"<!-- keywords -->\n(.*?)<!-- /keywords -->", PAGE.read_text(encoding="utf-8"), re.S)
    assert found is not None
    rows = re.findall(r"^\| (.+?) \| ((?:`\w+` ?)+)\|$", found[1], re.M)
    return {place: set(re.findall(r"`(\w+)`", words)) for place, words in rows}


def read(text: str) -> Any:
    """What a text says, apart from where its parts stand; None where it does not parse."""
    file, findings = parse(Source("x.remit", text))
    return None if findings else plain(file.statements)


def plain(node: Any) -> Any:
    if isinstance(node, tree.Name):
        return node.text
    if isinstance(node, list | tuple):
        return [plain(item) for item in node]
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        parts = {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}
        left = {name: part for name, part in parts.items() if not isinstance(part, Span | Source)}
        return [type(node).__name__, {name: plain(part) for name, part in left.items()}]
    return node.value if isinstance(node, Enum) else node


def renamed(node: Any, word: str) -> Any:
    """With `other_name` where the word stands as a name or as part of a place."""
    if isinstance(node, str):
        return "/".join("other_name" if part == word else part for part in node.split("/"))
    if isinstance(node, dict):
        return {key: renamed(part, word) for key, part in node.items()}
    return [renamed(part, word) for part in node] if isinstance(node, list) else node


def put(surroundings: str, name: str) -> str:
    return re.sub(r"\bN\b", lambda _: name, surroundings)


@pytest.mark.parametrize("place", PLACES)
def test_a_keyword_is_a_name(place: str) -> None:
    """At this place every keyword is a plain name, but those that the page lists for it."""
    exceptions = {
        word
        for word in WORDS
        for surroundings in PLACES[place]
        if (meant := read(put(surroundings, f"`{word}`"))) is None or read(put(surroundings, word)) != meant
    }
    assert exceptions == listed().get(place, set())


@pytest.mark.parametrize("place", PLACES)
def test_backticks_always_work(place: str) -> None:
    """A keyword in backticks reads like any other name."""
    for surroundings in PLACES[place]:
        like = read(put(surroundings, "other_name"))
        assert like is not None, surroundings
        for word in WORDS:
            found = read(put(surroundings, f"`{word}`"))
            assert renamed(found, word) == renamed(like, word), surroundings


def test_the_list_names_places_that_are() -> None:
    """Each row of the page's list is of a place that is tried here, and none is empty or stands twice."""
    assert set(listed()) <= set(PLACES)
    assert PAGE.read_text(encoding="utf-8").count("| words that need backticks there |") == 1
    assert len(listed()) == 10


def lark() -> Lark:
    return Lark(grammar_text(), parser="lalr", lexer="contextual", strict=True, maybe_placeholders=False)


def test_the_grammar_has_no_conflict() -> None:
    """The grammar builds as LALR(1) with the contextual lexer in lark's strict mode, which refuses every conflict."""
    lark()


def test_no_state_of_the_parser_is_forgotten() -> None:
    """Wherever the parser takes a name, the keywords it would rather take are those of one place of the page's list.

    `set`, in front of a type, is no exception: the names of types are the language's own."""
    table: Any = lark().parser.parser.parser.parse_table
    keywords = {word.upper() for word in WORDS}
    taken = {frozenset(keywords & set(actions)) for actions in table.states.values() if "NAME" in actions}
    rows = [{word.upper() for word in words} for words in listed().values()]
    forgotten = [words for words in taken if words not in ({"SET"}, set()) and not any(words <= row for row in rows)]
    assert sorted(sorted(words) for words in forgotten) == []


@pytest.mark.parametrize(
    "text",
    [
        "scope branch incompany",
        "scopebranch in company",
        "role r { allow read ont }",
        "role r { allowread on t }",
        "condition c = context.hour >= 8and context.hour < 20",
        "condition c = resource.a - resource.b < 30days",
        "condition c = 1 in[1] and 2in [2]",
        "condition c = 1 inresource.tags",
        "guard g: at most 1r",
        'policy p"t" role r1{ }role r2{ }x',
        'test "t" { user u is r at b/1c }',
    ],
)
def test_glued_words_are_refused(text: str) -> None:
    """A word does not end in the middle of letters and digits."""
    assert read(text) is None


@pytest.mark.parametrize(
    "text",
    ['policy p"t"', "role`r`{allow*on*}", "condition c=(1)in[1]or(not(a))", "condition c = resource.`a`in[1]"],
)
def test_signs_and_quotes_end_a_word(text: str) -> None:
    """Next to signs, quotes and backticks no blank is needed."""
    assert read(text) is not None


@pytest.mark.parametrize(
    ("actions", "names", "marked"),
    [
        ("actions read, sensitive delete", ["read", "delete"], ["delete"]),
        ("actions sensitive\n `wipe`, read", ["wipe", "read"], ["wipe"]),
        ("actions sensitive # why\n delete", ["delete"], ["delete"]),
        ("actions sensitive", ["sensitive"], []),
        ("actions sensitive, read", ["sensitive", "read"], []),
        ("actions sensitive vet: user", ["sensitive"], []),
        ("actions sensitive actions read", ["sensitive", "read"], []),
        ("actions sensitive sensitive", ["sensitive"], ["sensitive"]),
        ("sensitive: int actions read", ["read"], []),
    ],
)
def test_sensitive_marks_the_action_that_follows(actions: str, names: list[str], marked: list[str]) -> None:
    """`sensitive` marks the next action, and is an action's or attribute's name wherever it can be told apart."""
    file, wrong = parse(Source("p.remit", f"area a {{ resource r {{ {actions} }} }}"))
    assert wrong == []
    [area] = [statement for statement in file.statements if isinstance(statement, tree.Area)]
    [resource] = area.resources
    assert [name.text for name in resource.actions] == names
    assert [name.text for name in resource.sensitive] == marked
