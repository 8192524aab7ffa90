"""One call, one time: whatever asks for the time within one answer is told the same.

The clock here goes on by a day with each look, past the end of what policy and directory allow: an answer that was made
of two looks would disagree with itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from remit import Directory, Policy
from remit.analysis.queries import members, what, who
from remit.cli.main import remit

DAY = 86_400 * 10**9
FIRST = 1717286400 * 10**9  # what the first look gives: 2024-06-02T00:00:00Z
POLICY = """
scope company
scope branch in company
area desk { resource note { a: time  b: time?  actions read, write, sign } }
condition fresh = context.time < resource.a and context.time - resource.a < 5d
role r {
  allow read on note when fresh and context.time == context.time
  allow write on note when context.time > resource.a or context.time == resource.a
  deny write on note when context.time < resource.a and context.time != context.time
  deny read on note when context.time > resource.a
}
role s { allow sign on note when fresh  allow sign on note when context.time <= resource.a }
"""
DIRECTORY = """
scopes: {branch/n: {}}
users:
  ann:
    assignments:
      - {role: r, until: "2024-06-02T12:00:00Z"}
      - {role: s, from: "2024-06-01T12:00:00Z", until: "2024-06-02T12:00:00Z"}
      - {role: s, scope: branch/n, from: "2024-06-01T12:00:00Z"}
  bob: {assignments: [{role: s, scope: branch/n, until: "2024-06-02T00:00:01Z"}]}
  cyd: {assignments: [{role: r, from: "2024-06-02T12:00:00Z"}]}
groups:
  desk: {members: [bob], assignments: [{role: r, until: "2024-06-02T12:00:00Z"}]}
