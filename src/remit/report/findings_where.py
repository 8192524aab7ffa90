"""Where findings are, for programs that know files by their path below one folder: a repository's, a build's.

./roles.remit, ../clinic/roles.remit and /srv/clinic/roles.remit, seen from /srv/clinic   ──▶   roles.remit
"""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from remit.report.escape import safe
from remit.report.quote import path_of, position
from remit.source import Source, Span


class Where(NamedTuple):
    """A place: lines and columns from 1, in code points, the end exclusive. `line` and what follows are 0 for what has
    no lines: a database, a file that could not be read."""

    path: str
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0

    @property
    def text(self) -> str:
        """`roles.remit:14:21`, safe for a terminal."""
        return safe(f"{self.path}:{self.line}:{self.column}" if self.line else self.path)

    @property
    def kind(self) -> str:
        """`below` the folder, `elsewhere` in the files, or a `database`, whose path is its address."""
        return "database" if "://" in self.path else "elsewhere" if self.path.startswith("/") else "below"


def where(span: Span, folder: str) -> Where:
    """The place of a span; paths in it are relative to `folder`."""
    path = normal_path(span.source, folder)
    if not span.source.text:
        return Where(path)
    return Where(path, *position(span.source, span.start), *position(span.source, span.end))


def normal_path(source: Source, folder: str, base: str = "") -> str:
    """The file relative to `base`, without `.` and `..`; whole where it is not below it. `folder` is where relative
    paths begin, and the base unless another is given. The address of a database is left as it is."""
    path = source.origin or source.name
    if "://" in path:
        return path
    path, base = posixpath.normpath(posixpath.join(folder, path)), posixpath.normpath(base or folder or ".")
    return path_of(Source(path, ""), "" if base == "." else base)
