"""`remit who`, `what`, `matrix` and `members`, as people and scripts call them."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from remit.cli.main import remit
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


def call(line: str, *more: str) -> Result:
    return CliRunner().invoke(remit, [*line.split(), *more], standalone_mode=True)


def answer(line: str) -> Any:
    result = call(f"{line} --output-format json")
    assert result.exit_code == 0
    return json.loads(result.stdout)


def shown(line: str) -> str:
    result = call(line)
    assert result.exit_code == 0
    return result.stdout


# -- who -------------------------------------------------------------------------------------------------------------


def test_who_says_who_and_which_line(clinic: Path) -> None:
    """A user a line: the line of the policy, and always or the condition that is left."""
    assert shown("who sign record:r1 --at branch/north --set status=open") == (
        "3 users may sign record r1 at branch/north:\n"
        "\n"
        '  ann    clinic.remit:23   when resource.vet == "ann"\n'
        '  bob    clinic.remit:23   when resource.vet == "bob"\n'
        "  olga   clinic.remit:19   always\n"
    )


def test_who_as_json(clinic: Path) -> None:
    """The JSON has the question, and the users with what is open."""
    found = answer("who sign record:r1 --at branch/north --set status=open --set vet=bob")
    assert (found["action"], found["resource"]["type"], found["resource"]["id"]) == ("sign", "record", "r1")
    assert [(user["id"], user["when"]) for user in found["users"]] == [("bob", None), ("olga", None)]


def test_nobody_is_an_answer(clinic: Path) -> None:
    """A list that is empty is exit 0, and says so."""
    (clinic / "directory.yaml").write_text("users: {ann: {}}", encoding="utf-8")
    assert shown("who sign record:r1") == "nobody may sign record r1\n"
    assert answer("who sign record:r1")["users"] == []


def test_what_all_share_is_said_once(clinic: Path) -> None:
    """A condition that holds for every entry stands in the head and not in each line."""
    (clinic / "more.remit").write_text("everyone { deny read on invoice when context.hour > 20 }", encoding="utf-8")
    (clinic / "less.remit").write_text(
        "role clerk { allow read on invoice  allow refund on invoice when resource.amount < 9 }", encoding="utf-8"
    )
    (clinic / "directory.yaml").write_text(
        "users: {ann: {assignments: [{role: clerk}]}, bob: {assignments: [{role: clerk}]}}", encoding="utf-8"
    )
    head, *rest = shown("who read invoice").splitlines()
    assert head == "2 users may read invoice, all of them only when context.hour <= 20:"
    assert all("hour" not in line for line in rest)


def test_an_unknown_place_is_said(clinic: Path) -> None:
    """A place the directory lacks has its answer, and a word about it on standard error."""
    result = call("who read record --at branch/nort")
    assert (result.exit_code, result.stdout) == (0, "nobody may read record at branch/nort\n")
    assert "`branch/north` has a similar name" in result.stderr


# -- what ------------------------------------------------------------------------------------------------------------


def test_what_lists_area_by_area(clinic: Path) -> None:
    """Areas, types and actions each once, with the line and what is left."""
    assert shown("what bob --at branch/north --context hour=9") == (
        "bob may, at branch/north:\n"
        "\n"
        "patients\n"
        "  record    read     clinic.remit:20   always\n"
        '            update   clinic.remit:24   when resource.vet == "bob"\n'
        '            sign     clinic.remit:23   when resource.vet == "bob" and resource.status == "open"\n'
        "\n"
        "money\n"
        "  invoice   refund   clinic.remit:27   when resource.amount <= 500\n"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("what cyd --at branch/north", "cyd may do nothing at branch/north: cyd is pending"),
        ("what zoe", "zoe may do nothing: zoe is not in the directory"),
        ("what bob", "bob may do nothing\n\nroles held at branch/north count there alone: ask with --at"),
        ("what --role viewer", "somebody with viewer may:\n\npatients\n  record   read   clinic.remit:20   always"),
    ],
)
def test_what_of_others(clinic: Path, line: str, said: str) -> None:
    """Who may nothing is told why; a role is asked for in place of a user."""
    assert shown(line).strip() == said


def test_what_of_a_role_needs_no_directory(clinic: Path) -> None:
    """With --role the directory is not read, unless a place is named."""
    (clinic / "directory.yaml").unlink()
    assert answer("what --role vet")["roles"] == ["vet"]
    assert call("what --role vet --at branch/north").exit_code == 2


def test_set_is_read_by_each_type_that_has_it(clinic: Path) -> None:
    """--set of `what` is for every type that declares the attribute."""
    found = answer("what ann --set amount=501 --set status=closed")
    assert [(one["action"], one["when"]) for one in found["permissions"]] == [
        ("read", None),
        ("update", 'resource.vet == "ann"'),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("what", "USER or about --role"),
        ("what ann --role vet", "USER or about --role"),
        ("what ann --set vett=x", "`vet` has a similar name"),
        ("what ann --set amount=much", "`amount` is an int, not `much`"),
        ("what ann --set status=opn", "`open` has a similar name"),
        ("what ann --set amount=1 --set amount=2", "is given 2 times"),
        ("what ann --context hour=x", "`hour` is an int"),
        ("what ann --context time=noon", "`time` is a time"),
        ("what --role vt", "`vet` has a similar name"),
        ("what ann --at brunch/north", "`branch` has a similar name"),
        ("what ann --at branch/", "gives no id"),
        ("who sgn record", "`sign` has a similar name"),
        ("who sign recrod", "`record` has a similar name"),
        ("who sign record:", "gives no id"),
        ("who sign record --set id=7", "write record:ID"),
        ("who sign record --set scope=branch/north", "write --at SCOPE"),
        ("who sign record --set vet", "gives no value"),
        ("members --at brunch/x", "`branch` has a similar name"),
    ],
)
def test_a_wrong_call_is_exit_2(clinic: Path, line: str, said: str) -> None:
    """A name that the policy lacks, or a value of another type, is exit 2 with what would fit, on standard error."""
    result = call(line)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_lists_of_users_need_a_directory(clinic: Path) -> None:
    """Where users matter and no directory is found, the call is wrong."""
    (clinic / "directory.yaml").unlink()
    assert [call(line).exit_code for line in ("who read record", "what ann", "members")] == [2, 2, 2]


# -- matrix ----------------------------------------------------------------------------------------------------------


def test_matrix_as_text(clinic: Path) -> None:
    """A line for each action, a column for each role, and numbers that lead to the lines of the policy."""
    text = shown("matrix")
    assert [line.split() for line in text.splitlines()[:4]] == [
        ["owner", "vet", "viewer"],
        ["patients"],
        ["record", "read", "yes", "1", "yes", "2", "yes", "2"],
        ["update", "yes", "1", "when", "3"],
    ]
    assert "  1   clinic.remit:19" in text.splitlines()
    assert "  3   clinic.remit:24   when treats" in text.splitlines()


def test_matrix_as_csv(clinic: Path) -> None:
    """A header and a line for each cell: yes, when, deny or nothing."""
    rows = list(csv.DictReader(shown("matrix --output-format csv").splitlines()))
    assert list(rows[0]) == ["area", "type", "action", "owner", "vet", "viewer"]
    assert [(row["action"], row["owner"], row["vet"], row["viewer"]) for row in rows] == [
        ("read", "yes", "yes", "yes"),
        ("update", "yes", "when", ""),
        ("delete", "yes", "deny", ""),
        ("sign", "yes", "when", ""),
        ("read", "yes", "", ""),
        ("refund", "yes", "when", ""),
    ]


def test_matrix_as_markdown(clinic: Path) -> None:
    """Each entry is a link to its line; a condition is a footnote with its text and its line."""
    lines = shown("matrix --output-format markdown").splitlines()
    assert lines[0] == "| area | type | action | owner | vet | viewer |"
    assert lines[3] == "| patients | record | update | [yes](clinic.remit#L19) | [when](clinic.remit#L24)[^1] |  |"
    assert "[^1]: when `treats` (clinic.remit:24)" in lines


def test_matrix_as_json(clinic: Path) -> None:
    """The JSON has roles and rows, and each cell its effect, conditions and rules."""
    found = answer("matrix")
    assert found["roles"] == ["owner", "vet", "viewer"]
    cell = found["rows"][-1]["cells"]["vet"]
    assert (cell["effect"], cell["when"]) == ("allow", ["resource.amount <= 500 and context.hour < 20"])
    assert [rule["line"] for rule in cell["rules"]] == [27]


def test_the_format_of_remit_toml_counts_where_it_is_one(clinic: Path) -> None:
    """`output-format` in remit.toml is the default of the commands that have it."""
    (clinic / "remit.toml").write_text('output-format = "csv"', encoding="utf-8")
    assert shown("matrix").startswith("area,type,action,")
    assert shown("members").startswith("5 members")


# -- members ---------------------------------------------------------------------------------------------------------


def test_members_of_a_place(clinic: Path) -> None:
    """User, status, role and where it comes from; the groups' role that an individual one hides is marked."""
    assert shown("members --at branch/north") == (
        "5 members at branch/north:\n"
        "\n"
        "  user   status    role     from\n"
        "  ann    active    vet      through group desk at company\n"
        "  bob    active    vet      assigned\n"
        "  cyd    pending   vet      assigned\n"
        "  eve    active    viewer   assigned, vet through group north (hidden by the individual role)\n"
        "  olga   active    owner    assigned at company\n"
    )


