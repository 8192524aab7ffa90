"""What comes from outside reaches a terminal as text: no command prints a control or a direction character of it.

Ids, attributes, places, context, texts of the policy and names of the directory each hold such characters here; every
command that prints for people is held to the same, with colour and without.
"""

from __future__ import annotations

import gc
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from remit.cli.main import main

CLEAR, TITLE, BLINK, RIGHT = "\x1b[2J", "\x1b]0;x\x07", "\x1b[5m", "\u202e\u2066"
BAD = f"{CLEAR}{TITLE}{BLINK}{RIGHT}\x9b5m\x7f\r\b\u2028\u200b"
LINES = "x\n\nYes, forged line\x85and\x0bmore"
# As a policy writes them: by escapes, and those that a text may hold in person.
ESCAPED = r"\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}5m\u{7f}\u{202e}\u{2066}\n\u{d}\nforged line"
OWN_COLOURS = re.compile(r"\x1b\[(?:0|1|(?:1;)?3[1-6])m")  # bold and the six colours; blinking is not remit's

POLICY = f"""
policy clinic "Paws {ESCAPED}"
scope company
scope branch in company
context {{ word: string }}
area patients "Patients {ESCAPED}" {{
  resource record "Record {ESCAPED}" {{
    vet: user  note: string  colour: "red{ESCAPED}" | "blue"
    actions read, sign, update, delete
  }}
}}
condition told "said {ESCAPED}" = resource.note == "n{ESCAPED}" and context.word != "\u202ew"
role vet "Vet {ESCAPED}" {{
  in patients {{
    allow read on record because "why {ESCAPED}"
    allow sign on record when told and resource.colour == "red{ESCAPED}" because "so {ESCAPED}"  # \u202e\u2069
    allow update on record when resource.note == "m{ESCAPED}" or context.word == "{ESCAPED}\u2066"
    deny update on record when resource.vet == "v{ESCAPED}" because "no {ESCAPED}"
  }}
}}
role chief "Chief {ESCAPED}" includes vet {{ }}
assignments {{ individual over group }}
guard last "Last {ESCAPED}": at least 1 active chief
test "example {ESCAPED}" {{
  user ann is vet
  given record r1 {{ vet: ann, note: "r{ESCAPED}" }}
  ann may sign r1
  ann may update r1
}}
assert "claim {ESCAPED}": no vet may read on record
assert "other {ESCAPED}": no vet may sign on record
"""
DIRECTORY = r"""
scopes: {"branch/n\e[2J\u202e\r\nforged line": {}}
users:
  ann: {assignments: [{role: vet}]}
  "eve\e[2J\a\u202e\x9b\x7f\r\nforged line": {assignments: [{role: vet, scope: "branch/n\e[2J\u202e\r\nforged line"}]}
groups:
  "desk\e[2J\a\u202e\r\nforged line":
    members: [ann, "eve\e[2J\a\u202e\x9b\x7f\r\nforged line"]
    assignments: [{role: chief}]
"""
EVE = "eve\x1b[2J\x07\u202e\x9b\x7f\r\nforged line"
PLACE = "branch/n\x1b[2J\u202e\r\nforged line"

