"""The commands where the extra `prove` is not installed: what needs it says so, and all else works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

POLICY = """
policy shop
area sales { resource order { total: int  actions read, refund } }
role clerk "Clerk" { allow read on order  allow refund on order when resource.total <= 500 }
assert "clerks refund little": refund on order requires resource.total <= 500
test "clerks read" { user ann is clerk  given order o1 { total: 5 }  ann may read o1 }
"""
# As where nothing is installed: neither found nor imported.
WITHOUT = """
import sys
from importlib import util
found = util.find_spec
util.find_spec = lambda name, package=None: None if name == "z3" else found(name, package)
sys.modules["z3"] = None
from remit.cli.main import main
sys.exit(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    (tmp_path / "old" / "main.remit").write_text(POLICY, encoding="utf-8")
    (tmp_path / "new" / "main.remit").write_text(POLICY.replace("<= 500 }", "< 501 }"), encoding="utf-8")
    return tmp_path


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *words], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "words", [("lint", "old"), ("fmt", "--check", "--no-cache", "old"), ("test", "old"), ("diff", "old", "new")]
)
def test_what_needs_no_solver_works(folder: Path, words: tuple[str, ...]) -> None:
    """Rules by normal form, asserts that normal forms prove, and equal policies take no solver."""
    found = call(folder, *words)
    assert "Traceback" not in found.stderr
    assert found.returncode == (1 if words[0] == "fmt" else 0), found.stdout + found.stderr


@pytest.mark.parametrize("words", [("lint", "--exact", "old"), ("diff", "old", "more")])
def test_what_needs_it_says_so(folder: Path, words: tuple[str, ...]) -> None:
    """Exact rules, and policies whose normal forms differ, end with 2 and name the extra."""
    (folder / "more").mkdir()
    (folder / "more" / "main.remit").write_text(POLICY.replace("<= 500 }", "<= 600 }"), encoding="utf-8")
    found = call(folder, *words)
    assert "Traceback" not in found.stderr
    assert found.returncode == 2
    assert "remit[prove]" in found.stderr
