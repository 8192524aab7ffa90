"""`remit can` and `remit explain`, as people and scripts call them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from syrupy.assertion import SnapshotAssertion

from remit.cli.main import remit
from remit.schemas import schema_text
from tests.clinic import DIRECTORY, POLICY


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a policy and a directory, which the call stands in."""
    folder = tmp_path / "clinic"
    folder.mkdir()
    (folder / "clinic.remit").write_text(POLICY.lstrip(), encoding="utf-8")
    (folder / "directory.yaml").write_text(DIRECTORY, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def call(line: str) -> Result:
    return CliRunner().invoke(remit, line.split(" "), standalone_mode=True)


@pytest.mark.parametrize(
    ("line", "code", "answer"),
    [
        ("can bob sign record:r1 --set vet=bob --set status=open --at branch/north", 0,
         "yes: vet allows it (clinic.remit:23)"),
        ("can bob sign record:r1 --set vet=ann --set status=open --at branch/north", 1,
         "no: nothing allows it; bob holds vet, but `treats` is false here"),
        ("can bob sign record:r1 --set vet=bob --at branch/north", 1,
         "no: nothing allows it; bob holds vet, but resource.status is missing"),
        ("can bob delete record:r1 --at branch/north", 1, "no: vet denies it (clinic.remit:25)"),
        ("can bob read record:r1", 1,
         "no: nothing allows it; bob holds vet at branch/north: ask with --at branch/north"),
        ("can bob read record:r1 --at branch/east", 1, "no: there is no branch/east"),
        ("can cyd read record:r1", 1, "no: cyd is pending"),
        ("can zoe read record:r1", 1, "no: there is no user zoe"),
        ("can --role viewer read record", 0, "yes: viewer allows it (clinic.remit:20)"),
        ("can --role viewer delete record", 1, "no: nothing allows it; they hold viewer"),
        ("can read record --role viewer --role vet", 0, "yes: viewer allows it (clinic.remit:20)"),
        ("can ann refund invoice --set amount=500 --context hour=9", 0, "yes: vet allows it (clinic.remit:27)"),
    ],
)  # fmt: skip
def test_one_line_and_an_exit_code(clinic: Path, line: str, code: int, answer: str) -> None:
    """Yes is exit 0 and no is exit 1, each with one line of reason."""
    result = call(line)
    assert (result.exit_code, result.stdout.strip()) == (code, answer)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("can bob sing record", "has no action `sing`"),
        ("can bob read recrod", "no resource type `recrod`"),
        ("can bob read record --set vat=ann", "no attribute `vat`"),
        ("can bob read record --set status=shut", "`status`"),
        ("can bob refund invoice --set amount=many", "`amount` is an int"),
        ("can bob read record --context ours=9", "ours"),
        ("can bob read record --at ward/3", "kind of scope `ward`"),
        ("can bob read record --at branch", "`branch` names no place"),
        ("can --role vett read record", "no role `vett`"),
        ("can bob read", "takes 3"),
        ("can bob read record extra", "takes 3"),
        ("can --role vet bob read record", "takes 2"),
        ("can bob read record --policy nowhere", "no such file"),
        ("can bob read record --directory nowhere.yaml", "no directory"),
        ("cann bob read record", "did you mean `can`"),
    ],
)
def test_a_wrong_call_is_exit_2_with_a_hint(clinic: Path, line: str, said: str) -> None:
    """Names the policy lacks, values of another type and missing files end with 2 and say what is wrong."""
    result = call(line)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_without_a_directory_roles_can_still_be_asked_for(clinic: Path) -> None:
    """`--role` reads no directory unless a place is given; a user needs one."""
    (clinic / "directory.yaml").unlink()
    assert call("can --role viewer read record").exit_code == 0
    result = call("can bob read record")
    assert (result.exit_code, "there is no directory" in result.stderr) == (2, True)
    assert call("can --role viewer read record --at branch/north").exit_code == 2


def test_a_policy_that_does_not_compile_is_exit_2(clinic: Path) -> None:
    """Any command but lint ends with 2 on a broken policy, and shows its findings."""
    (clinic / "more.remit").write_text("role x includes nobody { }\n", encoding="utf-8")
    result = call("can bob read record")
    assert result.exit_code == 2
    assert "E106" in result.stderr


@pytest.mark.parametrize(
    "line",
    [
        "explain bob sign record:r1 --set vet=ann --set status=open --at branch/north",
        "explain ann sign record:r1 --set vet=ann --set status=open",
        "explain bob delete record:r1 --at branch/north",
        "explain cyd sign record:r1 --at branch/north",
        "explain eve update record:r1 --set vet=eve --at branch/north",
        "explain bob refund invoice:9 --set amount=900 --context hour=9 --at branch/north",
        "explain ann refund invoice:9 --set amount=100 --context hour=9",
        "explain bob read record:r1 --at branch/east",
        "explain zoe read record:r1",
        "explain olga delete record",
        "explain --role vet --role owner delete record",
        "explain ann read record",
    ],
)
def test_explanations_read_like_this(clinic: Path, line: str, snapshot: SnapshotAssertion) -> None:
    """The answer, the line that decides, what to do: reviewed as prose."""
    result = call(line)
    assert result.exit_code in (0, 1)
    assert f"$ remit {line}\n{result.stdout}→ {result.exit_code}" == snapshot


@pytest.mark.parametrize("user", ["ann", "bob", "cyd", "eve", "olga", "zoe"])
def test_the_json_fits_its_schema(clinic: Path, user: str) -> None:
    """What explain and can print as JSON is what `schema/` describes, and holds the same decision."""
    words = f"{user} sign record:r1 --set vet=ann --at branch/north --output-format json"
    explained: dict[str, Any] = json.loads(call(f"explain {words}").stdout)
    jsonschema.validate(explained, json.loads(schema_text("explanation")))
    answered = json.loads(call(f"can {words}").stdout)
    jsonschema.validate(answered, json.loads(schema_text("response")))
    assert answered["decision"] == explained["decision"]
    assert answered["context"]["code"] == explained["code"]


def test_a_table_answers_as_the_sources(clinic: Path) -> None:
    """Compiled to a table, the same questions have the same answers, with the policy's own lines quoted."""
    assert call("compile -o table.json").exit_code == 0
    words = "explain bob sign record:r1 --set vet=ann --at branch/north"
    assert call(f"{words} --policy table.json --directory directory.yaml").stdout == call(words).stdout


def test_control_characters_never_reach_the_terminal(clinic: Path) -> None:
    """An id with escape sequences is shown as text."""
    result = CliRunner().invoke(remit, ["explain", "bob", "read", "record:\x1b[2Jx\u202e", "--at", "branch/north"])
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output
    assert "\\u{1b}" in result.output


def test_colour_is_for_terminals(clinic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FORCE_COLOR colours; NO_COLOR wins; a pipe has none."""
    line = "explain ann read record"
    assert "\x1b[" not in call(line).output
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in CliRunner().invoke(remit, line.split(" "), color=True).output
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in CliRunner().invoke(remit, line.split(" "), color=True).output
