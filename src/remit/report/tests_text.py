"""What came of tests and asserts, for people: one line a policy, then whatever failed with the line that says so, and
why it came out otherwise, as `remit explain` would say.

    clinic   1 of 24 examples failed   3 assertions proved   0.2 s

    failed: a vet signs only own open records
       ┌─ policies/clinic/tests.remit:6:3
       │
     6 │   bob may sign r1
       │   ^^^^^^^^^^^^^^^
       │
       = expected  allowed
       = got       denied: nothing allows it (no_rule)

      Nothing allows it. This rule comes nearest:

       ┌─ policies/clinic/roles.remit:14
       │
    14 │     allow sign on record when treats and resource.status == "open"
       │                               ^^^^^^ false: resource.vet is "ann", user.id is "bob"
       │
       bob holds vet, assigned to bob.

      This would allow it:
       1  resource.vet is "bob"

What tests reach comes last (`remit.report.coverage_text`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from remit.evaluator.index import Index
from remit.report.coverage_text import draw_coverage
from remit.report.explain_text import Shown
from remit.report.listing import counted
from remit.report.places import span_at
from remit.report.quote import Mark, Paint, coloured, frames, path_of, plain, safe
from remit.source import Source
from remit.table.shape import Place, RuleEntry, Table
from remit.testing.asserts import AssertResult, Offence
from remit.testing.examples import Failure, TestResult, explained
from remit.testing.run import Results

_MOST_RULES = 3  # shown for one offence
_MOST_EXPLAINED = 3  # failures of one test
_MOST_WAYS = 3  # to allow what was denied
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
    return f"{failed:,} of {counted(count, 'example')} failed" if failed else counted(count, "example")


def _assertions(results: Results) -> str:
    count = len(results.assertions)
    proved = sum(claim.result == "proved" for claim in results.assertions)
    said = counted(count, "assertion") if proved == count else f"{proved:,} of {counted(count, 'assertion')}"
    left = f", {results.unproven:,} unproven" if results.unproven else ""
    return f"{said} proved{left}"


def _details(results: Results, folder: str, paint: Paint) -> list[str]:
    blocks = []
    for test in results.tests:
        if test.result == "failed":
            blocks.append(_test(test, results, folder, paint))
    for claim in results.assertions:
        if claim.result == "failed":
            blocks.append(_claim(claim, results.table, folder, paint))
    unproven = [claim for claim in results.assertions if claim.result == "unproven"]
    if unproven:
        blocks.append("\n".join(_unproven(claim, results.table, folder, paint) for claim in unproven))
    if results.stopped:
        blocks.append(paint("stopped at the first failure", "warning"))
    if results.coverage is not None:
        blocks.append(draw_coverage(results.coverage, lambda file: path_in(results.table, file, folder), paint))
    if results.mutation is not None:
        from remit.report.mutation_text import draw_mutation

        blocks += draw_mutation(results.mutation, results.table, folder, paint)
    return blocks


def path_in(table: Table, file: str, folder: str) -> str:
    """A file of the policy as the person at the terminal would name it; `folder` is where they stand."""
    return path_of(Source(file, "", table.origins.get(file, file)), folder)


# -- tests -------------------------------------------------------------------------------------------------------------


def _test(test: TestResult, results: Results, folder: str, paint: Paint) -> str:
    table = results.table
    lines = [_headline("failed", "error", test.title, paint)]
    for number, failure in enumerate(test.failures):
        if number:
            lines.append("")
        marks = [Mark(span_at(table, failure.place), "", "^", "error")]
        if failure.at is not None:
            marks.append(Mark(span_at(table, failure.at), "by this line", "-", "other"))
        drawn, gutter = frames(marks, folder, paint)
        sign = paint("=", "frame")
        lines += [*drawn, f"{gutter} {paint('│', 'frame')}"]
        lines.append(f"{gutter} {sign} expected  {safe(failure.expected)}")
        lines.append(f"{gutter} {sign} got       {safe(got(failure))}")
        if number < _MOST_EXPLAINED and (why := _why(test, failure, results, folder, paint)):
            lines += ["", why]
    return "\n".join(lines)


def failed_text(test: TestResult, results: Results, folder: str) -> str:
    """A failed test's lines with their explanations, without colour."""
    return _test(test, results, folder, plain)


def claim_text(claim: AssertResult, table: Table, folder: str) -> str:
    """A failed assert's line with who breaks it, without colour."""
    return _claim(claim, table, folder, plain)


def _why(test: TestResult, failure: Failure, results: Results, folder: str, paint: Paint) -> str:
    """What `remit explain` would say of the decision, with the first of the changes that would allow it."""
    table = results.table
    entry = next((entry for entry in table.tests if entry.place == test.place), None)
    found = explained(table, entry, failure, lambda: results.now, Index(table)) if entry is not None else None
    if found is None:
        return ""
    shown = Shown(found, lambda file: path_in(table, file, folder), _by(paint), "")
    ways = [] if failure.expected.startswith("denied") else shown.ways()
    return "\n\n".join([*shown.reasons(), *("\n".join(way.split("\n")[: 1 + _MOST_WAYS]) for way in ways)])


def _by(paint: Paint) -> Callable[[str, str], str]:
    """The same colours by the names that explanations use."""
    names = {"red": "error", "yellow": "warning", "green": "strong", "blue": "frame"}
    return lambda text, colour: paint(text, names[colour])


def got(failure: Failure) -> str:
    """`denied: nothing allows it (no_rule)`."""
    code = f" ({failure.code})" if failure.code not in ("", "allowed", "denied_by_rule") else ""
    return f"{failure.got}{code}"


def failure_text(failure: Failure) -> str:
    """`expected allowed, got denied: nothing allows it (no_rule)`."""
    return f"expected {failure.expected}, got {got(failure)}"


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
    help = "" if claim.solver else "\n  = help: install remit[prove], which settles such asserts"
    return f"{headline}   {place}\n  neither proved nor refuted: {safe(f'{who}, {action} on {kind}')}{more}{help}"


# -- places ------------------------------------------------------------------------------------------------------------


def _marks(table: Table, rules: Sequence[RuleEntry], said: str) -> list[Mark]:
    return [Mark(span_at(table, rule.place), said, "-", "other") for rule in rules[:_MOST_RULES]]


def _headline(word: str, style: str, title: str, paint: Paint) -> str:
    return f"{paint(word, style)}: {paint(safe(title), 'strong')}"


def _first_line(place: Place) -> str:
    return place.text.splitlines()[0] if place.text else ""


def _more(count: int, thing: str) -> list[str]:
    return [f"  … and {counted(count, f'more {thing}')}"] if count > 0 else []
