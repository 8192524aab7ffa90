"""Runs lint rules: the registry's, as far as they are wanted, on a policy, a directory, or a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from remit.diagnostics import Diagnostic
from remit.lint.registry import rules
from remit.lint.rule import LintRule, People, Subject
from remit.source import Source

if TYPE_CHECKING:
    from remit.proof.prover import Prover

Wanted = Callable[[LintRule], bool]


def lint_policy(subject: Subject, wanted: Wanted, prover: Prover | None = None) -> Iterator[Diagnostic]:
    """What the rules find in a policy; those that need the solver run where one is given."""
    for rule in rules():
        if rule.needs == "policy" and wanted(rule):
            yield from rule(subject)
        elif rule.needs == "exact" and prover is not None and wanted(rule):
            yield from rule(subject, prover)


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
