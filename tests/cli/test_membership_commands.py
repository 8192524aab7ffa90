"""`remit apply`, `audit`, `directory` and `eval --audit`, as people and scripts call them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from remit import Policy
from remit.cli.main import remit

POLICY = """
policy clinic
scope company
scope branch in company
area people { resource member { actions invite, disable, remove } }
area logs { resource internal_log { actions audit } }
role owner { allow * on * }
role viewer { }
assignments {
  on invite requires invite on member
  on register
  on disable requires disable on member
  on remove requires remove on member
  on create_scope requires invite on member
}
guard last_owner "A company keeps one owner": at least 1 active owner
"""
DIRECTORY = """\
# Who is here.
scopes: {branch/north: {}}
users:
  ann: {assignments: [{role: owner}]}   # founder
  bob: {assignments: [{role: viewer}]}

# The end.
"""
INVITE = {"type": "invite", "user": "kim", "by": "ann", "role": "viewer"}
REMOVE_LAST = {"type": "remove", "user": "ann", "by": "ann"}
STORES = ["file", "database"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a policy and a directory, which the call stands in."""
    made = tmp_path / "clinic"
    made.mkdir()
    (made / "clinic.remit").write_text(POLICY, encoding="utf-8")
    (made / "directory.yaml").write_text(DIRECTORY, encoding="utf-8")
    monkeypatch.chdir(made)
    return made


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, folder: Path) -> str:
    """The directory, kept in a file and in a database."""
    if request.param == "file":
        return "directory.yaml"
    assert call("directory", "import", "directory.yaml", "--directory", "sqlite:///people.db").exit_code == 0
    return "sqlite:///people.db"


def call(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(remit, list(words), input=given, standalone_mode=True)


def called(*words: str, **how: Any) -> subprocess.Popen[bytes]:
    """The command as a process of its own, in the folder we stand in."""
    return subprocess.Popen([sys.executable, "-m", "remit", *words], **how)


def lines(*events: Any) -> str:
    return "".join(event if isinstance(event, str) else json.dumps(event) + "\n" for event in events)


def results(found: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in found.stdout.splitlines()]


def results_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def asking(user: str) -> dict[str, Any]:
    """A request, which an owner is allowed."""
    resource = {"type": "member", "id": "kim"}
    return {"subject": {"type": "user", "id": user}, "action": {"name": "invite"}, "resource": resource}


# -- apply -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "code", "codes"),
    [
        ([INVITE], 0, ["accepted"]),
        ([], 0, []),
        ([REMOVE_LAST, INVITE], 1, ["guard_failed", "accepted"]),
        (["\n", INVITE, "nonsense\n", REMOVE_LAST], 2, ["accepted", "invalid_event", "guard_failed"]),
        ([INVITE, {"type": "register", "user": "kim"}, INVITE], 1, ["accepted", "accepted", "already_exists"]),
        (['{"type": "invite", "type": "remove"}\n', '{"scope": "x"}\n'], 2, ["invalid_event", "invalid_event"]),
    ],
)
def test_apply_answers_each_line(place: str, events: list[Any], code: int, codes: list[str]) -> None:
    """One result for each line that is not blank, in order; a refusal stops nothing; the exit code says the worst."""
    found = call("apply", "--directory", place, given=lines(*events))
    assert [result["code"] for result in results(found)] == codes
    assert found.exit_code == code
    for result in results(found):
        assert set(result) == {"accepted", "code", "guard", "roles", "status", "message", "at"}
        assert result["accepted"] == (result["code"] == "accepted")


def test_apply_reads_a_file(place: str, folder: Path) -> None:
    """Events come from a file as well, and what was applied is there for the next question."""
    (folder / "events.jsonl").write_text(lines(INVITE, {"type": "register", "user": "kim"}), encoding="utf-8")
    assert call("apply", "events.jsonl", "--directory", place).exit_code == 0
    members = json.loads(call("members", "--directory", place, "--output-format", "json").stdout)["members"]
    assert [(one["user"], one["status"], one["role"]) for one in members] == [
        ("ann", "active", "owner"),
        ("bob", "active", "viewer"),
        ("kim", "active", "viewer"),
    ]


def test_apply_leaves_the_rest_of_the_file(folder: Path) -> None:
    """Comments, order and layout of the lines that do not change stay as they are."""
    assert call("apply", given=lines({"type": "disable", "user": "bob", "by": "ann"}, INVITE)).exit_code == 0
    text = (folder / "directory.yaml").read_text(encoding="utf-8")
    for line in ("# Who is here.", "scopes: {branch/north: {}}", "# The end."):
        assert f"{line}\n" in text
    assert "  ann: {assignments: [{role: owner}]}   # founder\n" in text


