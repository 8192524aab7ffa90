"""What either side of `remit diff` may be: a path, a table, or a git revision, hostile ones too; and what is said where
it is none."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from remit.cli.main import remit
from tests.cli.shop import POLICY, WIDER, call, commit, git, kinds, refused, rewrite

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


# -- what it may be --------------------------------------------------------------------------------------------------


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


# -- where git says no -------------------------------------------------------------------------------------------------


def test_fetching_helps_where_the_revision_is_unknown(shop: Path) -> None:
    """A name and a hash that git has never heard of; with another hint where the checkout is a shallow one."""
    for word in ("nope", "f" * 40, "HEAD~9"):
        said = refused(word)
        assert f"git knows no revision `{word}`" in said
        assert "fetch it first, where it is a remote's" in said
    rewrite(shop / "policy" / "main.remit", *WIDER)
    commit("second")
    git("clone", "-q", "--depth=1", f"file://{shop}", "../shallow")
    os.chdir(shop.parent / "shallow")
    said = refused("HEAD~1")
    assert "git knows no revision `HEAD~1`" in said
    assert "this checkout is a shallow one: fetch it first" in said


def test_what_is_no_revision_is_not_to_be_fetched(shop: Path) -> None:
    """A tag on a file, an option, and what git lost have words of their own."""
    git("tag", "a-file", "HEAD:remit.toml")
    said = {word: refused("--", word) for word in ("a-file", "-x")}
    assert "`a-file` is a file to git, and no commit" in said["a-file"]
    assert "`-x` is no name that git gives a revision" in said["-x"]
    hash_ = git("rev-parse", "HEAD").strip()
    (shop / ".git/objects" / hash_[:2] / hash_[2:]).unlink()
    said["main"] = refused("main")
    assert "git has lost what `main` names" in said["main"]
    assert [word for word, words in said.items() if "fetch" in words] == []


def test_a_repository_of_somebody_else(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is said in git's own words, with what lets git read it."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    said = refused("main")
    assert "dubious ownership" in said
    assert "safe.directory" in said
    assert "fetch" not in said


def test_no_git(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is said; paths do without."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert "git is not installed" in refused("main")
    assert kinds("policy") == set()


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is said in git's own words."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    said = refused("main")
    assert "not a git repository" in said
    assert "fetch" not in said


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