"""
A = "2024-06-02T12:00:00Z"  # between the first look and the second


class Ticking:
    """A clock that is a day further with every look, and counts them."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> int:
        self.looks += 1
        return FIRST + (self.looks - 1) * DAY


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ticking:
    """The clock of every command, for a call that stands in a policy's folder."""
    import remit.cli.eval_command
    import remit.policy

    (tmp_path / "desk.remit").write_text(POLICY, encoding="utf-8")
    (tmp_path / "directory.yaml").write_text(DIRECTORY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    ticking = Ticking()
    monkeypatch.setattr(remit.policy, "clock", ticking)
    monkeypatch.setattr(remit.cli.eval_command, "clock", ticking, raising=False)
    return ticking


def call(line: str) -> Result:
    return CliRunner().invoke(remit, line.split(" "), standalone_mode=True)


QUESTIONS = [
    (f"ann read note:1 --set a={A}", True),
    (f"bob read note:1 --set a={A}", True),
    (f"cyd read note:1 --set a={A}", False),
    (f"ann write note:1 --set a={A}", False),
    ("ann write note:1 --set a=2024-06-02T00:00:00Z", True),
    (f"ann sign note:1 --set a={A}", True),
    (f"bob sign note:1 --set a={A} --at branch/n", True),
    (f"cyd sign note:1 --set a={A} --at branch/n", False),
    (f"--role r read note:1 --set a={A}", True),
    (f"--role r write note:1 --set a={A}", False),
    ("zoe read note:1", False),
]


@pytest.mark.parametrize(("question", "allowed"), QUESTIONS)
def test_can(clock: Ticking, question: str, allowed: bool) -> None:
    """`can` looks at most once, and its line is of the exit code's answer."""
    result = call(f"can {question}")
    assert (result.exit_code, result.stdout.split(":")[0]) == ((0, "yes") if allowed else (1, "no"))
    assert clock.looks <= 1


@pytest.mark.parametrize(("question", "allowed"), QUESTIONS)
def test_can_in_json(clock: Ticking, question: str, allowed: bool) -> None:
    """`can` as JSON looks at most once, and its decision is the exit code's."""
    result = call(f"can {question} --output-format json")
    assert (result.exit_code, json.loads(result.stdout)["decision"]) == (0 if allowed else 1, allowed)
    assert clock.looks <= 1


@pytest.mark.parametrize(("question", "allowed"), QUESTIONS)
def test_explain(clock: Ticking, question: str, allowed: bool) -> None:
    """`explain` looks at most once, and its headline is the exit code's answer."""
    result = call(f"explain {question}")
    assert (result.exit_code, result.stdout.split(",")[0]) == ((0, "Yes") if allowed else (1, "No"))
    assert clock.looks <= 1


@pytest.mark.parametrize(("question", "allowed"), QUESTIONS)
def test_explain_in_json(clock: Ticking, question: str, allowed: bool) -> None:
    """`explain` as JSON looks at most once, and decision, rules and conditions are of one time."""
    result = call(f"explain {question} --output-format json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["decision"]) == (0 if allowed else 1, allowed)
    assert all(rule["condition"]["value"] is True for rule in answer["rules"])
    assert clock.looks <= 1


@pytest.mark.parametrize("command", ["can", "explain"])
def test_a_time_that_is_given_stands_for_the_clock(clock: Ticking, command: str) -> None:
    """With `--context time=` the clock is not asked."""
    result = call(f"{command} ann read note:1 --set a={A} --context time=2024-06-02T06:00:00Z")
    assert (result.exit_code, clock.looks) == (0, 0)


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize(
    "line",
    [
        "what ann",
        f"what ann --set a={A}",
        f"what bob --at branch/n --set a={A}",
        f"what --role r --set a={A}",
        "what zoe",
        "who read note",
        f"who read note:1 --set a={A}",
        f"who sign note --at branch/n --set a={A}",
        "members",
        "members --at branch/n",
    ],
)
def test_lists(clock: Ticking, line: str, format: str) -> None:
    """`what`, `who` and `members` look at most once, for all users and cells together."""
    assert call(f"{line} --output-format {format}").exit_code == 0
    assert clock.looks <= 1


def test_a_list_is_of_one_time(clock: Ticking) -> None:
    """Everybody in `who`, and every cell in `what`, is judged by the first look."""
    people = json.loads(call(f"who read note --set a={A} --output-format json").stdout)["users"]
    assert [(user["id"], user["when"]) for user in people] == [("ann", None), ("bob", None)]
    clock.looks = 0
    cells = json.loads(call(f"what ann --set a={A} --output-format json").stdout)["permissions"]
    assert [(cell["action"], cell["when"]) for cell in cells] == [("read", None), ("sign", None)]
    clock.looks = 0
    listed = json.loads(call("members --output-format json").stdout)["members"]
    assert [(member["user"], member["role"]) for member in listed] == [("ann", "multiple"), ("bob", "r"), ("cyd", None)]


@pytest.mark.parametrize("lines", [1, 50])
def test_eval(clock: Ticking, tmp_path: Path, lines: int) -> None:
    """`eval` looks once for a whole run, so that equal requests have equal answers."""
    (tmp_path / "requests.jsonl").write_text((json.dumps(asked("ann", "read")) + "\n") * lines, encoding="utf-8")
    result = call("eval requests.jsonl")
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert (result.exit_code, clock.looks) == (0, 1)
    assert [answer["decision"] for answer in answers] == [True] * lines


# -- from Python -----------------------------------------------------------------------------------------------------


def asked(user: str, action: str) -> dict[str, Any]:
    return {
        "subject": {"type": "user", "id": user},
        "action": {"name": action},
        "resource": {"type": "note", "id": "1", "properties": {"a": A}},
    }


NOTE = {"type": "note", "id": "1", "properties": {"a": A}}
WAYS: dict[str, Callable[[Any], Any]] = {
    "allows": lambda pdp: pdp.allows("ann", "read", NOTE),
    "ask": lambda pdp: pdp.ask("ann", "read", NOTE).to_response()["decision"],
    "decide": lambda pdp: pdp.decide(asked("ann", "read")).to_response()["decision"],
    "explain": lambda pdp: pdp.explain(asked("ann", "read")).to_dict()["decision"],
    "who": lambda pdp: [user["id"] for user in who(pdp, "read", NOTE)["users"]] == ["ann", "bob"],
    "what": lambda pdp: len(what(pdp, "ann", properties={"note": {"a": A}})["permissions"]) == 2,
    "what of roles": lambda pdp: len(what(pdp, None, None, {"note": {"a": A}}, None, ("r",))["permissions"]) == 1,
    "members": lambda pdp: [member["role"] for member in members(pdp)["members"]] == ["multiple", "r", None],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("bound", [False, True], ids=["the usual clock", "a clock of the caller's"])
def test_from_python(monkeypatch: pytest.MonkeyPatch, way: str, bound: bool) -> None:
    """Each way to ask a decision point looks at most once at its clock, and its answer is of that time."""
    ticking = Ticking()
    monkeypatch.setattr("remit.policy.clock", ticking)
    people = Directory.from_text(DIRECTORY)
    pdp = Policy.from_sources({"desk.remit": POLICY}).bind(people, ticking if bound else None)
    assert WAYS[way](pdp) is True
    assert ticking.looks <= 1
