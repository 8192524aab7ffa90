"""The directory file: what it means, and what is said where it is wrong."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.diagnostics import Diagnostic
from remit.directory import reader
from remit.directory.circles import circles
from remit.directory.reader import DIRECTORY_CODES, read_directory
from remit.directory.shape import Assignment, Directory, Group, Scope, User
from remit.source import Source

CLINIC = """\
scopes:
  branch/north: {}
  room/a/1: {parent: [branch/north, company]}
  branch/south:
users:
  ann:
    status: active
    attributes: {department: surgery, level: 3, tags: [a, b], left: null}
    assignments:
      - {role: vet, scope: branch/north}
      - role: viewer
        from: 2024-01-01T00:00:00Z
        until: "2025-01-01T00:00:00+01:00"
  bob: {status: disabled, status_before: pending, type: service}
  cyd:
groups:
  desk:
    members: [ann, group/all, ann]
    assignments: [{role: viewer, scope: company}]
  all: {members: [bob]}
joined_domains: [ACME.com]
removed: [dan]
"""


def read(text: str) -> Directory:
    """The directory of a text without mistakes."""
    directory, findings = read_directory(Source("directory.yaml", text))
    assert findings == []
    return directory


def findings(text: str) -> list[Diagnostic]:
    return read_directory(Source("directory.yaml", text))[1]


def mistakes(text: str) -> list[tuple[str, str]]:
    """Code and underlined text of each finding."""
    return [(finding.code, finding.span.text if finding.span else "") for finding in findings(text)]


def test_users() -> None:
    """A user has status, type, attributes as in JSON, and assignments with their times; all may be left out."""
    users = read(CLINIC).users
    assert users["ann"] == User(
        id="ann",
        attributes={"department": "surgery", "level": 3, "tags": ["a", "b"], "left": None},
        assignments=(
            Assignment("vet", "branch/north", line=10, column=9),
            Assignment("viewer", None, 1_704_067_200 * 10**9, 1_735_686_000 * 10**9, line=11, column=9),
        ),
        line=6,
        column=3,
    )
    assert users["bob"] == User("bob", "service", "disabled", line=14, column=3, status_before="pending")
    assert users["cyd"] == User("cyd", line=15, column=3)


def test_groups() -> None:
    """A group's members are users, and groups by `group/NAME`; each counts once."""
    assert read(CLINIC).groups == {
        "desk": Group("desk", ("ann",), ("all",), (Assignment("viewer", "company", line=19, column=19),), 17, 3),
        "all": Group("all", ("bob",), line=20, column=3),
    }


def test_scopes() -> None:
    """A scope is a kind and an id, which may hold further slashes, below one parent, several or the root."""
    assert read(CLINIC).scopes == {
        "branch/north": Scope("branch/north", (), 2, 3),
        "room/a/1": Scope("room/a/1", ("branch/north", "company"), 3, 3),
        "branch/south": Scope("branch/south", (), 4, 3),
    }


def test_the_lists_beside() -> None:
    """Domains are compared in lower case; removed users are kept."""
    directory = read(CLINIC)
    assert directory.joined_domains == frozenset({"acme.com"})
    assert directory.removed == frozenset({"dan"})
    assert directory.name == "directory.yaml"


@pytest.mark.parametrize(
    "text",
    ["", "# nothing", "---", "{}", "null", "users:\ngroups:\nscopes:\njoined_domains:\nremoved:\n", "users: null"],
)
def test_every_section_may_be_missing(text: str) -> None:
    """A file without sections, or with empty ones, is an empty directory."""
    assert read(text) == Directory(name="directory.yaml")


def test_ids_are_strings() -> None:
    """`no`, `123`, `1e3`, `null` are ids like any other, as keys and as members."""
    directory = read(
        "users: {no: , 123: , 1e3: , true: , null: }\n"
        "groups: {1: {members: [no, 123, 1e3, true, null, group/2]}, 2: {assignments: [{role: 7, scope: 8}]}}\n"
        "removed: [0x1F, 007]"
    )
    assert list(directory.users) == ["no", "123", "1e3", "true", "null"]
    assert directory.groups["1"].members == ("no", "123", "1e3", "true", "null")
    assert directory.groups["2"].assignments[0].role == "7"
    assert directory.groups["2"].assignments[0].scope == "8"
    assert directory.removed == frozenset({"0x1F", "007"})


def test_json_is_yaml() -> None:
    """The same directory in JSON reads as the same users."""
    directory = read('{"users":{"ann":{"attributes":{"x":"\\ud83d\\ude00","y":null,"z":1.5}}},"removed":["no"]}')
    assert directory.users["ann"].attributes == {"x": "😀", "y": None, "z": 1.5}
    assert directory.removed == frozenset({"no"})


