"""The shipped policies: what their pages cite exists, lint and tests are clean, and the words are the catalogues'.

The catalogues are not in the repository. They are looked for beside the tables from elsewhere: REMIT_CORPORA=FOLDER.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from remit import Directory, Policy, PolicyError
from remit.cli.main import remit
from remit.membership.record import decision_record, instant_of
from remit.model.coverage import cells
from remit.model.policy import Model
from remit.project.policies import load
from remit.table.shape import Table
from remit.testing import run as running

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = sorted(path.parent for path in (ROOT / "policies").glob("*/README.md"))
OVERLAYS = sorted(path.parent for path in (ROOT / "policies").glob("*/overlays/*/policy.remit"))
NAMES = [folder.name for folder in FOLDERS]

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
each_policy = pytest.mark.parametrize("policy", [*FOLDERS, *OVERLAYS], ids=lambda path: path.name)


def compiled(folder: Path) -> tuple[Table, Model]:
    """The policy in both forms: the table has what decisions need, the model what was declared for it."""
    found = load(folder).compiled
    assert found.table is not None, found.findings
    return found.table, found.model


def test_there_are_policies() -> None:
    """The four products, two of them with an overlay."""
    assert NAMES == ["amberflo", "amplitude", "bizmetry", "measure"]
    assert [overlay.name for overlay in OVERLAYS] == ["fernway", "subscription_desk"]


# -- pages -----------------------------------------------------------------------------------------------------------


_TITLE = re.compile(r'^(test|assert) ("(?:[^"\\]|\\.)*")', re.MULTILINE)
_COVERS = re.compile(r"^\| [\d –,to]+ \|.*\| (.*) \|$", re.MULTILINE)  # a row of lines: its last cell names tests


def titled(folder: Path) -> tuple[set[str], set[str]]:
    """The titles of all tests and of all asserts of a policy and of its overlays."""
    found: dict[str, set[str]] = {"test": set(), "assert": set()}
    for path in folder.rglob("*.remit"):
        for kind, title in _TITLE.findall(path.read_text(encoding="utf-8")):
            found[kind].add(json.loads(title))
    return found["test"], found["assert"]


def cited(page: str) -> tuple[set[str], set[str]]:
    """The names that the page's table quotes, as tests and as asserts: the last word `test` or `assert` before a name
    says which, in each clause anew; where none does, it is a test."""
    tests: set[str] = set()
    asserts: set[str] = set()
    for cell in _COVERS.findall(page):
        for clause in cell.split("; "):
            kind = tests
            for word, name in re.findall(r'(\w+)? ?"([^"]+)"', clause):
                kind = {"test": tests, "assert": asserts, "asserts": asserts}.get(word, kind)
                kind.add(name)
    return tests, asserts


@each_folder
def test_the_page_cites_every_test(folder: Path) -> None:
    """Each test and each assert stands in the table, under its own kind, and nothing stands there that is neither."""
    tests, asserts = titled(folder)
    assert tests
    assert asserts
    named_tests, named_asserts = cited((folder / "README.md").read_text(encoding="utf-8"))
    assert named_tests == tests
    assert named_asserts == asserts


# The lines of each document that speak of members, of the roles they get, of statuses, or of logs; facts, taken from
# the documents, which are not in the repository.
MEMBERSHIP: dict[str, set[int]] = {
    "amberflo": {3, 7, 11, 22, 26, 30, 34, 36, 38, 41, 44, 47},
    "amplitude": {10, 12, 18, 19, 20, 38, 66, 68, 70, 74, 77},
    "bizmetry": {5, 7, 17, 26, *range(29, 35), *range(43, 47), 48, 58, 59, 60, *range(71, 74), 75, 80, 81, 85},
    "measure": {2, 3, 11, 38, 56, 58, 64, *range(66, 76)},
}
_LINES = re.compile(r"^\| (\d[\d –,to]*) \|", re.MULTILINE)
_RANGE = re.compile(r"(\d+)(?:(?:–| to )(\d+))?")


def lines_of(page: str) -> list[set[int]]:
    """The lines of the document that each row of the page's table speaks of."""
    found = []
    for cell in _LINES.findall(page):
        ranges = [(int(first), int(last or first)) for first, last in _RANGE.findall(cell)]
        found.append({line for first, last in ranges for line in range(first, last + 1)})
    return found


