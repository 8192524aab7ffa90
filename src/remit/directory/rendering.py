"""Text for what is new in a YAML or JSON file, and the place for it: `Page` cuts and inserts, and touches nothing else.

    users:                 delete `ann`, put `disabled` for      users:
      ann: {}  # left      `status` of `bob`               →
      bob:                                                         bob:
        status: active                                               status: disabled

What an entry says is made data, and the data one line. For its place, every collection, block or flow, is seen as its
parts: from where to where an entry or item is written, and where the comma after it stands. What is cut and what is
inserted is noted as splices against one parse of the text. Where the layout is too odd for that, `OddError` is raised.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple, TypeAlias

from remit.directory import nodes
from remit.directory.nodes import Hole, Node, Scalar
from remit.directory.shape import Assignment, Group, Scope, User
from remit.directory.yaml_tree import compose
from remit.instant import format_instant
from remit.source import Source

BREAK = re.compile(r"\r\n?|\n")
_PLAIN = re.compile(r"[^\W\d_][\w./@+-]*(?: [\w./@+-]+)*")  # no colon, no number: nothing that anyone reads otherwise
_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*)*")  # what may stand between two tokens
_REST = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?:\r\n?|\n|\Z)")  # of a line, after what counts
_COMMENT = re.compile(r"([ \t]*)#[^\r\n]*(?:\r\n?|\n|\Z)")
_GAP = re.compile(r"(?:[ \t]*(?=[,\]}]))?")  # up to what ends an entry in flow style
_KEEPING = re.compile(r"[|>][0-9]?\+")

Entry: TypeAlias = User | Group | Scope | str  # a text in the two lists
DEFAULTS = {"status": "active", "type": "user"}  # written over what stood there, and left out where nothing did


class OddError(Exception):
    """The layout at this place is none that can be edited."""


class Style(NamedTuple):
    """How the neighbours are written. `json`: every text in double quotes; `tight`: no blanks, `{"a":1,"b":2}`."""

    json: bool = False
    tight: bool = False


class Time(str):
    """A time as text: without quotes, where the style has any text without."""


class Part(NamedTuple):
    """Where an entry or item is written, its `-` or `?` included; `comma` is the offset of the one after it, or -1."""

    start: int
    end: int
    comma: int = -1


def written(value: object, style: Style) -> str:
    """A value as one line that reads back as it. Raises ValueError or TypeError for what JSON cannot say either."""
    match value:
        case str():
            words = isinstance(value, Time) or (_PLAIN.fullmatch(value) and value.lower() not in _WORDS)
            return value if words and not style.json else _quoted(value)
        case dict():
            return "{" + _listed([entry(key, item, style) for key, item in value.items()], style) + "}"
        case list() | tuple():
            return "[" + _listed([written(item, style) for item in value], style) + "]"
        case _:
            return json.dumps(value)


def entry(key: str, value: object, style: Style) -> str:
    return f"{written(key, style)}:{'' if style.tight else ' '}{written(value, style)}"


def _listed(parts: list[str], style: Style) -> str:
    return ("," if style.tight else ", ").join(parts)


def _quoted(text: str) -> str:
    """In double quotes, as JSON and YAML both read it; what cannot be seen is escaped, and so is what no file may hold.
    Pairs of escapes are left to those who need them: beyond U+FFFF every character may stand as it is."""
    quoted = json.dumps(text, ensure_ascii=False)
    if quoted.isprintable():
        return quoted
    return "".join(c if c.isprintable() or c > "\uffff" else f"\\u{ord(c):04x}" for c in quoted)


def body(value: Entry) -> dict[str, object]:
    """The body of an entry as it would be written anew; what has its default is left out."""
    data: dict[str, object] = {}
    match value:
        case User():
            data = {"type": value.type, "status": value.status, "status_before": value.status_before}
            data = {key: text for key, text in data.items() if text is not None and text != DEFAULTS.get(key)}
            if value.attributes:
                data["attributes"] = dict(value.attributes)
        case Group():
            if members := members_of(value):
                data["members"] = members
        case Scope():
            if value.parents:
                data["parent"] = value.parents[0] if len(value.parents) == 1 else list(value.parents)
        case str():
            data["name"] = value
    if isinstance(value, User | Group) and value.assignments:
        data["assignments"] = [assignment_body(assignment) for assignment in value.assignments]
    return data


def assignment_body(assignment: Assignment) -> dict[str, object]:
    """Raises ValueError for a time that no text can name."""
    data: dict[str, object] = {"role": assignment.role}
    if assignment.scope is not None:
        data["scope"] = assignment.scope
    for key, instant in (("from", assignment.start), ("until", assignment.end)):
        if instant is not None:
            data[key] = Time(format_instant(instant))
    return data


def members_of(group: Entry | None) -> list[str]:
    """As they are written: users, then groups."""
    return [*group.members, *(f"group/{name}" for name in group.groups)] if isinstance(group, Group) else []


def exact(value: object) -> str:
    """The same text for the same value; unlike `==`, this tells 1 from 1.0 and from true."""
    return json.dumps(value, sort_keys=True)


def block(item: object, style: Style) -> str:
    """A mapping as a block."""
    assert isinstance(item, dict)
    return "\n".join(entry(key, value, style) for key, value in item.items())


class Page:
    """A text, its tree (None where nothing is written) and the splices noted so far."""

    def __init__(self, text: str, eol: str) -> None:
        self.source = Source("", text)
        self.text = text
        self.eol = eol
        self.root, findings = compose(self.source)
        if findings:
            raise OddError
        self.splices: list[tuple[int, int, str]] = []
        self.tight = False  # no blank after a comma, where no neighbour shows one

    def spliced(self) -> str:
        """The text with every splice made; where two deletions meet, both count."""
        pieces, at = [], 0
        for start, end, new in sorted(self.splices, key=lambda splice: splice[:2]):
            pieces += [self.text[at:start], new]
            at = max(at, end)
        return "".join([*pieces, self.text[at:]])

    def splice(self, start: int, end: int, new: str = "") -> None:
        self.splices.append((start, end, new))

    # What stands where

    def is_flow(self, node: Node) -> bool:
        return type(node) not in (Scalar, Hole) and self.text.startswith(("[", "{"), node.start)

    def blank(self, at: int) -> int:
        """The offset of the next token."""
        found = _BLANK.match(self.text, at)
        assert found is not None
        return found.end()

    def line_start(self, at: int) -> int:
        start = self.text.rfind("\n", 0, at) + 1
        return max(start, self.text.rfind("\r", start, at) + 1)

    def line_end(self, at: int) -> int:
        """The start of the next line. A place that begins a line is the end of the one before."""
        if at and self.text[at - 1] in "\r\n":
            return at
        found = BREAK.search(self.text, at)
        return found.end() if found else len(self.text)

    def lead(self, at: int) -> str:
        """The text before a place on its line."""
        return self.text[self.line_start(at) : at]

    def end(self, node: Node) -> int:
        """Where the content of a node ends; the marks of YAML's block collections reach to the next token."""
        if isinstance(node, Scalar | Hole):
            end = node.end
            if not _KEEPING.match(self.text, node.start):
                while end > node.start and self.text[end - 1] in " \t\r\n":
                    end -= 1
            return end
        if self.is_flow(node):
            return node.end
        if isinstance(node, nodes.Mapping):
            return self.entry_end(*list(node.entries.values())[-1]) if node.entries else node.start
        return max(self.end(node.items[-1]), node.start + 1) if node.items else node.start

    def entry_end(self, key: Scalar, value: Node) -> int:
        if isinstance(value, Scalar) and value.plain and not value.text:  # the two parsers place nothing differently
            found = _GAP.match(self.text, max(self.colon(key), key.end))
            assert found is not None
            return found.end()
        return max(self.end(value), key.end)

    def colon(self, key: Scalar) -> int:
        """The offset after the key's colon, or -1 where it has none."""
        at = self.blank(key.end)
        return at + 1 if self.text.startswith(":", at) else -1

    def parts(self, collection: nodes.Mapping | nodes.Sequence) -> list[Part]:
        flow, parts = self.is_flow(collection), []
        at = collection.start + flow
        if isinstance(collection, nodes.Mapping):
            ends = [self.entry_end(key, value) for key, value in collection.entries.values()]
        else:
            ends = [self.end(item) for item in collection.items]
        for end in ends:
            start, comma = self.blank(at), -1
            at = end = max(end, start + (not flow and isinstance(collection, nodes.Sequence)))
            if flow and self.text.startswith(",", self.blank(end)):
                comma = self.blank(end)
                at = comma + 1
            parts.append(Part(start, end, comma))
        return parts

    def style(self, node: Node, above: Style) -> Style:
        """How the parts of a collection are written; `above` is the style around it."""
        if isinstance(node, nodes.Mapping):
            if not self.is_flow(node):
                return Style()
            if not node.entries:
                return above
            gaps = (self.text[key.end : value.start] for key, value in node.entries.values() if value.end > value.start)
            return Style(all(self.text[key.start] == '"' for key, _ in node.entries.values()), next(gaps, "") == ":")
        if isinstance(node, nodes.Sequence) and node.items:
            last = node.items[-1]
            if isinstance(last, Scalar):
                return Style(above.json or self.text.startswith('"', last.start), above.tight)
            return self.style(last, above) if self.is_flow(last) else above
        return above

    def has_comment(self, start: int, node: Node) -> bool:
        """Whether a comment stands from here to the end of the last line of a node, its scalars apart."""
        scalars, open_ = [], [node]
        while open_:
            match open_.pop():
                case Scalar() as scalar:
                    scalars.append((scalar.start, scalar.end))
                case nodes.Mapping() as mapping:
                    open_ += [part for pair in mapping.entries.values() for part in pair]
                case nodes.Sequence() as sequence:
                    open_ += sequence.items
                case Hole():
                    return True
        for begun, ended in [*sorted(scalars), (self.line_end(self.end(node)),) * 2]:
            if "#" in self.text[start:begun]:
                return True
            start = ended
        return False

    # Cutting

    def delete(self, collection: nodes.Mapping | nodes.Sequence, gone: Collection[int], key: Scalar | None) -> None:
        """Parts go, by number, with the comments on their lines. `key` is the one whose value the collection is: an
        empty block cannot be written, so brackets take its place there."""
        parts = self.parts(collection)
        if self.is_flow(collection):
            self.delete_flow(parts, gone)
            return
        for number in gone:
            self.delete_lines(parts[number])
        if len(gone) == len(parts) and key is not None:
            colon = self.colon(key)
            if colon < 0 or colon > self.line_start(parts[0].start):
                raise OddError
            self.splice(colon, colon, " {}" if isinstance(collection, nodes.Mapping) else " []")

    def delete_lines(self, part: Part) -> None:
        if self.lead(part.start).strip(" "):
            raise OddError
        self.splice(self.line_start(part.start), self.line_end(part.end))

    def delete_flow(self, parts: list[Part], gone: Collection[int]) -> None:
        led: set[int] = set()  # of those that go, who take the comma before them along: it begins their line
        for number in sorted(gone):
            start, end, comma = parts[number]
            if self.lead(start).strip(" \t") == "," and (number - 1 not in gone or number - 1 in led):
                rest = _REST.match(self.text, end)
                if rest:
                    led.add(number)
                    self.splice(self.line_start(start), rest.end())
                    continue
            near = comma >= 0 and not BREAK.search(self.text, end, comma)
            rest = _REST.match(self.text, comma + 1 if near else end)
            own_line = not self.lead(start).strip(" \t")
            if rest and own_line:
                self.splice(self.line_start(start), rest.end())
            elif near and not rest:
                after = comma + 1
                while self.text[after] in " \t":
                    after += 1
                self.splice(start, after)
            else:  # the last of its line, after others: the comment there may be about them
                while not own_line and self.text[start - 1] in " \t":
                    start -= 1
                self.splice(start, comma + 1 if near else end)
            if comma >= 0 and not near:
                self.splice(comma, comma + 1)
        kept = [number for number in range(len(parts)) if number not in gone]
        if kept and kept[-1] != len(parts) - 1 and parts[-1].comma < 0:
            comma = parts[kept[-1]].comma  # JSON has no comma after the last
            self.splice(comma, comma + 1)

    # Writing

    def put(self, key: Scalar, node: Node, value: str) -> None:
        """Another value for a key, on one line."""
        end = self.end(node)
        if isinstance(node, Scalar) and node.plain and not node.text:
            colon = self.colon(key)
            at = colon if colon >= 0 else key.end
            self.splice(at, at, f" {value}" if colon >= 0 else f": {value}")
        elif isinstance(node, Scalar | Hole) or self.is_flow(node) or self.lead(node.start).strip(" "):
            whole_lines = end > node.start and self.text[end - 1] in "\r\n"
            self.splice(node.start, end, value + (self.eol if whole_lines else ""))
        else:
            colon = self.colon(key)
            if colon < 0:
                raise OddError
            self.splice(colon, colon, f" {value}")
            self.splice(self.line_start(node.start), self.line_end(end))

    def insert(self, collection: nodes.Mapping | nodes.Sequence, number: int, new: Sequence[str]) -> None:
        """New parts before that number, or after the last one. A line break in a text is made one of the file's."""
        parts = self.parts(collection)
        if self.is_flow(collection):
            self.insert_flow(collection, parts, number, new)
            return
        lead, hang = self.block_lead(collection, parts)
        lines = "".join(f"{lead}{text.replace(chr(10), self.eol + hang)}{self.eol}" for text in new)
        if number:
            at = self.after(parts[number - 1].end, len(self.lead(parts[number - 1].start)))
        elif self.lead(parts[0].start).strip(" "):
            raise OddError
        else:
            at = self.line_start(parts[0].start)
        self.splice(at, at, lines)

    def block_lead(self, collection: nodes.Mapping | nodes.Sequence, parts: list[Part]) -> tuple[str, str]:
        """What begins the first line of a new part, and what the others; both as at the last part."""
        last = parts[-1].start
        lead = " " * len(self.lead(last))
        if isinstance(collection, nodes.Mapping):
            return lead, lead
        gap = collection.items[-1].start - last
        dash = "-".ljust(gap if 1 < gap < 9 and not BREAK.search(self.text, last, last + gap) else 2)
        return lead + dash, lead + " " * len(dash)

    def after(self, end: int, column: int) -> int:
        """The line after a part that begins in this column, and after the comments below it that belong to it."""
        at = self.line_end(end)
        while (found := _COMMENT.match(self.text, at)) and len(found[1]) > column:
            at = found.end()
        return at

    def insert_flow(
        self, collection: nodes.Mapping | nodes.Sequence, parts: list[Part], number: int, new: Sequence[str]
    ) -> None:
        close = collection.end - 1
        if not parts:
            inside = self.text[collection.start + 1 : close]
            if not BREAK.search(inside):
                self.splice(collection.start + 1, close, f",{self.gap(parts)}".join(new))
            else:
                base = self.lead(close)
                lines = f",{self.eol}".join(f"{base}  {text}" for text in new)
                self.splice(close - len(base), close - len(base), lines + self.eol)
            return
        if number < len(parts):
            lead = self.lead(parts[number].start)
            gap = self.gap(parts) if lead.strip(" \t") else self.eol + lead
            self.splice(parts[number].start, parts[number].start, "".join(f"{text},{gap}" for text in new))
            return
        start, end, comma = parts[-1]
        lead, trailing = self.lead(start), "," if comma >= 0 else ""
        at = comma + 1 if trailing else end
        before = "" if trailing else " ," if self.text[end - 1] == ":" else ","  # `a:,` would be one word
        rest = _REST.match(self.text, at)
        if lead.strip(" \t") or BREAK.search(self.text, end, at):
            gap = self.gap(parts)
            self.splice(at, at, before + gap + f",{gap}".join(new) + trailing)
        elif rest:
            self.splice(at, at, before)
            self.splice(rest.end(), rest.end(), f",{self.eol}".join(lead + text for text in new) + trailing + self.eol)
        else:
            self.splice(at, at, before + self.eol + f",{self.eol}".join(lead + text for text in new) + trailing)

    def gap(self, parts: list[Part]) -> str:
        """What stands after a comma here."""
        tight = self.text[parts[0].comma + 1] not in " \t\r\n" if len(parts) > 1 else self.tight
        return "" if tight else " "

    def insert_below(self, key: Scalar, node: Node, new: Sequence[str]) -> None:
        """The first lines of a block, in the place of nothing, of `null`, or of empty brackets."""
        colon, indent = self.colon(key), self.lead(key.start)
        end = max(colon, node.end)
        if colon < 0 or indent.strip(" ") or BREAK.search(self.text, key.end, end) or not _REST.match(self.text, end):
            raise OddError
        self.splice(colon, end)
        at = self.after(end, len(indent))
        self.splice(at, at, "".join(f"{indent}  {text}{self.eol}" for text in new))
