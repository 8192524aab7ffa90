"""Verdicts that are kept, and those that are dropped because they are too many."""

from __future__ import annotations

import json

import pytest

from remit import Directory, Policy
from remit.evaluator import verdicts

ACTIONS = [f"a{at}" for at in range(6)]
POLICY = f"""
area shop {{ resource note {{ owner: user  actions {", ".join(ACTIONS)} }} }}
role reader {{ allow a0, a1, a2 on note  allow a3 on note when resource.owner == user.id  deny a2 on note }}
role writer {{ allow a4 on note }}
"""
USERS = {"ann": ["reader"], "bob": ["writer"], "cyd": ["reader", "writer"], "dan": []}


def test_what_is_dropped_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few are kept, every answer is that of a decision point that keeps them all, and so is every rule."""
    people = {name: {"assignments": [{"role": role} for role in roles]} for name, roles in USERS.items()}
    directory = Directory.from_text(json.dumps({"users": people}))
    policy = Policy.from_sources({"shop.remit": POLICY})
    asked = [
        (user, action, {"type": "note", "properties": {"owner": owner}})
        for _ in range(3)
        for user in USERS
        for action in ACTIONS
        for owner in ("ann", "bob")
    ]
    all_kept = policy.bind(directory)
    expected = [(all_kept.allows(*one), all_kept.deciding(*one)) for one in asked]
    assert {allowed for allowed, _ in expected} == {True, False}
    monkeypatch.setattr(verdicts, "MOST", 3)
    few_kept = policy.bind(directory)
    assert [(few_kept.allows(*one), few_kept.deciding(*one)) for one in asked] == expected


def test_no_more_are_kept_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that are kept go at once, and so does whoever held them."""
    monkeypatch.setattr(verdicts, "MOST", 3)
    policy = Policy.from_sources({"shop.remit": POLICY})
    kept = verdicts.Verdicts(policy.index)
    for action in ACTIONS:
        cell, standing = policy.index.cells["note"][action], kept.of(1 << 2, 1 << 2)
        assert (standing.allowing[cell] is False) is (action in ("a2", "a4", "a5"))
        assert len(standing.allowing) <= 3
