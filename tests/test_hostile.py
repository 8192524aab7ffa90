"""Nothing that a file holds crashes or hangs remit, takes more than 1 GiB, or sends a control character to a terminal.

Each case is a folder that `remit lint` reads in a process of its own, with the memory and the time it may take.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

SECONDS = 60  # far more than any case takes: a hang, not a slow machine, is what fails
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from remit.cli.main import main
sys.argv[0] = "remit"
sys.exit(main())
"""
AREA = "area a { resource x { cost: int  actions read } }\n"
FINDING = re.compile(r"^(?:error|warning|note)\[(\w+)\]", re.MULTILINE)
PLACE = re.compile(r"^ *┌─ (.+)$", re.MULTILINE)


class Said(NamedTuple):
    """`places` are those of the frames, in order."""

    exit_code: int
    text: str
    codes: list[str]
    places: list[str]


Lint = Callable[..., Said]


def run_lint(folder: Path, files: Mapping[str, str | bytes], *options: str, stdin: bytes = b"") -> Said:
    """Writes files and runs `remit lint` in their folder; what it printed is checked for raw characters."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    # of the rules only those for directories: a policy that is broken on purpose has much else to be said of
    command = [sys.executable, "-c", LIMITED, "lint", "--select", "E,W421,W422,W423,W424", *options]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, cwd=folder, input=stdin, capture_output=True, timeout=SECONDS, env=environment, check=False
    )
    printed, complained = done.stdout.decode(), done.stderr.decode()
    assert complained == ""
    assert {character for character in printed if not character.isprintable()} <= {"\n"}
    assert len(printed) < 200_000 or "json" in options
    return Said(done.returncode, printed, FINDING.findall(printed), PLACE.findall(printed))


@pytest.fixture
def lint(tmp_path: Path) -> Lint:
    return partial(run_lint, tmp_path)


def run_all(folder: Path, cases: Sequence[Mapping[str, str | bytes]]) -> list[list[str]]:
    """Lints many small policies in one process: for each, its findings as `CODE FILE:LINE:COLUMN`."""
    files = {f"{number}/{name}": text for number, case in enumerate(cases) for name, text in case.items()}
    folders = [str(number) for number in range(len(cases))]
    run_lint(folder, files, *folders)
    said = run_lint(folder, {}, *folders, "--output-format", "json")
    found: list[list[str]] = [[] for _ in cases]
    for finding in json.loads(said.text)["findings"]:
        number, _, file = finding["file"].partition("/")
        found[int(number)].append(f"{finding['code']} {file}:{finding['line']}:{finding['column']}")
    return found


def one(said: Said, code: str, place: str) -> None:
    assert (said.codes, said.places[:1], said.exit_code) == ([code], [place], 1), said.text[:2000]


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("condition c = " + "(" * 100_000, "E006", 134),
        ("condition c = " + "not " * 100_000 + "x", "E006", 478),
        ("area a " + "{" * 100_000, "E001", 9),
        ("condition c = 1 in " + "[" * 100_000, "E001", 21),
    ],
    ids=["round", "not", "braces", "square"],
)
def test_nested_brackets(lint: Lint, text: str, code: str, column: int) -> None:
    """A hundred thousand nested brackets are one finding at the bracket that is too much."""
    said = lint({"main.remit": text})
    assert said.codes == [code]
    assert said.exit_code == 1
    line, found = said.places[0].split(":")[1:]
    assert line == "1"
    assert abs(int(found) - column) <= 5


@pytest.mark.parametrize("filling", [b"a", b"\n", b"role r { }", b'"'], ids=["letters", "lines", "roles", "quotes"])
def test_50_mb(lint: Lint, filling: bytes) -> None:
    """A file of 50 MB, on one line or on millions, is refused at once."""
    said = lint({"main.remit": filling * (50_000_000 // len(filling))})
    one(said, "E005", said.places[0])
    assert said.places[0].split(":")[0] == "main.remit"
    assert max(map(len, said.text.splitlines())) < 300


def test_a_very_long_line_is_read(lint: Lint) -> None:
    """A line as long as a file may be is read, and only its part around the mistake is shown."""
    said = lint({"main.remit": AREA + 'role x "' + "a" * 4_000_000 + '" includes y { } # ' + "b" * 100_000})
    one(said, "E106", "main.remit:2:4000020")
    assert max(map(len, said.text.splitlines())) < 300


def test_a_very_long_name_is_cut(lint: Lint) -> None:
    """A name of megabytes is not repeated in full by the message about it."""
    said = lint({"main.remit": "role x includes " + "a" * 4_000_000 + " { }"})
    one(said, "E106", "main.remit:1:17")
    assert len(said.text) < 3_000


CHARACTERS: list[tuple[bytes, str]] = [
    (b"role a { }\nrole b\0 { }\n", "E002 main.remit:2:7"),
    (b"\0" * 100_000, "E002 main.remit:1:1"),
    (b"role a { }\nrole \xff\xfe { }\n", "E008 main.remit:2:6"),
    (b"# \xc3", "E008 main.remit:1:3"),
    ("role a { }".encode("utf-16"), "E008 main.remit:1:1"),
    (b"\xef\xbb\xbfrole a { }", "E002 main.remit:1:1"),
    ("role a\u202eb { }".encode(), "E002 main.remit:1:7"),
    ("role `a\u2066b` { }".encode(), "E113 main.remit:1:6"),
    ("role a\u200b { }".encode(), "E002 main.remit:1:7"),
    ("role vеt { }".encode(), "E007 main.remit:1:7"),
    ("role `vеt` { }".encode(), "E113 main.remit:1:6"),
    (b"role \x1b[31mred { }", "E002 main.remit:1:6"),
    ('role a "\x1b[2J\x07\x9b" { } role b includes c { }'.encode(), "E106 main.remit:1:37"),
    ("role a { } # \u202e\x1b]0;title\x07\nrole b includes c { } # \u2069\x1b[5m".encode(), "E106 main.remit:2:17"),
    (b"role `b\x7f\x1b[31m` { }", "E113 main.remit:1:6"),
]


def test_characters(tmp_path: Path) -> None:
    """Unreadable, unseen and look-alike characters are findings with a place, and none reaches the terminal."""
    assert run_all(tmp_path, [{"main.remit": text} for text, _ in CHARACTERS]) == [[found] for _, found in CHARACTERS]


def test_hostile_file_names(lint: Lint) -> None:
    """The name of a file is as little trusted as its text."""
    said = lint({"a\x1b[31m\u202eb.remit": "role a includes b { }"})
    assert said.places == ["a\\u{1b}[31m\\u{202e}b.remit:1:17"]


def test_json_is_plain(lint: Lint) -> None:
    """The JSON output holds no raw control character either, and gives the text back whole."""
    said = lint({"main.remit": "role a includes `b\x1b[31m` { }"}, "--output-format", "json")
    assert any("b\x1b[31m" in finding["message"] for finding in json.loads(said.text)["findings"])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("".join(f"role r{i} includes r{(i + 1) % 5000} {{ }}\n" for i in range(5000)), "E114"),
        ("".join(f"condition c{i} = c{(i + 1) % 5000}\n" for i in range(5000)), "E115"),
        ("scope s\n" + "".join(f"scope s{i} in s{(i + 1) % 5000}\n" for i in range(5000)), "E116"),
        (AREA + "".join(f"actions s{i} = s{(i + 1) % 5000}\n" for i in range(5000)), "E117"),
    ],
    ids=["roles", "conditions", "scopes", "actions"],
)
def test_circles(lint: Lint, text: str, code: str) -> None:
    """A circle of five thousand names is one finding, whatever it is made of."""
    said = lint({"main.remit": text})
    assert said.exit_code == 1
    assert said.codes == [code]
    assert said.places[0].startswith("main.remit:")
    assert len(said.text) < 3_000


def test_long_chain_of_conditions(lint: Lint) -> None:
    """Conditions that use one another thousands deep are refused where it becomes too deep."""
    chain = "".join(f"condition c{i} = c{i + 1}\n" for i in range(3000)) + 'condition c3000 = user.id == "a"\n'
    said = lint({"main.remit": chain})
    assert said.exit_code == 1
    assert "E006" in said.codes


def test_policies_that_extend_one_another(lint: Lint) -> None:
    """A circle of overlays is a finding in each of them."""
    files = {f"p{i}/main.remit": f'policy p{i} extends "../p{(i + 1) % 20}"\n' for i in range(20)}
    said = lint(files)
    assert set(said.codes) == {"E305"}
    assert said.exit_code == 1


@pytest.mark.parametrize(
    ("text", "shown", "rest"),
    [
        ("role { }\n" * 10_000, {"E001", "E011"}, None),
        ("area a {\n" * 10_000, {"E001", "E011"}, None),
        ("role r { }\n" * 10_001, {"E101"}, "9,900"),
        (AREA + "role r {\n" + "".join(f"allow read on x{i}\n" for i in range(10_000)) + "}", {"E104"}, "9,900"),
        ("".join(f"role role{i} includes rolle{i} {{ }}\n" for i in range(10_000)), {"E106"}, "9,900"),
    ],
    ids=["syntax", "braces", "twice", "unknown", "similar"],
)
def test_ten_thousand_errors(lint: Lint, text: str, shown: set[str], rest: str | None) -> None:
    """Ten thousand errors are told in a hundred findings, and what is left out is said."""
    said = lint({"main.remit": text})
    assert said.exit_code == 1
    assert set(said.codes) == shown
    assert len(said.codes) == 100
    if rest is None:
        assert "too many syntax errors" in said.text
        assert said.codes[-1] == "E011"
    else:
        assert f"… and {rest} more findings" in said.text
        assert said.text.endswith("10,000 findings (10,000 errors) in 1 file\n")


def test_all_errors_in_json(lint: Lint) -> None:
    """The JSON output leaves nothing out."""
    said = lint({"main.remit": "role r { }\n" * 10_001}, "--output-format", "json")
    assert json.loads(said.text)["errors"] == 10_000


def test_links_out_of_the_folder(lint: Lint, tmp_path: Path) -> None:
    """Links to files and folders elsewhere are findings, and nothing behind them is read."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret.remit").write_text("role secret includes secret_role { }")
    inside = tmp_path / "policy"
    inside.mkdir()
    (inside / "file.remit").symlink_to(elsewhere / "secret.remit")
    (inside / "folder").symlink_to(elsewhere)
    (inside / "device.remit").symlink_to("/dev/zero")
    said = lint({"policy/main.remit": "role a { }"}, "policy")
    assert said.exit_code == 1
    assert said.codes == ["E009"] * 3
    assert said.places == ["policy/device.remit", "policy/file.remit", "policy/folder"]
    assert "secret_role" not in said.text


