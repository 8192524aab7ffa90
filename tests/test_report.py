"""How findings are drawn and written: places, widths, long lines, colours, counts, JSON."""

from __future__ import annotations

import json
import re
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.codes import CODES
from remit.diagnostics import Diagnostic, Label, Level
from remit.report.findings_json import findings_dict, findings_json
from remit.report.quote import safe
from remit.report.text import draw_finding, draw_findings, summary
from remit.source import Source, Span


def mark(text: str, word: str, name: str = "main.remit", origin: str = "") -> Span:
    """The first place of a word in a text."""
    start = text.index(word)
    return Span(Source(name, text, origin), start, start + len(word))


def drawn(diagnostic: Diagnostic) -> list[str]:
    return draw_finding(diagnostic).split("\n")


def test_one_finding() -> None:
    """The head, the place, the line with its mark and label, and the help, as DESIGN shows them."""
    text = "\n" * 13 + "    allow update on recrod when treats\n"
    found = Diagnostic(
        "E104",
        "role `vet` has no resource type `recrod` to allow on",
        mark(text, "recrod", "roles.remit", "policies/clinic/roles.remit"),
        "not in area `patients`",
        "`record` has a similar name",
    )
    assert draw_finding(found) == (
        "error[E104]: role `vet` has no resource type `recrod` to allow on\n"
        "   ┌─ policies/clinic/roles.remit:14:21\n"
        "   │\n"
        "14 │     allow update on recrod when treats\n"
        "   │                     ^^^^^^ not in area `patients`\n"
        "   │\n"
        "   = help: `record` has a similar name"
    )


def test_another_place_near() -> None:
    """A second place nearby stands in the same frame, in the order of the text, with a dot for lines left out."""
    text = "role vet { }\n\n\nrole vet { }\n"
    source = Source("main.remit", text)
    first, second = text.index("vet"), text.rindex("vet")
    here, there = Span(source, second, second + 3), Span(source, first, first + 3)
    assert drawn(Diagnostic("E101", "twice", here, secondary=(Label(there, "first declared here"),)))[1:] == [
        "  ┌─ main.remit:4:6",
        "  │",
        "1 │ role vet { }",
        "  │      --- first declared here",
        "  ·",
        "4 │ role vet { }",
        "  │      ^^^",
    ]


def test_another_place_far() -> None:
    """A second place far away, or in another file, has a frame of its own, and all frames share one margin."""
    text = "role vet { }\n" + "\n" * 100 + "role vet { }\n"
    source, other = Source("main.remit", text), Source("more.remit", "role vet { }")
    start = text.rindex("vet")
    labels = (Label(Span(source, 5, 8), "here"), Label(Span(other, 5, 8), "and here"))
    assert drawn(Diagnostic("E101", "twice", Span(source, start, start + 3), secondary=labels))[1:] == [
        "    ┌─ main.remit:102:6",
        "    │",
        "102 │ role vet { }",
        "    │      ^^^",
        "    ┌─ main.remit:1:6",
        "    │",
        "  1 │ role vet { }",
        "    │      --- here",
        "    ┌─ more.remit:1:6",
        "    │",
        "  1 │ role vet { }",
        "    │      --- and here",
    ]


def test_two_places_on_one_line() -> None:
    """Two places of one line are marked on lines of their own below it."""
    text = "actions read, read"
    source = Source("main.remit", text)
    found = Diagnostic("E101", "twice", Span(source, 14, 18), secondary=(Label(Span(source, 8, 12), "first"),))
    assert drawn(found)[3:] == ["1 │ actions read, read", "  │               ^^^^", "  │         ---- first"]


