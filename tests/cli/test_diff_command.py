"""`remit diff`, as people and CI call it: what is said, in which format, and which exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from remit.proof import solver
from remit.schemas import schema_text
from remit.wire_diff import DiffFile
from tests.cli.shop import WIDER, call, commit, kinds, refused, rewrite

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

CHANGES = {  # kind → what is replaced, by what
    "gained": ("allow read on * }", "allow read on *  allow refund on invoice }"),
    "lost": ("allow create, cancel on order when own", "allow create on order when own"),
    "widened": WIDER,
    "narrowed": ("<= 500", "<= 400"),
    "changed": ("<= 500", "> 500"),
    "incomplete_only": ("role viewer", "role spare { allow read on order when has_amount }\nrole viewer"),
}
SAME = [
    (
        "condition own = resource.owner == user.id",
        "condition theirs = user.id == resource.owner",
        "when own",
        "when theirs",
    ),
    ("resource.amount <= 500", "not (resource.amount >= 501)"),
    ("allow create, cancel on order when own", "allow cancel on order when own allow create on order when own"),
    ('role viewer "Viewer"', '# a word\n\nrole   viewer "Somebody who looks"'),
    ("policy shop", "policy store"),
]


# -- what it says ------------------------------------------------------------------------------------------------------


def test_the_work_tree_against_a_revision(shop: Path) -> None:
    """The head line counts; an entry has the words before and after, the line, an example, and the people."""
    rewrite(shop / "policy" / "main.remit", *WIDER)
    result = call("main")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "`clerk` gains 1 permission\n"
        "\n"
        "+ clerk   refund on invoice   when resource.amount <= 500 → always   policy/main.remit:12\n"
        "          for example: ann may now refund invoice {amount: 501}\n"
        "          2 people: ann, bob (disabled)\n"
    )


def test_nothing_changed(shop: Path) -> None:
    """It says so."""
    assert call("HEAD").stdout == "no role allows or forbids anything else\n"


@pytest.mark.parametrize("replaced", SAME, ids=lambda words: words[0][:20])
def test_rewriting_that_changes_nothing_is_an_empty_difference(shop: Path, replaced: tuple[str, ...]) -> None:
    """Names of conditions, order, layout, titles and other ways to say the same are no change."""
    rewrite(shop / "policy" / "main.remit", *replaced)
    result = call("main", "--fail-on", "any")
    assert (result.exit_code, result.stdout) == (0, "no role allows or forbids anything else\n")


def test_moving_rules_to_another_file_is_an_empty_difference(shop: Path) -> None:
    """Where a role stands makes no difference, and neither does a role's new name that keeps its old one."""
    text = (shop / "policy" / "main.remit").read_text(encoding="utf-8")
    head, _, roles = text.partition("role viewer")
    (shop / "policy" / "main.remit").write_text(head, encoding="utf-8")
    moved = ("role viewer" + roles).replace('role audit "Audit"', 'role auditor was audit "Audit"')
    (shop / "policy" / "roles.remit").write_text(moved, encoding="utf-8")
    assert kinds("main") == set()
    assert call("main", "--fail-on", "any").exit_code == 0


def test_a_lost_line_is_named_where_it_was(shop: Path) -> None:
    """And who includes the role is folded below it."""
    rewrite(shop / "policy" / "main.remit", "in sales { allow read on order } }", "}")
    shown = call("main").stdout
    assert "- viewer   read on order   always → never   was policy/main.remit:9\n" in shown
    assert "also clerk, which includes it\n" in shown
    assert "3 people: ann, bob (disabled), cyd\n" in shown


def test_a_deny_that_goes_is_said_in_its_own_words(shop: Path) -> None:
    """The role itself may nothing more; whom another role allows it may."""
    rewrite(shop / "policy" / "main.remit", "in sales { deny cancel on order }", "")
    shown = call("main").stdout
    assert "+ audit   cancel on order   forbids: always → never" in shown
    assert "somebody who holds audit and clerk may now cancel order {owner: their own id}" in shown
    assert "nobody holds audit" in shown


