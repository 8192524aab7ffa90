"""`remit diff`, as people and CI call it: what either side may be, what is said, and which exit code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from remit.cli.main import remit
from remit.proof import solver
from remit.schemas import schema_text
from remit.wire_diff import DiffFile

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

POLICY = """\
policy shop "Shop"
area sales "Sales" {
  resource order { owner: user  amount: int  actions read, create, cancel }
}
area money "Money" {
  resource invoice { amount: int  actions read, refund }
}
condition own = resource.owner == user.id
role viewer "Viewer" { in sales { allow read on order } }
role clerk "Clerk" includes viewer {
  in sales { allow create, cancel on order when own }
  in money { allow refund on invoice when resource.amount <= 500 }
}
role audit "Audit" { in money { allow read on * } in sales { deny cancel on order } }
guard one: at least 1 active clerk
"""
DIRECTORY = """\
users:
  ann: {assignments: [{role: clerk}]}
  bob: {status: disabled, assignments: [{role: clerk}]}
  cyd: {assignments: [{role: viewer}]}
"""
WIDER = (" when resource.amount <= 500", "")
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


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a policy in a folder of it, committed once, which the call stands in."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "shop"
    (folder / "policy").mkdir(parents=True)
    (folder / "policy" / "main.remit").write_text(POLICY, encoding="utf-8")
    (folder / "policy" / "directory.yaml").write_text(DIRECTORY, encoding="utf-8")
    (folder / "remit.toml").write_text('policy = "policy"\n', encoding="utf-8")
    monkeypatch.chdir(folder)
    git("init", "-q", "-b", "main")
    commit("first")
    return folder


def git(*words: str) -> str:
    own = ["-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", *own, *words], check=True, capture_output=True)
    return done.stdout.decode("utf-8", "replace")


def commit(message: str) -> None:
    git("add", "-A")
    git("commit", "-q", "-m", message)


def rewrite(file: Path, *replaced: str) -> None:
    text = file.read_text(encoding="utf-8")
    for old, new in zip(replaced[::2], replaced[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def call(*words: str) -> Result:
    return CliRunner().invoke(remit, ["diff", *words])


def kinds(*words: str) -> set[str]:
    """The classes of the changes there are."""
    result = call(*words, "--output-format", "json")
    assert result.exit_code == 0, result.stderr
    return {change["kind"] for change in json.loads(result.stdout)["changes"]}


def refused(*words: str) -> str:
    """What a call says that ends with 2."""
    result = call(*words)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert "Traceback" not in result.stderr
    return result.stderr


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

    monkeypatch.setattr(solver.Asked, "model", unknown)
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


# -- sides -------------------------------------------------------------------------------------------------------------


def test_folders_files_and_tables(shop: Path) -> None:
    """Either side may be any of them."""
    shutil.copytree("policy", "new")
    rewrite(shop / "new" / "main.remit", *WIDER)
    assert CliRunner().invoke(remit, ["compile", "-o", "old.json"]).exit_code == 0
    for old in ("policy", "policy/main.remit", "old.json", "main", "main:policy", "main:policy/main.remit"):
        assert kinds(old, "new") == {"widened"}, old
    commit("a table")
    assert kinds("HEAD:old.json", "HEAD:new") == {"widened"}
    assert kinds("HEAD:old.json") == set()


def test_revisions_of_every_form(shop: Path) -> None:
    """Branches, tags, ancestors, hashes; from a folder below, too."""
    git("tag", "-a", "v1.0", "-m", "one")
    rewrite(shop / "policy" / "main.remit", *WIDER)
    commit("second")
    first = git("rev-parse", "HEAD~1").strip()
    for old in ("HEAD~1", "v1.0", first, first[:10], "main@{1}", "HEAD^{/first}", "v1.0:", "HEAD~1:policy"):
        assert kinds(old) == {"widened"}, old
        assert kinds(old, "HEAD") == {"widened"}, old
    (shop / "policy" / "deep").mkdir()
    os.chdir(shop / "policy" / "deep")
    assert kinds("v1.0") == {"widened"}
    assert kinds("v1.0:./..") == {"widened"}


def test_a_path_wins_over_a_revision(shop: Path) -> None:
    """A colon behind it forces the revision."""
    shutil.copytree("policy", "main")
    rewrite(shop / "main" / "main.remit", *WIDER)
    assert kinds("main") == {"narrowed"}
    assert kinds("main:") == set()


def test_neither_the_work_tree_nor_the_index_is_touched(shop: Path) -> None:
    """Not a byte, not a time: what is staged stays staged, what is untracked stays so."""
    rewrite(shop / "policy" / "main.remit", *WIDER)
    git("add", "policy/main.remit")
    rewrite(shop / "policy" / "main.remit", "Viewer", "Looker")
    (shop / "policy" / "extra.remit").write_text("role extra { allow read on order }\n", encoding="utf-8")

    def seen() -> dict[str, tuple[int, bytes]]:
        files = [path for path in shop.rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    before = seen()
    assert kinds("main") == {"widened", "gained"}
    assert kinds("main", "--by", "user") == {"widened"}
    assert seen() == before


def test_an_overlay_has_its_base_at_the_same_revision(shop: Path) -> None:
    """What changed in the base since then shows."""
    (shop / "overlay").mkdir()
    overlay = 'policy ours extends "../policy"\nrole desk includes clerk { }\n'
    (shop / "overlay" / "ours.remit").write_text(overlay, encoding="utf-8")
    commit("overlay")
    rewrite(shop / "policy" / "main.remit", *WIDER)
    shown = call("main", "--policy", "overlay").stdout
    assert "+ clerk   refund on invoice" in shown
    assert "also desk, which includes it" in shown


def test_a_base_outside_of_the_repository_is_refused(shop: Path) -> None:
    """A revision holds nothing of it; one by its whole path inside would be today's."""
    outside = shop.parent / "product"
    shutil.copytree("policy", outside)
    (shop / "overlay").mkdir()
    ours = shop / "overlay" / "ours.remit"
    ours.write_text('policy ours extends "../../product"\nrole desk includes clerk { }\n', encoding="utf-8")
    commit("overlay")
    assert "lies outside of the repository" in refused("main", "--policy", "overlay")
    ours.write_text(f'policy ours extends "{shop}/policy"\nrole desk includes clerk {{ }}\n', encoding="utf-8")
    commit("whole path")
    assert "named by a relative path" in refused("main", "--policy", "overlay")
    ours.write_text(f'policy ours extends "{outside}"\nrole desk includes clerk {{ }}\n', encoding="utf-8")
    commit("elsewhere")
    assert kinds("main", "--policy", "overlay") == set()


