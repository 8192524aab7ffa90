"""`remit lint`: what it looks at, what it prints where, and its exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from remit.cli.main import remit
from remit.codes import CODES

ROOT = Path(__file__).resolve().parents[1]
GOOD = """scope company
scope branch in company
area a { resource record { actions read } }
role vet was doctor { allow read on record }
"""
BAD = GOOD + "role clerk { allow read on recrod }\n"
WORSE = BAD + "role boss includes vett { }\n"
FORMER = "users: {ann: {assignments: [{role: doctor}]}}\n"


class Ran(NamedTuple):
    exit_code: int
    out: str
    err: str

    @property
    def codes(self) -> list[str]:
        return re.findall(r"^\w+\[(\w+)\]", self.out, re.MULTILINE)

    @property
    def places(self) -> list[str]:
        return re.findall(r"┌─ (.+)", self.out)


Lint = Callable[..., Ran]


@pytest.fixture
def lint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lint:
    """Runs the command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*args: str, stdin: str | None = None) -> Ran:
        done = CliRunner().invoke(remit, ["lint", *args], input=stdin)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Ran(done.exit_code, done.stdout, done.stderr)

    return run


def write(files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")


def test_clean(lint: Lint) -> None:
    """A clean policy with its directory says how much was looked at, and exits with 0."""
    write({"main.remit": GOOD, "directory.yaml": "users: {ann: {}}"})
    assert lint() == (0, "no findings in 2 files\n", "")


def test_all_errors_of_all_files_at_once(lint: Lint) -> None:
    """One run reports every error of policy and directory, by file, and exits with 1."""
    people = "users: {ann: {staus: x}}"
    write({"b.remit": "role x { }\nrole x { }\nallow read\n", "a.remit": GOOD, "directory.yaml": people})
    ran = lint()
    assert ran.exit_code == 1
    assert ran.codes == ["E101", "E001", "E404"]
    assert ran.places == ["b.remit:2:6", "b.remit:3:1", "directory.yaml:1:15"]
    assert ran.out.endswith("3 findings (3 errors) in 3 files\n")


def test_the_directory_fits_the_policy(lint: Lint) -> None:
    """Roles and scopes of the directory that the policy lacks are underlined in the directory."""
    people = "scopes:\n  brunch/x: {}\nusers:\n  ann:\n    assignments:\n      - scope: company\n        role: vett\n"
    write({"main.remit": GOOD, "directory.yaml": people})
    ran = lint()
    assert ran.codes == ["E418", "E420"]
    assert ran.places == ["directory.yaml:2:3", "directory.yaml:7:15"]
    assert "  │               ^^^^\n" in ran.out


def test_the_directory_without_a_policy_that_compiles(lint: Lint) -> None:
    """Of a policy that does not compile, the directory is still read."""
    write({"main.remit": BAD, "directory.yaml": "users: {ann: {staus: x, assignments: [{role: nobody}]}}"})
    assert lint().codes == ["E404", "E104"]


def test_path_replaces_policy(lint: Lint) -> None:
    """What is named is linted, and not what --policy says."""
    write({"good/main.remit": GOOD, "bad/main.remit": BAD})
    assert lint("--policy", "bad").exit_code == 1
    assert lint("good", "--policy", "bad").exit_code == 0


def test_every_policy_below_a_folder(lint: Lint) -> None:
    """A folder stands for every policy at or below it, each with its own directory; a shared base counts once."""
    write(
        {
            "clinic/main.remit": "policy clinic\n" + BAD,
            "clinic/overlays/acme/main.remit": 'policy acme extends "../.."\nrole boss includes vett { }\n',
            "clinic/overlays/acme/directory.yaml": "users: {ann: {staus: x}}",
            "shop/main.remit": "policy shop\n" + GOOD,
        }
    )
    ran = lint()
    assert ran.places == [
        "clinic/main.remit:6:28",
        "clinic/overlays/acme/directory.yaml:1:15",
        "clinic/overlays/acme/main.remit:2:20",
    ]
    assert ran.out.endswith("3 findings (3 errors) in 4 files\n")


def test_an_overlay_alone_reports_its_base(lint: Lint) -> None:
    """A base that does not compile is reported for its overlay."""
    write({"main.remit": "policy clinic\n" + BAD, "acme/main.remit": 'policy acme extends ".."\n'})
    assert lint("acme").places == ["main.remit:6:28"]


def test_several_paths(lint: Lint) -> None:
    """Files and folders are taken together, each once."""
    write({"a.remit": GOOD, "b.remit": BAD, "c/main.remit": "policy c\n" + BAD})
    assert lint("b.remit", "c", "b.remit", "a.remit").places == ["b.remit:5:28", "c/main.remit:6:28"]


def test_a_directory_as_path(lint: Lint) -> None:
    """A YAML or JSON file is a directory, held against the policy of its folder."""
    write({"p/main.remit": GOOD, "p/people.yaml": "users: {ann: {assignments: [{role: vett}]}}", "alone.json": "[]"})
    assert lint("p/people.yaml").codes == ["E420"]
    assert lint("alone.json").codes == ["E405"]


def test_directory_option(lint: Lint) -> None:
    """--directory stands for the one in the policy's folder."""
    write({"main.remit": GOOD, "directory.yaml": "[]", "other.yaml": "users: {ann: {}}"})
    assert lint("--directory", "other.yaml").exit_code == 0
    assert lint().exit_code == 1


def test_remit_toml(lint: Lint) -> None:
    """remit.toml names policy and directory, the output format and what is reported."""
    write({"p/main.remit": GOOD, "people.yaml": FORMER, "remit.toml": 'policy = "p"\ndirectory = "people.yaml"\n'})
    assert lint().codes == ["W421"]
    write({"remit.toml": 'policy = "p"\ndirectory = "people.yaml"\noutput-format = "json"\n[lint]\nignore = ["W42"]\n'})
    assert json.loads(lint().out)["findings"] == []
    write({"remit.toml": 'policy = "p"\ndirectory = "people.yaml"\n[lint]\nfail-level = "error"\n'})
    assert lint().exit_code == 0
    write({"remit.toml": 'polcy = "p"'})
    assert (lint().exit_code, lint().out) == (2, "")


def test_fail_level(lint: Lint) -> None:
    """Warnings fail unless the level is error; an error always does."""
    write({"main.remit": GOOD, "directory.yaml": FORMER})
    assert [lint("--fail-level", level).exit_code for level in ("error", "warning", "note")] == [0, 1, 1]
    assert lint().exit_code == 1
    write({"main.remit": BAD})
    assert lint("--fail-level", "error").exit_code == 1
    assert lint("--exit-zero").exit_code == 0


def test_select_and_ignore(lint: Lint) -> None:
    """Codes, their beginnings and names choose what is shown; a policy that does not compile fails all the same."""
    write({"main.remit": WORSE})
    assert lint("--select", "E104").codes == ["E104"]
    assert lint("--select", "E10").codes == ["E104", "E106"]
    assert lint("--select", "E104,unknown-role").codes == ["E104", "E106"]
    assert lint("--ignore", "unknown-role").codes == ["E104"]
    hidden = lint("--ignore", "E")
    assert (hidden.exit_code, hidden.out) == (1, "no findings in 1 file; 2 not selected\n")


def test_a_beginning_starts_no_rule_that_is_off(lint: Lint) -> None:
    """What does not run by itself runs where its whole code or its name is selected, on the command line or in the
    settings, and by nothing less: no beginning of it, no level."""
    write({"main.remit": GOOD.replace("role vet was doctor", "role vet")})
    for words in ("W102", "missing-title", "W1,W102", "W1,missing-title"):
        assert set(lint("--select", words).codes) == {"W102"}, words
        write({"remit.toml": f"[lint]\nselect = {json.dumps(words.split(','))}\n"})
        assert set(lint().codes) == {"W102"}, words
        Path("remit.toml").unlink()
    for words in ("W1", "W10", "W", "W101"):
        assert lint("--select", words).codes == [], words
        write({"remit.toml": f'[lint]\nselect = ["{words}"]\n[lint.levels]\nW102 = "error"\n'})
        assert lint().codes == [], words
        Path("remit.toml").unlink()
    assert lint("--select", "W102", "--ignore", "W1").codes == []


def test_the_command_line_chooses_anew(lint: Lint) -> None:
    """`--select` and `--ignore` each replace what the settings choose by that word."""
    write({"main.remit": GOOD.replace("role vet was doctor", "role vet")})
    write({"remit.toml": '[lint]\nselect = ["W102"]\nignore = ["E"]\n'})
    assert lint("--select", "W1").codes == []
    assert lint("--ignore", "W102").codes == []
    assert set(lint("--ignore", "W103").codes) == {"W102"}


def test_ignored_directory_finding(lint: Lint) -> None:
    """A finding of the directory that is left out does not fail."""
    write({"main.remit": GOOD, "directory.yaml": FORMER})
    assert lint("--ignore", "former-role-name").exit_code == 0


def test_unknown_code(lint: Lint) -> None:
    """A code that no finding has is a wrong call."""
    write({"main.remit": GOOD})
    ran = lint("--select", "E999")
    assert (ran.exit_code, ran.out) == (2, "")
    assert "there is no such code" in ran.err
    assert "`unknown-role` has a similar name" in lint("--ignore", "unknwon-role").err


def test_json(lint: Lint) -> None:
    """The JSON output has the findings in order and their counts, and nothing else is printed."""
    write({"p/main.remit": WORSE})
    ran = lint("p", "--output-format", "json")
    said = json.loads(ran.out)
    assert (ran.exit_code, ran.err) == (1, "")
    assert {key: said[key] for key in ("errors", "warnings", "notes")} == {"errors": 2, "warnings": 0, "notes": 0}
    assert [(f["code"], f["name"], f["file"], f["line"], f["column"], f["end_column"]) for f in said["findings"]] == [
        ("E104", CODES["E104"], "p/main.remit", 5, 28, 34),
        ("E106", CODES["E106"], "p/main.remit", 6, 20, 24),
    ]


def test_quiet(lint: Lint) -> None:
    """-q prints findings alone, and of a clean policy nothing."""
    write({"main.remit": GOOD})
    assert lint("-q").out == ""
    write({"main.remit": BAD})
    assert lint("-q").out.endswith("`record` has a similar name\n")


def test_output_file(lint: Lint) -> None:
    """-o writes to a file what would be printed."""
    write({"main.remit": BAD})
    printed = lint().out
    assert lint("-o", "found.txt").out == ""
    assert Path("found.txt").read_text(encoding="utf-8") == printed
    assert lint("-o", "nowhere/found.txt").exit_code == 2


def test_standard_input(lint: Lint) -> None:
    """A policy on standard input is called by --stdin-filename, and may extend what stands there."""
    assert lint("-", stdin=GOOD).exit_code == 0
    assert lint("-", stdin=BAD).places == ["<stdin>:5:28"]
    write({"clinic/main.remit": GOOD})
    overlay = 'policy acme extends ".."\nrole boss includes vett { }\n'
    ran = lint("-", "--stdin-filename", "clinic/acme/main.remit", stdin=overlay)
    assert (ran.codes, ran.places) == (["E106"], ["clinic/acme/main.remit:2:20"])


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nowhere"], "there is no file or folder at `nowhere`"),
        (["--policy", "nowhere"], "there is no file or folder at `nowhere`"),
        (["--directory", "nowhere.yaml"], "there is no directory at `nowhere.yaml`"),
        (["no\x1bwhere"], "there is no file or folder at `no\\u{1b}where`"),
        (["a\0b"], "there is no file or folder"),
        (["--fail-level", "never"], "never"),
        (["--output-format", "csv"], "csv"),
    ],
)
def test_wrong_calls(lint: Lint, args: list[str], said: str) -> None:
    """A path that is not there and an option that does not exist exit with 2, and say so on standard error."""
    write({"main.remit": GOOD})
    ran = lint(*args)
    assert (ran.exit_code, ran.out) == (2, "")
    assert said in ran.err or not ran.err


