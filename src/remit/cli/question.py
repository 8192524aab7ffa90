"""A question about one decision, from the words and options of `can` and `explain`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from remit.cli import asking
from remit.cli.session import (
    Session,
    at_option,
    context_option,
    directory_option,
    fail,
    format_option,
    policy_option,
    role_option,
    set_option,
)
from remit.evaluator.decision import Decision
from remit.evaluator.facts import EMPTY
from remit.evaluator.pdp import Judged
from remit.evaluator.request import read_parts
from remit.policy import Pdp

if TYPE_CHECKING:
    from remit.explanation.explain import Explanation


_OPTIONS = (
    click.argument("words", metavar="USER ACTION TYPE[:ID]", nargs=-1, required=True),
    set_option,
    at_option,
    context_option,
    role_option,
    policy_option,
    directory_option,
    format_option("text", "json"),
)


def question_options(function: Callable[..., None]) -> Callable[..., None]:
    """What every question about one decision takes, in the order that --help lists it."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


class Arguments(NamedTuple):
    user: str
    action: str
    resource: str
    roles: tuple[str, ...]
    scope: str | None
    given: tuple[str, ...]
    surroundings: tuple[str, ...]
    policy_path: str | None
    directory_path: str | None


def arguments(words: tuple[str, ...], options: dict[str, Any]) -> Arguments:
    """USER ACTION TYPE[:ID], or ACTION TYPE[:ID] beside --role."""
    wanted = 2 if options["roles"] else 3
    if len(words) != wanted:
        form = "ACTION TYPE[:ID] beside --role" if options["roles"] else "USER ACTION TYPE[:ID]"
        fail(f"this question has {len(words)} words, and takes {wanted}", f"write {form}")
    user = "" if options["roles"] else words[0]
    return Arguments(user, words[-2], words[-1], **options)


class Question:
    """The question put to the policy; `judged` is the outcome."""

    def __init__(self, asked: Arguments) -> None:
        self.session = session = Session(asked.policy_path, asked.directory_path)
        policy = session.policy()
        table = policy.table
        kind, identifier = asking.parse_resource(table, asked.resource)
        asking.check_action(table, kind, asked.action)
        properties = asking.properties(table, kind, asked.given, asked.scope)
        context = asking.context_values(table, asked.surroundings)
        roles = asking.check_roles(table, asked.roles) if asked.roles else None
        needs_directory = roles is None or (asked.scope is not None and asked.scope != table.root)
        directory = session.directory() if needs_directory else None
        self._path = asking.path_from_here(table)
        self.source = ""
        if directory is not None:
            name = directory.data.name
            self.source = name if "://" in name else asking.from_here(name)
        self.pdp: Pdp = session.bind(policy, directory)
        resource = {"type": kind, "id": identifier, "properties": properties}
        self.asked = read_parts(
            asked.user, None, EMPTY, None, roles, asked.action, resource, context, self.pdp.holders.scopes
        )
        self.judged: Judged = self.pdp.judge(self.asked)
        subject: dict[str, Any] = {"type": "user", "id": asked.user}
        if roles is not None:
            subject = {"type": "user", "properties": {"roles": list(roles)}}
        elif self.judged.user is not None:
            subject["type"] = self.judged.user.type
        self.request = {
            "subject": subject,
            "action": {"name": asked.action},
            "resource": {key: value for key, value in resource.items() if value is not None},
            "context": context,
        }

    def decision(self) -> Decision:
        return Decision(self.pdp, self.judged)

    def explanation(self) -> Explanation:
        from remit.explanation.explain import explain_judged

        return explain_judged(self.pdp, self.judged, self.request)

    def line(self) -> str:
        """Yes or no with one line of reason."""
        from remit.report.reason import reason

        return reason(self.pdp, self.judged, self.path)

    def path(self, file: str) -> str:
        """A policy file as a path from where we stand; of a table, its own name for it."""
        return self._path(file)
