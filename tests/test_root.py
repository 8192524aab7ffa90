"""What stands at the root of the repository: a file that somebody left there is noticed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

KNOWN = {
    ".ci", ".gitattributes", ".github", ".gitignore", ".pre-commit-hooks.yaml", "CHANGELOG.md", "LICENSE", "README.md",
    "action.yml", "benchmarks", "docs", "grammar", "policies", "pyproject.toml", "schema", "src", "tests",
}  # fmt: skip


def listed(root: Path, *options: str) -> set[str]:
    """The names at the root of what git lists."""
    command = ["git", "ls-files", "-z", *options]
    done = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        pytest.skip("this is no checkout")
    return {path.partition("/")[0] for path in done.stdout.split("\0") if path}


def test_nothing_else_is_at_the_root(root: Path) -> None:
    """Every file and folder at the root, committed or not yet, is one that belongs there; what git ignores aside."""
    assert listed(root, "--cached", "--others", "--exclude-standard") - KNOWN == set()


def test_what_belongs_there_is_there(root: Path) -> None:
    """Nothing that is let through at the root has gone."""
    assert KNOWN - listed(root) == set()
