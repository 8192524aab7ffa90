"""Changes made in the text of a directory file, so that whatever does not change stays as somebody wrote it.

    users:
      ann: {}  # left us     UserGone("ann")                users:
      # the vet              UserPut(bob, disabled)   →       # the vet
      bob:                                                    bob:
        type: service                                           type: service
                                                                status: disabled

The text is parsed once and cut into chunks: one for each entry of a section in block style, one for any other section,
one for a file in flow style (JSON). A chunk is a document of its own, so a change parses and edits the chunks that it
touches, and the text is their join. Editing is a loop: compare what the chunk says with what it shall say, splice what
differs, parse again, until nothing differs. Then the reader reads the chunk, and all it finds must be what shall be
there; else the body of the entry is written anew, if no comment is lost, and else nothing is done at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

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
from remit.directory.nodes import Node, Scalar
from remit.directory.reader import _Reader
from remit.directory.rendering import BREAK, OddError, Page, Style, Time, entry, written
from remit.directory.shape import Assignment, Group, Scope, User
from remit.instant import format_instant
from remit.source import Source

Entry: TypeAlias = User | Group | Scope | str  # a text in the two lists
State: TypeAlias = dict[str, dict[str, Entry]]  # by section and name
Names: TypeAlias = Mapping[str, Entry | None]  # what shall stand in a section; None: nothing
Wanted: TypeAlias = Mapping[str, Names]

_SECTIONS = ("users", "groups", "scopes", "joined_domains", "removed")
_LISTS = ("joined_domains", "removed")
_DEFAULTS = {"status": "active", "type": "user"}  # written over what stood there, and left out where nothing did
_ROUNDS = 6  # of comparing and splicing; two or three are enough
_DOCUMENT_END = re.compile(r"^\.\.\.", re.MULTILINE)


class RewriteError(Exception):
    """The text cannot be edited safely; it is as it was. The sentence is for people."""


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
                self._state = _Reading(page.source).state(_top(page, ""))
                self._cut(page)
        except OddError:
            raise RewriteError("the directory has mistakes, and is not edited") from None
        self._refusal = ""
        if self._open_end and ("|" in text or ">" in text):
            page = Page(text, self._eol)
            if not _same(_Reading(page.source).state(_top(page, "")), self._state):
                self._refusal = "the file ends within a text that goes by lines: end its last line first"
        self._holders: dict[str, set[str]] = {}  # member, as it is written → groups that list it
        for group in self._state["groups"].values():
            for member in _members(group):
                self._holders.setdefault(member, set()).add(str(group[0]))

    @property
    def text(self) -> str:
        if self._file is not None:
            text = self._file
        else:
            text = "".join([self._before, *(section.text for section in self._sections.values()), self._after])
        return text[: -2 if text.endswith("\r\n") else -1] if self._open_end and text else text

    def take(self, changes: Sequence[Change]) -> None:
        """Edits the text as `changed` would the directory. Raises RewriteError and does nothing where it cannot be
        done without harm, or where a change names what does not exist."""
        wanted = self._wanted(changes)
        if not wanted:
            return
        if self._refusal:
            raise RewriteError(self._refusal)
        sections, before, after = dict(self._sections), self._before, self._after
        file = self._file
        if file is not None:
            expected = {name: _after(self._state[name], wanted.get(name, {})) for name in _SECTIONS}
            file = _rewritten(file, self._eol, "", wanted, expected).text
        else:
            if self._empty and not sections:
                before, after = self._empty
            for name, entries in wanted.items():
                section = sections.get(name) or _Section([f"{self._indent}{name}:{self._eol}"])
                sections[name] = section.edited(name, entries, self._state[name], self._eol)
        self._file, self._sections, self._before, self._after = file, sections, before, after
        for name, entries in wanted.items():
            for key, value in entries.items():
                if name == "groups":
                    self._rehold(key, self._state[name].get(key), value)
                if value is None:
                    del self._state[name][key]
                else:
                    self._state[name][key] = value

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
        before, after = set(_members(old)), set(_members(new))
        for member in before - after:
            self._holders[member].discard(name)
        for member in after - before:
            self._holders.setdefault(member, set()).add(name)

    def _wanted(self, changes: Sequence[Change]) -> Wanted:
        """All changes as what shall stand at each name in the end, where that differs from what does."""
        wanted: dict[str, dict[str, Entry | None]] = {
            name: {} for name in ("users", "groups", "scopes", "removed", "joined_domains")
        }

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
            return [group(name) for name in dict.fromkeys(names) if member in _members(at("groups", name))]

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
            section: {name: new for name, new in names.items() if not _equal(self._state[section].get(name), new)}
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

    def edited(self, section: str, wanted: Names, state: dict[str, Entry], eol: str) -> _Section:
        """A section that says what is wanted; this one stays as it is."""
        gone = [name for name, value in wanted.items() if value is None]
        put = {name: value for name, value in wanted.items() if name in self.places and value is not None}
        new = {name: value for name, value in wanted.items() if name not in self.places and value is not None}
        if not self.places or (len(gone) == len(self.places) and not new):
            page = _rewritten(self.text, eol, "", {section: wanted}, {section: _after(state, wanted)})
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
            after.remove(section, name, {**state, **put, **new}, eol)
        return after

    def write(self, section: str, name: str, wanted: Names, expected: dict[str, Entry], eol: str) -> Page:
        number = self.places[name]
        page = _rewritten(self.chunks[number], eol, section, {section: wanted}, {section: expected})
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

    def remove(self, section: str, name: str, state: dict[str, Entry], eol: str) -> None:
        """What is left of the chunk, comments and blank lines, goes to the chunk before, which must not read it."""
        rest = self.write(section, name, {name: None}, {}, eol).text
        number = before = self.places.pop(name)
        self.chunks[number] = ""
        while rest and before and not self.chunks[before]:
            before -= 1
        self.chunks[before] += rest
        if before and rest:
            above = self.names[before]
            self.write(section, above, {}, {above: state[above]}, eol)


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
        names = [_name(name, item) for item in node.items]
    starts = [page.line_start(part.start) for part in parts]
    odd = any(page.text[at : part.start].strip(" ") for at, part in zip(starts, parts, strict=True))
    if odd or starts[0] == start or len(set(names)) < len(names):
        return _Section([text])
    ends = [*starts[1:], end]
    return _Section([page.text[start : starts[0]], *map(page.text.__getitem__, map(slice, starts, ends))], names)


# What is wanted, as data


def _data(value: Entry) -> dict[str, object]:
    """The body of an entry as it would be written anew; what has its default is left out."""
    body: dict[str, object] = {}
    match value:
        case User():
            body = {"type": value.type, "status": value.status, "status_before": value.status_before}
            body = {key: text for key, text in body.items() if text is not None and text != _DEFAULTS.get(key)}
            if value.attributes:
                body["attributes"] = dict(value.attributes)
        case Group():
            if members := _members(value):
                body["members"] = members
        case Scope():
            if value.parents:
                body["parent"] = value.parents[0] if len(value.parents) == 1 else list(value.parents)
        case str():
            body["name"] = value
    if isinstance(value, User | Group) and value.assignments:
        body["assignments"] = [_assignment(assignment) for assignment in value.assignments]
    return body


def _assignment(assignment: Assignment) -> dict[str, object]:
    data: dict[str, object] = {"role": assignment.role}
    if assignment.scope is not None:
        data["scope"] = assignment.scope
    for key, instant in (("from", assignment.start), ("until", assignment.end)):
        if instant is not None:
            data[key] = Time(format_instant(instant))
    return data


def _members(group: Entry | None) -> list[str]:
    """As they are written: users, then groups."""
    return [*group.members, *(f"group/{name}" for name in group.groups)] if isinstance(group, Group) else []


def _exact(value: object) -> str:
    """The same text for the same value; unlike `==`, this tells 1 from 1.0 and from true."""
    return json.dumps(value, sort_keys=True)


def _equal(a: Entry | None, b: Entry | None) -> bool:
    if a is None or b is None:
        return a is b
    try:
        return a is b or _exact(_data(a)) == _exact(_data(b))
    except (ValueError, TypeError, RecursionError) as error:
        raise RewriteError(f"`{b if isinstance(b, str) else b[0]}` holds what no file can: {error}") from None


def _same(a: State, b: State) -> bool:
    return a.keys() == b.keys() and all(
        a[name].keys() == b[name].keys() and all(_equal(a[name][key], b[name][key]) for key in b[name]) for name in b
    )


def _after(state: dict[str, Entry], wanted: Names) -> dict[str, Entry]:
    return {name: value for name, value in {**state, **wanted}.items() if value is not None}


# What is written, as data


class _Reading(_Reader):
    """The reader on a part of the directory: whom the names stand for is not asked."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.user_names = self.group_names = self.scope_names = None

    def state(self, top: nodes.Mapping) -> State:
        """All that the part says, or OddError where anything is wrong with it."""
        self.keys("a directory", _SECTIONS, top)
        self.read_scopes(self.section(top, "scopes"))
        self.read_users(self.section(top, "users"))
        self.read_groups(self.section(top, "groups"))
        lists = {name: self.names_of(top, name, "a name") for name in _LISTS}
        if self.findings:
            raise OddError
        domains, removed = ({_name(name, item): _name(name, item) for item in lists[name].values()} for name in _LISTS)
        return {
            "users": dict(self.users),
            "groups": dict(self.groups),
            "scopes": dict(self.scopes),
            "joined_domains": dict(domains),
            "removed": dict(removed),
        }

    def one(self, section: str, name: str, key: Scalar, node: Node) -> Entry:
        alone = nodes.Mapping(0, 0)
        alone.entries[name] = key, node
        top = nodes.Mapping(0, 0)
        top.entries[section] = key, alone
        return _Reading(self.source).state(top)[section][name]


