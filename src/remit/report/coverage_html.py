"""What tests reach, as one page to look at: for each policy the counts, what is missing, each area as roles against
what there is to do, and the policy's own text with a coloured margin. No scripts, nothing from elsewhere; light or dark
as the reader's system is. Colour never stands alone: each mark has its sign.

All text from outside goes through `html.escape`; class names and anchors are made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from remit.analysis.queries import matrix
from remit.report.coverage_style import STYLE
from remit.report.coverage_text import Gap, gaps, percent
from remit.report.escape import printed
from remit.testing.coverage import Count, Coverage
from remit.testing.goals import Goal

_SIGNS = {"full": "✓", "part": "◐", "none": "✗"}
_WORDS = {
    "full": "this rule decided, and its conditions were true and false",
    "part": "tests reach some of this rule",
    "none": "this rule never decided",
}
_TESTED = {
    (): "no test asked",
    (True,): "tested: allowed",
    (False,): "tested: not allowed",
    (False, True): "tested: allowed, and not allowed",
}
_MOST_NOTES = 3  # beside one line
_LEGEND = (
    '<p class="legend"><span class="full">✓ reached</span> <span class="part">◐ in part</span> '
    '<span class="none">✗ not reached</span> <span class="asked">a test asked somebody with this role</span> '
    '<span class="free">no test asked</span></p>'
)


class Page(NamedTuple):
    """A policy to show: `texts` are its files by name, of a compiled table none."""

    coverage: Coverage
    texts: dict[str, str]


class _Policy:
    """One policy's part of the page; `key` keeps its anchors apart from those of others."""

    def __init__(self, page: Page, key: str) -> None:
        self.coverage = page.coverage
        self.texts = page.texts
        self.table = page.coverage.table
        self.key = key
        self.gaps = list(gaps(page.coverage))
        self.by_cell: dict[tuple[str, str], int] = {}  # the first gap of a cell
        self.by_line: dict[tuple[str, int], list[int]] = {}
        self.untested = page.coverage.untested()
        self.asked: dict[tuple[str, str, str], set[bool]] = {}
        for asked in page.coverage.asked:
            self.asked.setdefault((asked.role, asked.type, asked.action), set()).add(asked.allowed)
        for number, gap in enumerate(self.gaps):
            for goal in gap.goals:
                self.by_cell.setdefault((goal.type, goal.action), number)
            self.by_line.setdefault((gap.place.file, gap.place.line), []).append(number)

    def html(self) -> str:
        title = escape(_safe(self.table.title or self.table.name))
        name = f' <span class="name">{escape(_safe(self.table.name))}</span>' if self.table.title else ""
        parts = [f'<section id="{self.key}"><h2>{title}{name}</h2>', self._counts(), self._missing(), self._left_out()]
        parts += self._areas()
        parts += [self._file(name, text) for name, text in self.texts.items() if self._rules_in(name)]
        return "\n".join([*parts, "</section>"])

    # -- counts and lists ----------------------------------------------------------------------------------------------

    def _counts(self) -> str:
        found = self.coverage
        bars = [
            _bar("goals reached", Count(len(found.reached), found.total), percent(found)),
            _bar("cells", found.cells),
            _bar("both outcomes of conditions", found.conditions),
            _bar("rules decided", found.rules),
        ]
        return f'<div class="bars">{"".join(bars)}</div>'

    def _missing(self) -> str:
        if not self.gaps:
            return '<p class="fine">✓ Tests reach all that can be reached.</p>'
        rows = "".join(self._gap(number, gap) for number, gap in enumerate(self.gaps))
        return (
            f"<h3>Missing</h3><table class='list'><tbody>{rows}</tbody></table>"
            "<p class='hint'>Suggest them with <code>remit test --suggest</code></p>"
        )

    def _gap(self, number: int, gap: Gap) -> str:
        place = f"{gap.place.file}:{gap.place.line}"
        at = escape(_safe(place))
        if gap.place.file in self.texts:
            at = f'<a href="#{self._line(gap.place.file, gap.place.line)}">{at}</a>'
        return (
            f'<tr id="{self.key}-gap-{number}"><td class="where">{escape(_safe(gap.where))}</td>'
            f"<td>{_coded(gap.said)}</td><td>{at}</td></tr>"
        )

    def _left_out(self) -> str:
        if not self.coverage.left_out:
            return ""
        rows = "".join(
            f'<tr><td class="where">{escape(_safe(_where(left.goal)))}</td><td>{_coded(self._told(left.goal))}</td>'
            f"<td>{'cannot be' if left.impossible else 'no request was found'}</td></tr>"
            for left in self.coverage.left_out
        )
        count = len(self.coverage.left_out)
        return (
            f"<details><summary>{count:,} left out of the count, for nothing was found that reaches "
            f"{'it' if count == 1 else 'them'}</summary><table class='list'><tbody>{rows}</tbody></table></details>"
        )

    def _told(self, goal: Goal) -> str:
        if goal.kind == "cell":
            return "is allowed" if goal.outcome else "is denied"
        if goal.kind == "condition":
            return f"`{goal.condition}` is {'true' if goal.outcome else 'false'}"
        place = self.table.rules[goal.rule].place
        return f"the rule at {place.file}:{place.line} decides"

    # -- the matrix ----------------------------------------------------------------------------------------------------

    def _areas(self) -> list[str]:
        answer = matrix(self.table)
        roles: list[str] = list(answer["roles"])
        own = {(goal.type, goal.action) for goal in (*self.coverage.reached, *self.coverage.missing)}
        by_area: dict[str, list[str]] = {}
        for row in answer["rows"]:
            if (row["type"], row["action"]) in own:
                by_area.setdefault(row["area"], []).append(self._row(row, roles))
        heads = "".join(f'<th class="role"><span>{escape(_safe(role))}</span></th>' for role in roles)
        return [
            f"<h3>{escape(_safe(self.table.areas.get(area) or area))}</h3>"
            f"<div class='wide'><table class='matrix'><thead><tr><th></th><th>tests</th>{heads}</tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table></div>"
            for area, rows in by_area.items()
        ]

    def _row(self, row: dict[str, object], roles: Sequence[str]) -> str:
        name, action = str(row["type"]), str(row["action"])
        gap = self.by_cell.get((name, action))
        if gap is None:
            state, mark = "full", "✓"
        else:
            state = "none" if (name, action) in self.untested else "part"
            mark = f'<a href="#{self.key}-gap-{gap}" title="what is missing">{_SIGNS[state]}</a>'
        cells = row["cells"]
        assert isinstance(cells, dict)
        shown = "".join(self._cell(role, name, action, cells[role]) for role in roles)
        what = f"{escape(_safe(name))}<b>.{escape(_safe(action))}</b>"
        return f'<tr><th class="what">{what}</th><td class="{state}">{mark}</td>{shown}</tr>'

    def _cell(self, role: str, name: str, action: str, cell: dict[str, object]) -> str:
        effect = str(cell["effect"])
        word = {"allow": "when" if cell["when"] else "yes", "deny": "deny"}.get(effect, "·")
        outcomes = tuple(sorted(self.asked.get((role, name, action), ())))
        state = f"{'asked' if outcomes else 'free'} {word if word != '·' else 'no'}"
        return f'<td class="{state}" title="{_TESTED[outcomes]}">{word}</td>'

    # -- the text ------------------------------------------------------------------------------------------------------

    def _rules_in(self, file: str) -> bool:
        return any(rule.place.file == file for rule in self.table.rules)

    def _file(self, file: str, text: str) -> str:
        states: dict[int, str] = {}
        for rule in self.table.rules:
            if rule.place.file == file and rule.cells:
                for at in range(rule.place.line, rule.place.line + rule.place.text.count("\n") + 1):
                    states[at] = _worst(states.get(at), self._state(rule.number))
        rows = []
        for number, line in enumerate(text.split("\n"), 1):
            state = states.get(number, "")
            mark = f'<span title="{_WORDS[state]}">{_SIGNS[state]}</span>' if state else ""
            here = self.by_line.get((file, number), [])
            notes = "".join(
                f' <a class="note" href="#{self.key}-gap-{gap}">{escape(_safe(self.gaps[gap].where))}: '
                f"{_coded(self.gaps[gap].said)}</a>"
                for gap in here[:_MOST_NOTES]
            ) + (f' <span class="note">… and {len(here) - _MOST_NOTES} more</span>' if len(here) > _MOST_NOTES else "")
            rows.append(
                f'<tr id="{self._line(file, number)}" class="{state}"><td class="number">{number}</td>'
                f'<td class="mark">{mark}</td><td class="code">{escape(_safe(line))}{notes}</td></tr>'
            )
        return f"<h3>{escape(_safe(file))}</h3><div class='wide'><table class='source'>{''.join(rows)}</table></div>"

    def _state(self, rule: int) -> str:
        missing = [goal for goal in self.coverage.missing if goal.rule == rule]
        if any(goal.kind == "rule" for goal in missing):
            return "none"
        return "part" if missing else "full"

    def _line(self, file: str, line: int) -> str:
        return f"{self.key}-{list(self.texts).index(file)}-{line}"