def test_several_roles_through_groups_are_multiple(clinic: Path) -> None:
    """Where groups give different roles and no individual one settles it, the role is `multiple`, with a warning."""
    people = DIRECTORY.replace("eve: {assignments: [{role: viewer, scope: branch/north}]}", "eve: {}")
    people += "  south: {members: [eve], assignments: [{role: viewer}]}\n"
    (clinic / "directory.yaml").write_text(people, encoding="utf-8")
    text = shown("members --at branch/north")
    assert "eve    active    multiple !   vet through group north, viewer through group south at company" in text
    assert text.endswith("! groups give eve different roles, and no individual role settles it\n")
    found = answer("members --at branch/north")
    assert next(one["role"] for one in found["members"] if one["user"] == "eve") == "multiple"


def test_members_of_the_root(clinic: Path) -> None:
    """Without --at it is the root, where whoever holds no role is listed, too."""
    found = answer("members")
    assert found["scope"] == "company"
    assert [(one["user"], one["role"]) for one in found["members"]] == [
        *(("ann", "vet"), ("bob", None), ("cyd", None), ("eve", None), ("olga", "owner"))
    ]


# -- whatever the names ----------------------------------------------------------------------------------------------


def test_control_characters_never_reach_a_terminal(clinic: Path) -> None:
    """Names with escapes, line ends, direction marks and markup are shown, and nothing of them acts."""
    people = '{"users": {"a\\u001b[31m\\n\\u202e[b]x[/b]": {"assignments": [{"role": "owner"}]}}}'
    (clinic / "directory.yaml").write_text(people, encoding="utf-8")
    for line in ("who read record", "members"):
        text = shown(line)
        assert "a\\u{1b}[31m\\u{a}\\u{202e}[b]x[/b]" in text
        assert text.replace("\n", "").isprintable()
    found = call("who read record --output-format json").stdout
    assert found.strip().isprintable()
    assert json.loads(found)["users"][0]["id"] == "a\u001b[31m\n\u202e[b]x[/b]"


