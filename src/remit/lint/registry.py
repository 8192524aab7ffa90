"""Every lint rule, a line each: code → the module of this room that holds it."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from remit.lint.rule import LintRule

RULES: dict[str, str] = {
    "W305": "duplicate_rule",
}


@lru_cache(maxsize=1)
def rules() -> tuple[LintRule, ...]:
    """All of them, by code."""
    return tuple(rule_of(code) for code in sorted(RULES))


def rule_of(code: str) -> LintRule:
    """The rule of a code. Raises KeyError for a code that is no lint rule's."""
    found = import_module(f"remit.lint.{RULES[code]}").check
    assert isinstance(found, LintRule)
    return found


def manual(code: str) -> str:
    """A rule's manual: the docstring of its module."""
    return import_module(f"remit.lint.{RULES[code]}").__doc__ or ""