def test_links_that_stay_inside(lint: Lint, tmp_path: Path) -> None:
    """A link inside the folder, a circle of links too, is not followed: what it leads to is read where it is."""
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "copy.remit").symlink_to(tmp_path / "main.remit")
    (tmp_path / "round.remit").symlink_to(tmp_path / "round.remit")
    said = lint({"main.remit": "role a { }"})
    assert (said.exit_code, said.text) == (0, "no findings in 1 file\n")


def test_a_pipe_is_not_read(lint: Lint, tmp_path: Path) -> None:
    """A file that would never end is a finding, and the exit code says that something could not be read."""
    os.mkfifo(tmp_path / "pipe.remit")
    said = lint({"main.remit": "role a { }"})
    assert (said.exit_code, said.codes, said.places) == (2, ["E010"], ["pipe.remit"])


DIRECTORIES: list[tuple[str | bytes, list[str]]] = [
    ("[" * 100_000, ["E416 directory.yaml:1:51"]),
    ("{a: " * 100_000, ["E416 directory.yaml:1:201"]),
    ("users: {a\0b: {}}", ["E417 directory.yaml:1:10"]),
    ("\ufeffusers: {}", ["E417 directory.yaml:1:1"]),
    (b"users: {a\xff: {}}", ["E008 directory.yaml:1:10"]),
    ("users: {ann: {}, ann: {}}", ["E402 directory.yaml:1:18"]),
    ("users: {ann: &a {}}", ["E403 directory.yaml:1:14"]),
    ("users: {ann: !!python/object:os.system {}}", ["E403 directory.yaml:1:14"]),
    ("users: {ann: {<<: {}}}", ["E403 directory.yaml:1:15"]),
    ("users: {ann: {assignments: [{role: nobody}]}}", ["E420 directory.yaml:1:36"]),
    ("users: {\u202eann: {status: \u202eactive}}", ["E406 directory.yaml:1:24"]),
]


