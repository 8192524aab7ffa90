"""`remit test`: what it runs, what it prints, how it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from remit.cli.main import remit
from remit.evaluator.index import Index
from remit.table.shape import Table
from remit.testing.asserts import AssertResult, OpenCell

CLINIC = """policy clinic "Paws & Co"
scope company
area patients { resource record { vet: user  status: "open" | "closed"  actions read, sign, delete } }
condition treats = resource.vet == user.id
role viewer { allow read on record }
role vet includes viewer { allow sign on record when treats }
role owner { allow * on * }
assignments { on disable }
"""
PASSING = """test "a vet signs own records" {
  user ann is vet
  user bob is vet
  given record r1 { vet: ann, status: "open" }
  ann may sign r1 because treats
  bob may not sign r1 because treats
}
"""
FAILING = """test "a vet deletes" {
  user ann is vet
  given record r1 { vet: ann, status: "open" }
  ann may delete r1
}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is called; the policy is in `clinic`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clinic").mkdir()
    return tmp_path


def write(folder: Path, text: str, name: str = "clinic/main.remit") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def call(*words: str) -> Result:
    return CliRunner().invoke(remit, ["test", *words])


def data(*words: str) -> dict[str, Any]:
    found = json.loads(call(*words, "--output-format", "json").stdout)
    assert isinstance(found, dict)
    return found


def timeless(text: str) -> str:
    """The text without how long it took."""
    return re.sub(r"[0-9.]+ s$", "0.0 s", text, flags=re.MULTILINE)


def test_what_passes_is_one_line(folder: Path) -> None:
    """A policy whose examples pass and whose asserts are proved is one line and exit 0."""
    write(folder, CLINIC + PASSING + "assert viewer within vet within owner\nassert only owner may delete on record\n")
    found = call("clinic")
    assert found.exit_code == 0
    assert timeless(found.stdout) == "clinic   1 example   2 assertions proved   0.0 s\n"


def test_a_failure_quotes_its_line(folder: Path) -> None:
    """A failed example shows the line, what was expected and what came, and why, as `remit explain` says it."""
    broken = PASSING.replace("bob may not sign r1 because treats", "bob may not read r1")
    write(folder, CLINIC + broken)
    found = call("clinic")
    assert found.exit_code == 1
    assert (
        timeless(found.stdout)
        == """clinic   1 of 1 example failed   0.0 s

failed: a vet signs own records
   ┌─ clinic/main.remit:14:3
   │
14 │   bob may not read r1
   │   ^^^^^^^^^^^^^^^^^^^
   │
   = expected  denied
   = got       allowed

   ┌─ clinic/main.remit:5
   │
 5 │ role viewer { allow read on record }
   │
   bob holds vet at company, assigned to bob; vet includes viewer.
   Without this rule: no.
"""
    )


def test_a_denial_shows_what_was_seen_and_what_would_allow(folder: Path) -> None:
    """Where no rule decided, the code stands beside the answer; the parts of the nearest rule's condition follow with
    the values they saw, who holds what, and the changes that would allow it."""
    write(folder, CLINIC + FAILING.replace("delete r1", "sign r1").replace("vet: ann", "vet: bob"))
    assert (
        timeless(call("clinic").stdout)
        == """clinic   1 of 1 example failed   0.0 s

failed: a vet deletes
   ┌─ clinic/main.remit:12:3
   │
12 │   ann may sign r1
   │   ^^^^^^^^^^^^^^^
   │
   = expected  allowed
   = got       denied: nothing allows it (no_rule)

  Nothing allows it. This rule comes nearest:

   ┌─ clinic/main.remit:6
   │
 6 │ role vet includes viewer { allow sign on record when treats }
   │                                                      ^^^^^^ false: resource.vet is "bob", user.id is "ann"
   │
   ann holds vet at company, assigned to ann.

  Any one of these would allow it:
   1  resource.vet is "ann"       main.remit:6
   2  ann holds owner at company  main.remit:7
"""
    )


