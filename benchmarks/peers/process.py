"""One candidate as a process that is asked line by line, with a limit on each answer."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class PeerError(Exception):
    """Why a candidate did not answer, in words for the report."""


class Candidate:
    """A running candidate. Use it with `with`: leaving ends the process, whatever it is doing."""

    def __init__(self, command: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- lives as long as the process
        try:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **(variables or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
        except OSError as problem:
            self._errors.close()
            raise PeerError(f"does not start: {problem}") from problem
        self._silent = False  # it owes an answer, so it will not hear `bye` either
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put(None)

    def ask(self, seconds: float, **command: Any) -> dict[str, Any]:
        """The answer to a command. Raises PeerError for an error, for an end, and after `seconds`."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            self._silent = True
            raise PeerError(f"`{command['do']}` took longer than {seconds:.0f} s") from None
        except OSError:
            line = None
        if line is None:
            raise PeerError(f"ended during `{command['do']}`: {self._last_words()}")
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            raise PeerError(f"answered `{command['do']}` with no JSON: {line[:80]!r}") from None
        if "error" in answer:
            raise PeerError(f"`{command['do']}`: {answer['error']}")
        return answer

    def _last_words(self) -> str:
        self._process.wait(10)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit {self._process.returncode}"

    def __enter__(self) -> Candidate:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(b'{"do": "bye"}\n')
            self._process.stdin.close()
            self._process.wait(0 if self._silent else 5)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        self._errors.close()
