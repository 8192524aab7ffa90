"""The driven loop reads what lark's own loop reads, node by node, and stops where it stops."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from lark import Lark
from lark.exceptions import UnexpectedInput

from remit.source import Source, Span
from remit.syntax import parser
from remit.syntax.builder import Builder
from remit.syntax.parser import grammar_text, parse

ROOT = Path(__file__).resolve().parents[2]
POLICIES = sorted((ROOT / "policies").rglob("*.remit"))
PIECES = (
    *("allow", "deny", "role", "in", "on", "not", "name", "sensitive", "{", "}", "(", ")", ",", ".", "-", "=", "\n"),
    *("# why\n", '"text"', "`a b`", "5", "5m", "é"),
)


@lru_cache(maxsize=1)
def larks_own() -> tuple[Lark, Builder]:
    builder = Builder()
    return Lark(
        grammar_text(), parser="lalr", lexer="contextual", transformer=builder, maybe_placeholders=False
    ), builder


def plain(node: Any) -> Any:
    """A node as plain data, with the places of everything."""
    if isinstance(node, Span):
        return (node.start, node.end)
    if isinstance(node, Source):
        return None
    if isinstance(node, list | tuple):
        return [plain(item) for item in node]
    slots = getattr(type(node), "__slots__", None)
    names = slots if slots is not None else getattr(node, "__dict__", ())
    if isinstance(node, str | int | bool | None) or not names:
        return node
    return [type(node).__name__, *(plain(getattr(node, name)) for name in names)]


def texts() -> Iterator[tuple[str, str]]:
    """Every shipped policy, whole; and with a few words of it left out, doubled, or others put between."""
    dice = random.Random(5)
    for path in POLICIES:
        text = path.read_text(encoding="utf-8")
        yield path.name, text
        for _ in range(6):
            words = text.split(" ")
            at = dice.randrange(len(words))
            words[at : at + dice.randrange(2)] = [dice.choice(PIECES)] * dice.randrange(3)
            yield f"{path.name} changed at word {at}", " ".join(words)


@pytest.mark.parametrize(("name", "text"), [pytest.param(*item, id=f"{at}") for at, item in enumerate(texts())])
def test_reads_what_lark_reads(name: str, text: str) -> None:
    """The same statements from a text without errors; else the first error where lark finds it."""
    lark, builder = larks_own()
    builder.begin(Source("x.remit", text))
    file, findings = parse(Source("x.remit", text))
    try:
        lark.parse(text)
    except UnexpectedInput as error:
        assert findings, f"{name}: lark refuses it"
        at = error.pos_in_stream
        first = findings[0].span
        assert first is not None
        assert at is None or first.start <= at or findings[0].message == "the file ends too soon"
        return
    glued = [finding for finding in findings if finding.code in ("E001", "E007")]
    if glued:  # `5abc` is two words to lark and a mistake here
        assert "blank" in glued[0].help or glued[0].code == "E007", glued[0]
        return
    assert plain(file.statements) == plain(builder.statements), name


def test_words_are_counted_across_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a mistake makes the parser begin again, a file has one bound."""
    monkeypatch.setattr(parser, "MOST_WORDS", 200)
    text = "\n".join(f"condition c{at} = resource.n == {at}{'a' if at % 9 == 0 else ''}" for at in range(60))
    _, findings = parse(Source("x.remit", text))
    assert "E005" in [finding.code for finding in findings]


def test_blanks_take_no_memory() -> None:
    """A long run of comments is passed over, and nothing of it is kept in mind."""
    source = Source("x.remit", "#\n" * 300_000 + "policy x")
    parse(Source("x.remit", "policy x"))
    tracemalloc.start()
    parse(source)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 4 << 20
