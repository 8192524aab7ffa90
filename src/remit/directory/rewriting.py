"""Changes made in the text of a directory file, so that whatever does not change stays as somebody wrote it.

    users:
      ann: {}  # left us     UserGone("ann")                users:
      # the vet              UserPut(bob, disabled)   →       # the vet
      bob:                                                    bob:
        type: service                                           type: service
                                                                status: disabled

The text is parsed once and cut into chunks: one for each entry of a section in block style, one for any other section,
one for a file in flow style (JSON). A chunk is a document of its own, so a change parses and edits the chunks that it
touches (`remit.directory.chunk`), and the text is their join. All of the changes are taken, or none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from remit.collection import paused
from remit.directory import nodes
from remit.directory.changes import (
    Change,
    DomainJoined,
    GroupGone,
    GroupPut,
    Joined,
    Left,
    ScopeGone,
    ScopePut,
    UserGone,
    UserPut,
    without,
)
from remit.directory.chunk import (
    SECTIONS,
    Names,
    Reading,
    RewriteError,
    Wanted,
    equal,
    name_of,
    outcome,
    rewritten,
    same,
    top_of,
)
from remit.directory.nodes import Node, Scalar
from remit.directory.rendering import BREAK, Entry, OddError, Page, members_of
from remit.directory.shape import Group
from remit.source import Source

__all__ = ["DirectoryText", "RewriteError"]

_DOCUMENT_END = re.compile(r"^\.\.\.", re.MULTILINE)


class DirectoryText:
    """The text of a directory file and what stands where; takes changes and stays in step.

    The text is one that `read_directory` reads without errors. Raises RewriteError for any other.
    """

    def __init__(self, source: Source) -> None:
        text = source.text
        first_break = BREAK.search(text)
        self._eol = first_break[0] if first_break else "\n"
        self._open_end = bool(text) and not text.endswith(("\n", "\r"))
        self._before, self._after = "", ""
        self._indent = ""
        self._sections: dict[str, _Section] = {}
        self._file: str | None = None  # where the file is one chunk
        self._empty: tuple[str, str] | None = None  # what stands before and after a first section
        try:
            with paused():
                page = Page(text + self._eol if self._open_end else text, self._eol)
                self._state = Reading(page.source).state(top_of(page, ""))
                self._cut(page)
        except OddError:
            raise RewriteError("the directory has mistakes, and is not edited") from None
        self._closed = self._closes(self._sections, self._after)
        self._holders: dict[str, set[str]] = {}  # member, as it is written → groups that list it
        for group in self._state["groups"].values():
            for member in members_of(group):
                self._holders.setdefault(member, set()).add(str(group[0]))

    @property
    def text(self) -> str:
        if self._file is not None:
            text = self._file
        else:
            text = "".join([self._before, *(section.text for section in self._sections.values()), self._after])
        return _unended(text) if self._open_end else text

    def take(self, changes: Sequence[Change]) -> None:
        """Edits the text as `changed` would the directory. Raises RewriteError and does nothing where it cannot be
        done without harm, or where a change names what does not exist."""
        wanted = self._wanted(changes)
        if not wanted:
            return
        sections, before, after = dict(self._sections), self._before, self._after
        file = self._file
        if file is not None:
            expected = {name: outcome(self._state[name], wanted.get(name, {})) for name in SECTIONS}
            with paused():
                file = rewritten(file, self._eol, "", wanted, expected).text
        else:
            if self._empty and not sections:
                before, after = self._empty
            for name, entries in wanted.items():
                section = sections.get(name) or _Section([f"{self._indent}{name}:{self._eol}"])
                sections[name] = section.edited(name, entries, self._state[name], self._eol)
        if not self._closed or not self._closes(sections, after):
            raise RewriteError("the file ends within a text that goes by lines: end its last line first")
        self._file, self._sections, self._before, self._after = file, sections, before, after
        for name, entries in wanted.items():
            for key, value in entries.items():
                if name == "groups":
                    self._rehold(key, self._state[name].get(key), value)
                if value is None:
                    del self._state[name][key]
                else:
                    self._state[name][key] = value

    def _closes(self, sections: dict[str, _Section], after: str) -> bool:
        """Whether the text says the same without the end of its last line, if it has to do without."""
        if not self._open_end or after or not sections:
            return True
        name = next(reversed(sections))
        text, inside = sections[name].last(name)
        pages = (Page(text, self._eol), Page(_unended(text), self._eol))
        with_end, without_end = (Reading(page.source).state(top_of(page, inside)) for page in pages)
        return same(with_end, without_end)

    def _cut(self, page: Page) -> None:
        """The file's text into its sections, as far as they are in block style and begin lines."""
        root, text = page.root, page.text
        if root is None or isinstance(root, Scalar):
            start, end = (root.start, root.end) if root else (0, 0)
            found = _DOCUMENT_END.search(text, end)
            at = found.start() if found else len(text)
            self._before, self._empty = text, (text[:start] + text[end:at], text[at:])
            return
        assert isinstance(root, nodes.Mapping)
        parts = [] if page.is_flow(root) else page.parts(root)
        if not parts or any(page.lead(part.start).strip(" ") or text[part.start] == "?" for part in parts):
            self._file = text
            return
        starts = [page.line_start(part.start) for part in parts]
        self._before, self._after, self._indent = text[: starts[0]], text[root.end :], page.lead(parts[0].start)
        if self._after and page.lead(root.end):
            raise OddError
        for (name, (_, node)), start, end in zip(root.entries.items(), starts, [*starts[1:], root.end], strict=True):
            self._sections[name] = _section(page, name, node, start, end)

    def _rehold(self, name: str, old: Entry | None, new: Entry | None) -> None:
        before, after = set(members_of(old)), set(members_of(new))
        for member in before - after:
            self._holders[member].discard(name)
        for member in after - before:
            self._holders.setdefault(member, set()).add(name)

    def _wanted(self, changes: Sequence[Change]) -> Wanted:
        """All changes as what shall stand at each name in the end, where that differs from what does."""
        wanted: dict[str, dict[str, Entry | None]] = {name: {} for name in SECTIONS}

        def at(section: str, name: str) -> Entry | None:
            return wanted[section][name] if name in wanted[section] else self._state[section].get(name)

        def present(section: str, name: str) -> None:
            if at(section, name) is None:
                raise RewriteError(f"no {section[:-1]} is called `{name}`")

        def group(name: str) -> Group:
            present("groups", name)
            found = at("groups", name)
            assert isinstance(found, Group)
            return found

        def holders(member: str) -> list[Group]:
            names = [*sorted(self._holders.get(member, ())), *wanted["groups"]]
            return [group(name) for name in dict.fromkeys(names) if member in members_of(at("groups", name))]

        for change in changes:
            match change:
                case UserPut(user):
                    wanted["users"][user.id] = user
                    wanted["removed"][user.id] = None
                case UserGone(id):
                    present("users", id)
                    wanted["users"][id] = None
                    wanted["removed"][id] = id
                    for holder in holders(id):
                        wanted["groups"][holder.name] = without(holder, id)
                case Joined(name, id):
                    present("users", id)
                    if id.startswith("group/"):
                        raise RewriteError(f"the user `{id}` cannot be a member: a file would say the group")
                    members = (*group(name).members, id)
                    wanted["groups"][name] = group(name)._replace(members=tuple(dict.fromkeys(members)))
                case Left(name, id):
                    wanted["groups"][name] = without(group(name), id)
                case GroupPut(name, assignments):
                    known = group(name) if at("groups", name) else Group(name)
                    wanted["groups"][name] = known._replace(assignments=assignments)
                case GroupGone(name):
                    present("groups", name)
                    wanted["groups"][name] = None
                    for holder in holders(f"group/{name}"):
                        inner = tuple(below for below in holder.groups if below != name)
                        wanted["groups"][holder.name] = holder._replace(groups=inner)
                case ScopePut(scope):
                    wanted["scopes"][scope.name] = scope
                case ScopeGone(name):
                    present("scopes", name)
                    wanted["scopes"][name] = None
                case DomainJoined(domain):
                    wanted["joined_domains"][domain] = domain
        found = {
            section: {name: new for name, new in names.items() if not equal(self._state[section].get(name), new)}
            for section, names in wanted.items()
        }
        return {section: names for section, names in found.items() if names}