def test_a_condition_of_the_same_name_is_written_out(shop: Path) -> None:
    """Before and after would read alike else."""
    rewrite(shop / "policy" / "main.remit", "own = resource.owner == user.id", "own = resource.amount > 5")
    assert "when resource.owner == user.id → when resource.amount > 5" in call("main").stdout


def test_what_else_changed_stands_at_the_end(shop: Path) -> None:
    """Catalogue, guards and locks."""
    main = shop / "policy" / "main.remit"
    rewrite(main, "guard one: at least 1 active clerk", "", "role viewer", "locked role viewer")
    rewrite(main, "amount: int  actions read, refund", "amount: int  paid: bool  actions read, refund")
    shown = call("main").stdout
    assert shown.startswith("no role allows or forbids anything else\n\nBeside that:\n")
    for line in ("attribute `invoice.paid` is new", "guard `one` is gone", "role `viewer` changed: locked"):
        assert f"  {line}\n" in shown


def test_by_user(shop: Path) -> None:
    """Each side's directory counts: that of the revision is the one that lay beside the policy then."""
    rewrite(shop / "policy" / "directory.yaml", "cyd: {assignments: [{role: viewer}]}", "cyd: {}")
    result = call("main", "--by", "user")
    assert result.stdout.startswith("`cyd` loses 1 permission\n\n- cyd   read on order   always → never")
    assert kinds("main", "--by", "user", "--directory", "policy/directory.yaml") == set()
    assert kinds("main", "--by", "user", "--directory", "main:policy/directory.yaml") == set()
    assert kinds("main", "--by", "user", "--new-directory", "main:policy/directory.yaml") == set()


