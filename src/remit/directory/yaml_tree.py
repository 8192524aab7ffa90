"""YAML, and so JSON, as a tree of nodes that know their place.

PyYAML's own composer recurses (100,000 brackets crash the process in its C form), keeps the last of two equal keys and
follows aliases. So the nodes are put together here, from the stream of events, with a stack kept by hand and a cap on
its depth: `users: {ann: {}}` is mapping start, scalar, mapping start, scalar, mapping start, three ends.
Offsets are those of the events' marks, which count code points in both of PyYAML's parsers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from remit.diagnostics import MOST_FINDINGS, Diagnostic, Label
from remit.directory import surrogates
from remit.directory.nodes import Hole, Mapping, Node, Scalar, Sequence, span_of
from remit.source import Source, Span

# Without libyaml the parser in Python does: ten times slower, otherwise the same. Neither ever constructs anything.
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

DEPTH = 50  # mappings and lists inside each other

# What no YAML text may hold, and the line ends of YAML 1.1 that JSON does not know: they would be folded in silence.
_UNREADABLE_ASCII = r"[^\t\n\r -~]"
_UNREADABLE = "[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"  # 5 ms to compile
_PROPERTY = re.compile(r"[&!]\S*")


def compose(source: Source) -> tuple[Node | None, list[Diagnostic]]:
    """The tree of a text, and what is wrong with it.

    None is an empty document, or, with errors beside it, a text that could not be read to its end. Duplicate keys,
    anchors, tags, aliases and merge keys are reported and left out of a tree that is otherwise whole.
    """
    unreadable = _unreadable(source)
    if unreadable:
        return None, unreadable
    return _Composer(source).run()


def _unreadable(source: Source) -> list[Diagnostic]:
    """The characters that cannot be kept as they are; the first of them are enough."""
    findings: list[Diagnostic] = []
    for found in re.finditer(_UNREADABLE_ASCII if source.text.isascii() else _UNREADABLE, source.text):
        mark = found[0] == "\ufeff"
        what = "a byte-order mark" if mark else f"the unreadable character `U+{ord(found[0]):04X}`"
        findings.append(
            Diagnostic(
                code="E417",
                message=f"the text has {what}",
                span=Span(source, found.start(), found.end()),
                help="save the file as UTF-8 without a byte-order mark" if mark else _unescaped(found[0]),
            )
        )
        if len(findings) == MOST_FINDINGS:
            break
    return findings


def _unescaped(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return "save the file as UTF-8 text"
    return f"write it as `\\u{ord(character):04x}` in double quotes"


_DROPPED = Scalar("", 0, 0)  # stands where a key cannot be kept; its value is dropped with it


class _Composer:
    """One run over the events of one text."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.findings: list[Diagnostic] = []
        self.masked = surrogates.masked(source.text)

    def fail(self, code: str, message: str, start: int, end: int, help: str = "", *labels: Label) -> None:
        span = Span(self.source, start, end)
        self.findings.append(Diagnostic(code=code, message=message, span=span, help=help, secondary=labels))

    def run(self) -> tuple[Node | None, list[Diagnostic]]:
        try:
            parser = PARSER(self.source.text if self.masked is None else self.masked)
            return self.tree(parser.get_event), self.findings
        except yaml.YAMLError as error:
            self.syntax_error(error)
            return None, self.findings

    def tree(self, next_event: Callable[[], Any]) -> Node | None:
        """Puts the nodes together. INVARIANT: nothing here recurses, and no event past the depth cap is asked for."""
        root: Node | None = None
        document: tuple[int, int] | None = None
        holder: Mapping | Sequence | None = None
        key: Scalar | None = None  # of the mapping that is open, once it is read
        above: list[tuple[Mapping | Sequence | None, Scalar | None]] = []
        node: Node
        while True:
            event = next_event()
            kind = type(event)
            if kind is ScalarEvent:
                node = Scalar(event.value, event.start_mark.index, event.end_mark.index, event.implicit[0])
                if event.anchor is not None or event.tag is not None:
                    self.refuse_properties(event)
                if self.masked is not None:
                    self.unmask(node, event)
                if type(holder) is Mapping and key is None:
                    key = self.kept_key(node, holder)
                    continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                assert holder is not None
                holder.end = event.end_mark.index
                holder, key = above.pop()
                continue
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                start, end = event.start_mark.index, event.end_mark.index
                if len(above) >= DEPTH:
                    self.fail("E416", f"nested more than {DEPTH} deep", start, start + 1, "a directory needs far less")
                    return None
                if event.anchor is not None or event.tag is not None:
                    self.refuse_properties(event)
                node = Mapping(start, end) if kind is MappingStartEvent else Sequence(start, end)
            elif kind is AliasEvent:
                node = Hole(event.start_mark.index, event.end_mark.index)
                self.fail("E403", "an alias stands for a value", node.start, node.end, "write the value out")
            elif kind is DocumentStartEvent:
                if document is not None:
                    second = Span(self.source, *self.visible(event))
                    first = Label(Span(self.source, *document), "first document here")
                    self.fail("E403", "a second document begins", second.start, second.end, "keep one", first)
                    return root
                document = self.visible(event)
                continue
            elif kind is StreamEndEvent:
                return root
            else:  # the start of the stream, the end of a document
                continue

            key_after: Scalar | None = None
            if holder is None:
                root = node
            elif type(holder) is Sequence:
                holder.items.append(node)
            elif key is None:
                if type(node) is not Hole:
                    self.fail("E403", "a key is no text", node.start, node.start + 1, "write a name as the key")
                key_after = _DROPPED
            elif key is not _DROPPED:
                holder.entries[key.text] = (key, node)
            if type(node) is Mapping or type(node) is Sequence:
                above.append((holder, key_after))
                holder = node
                key = None
            else:
                key = key_after

    def kept_key(self, key: Scalar, holder: Mapping) -> Scalar:
        if key.plain and key.text == "<<":
            self.fail("E403", "a merge key copies from elsewhere", key.start, key.end, "write the entries out")
            return _DROPPED
        first = holder.entries.get(key.text)
        if first is None:
            return key
        here = Label(span_of(self.source, first[0]), "first here")
        self.fail("E402", f"the key `{key.text}` stands twice", key.start, key.end, "keep one of them", here)
        return _DROPPED

    def refuse_properties(self, event: Any) -> None:
        """An anchor or a tag before a value; one report for both."""
        what, text = ("an anchor", "anchors") if event.anchor is not None else ("a tag", "tags")
        start = event.start_mark.index
        found = _PROPERTY.match(self.source.text, start)
        end = found.end() if found else start
        self.fail("E403", f"{what} stands before a value", start, end, f"{text} are not read")

    def unmask(self, node: Scalar, event: Any) -> None:
        raw = self.source.text[node.start : node.end]
        if not surrogates.HALF.search(raw):
            return
        if event.style != '"':
            node.text = surrogates.unmasked(node.text, raw)
            return
        joined, lone = surrogates.joined(raw)
        for start, end in lone:
            start, end = node.start + start, node.start + end
            self.fail("E417", "half a surrogate pair is no character", start, end, "write both halves")
        if not lone:
            parser = PARSER(joined)
            while (part := parser.get_event()) is not None:
                if type(part) is ScalarEvent:
                    node.text = part.value
                    break

    def visible(self, event: Any) -> tuple[int, int]:
        """Where a document begins: at its `---`, else at its first character."""
        start, end = event.start_mark.index, event.end_mark.index
        return start, max(end, min(start + 1, len(self.source.text)))

    def syntax_error(self, error: yaml.YAMLError) -> None:
        text = self.source.text
        problem, at = str(getattr(error, "problem", None) or "no YAML"), getattr(error, "problem_mark", None)
        context, begun = getattr(error, "context", None), getattr(error, "context_mark", None)
        what = re.sub(r"^while (parsing|scanning) ", "", context) if context else ""
        what = what if what.startswith(("a ", "an ")) else ""
        start = min(at.index, len(text)) if at is not None else 0
        opened = begun.index if begun is not None and begun.index < len(text) and what else None
        labels: tuple[Label, ...] = ()
        if start == len(text) and opened is not None:
            start = opened  # at the end of the text nothing can be underlined: show what was left open
        elif opened is not None and opened != start:
            labels = (Label(Span(self.source, opened, opened + 1), f"{what} begins here"),)
        end = start + 1
        if start == len(text) or text[start] in " \r\n":  # underline the last thing before it
            end = len(text[:start].rstrip()) or min(1, len(text))
            start = max(end - 1, 0)
        message = re.sub(r"'([^']+)'", r"`\1`", f"{problem} {context}" if what else problem)
        self.fail("E401", f"this is not YAML: {message}", start, end, _advice(problem, text[start:end]), *labels)


def _advice(problem: str, character: str) -> str:
    if "cannot start any token" in problem:
        return "indent with blanks, not tabs" if character == "\t" else "put a value that begins so in quotes"
    if "mapping values are not allowed" in problem:
        return "put a value that holds a colon in quotes, or check the indentation"
    if "expected ',' or" in problem or "end of stream" in problem:
        return "close every bracket and quote"
    return "check the indentation, brackets and quotes here"
