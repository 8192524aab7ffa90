"""The inner loop of parsing: lark's tables and terminals, driven without what a tree of its own tokens needs.

lark builds the grammar's LALR(1) tables, a lexer for each state (contextual: only what the state accepts), and the
callbacks that make a node of each rule's children. Its own loop keeps lines and columns for each token, matches blanks
as tokens that are thrown away, tells keywords from names by a second expression, and finds each rule's callback by a
hash of the rule. Here blanks and comments are a prefix of the expression, keywords a dictionary, and a step of the
tables a tuple that has all that a reduction needs. docs/benchmarks.md has the time beside that of lark's own tree.

    stack 0 7 12, next `on`       steps[12]["ON"] = (2, "names", callback): take two values, call, go on from gotos[0]
                                  steps[12]["COMMA"] = 15: shift

What goes wrong is told by lark: the same word is given to its own lexer and parser, which raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from lark import Lark, Token

from remit.syntax.pieces import Children

Callback = Callable[[Children], Any]
_BLANK = r"(?:[ \t\r\n]++|#[^\n]*+)*+"  # possessive: half of a comment is never given back, nor kept in mind
_skip = re.compile(_BLANK).match
_new: Any = str.__new__  # lark's own constructor sets lines and columns, too


class Reduction(NamedTuple):
    """A rule that has been read: so many values are its children."""

    size: int
    rule: str
    callback: Callback


class Scanner(NamedTuple):
    """What one state accepts. `match` has the terminal as its last group; `words` are the keywords among names."""

    match: Callable[[str, int], re.Match[str] | None]
    words: dict[str, str]


class Inlined:
    """The children of a rule that is none of its own: the rule around it takes them."""

    __slots__ = ("children",)

    def __init__(self, children: Children) -> None:
        self.children = children


class Tables:
    """lark's tables, as they are driven. `steps`: state → terminal → the state that it is shifted to, or what is
    reduced; `gotos`: state → rule → the state behind it."""

    def __init__(self, lark: Lark) -> None:
        parser: Any = lark.parser
        table, callbacks = parser.parser._parse_table, parser.parser.parser.callbacks
        self._lexers = parser.lexer.lexers
        self._scanners: dict[int, Scanner] = {}
        self._known: dict[int, Scanner] = {}  # by a lexer's identity: states may share one
        self.steps: dict[int, dict[str, int | Reduction]] = {}
        self.gotos: dict[int, dict[str, int]] = {}
        reductions: dict[Any, Reduction] = {}
        for state, actions in table.states.items():
            steps: dict[str, int | Reduction] = {}
            gotos: dict[str, int] = {}
            for symbol, (action, to) in actions.items():
                if action.name == "Shift":
                    (steps if symbol.isupper() or symbol[0] == "$" else gotos)[symbol] = to
                    continue
                if to not in reductions:
                    reductions[to] = Reduction(len(to.expansion), to.origin.name, _callback(to, callbacks[to]))
                steps[symbol] = reductions[to]
            self.steps[state], self.gotos[state] = steps, gotos

    def scanner(self, state: int) -> Scanner:
        """What a state accepts, compiled when it is first reached."""
        found = self._scanners.get(state)
        if found is None:
            lexer = self._lexers[state]
            found = self._known.get(id(lexer))
            if found is None:
                found = self._known[id(lexer)] = _scanner(lexer)
            self._scanners[state] = found
        return found


def _callback(rule: Any, callback: Any) -> Callback:
    if not rule.origin.name.startswith("_"):
        return callback  # type: ignore[no-any-return]  # lark's
    chosen = getattr(callback, "to_include", None)  # which of its children are kept
    return Inlined if chosen is None else type(callback)(chosen, Inlined)


def _scanner(lexer: Any) -> Scanner:
    scanner, keywords = lexer.scanner, lexer.callback.get("NAME")
    terminals = [terminal for terminal in scanner.terminals if terminal.name not in lexer.ignore_types]
    either = "|".join(f"(?P<{terminal.name}>{terminal.pattern.to_regexp()})" for terminal in terminals)
    words = {} if keywords is None else {word.pattern.value: word.name for word in keywords.scanner.terminals}
    return Scanner(re.compile(f"{_BLANK}(?:{either})").match, words)


def token(kind: str, text: str, start: int, end: int) -> Token:
    """A token of lark's with its offsets alone."""
    made: Token = _new(Token, text)
    made.type, made.value, made.start_pos, made.end_pos = kind, text, start, end
    return made


def behind_blanks(text: str, at: int) -> int:
    """Where the next word or sign stands."""
    found = _skip(text, at)
    assert found is not None
    return found.end()