def test_null_is_left_out() -> None:
    """Null, where something may be left out, is the same as leaving it out."""
    held = "{role: r, scope: null, from: , until: null}"
    text = f"users: {{a: {{status: null, type: , attributes: null, assignments: [{held}]}}}}"
    assert read(text).users["a"] == User("a", assignments=(Assignment("r", line=1, column=67),), line=1, column=9)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # syntax and YAML's own
        ("users: {", [("E401", "{")]),
        ("😀: @", [("E401", "@")]),
        ("users: {a: {}, a: {}}", [("E402", "a")]),
        ("users: {a: *b}", [("E403", "*b")]),
        ("users: *b\ngroups: {g: {members: [ann]}}", [("E403", "*b")]),
        ("[" * 60, [("E416", "[")]),
        ("users: {a\0: {}}", [("E417", "\0")]),
        # keys
        ("user: {}", [("E404", "user")]),
        ("users: {😀: {statsu: active}}", [("E404", "statsu")]),
        ("groups: {g: {member: []}}", [("E404", "member")]),
        ("scopes: {a/b: {parents: []}}", [("E404", "parents")]),
        ("users: {a: {assignments: [{role: r, 'scop': x}]}}", [("E404", "'scop'")]),
        # shapes
        ("[]", [("E405", "[]")]),
        ("users", [("E405", "users")]),
        ("users: [ann]\ngroups: {g: {members: [ann]}}", [("E405", "[ann]")]),
        ("users: {ann: active}", [("E405", "active")]),
        ("users: {'': {}}", [("E405", "''")]),
        ("users: {ann: {type: []}}", [("E405", "[]")]),
        ("users: {ann: {attributes: 3}}", [("E405", "3")]),
        ("users: {ann: {assignments: {role: vet}}}", [("E405", "{role: vet}")]),
        ("users:\n  ann:\n    assignments:\n      role: vet\n      scope: x\n", [("E405", "role: vet")]),
        ("users: {ann: {assignments: [vet]}}", [("E405", "vet")]),
        ("users: {ann: {assignments: [{}]}}", [("E405", "{}")]),
        ("users: {ann: {assignments: [{role: }]}}", [("E405", "role")]),
        ("users: {ann: {assignments: [{role: [vet]}]}}", [("E405", "[vet]")]),
        ("users: {ann: {assignments: [{role: r, scope: [a/b]}]}}", [("E405", "[a/b]")]),
        ("users: {ann: {status: [active]}}", [("E405", "[active]")]),
        ("groups: {g: {members: ann}}", [("E405", "ann")]),
        ("groups: {g: {members: [{}, '']}}", [("E405", "{}"), ("E405", "''")]),
        ("scopes: {a/b: {parent: {}}}", [("E405", "{}")]),
        ("removed: ann\njoined_domains: 3", [("E405", "ann"), ("E405", "3")]),
        # names
        ("users: {ann: {status: actve, status_before: true}}", [("E406", "actve"), ("E406", "true")]),
        ("users: {ann: {}}\ngroups: {g: {members: [ann, bob]}}", [("E407", "bob")]),
        ("groups: {g: {members: [group/h, h]}}", [("E408", "group/h"), ("E407", "h")]),
        ("removed: [ann]\nusers: {ann: {}}", [("E415", "ann")]),
        # circles
        ("groups: {g: {members: [group/g]}}", [("E409", "group/g")]),
        ("groups: {a: {members: [group/b]}, b: {members: [group/a]}}", [("E409", "group/a")]),
        ("scopes: {a/1: {parent: a/2}, a/2: {parent: [c, a/1]}}", [("E410", "a/1")]),
        # scopes
        ("scopes: {north: {}, branch/: {}, /x: {}}", [("E411", "north"), ("E411", "branch/"), ("E411", "/x")]),
        ("scopes: {a/b: {parent: c/}}", [("E411", "c/")]),
        ("scopes: {a/b: {parent: [a/c, '']}}", [("E412", "a/c"), ("E411", "''")]),
        ("users: {a: {assignments: [{role: r, scope: a/b}, {role: r, scope: a/}]}}", [("E412", "a/b"), ("E411", "a/")]),
        # times
        ("users: {a: {assignments: [{role: r, from: 2024-01-01}]}}", [("E413", "2024-01-01")]),
        ("users: {a: {assignments: [{role: r, until: ''}]}}", [("E413", "''")]),
        ("users: {a: {assignments: [{role: r, until: [x]}]}}", [("E405", "[x]")]),
        (
            "groups: {g: {assignments: [{role: r, from: 2024-01-01T00:00:00Z, until: 2024-01-01T01:00:00+01:00}]}}",
            [("E414", "2024-01-01T01:00:00+01:00")],
        ),
    ],
)
def test_mistakes_are_underlined(text: str, found: list[tuple[str, str]]) -> None:
    """Each mistake is one finding with its code, at the text that is wrong."""
    assert mistakes(text) == found


