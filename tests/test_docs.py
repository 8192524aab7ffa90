"""The pages hold: policies compile, directories bind, Python runs, commands print what is shown, links lead somewhere.

A fenced block may have a comment on the line above it, with words of these:

    <!-- base: NAME -->           this policy is NAME from here on, on every page
    <!-- with: NAME -->           compiled together with it; a directory is bound to it
    <!-- over: NAME -->           an overlay on it
    <!-- refused: CODE -->        must be refused, with just this code
    <!-- in: the new folder -->   the commands are called there, one of the page's own, and not in the checkout
    <!-- file: PATH -->           this file is there for the commands that follow, in the new folder

Moments, and hashes of what holds moments, differ in every run, as do the seconds it took: they are not compared.

After a change of what commands print: `python tests/test_docs.py` writes the new output into the pages.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from remit import Directory, DirectoryError, Policy, PolicyError
from remit.cli.main import COMMANDS, remit
from remit.project.sources import read
from remit.table import artifact, meaning
from remit.testing.run import run

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/decisions").glob("*.md"))]
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}  # the checkout stays as it is

_BLOCK = re.compile(r"(?:^<!-- (?P<marks>.*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.S | re.M)
_MARK = re.compile(r"(base|with|over|refused|in|file): (the new folder|\S+)")
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
_PROMPT = re.compile(r"^\$ ", re.M)
_MORE = "> "  # a command goes on
_VARYING = (  # what differs in every run, and what stands for it
    (re.compile(r"\d+\.\d s$", re.M), "0.1 s"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"), "2026-01-31T09:00:00.123456Z"),
    (re.compile(r"(?<=the last is )[0-9a-f]{16}"), "3f9c12ab77b1e0d4"),
    (re.compile(r'(?<="previous": ")[0-9a-f]{64}'), "3f9c12ab77b1e0d4" * 4),
)


class Block(NamedTuple):
    """A fenced block: its page, the line it begins on, its language, the words above it and its text."""

    page: Path
    line: int
    language: str
    marks: dict[str, str]
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    whole = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(whole):
        line = whole.count("\n", 0, found.start("language")) + 1
        marks = dict(_MARK.findall(found["marks"] or ""))
        yield Block(page, line, found["language"], marks, found["text"])


BLOCKS = [block for page in PAGES for block in blocks(page)]
BASES = {block.marks["base"]: block for block in BLOCKS if "base" in block.marks}


def of(language: str) -> Any:
    """A parameter for each block of a language."""
    found = [block for block in BLOCKS if block.language == language]
    return pytest.mark.parametrize("block", found, ids=[block.name for block in found])


def pages_with(language: str) -> Any:
    """A parameter for each page that has blocks of a language."""
    found = sorted({block.page for block in BLOCKS if block.language == language})
    return pytest.mark.parametrize("page", found, ids=[page.name for page in found])


def compiled(block: Block) -> Policy:
    """The policy a block stands for, with what its marks add. Raises PolicyError."""
    if "over" in block.marks:
        return Policy.from_sources({"example.remit": block.text}, base=compiled(BASES[block.marks["over"]]))
    sources = {"example.remit": block.text}
    if "with" in block.marks:
        sources["base.remit"] = BASES[block.marks["with"]].text
    return Policy.from_sources(sources)


# -- policies and directories ------------------------------------------------------------------------------------------


@of("remit")
def test_policy(block: Block) -> None:
    """A policy on a page compiles, its tests pass and no assert fails; one that is marked is refused with that code."""
    if code := block.marks.get("refused"):
        with pytest.raises(PolicyError) as refused:
            compiled(block)
        assert {finding.code for finding in refused.value.diagnostics} == {code}
        return
    results = run(compiled(block).table, time.time_ns)
    wrong = [f"{test.title}: {failure}" for test in results.tests for failure in test.failures]
    wrong += [f"{claim.title}: {claim.offences}" for claim in results.assertions if claim.result == "failed"]
    assert wrong == []


@of("yaml")
def test_directory(block: Block) -> None:
    """A directory on a page is read and fits its policy; one that is marked is refused with that code."""
    policy = compiled(BASES[block.marks["with"]])
    if code := block.marks.get("refused"):
        with pytest.raises(DirectoryError) as refused:
            policy.bind(Directory.from_text(block.text))
        assert {finding.code for finding in refused.value.diagnostics} == {code}
    else:
        policy.bind(Directory.from_text(block.text))


@of("json")
def test_meaning(block: Block) -> None:
    """A table on a page has the meaning that the policy above it is compiled to."""
    written = json.loads(artifact.write(compiled(BASES[block.marks["with"]]).table))
    assert json.loads(block.text) == written["meaning"]
    assert meaning.digest_of(meaning.canonical(json.loads(block.text))) == written["digest"]


def test_every_example_has_its_test() -> None:
    """A block is of a language that a test here looks at, or plain text or shell."""
    known = {"remit", "yaml", "json", "python", "console", "text", "sh", "mermaid"}
    known.add("yml")  # which tests/ci/test_pages.py looks at
    assert [block.name for block in BLOCKS if block.language not in known] == []


# -- Python ------------------------------------------------------------------------------------------------------------


@pages_with("python")
def test_python(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python of a page runs from its first block to its last, in the checkout, but for what is a file."""
    monkeypatch.chdir(ROOT)
    space: dict[str, object] = {"__name__": "page"}
    for block in blocks(page):
        if block.language == "python" and "file" not in block.marks:  # a file is for the commands to run
            code = compile("\n" * block.line + block.text, str(page), "exec")
            exec(code, space)  # noqa: S102  # the pages are ours


