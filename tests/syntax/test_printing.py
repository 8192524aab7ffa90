"""The one format: the same tree, every comment, and nothing left to do the second time."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark, Token
from referee.generate import Case, cases
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from remit.source import Source
from remit.syntax import parser, printing, tree
from remit.syntax.parser import grammar_text, parse
from remit.syntax.printing import NotKept, NotParsed, formatted
from remit.syntax.printing_same import same
from remit.syntax.printing_words import WIDTH

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = {
    file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8")
    for folder in ("policies", "tests/corpus")
    for file in sorted((ROOT / folder).rglob("*.remit"))
}

LAID_OUT = {"tests/corpus/many_lines.remit"}  # it is about statements over several lines


class Texts(SingleFileSnapshotExtension):
    """A text file for each snapshot."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


def statements(text: str) -> list[tree.Statement]:
    file, findings = parse(Source("main.remit", text))
    assert findings == []
    return file.statements


def parses(text: str) -> bool:
    return not parse(Source("main.remit", text))[1]


def fmt(text: str) -> str:
    return formatted(Source("main.remit", text))


@cache
def lexer() -> tuple[Lark, list[str]]:
    """lark's own reading of the grammar, and the list that it puts comments into: no code of the printer's."""
    found: list[str] = []

    def keep(token: Token) -> Token:
        found.append(str(token).rstrip())
        return token

    callbacks = {"COMMENT": keep}
    lark = Lark(grammar_text(), parser="lalr", lexer="contextual", lexer_callbacks=callbacks, maybe_placeholders=False)
    return lark, found


def comments(text: str) -> list[str]:
    lark, found = lexer()
    found.clear()
    lark.parse(text)
    return list(found)


def ends(text: str) -> list[int]:
    """Where each token ends."""
    lark, _ = lexer()
    run = lark.parse_interactive(text)
    return [token.end_pos or 0 for token in run.iter_parse()]


def hold(text: str) -> str:
    """Everything that is promised of a text and the one made of it; the latter."""
    made = fmt(text)
    assert same(statements(text), statements(made))
    assert comments(made) == comments(text)
    assert fmt(made) == made
    assert made == "" or made.endswith("\n")
    assert not re.search(r"[ \t\r]$|\n\n\n|\A\n|\n\n\Z", made, re.MULTILINE)
    return made


def disturbed(text: str, random: Random) -> str:
    """The text with comments, line ends and blanks between some of its tokens."""
    pieces, last = [], 0
    for number, end in enumerate(ends(text)):
        pieces.append(text[last:end])
        if random.random() < 0.15:
            name = f"# {number}" + " " * random.randrange(2)
            pieces.append(
                random.choice((f"{name}\n", f"\n{name}\n", f"\n\n{name}\n\n\n", "\n", "\n\n\n", " \t", "\r\n"))
            )
        last = end
    return "".join([*pieces, text[last:]])


# -- whatever the text -------------------------------------------------------------------------------------------------

GRAMMAR_WORDS = {
    "NAME": st.sampled_from(["a", "read", "role", "`pods/log`", "in", "resource", "when", "a" * 50]),
    "STRING": st.sampled_from(['""', '"x"', r'"a \"b\" # \u{e9}"', '"' + "y" * 70 + '"']),
    "INT": st.sampled_from(["0", "-5", "20"]),
    "DURATION": st.sampled_from(["30d", "1s"]),
}
FROM_GRAMMAR = from_lark(
    Lark(grammar_text(), parser="lalr", lexer="contextual", maybe_placeholders=False),
    explicit={
        **{name: words.map(lambda word: f" {word} ") for name, words in GRAMMAR_WORDS.items()},
        "IN_OPERATOR": st.just(" in "),
        "SENSITIVE": st.just(" sensitive "),
        "WHITE": st.just(" "),
        "COMMENT": st.just(" # note\n "),
        **{
            name: st.just(f" {word} ")
            for name, word in re.findall(r'^([A-Z_]+): "(.+)"$', grammar_text(), re.MULTILINE)
        },
    },
).filter(parses)


@given(FROM_GRAMMAR, st.randoms(use_true_random=False))
def test_texts_from_the_grammar(text: str, random: Random) -> None:
    """Whatever the grammar allows keeps its tree and its comments, wherever they stand, and is formatted once."""
    hold(text)
    hold(disturbed(text, random))


@given(cases(requests=1), st.randoms(use_true_random=False))
def test_generated_policies(case: Case, random: Random) -> None:
    """So does every policy that the referee makes up."""
    for sources in (case.sources, *case.overlays):
        for text in sources.values():
            hold(text)
            hold(disturbed(text, random))