def test_who_is_given_a_role_and_not_active_yet_is_told_beside(shop: Path) -> None:
    """They may nothing today; who registers holds it."""
    data = yaml.safe_load((shop / "policy" / "directory.yaml").read_text(encoding="utf-8"))
    data["users"]["new"] = {"status": "pending", "assignments": [{"role": "viewer"}]}
    (shop / "other.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    people = ("--directory", "policy/directory.yaml", "--new-directory", "other.yaml")
    said = call("policy", "policy", "--by", "user", *people).output
    assert "user `new` changed: given viewer, counting once they are no longer pending" in said


def test_a_role_given_from_later_on_fails_a_gate(shop: Path) -> None:
    """And says from when on."""
    data = yaml.safe_load((shop / "policy" / "directory.yaml").read_text(encoding="utf-8"))
    data["users"]["new"] = {}
    (shop / "before.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    data["users"]["new"] = {"assignments": [{"role": "viewer", "from": "2990-01-01T00:00:00Z"}]}
    (shop / "after.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    people = ("--directory", "before.yaml", "--new-directory", "after.yaml")
    result = call("policy", "policy", "--by", "user", "--fail-on", "gained", *people)
    assert result.exit_code == 1
    assert "from 2990-01-01T00:00:00Z on" in result.output


def test_a_role_by_a_new_name_is_told_as_that(tmp_path: Path) -> None:
    """Neither as gone nor as new, and whoever includes it has not changed."""
    catalogue = "area a { resource t { actions x } }\n"
    for name, text in (
        ("old", "role a {{ allow x on t }}\nrole b includes a {{ }}"),
        ("new", "role d was a {{ allow x on t }}\nrole b includes d {{ }}"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.remit").write_text(catalogue + text.format(), encoding="utf-8")
    said = call(str(tmp_path / "old"), str(tmp_path / "new")).output
    assert said == "no role allows or forbids anything else\n\nBeside that:\n  role `d` changed: its name was a\n"


def test_a_user_of_another_type_is_told_beside(shop: Path) -> None:
    """What a request must name changes; what they may does not."""
    directory = shop / "policy" / "directory.yaml"
    text = directory.read_text(encoding="utf-8")
    name = next(iter(yaml.safe_load(text)["users"]))
    data = yaml.safe_load(text)
    data["users"][name] = {**(data["users"][name] or {}), "type": "service"}
    other = shop / "other.yaml"
    other.write_text(yaml.safe_dump(data), encoding="utf-8")
    sides = (
        "policy",
        "policy",
        "--by",
        "user",
        "--directory",
        "policy/directory.yaml",
        "--new-directory",
        "other.yaml",
    )
    assert f"user `{name}` changed: type user → service" in call(*sides).output
    assert kinds(*sides) == set()


def test_a_directory_that_was_not_there_yet(shop: Path) -> None:
    """Is exit 2; with --allow-missing nobody held anything then, whether it is named or found."""
    people = shop / "policy" / "directory.yaml"
    text = people.read_text(encoding="utf-8")
    people.unlink()
    commit("nobody")
    people.write_text(text, encoding="utf-8")
    new = ("--new-directory", "policy/directory.yaml")
    named = ("main", "--by", "user", "--directory", "main:./policy/directory.yaml", *new)
    assert "has no directory" in refused("main", "--by", "user")
    assert "there is no directory at `policy/directory.yaml` in `main`" in refused(*named)
    for words in (("main", "--by", "user"), named):
        result = call(*words, "--allow-missing", "--fail-on", "gained")
        assert result.exit_code == 1
        assert result.stdout.startswith("`ann` gains 4 permissions, `cyd` gains 1\n")


def test_settings_that_moved_are_said(shop: Path) -> None:
    """Both sides are read by the settings here; those of the revision that name another place are named, not followed.
    Nothing is said where the policy is named in the call, or its place is the same."""
    shutil.copytree("policy", "other")
    rewrite(shop / "other" / "main.remit", "policy shop", "policy other")
    commit("another")
    rewrite(shop / "policy" / "main.remit", *WIDER)
    assert call("main").stderr == ""
    (shop / "remit.toml").write_text('policy = "other"\n', encoding="utf-8")
    result = call("main", "--fail-on", "any")
    assert (result.exit_code, result.stdout) == (0, "no role allows or forbids anything else\n")
    assert result.stderr == (
        "note: the settings at `main` have `policy` as policy, and those here, by which both sides are read, as other\n"
    )
    (shop / "remit.toml").write_text(
        'policy = "policy"\ndirectory = "postgresql://ann:secret@db/x"\n', encoding="utf-8"
    )
    said = call("main").stderr
    assert "have `directory` as not set" in said
    assert "secret" not in said.partition("\n")[0]
    (shop / "remit.toml").write_text('policy = "other"\n', encoding="utf-8")
    result = call("main", "--policy", "policy", "--fail-on", "any")
    assert (result.exit_code, result.stderr) == (1, "")


def test_roles_and_areas_are_chosen(shop: Path) -> None:
    """What is not chosen is neither shown nor counted."""
    rewrite(shop / "policy" / "main.remit", *WIDER, "in sales { allow read on order } }", "}")
    assert kinds("main") == {"widened", "lost"}
    assert kinds("main", "--area", "money") == {"widened"}
    assert kinds("main", "--role", "viewer") == {"lost"}
    assert kinds("main", "--role", "clerk", "--area", "sales") == {"lost"}
    assert call("main", "--role", "viewer", "--fail-on", "gained").exit_code == 0
    assert "`viewer` has a similar name" in refused("main", "--role", "viewr")
    assert "`money` has a similar name" in refused("main", "--area", "mony")


# -- exit codes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CHANGES)
def test_fail_on_counts_the_classes_it_should(shop: Path, kind: str) -> None:
    """gained: gained, widened, changed; lost: lost, narrowed, changed; any: all. Without --fail-on it is 0."""
    old, new = CHANGES[kind]
    main = shop / "policy" / "main.remit"
    if kind == "incomplete_only":  # every int is one or the other, and one that is missing is neither
        rewrite(main, old, new.replace("has_amount", "resource.amount <= 5 or resource.amount > 5"))
        commit("second")
        rewrite(main, " when resource.amount <= 5 or resource.amount > 5", "")
    else:
        rewrite(main, old, new)
    assert kinds("HEAD") == {kind}
    codes = {option: call("HEAD", "--fail-on", option).exit_code for option in ("gained", "lost", "any")}
    assert codes == {
        "gained": int(kind in ("gained", "widened", "changed")),
        "lost": int(kind in ("lost", "narrowed", "changed")),
        "any": 1,
    }
    assert call("HEAD").exit_code == 0


def test_quiet_prints_nothing(shop: Path) -> None:
    """The exit code alone tells."""
    rewrite(shop / "policy" / "main.remit", *WIDER)
    result = call("main", "-q", "--fail-on", "gained")
    assert (result.exit_code, result.output) == (1, "")


def test_without_the_solver_a_gate_does_not_guess(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where conditions differ that is exit 2, and says what to install; where none does it is not needed."""
    monkeypatch.setattr(solver, "available", lambda: False)
    assert call("main").exit_code == 0
    rewrite(shop / "policy" / "main.remit", *WIDER)
    assert "install remit[prove]" in refused("main")


def test_what_could_not_be_told_fails_every_gate(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is always said."""

    def unknown(*_: Any) -> None:
        raise solver.UnknownError("timeout")

    monkeypatch.setattr(solver.Solver, "model", unknown)
    rewrite(shop / "policy" / "main.remit", *WIDER)
    result = call("main", "--fail-on", "lost")
    assert result.exit_code == 1
    assert "! clerk: refund on invoice" in result.stdout
    assert call("main").exit_code == 0


def test_a_policy_that_does_not_compile_is_shown_at_its_revision(shop: Path) -> None:
    """With the line, and the revision before the path."""
    rewrite(shop / "policy" / "main.remit", "on order when own", "on ordr when own")
    assert "policy/main.remit:11" in refused("main")
    commit("second")
    rewrite(shop / "policy" / "main.remit", "on ordr when own", "on order when own")
    said = refused("main")
    assert "main:policy/main.remit:11" in said
    assert "`order` has a similar name" in said


# -- formats -----------------------------------------------------------------------------------------------------------


def test_json_has_the_shape_of_its_schema(shop: Path) -> None:
    """By role and by user; each witness is a request in AuthZEN's shape."""
    rewrite(
        shop / "policy" / "main.remit",
        *WIDER,
        "in sales { deny cancel on order }",
        "",
        "role viewer",
        "locked role viewer",
    )
    schema = json.loads(schema_text("diff"))
    for more in ([], ["--by", "user"], ["--directory", "main:policy/directory.yaml"]):
        result = call("main", "--output-format", "json", *more)
        data = json.loads(result.stdout)
        jsonschema.validate(data, schema)
        found = DiffFile.model_validate(data)
        assert sum(getattr(found.summary, kind) for kind in CHANGES) >= len(found.changes) > 0
        assert {change.witness.request.action.name for change in found.changes} <= {"refund", "cancel"}


def test_a_witness_is_decided_otherwise(shop: Path) -> None:
    """As it stands in the JSON, by the Python interface, for somebody with the roles it names."""
    from remit import Directory, Policy

    old = Policy.load("policy")
    rewrite(shop / "policy" / "main.remit", *WIDER, "in sales { deny cancel on order }", "")
    new = Policy.load("policy")
    changes = json.loads(call("main", "--output-format", "json").stdout)["changes"]
    assert len(changes) == 2
    for change in changes:
        witness = change["witness"]
        roles = [{"role": role} for role in witness["asked_by"]["roles"]]
        people = Directory.from_text(json.dumps({"users": {witness["asked_by"]["id"]: {"assignments": roles}}}))
        decided = [policy.bind(people).decide(witness["request"]) for policy in (old, new)]
        assert [decision.code for decision in decided] == [witness["old"], witness["new"]]
        assert decided[0].allowed != decided[1].allowed


def test_the_report_goes_to_a_file(shop: Path) -> None:
    """Whole, in each format."""
    rewrite(shop / "policy" / "main.remit", *WIDER)
    for name, begin in (("text", "`clerk`"), ("json", "{"), ("markdown", "### "), ("html", "<!doctype html>")):
        result = call("main", "--output-format", name, "-o", f"out.{name}")
        assert (result.exit_code, result.output) == (0, "")
        assert (shop / f"out.{name}").read_text(encoding="utf-8").startswith(begin)
    assert "cannot be written" in call("main", "-o", "no/such/folder").stderr
