"""`remit rule`."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from remit.cli.main import remit
from remit.codes import CODES
from remit.lint.registry import rule_of
from remit.report import rule_pages


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rule(*args: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(remit, ["rule", *args])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("word", ["E104", "e104", "unknown-resource-type", "Unknown-Resource-Type"])
def test_a_page(root: Path, word: str) -> None:
    """In a pipe a code's page is printed as it is, by code or name."""
    page = (root / "docs" / "errors" / "E104.md").read_text(encoding="utf-8")
    assert rule(word) == (0, page, "")
    assert rule(word, "--output-format", "markdown") == (0, page, "")


def test_a_page_as_json(root: Path) -> None:
    """As JSON: code, name, level, when it runs, whether it has fixes, and the text of its page."""
    _, out, _ = rule("W305", "--output-format", "json")
    assert json.loads(out) == {
        "code": "W305",
        "name": "duplicate-rule",
        "level": "warning",
        "default": True,
        "exact": False,
        "fixable": True,
        "text": (root / "docs" / "errors" / "W305.md").read_text(encoding="utf-8"),
    }


@pytest.mark.parametrize("word", ["E1004", "unknown-resource-typ", "E", "nothing-at-all", "../E104", "\x1b[31m"])
def test_an_unknown_code(word: str) -> None:
    """A code that is none is exit 2, with one like it where there is one, else with how to see all."""
    code, out, err = rule(word)
    assert (code, out) == (2, "")
    assert "there is no code `" in err
    assert "has a similar name" in err or "`remit rule` lists them all" in err
    assert "\x1b" not in err


def test_the_list() -> None:
    """Without a code all are listed, in order, with name, level and what runs them."""
    code, out, err = rule()
    lines = [line.split() for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [(line[0], line[1]) for line in lines[1:]] == sorted(CODES.items())
    assert lines[0] == ["code", "name", "level", "runs", "fix"]
    assert next(line for line in lines if line[0] == "W305")[2:] == ["warning", "always", "some"]
    assert next(line for line in lines if line[0] == "E104")[2:] == ["error", "always"]


def test_the_list_for_programs() -> None:
    """The same as a Markdown table and as JSON."""
    rows = [line.strip("| ").split(" | ") for line in rule("--output-format", "markdown")[1].splitlines()]
    assert [row[0] for row in rows] == ["code", "---", *sorted(CODES)]
    listed = json.loads(rule("--output-format", "json")[1])["rules"]
    assert {one["code"]: one["name"] for one in listed} == CODES
    assert {frozenset(one) for one in listed} == {frozenset(("code", "name", "level", "default", "exact", "fixable"))}


def test_when_a_rule_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that the solver decides, and one that must be asked for, are listed as such."""
    own = rule_of("W305")
    made = [own._replace(needs="exact"), own._replace(default=False, level="note")]
    monkeypatch.setattr(rule_pages, "rule_of", lambda code: made.pop(0))
    listed = [rule_pages._code("W305"), rule_pages._code("W305")]
    monkeypatch.setattr(rule_pages, "codes", lambda: tuple(listed))
    lines = [line.split(maxsplit=2)[2] for line in rule()[1].splitlines()[1:]]
    assert [re.split(r"\s{2,}", line) for line in lines] == [
        ["warning", "with --exact", "some"],
        ["note", "if selected", "some"],
    ]


def test_settings() -> None:
    """The output format of remit.toml counts where the command has it, and not where it is a format of lint alone."""
    Path("remit.toml").write_text('output-format = "json"\n', encoding="utf-8")
    assert json.loads(rule("E104")[1])["code"] == "E104"
    Path("remit.toml").write_text('output-format = "sarif"\n', encoding="utf-8")
    assert rule("E104")[1].startswith("# E104")


def test_a_broken_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that are not there are said to be missing."""
    monkeypatch.setattr(rule_pages, "__file__", "/nowhere/remit/report/rule_pages.py")
    code, out, err = rule("E104")
    assert (code, out) == (2, "")
    assert "the page of `E104` is missing from this installation" in err


def in_terminal(**environment: str) -> str:
    """What the command prints where its output is a terminal."""
    reader, writer = pty.openpty()
    known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    command = [sys.executable, "-m", "remit", "rule", "W305"]
    wide = {"COLUMNS": "90", "TERM": "xterm"}
    with subprocess.Popen(command, stdout=writer, env=known | wide | environment) as process:
        os.close(writer)
        read = b""
        try:
            while data := os.read(reader, 65536):
                read += data
        except OSError:  # how a terminal says that the other side has gone
            pass
    os.close(reader)
    assert process.returncode == 0
    return read.decode("utf-8")


def test_in_a_terminal() -> None:
    """A terminal gets the page laid out, without the marks of Markdown; NO_COLOR takes the colours off."""
    drawn, plain = in_terminal(), in_terminal(NO_COLOR="1")
    assert "\x1b[" in drawn
    assert "```" not in drawn
    assert "warning[W305]: role `clerk` has this rule already" in drawn
    assert re.findall(r"\x1b\[[\d;]*3\d[\d;]*m", plain) == []


def test_pages_are_printable(root: Path) -> None:
    """No page holds a character that would do something to a terminal."""
    pages = {page.name: page.read_text(encoding="utf-8") for page in (root / "docs" / "errors").glob("*.md")}
    assert len(pages) > 70
    assert [name for name, text in pages.items() if not text.replace("\n", "").isprintable()] == []
