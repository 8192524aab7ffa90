"""Comments that keep findings silent, and what becomes of them.

    allow refund on order  # remit: ignore[W305] -- the two are merged in June     the findings of this line
    # remit: ignore[W305, dead-rule] -- kept for the audit                          those of the next line of text
    # remit: ignore-file[W305] -- written by a machine                              those of the file, from its top

Of the line: findings whose underlined text begins there, or, where the comment stands at a line's end, also ends there.
Only warnings can be kept silent, and only with a reason. A comment is found where the language has one: in a policy not
inside a string or a name in backticks, in a directory not inside a scalar.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from remit.codes import CODES
from remit.diagnostics import Diagnostic, nearest, similar
from remit.directory.nodes import Mapping, Scalar
from remit.directory.nodes import Sequence as Items
from remit.directory.yaml_tree import compose
from remit.source import Source, Span

FORM = "# remit: ignore[CODE] -- REASON"
SPEAK_OF_SILENCE = "W90"  # findings about these comments and the baseline, which no comment keeps silent

_WORDS = ("ignore", "ignore-file")
_BY_NAME = {name: code for code, name in CODES.items()}
# A string that does not end hides the rest of its line: tried from each of its quotes, it would take for ever.
_COMMENT = re.compile(r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?|`[^`\n]*+`?|(#[^\n]*)')
_IN_YAML = re.compile(r"(?<!\S)#[^\n]*")
_HINT = re.compile(
    r"(?<!\S)#+[ \t]*remit(?:[ \t]*:[ \t]*([A-Za-z_-]+)|[ \t]+(ignore(?:-file)?)[ \t]*\[)", re.IGNORECASE
)
_FIRST = re.compile(r"^[ \t\r]*[^#\s][^\n]*", re.MULTILINE)
_WHOLE = re.compile(r"#[ \t]*remit:[ \t]*(ignore|ignore-file)[ \t]*\[([^]\n]*)\][ \t]*(?:--[ \t]*(\S.*)?)?")


class Trouble(NamedTuple):
    """What is wrong in a comment, where, and what to write instead."""

    message: str
    span: Span
    help: str


class Suppression(NamedTuple):
    """One comment. `span` is its text; `line` the line it speaks of, 0 for the whole file or for none. `codes` are the
    known ones with their places. Without a reason it keeps nothing silent."""

    span: Span
    whole_file: bool
    line: int
    alone: bool
    codes: tuple[tuple[str, Span], ...]
    reason: str
    troubles: tuple[Trouble, ...] = ()

    @property
    def holds(self) -> bool:
        return bool(self.reason)


@dataclass
class Silence:
    """The comments of one text, and which of their codes kept something silent. `ran`: the codes that were looked for;
    of the others nobody knows whether they would be found."""

    source: Source
    comments: Sequence[Suppression]
    ran: Collection[str]
    used: set[tuple[int, int]] = field(default_factory=set)  # comment, code: their numbers
    _places: dict[tuple[str, int], list[tuple[int, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, comment in enumerate(self.comments):
            for at, (code, _) in enumerate(comment.codes):
                if comment.holds and (comment.line or comment.whole_file):
                    self._places.setdefault((code, comment.line), []).append((number, at))

    def silences(self, finding: Diagnostic) -> Suppression | None:
        """The comment that keeps a finding of this text silent, which is then used: the line's before the file's."""
        if finding.span is None or not self._places:
            return None
        first = finding.span.line
        last = self.source.position(max(finding.span.end - 1, finding.span.start))[0]
        for line in dict.fromkeys((first, last, 0)):
            for number, at in self._places.get((finding.code, line), ()):
                if line in (first, 0) or not self.comments[number].alone:
                    self.used.add((number, at))
                    return self.comments[number]
        return None

    def unused(self) -> Iterator[tuple[Suppression, list[int]]]:
        """Comments with those of their codes, by number, that were looked for and kept nothing silent."""
        for number, comment in enumerate(self.comments):
            if comment.holds:
                found = [
                    at
                    for at, (code, _) in enumerate(comment.codes)
                    if code in self.ran and (number, at) not in self.used
                ]
                if found:
                    yield comment, found


def suppressions(source: Source, yaml: bool = False) -> list[Suppression]:
    """The comments of a text that speak to the linter, malformed ones too. `yaml`: it is a directory's."""
    if "remit" not in source.text.lower():
        return []
    reader = _Reader(source)
    for start, text in _in_yaml(source) if yaml else _in_policy(source):
        hints = [hint for hint in _HINT.finditer(text) if _speaks((hint[1] or hint[2]).lower())]
        ends = [*(hint.start() for hint in hints[1:]), len(text)]
        for hint, end in zip(hints, ends, strict=False):
            reader.read(start, Span(source, start + hint.start(), start + len(text[:end].rstrip())))
    return reader.found


