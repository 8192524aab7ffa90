"""The plugin for pytest: what it collects and when, and how a policy's tests fail in it."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click.testing import CliRunner

from remit.cli.main import remit
from remit.table.shape import AssertEntry
from remit.testing.asserts import AssertResult, OpenCell, Settler

pytest_plugins = ["pytester"]

POLICY = """policy clinic "Paws & Co"
area patients { resource record { vet: user  actions read, sign, delete } }
condition treats = resource.vet == user.id
role viewer { allow read on record }
role vet includes viewer { allow sign on record when treats }
assert "vets may more": viewer within vet
"""
TESTS = """test "a vet signs own records" {
  user ann is vet
  given record r1 { vet: ann }
  ann may sign r1 because treats
}
test "a vet deletes" {
  user ann is vet
  given record r1 { vet: ann }
  ann may delete r1
}
assert viewer within vet
"""
# Where remit is installed with its entry point, pytest loads the plugin by itself.
_INSTALLED = any(point.value == "remit.pytest_plugin" for point in entry_points(group="pytest11"))
_PLUGIN = () if _INSTALLED else ("-p", "remit.pytest_plugin")


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Calls pytest beside a policy `clinic` of two files."""
    pytester.mkdir("clinic")
    write(pytester.path / "clinic/main.remit", POLICY)
    write(pytester.path / "clinic/sub/tests.remit", TESTS)
    return Run(pytester)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


class Run:
    """pytest in a folder of its own, in this process, with warnings as errors."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.folder = pytester.path

    def __call__(self, *words: str) -> pytest.RunResult:
        return self.pytester.runpytest_inprocess(*_PLUGIN, "-p", "no:xdist", "-W", "error", *words)

    def collected(self, *words: str) -> list[str]:
        """The tests that would run."""
        return [line for line in self("--collect-only", "-q", *words).outlines if "::" in line]

    def settings(self, text: str) -> None:
        self.pytester.makepyprojecttoml(f"[tool.pytest.ini_options]\n{text}\n")


FIRST = ["clinic/main.remit::vets may more"]
SECOND = [
    "clinic/sub/tests.remit::a vet signs own records",
    "clinic/sub/tests.remit::a vet deletes",
    "clinic/sub/tests.remit::assert viewer within vet",
]


def test_nothing_unless_asked(run: Run) -> None:
    """Where remit is merely installed, no policy is collected, and none is read."""
    write(run.folder / "clinic/broken.remit", "role {")
    assert run.collected() == []
    assert run().ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_all_with_the_option(run: Run) -> None:
    """With --remit each `test` and each `assert` is an item, in the order of the files and of their text; an assert
    without a title goes by its text."""
    assert run.collected("--remit") == FIRST + SECOND


def test_a_named_file(run: Run) -> None:
    """A file that is named is collected without the option, as a part of its whole policy."""
    assert run.collected("clinic/sub/tests.remit") == SECOND


def test_policies_of_the_settings(run: Run) -> None:
    """`remit_policies` names what is collected always, and nothing else is."""
    write(run.folder / "other/main.remit", POLICY.replace("clinic", "other"))
    run.settings('remit_policies = ["clinic"]')
    assert run.collected() == FIRST + SECOND


def test_a_single_file_of_the_settings(run: Run) -> None:
    """A file in `remit_policies` is a policy of its own, whatever lies beside it."""
    write(run.folder / "clinic/alone.remit", POLICY.replace("clinic", "alone"))
    run.settings('remit_policies = ["clinic/alone.remit"]')
    assert run.collected() == ["clinic/alone.remit::vets may more"]


def test_policy_of_remit_toml(run: Run) -> None:
    """A policy that names itself nowhere is found by the settings of remit."""
    write(run.folder / "remit.toml", 'policy = "access"\n')
    write(run.folder / "access/roles.remit", POLICY.partition("\n")[2])
    write(run.folder / "access/sub/tests.remit", TESTS)
    assert run.collected("access/sub/tests.remit") == [name.replace("clinic/sub", "access/sub") for name in SECOND]


def test_an_overlay_has_its_own_tests(run: Run) -> None:
    """The items of an overlay's files are those that stand there, not its base's."""
    write(
        run.folder / "clinic/overlays/north/policy.remit",
        'policy north extends "../.."\nrole guest { }\nassert "guests may nothing": guest within viewer\n',
    )
    assert run.collected("--remit", "clinic/overlays") == [
        "clinic/overlays/north/policy.remit::guests may nothing",
    ]


def test_select_by_title(run: Run) -> None:
    """`-k` takes words of titles."""
    assert run.collected("--remit", "-k", "signs or more") == [FIRST[0], SECOND[0]]


def test_names_used_twice(run: Run) -> None:
    """Tests of one name are told apart by a number."""
    write(run.folder / "clinic/sub/tests.remit", TESTS.replace("a vet deletes", "a vet signs own records"))
    assert run.collected("clinic/sub/tests.remit")[:2] == [SECOND[0], f"{SECOND[0]} (2)"]


def test_failure_text(run: Run) -> None:
    """A failed test says what `remit test` says; the others pass."""
    found = run("--remit")
    found.assert_outcomes(passed=3, failed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(run.folder)
        told = CliRunner().invoke(remit, ["test", "clinic"]).stdout
    text = told.partition("\n\n")[2].rstrip()
    assert text.startswith("failed: a vet deletes")
    assert text in found.stdout.str()
    assert "Traceback" not in found.stdout.str()


def test_a_failed_assert(run: Run) -> None:
    """A failed assert names who may do what, and the rule."""
    write(run.folder / "clinic/sub/tests.remit", 'assert "nobody signs": no vet may sign on record\n')
    found = run("--remit")
    found.assert_outcomes(passed=1, failed=1)
    found.stdout.fnmatch_lines(["failed: nobody signs", "*somebody with vet may sign on record*", "*by this rule*"])


def test_an_unproven_assert(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An assert that is neither proved nor refuted fails, as it fails `remit test`."""
    settle, cell = Settler.settle, OpenCell(("vet",), "record", "sign")

    def unproven(settler: Settler, claim: AssertEntry) -> AssertResult:
        return replace(settle(settler, claim), result="unproven", offences=(), open=(cell,))

    monkeypatch.setattr(Settler, "settle", unproven)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(run.folder)
        assert CliRunner().invoke(remit, ["test", "clinic", "-k", "vets may more"]).exit_code == 1
    found = run("--remit", "-k", "vets")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["unproven: vets may more*", "*vet, sign on record*"])


