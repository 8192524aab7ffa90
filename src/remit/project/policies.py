"""Compiles a policy from its sources, with the base that an overlay extends."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from remit.compiler import Compiled, compile_files, parse_all
from remit.diagnostics import Diagnostic
from remit.model.policy import Model
from remit.project.sources import SUFFIX, base_of, name_of, read
from remit.source import Source
from remit.syntax import tree

_MOST_LAYERS = 50  # of overlays over a base

Overrides = Mapping[str, str]  # whole path → what is to be read in place of what the file holds


class Base(NamedTuple):
    """A policy that another one extends: where it stands, its sources, and the words that name it there: the source
    they stand in, and the path as it is written."""

    place: Path
    own: list[Source]
    named_in: Source
    written: str


class Loaded(NamedTuple):
    """A policy as compiled, with the sources that messages quote; `own` are those of its outermost layer. `extended`
    are the policies that it extends, the nearest first."""

    compiled: Compiled
    sources: list[Source]
    own: list[Source]
    extended: tuple[Base, ...] = ()

    @property
    def bases(self) -> tuple[Path, ...]:
        """Where the policies stand that it extends."""
        return tuple(base.place for base in self.extended)


def load(path: Path, texts: Overrides | None = None) -> Loaded:
    """Compiles the policy at `path`. Findings name files relative to the folder; `origin` is from where we stand."""
    return _load(path, [], texts or {})


def load_read(path: Path, sources: list[Source], findings: list[Diagnostic]) -> Loaded:
    """Compiles the policy at `path` from its own sources, as they were read."""
    return _compiled(sources, [*findings], path, [], {})


def load_source(source: Source) -> Loaded:
    """Compiles a policy of one text, such as an editor holds; `source.origin` is where its file would be."""
    return _compiled([source], [], Path(source.origin or source.name), [], {})


def _load(path: Path, extended_by: list[Path], texts: Overrides) -> Loaded:
    sources, findings = read(path)
    for source in sources if texts else ():
        source.text = texts.get(os.path.abspath(source.origin or source.name), source.text)
    return _compiled(sources, findings, path, extended_by, texts)


def _compiled(
    sources: list[Source], findings: list[Diagnostic], path: Path, extended_by: list[Path], texts: Overrides
) -> Loaded:
    files, wrong = parse_all(sources)
    findings += wrong
    base: Model | None = None
    base_sources: list[Source] = []
    extended: tuple[Base, ...] = ()
    extends = next((s for f in files for s in f.statements if isinstance(s, tree.Policy) and s.extends), None)
    if extends is not None and extends.extends is not None:
        span, here, written = extends.extends.span, path.resolve(), extends.extends.text
        root = base_of(span.source, written)
        why, help = _no_base(root, written)
        if why:
            findings.append(Diagnostic("E304", why, span, help=help))
        elif len(extended_by) >= _MOST_LAYERS:
            message = f"more than {_MOST_LAYERS} policies extend one another"
            findings.append(Diagnostic("E305", message, span, help="put several overlays into one"))
        elif root.resolve() in [here, *extended_by]:
            circle = Diagnostic("E305", "policies extend one another in a circle", span, help="one of them is the base")
            findings.append(circle)
        else:
            loaded = _load(root, [*extended_by, here], texts)
            base, base_sources = loaded.compiled.model, loaded.sources
            extended = (Base(root, loaded.own, span.source, written), *loaded.extended)
            findings += loaded.compiled.findings
    compiled = compile_files(files, findings, base, name_of(path))
    return Loaded(compiled, [*base_sources, *sources], sources, extended)


def _no_base(root: Path, written: str) -> tuple[str, str]:
    """Why there is nothing at `root` to extend, and what to do; empty where there is."""
    try:
        found, table = root.exists(), _is_table(root)
    except (OSError, ValueError):  # a name that no file system takes
        found, table = False, False
    if not found:
        return f"there is no policy at `{written}`", "the path is relative to this file"
    return ("a compiled table cannot be extended", "extend the policy's sources") if table else ("", "")


def _is_table(path: Path) -> bool:
    return path.is_file() and path.suffix != SUFFIX
