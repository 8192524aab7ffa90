"""`remit init`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from remit.cli.init_command import FILES
from remit.cli.main import remit


def call(*words: str) -> Result:
    return CliRunner().invoke(remit, list(words))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which the call stands in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("folder", [".", "new/access"])
def test_init_writes_three_files(here: Path, folder: str) -> None:
    """remit.toml, a policy with its tests, and a directory; folders are made where there are none."""
    result = call("init", folder)
    assert result.exit_code == 0
    assert files(here / folder) == {"remit.toml", "policy/main.remit", "policy/directory.yaml"}
    assert "remit test" in result.stdout


def test_what_init_writes_is_clean(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """lint and test on the result find nothing, and the questions in its comments have their answers."""
    assert call("init", "access").exit_code == 0
    monkeypatch.chdir(here / "access")
    for words in (["lint"], ["test"], ["can", "ben", "edit", "document:plan", "--set", "author=ben"]):
        result = call(*words)
        assert result.exit_code == 0, result.output
    assert call("can", "ben", "edit", "document:plan").exit_code == 1
    assert call("explain", "ben", "edit", "document:plan").exit_code == 1
    assert "3 members" in call("members").stdout


@pytest.mark.parametrize("name", FILES)
def test_init_overwrites_nothing(here: Path, name: str) -> None:
    """Where one of the files is there, nothing is written and the call is wrong."""
    (here / name).parent.mkdir(exist_ok=True)
    (here / name).write_text("mine", encoding="utf-8")
    result = call("init")
    assert result.exit_code == 2
    assert name in result.stderr
    assert files(here) == {name}
    assert (here / name).read_text(encoding="utf-8") == "mine"


def test_a_link_is_not_followed(here: Path) -> None:
    """A link that leads nowhere counts as a file that is there: nothing is written through it."""
    (here / "remit.toml").symlink_to(here / "elsewhere.toml")
    assert call("init").exit_code == 2
    assert not (here / "elsewhere.toml").exists()


def test_where_nothing_can_be_written(here: Path) -> None:
    """A folder that cannot be made is a clear error, and leaves nothing behind."""
    (here / "policy").write_text("a file", encoding="utf-8")
    result = call("init")
    assert (result.exit_code, files(here)) == (2, {"policy"})
    assert "nothing can be written" in result.stderr
