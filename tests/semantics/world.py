"""Small policies, directories and requests, in as few words as the tests need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest

from remit import Directory, DirectoryError, Pdp, Policy, PolicyError

Json = dict[str, Any]

# One type with nothing to it, a branch below the root, and ann, who holds `r` at the root.
PLAIN = """
scope company
scope branch in company
area desk { resource note { actions read, write, sign } }
"""
ANN = "users: {ann: {assignments: [{role: r}]}}"


@cache
def policy(text: str) -> Policy:
    """The policy of one file, `x.remit`."""
    return Policy.from_sources({"x.remit": text})


def overlay(text: str, base: Policy | str) -> Policy:
    """An overlay of one file over a base."""
    under = policy(base) if isinstance(base, str) else base
    return Policy.from_sources({"over.remit": text}, base=under)


def findings(sources: str | Mapping[str, str], base: Policy | None = None) -> list[tuple[str, str]]:
    """Code and underlined text of each finding of a policy that must not compile."""
    texts = {"x.remit": sources} if isinstance(sources, str) else sources
    with pytest.raises(PolicyError) as caught:
        Policy.from_sources(texts, base=base)
    return [(found.code, found.span.text if found.span else "") for found in caught.value.diagnostics]


def codes(sources: str | Mapping[str, str], base: Policy | None = None) -> list[str]:
    """The codes of a policy that must not compile."""
    return [code for code, _ in findings(sources, base)]


def compiles(text: str) -> bool:
    """Whether the policy compiles."""
    try:
        policy(text)
    except PolicyError:
        return False
    return True


def bind(text: str | Policy, directory: str = ANN, clock: Callable[[], int] | None = None) -> Pdp:
    """The decision point of a policy's text and a directory's."""
    known = policy(text) if isinstance(text, str) else text
    return known.bind(Directory.from_text(directory), clock=clock)


def directory_codes(text: str) -> list[str]:
    """The codes of a directory that must not be read."""
    with pytest.raises(DirectoryError) as caught:
        Directory.from_text(text)
    return [found.code for found in caught.value.diagnostics]


def request(
    user: str,
    action: str,
    type: str = "note",
    id: str | None = "1",
    *,
    context: Mapping[str, Any] | None = None,
    subject: Mapping[str, Any] | None = None,
    user_type: str | None = None,
    **properties: Any,
) -> Json:
    """A request in AuthZEN's shape; the other keywords are the resource's properties."""
    made: Json = {
        "subject": {"type": user_type or "user", "id": user},
        "action": {"name": action},
        "resource": {"type": type, "properties": properties},
    }
    if id is not None:
        made["resource"]["id"] = id
    if subject is not None:
        made["subject"]["properties"] = dict(subject)
    if context is not None:
        made["context"] = dict(context)
    return made


def code(pdp: Pdp, *args: Any, **more: Any) -> str:
    """The code of a request's decision, after a look that the short question says the same."""
    asked = request(*args, **more)
    decision = pdp.decide(asked)
    if not more.get("subject") and not more.get("user_type"):
        short = pdp.allows(asked["subject"]["id"], asked["action"]["name"], asked["resource"], asked.get("context"))
        assert short is decision.allowed
        first = pdp.deciding(asked["subject"]["id"], asked["action"]["name"], asked["resource"], asked.get("context"))
        assert first == (decision.rules[0]["id"] if decision.rules else None)
    assert decision.allowed is (decision.code == "allowed")
    explained = pdp.explain(asked)
    assert explained.to_dict()["code"] == decision.code
    return decision.code


def explained(pdp: Pdp, *args: Any, **more: Any) -> Json:
    """A request's explanation as JSON."""
    return pdp.explain(request(*args, **more)).to_dict()


def briefly(repairs: list[list[Json]]) -> list[list[str]]:
    """Repairs in short: `activate`, `hold ROLE@SCOPE`, `condition LINE`, `deny LINE`; atoms of a set sorted."""
    return [sorted(_atom(atom) for atom in repair) for repair in repairs]


def _atom(atom: Json) -> str:
    if atom["kind"] == "activate":
        return "activate"
    if atom["kind"] == "hold_role":
        return f"hold {atom['role']}@{atom['scope']}"
    return f"{atom['kind']} {atom['line']}"


def repairs(pdp: Pdp, *args: Any, **more: Any) -> list[list[str]]:
    """A denial's repairs in short, in their order."""
    found = explained(pdp, *args, **more)
    assert found["repairs_complete"] is True
    return briefly(found["repairs"])


# Conditions: what one comes to


def truth(
    condition: str,
    declared: str = "",
    *,
    context: str = "",
    user: str = "",
    more: str = "",
    directory: str = ANN,
    given: Mapping[str, Any] | None = None,
    sent: Mapping[str, Any] | None = None,
    id: str | None = "1",
    clock: Callable[[], int] | None = None,
) -> bool | None:
    """A condition's value: True, False, or None for unknown. `declared` are the resource's attributes, `given` their
    values; `context` and `user` declare theirs, `sent` is the context.

    An allow applies only where it is true, a deny unless it is false, and the two must agree."""
    text = f"""
    scope company
    scope branch in company
    area desk {{ resource note {{ {declared} actions yes, no, forbidden }} }}
    context {{ {context} }}
    user {{ {user} }}
    {more}
    role r {{
      allow yes on note when {condition}
      allow no on note when not ({condition})
      allow forbidden on note
      deny forbidden on note when {condition}
    }}
    """
    pdp = bind(text, directory, clock)
    answers = {
        action: code(pdp, "ann", action, "note", id, context=sent, **(given or {}))
        for action in ("yes", "no", "forbidden")
    }
    true, false = answers["yes"] == "allowed", answers["no"] == "allowed"
    assert not (true and false)
    assert answers["forbidden"] == ("allowed" if false else "denied_by_rule")
    return True if true else False if false else None


def holds_up(condition: str, declared: str = "", *, context: str = "", user: str = "", more: str = "") -> bool:
    """Whether a policy with this condition compiles."""
    return compiles(
        f"""
        scope company
        area desk {{ resource note {{ {declared} actions read }} }}
        context {{ {context} }}
        user {{ {user} }}
        {more}
        role r {{ allow read on note when {condition} }}
        """
    )
