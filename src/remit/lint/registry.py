"""Every lint rule, a line each: code → the module of this room that holds it."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from remit.lint.rule import LintRule

RULES: dict[str, str] = {
    "W001": "not_formatted",
    "W002": "confusable_text",
    "W101": "naming",
    "W102": "missing_title",
    "W103": "missing_reason",
    "W104": "duplicate_test_name",
    "W105": "scattered_role",
    "W201": "unused_condition",
    "W202": "unused_action_set",
    "W203": "dead_rule",
    "W204": "allow_always_denied",
    "W205": "idle_deny",
    "W206": "constant_condition",
    "W207": "empty_role",
    "W208": "unused_permission",
    "W209": "unused_area",
    "W210": "unused_attribute",
    "W211": "idle_except",
    "W212": "unused_action",
    "W213": "unused_input",
    "W214": "empty_rule",
    "W301": "same_access",
    "W302": "contained_role",
    "W303": "needless_grant",
    "W304": "idle_include",
    "W305": "duplicate_rule",
    "W306": "role_per_attribute",
    "W425": "needless_assignment",
    "W426": "disabled_administrator",
    "W427": "multiple_roles",
    "W501": "duty_conflict",
    "W502": "unassignable_role",
    "W503": "overlapping_lines",
    "W504": "idle_guard",
    "W701": "wildcard_role",
    "W702": "sensitive_wildcard",
    "W703": "escalation",
    "W704": "deny_under_has",
    "W705": "allow_under_not_has",
    "W706": "unlocked_base",
    "W707": "unowned_allow",
    "W708": "everyone_writes",
    "W709": "partial_overlap",
    "W901": "unused_suppression",
    "W902": "suppression_without_reason",
    "W903": "malformed_suppression",
    "W904": "stale_baseline",
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