@pytest.mark.parametrize("file", [file for file, text in WRITTEN.items() if parses(text)])
def test_written_policies(file: str) -> None:
    """So does every policy of this repository."""
    random = Random(file)
    hold(WRITTEN[file])
    for _ in range(3):
        hold(disturbed(WRITTEN[file], random))


@given(cases(requests=1))
def test_what_is_spaced_already(case: Case) -> None:
    """An item that is taken as it stands, being spaced already, is what would be made of it."""
    text = "\n".join(case.sources.values())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(printing, "_SPACED", re.compile(r"(?!)"))
        slowly = fmt(text)
    assert fmt(text) == slowly


@pytest.mark.parametrize("file", [file for file, text in WRITTEN.items() if parses(text) and file not in LAID_OUT])
def test_written_policies_are_formatted(file: str) -> None:
    """The shipped policies and the corpus are in the format."""
    assert fmt(WRITTEN[file]) == WRITTEN[file]


def test_the_example_of_the_page() -> None:
    """The page about the language shows the format in a policy that is in it."""
    page = (ROOT / "docs/language.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```remit\n(.*?)```", page.partition("\n## The format\n")[2], re.DOTALL)
    assert fmt(example) == example


def test_tour(snapshot: SnapshotAssertion) -> None:
    """What the format looks like, for every kind of statement."""
    text = (Path(__file__).parent / "tour.txt").read_text(encoding="utf-8")
    made = hold(text)
    assert max(len(line.split("  #")[0]) for line in made.splitlines()) <= WIDTH
    assert made == snapshot.use_extension(Texts)


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["role vet {", 'role r "\\q" { }', "\ufeffrole r { }", "role `a\u2066b` { }"])
def test_texts_with_errors(text: str) -> None:
    """A text with errors is not formatted; what is wrong is said."""
    with pytest.raises(NotParsed) as refused:
        fmt(text)
    assert refused.value.findings == parse(Source("main.remit", text))[1] or len(refused.value.findings) == 1


