"""What one role may is written in several places where one would do: an overlay extends the role in several
statements, a role opens the same areas in several blocks, or a file has several blocks `everyone` or `members`.
Whoever reviews the role finds the first place and takes it for all there is.

It would have caught an overlay that gave `manager` the right to export in one file and the right to delete in
another: each change had been approved by somebody who had not seen the other.

Blocks that name different areas are let be, also where they have some in common, and so is a block `everyone` in each
of several files. There is no fix: which place is the right one is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from remit.diagnostics import Diagnostic, Label
from remit.lint.bare_text import bare
from remit.lint.rule import Subject, rule
from remit.model.policy import Rule
from remit.source import Source, Span

_EXTEND = re.compile(r"(?<!\w)extend\s+role\s+(\w+)(?=\s*\{)")
_BLOCK = re.compile(r"(?<![\w,])(?P<in>in\s+|,\s*)?(?P<block>everyone|members)(?=\s*\{\s*(?:allow|deny|grant|in)\s)")
_IN = re.compile(r"(?<!\w)in\s+\w+(?:\s*,\s*\w+)*\Z")  # and not that of a condition before it
_NEAR = 4_000  # characters before a rule in which the head of its block is looked for


@rule("W105", "scattered-role")
def check(subject: Subject) -> Iterator[Diagnostic]:
    model = subject.model
    for name, role in model.roles.items():
        yield from _areas(f"role `{name}`", role.rules)
    for name, rules in model.extensions.items():
        yield from _areas(f"role `{name}`", rules)
    if model.extensions:
        yield from _extensions(subject.sources)
    for block, rules in (("everyone", model.everyone), ("members", model.members)):
        for source in {one.span.source.name: one.span.source for one in rules}.values():
            several = list(_blocks(source, block))
            inside = [one for one in rules if one.span.source is source]
            yield from several or _areas(f"`{block}`", inside)


def _again(message: str, span: Span, first: Span, into: str) -> Diagnostic:
    return check.finding(
        message, span, help=f"write the rules into {into}", secondary=[Label(first, "the first is here")]
    )


def _extensions(sources: Sequence[Source]) -> Iterator[Diagnostic]:
    """The roles that an overlay extends in several statements."""
    seen: dict[str, Span] = {}
    for source in sources:
        for found in _EXTEND.finditer(bare(source.text)):
            name = source.text[slice(*found.span(1))].strip("`")
            span = Span(source, *found.span())
            first = seen.setdefault(name, span)
            if first is not span:
                yield _again(f"role `{name}` is extended in several places", span, first, "one statement")


def _blocks(source: Source, block: str) -> Iterator[Diagnostic]:
    """The blocks of a name that a file has beyond the first."""
    heads = [
        found.span("block")
        for found in _BLOCK.finditer(bare(source.text))
        if found["block"] == block and not found["in"]
    ]
    for head in heads[1:]:
        message = f"this file has several blocks `{block}`"
        yield _again(message, Span(source, *head), Span(source, *heads[0]), "one block")


def _areas(whose: str, rules: Sequence[Rule]) -> Iterator[Diagnostic]:
    """The blocks of a body whose areas it had opened before."""
    seen: dict[frozenset[str], Rule] = {}
    before: Rule | None = None
    for one in rules:
        if one.areas is not None and not (before and before.areas == one.areas and _together(before, one)):
            first = seen.setdefault(frozenset(one.areas), one)
            if first is not one and first.span.source is one.span.source:
                areas = ", ".join(f"`{area}`" for area in one.areas)
                yield _again(f"{whose} opens {areas} in several blocks", _head(one), _head(first), "one block")
        before = one


def _together(one: Rule, other: Rule) -> bool:
    """Whether two rules that follow each other stand in one block."""
    source = one.span.source
    return source is other.span.source and "}" not in bare(source.text[one.span.end : other.span.start])


def _head(one: Rule) -> Span:
    """`in AREA, …` of the block that begins with a rule."""
    source = one.span.source
    start = (
        source.text.rfind("\n", 0, max(one.span.start - _NEAR, 0)) + 1
    )  # no string or comment goes on over a line's end
    said = bare(source.text[start : one.span.start]).rstrip().removesuffix("{").rstrip()
    before = max(said.rfind("{"), said.rfind("}")) + 1
    found = _IN.search(said, before)
    return Span(source, start + found.start(), start + len(said)) if found else one.span