def test_a_policy_that_was_not_there_yet(shop: Path) -> None:
    """Is exit 2 and said; with --allow-missing all of it is new."""
    shutil.copytree("policy", "second")
    rewrite(shop / "second" / "main.remit", "policy shop", "policy second")
    said = refused("main", "--policy", "second")
    assert "there is no policy at `second` in `main`" in said
    assert "--allow-missing" in said
    result = call("main", "--policy", "second", "--allow-missing")
    assert result.exit_code == 0
    assert "+ viewer   read on order" in result.stdout
    assert call("main", "--policy", "second", "--allow-missing", "--fail-on", "gained").exit_code == 1


@pytest.mark.parametrize(
    "word",
    ["nope", "main:nope", "--output=x", "-x", "--upload-pack=touch x;", ":policy", "HEAD~9", "main:../..", "a\nb", "é",
     "$(touch x)", "main:\x1b[31m", "x" * 5000, "", "HEAD:policy\\..\\..", "@{-1}", "main..HEAD", "^main"],
)  # fmt: skip
def test_a_word_that_is_neither_is_exit_2(shop: Path, word: str) -> None:
    """Whatever it looks like, it is no option of git's and no command."""
    said = refused("--", word)
    assert said.startswith("error: ")
    assert said.isascii() or word == "é"
    assert "\x1b" not in said
    assert not (shop / "x").exists()


