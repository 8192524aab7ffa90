"""The table of a policy, remembered until its sources change: reading it again takes a small part of the time.

It is kept in the user's own cache (`remit.project.user_cache`). An entry's key is a hash of the program, the policy's
name, and the names and texts of its sources. What is only known once they are compiled stands in the entry: which
sources are the policy's own, where those are named that it extends, and a hash of theirs. Places that are shown to
people (`Table.origins`) depend on how the policy was named in the call, so they are found anew. An entry is plain data,
read as warily as a table from elsewhere (`remit.table.unpack`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from remit.collection import paused
from remit.diagnostics import Diagnostic
from remit.project.cache import Limits, PrivateCache, hashed
from remit.project.sources import base_of, name_of, own_of, read_all
from remit.project.user_cache import cache_folder, is_updated, program_digest
from remit.source import Source
from remit.table.shape import Table
from remit.table.unpack import UnsoundError, unpack

if TYPE_CHECKING:
    from remit.model.policy import Model
    from remit.project.policies import Loaded

_KIND = "table"
_LIMITS = Limits(entries=400, bytes=512 << 20, entry=64 << 20)
_LARGEST = _LIMITS.entry // 2  # characters of sources: what they come to takes twice as much, and may fit
_PROGRAM = ("", "model", "project", "syntax", "table")  # folders of the package that say what a table comes to


class Remembered(NamedTuple):
    """A policy's table, or None and what is wrong with the policy. `model` compiles it, where that was not done yet."""

    table: Table | None
    findings: list[Diagnostic]
    model: Callable[[], Model]


class _Layer(NamedTuple):
    """A policy, or one that it extends: what it is called, and its own sources."""

    name: str
    own: list[Source]


def load(path: Path, cache: bool = True) -> Remembered:
    """The policy at `path`, from what is remembered of it or else from its sources; then it is remembered, if nothing
    is wrong with it. `cache`: whether to remember at all."""
    sources, findings = read_all(path)
    whole = sources and not findings and sum(len(source.text) for source in sources) <= _LARGEST
    folder = cache_folder() if cache and whole else None
    program = program_digest(_PROGRAM) if folder is not None else None
    if program is None:
        return _fresh(_compile(path, sources, findings))
    memory, key = PrivateCache(folder, _LIMITS), hashed(program, _digest(path, sources))
    with paused():
        entry = memory.get(_KIND, key)
        known = _known(entry, path, sources) if entry is not None else None
    if known is not None:
        return known
    loaded = _compile(path, sources, findings)
    with paused():
        _keep(memory, key, loaded, sources)
    return _fresh(loaded)


def _compile(path: Path, sources: list[Source], findings: list[Diagnostic]) -> Loaded:
    from remit.project.policies import load_read

    return load_read(path, *own_of(path, sources, findings))


def _fresh(loaded: Loaded) -> Remembered:
    table, findings, model = loaded.compiled.table, loaded.compiled.findings, loaded.compiled.model
    return Remembered(table, findings, lambda: model)


# -- what is remembered ----------------------------------------------------------------------------------------------


def _known(entry: Any, path: Path, sources: Sequence[Source]) -> Remembered | None:
    """What an entry says, if it is whole and the policies that this one extends are as they were."""
    try:
        layers = [_Layer(name_of(path), [sources[number] for number in entry["own"]])]
        for number, written, digest, own in entry["extends"]:
            place = base_of(layers[-1].own[number], written)
            theirs, findings = read_all(place)
            if findings or _digest(place, theirs) != digest:
                return None
            layers.append(_Layer(name_of(place), [theirs[number] for number in own]))
        origins = {file: layers[layer].own[number].origin for file, layer, number in entry["origins"]}
        table = unpack(entry["table"])._replace(origins=origins)
    except (UnsoundError, KeyError, TypeError, ValueError, IndexError):  # not as it was written
        return None
    return Remembered(table, [], lambda: _model(layers))


def _model(layers: Iterable[_Layer]) -> Model:
    from remit.compiler import compile_sources

    base: Model | None = None
    for layer in reversed([*layers]):
        base = compile_sources(layer.own, base, layer.name).model
    assert base is not None  # a policy has at least its own layer
    return base


def _keep(memory: PrivateCache, key: str, loaded: Loaded, sources: Sequence[Source]) -> None:
    """Remembers a table, unless something changed meanwhile or could not be told apart."""
    table = loaded.compiled.table
    if table is None:
        return
    if is_updated(_PROGRAM):
        return
    from remit.table.pack import pack

    own, extends = [loaded.own], []
    at = _numbers(sources)
    for base in loaded.extended:
        theirs, findings = read_all(base.place)
        again = own_of(base.place, theirs, findings)[0]
        if findings or [(one.name, one.text) for one in again] != [(one.name, one.text) for one in base.own]:
            return
        numbers, named_in = _numbers(theirs), own[-1].index(base.named_in)
        extends.append([named_in, base.written, _digest(base.place, theirs), [numbers[id(one)] for one in again]])
        own.append(base.own)
    places = {one.origin: (layer, number) for layer, some in enumerate(own) for number, one in enumerate(some)}
    if len(places) != sum(map(len, own)) or not places.keys() >= set(table.origins.values()):
        return
    entry = {
        "own": [at[id(one)] for one in loaded.own],
        "extends": extends,
        "origins": [[file, *places[origin]] for file, origin in table.origins.items()],
        "table": pack(table),
    }
    memory.put(_KIND, key, entry)


def _numbers(sources: Iterable[Source]) -> dict[int, int]:
    return {id(source): number for number, source in enumerate(sources)}


def _digest(path: Path, sources: Iterable[Source]) -> str:
    """A hash of what a policy's table depends on, but for what it extends."""
    return hashed(name_of(path), *(text for source in sources for text in (source.name, source.text)))