class _Section:
    """The text of a top-level section. `places`: name → number of its chunk, in order, if each entry has one; the
    first chunk is then what stands before the first entry. INVARIANT: a chunk without entry is empty, but the first."""

    __slots__ = ("chunks", "names", "places")

    def __init__(self, chunks: list[str], names: Sequence[str] = ()) -> None:
        self.chunks = chunks
        self.names = ["", *names]
        self.places = {name: number for number, name in enumerate(names, 1)}

    @property
    def text(self) -> str:
        return "".join(self.chunks)

    def last(self, section: str) -> tuple[str, str]:
        """The last chunk with an entry, and the section that it is inside of; or the whole, inside of none."""
        last = next(reversed(self.places), None)
        return (self.text, "") if last is None else (self.chunks[self.places[last]], section)

    def edited(self, section: str, wanted: Names, state: dict[str, Entry], eol: str) -> _Section:
        """A section that says what is wanted; this one stays as it is."""
        gone = [name for name, value in wanted.items() if value is None]
        put = {name: value for name, value in wanted.items() if name in self.places and value is not None}
        new = {name: value for name, value in wanted.items() if name not in self.places and value is not None}
        if not self.places or (len(gone) == len(self.places) and not new):
            page = rewritten(self.text, eol, "", {section: wanted}, {section: outcome(state, wanted)})
            assert isinstance(page.root, nodes.Mapping)
            return _section(page, section, page.root.entries[section][1], 0, len(page.text))
        after = _Section(self.chunks.copy())
        after.names, after.places = self.names.copy(), self.places.copy()
        for name, value in put.items():
            after.write(section, name, {name: value}, {name: value}, eol)
        if new:
            last = next(reversed(after.places))
            expected = {last: put.get(last, state[last]), **new}
            after.append(after.write(section, last, new, expected, eol), section, list(new))
        for name in gone:
            after.remove(section, name, wanted, state, eol)
        return after

    def write(self, section: str, name: str, wanted: Names, expected: dict[str, Entry], eol: str) -> Page:
        number = self.places[name]
        page = rewritten(self.chunks[number], eol, section, {section: wanted}, {section: expected})
        self.chunks[number] = page.text
        return page

    def append(self, page: Page, section: str, names: list[str]) -> None:
        """The last chunk has got more entries: each becomes a chunk."""
        assert isinstance(page.root, nodes.Mapping | nodes.Sequence)
        starts = [page.line_start(part.start) for part in page.parts(page.root)]
        self.chunks[self.places[next(reversed(self.places))]] = page.text[: starts[1]]
        for name, start, end in zip(names, starts[1:], [*starts[2:], len(page.text)], strict=True):
            self.places[name] = len(self.chunks)
            self.chunks.append(page.text[start:end])
            self.names.append(name)

    def remove(self, section: str, name: str, wanted: Names, state: dict[str, Entry], eol: str) -> None:
        """What is left of the chunk, comments and blank lines, goes to the chunk before, which must not read it."""
        rest = self.write(section, name, {name: None}, {}, eol).text
        number = before = self.places.pop(name)
        self.chunks[number] = ""
        while rest and before and not self.chunks[before]:
            before -= 1
        self.chunks[before] += rest
        if before and rest:
            above = self.names[before]
            self.write(section, above, {}, {above: wanted.get(above) or state[above]}, eol)


def _unended(text: str) -> str:
    return text[: -2 if text.endswith("\r\n") else -1]


def _section(page: Page, name: str, node: Node, start: int, end: int) -> _Section:
    """The section that stands from here to there, in chunks if its entries stand on lines of their own."""
    text = page.text[start:end]
    if isinstance(node, Scalar) or page.is_flow(node):
        return _Section([text])
    assert isinstance(node, nodes.Mapping | nodes.Sequence)
    parts = page.parts(node)
    if isinstance(node, nodes.Mapping):
        names = list(node.entries)
    else:
        names = [name_of(name, item) for item in node.items]
    starts = [page.line_start(part.start) for part in parts]
    odd = any(page.text[at : part.start].strip(" ") for at, part in zip(starts, parts, strict=True))
    if odd or starts[0] == start or len(set(names)) < len(names):
        return _Section([text])
    ends = [*starts[1:], end]
    return _Section([page.text[start : starts[0]], *map(page.text.__getitem__, map(slice, starts, ends))], names)