def test_a_failed_assert_shows_who_and_which_rule(folder: Path) -> None:
    """A failed assert shows its line, somebody who breaks it, their rule, and a request that does."""
    write(folder, CLINIC + 'assert "only owners sign": only owner may sign on record\n')
    found = call("clinic")
    assert found.exit_code == 1
    assert (
        timeless(found.stdout)
        == """clinic   no examples   0 of 1 assertion proved   0.0 s

failed: only owners sign
  ┌─ clinic/main.remit:9:1
  │
9 │ assert "only owners sign": only owner may sign on record
  │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ somebody with vet may sign on record
  ┌─ clinic/main.remit:6:28
  │
6 │ role vet includes viewer { allow sign on record when treats }
  │                            -------------------------------- by this rule
  │
  = for example: resource.vet is "someone", user.id is "someone"
"""
    )


def test_unproven_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An assert that is neither proved nor refuted is listed as unproven, and the exit code is 1: nobody guesses."""

    def settle(table: Table, index: Index) -> list[AssertResult]:
        claim = table.assertions[0]
        cell = OpenCell(("viewer",), "record", "read")
        return [AssertResult(claim.title, claim.kind, claim.place, "unproven", open=(cell,))]

    monkeypatch.setattr("remit.testing.run.settle_asserts", settle)
    write(folder, CLINIC + 'assert "the same": viewer within vet\n')
    found = call("clinic")
    assert found.exit_code == 1
    assert (
        timeless(found.stdout)
        == """clinic   no examples   0 of 1 assertion proved, 1 unproven   0.0 s

unproven: the same   clinic/main.remit:9:1
  neither proved nor refuted: viewer, read on record
"""
    )
    assert data("clinic")["unproven"] == 1


def test_a_policy_without_tests_says_so(folder: Path) -> None:
    """A policy with neither examples nor asserts is no failure, and is named."""
    write(folder, CLINIC)
    found = call("clinic")
    assert (found.exit_code, found.stdout) == (0, "clinic   no tests\n")


def test_a_failed_event_shows_the_line_that_decided(folder: Path) -> None:
    """An event that comes out otherwise is shown with what became of it, and the policy's line that decided."""
    write(folder, CLINIC + PASSING + 'test "e" { user ann is owner  on enable ann by ann is accepted }\n')
    found = call("clinic")
    assert found.exit_code == 1
    assert "= expected  accepted\n" in found.stdout
    assert "= got       refused: the policy has no line `on enable` (no_rule)\n" in found.stdout


def test_json(folder: Path) -> None:
    """The JSON has each test and assert with its place and result, failures with what came, and the counts."""
    write(folder, CLINIC + FAILING + "assert viewer within vet\nassert no vet may sign on record\n")
    found = data("clinic")
    assert [found[name] for name in ("passed", "failed", "unproven")] == [1, 2, 0]
    [policy] = found["policies"]
    assert policy["policy"] == "clinic"
    [test] = policy["tests"]
    assert {name: test[name] for name in ("name", "file", "line", "column", "result")} == {
        "name": "a vet deletes", "file": "main.remit", "line": 9, "column": 1, "result": "failed",
    }  # fmt: skip
    [wrong] = test["failures"]
    explained = wrong.pop("explanation")
    assert (explained["decision"], explained["code"], explained["held"][0]["role"]) == (False, "no_rule", "vet")
    assert [wrong] == [
        {
            "file": "main.remit", "line": 12, "column": 3, "text": "ann may delete r1",
            "message": "expected allowed, got denied: nothing allows it (no_rule)",
            "expected": "allowed", "got": "denied: nothing allows it", "code": "no_rule", "rules": [],
        }
    ]  # fmt: skip
    assert [claim["result"] for claim in policy["assertions"]] == ["proved", "failed"]
    [failure] = policy["assertions"][1]["failures"]
    assert (failure["roles"], failure["type"], failure["action"]) == (["vet"], "record", "sign")
    assert [rule["line"] for rule in failure["rules"]] == [6]


