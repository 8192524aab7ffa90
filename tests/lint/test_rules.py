"""Every lint rule on its cases: tests/lint/cases/NAME.txt holds policies with a finding, and near misses.

A case begins with `=== finding: TITLE` or `=== near miss: TITLE` and is a small folder: its text up to `--- FILE` is
`main.remit`, what follows is FILE (`directory.yaml`, `remit.toml`, `base/main.remit` …). In a finding, each line that
ends with `#! TEXT` has one finding of the rule, with TEXT underlined (`#!` alone: whatever is); there are no others.
In a near miss the rule finds nothing. The marks are taken out before the files are written.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from remit.cli.main import remit
from remit.codes import CODES
from remit.lint.registry import RULES, manual, rule_of

CASES = Path(__file__).parent / "cases"
UPDATE = bool(os.environ.get("REMIT_UPDATE_PAGES"))
PAGES = Path(__file__).resolve().parents[2] / "docs" / "errors"
ABOUT = ",W305,W421,W424"  # what the cases keep silent of the rules that speak of silence
MARK = re.compile(r"[ \t]*#![ \t]*([^\n]*)$", re.M)


class Case(NamedTuple):
    """`expected`: (file, line, text underlined)."""

    code: str
    finding: bool
    title: str
    files: dict[str, str]
    expected: list[tuple[str, int, str]]


def read_cases(code: str) -> list[Case]:
    text = (CASES / f"{rule_of(code).name}.txt").read_text(encoding="utf-8")
    found = []
    for kind, title, body in re.findall(r"^=== (finding|near miss): (.+)\n((?:(?!=== ).*\n?)*)", text, re.M):
        parts = re.split(r"^--- (\S+)\n", body, flags=re.M)
        files = dict(zip(["main.remit", *parts[1::2]], parts[::2], strict=True))
        expected = [
            (name, number, mark[1].strip())
            for name, content in files.items()
            for number, line in enumerate(content.splitlines(), 1)
            if (mark := MARK.search(line))
        ]
        files = {name: MARK.sub("", content) for name, content in files.items() if content.strip()}
        found.append(Case(code, kind == "finding", title, files, expected))
    return found


ALL = [case for code in RULES for case in read_cases(code)]


@pytest.mark.parametrize("case", ALL, ids=[f"{case.code}-{case.title}" for case in ALL])
def test_case(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule finds what the case marks, where it marks it, and nothing else."""
    for name, content in case.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    needs = rule_of(case.code).needs
    exact = ["--exact"] if needs == "exact" else []
    selected = f"E,{case.code}{ABOUT if needs in ('silence', 'baseline') else ''}"
    result = CliRunner().invoke(
        remit, ["lint", ".", "--output-format", "json", "--select", selected, "--fail-level", "note", *exact]
    )
    found = json.loads(result.stdout)["findings"]
    assert [one for one in found if one["code"] != case.code] == [], result.output
    lines = sorted((one["file"], one["line"]) for one in found)
    assert lines == sorted((file, line) for file, line, _ in case.expected)
    assert bool(case.expected) is case.finding
    for file, line, text in case.expected:
        [one] = [one for one in found if (one["file"], one["line"]) == (file, line)]
        rows = case.files[file].splitlines()
        begun = rows[line - 1][one["column"] - 1 :]
        whole = begun[: one["end_column"] - one["column"]] if one["end_line"] == line else begun
        assert not text or whole == text
        assert one["message"]
        assert one["level"] in ("error", "warning", "note")


@pytest.mark.parametrize("code", RULES)
def test_rule_is_whole(code: str) -> None:
    """A rule's module, name, code, page and cases go together, with at least one finding and one near miss."""
    found = rule_of(code)
    assert (found.code, found.name) == (code, CODES[code])
    assert RULES[code] == found.name.replace("-", "_")
    assert {case.finding for case in read_cases(code)} == {True, False}


@pytest.mark.parametrize("code", RULES)
def test_page_is_the_manual(code: str) -> None:
    """The prose of a rule's page is its module's docstring."""
    page = PAGES / f"{code}.md"
    text = page.read_text(encoding="utf-8")
    head, bad, rest = text.partition("\n## Bad\n")
    if UPDATE:
        page.write_text(f"{head.splitlines()[0]}\n\n{manual(code).strip()}\n{bad}{rest}", encoding="utf-8")
        head = page.read_text(encoding="utf-8").partition("\n## Bad\n")[0]
    prose = head.partition("\n")[2]
    assert prose.strip() == manual(code).strip()


def test_every_case_file_has_a_rule() -> None:
    """No case file is left over from a rule that is gone."""
    assert {file.stem for file in CASES.glob("*.txt")} == {CODES[code] for code in RULES}
