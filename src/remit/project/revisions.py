"""A policy, or a directory, as it stood at a git revision: `main`, `HEAD~2`, `v1.0`, `main:policies/clinic`.

git itself is asked (`rev-parse`, `ls-tree`, `cat-file`), none of which touches the work tree or the index. What the
policy may need of that revision is laid out in a private temporary folder, below the repository's own path, so that a
base which an overlay extends by a relative path is found where it was, and the one reader of policies reads it:

    …/shop at main   →   …/remit-k3x/…/shop/policies/…      gone again when the policy is read

That is: every `.remit` file, every link, and the files that are asked for by name. Names and links in a tree may be
hostile: folders are made before links, and what resolves to a place outside of the temporary folder is refused.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from remit.diagnostics import Diagnostic
from remit.directory.shape import Directory
from remit.project import directory_memory
from remit.project.directories import DIRECTORY_NAMES
from remit.project.files import LARGEST
from remit.project.policies import load
from remit.project.sources import SUFFIX
from remit.project.tables import load_table
from remit.table.shape import Table

MOST_BYTES = 512 * 1024 * 1024  # of one revision's policies
_AT_ONCE = 32 * 1024 * 1024  # bytes asked of git in one go
_LONGEST_LINK = 4096
_LINK, _SUBMODULE = "120000", "160000"
_HELP = (  # a part of what git says, and what to do then
    ("not a git repository", "name a folder or a file, or call this where the repository is"),
    ("dubious ownership", "if the checkout is trusted: git config --global --add safe.directory FOLDER"),
)
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")  # a hook sets them for its own folder


class RevisionError(Exception):
    """A revision that cannot be read; `help` says what to do."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class MissingPolicyError(RevisionError):
    """The revision has no policy there."""


class MissingDirectoryError(RevisionError):
    """The revision has no directory there."""


class Named(NamedTuple):
    """A word as a revision: `main`, or `main:policies/clinic` with its path; `path` None: where the policy is."""

    revision: str
    path: str | None


def parse(word: str) -> Named:
    """Takes a word apart at its first colon that stands outside of braces (`main@{12:00}:policy`). `main:` is `main`,
    for where a path is called `main` too. Raises RevisionError."""
    depth = 0
    for at, sign in enumerate(word):
        depth += (sign == "{") - (sign == "}")
        if sign == ":" and depth <= 0:
            named = Named(word[:at], word[at + 1 :] or None)
            break
    else:
        named = Named(word, None)
    if not named.revision:
        raise RevisionError(f"`{word}` names no revision", "write REVISION:PATH, as in main:policy")
    return named


# -- git ---------------------------------------------------------------------------------------------------------------


class Repository(NamedTuple):
    """A work tree of git's, by the whole path of its top."""

    top: Path

    @classmethod
    def around(cls, *places: Path) -> Repository:
        """The repository that the first of these places lies in which lies in one. Raises RevisionError."""
        why: RevisionError | None = None
        for place in places:
            try:
                found = _git(_folder(place), "rev-parse", "--show-toplevel")
            except RevisionError as error:
                why = why or error
                continue
            return cls(Path(os.fsdecode(found.removesuffix(b"\n"))))
        raise why or RevisionError("no place was named")

    def relative(self, path: Path) -> str:
        """The path from the top, with `/`; empty for the top itself. A link on the way is kept as it is written, for
        it may lead elsewhere at another revision. Raises RevisionError where it lies outside."""
        whole = Path(os.path.abspath(path))
        for above in (whole, *whole.parents):
            if above.resolve() == self.top.resolve():
                return _posix(whole.relative_to(above))
        try:
            return _posix(whole.resolve().relative_to(self.top.resolve()))
        except ValueError:
            raise RevisionError(
                f"`{path}` lies outside of the repository `{self.top}`", "name the policy as REVISION:PATH"
            ) from None

    def commit(self, revision: str) -> str:
        """The hash of the commit or tree that a revision names. Raises RevisionError."""
        if revision.startswith("-") or "\0" in revision:
            raise RevisionError(f"`{revision}` is no name that git gives a revision")
        for kind in ("commit", "tree"):
            try:
                return self._hash(f"{revision}^{{{kind}}}")
            except _RefusedError:
                continue
        raise self._no_commit(revision)

    def _hash(self, revision: str) -> str:
        found = _git(self.top, "rev-parse", "--verify", "--quiet", "--end-of-options", revision)
        return found.decode("ascii", "replace").strip()

    def _no_commit(self, revision: str) -> RevisionError:
        """Why a word names no commit: git does not know it, does not have what it names, or it is something else."""
        try:
            found = self._hash(revision)  # of forty digits that is they themselves, whether they are here or not
        except _RefusedError as error:
            return error if error.said else self._unknown(revision)
        if revision.lower() == found and not self._has(found):
            return self._unknown(revision)
        try:
            kind = _git(self.top, "cat-file", "-t", found).decode("ascii", "replace").strip()
        except _RefusedError:
            return RevisionError(f"git has lost what `{revision}` names", "git fsck says more")
        return RevisionError(f"`{revision}` is a {'file' if kind == 'blob' else kind} to git, and no commit")

    def _has(self, found: str) -> bool:
        try:
            _git(self.top, "cat-file", "-e", found)
        except _RefusedError:
            return False
        return True

    def _unknown(self, revision: str) -> RevisionError:
        shallow = _git(self.top, "rev-parse", "--is-shallow-repository").strip() == b"true"
        told = (
            "this checkout is a shallow one: fetch it first"
            if shallow
            else "fetch it first, where it is a remote's; git branch --all and git tag list what is here"
        )
        return RevisionError(f"git knows no revision `{revision}`", told)


