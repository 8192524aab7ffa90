"""`remit test --mutate`: what it prints, what it accepts, how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from remit import Policy
from remit.cli import mutating
from remit.cli.main import remit
from remit.proof import solver
from remit.source import Source
from remit.testing.accepted import acceptances

ROOT = Path(__file__).resolve().parents[2]
CLINIC = """policy clinic
scope company
area patients { resource record { vet: user  actions read, sign } }
area people { resource member { actions invite } }
condition treats = resource.vet == user.id
role viewer { allow read on record }
role vet includes viewer {
  allow sign on record when treats
}
test "a vet reads and signs" {
  user ann is vet
  user vic is viewer
  user nil
  given record r1 { vet: ann }
  ann may sign r1
  ann may read r1
  vic may not sign r1
  nil may not read r1
  given record r2 { vet: bob }
}
"""
NOTICED = CLINIC.replace("  nil may not read r1\n", "  nil may not read r1\n  ann may not sign r2\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is called."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(folder: Path, text: str, *words: str) -> Result:
    (folder / "clinic.remit").write_text(text, encoding="utf-8")
    return CliRunner().invoke(remit, ["test", "clinic.remit", *words])


def data(folder: Path, text: str, *words: str) -> dict[str, Any]:
    found = json.loads(call(folder, text, "--mutate", "--output-format", "json", *words).stdout)["policies"][0]
    assert isinstance(found["mutation"], dict)
    return found["mutation"]


def comment(text: str, line: str, said: str) -> str:
    """The policy with a comment at the end of a line."""
    assert text.count(f"{line}\n") == 1
    return text.replace(f"{line}\n", f"{line}  # remit: {said}\n")


RULE = "allow sign on record when treats"


def test_a_survivor_is_shown_with_its_line_and_a_test(folder: Path) -> None:
    """The change in words, the line, who could then do what, and a test that would notice it; exit 1."""
    result = call(folder, CLINIC, "--mutate")
    assert result.exit_code == 1
    assert result.stdout.split("\n\n", 1)[1] == (
        "mutants 9 · 7 noticed by tests · 1 changes nothing · 1 survives · 87 %\n\n"
        "survives: without `when treats`   drop-condition\n"
        "  ┌─ clinic.remit:8:3\n"
        "  │\n"
        "8 │   allow sign on record when treats\n"
        "  │   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "  │\n"
        '  = somebody with vet may then sign on record: resource.vet is "other"\n\n'
        "  # unreviewed: what the policy answers today, which nobody has said is right\n"
        "  # notices: clinic.remit:8 without `when treats`\n"
        '  test "sign on record, as it is today" {\n'
        "    user a_vet is vet\n"
        "    given record record_1 { vet: other }\n"
        "    a_vet may not sign record_1\n"
        "  }\n"
    )


def test_all_noticed_is_clean(folder: Path) -> None:
    """Exit 0, and 100 %, where no mutant survives."""
    result = call(folder, NOTICED, "--mutate")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (
        0,
        "mutants 9 · 8 noticed by tests · 1 changes nothing · 100 %",
    )


def test_the_shown_test_makes_it_clean(folder: Path) -> None:
    """Pasted into the policy, the test that was shown kills the survivor."""
    [test] = data(folder, CLINIC)["tests"]
    assert (test["title"], test["notices"]) == ("sign on record, as it is today", [0])
    assert call(folder, CLINIC + test["text"], "--mutate").exit_code == 0


def test_a_test_is_shown_once(folder: Path) -> None:
    """With the first survivor that it would notice; the others name it."""
    bare = CLINIC.partition("test ")[0]
    result = call(folder, bare, "--mutate")
    tests = data(folder, bare)["tests"]
    shared = [test for test in tests if len(test["notices"]) > 1]
    assert shared
    for test in tests:
        assert result.stdout.count(f'test "{test["title"]}" {{') == 1
        said = f'= the test "{test["title"]}" above would notice it, too'
        first = [
            number
            for number in test["notices"]
            if not any(number in other["notices"] for other in tests[: tests.index(test)])
        ]
        assert result.stdout.count(said) == len(first) - 1


def test_all_tests_together_are_clean(folder: Path) -> None:
    """Appended as they are, the tests of a policy without any have no name twice, are in the format, and leave no
    survivor."""
    bare = CLINIC.partition("test ")[0]
    whole = bare + "".join(test["text"] for test in data(folder, bare)["tests"])
    assert call(folder, whole, "--mutate").exit_code == 0
    runner = CliRunner()
    linted = runner.invoke(remit, ["lint", "--policy", "clinic.remit", "--select", "W104"])
    assert (linted.exit_code, "W104" in linted.stdout) == (0, False)
    assert runner.invoke(remit, ["fmt", "clinic.remit", "--check"]).exit_code == 0


def test_without_mutate_nothing_is_changed(folder: Path) -> None:
    """A plain run says nothing of mutants."""
    result = call(folder, CLINIC)
    assert (result.exit_code, "mutants" in result.stdout) == (0, False)


def test_the_json(folder: Path) -> None:
    """The same for machines, with the request that tells a survivor from the policy."""
    found = data(folder, CLINIC)
    assert {key: found[key] for key in ("mutants", "killed", "equivalent", "accepted", "left_out", "comments")} == {
        "mutants": 9, "killed": 7, "equivalent": 1, "accepted": [], "left_out": [], "comments": [],
    }  # fmt: skip
    assert found["score"] == pytest.approx(87.5)
    [survivor] = found["survivors"]
    place = {key: survivor[key] for key in ("operator", "file", "line", "column", "text")}
    assert place == {"operator": "drop-condition", "file": "clinic.remit", "line": 8, "column": 3, "text": RULE}
    example = survivor["example"]
    assert (example["roles"], example["before"], example["after"]) == (["vet"], "no_rule", "allowed")
    assert example["resource"]["type"] == "record"


def test_a_score_instead_of_all(folder: Path) -> None:
    """With --mutate-fail-under, the share of noticed mutants decides, and nothing else."""
    assert call(folder, CLINIC, "--mutate-fail-under", "80").exit_code == 0
    result = call(folder, CLINIC, "--mutate-fail-under", "90")
    assert result.exit_code == 1
    said = "error: the tests of `clinic` notice 87 % of its mutants, and 90 % was asked for\n"
    assert result.stderr == said
    result = call(folder, CLINIC, "--mutate-fail-under", "99.999999999")
    assert "notice 87 % of its mutants, and 99.999999999 % was asked for" in result.stderr


def test_with_coverage(folder: Path) -> None:
    """With --coverage what the tests reach comes before what they would notice."""
    found = call(folder, CLINIC, "--mutate", "--coverage").stdout
    assert 0 < found.index("\ncells ") < found.index("\nmutants ")


# -- comments ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alone", [False, True])
def test_a_reason_lets_it_survive(folder: Path, alone: bool) -> None:
    """A comment on the rule, behind it or above it, accepts a change that survives; it is shown with the reason."""
    said = "survives[drop-condition] -- vets share their records until spring"
    text = (
        CLINIC.replace(f"  {RULE}", f"  # remit: {said}\n\n  # more\n  {RULE}")
        if alone
        else comment(CLINIC, RULE, said)
    )
    result = call(folder, text, "--mutate")
    assert result.exit_code == 0
    assert "1 accepted · 87 %" in result.stdout
    assert "accepted: without `when treats`   drop-condition   clinic.remit:" in result.stdout
    assert result.stdout.endswith("\n  vets share their records until spring\n")


def test_an_accepted_one_is_not_killed(folder: Path) -> None:
    """It stays in the score, and its reason in the JSON."""
    text = comment(CLINIC, RULE, "survives[drop-condition] -- so be it")
    found = data(folder, text)
    assert ([one["reason"] for one in found["accepted"]], found["survivors"]) == (["so be it"], [])
    assert call(folder, text, "--mutate-fail-under", "100").exit_code == 1


TROUBLES = [
    ("survives[drop-rule] -- no reason to keep it", "no `drop-rule` survives here"),
    ("survives[drop-condition, flip-effect] -- ok", "no `flip-effect` survives here"),
    ("survives[drop-condition]", "this gives no reason, and accepts nothing"),
    ("survives[drop-conditions] -- ok", "there is no change `drop-conditions`"),
    ("survives[] -- ok", "this names no change"),
    ("survives drop-condition -- ok", "this comment is no form of `survives`, and accepts nothing"),
    ("survive[drop-condition] -- ok", "this comment is no form of `survives`, and accepts nothing"),
]


@pytest.mark.parametrize(("said", "trouble"), TROUBLES)
def test_a_comment_that_accepts_nothing_is_reported(folder: Path, said: str, trouble: str) -> None:
    """One that fits no survivor, lacks its reason or names no change; exit 1 even where the score is enough."""
    text = comment(CLINIC, RULE, said)
    assert [one["message"] for one in data(folder, text)["comments"]] == [trouble]
    result = call(folder, text, "--mutate-fail-under", "10")
    assert (result.exit_code, f"comment: {trouble}" in result.stdout) == (1, True)


def test_a_comment_is_no_text() -> None:
    """What looks like a comment inside a string or a name in backticks is none, and comments to the linter are not."""
    text = """allow read on record because "# remit: survives[drop-rule] -- no"
