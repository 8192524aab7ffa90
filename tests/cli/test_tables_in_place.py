"""A compiled table in place of the sources: every command that reads what a policy means says the same.

The call stands in the policy's folder, so that a file's path from here and the table's own name for it are one.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from remit.cli.main import remit
from tests.clinic import DIRECTORY, POLICY

TABLE = "clinic.table"
TESTS = """
test "bob signs his own" {
  user bob is vet at branch/north
  given record r1 at branch/north { vet: bob, status: "open" }
  bob may sign r1
}
test "bob signs nothing closed" {
  user bob is vet at branch/north
  given record r1 at branch/north { vet: bob, status: "closed" }
  bob may sign r1
  bob may not update r1
}
assert "vets see what viewers see": viewer within vet
assert "nobody deletes": no vet may delete on record
assert no viewer may read on record
"""
REQUESTS = [
    {"subject": {"type": "user", "id": user}, "action": {"name": action}, "resource": {"type": type, **more}}
    for user in ("ann", "bob", "cyd", "eve", "olga", "zoe")
    for action in ("read", "sign", "refund", "fly")
    for type in ("record", "invoice")
    for more in (
        {},
        {"id": "r1", "properties": {"vet": user, "status": "open", "scope": "branch/north", "amount": 9}},
        {"properties": {"scope": "ward/3"}},
    )
]
FORMATS = ("", " --output-format json")
SIGN = "sign record:r1 --set vet=ann --set status=open --at branch/north"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a policy in three files, its directory, its table and a file of requests."""
    folder = tmp_path_factory.mktemp("clinic")
    head, *statements = POLICY.lstrip().split("\n\n")
    (folder / "people" / "deep").mkdir(parents=True)
    (folder / "clinic.remit").write_text(head, encoding="utf-8")
    (folder / "people" / "deep" / "roles.remit").write_text("\n\n".join(statements), encoding="utf-8")
    (folder / "tests.remit").write_text(TESTS.lstrip(), encoding="utf-8")
    (folder / "directory.yaml").write_text(DIRECTORY, encoding="utf-8")
    lines = [json.dumps(request) for request in REQUESTS] + ["{", "[]", '{"a": 1, "a": 2}']
    (folder / "requests.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert call(f"compile --policy {folder} -o {folder / TABLE}").exit_code == 0
    return folder


@pytest.fixture
def clinic(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That folder, which the call stands in."""
    monkeypatch.chdir(made)
    return made


def call(line: str) -> Result:
    return CliRunner().invoke(remit, line.split(" "), standalone_mode=True)


def said(line: str) -> tuple[int, str, str]:
    """Exit code and both outputs; the seconds that a run of tests took are left out."""
    result = call(line)
    untimed = re.sub(r"\b[0-9]+\.[0-9] s\b", "- s", result.stdout)
    return result.exit_code, re.sub(r'("seconds": )[-+.e0-9]+', r"\1-", untimed), result.stderr


def assert_same(line: str, *codes: int) -> None:
    """From the table as from the sources, with a code that shows that the question was understood."""
    from_sources = said(line)
    assert from_sources[0] in codes, from_sources
    assert said(f"{line} --policy {TABLE}") == from_sources


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("command", ["can", "explain"])
@pytest.mark.parametrize(
    "question",
    [
        *(f"{user} {SIGN}" for user in ("ann", "bob", "cyd", "eve", "olga", "zoe")),
        "bob delete record:r1 --at branch/north",
        "bob refund invoice:9 --set amount=900 --context hour=9 --at branch/north",
        "ann refund invoice:9 --set amount=100 --context hour=9",
        "bob read record --at branch/east",
        "olga delete record",
        "ann read record",
        "--role vet --role owner delete record",
        "--role viewer update record --set vet=ann",
    ],
)
def test_one_decision(clinic: Path, command: str, question: str, format: str) -> None:
    """`can` and `explain` quote the policy's own lines and give the same reasons and repairs from a table."""
    assert_same(f"{command} {question}{format}", 0, 1)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "line",
    [
        "who read record",
        f"who {SIGN}",
        "who sign record --at branch/north",
        "who refund invoice --at branch/east",
        "what ann",
        "what bob --at branch/north",
        "what bob --at branch/north --set vet=bob --set amount=3 --context hour=9",
        "what cyd --at branch/north",
        "what zoe",
        "what --role vet",
        "what --role vet --role owner --at branch/south",
        "members",
        "members --at branch/north",
        "members --at branch/east",
    ],
)
def test_lists(clinic: Path, line: str, format: str) -> None:
    """`who`, `what` and `members` list the same, with the same conditions and places, from a table."""
    assert_same(f"{line}{format}", 0)


@pytest.mark.parametrize("format", ["text", "markdown", "csv", "json"])
def test_the_matrix(clinic: Path, format: str) -> None:
    """`matrix` draws the same rows, columns and links from a table, in each of its formats."""
    assert_same(f"matrix --output-format {format}", 0)


def test_a_file_of_requests(clinic: Path) -> None:
    """`eval` gives the same bytes for each line from a table, for those that are no request too."""
    assert_same("eval requests.jsonl", 2)
    assert len(call(f"eval requests.jsonl --policy {TABLE}").stdout.splitlines()) == len(REQUESTS) + 3


@pytest.mark.parametrize("format", FORMATS)
def test_examples_and_asserts(clinic: Path, format: str) -> None:
    """`test` runs the examples and settles the asserts that a table carries, and shows what failed at its lines."""
    assert_same(f"test{format}", 1)
    assert said(f"test {TABLE}{format}") == said(f"test .{format}")


def test_a_table_compiles_to_itself(clinic: Path) -> None:
    """`compile` of a table prints the table, byte for byte, and says the same when it writes it to a file."""
    assert_same("compile", 0)
    assert call(f"compile --policy {TABLE}").stdout_bytes == (clinic / TABLE).read_bytes()
    written = said("compile -o again.table")
    assert said(f"compile -o again.table --policy {TABLE}") == written
    assert (clinic / "again.table").read_bytes() == (clinic / TABLE).read_bytes()


@pytest.mark.parametrize(
    "question",
    [
        "can bob sing record",
        "can bob read recrod",
        "explain bob read record --set status=shut",
        "can bob read record --at ward/3",
        "who fly record",
        "what --role vett",
        "what ann --set weight=3",
        "members --at ward/3",
    ],
)
def test_wrong_calls(clinic: Path, question: str) -> None:
    """A name that the policy lacks is refused in the same words, with the same hint, from a table."""
    assert_same(question, 2)


def test_a_table_alone_is_enough(clinic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the sources gone, a table still quotes their lines."""
    questions = [f"explain ann {SIGN}", "matrix", "test", f"who {SIGN}", "compile"]
    before = [said(question) for question in questions]
    for name in (TABLE, "directory.yaml"):
        shutil.copy(clinic / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert [said(f"{question} --policy {TABLE}") for question in questions] == before