class _RefusedError(RevisionError):
    """git said no, and why: in its own words, or in none."""

    def __init__(self, said: str) -> None:
        self.said = said
        super().__init__(f"git says: {said or 'no'}", next((help for sign, help in _HELP if sign in said), ""))


def _git(folder: Path, *arguments: str, feed: bytes = b"") -> bytes:
    environment = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    environment |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], input=feed, capture_output=True, env=environment, check=False
        )
    except FileNotFoundError:
        raise RevisionError("git is not installed, which knows of revisions", "name a path, or install git") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no such name"
        raise RevisionError(f"git cannot be called: {why.lower()}") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise _RefusedError(said.removeprefix("fatal: ").removeprefix("error: ").rstrip("."))
    return done.stdout


def _folder(place: Path) -> Path:
    """The nearest folder at or above a place that is there."""
    whole = Path(os.path.abspath(place))
    return next((path for path in (whole, *whole.parents) if path.is_dir()), whole)


def _posix(path: Path) -> str:
    found = path.as_posix()
    return "" if found == "." else found


class _Blob(NamedTuple):
    mode: str
    hash: str
    size: int
    path: str


def _listed(top: Path, commit: str) -> Iterator[_Blob]:
    """Every file, link and submodule of a revision."""
    for line in _git(top, "ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0"):
        if line:
            facts, _, path = line.partition(b"\t")
            mode, _, name = facts.decode("ascii").split()
            yield _Blob(mode, name, 0, os.fsdecode(path))


def _sized(top: Path, blobs: Sequence[_Blob]) -> list[_Blob]:
    """The files with their sizes: asked for these alone, for git looks into each."""
    told = _git(top, "cat-file", "--batch-check=%(objectsize)", feed=_hashes(blobs)).split(b"\n")
    for blob, size in zip(blobs, told, strict=False):
        if not size.isdigit():  # `HASH missing`
            raise RevisionError(f"git has lost what `{blob.path}` held", "git fsck says more")
    return [blob._replace(size=int(size)) for blob, size in zip(blobs, told, strict=False)]


def _hashes(blobs: Iterable[_Blob]) -> bytes:
    return "".join(f"{blob.hash}\n" for blob in blobs).encode()


def _contents(top: Path, blobs: Sequence[_Blob]) -> Iterator[tuple[_Blob, bytes]]:
    """What the files hold, some at a time."""
    part: list[_Blob] = []
    size = 0
    for blob in [*blobs, None]:
        if part and (blob is None or size + blob.size > _AT_ONCE):
            told = _git(top, "cat-file", "--batch", feed=_hashes(part))
            at = 0
            for one in part:
                start = told.index(b"\n", at) + 1  # behind `HASH blob SIZE`
                at = start + one.size + 1
                yield one, told[start : at - 1]
            part, size = [], 0
        if blob is not None:
            part.append(blob)
            size += blob.size


# -- a revision, laid out ----------------------------------------------------------------------------------------------


class Revision(NamedTuple):
    """A revision of a repository; `path` is where the policy stands in it, from the top."""

    repository: Repository
    name: str
    commit: str
    path: str

    @property
    def label(self) -> str:
        """How people are told of it: `main`, `main:policies/clinic`."""
        return f"{self.name}:{self.path}" if self.path else self.name