def test_a_wide_table_is_neither_wrapped_nor_cut(clinic: Path) -> None:
    """In a pipe nothing is lost, however long the names and conditions."""
    condition = " or ".join(f'resource.note{"x" * 80} == "{number}"' for number in range(30))
    (clinic / "wide.remit").write_text(
        f"area wide {{ resource wide {{ note{'x' * 80}: string  actions look }} }} "
        f"role {'r' * 200} {{ allow look on wide when {condition} }}",
        encoding="utf-8",
    )
    lines = shown("matrix").splitlines()
    assert "r" * 200 in lines[0]
    assert any(line.endswith(f"when {condition}") for line in lines)


def test_a_compiled_table_serves_as_well(clinic: Path) -> None:
    """The lists read a compiled table in place of the sources."""
    assert call("compile -o table.json").exit_code == 0
    text = shown("who sign record:r1 --at branch/north --policy table.json --directory directory.yaml")
    assert [line.split()[0] for line in text.splitlines()[2:]] == ["ann", "bob", "olga"]
    assert shown("matrix --policy table.json --output-format csv") == shown("matrix --output-format csv")


def test_lists_in_a_real_pipe(clinic: Path) -> None:
    """The command as installed writes plain text into a pipe."""
    done = subprocess.run(
        [sys.executable, "-m", "remit", "members"], cwd=clinic, capture_output=True, check=True, text=True
    )
    assert done.stdout.startswith("5 members at company:")
    assert "\x1b" not in done.stdout