def test_a_policy_that_does_not_compile(run: Run) -> None:
    """A policy with errors is one error, at the first of its files, with the findings once; no test of it runs."""
    write(run.folder / "clinic/main.remit", POLICY.replace("allow read on record", "allow read on recrd"))
    found = run("--remit")
    assert found.ret == pytest.ExitCode.INTERRUPTED
    found.assert_outcomes(errors=1)
    assert found.stdout.str().count("error[E104]") == 1
    assert found.stdout.str().count("clinic/main.remit:4:") == 1


def test_two_policies_that_do_not_compile(run: Run) -> None:
    """Each of them is an error of its own; what compiles beside them is collected."""
    write(run.folder / "clinic/main.remit", POLICY + "role {\n")
    write(run.folder / "other/main.remit", POLICY.replace("clinic", "other") + "role {\n")
    write(run.folder / "other/more.remit", "role more { }\n")
    write(run.folder / "third/main.remit", POLICY.replace("clinic", "third"))
    found = run("--remit", "--continue-on-collection-errors")
    found.assert_outcomes(errors=2, passed=1)


def test_wrong_settings(run: Run) -> None:
    """A remit.toml that cannot be used is one error, whatever files there are, and says which key."""
    write(run.folder / "remit.toml", "polcy = 1\n")
    found = run("--remit")
    found.assert_outcomes(errors=1)
    found.stdout.fnmatch_lines(["remit.toml: there is no setting `polcy`*"])


def test_beside_python_tests(run: Run) -> None:
    """Tests in Python and in policies run in one go, each file by its own kind."""
    run.pytester.makepyfile(test_plain="def test_plain():\n    assert True\n")
    run("--remit", "-k", "plain or signs").assert_outcomes(passed=2, deselected=2 + 1)


@pytest.mark.slow
def test_in_several_processes(run: Run) -> None:
    """With pytest-xdist the items are the same in every worker, and fail with the same text."""
    pytest.importorskip("xdist")
    found = run.pytester.runpytest_subprocess(*_PLUGIN, "-W", "error", "--remit", "-n", "2")
    found.assert_outcomes(passed=3, failed=1)
    assert "ben may" not in found.stdout.str()
    assert "failed: a vet deletes" in found.stdout.str()


def test_loading_it_is_cheap() -> None:
    """The module that pytest loads everywhere imports nothing of ours but the package's face and its version."""
    script = "import sys, pytest, remit.pytest_plugin; print(*sorted(m for m in sys.modules if m.startswith('remit')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.split() == ["remit", "remit.pytest_plugin", "remit.version"]


def test_entry_point(root: Path) -> None:
    """The package names the plugin to pytest."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r'^\[project\.entry-points\.pytest11\]\nremit = "remit\.pytest_plugin"$', text, re.M)
