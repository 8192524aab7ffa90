"""The hooks for pre-commit, run by pre-commit itself in a repository with the policy of `remit init`.

The remit that runs here takes the place of the one that pre-commit would install: nothing is fetched.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from remit.cli.init_command import DIRECTORY, POLICY

pytest.importorskip("pre_commit", reason="pre-commit is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pre-commit")]

HOOKS = ("remit-lint", "remit-fmt", "remit-test")


class Repository:
    """A repository whose settings name the hooks of the checkout."""

    def __init__(self, hooks: Path, folder: Path, home: Path) -> None:
        self.folder = folder / "work"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON"))}
        bin_ = Path(sys.executable).parent
        self.env = kept | {
            "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
            "PRE_COMMIT_HOME": str(home),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for who in ("AUTHOR", "COMMITTER"):
            self.env |= {f"GIT_{who}_NAME": "ann", f"GIT_{who}_EMAIL": "ann@acme.example"}
        own = folder / "hooks"
        own.mkdir()
        (own / ".pre-commit-hooks.yaml").write_bytes(hooks.read_bytes())
        self.start(own)
        self.write("remit.toml", 'policy = "policy"\n')
        self.write("policy/main.remit", POLICY)
        self.write("policy/directory.yaml", DIRECTORY)
        self.write("README.md", "Who may do what\n")
        installed = {"language": "system", "additional_dependencies": []}
        repo = {"repo": str(own), "rev": self.git("rev-parse", "HEAD", cwd=own)}
        settings = {"repos": [repo | {"hooks": [{"id": name} | installed for name in HOOKS]}]}
        self.write(".pre-commit-config.yaml", yaml.safe_dump(settings))
        self.start(self.folder)

    def git(self, *words: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *words], cwd=cwd or self.folder, env=self.env, capture_output=True, encoding="utf-8", check=True
        )
        return done.stdout.strip()

    def start(self, folder: Path) -> None:
        """Makes a repository of all there is in a folder."""
        self.git("init", "-q", cwd=folder)
        self.git("add", "-A", cwd=folder)
        self.git("commit", "-q", "-m", "the first", cwd=folder)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        """Replaces text in a file, and stages it."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))
        self.git("add", name)

    def run(self, *words: str) -> tuple[int, dict[str, str], str]:
        """The exit code, what became of each hook, and all that was printed. Looks at what is staged."""
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--color=never", *words],
            cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
            check=False,
        )  # fmt: skip
        lines = [line for line in done.stdout.splitlines() if line.startswith("remit ") and ".." in line]
        became = {line.partition("..")[0].replace(" ", "-"): re.split(r"[.)]", line)[-1] for line in lines}
        return done.returncode, became, done.stdout


@pytest.fixture
def repository(root: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with nothing to find."""
    return Repository(root / ".pre-commit-hooks.yaml", tmp_path, tmp_path_factory.getbasetemp() / "pre-commit")


def all_of(word: str) -> dict[str, str]:
    return dict.fromkeys(HOOKS, word)


def test_clean(repository: Repository) -> None:
    """All hooks pass on what `remit init` writes, and leave the work tree as it is."""
    code, became, printed = repository.run("--all-files")
    assert (code, became) == (0, all_of("Passed")), printed
    assert repository.git("status", "--short") == ""


def test_only_for_policies(repository: Repository) -> None:
    """A change of other files starts no hook."""
    repository.change("README.md", "what", "what?")
    code, became, printed = repository.run()
    assert (code, became) == (0, all_of("Skipped")), printed


def test_a_file_alone_is_seen_with_its_policy(repository: Repository) -> None:
    """Of one changed file the whole policy is looked at: what it declares elsewhere is known, and so are mistakes that
    the change makes elsewhere."""
    repository.write("policy/more.remit", 'role guest "Guest" {\n  in writing {\n    allow read on document\n  }\n}\n')
    repository.git("add", "policy/more.remit")
    code, became, printed = repository.run("remit-lint")
    assert (code, became) == (0, {"remit-lint": "Passed"}), printed
    repository.git("commit", "-q", "-m", "a guest")
    repository.change("policy/main.remit", "read, create, edit, publish, delete", "create, edit, publish, delete")
    code, became, printed = repository.run("remit-lint")
    assert (code, became) == (1, {"remit-lint": "Failed"})
    assert "policy/more.remit:3" in printed


def test_the_directory_counts(repository: Repository) -> None:
    """A change of the directory is linted, too."""
    repository.change("policy/directory.yaml", "{role: editor}", "{role: edtor}")
    code, became, printed = repository.run("remit-lint")
    assert (code, became) == (1, {"remit-lint": "Failed"})
    assert "edtor" in printed


def test_exact_findings(repository: Repository) -> None:
    """`remit-lint` runs the rules that need the solver."""
    twice = 'role chief "Chief" includes author {\n  in writing {\n    allow * on document\n  }\n}\n'
    repository.write("policy/more.remit", twice)
    repository.git("add", "policy/more.remit")
    code, became, printed = repository.run("remit-lint")
    assert (code, became) == (1, {"remit-lint": "Failed"})
    assert "W301" in printed


def test_format_is_written(repository: Repository) -> None:
    """`remit-fmt` brings the changed file into the format, which fails until it is staged."""
    repository.change("policy/main.remit", "    allow create on document", "  allow  create  on document")
    code, became, printed = repository.run("remit-fmt")
    assert (code, became) == (1, {"remit-fmt": "Failed"}), printed
    assert (repository.folder / "policy/main.remit").read_text(encoding="utf-8") == POLICY
    repository.git("add", "-A")
    assert repository.run("remit-fmt")[0] == 0


def test_a_failed_test(repository: Repository) -> None:
    """`remit-test` fails with the line and why."""
    repository.change("policy/main.remit", "ben may not publish plan", "ben may publish plan")
    code, became, printed = repository.run("remit-test")
    assert (code, became) == (1, {"remit-test": "Failed"})
    assert "ben may publish plan" in printed
    assert "ben holds editor" in printed


def test_hooks_are_of_one_environment(root: Path) -> None:
    """All hooks have the same dependencies, so that pre-commit makes one environment."""
    hooks = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [hook["id"] for hook in hooks] == list(HOOKS)
    assert {tuple(hook["additional_dependencies"]) for hook in hooks} == {(".[prove]",)}