def test_every_code_is_triggered() -> None:
    """The cases above trigger every code of the directory, and no other."""
    [mark] = [mark for mark in test_mistakes_are_underlined.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    assert {code for _, found in mark.args[1] for code, _ in found} == set(DIRECTORY_CODES)


@pytest.mark.parametrize(
    ("text", "helped"),
    [
        ("users: {a: {statsu: x}}", "`status` has a similar name"),
        ("users: {a: {zzz: x}}", "known here: `status`, `type`, `attributes`, `assignments`, `status_before`"),
        ("users: {a: {status: actve}}", "`active` has a similar name"),
        ("users: {anna: {}}\ngroups: {g: {members: [ana]}}", "`anna` has a similar name"),
        ("groups: {desk: {}, g: {members: [desk]}}", "for the group write `group/desk`"),
        ("groups: {desk: {}, g: {members: [group/dsk]}}", "`desk` has a similar name"),
        ("scopes: {branch/north: {}, a/b: {parent: branch/nort}}", "`branch/north` has a similar name"),
    ],
)
def test_a_typo_gets_a_suggestion(text: str, helped: str) -> None:
    """Where a known name is near, it is named; else what may stand there."""
    assert [finding.help for finding in findings(text)] == [helped]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("[]", "a list"),
        ("{}", "a mapping"),
        ("3", "a number"),
        ("x", "text"),
        ("true", "`true`"),
        ("'3'", "text"),
        ("''", "an empty text"),
    ],
)
def test_what_was_found_is_said_in_plain_words(value: str, said: str) -> None:
    """A wrong shape says what stands there as people call it."""
    text = f"groups: {{g: {{members: {value}}}}}" if value != "[]" else "groups: {g: []}"
    [finding] = findings(text) if value != "{}" else findings("groups: {g: {members: {}}}")
    assert finding.message.endswith(f"but this is {said}")