def test_a_dry_run_changes_nothing(place: str, folder: Path) -> None:
    """Each event sees what the one before would have done, and nothing is written."""
    before = {file.name: file.read_bytes() for file in folder.iterdir() if "db-" not in file.name}
    found = call("apply", "--dry-run", "--directory", place, given=lines(INVITE, INVITE, REMOVE_LAST))
    assert [result["code"] for result in results(found)] == ["accepted", "already_exists", "guard_failed"]
    assert {file.name: file.read_bytes() for file in folder.iterdir() if "db-" not in file.name} == before


def test_apply_for_people(folder: Path) -> None:
    """In text a refusal shows the line that decided."""
    found = call("apply", "--output-format", "text", given=lines(REMOVE_LAST, INVITE))
    assert found.stdout == (
        "refused: guard `last_owner`: ann is the only active owner\n"
        "   ┌─ clinic.remit:16:1\n"
        "   │\n"
        '16 │ guard last_owner "A company keeps one owner": at least 1 active owner\n'
        "   │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "accepted: kim is pending and holds viewer\n"
    )


def test_an_event_with_an_id_is_applied_once(place: str) -> None:
    """What comes again is answered as it was the first time, whatever has happened since."""
    once = {**INVITE, "id": "e-1"}
    first = results(call("apply", "--directory", place, given=lines(once)))
    again = results(call("apply", "--directory", place, given=lines(once, {**REMOVE_LAST, "id": "e-1"})))
    assert again == first * 2
    assert first[0]["code"] == "accepted"


def test_a_dry_run_answers_an_id_once(place: str) -> None:
    """An id that comes twice in one dry run has its first result, whatever the second event says, and is not judged."""
    once, refused = {**INVITE, "id": "e-1"}, {**REMOVE_LAST, "id": "e-2"}
    second = {"type": "invite", "user": "lee", "by": "ann", "role": "owner", "id": "e-2"}
    given = lines(once, {**REMOVE_LAST, "id": "e-1"}, once, refused, second, REMOVE_LAST)
    found = results(call("apply", "--dry-run", "--directory", place, given=given))
    assert found[0] == found[1] == found[2]
    assert found[3] == found[4]
    assert [one["code"] for one in found] == ["accepted"] * 3 + ["guard_failed"] * 3
    assert found == results(call("apply", "--directory", place, given=given))


@pytest.mark.parametrize(("last", "code"), [(None, 0), (REMOVE_LAST, 1), ({"type": "fly"}, 2)])
def test_a_reader_that_goes_away_stops_nothing(place: str, folder: Path, last: Any, code: int) -> None:
    """`remit apply many.jsonl | head -1`: every event is judged and applied, the exit code is as without the pipe."""
    people = [f"user-{number:03}" for number in range(300)]  # the reader is gone long before the last
    given = [{**INVITE, "user": name} for name in people] + [last] * (last is not None)
    (folder / "many.jsonl").write_text(lines(*given), encoding="utf-8")
    pipe = subprocess.PIPE
    with called("apply", "many.jsonl", "--directory", place, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["accepted"]
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == (b"", code)
    members = json.loads(call("members", "--directory", place, "--output-format", "json").stdout)["members"]
    assert {one["user"] for one in members} == {"ann", "bob", *people}
    assert call("audit", "verify", "--directory", place).stdout.startswith(f"{len(given)} records, unbroken")


def test_results_in_text_say_where_the_event_stands(folder: Path) -> None:
    """From a file each begins with the file and the line, blank lines counted; from standard input with neither."""
    events = lines(INVITE, "\n", REMOVE_LAST, {"type": "fly"}, "nonsense\n")
    (folder / "some.jsonl").write_text(events, encoding="utf-8")
    words = ["apply", "--dry-run", "--output-format", "text"]
    beginnings = re.compile(r"^(\S.*?)?(accepted|refused|invalid): ", re.MULTILINE)
    wanted = ["accepted", "refused", "invalid", "invalid"]
    of_file = beginnings.findall(call(*words, "some.jsonl").stdout)
    assert of_file == list(zip([f"some.jsonl:{number}: " for number in (1, 3, 4, 5)], wanted, strict=True))
    for source in ([], ["-"]):
        assert beginnings.findall(call(*words, *source, given=events).stdout) == [("", word) for word in wanted]
    assert "some.jsonl" not in call("apply", "--dry-run", "some.jsonl", "--output-format", "json").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--audit", "sqlite:///x.db"], "the audit log of a directory file is a file"),
        (["--directory", "sqlite:///people.db", "--audit", "log.jsonl"], "a database keeps the audit log itself"),
    ],
)
def test_a_log_that_does_not_go_with_the_directory(folder: Path, words: list[str], said: str) -> None:
    """A file keeps its log in a file, a database in itself: anything else is a wrong call, and changes nothing."""
    assert call("directory", "import", "directory.yaml", "--directory", "sqlite:///people.db").exit_code == 0
    before = {file.name for file in folder.iterdir() if "db-" not in file.name}
    found = call("apply", *words, given=lines(INVITE))
    assert (found.exit_code, found.stdout) == (2, "")
    assert said in found.stderr
    assert re.search(r"^  = help: \S", found.stderr, re.MULTILINE), found.stderr
    assert {file.name for file in folder.iterdir() if "db-" not in file.name} == before
    assert (folder / "directory.yaml").read_text(encoding="utf-8") == DIRECTORY


