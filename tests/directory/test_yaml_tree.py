"""YAML and JSON texts as trees that know their place."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from remit.diagnostics import Diagnostic
from remit.directory import yaml_tree
from remit.directory.nodes import Mapping, Node, Scalar, Sequence, plain_value, span_of, value_of
from remit.directory.yaml_tree import DEPTH, compose
from remit.source import Source


@pytest.fixture(params=["libyaml", "pure"])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pure":
        monkeypatch.setattr(yaml_tree, "PARSER", yaml.SafeLoader)


both_parsers = pytest.mark.usefixtures("_parser")


def read(text: str) -> object:
    """The value of a text without mistakes."""
    root, findings = compose(Source("d.yaml", text))
    assert findings == []
    return None if root is None else value_of(root)


def mistakes(text: str) -> list[tuple[str, str]]:
    """Code and underlined text of each finding."""
    return [(finding.code, underlined(finding)) for finding in compose(Source("d.yaml", text))[1]]


def underlined(finding: Diagnostic) -> str:
    assert finding.span is not None
    return finding.span.text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing\n", None),
        ("---\n...\n", None),
        ("a: 1\nb: -0.5e2\nc: 0\n", {"a": 1, "b": -50.0, "c": 0}),
        ("[true, false, null, '', ~]", [True, False, None, "", "~"]),
        ("[yes, no, on, True, NULL, .nan, .inf, NaN, Infinity, -Infinity]", "as written"),
        ("[0x1F, 0o7, 010, 1_000, +1, .5, 1., 12:30, 2024-01-01, 1e999, -1e999]", "as written"),
        ('["true", \'1\', "null"]', ["true", "1", "null"]),
        (
            "no: 1\n123: 2\n1e3: 3\ntrue: 4\nnull: 5\n'': 6\n",
            {"no": 1, "123": 2, "1e3": 3, "true": 4, "null": 5, "": 6},
        ),
        ("a: |\n  x\n  y\nb: >\n  x\n  y\n", {"a": "x\ny\n", "b": "x y\n"}),
        ('{\n  "a":[1,2],\n  "b":{"c":"\\/\\u00e9"}}', {"a": [1, 2], "b": {"c": "/é"}}),
        ("%YAML 1.2\n---\na: b\r\nc: d\r\n", {"a": "b", "c": "d"}),
        ('"<<": 1', {"<<": 1}),
    ],
)
@both_parsers
def test_scalars_are_as_in_json(text: str, value: object) -> None:
    """Only JSON's words and numbers have a value of their own, keys never do, and whatever is quoted is text."""
    found = read(text)
    assert found == ([word.strip() for word in text[1:-1].split(",")] if value == "as written" else value)


def test_json_may_be_indented_with_tabs() -> None:
    """Tabs are blanks in JSON, and in YAML between brackets."""
    assert read('{\n\t"a":\t[\n\t\t1,\t2\n\t]\n}') == {"a": [1, 2]}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.sampled_from([None, 2]))
def test_json_is_read_as_json(value: object, indent: int | None) -> None:
    """Whatever Python writes as JSON is read as the same value, with escapes for what is not ASCII."""
    text = json.dumps(value, indent=indent).replace("\x7f", "\\u007f")
    assert read(text) == value


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff"))
    )
)
def test_json_may_be_in_utf_8(words: list[str]) -> None:
    """JSON whose characters are not escaped is read as the same value."""
    assert read(json.dumps(words, ensure_ascii=False)) == words


@pytest.mark.parametrize("digits", [18, 400, 4_000, 100_000])
def test_long_numbers_do_no_harm(digits: int) -> None:
    """A number longer than Python converts stays a text, and none is ever infinite."""
    text = "9" * digits
    assert plain_value(text) in (text, 10**digits - 1)
    value = plain_value(text + ".5")
    assert value == text + ".5" or (isinstance(value, float) and math.isfinite(value))