def revision(word: str, policy: Path, here: Path) -> Revision:
    """What a word names: in the repository that `policy` lies in, else in that around `here`; without a path of its
    own it is read at the policy's. A path is from the repository's top, or from `here` where it begins with `./` or
    `../`. Raises RevisionError."""
    named = parse(word)
    repository = Repository.around(policy, here)
    commit = repository.commit(named.revision)
    if named.path is None:
        path = repository.relative(policy)
    elif named.path.startswith(("./", "../")) or named.path in (".", ".."):
        path = repository.relative(here / named.path)
    else:
        path = os.path.normpath(named.path).strip("/")
        path = "" if path == "." else path
    if ".." in PurePosixPath(path).parts:
        raise RevisionError(f"`{word}` leads out of the repository")
    return Revision(repository, named.revision, commit, path)


@contextmanager
def laid_out(at: Revision, asked: Iterable[str] = ()) -> Iterator[Path]:
    """The policies of a revision as files, for as long as this lasts: the folder that stands for the repository's top.
    `asked` are paths of further files. Raises RevisionError."""
    beside = {f"{folder}/{name}".lstrip("/") for name in DIRECTORY_NAMES for folder in (at.path, _above(at.path))}
    wanted = {at.path, *asked, *beside}
    blobs = list(_listed(at.repository.top, at.commit))
    _no_submodule(at, blobs)
    chosen = [b for b in blobs if b.mode == _LINK or b.path in wanted or b.path.endswith(SUFFIX)]
    chosen = _sized(at.repository.top, [b for b in chosen if b.mode != _SUBMODULE])
    if sum(blob.size for blob in chosen if blob.size <= LARGEST) > MOST_BYTES:
        raise RevisionError(f"the policies of `{at.name}` are too large to be read")
    with tempfile.TemporaryDirectory(prefix="remit-") as temporary:
        top = Path(temporary, *at.repository.top.parts[1:])
        top.mkdir(parents=True, exist_ok=True)
        try:
            _write(at, top, chosen)
        except (OSError, ValueError) as error:
            why = (getattr(error, "strerror", None) or "a name that no file can have").lower()
            raise RevisionError(f"`{at.name}` cannot be laid out in a temporary folder: {why}") from None
        yield top


def _write(at: Revision, top: Path, blobs: Sequence[_Blob]) -> None:
    for blob in blobs:
        if any(part in ("", ".", "..") for part in blob.path.split("/")):
            raise RevisionError(f"`{at.name}` holds a file by a name that leads elsewhere: `{blob.path}`")
        (top / blob.path).parent.mkdir(parents=True, exist_ok=True)  # all of them before any link
    links = []
    small = [blob for blob in blobs if blob.size <= LARGEST]
    for blob, content in _contents(at.repository.top, small):
        if blob.mode == _LINK:
            links.append((blob, content))
        else:
            with (top / blob.path).open("xb") as file:
                file.write(content)
    for blob in blobs:
        if blob.size > LARGEST:  # an empty file of that size: whoever needs it is told that it is too large
            with (top / blob.path).open("xb") as file:
                file.truncate(blob.size)
    for blob, content in links:
        if len(content) <= _LONGEST_LINK and b"\0" not in content:
            os.symlink(os.fsdecode(content), top / blob.path)


def _no_submodule(at: Revision, blobs: Iterable[_Blob]) -> None:
    """Nothing that lies at, above or below the policy is kept in another repository."""
    for blob in blobs:
        if blob.mode == _SUBMODULE and _related(blob.path, at.path):
            raise RevisionError(
                f"`{blob.path}` is a submodule at `{at.name}`: its files are in another repository",
                "call this inside the submodule, with a revision of its own",
            )


def _related(one: str, other: str) -> bool:
    if not one or not other:
        return True
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _above(path: str) -> str:
    return path.rpartition("/")[0]


# -- reading -----------------------------------------------------------------------------------------------------------


class Read(NamedTuple):
    """A policy as it stood: its table, None where there are findings. `directory` is the one that was asked for."""

    table: Table | None
    findings: list[Diagnostic]
    directory: Directory | None = None


