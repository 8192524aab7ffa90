"""An explanation as people read it: the answer, the line that decides, what to do."""

from __future__ import annotations

import re
from collections.abc import Callable

from remit.explanation.explain import Applied, Explanation
from remit.explanation.repairs import Repair
from remit.report import words
from remit.report.escape import safe
from remit.report.people import Person
from remit.table.shape import Place

Paint = Callable[[str, str], str]  # text and the name of a colour → text

_MOST_RULES = 3  # of the nearest ones, shown with their lines
_MOST_LINES = 12  # of one rule
_WIDEST = 160
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`|\w+|[^\s\w]+')


class Shown:
    """How an explanation is to be drawn: paths from where the reader stands, colours, and who and what in words."""

    def __init__(self, explanation: Explanation, path: Callable[[str], str], paint: Paint, source: str) -> None:
        self.explanation = explanation
        self.path = path
        self.paint = paint
        self.source = source  # the directory's name, for the last line
        asked = explanation.judged.asked
        self.asked = asked
        self.who = Person.of(asked)

    # -- the whole -----------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The explanation in full."""
        blocks = [self.headline(), *self.reasons(), *self.ways(), self.footer()]
        return "\n\n".join(block for block in blocks if block) + "\n"

    def headline(self) -> str:
        """The answer in one sentence."""
        explanation, asked = self.explanation, self.asked
        if asked is None:
            return f"No: the request cannot be judged, {safe(explanation.judged.why)}."
        thing = f"{asked.type} {asked.id}" if asked.id is not None else asked.type
        at = f" at {asked.scope}" if asked.scope else ""
        may = f"{self.who.name} may {'' if explanation.allowed else 'not '}{safe(f'{asked.action} {thing}{at}')}."
        if explanation.allowed:
            return self.paint("Yes", "green") + f", {may}"
        return self.paint("No", "red") + f", {may}"

    def reasons(self) -> list[str]:
        """The rules that decide, and how they come to count."""
        explanation = self.explanation
        code = explanation.code
        user = explanation.judged.user
        if code == "unknown_user":
            return [f"  Nobody called {self.who.name} is in the directory."]
        if code in ("unknown_action", "unknown_resource_type") and self.asked:
            lacking = f"action {self.asked.action}" if code == "unknown_action" else f"type {self.asked.type}"
            return [f"  The policy has no {safe(lacking)}."]
        lead = []
        if code == "inactive_user" and user:
            lead.append(f"  {self.who.name} is {user.status}, and only active users may do anything.")
        if self._unknown_place():
            lead.append(
                f"  The directory has no {safe(self.asked.scope or '') if self.asked else ''}: no role counts there."
            )
        if code in ("no_rule", "inactive_user"):
            return lead + self._nearest(code)
        deciding = [rule for rule in explanation.applied if rule.decides]
        if code == "denied_by_rule":
            lead.append("  This rule denies it:" if len(deciding) == 1 else "  These rules deny it:")
        lead += [self.rule(rule) for rule in deciding]
        others = [rule for rule in explanation.applied if not rule.decides]
        if others:
            lead.append("  Without that, it would be allowed:")
            lead += [self.rule(rule) for rule in others]
        return lead + self._hidden()

    def _unknown_place(self) -> bool:
        scope = self.asked.scope if self.asked else None
        return self.explanation.pdp.holders.scopes.state(scope) == "unknown"

    def _nearest(self, code: str) -> list[str]:
        explanation = self.explanation
        close = (*explanation.nearest, *explanation.failing)
        near = [rule for rule in close if words.holders_of(explanation, rule.rule) or rule.rule.block]
        blocks: list[str] = []
        if near:
            what = "This rule comes nearest:" if len(near) == 1 else "These rules come nearest:"
            blocks.append(f"  Nothing allows it. {what}" if code == "no_rule" else f"  {what}")
            blocks += [self.rule(rule) for rule in near[:_MOST_RULES]]
            if len(near) > _MOST_RULES:
                blocks.append(f"  … and {len(near) - _MOST_RULES} more, in the repairs below.")
        elif code == "no_rule":
            blocks.append("  Nothing allows it.")
        if not near:
            blocks.append(self._holds_at_all())
        return blocks + self._hidden()

    def _holds_at_all(self) -> str:
        explanation = self.explanation
        held = explanation.judged.held
        if not explanation.held and held and held.holdings and not self._unknown_place():
            ways = [words.held_words(explanation, self.who, holding) for holding in held.holdings[:3]]
            first = safe(held.holdings[0].scope or "")
            return "\n".join(f"  {way}." for way in ways) + f"\n  The question names no place: ask with --at {first}."
        if not explanation.held:
            return f"  {self.who.again} {self.who.holds} no role here."
        lines = [f"  {words.held_words(explanation, self.who, holding)}." for holding in explanation.held]
        return "\n".join(dict.fromkeys(lines))

    def _hidden(self) -> list[str]:
        explanation = self.explanation
        table = explanation.pdp.table
        return [
            f"  {safe(one.role)}{words.place_words(table, one.scope)} through group {safe(one.group or '')} "
            f"does not count: {safe(by.role)}, assigned to {self.who.again} there, goes before it."
            for one, by in explanation.hidden
        ]

    # -- one rule ------------------------------------------------------------------------------------------------------

    def rule(self, applied: Applied) -> str:
        """The rule's own lines, what its condition saw under them, and how its role is held."""
        place = applied.rule.place
        lines = self._lines(place)
        gutter = max(len(str(place.line + len(lines) - 1)), 2)
        blank = " " * gutter + " " + self.paint("│", "blue")
        drawn = [f"{' ' * gutter} {self.paint('┌─', 'blue')} {safe(self.path(place.file))}:{place.line}", blank]
        notes = self._notes(applied)
        for number, line in enumerate(lines[:_MOST_LINES]):
            mark = self.paint(str(place.line + number).rjust(gutter), "blue")
            drawn.append(f"{mark} {self.paint('│', 'blue')} {_clipped(safe(line.replace(chr(9), ' ')))}")
            for at, width, note, colour in notes.get(number, ()):
                drawn.append(f"{blank} {' ' * at}{self.paint('^' * width + ' ' + note, colour)}")
        if len(lines) > _MOST_LINES:
            drawn.append(f"{blank} …")
        drawn.append(blank)
        after = " " * (gutter + 1)
        drawn += [f"{after}{line}" for line in self._after(applied)]
        return "\n".join(drawn)

    def _after(self, applied: Applied) -> list[str]:
        explanation, rule = self.explanation, applied.rule
        lines = []
        if rule.block == "everyone":
            lines.append("It holds for everyone.")
        elif rule.block == "members":
            lines.append("It holds for whoever holds a role there.")
        for holding in words.holders_of(explanation, rule):
            line = words.held_words(explanation, self.who, holding)
            if rule.role and rule.role != holding.role:
                line += safe(f"; {holding.role} includes {rule.role}")
            lines.append(line + ".")
        if applied.needed:
            lines.append(f"Without this rule: {'no' if explanation.allowed else 'yes'}.")
        return list(dict.fromkeys(lines))

    def _lines(self, place: Place) -> list[str]:
        """The whole lines that a rule stands on. A `lead` that was cut keeps its width."""
        return f"{place.lead:>{place.column - 1}}{place.text}{place.trail}".split("\n")

    def _notes(self, applied: Applied) -> dict[int, list[tuple[int, int, str, str]]]:
        """line of the rule → (column, width, what was seen, colour) of each part of its condition worth a word."""
        traced, rule = applied.condition, applied.rule
        if traced is None:
            return {}
        telling = [part for part in traced.parts if traced.value is True or part.value is not True]
        groups: dict[str, list[int]] = {}
        for at, part in enumerate(traced.parts):
            if part in telling or part.name is not None:
                groups.setdefault(part.name or f"\0{at}", []).append(at)
        notes: dict[int, list[tuple[int, int, str, str]]] = {}
        for key, numbers in groups.items():
            parts = [traced.parts[at] for at in numbers]
            value = traced.names.get(key, parts[0].value) if parts[0].name else parts[0].value
            if traced.value is not True and value is True and len(groups) > 1:
                continue
            start, width = _find(rule.condition_text, parts[0].name or parts[0].text)
            offset = rule.condition_at + start
            before = rule.place.text[:offset]
            line = before.count("\n")
            column = offset - (before.rfind("\n") + 1) + (rule.place.column - 1 if line == 0 else 0)
            width = min(width, max(len(rule.place.text[offset:].split("\n", 1)[0]), 1))
            colour = "green" if value is True else "red" if value is False else "yellow"
            seen = words.saw(parts)
            note = words.truth(value) + (f": {seen}" if seen else "")
            if column < _WIDEST:
                notes.setdefault(line, []).append((column, width, note, colour))
        return notes

    # -- what would help -----------------------------------------------------------------------------------------------

    def ways(self) -> list[str]:
        """The repairs, a line each."""
        explanation = self.explanation
        if explanation.allowed or explanation.code in ("unknown_user", "invalid_request"):
            return []
        if not explanation.repairs:
            cut = not explanation.repairs_complete
            if cut:
                return ["  No change that would allow it was found in the time given."]
            return ["  No other role, no value of the resource or the context and no lifted deny would allow it."]
        rows = [self._way(repair) for repair in explanation.repairs]
        width = min(max(len(words) for words, _ in rows), 76)
        number = len(str(len(rows)))
        lead = "  This would allow it:" if len(rows) == 1 else "  Any one of these would allow it:"
        lines = [lead]
        for at, (what, where) in enumerate(rows, 1):
            lines.append(
                f"  {str(at).rjust(number + 1)}  {what.ljust(width)}  {self.paint(safe(where), 'blue')}".rstrip()
            )
        if not explanation.repairs_complete:
            lines.append("  There may be more: the search was cut short.")
        return ["\n".join(lines)]

    def _way(self, repair: Repair) -> tuple[str, str]:
        explanation = self.explanation
        said, places = [], []
        for atom in repair.atoms:
            where = ""
            if atom.rule is not None:
                where = f"{atom.rule.place.file}:{atom.rule.place.line}"
            elif atom.role is not None:
                place = explanation.pdp.table.roles[atom.role].place
                where = f"{place.file}:{place.line}"
            said.append(words.atom_words(explanation, atom, self.who, where))
            if where and atom.kind != "deny":
                places.append(where)
        return " and ".join(said), ", ".join(places)

    def footer(self) -> str:
        """Which policy and directory were asked."""
        from remit.table.meaning import digest

        table = self.explanation.pdp.table
        return safe(f"policy {table.name} {digest(table)[:8]}" + (f" · {self.source}" if self.source else ""))


def _find(text: str, part: str) -> tuple[int, int]:
    """Where a part stands in its condition's text, blanks aside; the whole where it cannot be found."""
    tokens = _TOKEN.findall(part)
    pattern = r"\s*".join(re.escape(token) for token in tokens)
    found = re.search(rf"(?<![\w.]){pattern}(?!\w)", text)
    return (found.start(), found.end() - found.start()) if found else (0, len(text))


def _clipped(line: str) -> str:
    return line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…"