def _worst(one: str | None, other: str) -> str:
    return max((one or "full", other), key=("full", "part", "none").index)


def _where(goal: Goal) -> str:
    return f"{goal.type}.{goal.action}" if goal.type else ""


def _bar(what: str, count: Count, said: str = "") -> str:
    if not count.total:
        return ""
    share = 100 * count.covered // count.total
    state = "full" if count.covered == count.total else "part"
    return (
        f'<div class="bar {state}"><b>{said or f"{count.covered:,} of {count.total:,}"}</b><span>{what}</span>'
        f'<i><i style="width:{share}%"></i></i></div>'
    )


def _coded(text: str) -> str:
    """Text with `names` set as code."""
    pieces = escape(_safe(text)).split("`")
    return "".join(f"<code>{piece}</code>" if at % 2 else piece for at, piece in enumerate(pieces))


def _safe(text: str) -> str:
    """Control and direction characters written out, tabs as blanks."""
    text = text.replace("\t", "    ")
    return text if text.isprintable() else "".join(map(printed, text))


def coverage_html(pages: Sequence[Page]) -> str:
    """The whole page."""
    parts = [_Policy(page, f"p{number}").html() for number, page in enumerate(pages)]
    links = "".join(
        f'<li><a href="#p{number}">{escape(_safe(page.coverage.table.name))}</a> '
        f'<span class="{"fine" if not page.coverage.missing else "less"}">{percent(page.coverage)}</span></li>'
        for number, page in enumerate(pages)
    )
    index = f"<nav><ul>{links}</ul></nav>" if len(pages) > 1 else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>remit: what the tests reach</title>'
        f"<style>{STYLE}</style></head><body><header><h1>What the tests reach</h1>{index}</header>\n"
        f"<main>{_LEGEND}{''.join(parts)}</main></body></html>\n"
    )
