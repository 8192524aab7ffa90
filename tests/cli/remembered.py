"""What the tests of both memories ask: whether data is the same to the last detail, and what a question loads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = """
import sys
from remit.cli.main import remit
question, names = sys.argv[1:8], sys.argv[8:]
try:
    remit(question)
except SystemExit as end:
    assert end.code == 0
print(*[name for name in names if name in sys.modules])
"""


def in_order(data: Any) -> Any:
    """Data in which the order of mappings counts, too, and the kind of every value."""
    if isinstance(data, Mapping):
        return ["mapping", *([in_order(key), in_order(value)] for key, value in data.items())]
    if isinstance(data, tuple | list):
        return [type(data).__name__, *map(in_order, data)]
    if isinstance(data, frozenset):
        return ["set", *sorted(data)]
    return (type(data).__name__, data)


def asked_of_measure(names: Sequence[str]) -> list[str]:
    """Which of the named modules a question about a shipped policy loads, in a process of its own."""
    question = ["can", "rob", "read", "customer:c7", "--set", "owner=rob", "--policy=policies/measure"]
    words = [sys.executable, "-c", _PROGRAM, *question, *names]
    answer, loaded = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert answer == "yes: sales_rep allows it (policies/measure/roles.remit:24)"
    return loaded.split()
