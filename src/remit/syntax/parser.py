"""Source → tree, with every syntax error of a file in one run.

The grammar is `grammar/remit.lark`, LALR(1) with a contextual lexer (lark). Errors are mended in *panic mode*
(Aho, Sethi, Ullman, "Compilers", 4.8): after an error the parser skips to the next word that can begin something,
at the start of a line, and takes states off its stack until one is found that expects that word. So a bad rule costs
that rule, and a missing `}` shows at the next statement and costs only the statement that lacks it:

    role vet {
      allow read onn record       ← error 1; the next line begins a rule, and the role's state expects rules
      deny delete on record
    role viewer { }               ← error 2: `role` begins a statement; the stack is cut down to the file's state

What a lost statement would have declared is kept (`Broken`), so that no later stage calls its name unknown.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from remit.diagnostics import MOST_FINDINGS, Diagnostic, Label, nearest
from remit.source import Source, Span
from remit.syntax import tree
from remit.syntax.builder import Builder
from remit.syntax.driving import Reduction, Tables, behind_blanks, token

DEEPEST = 120  # nesting of brackets and `not`: far beyond any policy, far below what recursion stands
LONGEST = 16 * 1024 * 1024  # characters in one file
MOST_WORDS = 1_200_000  # words and signs in one file: what fits in a gigabyte of memory, however dense

STATEMENTS = [
    "policy",
    "scope",
    "area",
    "actions",
    "context",
    "user",
    "claims",
    "condition",
    "locked",
    "role",
    "extend",
    "everyone",
    "members",
    "assignments",
    "guard",
    "assert",
    "test",
]
_INNER = ["resource", "permission", "allow", "deny", "grant", "in", "on", "given", "individual", "roles"]
_HEAD = re.compile(rf"(?:^|(?<=\n))[ \t\r]*({'|'.join(STATEMENTS + _INNER)})(?![A-Za-z0-9_])")
_DECLARES = re.compile(
    r"(?:locked\s+)?(area|scope|role|condition|actions|guard|resource|permission)\s+([A-Za-z_][A-Za-z0-9_]*|`[^`\n]+`)"
)
_OPENING = frozenset({"LPAR", "LBRACE", "LSQB", "NOT"})
_APART = frozenset(' \n\r\t,:.(){}[]#"`=<>!?|/*-')  # what may follow any word without a blank
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_lock = Lock()


def grammar_text() -> str:
    """The grammar: from the installed package, else from the checkout (an editable install has no copy of it)."""
    installed = Path(__file__).parent.parent / "grammar" / "remit.lark"
    if installed.is_file():
        return installed.read_text(encoding="utf-8")
    return (Path(__file__).parents[3] / "grammar" / "remit.lark").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _parser() -> tuple[Lark, Tables, Builder]:
    builder = Builder()
    lark = Lark(grammar_text(), parser="lalr", lexer="contextual", transformer=builder, maybe_placeholders=False)
    return lark, Tables(lark), builder


def parse(source: Source) -> tuple[tree.File, list[Diagnostic]]:
    """The file's statements, and what is wrong with its syntax. Never raises for anything a text may hold."""
    unreadable = _unreadable(source)
    if unreadable:
        return tree.File(source, [], [tree.Broken("file", None)]), [unreadable]
    with _lock:  # the parser's callbacks share one builder
        lark, tables, builder = _parser()
        builder.begin(source)
        run = _Run(lark, tables, source)
        run.go()
        findings = run.findings + builder.findings
        return tree.File(source, builder.statements, run.broken), findings


def _unreadable(source: Source) -> Diagnostic | None:
    text = source.text
    if text.startswith("\ufeff"):
        return Diagnostic(
            "E002", "the file begins with a byte-order mark", Span(source, 0, 1), help="save it as UTF-8 without one"
        )
    if len(text) > LONGEST:
        return Diagnostic(
            "E005",
            f"the file is too large: {len(text):,} characters, where {LONGEST:,} are read",
            Span(source, 0, 0),
            help="split the policy into several files of one folder",
        )
    return None