# -- values by their type --------------------------------------------------------------------------------------------

TYPED = """
area a {
  resource doc { tags: set of string  size: int  hot: bool  made: time  by: user  levels: set of int  actions read }
  resource `pods/log:x` { actions read }
}
role r {
  allow read on doc when WHEN
  allow read on `pods/log:x` when resource.id == "a:b"
}
"""


@pytest.mark.parametrize(
    ("condition", "options", "settled"),
    [
        ('"x" in resource.tags and "y" in resource.tags', "--set tags=x --set tags=y", True),
        ('"x" in resource.tags', "--set tags=", False),
        ("7 in resource.levels", "--set levels=7 --set levels=-8", True),
        ("resource.size == 12", "--set size=+12", True),
        ("resource.size > 0", "--set size=-9223372036854775808", False),
        ("resource.hot", "--set hot=true", True),
        ("resource.hot", "--set hot=false", False),
        ('resource.made < "2025-01-01T00:00:00Z"', "--set made=2024-12-31T23:59:59Z", True),
        ('resource.by == "a=b"', "--set by=a=b", True),
        (
            "context.time - resource.made < 1d",
            "--set made=2024-12-31T12:00:00Z --context time=2025-01-01T11:59:59Z",
            True,
        ),
    ],
)
def test_values_are_read_by_their_type(clinic: Path, condition: str, options: str, settled: bool) -> None:
    """--set and --context read a value by the declared type; a set is given element by element, `NAME=` is empty."""
    (clinic / "clinic.remit").write_text(TYPED.replace("WHEN", condition), encoding="utf-8")
    found = answer(f"what --role r {options}")["permissions"]
    when = {one["type"]: one["when"] for one in found}.get("doc", "never")
    assert when == (None if settled else "never")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("size=9223372036854775808", "a whole number of at most 64 bits"),
        ("size=1.5", "`size` is an int, not `1.5`"),
        ("size=१", "`size` is an int"),
        ("hot=True", "write true or false"),
        ("made=2024-12-31", "write it like 2024-02-29T12:00:00Z"),
        ("levels=x", "`levels` is a set of int, not `x`"),
    ],
)
def test_a_value_of_another_type_is_exit_2(clinic: Path, option: str, said: str) -> None:
    """The message names the type, and how a value of it is written."""
    (clinic / "clinic.remit").write_text(TYPED.replace("WHEN", "resource.hot"), encoding="utf-8")
    result = call("who read doc --set", option)
    assert result.exit_code == 2
    assert said in result.stderr


def test_ids_and_types_may_hold_colons(clinic: Path) -> None:
    """The longest declared type is the type, the rest is the id."""
    (clinic / "clinic.remit").write_text(TYPED.replace("WHEN", "resource.hot"), encoding="utf-8")
    (clinic / "directory.yaml").write_text("users: {ann: {assignments: [{role: r}]}}", encoding="utf-8")
    found = answer("who read pods/log:x:a:b")
    assert found["resource"] == {"type": "pods/log:x", "id": "a:b"}
    assert [user["when"] for user in found["users"]] == [None]
    assert answer("who read pods/log:x")["users"][0]["when"] == 'resource.id == "a:b"'
