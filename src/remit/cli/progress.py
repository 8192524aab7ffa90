"""How far a long run is: a bar on standard error, in a terminal alone, and gone at the end.

It is drawn when it is told something, and by no thread: processes are forked meanwhile."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

_BETWEEN = 0.1  # seconds between two drawings


class Bar:
    """What has been done so far; nothing is drawn without `progress`."""

    def __init__(self, progress: Progress | None = None, what: str = "") -> None:
        self._progress = progress
        self._what = what
        self._done = 0
        self._total: int | None = None
        self._task = None if progress is None else progress.add_task("", total=None)
        self._drawn = -_BETWEEN  # so that the first is drawn

    def __call__(self, count: int) -> None:
        """So many more are done."""
        self.so_far(self._what, self._done + count, self._total)

    def so_far(self, what: str, done: int, total: int | None = None) -> None:
        """So many are done, of those there are in all where that is known; something else than before may be
        counted."""
        self._what, self._done, self._total = what, done, total
        now = time.monotonic()
        if self._progress is None or self._task is None or now - self._drawn <= _BETWEEN:
            return
        self._drawn = now
        said = f"{done:,} {what}" if total is None else f"{done:,} of {total:,} {what}"
        self._progress.update(self._task, description=said, completed=done, total=total, refresh=True)


SILENT = Bar()


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Bar]:
    """A bar of things that are called so."""
    if not sys.stderr.isatty():
        yield Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(bar_width=20), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as drawn:
        bar = Bar(drawn, what)
        bar.so_far(what, 0, total)
        yield bar
