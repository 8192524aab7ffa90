"""The baseline: findings that are known, by what they are and not by their line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from remit.cli.main import remit

HEAD = "policy shop\narea sales { resource order { actions read, write } }\n"
CLERK = "role clerk {\n  allow read on order\n  allow read on order\n}\n"
GUEST = "role guest {\n  allow write on order\n  allow write on order\n}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "remit.toml").write_text('[lint]\nbaseline = "known.json"\n', encoding="utf-8")
    return tmp_path


def lint(*options: str, select: str = "E,W305,W904") -> Result:
    done = CliRunner().invoke(remit, ["lint", *options, "--select", select])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def write(text: str, name: str = "main.remit") -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


def known() -> list[dict[str, Any]]:
    entries = json.loads(Path("known.json").read_text(encoding="utf-8"))["findings"]
    assert isinstance(entries, list)
    return entries


def test_what_is_known_is_silent() -> None:
    """Once written, the findings are silent and counted, and a new one is not."""
    write(HEAD + CLERK)
    written = lint("--write-baseline")
    assert (written.exit_code, written.stdout) == (0, "no findings in 1 file; 1 silenced\n")
    write(HEAD + GUEST + "\n\n# moved\n" + CLERK)
    again = lint()
    assert again.exit_code == 1
    assert "role `guest`" in again.stdout
    assert "role `clerk`" not in again.stdout
    assert again.stdout.endswith("1 finding (1 warning) in 1 file; 1 silenced\n")


def test_one_entry_is_one_finding() -> None:
    """A third rule like the two that are known is a new finding."""
    write(HEAD + CLERK)
    lint("--write-baseline")
    write(HEAD + CLERK.replace("}", "  allow read on order\n}"))
    assert lint().stdout.endswith("1 finding (1 warning) in 1 file; 1 silenced\n")


def test_the_file() -> None:
    """It is JSON, an entry a line, sorted, with file, code and message for people; the same for the same findings."""
    write(HEAD + CLERK + GUEST)
    lint("--write-baseline")
    text = Path("known.json").read_text(encoding="utf-8")
    entries = known()
    assert [(one["file"], one["code"], one["message"]) for one in entries] == [
        ("main.remit", "W305", "role `clerk` has this rule already"),
        ("main.remit", "W305", "role `guest` has this rule already"),
    ]
    assert [json.loads(line.rstrip(",")) for line in text.splitlines()[3:5]] == entries
    lint("--write-baseline")
    assert Path("known.json").read_text(encoding="utf-8") == text


def test_called_from_elsewhere(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    """Files are relative to the baseline, so the folder of the call does not matter."""
    write(HEAD + CLERK, "shop/main.remit")
    lint("--write-baseline", "shop")
    monkeypatch.chdir(here / "shop")
    assert lint().stdout == "no findings in 1 file; 1 silenced\n"
    assert lint(str(here / "shop")).stdout == "no findings in 1 file; 1 silenced\n"


def test_an_error_is_not_written() -> None:
    """Errors never go into a baseline."""
    write(HEAD + CLERK + "role boss includes nobody { }\n")
    assert lint("--write-baseline").exit_code == 1
    assert known() == []


def test_stale_entries() -> None:
    """An entry whose finding is gone is a finding in the baseline, until it is written anew."""
    write(HEAD + CLERK + GUEST)
    lint("--write-baseline")
    write(HEAD + CLERK)
    stale = lint()
    assert stale.exit_code == 1
    assert "warning[W904]: this `W305` of `main.remit` is found no more" in stale.stdout
    assert "┌─ known.json:5:1" in stale.stdout
    assert lint("--write-baseline").exit_code == 0
    assert len(known()) == 1


def test_what_was_not_looked_for_is_kept() -> None:
    """Entries of files and codes that a run does not look at are neither stale nor dropped; those of lost files are."""
    write(HEAD + CLERK, "a/main.remit")
    write(HEAD + CLERK, "b/main.remit")
    lint("--write-baseline", "a", "b")
    assert lint("a").stdout == "no findings in 1 file; 1 silenced\n"
    assert lint("a", select="E,W904").stdout.startswith("no findings")
    lint("--write-baseline", "a")
    lint("--write-baseline", "a", select="E")
    assert [one["file"] for one in known()] == ["a/main.remit", "b/main.remit"]
    Path("b/main.remit").unlink()
    assert "`b/main.remit` is found no more" in lint("a").stdout


def test_a_policy_that_does_not_compile_makes_nothing_stale() -> None:
    """Where the rules could not run, what they would find is not gone."""
    write(HEAD + CLERK)
    lint("--write-baseline")
    write(HEAD + CLERK + "role boss includes nobody { }\n")
    assert "W904" not in lint().stdout


def test_a_comment_goes_before() -> None:
    """A finding that a comment silences needs no entry, and leaves the numbering of its like alone."""
    write(HEAD + CLERK.replace("}", "  allow read on order  # remit: ignore[W305] -- why\n}"))
    lint("--write-baseline")
    assert len(known()) == 1
    assert lint().stdout == "no findings in 1 file; 2 silenced\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "damaged: line 1"),
        ("[]", "no baseline of remit"),
        ('{"remit-baseline": 2, "findings": []}', "newer version"),
        ('{"remit-baseline": 1, "findings": [1]}', "an entry is none"),
        ('{"remit-baseline": 1, "findings": [{"fingerprint": "x", "code": "W305", "file": "f"}]}', "an entry is none"),
        ('{"remit-baseline": 1, "findings": 1}', "an entry is none"),
        ("{" * 100_000, "damaged"),
    ],
)
def test_a_damaged_baseline(text: str, said: str) -> None:
    """A file that is no baseline ends the call with 2, and is not written over."""
    write(HEAD + CLERK)
    write(text, "known.json")
    for options in ((), ("--write-baseline",)):
        ran = lint(*options)
        assert (ran.exit_code, ran.stdout) == (2, "")
        assert said in ran.stderr
    assert Path("known.json").read_text(encoding="utf-8") == text


def test_a_baseline_that_is_not_there() -> None:
    """A baseline that is named and missing ends the call with 2; so does writing one that is nowhere named."""
    write(HEAD + CLERK)
    assert lint().exit_code == 2
    assert lint("--fix", "--baseline", "other.json").exit_code == 2
    assert lint("--diff", "--write-baseline").exit_code == 2
    Path("remit.toml").unlink()
    assert lint("--write-baseline").exit_code == 2
    assert lint("--write-baseline", "--baseline", "other.json").exit_code == 0
    assert lint("--baseline", "other.json").exit_code == 0
