"""Runs lint rules: the registry's, as far as they are wanted, on a policy, a directory, or a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from remit.diagnostics import Diagnostic
from remit.lint.registry import rules
from remit.lint.rule import LintRule, Needs, People, Subject
from remit.lint.stale_baseline import Stale
from remit.lint.suppression import Silence
from remit.source import Source, Span

if TYPE_CHECKING:
    from remit.proof.prover import Prover

_OF_DEAD = ("W303", "W305")  # they find by normal forms what W203 finds exactly
Wanted = Callable[[LintRule], bool]


def lint_policy(subject: Subject, wanted: Wanted, prover: Prover | None = None) -> Iterator[Diagnostic]:
    """What the rules find in a policy; those that need the solver run where one is given. What it finds dead is not
    said again by a rule that goes by normal forms."""
    dead: set[tuple[str, int]] = set()
    for rule in rules():
        if rule.needs == "policy" and wanted(rule):
            for finding in rule(subject):
                if rule.code not in _OF_DEAD or finding.span is None or _at(finding.span) not in dead:
                    yield finding
        elif rule.needs == "exact" and prover is not None and wanted(rule):
            for finding in rule(subject, prover):
                if rule.code == "W203" and finding.span is not None:
                    dead.add(_at(finding.span))
                yield finding


def _at(span: Span) -> tuple[str, int]:
    return span.source.name, span.start


def lint_people(people: People, wanted: Wanted) -> Iterator[Diagnostic]:
    """What the rules find where a directory meets its policy."""
    for rule in rules():
        if rule.needs == "people" and wanted(rule):
            yield from rule(people)


def lint_text(source: Source, wanted: Wanted) -> Iterator[Diagnostic]:
    """What the rules find in a text alone."""
    for rule in rules():
        if rule.needs == "text" and wanted(rule):
            yield from rule(source)


def lint_silence(silence: Silence, wanted: Wanted) -> Iterator[Diagnostic]:
    """What the rules find in the comments of a text, once those have kept silent what they can."""
    for rule in rules():
        if rule.needs == "silence" and wanted(rule):
            yield from rule(silence)


def lint_baseline(stale: Sequence[Stale], wanted: Wanted) -> Iterator[Diagnostic]:
    """What the rules find in a baseline of which some entries match nothing."""
    for rule in rules():
        if rule.needs == "baseline" and wanted(rule):
            yield from rule(stale)


def codes(wanted: Wanted, *needs: Needs) -> set[str]:
    """The codes of the wanted rules of some kinds."""
    return {rule.code for rule in rules() if rule.needs in needs and wanted(rule)}
