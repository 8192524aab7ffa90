"""One question from a shell is asked of commands that agree. No test needs an engine but remit."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


def _module(name: str) -> ModuleType:
    """A module of `benchmarks/`, which stands beside the package and is not installed."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return import_module(f"benchmarks.{name}")


def _ended(code: int, stdout: str = "", stderr: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], code, stdout, stderr)


def test_there_is_a_question_of_each_class() -> None:
    shell, plain, workload = (_module(name) for name in ("peers.shell", "peers.plain", "workload"))
    policy = plain.policy(workload.QUICK[1])
    questions = shell._questions(policy)
    pdp = plain.remit_pdp(policy)
    assert {name: plain.class_of(pdp, request) for name, request in questions.items()} == {
        name: name for name in plain.CLASSES
    }


def test_another_answer_is_told_with_the_question_and_a_command_that_decides_nothing_agrees() -> None:
    disagreement = _module("peers.shell")._disagreement
    questions = {"allowed outright": {"user": "u1"}, "no rule": {"user": "u2"}}
    assert disagreement(questions, [True, True]) == 'disagrees: it allows {"user": "u2"} (no rule)'
    assert disagreement(questions, [True, False]) == ""
    assert disagreement(questions, [None, None]) == ""


def test_what_is_no_answer_is_no_decision() -> None:
    """A command that fails to read its files must not count as one that says no."""
    shell, trouble = _module("peers.shell"), _module("peers.process").PeerError
    assert (shell._yes(_ended(0, "yes: a allows it\n")), shell._yes(_ended(1, "no: no rule\n"))) == (True, False)
    assert (shell._letter(_ended(0, "a\n")), shell._letter(_ended(0, "d\n"))) == (True, False)
    tested = "Test results\n1 tests executed\n"
    assert (shell._passes(_ended(0, tested)), shell._passes(_ended(4, tested))) == (True, False)
    for read, done in (
        (shell._yes, _ended(2, "", "there is no user")),
        (shell._yes, _ended(1, "", "Traceback")),
        (shell._letter, _ended(0, "")),
        (shell._letter, _ended(1, "a")),
        (shell._passes, _ended(0, "0 tests executed")),
        (shell._passes, _ended(3, tested)),
        (shell._compiles, _ended(3, "", "broken policy")),
    ):
        with pytest.raises(trouble):
            read(done)


def test_remits_own_commands_come_with_any_other_and_engines_are_asked_for_apart() -> None:
    shell, report = _module("peers.shell"), _module("peers.report")
    assert [one.key for one in shell.chosen(["opa-eval"])] == [*shell.OWN, "opa-eval"]
    assert shell.chosen([]) == list(shell.COMMANDS)
    assert shell.chosen(["regorus-py"]) == []
    assert report.chosen(["opa-eval"]) == []
    assert report.chosen(["regorus-py", "opa-eval"])[0] is report.REMIT


def _row(key: str, *over: float) -> Any:
    shell, spread = _module("peers.shell"), _module("timing").spread
    command = next(one for one in shell.COMMANDS if one.key == key)
    return shell.Row(command, spread([5.0]), {own: spread([one]) for own, one in zip(shell.OWN, over, strict=True)})


def test_only_a_command_that_is_done_sooner_is_said_to_be_ahead() -> None:
    shell, workload = _module("peers.shell"), _module("workload")
    rows = [_row("remit-can", 1, 3, 4), _row("remit-can-again", 0.3, 1, 1.2), _row("remit-can-table", 0.25, 0.8, 1)]
    rows += [_row("opa-eval", 0.05, 0.2, 0.3), _row("cerbos-compile", 0.5, 1, 2)]
    rows += [_row("cerbos-compile-untested", 1.5, 5, 6)]
    files, compile_ = shell.behind(shell.Compared(workload.SMALL, rows))
    assert files.endswith(
        "opa eval, on files, 0.050 (0.050 … 0.050) of that on sources, "
        "0.20 (0.20 … 0.20) of that on sources that it remembers, 0.30 (0.30 … 0.30) of that on a compiled table"
    )
    assert compile_.endswith("cerbos compile, 0.50 (0.50 … 0.50) of that on sources")


@pytest.mark.slow
def test_remits_commands_are_timed_beside_one_that_cannot_be_built_and_one_that_disagrees(tmp_path: Path) -> None:
    """From end to end with remit alone."""
    shell, engines, workload = (_module(name) for name in ("peers.shell", "peers.engines", "workload"))

    def missing(*_: object) -> Any:
        raise _module("peers.process").PeerError("no compiler")

    def stubborn(*_: object) -> Any:
        return shell.Asking(lambda asked: [sys.executable, "-c", "pass"], lambda done: done.returncode == 0)

    commands = [
        *shell.COMMANDS[:3],
        shell.Command("gone", "gone", "", missing),
        shell.Command("stubborn", "always yes", "", stubborn),
    ]
    found = shell.compare(workload.QUICK[0], 2, engines.Home(tmp_path), commands)
    *own, gone, stubborn_row = found.rows
    assert [row.over[row.command.key] for row in own] == [(1, 1, 1)] * 3
    assert own[-1].over[shell.SOURCES].median > 0
    assert (gone.trouble, gone.milliseconds) == ("not measured: no compiler", None)
    assert stubborn_row.trouble.startswith("disagrees: it allows {")
    assert stubborn_row.milliseconds is None
    assert next(iter(shell.missing(found))) == f"{workload.QUICK[0].name}: gone: not measured: no compiler"
    assert shell.table(found).splitlines()[-2] == "| gone | – | – | – | – | **not measured: no compiler** |"
