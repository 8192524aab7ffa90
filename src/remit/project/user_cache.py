"""What is remembered for the user: where it is, and of which program.

It decides about access, so it is kept where nobody but the user may write, and never in the project, into which a pull
request could bring an entry along:

    $REMIT_CACHE             if it is set to a whole path; nothing is kept where it is anything else, as `off`
    $XDG_CACHE_HOME/remit    else, by default ~/.cache/remit; on macOS ~/Library/Caches/remit,
                             on Windows %LOCALAPPDATA%\\remit\\Cache
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from remit.project.cache import hashed


def cache_folder() -> Path | None:
    """The folder of the user's own cache; None where nothing is to be kept, or where there is no place for it."""
    told = os.environ.get("REMIT_CACHE")
    if told is not None:  # `off` is no whole path, nor is any other word that somebody turns things off by
        return Path(told) if os.path.isabs(told) else None
    own = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    if not os.path.isabs(own):  # a relative one counts for nothing
        home = "" if os.environ.get("HOME") == "" else os.path.expanduser("~")  # which makes `/` of an empty one
        own = os.path.join(home, "Library/Caches" if sys.platform == "darwin" else ".cache")
    return Path(own, "remit", *(["Cache"] if sys.platform == "win32" else [])) if os.path.isabs(own) else None


@cache
def program_digest(rooms: tuple[str, ...]) -> str | None:
    """A hash of what this program is, as far as these folders of the package go: names, sizes and times of their
    files. Its version alone would not tell an edited checkout from what it was. None where the program is no folder of
    files."""
    package = Path(__file__).parents[1]
    grammar = package / "grammar"  # in a checkout it stands beside the package's folder
    folders = [*(package / name for name in rooms), grammar if grammar.is_dir() else package.parents[1] / "grammar"]
    said = []
    try:
        for folder in folders:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.endswith((".py", ".lark")):
                        file = entry.stat()
                        said.append(f"{folder.name}/{entry.name} {file.st_size} {file.st_mtime_ns}")
    except OSError:
        return None
    return hashed(*sorted(said))


def is_updated(rooms: tuple[str, ...]) -> bool:
    """Whether the program's files are others by now than `program_digest` saw: what this process works out is not what
    they would."""
    return program_digest.__wrapped__(rooms) != program_digest(rooms)