@pytest.mark.parametrize(
    "made",
    [
        "role a { allow read on x }\n",  # a comment is lost
        "role a {  # two\n  allow read on x  # one\n}\n",
        "role a {  # one\n  deny read on x  # two\n}\n",
        "role a {  # one\n  allow read on x  # two\n",
        "role a {  # one\n  # allow read on x  # two\n}\n",
        "",
    ],
)
def test_a_faulty_printer(made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A printer that would lose or change anything is not believed."""
    monkeypatch.setattr(printing, "printed", lambda file: made)
    with pytest.raises(NotKept):
        fmt("role a { # one\nallow read on x # two\n}")


COMMENTED = """actions change = read, write  # of the actions
role vet {  # of the head
  # of the first rule
  allow read on x  # behind it
  allow write on x
    when (a and b)  # of the whole
      or resource.d  # of the last part
}
# of the guard
guard g: at most 1 vet
"""
MOVED = [
    ("  # of the actions\nrole vet {", "\nrole  # of the actions\n    vet {"),  # over a word, in the same order
    ("role vet {  # of the head\n", "role vet {\n  # of the head\n"),  # from behind the head to before the rule
    ("  # of the first rule\n  allow read on x", "  allow read on x  # of the first rule\n "),
    ("  # of the first rule\n  allow read", "  allow  # of the first rule\n    read"),
    ("  # behind it\n", "\n  # behind it\n"),  # from behind one rule to before the other
    ("on x\n    when (a and b)  # of the whole\n      or", "on x  # of the whole\n    when (a and b) or"),
    ("(a and b)  # of the whole\n      or", "(a and b) or  # of the whole\n     "),
    ("resource.d  # of the last part\n}", "resource.d\n}  # of the last part"),  # out of the block
    ("}\n# of the guard\n", "}  # of the guard\n"),
    ("}\n# of the guard\n", "  # of the guard\n}\n"),  # into it
    ("# of the guard\nguard g: at most 1 vet\n", "guard g: at most 1 vet\n# of the guard\n"),
]


@pytest.mark.parametrize(("old", "new"), MOVED)
def test_a_printer_that_moves_a_comment(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that keeps every word, every comment and their order is not believed either, where a comment comes to be
    somewhere else among the words."""
    assert COMMENTED.count(old) == 1
    made = COMMENTED.replace(old, new)
    assert (statements_of(made), comments(made)) == (statements_of(COMMENTED), comments(COMMENTED))
    assert fmt(COMMENTED) == COMMENTED
    monkeypatch.setattr(printing, "printed", lambda file: made)
    with pytest.raises(NotKept, match="a comment would be lost or moved"):
        fmt(COMMENTED)


def statements_of(text: str) -> list[str]:
    """The words of a text, as lark has them."""
    lark, _ = lexer()
    return [str(token) for token in lark.parse_interactive(text).iter_parse()]


def test_a_printer_that_moves_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is one that leaves the comments where they are and moves a word over one of them."""
    monkeypatch.setattr(printing, "printed", lambda file: "everyone {\n  allow x on y\n  # one\n}\n")
    with pytest.raises(NotKept, match="lost or moved"):
        fmt("everyone {\n  # one\n  allow x on y\n}\n")


def test_a_printer_that_drops_needed_parentheses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is one that takes a parenthesis too many."""
    monkeypatch.setattr(printing, "printed", lambda file: "condition c = a and b or d\n")
    with pytest.raises(NotKept):
        fmt("condition c = a and (b or d)")


def test_a_text_that_grows_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a text written that is too long to be read again."""
    text = "everyone{" + "allow a on b " * 10 + "}"
    for module in (parser, printing):
        monkeypatch.setattr(module, "LONGEST", len(text) + 10)
    with pytest.raises(NotKept):
        fmt(text)


DIFFERENT = [
    ("role a { }", "role b { }"),
    ("role a { }", "locked role a { }"),
    ('role a "x" { }', "role a { }"),
    ("role a { allow read on x }", "role a { allow read on x, y }"),
    ("role a { allow read on x }", "role a { in p { allow read on x } }"),
    ("condition c = a and b", "condition c = b and a"),
    ("condition c = (a and b) and d", "condition c = a and b and d"),
    ("condition c = resource.x == 1", "condition c = resource.x == true"),
    ("condition c = resource.x < 60s", "condition c = resource.x < 61s"),
    ("guard g: at least 1 a", "guard g: at most 1 a"),
    ("assert a within b", "assert b within a"),
    ('test "t" { a may read b }', 'test "t" { a may not read b }'),
]


@pytest.mark.parametrize("left, right", DIFFERENT)
def test_different_trees(left: str, right: str) -> None:
    """Trees that say something else are not the same, and each is the same as itself elsewhere."""
    assert not same(statements(left), statements(right))
    assert same(statements(left), statements(f"\n\n{left}"))


# -- the style, case by case -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, made",
    [
        ("", ""),
        (" \n\n\t", ""),
        ("#  only\n\n\n# comments  ", "#  only\n\n# comments\n"),
        ("scope a", "scope a\n"),
        ("scope a\r\n\r\n\r\nscope b in a # x\r\n", "scope a\n\nscope b in a  # x\n"),
        ("everyone{\tallow\tread on\tx\t}", "everyone { allow read on x }\n"),
        ("everyone{\n\n\nallow read on x\n\n\n}", "everyone {\n  allow read on x\n}\n"),
        ("everyone{}scope a", "everyone { }\nscope a\n"),
        ("everyone{\n}", "everyone { }\n"),
        ("user { a: int b: int }", "user { a: int  b: int }\n"),
        ('test "t" { given a b { } }', 'test "t" { given a b {} }\n'),
        ('test "t" { given a b { c: 1, d: ["x",], } }', 'test "t" { given a b { c: 1, d: ["x"] } }\n'),
        ("role`pods/log`{ }", "role `pods/log` { }\n"),
        ("role `vet` { }", "role `vet` { }\n"),
        (r'policy a "\u{e9}\t é"', r'policy a "\u{e9}\t é"' + "\n"),
        ("area a { resource r { actions x,sensitive y actions z } }",
         "area a { resource r { actions x, sensitive y  actions z } }\n"),
        ("area a { resource r { sensitive:bool actions sensitive,x y:(\"a\"|\"b\")? z:set of string ? } }",
         'area a { resource r { sensitive: bool  actions sensitive, x  y: ("a" | "b")?  z: set of string? } }\n'),
    ],
)  # fmt: skip
def test_blanks_and_lines(text: str, made: str) -> None:
    """Blanks, tabs, line ends of any kind and empty lines have one form."""
    assert hold(text) == made


@pytest.mark.parametrize(
    "text, made",
    [
        ("(a)", "a"),
        ("((a and b))", "a and b"),
        ("(a and b) or d", "(a and b) or d"),
        ("a and b or d", "a and b or d"),
        ("a and (b or d)", "a and (b or d)"),
        ("a and ((b or d))", "a and (b or d)"),
        ("(a and b) and d", "(a and b) and d"),
        ("(resource.x == 1) and (a)", "resource.x == 1 and a"),
        ("not (resource.x == 1)", "not (resource.x == 1)"),
        ("not (a)", "not a"),
        ("not (a or b)", "not (a or b)"),
        ("(not a) and b", "not a and b"),
        ("(context.time - resource.t) < 30d", "context.time - resource.t < 30d"),
        ("context.time-(resource.t) < (30d)", "context.time - resource.t < 30d"),
        ("(resource.x) in [1,2]", "resource.x in [1, 2]"),
        ("(a == b) == d", "(a == b) == d"),
        ('resource.x not in["a"]', 'resource.x not in ["a"]'),
        ("resource.x==-1", "resource.x == -1"),
    ],
)
def test_parentheses(text: str, made: str) -> None:
    """Parentheses stay where the tree needs them, between `and` and `or`, and behind `not`."""
    assert hold(f"condition c = {text}") == f"condition c = {made}\n"


@pytest.mark.parametrize(
    "text, made",
    [
        ("everyone { # a\n}", "everyone {  # a\n}\n"),
        ("everyone {\n# a\n}", "everyone {\n  # a\n}\n"),
        ("everyone # a\n{ allow x on y }", "everyone {  # a\n  allow x on y\n}\n"),
        ("everyone { allow x on y # a\n# b\n}# c\n# d", "everyone {\n  allow x on y  # a\n  # b\n}  # c\n# d\n"),
        ("actions a = b # one\n, c", "actions a =\n  b,  # one\n  c\n"),
        ("actions a = b,\n# one\nc", "actions a =\n  b,\n  # one\n  c\n"),
        ("condition a = (# one\nb)", "condition a =  # one\n  b\n"),
        ("condition a = b # one\nand # two\nd", "condition a =\n  b  # one\n  and  # two\n    d\n"),
        ("condition a = resource. # one\nx", "condition a = resource.x  # one\n"),
        ("condition a = resource # one\n. # two\nx", "condition a = resource.x  # one\n# two\n"),
        ("condition a = resource. # one\nx # two", "condition a = resource.x  # one\n# two\n"),
        ("scope a # one\n\n\n# two\n\nscope b", "scope a  # one\n\n# two\n\nscope b\n"),
        ('test "t" { given a b { # one\nc: 1 } }', 'test "t" {\n  given a b\n    {  # one\n        c: 1 }\n}\n'),
        ("scope a #\nscope b", "scope a  #\nscope b\n"),
        ("condition a = resource.x == \"# no\" # yes", 'condition a = resource.x == "# no"  # yes\n'),
    ],
)  # fmt: skip
def test_comments(text: str, made: str) -> None:
    """A comment stays behind its word, or on its own line before what it stood before."""
    assert hold(text) == made


A, B, C = "a" * 50, "b" * 50, "c" * 50


@pytest.mark.parametrize(
    "text, made",
    [
        (f"actions x = {A}, {B}, {C}", f"actions x =\n  {A}, {B},\n  {C}\n"),
        (f"everyone {{ allow {A} on {B} when {C} }}", f"everyone {{\n  allow {A} on {B}\n    when {C}\n}}\n"),
        (f'everyone {{ allow x on y when {A} because "{B} {B}" }}',
         f'everyone {{\n  allow x on y when {A}\n    because "{B} {B}"\n}}\n'),
        (f"condition c = {A} and {B} or {C}", f"condition c =\n  {A} and {B}\n  or {C}\n"),
        (f"condition c = {A} and ({B} or {C})", f"condition c =\n  {A}\n  and ({B} or {C})\n"),
        (f'assert "t": no {A} may {B} on {C}', f'assert "t":\n  no {A} may {B} on\n    {C}\n'),
        (f"role {A} includes {B}, {C} {{ }}", f"role {A}\n    includes {B}, {C} {{ }}\n"),
        (f"user {{ x: int y: {A}  z: {B} {C}: int }}", f"user {{\n  x: int\n  y: {A}\n  z: {B}\n  {C}: int\n}}\n"),
        (f'user {{ x: "{A}" | "{B}" | "{C}" }}', f'user {{\n  x: "{A}" | "{B}"\n    | "{C}"\n}}\n'),
        (f'test "t" {{ a may read b with {{ x: "{A[:30]}", y: "{B}" }} because {C} }}',
         f'test "t" {{\n  a may read b\n    with {{ x: "{A[:30]}", y: "{B}" }}\n    because {C}\n}}\n'),
    ],
)  # fmt: skip
def test_long_items(text: str, made: str) -> None:
    """What does not fit is parted at its clauses, outermost first, however it was written."""
    assert hold(text) == made
    assert hold(re.sub(r" (and|or|when|because|on|may|with|includes) ", r"\n\1\n", text)).split() == made.split()


def test_a_block_stays_on_its_line() -> None:
    """A block that was written on one line and fits stays there, whatever is around it."""
    text = "area a {\n  resource r { x: int  actions y }\n  resource s {\n    actions y\n  }\n}\n"
    assert hold(text) == text
