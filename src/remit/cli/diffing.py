"""The two sides of `remit diff`: what each word names, its policy, and its directory.

a path that is there, or nothing    read where it lies
else a git revision                 read through git, at the policy's path (`remit.project.revisions`)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from remit.cli.session import Session, exists, fail, loaded, refuse_database
from remit.directory.shape import Directory as People
from remit.policy import Directory, DirectoryError, Policy, PolicyError
from remit.project.config import ConfigError, find
from remit.project.directories import DIRECTORY_NAMES, is_url
from remit.project.revisions import (
    MissingDirectoryError,
    MissingPolicyError,
    Read,
    Revision,
    RevisionError,
    is_revision_form,
    laid_out,
    read_directory,
    read_policy,
    revision,
)
from remit.table.shape import Table


@dataclass(slots=True)
class Side:
    """One side. `at` is None where it is read from where it lies, and `path` is where then."""

    name: str
    path: Path
    at: Revision | None
    missing: bool = False
    table: Table | None = None
    people: People | None = None


def side_of(word: str | None, session: Session) -> Side:
    """What a word names; None is the policy as it lies. Ends the call where it names nothing."""
    if word is None:
        return Side(session.policy_path.as_posix(), session.policy_path, None)
    if word and exists(word) and not is_revision_form(word):
        return Side(word, Path(word), None)
    try:
        return Side(word, session.policy_path, revision(word, session.policy_path, Path.cwd()))
    except RevisionError as error:
        said = str(error) if is_revision_form(word) else f"there is no path `{word}` here, and {error}"
        fail(said, error.help)


def load_policy(side: Side, session: Session, allow_missing: bool, with_directory: bool) -> Table:
    """The side's table, or the end of the call. With `with_directory`, a directory beside a revision's policy, or the
    one of the settings as the revision has it, is read in the same go."""
    if side.at is None:
        try:
            side.table = Policy.load(side.path).table
        except PolicyError as error:
            session.refuse(error.diagnostics)
        return side.table
    try:
        found = read_policy(side.at, _settled(side.at, session) if with_directory else None, with_directory)
    except MissingPolicyError as error:
        if not allow_missing:
            fail(str(error), error.help)
        found = Read(Policy.from_sources({"nothing.remit": ""}).table, [])
        side.missing = True
    except RevisionError as error:
        fail(str(error), error.help)
    if found.table is None:
        session.refuse(found.findings)
    side.table, side.people = found.table, found.directory
    return side.table


def moved(side: Side, session: Session) -> Iterator[str]:
    """What the settings at a side's revision name elsewhere than those here, by which both sides were read."""
    here = session.config
    if side.at is None or here.file is None:
        return
    try:
        file = side.at.repository.relative(here.file)
        with laid_out(side.at, [file]) as top:
            then = find((top / file).parent)
            if then.file is None or not then.file.is_relative_to(top.resolve()):
                return
            named = ("policy", then.policy, here.policy), ("directory", then.directory, here.directory)
            for key, before, now in named:
                was, is_now = _written(before, then.file), _written(now, here.file)
                if was != is_now:
                    yield (
                        f"the settings at `{side.at.name}` have `{key}` as {was}, and those here, by which both sides "
                        f"are read, as {is_now}"
                    )
    except (RevisionError, ConfigError, OSError):
        return


def _written(place: Path | str | None, settings: Path) -> str:
    """A path of the settings as it is written there; of an address no more than that, for it may hold a password."""
    if place is None:
        return "not set"
    if isinstance(place, str) and is_url(place):
        return "a database"
    with suppress(ValueError):
        return Path(place).relative_to(settings.parent).as_posix()
    return str(place)


def _settled(at: Revision, session: Session) -> str | None:
    """The path of the settings' directory inside the repository; None for an address, or one that lies outside."""
    place = session.config.directory
    if place is None or is_url(place):
        return None
    try:
        return at.repository.relative(Path(place))
    except RevisionError:
        return None


def load_people(side: Side, session: Session, given: str | None, needed: bool, allow_missing: bool) -> People | None:
    """The side's directory: as given, else that of its revision, else that of the settings or beside the policy. None
    where there is none and it is not `needed`; with `allow_missing`, one that a revision lacks holds nobody."""
    if given is not None:
        return _given(given, session, allow_missing)
    if side.at is not None and (side.people is not None or side.missing):
        return side.people or People()
    place = session.config.directory if side.at is not None or side.path == session.policy_path else None
    if place is not None and (side.at is None or is_url(place)):
        return _given(place, session, allow_missing)
    if side.at is None:
        folder = side.path if side.path.is_dir() else side.path.parent
        beside = next((folder / name for name in DIRECTORY_NAMES if (folder / name).is_file()), None)
        if beside is not None:
            return _given(str(beside), session, allow_missing)
    if needed and side.at is not None and allow_missing:
        return People()
    if needed:
        fail(f"this asks about users, and `{side.name}` has no directory", "name one with --directory")
    return None


def _given(place: str, session: Session, allow_missing: bool) -> People:
    if is_url(place):
        return loaded(place).data
    if is_revision_form(place):
        return _at_revision(place, session, allow_missing)
    if not Path(place).is_file():
        fail(f"there is no directory at `{place}`", "name one with --directory")
    refuse_database(place)
    try:
        return Directory.load(place).data
    except DirectoryError as error:
        session.refuse(error.diagnostics)


def _at_revision(place: str, session: Session, allow_missing: bool) -> People:
    """A directory as `main:policy/directory.yaml`."""
    try:
        people, findings = read_directory(revision(place, session.policy_path, Path.cwd()))
    except MissingDirectoryError as error:
        if not allow_missing:
            fail(str(error), error.help)
        return People()
    except RevisionError as error:
        fail(str(error), error.help)
    if findings:
        session.refuse(findings)
    return people


def needs_solver() -> NoReturn:
    """Ends the call where the extra is missing."""
    fail("the policies differ in what only the solver can compare", "install remit[prove]")