def test_a_folder_is_every_policy_below(folder: Path) -> None:
    """Of a folder every policy at or below it is run, overlays too, the names in one column."""
    write(folder, CLINIC + PASSING)
    overlay = 'policy north extends "../.."\nassert viewer within vet\ntest "n" { user ann is vet }\n'
    write(folder, overlay, "clinic/overlays/north/main.remit")
    write(folder, "policy empty\n", "other/main.remit")
    found = call(".")
    assert found.exit_code == 0
    assert timeless(found.stdout).splitlines() == [
        "clinic   1 example   0.0 s",
        "north    1 example   1 assertion proved   0.0 s",
        "empty    no tests",
    ]


def test_a_policy_is_run_once(folder: Path) -> None:
    """A policy that several paths lead to is run once."""
    write(folder, CLINIC + PASSING)
    assert len(call("clinic", "clinic/../clinic", ".").stdout.splitlines()) == 1


def test_the_policy_option_and_the_settings(folder: Path) -> None:
    """Without a path the policy is --policy's, else that of remit.toml, else the folder here; a path goes before."""
    write(folder, CLINIC + PASSING)
    write(folder, "policy other\n", "other/main.remit")
    assert call("--policy", "clinic").stdout.startswith("clinic ")
    assert call("--policy", "clinic", "other").stdout == "other   no tests\n"
    assert len(call().stdout.splitlines()) == 2
    write(folder, 'policy = "other"\n', "remit.toml")
    assert call().stdout == "other   no tests\n"


def test_one_file(folder: Path) -> None:
    """A path may be one `.remit` file."""
    write(folder, CLINIC + PASSING)
    assert call("clinic/main.remit").stdout.startswith("clinic   1 example ")


def test_a_compiled_table(folder: Path) -> None:
    """A compiled table's examples and asserts come out as those of its sources, with the same lines quoted."""
    write(folder, CLINIC + FAILING + "assert no vet may sign on record\n")
    assert CliRunner().invoke(remit, ["compile", "--policy", "clinic", "-o", "table.json"]).exit_code == 0
    from_sources, from_table = call("clinic"), call("table.json")
    assert from_table.exit_code == 1
    quoted = timeless(from_table.stdout).replace("┌─ main.remit", "┌─ clinic/main.remit")
    assert quoted == timeless(from_sources.stdout)


def test_a_path_that_is_not_there(folder: Path) -> None:
    """A path that leads nowhere is exit 2."""
    found = call("nowhere")
    assert found.exit_code == 2
    assert "there is no policy at `nowhere`" in found.stderr


def test_a_policy_that_does_not_compile(folder: Path) -> None:
    """A policy that does not compile is exit 2 with its errors; the others are run all the same."""
    write(folder, CLINIC + PASSING)
    write(folder, "policy broken\nrole a { allow read on recrod }\n", "broken/main.remit")
    found = call(".")
    assert found.exit_code == 2
    assert "recrod" in found.stderr
    assert found.stdout.startswith("clinic   1 example ")
    assert [policy["policy"] for policy in data(".")["policies"]] == ["clinic"]


def test_the_output_format_of_the_settings(folder: Path) -> None:
    """remit.toml may choose JSON."""
    write(folder, CLINIC + PASSING)
    write(folder, 'output-format = "json"\n', "remit.toml")
    assert json.loads(call("clinic").stdout)["passed"] == 1


def test_control_characters_do_not_reach_the_terminal(folder: Path) -> None:
    """Titles and lines from a policy are printed with control characters escaped."""
    write(folder, CLINIC + FAILING.replace("a vet deletes", "a \\u{1b}[31m vet"))
    assert "\x1b" not in call("clinic").stdout
    assert "a \\u{1b}[31m vet" in call("clinic").stdout


def shipped() -> list[str]:
    root = Path(__file__).resolve().parents[2] / "policies"
    return sorted(str(path.parent.relative_to(root)) for path in root.rglob("policy.remit"))


@pytest.mark.parametrize("policy", shipped())
def test_shipped_policies_are_clean(policy: str, root: Path) -> None:
    """The examples of every shipped policy and overlay pass, and every assert of theirs is proved."""
    found = call(str(root / "policies" / policy), "--output-format", "json")
    counted = json.loads(found.stdout)
    assert found.exit_code == 0, found.stdout
    assert counted["policies"][0]["tests"]
    assert (counted["failed"], counted["unproven"]) == (0, 0)
