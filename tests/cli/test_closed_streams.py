"""Standard streams that were closed before the call: output goes nowhere, and the exit code is what it is otherwise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it takes a shell that closes streams")

CAN = ["can", "ann", "read", "order"]
NOT = ["can", "ann", "delete", "order"]
POLICY = """policy orders
area sales { resource order { n: int  actions read, delete } }
role reader { allow read on order }
test "reading" {
  user bob is reader
  given order o
  bob may read o
}
"""
WRONG = POLICY.replace("may read", "may delete")
DIRECTORY = "users: {ann: {assignments: [{role: reader}]}}\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the calls stand: a folder with a policy and a directory, and one whose test fails."""
    (tmp_path / "main.remit").write_text(POLICY, encoding="utf-8")
    (tmp_path / "directory.yaml").write_text(DIRECTORY, encoding="utf-8")
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "main.remit").write_text(WRONG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(words: list[str], closed: str) -> subprocess.CompletedProcess[str]:
    """`remit` in a process of its own, by a shell that closes streams."""
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "remit", *words]
    return subprocess.run(shell, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (CAN, 0),
        (NOT, 1),
        (["explain", "ann", "delete", "order"], 1),
        (["matrix"], 0),
        (["test", "main.remit"], 0),
        (["test", "wrong"], 1),
        (["test", "wrong", "--coverage", "--output-format", "json"], 1),
        (["lint"], 0),
        (["--version"], 0),
        (["can", "--help"], 0),
    ],
)
def test_closed_standard_output(words: list[str], code: int) -> None:
    """The answer goes nowhere, nothing is complained of, and the exit code is the answer's."""
    done = call(words, ">&-")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


@pytest.mark.parametrize(
    ("words", "code"), [(CAN, 0), (NOT, 1), (["test", "main.remit"], 0), (["can", "ann", "fly", "order"], 2)]
)
def test_closed_standard_error(words: list[str], code: int) -> None:
    """The answer comes as always, and what would be complained of goes nowhere."""
    done = call(words, "2>&-")
    assert done.returncode == code
    assert bool(done.stdout) == (code != 2)
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(("words", "code"), [(CAN, 0), (NOT, 1), (["test", "wrong"], 1), (["nope"], 2)])
def test_everything_closed(words: list[str], code: int) -> None:
    """With no stream at all the exit code is still the answer's."""
    assert call(words, "<&- >&- 2>&-").returncode == code


@pytest.mark.parametrize("words", [["eval", "-"], ["fmt", "-"], ["lint", "-"]])
def test_closed_standard_input(words: list[str]) -> None:
    """To read standard input that is closed is a mistake in the call, and not an empty input."""
    done = call(words, "<&-")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: standard input is closed, and `-` reads it: name a file, or pipe something in\n"


@pytest.mark.parametrize(("words", "code"), [(CAN, 0), (["test", "main.remit"], 0)])
def test_closed_standard_input_that_nobody_reads(words: list[str], code: int) -> None:
    """What reads no input does not miss it."""
    done = call(words, "<&-")
    assert (done.returncode, done.stderr) == (code, "")


def test_a_file_is_not_taken_for_a_closed_stream(place: Path) -> None:
    """What is written to a file is in it alone, though the number of standard output was free."""
    assert call(["test", "main.remit", "--output-format", "json", "-o", "found.json"], ">&-").returncode == 0
    whole = (place / "found.json").read_bytes()
    assert call(["test", "main.remit", "--output-format", "json", "-o", "found.json"], "").returncode == 0
    assert len(whole.splitlines()) == len((place / "found.json").read_bytes().splitlines())
