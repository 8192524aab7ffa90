"""Which tests are run, in how many processes, and where what came of them goes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from remit import Policy
from remit.cli import testing
from remit.cli.main import remit
from remit.testing.selection import Selection

CLINIC = """policy clinic
area patients { resource record { vet: user  status: "open" | "closed"  actions read, sign, delete } }
condition treats = resource.vet == user.id
role viewer { allow read on record }
role vet includes viewer { allow sign on record when treats }
assert "vets see what viewers see": viewer within vet
assert no viewer may sign on record
"""
TESTS = """test "Vets sign" { user ann is vet  given record r { vet: ann }  ann may sign r }
test "vets read" { user ann is vet  given record r  ann may read r }
test "viewers [only] read" { user bob is viewer  given record r  bob may not sign r }
"""
WRONG = 'test "wrong {}" {{ user bob is viewer  given record r  bob may sign r }}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is called; the policy is in `clinic`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clinic").mkdir()
    (tmp_path / "clinic/main.remit").write_text(CLINIC, encoding="utf-8")
    (tmp_path / "clinic/tests.remit").write_text(TESTS, encoding="utf-8")
    return tmp_path


def call(*words: str) -> Result:
    return CliRunner().invoke(remit, ["test", *words])


def timeless(text: str) -> str:
    """The text without how long it took."""
    text = re.sub(r"[0-9.]+ s$", "0.0 s", text, flags=re.MULTILINE)
    return re.sub(r'("seconds": |time=")[0-9.]+', r"\g<1>0", text)


# -- selection ---------------------------------------------------------------------------------------------------------

CHOSEN = [
    (["sign"], ["Vets sign", "assert no viewer may sign on record"]),
    (["VETS"], ["Vets sign", "vets read", "vets see what viewers see"]),
    (["vets*"], ["Vets sign", "vets read", "vets see what viewers see"]),
    (["vets ????"], ["Vets sign", "vets read"]),
    (["*[sS]ign"], ["Vets sign"]),
    (["read", "not viewers"], ["vets read"]),
    (["not vets"], ["viewers [only] read", "assert no viewer may sign on record"]),
    (["vets sign", "vets read"], ["Vets sign", "vets read"]),
    (["tests.remit"], ["Vets sign", "vets read", "viewers [only] read"]),
    (["not tests.remit"], ["vets see what viewers see", "assert no viewer may sign on record"]),
    (["nothing"], []),
]


@pytest.mark.parametrize(("patterns", "titles"), CHOSEN, ids=[" + ".join(patterns) for patterns, _ in CHOSEN])
def test_patterns(patterns: list[str], titles: list[str]) -> None:
    """A pattern is part of a title or file, or with signs all of it; several add up, and `not` takes out."""
    table = Policy.from_sources({"main.remit": CLINIC, "tests.remit": TESTS}, name="clinic").table
    chosen = Selection(tuple(patterns)).of(table)
    found = [entry.title for entry in chosen.tests]
    found += [claim.title or claim.place.text for claim in chosen.assertions]
    assert found == titles


@pytest.mark.parametrize("option", ["-k", "--select"])
def test_the_command_runs_what_is_selected(folder: Path, option: str) -> None:
    """Only what is selected is run and counted."""
    found = call("clinic", option, "vets", option, "not sign")
    assert found.exit_code == 0
    assert timeless(found.stdout) == "clinic   1 example   1 assertion proved   0.0 s\n"


def test_a_pattern_that_matches_nothing(folder: Path) -> None:
    """Nothing to run is a wrong call: exit 2 with the pattern; of several policies one with a match is enough."""
    found = call("clinic", "-k", "sgin")
    assert found.exit_code == 2
    assert "no example and no assert is called so: `-k sgin`" in found.stderr
    (folder / "other.remit").write_text("policy other", encoding="utf-8")
    assert call("clinic", "other.remit", "-k", "sign").exit_code == 0


def test_coverage_of_what_is_selected(folder: Path) -> None:
    """Coverage is that of the tests that were run."""
    whole = json.loads(call("clinic", "--coverage", "--output-format", "json").stdout)
    part = json.loads(call("clinic", "--coverage", "--output-format", "json", "-k", "Vets sign").stdout)
    covered = [data["policies"][0]["coverage"]["goals"]["covered"] for data in (whole, part)]
    assert covered[0] > covered[1] > 0


# -- the first failure -------------------------------------------------------------------------------------------------


def test_fail_fast(folder: Path) -> None:
    """`-x` stops at the first failure: no test, assert or policy behind it is run."""
    (folder / "clinic/a.remit").write_text(WRONG.format(1) + WRONG.format(2), encoding="utf-8")
    (folder / "other.remit").write_text("policy other", encoding="utf-8")
    found = call("clinic", "other.remit", "-x")
    assert found.exit_code == 1
    assert timeless(found.stdout).splitlines()[0] == "clinic   1 of 1 example failed   0.0 s"
    assert found.stdout.splitlines()[-1] == "stopped at the first failure"
    assert "other" not in found.stdout


def test_fail_fast_without_a_failure(folder: Path) -> None:
    """Where nothing fails, all is run."""
    assert timeless(call("clinic", "-x").stdout) == timeless(call("clinic").stdout)


# -- processes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["text", "json", "junit"])
def test_the_same_with_many_jobs(folder: Path, output: str) -> None:
    """One policy's tests over two processes, and several policies, come out as in one, failures and order too."""
    many = "".join(f'test "t{number}" {{ user v is viewer  given record r  v may read r }}\n' for number in range(30))
    (folder / "clinic/a.remit").write_text(many + WRONG.format(1) + many.replace('"t', '"u'), encoding="utf-8")
    (folder / "broken").mkdir()
    (folder / "broken/main.remit").write_text("policy broken role", encoding="utf-8")
    (folder / "other.remit").write_text(CLINIC.replace("policy clinic", "policy other"), encoding="utf-8")
    for places in (["clinic"], ["clinic", "broken", "other.remit"]):
        words = [*places, "--output-format", output, "--coverage"]
        one, two = call(*words, "--jobs", "1"), call(*words, "--jobs", "2")
        assert one.exit_code == (2 if "broken" in places else 1)
        assert (one.exit_code, timeless(one.stdout), one.stderr) == (two.exit_code, timeless(two.stdout), two.stderr)