def test_a_compiled_table(lint: Lint) -> None:
    """A compiled table has nothing to lint, and is not taken for a directory."""
    write({"main.remit": GOOD})
    assert CliRunner().invoke(remit, ["compile", "-o", "table.json"]).exit_code == 0
    ran = lint("table.json")
    assert (ran.exit_code, ran.out) == (2, "")
    assert "is a compiled table" in ran.err


def test_no_policy_here(lint: Lint) -> None:
    """A folder without a policy is nothing that could be clean."""
    ran = lint()
    assert (ran.exit_code, ran.codes) == (2, ["E010"])


def test_paths_are_relative_to_the_call(lint: Lint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files below the folder of the call are named from there, others in full."""
    write({"p/main.remit": BAD, "q/.keep": ""})
    assert lint(str(tmp_path / "p")).places == ["p/main.remit:5:28"]
    monkeypatch.chdir("q")
    assert lint(str(tmp_path / "p")).places == [f"{tmp_path}/p/main.remit:5:28"]
    assert lint("../p").places == ["../p/main.remit:5:28"]


def test_colours(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe gets no colours unless asked for; a file and JSON never do."""
    write({"main.remit": BAD})
    assert "\x1b" not in lint().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1;31m" in lint().out
    assert "\x1b" not in lint("--output-format", "json").out
    lint("-o", "found.txt")
    assert "\x1b" not in Path("found.txt").read_text(encoding="utf-8")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in lint().out


def test_the_shipped_policies_are_clean(lint: Lint) -> None:
    """Every policy of the repository is clean with its directory."""
    ran = lint(str(ROOT / "policies"))
    assert (ran.exit_code, ran.codes) == (0, [])


def test_as_a_command(tmp_path: Path) -> None:
    """The installed command prints findings on standard output and exits with 1."""
    (tmp_path / "main.remit").write_text(BAD, encoding="utf-8")
    command = [sys.executable, "-m", "remit", "lint"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, encoding="utf-8")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("error[E104]: role `clerk` has no resource type `recrod` to allow on\n")


def test_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    """Linting imports neither pydantic nor rich."""
    (tmp_path / "main.remit").write_text(BAD, encoding="utf-8")
    script = (
        "import sys; sys.argv[1:] = ['lint']; from remit.cli.main import main; main();"
        "print(sorted({'pydantic', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, check=True, encoding="utf-8"
    )
    assert done.stdout.endswith("[]\n")
