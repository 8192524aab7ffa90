"""Every code has a page in docs/errors whose examples are run: the wrong one gives that code, the right one nothing.

What remit says in the pages is compared word for word. After a change of wording, write it anew and read it:

    REMIT_UPDATE_PAGES=1 pytest tests/test_error_pages.py
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from remit.cli.main import remit
from remit.codes import CODES

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "errors"
UPDATE = bool(os.environ.get("REMIT_UPDATE_PAGES"))

CODE = re.compile(r"[EWN]\d{3}")
BLOCK = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADS = re.compile(r"^(?:error|warning|note)\[(\w+)\]", re.MULTILINE)
FILES = {"remit": "main.remit", "yaml": "directory.yaml"}


class Block(NamedTuple):
    kind: str
    file: str
    text: str


class Page(NamedTuple):
    """`said` is the command that the page shows and what it printed."""

    title: str
    bad: list[Block]
    good: list[Block]
    command: str
    said: str


def blocks(text: str) -> list[Block]:
    return [Block(kind, file or FILES.get(kind, ""), body) for kind, file, body in BLOCK.findall(text)]


def page(code: str) -> Page:
    text = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    head, _, rest = text.partition("\n## Bad\n")
    bad, _, good = rest.partition("\n## Good\n")
    [said] = [block.text for block in blocks(bad) if block.kind == "text"]
    first, _, printed = said.partition("\n")
    return Page(
        head.splitlines()[0],
        [block for block in blocks(bad) if block.kind != "text"],
        blocks(good),
        first.removeprefix("$ "),
        printed,
    )


def lay_out(example: list[Block], folder: Path) -> None:
    """Writes an example's files; one that shows no policy goes with the index's."""
    for block in example:
        if block.kind == "sh":
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the `remit` of this environment
            environment = {**os.environ, "LC_ALL": "C.UTF-8", "PATH": path}
            subprocess.run(["bash", "-euc", block.text], cwd=folder, check=True, env=environment)
        else:
            file = folder / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
    if (folder / "directory.yaml").exists() and not (folder / "main.remit").exists():
        [shared] = blocks((PAGES / "README.md").read_text(encoding="utf-8"))
        (folder / "main.remit").write_text(shared.text, encoding="utf-8")


def run(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Exit code and everything printed by a command in a folder."""
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(remit, shlex.split(command)[1:])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def strings(source: str) -> set[str]:
    return {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def raised() -> set[str]:
    """Every code that stands as a string in the package, outside the registry."""
    files = [file for file in (ROOT / "src").rglob("*.py") if file.name != "codes.py"]
    return {word for file in files for word in strings(file.read_text(encoding="utf-8")) if CODE.fullmatch(word)}


def test_registry_is_complete() -> None:
    """Every code that the package raises is in the registry, and every entry is raised."""
    assert raised() == set(CODES)


def test_names_are_told_once() -> None:
    """No two codes share a name, and names are in kebab case."""
    assert len(set(CODES.values())) == len(CODES)
    assert [name for name in CODES.values() if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name)] == []


def test_pages_are_complete() -> None:
    """Every code has a page, every page a code, and the index lists each with its name."""
    assert {file.stem for file in PAGES.glob("*.md")} == {"README", *CODES}
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(\w+)\]\((\w+)\.md\) \| (\S+) \|$", index, re.MULTILINE) == [
        (code, code, name) for code, name in CODES.items()
    ]


@pytest.mark.parametrize("code", CODES)
def test_bad_example(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wrong example gives its code and no other error, and the page shows what remit says."""
    shown = page(code)
    assert shown.title == f"# {code} {CODES[code]}"
    lay_out(shown.bad, tmp_path)
    exit_code, printed = run(shown.command, tmp_path, monkeypatch)
    if UPDATE:
        file = PAGES / f"{code}.md"
        text = re.sub(
            r"(?ms)^```text\n.*?^```$", lambda _: f"```text\n$ {shown.command}\n{printed}```", file.read_text("utf-8")
        )
        file.write_text(text, encoding="utf-8")
        shown = page(code)
    assert {found for found in HEADS.findall(printed) if found == code or found.startswith("E")} == {code}
    assert exit_code in (1, 2)
    assert printed == shown.said


@pytest.mark.parametrize("code", CODES)
def test_good_example(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The right example gives no finding of the code, and no error."""
    shown = page(code)
    lay_out(shown.good, tmp_path)
    _, printed = run(shown.command, tmp_path, monkeypatch)
    assert [found for found in HEADS.findall(printed) if found == code or found.startswith("E")] == []
