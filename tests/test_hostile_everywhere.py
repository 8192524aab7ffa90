"""What test_hostile.py asks of `remit lint`, asked of the commands that answer: hostile policies, directories, tables
and requests end a call with 2, a code and a place, within 1 GiB and without a traceback.

Each call is a process of its own; a pair of command and input stands for those that take the same way.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from remit import Policy
from remit.table import artifact
from tests.clinic import DIRECTORY, POLICY

SECONDS = 60  # far more than any case takes: a hang, not a slow machine, is what fails
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from remit.cli.main import main
sys.argv[0] = "remit"
sys.exit(main())
"""
FINDING = re.compile(r"^error\[(\w+)\]", re.MULTILINE)
PLACE = re.compile(r"^ *┌─ (.+)$", re.MULTILINE)

CAN = ["can", "bob", "read", "record", "--at", "branch/north"]
EXPLAIN = ["explain", *CAN[1:]]
WHAT = ["what", "bob", "--at", "branch/north"]
TEST, COMPILE, EVAL = ["test"], ["compile"], ["eval"]
ASKED = {
    "subject": {"type": "user", "id": "bob"},
    "action": {"name": "read"},
    "resource": {"type": "record", "properties": {"scope": "branch/north"}},
}
GOOD = json.dumps(ASKED).encode()
TABLE = artifact.write(Policy.from_sources({"clinic.remit": POLICY}).table)


class Said(NamedTuple):
    exit_code: int
    printed: str
    complained: str

    @property
    def codes(self) -> list[str]:
        return FINDING.findall(self.complained)

    @property
    def places(self) -> list[str]:
        return PLACE.findall(self.complained)


def run(folder: Path, words: list[str], files: Mapping[str, str | bytes], stdin: bytes = b"") -> Said:
    """Writes files and calls remit in their folder; both outputs are checked for raw characters and tracebacks."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *words],
        cwd=folder,
        input=stdin,
        capture_output=True,
        timeout=SECONDS,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    said = Said(done.returncode, done.stdout.decode(), done.stderr.decode())
    for text in (said.printed, said.complained):
        assert {character for character in text if not character.isprintable()} <= {"\n"}
        assert "Traceback" not in text
        assert len(text) < 200_000
    return said


def refused(said: Said, code: str, place: str) -> None:
    """The call ended with 2; the first finding has this code and a place that begins so; nothing was answered."""
    assert (said.exit_code, said.codes[:1], said.printed) == (2, [code], ""), said.complained[:2000]
    assert said.places[0].startswith(place), said.complained[:2000]


# -- policies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "text", "code", "place"),
    [
        (CAN, "condition c = " + "(" * 100_000, "E006", "main.remit:1:"),
        (COMPILE, "area a " + "{" * 100_000, "E001", "main.remit:1:"),
        (EXPLAIN, b"a" * 50_000_000, "E005", "main.remit"),
        (TEST, b"role a { }\nrole b\0 { }\n", "E002", "main.remit:2:7"),
        (WHAT, b"role a { }\nrole \xff\xfe { }\n", "E008", "main.remit:2:6"),
        (EVAL, b"\xef\xbb\xbfrole a { }", "E002", "main.remit:1:1"),
        (CAN, "role a\u202e\x1b[2Jb { }", "E002", "main.remit:1:7"),
        (TEST, "".join(f"role r{i} includes r{(i + 1) % 5000} {{ }}\n" for i in range(5000)), "E114", "main.remit:"),
        (WHAT, "".join(f"condition c{i} = c{(i + 1) % 5000}\n" for i in range(5000)), "E115", "main.remit:"),
        (EVAL, "role r { }\n" * 10_001, "E101", "main.remit:2:"),
        (COMPILE, "role { }\n" * 10_000, "E001", "main.remit:1:"),
    ],
    ids=[
        *("brackets-can", "braces-compile", "50-mb-explain", "nul-test", "utf-8-what", "mark-eval", "direction-can"),
        *("roles-test", "conditions-what", "ten-thousand-eval", "syntax-compile"),
    ],
)
def test_policies(tmp_path: Path, words: list[str], text: str | bytes, code: str, place: str) -> None:
    """A policy that is refused ends every command with 2, and the finding names its place."""
    said = run(tmp_path, words, {"main.remit": text, "directory.yaml": DIRECTORY}, GOOD)
    refused(said, code, place)
    assert len(said.codes) <= 100


def test_policies_that_extend_one_another(tmp_path: Path) -> None:
    """A circle of overlays ends a command with 2, whichever of them it was asked of."""
    files = {f"p{i}/main.remit": f'policy p{i} extends "../p{(i + 1) % 20}"\n' for i in range(20)}
    said = run(tmp_path, ["can", "--role", "a", "read", "b", "--policy", "p3"], files)
    refused(said, "E305", "p")


def test_links_out_of_the_folder(tmp_path: Path) -> None:
    """A link out of the policy's folder ends a command with 2, and nothing behind it is read."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.remit").write_text("role secret includes secret_role { }")
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "file.remit").symlink_to(tmp_path / "elsewhere" / "secret.remit")
    (tmp_path / "policy" / "device.remit").symlink_to("/dev/zero")
    said = run(tmp_path, ["compile", "--policy", "policy"], {"policy/main.remit": POLICY})
    refused(said, "E009", "policy/device.remit")
    assert said.codes == ["E009"] * 2
    assert "secret_role" not in said.complained


