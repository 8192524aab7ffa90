"""Finds and reads a policy: a file, or a folder with all `.remit` files below it, and the base an overlay extends.

Nothing here judges the language; what cannot be read becomes a finding like any other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from remit.compiler import Compiled, compile_files, parse_all
from remit.diagnostics import Diagnostic
from remit.model.policy import Model
from remit.project.files import read_source
from remit.source import Source, Span
from remit.syntax import tree

SUFFIX = ".remit"
_MOST_LAYERS = 50  # of overlays over a base
_NAMES_A_POLICY = re.compile(r"^[ \t]*policy\s+[A-Za-z_`]", re.MULTILINE)


Texts = Mapping[str, str]  # whole path → what is to be read in place of what the file holds


class Loaded(NamedTuple):
    """A policy as compiled, with the sources that messages quote; `own` are those of its outermost layer. `bases` are
    where the policies stand that it extends, the nearest first."""

    compiled: Compiled
    sources: list[Source]
    own: list[Source]
    bases: tuple[Path, ...] = ()


def load(path: Path, texts: Texts | None = None) -> Loaded:
    """Compiles the policy at `path`. Findings name files relative to the folder; `origin` is from where we stand."""
    return _load(path, [], texts or {})


def load_source(source: Source) -> Loaded:
    """Compiles a policy of one text, such as an editor holds; `source.origin` is where its file would be."""
    return _compiled([source], [], Path(source.origin or source.name), [], {})


def _load(path: Path, extended_by: list[Path], texts: Texts) -> Loaded:
    sources, findings = read(path)
    for source in sources if texts else ():
        source.text = texts.get(os.path.abspath(source.origin or source.name), source.text)
    return _compiled(sources, findings, path, extended_by, texts)


def _compiled(
    sources: list[Source], findings: list[Diagnostic], path: Path, extended_by: list[Path], texts: Texts
) -> Loaded:
    files, wrong = parse_all(sources)
    findings += wrong
    base: Model | None = None
    base_sources: list[Source] = []
    bases: tuple[Path, ...] = ()
    extends = next((s for f in files for s in f.statements if isinstance(s, tree.Policy) and s.extends), None)
    if extends is not None and extends.extends is not None:
        span, here = extends.extends.span, path.resolve()
        root = Path(os.path.normpath(_folder_of(span.source) / extends.extends.text))
        why, help = _no_base(root, extends.extends.text)
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
            base, base_sources, bases = loaded.compiled.model, loaded.sources, (root, *loaded.bases)
            findings += loaded.compiled.findings
    compiled = compile_files(files, findings, base, _name_of(path))
    return Loaded(compiled, [*base_sources, *sources], sources, bases)


def _no_base(root: Path, written: str) -> tuple[str, str]:
    """Why there is nothing at `root` to extend, and what to do; empty where there is."""
    try:
        found, table = root.exists(), _is_table(root)
    except (OSError, ValueError):  # a name that no file system takes
        found, table = False, False
    if not found:
        return f"there is no policy at `{written}`", "the path is relative to this file"
    return ("a compiled table cannot be extended", "extend the policy's sources") if table else ("", "")


def _folder_of(source: Source) -> Path:
    return Path(source.origin or source.name).parent


def _name_of(path: Path) -> str:
    stem = Path(os.path.abspath(path)).stem
    return re.sub(r"\W", "_", stem) or "policy"


def _is_table(path: Path) -> bool:
    return path.is_file() and path.suffix != SUFFIX


# -- reading ---------------------------------------------------------------------------------------------------------


def read(path: Path) -> tuple[list[Source], list[Diagnostic]]:
    """The sources of one policy, and what could not be read."""
    try:
        found = path.exists() and path.resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle, a name too long, a NUL in it
        return [], [_nowhere(path, "this names no file and no folder")]
    if not found:
        return [], [_nowhere(path, "there is no such file or folder")]
    if path.is_file():
        source, wrong = read_source(path, path.name)
        return ([source] if source else []), wrong
    findings: list[Diagnostic] = []
    sources: list[Source] = []
    for file in policy_files(path, findings):
        source, wrong = read_source(file, file.relative_to(path).as_posix())
        findings += wrong
        if source:
            sources.append(source)
    kept = _without_other_policies(sources)
    if not kept and not findings:
        findings.append(_nowhere(path, "there is no policy here: no `.remit` file"))
    return kept, findings


def _nowhere(path: Path, why: str) -> Diagnostic:
    source = Source(path.name or str(path), "", str(path))
    return Diagnostic(
        "E010", why, Span(source, 0, 0), help="name a policy with --policy, or begin one with: remit init"
    )


def policy_files(folder: Path, findings: list[Diagnostic]) -> Iterable[Path]:
    """The `.remit` files below, sorted by their path. A link that leads out is a finding, one that stays in is not
    followed: what it leads to is read where it is."""
    root = folder.resolve()
    found: list[Path] = []

    def unreadable(error: OSError) -> None:
        source = Source(Path(error.filename or folder).name, "", str(error.filename or folder))
        why = (error.strerror or "unreadable").lower()
        message = f"the folder cannot be read: {why}"
        findings.append(
            Diagnostic("E010", message, Span(source, 0, 0), help="its rules would be missing: mend its rights")
        )

    for here, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in [*folders, *names]:
            path = Path(here, name)
            if not path.is_symlink() or (name in names and path.suffix != SUFFIX):
                continue
            target = Path(os.path.realpath(path))  # links in a circle are inside, and lead nowhere
            if target != root and root not in target.parents:
                source = Source(path.relative_to(folder).as_posix(), "", str(path))
                help = "copy what it leads to, or extend that policy"
                findings.append(
                    Diagnostic("E009", "this link leads out of the policy's folder", Span(source, 0, 0), help=help)
                )
        found.extend(path for name in names if name.endswith(SUFFIX) and not (path := Path(here, name)).is_symlink())
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _without_other_policies(sources: list[Source]) -> list[Source]:
    """Leaves out sub-folders that hold a policy of their own."""
    others = {
        folder
        for source in sources
        if "/" in source.name and _NAMES_A_POLICY.search(source.text)
        if (folder := source.name.rsplit("/", 1)[0]) and _has_policy(source)
    }
    if not others:
        return sources
    return [
        source
        for source in sources
        if not any(source.name == folder or source.name.startswith(folder + "/") for folder in others)
    ]


def _has_policy(source: Source) -> bool:
    files, _ = parse_all([source])
    return any(isinstance(statement, tree.Policy) for file in files for statement in file.statements)


def policies_below(folder: Path) -> list[Path]:
    """Every policy at or below a folder: itself, if it holds one, and each sub-folder that names its own."""
    findings: list[Diagnostic] = []
    sources = [
        s for file in policy_files(folder, findings) if (s := read_source(file, file.relative_to(folder).as_posix())[0])
    ]
    found = {folder} if _without_other_policies(sources) else set()
    for source in sources:
        if "/" in source.name and _NAMES_A_POLICY.search(source.text) and _has_policy(source):
            found.add(folder / source.name.rsplit("/", 1)[0])
    return sorted(found) or [folder]