@pytest.mark.parametrize(
    ("line", "word", "shown", "under"),
    [
        ("a\tb x", "x", "a   b x", "      ^"),
        ("\tx\ty", "y", "    x   y", "        ^"),
        ("\tx", "\tx", "    x", "^^^^^"),
        ("東京 x", "x", "東京 x", "     ^"),
        ("東京 x", "京", "東京 x", "  ^^"),
        ("e\u0301 x", "x", "e\u0301 x", "  ^"),
        ("\u202e x", "x", "\\u{202e} x", "         ^"),
        ("\x1b[31m x", "[", "\\u{1b}[31m x", "      ^"),
        ("a\rb x", "x", "a\\u{d}b x", "        ^"),
        ("\x85 x", "x", "\\u{85} x", "       ^"),
        ("\u2028 x", "x", "\\u{2028} x", "         ^"),
        ("🐶 x", "x", "🐶 x", "   ^"),
    ],
)
def test_columns_on_the_screen(line: str, word: str, shown: str, under: str) -> None:
    """Tabs, wide, combining and unprintable characters are shown so that the mark stands below its text."""
    assert drawn(Diagnostic("E001", "m", mark(line, word)))[3:5] == [f"1 │ {shown}", f"  │ {under}"]


def test_windows_line_ends() -> None:
    """A carriage return at the end of a line is no part of it."""
    assert drawn(Diagnostic("E001", "m", mark("role x\r\nrole y\r\n", "x")))[3] == "1 │ role x"


def test_several_lines() -> None:
    """Of a span over several lines the first is marked to its end."""
    text = "role x {\n  allow\n}\n"
    found = Diagnostic("E302", "m", Span(Source("main.remit", text), 0, len(text)), "this")
    assert drawn(found)[3:] == ["1 │ role x {", "  │ ^^^^^^^^ this"]


@pytest.mark.parametrize(
    ("text", "start", "lines"),
    [
        ("role", 4, ["  ┌─ m:1:5", "  │", "1 │ role", "  │     ^"]),
        ("role\n", 5, ["  ┌─ m:2:1", "  │", "2 │", "  │ ^"]),
        ("", 0, ["   ┌─ m"]),
        ("\n\n  ", 4, ["   ┌─ m:3:3"]),
    ],
)
def test_ends(text: str, start: int, lines: list[str]) -> None:
    """The end of a text has its mark; a text that is empty, or was not kept, shows the place alone."""
    assert drawn(Diagnostic("E001", "x", Span(Source("m", text), start, start)))[1:] == lines


def test_no_place() -> None:
    """A finding without a place is its head and its help."""
    assert draw_finding(Diagnostic("E001", "wrong", help="right")) == "error[E001]: wrong\n   = help: right"


def test_long_line() -> None:
    """Of a long line the part around the mark is shown, with an ellipsis for what is left out."""
    text = "a " * 1000 + "HERE" + " b" * 1000
    line, under = drawn(Diagnostic("E001", "m", mark(text, "HERE")))[3:5]
    assert line.startswith("1 │ …")
    assert line.endswith("…")
    assert len(line) < 180
    assert line[under.index("^") :].startswith("HERE")
    assert under.count("^") == 4


def test_a_line_of_50_mb() -> None:
    """A line of 50 MB is drawn in no time and without a copy of it."""
    text = "a" * 25_000_000 + "HERE" + "b" * 25_000_000
    span = mark(text, "HERE")
    tracemalloc.start()
    begun = time.perf_counter()
    lines = drawn(Diagnostic("E001", "m", span, secondary=(Label(span, "again"),)))
    taken, peak = time.perf_counter() - begun, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines[1] == "  ┌─ main.remit:1:25000001"
    assert max(map(len, lines)) < 200
    assert taken < 5
    assert peak < 1_000_000


def test_enormous_message() -> None:
    """A message that quotes something enormous keeps its beginning and its end."""
    first, *_ = drawn(Diagnostic("E106", f"no role `{'a' * 10_000_000}`"))
    assert first.startswith("error[E106]: no role `aaa")
    assert first.endswith("aaa`")
    assert len(first) < 500


@given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60), st.text(max_size=20))
def test_nothing_raw_is_drawn(text: str, start: int, length: int, said: str) -> None:
    """Whatever a text, a name or a message holds, what is drawn is printable, and marks lie below their line."""
    start = min(start, len(text))
    span = Span(Source(said, text, said), start, min(start + length, len(text)))
    lines = drawn(Diagnostic("E001", said, span, said, said, (Label(span, said),)))
    assert all(line.isprintable() for line in lines)
    assert all(len(re.findall(r"│ ( *)[\^-]", line)) <= 1 for line in lines)