def _speaks(word: str) -> bool:
    return word in _WORDS or nearest(word.replace("_", "-"), _WORDS) is not None


def _in_policy(source: Source) -> Iterator[tuple[int, str]]:
    for found in _COMMENT.finditer(source.text):
        if found[1] and "remit" in found[1].lower():
            yield found.start(1), found[1]


def _in_yaml(source: Source) -> Iterator[tuple[int, str]]:
    """A `#` behind a blank begins a comment, unless a scalar holds it."""
    candidates = [found for found in _IN_YAML.finditer(source.text) if _HINT.search(found[0])]
    if not candidates:
        return
    root, _ = compose(source)
    scalars: list[Scalar] = []
    pending = [root] if root is not None else []
    while pending:
        node = pending.pop()
        if isinstance(node, Scalar):
            scalars.append(node)
        elif isinstance(node, Mapping):
            scalars += [key for key, _ in node.entries.values()]
            pending += [value for _, value in node.entries.values()]
        elif isinstance(node, Items):
            pending += node.items
    held = sorted((one.start, one.end) for one in scalars if "#" in source.text[one.start : one.end])
    for found in candidates:
        before = bisect(held, (found.start(), len(source.text))) - 1
        if before < 0 or held[before][1] <= found.start():
            yield found.start(), found[0]


class _Reader:
    """Reads the comments of one text, in their order."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: list[Suppression] = []
        top = _FIRST.search(source.text)
        self.top = top.end() if top else len(source.text)  # where the first line of text ends
        self.next = -1  # the line of text after the comments that were read last; 0 where none follows

    def read(self, comment: int, span: Span) -> None:
        """One comment's text. `comment` is where the `#` stands that it belongs to."""
        text = self.source.text
        alone = not text[text.rfind("\n", 0, comment) + 1 : comment].strip()
        whole = _WHOLE.fullmatch(span.text)
        if whole is None:
            help = f"the form is `{FORM}`, or `ignore-file` for a whole file"
            trouble = Trouble("this comment is no form of `ignore`, and keeps nothing silent", span, help)
            self.found.append(Suppression(span, False, 0, alone, (), "", (trouble,)))
            return
        whole_file = whole[1] == "ignore-file"
        troubles: list[Trouble] = []
        codes = [*_codes(Span(self.source, span.start + whole.start(2), span.start + whole.end(2)), troubles)]
        if whole_file and not (alone and comment < self.top):
            message = "`ignore-file` stands below the first line of text, and keeps nothing silent"
            troubles.append(Trouble(message, span, "move it to the top of the file, or write `ignore`"))
            codes = []
        line = 0 if whole_file else self.next_line(comment) if alone else self.source.position(comment)[0]
        reason = (whole[3] or "").strip()
        self.found.append(Suppression(span, whole_file, line, alone, tuple(codes), reason, tuple(troubles)))

    def next_line(self, at: int) -> int:
        """The number of the next line that is more than a comment; 0 where none follows. It is the same for all
        comments above it, and looked for once."""
        number = self.source.position(at)[0]
        if self.next == -1 or 0 < self.next <= number:
            text = self.source.text
            self.next = 0
            while (at := text.find("\n", at) + 1) > 0:
                number += 1
                stop = text.find("\n", at)
                if not _is_comment(text[at : stop if stop >= 0 else len(text)]):
                    self.next = number
                    break
        return self.next


def _codes(inside: Span, troubles: list[Trouble]) -> Iterator[tuple[str, Span]]:
    """The codes between the brackets."""
    for part in re.finditer(r"[^,]+", inside.text):
        word = part[0].strip()
        start = inside.start + part.start() + len(part[0]) - len(part[0].lstrip())
        span = Span(inside.source, start, start + max(len(word), 1))
        code = _BY_NAME.get(word, word)
        if code not in CODES:
            help = similar(word, [*CODES, *_BY_NAME], f"the codes are listed by their pages; the form is `{FORM}`")
            troubles.append(Trouble(f"there is no code `{word}`" if word else "a code is missing", span, help))
        elif not code.startswith("W"):
            message = f"`{word}` is an error, and no comment keeps an error silent"
            troubles.append(Trouble(message, span, "put right what it says"))
        elif code.startswith(SPEAK_OF_SILENCE):
            message = f"`{word}` speaks of what is kept silent, and no comment keeps it so"
            troubles.append(Trouble(message, span, "leave it out with --ignore, or in the settings"))
        else:
            yield code, span
    if not inside.text.strip():
        around = Span(inside.source, inside.start - 1, inside.end + 1)
        troubles.append(Trouble("this names no code", around, f"the form is `{FORM}`"))


def _is_comment(line: str) -> bool:
    return not (said := line.strip()) or said.startswith("#")