@pytest.mark.parametrize("words", [[], ["audit"], ["directory"]])
def test_a_command_that_is_cut_short_prints_its_help(words: list[str]) -> None:
    """`remit`, `remit audit` and `remit directory` alone say how they are used, over several lines, and are a wrong
    call."""
    with called(*words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        out, err = process.communicate()
    text = (out + err).decode()
    assert process.returncode == 2
    assert len(text.splitlines()) > 5
    assert text.startswith(" ".join(["Usage: remit", *words]))
    assert "Commands:\n" in text
    assert "\\u{" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--directory", "none.yaml"], "cannot be read: no such file"),
        (["--directory", "sqlite:///none.db"], "there is no database none.db"),
        (["--directory", "mysql://host/x"], "`mysql` is no database that can keep a directory"),
        (["--policy", "none"], "none"),
        (["none.jsonl"], "`none.jsonl` cannot be read"),
    ],
)
def test_a_wrong_call_is_two(folder: Path, words: list[str], said: str) -> None:
    """What is wrong with the call is said, and nothing is applied."""
    found = call("apply", *words, given=lines(INVITE))
    assert (found.exit_code, found.stdout) == (2, "")
    assert said in found.stderr
    assert not (folder / "audit.jsonl").exists()


def test_a_directory_with_mistakes_is_two(folder: Path) -> None:
    """A directory that cannot be read is shown with all its mistakes, and left alone."""
    wrong = "users: {ann: {statis: active}, bob: {status: gone}}\n"
    (folder / "directory.yaml").write_text(wrong, encoding="utf-8")
    found = call("apply", given=lines(INVITE))
    assert (found.exit_code, found.stdout) == (2, "")
    assert re.findall(r"error\[(\w+)\]", found.stderr) == ["E404", "E406"]
    assert (folder / "directory.yaml").read_text(encoding="utf-8") == wrong


# -- audit -------------------------------------------------------------------------------------------------------------


def test_the_log_holds_every_event(place: str) -> None:
    """Accepted, refused and invalid events leave a record each, with the fields of the log."""
    call("apply", "--directory", place, given=lines(INVITE, REMOVE_LAST, "x\n"))
    shown = call("audit", "show", "--as", "ann", "--directory", place, "--output-format", "json")
    records = results(shown)
    assert [(one["action"], one["additional_data"]["accepted"]) for one in records] == [
        ("member.invited", True),
        ("member.removed", False),
        ("event.invalid", False),
    ]
    assert records[0]["action_performed_by_user_id"] == "ann"
    assert (records[0]["reference_type"], records[0]["reference_id"]) == ("member", "kim")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", records[0]["created_at"])


def test_company_id_comes_from_the_settings(folder: Path) -> None:
    """`company_id` of remit.toml stands in every record."""
    (folder / "remit.toml").write_text('company_id = "acme"\n', encoding="utf-8")
    call("apply", given=lines(INVITE))
    assert json.loads((folder / "audit.jsonl").read_text(encoding="utf-8"))["company_id"] == "acme"


@pytest.mark.parametrize(("reader", "code"), [("ann", 0), ("bob", 1), ("nobody", 1)])
def test_the_log_is_shown_to_whom_the_policy_permits(place: str, reader: str, code: int) -> None:
    """Whoever may not audit gets a no, and nothing of the log."""
    call("apply", "--directory", place, given=lines(INVITE))
    found = call("audit", "show", "--as", reader, "--directory", place)
    assert found.exit_code == code
    assert ("member.invited" in found.stdout) == (code == 0)
    assert ("no: " in found.stderr) == (code == 1)