# -- commands ----------------------------------------------------------------------------------------------------------


def steady(output: str) -> str:
    """What a command printed, with what differs in every run made the same."""
    for pattern, stand_in in _VARYING:
        output = pattern.sub(stand_in, output)
    return output


def calls(block: Block) -> Iterator[tuple[str, str]]:
    """The commands of a block, each with the output that is shown."""
    for part in _PROMPT.split(block.text)[1:]:
        command, _, shown = part.partition("\n")
        while shown.startswith(_MORE):
            more, _, shown = shown.partition("\n")
            command += f"\n{more}"
        yield command, shown


def printed(page: Path) -> Iterator[tuple[Block, list[tuple[str, str]]]]:
    """The blocks of commands on a page, each command with what it prints now."""
    unwanted = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "REMIT_CORPORA")
    env = {name: value for name, value in os.environ.items() if name not in unwanted} | NO_BYTECODE
    env["PATH"] = str(Path(sys.executable).parent) + os.pathsep + env.get("PATH", "")
    with tempfile.TemporaryDirectory() as new:
        for block in blocks(page):
            if name := block.marks.get("file"):
                (Path(new) / name).parent.mkdir(parents=True, exist_ok=True)
                (Path(new) / name).write_text(block.text, encoding="utf-8")
            if block.language != "console":
                continue
            folder = new if "in" in block.marks else ROOT
            found, code = [], 0
            for command, _ in calls(block):
                script = command.replace(f"\n{_MORE}", "\n")
                done = subprocess.run(
                    ["/bin/sh", "-c", f"(exit {code})\n{script}"],  # so that `echo $?` tells of the command before
                    cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                )  # fmt: skip
                found.append((command, done.stdout.decode("utf-8")))
                code = done.returncode
            yield block, found


@pytest.mark.parametrize(
    "page", sorted({b.page for b in BLOCKS if b.language == "console"}), ids=lambda page: page.name
)
def test_commands(page: Path) -> None:
    """Each command on a page prints what stands below it, but for what differs in every run."""
    for block, found in printed(page):
        shown = [(command, steady(output)) for command, output in calls(block)]
        assert [(command, steady(output)) for command, output in found] == shown, block.name


def test_every_command_has_its_section() -> None:
    """docs/commands.md has a section for every command there is, and each section names every option,
    those of a group's commands too."""
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## `remit (\w+)`\n(.*?)(?=^## |\Z)", page, re.S | re.M))
    shared = page.partition("## `remit ")[0]
    assert sorted(sections) == sorted(COMMANDS)
    for name, section in sections.items():
        command = remit.get_command(None, name)  # type: ignore[arg-type,attr-defined]  # a group of ours needs no context
        inner = getattr(command, "commands", {})  # of a group
        assert [one for one in inner if f"remit {name} {one}" not in section] == [], name
        for one in [command, *inner.values()]:
            options = [option for parameter in one.params for option in parameter.opts if option.startswith("--")]
            shown = [option for option in options if f"`{option}" in section or f"`{option}" in shared]
            assert shown == options, f"{name} {one.name}"


# -- the pages themselves ----------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    heads = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links(page: Path) -> None:
    """Each link of a page that leads to a file or a heading of ours finds it."""
    for link in _LINK.findall(_BLOCK.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_key_of_a_directory_is_explained() -> None:
    """docs/directory.md names each key that the schema of directories has."""
    schema = json.loads((ROOT / "schema/directory.schema.json").read_text(encoding="utf-8"))
    keys = {key for shape in (schema, *schema["$defs"].values()) for key in shape.get("properties", {})}
    page = (ROOT / "docs/directory.md").read_text(encoding="utf-8")
    assert {key for key in keys if f"`{key}`" not in page} == set()


def test_decisions_are_numbered() -> None:
    """The pages of decisions are numbered from 1 without a gap, and each says what, why and what was left."""
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:03}-" for number in range(1, len(pages) + 1)]
    for page in pages:
        heads = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.M)
        assert heads == ["What", "Why", "What was left"], page.name


def test_readme_asks_the_shipped_policy() -> None:
    """The command under Try it is one block, and explains an allowed decision on a policy that is here."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^## Try it\b.*?^```sh\n(.*?)^```", page, re.S | re.M)
    assert found is not None
    named = re.search(r"remit explain --policy (\S+)", found[1])
    assert named is not None
    assert read(ROOT / named[1])[0] != []


def rewrite() -> None:
    """Puts into every page what its commands print now."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block, found in printed(page):
            assert "Traceback" not in str(found), block.name
            now = "".join(f"$ {command}\n{steady(output)}" for command, output in found)
            text = text.replace(f"```console\n{block.text}```", f"```console\n{now}```", 1)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    rewrite()