class _Run:
    """One parse. INVARIANT: after each mend the position grows, or the stack is shorter at the same position."""

    def __init__(self, lark: Lark, tables: Tables, source: Source) -> None:
        self.tables = tables
        self.source = source
        self.text = source.text
        self.findings: list[Diagnostic] = []
        self.broken: list[tree.Broken] = []
        self.interactive: Any = lark.parse_interactive(self.text)
        self.state: Any = self.interactive.parser_state
        self.lexer: Any = self.interactive.lexer_thread
        self.table: Any = self.state.parse_conf.parse_table
        self.terminals = {name.lower(): name for name in (t.name for t in lark.terminals)}
        self.tried: set[int] = set()  # heads the parser was stood before
        self.words = 0

    def go(self) -> None:
        at = 0
        while len(self.findings) < MOST_FINDINGS - 1:
            try:
                self._feed()
                return
            except _TooLongError:
                here = self.lexer.state.line_ctr.char_pos
                help = "split the policy into several files of one folder"
                message = f"the file is too large: {MOST_WORDS:,} words and signs are read"
                self._add("E005", message, Span(self.source, here, here), "not read from here on", help)
                self.broken.append(tree.Broken("file", None))
                return
            except UnexpectedInput as error:
                at = self._report(error)
                if not self._mend(at):
                    return
        stop = self.text.find("\n", at) + 1 or len(self.text)
        self._add(
            "E011",
            "too many syntax errors",
            Span(self.source, stop, stop),
            "not read from here on",
            "mend those above first",
        )
        self.broken.append(tree.Broken("file", None))

    def _feed(self) -> None:
        """Reads on from where the lexer stands. Raises UnexpectedInput, and `_TooLongError`."""
        text, stack, values = self.text, self.state.state_stack, self.state.value_stack
        steps, gotos, scanner, length = self.tables.steps, self.tables.gotos, self.tables.scanner, len(self.text)
        at, left = self.lexer.state.line_ctr.char_pos, MOST_WORDS - self.words
        try:
            while True:
                scan, words = scanner(stack[-1])
                found = scan(text, at)
                if found is None:
                    break
                kind: Any = found.lastgroup
                start, at = found.span(kind)
                if kind == "NAME":
                    kind = words.get(text[start:at], kind)
                left -= 1
                if left < 0:
                    self.lexer.state.line_ctr.char_pos = at
                    raise _TooLongError
                if (
                    at < length
                    and text[at] not in _APART
                    and text[at - 1] not in '"`)'
                    and _glued(text[at - 1], text[at])
                ):
                    raise UnexpectedCharacters(text, at, 0, 0)  # type: ignore[no-untyped-call]  # lark
                if kind in _OPENING and len(stack) > DEEPEST:
                    raise _TooDeep(text, start, 0, 0)
                word = token(kind, text[start:at], start, at)
                step = steps[stack[-1]].get(kind)
                while step.__class__ is Reduction:
                    size, rule, callback = step
                    children = values[-size:] if size else []
                    if size:
                        del stack[-size:], values[-size:]
                    values.append(callback(children))
                    stack.append(gotos[stack[-1]][rule])
                    step = steps[stack[-1]].get(kind)
                if step is None:
                    self.state.feed_token(word)  # which raises
                stack.append(step)
                values.append(word)
        finally:
            self.words = MOST_WORDS - left
        self._finish(behind_blanks(text, at))

    def _finish(self, at: int) -> None:
        """At the end of the text, or before what no state accepts: lark says what that is."""
        self.lexer.state.line_ctr.char_pos = at
        for word in self.lexer.lex(self.state):
            self.state.feed_token(word)  # what another state would accept
        self.state.feed_token(Token("$END", "", at, 0, 0), True)

    # -- reporting -------------------------------------------------------------------------------------------------

    def _report(self, error: UnexpectedInput) -> int:
        """Adds the finding; where the error stands."""
        if isinstance(error, UnexpectedToken) and error.token.type != "$END":
            at = error.token.start_pos or 0
            span = Span(self.source, at, error.token.end_pos or at)
        elif isinstance(error, UnexpectedToken):
            at = len(self.text)
            last = len(self.text.rstrip())
            span = Span(self.source, max(last - 1, 0), max(last, 1))
        else:
            at = _offset(error)
            span = Span(self.source, at, at + 1)
        if isinstance(error, _TooDeep):
            self._add("E006", "nested too deeply", span, help=f"at most {DEEPEST} levels; name parts with `condition`")
            return at
        if isinstance(error, UnexpectedToken) and error.token.type == "$END":
            unclosed = self._unclosed("LBRACE", "RBRACE")
            help = "is a `}` missing?" if unclosed else ""
            self._add("E001", "the file ends too soon", span, self._expected(error), help, *unclosed)
        elif isinstance(error, UnexpectedToken):
            self._unexpected(span, error)
        else:
            self._character(span, error)
        return at

    def _unexpected(self, span: Span, error: UnexpectedInput) -> None:
        """A word that cannot stand where it does. Before the next statement, a block that was never closed."""
        begins = (
            span.text in STATEMENTS and not self.text[self.text.rfind("\n", 0, span.start) + 1 : span.start].strip()
        )
        unclosed = self._unclosed("LBRACE", "RBRACE") if begins else []
        help = "is a `}` missing before it?" if unclosed else self._advice(span)
        bracket = self._unclosed("LPAR", "RPAR") if not help else []
        help = "is a `)` missing before it?" if bracket else help
        self._add("E001", f"unexpected {_spoken(span.text)}", span, self._expected(error), help, *unclosed, *bracket)

    def _add(self, code: str, message: str, span: Span, label: str = "", help: str = "", *others: Label) -> None:
        if not self.findings or self.findings[-1].span is None or self.findings[-1].span.start != span.start:
            self.findings.append(Diagnostic(code, message, span, label, help, others))

    def _unclosed(self, opening: str, closing: str) -> list[Label]:
        """The innermost bracket that is open, where the closing one may come."""
        if closing not in self.interactive.accepts():
            return []
        opened = [value for value in self.state.value_stack if isinstance(value, Token) and value.type == opening]
        at = (opened[-1].start_pos or 0) if opened else 0
        return [Label(Span(self.source, at, at + 1), "opened here")] if opened else []

    def _expected(self, error: UnexpectedInput) -> str:
        accepted = self.interactive.accepts()
        words = sorted(_WORDS.get(name, f"`{name.lower()}`") for name in accepted if name != "$END")
        if not words or len(words) > 9:
            return ""
        return "expected " + (" or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0])

    def _advice(self, span: Span) -> str:
        word, accepted = span.text, self.interactive.accepts()
        if word == "=" and "EQ" in accepted:
            return "`==` compares"
        if word in ("==", "!=", "<", "<=", ">", ">=") and "COMMA" not in accepted:
            return "comparisons do not chain: join them with `and`"
        if word.lower() in STATEMENTS and "NAME" in accepted:
            return f"as a name, write it in backticks: `` `{word}` ``"
        if "ASSERT" in accepted and word in _HOMES:
            return _HOMES[word]
        if word in _ELSEWHERE:
            return _ELSEWHERE[word]
        near = nearest(word, (name.lower() for name in accepted if name not in _WORDS)) if len(word) > 1 else None
        return f"`{near}` has a similar spelling" if near else ""

    def _character(self, span: Span, error: UnexpectedInput) -> None:
        character = span.text
        if character == '"':
            stop = self.text.find("\n", span.start)
            whole = Span(self.source, span.start, len(self.text) if stop < 0 else stop)
            if not _STRING.match(self.text, span.start):
                self._add("E001", "the string does not end on its line", whole, help='close it with `"`')
                return
            self._add("E001", "unexpected string", Span(self.source, span.start, span.start + 1))
            return
        if character == "`":
            self._add("E001", "the name in backticks does not end on its line", span, help="close it with a backtick")
            return
        if unicodedata.category(character) in _UNSEEN:
            self._add("E002", f"the text holds an unseen character, U+{ord(character):04X}", span, help="remove it")
            return
        if ord(character) > 126:
            named = unicodedata.name(character, "unnamed").lower()
            written = f"U+{ord(character):04X}" if unicodedata.combining(character) else f"`{character}`"
            message = f"{written} ({named}) cannot stand in a plain name"
            help = "names are of a-z, A-Z, 0-9 and _; any other name goes in backticks"
            if not character.isalnum():
                message = f"{written} ({named}) cannot stand here"
                help = 'strings stand in `"`' if "quotation mark" in named else "it may stand in strings and comments"
            self._add("E007", message, span, help=help)
            return
        word = re.compile(r"[A-Za-z0-9_]+|.", re.DOTALL).match(self.text, span.start)
        end = word.end() if word else span.end
        start = span.start
        while start > 0 and _glued(self.text[start - 1], self.text[start]):
            start -= 1
        span = Span(self.source, start, end)
        if start < _offset(error):  # glued to what stands before it, which is not yet read
            first = self.text[start : _offset(error)]
            help = self._advice(span) or f"put a blank after `{first}`"
            self._add("E001", f"unexpected {_spoken(span.text)}", span, self._expected(error), help)
        else:
            self._unexpected(span, error)

    # -- mending ---------------------------------------------------------------------------------------------------

    def _mend(self, at: int) -> bool:
        """Stands the parser before the next word that some state on the stack expects; False at the end."""
        self._close()
        line_start = self.text.rfind("\n", 0, at) + 1
        for match in _HEAD.finditer(self.text, line_start):
            head = match.start(1)
            again = head < at
            if again and (head in self.tried or not _FILE_LEVEL.match(self.text, head)):
                continue
            depth = self._depth_for(self.terminals[match[1]], file_level=again)
            if depth:
                self.tried.add(head)
                if self._at_file_level(depth):
                    self._lose(at)
                del self.state.state_stack[depth:]
                del self.state.value_stack[depth - 1 :]
                self.lexer.state.line_ctr.char_pos = head
                self.lexer.state.last_token = None
                return True
        self._lose(at)
        return False

    def _close(self) -> None:
        """Finishes a block whose `}` is read and waits for the next word, which is the wrong one: else what follows
        would be read into a block that is closed."""
        stack, values = self.state.state_stack, self.state.value_stack
        last = values[-1] if values else None
        if not isinstance(last, Token) or last.type != "RBRACE":
            return
        for terminal in ("ASSERT", "RBRACE"):  # what may stand after it in a file, and inside another block
            while isinstance(step := self.tables.steps[stack[-1]].get(terminal), Reduction):
                size, rule, callback = step
                children = values[-size:] if size else []
                if size:
                    del stack[-size:], values[-size:]
                values.append(callback(children))
                stack.append(self.tables.gotos[stack[-1]][rule])

    def _depth_for(self, terminal: str, file_level: bool) -> int:
        """The highest state on the stack that shifts `terminal` (one that reduces on it merely ends there)."""
        stack, states = self.state.state_stack, self.table.states
        for depth in range(len(stack), 0, -1):
            action = states[stack[depth - 1]].get(terminal)
            if action and action[0].name == "Shift" and (not file_level or self._at_file_level(depth)):
                return depth
        return 0

    def _at_file_level(self, depth: int) -> bool:
        action = self.table.states[self.state.state_stack[depth - 1]].get("ASSERT")
        return bool(action) and action[0].name == "Shift"

    def _lose(self, at: int) -> None:
        """Remembers what the statement around `at` would have declared."""
        begin = 0
        for match in _TOP.finditer(self.text, 0, at + 1):
            begin = match.start(1)
        stop = _TOP.search(self.text, at + 1)
        lost = self.text[begin : stop.start(1) if stop else len(self.text)]
        found = False
        for declared in _DECLARES.finditer(lost):
            self.broken.append(tree.Broken(declared[1], declared[2].strip("`")))
            found = True
        if not found:
            self.broken.append(tree.Broken(lost.split(None, 1)[0] if lost.strip() else "file", None))


class _TooLongError(Exception):
    """More words than are read."""


class _TooDeep(UnexpectedCharacters):
    def __init__(self, text: str, at: int, line: int, column: int) -> None:
        super().__init__(text, at, line, column)  # type: ignore[no-untyped-call]  # lark


# Words that begin a statement and a part of one: after a missing `}` they are read as the part, and fail behind it.
_FILE_LEVEL = re.compile(r"(user|context)\s*\{|actions\s+\S+\s*=")
_TOP = re.compile(rf"(?:^|(?<=\n))[ \t\r]*({'|'.join(STATEMENTS)})(?![A-Za-z0-9_])")
# What other languages write, and what stands for it here.
_ELSEWHERE = {
    "&": "`and` joins conditions",
    "|": "`or` joins conditions",
    "!": "`not` turns a condition round",
    "'": 'strings stand in `"`',
    "/": "`#` begins a comment",
    ";": "no sign ends a line: leave it out",
    "contains": 'a set is asked the other way round: `"x" in resource.tags`',
    "forbid": "`deny` forbids",
    "permit": "`allow` permits",
    "can": "an example says `may`",
    "unless": "write `when not …`",
    "if": "write `when …`",
}
_STRING = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"')
_HOMES = {  # what a word is told that begins no statement
    **dict.fromkeys(("allow", "deny", "grant", "in"), "rules stand in a `role`, in `everyone` or in `members`"),
    **dict.fromkeys(("resource", "permission"), "it stands in an `area`"),
    **dict.fromkeys(("on", "individual", "roles"), "it stands in `assignments`"),
    "given": "it stands in a `test`",
    "}": "no block is open here",
}
_WORDS = {
    "NAME": "a name", "STRING": "a string", "INT": "a number", "DURATION": "a duration", "STAR": "`*`", "COMMA": "`,`",
    "COLON": "`:`", "DOT": "`.`", "SLASH": "`/`", "EQUAL": "`=`", "EQ": "`==`", "NE": "`!=`", "LE": "`<=`",
    "LT": "`<`", "GE": "`>=`", "GT": "`>`", "MINUS": "`-`", "QUESTION": "`?`", "BAR": "`|`", "LPAR": "`(`",
    "RPAR": "`)`", "LBRACE": "`{`", "RBRACE": "`}`", "LSQB": "`[`", "RSQB": "`]`", "IN_OPERATOR": "`in`",
}  # fmt: skip


def _offset(error: UnexpectedInput) -> int:
    found: Any = error.pos_in_stream
    return found or 0


def _glued(left: str, right: str) -> bool:
    return (left.isalnum() or left == "_") and (right.isalnum() or right == "_")


def _spoken(text: str) -> str:
    if text.startswith('"'):
        return "string"
    return f"`{text}`" if len(text) <= 40 else f"`{text[:37]}…`"