def read_policy(at: Revision, directory: str | None = None, beside: bool = False) -> Read:
    """The policy at a revision. `directory` is the path of a directory file there, from the top; with `beside`, that
    beside the policy is taken where there is one. Paths in findings are as `main:policies/roles.remit`, those of the
    table as they would be in the work tree. Raises RevisionError."""
    with laid_out(at, [directory] if directory else []) as top:
        place = top / at.path if at.path else top
        if not _inside(place, top):
            raise RevisionError(f"`{at.label}` is a link that leads out of the repository", "name what it leads to")
        if not place.exists():
            raise MissingPolicyError(
                f"there is no policy at `{at.path or '.'}` in `{at.name}`",
                f"where it stood elsewhere then: {at.name}:PATH; to compare with nothing: --allow-missing",
            )
        if place.is_file() and place.suffix != SUFFIX:
            table, findings = load_table(place)
        else:
            loaded = load(place)
            table, findings = loaded.compiled.table, loaded.compiled.findings
            _check_bases(at, top, loaded.bases, findings)
        people: Directory | None = None
        found = _directory_path(top, place, directory, beside)
        if found is not None:
            if not _inside(found, top):
                raise RevisionError(f"`{at.name}:{found.relative_to(top)}` is a link that leads out of the repository")
            people, wrong = directory_memory.load(found, cache=False)
            people = people._replace(name=_label(at, str(found), top))
            findings = [*findings, *wrong]
        if table is not None:
            table = table._replace(origins={file: _real(at, where, top) for file, where in table.origins.items()})
        _relabel(at, findings, top)
        return Read(None if findings else table, findings, people)


def read_directory(at: Revision) -> tuple[Directory, list[Diagnostic]]:
    """The directory file at `at.path`, and what is wrong with it. Raises RevisionError, of which MissingDirectoryError
    where there is none."""
    with laid_out(at) as top:
        place = top / at.path
        if not _inside(place, top):
            raise RevisionError(f"`{at.label}` is a link that leads out of the repository", "name what it leads to")
        if not place.is_file():
            raise MissingDirectoryError(
                f"there is no directory at `{at.path or '.'}` in `{at.name}`",
                "name one: REVISION:PATH; to compare with nobody: --allow-missing",
            )
        people, findings = directory_memory.load(place, cache=False)
        _relabel(at, findings, top)
        return people._replace(name=at.label), findings


def _directory_path(top: Path, policy: Path, given: str | None, beside: bool) -> Path | None:
    if given is not None:
        return top / given if (top / given).is_file() else None
    folder = policy if policy.is_dir() else policy.parent
    places = [folder / name for name in DIRECTORY_NAMES] if beside else []
    return next((place for place in places if place.is_file()), None)


def _inside(path: Path, top: Path) -> bool:
    try:
        found, root = path.resolve(), top.resolve()
    except (OSError, RuntimeError):
        return False
    return found == root or root in found.parents


def _check_bases(at: Revision, top: Path, bases: Iterable[Path], findings: Iterable[Diagnostic]) -> None:
    """A base inside the repository is that of the revision; one by its whole path outside of it is as it is today."""
    real = at.repository.top.resolve()
    for base in bases:
        place = base.resolve()
        if not _inside(base, top) and (_below(place, real) or _below(base, _home(at, top))):
            raise RevisionError(
                f"the policy at `{at.name}` extends `{base}`, which is not read at that revision",
                "inside a repository a base is named by a relative path",
            )
    for finding in findings:
        if finding.code == "E304" and finding.span is not None:
            written = finding.span.text.strip('"')
            folder = Path(finding.span.source.origin).parent
            if not _below(Path(os.path.normpath(folder / written)), top) and not os.path.isabs(written):
                raise RevisionError(
                    f"the policy at `{at.name}` extends `{written}`, which lies outside of the repository",
                    "a revision holds nothing there: compile both sides, and compare the tables",
                )


def _below(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def _home(at: Revision, top: Path) -> Path:
    """The temporary folder that `top` lies in."""
    deep = len(at.repository.top.parts) - 1
    return top.parents[deep - 1] if deep else top


def _real(at: Revision, origin: str, top: Path) -> str:
    """The path in the work tree of what was read in the temporary folder."""
    inside = _relative(origin, top)
    return origin if inside is None else str(at.repository.top / inside)


def _relabel(at: Revision, findings: Iterable[Diagnostic], top: Path) -> None:
    """Names the sources of findings as people know them: `main:policies/roles.remit`."""
    for finding in findings:
        spans = [finding.span] if finding.span else []
        for span in [*spans, *(label.span for label in finding.secondary)]:
            span.source.origin = _label(at, span.source.origin or span.source.name, top)


def _label(at: Revision, origin: str, top: Path) -> str:
    inside = _relative(origin, top)
    return origin if inside is None else f"{at.name}:{inside}"


def _relative(origin: str, top: Path) -> str | None:
    try:
        return Path(origin).relative_to(top).as_posix()
    except ValueError:
        return None


def is_revision_form(word: str) -> bool:
    """Whether a word is a revision whatever paths there are: `main:policy`, `main:`. What begins as a path does (`./`,
    `/`, a drive's letter) is none, and neither is an address."""
    return ":" in word and re.match(r"\.{0,2}[\\/]|~|[A-Za-z]:[\\/]", word) is None and "://" not in word