def test_nothing_is_written_of_a_policy_that_is_refused(tmp_path: Path) -> None:
    """`compile -o` leaves the file that stands there as it is."""
    said = run(tmp_path, ["compile", "-o", "x.table"], {"main.remit": "role \0", "x.table": "kept"})
    refused(said, "E002", "main.remit:1:6")
    assert (tmp_path / "x.table").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["main.remit", "x.table"]


# -- directories -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "text", "code", "place"),
    [
        (CAN, "[" * 100_000, "E416", "directory.yaml:1:51"),
        (WHAT, "{a: " * 100_000, "E416", "directory.yaml:1:201"),
        (EXPLAIN, "users: {a\0b: {}}", "E417", "directory.yaml:1:10"),
        (EVAL, b"users: {a\xff: {}}", "E008", "directory.yaml:1:10"),
        (CAN, "\ufeffusers: {}", "E417", "directory.yaml:1:1"),
        (WHAT, "removed: [" + "a," * 25_000_000 + "]", "E005", "directory.yaml:1:1"),
        (CAN, "users: {ann: {status: " + "a" * 50_000_000 + "}}", "E406", "directory.yaml:1:23"),
        (EXPLAIN, "users:\n" + "".join(f"  u{i}: {{status: x{i}}}\n" for i in range(10_000)), "E406", "directory.yaml"),
        (EVAL, "users: {\u202eann: {status: \u202e\x1b[2Jactive}}", "E417", "directory.yaml:1:"),
    ],
    ids=[
        *("brackets-can", "braces-what", "nul-explain", "utf-8-eval", "mark-can", "50-mb-what", "one-value-can"),
        *("ten-thousand-explain", "direction-eval"),
    ],
)
def test_directories(tmp_path: Path, words: list[str], text: str | bytes, code: str, place: str) -> None:
    """A directory that is refused ends the commands that read it with 2, and the finding names its place."""
    said = run(tmp_path, words, {"main.remit": POLICY, "directory.yaml": text}, GOOD)
    refused(said, code, place)
    assert len(said.codes) <= 100


