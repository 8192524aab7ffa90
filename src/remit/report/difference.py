"""The difference of two texts as `diff -u` and `git apply` know it.

--- a/roles.remit
+++ b/roles.remit
@@ -3,3 +3,2 @@
 role vet {
-  allow read on record
   allow read on record
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff


def difference(before: str, after: str, name: str) -> Iterator[str]:
    """The lines, without their ends; none where the texts are equal."""
    names = (name, name) if name.startswith(("/", "<")) else (f"a/{name}", f"b/{name}")
    for line in unified_diff(_lines(before), _lines(after), *names, lineterm=""):
        yield line.removesuffix("\n")
        if line.endswith("\n"):
            yield "\\ No newline at end of file"


def _lines(text: str) -> list[str]:
    """The lines of a text; the last is marked where it has no end, for it differs from one that has."""
    lines = text.split("\n")
    return [*lines[:-1], lines[-1] + "\n"] if lines[-1] else lines[:-1]