def test_hostile_file_names(shop: Path) -> None:
    """Line ends, quotes, signs of a shell and bytes that are no text in a name are a name like any other."""
    for name in (b"a\nb.remit", b'q"$(touch x)`.remit', b"\xff.remit", b"-r.remit", b"c:d.remit"):
        role = f"role r{abs(hash(name)) % 10**9} {{ allow read on order }}\n".encode()
        with open(os.path.join(b"policy", name), "wb") as file:
            file.write(role)
    commit("names")
    assert kinds("HEAD") == set()
    result = call("HEAD~1")
    assert result.exit_code == 0
    assert result.stdout.count("read on order") >= 1
    assert result.stdout.replace("\n", "").isprintable()
    assert not (shop / "x").exists()


def test_links_in_a_revision(shop: Path) -> None:
    """A link to the policy is followed at the revision; one that leads out of the repository is refused."""
    os.symlink("policy", "current")
    os.symlink("/", "out")
    commit("links")
    shutil.copytree("policy", "other")
    rewrite(shop / "other" / "main.remit", *WIDER)
    os.unlink("current")
    os.symlink("other", "current")
    assert kinds("HEAD", "--policy", "current") == {"widened"}
    assert "leads out of the repository" in refused("HEAD:out", "policy")
    assert "leads out of the repository" in refused(f"HEAD:out{shop}/policy", "policy")


def tree(*entries: bytes) -> str:
    """The hash of a tree that git itself would not make."""
    made = subprocess.run(
        ["git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"],
        input=b"".join(entries), check=True, capture_output=True,
    )  # fmt: skip
    return made.stdout.decode().strip()


def test_a_tree_that_leads_elsewhere_is_refused(shop: Path) -> None:
    """A name that climbs out, and a link with a folder of the same name: nothing is written outside."""
    blob = bytes.fromhex(git("rev-parse", "main:policy/main.remit").strip())
    goal = shop.parent / "goal"
    goal.mkdir()
    (shop / "target").write_text(str(goal), encoding="utf-8")
    link = bytes.fromhex(git("hash-object", "-w", "target").strip())
    climbing = tree(b"100644 ..\0" + blob)
    inner = bytes.fromhex(tree(b"100644 x.remit\0" + blob))
    both = tree(b"120000 policy\0" + link, b"40000 policy\0" + inner)
    up = tree(b"40000 ..\0" + bytes.fromhex(tree(b"100644 x.remit\0" + blob)))
    for name in (climbing, both, up):
        result = call(name)
        assert result.exit_code in (0, 2)
        assert "Traceback" not in result.stderr
    assert "leads elsewhere" in refused(up)
    assert list(goal.iterdir()) == []
    assert not list(shop.parent.rglob("x.remit"))


def test_a_submodule_is_said(shop: Path) -> None:
    """Its files are in another repository, and leaving them out would be a wrong answer."""
    git("init", "-q", "-b", "main", "../inner")
    (shop.parent / "inner" / "main.remit").write_text(POLICY, encoding="utf-8")
    git("-C", "../inner", "add", "-A")
    git("-C", "../inner", "commit", "-q", "-m", "one")
    git("submodule", "--quiet", "add", "../inner", "policy/inner")
    commit("submodule")
    assert "`policy/inner` is a submodule at `HEAD`" in refused("HEAD")


def test_no_git(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is said; paths do without."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert "git is not installed" in refused("main")
    assert kinds("policy") == set()


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is said in git's own words."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert "not a git repository" in refused("main")


def test_in_a_hook(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git tells hooks of its own folder and index by variables, which hold for the folder of the hook alone."""
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    os.chdir(shop / "policy")
    assert kinds("main") == set()


def test_a_file_that_is_too_large_is_said(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is not read: it is the reader's limit that refuses it."""
    import remit.project.files
    import remit.project.revisions

    monkeypatch.setattr(remit.project.files, "LARGEST", 2_000)
    monkeypatch.setattr(remit.project.revisions, "LARGEST", 2_000)
    (shop / "policy" / "more.remit").write_text("# " + "x" * 3_000, encoding="utf-8")
    commit("large")
    os.unlink("policy/more.remit")
    assert "the file is too large" in refused("HEAD")


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