allow read on `# remit: survives[drop-rule] -- no`  # remit: ignore[W203] -- now  # remit: survives[drop-rule] -- yes
"""
    found, troubles = acceptances([Source("a.remit", text)])
    assert ([(one.line, one.reason) for one in found], troubles) == ([(2, "yes")], [])


# -- where it does not run ---------------------------------------------------------------------------------------------


def test_failing_tests_come_first(folder: Path) -> None:
    """Where a test fails already, mutants say nothing: they are not tried, and that is said."""
    result = call(folder, CLINIC.replace("ann may read r1", "ann may not read r1"), "--mutate")
    assert result.exit_code == 1
    assert "`clinic` has tests that fail: its mutants are not tried" in result.stderr
    assert "mutants" not in result.stdout


def test_without_the_solver(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was noticed needs no solver; whether a survivor changes anything does: exit 2, with the extra's name."""
    monkeypatch.setattr(solver, "available", lambda: False)
    assert call(folder, NOTICED, "--mutate").exit_code == 0
    result = call(folder, CLINIC, "--mutate")
    assert (result.exit_code, "install remit[prove]" in result.stderr) == (2, True)


def test_only_the_wanted_tests_count(folder: Path) -> None:
    """With -k, what the others would notice survives."""
    text = NOTICED + 'test "nobody" {\n  user nil\n  given record r1\n  nil may not read r1\n}\n'
    assert data(folder, text, "-k", "nobody")["killed"] < data(folder, text)["killed"]