def nodes(node: Node) -> Iterator[Scalar]:
    match node:
        case Scalar():
            yield node
        case Mapping():
            for key, value in node.entries.values():
                yield key
                yield from nodes(value)
        case Sequence():
            for item in node.items:
                yield from nodes(item)


@both_parsers
def test_places_count_code_points() -> None:
    """Emoji, accents and line ends of Windows do not move what comes after them."""
    source = Source("d.yaml", "😀: [é, 😀😀]\r\n'x 😀': {y: z, w: \"q\"}\r\n# 😀\r\nend: |\r\n  text 😀\r\n")
    root, findings = compose(source)
    assert (findings, root is None) == ([], False)
    texts = [span_of(source, node).text for node in nodes(root)] if root else []
    assert texts == ["😀", "é", "😀😀", "'x 😀'", "y", "z", "w", '"q"', "end", "|"]


@both_parsers
def test_a_long_node_is_underlined_on_its_first_line() -> None:
    """What is underlined of a mapping or list of many lines is its first line."""
    source = Source("d.yaml", "a:\n  b: 1\n  c: 2\n\nd: [1,\n  2]\n")
    root, _ = compose(source)
    assert isinstance(root, Mapping)
    assert [span_of(source, node).text for _, node in root.entries.values()] == ["b: 1", "[1,"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1\n'a': 2\n\"a\": 3", [("E402", "'a'"), ("E402", '"a"')]),
        ("{x: {b: 1, b: [2, {c: 3}]}}", [("E402", "b")]),
        ("😀: &x {a: 1}", [("E403", "&x")]),
        ("a: !!str b\nc: !d [1]\ne: ! f", [("E403", "!!str"), ("E403", "!d"), ("E403", "!")]),
        ("a: &b !!str c", [("E403", "&b")]),
        ("a: *b", [("E403", "*b")]),
        ("*a : 1", [("E403", "*a")]),
        ("a: {<<: {b: 1}, c: 2}", [("E403", "<<")]),
        ("<<: *a", [("E403", "<<"), ("E403", "*a")]),
        ("? [a]\n: 1\n? {b: c}\n: [2]\nd: 3", [("E403", "["), ("E403", "{")]),
        ("a: 1\n---\nb: 2", [("E403", "---")]),
        ("a: 1\n...\n---\n", [("E403", "---")]),
    ],
)
@both_parsers
def test_what_yaml_adds_to_json_is_refused(text: str, found: list[tuple[str, str]]) -> None:
    """Duplicate keys, anchors, tags, aliases, merge keys, keys that are no text and further documents are findings."""
    assert mistakes(text) == found


@both_parsers
def test_the_first_of_two_keys_is_kept_and_shown() -> None:
    """A duplicate key points at the first one, whose value stays."""
    root, [finding] = compose(Source("d.yaml", "a: 1\nb: 2\na: {c: 3}\n"))
    assert root is not None
    assert value_of(root) == {"a": 1, "b": 2}
    [label] = finding.secondary
    assert (label.text, label.span.text, label.span.line) == ("first here", "a", 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("😀: @x", "@"),
        ("é: 😀\nb: `x", "`"),
        ("a: b: c", ":"),
        ("users:\n  ann: {}\n bob: {}", "b"),
        ("users: {ann: {}", "{"),
        ("users: [ann", "["),
        ('a: "😀', '"'),
        ("a: [1}", "}"),
        ("- a\nb", "b"),
        ("%😀", "😀"),
    ],
)
@both_parsers
def test_broken_yaml_is_underlined(text: str, found: str) -> None:
    """Text that is no YAML is one finding, at the character that breaks it, or at what was left open."""
    [(code, shown)] = mistakes(text)
    assert (code, shown) == ("E401", found)


def test_a_wrong_escape_is_underlined() -> None:
    """A backslash before what is no escape is one finding, at the backslash."""
    assert mistakes('😀: "\\q"') == [("E401", "\\")]