def test_processes_where_they_pay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `--jobs` a second process is started only where there is enough to do."""
    started: list[int] = []
    real: Callable[..., Any] = testing._pool

    def pool(jobs: int, *given: Any) -> Any:
        started.append(jobs)
        return real(jobs, *given)

    monkeypatch.setattr(testing, "_pool", pool)
    monkeypatch.setattr(testing, "cores", lambda: 2)
    call("clinic")
    assert started == []
    monkeypatch.setattr(testing, "LEAST_LINES", 5)
    assert call("clinic").exit_code == 0
    assert started == [2]


def test_no_jobs(folder: Path) -> None:
    """No process at all is a wrong call."""
    assert call("clinic", "--jobs", "0").exit_code == 2


def test_no_progress_in_a_pipe(folder: Path) -> None:
    """Nothing but results is printed where standard error is no terminal."""
    assert call("clinic").stderr == ""


# -- JUnit and files ---------------------------------------------------------------------------------------------------


def test_junit(folder: Path) -> None:
    """A suite for each policy, a case for each test and assert with its file and line; a failure says what was
    expected, and why it came out otherwise."""
    claim = 'assert "vets delete": vet within viewer\n'
    (folder / "clinic/zz.remit").write_text(WRONG.format(1) + claim, encoding="utf-8")
    found = call("clinic", "--output-format", "junit", "--coverage")
    assert found.exit_code == 1
    root = ET.fromstring(found.stdout)
    [suite] = root.findall("testsuite")
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["7", "2", "0", "0"]
    assert suite.get("name") == "clinic"
    assert float(suite.get("time") or "") > 0
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [
        "Vets sign", "vets read", "viewers [only] read", "wrong 1",
        "vets see what viewers see", "assert no viewer may sign on record", "vets delete",
    ]  # fmt: skip
    wrong, proved, refuted = cases[3], cases[4], cases[6]
    assert (wrong.get("file"), wrong.get("line"), wrong.get("classname")) == ("clinic/zz.remit", "1", "clinic.zz")
    failure = wrong.find("failure")
    assert failure is not None
    assert failure.get("message") == "bob may sign r: expected allowed, got denied: nothing allows it (no_rule)"
    assert "bob holds viewer" in (failure.text or "")
    assert list(proved) == []
    assert "for example" in (refuted.findtext("failure") or "")
    assert suite.findall("properties/property")[0].get("name") == "coverage"


def test_junit_of_an_unproven_assert(folder: Path) -> None:
    """An assert that is neither proved nor refuted is a failure, with the word for it."""
    results = Policy.load("clinic")
    from remit.report.tests_junit import results_junit
    from remit.testing.asserts import AssertResult
    from remit.testing.run import Results

    claim = results.table.assertions[0]
    made = Results(results.table, [], [AssertResult(claim.title, claim.kind, claim.place, "unproven")])
    failure = ET.fromstring(results_junit([(made, 0.5)])).find("testsuite/testcase/failure")
    assert failure is not None
    assert (failure.get("message") or "").startswith("unproven")


def test_junit_is_well_formed_whatever_a_title_holds(folder: Path) -> None:
    """Control characters, which XML cannot hold, are written out; markup is escaped."""
    title = "a \\u{0} \\u{1b}[31m <b> & \\u{fffe} \\u{202e} ]]>"
    (folder / "clinic/zz.remit").write_text(WRONG.format(title), encoding="utf-8")
    root = ET.fromstring(call("clinic", "--output-format", "junit").stdout)
    names = [case.get("name") for case in root.iter("testcase")]
    assert "wrong a \\u{0} \\u{1b}[31m <b> & \\u{fffe} \\u{202e} ]]>" in names


@pytest.mark.parametrize("output", ["text", "json", "junit", "html"])
def test_to_a_file(folder: Path, output: str) -> None:
    """`-o FILE` has what standard output would have, without colour."""
    printed = call("clinic", "--output-format", output)
    written = call("clinic", "--output-format", output, "-o", "found.out")
    assert (written.exit_code, written.stdout) == (0, "")
    assert timeless((folder / "found.out").read_text(encoding="utf-8")) == timeless(printed.stdout)


@pytest.mark.parametrize("option", ["-o", "--coverage-html"])
def test_not_over_a_policy(folder: Path, option: str) -> None:
    """Results do not go where a policy is."""
    before = (folder / "clinic/main.remit").read_text(encoding="utf-8")
    assert call("clinic", option, "clinic/main.remit").exit_code == 2
    assert (folder / "clinic/main.remit").read_text(encoding="utf-8") == before


def test_a_file_that_cannot_be_written(folder: Path) -> None:
    """A place that takes no file is exit 2 with the reason."""
    found = call("clinic", "-o", "nowhere/found.xml")
    assert found.exit_code == 2
    assert "`nowhere/found.xml` cannot be written" in found.stderr