def test_a_table_is_mutated_too(folder: Path) -> None:
    """A compiled table has rules to change; what it does not keep is named."""
    (folder / "clinic.remit").write_text(CLINIC, encoding="utf-8")
    runner = CliRunner()
    assert runner.invoke(remit, ["compile", "--policy", "clinic.remit", "-o", "clinic.table"]).exit_code == 0
    result = runner.invoke(remit, ["test", "clinic.table", "--mutate"])
    assert "left as they are: includes, `except` and named conditions" in result.stdout
    assert "6 noticed by tests · 1 changes nothing · 1 survives" in result.stdout


def test_formats_without_a_place_for_it_leave_it_on_standard_error(folder: Path) -> None:
    """JUnit stays JUnit; what survives is on standard error, and the exit code says so."""
    result = call(folder, CLINIC, "--mutate", "--output-format", "junit")
    assert (result.exit_code, result.stdout.startswith("<?xml")) == (1, True)
    assert "survives: without `when treats`" in result.stderr


def test_several_processes_find_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut into stretches over two processes, the outcomes are the same, in the same order."""
    monkeypatch.setattr(mutating, "LEAST_MUTANTS", 2)
    several, one = data(folder, CLINIC, "-j", "2"), data(folder, CLINIC, "-j", "1")
    for found in (several, one):
        del found["seconds"]
    assert several == one


def test_the_policy_stays_as_it_was(folder: Path) -> None:
    """Mutants are made in memory: neither the file nor the policy's digest changes."""
    call(folder, CLINIC, "--mutate")
    assert (folder / "clinic.remit").read_text(encoding="utf-8") == CLINIC
    assert Policy.load("clinic.remit").digest == Policy.from_sources({"clinic.remit": CLINIC}).digest


@pytest.mark.parametrize("policy", sorted(path.parent.name for path in (ROOT / "policies").glob("*/README.md")))
def test_the_shipped_policies_are_clean(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With their overlays: every mutant is noticed or changes nothing, or its line says why it may survive."""
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(remit, ["test", f"policies/{policy}", "--mutate"])
    assert (result.exit_code, "survives:" in result.stdout) == (0, False)
