"""What came of tests and asserts, for people: one line a policy, then whatever failed with the line that says so.

    clinic   1 of 24 examples failed   3 assertions proved   0.2 s

    failed: a vet signs only own open records
       ┌─ policies/clinic/tests.remit:6:3
       │
     6 │   bob may sign r1
       │   ^^^^^^^^^^^^^^^ expected allowed, got denied: nothing allows it (no_rule)

What decided, or came near, stands below, with its own line.
"""

from __future__ import annotations

from collections.abc import Sequence

from remit.report.places import span_at
from remit.report.quote import Mark, Paint, coloured, frames, plain, safe
from remit.table.shape import Place, RuleEntry, Table
from remit.testing.asserts import AssertResult, Offence
from remit.testing.examples import Failure, TestResult
from remit.testing.run import Results

_MOST_RULES = 3  # shown for one failure
_MOST_OFFENCES = 3  # shown for one assert


def draw_results(found: Sequence[tuple[Results, float]], colour: bool = False, folder: str = "") -> str:
    """All policies in the order given, each with the seconds it took; no line end at the end.

    `folder` is where paths are relative to."""
    paint = coloured if colour else plain
    width = max((len(safe(results.table.name)) for results, _ in found), default=0)
    blocks: list[str] = []
    lines: list[str] = []
    for results, seconds in found:
        lines.append(_summary(results, seconds, width, paint))
        if details := _details(results, folder, paint):
            blocks += ["\n".join(lines), *details]
            lines = []
    return "\n\n".join([*blocks, "\n".join(lines)] if lines else blocks)


def _summary(results: Results, seconds: float, width: int, paint: Paint) -> str:
    name = paint(safe(results.table.name).ljust(width), "strong")
    if not results.tests and not results.assertions:
        return f"{name}   no tests"
    parts = [_examples(results)] if results.tests else ["no examples"]
    if results.assertions:
        parts.append(_assertions(results))
    counts = "   ".join(parts)
    return f"{name}   {paint(counts, 'error') if results.failed else counts}   {seconds:.1f} s"


def _examples(results: Results) -> str:
    count, failed = len(results.tests), sum(test.result == "failed" for test in results.tests)
    return f"{failed:,} of {_counted(count, 'example')} failed" if failed else _counted(count, "example")


def _assertions(results: Results) -> str:
    count = len(results.assertions)
    proved = sum(claim.result == "proved" for claim in results.assertions)
    counted = _counted(count, "assertion") if proved == count else f"{proved:,} of {_counted(count, 'assertion')}"
    left = f", {results.unproven:,} unproven" if results.unproven else ""
    return f"{counted} proved{left}"


def _details(results: Results, folder: str, paint: Paint) -> list[str]:
    blocks = []
    for test in results.tests:
        if test.result == "failed":
            blocks.append(_test(test, results.table, folder, paint))
    for claim in results.assertions:
        if claim.result == "failed":
            blocks.append(_claim(claim, results.table, folder, paint))
    unproven = [claim for claim in results.assertions if claim.result == "unproven"]
    if unproven:
        blocks.append("\n".join(_unproven(claim, results.table, folder, paint) for claim in unproven))
    return blocks


# -- tests -------------------------------------------------------------------------------------------------------------


def _test(test: TestResult, table: Table, folder: str, paint: Paint) -> str:
    lines = [_headline("failed", "error", test.title, paint)]
    for number, failure in enumerate(test.failures):
        if number:
            lines.append("")
        marks = [Mark(span_at(table, failure.place), safe(failure_text(failure)), "^", "error")]
        marks += _marks(table, failure.rules, _role_of_rules(failure))
        if failure.at is not None:
            marks.append(Mark(span_at(table, failure.at), "by this line", "-", "other"))
        lines += frames(marks, folder, paint)[0]
        lines += _more(len(failure.rules) - _MOST_RULES, "rule")
    return "\n".join(lines)


def failure_text(failure: Failure) -> str:
    """`expected allowed, got denied: nothing allows it (no_rule)`."""
    code = f" ({failure.code})" if failure.code not in ("", "allowed", "denied_by_rule") else ""
    return f"expected {failure.expected}, got {failure.got}{code}"


def _role_of_rules(failure: Failure) -> str:
    return {"allowed": "allowed by this rule", "denied_by_rule": "denied by this rule"}.get(failure.code, "comes near")


# -- asserts -----------------------------------------------------------------------------------------------------------


def _claim(claim: AssertResult, table: Table, folder: str, paint: Paint) -> str:
    lines = [_headline("failed", "error", claim.title or _first_line(claim.place), paint)]
    for number, offence in enumerate(claim.offences[:_MOST_OFFENCES]):
        marks = [] if number else [Mark(span_at(table, claim.place), safe(offence_text(offence)), "^", "error")]
        rules = {rule.number: rule for rule in (*offence.rules, *(offence.also[2] if offence.also else ()))}
        marks += _marks(table, list(rules.values()), "by this rule")
        drawn, gutter = frames(marks, folder, paint)
        if number:
            lines += ["", f"{gutter} {paint('=', 'frame')} also: {safe(offence_text(offence))}"]
        lines += drawn
        if offence.example:
            lines += [f"{gutter} {paint('│', 'frame')}"]
            lines += [f"{gutter} {paint('=', 'frame')} for example: {safe(offence.example)}"]
    return "\n".join(lines + _more(len(claim.offences) - _MOST_OFFENCES, "permission"))


def offence_text(offence: Offence) -> str:
    """`somebody with vet may delete on record`."""
    who = f"somebody with {' and '.join(offence.roles)}" if offence.roles else "a user without a role"
    also = f", and {offence.also[1]} on {offence.also[0]}" if offence.also else ""
    but = f", {offence.but}" if offence.but else ""
    return f"{who} may {offence.action} on {offence.type}{also}{but}"


def _unproven(claim: AssertResult, table: Table, folder: str, paint: Paint) -> str:
    marks = [Mark(span_at(table, claim.place), "", "^", "note")]
    place = frames(marks, folder, plain)[0][0].partition("┌─ ")[2]
    roles, kind, action = claim.open[0]
    who = " and ".join(roles) or "a user without a role"
    more = f", and {len(claim.open) - 1} more" if len(claim.open) > 1 else ""
    headline = _headline("unproven", "warning", claim.title or _first_line(claim.place), paint)
    return f"{headline}   {place}\n  neither proved nor refuted: {safe(f'{who}, {action} on {kind}')}{more}"


# -- places ------------------------------------------------------------------------------------------------------------


def _marks(table: Table, rules: Sequence[RuleEntry], said: str) -> list[Mark]:
    return [Mark(span_at(table, rule.place), said, "-", "other") for rule in rules[:_MOST_RULES]]


def _headline(word: str, style: str, title: str, paint: Paint) -> str:
    return f"{paint(word, style)}: {paint(safe(title), 'strong')}"


def _first_line(place: Place) -> str:
    return place.text.splitlines()[0] if place.text else ""


def _more(count: int, thing: str) -> list[str]:
    return [f"  … and {_counted(count, f'more {thing}')}"] if count > 0 else []


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}" + ("" if number == 1 else "s")