def test_lines_of_a_row_are_read() -> None:
    """Single lines, several, and ranges written either way."""
    page = "| 3 | a | b |\n| 5, 7 | a | b |\n| 43–46 | a | b |\n| 67 to 69 | a | b |\n| file | a |\n"
    assert lines_of(page) == [{3}, {5, 7}, {43, 44, 45, 46}, {67, 68, 69}]


@each_folder
def test_the_page_covers_every_line_on_members(folder: Path) -> None:
    """Each has a row of its own, and not only one that takes in half of the document."""
    rows = lines_of((folder / "README.md").read_text(encoding="utf-8"))
    covered = {line for lines in rows if len(lines) <= 10 for line in lines}
    assert MEMBERSHIP[folder.name] - covered == set()


@each_folder
def test_tests_have_titles_of_their_own(folder: Path) -> None:
    """A page can only cite what has one name: no two tests, and no two asserts, share theirs; no assert is untitled."""
    for part in [folder, *(overlay for overlay in OVERLAYS if folder in overlay.parents)]:
        table, _ = compiled(part)
        for titles in ([test.title for test in table.tests], [assertion.title for assertion in table.assertions]):
            assert all(titles)
            assert len(titles) == len(set(titles))


@each_folder
def test_the_page_names_files_that_exist(folder: Path) -> None:
    """The table of files: each is there, and none of the policy's own files is left out."""
    page = (folder / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([^`]+)` \|", page.partition("\n## ")[0], re.MULTILINE))
    own = {path.name for path in folder.iterdir() if path.suffix in {".remit", ".yaml"}}
    overlays = {f"overlays/{overlay.name}/" for overlay in OVERLAYS if folder in overlay.parents}
    assert named == own | overlays


# -- lint and test ---------------------------------------------------------------------------------------------------


def run(*args: str) -> Result:
    """What the command line makes of it."""
    return CliRunner().invoke(remit, list(args))


@each_policy
def test_lint_is_clean(policy: Path) -> None:
    """No finding in the policy, nor in its sample directory."""
    done = run("lint", str(policy))
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("no findings in ")


@each_policy
def test_all_tests_pass(policy: Path) -> None:
    """Every test and every assert."""
    done = run("test", str(policy))
    assert done.exit_code == 0, done.output


# -- what no `.remit` file can show ----------------------------------------------------------------------------------


LOCKED = {
    "amberflo": {"administrator", "analyst", "developer", "product_manager"},
    "amplitude": {"admin"},
    "bizmetry": set(),
    "measure": {"full_admin", "sales_admin", "sales_rep", "customer_support", "read_only", "accountant"},
}


@each_folder
def test_overlays_leave_locked_roles_as_they_are(folder: Path) -> None:
    """Amberflo's and Measure's roles, and Amplitude's administrator, are nobody's to extend or replace; others are."""
    base = Policy.load(folder)
    for role in base.table.roles:
        for text in (f"extend role {role} {{ deny * on * }}", f"role {role} {{ allow * on * }}"):
            if role in LOCKED[folder.name]:
                with pytest.raises(PolicyError, match=f"E301 .*`{role}`"):
                    Policy.from_sources({"overlay.remit": text}, base=base)
            else:
                Policy.from_sources({"overlay.remit": text}, base=base)


def test_several_groups_with_different_roles_are_multiple() -> None:
    """Amplitude: gil's groups differ in one project, ivy's own role settles hers, bo has one group."""
    done = run(
        "members", "--policy", str(ROOT / "policies/amplitude"), "--at", "project/app", "--output-format", "json"
    )
    assert done.exit_code == 0, done.output
    roles = {member["user"]: member["role"] for member in json.loads(done.stdout)["members"]}
    assert (roles["gil"], roles["ivy"], roles["bo"]) == ("multiple", "viewer", "member")


@pytest.mark.parametrize("action", ["create", "assign_role"])
def test_an_invitation_takes_two_permissions(action: str) -> None:
    """Measure: whoever may only create users, or only assign roles, invites nobody; the base has no such role."""
    text = f"""
    role clerk {{ in user_management {{ allow {action} on user }} }}
    role hirer {{ in user_management {{ allow create, assign_role on user }} }}
    test "one of two" {{
      user kim is clerk
      user lee is hirer
      on invite nia by kim as read_only is refused because not_permitted
      on invite nia by lee as read_only is accepted
    }}
    """
    policy = Policy.from_sources({"overlay.remit": text}, base=Policy.load(ROOT / "policies/measure"))
    assert [result.failures for result in running.run(policy.table, lambda: 0).tests] == [()]


FIELDS = [
    "company_id", "created_at", "action", "action_performed_by_user_id", "reference_type", "reference_id",
    "additional_data",
]  # fmt: skip


# An event of each policy that somebody of its sample directory may make, and what its record says was done.
ACCEPTED: dict[str, tuple[dict[str, Any], str]] = {
    "amberflo": ({"type": "invite", "role": "analyst"}, "member.invited"),
    "amplitude": ({"type": "assign", "role": "viewer", "scope": "project/app"}, "member.role_assigned"),
    "bizmetry": ({"type": "invite", "role": "developer"}, "member.invited"),
    "measure": ({"type": "invite", "role": "read_only"}, "member.invited"),
}
ADMINS = {"amberflo": "administrator", "amplitude": "admin", "bizmetry": "owner", "measure": "full_admin"}


@each_folder
def test_every_event_leaves_a_record(folder: Path) -> None:
    """Accepted, refused and unreadable ones, with who did what to whom; Measure's page names the fields."""
    policy, directory = Policy.load(folder), Directory.load(folder / "directory.yaml")
    admin = next(
        name
        for name, user in directory.data.users.items()
        if any(ADMINS[folder.name] in given.role for given in user.assignments)
    )
    given, action = ACCEPTED[folder.name]
    known = given["type"] == "assign"
    whom = next(name for name in directory.data.users if name != admin) if known else "new@fresh.example"
    events: list[tuple[dict[str, Any], str, bool]] = [
        ({**given, "user": whom, "by": admin}, action, True),
        ({**given, "user": whom, "by": "nobody"}, action, False),
        ({"type": "promote", "user": whom, "by": "nobody"}, "event.invalid", False),
    ]
    for event, action, accepted in events:
        applied = policy.apply(directory, event, now=0)
        record = applied.record(0, "company_xyz", policy.digest)
        assert list(record) == FIELDS
        assert (record["company_id"], record["created_at"]) == ("company_xyz", "1970-01-01T00:00:00.000000Z")
        assert (record["action"], record["reference_type"], record["reference_id"]) == (action, "member", whom)
        assert record["action_performed_by_user_id"] == event["by"]
        data = record["additional_data"]
        assert (data["accepted"], data["policy"]) == (accepted, policy.digest), applied.result
        assert data["event"] == event
        assert (applied.directory != directory.data) is accepted


def test_an_accepted_event_and_an_allowed_request_leave_records() -> None:
    """Measure: a Full Admin's removal of a user, and a credit that one creates."""
    folder = ROOT / "policies/measure"
    policy, directory = Policy.load(folder), Directory.load(folder / "directory.yaml")
    applied = policy.apply(directory, {"type": "remove", "user": "rob", "by": "fay"}, now=0)
    assert applied.result["accepted"]
    assert "rob" not in applied.directory.users
    removed = applied.record(0, "company_xyz", policy.digest)
    assert [removed[field] for field in FIELDS[2:6]] == ["member.removed", "fay", "member", "rob"]

    credit = {"type": "credit", "id": "credit_abc"}
    decision = policy.bind(directory).decide({"subject": {"type": "user", "id": "fay"}, "action": {"name": "create"},
                                              "resource": credit})  # fmt: skip
    assert decision.allowed
    created = decision_record("fay", "create", credit, [], 0, "company_xyz", policy.digest)
    assert list(created) == FIELDS
    assert [created[field] for field in FIELDS[3:6]] == ["fay", "credit", "credit_abc"]


def test_the_log_is_shown_to_full_admins_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure: after events and requests, the log of both is for the Full Admin to read, and for nobody else."""
    folder = tmp_path / "measure"
    shutil.copytree(ROOT / "policies/measure", folder)
    (folder / "remit.toml").write_text('company_id = "company_xyz"\n', encoding="utf-8")
    monkeypatch.chdir(folder)
    events = [
        {"type": "invite", "user": "kim", "by": "fay", "role": "sales_rep"},
        {"type": "remove", "user": "kim", "by": "rob"},
        {"type": "promote", "user": "kim", "by": "fay"},
    ]
    owned = {"type": "customer", "id": "acme", "properties": {"owner": "rob"}}
    credit = {"type": "credit", "id": "credit_abc"}
    asked = [("fay", "create", credit), ("rob", "create", credit), ("rob", "read", owned), ("lou", "read", owned)]
    requests = [
        {"subject": {"type": "user", "id": user}, "action": {"name": action}, "resource": resource}
        for user, action, resource in asked
    ]
    for name, rows in (("events.jsonl", events), ("requests.jsonl", requests)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert run("apply", "events.jsonl").exit_code == 2
    assert run("eval", "requests.jsonl", "--audit", "audit.jsonl").exit_code == 0
    assert run("audit", "verify").stdout.startswith("5 records, unbroken")

    shown = run("audit", "show", "--as", "fay", "--output-format", "json")
    records = [json.loads(line) for line in shown.stdout.splitlines()]
    assert all(list(record) == FIELDS and record["company_id"] == "company_xyz" for record in records)
    assert [
        (record["action"], record["action_performed_by_user_id"], record["reference_id"]) for record in records
    ] == [
        ("member.invited", "fay", "kim"),
        ("member.removed", "rob", "kim"),
        ("event.invalid", "fay", "kim"),
        ("credit.create", "fay", "credit_abc"),
        ("customer.read", "rob", "acme"),
    ]
    assert [record["additional_data"]["accepted"] for record in records] == [True, False, False, True, True]

    directory = Directory.load(folder / "directory.yaml").data
    full_admins = {
        name for name, user in directory.users.items() if "full_admin" in [given.role for given in user.assignments]
    }
    assert full_admins == {"fay"}
    assert "kim" in directory.users
    for user in (*directory.users, "nobody"):
        done = run("audit", "show", "--as", user)
        if user in full_admins:
            assert (done.exit_code, len(done.stdout.splitlines())) == (0, 5)
        else:
            assert (done.exit_code, done.stdout) == (1, "")
            assert done.stderr.startswith(f"no: {user} may not audit on internal_log")


# -- catalogues ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def catalogues(corpora: Path) -> Path:
    """The folder of catalogues, which the repository does not carry."""
    folder = corpora.parent / "catalogues"
    if not folder.is_dir():
        pytest.skip(f"no catalogues beside the tables from elsewhere: {folder} is no folder")
    return folder


Catalogue = dict[str, Any]


def catalogue_of(folder: Path, catalogues: Path) -> Catalogue:
    data: Catalogue = yaml.safe_load((catalogues / f"{folder.name}.yaml").read_text(encoding="utf-8"))
    assert data["system"] == folder.name
    return data


def entries(data: Any) -> Mapping[str, Any]:
    """The catalogues come in two formats: named entries are a mapping in one, a list with ids in the other."""
    if isinstance(data, Mapping):
        return entries(data["items"]) if "items" in data else data
    return {item["id"] if isinstance(item, Mapping) else item: item for item in data or ()}


def types_of(data: Catalogue) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Type → its area and entry. A scope that is also a type says in words that its area is `administration`."""
    found = {
        kind: (area, entry)
        for area, areas_entry in entries(data["areas"]).items()
        for kind, entry in entries(areas_entry["types"]).items()
    }
    for scope in entries(data["scopes"]).values():
        if "resource_type" in scope:
            kind = scope["resource_type"]
            found[kind["id"]] = ("administration", kind)
    return found


def test_records_have_the_catalogues_fields(catalogues: Path) -> None:
    """Measure's page shows a record of its log; its way to write times is read, too."""
    fields = catalogue_of(ROOT / "policies/measure", catalogues)["audit"]["fields"]
    assert list(fields) == FIELDS
    shown = re.search(r'"created_at": "([^"]+)"', fields["created_at"]["from"]["words"])
    assert shown
    assert instant_of(shown[1]) == 1_685_580_910_093_580_000


def without(names: Iterable[str], *built_in: str) -> set[str]:
    return set(names) - set(built_in)


@each_folder
def test_scopes_and_roles_are_the_catalogues(folder: Path, catalogues: Path) -> None:
    """The kinds of place and the roles that the product comes with."""
    data, (table, _) = catalogue_of(folder, catalogues), compiled(folder)
    assert set(table.scopes) == set(entries(data["scopes"]))
    assert set(table.roles) == set(entries(data["roles"]))


@each_folder
def test_areas_and_types_are_the_catalogues(folder: Path, catalogues: Path) -> None:
    """Every type in its area, and no other area or type."""
    data, (table, _) = catalogue_of(folder, catalogues), compiled(folder)
    assert set(table.areas) == set(entries(data["areas"]))
    assert {kind: entry.area for kind, entry in table.types.items()} == {
        kind: area for kind, (area, _) in types_of(data).items()
    }


@each_folder
def test_actions_are_the_catalogues(folder: Path, catalogues: Path) -> None:
    """Type by type."""
    data, (table, _) = catalogue_of(folder, catalogues), compiled(folder)
    assert {kind: set(entry.actions) for kind, entry in table.types.items()} == {
        kind: set(entries(entry["actions"])) for kind, (_, entry) in types_of(data).items()
    }


@each_folder
def test_attributes_are_the_catalogues(folder: Path, catalogues: Path) -> None:
    """Of every type, of users and of requests; less what is built in."""
    data, (table, _) = catalogue_of(folder, catalogues), compiled(folder)
    assert {kind: set(entry.attributes) for kind, entry in table.types.items()} == {
        kind: without(entries(entry.get("attributes")), "scope") for kind, (_, entry) in types_of(data).items()
    }
    assert set(table.user) == without(entries(data.get("subject_attributes")), "roles", "groups", "status")
    assert set(table.context) == set(entries(data.get("context_attributes")))


@each_folder
def test_permissions_are_the_catalogues(folder: Path, catalogues: Path) -> None:
    """Each in its area, with the actions it bundles."""
    data, (_, model) = catalogue_of(folder, catalogues), compiled(folder)
    found = {
        f"{area}.{name}": {
            f"{kind}.{action}"
            for bundle in permission.bundles
            for kind, actions in cells(bundle, (area,), model.areas, model.types).items()
            for action in actions
        }
        for area, entry in model.areas.items()
        for name, permission in entry.permissions.items()
    }
    expected = {
        name: set(permission["actions"])
        for area in entries(data["areas"]).values()
        for name, permission in entries(area.get("permissions")).items()
    }
    assert found == expected