ONE = [
    ["ann", "read", f"record:{BAD}"],
    ["ann", "sign", f"record:{LINES}", "--set", f"note={BAD}", "--context", f"word={BAD}"],
    ["ann", "update", "record:1", "--set", f"note={BAD}", "--set", f"vet={LINES}", "--context", f"word={LINES}"],
    ["ann", "update", "record:1", "--at", PLACE],
    ["ann", "delete", "record", "--at", f"branch/{BAD}{LINES}"],
    [EVE, "sign", f"record:{BAD}", "--at", PLACE, "--set", f"note={LINES}"],
    [EVE, "delete", "record"],
    [BAD, "read", "record"],
    [LINES, "read", f"record:{LINES}"],
    ["--role", "vet", "sign", f"record:{BAD}", "--set", f"note={BAD}"],
]
WRONG = [
    ["ann", BAD, "record"],
    ["ann", "read", BAD + LINES],
    ["ann", "read", "record", "--set", f"{BAD}=1"],
    ["ann", "read", "record", "--set", f"colour={BAD}{LINES}"],
    ["ann", "read", "record", "--set", BAD],
    ["ann", "read", "record", "--context", f"{LINES}=1"],
    ["ann", "read", "record", "--at", BAD + LINES],
    ["--role", BAD + LINES, "read", "record"],
    ["ann", "read", "record", "--policy", f"{CLEAR}{RIGHT}{LINES}"],
    ["ann", "read", "record", "--directory", f"{CLEAR}{RIGHT}{LINES}"],
]
CALLS = [
    *(([command, *words], (0, 1)) for command in ("can", "explain") for words in ONE),
    *(([command, *words], (2,)) for command in ("can", "explain") for words in WRONG),
    (["who", "read", f"record:{BAD}{LINES}"], (0,)),
    (["who", "sign", "record", "--at", PLACE, "--context", f"word={BAD}"], (0,)),
    (["who", "update", "record", "--at", f"branch/{BAD}{LINES}"], (0,)),
    (["who", BAD + LINES, "record"], (2,)),
    (["what", "ann"], (0,)),
    (["what", EVE], (0,)),
    (["what", EVE, "--at", PLACE, "--set", f"note={BAD}"], (0,)),
    (["what", BAD + LINES, "--at", f"branch/{BAD}"], (0,)),
    (["what", "ann", "--set", f"{BAD}={LINES}"], (2,)),
    (["members"], (0,)),
    (["members", "--at", PLACE], (0,)),
    (["members", "--at", f"branch/{BAD}{LINES}"], (0,)),
    (["matrix"], (0,)),
    (["matrix", "--output-format", "markdown"], (0,)),
    (["matrix", "--output-format", "csv"], (0,)),
    (["test"], (1,)),
    (["test", BAD + LINES], (2,)),
    (["lint"], (0, 1)),
    (["lint", BAD + LINES], (2,)),
    (["eval", BAD + LINES], (2,)),
    (["schema", BAD + LINES], (2,)),
    (["compile", "-o", f"nowhere{BAD}{LINES}/table.json"], (2,)),
    (["compile", "-o", f"{CLEAR}{RIGHT}{LINES}"], (0,)),
    (["matrix", BAD + LINES], (2,)),
    (["members", f"--{BAD}{LINES}"], (2,)),
    (["what", "ann", "--output-format", BAD + LINES], (2,)),
    ([BAD + LINES], (2,)),
]


def called(value: object) -> str:
    """A call as the name of a test."""
    if not isinstance(value, list):
        return ""
    return re.sub(r"\W+", "-", " ".join(value).encode("unicode_escape").decode())[:60]


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the policy and the directory, which the call stands in."""
    (tmp_path / "clinic.remit").write_text(POLICY.lstrip(), encoding="utf-8")
    (tmp_path / "directory.yaml").write_text(DIRECTORY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(words: list[str], coloured: bool, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Exit code and all output, without remit's own colours; anything else that steers a terminal is an error."""
    if coloured:
        monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("sys.argv", ["remit", *words])
    with CliRunner().isolation(color=coloured) as streams:
        try:
            code = main()
        finally:
            gc.enable()  # which `main` leaves off for one question
        sys.stdout.flush()
        sys.stderr.flush()
        output = b"".join(stream.getvalue() for stream in streams[:2] if stream).decode()
    text = OWN_COLOURS.sub("", output) if coloured else output
    line_ends = "\r\n" if "csv" in words else "\n"
    assert sorted({character for character in text if not character.isprintable()} - set(line_ends)) == []
    return code, text


def forged(text: str) -> list[str]:
    """The lines of an output that a value has begun."""
    return [line for line in text.splitlines() if re.match(r"\W*(?:Yes, )?forged line", line)]


