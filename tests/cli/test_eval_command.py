"""`remit eval`: a file of requests, hostile ones among them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from remit.bulk.requests import Answer, Answering
from remit.cli import eval_command
from remit.cli.main import remit
from remit.cli.progress import Bar
from remit.project import json_lines
from tests.clinic import DIRECTORY, POLICY


@pytest.fixture(autouse=True)
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a policy and a directory, which the call stands in."""
    (tmp_path / "clinic.remit").write_text(POLICY.lstrip(), encoding="utf-8")
    (tmp_path / "directory.yaml").write_text(DIRECTORY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def request(user: str = "olga", action: str = "read", **properties: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "user", "id": user},
        "action": {"name": action},
        "resource": {"type": "record", "id": "r1", "properties": properties},
    }


def line(asked: Any) -> bytes:
    return json.dumps(asked).encode() + b"\n"


def call(data: bytes, *words: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code, and the answers as objects."""
    result: Result = CliRunner().invoke(remit, ["eval", *words], input=data, standalone_mode=True)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, [json.loads(text) for text in result.stdout.splitlines()]


GOOD = line(request())
ALLOWED = {"decision": True, "code": "allowed"}


def brief(answer: dict[str, Any]) -> dict[str, Any]:
    return {"decision": answer["decision"], "code": answer["context"]["code"]}


# -- answers ---------------------------------------------------------------------------------------------------------


def test_one_answer_a_line_in_order() -> None:
    """Each line has its answer, in order; denials are no failure."""
    asked = [request(), request("eve"), request("eve", scope="branch/north"), request("zoe"), request(action="fly")]
    code, found = call(b"".join(map(line, asked)))
    codes = ["allowed", "no_rule", "allowed", "unknown_user", "unknown_action"]
    assert (code, [answer["context"]["code"] for answer in found]) == (0, codes)


def test_an_allow_names_its_rules() -> None:
    """`rules` is never empty on an allow: id, role, file, line and column."""
    _, [found] = call(GOOD)
    [rule] = found["context"]["rules"]
    assert {key: rule[key] for key in ("role", "file", "line", "column")} == {
        "role": "owner",
        "file": "clinic.remit",
        "line": 19,
        "column": 29,
    }


@pytest.mark.parametrize("words", [[], ["-"], ["requests.jsonl"]])
def test_requests_come_from_a_file_or_standard_input(clinic: Path, words: list[str]) -> None:
    """Without a file, or with `-`, standard input is read."""
    (clinic / "requests.jsonl").write_bytes(GOOD * 2)
    code, found = call(GOOD * 2, *words)
    assert (code, len(found)) == (0, 2)


def test_a_file_that_is_not_there_is_exit_2() -> None:
    """A clear error, and no answer."""
    result = CliRunner().invoke(remit, ["eval", "nowhere.jsonl"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "`nowhere.jsonl` cannot be read" in result.stderr


def test_blank_lines_have_no_answer() -> None:
    """Empty lines, blanks and a carriage return are skipped; a last line needs no end."""
    assert call(b"\n  \t\r\n" + GOOD + b"\r\n" + GOOD.rstrip()) == (0, call(GOOD * 2)[1])
    assert call(b"") == (0, [])


def test_the_clock_is_read_once(clinic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All lines are judged at one time, the start of the run."""
    ticks = iter(range(10**18, 2 * 10**18, 10**17))
    monkeypatch.setattr(eval_command, "clock", lambda: next(ticks))
    (clinic / "directory.yaml").write_text(
        'users: {olga: {assignments: [{role: owner, until: "2001-09-09T02:00:00Z"}]}}', encoding="utf-8"
    )
    _, found = call(GOOD * 3)
    assert [brief(answer) for answer in found] == [ALLOWED] * 3


def test_roles_from_the_subject_need_no_directory(clinic: Path) -> None:
    """Where requests bring the roles, a policy without a directory answers them."""
    (clinic / "directory.yaml").unlink()
    assert call(GOOD)[0] == 2
    (clinic / "more.remit").write_text("assignments { roles from subject }", encoding="utf-8")
    asked = request("new")
    asked["subject"]["properties"] = {"roles": ["owner"]}
    assert brief(call(line(asked))[1][0]) == ALLOWED


# -- hostile lines ---------------------------------------------------------------------------------------------------

DEEP = b"[" * 100_000
INVALID: dict[str, tuple[bytes, str]] = {
    "no json": (b"{", "no JSON from column 2 on"),
    "no object": (b"[1, 2]", "a request is an object"),
    "nothing in it": (b"{}", "`subject` is missing"),
    "a key twice": (b'{"subject": 1, "subject": 2}', "key `subject` is given twice"),
    "a key twice, deep": (
        GOOD.rstrip()[:-2] + b', "properties": {"a": 1, "a": 1}}}',
        "key `a` is given twice",
    ),
    "NaN": (GOOD.replace(b'"r1"', b"NaN"), "NaN is no JSON"),
    "Infinity": (GOOD.replace(b'"r1"', b"-Infinity"), "-Infinity is no JSON"),
    "nested too deeply": (DEEP, "nested too deeply"),
    "objects nested too deeply": (b'{"a":' * 100_000, "nested too deeply"),
    "no UTF-8": (GOOD.replace(b"r1", b"r\xff"), "no UTF-8 from byte"),
    "UTF-16": (GOOD.rstrip().decode().encode("utf-16-le"), "no JSON"),
    "NUL": (b"\0", "no JSON"),
    "a byte-order mark later": (b"\xef\xbb\xbf" + GOOD, "no JSON"),
    "an id that is no text": (GOOD.replace(b'"r1"', b"7"), "`resource.id` is no text"),
    "more values than memory holds": (b"[" + b"[]," * 4_000_001 + b"1]", "more than 4,000,000 values"),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_unreadable_line_is_invalid(name: str) -> None:
    """It is answered `invalid_request` with what is wrong, those around it are answered, and the exit is 2."""
    data, said = INVALID[name]
    code, found = call(GOOD + data.rstrip(b"\n") + b"\n" + GOOD)
    assert (code, [brief(answer)["code"] for answer in found]) == (2, ["allowed", "invalid_request", "allowed"])
    assert found[1]["decision"] is False
    assert found[1]["context"]["rules"] == []
    assert said in found[1]["context"]["message"]


VALID: dict[str, bytes] = {
    "a byte-order mark": b"\xef\xbb\xbf" + GOOD,
    "a whole number of 5,000 digits": line(request(note=1)).replace(b"1}", b"9" * 5000 + b"}"),
    "a number beyond a double": line(request(note=1)).replace(b"1}", b"1e999}"),
    "a line of 50 MB": line(request(note="x" * 50_000_000)),
    "blanks of 50 MB": GOOD.rstrip() + b" " * 50_000_000 + b"\n",
    "keys that nobody declared": line({**request(**{"\u202e": None, "x": [[]]}), "more": {"a": 1}}),
    "a lone surrogate": GOOD.replace(b"r1", b"\\ud800"),
    "controls in an id": GOOD.replace(b"r1", b"\\u0000\\u001b[31m"),
}


@pytest.mark.parametrize("name", VALID)
def test_an_odd_line_is_judged(name: str) -> None:
    """What JSON and SEMANTICS allow is decided like any other request, however odd."""
    code, found = call(VALID[name])
    assert (code, [brief(answer) for answer in found]) == (0, [ALLOWED])


def test_a_line_too_long_to_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the cap a line is invalid, is not held in memory, and the next one is answered."""
    monkeypatch.setattr(json_lines, "LONGEST", 1000)
    code, found = call(b"x" * 3_000_000 + b"\n" + GOOD)
    assert (code, [brief(answer)["code"] for answer in found]) == (2, ["invalid_request", "allowed"])
    assert "line 1: longer than" in found[0]["context"]["message"]
    assert call(GOOD + b"y" * 1000)[1][1]["context"]["message"].startswith("line 2: ")


def test_answers_hold_no_control_characters() -> None:
    """What a request says reaches the answer escaped."""
    asked = request(scope="\u001b[31m\u202e")
    result = CliRunner().invoke(remit, ["eval"], input=line(asked))
    assert result.stdout.strip().isprintable()
    assert json.loads(result.stdout)["context"]["code"] == "invalid_request"


# -- large files -----------------------------------------------------------------------------------------------------


def test_a_large_file_is_answered_alike(clinic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decided as columns, many at a time: the same answers in the same order, and the same exit code."""
    odd = [data for name, data in VALID.items() if "50 MB" not in name and "mark" not in name]
    odd += [data for name, (data, _) in INVALID.items() if "memory" not in name]
    plain = [line(request(user, action, **more)) for user in ("olga", "nobody") for action in ("read", "sign", "fly")
             for more in ({}, {"vet": user}, {"scope": "galaxy/x"}, {"status": 5})]  # fmt: skip
    brought = request("new")
    brought["subject"]["properties"] = {"roles": ["owner"]}
    file = clinic / "requests.jsonl"
    file.write_bytes(b"\n".join(data.rstrip(b"\n") for data in [*plain, *odd, line(brought), *plain]) + b"\n")
    one_by_one = call(b"", str(file))
    asked: list[int] = []

    def answers(self: Answering, requests: Any) -> list[Answer]:
        asked.append(len(requests))
        return real(self, requests)

    real = Answering.answers
    monkeypatch.setattr(Answering, "answers", answers)
    monkeypatch.setattr(eval_command, "_LARGE", 0)
    monkeypatch.setattr(eval_command, "_BATCH", 7)
    assert call(b"", str(file)) == one_by_one
    assert one_by_one[0] == 2
    assert len(one_by_one[1]) > 50
    assert max(asked) == 7
    for missing in ("numpy", "pyarrow"):
        count = len(asked)
        monkeypatch.setattr(eval_command, "find_spec", lambda name, missing=missing: None if name == missing else name)
        assert call(b"", str(file)) == one_by_one
        assert len(asked) == count


def test_the_share_that_was_read_is_told(clinic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file's bar knows its size from the start, and is told after each batch how much of it was read."""
    told: list[tuple[int, int | None]] = []

    class Recorder(Bar):
        def so_far(self, what: str, done: int, total: int | None = None) -> None:
            assert what == "MB"
            told.append((done, total))

    @contextmanager
    def recorded(what: str, total: int | None = None) -> Iterator[Bar]:
        bar = Recorder()
        bar.so_far(what, 0, total)
        yield bar

    monkeypatch.setattr(eval_command, "progress", recorded)
    monkeypatch.setattr(eval_command, "_BATCH", 50)
    file = clinic / "requests.jsonl"
    file.write_bytes((GOOD.rstrip() + b" " * (50_000 - len(GOOD.rstrip()) - 1) + b"\n") * 200)
    assert call(b"", str(file))[0] == 0
    assert told == [(0, 10), (2, 10), (5, 10), (7, 10), (10, 10)]


def test_a_file_called_as_standard_input_is(clinic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is standard input, also where a large file has that name."""
    monkeypatch.setattr(eval_command, "_LARGE", 0)
    (clinic / "-").write_bytes(GOOD * 3)
    assert len(call(GOOD, "-")[1]) == 1


# -- in a pipe -------------------------------------------------------------------------------------------------------


@pytest.fixture
def started(clinic: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts `remit eval` between two pipes, and ends it."""
    running: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        running.append(
            subprocess.Popen([sys.executable, "-m", "remit", "eval"], cwd=clinic, stdin=pipe, stdout=pipe, stderr=pipe)
        )
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def test_each_answer_comes_at_once(started: Callable[[], subprocess.Popen[bytes]]) -> None:
    """Whoever feeds a pipe has the answer to a line before the next is written."""
    process = started()
    assert process.stdin is not None
    assert process.stdout is not None
    for _ in range(3):
        process.stdin.write(GOOD)
        process.stdin.flush()
        assert brief(json.loads(process.stdout.readline())) == ALLOWED
    process.stdin.close()
    assert process.wait(20) == 0


def test_a_closed_pipe_ends_quietly(clinic: Path) -> None:
    """When the reader has gone, nothing is said and nothing fails."""
    (clinic / "many.jsonl").write_bytes(GOOD * 5_000)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-m", "remit", "eval", "many.jsonl"], cwd=clinic, stdout=pipe, stderr=pipe
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert brief(json.loads(process.stdout.readline())) == ALLOWED
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 0
