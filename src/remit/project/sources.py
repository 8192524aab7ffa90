"""Finds and reads the sources of a policy: a file, or a folder with all `.remit` files below it.

Nothing here judges the language, and nothing of the compiler is loaded: a policy whose table is remembered
(`remit.project.table_memory`) needs no more than its texts. What cannot be read becomes a finding like any other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from remit.diagnostics import Diagnostic
from remit.project.files import read_source
from remit.source import Source, Span

SUFFIX = ".remit"
_NAMES_A_POLICY = re.compile(r"^[ \t]*policy\s+[A-Za-z_`]", re.MULTILINE)


def name_of(path: Path) -> str:
    """What a policy is called that does not say so itself."""
    stem = Path(os.path.abspath(path)).stem
    return re.sub(r"\W", "_", stem) or "policy"


def base_of(source: Source, written: str) -> Path:
    """The place that `extends` in a source names."""
    return Path(os.path.normpath(Path(source.origin or source.name).parent / written))


def read(path: Path) -> tuple[list[Source], list[Diagnostic]]:
    """The sources of one policy, and what could not be read."""
    found, findings = read_all(path)
    return own_of(path, found, findings)


def read_all(path: Path) -> tuple[list[Source], list[Diagnostic]]:
    """The sources at or below a place, those of other policies in sub-folders too, and what could not be read."""
    try:
        found = path.exists() and path.resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle, a name too long, a NUL in it
        return [], [_nowhere(path, "this names no file and no folder")]
    if not found:
        return [], [_nowhere(path, "there is no such file or folder")]
    if path.is_file():
        source, wrong = read_source(path, path.name)
        return ([source] if source else []), wrong
    return _read_below(path)


def _read_below(folder: Path) -> tuple[list[Source], list[Diagnostic]]:
    findings: list[Diagnostic] = []
    sources: list[Source] = []
    for file in policy_files(folder, findings):
        source, wrong = read_source(file, file.relative_to(folder).as_posix())
        findings += wrong
        if source:
            sources.append(source)
    return sources, findings


def own_of(path: Path, found: list[Source], findings: list[Diagnostic]) -> tuple[list[Source], list[Diagnostic]]:
    """Of what `read_all` found, the policy's own. This may have to parse what sub-folders hold."""
    kept = _without_other_policies(found)
    if not kept and not findings:
        return [], [_nowhere(path, "there is no policy here: no `.remit` file")]
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
    from remit.compiler import parse_all  # seldom needed
    from remit.syntax import tree

    files, _ = parse_all([source])
    return any(isinstance(statement, tree.Policy) for file in files for statement in file.statements)


def policies_below(folder: Path) -> list[Path]:
    """Every policy at or below a folder: itself, if it holds one, and each sub-folder that names its own."""
    sources, _ = _read_below(folder)
    found = {folder} if _without_other_policies(sources) else set()
    for source in sources:
        if "/" in source.name and _NAMES_A_POLICY.search(source.text) and _has_policy(source):
            found.add(folder / source.name.rsplit("/", 1)[0])
    return sorted(found) or [folder]