def test_messages_keep_the_house_style() -> None:
    """Messages begin in lower case, end without a full stop, and speak neither to the reader nor of Python."""
    [mark] = [mark for mark in test_mistakes_are_underlined.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    for text, _ in mark.args[1]:
        for finding in findings(text):
            for line in (finding.message, finding.help, finding.label, *(label.text for label in finding.secondary)):
                assert line == "" or (not line[0].isupper() and not line.endswith(".")), line
                assert not {"you", "dict", "str", "NoneType", "bool"} & set(line.split()), line


def test_a_circle_is_named() -> None:
    """A circle is spelled out from name to name; a long one is cut short in the middle."""
    [short] = findings("groups: {a: {members: [group/b]}, b: {members: [group/c]}, c: {members: [group/a]}}")
    assert short.message == "groups run in a circle: `a` > `b` > `c` > `a`"
    ring = ", ".join(f"s/{i}: {{parent: s/{(i + 1) % 100}}}" for i in range(100))
    [long] = findings(f"scopes: {{{ring}}}")
    assert long.message == "scopes run in a circle: `s/0` > `s/1` > `s/2` > `s/3` > … > `s/99` > `s/0`"


@given(st.dictionaries(st.integers(0, 7), st.sets(st.integers(0, 8)), max_size=8))
def test_circles_are_found_exactly_where_there_are_some(numbers: dict[int, set[int]]) -> None:
    """A circle is reported if and only if some name can be reached from itself."""
    edges = {str(name): [str(other) for other in others] for name, others in numbers.items()}
    reach = {name: set(others) for name, others in edges.items()}
    for _ in edges:
        for name in edges:
            reach[name] |= {far for other in reach[name] for far in reach.get(other, set())}
    found = list(circles(edges))
    assert bool(found) == any(name in reach[name] for name in edges)
    assert all(circle.first in edges[circle.last] and circle.last in reach[circle.last] for circle in found)


def test_long_chains_do_not_recurse() -> None:
    """A hundred thousand groups and scopes in a chain are read; closing the chain is one finding."""
    count = 100_000
    chain = (
        "groups:\n" + "".join(f"  g{i}: {{members: [group/g{i + 1}]}}\n" for i in range(count)) + f"  g{count}: {{}}\n"
    )
    assert len(read(chain).groups) == count + 1
    ring = "scopes:\n" + "".join(f"  s/{i}: {{parent: s/{(i + 1) % count}}}\n" for i in range(count))
    assert mistakes(ring) == [("E410", "s/0")]


def test_other_places_are_shown() -> None:
    """A removed user who is still there, and a window that ends before it begins, show both places."""
    [removed] = findings("users: {ann: {}}\nremoved: [ann]")
    assert [(label.text, label.span.line) for label in removed.secondary] == [("still a user here", 1)]
    window = "from: 2025-01-01T00:00:00Z, until: 2024-01-01T00:00:00Z"
    [empty] = findings(f"users: {{ann: {{assignments: [{{role: vet, {window}}}]}}}}")
    assert [label.span.text for label in empty.secondary] == ["2025-01-01T00:00:00Z"]


def test_all_mistakes_come_at_once_and_in_order() -> None:
    """One reading reports every mistake of the file, by place."""
    text = "groups: {g: {members: [x]}}\nusers: {a: {status: x, typ: y}, a: *b}\nscopes: {x: {}}\nremoved: [a]\n"
    places = [(f.code, f.span.line if f.span else 0) for f in findings(text)]
    assert places == [("E407", 1), ("E406", 2), ("E404", 2), ("E402", 2), ("E403", 2), ("E411", 3), ("E415", 4)]


@pytest.mark.parametrize(
    "assignment",
    [
        "{role: owner, scope: a/b}",
        "{role: owner, scope: *x}",
        "{role: owner, scop: a/b}",
        "{role: owner, until: yesterday}",
        "{role: owner, scope: []}",
    ],
)
def test_a_wrong_assignment_gives_nothing(assignment: str) -> None:
    """An assignment whose scope or time cannot be read is left out, rather than held at the root for ever."""
    directory, found = read_directory(Source("d", f"users: {{ann: {{assignments: [{assignment}, {{role: vet}}]}}}}"))
    assert len(found) == 1
    assert [held.role for held in directory.users["ann"].assignments] == ["vet"]


@pytest.mark.parametrize("status", ["actve", "*x", "[]"])
def test_a_wrong_status_is_not_active(status: str) -> None:
    """A user whose status cannot be read is not active in the partial directory."""
    directory, found = read_directory(Source("d", f"users: {{ann: {{status: {status}}}}}"))
    assert len(found) == 1
    assert directory.users["ann"].status == "disabled"


def test_ten_thousand_mistakes_are_reported_fast() -> None:
    """Many mistakes take no longer than a few seconds, with suggestions for the first of them only."""
    people = "".join(f"  user{i}: {{statsu: active}}\n" for i in range(10_000))
    members = ", ".join(f"uzer{i}" for i in range(10_000))
    begun = time.perf_counter()
    found = mistakes(f"users:\n{people}groups: {{g: {{members: [{members}]}}}}\n")
    assert time.perf_counter() - begun < 60  # a guard against hanging, not a figure
    assert [sum(code == wanted for code, _ in found) for wanted in ("E404", "E407")] == [10_000, 10_000]


@pytest.mark.slow
def test_a_hundred_thousand_users_are_read() -> None:
    """A hundred thousand users with an assignment each are read without hanging."""
    text = "scopes: {b/1: {}}\nusers:\n" + "".join(
        f"  user{i}:\n    status: active\n    assignments:\n      - {{role: vet, scope: b/1}}\n" for i in range(100_000)
    )
    begun = time.perf_counter()
    assert len(read(text).users) == 100_000
    assert time.perf_counter() - begun < 60  # a guard against hanging, not a figure


@pytest.mark.parametrize("text", [CLINIC, "users: {", "users: [", "users: 3"])
def test_garbage_collection_is_left_as_it_was(text: str) -> None:
    """Reading turns collection off for its while, and back on only where it was on."""
    read_directory(Source("d", text))
    assert gc.isenabled()
    gc.disable()
    try:
        read_directory(Source("d", text))
        assert not gc.isenabled()
    finally:
        gc.enable()


@given(st.text(alphabet="usergop:{}[],- \n\"'/a", max_size=80))
def test_no_text_raises(text: str) -> None:
    """Whatever the text, there is a directory and findings that point into the text."""
    directory, found = read_directory(Source("d", text))
    assert isinstance(directory, Directory)
    assert all(f.span is not None and 0 <= f.span.start <= f.span.end <= len(text) for f in found)


@given(st.integers(0, len(CLINIC) - 1), st.integers(0, 12), st.text(alphabet="{}[]:,\"' \n*&a", max_size=3))
def test_damaged_files_do_no_harm(start: int, length: int, put: str) -> None:
    """A good file with a piece knocked out or put in gives a directory and findings, never an exception."""
    directory, found = read_directory(Source("d", CLINIC[:start] + put + CLINIC[start + length :]))
    assert isinstance(directory, Directory)
    assert all(finding.code in DIRECTORY_CODES for finding in found)


def test_codes_are_told_once() -> None:
    """Codes and names are unique, and every code the modules raise is in the registry."""
    assert len(set(DIRECTORY_CODES.values())) == len(DIRECTORY_CODES)
    folder = Path(reader.__file__).parent
    raised = {
        word
        for module in ("reader", "fields", "yaml_tree")
        for word in (folder / f"{module}.py").read_text(encoding="utf-8").split('"')
        if word.startswith("E4") and len(word) == 4
    }
    assert raised == set(DIRECTORY_CODES)
