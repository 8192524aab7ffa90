"""Whom an answer speaks of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from remit.evaluator.request import Asked
from remit.report.escape import safe


class Person(NamedTuple):
    """Whom sentences are about: `name` in the answer, `again` with its verbs after that."""

    name: str
    again: str
    holds: str
    are: str

    @classmethod
    def called(cls, user: str) -> Person:
        return cls(safe(user), safe(user), "holds", "is")

    @classmethod
    def with_roles(cls, roles: Iterable[str]) -> Person:
        return cls(f"somebody with {safe(' and '.join(roles))}", "they", "hold", "are")

    @classmethod
    def of(cls, asked: Asked | None) -> Person:
        """Whom a request is about."""
        if asked is not None and asked.roles is not None:
            return cls.with_roles(asked.roles)
        return cls.called(asked.user if asked else "nobody")
