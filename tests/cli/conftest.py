"""What several tests of commands stand in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.shop import DIRECTORY, POLICY, commit, git


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
