"""A lock between processes, and between the threads of one: on a file of its own beside what it guards.

    directory.yaml   directory.yaml.lock, which holds nothing and is never replaced

On the guarded file itself it would be lost when that is replaced.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 30  # seconds, as for a database's lock


class Lock:
    """The lock of one path. `turn` alone keeps out the other threads of this process."""

    def __init__(self, guarded: Path) -> None:
        self._path = guarded.with_name(guarded.name + ".lock")
        self.turn = threading.RLock()
        self._depth = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps everybody else out, as often as it is entered. Raises OSError."""
        with self.turn:
            handle = self._taken() if self._depth == 0 else None
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if handle is not None:
                    os.close(handle)

    def _taken(self) -> int:
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            _wait(handle)
        except BaseException:
            os.close(handle)
            raise
        return handle


def _wait(handle: int) -> None:
    try:
        import fcntl
    except ImportError:  # elsewhere than on Unix it is the user's to run one process at a time
        return
    until = time.monotonic() + PATIENCE
    pause = 0.001
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError(errno.ETIMEDOUT, f"another process has held its lock for {PATIENCE} s") from None
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


__all__ = ["Lock"]
