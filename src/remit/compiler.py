"""The compiler on one screen. Every stage is a pure function that returns what it found wrong beside what it made.

| stage | from | to | module |
|---|---|---|---|
| parse | source texts | syntax trees | `remit.syntax.parser` |
| check | trees, and the base's model | model: names bound, types checked | `remit.model.check` |
| lower | model | decision table | `remit.table.lower` |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from remit.collection import paused
from remit.diagnostics import Diagnostic, ordered
from remit.model.check import check
from remit.model.policy import Model
from remit.source import Source
from remit.syntax import tree
from remit.syntax.parser import parse
from remit.table.lower import lower
from remit.table.shape import Table


class Compiled(NamedTuple):
    """`table` is None where there are errors; `findings` are all of them, in order."""

    model: Model
    table: Table | None
    findings: list[Diagnostic]


def parse_all(sources: Sequence[Source]) -> tuple[list[tree.File], list[Diagnostic]]:
    """Every source's tree, and what is wrong with their syntax."""
    with paused():
        parsed = [parse(source) for source in sources]
    return [file for file, _ in parsed], [finding for _, found in parsed for finding in found]


def compile_files(
    files: Sequence[tree.File], findings: Sequence[Diagnostic], base: Model | None, name: str
) -> Compiled:
    """Check and lower what is parsed already."""
    with paused():
        model, wrong = check(files, base, name)
        found = ordered([*findings, *wrong])
        return Compiled(model, None if found else lower(model), found)


def compile_sources(sources: Sequence[Source], base: Model | None = None, name: str = "policy") -> Compiled:
    """The whole way, for one policy or for an overlay over `base`."""
    files, findings = parse_all(sources)
    return compile_files(files, findings, base, name)
