"""What the exact rules claim of generated policies as they are, and what they leave unsaid, held against two others.

| claim | held against |
|---|---|
| W203, W204, W205 at a rule | the policy without it: no difference, and random requests decided alike |
| none of them, nor W206 | the policy without it: a difference |
| the cover of a W203 | the policy without the others of its effect: still no difference without it |
| W206 | random complete requests to a policy of that one rule never show the other value |
| W301 | random requests by holders of either role decided alike |
| no W301 | a policy whose one role is but the other, included: a difference |
| W302 | random requests that the contained role's holder may make, the other's may |
| W709 | the policy without the deny: a difference |

A rule is taken away by blanking its text and compiling again; requests are decided by the evaluator.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from referee.generate import Maker
from referee.world import NOW

from remit import DirectoryError, Policy
from remit.diagnostics import Diagnostic
from remit.directory.shape import Assignment, Directory
from remit.model.expression import attributes, names
from remit.model.policy import Rule
from remit.project.looked import whole_path
from remit.project.policies import load
from remit.proof.compare import compare
from remit.proof.prover import Prover
from remit.source import Span
from remit.table.shape import Table

from .ground import Ground, Spot, generated

_DEAD = ("W203", "W204", "W205")
_SHIFT = 40  # requests to one directory


def judge_all(below: Path, count: int, requests: int, seed: int, seen: Counter[str]) -> Iterator[str]:
    """Every claim that is wrong, with its policy."""
    for ground in generated(below, count, seed):
        random = Random(f"{seed}/{ground.name}")
        for wrong in judge(ground, random, requests, seen):
            yield f"{ground.name}: {wrong}\n" + "\n".join(
                f"--- {path}\n{text}" for path, text in _layers(ground).items()
            )


def judge(ground: Ground, random: Random, requests: int, seen: Counter[str]) -> Iterator[str]:
    found = ground.before("W203")
    prover = Prover(ground.table)
    for spot in ground.spots:
        yield from _rule(ground, spot, found, prover, random, requests, seen)
    for finding in found:
        if finding.code == "W206":
            yield from _constant(ground, finding, random, requests, seen)
    yield from _roles(ground, found, random, requests, seen)
    for finding in ground.before("W302"):
        if finding.code == "W302":
            yield from _contained(ground, finding, random, requests, seen)
    for finding in ground.before("W709"):
        if finding.code == "W709" and finding.span is not None:
            seen["W709"] += 1
            if compare(ground.table, _blanked(ground, [finding.span])).empty:
                yield f"W709 of a deny that takes nothing: {finding.span.text}"


# -- rules -----------------------------------------------------------------------------------------------------------


def _rule(
    ground: Ground,
    spot: Spot,
    found: list[Diagnostic],
    prover: Prover,
    random: Random,
    requests: int,
    seen: Counter[str],
) -> Iterator[str]:
    said = {one.code for one in found if one.code in _DEAD and one.span is not None and _same(one.span, spot.rule.span)}
    without = _blanked(ground, [spot.rule.span])
    difference = compare(ground.table, without)
    seen["rules"] += 1
    if difference.unproven:
        seen["unproven"] += 1
        return
    text = spot.rule.span.text
    if said and not difference.empty:
        yield f"{said} of a rule that decides: {text}\n{difference.changes[0]}"
    elif said:
        seen[min(said)] += 1
        yield from _alike(ground, Policy(ground.table), Policy(without), random, requests, f"{said}: {text}", seen)
        yield from _cover(ground, spot, prover, seen)
    elif difference.empty and not _constant_said(spot, found):
        if _reads_roles(ground, spot):
            seen["dead, not told, beside what reads user.roles"] += 1
            return
        yield f"nothing is said of a rule that decides nothing: {text}; {prover.dead(spot.entry)}"
    elif difference.empty:
        seen["dead, told by W206"] += 1


def _reads_roles(ground: Ground, spot: Spot) -> bool:
    """Whether a rule about one of its cells reads `user.roles`."""
    return any(
        rule.condition is not None
        and any((attr.root, attr.name) == ("user", "roles") for attr in attributes(rule.condition))
        and any(not set(actions).isdisjoint(rule.cells.get(name, ())) for name, actions in spot.entry.cells.items())
        for rule in ground.table.rules
    )


def _constant_said(spot: Spot, found: list[Diagnostic]) -> bool:
    """Whether its condition, or a named one in it, is told to be constant."""
    named = names(spot.rule.condition) if spot.rule.condition is not None else frozenset()
    return any(
        one.code == "W206"
        and one.span is not None
        and (_same(one.span, spot.rule.condition_span) or any(f"condition `{name}`" in one.message for name in named))
        for one in found
    )


def _same(one: Span, other: Span | None) -> bool:
    return other is not None and whole_path(one.source) == whole_path(other.source) and one.start == other.start


def _cover(ground: Ground, spot: Spot, prover: Prover, seen: Counter[str]) -> Iterator[str]:
    """Whether the rules that are named do cover it, without the others of its effect."""
    dead = prover.dead(spot.entry)
    if dead is None or not dead.cover or dead.why == "idle" or _reads_roles(ground, spot):
        return  # where roles are read, none is named
    seen["covers"] += 1
    kept = {(rule.place.file, rule.place.line, rule.place.column) for rule in (*dead.cover, spot.entry)}
    others = [
        span for place, span, rule in _all_rules(ground) if rule.effect == spot.entry.effect and place not in kept
    ]
    if not compare(_blanked(ground, others), _blanked(ground, [*others, spot.rule.span])).empty:
        yield f"{dead.why}: the cover does not cover {spot.rule.span.text}: {[rule.place for rule in dead.cover]}"


def _all_rules(ground: Ground) -> Iterator[tuple[tuple[str, int, int], Span, Rule]]:
    """The rules of all layers, with the places that the table knows them by."""
    for level, layer in enumerate(layers := ground.model.layers()):
        prefix = "" if level == len(layers) - 1 else f"{layer.name}:"
        rules = [rule for role in layer.roles.values() for rule in role.rules]
        rules += [rule for extended in layer.extensions.values() for rule in extended]
        for rule in [*rules, *layer.everyone, *layer.members]:
            span = rule.span
            yield (prefix + span.source.name, span.line, span.column), span, rule


def _layers(ground: Ground) -> dict[str, str]:
    """The texts of all layers by whole path."""
    return {whole_path(source): source.text for source in load(ground.folder).sources}


def _blanked(ground: Ground, spans: list[Span], instead: str = "") -> Table:
    """The policy with some stretches blank, the first of them `instead`."""
    texts = _layers(ground)
    for at, span in enumerate(spans):
        path = whole_path(span.source)
        blank = re.sub(r"[^\n]", " ", span.text)
        if at == 0 and instead:
            blank = instead.ljust(len(blank))
            assert len(blank) == len(span.text)
        texts[path] = texts[path][: span.start] + blank + texts[path][span.end :]
    table = load(ground.folder, texts).compiled.table
    assert table is not None, "blanking a rule leaves a policy that compiles"
    return table


# -- conditions ------------------------------------------------------------------------------------------------------


def _constant(ground: Ground, finding: Diagnostic, random: Random, requests: int, seen: Counter[str]) -> Iterator[str]:
    """A policy of one rule, which allows where the condition is true: asked by somebody who holds all roles."""
    assert finding.span is not None
    named = re.match(r"condition `(\w+)`", finding.message)
    always = " always true" in finding.message
    for spot in ground.spots:
        condition = spot.rule.condition
        if condition is None or spot.rule.condition_span is None:
            continue
        if named:
            if named[1] not in names(condition):
                continue
            text = named[1]
        elif _same(finding.span, spot.rule.condition_span):
            text = spot.rule.condition_span.text
        else:
            continue
        seen["W206"] += 1
        table = _one_rule(ground, spot, text)
        if table is None:
            seen["W206, not asked"] += 1
            return
        pdp = None
        for done in range(requests):
            if done % _SHIFT == 0:
                maker = _maker(ground, random)
                directory = _complete(ground, maker)
                pdp = _bound(Policy(table), directory)
            if pdp is None:
                continue
            request = _complete_request(ground, maker, directory, random.choice(sorted(spot.entry.cells)), spot)
            decision = pdp.decide(request)
            seen["complete requests"] += 1
            if decision.code == "invalid_request":
                continue
            if decision.allowed != always:
                yield f"W206 {finding.message}: {request} is {decision.code}"
                return
        if not named:
            return


def _one_rule(ground: Ground, spot: Spot, text: str) -> Table | None:
    """The policy with one rule alone, which allows what a rule speaks of to everyone, when …"""
    texts = _layers(ground)
    edits = sorted((whole_path(span.source), span.start, span.end) for _, span, _ in _all_rules(ground))
    for path, start, end in reversed(edits):
        texts[path] = texts[path][:start] + re.sub(r"[^\n]", " ", texts[path][start:end]) + texts[path][end:]
    rules = [f"  allow {', '.join(actions)} on {name} when {text}" for name, actions in spot.entry.cells.items()]
    path = whole_path(spot.rule.span.source)
    texts[path] += "\neveryone {\n" + "\n".join(rules) + "\n}\n"
    return load(ground.folder, texts).compiled.table


def _maker(ground: Ground, random: Random) -> Maker:
    assert ground.case is not None
    maker = Maker(random, small=False)
    maker.world = ground.case.world
    return maker


def _complete(ground: Ground, maker: Maker) -> Directory:
    """A directory in which nothing is missing."""
    directory = maker.directory()
    users = {
        name: user._replace(status="active", attributes=maker.values(maker.world.user, 1.0))
        for name, user in directory.users.items()
    }
    return directory._replace(users=users)


def _complete_request(ground: Ground, maker: Maker, directory: Directory, name: str, spot: Spot) -> dict[str, Any]:
    kind = maker.world.kinds[name]
    user = maker.one(list(directory.users)) if directory.users else "ann"
    properties = maker.values(list(kind.attributes.values()), 1.0)
    kinds = list(maker.world.scopes)
    if kinds:
        properties["scope"] = maker.one([*directory.scopes, kinds[0]])
    return {
        "subject": {"type": directory.users[user].type if user in directory.users else "user", "id": user},
        "action": {"name": maker.one(spot.entry.cells[name])},
        "resource": {"type": name, "id": maker.one(["r1", "r2", "ann", "bob"]), "properties": properties},
        "context": maker.values(maker.world.context, 1.0),
    }


# -- roles -----------------------------------------------------------------------------------------------------------


def _roles(ground: Ground, found: list[Diagnostic], random: Random, requests: int, seen: Counter[str]) -> Iterator[str]:
    said = set()
    for finding in found:
        if finding.code == "W301":
            one, other = re.findall(r"`(\w+)`", finding.message)[:2]
            said.add(frozenset((one, other)))
            seen["W301"] += 1
            yield from _held_alike(ground, one, other, random, requests, seen, both=True)
    together = [set(pair) for pair in said]
    roles = ground.table.roles
    reads = any("user.roles" in text for text in _layers(ground).values())
    if ground.layered or reads:
        return
    ruled = {facet for rule in ground.table.rules for facet in rule.facets}
    idle = {
        facet
        for spot in ground.spots
        for facet in spot.entry.facets
        if any(f.code == "W205" and f.span is not None and _same(f.span, spot.rule.span) for f in found)
    }  # a deny that never bites tells two roles apart until it is taken away
    for one in ground.model.roles:
        for other in ground.model.roles:
            if (
                one == other
                or one in roles[other].includes
                or not (ruled & roles[one].facets and ruled & roles[other].facets)
            ):
                continue
            if idle & (roles[one].facets | roles[other].facets):
                continue
            if any(one in names_ and other in names_ for names_ in _joined(together)):
                continue
            table = _but_included(ground, one, other)
            if table is None:
                continue
            seen["pairs of roles"] += 1
            if compare(ground.table, table).empty:
                yield f"W301 is not said of `{one}` and `{other}`"


def _joined(pairs: list[set[str]]) -> list[set[str]]:
    found: list[set[str]] = []
    for pair in pairs:
        touching = [one for one in found if one & pair]
        found = [one for one in found if not one & pair] + [pair.union(*touching)]
    return found


def _but_included(ground: Ground, one: str, other: str) -> Table | None:
    """The policy in which one role is but the other, included."""
    texts = _layers(ground)
    role = ground.model.roles[one]
    path = whole_path(role.span.source)
    edits = [(whole_path(rule.span.source), rule.span.start, rule.span.end, "") for rule in role.rules]
    brace = texts[path].index("{", role.span.start)
    head = texts[path][role.span.start : brace].partition(" includes ")[0].rstrip()
    edits.append((path, role.span.start, brace, f"{head} includes {other} "))
    for where, start, end, text in sorted(edits, reverse=True):
        texts[where] = texts[where][:start] + text + texts[where][end:]
    return load(ground.folder, texts).compiled.table


def _contained(ground: Ground, finding: Diagnostic, random: Random, requests: int, seen: Counter[str]) -> Iterator[str]:
    larger, smaller = re.findall(r"`(\w+)`", finding.message)[:2]
    seen["W302"] += 1
    yield from _held_alike(ground, smaller, larger, random, requests, seen, both=False)


def _held_alike(
    ground: Ground, one: str, other: str, random: Random, requests: int, seen: Counter[str], both: bool
) -> Iterator[str]:
    """Requests by people who hold the one role, then the other; `both`: the same answer, else a yes stays one."""
    policy = Policy(ground.table)
    pdps: list[Any] = []
    for done in range(requests):
        if done % _SHIFT == 0:
            maker = _maker(ground, random)
            directory = maker.directory()
            pdps = [_bound(policy, _holding(directory, {one, other}, name, both)) for name in (one, other)]
        if None in pdps:
            continue
        request = maker.request(directory)
        before, after = (pdp.decide(request).allowed for pdp in pdps)
        seen["requests of roles"] += 1
        if (before != after) if both else (before and not after):
            yield f"{'W301' if both else 'W302'} of `{one}` and `{other}`: {request}\n{directory}"
            return


def _holding(directory: Directory, names_: set[str], name: str, keep: bool) -> Directory:
    """The directory, with one role in place of two; without any other unless `keep`."""

    def given(some: tuple[Assignment, ...]) -> tuple[Assignment, ...]:
        return tuple(
            one._replace(role=name) if one.role in names_ or not keep or i == 0 else one for i, one in enumerate(some)
        )

    users = {key: user._replace(assignments=given(user.assignments)) for key, user in directory.users.items()}
    groups = {key: group._replace(assignments=given(group.assignments)) for key, group in directory.groups.items()}
    return directory._replace(users=users, groups=groups)


# -- requests --------------------------------------------------------------------------------------------------------


def _alike(
    ground: Ground, old: Policy, new: Policy, random: Random, requests: int, what: str, seen: Counter[str]
) -> Iterator[str]:
    pdps: list[Any] = []
    for done in range(requests):
        if done % _SHIFT == 0:
            maker = _maker(ground, random)
            directory = maker.directory()
            pdps = [_bound(policy, directory) for policy in (old, new)]
        if None in pdps:
            continue
        request = maker.request(directory)
        before, after = (pdp.decide(request).allowed for pdp in pdps)
        seen["requests"] += 1
        seen["of these allowed"] += before
        if before != after:
            yield f"{what}, but {request} is decided otherwise\n{directory}"
            return


def _bound(policy: Policy, directory: Directory) -> Any:
    try:
        return policy.bind(directory, clock=lambda: NOW)
    except DirectoryError:
        return None
