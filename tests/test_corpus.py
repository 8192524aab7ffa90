"""The corpus: each file of tests/corpus goes through every stage, and a snapshot shows the source, then what came out.

A file may stand for several: `#--- NAME` begins the next one. Snapshots lie in tests/__snapshots__, never in the
corpus itself: an extension that calls that folder its own would delete the inputs. After a change, write them anew with
`pytest tests/test_corpus.py --snapshot-update`, and read the difference as prose.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from remit.cli.main import remit
from remit.compiler import parse_all
from remit.project.policies import load
from remit.project.sources import policies_below, read
from remit.syntax import tree
from remit.table.shape import Table

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(file.stem for file in CORPUS.glob("*.remit"))
PART = re.compile(r"^#--- (\S+)\n", re.MULTILINE)


class Texts(SingleFileSnapshotExtension):
    """A text file for each corpus file."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def texts(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Texts)


def lay_out(name: str, folder: Path) -> str:
    """Writes the files that a corpus file stands for; its text."""
    text = (CORPUS / f"{name}.remit").read_text(encoding="utf-8")
    first, *rest = PART.split(text)
    for file, part in zip(["main.remit", *rest[::2]], [first, *rest[1::2]], strict=True):
        if part or not rest:
            place = folder / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(part, encoding="utf-8")
    return text


def parsed(folder: Path) -> str:
    """The statements that were read, by file and line."""
    sources, _ = read(folder)
    files, _ = parse_all(sources)
    return "".join(f"{file.source.name}:{_statement(found)}\n" for file in files for found in file.statements)


def _statement(statement: tree.Statement) -> str:
    name = getattr(statement, "name", None)
    return f"{statement.span.line} {type(statement).__name__}" + (f" {name.text}" if name else "")


def lowered(table: Table | None) -> str:
    """The table's rules, with what each covers."""
    if table is None:
        return "no table\n"
    lines = []
    for rule in table.rules:
        cells = "; ".join(f"{', '.join(sorted(actions))} on {kind}" for kind, actions in sorted(rule.cells.items()))
        lines.append(
            f"{rule.role or rule.block}: {rule.effect} {cells}"
            + (f" when {rule.condition_text}" if rule.condition_text else "")
        )
    return "".join(f"{line}\n" for line in sorted(lines)) or "no rules\n"


@pytest.mark.parametrize("name", FILES)
def test_corpus(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: SnapshotAssertion) -> None:
    """The source, then what each stage makes of it, then what the user sees."""
    source = lay_out(name, tmp_path)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(remit, ["lint"])
    parts = [f"== source\n{source}"]
    for policy in policies_below(Path()):
        title = f" {policy}" if policy != Path() else ""
        parts.append(f"== parse{title}\n{parsed(policy)}")
        parts.append(f"== lower{title}\n{lowered(load(policy).compiled.table)}")
    parts.append(f"== lint, exit {result.exit_code}\n{result.output}")
    assert "\n".join(parts) == texts
    assert ("error[" in result.output) is not name.startswith("clean_")


def test_corpus_is_large() -> None:
    """The corpus holds typical mistakes and several clean policies."""
    assert len(FILES) >= 25
    assert len([name for name in FILES if name.startswith("clean_")]) >= 5


def test_corpus_is_only_read() -> None:
    """Nothing but sources lies in the corpus: no snapshot is kept there."""
    assert {file.suffix for file in CORPUS.iterdir()} == {".remit"}