def test_the_log_can_be_filtered(place: str) -> None:
    """By who did it, what was done, and about whom."""
    call("apply", "--directory", place, given=lines(INVITE, {"type": "disable", "user": "bob", "by": "ann"}))
    for filters, count in ([], 2), (["--about", "bob"], 1), (["--action", "member.invited"], 1), (["--by", "bob"], 0):
        found = call("audit", "show", "--as", "ann", "--directory", place, *filters)
        assert len(found.stdout.splitlines()) == count, filters


def test_who_may_read_the_log_can_be_set(folder: Path) -> None:
    """`audit_permission` names an action of the policy; without one called `audit` it must."""
    text = POLICY.replace("area logs { resource internal_log { actions audit } }", "")
    (folder / "clinic.remit").write_text(text, encoding="utf-8")
    found = call("audit", "show", "--as", "ann")
    assert found.exit_code == 2
    assert "no type has an action `audit`" in found.stderr
    (folder / "remit.toml").write_text('audit_permission = "remove on member"\n', encoding="utf-8")
    assert call("audit", "show", "--as", "ann").exit_code == 0
    assert call("audit", "show", "--as", "bob").exit_code == 1
    (folder / "remit.toml").write_text('audit_permission = "remove on membre"\n', encoding="utf-8")
    found = call("audit", "show", "--as", "ann")
    assert found.exit_code == 2
    assert "`member` has a similar name" in found.stderr


def test_a_whole_log_verifies(place: str) -> None:
    """A log that nobody touched is unbroken, an empty one too."""
    assert call("audit", "verify", "--directory", place).exit_code == 0
    call("apply", "--directory", place, given=lines(INVITE, REMOVE_LAST))
    found = call("audit", "verify", "--directory", place)
    assert found.exit_code == 0
    assert found.stdout.startswith("2 records, unbroken")


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("damage", ["changed", "removed", "moved", "doubled"])
def test_a_damaged_log_is_found(folder: Path, damage: str, number: int) -> None:
    """Any line changed, removed, moved or doubled is found, the last one too."""
    call("apply", given=lines(INVITE, REMOVE_LAST, INVITE, REMOVE_LAST))
    log = folder / "audit.jsonl"
    kept = log.read_text(encoding="utf-8").splitlines()
    if damage == "changed":
        kept[number] = kept[number].replace("ann", "bob", 1)
    elif damage == "removed":
        del kept[number]
    elif damage == "moved":
        kept[number], kept[number - 1] = kept[number - 1], kept[number]
    else:
        kept.insert(number, kept[number])
    log.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    found = call("audit", "verify")
    assert found.exit_code == 1, found.stdout
    assert "broken" in found.stdout.splitlines()[-1]


# -- eval --audit ------------------------------------------------------------------------------------------------------


def test_allowed_requests_are_recorded(place: str, folder: Path) -> None:
    """With --audit every allowed request leaves a record, denied ones none, in a file or in the database."""
    request = {"subject": {"type": "user", "id": "ann"}, "action": {"name": "invite"}}
    request["resource"] = {"type": "member", "id": "kim"}
    denied = {**request, "subject": {"type": "user", "id": "bob"}}
    log = "sqlite:///people.db" if place.startswith("sqlite") else "decisions.jsonl"
    for _ in range(2):
        found = call("eval", "--directory", place, "--audit", log, given=lines(request, denied, request))
        assert [one["decision"] for one in results(found)] == [True, False, True]
    shown = results(call("audit", "show", log, "--as", "ann", "--directory", place, "--output-format", "json"))
    assert [one["action"] for one in shown] == ["member.invite"] * 4
    assert shown[0]["additional_data"]["rules"][0]["role"] == "owner"
    assert call("audit", "verify", log, "--directory", place).exit_code == 0


