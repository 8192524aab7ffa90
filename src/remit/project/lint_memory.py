"""What `remit lint` found at a place, remembered until something there changes.

An entry's key is a hash of all that is known before anything is compiled: the program with its grammar and, where it
is asked, the version of the solver; the rules that run, what the settings say to them, the names and bytes of the
policy's files and of its directory. What is only known afterwards, the bases that it extends, stands in the entry with
a hash of theirs, and so does the time until which it holds: the next `from` or `until` of the directory. What keeps
findings silent and how they are shown is never remembered, and neither is anything about a database.

What is remembered is shown and nothing else: fixes are never made from it, and an entry that is not as it was written
is none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from remit.directory.shape import Directory
from remit.lint.registry import rules
from remit.project.cache import Cache
from remit.project.files import LARGEST
from remit.project.looked import HELD_TOGETHER, Looked, as_data, from_data, whole_path
from remit.project.sources import policies_below, policy_files
from remit.proof.solver import available, z3
from remit.source import Source
from remit.syntax.parser import grammar_text
from remit.table.meaning import canonical, digest_of

if TYPE_CHECKING:
    from remit.project.linting import Linted

_KIND = "lint"
_OF_THE_DISK = frozenset(("E005", "E009", "E010", "E304", "E305"))  # say more than the files' texts do


class Files(NamedTuple):
    """Some files as they are: whole path → bytes; `digest` is over their names and bytes."""

    data: dict[str, bytes]
    digest: str


class State(NamedTuple):
    """A policy and its directory as they are. `files` are the policy's own and the directory."""

    key: str
    files: dict[str, bytes]


class Memory:
    """Remembers, in the cache of a folder."""

    def __init__(self, folder: Path) -> None:
        self._found, self._below = Cache(folder), Cache(folder)

    def state(self, linted: Linted, policy: Path, directory: Path | None) -> State | None:
        """How the place is, before it is looked at; None where that cannot be told."""
        found = files_of(policy)
        people = _files([directory], directory.parent) if directory is not None else Files({}, "")
        if found is None or people is None or linted.texts:
            return None
        wanted = [rule.code for rule in rules() if linted.wanted(rule)]
        taken = [code for code in HELD_TOGETHER if linted.takes(code)]
        said = [str(policy), found.digest, str(directory), people.digest, wanted, taken, linted.settings]
        solver = _solver() if linted.exact else None
        return State(digest_of(canonical([_program(), solver, *said])), found.data | people.data)

    def known(self, linted: Linted, state: State) -> Looked | None:
        """What was found in this state, if it is remembered and holds now."""
        entry = self._found.get(_KIND, state.key)

        def read(name: str, origin: str) -> Source:
            return Source(name, state.files[os.path.abspath(origin or name)].decode("utf-8"), origin)

        try:
            if not entry["from"] <= linted.now or not (entry["until"] is None or linted.now < entry["until"]):
                return None
            if any((files := files_of(Path(base))) is None or files.digest != was for base, was in entry["bases"]):
                return None
            return from_data(entry["looked"], read)
        except (TypeError, ValueError, KeyError, IndexError, OSError):  # not as it was written
            return None

    def keep(self, linted: Linted, state: State, looked: Looked) -> None:
        """Remembers what was found, unless it says more than the files do or one of them changed meanwhile."""
        if any(finding.code in _OF_THE_DISK for finding in looked.findings):
            return
        data = dict(state.files)
        bases = []
        for base in looked.bases:
            if (files := files_of(base)) is None:
                return
            data |= files.data
            bases.append([str(base), files.digest])
        if any(data.get(whole_path(source)) != source.text.encode("utf-8") for source in looked.read):
            return
        until = min((time for time in _moments(looked.directory) if time > linted.now), default=None)
        entry = {"from": linted.now, "until": until, "bases": bases, "looked": as_data(looked)}
        self._found.put(_KIND, state.key, entry)

    def policies_below(self, folder: Path) -> list[Path]:
        """As `remit.project.sources.policies_below`: which sub-folders name a policy is remembered, too."""
        files = files_of(folder)
        if files is None:
            return policies_below(folder)
        key = digest_of(canonical([_program(), str(folder), files.digest]))
        known = self._below.get("policies", key)
        if isinstance(known, list) and known and all(isinstance(one, str) for one in known):
            return [Path(one) for one in known]
        found = policies_below(folder)
        self._below.put("policies", key, [str(one) for one in found])
        return found


def files_of(policy: Path) -> Files | None:
    """The `.remit` files at or below a place, those of other policies too; None where something cannot be read."""
    if policy.is_file():
        return _files([policy], policy.parent)
    if not policy.is_dir():
        return None
    findings: list[Any] = []
    files = list(policy_files(policy, findings))
    return None if findings else _files(files, policy)


def _files(paths: Iterable[Path], folder: Path) -> Files | None:
    data, total = {}, sha256()
    try:
        for path in paths:
            if not path.is_file() or path.stat().st_size > LARGEST:
                return None
            data[os.path.abspath(path)] = held = path.read_bytes()
            total.update(f"{os.fsencode(path.relative_to(folder))!r} {len(held)}\n".encode())
            total.update(held)
    except OSError:
        return None
    return Files(data, total.hexdigest())


def _moments(directory: Directory | None) -> Iterable[int]:
    """When something begins or ends in a directory."""
    if directory is not None:
        held = [user.assignments for user in directory.users.values()]
        held += [group.assignments for group in directory.groups.values()]
        for assignment in (one for assignments in held for one in assignments):
            yield from (time for time in (assignment.start, assignment.end) if time is not None)


@lru_cache(maxsize=1)
def _program() -> str:
    """A hash of what this program is, wherever it is installed: the names and bytes of its files, and its grammar. Its
    version alone would not tell a checkout from the next one."""
    package, total = Path(__file__).parents[1], sha256(grammar_text().encode("utf-8"))
    for here, folders, names in os.walk(package):
        folders.sort()
        for path in (Path(here, name) for name in sorted(names) if name.endswith(".py")):
            held = path.read_bytes()
            total.update(f"{path.relative_to(package).as_posix()} {len(held)}\n".encode())
            total.update(held)
    return total.hexdigest()


@lru_cache(maxsize=1)
def _solver() -> str:
    """The solver's version, without loading it where its package tells."""
    from importlib import metadata

    try:
        return metadata.version("z3-solver")
    except metadata.PackageNotFoundError:
        return str(z3.get_version_string()) if available() else ""