def _name(section: str, item: Node) -> str:
    if not isinstance(item, Scalar):
        raise OddError
    return item.text.lower() if section == "joined_domains" else item.text


def _top(page: Page, inside: str) -> nodes.Mapping:
    """The sections of a chunk. `inside` names the section whose entries a chunk holds; empty: it holds sections."""
    if isinstance(page.root, nodes.Mapping) and not inside:
        return page.root
    top = nodes.Mapping(0, len(page.text))
    if page.root is not None and inside:
        top.entries[inside] = Scalar(inside, 0, 0), page.root
    return top


# From the one to the other


def _rewritten(text: str, eol: str, inside: str, wanted: Wanted, expected: State) -> Page:
    """The chunk as wanted. INVARIANT: the reader finds in it what is expected, and nothing else."""
    for anew in (False, True):
        try:
            page = Page(text, eol)
            for _ in range(_ROUNDS):
                _Plan(page, inside, anew).note(wanted)
                if not page.splices:
                    break
                page = Page(page.spliced(), eol)
            read = _Reading(page.source).state(_top(page, inside))
            whole_lines = not page.text or not text or page.text.endswith(("\n", "\r")) == text.endswith(("\n", "\r"))
            if whole_lines and not page.splices and _same({name: read[name] for name in expected}, expected):
                return page
        except OddError:
            continue
        except (ValueError, TypeError, RecursionError) as error:
            raise RewriteError(f"what no file can hold is not written: {error}") from None
    names = [name for section in wanted.values() for name in section] or [
        name for part in expected.values() for name in part
    ]
    raise RewriteError(f"the text at `{names[0]}` under `{next(iter(wanted))}` cannot be edited without harm to others")