def test_a_recorded_request_names_company_and_policy(place: str, folder: Path) -> None:
    """`company_id` of remit.toml, and the digest of the policy that decided."""
    (folder / "remit.toml").write_text('company_id = "acme"\n', encoding="utf-8")
    log = place if place.startswith("sqlite") else "decisions.jsonl"
    assert call("eval", "--directory", place, "--audit", log, given=lines(asking("ann"))).exit_code == 0
    [record] = results(call("audit", "show", log, "--as", "ann", "--directory", place, "--output-format", "json"))
    assert record["company_id"] == "acme"
    assert record["additional_data"]["policy"] == Policy.load(folder).digest
    (folder / "clinic.remit").write_text(POLICY.replace("role viewer { }", "role viewer { deny invite on member }"))
    assert call("eval", "--directory", place, "--audit", log, given=lines(asking("ann"))).exit_code == 0
    later = results(call("audit", "show", log, "--as", "ann", "--directory", place, "--output-format", "json"))[-1]
    assert later["additional_data"]["policy"] == Policy.load(folder).digest != record["additional_data"]["policy"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a place that takes no answer is /dev/full")
@pytest.mark.parametrize("source", ["requests.jsonl", "-"])
def test_records_are_written_before_answers(folder: Path, source: str) -> None:
    """Where an answer cannot be written, the record of what was allowed is there all the same."""
    (folder / "requests.jsonl").write_text(lines(asking("bob"), asking("ann")), encoding="utf-8")
    (folder / "one.jsonl").write_text(lines(asking("ann")), encoding="utf-8")
    given = (folder / "one.jsonl").open("rb")
    with given, open("/dev/full", "wb") as full:
        words = ("eval", source, "--audit", "decisions.jsonl")
        with called(*words, stdin=given, stdout=full, stderr=subprocess.PIPE) as process:
            _, err = process.communicate()
    assert (process.returncode, b"cannot be written" in err) == (2, True)
    [record] = results_of(folder / "decisions.jsonl")
    assert record["action_performed_by_user_id"] == "ann"


def test_an_answer_that_was_read_is_on_record(folder: Path) -> None:
    """Whoever has the answer may be sure of its record, though the process is killed at once."""
    pipe = subprocess.PIPE
    with called("eval", "--audit", "decisions.jsonl", stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for count in range(1, 4):
            process.stdin.write(lines(asking("ann")).encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["decision"]
            assert len(results_of(folder / "decisions.jsonl")) == count
        process.kill()
    assert len(results_of(folder / "decisions.jsonl")) == 3
    assert call("audit", "verify", "decisions.jsonl").exit_code == 0


# -- directory ---------------------------------------------------------------------------------------------------------


def test_in_and_out_of_a_database(folder: Path) -> None:
    """What is imported comes out as it went in."""
    url = "sqlite:///people.db"
    found = call("directory", "import", "directory.yaml", "--directory", url)
    assert (found.exit_code, found.stdout) == (0, "2 users and 0 groups\n")
    out = call("directory", "export", "--directory", url).stdout
    assert out == call("directory", "export", "--directory", "directory.yaml").stdout
    assert call("directory", "export", "--directory", url, "-o", "out.yaml").exit_code == 0
    assert (folder / "out.yaml").read_text(encoding="utf-8") == out
    assert call("can", "ann", "invite", "member", "--directory", url).exit_code == 0


def test_a_full_database_is_not_overwritten(folder: Path) -> None:
    """Into an empty database only, unless told to replace what is there."""
    words = ["directory", "import", "directory.yaml", "--directory", "sqlite:///people.db"]
    assert call(*words).exit_code == 0
    found = call(*words)
    assert found.exit_code == 2
    assert "--replace" in found.stderr
    assert call(*words, "--replace").exit_code == 0


def test_what_does_not_fit_is_not_imported(folder: Path) -> None:
    """A directory that does not fit the policy is shown with what is wrong, and not brought in."""
    (folder / "directory.yaml").write_text("scopes: {planet/mars: {}}\n", encoding="utf-8")
    found = call("directory", "import", "directory.yaml", "--directory", "sqlite:///people.db")
    assert found.exit_code == 2
    assert "E418" in found.stderr
    assert not (folder / "people.db").exists()


@pytest.mark.parametrize("words", [["migrate"], ["import", "directory.yaml"]])
def test_a_file_is_no_database(folder: Path, words: list[str]) -> None:
    """What needs a database says how to name one."""
    found = call("directory", *words, "--directory", "directory.yaml")
    assert found.exit_code == 2
    assert "sqlite:///" in found.stderr


def test_lint_looks_at_a_database(folder: Path) -> None:
    """Guards and roles are held against a database as against a file."""
    call("directory", "import", "directory.yaml", "--directory", "sqlite:///people.db")
    assert call("lint", "--select", "E,W4", "--directory", "sqlite:///people.db").exit_code == 0
    text = DIRECTORY.replace("role: owner", "role: viewer").replace("bob: {assignments: [{role: viewer}]}", "bob: {}")
    (folder / "directory.yaml").write_text(text, encoding="utf-8")
    call("directory", "import", "directory.yaml", "--directory", "sqlite:///people.db", "--replace")
    found = call("lint", "--directory", "sqlite:///people.db")
    assert found.exit_code == 1
    assert "W424" in found.stdout