@pytest.mark.parametrize(
    ("origin", "folder", "shown"),
    [
        ("/home/ann/policy/a.remit", "/home/ann", "policy/a.remit"),
        ("/home/ann/a.remit", "/home/ann/", "a.remit"),
        ("/home/annette/a.remit", "/home/ann", "/home/annette/a.remit"),
        ("policy/a.remit", "/home/ann", "policy/a.remit"),
        ("", "/home/ann", "a.remit"),
        ("/a.remit", "/", "a.remit"),
    ],
)
def test_paths(origin: str, folder: str, shown: str) -> None:
    """A file below the folder is named relative to it."""
    found = Diagnostic("E001", "m", Span(Source("a.remit", "x", origin), 0, 1))
    assert draw_findings([found], folder=folder).split("\n")[1] == f"  ┌─ {shown}:1:1"
    assert findings_dict([found], folder)["findings"][0]["file"] == shown


def test_colour_adds_and_carries_nothing() -> None:
    """With colours the text is the same, and without being asked for there are none."""
    found = [Diagnostic(code, "m", mark("role x", "x"), "l", "h", level=level) for code, level in LEVELS]
    plain, coloured = draw_findings(found, files=1), draw_findings(found, colour=True, files=1)
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert coloured.count("\x1b[1;31m") > 0
    assert coloured.count("\x1b[1;33m") > 0


LEVELS: list[tuple[str, Level]] = [("E101", "error"), ("W421", "warning"), ("W421", "note")]


def test_findings_are_capped() -> None:
    """A hundred findings are drawn, the rest is counted."""
    found = [Diagnostic("E001", f"m{number}") for number in range(10_000)]
    text = draw_findings(found, files=1)
    assert text.count("error[E001]") == 100
    assert text.endswith("\n\n… and 9,900 more findings\n\n10,000 findings (10,000 errors) in 1 file")
    assert draw_findings(found[:101]).endswith("… and 1 more finding")
    assert "more" not in draw_findings(found[:100])


def test_summary() -> None:
    """The last line counts findings by level and the files that were looked at."""
    levels = {level: Diagnostic("E001", "m", level=level) for _, level in LEVELS}
    assert summary([], 5) == "no findings in 5 files"
    assert summary([levels["error"]], 1) == "1 finding (1 error) in 1 file"
    both = [levels["warning"], levels["error"], levels["note"], levels["error"]]
    assert summary(both, 3) == "4 findings (2 errors, 1 warning, 1 note) in 3 files"


def test_json() -> None:
    """A finding as JSON has exactly the keys of SEMANTICS 10; columns are code points, ends exclusive."""
    text = "role 東 {\n}\nrole x { }"
    source = Source("a.remit", text)
    found = Diagnostic("E101", "m", Span(source, 5, 10), "l", "h", (Label(Span(source, 16, 17), "here"),))
    assert findings_dict([found]) == {
        "findings": [
            {
                "code": "E101",
                "name": CODES["E101"],
                "level": "error",
                "message": "m",
                "help": "h",
                "file": "a.remit",
                "line": 1,
                "column": 6,
                "end_line": 2,
                "end_column": 2,
                "secondary": [
                    {"message": "here", "file": "a.remit", "line": 3, "column": 6, "end_line": 3, "end_column": 7}
                ],
                "fix": None,
            }
        ],
        "errors": 1,
        "warnings": 0,
        "notes": 0,
    }


def test_json_without_a_place() -> None:
    """A finding without a place has null for it."""
    [found] = findings_dict([Diagnostic("E001", "m")])["findings"]
    assert {found[key] for key in ("file", "line", "column", "end_line", "end_column")} == {None}


@given(st.text(max_size=40))
def test_json_is_ascii(text: str) -> None:
    """The JSON text is ASCII without control characters, and gives every text back."""
    written = findings_json([Diagnostic("E001", text)])
    assert written.isascii()
    assert written.replace("\n", "").isprintable()
    assert json.loads(written)["findings"][0]["message"] == text


@given(st.text(max_size=40))
def test_safe_text(text: str) -> None:
    """Safe text is printable, and printable text is left as it is."""
    assert safe(text).isprintable()
    assert not text.isprintable() or safe(text) == text