def test_directories(tmp_path: Path) -> None:
    """A directory is as little trusted as a policy: each case is one finding at its place."""
    cases = [{"main.remit": AREA, "directory.yaml": text} for text, _ in DIRECTORIES]
    assert run_all(tmp_path, cases) == [found for _, found in DIRECTORIES]


def test_a_directory_of_50_mb(lint: Lint) -> None:
    """A directory of 50 MB with millions of entries is refused, one with a single long value is read."""
    said = lint({"main.remit": AREA, "directory.yaml": "removed: [" + "a," * 25_000_000 + "]"})
    one(said, "E005", "directory.yaml:1:1")
    said = lint({"main.remit": AREA, "directory.yaml": "users: {ann: {status: " + "a" * 50_000_000 + "}}"})
    one(said, "E406", "directory.yaml:1:23")
    assert len(said.text) < 3_000


def test_alias_bomb(lint: Lint) -> None:
    """Aliases are never followed, so lists of lists of aliases cost nothing."""
    lines = ["a0: &a0 [x, x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 40))]
    said = lint({"main.remit": AREA, "directory.yaml": "\n".join([*lines, "users: *a39"])})
    assert said.exit_code == 1
    assert set(said.codes) == {"E403", "E404"}


def test_ten_thousand_unknown_roles(lint: Lint) -> None:
    """A directory with ten thousand unknown roles is told in a hundred findings, each at its word."""
    people = "".join(f"  u{i}:\n    assignments: [{{role: vett{i}}}]\n" for i in range(10_000))
    said = lint({"main.remit": AREA + "role vet { }", "directory.yaml": f"users:\n{people}"})
    assert said.exit_code == 1
    assert set(said.codes) == {"E420"}
    assert said.places[:2] == ["directory.yaml:3:26", "directory.yaml:5:26"]
    assert "… and 9,900 more findings" in said.text


def test_standard_input(lint: Lint) -> None:
    """What comes through standard input is held to the same."""
    said = lint({}, "-", stdin=b"role \xff { }")
    assert (said.exit_code, said.codes) == (1, ["E008"])