@pytest.mark.parametrize("coloured", [False, True], ids=["plain", "colour"])
@pytest.mark.parametrize(("words", "codes"), CALLS, ids=called)
def test_nothing_raw_reaches_the_terminal(
    clinic: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], codes: tuple[int, ...], coloured: bool
) -> None:
    """No character that steers a terminal is in what a command prints."""
    code, text = call(words, coloured, monkeypatch)
    assert code in codes, text


@pytest.mark.parametrize("words", [words for words, _ in CALLS if "forged" in "".join(words)], ids=called)
def test_no_value_begins_a_line(clinic: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """A line end within a value is shown, not obeyed: nobody writes a line of remit's answer."""
    assert forged(call(words, False, monkeypatch)[1]) == []


@pytest.mark.parametrize("coloured", [False, True], ids=["plain", "colour"])
@pytest.mark.parametrize("from_table", [False, True], ids=["sources", "table"])
def test_they_are_shown_as_escapes(
    clinic: Path, monkeypatch: pytest.MonkeyPatch, coloured: bool, from_table: bool
) -> None:
    """An explanation shows what it was asked with each such character spelt out, and a table quotes no more."""
    if from_table:
        assert call(["compile", "-o", "clinic.table"], False, monkeypatch)[0] == 0
    words = ["explain", "ann", "update", f"record:{BAD}", "--set", f"note={BAD}", "--set", f"vet={LINES}"]
    policy = ["--policy", "clinic.table"] if from_table else []
    code, text = call([*words, *policy], coloured, monkeypatch)
    assert code == 1
    assert r"record \u{1b}[2J\u{1b}]0;x\u{7}\u{1b}[5m\u{202e}\u{2066}\u{9b}5m\u{7f}\u{d}\u{8}\u{2028}\u{200b}" in text


@pytest.mark.parametrize("coloured", [False, True], ids=["plain", "colour"])
@pytest.mark.parametrize(
    "directory",
    [
        'users: {"ann\\e[2J\\u202e": {assignments: [{role: "vet\\e[2J\\u202e\\nforged line"}]}}',
        'users: {ann: {status: "on\\e[2J\\u202e\\nforged line"}}',
        'users: {ann: {assignments: [{role: vet, scope: "ward\\e[2J\\u202e\\nforged line/1"}]}}',
        'users: {ann: {"key\\e[2J\\u202e\\nforged line": 1}}',
        'users: {ann: {}}  # \u202e\u2066\ngroups: {g: {members: ["x\\e[2J\\nforged line"], assignments: 3}}',
    ],
)
def test_findings_in_a_directory(clinic: Path, monkeypatch: pytest.MonkeyPatch, directory: str, coloured: bool) -> None:
    """A finding quotes names and values of a directory as text, whichever command finds it."""
    (clinic / "directory.yaml").write_text(directory, encoding="utf-8")
    for words in (["lint"], ["can", "ann", "read", "record"], ["members"], ["what", "ann"]):
        code, text = call(words, coloured, monkeypatch)
        assert (code in (0, 1, 2), forged(text)) == (True, [])


@pytest.mark.parametrize("coloured", [False, True], ids=["plain", "colour"])
def test_files_with_such_names(clinic: Path, monkeypatch: pytest.MonkeyPatch, coloured: bool) -> None:
    """The name of a policy's file is shown as text beside the lines it holds."""
    (clinic / "clinic.remit").rename(clinic / f"clinic{CLEAR}{RIGHT}\nforged line.remit")
    for words in (["explain", "ann", "read", "record"], ["can", "ann", "read", "record"], ["what", "ann"], ["test"]):
        code, text = call(words, coloured, monkeypatch)
        assert (code in (0, 1), forged(text)) == (True, [])
    (clinic / "broken\x1b[2J\nforged line.remit").write_text("role x includes nobody { }", encoding="utf-8")
    for words in (["lint"], ["can", "ann", "read", "record"], ["matrix"]):
        code, text = call(words, coloured, monkeypatch)
        assert (code in (1, 2), forged(text)) == (True, [])