class _Plan:
    """One round: what a page says is compared with what is wanted, and the difference noted as splices. In one
    collection, new parts come in one round and old ones go in the next."""

    def __init__(self, page: Page, inside: str, anew: bool) -> None:
        self.page = page
        self.inside = inside
        self.anew = anew  # write bodies as a whole
        self.top = _top(page, inside)
        flow = page.root is not None and page.is_flow(page.root)
        self.style = page.style(self.top, Style(json=True)) if flow and not inside else Style()
        self.may_open = not flow and not inside
        self.reading = _Reading(page.source)

    def note(self, wanted: Wanted) -> None:
        missing = []
        for section, entries in wanted.items():
            found = self.top.entries.get(section)
            if found is not None:
                self.section(section, entries, *found)
                continue
            body = {name: value for name, value in entries.items() if value is not None}
            if body:
                value = list(body) if section in _LISTS else {name: _data(new) for name, new in body.items()}
                missing.append(entry(section, value, self.style))
        if missing:
            self.page.insert(self.top, len(self.top.entries), missing)

    def section(self, section: str, wanted: Names, key: Scalar, node: Node) -> None:
        page, style = self.page, self.page.style(node, self.style)
        if section in _LISTS:
            names = [_name(section, item) for item in node.items] if isinstance(node, nodes.Sequence) else []
        else:
            names = list(node.entries) if isinstance(node, nodes.Mapping) else []
        known = set(names)
        new = {name: value for name, value in wanted.items() if value is not None and name not in known}
        if section in _LISTS:
            texts = [written(name, style) for name in new]
        else:
            texts = [entry(name, _data(value), style) for name, value in new.items()]
            for name, value in wanted.items() if isinstance(node, nodes.Mapping) else ():
                if value is not None and name in known:
                    self.entry(section, name, value, node, style)
        gone = [number for number, name in enumerate(names) if name in wanted and wanted[name] is None]
        if texts:
            self.add(section in _LISTS, texts, key, node)
        elif gone:
            assert isinstance(node, nodes.Mapping | nodes.Sequence)
            page.delete(node, gone, None if self.inside else key)

    def add(self, listed: bool, texts: list[str], key: Scalar, node: Node) -> None:
        """New entries at the end of a section, which may be empty."""
        page = self.page
        parts = page.parts(node) if isinstance(node, nodes.Mapping | nodes.Sequence) else []
        if not parts and self.may_open and not BREAK.search(page.text, node.start, page.end(node)):
            page.insert_below(key, node, [f"- {text}" for text in texts] if listed else texts)
        elif isinstance(node, nodes.Mapping | nodes.Sequence):
            page.insert(node, len(parts), texts)
        else:
            joined = ", ".join(texts)
            page.put(key, node, f"[{joined}]" if listed else f"{{{joined}}}")

    def entry(self, section: str, name: str, value: Entry, holder: nodes.Mapping, style: Style) -> None:
        """The body of an entry: only the keys that differ."""
        page, (key, node) = self.page, holder.entries[name]
        current = self.reading.one(section, name, key, node)
        if _equal(current, value):
            return
        old, new = _data(current), _data(value)
        if self.anew and page.has_comment(key.end, node):
            raise OddError
        if self.anew or not isinstance(node, nodes.Mapping):
            page.put(key, node, written(new, style))
            return
        inner = page.style(node, style)
        gone = []
        for number, (word, (at, held)) in enumerate(node.entries.items()):
            if _exact(old.get(word)) == _exact(new.get(word)):
                continue
            if isinstance(held, nodes.Sequence) and word in ("members", "assignments"):
                self.items(word, at, held, current, value, page.style(held, inner))
            elif isinstance(held, nodes.Mapping) and word == "attributes":
                self.attributes(at, held, new.get(word), page.style(held, inner))
            elif word in new or word in _DEFAULTS:
                quoted = Style(json=inner.json or page.text.startswith('"', held.start), tight=inner.tight)
                page.put(at, held, written(new.get(word, _DEFAULTS.get(word)), quoted))
            else:
                gone.append(number)
        missing = [entry(word, new[word], inner) for word in new if word not in node.entries]
        if missing:
            page.insert(node, len(node.entries), missing)
        elif gone:
            page.delete(node, gone, key)

    def attributes(self, key: Scalar, node: nodes.Mapping, wanted: object, style: Style) -> None:
        assert wanted is None or isinstance(wanted, dict)
        wanted = wanted or {}
        gone = [number for number, word in enumerate(node.entries) if word not in wanted]
        for word, (at, held) in node.entries.items():
            if word in wanted and _exact(nodes.value_of(held)) != _exact(wanted[word]):
                self.page.put(at, held, written(wanted[word], style))
        missing = [entry(word, value, style) for word, value in wanted.items() if word not in node.entries]
        if missing:
            self.page.insert(node, len(node.entries), missing)
        elif gone:
            self.page.delete(node, gone, key)

    def items(self, word: str, key: Scalar, node: nodes.Sequence, old: Entry, new: Entry, style: Style) -> None:
        """The items of `members` or `assignments`."""
        page = self.page
        if word == "members":
            there = [_name(word, item) for item in node.items]
            kept = {*_kept(_members(old), _members(new))}
            wanted: list[object] = [name for name in there if name in kept]
            wanted += [name for name in _members(new) if name not in kept]
        else:
            read = [self.reading.assignment(item) for item in node.items]
            there = [_exact(_assignment(item)) for item in read if item is not None]
            assert isinstance(new, User | Group)
            wanted = [_assignment(item) for item in new.assignments]
        block = (
            not page.is_flow(node) and isinstance(node.items[-1], nodes.Mapping) and not page.is_flow(node.items[-1])
        )
        keys = [str(item) if word == "members" else _exact(item) for item in wanted]
        gone: list[int] = []
        added = False
        for kind, start, end, first, last in SequenceMatcher(None, there, keys, autojunk=False).get_opcodes():
            if kind == "equal":
                continue
            gone += range(start, end)
            if first < last:
                texts = [_lines(item, style) if block else written(item, style) for item in wanted[first:last]]
                page.insert(node, end, texts)
                added = True
        if gone and not added:
            page.delete(node, gone, key)


def _lines(item: object, style: Style) -> str:
    """A mapping as a block."""
    assert isinstance(item, dict)
    return "\n".join(entry(key, value, style) for key, value in item.items())


def _kept(old: list[str], new: list[str]) -> list[str]:
    """Members who stay where they are: changes take some away and append others."""
    kept = []
    for kind in (False, True):
        wanted = iter([name for name in new if name.startswith("group/") is kind])
        next_ = next(wanted, None)
        for name in old:
            if name == next_:
                kept.append(name)
                next_ = next(wanted, None)
    return kept