# -- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "text", "codes"),
    [
        (CAN, TABLE[: len(TABLE) // 2], {"E601", "E602"}),
        (WHAT, TABLE[:-2], {"E601", "E602"}),
        (EXPLAIN, '{"name": "left-pad", "version": "1.3.0", "\\u001b[2J\u202e": []}', {"E602"}),
        (COMPILE, "[" * 100_000, {"E602"}),
        (TEST, '{"format":"remit-table","version":2,"digest":' + "[" * 100_000, {"E601"}),
        (EVAL, TABLE.replace('"version":2', '"version":3', 1), {"E603"}),
        (CAN, TABLE.replace('"version":2', '"version":' + "1" * 100_000, 1), {"E601", "E603"}),
        (EXPLAIN, b'{"format":"remit-table","version":2,"meaning":"' + b"a" * 50_000_000, {"E005", "E601", "E602"}),
        (WHAT, b'{"format":"remit-table","version":2,"x":[' + b"[]," * 16_000_000 + b"0]}", {"E005", "E601", "E602"}),
        (TEST, b"\xff\xfe" + TABLE.encode("utf-16-le"), {"E008"}),
        (EVAL, TABLE.replace("viewer", "vie\0wer").encode(), {"E601", "E602"}),
        (COMPILE, b"\xef\xbb\xbf" + TABLE.encode(), {"E601", "E602"}),
    ],
    ids=[
        *("half-can", "cut-what", "foreign-explain", "brackets-compile", "deep-test", "newer-eval", "digits-can"),
        *("50-mb-explain", "millions-what", "utf-16-test", "nul-eval", "mark-compile"),
    ],
)
def test_tables(tmp_path: Path, words: list[str], text: str | bytes, codes: set[str]) -> None:
    """A file that is no table, or not the whole of one, ends every command with 2 and a finding at its beginning."""
    files = {"clinic.table": text, "directory.yaml": DIRECTORY}
    said = run(tmp_path, [*words, "--policy", "clinic.table"], files, GOOD)
    assert (said.exit_code, len(said.codes), said.printed) == (2, 1, ""), said.complained[:2000]
    assert said.codes[0] in codes
    assert said.places[0].startswith("clinic.table")
    assert len(said.complained) < 3_000


# -- requests --------------------------------------------------------------------------------------------------------

LINES: list[bytes] = [
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"\0",
    GOOD.replace(b"bob", b"b\xffb"),
    GOOD.replace(b"bob", b"b\0b"),
    b"\xef\xbb\xbf" + GOOD,  # a mark elsewhere than at the file's beginning
    b'{"\x1b[2J\xe2\x80\xae": 1, "\x1b[2J\xe2\x80\xae": 2}',
    b'{"\\u001b[2J\\u202e": 1, "\\u001b[2J\\u202e": 2}',
    b'"' + b"a" * 1_000_000,
    b"1" * 1_000_000,
    b"NaN",
    b"null",
    GOOD + GOOD,
    GOOD[:-1],
    b'{"subject": {"type": "user", "id": "\xed\xa0\x80"}}',
]


def answers(said: Said) -> list[tuple[bool, str]]:
    found = [json.loads(line) for line in said.printed.splitlines()]
    return [(answer["decision"], answer["context"]["code"]) for answer in found]


def test_request_lines(tmp_path: Path) -> None:
    """Each bad line has an answer of its own that says what is wrong, and the good ones among them are answered."""
    lines = [b"\xef\xbb\xbf" + GOOD, *(line for bad in LINES for line in (bad, GOOD))]
    said = run(tmp_path, EVAL, {"main.remit": POLICY, "directory.yaml": DIRECTORY}, b"\n".join(lines))
    assert (said.exit_code, said.complained) == (2, "")
    assert answers(said) == [(True, "allowed"), *[(False, "invalid_request"), (True, "allowed")] * len(LINES)]
    for number, line in enumerate(said.printed.splitlines(), 1):
        message = json.loads(line)["context"].get("message", "")
        assert len(message) < 300
        if number % 2 == 0:
            assert message


def test_request_lines_from_a_table(tmp_path: Path) -> None:
    """A run over a compiled table answers them the same."""
    files = {"main.remit": POLICY, "clinic.table": TABLE, "directory.yaml": DIRECTORY, "lines": b"\n".join(LINES)}
    from_sources = run(tmp_path, [*EVAL, "lines"], files)
    assert run(tmp_path, [*EVAL, "lines", "--policy", "clinic.table"], {}) == from_sources
    assert from_sources.exit_code == 2


@pytest.mark.parametrize(
    "long",
    [
        b'{"a": "' + b"a" * 50_000_000 + b'"}',
        b"[" + b"[]," * 16_000_000 + b"0]",
        b" " * 70_000_000 + b"1",
    ],
    ids=["text", "values", "blanks"],
)
def test_a_line_of_50_mb(tmp_path: Path, long: bytes) -> None:
    """A line of 50 MB and more is one bad line; the next is answered."""
    files = {"main.remit": POLICY, "directory.yaml": DIRECTORY}
    said = run(tmp_path, EVAL, files, long + b"\n" + GOOD + b"\n")
    assert (said.exit_code, said.complained) == (2, "")
    assert answers(said) == [(False, "invalid_request"), (True, "allowed")]


def test_a_thousand_bad_lines(tmp_path: Path) -> None:
    """A thousand bad lines have a thousand answers."""
    files = {"main.remit": POLICY, "directory.yaml": DIRECTORY, "lines": b"{\n" * 1_000}
    said = run(tmp_path, [*EVAL, "lines"], files)
    assert said.exit_code == 2
    assert answers(said) == [(False, "invalid_request")] * 1_000