def test_a_tab_is_named() -> None:
    """A tab that indents is underlined and told to be a tab."""
    [finding] = compose(Source("d.yaml", "users:\n\tann: {}"))[1]
    assert (finding.code, underlined(finding), finding.help) == ("E401", "\t", "indent with blanks, not tabs")


def test_findings_before_broken_yaml_are_kept() -> None:
    """What was found before the text broke is reported beside it."""
    assert mistakes("a: *b\na: 1\nc: @\n") == [("E403", "*b"), ("E402", "a"), ("E401", "@")]


@pytest.mark.parametrize(
    "character", ["\0", "\x07", "\x1b", "\x7f", "\x9b", "\ufeff", "\ud800", "\ufffe", "\u2028", "\x85"]
)
def test_unreadable_characters_are_underlined(character: str) -> None:
    """Control characters, a byte-order mark, half surrogate pairs and foreign line ends are refused in place."""
    assert mistakes(f"😀: [a{character}b]") == [("E417", character)]
    assert mistakes(f"{character}a: b") == [("E417", character)]


def test_unreadable_characters_are_counted_to_a_hundred() -> None:
    """A binary file gives a hundred findings, not millions."""
    assert len(mistakes("\0" * 1_000_000)) == 100


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud83d\ude00"', "😀"),
        (r'"\\ud83d\ud83d\ude00\x41"', "\\ud83d😀A"),
        (r"'\ud83d\ude00 \ue83d'", "\\ud83d\\ude00 \\ue83d"),
        (r"\ud83d\ue83d", "\\ud83d\\ue83d"),
        (r'{"\uD83D\uDE00": 1}', {"😀": 1}),
    ],
)
def test_surrogate_pairs_are_characters_in_double_quotes_only(text: str, value: object) -> None:
    """JSON's pairs of escapes are one character; outside double quotes a backslash is a backslash."""
    assert read(text) == value


@pytest.mark.parametrize("text", [r'["\ud83d"]', r'["\ude00\ud83d"]', r'["x\ud83d\u0041"]'])
def test_half_a_pair_is_refused(text: str) -> None:
    """An escape that names half a character is a finding at the escape."""
    found = mistakes(text)
    assert found
    assert {code for code, _ in found} == {"E417"}
    assert {shown for _, shown in found} <= {r"\ud83d", r"\ude00"}


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", '{"a":', "[{a: "])
@both_parsers
def test_deep_nesting_neither_crashes_nor_takes_long(opening: str) -> None:
    """A hundred thousand open brackets are one finding, at once."""
    begun = time.perf_counter()
    [(code, shown)] = mistakes(opening * 100_000)
    assert (code, shown) == ("E416", opening[0])
    assert time.perf_counter() - begun < 30  # a guard against hanging, not a figure


@both_parsers
def test_nesting_goes_to_the_cap() -> None:
    """Fifty lists inside each other are read, fifty-one are not."""
    assert read("[" * DEPTH + "]" * DEPTH) is not None
    assert [code for code, _ in mistakes("[" * (DEPTH + 1) + "]" * (DEPTH + 1))] == ["E416"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["a: " + "x" * 50_000_000, '"' + "x" * 50_000_000, "a: [" + "x " * 25_000_000, "#" * 50_000_000, " " * 50_000_000],
    ids=["plain", "quoted", "words", "comment", "blanks"],
)
def test_a_line_of_50_megabytes_does_no_harm(text: str) -> None:
    """An endless line is read, or refused with one finding, in a few seconds."""
    begun = time.perf_counter()
    assert len(mistakes(text)) <= 1
    assert time.perf_counter() - begun < 60  # a guard against hanging, not a figure


@given(st.text(alphabet="ab:{}[],-?&*!|>'\"%@`#\\u \n\t😀0<", max_size=60))
def test_no_text_raises(text: str) -> None:
    """Whatever the text, there is a tree, or findings that point into the text."""
    root, findings = compose(Source("d.yaml", text))
    assert root is None or isinstance(value_of(root), object)
    assert all(f.span is not None and 0 <= f.span.start <= f.span.end <= len(text) for f in findings)
