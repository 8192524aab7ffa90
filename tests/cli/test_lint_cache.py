"""The cache of `remit lint`: nothing is compiled twice, and nothing that changed is missed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from remit.cli import lint_command
from remit.cli.main import remit
from remit.project import lint_memory, linting
from remit.project.looked import as_data, from_data

TWICE = """policy shop
area sales { resource order { actions read } }
role clerk was seller {
  allow read on order
  allow read on order
}
guard one: at most 1 clerk
"""
PEOPLE = """users:
  ann: {assignments: [{role: clerk}]}
  ben: {assignments: [{role: seller, until: "2030-01-01T00:00:00Z"}]}
"""
SELECT = "E,W305,W421,W424,W901"
SECOND = 1_000_000_000
IN_2030 = 1_893_456_000 * SECOND


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The policies that were compiled, in order."""
    found: list[Path] = []
    load = linting.load

    def counted(path: Path, *given: Any) -> Any:
        found.append(path)
        return load(path, *given)

    monkeypatch.setattr(linting, "load", counted)
    return found


def lint(*options: str, select: str = SELECT) -> Result:
    done = CliRunner().invoke(remit, ["lint", *options, *(["--select", select] if select else [])])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def write(text: str, name: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


def entries() -> list[Path]:
    return sorted(Path(".remit_cache/lint").glob("*"))


def shop() -> None:
    write(TWICE, "shop/main.remit")
    write(PEOPLE, "shop/directory.yaml")
    write('policy more extends "../shop"\nrole boss includes clerk { }\n', "more/main.remit")


def test_the_second_run_compiles_nothing(compiled: list[Path]) -> None:
    """Unchanged files are not compiled again, and the run says the same to the letter, in every format."""
    shop()
    first = {form: lint("--output-format", form, "--no-cache") for form in ("text", "json", "sarif")}
    lint()
    compiled.clear()
    for form, ran in first.items():
        again = lint("--output-format", form)
        assert (again.exit_code, again.stdout, again.stderr) == (ran.exit_code, ran.stdout, ran.stderr)
    assert compiled == []
    assert "W421" in first["json"].stdout
    assert "W424" in first["json"].stdout


CHANGES: dict[str, Callable[[], None]] = {
    "a policy's file": lambda: write(TWICE + "# more\n", "shop/main.remit"),
    "a new file": lambda: write("role guest { }\n", "shop/guest.remit"),
    "the directory": lambda: write(PEOPLE + "  cyd: {}\n", "shop/directory.yaml"),
    "a second directory before it": lambda: Path("shop/directory.yaml").rename("shop/directory.yml"),
    "no directory": lambda: Path("shop/directory.yaml").unlink(),
    "a file's name": lambda: Path("shop/main.remit").rename("shop/other.remit"),
    "the reasons of the settings": lambda: write('[lint]\nreasons = ["deny"]', "remit.toml"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(change: str, compiled: list[Path]) -> None:
    """After any change of what is looked at, it is looked at again."""
    shop()
    lint("shop")
    compiled.clear()
    CHANGES[change]()
    changed = lint("shop")
    assert compiled == [Path("shop")]
    assert changed.stdout == lint("shop", "--no-cache").stdout


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package in a folder, in place of remit's own."""
    package = tmp_path / "program"
    write("one = 1\n", "program/rules/first.py")
    write("two = 2\n", "program/rules/second.py")
    monkeypatch.setattr(lint_memory, "__file__", str(package / "project" / "lint_memory.py"))
    lint_memory._program.cache_clear()
    yield package
    lint_memory._program.cache_clear()


def _moved(package: Path) -> None:
    (package / "other").mkdir()
    (package / "rules/first.py").rename(package / "other/first.py")


def _same_size(package: Path) -> None:
    before = (package / "rules/first.py").stat()
    (package / "rules/first.py").write_text("one = 3\n", encoding="utf-8")
    os.utime(package / "rules/first.py", ns=(before.st_atime_ns, before.st_mtime_ns))


PROGRAMS: dict[str, Callable[[Path], None]] = {
    "a file's text, of the same size and time": _same_size,
    "a file's folder": _moved,
    "a file that is gone": lambda package: (package / "rules/second.py").unlink(),
}


@pytest.mark.parametrize("change", PROGRAMS)
def test_another_program_is_seen(change: str, program: Path, compiled: list[Path]) -> None:
    """What another remit of the same version found is not what this one finds."""
    shop()
    lint("shop")
    lint("shop")
    assert len(compiled) == 1
    PROGRAMS[change](program)
    lint_memory._program.cache_clear()
    lint("shop")
    assert len(compiled) == 2


def test_the_same_program_elsewhere_is_the_same(program: Path, compiled: list[Path]) -> None:
    """When its files were written counts for nothing, so that a cache is shared by those who installed alike."""
    shop()
    lint("shop")
    os.utime(program / "rules/first.py", ns=(SECOND, SECOND))
    lint_memory._program.cache_clear()
    lint("shop")
    assert len(compiled) == 1


def test_another_grammar_is_seen(compiled: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read by another grammar is read anew."""
    shop()
    lint("shop")
    text = lint_memory.grammar_text()
    monkeypatch.setattr(lint_memory, "grammar_text", lambda: text + "\n// more\n")
    lint_memory._program.cache_clear()
    lint("shop")
    lint_memory._program.cache_clear()
    assert len(compiled) == 2


def test_another_solver_is_seen(compiled: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """What another version of the solver said counts no more, and only where the solver is asked."""
    pytest.importorskip("z3")
    shop()
    for options in ((), ("--exact",)):
        lint("shop", *options)
    monkeypatch.setattr(lint_memory, "_solver", lambda: "0.1")
    assert len(compiled) == 2
    lint("shop")
    assert len(compiled) == 2
    lint("shop", "--exact")
    assert len(compiled) == 3


def test_the_solver_tells_its_version() -> None:
    """The version in the key is the one that z3 itself tells."""
    z3 = pytest.importorskip("z3")
    assert lint_memory._solver().startswith(z3.get_version_string())


def test_a_change_of_the_base_is_seen(compiled: list[Path]) -> None:
    """An overlay is looked at again when a file of its base changed, came or went."""
    shop()
    lint("more")
    lint("more")
    assert compiled == [Path("more")]
    write("role guest { }\n", "shop/guest.remit")
    lint("more")
    Path("shop/guest.remit").unlink()
    lint("more")
    assert len(compiled) == 3
    write(TWICE.replace("role clerk", "role other"), "shop/main.remit")
    assert lint("more").exit_code == 1
    assert len(compiled) == 4


def test_other_rules_are_other_entries(compiled: list[Path]) -> None:
    """What other rules found before is not what these find."""
    shop()
    lint("shop", select="E,W421")
    assert "W305" in lint("shop", select="E,W305").stdout
    assert len(compiled) == 2


def test_what_silences_is_never_remembered(compiled: list[Path]) -> None:
    """Levels, paths and baselines count from the moment they change, without a second look."""
    shop()
    lint("shop")
    compiled.clear()
    write('[lint.levels]\nW305 = "error"\n[lint.per-path]\n"*.yaml" = ["W421", "W424"]\n', "remit.toml")
    ran = lint("shop")
    assert ran.stdout.startswith("error[W305]")
    assert ran.stdout.endswith("1 finding (1 error) in 2 files; 2 silenced\n")
    lint("shop", "--write-baseline", "--baseline", "known.json")
    assert lint("shop", "--baseline", "known.json").stdout == "no findings in 2 files; 3 silenced\n"
    assert compiled == []


def test_a_comment_counts(compiled: list[Path]) -> None:
    """Comments are read from the file of now, also where findings are remembered."""
    shop()
    write(TWICE.replace("order\n}", "order  # remit: ignore[W305] -- why\n}"), "shop/main.remit")
    assert lint("shop").stdout == lint("shop").stdout
    assert "; 1 silenced" in lint("shop").stdout
    assert compiled == [Path("shop")]


def test_time_passes(compiled: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found holds until the next `from` or `until` of the directory, and never before the time it was found."""
    shop()
    now = IN_2030 - SECOND
    monkeypatch.setattr(lint_command, "clock", lambda: now)
    assert "W424" in lint("shop").stdout
    now = IN_2030 - 1
    lint("shop")
    assert len(compiled) == 1
    now = IN_2030
    assert "W424" not in lint("shop").stdout
    assert len(compiled) == 2
    now = IN_2030 + 1000 * SECOND
    lint("shop")
    assert len(compiled) == 2
    now = 0
    assert "W424" in lint("shop").stdout
    assert len(compiled) == 3


@pytest.mark.parametrize("damage", ["", "{}", "null", '{"sum": 1}', "\x00"])
def test_a_damaged_entry_is_none(damage: str, compiled: list[Path]) -> None:
    """An entry that is not as it was written is looked past, and written again."""
    shop()
    first = lint("shop")
    for entry in entries():
        entry.write_text(damage, encoding="utf-8")
    assert lint("shop").stdout == first.stdout
    assert lint("shop").stdout == first.stdout
    assert len(compiled) == 2


def test_an_entry_of_another_shape_is_none() -> None:
    """Every part of an entry is checked before it is shown: changed anywhere, it is refused or still a finding."""
    shop()
    linted = linting.Linted(0, lambda rule: True)
    linting.lint_policy(linted, Path("shop"), None)
    data = json.loads(json.dumps(as_data(linted.looked[0])))
    source = next(iter(linted.looked[0].own.values()))
    assert len(from_data(data, lambda name, origin: source).findings) == len(linted.looked[0].findings)
    for key in data:
        for wrong in (None, 1, "x", [1], [[1]], {"a": 1}, [["W999", "m", [0, 0, 1], "", "", [], "error", None]]):
            with pytest.raises((TypeError, ValueError, KeyError, IndexError)):
                from_data(
                    {**data, key: wrong} if not (key == "people" and wrong == "x") else {}, lambda name, origin: source
                )
    for at in range(8):
        for wrong in (1, "x", [1], {"a": 1}, [0, 5, 4], [0, 0, 10**6], [9, 0, 1]):
            finding = list(data["findings"][0])
            finding[at] = wrong
            if at in (1, 3, 4) and wrong == "x":
                continue
            with pytest.raises((TypeError, ValueError, KeyError, IndexError)):
                from_data({**data, "findings": [finding]}, lambda name, origin: source)


def test_no_cache(compiled: list[Path]) -> None:
    """`--no-cache` neither reads nor writes; `--fix` and `--diff` look anew, too."""
    shop()
    lint("shop", "--no-cache")
    assert not Path(".remit_cache").exists()
    lint("shop")
    lint("shop", "--no-cache")
    lint("shop", "--diff")
    assert len(compiled) >= 4


def test_what_the_files_do_not_say_is_not_remembered() -> None:
    """A link that leads out, or a base that is missing, may be mended without a change of any file that was read."""
    write('policy more extends "../shop"\nrole boss { }\n', "more/main.remit")
    assert "E304" in lint("more").stdout
    assert entries() == []
    write(TWICE, "shop/main.remit")
    assert lint("more").stdout == "no findings in 2 files\n"


def test_the_cache_is_beside_the_settings(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    """Called from a folder below the settings, the cache is the same one."""
    shop()
    write("", "remit.toml")
    monkeypatch.chdir(here / "shop")
    lint()
    assert not Path(".remit_cache").exists()
    assert (here / ".remit_cache" / "lint").is_dir()


def test_a_database_is_never_remembered(compiled: list[Path]) -> None:
    """With a database, people are looked at each time."""
    shop()
    url = "sqlite:///people.db"
    imported = CliRunner().invoke(
        remit, ["directory", "import", "--policy", "shop", "--directory", url, "shop/directory.yaml"]
    )
    assert imported.exit_code == 0, imported.output
    assert lint("shop", "--directory", url).stdout == lint("shop", "--directory", url).stdout
    assert len(compiled) == 2
    assert entries() == []
