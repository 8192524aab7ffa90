"""Every code there is, as a table or as data.

code   name             level     runs      fix
E104   unknown-…        error     always
W305   duplicate-rule   warning   always    some
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from remit.report.listing import aligned
from remit.report.rule_pages import Code

_HEAD = ("code", "name", "level", "runs", "fix")


def rules_text(codes: Sequence[Code]) -> str:
    """A line for each code, below each other."""
    return "\n".join(aligned([_HEAD, *map(_row, codes)], indent=""))


def rules_markdown(codes: Sequence[Code]) -> str:
    """A Markdown table."""
    rows = [_HEAD, ("---",) * len(_HEAD), *map(_row, codes)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def rules_json(codes: Sequence[Code]) -> str:
    """Objects with the fields of `Code`."""
    return json.dumps({"rules": [code._asdict() for code in codes]}, indent=2)


def _row(code: Code) -> tuple[str, ...]:
    runs = "if selected" if not code.default else "with --exact" if code.exact else "always"
    return code.code, code.name, code.level, runs, "some" if code.fixable else ""
